"""The rules for operands, in conditions and updates alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Call, Operand, Path, Value
from flyexpr.expressions.overlaps import brackets
from flyexpr.expressions.sides import OF_CHANGES
from flyexpr.values.refusals import Refused, verify_text

MAX_LEVELS, MAX_INDEX = 32, 2**31 - 1


def verify_path(path: Path) -> None:
    """None for a path that is not too deep, and has no index too large and no name that UTF-8 has no bytes for."""
    if len(path.parts) > MAX_LEVELS:
        raise ExpressionError(f"The document path has too many nesting levels; nesting levels: {len(path.parts)}")
    for part in path.parts:
        if isinstance(part, str):
            _verify_name(part)
        elif part > MAX_INDEX:
            raise ExpressionError(f"List index is not within the allowable range; index: [{part}]")


def _verify_name(name: str) -> None:
    try:
        verify_text(name)
    except Refused as refused:
        raise ExpressionError(refused.message) from None


def verify_kind(operator: str, operand: Operand, kinds: Sequence[str]) -> None:
    """None for an operand that may be of one of these kinds; nothing is known of a path or a foreign constant."""
    match operand:
        case Value("PYTHON"):
            pass
        case Value(kind) if kind not in kinds:
            refuse_kind(operator, kind)
        case Call("size") if "N" not in kinds:
            refuse_kind(operator, "N")


def verify_count(function: str, arguments: Sequence[Any], expected: int) -> None:
    """None for as many arguments as the function takes."""
    if len(arguments) != expected:
        raise ExpressionError(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(arguments)}"
        )


def verify_distinct(operator: str, first: Operand, *others: Operand) -> None:
    """None unless the first operand is a path that is also one of the others."""
    if isinstance(first, Path) and first in others:
        raise ExpressionError(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {brackets(first.parts)}"
        )


def verify_is_path(function: str, arguments: Sequence[Operand]) -> None:
    """None where the function's first argument is a path."""
    if not isinstance(arguments[0], Path):
        raise ExpressionError(f"Operator or function requires a document path; operator or function: {function}")


def refuse_function(function: str) -> NoReturn:
    hint = "it asks about a change of an item, as flyexpr.events gives them" if function in OF_CHANGES else None
    raise ExpressionError(
        f"The function is not allowed to be used this way in an expression; function: {function}", hint=hint
    )


def refuse_kind(operator: str, kind: str) -> NoReturn:
    raise ExpressionError(
        f"Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
    )
