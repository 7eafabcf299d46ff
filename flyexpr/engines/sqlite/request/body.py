"""The body of a request, read as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from flyexpr.engines.sqlite.faults import unreadable
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.put_patterns import PutPatterns

MAX_BODY = 16 * 1024 * 1024


def read_body(body: bytes) -> Members:
    """The JSON of a request, as an object.

    >>> read_body(b'{"Limit": NaN}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: the body is not the JSON of a request
    """
    if len(body) > MAX_BODY:
        raise unreadable("the body is over 16 MB")
    try:
        text = body.decode().strip(" \t\r\n")
        members, end = _scan(text, 0)
        if end != len(text):
            raise ValueError("something follows the request")
        if "\\ud" in text or "\\uD" in text:
            json.dumps(members, ensure_ascii=False).encode()  # half of a surrogate pair cannot be stored
    except (ValueError, StopIteration, RecursionError):
        raise unreadable("the body is not the JSON of a request") from None
    if type(members) is not dict:
        raise unreadable("the body is not the JSON of a request")
    return members


def read_known_put(body: bytes, patterns: PutPatterns) -> Members | None:
    """The members of a PutItem whose item has a known pattern; None in any doubt.

    >>> read_known_put(b'{"Item":{"id":{"S":"a"}}}', PutPatterns()) is None
    True
    """
    if not patterns.known or len(body) > MAX_BODY or b"\\" in body:
        return None
    members: Members = {}
    position = 1
    try:
        text = body.decode()
        while text[position - 1] == ("," if members else "{"):
            name, position = _scan(text, position)
            if type(name) is not str or text[position] != ":":
                return None
            item = patterns.item(text, position + 1) if name == "Item" else None
            value, position = (item, position + 1 + len(item.text)) if item else _scan(text, position + 1)
            members[name] = value
            position += 1
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None
    return members if text[position - 1 :] == "}" else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# What raw_decode itself uses. StopIteration is its word for text that is not JSON.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]


class Bodies:
    """Reads the bodies of one operation's requests, for one engine."""

    read = staticmethod(read_body)

    def learn(self, members: Members, body: bytes) -> None:
        """Takes note of a request that was carried out."""


class PutBodies(Bodies):
    """Reads the bodies of PutItem: an item of a known pattern is not read value by value."""

    def __init__(self) -> None:
        self.patterns = PutPatterns()

    def read(self, body: bytes) -> Members:
        return read_known_put(body, self.patterns) or read_body(body)

    def learn(self, members: Members, body: bytes) -> None:
        self.patterns.learn(members["Item"], len(body))
