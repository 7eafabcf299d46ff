"""GetItem, Query and Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.faults import invalid, validation_errors
from flyexpr.engines.sqlite.request.clauses import Clause, read_clauses
from flyexpr.engines.sqlite.request.expressions import named_paths, read_expressions
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, PageAsked, Segment
from flyexpr.engines.sqlite.request.legacy import read_attributes_to_get, read_key_conditions, read_legacy_filter
from flyexpr.engines.sqlite.request.members import Members, read_members, rules_of
from flyexpr.engines.sqlite.request.shapes import GET_ITEM, QUERY, SCAN
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.expressions.nodes import Path

_GET = rules_of(GET_ITEM, "TableName", "Key")
_QUERY, _SCAN = rules_of(QUERY, "TableName"), rules_of(SCAN, "TableName")


def read_get_item(request: Members) -> GetAsked:
    """What a GetItem asks for."""
    members = read_members(request, _GET)
    if len(members) == 2:
        return GetAsked(members["TableName"], read_item(members["Key"]))
    paths = read_projection(members)
    return GetAsked(
        members["TableName"],
        read_item(members["Key"]),
        paths,
        members.get("ConsistentRead", False),
        members.get("ReturnConsumedCapacity", "NONE"),
    )


def read_projection(members: Members) -> tuple[Path, ...] | None:
    """The paths of a request's ProjectionExpression or AttributesToGet; None for whole items."""
    nodes = read_expressions(members)
    paths: tuple[Path, ...] | None = nodes.get("ProjectionExpression")
    return paths if paths is not None else read_attributes_to_get(members)


def read_query(request: Members) -> PageAsked:
    """What a Query asks for."""
    members = read_members(request, _QUERY, newer=True)
    _check_select(members)
    nodes = read_expressions(members, ("FilterExpression", "KeyConditionExpression"))
    clauses = _read_key_condition(members, nodes)
    return _page_asked(members, nodes, "QueryFilter", clauses=clauses)


def _read_key_condition(members: Members, nodes: dict[str, Any]) -> tuple[Clause, ...]:
    if "KeyConditionExpression" in nodes:
        return read_clauses(nodes["KeyConditionExpression"])
    if "KeyConditions" in members:
        return read_key_conditions(members)
    raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")


def read_scan(request: Members) -> PageAsked:
    """What a Scan asks for."""
    members = read_members(request, _SCAN, newer=True)
    _check_select(members)
    segment = _read_segment(members)
    nodes = read_expressions(members, ("FilterExpression",))
    return _page_asked(members, nodes, "ScanFilter", segment=segment)


def _page_asked(
    members: Members,
    nodes: dict[str, Any],
    legacy_filter: str,
    *,
    clauses: tuple[Clause, ...] | None = None,
    segment: Segment | None = None,
) -> PageAsked:
    condition = nodes.get("FilterExpression", read_legacy_filter(members, legacy_filter))
    paths, start = nodes.get("ProjectionExpression"), members.get("ExclusiveStartKey")
    return PageAsked(
        members["TableName"],
        members.get("IndexName"),
        clauses,
        condition,
        named_paths(condition),
        paths if paths is not None else read_attributes_to_get(members),
        None if start is None else read_item(start),
        members.get("Select"),
        members.get("Limit", -1),
        reverse=members.get("ScanIndexForward") is False,
        consistent=members.get("ConsistentRead", False),
        capacity=members.get("ReturnConsumedCapacity", "NONE"),
        segment=segment,
        filter_name=legacy_filter if legacy_filter in members else "Filter Expression",
    )


def _check_select(members: Members) -> None:
    """None for a Select that goes with the request's other members."""
    select = members.get("Select")
    projecting = next((name for name in ("ProjectionExpression", "AttributesToGet") if name in members), None)
    if projecting and select not in (None, "SPECIFIC_ATTRIBUTES"):
        what = "only the Count" if select == "COUNT" else select
        raise validation_errors([f"Cannot specify the {projecting} when choosing to get {what}"])
    if select == "SPECIFIC_ATTRIBUTES" and not projecting:
        raise validation_errors(
            ["Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"]
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in members:
        raise validation_errors(["ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"])


def _read_segment(members: Members) -> Segment | None:
    """The segment that a Scan asks for; None for everything."""
    number, total = members.get("Segment"), members.get("TotalSegments")
    if number is None and total is None:
        return None
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if number is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if number >= total:
        raise invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments")
    return Segment(number, total)
