"""GetItem, Query and Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from flyexpr.engines.sqlite.answers import answer, item_text, optional
from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import BackfillingIndex, invalid
from flyexpr.engines.sqlite.operations.fills import finish_abandoned
from flyexpr.engines.sqlite.operations.pages import Page, find_target
from flyexpr.engines.sqlite.request.clauses import Clause
from flyexpr.engines.sqlite.request.expressions import top_names
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, PageAsked, Segment
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed, read_units
from flyexpr.engines.sqlite.rules.keys import check_index_keys, key_row
from flyexpr.engines.sqlite.rules.ranges import key_range
from flyexpr.engines.sqlite.rules.selection import check_filter_held, check_key_paths
from flyexpr.engines.sqlite.rules.start_keys import check_query_start, start_row
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project

_EVERYTHING = Segment(0, 1)
T = TypeVar("T")


def get_item(storage: Storage, asked: GetAsked, now: float) -> bytes:
    """The answer to GetItem: no Item member when there is no item, an empty one when it has nothing to project."""
    table, row = storage.find_row(asked.table, lambda table: _row(table, asked))
    item = shown(row[1], asked.paths) if row else None
    if asked.capacity == "NONE":
        return answer(Item=item)
    usage = Usage(read_units(row[0] if row else 0, asked.consistent))
    return answer(Item=item, ConsumedCapacity=optional(consumed(table, usage, asked.capacity)))


def _row(table: StoredTable, asked: GetAsked) -> bytes:
    row = key_row(table, asked.key)
    if asked.paths is not None:
        check_key_paths(table, asked.paths)
    return row


def shown(text: bytes, paths: tuple[Path, ...] | None) -> bytes:
    """A stored item as an answer shows it."""
    return text if paths is None else item_text(project(paths, read_text(text, top_names(paths))))


def get_page(storage: Storage, asked: PageAsked, now: float) -> bytes:
    """The answer to Query or Scan."""
    return take_page(storage, asked.table, partial(_page, storage, asked)).answer()


def take_page(storage: Storage, table: str, take: Callable[[], T]) -> T:
    """What `take` gives in a transaction; an index that an engine has left half filled is finished first."""
    try:
        with storage.transaction("DEFERRED"):
            return take()
    except BackfillingIndex:
        if finish_abandoned(storage, table):
            raise
    with storage.transaction("DEFERRED"):
        return take()


def _page(storage: Storage, asked: PageAsked) -> Page:
    if asked.clauses is None:
        return _scan_page(storage, asked)
    return _query_page(storage, asked, asked.clauses)


def _query_page(storage: Storage, asked: PageAsked, clauses: tuple[Clause, ...]) -> Page:
    """A page of one partition, in the order of the sort key."""
    table, index = find_target(storage, asked)
    schema = index.key if index is not None else table.key
    low, high = key_range(clauses, schema)
    if asked.paths is not None:
        check_key_paths(table, asked.paths)
    if asked.condition is not None:
        _check_filter(asked, schema.names)
        check_key_paths(table, asked.tested)
        check_filter_held(index, asked.condition)
    restartable = bool(schema.sort) or index is not None
    if asked.start is not None:
        row = start_row(table, index, asked.start)
        check_query_start(asked.start, clauses, schema, restartable=restartable)
        low, high = (low, row) if asked.reverse else (row + b"\0", high)
    return Page(storage, table, index, [(low, high)], asked, restartable=restartable)


def _check_filter(asked: PageAsked, names: tuple[str, ...]) -> None:
    """The filter of a Query may not name the key attributes of what is queried."""
    tested = top_names(asked.tested)
    for name in names:
        if name in tested:
            raise invalid(
                f"{asked.filter_name} can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def _scan_page(storage: Storage, asked: PageAsked) -> Page:
    """A page of everything or of one segment, in the order of the hashed partition keys."""
    low, high = segment_range(*(asked.segment or _EVERYTHING))
    table, index = find_target(storage, asked)
    check_key_paths(table, (*(asked.paths or ()), *asked.tested))
    if asked.start is not None:
        check_index_keys(table, asked.start)
        row = start_row(table, index, asked.start)
        if not low <= row < high:
            raise _wrong_segment(asked.segment or _EVERYTHING)
        low = row + b"\0"
    return Page(storage, table, index, [(low, high)], asked)


def _wrong_segment(segment: Segment) -> Exception:
    return invalid(
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
        f"with correct Segment. TotalSegments: {segment.total} Segment: {segment.number}"
    )
