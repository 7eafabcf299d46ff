"""Attribute values as they come in a request: checked as the service checks them, and read as plain values.

Nothing here trusts the request: depth is bounded before descending, and a number is refused by its text before it
is ever made a number. What the service would write otherwise (`1.50`, a set out of order) is rewritten in the wire
value itself, so that the wire value of an item can be stored as it then stands.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, unreadable
from flyexpr.errors import DynamoError
from flyexpr.numbers import DIGITS, LARGEST, SMALLEST, number_text
from flyexpr.values import MAX_DEPTH, Item

TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
Wire = dict[str, Any]

_MAX_NAME = 65_535  # bytes of an attribute name
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
_SHORT_INTEGER = re.compile(r"-?[1-9][0-9]{0,37}|0")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_MAX_EXPONENT = 19  # characters: beyond 64 bits the service reads no number at all
_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def read_item(wire: Any) -> Item:
    """The plain item of a wire item, which is left in the service's own notation.

    >>> wire = {"userid": {"S": "abc"}, "wins": {"N": "+1.50"}}
    >>> read_item(wire), wire["wins"]
    ({'userid': 'abc', 'wins': Decimal('1.5')}, {'N': '1.5'})
    >>> read_item({"wins": {}})
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: Supplied AttributeValue is empty, must contain exactly one of the \
supported datatypes
    """
    return _read_members(wire, 1)


def read_value(wire: Any) -> Any:
    """The plain value of a wire value.

    >>> read_value({"NS": ["1", "1.0"]})
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: One or more parameter values were invalid: Input collection \
[1, 1.0] contains duplicates.
    """
    return _read(wire, 1)


def read_number(text: Any) -> int | Decimal:
    """The number of a wire text, exactly; refused by its text alone when it is out of range.

    >>> read_number("1e3"), read_number(".5"), read_number("-0")
    (1000, Decimal('0.5'), 0)

    Zero obeys the range as if its last digit were 1: `0e126` is too large.
    """
    if _SHORT_INTEGER.fullmatch(_string(text)):
        return int(text)
    matched = _NUMBER.fullmatch(text)
    if matched is None:
        raise _no_number(text)
    sign, whole, fraction, exponent = matched.groups(default="")
    if (not whole and not fraction) or len(exponent) > _MAX_EXPONENT:
        raise _no_number(text)
    digits = (whole + fraction).lstrip("0")
    magnitude = int(exponent or 0) - len(fraction) + max(len(digits) - 1, 0)
    significant = digits.rstrip("0")
    _check_range(significant, magnitude)
    return _number(sign, significant, magnitude - len(significant) + 1) if significant else 0


def _check_range(significant: str, magnitude: int) -> None:
    if magnitude > LARGEST:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < SMALLEST:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    if len(significant) > DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")


def _number(sign: str, significant: str, exponent: int) -> int | Decimal:
    if exponent < 0:
        return Decimal(f"{sign}{significant}E{exponent}")
    return int(sign + significant + "0" * exponent)


def _no_number(text: str) -> DynamoError:
    return invalid("The parameter cannot be converted to a numeric value" + (f": {text[:100]}" if text else ""))


def _read(wire: Any, depth: int) -> Any:
    if type(wire) is not dict:
        raise _not_a(dict, wire)
    if len(wire) == 1:
        for kind, body in wire.items():
            # Strings come first: they are more than half of all values.
            if kind == "S" and type(body) is str:
                return body
            reader = _READERS.get(kind)
            if reader is not None and body is not None:
                return reader(wire, body, depth)
    return _read_odd(wire, depth)


def _read_odd(wire: Wire, depth: int) -> Any:
    """A value with no type, several, or one that is JSON null and so counts as absent."""
    given = {kind: body for kind, body in wire.items() if kind in _READERS and body is not None}
    if not given:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if len(given) > 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    wire.clear()
    wire.update(given)
    ((kind, body),) = given.items()
    return _READERS[kind](wire, body, depth)


def _read_members(wire: Any, depth: int) -> Item:
    if type(wire) is not dict:
        raise _not_a(dict, wire)
    item = {name: _read(member, depth) for name, member in wire.items()}
    if "" in item:
        raise invalid("Empty attribute name")
    if any(len(name) > _MAX_NAME // 4 and len(name.encode()) > _MAX_NAME for name in item):
        raise invalid_parameter("Attribute name is too large, must be less than 65536 bytes")
    return item


def _read_map(wire: Wire, body: Any, depth: int) -> Item:
    _check_depth(depth)
    return _read_members(body, depth + 1)


def _read_list(wire: Wire, body: Any, depth: int) -> list[Any]:
    _check_depth(depth)
    return [_read(member, depth + 1) for member in _listed(body)]


def _read_string(wire: Wire, body: Any, depth: int) -> str:
    return _string(body)


def _read_number(wire: Wire, body: Any, depth: int) -> int | Decimal:
    if type(body) is str and _SHORT_INTEGER.fullmatch(body):
        return int(body)
    value = read_number(body)
    wire["N"] = number_text(value)
    return value


def _read_binary(wire: Wire, body: Any, depth: int) -> bytes:
    return _binary(body)


def _read_bool(wire: Wire, body: Any, depth: int) -> bool:
    wire["BOOL"] = value = read_bool(body)
    return value


def _read_null(wire: Wire, body: Any, depth: int) -> None:
    if not read_bool(body):
        raise invalid_parameter("Null attribute value types must have the value of true")
    wire["NULL"] = True


def _read_set(
    kind: str, called: str, read: Callable[[Any], Any], write: Callable[[Any], str]
) -> Callable[[Wire, Any, int], set[Any]]:
    """A reader of sets, which keep no order but the service's own: strings and binary by bytes, numbers by value."""

    def reader(wire: Wire, body: Any, depth: int) -> set[Any]:
        members = set(map(read, _listed(body)))
        if not members:
            raise invalid_parameter(f"An {called} set  may not be empty")
        if len(members) < len(body):
            raise invalid_parameter(f"Input collection [{', '.join(body)}] contains duplicates.")
        wire[kind] = [write(member) for member in sorted(members)]
        return members

    return reader


def _string(body: Any) -> str:
    if type(body) is not str:
        raise _not_a(str, body)
    return body


def _binary(body: Any) -> bytes:
    if _BASE64.fullmatch(_string(body)) is None:
        raise unreadable("Invalid Base64 in a binary value")
    return a2b_base64(body)


def _base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


def read_bool(body: Any) -> bool:
    """A JSON true or false, or one of the words that the service takes for them.

    >>> read_bool(True), read_bool("No")
    (True, False)
    """
    if type(body) is bool:
        return body
    if type(body) is str:
        if body.lower() not in _WORDS:
            raise unreadable("Unexpected token received from parser")
        return _WORDS[body.lower()]
    raise _not_a(bool, body)


def _listed(body: Any) -> list[Any]:
    if type(body) is not list:
        raise _not_a(list, body)
    return body


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise invalid(TOO_DEEP)


def _not_a(wanted: type, got: Any) -> DynamoError:
    return unreadable(f"{_JSON_NAMES.get(type(got), 'VALUE')} cannot be converted to {_JAVA_NAMES[wanted]}")


_JSON_NAMES = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", str: "STRING_VALUE"}
_JAVA_NAMES = {str: "String", bool: "Boolean", dict: "Map", list: "List"}

_READERS: dict[str, Callable[[Wire, Any, int], Any]] = {
    "S": _read_string,
    "N": _read_number,
    "B": _read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "L": _read_list,
    "M": _read_map,
    "SS": _read_set("SS", "string", _string, str),
    "NS": _read_set("NS", "number", read_number, number_text),
    "BS": _read_set("BS", "binary", _binary, _base64),
}
