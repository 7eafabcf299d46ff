"""The bodies of SearchVectors, as the service's search host reads them: strictly, and with the place of what is wrong.

The host reads member by member, in the order in which they stand. The first that has another JSON type than it expects
is refused; only then is a member missed.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SearchVectors.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, unreadable
from flyexpr.engines.sqlite.request.body import read_body
from flyexpr.engines.sqlite.request.member_rules import INT_MAX
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.errors import DynamoError

Place = tuple["str | int", ...]  # the names and positions that lead to a value
Check = Callable[[Any, Place], None]

_REQUIRED = ("IndexName", "SearchVector", "TableName", "TopK")
_LARGEST_WHOLE = 2**64


def read_search_body(body: bytes) -> Members:
    """The members of a SearchVectors; those that are unknown, or null where they may be absent, are left out.

    >>> read_search_body(b'{"TableName":"t","IndexName":"i","SearchVector":[],"TopK":1,"Other":2}')
    {'TableName': 't', 'IndexName': 'i', 'SearchVector': [], 'TopK': 1}
    """
    members = read_body(body)
    try:
        for name, value in members.items():
            if name in _CHECKS and (value is not None or name in _REQUIRED):
                _CHECKS[name](value, (name,))
    except _Misfit as misfit:
        raise misfit.refusal(body.decode()) from None
    for name in _REQUIRED:
        if name not in members:
            raise invalid(f"missing field `{name}`{_position(body.decode().rstrip())}")
    return {name: value for name, value in members.items() if name in _CHECKS and value is not None}


class _Misfit(Exception):
    """A value of another JSON type than is expected: what is said of it, and where it is."""

    def __init__(self, message: str, place: Place, at: str, make: Callable[[str], DynamoError] = unreadable) -> None:
        super().__init__(message)
        self.message, self.place, self.at, self.make = message, place, at, make

    def refusal(self, text: str) -> DynamoError:
        """The service's error; it counts up to the end of the value, or to where a list or a map begins."""
        spans = {"name": 0, "start": 0, "end": 0}
        for step in self.place:
            spans = next(spans for name, spans in _parts(text, spans["start"]) if name == step)
        return self.make(self.message + _position(text[: spans[self.at]]))


def _parts(text: str, start: int) -> Iterator[tuple[str | int, dict[str, int]]]:
    """What is in the object or list that begins at a place: its names or positions, and where each part stands."""
    if not start:
        start = text.index("{")
    scan, number, at = json.JSONDecoder().raw_decode, 0, start + 1
    while True:
        name_end, name = at, number
        if text[start] == "{":
            name, name_end = scan(text, _blank(text, at))
            name_end = _blank(text, name_end)
            at = name_end + 1  # the colon
        at = _blank(text, at)
        _, end = scan(text, at)
        yield name, {"name": name_end, "start": at, "end": end}
        number, at = number + 1, _blank(text, end) + 1


def _blank(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _position(text: str) -> str:
    """The place behind a text, in lines and bytes."""
    return f" at line {text.count(chr(10)) + 1} column {len(text.rpartition(chr(10))[2].encode())}"


def _wrong(value: Any, expected: str, place: Place) -> _Misfit:
    """The misfit of a value for another type."""
    if type(value) is int and not -_LARGEST_WHOLE // 2 <= value < _LARGEST_WHOLE:
        value = float(value) if abs(value) < 10**308 else value
    word = _WORDS[type(value)]
    if type(value) in (list, dict):
        return _Misfit(f"invalid type: {word}, expected {expected}", place, "start")
    shown = json.dumps(value, ensure_ascii=False) if type(value) is str else f"`{str(value).lower()}`"
    return _Misfit(f"invalid type: {word}{'' if value is None else ' ' + shown}, expected {expected}", place, "end")


_WORDS: dict[type, str] = {
    list: "sequence",
    dict: "map",
    type(None): "null",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "floating point",
}


def _scalar(kind: type, expected: str) -> Check:
    def check(value: Any, place: Place) -> None:
        if type(value) is not kind:
            raise _wrong(value, expected, place)

    return check


def _list_of(check_member: Check) -> Check:
    def check(value: Any, place: Place) -> None:
        if type(value) is not list:
            raise _wrong(value, "a sequence", place)
        for position, member in enumerate(value):
            check_member(member, (*place, position))

    return check


def _map_of(check_member: Check) -> Check:
    def check(value: Any, place: Place) -> None:
        if type(value) is not dict:
            raise _wrong(value, "a map", place)
        for name, member in value.items():
            check_member(member, (*place, name))

    return check


def _top(value: Any, place: Place) -> None:
    if type(value) is not int or not -(2**63) <= value < _LARGEST_WHOLE:
        raise _wrong(value, "i32", place)
    if not -INT_MAX - 1 <= value <= INT_MAX:
        raise _Misfit(f"invalid value: integer `{value}`, expected i32", place, "end", invalid)


def _vector(value: Any, place: Place) -> None:
    if type(value) is not list:
        raise _wrong(value, "a sequence", place)
    for position, element in enumerate(value):
        if type(element) is not dict or len(element) != 1 or type(element.get("N")) is not str:  # few are no numbers
            _value(element, (*place, position))


def _value(value: Any, place: Place) -> None:
    """None for an attribute value: an object with one member, of a type that the host knows."""
    if type(value) is str:
        if value in _TYPES:
            raise _Misfit("invalid type: unit variant, expected newtype variant", place, "end")
        raise _unknown(value, place, "end")
    if type(value) is not dict or not value:
        raise unreadable("")
    name = next(iter(value))
    if name not in _TYPES:
        raise _unknown(name, (*place, name), "name")
    _TYPES[name](value[name], (*place, name))
    if len(value) > 1:
        raise unreadable("")


def _unknown(name: str, place: Place, at: str) -> _Misfit:
    known = ", ".join(f"`{name}`" for name in _TYPES)
    return _Misfit(f"unknown variant `{name}`, expected one of {known}", place, at, invalid)


_text, _bytes, _truth = _scalar(str, "a string"), _scalar(str, "a Base64-encoded string"), _scalar(bool, "a boolean")
_TYPES: dict[str, Check] = {
    "B": _bytes,
    "BOOL": _truth,
    "BS": _list_of(_bytes),
    "DECIMAL": _text,
    "DECIMALSET": _list_of(_text),
    "DOUBLE": _text,
    "DOUBLESET": _list_of(_text),
    "INT": _text,
    "INTSET": _list_of(_text),
    "L": _list_of(_value),
    "M": _map_of(_value),
    "N": _text,
    "NS": _list_of(_text),
    "NULL": _truth,
    "S": _text,
    "SS": _list_of(_text),
}
INTERNAL_TYPES = frozenset(["DECIMAL", "DECIMALSET", "DOUBLE", "DOUBLESET", "INT", "INTSET"])
"""Types that the host can read, and that no request may have."""

_CHECKS: dict[str, Check] = {
    "ExpressionAttributeNames": _map_of(_text),
    "ExpressionAttributeValues": _map_of(_value),
    "IndexName": _text,
    "ProjectionExpression": _text,
    "ReturnConsumedCapacity": _text,
    "SearchConditionExpression": _text,
    "SearchVector": _vector,
    "TableName": _text,
    "TopK": _top,
}
