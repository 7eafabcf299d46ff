"""The meaning of a value, as a `Frozen` pair `(kind, body)`.

The pair is hashable. Two pairs are equal exactly where DynamoDB says that the values are: sets without order at any
depth, numbers by value, never across types. Where DynamoDB orders values, their bodies have the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.numbers import WHOLE, number
from flyexpr.values.refusals import (
    Refused,
    Unknown,
    explained,
    known,
    refuse_name,
    text_of_number,
    too_deep,
    verify_text,
)
from flyexpr.values.types import MAX_DEPTH, ORDERED, Frozen, Item, content


def freeze(value: Any, at: str = "", level: int = 1) -> Frozen:
    """A value's meaning: `(kind, body)`, equal and hashable by DynamoDB's rules; an attribute stands at level 1 of 32.

    >>> freeze(1) == freeze(1.0) == freeze(Decimal("1.00")), freeze(1) == freeze(True), freeze({"a", "b"})[0]
    (True, False, 'SS')
    """
    try:
        return _freeze(value, level)
    except Refused as refused:
        raise explained(refused, at) from None


def freeze_item(item: Mapping[str, Any]) -> Frozen:
    """The same for an item, whose attributes are the first level of nesting.

    >>> freeze_item({"wins": 1})
    ('M', (('wins', ('N', 1)),))
    """
    try:
        return _freeze_map(item, 0)
    except Refused as refused:
        raise explained(refused, "") from None


def freeze_constant(value: Any, at: str = "") -> Frozen:
    """The same as `freeze`, but a value of a foreign type (datetime, Enum, …) stays as it is, of kind `PYTHON`.

    >>> from datetime import date
    >>> freeze_constant(date(2026, 1, 31))
    ('PYTHON', datetime.date(2026, 1, 31))

    The table says later what it becomes on the wire.
    """
    try:
        return _freeze(value, 1)
    except Unknown as unknown:
        return _freeze_unknown(value, unknown, at)
    except Refused as refused:
        raise explained(refused, at) from None


def _freeze_unknown(value: Any, unknown: Unknown, at: str) -> Frozen:
    """The same for a value that is, or holds, one of a foreign type; an array of numbers becomes a list of them."""
    try:
        frozen = _freeze_foreign(value, 1)
        hash(frozen)
    except Refused as refused:
        raise explained(refused, at) from None
    except TypeError:
        from flyexpr.values.vectors import numbers_of  # few programs have one

        try:
            return _freeze(numbers_of(value), 1)
        except ValidationError:
            raise explained(unknown, at) from None
    return frozen


def _freeze_foreign(value: Any, depth: int) -> Frozen:
    if isinstance(value, (list, tuple)):
        return _freeze_list(value, depth, _freeze_foreign)
    if isinstance(value, Mapping):
        return _freeze_map(value, depth, _freeze_foreign)
    try:
        return _freeze(value, depth)
    except Unknown:
        return "PYTHON", frozenset(value) if isinstance(value, (set, frozenset)) else value


_Freezer = Callable[[Any, int], Frozen]


def _freeze(value: Any, depth: int) -> Frozen:
    return _FREEZERS.get(type(value), _freeze_other)(value, depth)


def _freeze_string(value: str, depth: int) -> Frozen:
    if not value.isascii():  # most text is: freezing an item takes 1.02 times as long as without a look, else 1.12
        verify_text(value)
    return "S", value if type(value) is str else str.__str__(value)


def _freeze_number(value: int | float | Decimal, depth: int) -> Frozen:
    if type(value) is int and -WHOLE < value < WHOLE:
        return "N", value
    return "N", number(text_of_number(value))


def _freeze_list(value: Iterable[Any], depth: int, freeze_member: _Freezer = _freeze) -> Frozen:
    if depth >= MAX_DEPTH:
        raise too_deep()
    body: list[Frozen] = []
    try:
        for member in value:
            body.append(freeze_member(member, depth + 1))
    except Refused as refused:
        refused.steps.insert(0, len(body))
        raise
    return "L", tuple(body)


def _freeze_map(value: Mapping[str, Any], depth: int, freeze_member: _Freezer = _freeze) -> Frozen:
    if depth >= MAX_DEPTH:
        raise too_deep()
    name: Any = None
    body = []
    try:
        for name, member in value.items():
            if not isinstance(name, str) or not name:
                refuse_name(name)
            if not name.isascii():
                verify_text(name)
            body.append((str.__str__(name), freeze_member(member, depth + 1)))
    except Refused as refused:
        refused.steps.insert(0, name)
        raise
    entries = sorted(body, key=_first)
    return "M", tuple(entries) if entries == body else _Entries(entries, body)


class _Entries(tuple[Any, ...]):
    """A map's entries sorted by name. `given` has them in their own order, for `thaw`: a Codec may depend on it."""

    given: list[tuple[str, Frozen]]

    def __new__(cls, entries: Iterable[Any], given: Any = ()) -> _Entries:
        made = super().__new__(cls, entries)
        made.given = given
        return made


def _first(pair: tuple[str, Frozen]) -> str:
    return pair[0]


def freeze_set(value: Iterable[Any], depth: int = 1) -> Frozen:
    """The meaning of a set; Refused where DynamoDB has no such set.

    >>> freeze_set({"a"})
    ('SS', frozenset({'a'}))
    """
    members = [_freeze(member, depth) for member in value]
    kinds = {kind for kind, _ in members}
    if not kinds:
        raise Refused("a set may not be empty", "leave the attribute out, or remove it")
    if len(kinds) > 1 or not kinds <= ORDERED:
        raise Refused("a set holds only strings, only numbers or only bytes", "use a list for mixed values")
    return kinds.pop() + "S", frozenset(body for _, body in members)


def _freeze_other(value: Any, depth: int) -> Frozen:
    for base, freezer in _FREEZERS.items():
        if isinstance(value, base):
            return freezer(value, depth)
    return _freeze(known(value), depth)


_FREEZERS: dict[type, _Freezer] = {
    str: _freeze_string,
    bool: lambda value, depth: ("BOOL", value),
    int: _freeze_number,
    Decimal: _freeze_number,
    float: _freeze_number,
    dict: _freeze_map,
    list: _freeze_list,
    tuple: _freeze_list,
    set: freeze_set,
    frozenset: freeze_set,
    bytes: lambda value, depth: ("B", content(value)),
    bytearray: lambda value, depth: ("B", content(value)),
    memoryview: lambda value, depth: ("B", content(value)),
    type(None): lambda value, depth: ("NULL", None),
    Mapping: _freeze_map,
}


def thaw(frozen: Frozen) -> Any:
    """The plain value of a frozen one, with fresh lists, dicts and sets.

    >>> thaw(freeze({"a": [1, {"x"}]}))
    {'a': [1, {'x'}]}
    """
    kind, body = frozen
    match kind:
        case "L":
            return [thaw(member) for member in body]
        case "M":
            entries = body.given if type(body) is _Entries else body
            return {name: thaw(member) for name, member in entries}
        case "SS" | "NS" | "BS":
            return set(body)
        case _:
            return body


def read_back(item: Mapping[str, Any]) -> Item:
    """An item that was made to be stored, in the plain values that it reads back in.

    >>> read_back({"id": "a", "n": 1.50, "log": (1, Decimal("2.0"))})
    {'id': 'a', 'n': Decimal('1.5'), 'log': [1, 2]}
    """
    return dict(thaw(freeze_item(item)))
