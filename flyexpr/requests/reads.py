"""The requests of reads: a page of a query or scan, or the point that its condition fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.operations import Query, Scan
from flyexpr.requests.plan import Access
from flyexpr.requests.request import CAPACITY, Request, flag, table_name, wire_request
from flyexpr.schema.indexes import LocalIndex
from flyexpr.schema.table import Table
from flyexpr.values.encode import encode_item
from flyexpr.values.freeze import thaw
from flyexpr.values.kinds import quote


def read_request(
    table: Table,
    read: Query | Scan,
    access: Access,
    branch: int = 0,
    start: Mapping[str, Any] | None = None,
    limit: int | None = None,
    counting: bool = False,
) -> Request:
    """The request for one page: of the `branch`-th key condition, after the key `start`, examining up to `limit` items.

    >>> from flyexpr.requests.plan import access
    >>> table, asked = Table("t", "id", "at"), Query(eq("id", "a") & gt("at", "2026"))
    >>> read_request(table, asked, access(table, asked)).body.decode().partition(',"Ex')[0]
    '{"TableName":"t","KeyConditionExpression":"#0 = :0 AND #1 > :1"'
    """
    if access.how == "GetItem":
        return _point_request(table, access, branch, read.consistent)
    members = [table_name(table)]
    if access.index is not None:
        members.append(f'"IndexName":{quote(access.index.name)}')
    members += expression_members(
        ("KeyConditionExpression", access.keys[branch] if access.keys else None),
        ("FilterExpression", access.filter),
        ("ProjectionExpression", None if counting else access.fetch),
    )
    if counting:
        members.append('"Select":"COUNT"')
    elif access.fetch is None and isinstance(access.index, LocalIndex) and access.index.project != "all":
        members.append('"Select":"ALL_ATTRIBUTES"')  # a local index fetches from the table what it does not hold
    if isinstance(read, Query) and read.reverse:
        members.append('"ScanIndexForward":false')
    members += flag("ConsistentRead", read.consistent)
    if limit is not None:
        members.append(f'"Limit":{limit}')
    if isinstance(read, Scan) and read.segment is not None:
        members.append(f'"Segment":{read.segment},"TotalSegments":{read.segments}')
    if start is not None:
        members.append(f'"ExclusiveStartKey":{encode_item(start)}')
    return wire_request(access.how, [*members, CAPACITY])


def _point_request(table: Table, access: Access, branch: int, consistent: bool) -> Request:
    members = [table_name(table), f'"Key":{encode_item(_fixed_key(access.keys[branch]))}']
    members += expression_members(("ProjectionExpression", access.fetch))
    return wire_request("GetItem", [*members, *flag("ConsistentRead", consistent), CAPACITY])


def _fixed_key(condition: Condition) -> dict[str, Any]:
    """The primary key that a key condition of nothing but equalities gives."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return {
        str(part.left.parts[0]): thaw((part.right.kind, part.right.body))
        for part in parts
        if isinstance(part, Compare) and isinstance(part.left, Path) and isinstance(part.right, Value)
    }
