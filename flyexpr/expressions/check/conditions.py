"""The rules for one comparison or test of a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check.operands import (
    refuse_function,
    refuse_kind,
    verify_count,
    verify_distinct,
    verify_is_path,
    verify_kind,
    verify_path,
)
from flyexpr.expressions.nodes import Arithmetic, Between, Call, Compare, In, Operand, Path, Test, Value
from flyexpr.expressions.sides import OF_CHANGES
from flyexpr.values.numbers import number_text
from flyexpr.values.types import ORDERED, TYPES

MAX_OPTIONS = 100


def verify_condition(node: Any) -> None:
    """None for a condition that DynamoDB takes; the conditions inside an And, Or or Not are not looked at."""
    verify = _RULES.get(type(node))
    if verify is not None:
        verify(node)


def _compare(node: Compare) -> None:
    operator, left, right = node.operator, node.left, node.right
    _operands(operator, left, right)
    if operator not in ("=", "<>"):
        _ordered(operator, left, right)


def _between(node: Between) -> None:
    operands = node.operand, node.low, node.high
    _operands("BETWEEN", *operands)
    _ordered("BETWEEN", *operands)
    _bounds(node.low, node.high)


def _in(node: In) -> None:
    if len(node.options) > MAX_OPTIONS:
        raise ExpressionError(
            f"The IN operator is provided with too many operands; number of operands: {len(node.options)}"
        )
    _operands("IN", node.operand, *node.options)


def _test(node: Test) -> None:
    function, arguments = node.function, node.arguments
    if function in OF_CHANGES:
        refuse_function(function)
    count, verify = _TESTS[function]
    verify_count(function, arguments, count)
    _operands(function, *arguments)
    verify(function, arguments)


_RULES: dict[type, Callable[[Any], None]] = {Compare: _compare, Between: _between, In: _in, Test: _test}


def _operands(operator: str, first: Operand, *others: Operand) -> None:
    for operand in (first, *others):
        _operand(operand)
    verify_distinct(operator, first, *others)


def _operand(node: Operand) -> None:
    if isinstance(node, Path):
        verify_path(node)
    elif isinstance(node, Call):
        if node.function in _TESTS:
            return _test(Test(node.function, node.arguments))
        if node.function != "size":
            refuse_function(node.function)
        verify_count(node.function, node.arguments, 1)
        _operand(node.arguments[0])
        verify_kind(node.function, node.arguments[0], _SIZED)
    elif isinstance(node, Arithmetic):
        raise ExpressionError(f"A condition has no arithmetic, only an update has; operator: {node.operator}")


_SIZED = ("S", "B", "SS", "NS", "BS", "L", "M")


def _ordered(operator: str, *operands: Operand) -> None:
    for operand in operands:
        if isinstance(operand, Value) and operand.kind not in ORDERED and operand.kind != "PYTHON":
            refuse_kind(operator, operand.kind)
        if isinstance(operand, Call) and operand.function in _TESTS:
            refuse_kind(operator, "BOOL")


def _bounds(low: Operand, high: Operand) -> None:
    if not isinstance(low, Value) or not isinstance(high, Value) or "PYTHON" in (low.kind, high.kind):
        return
    shown = f"lower bound operand: {_attribute_value(low)}, upper bound operand: {_attribute_value(high)}"
    if low.kind != high.kind:
        raise ExpressionError(
            f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}",
            hint=f"{_in_python(low)} and {_in_python(high)} are of two types",
        )
    if low.body > high.body:
        raise ExpressionError(
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}",
            hint=f"swap them: {_in_python(high)} comes before {_in_python(low)}",
        )


def _in_python(value: Value) -> str:
    return number_text(value.body) if value.kind == "N" else repr(value.body)


def _attribute_value(value: Value) -> str:
    body = number_text(value.body) if value.kind == "N" else value.body
    return f"AttributeValue: {{{value.kind}:{body}}}"


def _needs_text(function: str, arguments: Sequence[Operand]) -> None:
    for argument in arguments:
        verify_kind(function, argument, ("S", "B"))


def _needs_type(function: str, arguments: Sequence[Operand]) -> None:
    kind = arguments[1]
    if not isinstance(kind, Value):
        refuse_kind(function, "{" + ",".join(_TYPE_NAMES) + "}")
    verify_kind(function, kind, ("S",))
    if kind.kind == "S" and kind.body not in TYPES:  # of one that no table has encoded yet, nothing is known
        raise ExpressionError(
            f"Invalid attribute type name found; type: {kind.body}, valid types: {{{','.join(_TYPE_NAMES)}}}"
        )


def _needs_nothing(function: str, arguments: Sequence[Operand]) -> None:
    pass


_TYPE_NAMES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_TESTS: dict[str, tuple[int, Callable[[str, Sequence[Operand]], None]]] = {
    "attribute_exists": (1, verify_is_path),
    "attribute_not_exists": (1, verify_is_path),
    "attribute_type": (2, _needs_type),
    "begins_with": (2, _needs_text),
    "contains": (2, _needs_nothing),
}
