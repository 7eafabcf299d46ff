"""GetItem, Query and Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.answers import answer, item_text, optional, read_text
from flyexpr.engines.sqlite.disk.keys import Range, segment_range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.operations.pages import Page, Reading, read_reading, read_target, take_page
from flyexpr.engines.sqlite.request.clauses import Clause, read_clauses
from flyexpr.engines.sqlite.request.expressions import read_expressions, top_names
from flyexpr.engines.sqlite.request.legacy import read_attributes_to_get, read_key_conditions, read_legacy_filter
from flyexpr.engines.sqlite.request.members import Request, read_members
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed, read_units
from flyexpr.engines.sqlite.rules.keys import check_index_keys, key_row
from flyexpr.engines.sqlite.rules.ranges import key_range
from flyexpr.engines.sqlite.rules.selection import check_filter_held, check_key_paths, check_select
from flyexpr.engines.sqlite.rules.start_keys import check_query_start, start_row
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.values.kinds import Item

_SEGMENT, _TOTAL = "Segment", "TotalSegments"


def get_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to GetItem: no Item member when there is no item, an empty one when the projection finds nothing."""
    members = read_members(request, ("TableName", "Key"))
    paths = read_projected(members) if len(members) > 2 else None
    key = read_item(members["Key"])
    table, row = storage.find_row(members["TableName"], lambda table: _row(table, key, paths))
    item, mode = shown(row[1], paths) if row else None, members.get("ReturnConsumedCapacity")
    if mode is None:
        return answer(Item=item)
    usage = Usage(read_units(row[0] if row else 0, members.get("ConsistentRead", False)))
    return answer(Item=item, ConsumedCapacity=optional(consumed(table, usage, mode)))


def _row(table: StoredTable, key: Item, paths: tuple[Path, ...] | None) -> bytes:
    row = key_row(table, key)
    if paths is not None:
        check_key_paths(table, paths)
    return row


def read_projected(members: Request) -> tuple[Path, ...] | None:
    """The paths of a request's ProjectionExpression or AttributesToGet; None for whole items.

    The operations on keys know no ExpressionAttributeValues, so they pass them over as any unknown member.
    """
    members = {name: member for name, member in members.items() if name != "ExpressionAttributeValues"}
    nodes = read_expressions(members, ("ProjectionExpression",))
    paths: tuple[Path, ...] | None = nodes.get("ProjectionExpression")
    return paths if paths is not None else read_attributes_to_get(members)


def shown(text: bytes, paths: tuple[Path, ...] | None) -> bytes:
    """A stored item as an answer shows it."""
    return text if paths is None else item_text(project(paths, read_text(text, top_names(paths))))


def query(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to Query: a page of one partition, in the order of the sort key."""
    members = read_members(request, ("TableName",))
    check_select(members)
    nodes = read_expressions(members, ("FilterExpression", "KeyConditionExpression"))
    clauses = _read_key_condition(members, nodes)
    condition = nodes.get("FilterExpression", read_legacy_filter(members, "QueryFilter"))
    reading = read_reading(members, condition, nodes.get("ProjectionExpression"))
    return take_page(storage, members, lambda: _query_page(storage, reading, clauses)).answer()


def _query_page(storage: Storage, reading: Reading, clauses: tuple[Clause, ...]) -> Page:
    with storage.transaction("DEFERRED"):
        table, index = read_target(storage, reading.members)
        schema = index.key if index is not None else table.key
        low, high = key_range(clauses, schema)
        if reading.paths is not None:
            check_key_paths(table, reading.paths)
        if reading.condition is not None:
            _check_filter(reading, schema.names)
            check_key_paths(table, reading.tested)
            check_filter_held(index, reading.condition)
        restartable = bool(schema.sort) or index is not None
        if reading.start is not None:
            row = start_row(table, index, reading.start)
            check_query_start(reading.start, clauses, schema, restartable=restartable)
            low, high = (low, row) if reading.reverse else (row + b"\0", high)
        return Page(storage, table, index, (low, high), reading, restartable=restartable)


def _read_key_condition(members: Request, nodes: dict[str, Any]) -> tuple[Clause, ...]:
    if "KeyConditionExpression" in nodes:
        return read_clauses(nodes["KeyConditionExpression"])
    if "KeyConditions" in members:
        return read_key_conditions(members)
    raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")


def _check_filter(reading: Reading, names: tuple[str, ...]) -> None:
    """The filter of a Query may not name the key attributes of what is queried."""
    tested = top_names(reading.tested)
    for name in names:
        if name in tested:
            member = "QueryFilter" if "QueryFilter" in reading.members else "Filter Expression"
            raise invalid(f"{member} can only contain non-primary key attributes: Primary key attribute: {name}")


def scan(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to Scan: a page of everything or of one segment, in the order of the hashed partition keys."""
    members = read_members(request, ("TableName",))
    check_select(members)
    keys = _read_segment(members)
    nodes = read_expressions(members, ("FilterExpression",))
    condition = nodes.get("FilterExpression", read_legacy_filter(members, "ScanFilter"))
    reading = read_reading(members, condition, nodes.get("ProjectionExpression"))
    return take_page(storage, members, lambda: _scan_page(storage, reading, keys)).answer()


def _scan_page(storage: Storage, reading: Reading, keys: Range) -> Page:
    with storage.transaction("DEFERRED"):
        table, index = read_target(storage, reading.members)
        check_key_paths(table, (*(reading.paths or ()), *reading.tested))
        if reading.start is not None:
            check_index_keys(table, reading.start)
            row = start_row(table, index, reading.start)
            if not keys[0] <= row < keys[1]:
                raise invalid(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
                    "with correct Segment. "
                    f"TotalSegments: {reading.members[_TOTAL]} Segment: {reading.members[_SEGMENT]}"
                )
            keys = row + b"\0", keys[1]
        return Page(storage, table, index, keys, reading)


def _read_segment(members: Request) -> Range:
    """The rows of the segment that a Scan asks for, or all."""
    segment, total = members.get(_SEGMENT), members.get(_TOTAL)
    if segment is None and total is None:
        return segment_range(0, 1)
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment_range(segment, total)
