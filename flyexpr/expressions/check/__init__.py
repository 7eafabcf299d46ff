"""What DynamoDB refuses in an expression before it looks at any item.

The same rules serve a client, which sends nothing that is sure to be refused, and an engine, which has to refuse it;
the messages are the service's own clauses.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check.conditions import verify_condition
from flyexpr.expressions.check.operands import verify_path
from flyexpr.expressions.check.updates import verify_action
from flyexpr.expressions.nodes import (
    And,
    Arithmetic,
    Between,
    Call,
    Condition,
    Operand,
    Or,
    Path,
    Test,
    Update,
    Value,
    walk,
)
from flyexpr.expressions.overlaps import find_overlap

MAX_OPERATORS = 300


def check(expression: Condition | Update | Sequence[Path]) -> None:
    """None for an expression that DynamoDB takes; a sequence of paths is a projection.

    >>> from flyexpr import eq, F, incr, lt
    >>> check(eq("a", 1) & lt("b", F.c))
    >>> check(lt("a", [1]))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Incorrect operand type for operator or function; ...: <, operand type: L

    ExpressionError for constants of a wrong type, reversed bounds, a path compared with itself, more than 300
    operators and functions, or 100 options, paths deeper than 32 levels, and paths that overlap.
    """
    if isinstance(expression, Condition):
        _check_condition(expression)
    elif isinstance(expression, Update):
        for action in expression.actions:
            verify_action(action)
        assigned = [action.operand for action in expression.actions if isinstance(action.operand, (Call, Arithmetic))]
        _check_count(sum(map(count_operators, assigned)))
    else:
        for path in expression:
            verify_path(path)
        overlap = find_overlap([path.parts for path in expression])
        if overlap:
            raise ExpressionError(overlap)


def parts_by_value(expression: Condition | Update) -> list[Condition]:
    """The conditions in which `check` looks at the constants themselves. In all others it looks at their kinds alone.

    >>> from flyexpr import between, eq
    >>> parts_by_value(eq("a", 1) & between("b", 1, 2))
    [between('b', 1, 2)]
    """
    return [
        node
        for node in walk(expression)
        if isinstance(node, Between) or (isinstance(node, Test) and node.function == "attribute_type")
    ]


def _check_condition(condition: Condition) -> None:
    operators = 0
    for node in walk(condition):
        if type(node) not in _LEAVES:
            operators += _own_operators(node)
            verify_condition(node)
            _check_count(operators)


def count_operators(node: Condition | Operand) -> int:
    """How many operators and functions a condition or operand has, as DynamoDB counts them.

    >>> from flyexpr import F, size
    >>> count_operators((F.a > 0) & (F.b > 0) & (size(F.c) > 0))
    6
    """
    return sum([_own_operators(each) for each in walk(node) if type(each) not in _LEAVES])


_LEAVES = frozenset({Path, Value})


def _own_operators(node: Any) -> int:
    return max(len(node.parts) - 1, 0) if isinstance(node, (And, Or)) else 1


def _check_count(operators: int) -> None:
    if operators > MAX_OPERATORS:
        raise ExpressionError(
            f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}",
            hint=f"an expression has at most {MAX_OPERATORS}; use is_in, or several requests",
        )
