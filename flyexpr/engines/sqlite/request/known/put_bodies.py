"""Puts that ask for the same as an earlier one, but of other items.

An item of a known pattern is not read value by value. Where the text around such items came before, too, the request is
not read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.request.batches import MAX_WRITES
from flyexpr.engines.sqlite.request.body import MAX_BODY, NOT_AS_KNOWN, Bodies, read_body, scan
from flyexpr.engines.sqlite.request.intents.writes import WriteAsked, WritesAsked
from flyexpr.engines.sqlite.request.known.put_patterns import KnownItem, PutPatterns
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.values.memo import Memo
from flyexpr.values.pattern_cache import SEVERAL
from flyexpr.values.types import MAX_ITEM


def read_known_put(body: bytes, patterns: PutPatterns) -> Members | None:
    """The members of a PutItem whose item has a known pattern; None in any doubt.

    >>> read_known_put(b'{"Item":{"id":{"S":"a"}}}', PutPatterns()) is None
    True
    """

    def member(text: str, name: str, position: int) -> tuple[Any, int]:
        item = patterns.item(text, position) if name == "Item" else None
        return (item, item.end) if item is not None else scan(text, position)

    return _known(body, patterns, member)


def read_known_batch(body: bytes, patterns: PutPatterns) -> Members | None:
    """The members of a BatchWriteItem, with those items to be put that have a known pattern; None in any doubt.

    >>> read_known_batch(b'{"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}}', PutPatterns()) is None
    True
    """

    def request(text: str, position: int) -> tuple[Any, int]:
        start = position + len(_PUT)
        item = patterns.item(text, start) if text.startswith(_PUT, position) else None
        if item is None or not text.startswith(_PUT_END, item.end):
            return scan(text, position)
        return {"PutRequest": {"Item": item}}, item.end + len(_PUT_END)

    def requests(text: str, name: str, position: int) -> tuple[Any, int]:
        read: list[Any] = []
        while text[position] == ("," if read else "["):
            one, position = request(text, position + 1)
            read.append(one)
        if text[position] != "]":
            raise ValueError("the list has no end")
        return read, position + 1

    def member(text: str, name: str, position: int) -> tuple[Any, int]:
        return _object(text, position, requests) if name == "RequestItems" else scan(text, position)

    return _known(body, patterns, member)


_PUT, _PUT_END = '{"PutRequest":{"Item":', "}}"
_Read = Callable[[str, str, int], tuple[Any, int]]
"""Reads the value of a name at a position of a text, and says where it ends."""


def _known(body: bytes, patterns: PutPatterns, read: _Read) -> Members | None:
    """The members of a request whose text can be made compact, each read by `read`; None for any other request."""
    if not patterns.readers or len(body) > MAX_BODY:
        return None
    try:
        text = patterns.compact.of(body)
        if "\\" in text:
            return None
        members, end = _object(text, 0, read)
    except NOT_AS_KNOWN:
        return None
    return members if end == len(text) else None


def _object(text: str, position: int, read: _Read) -> tuple[Members, int]:
    members: Members = {}
    while text[position] == ("," if members else "{"):
        name, position = scan(text, position + 1)
        if type(name) is not str or text[position] != ":":
            raise ValueError("a member has no name")
        members[name], position = read(text, name, position + 1)
    if text[position] != "}":
        raise ValueError("the object has no end")
    return members, position + 1


class _BodiesWithItems(Bodies):
    """Reads the bodies of requests that put items: an item of a known pattern is not read value by value.

    What stands around such items is mostly the same as in an earlier request, and is not read again either: a put takes
    0.87 of the time, and a batch 0.95. A text is remembered once it was read and carried out.
    """

    start, between = "", ""
    """What stands before the first item, and before each further one."""

    def __init__(self) -> None:
        self.patterns = PutPatterns()
        self._read = 0
        self._known = Memo[str, Memo[str, Any]](_MANY)  # what is asked for, by the texts before the items and after

    def known(self, body: bytes) -> Any:
        if not self._known or len(body) > MAX_BODY:
            return None
        try:
            text = self.patterns.compact.of(body)
        except ValueError:
            return None
        position = text.find(self.start) + len(self.start)
        by_end = self._known.get(text[:position])
        if by_end is None:
            return None
        images: list[Image] = []
        while True:
            item = self.patterns.item(text, position)
            if item is None or item.image.size > MAX_ITEM:
                return None
            images.append(item.image)
            if not self.between or not text.startswith(self.between, item.end):
                break
            position = item.end + len(self.between)
        asked = by_end.get(text[item.end :])
        if asked is None or len(images) > MAX_WRITES:
            return None
        self.patterns.puts += len(images)
        return self.asked(asked, images)

    def learn(self, members: Members, asked: Any, body: bytes) -> None:
        items = self.items(members)
        for item in items:
            self.patterns.learn(item, len(body) // len(items))
        self._read += 1
        if self._read % SEVERAL or not items or any(type(item) is not KnownItem for item in items):
            return  # to take note of a text takes longer than to read it
        text = self.patterns.compact.of(body)
        start, end = text[: text.find(self.start) + len(self.start)], text[items[-1].end :]
        if len(start) + len(end) <= _LONG and _read_text(f"{start}0{end}") == self.with_item(members, 0):
            by_end = self._known.get(start) or self._known.keep(start, Memo(_MANY))
            by_end.keep(end, self.asked(asked, [_NOTHING]))

    def items(self, members: Members) -> list[Any]:
        """The items that a request puts, as they were read."""
        raise NotImplementedError

    def with_item(self, members: Members, item: Any) -> Members | None:
        """The members of a request that puts one item; None for a request that does something else, too."""
        raise NotImplementedError

    def asked(self, known: Any, images: list[Image]) -> Any:
        """What is asked for by a request that puts other items than a known one."""
        raise NotImplementedError


_MANY, _LONG = 32, 1024  # texts, and characters of one
_NOTHING = Image({}, 0, b"")


def _read_text(text: str) -> Any:
    try:
        return scan(text, 0)[0]
    except (ValueError, StopIteration):
        return None


class PutBodies(_BodiesWithItems):
    """Reads the bodies of PutItem."""

    start = '"Item":'

    def read(self, body: bytes) -> Members:
        return read_known_put(body, self.patterns) or read_body(body)

    def items(self, members: Members) -> list[Any]:
        return [members["Item"]]

    def with_item(self, members: Members, item: Any) -> Members:
        return {**members, "Item": item}

    def asked(self, known: WriteAsked, images: list[Image]) -> WriteAsked:
        return WriteAsked(known.write.of(images[0]), known.returns)


class BatchBodies(_BodiesWithItems):
    """Reads the bodies of BatchWriteItem; one that deletes or writes to several tables is always read."""

    start, between = _PUT, f"{_PUT_END},{_PUT}"

    def read(self, body: bytes) -> Members:
        return read_known_batch(body, self.patterns) or read_body(body)

    def items(self, members: Members) -> list[Any]:
        puts = [one.get("PutRequest") for requests in members["RequestItems"].values() for one in requests]
        return [put["Item"] for put in puts if put]

    def with_item(self, members: Members, item: Any) -> Members | None:
        (name, requests), *others = members["RequestItems"].items()
        if others or any([*one] != ["PutRequest"] or [*one["PutRequest"]] != ["Item"] for one in requests):
            return None
        return {**members, "RequestItems": {name: [{"PutRequest": {"Item": item}}]}}

    def asked(self, known: WritesAsked, images: list[Image]) -> WritesAsked:
        return WritesAsked(tuple(map(known.writes[0].of, images)), known.returns)
