"""What a part of a condition says about one key attribute: its values, its bounds, what it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.expressions.nodes import NEVER, Between, Compare, Condition, In, Or, Path, Test, Value
from flyexpr.records import record
from flyexpr.schema.derived.part_ranges import after_all

_Bound = tuple[Value, bool]  # the constant, and whether it is itself allowed


def options(part: Condition, name: str) -> tuple[Value, ...]:
    """The values that the part leaves to an attribute, where it lists them; else none.

    >>> [value.body for value in options(is_in("id", ["a", "", "b"]), "id")], options(gt("id", "a"), "id")
    (['a', 'b'], ())

    An empty string is not among them: no key can hold one.
    """
    match part:
        case Compare("=", Path((attribute,)), Value() as value):
            return (value,) if attribute == name and _is_key_value(value) else ()
        case In(Path((attribute,)), listed) if attribute == name:
            constants = [one for one in dict.fromkeys(listed) if isinstance(one, Value)]
            # A value that no key can hold cannot match; another attribute could hold any value.
            return tuple(filter(_is_key_value, constants)) if len(constants) == len({*listed}) else ()
        case Or(parts):
            choices = [options(one, name) for one in parts]
            return tuple(dict.fromkeys(value for values in choices for value in values)) if all(choices) else ()
    return ()


def is_equal(part: Condition, name: str) -> bool:
    """Whether the part gives an attribute one value.

    >>> is_equal(eq("id", "a"), "id"), is_equal(is_in("id", ["a", "b"]), "id")
    (True, False)
    """
    return isinstance(part, Compare) and bool(options(part, name))


def prefix(part: Condition, name: str) -> Any:
    """The text or bytes that the attribute has to begin with; empty where the part does not say.

    >>> prefix(begins_with("at", "2026-"), "at"), prefix(begins_with("at", "2026-"), "id")
    ('2026-', '')
    """
    match part:
        case Test("begins_with", (Path((attribute,)), Value("S" | "B", start))) if attribute == name:
            return start
    return ""


@record
class Range:
    """What a part of a condition says about the order of one key attribute: the least and the greatest value."""

    part: Condition
    low: _Bound | None
    high: _Bound | None


_End = tuple[Value, bool, Range]


def ranges(name: str, parts: Sequence[Condition]) -> list[Range]:
    """The ranges that the parts set for an attribute; nothing for parts that set none.

    >>> [(found.low, found.high) for found in ranges("at", [begins_with("at", "EV#"), eq("id", "a")])]
    [((Value(kind='S', body='EV#'), True), (Value(kind='S', body='EV$'), False))]
    """
    return [limits for part in parts if (limits := _range(part, name)) is not None]


def _range(part: Condition, name: str) -> Range | None:
    match part:
        case Compare("<" | "<=" | ">" | ">=" as operator, Path((attribute,)), Value() as value):
            if attribute != name or not _is_key_value(value):
                return None
            bound = value, len(operator) == 2
            return Range(part, None, bound) if operator[0] == "<" else Range(part, bound, None)
        case Between(Path((attribute,)), Value() as low, Value() as high):
            if attribute != name or not _is_key_value(high):
                return None
            return Range(part, (low, True) if _is_key_value(low) else None, (high, True))
        case Test("begins_with", (Path((attribute,)), Value("S" | "B" as kind, start) as value)):
            if attribute != name or not start:
                return None
            above = after_all(start)
            return Range(part, (value, True), (Value(kind, above), False) if above else None)
    return None


def ends(all_ranges: Sequence[Range]) -> tuple[_End | None, _End | None]:
    """The greatest low end and the least high end of ranges, each with the range that has it; None for no such end."""
    lows = [(*one.low, one) for one in all_ranges if one.low]
    highs = [(*one.high, one) for one in all_ranges if one.high]
    low = max(lows, key=lambda end: (end[0].body, not end[1]), default=None)
    high = min(highs, key=lambda end: (end[0].body, end[1]), default=None)
    return low, high


def tightest(name: str, all_ranges: Sequence[Range]) -> tuple[list[Condition], list[Condition]]:
    """The one condition on a sort key that reads least, and the parts that it says in full.

    >>> bound, said = tightest("at", ranges("at", [ge("at", "a"), lt("at", "b")]))
    >>> show(bound[0]), [show(part) for part in said]
    ("at BETWEEN 'a' AND 'b'", ["at >= 'a'"])
    >>> bound, said = tightest("at", ranges("at", [begins_with("at", "EV#"), ge("at", "EV#2026")]))
    >>> show(bound[0]), [show(part) for part in said]
    ("at BETWEEN 'EV#2026' AND 'EV$'", ["at >= 'EV#2026'"])
    """
    if len(all_ranges) < 2:
        return [_sendable(one, name) for one in all_ranges], [one.part for one in all_ranges]
    low, high = ends(all_ranges)
    if low and high and (low[0].body, True) > (high[0].body, low[1] and high[1]):
        return [NEVER], []
    if low and high and low[2] is not high[2]:
        both = (low[0], True), (high[0], True)
        cover = Range(Between(Path((name,)), low[0], high[0]), *both)
    else:
        cover = (low or high)[2]  # type: ignore[index]  # a range has one of the two
    return [_sendable(cover, name)], [one.part for one in all_ranges if _says(cover, one)]


def _sendable(limits: Range, name: str) -> Condition:
    """The part as a key condition: a BETWEEN may begin with the empty string, which no key holds."""
    if isinstance(limits.part, Between) and limits.low is None and limits.high:
        return Compare("<=", Path((name,)), limits.high[0])
    return limits.part


def _says(cover: Range, one: Range) -> bool:
    """Whether a range lies within another one, of which then nothing is left to evaluate."""
    return (
        one.low is None
        or (cover.low is not None and _is_within(cover.low, one.low, cover.low[0].body > one.low[0].body))
    ) and (
        one.high is None
        or (cover.high is not None and _is_within(cover.high, one.high, cover.high[0].body < one.high[0].body))
    )


def _is_within(inner: _Bound, outer: _Bound, inside: bool) -> bool:
    return inside or (inner[0] == outer[0] and (outer[1] or not inner[1]))


def _is_key_value(value: Value) -> bool:
    """Whether the service takes the value in a key condition: no empty string or binary, which no key can hold."""
    return value.kind == "N" or (value.kind in ("S", "B") and bool(value.body))
