"""`flyexpr shell`: its input, its endings, and what it does at a terminal."""

import io
import os
import select
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from program import COMMAND, Inside, Program

from flyexpr.cli.app import program as commands
from flyexpr.cli.commands.prompting import _history, completed
from flyexpr.cli.session import Session

pty = pytest.importorskip("pty")

SCRIPT = """\
# a comment, and a line without words

create Movies year:N title
flyexpr put Movies '{"year": 2013, "title": "Rush"}'
query Movies "year = 2013
 AND title = 'Rush'"
scan Nope
count Movies
"""


def test_a_script_goes_on_after_an_error_on_one_engine(inside: Inside):
    assert inside("shell", "--engine", "sqlite::memory:", stdin=SCRIPT) == (
        0,
        '{"year": 2013, "title": "Rush"}\n1\n',
        "flyexpr: there is no table 'Nope' in sqlite::memory:\n"
        "  hint: flyexpr tables lists those that are there, and flyexpr create Nope KEY makes it\n",
    )


@pytest.mark.parametrize(
    "script, code, said",
    [
        ("", 0, ""),
        ("tables", 0, ""),
        ("get Movies 1 a\n", 4, ""),
        ("get Movies 1 a\ntables\n", 0, ""),
        ("get Movies 1 a\nexit\nget", 4, ""),
        ("\ufeffget Movies 1 a\r\n", 4, ""),  # as a file that Notepad has saved
        ("quit\nget", 0, ""),
        ("scan Movies | wc", 2, "Error: | is for other shells; here a line is one command\n"),
        ("tables\nscan 'x\ny", 2, "Error: a quote is not closed: scan 'x\ny\n"),
        ("update Movies 1 a 'SET n = 1' --if 'n = 2'\n", 3, "flyexpr: there is no such item, so n = 2 was false\n"),
        ("qery", 2, "Error: No such command 'qery'. Did you mean 'query'?\n"),
    ],
)
def test_the_exit_code_is_that_of_the_last_command(inside: Inside, script: str, code: int, said: str):
    inside("create", "Movies", "year:N", "title")
    end = inside("shell", stdin=script)
    assert (end.code, end.err[-len(said) :] if said else end.err) == (code, said)


def test_help_of_commands(inside: Inside):
    assert inside("shell", stdin="help get").out == inside("get", "--help").out
    assert inside("shell", stdin="?").out == inside("--help").out


def test_a_command_reads_what_follows_it(inside: Inside):
    """As in sh: the lines after it are its input."""
    inside("create", "Movies", "year:N", "title")
    script = 'put Movies --quiet\n{"year": 1, "title": "a"}\n{"year": 2, "title": "b"}\n'
    assert inside("shell", stdin=script) == (0, "", "")
    assert inside("count", "Movies").out == "2\n"


def test_a_command_may_name_another_engine(program: Program, inside: Inside):
    inside("create", "Movies", "year:N", "title")
    script = [
        "create Others id --engine sqlite:o.db",
        "tables",
        "tables --engine sqlite:o.db",
        "--engine sqlite:o.db tables",
    ]
    assert inside("shell", stdin="\n".join(script)).out == "Movies\nOthers\nOthers\n"


def test_a_reader_that_is_gone_ends_the_shell(movies: Program):
    script = (
        "(for n in $(seq 2000); do echo 'scan Movies'; done) | flyexpr shell | head -n 1 | wc -l; echo ${PIPESTATUS[1]}"
    )
    assert movies.shell(script).split() == ["1", "0"]


@pytest.mark.parametrize(
    "line, ends",
    [
        ("desc", ["describe "]),
        ("flyexpr desc", ["describe "]),
        ("help desc", ["describe "]),
        ("query Mo", ["Movies "]),
        ('query Movies "year = 2013 AND ti', ["title"]),
        ("query Movies 'begins_w", ["'begins_with("]),
        ('query Movies "ti', ['"title']),
        ("query Movies ti", ["title "]),
        ("scan Movies --index ", ["ByTitle "]),
        ("put Movies so", ["some.jsonl ", "sorted/"]),
        ("put Movies sorted/", ["sorted/a.jsonl "]),
        ("put Movies none/", []),
        ("scan --engine sq", ["sqlite:"]),
        ("scan 'a' \"b' c", []),
    ],
)
def test_completed_in_the_shell(movies: Program, inside: Inside, line: str, ends: list[str]):
    (movies.folder / "some.jsonl").touch()
    (movies.folder / ".someone").touch()
    (movies.folder / "sorted").mkdir()
    (movies.folder / "sorted" / "a.jsonl").touch()
    text = line.split(" ")[-1]
    assert completed(commands, Session("sqlite:tables.db"), line, text) == ends


def test_without_readline_nothing_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "readline", None)
    with _history(lambda line, text: []) as keep:
        assert keep("tables") is None


def talk(program: Program, *lines: tuple[str, str]) -> tuple[int, str]:
    """Exit code of a shell at a terminal, and what is seen there; each text is typed once another one has come."""
    process, terminal = pty.fork()
    if process == 0:  # the child
        os.chdir(program.folder)
        more = {"TERM": "dumb", "FLYEXPR_HISTORY": "history"}
        os.execve(sys.executable, [*COMMAND, "shell"], program.environment(more))
    seen, at, before = "", 0, ""
    for awaited, typed in lines:
        while awaited not in seen[at:]:
            while before == "\x03" and not select.select([terminal], [], [], 2)[0]:
                os.write(terminal, b"\x03")  # readline does not see one that comes just before it begins to wait
            assert select.select([terminal], [], [], 60)[0], seen
            seen += os.read(terminal, 65536).decode()
        before = typed
        at = seen.index(awaited, at) + len(awaited)
        os.write(terminal, typed.encode())
    while True:
        try:
            seen += os.read(terminal, 65536).decode()
        except OSError:  # the terminal's other end is closed
            break
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), seen.replace("\r\n", "\n")


PROMPT = "flyexpr> "


def test_a_conversation(movies: Program):
    code, seen = talk(
        movies,
        (PROMPT, "cou\tMov\t\n"),
        ("3\r\n", ""),
        (PROMPT, 'query Movies "yea\t = 1991 AND\n'),
        ("    ...> ", "tit\t = 'Rush'\" --project wins\n"),
        ('{"wins": 1}', ""),
        (PROMPT, "scan Mov"),
        ("scan Mov", "\x03"),
        (PROMPT, "put Movies\n"),
        ("Ctrl-D ends them", '{"year": 1, "title": "a"}\n\x03'),
        ("flyexpr: interrupted", ""),
        (PROMPT, "put Movies\n"),
        ("Ctrl-D ends them", '{"year": 1, "title": "a"}\n\x04'),
        ("1 item put", ""),
        (PROMPT, "count Movies\n"),
        ("4\r\n", ""),
        (PROMPT, "get Movies 9 z\n"),
        ("flyexpr: nothing found", ""),
        (PROMPT, "\x04"),
    )
    assert code == 4
    assert seen.startswith("flyexpr: sqlite:tables.db; help lists the commands, Ctrl-D ends\n")
    assert "Traceback" not in seen


def test_the_history_is_kept(movies: Program):
    assert talk(movies, (PROMPT, "count Movies\n"), ("3\r\n", ""), (PROMPT, "exit\n"))[0] == 0
    history = movies.folder / "history"
    assert history.read_text().split("\n")[-3:] == ["count Movies", "exit", ""]
    assert history.stat().st_mode & 0o077 == 0
    question = "with all of its items? [y/N]: "
    code, _ = talk(
        movies,
        (PROMPT, "\x1b[A\x1b[A\n"),
        ("3\r\n", ""),
        (PROMPT, "drop Movies\n"),
        (question, "n\n"),
        (PROMPT, "\x04"),
    )
    assert code == 1
    assert history.read_text().split("\n")[-3:] == ["count Movies", "drop Movies", ""]


def test_a_history_that_cannot_be_kept_is_no_matter(movies: Program):
    (movies.folder / "history").mkdir()
    assert talk(movies, (PROMPT, "exit\n"))[0] == 0
    assert Path(movies.folder / "history").is_dir()


class Keyboard(io.BytesIO):
    """A standard input that seems to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_conversation_without_a_terminal(inside: Inside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The same loop in this process, with other hands at the keyboard."""
    monkeypatch.setattr("program.io", SimpleNamespace(BytesIO=Keyboard, TextIOWrapper=io.TextIOWrapper))
    monkeypatch.setenv("FLYEXPR_HISTORY", str(tmp_path / "history"))
    lines = iter(["create Movies id", "count Movies", "", KeyboardInterrupt, "count 'Movies", "'", EOFError])
    prompts = []

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        line = next(lines)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", typed)
    code, out, said = inside("shell", "--engine", "sqlite::memory:")
    assert (code, out) == (1, "0\n\n")
    assert said.startswith("flyexpr: sqlite::memory:; help lists the commands, Ctrl-D ends\n\n")
    assert prompts == [PROMPT] * 5 + ["    ...> ", PROMPT]
