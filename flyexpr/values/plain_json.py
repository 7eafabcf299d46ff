"""Items as plain JSON, one per line; what JSON cannot express is marked.

    {"id": "a", "wins": 3, "tags": {"$set": ["new", "old"]}, "photo": {"$bytes": "aGk="}}

A mark is an object with the one member `$set` or `$bytes`. A map that looks like a mark gets one more `$`, and loses
it when it is read: the map {"$set": 1} is written {"$$set": 1}. So every item reads back as it was, and plain data is
plain. The item itself is never a mark. Numbers keep all of their digits.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from flyexpr.errors import ValidationError
from flyexpr.values.freeze import freeze
from flyexpr.values.memo import Memo
from flyexpr.values.numbers import WHOLE, number_text
from flyexpr.values.refusals import check_pairs, half_a_pair
from flyexpr.values.types import Item, quote

_MARK = re.compile(r"\$+(set|bytes)")


def item_text(item: Mapping[str, Any]) -> str:
    """An item as one line of JSON, without its end.

    >>> print(item_text({"id": "é", "n": Decimal("1.50"), "tags": {"b", "a"}, "odd": {"$set": 1}}))
    {"id": "é", "n": 1.5, "tags": {"$set": ["a", "b"]}, "odd": {"$$set": 1}}
    """
    parts = []
    for name, value in item.items():
        key, kind = _NAMES.get(name) or _NAMES.keep(name, quote(name) + ": "), type(value)
        if kind is str:  # strings and whole numbers are written here: most values are of these types
            parts.append(key + quote(value))
        elif kind is int and -WHOLE < value < WHOLE:
            parts.append(f"{key}{value}")
        else:
            parts.append(key + _WRITERS[kind](value))
    return "{" + ", ".join(parts) + "}"


_NAMES = Memo[str, str](4096)  # names as JSON: they are few, and come again and again


def value_text(value: Any) -> str:
    """One value as JSON.

    >>> value_text([None, True, b"hi", {1, 2}])
    '[null, true, {"$bytes": "aGk="}, {"$set": [1, 2]}]'
    """
    return _WRITERS[type(value)](value)


def read_item(text: str) -> Item:
    """The item in a line of JSON.

    >>> read_item('{"id": "a", "tags": {"$set": ["b"]}, "odd": {"$$set": 1}, "n": 0.10}')
    {'id': 'a', 'tags': {'b'}, 'odd': {'$set': 1}, 'n': Decimal('0.10')}
    >>> read_item('{"id": "a" "n": 1}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: not JSON: Expecting ',' delimiter at character 12
    """
    item = parse_json(text)
    if not isinstance(item, dict):
        raise ValidationError(f"an item is a JSON object, not {_shortened(text)}")
    if '"$' in text or "\\u0024" in text:
        for name, value in item.items():
            item[name] = _unmarked(value)
    return item


def read_value(text: str) -> Any:
    """The value in a JSON text.

    >>> read_value('{"$bytes": "aGk="}')
    b'hi'
    """
    return _unmarked(parse_json(text))


def parse_json(text: str) -> Any:
    r"""The value of a JSON text, with exact numbers; ValidationError for other text, and for what cannot be stored.

    >>> parse_json("[1, 2.50]")
    [1, Decimal('2.50')]
    >>> parse_json(r'"\ud83d\ude00"'), parse_json(r'"\\ud83d"')
    ('😀', '\\ud83d')
    >>> parse_json(r'"\ud83d"')
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: text with half of a surrogate pair ('\ud83d') cannot be stored
    """
    try:
        value = _decode(text)
        if not text.isascii():
            text.encode()
        check_pairs(text, value)
        return value
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise ValidationError(half_a_pair(error.object[error.start])) from None
    except json.JSONDecodeError as error:
        raise ValidationError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except ValidationError:
        raise
    except (ValueError, ArithmeticError):  # more digits than Python reads into an int, or into a Decimal's exponent
        raise ValidationError("a number is out of range: magnitudes go from 1E-130 to 9.99…E+125") from None
    except RecursionError:
        raise ValidationError("nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValidationError(f"not JSON: {name} is not a number")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def _decode(text: str) -> Any:
    """What the decoder makes of a text. To look for blanks on both sides takes it as long as to read a small item."""
    if text[:1] != "{":
        return _decoder.decode(text)
    value, end = _decoder.raw_decode(text)
    return value if end == len(text) else _decoder.decode(text)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(member) for member in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, body),) = value.items()
        if name == "$set":
            return _read_set(body)
        if name == "$bytes":
            return _read_bytes(body)
        if _MARK.fullmatch(name):
            return {name[1:]: _unmarked(body)}
    return {name: _unmarked(member) for name, member in value.items()}


def _read_set(body: Any) -> set[Any]:
    members = [_unmarked(member) for member in body] if isinstance(body, list) else []
    if not members or not all(type(member) in (str, int, Decimal, bytes) for member in members):
        raise ValidationError('{"$set": [...]} takes a list of strings, of numbers or of {"$bytes": ...}, not empty')
    value = set(members)
    freeze(value)  # one type
    return value


def _read_bytes(body: Any) -> bytes:
    try:
        return b64decode(body, validate=True)
    except (ValueError, TypeError):
        raise ValidationError('{"$bytes": "..."} takes base64 text') from None


def _write_number(value: int | Decimal) -> str:
    try:
        return number_text(value)
    except ArithmeticError as error:
        raise ValidationError(str(error)) from None


def _write_bytes(value: bytes) -> str:
    return f'{{"$bytes": "{b2a_base64(value, newline=False).decode("ascii")}"}}'


def _write_list(value: list[Any]) -> str:
    return "[" + ", ".join([_WRITERS[type(member)](member) for member in value]) + "]"


def unmistakable(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A map as JSON has it: one that looks like a mark gets one more `$`.

    >>> unmistakable({"$set": 1}), unmistakable({"set": 1})
    ({'$$set': 1}, {'set': 1})
    """
    if len(value) == 1:
        ((name, member),) = value.items()
        if _MARK.fullmatch(name):
            return {f"${name}": member}
    return value


def _write_set(value: set[Any] | frozenset[Any]) -> str:
    return f'{{"$set": {_write_list(sorted(value))}}}'


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: quote,
    int: _write_number,
    Decimal: _write_number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    bytes: _write_bytes,
    list: _write_list,
    dict: lambda value: item_text(unmistakable(value)),
    set: _write_set,
}
