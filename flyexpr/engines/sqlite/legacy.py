"""The older parameters, from before expressions, read into the same nodes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, unreadable
from flyexpr.engines.sqlite.members import Request, broken, told
from flyexpr.engines.sqlite.ranges import Clause
from flyexpr.engines.sqlite.rules import choice_rule
from flyexpr.engines.sqlite.wire import check_name, read_bool, read_value
from flyexpr.nodes import (
    Action,
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Or,
    Path,
    Test,
    Update,
    Value,
    joined,
)
from flyexpr.values import KINDS, freeze

_SCALARS, _ORDERED = ("S", "N", "B", "BOOL", "NULL"), ("S", "N", "B")
_ACTION = choice_rule("ADD", "DELETE", "PUT")

Values = tuple[Value, ...]
Builder = Callable[[Path, Values], Condition]


def _compare(operator: str) -> Builder:
    return lambda path, values: Compare(operator, path, values[0])


def _test(function: str) -> Builder:
    return lambda path, values: Test(function, (path, *values))


def _not_contains(path: Path, values: Values) -> Condition:
    """A missing attribute contains nothing, and yet NOT_CONTAINS is false of it."""
    return And((Test("attribute_exists", (path,)), Not(Test("contains", (path, *values)))))


# operator: how many values it takes (0 for any number), of which types, what it means, and its name in a key condition
_OPERATORS: dict[str, tuple[int | None, tuple[str, ...], Builder, str | None]] = {
    "EQ": (1, KINDS, _compare("="), "="),
    "NE": (1, KINDS, _compare("<>"), None),
    "LT": (1, _ORDERED, _compare("<"), "<"),
    "LE": (1, _ORDERED, _compare("<="), "<="),
    "GT": (1, _ORDERED, _compare(">"), ">"),
    "GE": (1, _ORDERED, _compare(">="), ">="),
    "BETWEEN": (2, _ORDERED, lambda path, values: Between(path, *values), "BETWEEN"),
    "IN": (None, _ORDERED, lambda path, values: In(path, values), None),
    "BEGINS_WITH": (1, ("S", "B"), _test("begins_with"), "begins_with"),
    "CONTAINS": (1, _SCALARS, _test("contains"), None),
    "NOT_CONTAINS": (1, _SCALARS, _not_contains, None),
    "NULL": (0, (), _test("attribute_not_exists"), None),
    "NOT_NULL": (0, (), _test("attribute_exists"), None),
}


def read_key_conditions(members: Request) -> tuple[Clause, ...]:
    """The clauses of KeyConditions.

    >>> read_key_conditions({"KeyConditions": {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}})
    (Clause(name='id', operator='=', values=(Value(kind='S', body='a'),)),)
    """
    clauses = []
    for name, wire in members["KeyConditions"].items():
        operator, values = _read_comparison("keyConditions", name, wire)
        clause_operator = _OPERATORS[operator][3]
        if clause_operator is None:
            raise invalid("Attempted conditional constraint is not an indexable operation")
        clauses.append(Clause(name, clause_operator, values))
    return tuple(clauses)


def read_legacy_filter(members: Request, member: str) -> Condition | None:
    """The condition of QueryFilter or ScanFilter; None when the request has none."""
    if member not in members:
        _check_operator_alone(members)
        return None
    where = member[0].lower() + member[1:]
    parts = [
        _OPERATORS[operator][2](Path((name,)), values)
        for name, (operator, values) in (
            (name, _read_comparison(where, name, wire)) for name, wire in members[member].items()
        )
    ]
    return _combined(parts, members)


def read_expected(members: Request) -> Condition | None:
    """The condition of Expected; None when the request has none."""
    if "Expected" not in members:
        _check_operator_alone(members)
        return None
    return _combined([_read_expected(name, wire) for name, wire in members["Expected"].items()], members)


def _check_operator_alone(members: Request) -> None:
    if "ConditionalOperator" in members:
        raise invalid(told(["ConditionalOperator cannot be used without Filter or Expected"]))


def _combined(parts: list[Condition], members: Request) -> Condition | None:
    if not parts:
        return None
    return joined(Or if members.get("ConditionalOperator") == "OR" else And, parts)


def _read_expected(name: str, wire: Any) -> Condition:
    wire = _object(wire)
    path, value = Path((name,)), wire.get("Value")
    exists = None if wire.get("Exists") is None else read_bool(wire["Exists"])
    if wire.get("ComparisonOperator") is not None:
        if value is not None or exists is not None:
            raise invalid_parameter(f"Value or Exists cannot be used with ComparisonOperator for Attribute: {name}")
        operator, values = _read_comparison("expected", name, wire)
        return _OPERATORS[operator][2](path, values)
    if wire.get("AttributeValueList") is not None:
        raise invalid_parameter(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise invalid_parameter(f"Value cannot be used when Exists is false for Attribute: {name}")
        return Test("attribute_not_exists", (path,))
    if value is None:
        shown = "null" if exists is None else "true"
        raise invalid_parameter(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return Compare("=", path, _read_constant(value))


def _read_comparison(where: str, name: str, wire: Any) -> tuple[str, Values]:
    """The operator and the values of one attribute's condition."""
    wire = _object(wire)
    operator = wire.get("ComparisonOperator")
    if operator is None:
        where = f"{where}.{name}.member.comparisonOperator"
        raise invalid(told([broken(where, None, "Member must not be null")]))
    if operator not in _OPERATORS:
        raise invalid(f"Invalid comparison operator: {operator}")
    raw = wire.get("AttributeValueList") or []
    if type(raw) is not list:
        raise unreadable("Unexpected value type in payload")
    values = tuple(map(_read_constant, raw))
    count, kinds, _, _ = _OPERATORS[operator]
    if len(values) != count and (count is not None or not values):
        raise invalid_parameter(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    for value in values:
        if value.kind not in kinds:
            raise invalid_parameter(f"ComparisonOperator {operator} is not valid for {value.kind} AttributeValue type")
    if len({value.kind for value in values}) > 1:
        raise invalid_parameter("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and values[0].body > values[1].body:
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return operator, values


def read_attribute_updates(members: Request) -> Update | None:
    """The update of AttributeUpdates; None when the request has none.

    >>> update = read_attribute_updates({"AttributeUpdates": {"a": {"Action": "DELETE"}}})
    >>> [action.clause for action in update.actions]
    ['REMOVE']
    """
    if "AttributeUpdates" not in members:
        return None
    return Update(tuple(_read_action(name, wire) for name, wire in members["AttributeUpdates"].items()))


def _read_action(name: str, wire: Any) -> Action:
    wire, path = _object(wire), Path((check_name(name),))
    action, problems = _ACTION(wire.get("Action") or "PUT")
    if problems:
        raise invalid(told([broken(f"attributeUpdates.{name}.member.action", action, problems[0])]))
    if wire.get("Value") is None:
        if action != "DELETE":
            raise invalid_parameter("Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", path, None)
    value = _read_constant(wire["Value"])
    if action == "PUT":
        return Action("SET", path, value)
    if action == "ADD" and value.kind == "L":
        return Action("SET", path, Call("list_append", (Call("if_not_exists", (path, Value("L", ()))), value)))
    if value.kind not in ("SS", "NS", "BS") and (action, value.kind) != ("ADD", "N"):
        raise invalid_parameter(f"{action} action is not supported for the type {value.kind}")
    return Action(action, path, value)


def read_attributes_to_get(members: Request) -> tuple[Path, ...] | None:
    """The paths of AttributesToGet; None when the request has none.

    >>> read_attributes_to_get({"AttributesToGet": ["a.b"]})
    (Path(parts=('a.b',)),)
    """
    names = members.get("AttributesToGet")
    if names is None:
        return None
    if not names:
        constraint = "Member must have length greater than or equal to 1"
        raise invalid(told([broken("attributesToGet", "[]", constraint)]))
    seen = set[str]()
    for name in names:
        if type(name) is not str:
            raise unreadable("Unexpected token received from parser")
        if check_name(name) in seen:
            raise invalid_parameter(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return tuple(Path((name,)) for name in names)


def _read_constant(wire: Any) -> Value:
    return Value(*freeze(read_value(wire)))


def _object(wire: Any) -> dict[str, Any]:
    if type(wire) is not dict:
        raise unreadable("Unexpected value type in payload")
    return wire
