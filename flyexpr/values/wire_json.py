"""Items as DynamoDB JSON: the form of the AWS CLI, of stream records and of exports to S3.

    {"id": {"S": "a"}, "wins": {"N": "3"}}
    {"Item": {"id": {"S": "a"}, "wins": {"N": "3"}}}

Both can be read. What comes from elsewhere is checked here; the library trusts what an engine sends.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.encode import encode_item
from flyexpr.values.numbers import DIGITS, number
from flyexpr.values.plain_json import parse_json
from flyexpr.values.refusals import Refused, explained, too_deep
from flyexpr.values.types import MAX_DEPTH, Item

_NUMBER = re.compile(r"[+-]?(\d{1,160}(\.\d{0,160})?|\.\d{1,160})([eE][+-]?\d{1,3})?", re.ASCII)


def item_wire(item: Mapping[str, Any]) -> str:
    """An item as one line of DynamoDB JSON.

    >>> item_wire({"id": "a", "tags": {1}})
    '{"id":{"S":"a"},"tags":{"NS":["1"]}}'
    """
    return encode_item(item)


def read_wire(text: str) -> Item:
    """The item of a line of DynamoDB JSON, in an `Item` or bare.

    >>> read_wire('{"id": {"S": "a"}}') == read_wire('{"Item": {"id": {"S": "a"}}}') == {"id": "a"}
    True
    >>> read_wire('{"Item": {"S": "a"}}')
    {'Item': 'a'}
    >>> read_wire('{"id": {"N": "one"}}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `id`: N takes a number in a string
    """
    parsed = parse_json(text)
    if not isinstance(parsed, dict):
        raise ValidationError("an item is a JSON object")
    if parsed.keys() == {"Item"} and not _is_value(parsed["Item"]):
        parsed = parsed["Item"]
    return item_of_wire(parsed)


def item_of_wire(wire: Any, at: str = "") -> Item:
    """The item of a wire item, which stays as it is; ValidationError names the attribute that cannot be one.

    >>> item_of_wire({"info": {"M": {"seen": {"BOOL": True}}}})
    {'info': {'seen': True}}

    Binary values are base64 text, or bytes, as botocore gives them.
    """
    try:
        return _map(wire, 0)
    except Refused as refused:
        raise explained(refused, at) from None


def _is_value(wire: Any) -> bool:
    """Whether this can be an attribute's value; a whole item that looks like one does not exist."""
    try:
        _value(wire, 1)
    except Refused:
        return False
    return True


def _map(wire: Any, depth: int) -> Item:
    if not isinstance(wire, (dict, Mapping)):  # dict too, because to ask for a Mapping takes four times as long
        raise Refused("a map of attribute values was expected")
    item, name = {}, ""
    try:
        for name, member in wire.items():
            item[name] = _value(member, depth + 1)
    except Refused as refused:
        refused.steps.insert(0, name)
        raise
    return item


def _list(wire: list[Any], depth: int) -> list[Any]:
    items: list[Any] = []
    try:
        for member in wire:
            items.append(_value(member, depth + 1))  # one by one, so that an error finds how far it came
    except Refused as refused:
        refused.steps.insert(0, len(items))
        raise
    return items


def _value(wire: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise too_deep()
    if not isinstance(wire, (dict, Mapping)) or len(wire) != 1:
        raise Refused('an attribute value is an object such as {"S": "text"}')
    ((kind, body),) = wire.items()
    if type(body) is str:
        # Most values are strings and whole numbers: with these read in place, an item takes 0.9 of the time.
        if kind == "S":
            return body
        if kind == "N" and len(body) <= DIGITS and body.isascii() and body.isdecimal():
            return int(body)
    if kind == "M":
        return _map(body, depth)
    if kind == "L" and isinstance(body, list):
        return _list(body, depth)
    if kind in ("SS", "NS", "BS") and isinstance(body, list) and body:
        return {_scalar(kind[0], member) for member in body}
    return _scalar(kind, body)


def _scalar(kind: str, body: Any) -> Any:
    try:
        read, takes = _SCALARS[kind]
    except KeyError:
        raise Refused(f"{kind!r} is not a type of DynamoDB") from None
    try:
        return read(body)
    except (ValueError, TypeError):
        raise Refused(f"{kind} takes {takes}") from None


def _one_of(*allowed: Any) -> Callable[[Any], Any]:
    def read(body: Any) -> Any:
        if not any(body is value for value in allowed):
            raise TypeError
        return body

    return read


def _string(body: Any) -> str:
    if not isinstance(body, str):
        raise TypeError
    return body


def _number(body: Any) -> Any:
    if not _NUMBER.fullmatch(body):
        raise ValueError
    return number(body)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b64decode(_string(body), validate=True)


def _refused(body: Any) -> Any:
    raise TypeError


_NULL = {True: None}
_SCALARS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "S": (_string, "a string"),
    "N": (_number, "a number in a string"),
    "B": (_bytes, "base64 text"),
    "BOOL": (_one_of(True, False), "true or false"),
    "NULL": (lambda body: _NULL[_one_of(True)(body)], "true"),
    "L": (_refused, "a list"),
    "SS": (_refused, "a list of strings, not empty"),
    "NS": (_refused, "a list of numbers in strings, not empty"),
    "BS": (_refused, "a list of base64 texts, not empty"),
}
