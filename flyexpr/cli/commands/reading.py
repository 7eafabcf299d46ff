"""get, query, scan, count, explain: what a table holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from flyexpr.cli import dialogue, notes, options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.keys import key_words
from flyexpr.cli.notes import NothingFound
from flyexpr.doors.plain_items import Items
from flyexpr.explanation import explain as explained
from flyexpr.requests.operations import GetItem, Query, Scan
from flyexpr.requests.plan.query_or_scan import read_of
from flyexpr.steps.reads.lines import LineReading
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
    dialogue.plan(explain, explained(descriptor, operation))
    item = run(descriptor, operation)
    with dialogue.standard_output() as stream:
        write_items([] if item is None else [item], stream, form, descriptor.keys)
    if item is None:
        dialogue.nothing_found()
        raise NothingFound


_read_options = options.all_of(
    options.index,
    options.limit,
    options.project,
    options.consistent,
    options.at,
    options.start,
    options.stats,
    options.explain,
    _output,
)


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a read is to be done and shown: what its options say."""

    at: str | None
    stats: bool
    explain: bool
    form: str

    def show(self, name: str, read: Query | Scan) -> int:
        """Writes what a read of a table gives; how many items they were."""
        table = options.table_at(name, self.at)
        dialogue.plan(self.explain, explained(table, read))
        as_lines = self.form == "json"
        items: Items[Any] = Items(table, read, reading=LineReading) if as_lines else run(table, read)
        with dialogue.standard_output() as stream:
            form, columns = "lines" if as_lines else self.form, table.keys if read.project is None else ()
            number = write_items(items, stream, form, columns)
        if self.stats:
            spent = items.stats
            examined = f"{amount(spent.examined, 'item')} examined, {spent.returned:,} returned"
            notes.note(f"{amount(spent.requests, 'request')}, {examined}, {amount(spent.capacity, 'read unit')}")
            if items.cursor:
                notes.note(f"there is more: --start {items.cursor}")
        return number


def _refined(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a query or scan as one decorator: the command takes its `refinements`, and the `manner`."""

    @wraps(command)
    def gathered(
        *,
        index: str | None,
        limit: int | None,
        project: str | None,
        consistent: bool,
        start: str | None,
        at: str | None,
        stats: bool,
        explain: bool,
        form: str,
        **others: Any,
    ) -> None:
        paths = options.paths_of(project)
        refinements = {"index": index, "project": paths, "consistent": consistent, "limit": limit, "start": start}
        command(refinements=refinements, manner=_Manner(at, stats, explain, form), **others)

    return _read_options(gathered)


@click.command()
@options.table
@options.condition
@options.reverse
@_refined
def query(table: str, condition: str, reverse: bool, refinements: dict[str, Any], manner: _Manner) -> None:
    """The items under one partition key that match, in the order of the sort key; exit code 4 for none.

    The index is chosen by the condition. What no index can answer is refused: a query never reads a whole table.

    \b
    flyexpr query Movies "year = 2013 AND begins_with(title, 'R')"
    flyexpr query Movies "title = 'Rush'" --project "year, info.rating"
    """
    if not manner.show(table, Query(options.condition_of(condition), reverse=reverse, **refinements)):
        dialogue.nothing_found(condition)
        raise NothingFound


@click.command()
@options.table
@options.condition_or_all
@options.segments
@_refined
def scan(table: str, condition: str | None, segments: int, refinements: dict[str, Any], manner: _Manner) -> None:
    """All items of a table, or those that match: it reads, and pays for, every item there is.

    None at all is exit code 0: a table may be empty.

    \b
    flyexpr scan Movies | sort | gzip > movies.jsonl.gz
    flyexpr scan Movies "contains(info.genres, 'Drama')" --limit 10

    With --limit it reads one segment after the other, so that it can stop.
    """
    side_by_side = segments if segments > 1 and refinements["limit"] is None else None
    if not manner.show(table, Scan(options.condition_of(condition), segments=side_by_side, **refinements)):
        dialogue.nothing_found(condition)  # which is an answer: a table may be empty


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
    dialogue.plan(explain, explained(descriptor, read))
    if why and condition:
        notes.note(why, "warning")
    number = counted(descriptor, read)
    dialogue.say(number)
    if not number:
        dialogue.nothing_found(condition)


@click.command()
@options.table
@options.condition_or_all
@options.index
@options.consistent
@options.engine
def explain(table: str, condition: str | None, index: str | None, consistent: bool) -> None:
    """How a condition would be answered, and at what cost; nothing is read but the table's description.

    Without a condition, it is about a scan of the whole table.

    \b
    flyexpr explain Movies "year = 2013 AND info.rating > 8"
    """
    descriptor = options.session().table(table)
    read, why = read_of(descriptor, options.condition_of(condition), index, consistent)
    if why:
        dialogue.say(why)
    dialogue.plan(True, explained(descriptor, read))
