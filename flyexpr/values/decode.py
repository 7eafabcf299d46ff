"""DynamoDB's wire values as plain Python values."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

from flyexpr.values.numbers import number
from flyexpr.values.types import Item


def decode(wire: dict[str, Any]) -> Any:
    """The plain value of a wire value, which is emptied: maps and lists are decoded in place.

    >>> decode({"M": {"S": {"S": "an attribute called S"}, "n": {"NS": ["1", "2.5"]}}})["S"]
    'an attribute called S'
    """
    kind, body = wire.popitem()
    return _DECODERS[kind](body)


def decode_item(item: dict[str, Any]) -> Item:
    """The plain item of a wire item, decoded in place.

    >>> decode_item({"userid": {"S": "abc"}, "wins": {"N": "1"}})
    {'userid': 'abc', 'wins': 1}
    """
    # A page of 41,000 values takes 17.1 ms in place, with strings and whole numbers read without a call; with a call of
    # `decode` for each value it takes 18.3. New dicts would cost more again where the items are kept.
    for name, wire in item.items():
        kind, body = wire.popitem()
        if kind == "S":
            item[name] = body
        elif kind == "N":
            item[name] = int(body) if body.isdecimal() else number(body)
        else:
            item[name] = _DECODERS[kind](body)
    return item


def _decode_list(members: list[Any]) -> list[Any]:
    for index, wire in enumerate(members):
        members[index] = decode(wire)
    return members


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda body: body,
    "N": number,
    "M": decode_item,
    "L": _decode_list,
    "BOOL": bool,
    "NULL": lambda body: None,
    "B": a2b_base64,
    "SS": set,
    "NS": lambda body: set(map(number, body)),
    "BS": lambda body: set(map(a2b_base64, body)),
}
