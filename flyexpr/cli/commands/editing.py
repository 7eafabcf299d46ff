"""edit: one item in an editor."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from flyexpr.cli import dialogue, notes, options
from flyexpr.cli.formats.sources import entries
from flyexpr.cli.keys import key_words
from flyexpr.cli.notes import NothingFound
from flyexpr.errors import ConditionFailed, FlyexprError
from flyexpr.expressions.nodes import Update
from flyexpr.expressions.show import show
from flyexpr.requests.edits import edit_of, guard_of_edit
from flyexpr.requests.operations import GetItem, UpdateItem
from flyexpr.schema.table import Table
from flyexpr.steps.journals.files import naming
from flyexpr.sync import run
from flyexpr.values.pretty_json import pretty_text
from flyexpr.values.types import Item


@click.command()
@options.table
@click.argument("key", nargs=-1, required=True)
@options.dry_run
@options.engine
def edit(table: str, key: tuple[str, ...], dry_run: bool) -> None:
    """Edit one item as JSON, in the editor that VISUAL or EDITOR names; what differs is printed and written.

    It is written only if nobody has changed the same attributes meanwhile; else the exit code is 3. Text that is not
    written is kept in a file.

    \b
    flyexpr edit Movies 2013 Rush
    EDITOR="code --wait" flyexpr edit Movies 2013 Rush --dry-run
    """
    descriptor = options.session().table(table)
    item = run(descriptor, GetItem(key_words(descriptor, key), consistent=True))
    if item is None:
        dialogue.nothing_found()
        raise NothingFound
    with _draft(table, f"{pretty_text(item)}\n") as path:
        change = edit_of(descriptor, item, _edited(path))
        for action in change.actions:
            dialogue.say(show(Update((action,))))
        if not change.actions:
            notes.note("nothing is changed")
        elif dry_run:
            notes.note(f"nothing is written; the text is kept in {path}")
            raise _Kept
        else:
            _write(descriptor, item, change)


class _Kept(Exception):
    """The text is to be kept, and that is said already."""


@contextmanager
def _draft(table: str, text: str) -> Iterator[Path]:
    """A file with a text to edit, which is kept where it was edited and something failed."""
    from tempfile import mkstemp

    handle, name = mkstemp(prefix=f"{table}-", suffix=".json")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield path
    except _Kept:
        return
    except BaseException:
        if path.read_text("utf-8", "replace") == text:
            path.unlink()
        else:
            notes.note(f"the text is kept in {path}")
        raise
    path.unlink()


def _edited(path: Path) -> Item:
    """The item in the file, once the editor is closed."""
    try:
        click.edit(filename=str(path))
    except click.ClickException as error:
        raise FlyexprError(f"{error.message}; nothing is written\n  hint: EDITOR names the editor") from None
    with naming(path):
        text = path.read_bytes()
    items = []
    for entry in entries(io.BytesIO(text), "json"):
        if entry.item is None:
            raise FlyexprError(f"line {entry.line or entry.number}: {entry.fault}")
        items.append(entry.item)
    if len(items) != 1:
        raise FlyexprError(f"the file has {len(items)} items, and one was to be edited; nothing is written")
    return items[0]


def _write(table: Table, item: Item, change: Update) -> None:
    try:
        run(table, UpdateItem(table.key_in(item), change, guard_of_edit(table, item, change)))
    except ConditionFailed as error:
        notes.note(f"somebody has changed the item meanwhile, so nothing is written: {error}", "error")
        raise click.exceptions.Exit(notes.CONDITION_FALSE) from None
