"""How much work a condition or an update is, before any of it is done.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.expressions.nodes import And, Call, Condition, In, Not, Operand, Or, Path, Update, Value
from flyexpr.values.types import find


def effort(condition: Condition | None) -> int:
    """The comparisons and functions that a condition may take on one item, however deep they are.

    >>> from flyexpr import eq, is_in
    >>> effort(~(eq("a", 1) & (eq("b", 2) | is_in("c", [1, 2, 3]))))
    5

    A filter of the older kind may have conditions without end; one of an expression has up to 4 KB of them.
    """
    match condition:
        case None:
            return 0
        case And(parts) | Or(parts):
            return sum(map(effort, parts))
        case Not(part):
            return effort(part)
        case In(_, options):
            return len(options)
    return 1


def least_size(update: Update, item: Mapping[str, Any]) -> int:
    """The bytes that the values which an update sets have at least, without making them.

    >>> from flyexpr import F, append, assign
    >>> least_size(append("log", ["a", "b"]) + assign("old", F.log), {"log": ["c"]})
    9

    What is set by different actions never overlaps, so an item over 400 KB can be refused before it is put together.
    """
    return sum(
        _least(action.operand, item)
        for action in update.actions
        if action.clause == "SET" and action.operand is not None
    )


def _least(operand: Operand, item: Mapping[str, Any]) -> int:
    match operand:
        case Value(_, body):
            return _shallow(body)
        case Path(parts):
            return _shallow(find(parts, item))
        case Call("if_not_exists", (Path(parts), default)):
            return _shallow(find(parts, item)) or _least(default, item)
        case Call("list_append", (first, second)):  # one within another is not allowed
            return _least(first, item) + _least(second, item) - _LIST
    return 0


_LIST = 3  # bytes of a list, besides its elements and one for each


def _shallow(value: Any) -> int:
    """The least size of a value that is there, without a look at its members."""
    if isinstance(value, (list, tuple, dict)):
        return _LIST + len(value)
    return len(value) if isinstance(value, (str, bytes, set, frozenset)) else 0
