"""Answers as bytes: stored items go in as the text they are stored as, without being read."""

from __future__ import annotations

import json
from typing import Any

from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # json.dumps would make one for each call


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
