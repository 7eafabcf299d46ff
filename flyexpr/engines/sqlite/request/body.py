"""The body of a request, read as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.faults import unreadable
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.put_patterns import KnownItem, PutPatterns
from flyexpr.values.numbers import no_constant

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

    def member(text: str, name: str, position: int) -> tuple[Any, int]:
        item = patterns.item(text, position) if name == "Item" else None
        return (item, position + len(item.text)) if item is not None else _scan(text, position)

    return _known(body, patterns, member)


def read_known_batch(body: bytes, patterns: PutPatterns) -> Members | None:
    """The members of a BatchWriteItem, with those items to be put that have a known pattern; None in any doubt.

    >>> read_known_batch(b'{"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}}', PutPatterns()) is None
    True
    """

    def request(text: str, position: int) -> tuple[Any, int]:
        start = position + len(_PUT)
        item = patterns.item(text, start) if text.startswith(_PUT, position) else None
        if item is None or not text.startswith("}}", start + len(item.text)):
            return _scan(text, position)
        return {"PutRequest": {"Item": item}}, start + len(item.text) + 2

    def requests(text: str, name: str, position: int) -> tuple[Any, int]:
        read: list[Any] = []
        while text[position] == ("," if read else "["):
            one, position = request(text, position + 1)
            read.append(one)
        if text[position] != "]":
            raise ValueError("the list has no end")
        return read, position + 1

    def member(text: str, name: str, position: int) -> tuple[Any, int]:
        return _object(text, position, requests) if name == "RequestItems" else _scan(text, position)

    return _known(body, patterns, member)


_PUT = '{"PutRequest":{"Item":'
_Read = Callable[[str, str, int], tuple[Any, int]]
"""Reads the value of a name at a position of a text, and says where it ends."""


def _known(body: bytes, patterns: PutPatterns, read: _Read) -> Members | None:
    """The members of a request without blanks and escapes, each read by `read`; None for any other request."""
    if not patterns.known or len(body) > MAX_BODY or b"\\" in body:
        return None
    try:
        text = body.decode()
        members, end = _object(text, 0, read)
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None
    return members if end == len(text) else None


def _object(text: str, position: int, read: _Read) -> tuple[Members, int]:
    members: Members = {}
    while text[position] == ("," if members else "{"):
        name, position = _scan(text, position + 1)
        if type(name) is not str or text[position] != ":":
            raise ValueError("a member has no name")
        members[name], position = read(text, name, position + 1)
    if text[position] != "}":
        raise ValueError("the object has no end")
    return members, position + 1


# What raw_decode itself uses. StopIteration is its word for text that is not JSON.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_constant=no_constant).scan_once  # type: ignore[attr-defined]


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


class BatchBodies(Bodies):
    """Reads the bodies of BatchWriteItem: the same for the items that it puts."""

    def __init__(self) -> None:
        self.patterns = PutPatterns()

    def read(self, body: bytes) -> Members:
        return read_known_batch(body, self.patterns) or read_body(body)

    def learn(self, members: Members, body: bytes) -> None:
        puts = [put for requests in members["RequestItems"].values() for put in map(_item_put, requests) if put]
        for item in puts:
            self.patterns.learn(item, len(body) // len(puts))


def _item_put(request: Members) -> dict[str, Any] | KnownItem | None:
    put = request.get("PutRequest")
    return put and put["Item"]
