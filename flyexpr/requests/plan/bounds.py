"""What a part of a condition says about one key attribute: its values, its bounds, what it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.expressions.nodes import Between, Compare, Condition, In, Or, Path, Test, Value

_Bound = tuple[Value, bool, Condition]  # the constant, whether it is itself allowed, and the part that says so


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


def tightest(name: str, parts: Sequence[Condition]) -> tuple[list[Condition], list[Condition]]:
    """The one condition on a sort key that reads least, and the parts that it says in full.

    >>> bound, said = tightest("at", [ge("at", "a"), lt("at", "b")])
    >>> show(bound[0]), [show(part) for part in said]
    ("at BETWEEN 'a' AND 'b'", ["at >= 'a'"])
    """
    lows = [low for part in parts for low in _low(part, name)]
    highs = [high for part in parts for high in _high(part, name)]
    prefixes = {part: start for part in parts if (start := prefix(part, name))}
    if prefixes and not (lows and highs):
        longest = max(prefixes, key=lambda part: len(prefixes[part]))
        return [longest], [part for part, start in prefixes.items() if prefixes[longest].startswith(start)]
    low = max(lows, key=lambda bound: (bound[0].body, not bound[1]), default=None)
    high = min(highs, key=lambda bound: (bound[0].body, bound[1]), default=None)
    if low and high:
        cover = Between(Path((name,)), low[0], high[0])
        return [cover], [part for part in parts if _says_no_more(part, cover, name)]
    if high and not low and isinstance(high[2], Between):  # from the empty string, which no key holds
        return [Compare("<=", Path((name,)), high[0])], [high[2]]
    only = low or high
    return ([only[2]], [only[2]]) if only else ([], [])


def _low(part: Condition, name: str) -> list[_Bound]:
    match part:
        case Compare(">" | ">=" as operator, Path((attribute,)), Value() as value):
            return [(value, operator == ">=", part)] if attribute == name and _is_key_value(value) else []
        case Between(Path((attribute,)), Value() as low, Value()):
            return [(low, True, part)] if attribute == name and _is_key_value(low) else []
    return []


def _high(part: Condition, name: str) -> list[_Bound]:
    match part:
        case Compare("<" | "<=" as operator, Path((attribute,)), Value() as value):
            return [(value, operator == "<=", part)] if attribute == name and _is_key_value(value) else []
        case Between(Path((attribute,)), Value(), Value() as high):
            return [(high, True, part)] if attribute == name and _is_key_value(high) else []
    return []


def _says_no_more(part: Condition, cover: Between, name: str) -> bool:
    """Whether the BETWEEN that covers a bound implies it, so that nothing of it is left to evaluate."""
    if not isinstance(cover.low, Value) or not isinstance(cover.high, Value):
        return False
    lows, highs = _low(part, name), _high(part, name)
    return (
        bool(lows or highs)
        and all(bound.body < cover.low.body or (bound == cover.low and allowed) for bound, allowed, _ in lows)
        and all(bound.body > cover.high.body or (bound == cover.high and allowed) for bound, allowed, _ in highs)
    )


def _is_key_value(value: Value) -> bool:
    """Whether the service takes the value in a key condition: no empty string or binary, which no key can hold."""
    return value.kind == "N" or (value.kind in ("S", "B") and bool(value.body))
