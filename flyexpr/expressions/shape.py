"""The shape of an expression: everything that its text depends on, which is all but the values of constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.expressions.nodes import (
    Action,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.values.types import ORDERED, Frozen

Shape = tuple[Any, ...]


def shape(expression: Condition | Update | tuple[Path, ...], values: dict[Frozen, int]) -> Shape:
    """The expression with the kinds of constants instead of their values; the values are added to `values`, numbered.

    >>> from flyexpr import eq, gt
    >>> values = {}
    >>> shape(eq("a.b", "x") & gt("n", 3), values)
    ('AND', ('=', ('a', 'b'), (0, 'S')), ('>', ('n',), (1, 'N')))
    >>> list(values)
    [('S', 'x'), ('N', 3)]

    Expressions of one shape have the same text, and DynamoDB takes all of them or none. So the shape also holds the
    two other things that decide this: whether bounds are in order, and the type that `attribute_type` asks for.
    """
    if isinstance(expression, tuple):
        return tuple([path.parts for path in expression])
    return _SHAPES[type(expression)](expression, values)


def _operand(node: Operand, values: dict[Frozen, int]) -> Shape:
    node_type = type(node)
    if node_type is Path:
        return node.parts  # type: ignore[union-attr]
    if node_type is Value:
        frozen = node.kind, node.body  # type: ignore[union-attr]
        return values.setdefault(frozen, len(values)), frozen[0]
    return _SHAPES[node_type](node, values)


def _compare(node: Compare | Arithmetic, values: dict[Frozen, int]) -> Shape:
    return node.operator, _operand(node.left, values), _operand(node.right, values)


def _between(node: Between, values: dict[Frozen, int]) -> Shape:
    operand, low, high = node.operand, node.low, node.high
    ordered = (
        isinstance(low, Value)
        and isinstance(high, Value)
        and low.kind == high.kind in ORDERED
        and low.body <= high.body
    )
    return "BETWEEN", _operand(operand, values), _operand(low, values), _operand(high, values), ordered


def _in(node: In, values: dict[Frozen, int]) -> Shape:
    return "IN", _operand(node.operand, values), *[_operand(option, values) for option in node.options]


def _call(node: Test | Call, values: dict[Frozen, int]) -> Shape:
    call = node.function, *[_operand(argument, values) for argument in node.arguments]
    return (*call, *node.arguments[1:]) if node.function == "attribute_type" else call


def _joined(node: And | Or, values: dict[Frozen, int]) -> Shape:
    return "AND" if type(node) is And else "OR", *[_SHAPES[type(part)](part, values) for part in node.parts]


def _not(node: Not, values: dict[Frozen, int]) -> Shape:
    return "NOT", _SHAPES[type(node.part)](node.part, values)


def _update(node: Update, values: dict[Frozen, int]) -> Shape:
    return "UPDATE", *[_action(action, values) for action in node.actions]


def _action(action: Action, values: dict[Frozen, int]) -> Shape:
    if action.operand is None:
        return action.clause, action.path.parts
    return action.clause, action.path.parts, _operand(action.operand, values)


_SHAPES: dict[type, Callable[[Any, dict[Frozen, int]], Shape]] = {
    Compare: _compare,
    Arithmetic: _compare,
    Between: _between,
    In: _in,
    Test: _call,
    Call: _call,
    And: _joined,
    Or: _joined,
    Not: _not,
    Update: _update,
}
