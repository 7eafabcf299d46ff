"""The JSON types that a request is made of, and the service's words for a value of another type.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.faults import unreadable
from flyexpr.errors import DynamoError

# The strings that the service takes for true and false, in any case.
_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Scalar(NamedTuple):
    """A string, a number, true or false, by the name of its class in Java."""

    name: str


class ListOf(NamedTuple):
    """A JSON array whose elements have one shape."""

    of: Shape


class MapOf(NamedTuple):
    """A JSON object with any names, whose values have one shape; the service calls that shape `name`."""

    of: Shape
    name: str


class Structure(NamedTuple):
    """A JSON object with these members; others are passed over."""

    name: str
    members: Mapping[str, Shape]


Shape = Scalar | ListOf | MapOf | Structure

STRING, BOOLEAN = Scalar("java.lang.String"), Scalar("java.lang.Boolean")
INTEGER, LONG = Scalar("java.lang.Integer"), Scalar("java.lang.Long")
BINARY, TIMESTAMP = Scalar("java.nio.ByteBuffer"), Scalar("java.util.Date")

_VALUE_MEMBERS: dict[str, Shape] = {
    "S": STRING,
    "N": STRING,
    "B": BINARY,
    "BOOL": BOOLEAN,
    "NULL": BOOLEAN,
    "SS": ListOf(STRING),
    "NS": ListOf(STRING),
    "BS": ListOf(BINARY),
}
VALUE = Structure("AttributeValue", _VALUE_MEMBERS)
VALUES, ITEM = ListOf(VALUE), MapOf(VALUE, "AttributeValue")
_VALUE_MEMBERS |= {"L": VALUES, "M": ITEM}
STRINGS, NAMES = ListOf(STRING), MapOf(STRING, "java.lang.String")

_PREFIX = "com.amazonaws.dynamodb.v20120810."
_NO_CLASS = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
    "loader 'bootstrap')"
)


def check_shape(value: Any, shape: Shape) -> None:
    """None for a value of this shape all the way down; JSON null has any shape.

    >>> check_shape({"a": [{"b": True}]}, MapOf(ListOf(Structure("Pair", {"b": BOOLEAN})), "Pairs"))
    >>> check_shape({"a": "x"}, MapOf(ListOf(STRING), "Lists"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: class sun.reflect.generics...
    """
    waiting: deque[tuple[Any, Shape, bool]] = deque([(value, shape, True)])
    while waiting:  # not by recursion: a body may be nested as deep as the stack
        value, shape, is_member = waiting.popleft()
        if value is None:
            continue
        if not _fits(value, shape):
            raise wrong_type(value, shape, is_member=is_member)
        waiting.extend(_below(value, shape))


def _fits(value: Any, shape: Shape) -> bool:
    match shape:
        case Scalar():
            return _is_scalar(value, shape)
        case ListOf():
            return type(value) is list
    return isinstance(value, (dict, tuple))  # a tuple is an item that was read already


def _is_scalar(value: Any, shape: Scalar) -> bool:
    if shape is BOOLEAN:
        return type(value) is bool or (type(value) is str and value.lower() in _WORDS)
    if shape in (INTEGER, LONG, TIMESTAMP):
        return type(value) in (int, float)
    if shape is BINARY and type(value) is str:
        read_base64(value)
    return type(value) is str


def _below(value: Any, shape: Shape) -> Iterable[tuple[Any, Shape, bool]]:
    match shape:
        case ListOf(of):
            return [(element, of, False) for element in value]
        case MapOf(of) if type(value) is dict:
            return [(element, of, False) for element in value.values()]
        case Structure(_, members):
            return [(value[name], below, True) for name, below in members.items() if name in value]
    return ()


def wrong_type(value: Any, shape: Shape, *, is_member: bool = True) -> DynamoError:
    """What the service says of a value of another type; `is_member` of a structure, not an element of a list or map.

    >>> wrong_type(1, STRING).message
    'NUMBER_VALUE cannot be converted to String'
    """
    match shape:
        case Scalar(name):
            return unreadable(_scalar_words(value, name))
        case ListOf() if type(value) is dict:
            return unreadable("Start of structure or map found where not expected")
        case MapOf(_, name) if type(value) is list and is_member:
            return unreadable(f"Unrecognized collection type java.util.Map<java.lang.String, {_class_of(name)}>")
        case Structure(name) if type(value) is list:
            return unreadable(f"Unrecognized collection type class {_class_of(name)}")
        case Structure() if not is_member:
            return unreadable("Unexpected value type in payload")
    return unreadable("Unexpected field type" if is_member else _NO_CLASS)


def _class_of(name: str) -> str:
    return name if "." in name else _PREFIX + name


def _scalar_words(value: Any, name: str) -> str:
    if type(value) is dict:
        return "Start of structure or map found where not expected"
    if type(value) is list:
        return f"Unrecognized collection type class {name}"
    if name == BINARY.name:
        return "only base-64-encoded strings are convertible to bytes"
    if name == BOOLEAN.name and type(value) is str:
        return "Unexpected token received from parser"
    return f"{_token(value)} cannot be converted to {name.rpartition('.')[2]}"


def _token(value: Any) -> str:
    if type(value) is bool:
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return {int: "NUMBER_VALUE", float: "DECIMAL_VALUE", str: "STRING_VALUE"}.get(type(value), "NULL_VALUE")


def read_bool(value: Any) -> bool:
    """A JSON true or false, or one of the words that the service takes for them.

    >>> read_bool(True), read_bool("No")
    (True, False)
    """
    if type(value) is bool:
        return value
    if type(value) is str and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise wrong_type(value, BOOLEAN)


def read_base64(text: str) -> bytes:
    """The bytes that a text stands for; only the one text that an encoder writes of them is taken.

    >>> read_base64("aGk="), b2a_base64(b"h", newline=False)
    (b'hi', b'aA==')
    >>> read_base64("aB==")
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: Invalid last non-pad Base64 character dectected
    """
    if len(text) % 4:
        raise unreadable(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    read = a2b_base64(text) if _BASE64.fullmatch(text) is not None else b""
    if b2a_base64(read, newline=False).decode() != text:
        raise unreadable("Invalid last non-pad Base64 character dectected")  # the service's own spelling
    return read
