"""shell: a prompt for the commands."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from click.shell_completion import ShellComplete

from flyexpr.cli import notes, options
from flyexpr.cli.endings import ended
from flyexpr.cli.session import Session

_HISTORY = "FLYEXPR_HISTORY"
_KEPT = 1000  # lines of the history
_OPERATORS = {"|", ">", ">>", "<", "&", "&&", ";"}
_DELIMITERS = " \t\n(),=<>+"  # before what is completed; after a quote among them readline would add another one


@click.command()
@options.engine
def shell() -> None:
    """A prompt for the commands, without `flyexpr` before them; an error ends a command, and not the shell.

    Quotes are as in other shells. At a terminal there are completion by the Tab key and a history, which is kept in
    ~/.flyexpr_history, or the file that FLYEXPR_HISTORY names. Ctrl-C ends a command, Ctrl-D the shell. The exit code
    is that of the last command.

    \b
    flyexpr shell --engine sqlite:movies.db
    flyexpr shell < commands.txt
    """
    program, session = click.get_current_context().find_root().command, options.session()
    code = 0
    with _input(program, session) as read:
        while (words := _words(read)) is not None:
            if words[:1] in (["exit"], ["quit"]):
                break
            if words:
                code = ended(words, lambda words=words: _do(program, session, words))  # type: ignore[misc]
    raise click.exceptions.Exit(code)


Read = Callable[[str], str | None]  # takes what the command has begun with, in lines before; None at the end


def _words(read: Read) -> list[str] | None:
    """The words of the next command; None at the end. A quote that is open goes on in the next line."""
    text = ""
    while True:
        try:
            line = read(text)
        except KeyboardInterrupt:
            print(file=sys.stderr)
            return []
        if line is None:
            if text:
                raise click.UsageError(f"a quote is not closed: {text.strip()}")
            return None
        if not text and line.lstrip().startswith("#"):
            return []
        text += line + "\n"
        with suppress(ValueError):
            words = shlex.split(text)
            return words[1:] if words[:1] == ["flyexpr"] else words


def _do(program: click.Command, session: Session, words: list[str]) -> object:
    if operators := _OPERATORS.intersection(words):
        raise click.UsageError(f"{min(operators)} is for other shells; here a line is one command")
    if words[0] in ("help", "?"):
        words = [*words[1:], "--help"]
    return program.main(words, "flyexpr", standalone_mode=False, obj=session)


@contextmanager
def _input(program: click.Command, session: Session) -> Iterator[Read]:
    """What reads a line: with a prompt and a history at a terminal, else from standard input."""
    if not sys.stdin.isatty():
        yield lambda begun: _line_of(sys.stdin.buffer.readline())
        return
    notes.note(f"{session.shown}; help lists the commands, Ctrl-D ends")
    before = ""

    def complete(line: str, text: str) -> list[str]:
        return completed(program, session, before + line, text)

    with _history(complete) as keep:

        def read(begun: str) -> str | None:
            nonlocal before
            before = begun
            try:
                line = input("    ...> " if begun else "flyexpr> ")
            except EOFError:
                print()
                return None
            if line.strip():
                keep(line)
            return line

        yield read


def _line_of(line: bytes) -> str | None:
    return line.decode("utf-8", "surrogateescape").removeprefix("\ufeff").rstrip("\r\n") if line else None


@contextmanager
def _history(ends: Callable[[str, str], list[str]]) -> Iterator[Callable[[str], None]]:
    """A function that keeps a line; the Tab key completes by `ends`, where Python has readline."""
    try:
        import readline
    except ImportError:  # as on Windows
        yield lambda line: None
        return
    path = Path(os.environ.get(_HISTORY) or "~/.flyexpr_history").expanduser()
    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(_KEPT)
    readline.set_auto_history(False)  # or answers to questions would be kept
    readline.set_completer_delims(_DELIMITERS)
    readline.set_completer(_completer(lambda: readline.get_line_buffer()[: readline.get_endidx()], ends))
    is_edit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_edit else "tab: complete")
    try:
        yield readline.add_history
    finally:
        with suppress(OSError):
            readline.write_history_file(path)


def _completer(
    line_so_far: Callable[[], str], ends: Callable[[str, str], list[str]]
) -> Callable[[str, int], str | None]:
    """What readline asks for one ending after the other, by number; None ends them."""
    endings: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            endings[:] = ends(line_so_far(), text)
        return endings[state] if state < len(endings) else None

    return complete


def completed(program: click.Command, session: Session, line: str, text: str) -> list[str]:
    """What may stand for `text`, the end of a line; a word that is whole gets a space.

    >>> from flyexpr.cli.app import program
    >>> completed(program, Session("sqlite::memory:"), "desc", "desc")
    ['describe ']
    """
    words, last, quote = _parts(line)
    if words[:1] in (["flyexpr"], ["help"]):
        words = words[1:]
    candidates = []
    for item in ShellComplete(program, {"obj": session}, "flyexpr", "").get_completions(words, last):
        candidates += _files(last) if item.type in ("file", "dir") else [item.value]
    ends = [text + value[len(last) :] for value in candidates if value.startswith(last)]
    return [end if quote or end.endswith(("(", ":", "/")) else f"{end} " for end in ends]


def _parts(line: str) -> tuple[list[str], str, str]:
    """The whole words of a line, the one that is begun, and the quote that is open."""
    for quote in ("", "'", '"'):
        with suppress(ValueError):
            words = shlex.split(line + quote)
            begun = bool(words) and (bool(quote) or not line[-1:].isspace())
            return (words[:-1], words[-1], quote) if begun else (words, "", quote)
    return [], "", ""


def _files(begun: str) -> list[str]:
    folder, name = os.path.split(begun)
    with suppress(OSError):
        entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
        names = (entry.name + "/" * entry.is_dir() for entry in entries if entry.name.startswith(name))
        return [os.path.join(folder, name) for name in names if name[0] != "." or begun[-1:] == "."]
    return []
