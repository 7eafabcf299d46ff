"""A shorter condition that is true of the same items; each rule is a function."""

from __future__ import annotations

from collections.abc import Callable

from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import (
    ALWAYS,
    NEVER,
    And,
    Between,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Test,
    Value,
    is_never,
    joined,
)
from flyexpr.values.types import ORDERED


def simplify(condition: Condition) -> Condition:
    """A condition that is true of exactly the same items, without parts that say nothing.

    >>> from flyexpr import eq, ge, le, show
    >>> show(simplify(~~eq("a", 1) & eq("a", 1) & ge("b", 1) & le("b", 5)))
    'a = 1 AND b BETWEEN 1 AND 5'
    >>> simplify(eq("a", 1) & eq("a", 2)) == NEVER
    True

    `~(a < 0)` stays: it is also true where `a` is missing or not a number.
    """
    need(condition, Condition, "simplify takes a condition such as eq('a', 1)")
    return _simplified(condition, [])


def simplified(condition: Condition) -> tuple[Condition, list[Condition]]:
    """The simplified condition, and what it left out because the rest decides.

    >>> from flyexpr import eq, gt
    >>> condition, decided = simplified(eq("a", 1) & eq("a", 2) & gt("flag", True))
    >>> condition == NEVER, decided == [eq("a", 1) & eq("a", 2) & gt("flag", True)]
    (True, True)

    DynamoDB would check that too.
    """
    decided: list[Condition] = []
    return _simplified(condition, decided), decided


def _simplified(condition: Condition, decided: list[Condition]) -> Condition:
    match condition:
        case Not(part):
            return _negation(_simplified(part, decided))
        case And(parts):
            return _all(joined(And, [_simplified(part, decided) for part in parts]), decided)
        case Or(parts):
            return _any(joined(Or, [_simplified(part, decided) for part in parts]), decided)
        case Compare(operator, Value() as left, right) if not isinstance(right, Value):
            return Compare(_TURNED[operator], right, left)
        case In(operand, (option,)):
            return simplify(Compare("=", operand, option))
        case Between(operand, Value(kind) as low, high) if low == high and kind in ORDERED:
            return Compare("=", operand, low)
    return condition


def _negation(part: Condition) -> Condition:
    match part:
        case Not(inner):
            return inner
        case Compare("=", left, right):
            return Compare("<>", left, right)
        case Compare("<>", left, right):
            return Compare("=", left, right)
        case Test("attribute_exists", arguments):
            return Test("attribute_not_exists", arguments)
        case Test("attribute_not_exists", arguments):
            return Test("attribute_exists", arguments)
        case And(()):
            return NEVER
        case Or(()):
            return ALWAYS
    return Not(part)


def _all(condition: Condition, decided: list[Condition]) -> Condition:
    if not isinstance(condition, And):
        return condition
    parts = list(dict.fromkeys(condition.parts))
    if not any(map(is_never, parts)) and not _has_opposites(parts):
        merged = _merge_bounds(parts)
        if not _contradicts(merged):
            return joined(And, merged)
    decided.append(condition)
    return NEVER


def _any(condition: Condition, decided: list[Condition]) -> Condition:
    if not isinstance(condition, Or):
        return condition
    parts = list(dict.fromkeys(condition.parts))
    if ALWAYS not in parts and not _has_opposites(parts):
        return joined(Or, parts)
    decided.append(condition)
    return ALWAYS


def _has_opposites(parts: list[Condition]) -> bool:
    """Whether one of the parts is the negation of another."""
    return any(_negation(part) in parts for part in parts if _denies(part))


def _denies(part: Condition) -> bool:
    """Whether the part is a negation: of two opposites, one is."""
    match part:
        case Not() | Compare("<>") | Test("attribute_not_exists"):
            return True
    return False


def _merge_bounds(parts: list[Condition]) -> list[Condition]:
    """The parts, with `x >= low AND x <= high` as a BETWEEN in the position of the first of the two."""
    if sum(type(part) is Compare and part.operator in _CLOSED for part in parts) < 2:
        return parts
    waiting, merged = list(parts), list[Condition]()
    while waiting:
        part = waiting.pop(0)
        for other in waiting:
            if (between := _between(part, other)) is not None:
                waiting.remove(other)
                part = between
                break
        merged.append(part)
    return merged


_CLOSED = ("<=", ">=")


def _between(first: Condition, second: Condition) -> Condition | None:
    match first, second:
        case Compare("<=", _, _), Compare(">=", _, _):
            return _between(second, first)
        case Compare(">=", left, Value(kind) as low), Compare("<=", right, Value(other) as high):
            if left == right and kind == other and kind in ORDERED and low.body <= high.body:
                return simplify(Between(left, low, high))
    return None


_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _contradicts(parts: list[Condition]) -> bool:
    """Whether two parts about one operand exclude each other."""
    by_operand: dict[Operand, list[Compare | Between]] = {}
    for part in parts:
        match part:
            case Compare(_, operand, Value()) | Between(operand, Value(), Value()):
                by_operand.setdefault(operand, []).append(part)
    return any(_impossible(several) for several in by_operand.values() if len(several) > 1)


def _impossible(parts: list[Compare | Between]) -> bool:
    if any(isinstance(value, Value) and value.kind == "PYTHON" for part in parts for value in _constants(part)):
        return False
    equals = [part.right for part in parts if isinstance(part, Compare) and part.operator == "="]
    for value in equals:
        if isinstance(value, Value) and not all(_allows(part, value) for part in parts):
            return True
    lows = [bound for part in parts for bound in _low(part)]
    highs = [bound for part in parts for bound in _high(part)]
    return any(_apart(low, high) for low in lows for high in highs)


def _constants(part: Compare | Between) -> tuple[Operand, ...]:
    return (part.right,) if isinstance(part, Compare) else (part.low, part.high)


def _allows(part: Condition, value: Value) -> bool:
    match part:
        case Compare("=", _, right):
            return value == right
        case Compare("<>", _, right):
            return value != right
        case Compare(operator, _, Value(kind, body)):
            return kind == value.kind and kind in ORDERED and _ORDERS[operator](value.body, body)
        case Between(_, Value(kind, low), Value(other, high)):
            return kind == other == value.kind and kind in ORDERED and low <= value.body <= high
    return True


_ORDERS: dict[str, Callable[[object, object], bool]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}

_Bound = tuple[Value, bool]  # the constant, and whether the constant itself is allowed


def _low(part: Condition) -> list[_Bound]:
    match part:
        case Compare(">" | ">=" as operator, _, Value() as bound):
            return [(bound, operator == ">=")]
        case Between(_, Value() as bound, _):
            return [(bound, True)]
    return []


def _high(part: Condition) -> list[_Bound]:
    match part:
        case Compare("<" | "<=" as operator, _, Value() as bound):
            return [(bound, operator == "<=")]
        case Between(_, _, Value() as bound):
            return [(bound, True)]
    return []


def _apart(low: _Bound, high: _Bound) -> bool:
    if low[0].kind != high[0].kind:
        return True
    if low[0].kind not in ORDERED:
        return False
    return bool(low[0].body > high[0].body or (low[0].body == high[0].body and not (low[1] and high[1])))
