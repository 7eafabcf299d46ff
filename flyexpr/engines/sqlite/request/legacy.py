"""The older parameters, from before expressions, read into the same nodes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.faults import bare, invalid, invalid_parameter, validation_errors
from flyexpr.engines.sqlite.request.clauses import Clause
from flyexpr.engines.sqlite.request.json_types import read_bool
from flyexpr.engines.sqlite.request.member_rules import choice_rule, list_rule, map_rule, text_rule
from flyexpr.engines.sqlite.request.members import Members, broken
from flyexpr.engines.sqlite.request.wire import COMPARED, check_name, read_value
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import (
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
from flyexpr.values.freeze import freeze
from flyexpr.values.types import TYPES

_SCALARS, _ORDERED = ("S", "N", "B", "BOOL", "NULL"), ("S", "N", "B")
_ACTION, _LIST = choice_rule("ADD", "DELETE", "PUT"), list_rule()

Values = tuple[Value, ...]
Builder = Callable[[Path, Values], Condition]


def _compare(operator: str) -> Builder:
    return lambda path, values: Compare(operator, path, values[0])


def _test(function: str) -> Builder:
    return lambda path, values: Test(function, (path, *values))


def _not_contains(path: Path, values: Values) -> Condition:
    """A missing attribute contains nothing, and yet NOT_CONTAINS is false of it."""
    return And((Test("attribute_exists", (path,)), Not(Test("contains", (path, *values)))))


class _Operator(NamedTuple):
    """How many values an operator takes (None: one or more), of which types, what it means, and its key condition."""

    takes: int | None
    kinds: tuple[str, ...]
    build: Builder
    in_key: str | None = None


_OPERATORS = {
    "EQ": _Operator(1, TYPES, _compare("="), "="),
    "NE": _Operator(1, TYPES, _compare("<>")),
    "LT": _Operator(1, _ORDERED, _compare("<"), "<"),
    "LE": _Operator(1, _ORDERED, _compare("<="), "<="),
    "GT": _Operator(1, _ORDERED, _compare(">"), ">"),
    "GE": _Operator(1, _ORDERED, _compare(">="), ">="),
    "BETWEEN": _Operator(2, _ORDERED, lambda path, values: Between(path, *values), "BETWEEN"),
    "IN": _Operator(None, _ORDERED, lambda path, values: In(path, values)),
    "BEGINS_WITH": _Operator(1, ("S", "B"), _test("begins_with"), "begins_with"),
    "CONTAINS": _Operator(1, _SCALARS, _test("contains")),
    "NOT_CONTAINS": _Operator(1, _SCALARS, _not_contains),
    "NULL": _Operator(0, (), _test("attribute_not_exists")),
    "NOT_NULL": _Operator(0, (), _test("attribute_exists")),
}


def read_key_conditions(members: Members) -> tuple[Clause, ...]:
    """The clauses of KeyConditions; an operator that no key condition has is refused once the table is known.

    >>> read_key_conditions({"KeyConditions": {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}})
    (Clause(name='id', operator='=', values=(Value(kind='S', body='a'),)),)
    """
    clauses = []
    for name, wire in members["KeyConditions"].items():
        operator, values = _read_comparison("keyConditions", name, wire)
        clauses.append(Clause(name, _OPERATORS[operator].in_key or operator, values))
    return tuple(clauses)


def read_legacy_filter(members: Members, member: str) -> Condition | None:
    """The condition of QueryFilter or ScanFilter; None when the request has none."""
    where = member[0].lower() + member[1:]
    level = COMPARED if member == "ScanFilter" else 1
    return _combined(members, member, lambda name, wire: _condition(name, *_read_comparison(where, name, wire, level)))


def read_expected(members: Members) -> Condition | None:
    """The condition of Expected; None when the request has none."""
    return _combined(members, "Expected", _read_expected)


def _combined(members: Members, member: str, read: Callable[[str, Any], Condition]) -> Condition | None:
    wires = members.get(member) or {}
    if "ConditionalOperator" in members and len(wires) < 2:
        rule = "can only be used when Filter or Expected has two or more elements"
        raise invalid(f"ConditionalOperator {rule if wires else 'cannot be used without Filter or Expected'}")
    if not wires:
        return None
    parts = [read(name, wire) for name, wire in wires.items()]
    return joined(Or if members.get("ConditionalOperator") == "OR" else And, parts)


def _condition(name: str, operator: str, values: Values) -> Condition:
    return _OPERATORS[operator].build(Path((name,)), values)


def _read_expected(name: str, wire: Any) -> Condition:
    members = {member: part for member, part in map_rule(wire)[0].items() if part is not None}
    check_name(name)
    if "Value" in members and "AttributeValueList" in members:
        raise _together("Value and AttributeValueList", name)
    if "ComparisonOperator" in members:
        if "Exists" in members:
            raise _together("Exists and ComparisonOperator", name)
        return _condition(name, *_read_expected_comparison(name, members))
    if "AttributeValueList" in members:
        raise invalid_parameter(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    return _read_existence(name, members)


def _together(both: str, name: str) -> DynamoError:
    return invalid_parameter(f"{both} cannot be used together for Attribute: {name}")


def _read_expected_comparison(name: str, members: Members) -> tuple[str, Values]:
    """The operator and the values of one attribute in Expected.

    A single value may be given as Value. Only IN looks at the types of its values.
    """
    operator = _read_operator(members["ComparisonOperator"])
    if _OPERATORS[operator].takes != 0 and not members.keys() & {"Value", "AttributeValueList"}:
        raise invalid_parameter(
            f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
        )
    values = _read_values([members["Value"]] if "Value" in members else members.get("AttributeValueList"))
    _check_count(operator, values)
    if operator == "IN":
        _check_allowed(operator, values)
    _check_types(operator, values)
    return operator, values


def _read_existence(name: str, members: Members) -> Condition:
    exists = read_bool(members.get("Exists", True))
    if not exists and "Value" in members:
        raise invalid_parameter(f"Value cannot be used when Exists is false for Attribute: {name}")
    if not exists:
        return Test("attribute_not_exists", (Path((name,)),))
    if "Value" not in members:
        shown = "true" if "Exists" in members else "null"
        raise invalid_parameter(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return Compare("=", Path((name,)), _read_constant(members["Value"]))


def _read_comparison(where: str, name: str, wire: Any, level: int = 1) -> tuple[str, Values]:
    """The operator and the values of one attribute's condition."""
    wire = map_rule(wire)[0]
    if wire.get("ComparisonOperator") is None:
        raise validation_errors([broken(f"{where}.{name}.member.comparisonOperator", None, "Member must not be null")])
    operator = _read_operator(wire["ComparisonOperator"])
    values = _read_values(wire.get("AttributeValueList"), level)
    _check_count(operator, values)
    _check_allowed(operator, values)
    _check_types(operator, values)
    return operator, values


def _read_operator(raw: Any) -> str:
    operator, _ = text_rule(raw)
    if operator not in _OPERATORS:
        raise invalid_parameter("Invalid comparison operator")
    return operator


def _read_values(raw: Any, level: int = 1) -> Values:
    return () if raw is None else tuple([_read_constant(wire, level) for wire in _LIST(raw)[0]])


def _check_count(operator: str, values: Values) -> None:
    takes = _OPERATORS[operator].takes
    if len(values) != takes and (takes is not None or not values):
        raise invalid_parameter(f"Invalid number of argument(s) for the {operator} ComparisonOperator")


def _check_allowed(operator: str, values: Values) -> None:
    for value in values:
        if value.kind not in _OPERATORS[operator].kinds:
            raise invalid_parameter(f"ComparisonOperator {operator} is not valid for {value.kind} AttributeValue type")


def _check_types(operator: str, values: Values) -> None:
    if len({value.kind for value in values}) > 1:
        raise invalid_parameter("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and values[0].kind in _ORDERED and values[0].body > values[1].body:
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def read_attribute_updates(members: Members) -> Update | None:
    """The update of AttributeUpdates; None when the request has none.

    >>> update = read_attribute_updates({"AttributeUpdates": {"a": {"Action": "DELETE"}}})
    >>> [action.clause for action in update.actions]
    ['REMOVE']
    """
    if "AttributeUpdates" not in members:
        return None
    return Update(tuple(_read_action(name, wire) for name, wire in members["AttributeUpdates"].items()))


def _read_action(name: str, wire: Any) -> Action:
    wire, path = map_rule(wire)[0], Path((check_name(name),))
    sent = wire.get("Action")
    action, problems = _ACTION("PUT" if sent is None else sent)
    if problems:
        raise validation_errors([broken(f"attributeUpdates.{name}.member.action", action, problems[0])])
    if wire.get("Value") is None:
        if action != "DELETE":
            raise bare(invalid_parameter("Only DELETE action is allowed when no attribute value is specified"))
        return Action("REMOVE", path, None)
    value = _read_constant(wire["Value"])
    if action == "PUT":
        return Action("SET", path, value)
    if action == "ADD" and value.kind == "L":
        return Action("SET", path, Call("list_append", (Call("if_not_exists", (path, Value("L", ()))), value)))
    if value.kind not in ("SS", "NS", "BS") and (action, value.kind) != ("ADD", "N"):
        what = "action with value" if action == "DELETE" else "action"
        raise bare(invalid_parameter(f"{action} {what} is not supported for the type {value.kind}"))
    return Action(action, path, value)


def read_attributes_to_get(members: Members) -> tuple[Path, ...] | None:
    """The paths of AttributesToGet; None when the request has none.

    >>> read_attributes_to_get({"AttributesToGet": ["a.b"]})
    (F['a.b'],)
    """
    names = members.get("AttributesToGet")
    if names is None:
        return None
    if not names:
        constraint = "Member must have length greater than or equal to 1"
        raise validation_errors([broken("attributesToGet", "[]", constraint)])
    seen = set[str]()
    for name in names:
        if check_name(text_rule(name)[0]) in seen:
            raise invalid_parameter(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return tuple(Path((name,)) for name in names)


def _read_constant(wire: Any, level: int = 1) -> Value:
    return Value(*freeze(read_value(wire, level), level=level))
