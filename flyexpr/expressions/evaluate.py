"""Whether a condition is true of an item, by DynamoDB's rules; flyexpr.expressions.check has accepted it before.

There is only true and false: a comparison with a missing attribute is false (`<>` is true), and NOT turns that around.
Types never mix; a value of the wrong type makes a comparison false and is not an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from flyexpr.expressions.nodes import And, Between, Call, Compare, Condition, In, Not, Operand, Or, Path, Test, Value
from flyexpr.values.foreign import meaning
from flyexpr.values.types import MISSING, ORDERED, Frozen, find


def matches(condition: Condition, item: Mapping[str, Any]) -> bool:
    """True where the condition holds for the item; constants have to be of DynamoDB's own types.

    >>> from flyexpr import eq, gt, ne, size
    >>> matches(eq("info.rating", 8) & gt(size("info.actors"), 1), {"info": {"rating": 8.0, "actors": ["a", "b"]}})
    True
    >>> matches(ne("q", 1), {}), matches(~gt("q", 1), {})
    (True, True)
    """
    match condition:
        case Compare(operator, left, right):
            return _COMPARISONS[operator](_value(left, item), _value(right, item))
        case Between(operand, low, high):
            value = _value(operand, item)
            return _at_most(_value(low, item), value) and _at_most(value, _value(high, item))
        case In(operand, options):
            value = _value(operand, item)
            return value is not None and any(_value(option, item) == value for option in options)
        case Test(function, arguments):
            return _FUNCTIONS[function](*[_value(argument, item) for argument in arguments])
        case And(parts):
            return all(matches(part, item) for part in parts)
        case Or(parts):
            return any(matches(part, item) for part in parts)
        case Not(part):
            return not matches(part, item)
    raise TypeError(f"{condition!r} is not a condition")


def _value(node: Operand, item: Mapping[str, Any]) -> Frozen | None:
    """The value of an operand; None where it has none."""
    match node:
        case Value(kind, body):
            return kind, body
        case Path(parts):
            value = find(parts, item)
            return None if value is MISSING else meaning(value, parts)
        case Call("size", (operand,)):
            return _size(_value(operand, item))
        case Call(function, arguments) if function in _FUNCTIONS:  # only a statement of PartiQL compares these
            return "BOOL", _FUNCTIONS[function](*[_value(argument, item) for argument in arguments])
    raise TypeError(f"{node!r} belongs to an update, not to a condition")


def _equal(left: Frozen | None, right: Frozen | None) -> bool:
    return left is not None and left == right


def _unequal(left: Frozen | None, right: Frozen | None) -> bool:
    return left is None or left != right


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Frozen | None, Frozen | None], bool]:
    def holds(left: Frozen | None, right: Frozen | None) -> bool:
        if left is None or right is None or left[0] != right[0] or left[0] not in ORDERED:
            return False
        return compare(left[1], right[1])

    return holds


_at_most = _ordered(operator.le)

_COMPARISONS: dict[str, Callable[[Frozen | None, Frozen | None], bool]] = {
    "=": _equal,
    "<>": _unequal,
    "<": _ordered(operator.lt),
    "<=": _at_most,
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
}


def _exists(value: Frozen | None) -> bool:
    return value is not None


def _not_exists(value: Frozen | None) -> bool:
    return value is None


def _type_is(value: Frozen | None, kind: Frozen | None) -> bool:
    return value is not None and kind is not None and value[0] == kind[1]


def _begins_with(value: Frozen | None, prefix: Frozen | None) -> bool:
    if value is None or prefix is None or value[0] != prefix[0] or value[0] not in ("S", "B"):
        return False
    return bool(value[1].startswith(prefix[1]))


def _contains(value: Frozen | None, member: Frozen | None) -> bool:
    if value is None or member is None:
        return False
    match value[0]:
        case "S" | "B":
            return member[0] == value[0] and member[1] in value[1]
        case "SS" | "NS" | "BS":
            return member[0] == value[0][0] and member[1] in value[1]
        case "L":
            return member in value[1]
    return False


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _type_is,
    "begins_with": _begins_with,
    "contains": _contains,
}


def _size(value: Frozen | None) -> Frozen | None:
    """UTF-16 units of a string, bytes, members, elements or entries; numbers, booleans and NULL have none."""
    if value is None or value[0] in ("N", "BOOL", "NULL"):
        return None
    return "N", len(value[1].encode("utf-16-le")) // 2 if value[0] == "S" else len(value[1])
