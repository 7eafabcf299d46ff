"""Answers as bytes: stored items go in as the text they are stored as, without being read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from json.encoder import encode_basestring as quote
from typing import Any

from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.values.decode import decode, decode_item
from flyexpr.values.encode import encode, encode_item
from flyexpr.values.types import Item

# Made once: json.dumps and json.loads with options make a new encoder or decoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decoder = json.JSONDecoder()
_decode = _decoder.decode
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]  # what decode itself uses
# What reading an item may end in that was not written by an engine.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)


def answer(**members: bytes | str | list[bytes] | None) -> bytes:
    """The body with these members, each given as JSON text, or as the texts of an array; None leaves a member out.

    >>> answer(Item=b'{"id":{"S":"abc"}}', Attributes=None)
    b'{"Item":{"id":{"S":"abc"}}}'
    >>> answer(Items=[b"1", b"2"], Count="2")
    b'{"Items":[1,2],"Count":2}'
    """
    parts: list[bytes] = []
    for name, text in members.items():
        if isinstance(text, list):
            # The items of a page are copied once, by the last line: a page of 1 MB takes half as long.
            parts.append(b'"%b":[%b' % (name.encode(), text[0] if text else b""))
            parts += text[1:]
            parts[-1] += b"]"
        elif text is not None:
            parts.append(b'"%b":%b' % (name.encode(), text.encode() if isinstance(text, str) else text))
    if not parts:
        return b"{}"
    parts[0] = b"{" + parts[0]
    parts[-1] += b"}"
    return b",".join(parts)


def json_text(value: Any) -> bytes:
    """The JSON of a wire object.

    >>> json_text({"CapacityUnits": 0.5})
    b'{"CapacityUnits":0.5}'
    """
    return _encode(value).encode()


def optional(value: Any) -> bytes | None:
    """The JSON of a member that may be missing.

    >>> optional(None) is None
    True
    """
    return None if value is None else json_text(value)


def item_text(item: Item) -> bytes:
    """The wire JSON of a plain item.

    >>> item_text({"wins": 1})
    b'{"wins":{"N":"1"}}'
    """
    return encode_item(item).encode()


def read_text(text: bytes, names: Iterable[str] | None = None) -> Item:
    """The plain item of a stored text, or only the attributes of these names, which is a good deal quicker.

    >>> read_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}', ["wins", "draws"])
    {'wins': 1}
    """
    try:
        wire = _decode(text.decode())
        if names is None:
            return decode_item(wire)
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


def changed_text(text: bytes, before: Mapping[str, Any], after: Item, names: Iterable[str]) -> bytes:
    """The stored text of the item `before`, whose attributes of these names are now as `after` has them, or gone.

    >>> old, new = {"wins": 1, "losses": 2}, {"wins": 5, "draws": 0}
    >>> changed_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}', old, new, ["draws", "losses", "wins"])
    b'{"wins":{"N":"5"},"draws":{"N":"0"}}'
    """
    # What stays is copied as text: a third of the time that writing all of it anew would take. Where only short values
    # change, even that is too much: their texts are exchanged.
    exchanged = _exchanged(text, before, after, names)
    if exchanged is not None:
        return exchanged
    texts = split_text(text)
    for name in names:
        if name in after:
            texts[name] = encode(after[name])
        else:
            texts.pop(name, None)
    return joined_text(texts)


def _exchanged(text: bytes, before: Mapping[str, Any], after: Item, names: Iterable[str]) -> bytes | None:
    """The same by exchanging texts; None where one of them may be long, or does not stand in exactly one place.

    An attribute of the item itself always has its place, so where there is one only, none is within another attribute.
    """
    for name in names:
        if type(before.get(name)) in _LONG:
            return None
        old, new = _attribute(name, before), _attribute(name, after)
        if not old:
            text = b"%b,%b}" % (text[:-1], new) if new else text
        elif text.count(old) != 1:
            return None
        elif new:
            text = text.replace(old, new)
        elif b"," + old in text:
            text = text.replace(b"," + old, b"")
        else:
            return None
    return text


_LONG = frozenset((dict, list, set))


def _attribute(name: str, item: Mapping[str, Any]) -> bytes:
    return f"{quote(name)}:{encode(item[name])}".encode() if name in item else b""
