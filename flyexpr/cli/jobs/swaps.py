"""Changes that a command does again or takes back: what it leaves alone is printed, and a line says what it came to."""

from __future__ import annotations

from collections.abc import Callable

import click

from flyexpr.changes.change import Change
from flyexpr.cli import dialogue, notes
from flyexpr.cli.formats.sinks import write_items
from flyexpr.steps.many.images import OnRefused
from flyexpr.values.types import Item


def swapped(work: Callable[[OnRefused], int], end: str, *, dry_run: bool, quiet: bool = False) -> None:
    """Does the work; the exit code is 1 where an item was left alone.

    `end` is what an item is then, such as "as it was", or of several "as they were".
    """
    left = 0
    with dialogue.standard_output() as stream:

        def refused(change: Change, item: Item | None) -> None:
            nonlocal left
            left += 1
            write_items([{"key": change.key, "now": item}], stream, "json")

        done = work(refused)
    if not quiet:
        notes.note(_said(done, left, end, dry_run))
    if left:
        raise click.exceptions.Exit(notes.FAILED)


def _said(done: int, left: int, end: str, dry_run: bool) -> str:
    """The line at the end: how many items are as they should be, and how many were left alone.

    >>> _said(1, 0, "as it was", False), _said(2, 1, "as it was", True)
    ('1 item is as it was', '2 items would be as they were, and 1 was changed again')
    """
    subject, end = ("1 item", end) if done == 1 else (f"{done:,} items", end.replace("it was", "they were"))
    verb = "would be" if dry_run else "is" if done == 1 else "are"
    rest = f", and {left:,} {'was' if left == 1 else 'were'} changed again" if left else ""
    return f"{subject} {verb} {end}{rest}"
