"""A table with attributes of every declared type, alone and in lists, maps and sets, and random items for it."""

import enum
import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from flyexpr import Attribute, Codec, Table, epoch


class Level(enum.Enum):
    """Stored as numbers."""

    EASY = 1
    HARD = 2


class Colour(enum.Enum):
    """Stored as text."""

    RED = "red"
    BLUE = "blue"


class Share(enum.Enum):
    """Stored as numbers that read back as other Python values."""

    TENTH = 0.1
    HALF = Decimal("0.5")
    ALL = 1


class Corner(enum.Enum):
    """Stored as lists."""

    LOW = (0, 0)
    HIGH = (1, 1)


class Grade(enum.IntEnum):
    """Numbers already."""

    A = 1
    B = 2


def to_cents(prices: dict[str, float]) -> dict[str, int]:
    return {f"{name} in cents": round(price * 100) for name, price in prices.items()}


def from_cents(prices: dict[str, int]) -> dict[str, float]:
    return {name.removesuffix(" in cents"): cents / 100 for name, cents in prices.items()}


def turned(values: list[Any]) -> list[Any]:
    return values[::-1]


RENAMED = Codec(to_cents, from_cents, dict)
TURNED = Codec(turned, turned, list)
TEXT = Codec(json.dumps, json.loads, str)
CENTS = Codec(lambda price: round(price * 100), lambda cents: cents / 100, int)

days = st.dates()
times = st.datetimes(timezones=st.just(timezone.utc))
floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: f == 0 or 1e-100 < abs(f) < 1e100)
names = st.sampled_from(["a", "b", "c"])
prices = st.integers(0, 999).map(lambda cents: cents / 100)
plain = st.recursive(
    st.integers(-3, 3) | st.sampled_from(["x", ""]) | st.booleans() | st.none(),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(names, below, max_size=2),
    max_leaves=4,
)


def several(each: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(each, max_size=3)


def by_name(each: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.dictionaries(names, each, max_size=3)


def some_of(each: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.sets(each, min_size=1, max_size=3)


SINGLE: dict[str, tuple[Any, SearchStrategy[Any]]] = {  # single values: the type, and a strategy for values
    "str": (str, st.sampled_from(["", "a", "ab", "é"])),
    "int": (int, st.integers(-3, 3)),
    "float": (float, floats),
    "decimal": (Decimal, st.sampled_from([Decimal("0.5"), Decimal("-1.25"), Decimal("3")])),
    "bool": (bool, st.booleans()),
    "bytes": (bytes, st.binary(max_size=3)),
    "date": (date, days),
    "datetime": (datetime, times),
    "epoch": (epoch, times),
    "uuid": (UUID, st.uuids()),
    "level": (Level, st.sampled_from(Level)),
    "colour": (Colour, st.sampled_from(Colour)),
    "share": (Share, st.sampled_from(Share)),
    "corner": (Corner, st.sampled_from(Corner)),
    "grade": (Grade, st.sampled_from(Grade)),
    "ruled": (Attribute(int, check=range(10).__contains__), st.integers(0, 9)),
    "cents": (CENTS, prices),
}
SETS = ("str", "int", "float", "decimal", "bytes", "date", "datetime", "epoch", "uuid", "level", "colour", "share")
TYPES: dict[str, tuple[Any, SearchStrategy[Any]]] = {
    **SINGLE,
    **{f"{name}s": (list[kind], several(values)) for name, (kind, values) in SINGLE.items() if name != "ruled"},  # type: ignore[valid-type]
    **{f"{name}_by": (dict[str, kind], by_name(values)) for name, (kind, values) in SINGLE.items() if name != "ruled"},  # type: ignore[valid-type]
    **{f"{name}_set": (set[SINGLE[name][0]], some_of(SINGLE[name][1])) for name in SETS},  # type: ignore[misc]
    "list": (list, several(plain)),
    "dict": (dict, by_name(plain)),
    "set": (set, some_of(st.sampled_from(["x", "y"])) | some_of(st.integers(0, 3))),
    "deep": (dict[str, list[set[date]]], by_name(several(some_of(days)))),
    "renamed": (RENAMED, by_name(prices)),
    "turned": (TURNED, several(plain)),
    "text": (TEXT, by_name(plain)),
    "renamed_by": (dict[str, RENAMED], by_name(by_name(prices))),  # type: ignore[valid-type]
    "undeclared": (None, plain),
}
EVERY = Table("every", "pk", attributes={name: kind for name, (kind, _) in TYPES.items() if kind is not None})


@st.composite
def typed_items(draw: st.DrawFn) -> dict[str, Any]:
    """A few attributes of such an item."""
    chosen = draw(st.lists(st.sampled_from([*TYPES]), max_size=4, unique=True))
    return {name: draw(TYPES[name][1]) for name in chosen}


@st.composite
def typed_pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two items that share most attributes, with values that may differ a little."""
    old, new = draw(typed_items()), {}
    for name, value in old.items():
        kept = draw(st.integers(0, 3))
        other = draw(TYPES[name][1])
        alike = isinstance(other, type(value)) and name != "set"
        if kept == 3 and alike and isinstance(value, list):
            other = [*value, *other]
        elif kept == 3 and alike and isinstance(value, dict | set):
            other = value | other
        if kept:
            new[name] = value if kept == 1 else other
    return old, new | draw(typed_items())
