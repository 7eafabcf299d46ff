"""Templates read backwards: from a key's text to the parts that it was made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flyexpr.records import record
from flyexpr.schema.codecs import Codec, codec_of, type_declared
from flyexpr.schema.derived.templates import Derived, piece_of, pieces_of, width_of
from flyexpr.values.numbers import number
from flyexpr.values.types import MISSING

_NUMBER = r" *-?[0-9]+(\.[0-9]+)?"
_INVERTIBLE = r"(0|>)?[0-9]*d?"  # the formats of numbers that give two numbers two texts


@record
class _Slot:
    """A part of a template: its name, its width where that is fixed, how it is read, and the text after it."""

    name: str
    width: int | None
    read: Callable[[str], Any] | None
    following: str


class Inverse:
    """A template of a key attribute, read backwards.

    >>> inverse = Inverse("sk", template("O#{order:04d}#{day}"), {"order": int}, unique=True)
    >>> inverse.read("O#0007#2026-01-31"), inverse.read("A#PROFILE")
    ({'order': 7, 'day': '2026-01-31'}, {})

    Values are as they are stored. A part that is not declared is text, or a whole number where its format ends in `d`.
    A part is left out where several values have the same text (a Codec, a rounded number). A text that can be split in
    two ways gives nothing. With `unique`, a part ends at the first text that separates it from the next, as on writing.
    """

    __slots__ = ("_lead", "_slots", "_starts", "_unique", "name", "parts")

    def __init__(self, name: str, derived: Derived, types: Mapping[str, Any], *, unique: bool) -> None:
        self.name, self._unique = name, unique
        self._lead, self._slots = _slots(derived, types)
        self._starts = _starts(self._lead, self._slots)
        self.parts = tuple(dict.fromkeys(slot.name for slot in self._slots if slot.read is not None))

    def read(self, text: str) -> dict[str, Any]:
        """The parts that the text was made of; none where the template cannot have made it."""
        pieces = self._from_left(text)
        if pieces is None or not (self._unique or pieces == self._from_right(text)):
            return {}
        values: dict[str, Any] = {}
        for slot, piece in zip(self._slots, pieces, strict=True):
            if self._unique and slot.following and slot.following in piece + slot.following[:-1]:
                return {}
            if slot.read is None:
                continue
            value = slot.read(piece)
            if value is MISSING or values.setdefault(slot.name, value) != value:
                return {}
        return values

    def _from_left(self, text: str) -> list[str] | None:
        """The pieces of the text, each as short as it can be; None where the template cannot have made the text."""
        if not text.startswith(self._lead):
            return None
        pieces, start = [], len(self._lead)
        for slot in self._slots:
            if slot.width is not None:
                end = start + slot.width
            elif slot is self._slots[-1]:
                end = len(text) - len(slot.following)
            else:
                end = text.find(slot.following, start)
            if end < start or not text.startswith(slot.following, end):
                return None
            pieces.append(text[start:end])
            start = end + len(slot.following)
        return pieces if start == len(text) else None

    def _from_right(self, text: str) -> list[str]:
        """The pieces of the text, the first ones as long as they can be."""
        pieces, start = [], len(text)
        for index in reversed(range(len(self._slots))):
            slot, fixed = self._slots[index], self._starts[index]
            end = start - len(slot.following)
            if fixed is not None:
                start = fixed
            elif slot.width is not None:
                start = end - slot.width
            else:
                before = self._slots[index - 1].following
                start = text.rfind(before, 0, end) + len(before)
            pieces.append(text[start:end])
        return pieces[::-1]


def _starts(lead: str, slots: Sequence[_Slot]) -> list[int | None]:
    """Where each part starts, as long as all parts before it have a fixed width; None for the others."""
    starts: list[int | None] = [len(lead)]
    for slot in slots[:-1]:
        start = starts[-1]
        starts.append(None if start is None or slot.width is None else start + slot.width + len(slot.following))
    return starts


def _slots(derived: Derived, types: Mapping[str, Any]) -> tuple[str, Sequence[_Slot]]:
    parsed = pieces_of(derived.text)
    lead, slots = parsed[0][0] if parsed else "", []
    for after, (_, name, spec) in enumerate(parsed, 1):
        if name is not None:
            following = parsed[after][0] if after < len(parsed) else ""
            read, width = _reader(types.get(name), spec), None
            if read is not None and "%" in spec:
                width = _date_width(spec)
            elif read is not None and _is_number(types.get(name), spec):
                width = width_of(spec)
            slots.append(_Slot(name, width, read, following))
    return lead, slots


def _is_number(kind: Any, spec: str) -> bool:
    return spec.endswith("d") if kind is None else codec_of(kind).kind == "N"


def _reader(kind: Any, spec: str) -> Callable[[str], Any] | None:
    """The function that reads a part of this type from its piece of the text; None where several values may fit."""
    kind = type_declared(kind)
    if isinstance(kind, (Codec, Derived)):
        return None
    codec = codec_of(kind or (int if spec.endswith("d") else str))
    if "%" in spec:
        return _date_reader(kind, codec, spec)
    if not (codec.kind == "N" and re.fullmatch(_INVERTIBLE, spec) or codec.kind == "S" and not spec):
        return None
    decode, is_number = codec.decode, re.compile(_NUMBER).fullmatch

    def read(piece: str) -> Any:
        if codec.kind == "N" and not is_number(piece):
            return MISSING
        try:
            stored = number(piece.strip(" ")) if codec.kind == "N" else piece
            value = decode(stored) if decode else stored
            codec.encode(value)
            return stored if piece_of(value, spec) == piece else MISSING
        except (ValueError, TypeError, ArithmeticError):
            return MISSING

    return read


def _date_width(spec: str) -> int:
    from flyexpr.schema.derived.date_formats import date_width

    return date_width(spec)


def _date_reader(kind: Any, codec: Codec, spec: str) -> Callable[[str], Any] | None:
    """The reader of dates in a format; the text 2026-01 is that of many dates, and so of none."""
    from flyexpr.schema.derived.date_formats import reader_of

    parse = reader_of(spec, kind) if kind in (date, datetime) else None
    if parse is None:
        return None

    def read(piece: str) -> Any:
        try:
            value = parse(piece)
        except (ValueError, OverflowError):
            return MISSING
        return codec.encode(value) if piece_of(value, spec) == piece else MISSING

    return read
