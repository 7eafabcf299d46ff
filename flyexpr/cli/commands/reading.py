"""get, query, scan, count, explain: what a table holds."""

from __future__ import annotations

import click

from flyexpr.cli import notes, options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.keys import key_words
from flyexpr.cli.notes import NothingFound
from flyexpr.explanation import explain as explained
from flyexpr.requests.operations import GetItem, Query, Scan
from flyexpr.requests.plan.query_or_scan import read_of
from flyexpr.schema.table import Table
from flyexpr.sync import count as counted
from flyexpr.sync import run
from flyexpr.values.layout import amount

_output = options.all_of(options.output, options.engine)


@click.command()
@options.table
@click.argument("key", nargs=-1, required=True)
@options.project
@options.consistent
@options.at
@options.explain
@_output
def get(
    table: str, key: tuple[str, ...], project: str | None, consistent: bool, at: str | None, explain: bool, form: str
) -> None:
    """One item by its key: a word for each key attribute, or one JSON object.

    Exit code 4 when there is none. Write -- before a negative number.

    \b
    flyexpr get Movies 2013 Rush
    flyexpr get Movies '{"year": 2013, "title": "Rush"}'
    """
    descriptor = options.table_at(table, at)
    operation = GetItem(key_words(descriptor, key), options.paths_of(project), consistent)
    options.plan(explain, explained(descriptor, operation))
    item = run(descriptor, operation)
    with options.standard_output() as stream:
        write_items([] if item is None else [item], stream, form, descriptor.keys)
    if item is None:
        options.nothing_found()
        raise NothingFound


_refinements = options.all_of(
    options.index,
    options.limit,
    options.project,
    options.consistent,
    options.at,
    options.start,
    options.stats,
    options.explain,
)


@click.command()
@options.table
@options.condition
@options.reverse
@_refinements
@_output
def query(
    table: str,
    condition: str,
    reverse: bool,
    index: str | None,
    limit: int | None,
    project: str | None,
    consistent: bool,
    at: str | None,
    start: str | None,
    stats: bool,
    explain: bool,
    form: str,
) -> None:
    """The items under one partition key that match, in the order of the sort key; exit code 4 for none.

    The index is chosen by the condition. What no index can answer is refused: a query never reads a whole table.

    \b
    flyexpr query Movies "year = 2013 AND begins_with(title, 'R')"
    flyexpr query Movies "title = 'Rush'" --project "year, info.rating"
    """
    read = Query(
        options.condition_of(condition),
        index,
        options.paths_of(project),
        reverse,
        consistent,
        limit,
        start=start,
    )
    if not _show(options.table_at(table, at), read, stats, explain, form):
        options.nothing_found(condition)
        raise NothingFound


@click.command()
@options.table
@options.condition_or_all
@options.segments
@_refinements
@_output
def scan(
    table: str,
    condition: str | None,
    segments: int,
    index: str | None,
    limit: int | None,
    project: str | None,
    consistent: bool,
    at: str | None,
    start: str | None,
    stats: bool,
    explain: bool,
    form: str,
) -> None:
    """All items of a table, or those that match: it reads, and pays for, every item there is.

    None at all is exit code 0: a table may be empty.

    \b
    flyexpr scan Movies | sort | gzip > movies.jsonl.gz
    flyexpr scan Movies "contains(info.genres, 'Drama')" --limit 10

    With --limit it reads one segment after the other, so that it can stop.
    """
    read = Scan(
        options.condition_of(condition),
        index,
        options.paths_of(project),
        consistent,
        limit,
        start=start,
        segments=segments if segments > 1 and limit is None else None,
    )
    if not _show(options.table_at(table, at), read, stats, explain, form):
        options.nothing_found(condition)  # which is an answer: a table may be empty


def _show(table: Table, read: Query | Scan, stats: bool, explain: bool, form: str) -> int:
    """Writes what a read finds; how many items they were."""
    options.plan(explain, explained(table, read))
    items = run(table, read)
    with options.standard_output() as stream:
        number = write_items(items, stream, form, table.keys if read.project is None else ())
    if stats:
        spent = items.stats
        examined = f"{amount(spent.examined, 'item')} examined, {spent.returned:,} returned"
        notes.note(f"{amount(spent.requests, 'request')}, {examined}, {amount(spent.capacity, 'read unit')}")
        if items.cursor:
            notes.note(f"there is more: --start {items.cursor}")
    return number


@click.command()
@options.table
@options.condition_or_all
@options.index
@options.consistent
@options.at
@options.explain
@options.engine
def count(
    table: str, condition: str | None, index: str | None, consistent: bool, at: str | None, explain: bool
) -> None:
    """How many items match; it costs as much as reading them.

    An index is used where one can answer; where the whole table has to be read, stderr says so.

    \b
    flyexpr count Movies "year = 2013"
    """
    descriptor = options.table_at(table, at)
    read, why = read_of(descriptor, options.condition_of(condition), index, consistent)
    options.plan(explain, explained(descriptor, read))
    if why and condition:
        notes.note(why, "warning")
    number = counted(descriptor, read)
    options.say(number)
    if not number:
        options.nothing_found(condition)


@click.command()
@options.table
@options.condition
@options.index
@options.consistent
@options.engine
def explain(table: str, condition: str, index: str | None, consistent: bool) -> None:
    """How a condition would be answered, and at what cost; nothing is read but the table's description.

    \b
    flyexpr explain Movies "year = 2013 AND info.rating > 8"
    """
    descriptor = options.session().table(table)
    read, why = read_of(descriptor, options.condition_of(condition), index, consistent)
    if why:
        options.say(why)
    options.plan(True, explained(descriptor, read))
