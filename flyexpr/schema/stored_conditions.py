"""Conditions in the user's types as conditions in DynamoDB's, by what a table declares."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import (
    And,
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
    Value,
)
from flyexpr.schema.codecs import Codec
from flyexpr.schema.stored_operands import allow, codec_at, is_stored, stored_constant, watch
from flyexpr.schema.table import Table


def lower_condition(table: Table, condition: Condition) -> Condition:
    """The condition with every constant as it is stored.

    >>> from datetime import date
    >>> from flyexpr import begins_with, eq, show
    >>> table = Table("t", "id", attributes={"day": date, "wins": int})
    >>> show(lower_condition(table, eq("day", date(2026, 1, 31))))
    "day = '2026-01-31'"
    >>> lower_condition(table, begins_with("wins", "1"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: begins_with cannot work on `wins`, which holds int
      expression: begins_with(wins, '1')
    """
    try:
        if table.watched and not isinstance(condition, (And, Or, Not)):
            watch(table, condition, condition)
        return _LOWERED[type(condition)](table, condition)
    except RecursionError:
        raise ExpressionError("the condition is nested too deeply; DynamoDB takes 300 operators") from None


def _compare(table: Table, node: Compare) -> Condition:
    lowered = _side_by_side(table, node, node.operator, (node.left, node.right))
    return node if lowered is None else Compare(node.operator, *lowered)


def _between(table: Table, node: Between) -> Condition:
    lowered = _side_by_side(table, node, "BETWEEN", (node.operand, node.low, node.high))
    return node if lowered is None else Between(*lowered)


def _in(table: Table, node: In) -> Condition:
    lowered = _side_by_side(table, node, "IN", (node.operand, *node.options))
    return node if lowered is None else In(lowered[0], lowered[1:])


def _test(table: Table, node: Test) -> Condition:
    if is_stored(table, node.arguments):
        return node
    match node:
        case Test("contains", (Path() as path, Value() as value)):
            allow(table, node, "contains", path)
            codec = codec_at(table, path)
            codec = codec.member if codec and codec.member else _part_codec(codec, value)
            return Test("contains", (path, stored_constant(table, path, codec, value)))
        case Test("begins_with", arguments):
            lowered = _side_by_side(table, node, "begins_with", arguments, part=True)
            return node if lowered is None else Test("begins_with", lowered)
    return node


def _joined(table: Table, node: And | Or) -> Condition:
    # Not by `rebuilt`: a microsecond more, and most conditions are an And.
    lowered = [lower_condition(table, part) for part in node.parts]
    return node if all(map(is_, lowered, node.parts)) else type(node)(tuple(lowered))


def _not(table: Table, node: Not) -> Condition:
    return Not(lower_condition(table, node.part))


_LOWERED: dict[type, Callable[[Table, Any], Condition]] = {
    Compare: _compare,
    Between: _between,
    In: _in,
    Test: _test,
    And: _joined,
    Or: _joined,
    Not: _not,
}


def _side_by_side(
    table: Table, node: Condition, operator: str, operands: tuple[Operand, ...], *, part: bool = False
) -> tuple[Operand, ...] | None:
    """The operands of a comparison, constants encoded as the first path among them is; None when nothing changes.

    With `part`, a constant is a part of the text that the path leads to.
    """
    if is_stored(table, operands):
        return None
    path = next((operand for operand in operands if isinstance(operand, Path)), None)
    for operand in operands:
        match operand:
            case Path():
                allow(table, node, operator, operand)
            case Call("size", (Path() as measured,)):
                allow(table, node, "size", measured)
    if path is None:
        return None
    codec = codec_at(table, path)
    lowered = [
        stored_constant(table, path, _part_codec(codec, one) if part else codec, one) if isinstance(one, Value) else one
        for one in operands
    ]
    return None if all(map(is_, lowered, operands)) else tuple(lowered)


def _part_codec(codec: Codec | None, part: Value) -> Codec | None:
    """The codec for a part of a text: the text's own where the part is a whole one, such as a date; none for a text."""
    return codec if part.kind == "PYTHON" else None
