"""BatchGetItem and BatchWriteItem.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flyexpr.engines.sqlite.faults import bare, invalid, validation_errors
from flyexpr.engines.sqlite.request.expressions import mixed
from flyexpr.engines.sqlite.request.intents.reads import BatchAsked, KeysAsked
from flyexpr.engines.sqlite.request.intents.writes import Write, WritesAsked
from flyexpr.engines.sqlite.request.member_rules import (
    ObjectRules,
    item_rule,
    length_problems,
    list_rule,
    map_rule,
    table_rule,
)
from flyexpr.engines.sqlite.request.members import Members, broken, newly_broken, read_members, rules_of
from flyexpr.engines.sqlite.request.reads import read_projection
from flyexpr.engines.sqlite.request.shapes import BATCH_GET_ITEM, BATCH_WRITE_ITEM, KEYS_AND_ATTRIBUTES
from flyexpr.engines.sqlite.request.wire import TWO_TYPES, read_item
from flyexpr.engines.sqlite.request.writes import read_delete, read_put, read_returns
from flyexpr.expressions.nodes import Path

MAX_KEYS, MAX_WRITES = 100, 25
_GET, _WRITE, _KEYS = rules_of(BATCH_GET_ITEM), rules_of(BATCH_WRITE_ITEM), rules_of(KEYS_AND_ATTRIBUTES, "Keys")
_TABLE = ObjectRules({"TableName": table_rule})
_PARTS = {"Item": ObjectRules({"Item": item_rule}, ["Item"]), "Key": ObjectRules({"Key": map_rule}, ["Key"])}
DUPLICATES = "Provided list of item keys contains duplicates"


def read_batch_get_item(request: Members) -> BatchAsked:
    """What a BatchGetItem asks for."""
    members = read_members(request, _GET)
    tables = members.get("RequestItems")
    if not tables:
        raise validation_errors([newly_broken("RequestItems", "Member must have length greater than or equal to 1")])
    parts = [_read_table(name, wire) for name, wire in tables.items()]
    if any("AttributesToGet" in part for part in parts) and any("ProjectionExpression" in part for part in parts):
        raise mixed(["AttributesToGet"], ["ProjectionExpression"])
    if sum(len(part["Keys"]) for part in parts) > MAX_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    projections = [read_projection(part) for part in parts]  # of all tables, before the first key
    asked = map(_keys_asked, tables, tables.values(), parts, projections)
    return BatchAsked(tuple(asked), members.get("ReturnConsumedCapacity", "NONE"))


def _read_table(name: str, wire: Any) -> Members:
    """What is asked of one table; the same key twice is refused, but `1` and `1.0` pass as two, as in the service."""
    where = read_members({"TableName": name}, _TABLE)
    members = read_members(wire, _KEYS, f"requestItems.{name}.member.") | where
    problems = length_problems(len(members["Keys"]), 1, MAX_KEYS)
    if problems:
        raise validation_errors([newly_broken(f"RequestItems.{name}.member.Keys", problem) for problem in problems])
    if len({json.dumps(key, sort_keys=True) for key in members["Keys"]}) < len(members["Keys"]):
        raise invalid(DUPLICATES)
    return members


def _keys_asked(name: str, wire: Any, members: Members, paths: tuple[Path, ...] | None) -> KeysAsked:
    keys = tuple([read_item(key) for key in members["Keys"]])
    return KeysAsked(name, members["TableName"], keys, paths, members.get("ConsistentRead", False), wire)


def read_batch_write_item(request: Members) -> WritesAsked:
    """What a BatchWriteItem asks for."""
    members = read_members(request, _WRITE)
    writes = tuple(_read_writes(members.get("RequestItems") or {}))
    if not writes:
        raise invalid("The requestItems parameter is required for BatchWriteItem")
    if len(writes) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    return WritesAsked(writes, read_returns(members))


def _read_writes(tables: Members) -> Iterator[Write]:
    for requests in tables.values():
        if length_problems(len(list_rule()(requests)[0]), 1, MAX_WRITES):
            raise validation_errors([broken("requestItems", tables, _MAP_VALUE)])
    for name, requests in tables.items():
        table = read_members({"TableName": name}, _TABLE)["TableName"]
        for position, wire in enumerate(requests, 1):
            yield _read_write(table, wire, f"requestItems.{name}.member.{position}.member.")


_MAP_VALUE = (
    f"Map value must satisfy constraint: [Member must have length less than or equal to {MAX_WRITES}, "
    "Member must have length greater than or equal to 1]"
)


def _read_write(table: str, wire: Any, within: str) -> Write:
    request, _ = map_rule(wire)
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise bare(invalid(TWO_TYPES))  # the service takes it for a value
    if put is not None:
        return read_put(_read_part(table, put, "Item", within + "putRequest."))
    return read_delete(_read_part(table, delete, "Key", within + "deleteRequest."))


def _read_part(table: str, wire: Any, name: str, within: str) -> Members:
    members = read_members({name: map_rule(wire)[0].get(name)}, _PARTS[name], within)
    members["TableName"] = table
    return members
