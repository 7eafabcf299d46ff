"""The rules for one action of an update."""

from __future__ import annotations

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check.operands import (
    refuse_function,
    verify_count,
    verify_distinct,
    verify_is_path,
    verify_kind,
    verify_path,
)
from flyexpr.expressions.nodes import Action, Arithmetic, Call, Operand, Path, Value


def verify_action(action: Action) -> None:
    """None for an action that DynamoDB takes."""
    verify_path(action.path)
    if action.clause == "SET" and action.operand is not None:
        _assigned(action.operand)
    elif isinstance(action.operand, Value):
        kind = action.operand.kind
        if kind not in _ADDED_OR_DELETED[action.clause]:
            # Only the messages for ADD and DELETE spell the type out; both have the set of ADD.
            raise ExpressionError(
                f"Incorrect operand type for operator or function; operator: {action.clause}, "
                f"operand type: {_SPELLED.get(kind, kind)}, typeSet: ALLOWED_FOR_ADD_OPERAND"
            )


_SETS = frozenset({"SS", "NS", "BS", "PYTHON"})
_ADDED_OR_DELETED = {"ADD": _SETS | {"N"}, "DELETE": _SETS}
_SPELLED = {"S": "STRING", "N": "NUMBER", "B": "Binary", "L": "LIST", "M": "MAP"}


def _assigned(node: Operand, inside: str = "") -> None:
    """Checks the right side of an assignment; `inside` is the operator or function around it."""
    match node:
        case Path():
            verify_path(node)
        case Arithmetic(operator, left, right) if not inside:
            for side in (left, right):
                _assigned(side, operator)
                verify_kind(operator, side, ("N",))
        case Arithmetic(operator):
            raise ExpressionError(f"An assignment takes one + or -, and none inside a function; operator: {operator}")
        case Call("if_not_exists", arguments):
            verify_count("if_not_exists", arguments, 2)
            verify_is_path("if_not_exists", arguments)
            verify_distinct("if_not_exists", arguments[0], *arguments[1:])
            for argument in arguments:
                _assigned(argument, "if_not_exists")
        case Call("list_append", arguments) if not inside:
            verify_count("list_append", arguments, 2)
            for argument in arguments:
                _assigned(argument, "list_append")
                verify_kind("list_append", argument, ("L",))
        case Call(function):
            refuse_function(function)
