"""The texts that items are stored as: read, also in part, and changed.

What stays in an item is copied as text. An attribute that is neither a map nor a list, and stands before the first map,
is found without reading the rest of the item: three attributes of an item of 1.3 KB take a quarter of the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.values.decode import decode, decode_item
from flyexpr.values.encode import encode
from flyexpr.values.memo import Memo
from flyexpr.values.numbers import number
from flyexpr.values.types import Item, quote

# Made once: json.loads with options makes a new decoder for each call.
_decoder = json.JSONDecoder()
_decode = _decoder.decode
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]  # what decode itself uses
# What reading an item may end in that was not written by an engine.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
_WORTH = 64  # bytes of an item for each attribute: in a smaller one it is quicker to read all


def read_text(text: bytes, names: Collection[str] | None = None) -> Item:
    """The plain item of a stored text, or only the attributes of these names, which is a good deal quicker.

    >>> read_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}', ["wins", "draws"])
    {'wins': 1}
    """
    try:
        if names is None:
            return decode_item(_decode(text.decode()))
        item = _read_flat(text, names) if len(names) * _WORTH <= len(text) else None
        if item is not None:
            return item
        wire = _decode(text.decode())
        return {name: decode(wire[name]) for name in names if name in wire}
    except _UNREADABLE as error:
        raise DamagedFileError("a stored item cannot be read") from error


def read_first(text: bytes, names: Sequence[str]) -> Item:
    """The attributes of these names, in that order, of a stored text that begins with them, or nearly so: a key.

    >>> read_first(b'{"losses":{"N":"2"},"wins":{"N":"1"},"draws":{"N":"0"}}', ["wins", "losses"])
    {'wins': 1, 'losses': 2}

    What follows is not read, so it takes a third of the time of `read_text`.
    """
    values: Item = {}
    try:
        whole, end = text.decode(), 0
        while len(values) < len(names):
            name, start = _scan(whole, end + 1)
            wire, end = _scan(whole, start + 1)
            if name in names:
                values[name] = decode(wire)
        return {name: values[name] for name in names}
    except (*_UNREADABLE, StopIteration):
        return read_text(text, names)


def split_text(text: bytes) -> dict[str, str]:
    """The texts of the attributes of a stored text.

    >>> split_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}')
    {'wins': '{"N":"1"}', 'losses': '{"N":"2"}'}
    """
    try:
        return _split(text.decode())
    except _UNREADABLE as error:
        raise DamagedFileError("a stored item cannot be read") from error


def _split(text: str) -> dict[str, str]:
    """The same of an item that `json_text` or `item_text` wrote, so without a blank."""
    texts = {}
    end = text.find('"')
    if end != 1:
        raise ValueError("an item has attributes")
    try:
        while 0 < end < len(text):
            name, start = _scan(text, end)
            _, end = _scan(text, start + 1)
            texts[name] = text[start + 1 : end]
            end += 1
    except StopIteration as stopped:
        raise ValueError(f"no JSON at {stopped}") from None
    if end != len(text):
        raise ValueError("the item has no end")
    return texts


def joined_text(texts: Mapping[str, str]) -> bytes:
    """The text of an item with these attributes, each given as its text.

    >>> joined_text({"wins": '{"N":"1"}'})
    b'{"wins":{"N":"1"}}'
    """
    return f"{{{','.join([f'{quote(name)}:{value}' for name, value in texts.items()])}}}".encode()


def changed_text(text: bytes, after: Item, names: Iterable[str]) -> bytes:
    """The stored text of an item whose attributes of these names are now as `after` has them, or gone.

    >>> changed_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}', {"wins": 5, "draws": 0}, ["draws", "losses", "wins"])
    b'{"wins":{"N":"5"},"draws":{"N":"0"}}'
    """
    try:
        return _exchanged(text, after, names)
    except _Unclear:
        texts = split_text(text)
    for name in names:
        if name in after:
            texts[name] = encode(after[name])
        else:
            texts.pop(name, None)
    return joined_text(texts)


def _exchanged(text: bytes, after: Item, names: Iterable[str]) -> bytes:
    """The same by exchanging the texts of the values: it takes a fifth of the time of splitting and joining."""
    first_map, places, added = _first_map(text), [], ""
    for name in names:
        matched = _flat(text, name, first_map)
        if name not in after:
            if matched is not None:
                places.append((_comma_before(text, name, matched), matched.end(), b""))
        elif matched is not None:
            places.append((*matched.span(), encode(after[name]).encode()))
        else:
            added += f",{quote(name)}:{encode(after[name])}"
    if added:
        places.append((len(text) - 1, len(text) - 1, added.encode()))
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _comma_before(text: bytes, name: str, matched: re.Match[bytes]) -> int:
    """Where an attribute begins with its comma; the first one has none."""
    start = matched.start() - len(_MARKS.get(name) or _mark(name)) - 1
    if text[start] != _COMMA:
        raise _Unclear
    return start


class _Unclear(Exception):
    """An attribute is a map or a list, or perhaps not the item's own."""


def _read_flat(text: bytes, names: Iterable[str]) -> Item | None:
    """The attributes of these names, without reading the others; None where one of them is unclear."""
    item: Item = {}
    try:
        first_map = _first_map(text)
        for name in names:
            matched = _flat(text, name, first_map)
            if matched is None:
                continue
            string, digits = matched.groups()
            if string is not None:
                item[name] = string.decode()
            elif digits is not None:
                item[name] = int(digits) if digits.isdigit() else number(digits.decode())
            else:
                item[name] = decode(_decode(matched[0].decode()))
    except _Unclear:
        return None
    return item


def _first_map(text: bytes) -> int:
    """Where the first map in an item begins, or else its end: before that, all names are those of its attributes."""
    if not text.startswith(b'{"') or not text.endswith(b"}}"):
        raise _Unclear
    place = text.find(b'{"M":{')
    return len(text) if place < 0 else place


def _flat(text: bytes, name: str, first_map: int) -> re.Match[bytes] | None:
    """The match of an attribute's value; None where the item has no such attribute.

    The name in quotes and with a colon is found nowhere else: quotes within a string have a backslash before them.
    """
    mark = _MARKS.get(name) or _mark(name)
    start = text.find(mark)
    if start < 0:
        return None
    if start < first_map and text[start - 1] != _BACKSLASH:
        matched = _FLAT(text, start + len(mark))
        if matched is not None:
            return matched
    raise _Unclear


_MARKS = Memo[str, bytes](1024)
_BACKSLASH, _COMMA = b"\\,"
_TEXT = r'"[^"\\]*"'
_KINDS = (
    r'S":"([^"\\]*)"',
    r'N":"([^"\\]*)"',
    rf'B":{_TEXT}',
    rf'[SNB]S":\[{_TEXT}(?:,{_TEXT})*\]',
    'BOOL":(?:true|false)',
    'NULL":true',
)
_FLAT = re.compile(rf'\{{"(?:{"|".join(_KINDS)})\}}'.encode()).match


def _mark(name: str) -> bytes:
    """How a name stands in an item."""
    quoted = quote(name)
    # A name that is written with a backslash, or begins with what follows a string, might be found in the wrong place.
    if len(quoted) != len(name) + 2 or name[:1] in ",:}]" or len(name) > _LONG_NAME:
        raise _Unclear
    return _MARKS.keep(name, f"{quoted}:".encode())


_LONG_NAME = 255
