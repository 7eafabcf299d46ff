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
from flyexpr.values.kinds import MAX_DEPTH, Item
from flyexpr.values.numbers import number
from flyexpr.values.plain_json import parse_json

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
    found = parse_json(text)
    if not isinstance(found, dict):
        raise ValidationError("an item is a JSON object")
    if found.keys() == {"Item"} and not _is_value(found["Item"]):
        found = found["Item"]
    return item_of_wire(found)


def item_of_wire(wire: Any, at: str = "", depth: int = 0) -> Item:
    """The item of a wire item, which stays as it is; ValidationError names the attribute that cannot be one.

    >>> item_of_wire({"info": {"M": {"seen": {"BOOL": True}}}})
    {'info': {'seen': True}}

    Binary values are base64 text, or bytes, as botocore gives them.
    """
    if not isinstance(wire, Mapping):
        raise ValidationError("a map of attribute values was expected", at=at)
    return {name: _value(member, f"{at}.{name}".lstrip("."), depth + 1) for name, member in wire.items()}


def _is_value(wire: Any) -> bool:
    """Whether this can be an attribute's value; a whole item that looks like one does not exist."""
    try:
        _value(wire, "", 1)
    except ValidationError:
        return False
    return True


def _value(wire: Any, at: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValidationError("nested more than 32 levels deep")
    if not isinstance(wire, dict) or len(wire) != 1:
        raise ValidationError('an attribute value is an object such as {"S": "text"}', at=at)
    ((kind, body),) = wire.items()
    if kind == "M":
        return item_of_wire(body, at, depth)
    if kind == "L" and isinstance(body, list):
        return [_value(member, f"{at}[{place}]", depth + 1) for place, member in enumerate(body)]
    if kind in ("SS", "NS", "BS") and isinstance(body, list) and body:
        return {_scalar(kind[0], member, at) for member in body}
    return _scalar(kind, body, at)


def _scalar(kind: str, body: Any, at: str) -> Any:
    try:
        read, takes = _SCALARS[kind]
    except KeyError:
        raise ValidationError(f"{kind!r} is not a type of DynamoDB", at=at) from None
    try:
        return read(body)
    except (ValueError, TypeError):
        raise ValidationError(f"{kind} takes {takes}", at=at) from None


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
