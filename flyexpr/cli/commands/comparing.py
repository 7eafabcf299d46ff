"""diff: what differs between two tables, item by item."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import click

from flyexpr.cli import completions, dialogue, notes, options
from flyexpr.cli.formats.terminal_text import in_one_line
from flyexpr.cli.keys import key_text
from flyexpr.cli.session import Session
from flyexpr.errors import FlyexprError
from flyexpr.expressions.diff import diff as difference
from flyexpr.expressions.show import show
from flyexpr.requests.operations import GetItem, Scan
from flyexpr.schema.table import Table
from flyexpr.sync import run
from flyexpr.values.freeze import freeze_item
from flyexpr.values.layout import amount
from flyexpr.values.types import Item


@click.command()
@options.table
@click.argument("other", required=False, shell_complete=completions.table_names)
@click.option(
    "--to",
    metavar="URL",
    help="The engine of the other table; the same when left out.",
    shell_complete=completions.engines,
)
@options.segments
@options.engine
def diff(table: str, other: str | None, to: str | None, segments: int) -> None:
    """What differs between two tables with the same key; the order of items and attributes does not matter.

    Each line begins with the key of an item: after `-` if only the first table has it, after `+` if only the other has
    it, and after `~` if it differs; then the update follows that makes the first like the other. Exit code 3 if there
    is any. A line break in a text is shown as \\u000a. Both tables are read whole, with some 200 bytes of memory for
    each item.

    \b
    flyexpr diff Movies Copies
    flyexpr diff Movies --to sqlite:backup.db
    """
    if other is None:
        if to is None:
            raise click.UsageError("say which table to compare with: its name, or by --to the engine that has it too")
        other = table
    session = options.session()
    one, two = session.table(table), (Session(to) if to else session).table(other)
    if [(name, one.kind(name)) for name in one.keys] != [(name, two.kind(name)) for name in two.keys]:
        raise FlyexprError(f"{table} and {other} have different keys, so their items cannot be compared")
    read = Scan(segments=segments if segments > 1 else None)
    left = {key_text(one, item): _digest(item) for item in run(one, read)}
    added = changed = 0
    for item in run(two, read):
        key = key_text(one, item)
        seen = left.pop(key, None)
        if seen is None:
            dialogue.say(f"+ {key}")
            added += 1
        elif seen != _digest(item):
            changed += _say_change(one, key, item)
    for key in left:
        dialogue.say(f"- {key}")
    if left or added or changed:
        notes.note(f"{amount(len(left), 'item')} less, {added:,} more, {changed:,} changed")
        raise click.exceptions.Exit(notes.CONDITION_FALSE)


def _say_change(table: Table, key: str, item: Item) -> int:
    """Prints how the item of the first table has to change; 1, or 0 where it is the same by now."""
    before: Any = run(table, GetItem(table.key_in(item), consistent=True)) or {}
    change = difference(before, item)
    if change.actions:
        dialogue.say(f"~ {key} {in_one_line(show(change))}")
    return int(bool(change.actions))


def _digest(item: Item) -> bytes:
    return blake2b(repr(freeze_item(item)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
