"""Which forms items have, learned from those that are written: each gets a template with holes, as a function.

Most items of a table have the same attributes in the same order, and a value of the same kind in each. The text between
their values is the same then. The function of a form checks that an item has it, and fills in the texts of the values.
An item with 41 values takes 0.55 of the time that it takes value by value. With names that come once, it takes 1.1, and
a very small item 1.3.

A form is made of what some items have, and becomes wider by each item that it does not fit: an attribute that held only
whole numbers holds any number, and one that held text and numbers is left to the function that writes any value. So it
soon fits all items with its names. An item that no form fits is written value by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, cast

from flyexpr.values.memo import Memo
from flyexpr.values.numbers import WHOLE
from flyexpr.values.text_code import HOLES, Encode, Fields, Kind, Names, Rows, Write, written
from flyexpr.values.types import STORED_TYPES

LOOKS = 7  # every seventh item that is written value by value is looked at
WORTH = 28  # such looks at one form before its function is made, which takes as long as to write 50 items
LARGE, MOST = 4096, 64  # characters of an item that is looked at, and forms
NAMES, DEEP = 64, 4  # attributes of a map (one at least), and maps within maps, that a form knows
VALUES = 128  # in a form: if each is in a map of its own, its function is made in 10 ms


class TextForms:
    """The forms of the items that were written; `encoders` and `other` write the values that a form leaves to them.

    >>> forms = TextForms({}, lambda value, depth: "")
    >>> for number in range(LOOKS * (WORTH + 1)):
    ...     forms.note({"id": "a", "n": number}, 30, unlike=False)
    >>> write = forms.find(("id", "n"))
    >>> write({"id": "b", "n": 7})
    '{"id":{"S":"b"},"n":{"N":"7"}}'
    >>> write({"id": "b", "n": True})
    Traceback (most recent call last):
    ...
    flyexpr.values.text_code.Unlike

    A value that does not fit may raise other errors too.
    """

    def __init__(self, encoders: Mapping[type, Encode], other: Encode) -> None:
        self._encoders, self._other = encoders, other
        self._seen = Memo[Names, _Seen](MOST)
        self._made = Memo[Names, Write](MOST)
        self._turn = 0
        self.find = self._made.get  # the function for the items with these names, or None

    def note(self, item: Mapping[str, Any], size: int, *, unlike: bool) -> None:
        """Takes note of an item that was written value by value: its text is so long, or its form has not fitted it."""
        self._turn += 1
        if type(item) is not dict or (not unlike and (self._turn % LOOKS or size > LARGE)):
            return
        names = tuple(item)
        seen = self._seen.get(names)
        if seen is None:
            self._seen.keep(names, _Seen())
            return
        kind = _wider(seen.kind, _kind(item, 0))
        seen.kind = kind if _count(kind) <= VALUES else "any"
        seen.count = 0 if unlike else seen.count + 1
        if unlike:
            self._made.pop(names, None)
        elif seen.count >= WORTH and isinstance(seen.kind, Fields):
            self._made.keep(names, written(seen.kind, self._encoders, self._other))


class _Seen:
    """How many items with certain names were seen, and the kind that fits those that were looked at."""

    __slots__ = ("count", "kind")

    def __init__(self) -> None:
        self.count, self.kind = 0, cast(Kind, None)


def _kind(value: Any, depth: int) -> Kind:
    kind = _KINDS.get(type(value), "any")
    if kind == "N" and type(value) is int and -WHOLE < value < WHOLE:
        return "whole"
    if kind == "NS":
        return _OF_SETS.get(frozenset([_kind(one, depth) for one in value]), "any")
    if kind == "M" and depth <= DEEP and 0 < len(value) <= NAMES:
        return Fields(tuple(value), tuple([_kind(one, depth + 1) for one in value.values()]))
    if kind == "L" and depth <= DEEP and {*map(type, value)} <= {dict}:
        return _rows(reduce(_wider, [_kind(one, depth + 1) for one in value], None))
    return kind if kind in HOLES else "any"


def _count(kind: Kind) -> int:
    """How many values a form names."""
    match kind:
        case Fields(_, kinds):
            return 1 + sum(map(_count, kinds))
        case Rows(member):
            return 1 + _count(member)
    return 1


def _rows(member: Kind) -> Kind:
    return Rows(member) if member is None or isinstance(member, Fields) else "any"


def _wider(first: Kind, second: Kind) -> Kind:
    """The kind that fits what either of two kinds fits."""
    if first == second or second is None:
        return first
    match first, second:
        case None, _:
            return second
        case ("whole", "N") | ("N", "whole"):
            return "N"
        case Fields(names, kinds), Fields(other_names, other_kinds) if names == other_names:
            return Fields(names, tuple(map(_wider, kinds, other_kinds)))
        case Rows(member), Rows(other):
            return _rows(_wider(member, other))
    return "any"


_KINDS: dict[type, str] = {**STORED_TYPES, type(None): "NULL", set: "NS"}
_OF_SETS: dict[frozenset[Kind], str] = {frozenset(["S"]): "SS", frozenset(["whole"]): "NS"}
