"""The expression members of a request: checked and compiled once for each shape, and remembered.

A program sends a few shapes over and over, with other values: then only the values are new. (Checking and compiling a
condition of six parts takes 25 us, its shape and what is remembered of it 6.)
"""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check import check
from flyexpr.expressions.compile import Placeholders, compile, values_member
from flyexpr.expressions.nodes import Condition, Path, Update
from flyexpr.expressions.shape import Shape, shape
from flyexpr.expressions.show import refused
from flyexpr.values.kinds import Frozen
from flyexpr.values.memo import Memo

Expression = Condition | Update | tuple[Path, ...]

_MEMBERS = Memo[Shape, list[str]](1024)


def expression_members(*expressions: tuple[str, Expression | None]) -> list[str]:
    """The members of a request for these expressions, and for what their placeholders stand.

    >>> from flyexpr import eq, incr
    >>> expression_members(("UpdateExpression", incr("wins")), ("ConditionExpression", eq("id", "a")))[:2]
    ['"UpdateExpression":"ADD #0 :0"', '"ConditionExpression":"#1 = :1"']

    ExpressionError for one that DynamoDB is sure to refuse; None and the identity give no member.
    """
    given = [(member, expression) for member, expression in expressions if expression is not None]
    values: dict[Frozen, int] = {}
    key = tuple([(member, shape(expression, values)) for member, expression in given])
    members = _MEMBERS.get(key)
    if members is None:
        members = _MEMBERS.keep(key, _compiled(given))
    return members + values_member(values)


def _compiled(given: Iterable[tuple[str, Expression]]) -> list[str]:
    names = Placeholders()
    members = []
    for member, expression in given:
        try:
            check(expression)
            text = compile(expression, names)
        except ExpressionError as error:
            raise refused(error, expression) from None
        if text:
            members.append(f'"{member}":"{text}"')
    return members + names.names_member()
