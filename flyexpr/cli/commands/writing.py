"""put, update, delete: changes of items, one or many."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import IO, Any

import click

from flyexpr.cli import completions, dialogue, notes, options
from flyexpr.cli.formats.csv_rows import Types
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.formats.sources import form_of_file, opened, typed
from flyexpr.cli.jobs.bulk_puts import put_plan, put_stream
from flyexpr.cli.jobs.bulk_reads import bulk_read
from flyexpr.cli.jobs.job import Manner, bulk, job
from flyexpr.cli.jobs.work import Chunk, Job
from flyexpr.cli.keys import key_words
from flyexpr.explanation import explain as explained
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.expressions.show import show
from flyexpr.requests.operations import DeleteItem, Query, Scan, UpdateItem
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk, identity
from flyexpr.steps.many.matching import delete_matching, update_matching
from flyexpr.steps.step import Steps
from flyexpr.sync import count, run


@click.command()
@options.table
@click.argument("file", metavar="[FILE|ITEM]", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@options.form("json", "csv")
@options.wire
@options.sheet
@bulk
def put(
    table: str,
    file: str,
    form: str,
    wire: bool,
    types: Types,
    manner: Manner,
) -> None:
    """Write items from a file or standard input, or the one in the argument; each replaces the one with its key.

    Items are JSON: one a line, an array, or objects over several lines. It stops at one that is not valid; everything
    before it has been written. With --rejects it goes on.

    \b
    flyexpr scan Movies | flyexpr put Copies
    flyexpr put Movies '{"year": 2013, "title": "Rush"}'
    flyexpr put Movies movies.jsonl --resume movies.journal
    """
    is_item = file.lstrip()[:1] in ("{", "[") and not os.path.exists(file)
    form = options.form_of(form if is_item else form_of_file(file) or form, wire)
    options.check_sheet(types, form)
    descriptor, description = options.session().described(table)
    settings = {"table": table, **identity(description), "file": file, "form": form, **types.settings}
    manner = replace(manner, quiet=manner.quiet or is_item)

    def write() -> None:
        with job("put", "put", settings, manner) as work, _source(file, is_item) as stream:
            put_stream(work, descriptor, stream, form, types, manner.dry_run)

    source = {"-": "standard input"}.get(file, "the argument" if is_item else file)
    manner.plan(*put_plan(descriptor, source), look=write)
    write()


@contextmanager
def _source(file: str, is_item: bool) -> Iterator[IO[bytes]]:
    """The stream of items: the argument, a file, or standard input.

    What comes from the keyboard is read before the first item is put, so that Ctrl-C finds nothing under way.
    """
    if is_item:
        yield io.BytesIO(file.encode("utf-8", "surrogateescape"))
        return
    with opened(file) as stream:
        yield io.BytesIO(typed(stream)) if dialogue.keyboard(file) else stream


_guard = options.all_of(
    options.condition_if,
    click.option(
        "--where",
        metavar="CONDITION",
        help="Every item that matches, instead of one by its key.",
        shell_complete=completions.conditions,
    ),
)


@click.command()
@options.table
@click.argument("words", nargs=-1, required=True, metavar="[KEY]... UPDATE", shell_complete=completions.updates)
@_guard
@click.option(
    "--returns",
    type=click.Choice(["ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]),
    help="Print the item as it was or is.",
)
@options.wire
@options.index
@options.segments
@bulk
def update(
    table: str,
    words: tuple[str, ...],
    condition: str | None,
    where: str | None,
    returns: str | None,
    wire: bool,
    index: str | None,
    segments: int,
    manner: Manner,
) -> None:
    """Change one item by its key, or with --where every item that matches, each atomically.

    \b
    flyexpr update Movies 2013 Rush "SET info.seen = true ADD views 1"
    flyexpr update Movies 2013 Rush "ADD views 1" --if "views < 10" --returns ALL_NEW
    flyexpr update Movies "SET old = true" --where "year < 1980"
    """
    descriptor, description = options.session().described(table)
    *key, text = words
    if where is None:
        operation = UpdateItem(key_words(descriptor, key), parse_update(text), _condition(condition), returns)
        _do_one(descriptor, operation, manner, wire, index)
        return
    change = parse_update(text)
    _check_where(key, condition, returns)
    settings = {"table": table, **identity(description), "update": show(change), "index": index, "segments": segments}
    _update_matching(descriptor, change, where, settings, manner)


def _update_matching(table: Table, change: Update, where: str, settings: dict[str, Any], manner: Manner) -> None:
    matching = parse_condition(where)
    read, why = bulk_read(table, matching, settings["index"], change)
    _plan(manner, table, read, f"UpdateItem of each: {show(change)}")
    _note_scan(why)
    with job("update", "updated", settings | {"where": show(matching)}, manner) as work:
        _change(work, table, partial(update_matching, table, _side_by_side(read, settings), change, False, monotonic))
        _note_nothing(work, where)


def _side_by_side(read: Query | Scan, settings: dict[str, Any]) -> Query | Scan:
    return replace(read, segments=settings["segments"]) if isinstance(read, Scan) else read


def _change(work: Job, table: Table, steps: Callable[[Bulk], Steps[int]]) -> None:
    """Changes everything that matches, as one part of the job, which makes its own entries in the journal."""
    work.run({"all": [Chunk([], None)]}, lambda part, _: work.perform(table, steps, enters=True))


@click.command()
@options.table
@click.argument("key", nargs=-1)
@_guard
@click.option("--returns", type=click.Choice(["ALL_OLD"]), help="Print the item as it was.")
@options.wire
@options.index
@options.segments
@options.yes
@bulk
def delete(
    table: str,
    key: tuple[str, ...],
    condition: str | None,
    where: str | None,
    returns: str | None,
    wire: bool,
    index: str | None,
    segments: int,
    yes: bool,
    manner: Manner,
) -> None:
    """Remove one item by its key, or with --where every item that matches.

    \b
    flyexpr delete Movies 2013 Rush --if "attribute_not_exists(info)"
    flyexpr delete Movies --where "year < 1980" --dry-run
    """
    descriptor, description = options.session().described(table)
    if where is None:
        operation = DeleteItem(key_words(descriptor, key), _condition(condition), returns)
        _do_one(descriptor, operation, manner, wire, index)
        return
    _check_where(key, condition, returns)
    matching = parse_condition(where)
    read, why = bulk_read(descriptor, matching, index, None)
    settings = {"table": table, **identity(description), "where": show(matching), "index": index, "segments": segments}
    _plan(manner, descriptor, read, "DeleteItem of each")
    _note_scan(why)
    dialogue.confirm(f"Delete every item of {table} where {show(matching)}?", yes)
    with job("delete", "deleted", settings, manner) as work:
        _change(work, descriptor, partial(delete_matching, descriptor, _side_by_side(read, settings), False, monotonic))
        _note_nothing(work, where)


def _condition(text: str | None) -> Condition | None:
    return None if text is None else parse_condition(text)


def _do_one(table: Table, operation: UpdateItem | DeleteItem, manner: Manner, wire: bool, index: str | None) -> None:
    if any(option is not None for option in (index, manner.rate, manner.rejects, manner.resume)):
        raise click.UsageError("--index, --rate, --rejects and --resume are for --where; a key is one item")
    manner.plan(explained(table, operation))
    item = run(table, operation)
    if item is not None:
        with dialogue.standard_output() as stream:
            write_items([item], stream, options.form_of("json", wire))


def _check_where(key: Any, condition: str | None, returns: str | None) -> None:
    if key:
        raise click.UsageError("give a key or --where, not both")
    if condition is not None or returns is not None:
        raise click.UsageError("--if and --returns are for one item; --where is a condition already")


def _note_nothing(work: Job, where: str) -> None:
    if not work.done:
        dialogue.nothing_found(where)


def _note_scan(why: str) -> None:
    if why:
        notes.note(why, "warning")


def _plan(manner: Manner, table: Table, read: Query | Scan, then: str) -> None:
    def look() -> None:
        dialogue.say_labelled(dialogue.step("items", f"{count(table, replace(read, project=None)):,}"))

    manner.plan(explained(table, read), dialogue.step("then", then), look=look)
