"""SearchVectors: its request, in the order and the words of the service's search host.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SearchVectors.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.faults import invalid, unreadable, validation_errors
from flyexpr.engines.sqlite.request.body import Bodies, read_body
from flyexpr.engines.sqlite.request.expressions import read_expressions
from flyexpr.engines.sqlite.request.intents import SearchAsked
from flyexpr.engines.sqlite.request.member_rules import INT_MAX, table_rule
from flyexpr.engines.sqlite.request.members import Members, newly_broken, read_members
from flyexpr.engines.sqlite.request.numerals import is_plain
from flyexpr.engines.sqlite.request.wire import read_sized
from flyexpr.errors import DynamoError
from flyexpr.values.vectors import LARGEST

MOST_RESULTS = 100
_REQUIRED = ("IndexName", "SearchVector", "TableName", "TopK")
_TEXTS = (
    "TableName",
    "IndexName",
    "SearchConditionExpression",
    "ProjectionExpression",
    "ReturnConsumedCapacity",
)
_MAPS = ("ExpressionAttributeNames", "ExpressionAttributeValues")
_CONDITION, _NAMES, _VALUES = "SearchConditionExpression", *_MAPS
_NOT_A_VECTOR = (
    "Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point number "
    "attribute"
)


class SearchBodies(Bodies):
    """Reads the bodies of SearchVectors: what is missing is missed at the end of the body."""

    @staticmethod
    def read(body: bytes) -> Members:
        members = read_body(body)
        for name in _REQUIRED:
            if name not in members:
                raise invalid(f"missing field `{name}` at line 1 column {len(body)}")
        _check_types(members)
        return members


def _check_types(members: Members) -> None:
    for name in _TEXTS:
        if name in members and type(members[name]) is not str:
            raise _wrong_type(members[name], "a string")
    for name in _MAPS:
        if name in members and type(members[name]) is not dict:
            raise _wrong_type(members[name], "a map")
    if type(members["SearchVector"]) is not list:
        raise _wrong_type(members["SearchVector"], "a sequence")
    if type(members["TopK"]) is not int:
        raise _wrong_type(members["TopK"], "i32")
    if not -INT_MAX <= members["TopK"] <= INT_MAX:
        raise invalid(f"invalid value: integer `{members['TopK']}`, expected i32")


def _wrong_type(value: Any, expected: str) -> DynamoError:
    if type(value) in _WHOLE:
        return unreadable(f"invalid type: {_WHOLE[type(value)]}, expected {expected}")
    words = {str: "string", bool: "boolean", int: "integer", float: "floating point"}
    return unreadable(f"invalid type: {words[type(value)]} {_quoted(value)}, expected {expected}")


_WHOLE: dict[type, str] = {list: "sequence", dict: "map", type(None): "null"}


def _quoted(value: Any) -> str:
    return f'"{value}"' if type(value) is str else f"`{str(value).lower()}`"


def read_search(request: Members) -> SearchAsked:
    """What a SearchVectors asks for.

    >>> request = {"TableName": "docs", "IndexName": "ByMeaning", "SearchVector": [{"N": "0.5"}], "TopK": 3}
    >>> read_search(request).vector
    (0.5,)
    """
    vector = request["SearchVector"]
    for value in vector:
        if type(value) is not dict or len(value) != 1 or None in value.values():
            raise unreadable("")
    _check_members(request)
    members = read_members({name: request[name] for name in ("TableName", "ReturnConsumedCapacity") if name in request})
    if request["TopK"] > MOST_RESULTS:
        raise invalid(
            f"Provided TopK value '{request['TopK']}' is out of valid range. "
            f"The value must be between 1 and {MOST_RESULTS} inclusive"
        )
    numbers = tuple(map(_float, vector))
    nodes = read_expressions(_expression_members(request), (_CONDITION, "ProjectionExpression"))
    return SearchAsked(
        members["TableName"],
        request["IndexName"],
        numbers,
        request["TopK"],
        nodes.get(_CONDITION),
        nodes.get("ProjectionExpression"),
        members.get("ReturnConsumedCapacity", "NONE"),
    )


def _check_members(request: Members) -> None:
    if not request["TableName"]:
        raise validation_errors([newly_broken("TableName", "Member must have length greater than or equal to 1")])
    problems = [
        newly_broken(name, f"Member must have {measure} greater than or equal to {least}")
        for name, measure, found, least in (
            ("IndexName", "length", len(request["IndexName"]), 3),
            ("SearchVector", "length", len(request["SearchVector"]), 1),
            ("TopK", "value", request["TopK"], 1),
        )
        if found < least
    ]
    if problems:
        raise validation_errors(problems)
    table_rule(request["TableName"])


def _float(wire: dict[str, Any]) -> float:
    if "N" not in wire:
        raise invalid(_NOT_A_VECTOR)
    text = wire["N"]
    if type(text) is str and is_plain(text):  # most are; it takes 0.4 of the time, and no such number is too large
        return float(text)
    value, _ = read_sized(wire)
    if not -LARGEST <= value <= LARGEST:
        raise invalid(_NOT_A_VECTOR)
    return float(value)


def _expression_members(request: Members) -> Members:
    members = {name: request[name] for name in (*_MAPS, _CONDITION, "ProjectionExpression") if name in request}
    if _VALUES in members and _CONDITION not in members and members[_VALUES]:
        raise invalid(f"{_VALUES} can only be specified when using expressions: {_CONDITION} is null")
    return members
