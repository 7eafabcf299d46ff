"""Items whose pattern came often before, taken as they stand in a request.

Programs put many items of few shapes. An item that matches the pattern of its shape, and has every value just as the
service would write it, is not read value by value: its text is the text to store, its size is a sum over its values,
and a value is made where somebody looks at it. It takes a third of the time; a batch of such items takes 0.55. Every
other item is left to wire.py, which refuses it or writes it as the service does.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from operator import lt
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.request.known.compact import CompactTexts
from flyexpr.values.memo import Memo
from flyexpr.values.numbers import DIGITS, text_size, whole_size
from flyexpr.values.pattern_cache import PATIENCE, SEVERAL, WORTH, worthy_pattern
from flyexpr.values.patterns import Maker, Match, Matched

_MANY = 64  # patterns that are counted


class KnownItem(NamedTuple):
    """An item of a known pattern, as it will be stored; and where its text ends in the request."""

    image: Image
    end: int


class KnownAttributes(Mapping[str, Any]):
    """The attributes of an item of a known pattern; a value is made each time that it is looked at.

    A table looks at few, those of its keys and indexes: a put takes the engine 0.86 of the time, a batch 0.80.
    """

    __slots__ = ("_makers", "_matched")

    def __init__(self, makers: Mapping[str, Callable[[Matched], Any]], matched: Matched) -> None:
        self._makers, self._matched = makers, matched

    def __getitem__(self, name: str) -> Any:
        return self._makers[name](self._matched)

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class _Reader(NamedTuple):
    """Reads the items of one pattern: finds one, makes its values, and counts its size with a character as a byte."""

    match: Match
    makers: dict[str, Callable[[Matched], Any]]
    size: Callable[[Matched], int]


class PutPatterns:
    """The patterns of the items that were put lately.

    >>> patterns = PutPatterns()
    >>> for _ in range(304):
    ...     patterns.learn({"id": {"S": "a"}, "wins": {"N": "1"}}, size=100)
    >>> image, end = patterns.item('{"Item":{"id":{"S":"b"},"wins":{"N":"200"}}}', 8)
    >>> image.item["wins"], image.size, image.text, end
    (200, 9, b'{"id":{"S":"b"},"wins":{"N":"200"}}', 43)
    >>> patterns.item('{"Item":{"id":{"S":"b"},"wins":{"N":"0200"}}}', 8) is None
    True
    """

    def __init__(self) -> None:
        self.readers: list[_Reader] = []
        self.compact = CompactTexts()
        self._counts = Memo[str, int](_MANY)
        self._failed = 0
        self.puts = 0  # items that were put

    def item(self, text: str, position: int) -> KnownItem | None:
        """The item at a position of a request, if it has a known pattern and is written as the service writes it."""
        if self._failed > PATIENCE and self._failed > self.puts // 4:
            return None  # the items are of too many shapes
        for match, makers, size in self.readers:
            matched = match(text, position)
            if matched:
                end, stored = matched.end(), matched[0].encode()
                try:
                    # Sizes are of characters; what UTF-8 adds to the text it adds to a name or a string of the item.
                    counted = size(matched) + len(stored) - (end - position)
                    return KnownItem(Image(KnownAttributes(makers, matched), counted, stored), end)
                except (_UnusualValue, ValueError, ArithmeticError):
                    return None
            self._failed += 1
        return None

    def learn(self, item: dict[str, Any] | KnownItem, size: int) -> None:
        """Takes note of an item that was put, and so is valid; `size` is the length of its request in bytes.

        It looks at one item in eight. An item that has no pattern is skipped, for the put is done.
        """
        self.puts += 1
        if self.puts % SEVERAL or isinstance(item, KnownItem):
            return
        with suppress(ValueError, KeyError, TypeError):  # a value with a second type that is null, so counts as absent
            pattern = worthy_pattern(item, size)
            if pattern is not None:
                self._count(pattern, item)

    def _count(self, pattern: str, item: dict[str, Any]) -> None:
        if self._counts.keep(pattern, self._counts.get(pattern, 0) + 1) == WORTH // SEVERAL:
            self.add(pattern, item)

    def add(self, pattern: str, item: dict[str, Any]) -> None:
        """Adds the pattern of a wire item to those that are known."""
        reader = _Reader(re.compile(pattern).match, Maker().made_alone(item), _Sizer().made(item))
        self.readers = [reader, *self.readers[: SEVERAL - 1]]


class _UnusualValue(Exception):
    """A value is not as the service would write it."""


class _Sizer(Maker):
    """Writes the function that gives the size of an item, as the service counts it, but a character as one byte."""

    def __init__(self) -> None:
        super().__init__(**_SIZES)

    def of_map(self, members: dict[str, Any]) -> str:
        names = sum(map(len, members))
        return " + ".join([str(names), *map(self.of_value, members.values())])

    def of_list(self, members: list[Any]) -> str:
        return f"sum([{self.elements(members)}])"

    def element(self, wire: dict[str, Any]) -> str:
        return f"1 + {self.of_value(wire)}"

    def of_value(self, wire: dict[str, Any]) -> str:
        ((kind, body),) = wire.items()
        if kind == "M":
            return f"{3 + len(body)} + {self.of_map(body)}"
        if kind == "L":
            return f"3 + {self.of_list(body)}"
        if kind == "N":
            whole, fraction = self.number(body)
            return f"(size_whole({whole}) if {fraction} is None else size_fraction({fraction}))"
        if kind == "NULL":
            return "1"
        group = self.group()
        if kind == "BOOL":
            return "1"
        return f"len({group})" if kind == "S" else f"size_{kind}({group})"


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise _UnusualValue
    return whole_size(text)


def _fraction(text: str) -> int:
    if len(text) > DIGITS:
        raise _UnusualValue
    return text_size(text)


def _strings(text: str) -> int:
    members = text.split(_BETWEEN)
    if not all(map(lt, members, members[1:])):
        raise _UnusualValue  # out of order, or twice the same
    return len(text) - len(_BETWEEN) * (len(members) - 1)


def _wholes(text: str) -> int:
    members = text.split(_BETWEEN)
    try:
        values = list(map(int, members))
    except ValueError:
        raise _UnusualValue from None
    if _BETWEEN.join(map(str, values)) != text or not all(map(lt, values, values[1:])):
        raise _UnusualValue
    if len(text) > DIGITS and max(map(len, members)) > DIGITS:
        raise _UnusualValue
    return sum(map(whole_size, members))


def _binary(text: str) -> int:
    try:
        value = a2b_base64(text)
    except ValueError:
        raise _UnusualValue from None
    if b2a_base64(value, newline=False).decode("ascii") != text:
        raise _UnusualValue
    return len(value)


def _binaries(text: str) -> int:
    members = text.split(_BETWEEN)
    total = sum(map(_binary, members))
    values = list(map(a2b_base64, members))
    if not all(map(lt, values, values[1:])):
        raise _UnusualValue
    return total


_BETWEEN = '","'  # stands between two members of a set

_SIZES: dict[str, Callable[..., int]] = {
    "size_whole": _whole,
    "size_fraction": _fraction,
    "size_B": _binary,
    "size_SS": _strings,
    "size_NS": _wholes,
    "size_BS": _binaries,
}
