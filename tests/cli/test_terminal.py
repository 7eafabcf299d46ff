"""The program at a terminal: progress, the question, Ctrl-C."""

import io
import os
import re
import select
import sys

import pytest
from program import COMMAND, Program

from flyexpr.cli.formats.sources import typed
from flyexpr.values.plain_json import item_text

pty = pytest.importorskip("pty")


Answers = dict[bytes, bytes]


def at_terminal(program: Program, *arguments: str, answers: Answers | None = None, **more: str) -> tuple[int, str]:
    """Exit code of the program at a terminal without colours, and what is seen; `answers` are typed after a text."""
    process, terminal = pty.fork()
    if process == 0:  # the child
        os.chdir(program.folder)
        os.execve(
            sys.executable, [*COMMAND, *arguments], program.environment({"TERM": "xterm", "NO_COLOR": "1", **more})
        )
    seen, left = b"", dict(answers or {})
    while True:
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # the terminal's other end is closed
            break
        for question in [question for question in left if question in seen]:
            os.write(terminal, left.pop(question))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), seen.decode()


def test_the_question_before_deleting(movies: Program):
    question = b"Delete every item of Movies where year = 2013? [y/N]"
    delete = ["delete", "Movies", "--where", "year = 2013"]
    code, seen = at_terminal(movies, *delete, answers={question: b"n\n"})
    assert code == 1
    assert "flyexpr: the answer was no, so nothing is changed" in seen
    assert movies("count", "Movies") == "3\n"
    code, seen = at_terminal(movies, *delete, answers={question: b"y\n"})
    assert code == 0
    assert "2 items deleted" in seen
    assert ("passed" in seen, "left" in seen) == (True, False)  # how many match, nobody knows beforehand
    assert movies("count", "Movies") == "1\n"


def test_progress_is_shown(movies: Program):
    lines = "".join(f'{{"year": {n}, "title": "a"}}\n' for n in range(10_000))
    (movies.folder / "many.jsonl").write_text(lines)
    code, seen = at_terminal(movies, "put", "Movies", "many.jsonl")
    assert code == 0
    assert "items" in seen
    assert "units" in seen
    assert "10,000 items put" in seen
    assert re.search(
        r"[ ━╸]+ [\d,]+ items [\d,]+/s [\d,]+ units 0:00:\d\d passed 0:00:\d\d left",
        re.sub(r"\x1b\[[\d;?]*\w", "", seen),
    )


def test_ctrl_c_at_a_terminal(movies: Program):
    lines = "".join(f'{{"year": {n}, "title": "a"}}\n' for n in range(100_000))
    (movies.folder / "many.jsonl").write_text(lines)
    put = ["put", "Movies", "many.jsonl", "--rate", "10000"]  # two units an item: 20 seconds
    code, seen = at_terminal(movies, *put, answers={b",000 items": b"\x03"})
    assert code == 130
    assert "put so far" in seen
    assert "interrupted" in seen
    assert "Traceback" not in seen


@pytest.mark.parametrize("colour", [{"NO_COLOR": ""}, {"NO_COLOR": "1"}])
def test_tables_have_colour_only_where_it_is_wanted(movies: Program, colour):
    code, seen = at_terminal(movies, "scan", "Movies", "--format", "table", **colour)
    assert code == 0
    assert "Gravity" in seen
    assert ("\x1b[1m" in seen) == (not colour["NO_COLOR"])  # the head is bold


WIDE = [
    {"id": "a", "note": "x" * 100, "n": 1, "odd name that takes more than thirty columns": "y"},
    {"id": "b", "n": 22},
]


def test_a_table_that_does_not_fit_has_a_line_for_each_attribute(program: Program):
    program("create", "Wide", "id")
    program("put", "Wide", stdin="\n".join(map(item_text, WIDE)))
    lines = program("scan", "Wide", "--format", "table", COLUMNS="60").splitlines()
    assert sorted(line.rstrip() for line in lines) == sorted(
        [
            "── 1 ──",
            "── 2 ──",
            "id                              a",
            "id                              b",
            "note                            xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            *["                                xxxxxxxxxxxxxxxxxxxxxxxxxxxx"] * 2,
            "                                xxxxxxxxxxxxxxxx",
            "n                               1",
            "n                               22",
            "odd name that takes more than   y",
            "thirty columns",
        ]
    )
    assert "│ a" in program("scan", "Wide", "--format", "table", COLUMNS="200")


def colours(seen: str) -> list[tuple[str, str]]:
    """The words that have a colour, each with its code."""
    return [(code, text.rstrip()) for code, text in re.findall(r"\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0m", seen)]


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}, {"NO_COLOR": ""}])
def test_labels_errors_and_warnings_have_a_colour_only_where_it_is_wanted(movies: Program, more):
    """Black and white without a word of difference."""

    def seen(*arguments: str) -> tuple[list[tuple[str, str]], str]:
        text = at_terminal(movies, *arguments, **more)[1]
        return colours(text), re.sub(r"\x1b\[[\d;]*m", "", text)

    wanted = {
        ("query", "Movies", "wins = 1"): [("1;31", "flyexpr:"), ("36", "  hint:")],
        ("scan", "Movies", "--limit", "0"): [("1;31", "Error:")],
        ("update", "Movies", "1", "a", "SET n = 1", "--if", "n = 1"): [("1;31", "flyexpr:")],
        ("count", "Movies", "wins = 1"): [("33", "flyexpr:")],
        ("get", "Movies", "1", "a"): [],
        ("explain", "Movies", "year = 2013 AND title = 'Rush'"): [
            *[("1", label) for label in ("operation", "index", "not", "key condition", "limits", "cost")],
            ("33", "warning"),
            *[("1", label) for label in ("request", "aws cli")],
        ],
        ("describe", "Movies"): [
            ("1", label) for label in ("table", "partition key", "sort key", "global index", "items", "throughput")
        ],
    }
    for arguments, expected in wanted.items():
        found, text = seen(*arguments)
        assert found == (expected if more == {"NO_COLOR": ""} else []), arguments
        done = movies.run(*arguments)
        plain = (done.stdout + done.stderr).decode()
        assert sorted(text.splitlines()) == sorted(plain.splitlines()) or text == "flyexpr: nothing found\r\n"


def test_the_keyboard_is_said_and_left_at_ctrl_c(movies: Program):
    """Python cannot end while a thread reads the keyboard, unless it is left."""
    said = b"flyexpr: reads lines from the keyboard; Ctrl-D ends them"
    for command in (["put", "Movies"], ["put", "Movies", "--resume", "journal"], ["filter", "n = 1"]):
        code, seen = at_terminal(movies, *command, answers={said: b'{"year": 1, "title": "a"}\n\x03'})
        assert code == 130
        assert seen.rstrip().endswith("flyexpr: interrupted")
        assert "Fatal" not in seen
        assert not (movies.folder / "journal.lock").exists()
    assert at_terminal(movies, "put", "Movies", answers={said: b'{"year": 1, "title": "a"}\n\x04'})[0] == 0
    assert movies("count", "Movies") == "4\n"


def test_the_keyboard_is_read_in_short_turns(monkeypatch: pytest.MonkeyPatch):
    """Else a Ctrl-C that comes just before a read begins would not be seen."""

    class Keyboard(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it reads on until the end")

    turns, wait = [], select.select

    def interrupted(reads, writes, errors, seconds):
        turns.append(seconds)
        if len(turns) == 3:
            raise KeyboardInterrupt
        return wait(reads, writes, errors, 0)

    ours, theirs = os.pipe()
    os.write(theirs, b"typed")
    monkeypatch.setattr("select.select", interrupted)
    with Keyboard(ours) as keyboard, pytest.raises(KeyboardInterrupt):
        typed(keyboard)
    os.close(theirs)
    assert max(turns) < 1


def test_a_terminal_is_told_that_nothing_was_found(movies: Program):
    for command, code in [(["get", "Movies", "1", "a"], 4), (["query", "Movies", "year = 1"], 4)]:
        assert at_terminal(movies, *command) == (code, "flyexpr: nothing found\r\n")
        assert movies.error(*command, code=code) == ""
    assert at_terminal(movies, "scan", "Movies", "n = 1") == (0, "flyexpr: nothing found\r\n")


def test_no_escape_sequence_of_an_item_reaches_a_terminal(program: Program):
    evil = "\x1b]0;title\x07\x9b31m\u202e"
    program("create", "Evil", "id", evil, "--index", f"ByIt {evil}")
    program("put", "Evil", stdin=item_text({"id": evil, evil: evil}))
    for command in (
        ["scan", "Evil"],
        ["scan", "Evil", "--wire"],
        ["scan", "Evil", "--format", "csv"],
        ["scan", "Evil", "--format", "table"],
        ["describe", "Evil"],
        ["describe", "Evil", "--python"],
        ["explain", "Evil", f"id = '{evil}'"],
        ["update", "Evil", evil, evil, "SET n = 1", "--if", "attribute_not_exists(id)"],
        ["delete", "Evil", "--where", f"id = '{evil}' AND n = 5", "--yes"],
        ["filter", f"a = '{evil}"],
        ["put", evil],
    ):
        seen = at_terminal(program, *command, NO_COLOR="1")[1]
        assert "\\u001b]0;title\\u0007\\u009b31m\\u202e" in seen or command[0] == "delete", seen
        assert not set(seen) & set("\x07\x9b\u202e"), command
        assert "\x1b]0" not in seen
    said = program.error("update", "Evil", evil, evil, "SET n = 1", "--if", f"id = 'no{evil}'", code=3)
    assert "id is '\\u001b]0;title\\u0007" in said
    assert program("scan", "Evil", "--project", "id") == item_text({"id": evil}) + "\n"
