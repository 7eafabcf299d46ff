"""Answers as bytes: stored items go in as the text they are stored as, without being read."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping
from json.encoder import encode_basestring as quote
from typing import Any

from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.values.decode import decode, decode_item
from flyexpr.values.encode import encode, encode_item
from flyexpr.values.kinds import Item

# Made once: json.dumps and json.loads with options make a new encoder or decoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decoder = json.JSONDecoder()
_decode = _decoder.decode
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]  # what decode itself uses
# What reading an item may end in that was not written by an engine.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)


def answer(**members: bytes | str | None) -> bytes:
    """The body with these members, each given as JSON text; those that are None are left out.

    >>> answer(Item=b'{"id":{"S":"abc"}}', Attributes=None)
    b'{"Item":{"id":{"S":"abc"}}}'
    """
    parts = []
    for name, text in members.items():
        if text is not None:
            parts.append(b'"%b":%b' % (name.encode(), text.encode() if isinstance(text, str) else text))
    return b"{%b}" % b",".join(parts)


def array(texts: Iterable[bytes]) -> bytes:
    """A JSON array of texts.

    >>> array([b"1", b"2"])
    b'[1,2]'
    """
    return b"[%s]" % b",".join(texts)


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


def split_text(text: bytes, names: Container[str]) -> tuple[Item, dict[str, str]]:
    """The attributes of these names of a stored text, as plain values; and the texts of all attributes.

    >>> split_text(b'{"wins":{"N":"1"},"losses":{"N":"2"}}', ["wins", "draws"])
    ({'wins': 1}, {'wins': '{"N":"1"}', 'losses': '{"N":"2"}'})
    """
    try:
        return _split(text.decode(), names)
    except _UNREADABLE as error:
        raise DamagedFileError("a stored item cannot be read") from error


def _split(text: str, names: Container[str]) -> tuple[Item, dict[str, str]]:
    """The same of an item that `json_text` or `item_text` wrote, so without a blank."""
    item, texts = {}, {}
    end = text.find('"')
    if end != 1:
        raise ValueError("an item has attributes")
    try:
        while 0 < end < len(text):
            name, start = _scan(text, end)
            wire, end = _scan(text, start + 1)
            texts[name] = text[start + 1 : end]
            if name in names:
                item[name] = decode(wire)
            end += 1
    except StopIteration as stopped:
        raise ValueError(f"no JSON at {stopped}") from None
    if end != len(text):
        raise ValueError("the item has no end")
    return item, texts


def changed_text(texts: Mapping[str, str], item: Item, names: Iterable[str]) -> bytes:
    """The text of an item whose attributes of these names are as `item` has them, or gone; the others as they were.

    >>> changed_text({"wins": '{"N":"1"}', "losses": '{"N":"2"}'}, {"wins": 5}, ["wins", "losses"])
    b'{"wins":{"N":"5"}}'
    """
    # What stays is copied as text: a third of the time that writing all of it anew would take.
    attributes = dict(texts)
    for name in names:
        if name in item:
            attributes[name] = encode(item[name])
        else:
            attributes.pop(name, None)
    return f"{{{','.join([f'{quote(name)}:{value}' for name, value in attributes.items()])}}}".encode()
