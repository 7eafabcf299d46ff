"""The functions that make conditions. A str on the left is a document path, on the right a value.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

from flyexpr.errors import ExpressionError
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import And, Between, Call, Compare, Condition, In, Or, Path, Test, Value, joined
from flyexpr.expressions.terms import Term, operand, path_of, subject
from flyexpr.values.types import STORED_TYPES

OPTIONS = 99  # DynamoDB takes 100; DynamoDB Local counts the left side too, and every engine takes 99


def eq(left: Any, right: Any) -> Compare:
    """True where both sides are equal: of the same type and value, sets in any order.

    >>> show(eq("userid", "abc"))
    "userid = 'abc'"
    >>> from decimal import Decimal
    >>> matches(eq("n", 1), {"n": Decimal("1.0")}), matches(eq("n", 1), {"n": True})
    (True, False)

    A missing attribute equals nothing; `eq(path, None)` asks for the type NULL.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare("=", subject(left), operand(right))


def ne(left: Any, right: Any) -> Compare:
    """True where the sides differ in type or value, a missing attribute included.

    >>> show(ne("wins", 0))
    'wins <> 0'
    >>> matches(ne("wins", 0), {})
    True

    Values of two types always differ: `ne("wins", 0)` is true of "0".
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare("<>", subject(left), operand(right))


def lt(left: Any, right: Any) -> Compare:
    """True where the left side is smaller: numbers by value, strings by UTF-8 bytes, binary by bytes.

    >>> show(lt("top_score", 9000))
    'top_score < 9000'
    >>> matches(lt("top_score", 9000), {"top_score": "10"})
    False

    Values of two types are never in order, so `lt` and `ge` can both be false.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare("<", subject(left), operand(right))


def le(left: Any, right: Any) -> Compare:
    """True where the left side is smaller than the right, or equal.

    >>> show(le("top_score", 9000))
    'top_score <= 9000'
    >>> matches(le("top_score", 9000), {"top_score": 9000})
    True

    Values of two types are never in order, as for `lt`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare("<=", subject(left), operand(right))


def gt(left: Any, right: Any) -> Compare:
    """True where the left side is larger.

    >>> show(gt(size("tags"), 2))
    'size(tags) > 2'
    >>> matches(gt(size("tags"), 2), {"tags": {"a", "b", "c"}})
    True

    Values of two types are never in order, as for `lt`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare(">", subject(left), operand(right))


def ge(left: Any, right: Any) -> Compare:
    """True where the left side is larger than the right, or equal.

    >>> show(ge("top_score", F.record))
    'top_score >= record'
    >>> matches(ge("top_score", F.record), {"top_score": 2, "record": 2})
    True

    Values of two types are never in order, as for `lt`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Compare(">=", subject(left), operand(right))


def between(path: Any, low: Any, high: Any) -> Between:
    """True where the operand is between `low` and `high`, or equal to one of them.

    >>> show(between("year", 2000, 2009))
    'year BETWEEN 2000 AND 2009'
    >>> matches(between("year", 2000, 2009), {"year": 2009})
    True

    Constant bounds of two types, or with the larger one first, are refused when the expression is used.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Between(subject(path), operand(low), operand(high))


def is_in(path: Any, values: Iterable[Any], *more: NoReturn) -> Condition:
    """True where the operand equals one of the values, which may be of several types.

    >>> show(is_in("title", ["Comet Quest", "Starship X"]))
    "title IN ('Comet Quest', 'Starship X')"
    >>> matches(is_in("title", ["Comet Quest"]), {})
    False
    >>> is_in("title", [])
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: is_in needs at least one value
      expression: title IN ()
      hint: no value is in an empty list; leave out the read when the list is empty

    DynamoDB takes 100 values; more than 99 become several IN joined with OR.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    if more:
        raise TypeError(f"is_in takes its values as one list: is_in({path!r}, {[values, *more]!r})")
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        raise TypeError(f"is_in takes a list of values, not {values!r}; for one value write eq(...)")
    options = tuple(map(operand, sorted(values, key=repr) if isinstance(values, (set, frozenset)) else values))
    if not options:
        name = path if isinstance(path, str) else "…"
        raise ExpressionError(
            "is_in needs at least one value",
            expression=f"{name} IN ()",
            hint="no value is in an empty list; leave out the read when the list is empty",
        )
    left = subject(path)
    return joined(Or, [In(left, options[i : i + OPTIONS]) for i in range(0, len(options), OPTIONS)])


def begins_with(path: Any, prefix: Any) -> Test:
    """True for a string or binary attribute that starts with `prefix`.

    >>> show(begins_with("sku", "EU-"))
    "begins_with(sku, 'EU-')"
    >>> matches(begins_with("sku", "EU-"), {"sku": "EU-7"})
    True

    A missing attribute does not match.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Test("begins_with", (subject(path), operand(prefix)))


def contains(path: Any, value: Any) -> Test:
    """True for a string that contains `value`, or a list or set that has it as a member.

    >>> show(contains("info.actors", "Tom Hanks"))
    "contains(info.actors, 'Tom Hanks')"
    >>> matches(contains("tags", "new"), {"tags": {"new", "hot"}}), matches(contains("tags", "ho"), {"tags": {"hot"}})
    (True, False)

    It does not find a subset of a set, and is false of maps and numbers.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Test("contains", (subject(path), operand(value)))


def exists(path: Any) -> Test:
    """True where the attribute exists, even as NULL.

    >>> show(exists("info.rating"))
    'attribute_exists(info.rating)'
    >>> matches(exists("a"), {"a": None})
    True

    It is true of empty texts, lists and maps, too.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Test("attribute_exists", (path_of(path),))


def not_exists(path: Any) -> Test:
    """True where the attribute is missing.

    >>> show(not_exists("userid"))
    'attribute_not_exists(userid)'
    >>> matches(not_exists("userid"), {})
    True

    As the condition of a put, on a key attribute, it is true of a new item only.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Test("attribute_not_exists", (path_of(path),))


_TYPES = {**STORED_TYPES, None: "NULL", type(None): "NULL"}


def type_is(path: Any, kind: str | type | None) -> Test:
    """True where the attribute has the type, given as DynamoDB's code or as the Python type that reads back.

    >>> show(type_is("wins", int)), show(type_is("tags", "SS"))
    ("attribute_type(wins, 'N')", "attribute_type(tags, 'SS')")
    >>> matches(type_is("wins", "S"), {"wins": 1})
    False

    The codes are S N B BOOL NULL L M SS NS BS. A set is one of SS, NS and BS, so `set` alone is refused.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    code = kind if isinstance(kind, str) else _code_of(kind)
    if code is None:
        raise TypeError(f"type_is takes one of S N B BOOL NULL L M SS NS BS or a Python type, not {kind!r}")
    return Test("attribute_type", (subject(path), Value("S", code)))


def _code_of(kind: Any) -> str | None:
    return _TYPES.get(kind) if isinstance(kind, Hashable) else None


def size(path: Any) -> Term:
    """The size of an attribute, to be compared: UTF-16 units of a string, bytes, members, elements or entries.

    >>> show(size("info.actors") >= 3)
    'size(info.actors) >= 3'
    >>> matches(size("name") == 2, {"name": "hé"})
    True

    Numbers, booleans, NULL and missing attributes have no size: every comparison except `<>` is false.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    return Term(Call("size", (subject(path),)))


def all_of(*conditions: Condition | Iterable[Condition]) -> Condition:
    """True where all of the conditions are; without conditions, always.

    >>> show(all_of(eq("a", 1), eq("b", 2)))
    'a = 1 AND b = 2'
    >>> matches(all_of(), {})
    True

    Takes them one by one or as one iterable; the value is the same as with `&` between them.
    """
    return joined(And, _conditions("all_of", conditions))


def any_of(*conditions: Condition | Iterable[Condition]) -> Condition:
    """True where at least one of the conditions is; without conditions, never.

    >>> show(any_of([eq("a", 1), eq("b", 2)]))
    'a = 1 OR b = 2'
    >>> matches(any_of(), {})
    False
    """
    return joined(Or, _conditions("any_of", conditions))


def where(**equalities: Any) -> Condition:
    """True where each named attribute equals its value.

    >>> show(where(userid="abc", title="Comet Quest"))
    "userid = 'abc' AND title = 'Comet Quest'"

    The names are whole attributes, not paths.
    """
    return joined(And, [Compare("=", Path((name,)), operand(value)) for name, value in equalities.items()])


def _conditions(name: str, arguments: tuple[Any, ...]) -> list[Condition]:
    conditions: list[Any] = []
    for argument in arguments:
        several = isinstance(argument, Iterable) and not isinstance(argument, (Condition, str))
        conditions.extend(argument if several else [argument])
    for condition in conditions:
        need(condition, Condition, f"{name} takes conditions such as eq('a', 1)")
    return conditions
