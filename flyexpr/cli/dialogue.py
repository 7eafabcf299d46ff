"""What commands say and ask: their lines, their plans, and what a person has to answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from flyexpr.cli.formats.terminal_text import labelled, plain, shown
from flyexpr.cli.hints import plan_in_words, quoting
from flyexpr.cli.notes import note
from flyexpr.errors import FlyexprError
from flyexpr.values.layout import rows_text


def say(text: object) -> None:
    """A line of a command's own, on stdout."""
    click.echo(shown(str(text), sys.stdout))


def say_labelled(text: object, width: int = 14) -> None:
    """Lines of a command's own that begin with a label."""
    click.echo(labelled(shown(str(text), sys.stdout), width, sys.stdout))


def plan(wanted: bool, *lines: object, look: Callable[[], object] | None = None) -> None:
    """Prints a plan and ends the command, where only that is wanted; `look` prints what a dry run finds."""
    if wanted:
        say_labelled(plan_in_words("\n".join(map(str, lines))))
        if look is not None:
            look()
        raise click.exceptions.Exit(0)


def step(label: str, text: str) -> str:
    """A line of a plan, under the label that the library's own lines would have."""
    return rows_text([(label, text)])


def confirm(question: str, yes: bool) -> None:
    """Asks, unless `--yes` is given; FlyexprError if the answer is no, UsageError if there is no terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is no terminal to ask at; write --yes.")
    if not click.confirm(plain(question), err=True):
        raise FlyexprError("the answer was no, so nothing is changed")


def nothing_found(condition: str | None = None) -> None:
    """Says on stderr why nothing may be found; at a terminal, also without a reason."""
    hint = quoting(condition or "")
    if hint or sys.stderr.isatty():
        note("nothing found" + (f"\n  hint: {hint}" if hint else ""))


def keyboard(file: str) -> bool:
    """Whether a command reads what is typed; it says so on stderr."""
    if typed := file == "-" and sys.stdin.isatty():
        note("reads lines from the keyboard; Ctrl-D ends them")
    return typed


@contextmanager
def standard_output() -> Iterator[Any]:
    """Standard output as bytes, written out at the end."""
    stream = sys.stdout.buffer
    yield stream
    stream.flush()
