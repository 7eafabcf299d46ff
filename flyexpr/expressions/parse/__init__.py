"""Text read as conditions, updates and projections: the inverse of `compile` and of `show`.

There is one grammar, in three dialects. On the wire, names and values are placeholders, and what DynamoDB refuses while
it reads is refused here in its words. In text that people write, names and literals stand in place ('text', 1.5, true,
null, [..], {..}, <<..>>, x'6869', "odd.name"), as `show` prints them, and no word is reserved. The third is PartiQL,
whose statements hold conditions and updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Condition, Update, Value
from flyexpr.expressions.parse.conditions import read_condition
from flyexpr.expressions.parse.dialects import PARTIQL, TEXT, WIRE, Dialect
from flyexpr.expressions.parse.reader import Scope
from flyexpr.expressions.parse.updates import read_projection, read_update
from flyexpr.expressions.terms import operand

__all__ = [
    "PARTIQL",
    "TEXT",
    "WIRE",
    "Dialect",
    "Scope",
    "parse_condition",
    "parse_update",
    "read_condition",
    "read_projection",
    "read_update",
]

Read = TypeVar("Read")

MOST_CHARACTERS = 500_000
"""The longest text of an expression: DynamoDB takes 4 KB without the values, and a value in the text has up to 400 KB.

One with an operator every nine characters takes a second or so to read, and some more to plan.
"""


def parse_condition(text: str, **values: Any) -> Condition:
    """The condition in a text in DynamoDB's syntax; `:name` is a value given by keyword.

    >>> from flyexpr import eq, gt
    >>> parse_condition("userid = :user AND wins > 3", user="abc") == eq("userid", "abc") & gt("wins", 3)
    True
    >>> parse_condition("a = = 1")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Syntax error; token: "=", near: "= = 1"
      expression: a = = 1
                      ^

    Reads what `show` prints, in a text of up to 500,000 characters.
    """
    scope = _text_scope(text, values)
    return _all_used(scope, read_condition(text, scope))


def parse_update(text: str, **values: Any) -> Update:
    """The update in a text in DynamoDB's syntax; `:name` is a value given by keyword.

    >>> from flyexpr import assign, incr
    >>> parse_update("ADD wins 1 SET info.seen = :seen", seen=True) == incr("wins") + assign("info.seen", True)
    True

    Reads what `show` prints, in a text of up to 500,000 characters.
    """
    scope = _text_scope(text, values)
    return _all_used(scope, read_update(text, scope))


def _text_scope(text: str, values: Mapping[str, Any]) -> Scope:
    if not isinstance(text, str):
        raise TypeError(f"an expression is read from a text, not from {text!r}")
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"the text of an expression has up to {MOST_CHARACTERS:,} characters, not {len(text):,}")
    constants = {}
    for name, value in values.items():
        constant = operand(value)
        if not isinstance(constant, Value):
            raise TypeError(f"`:{name}` stands for a value, not for {value!r}")
        constants[":" + name] = constant
    return Scope({}, constants, TEXT)


def _all_used(scope: Scope, expression: Read) -> Read:
    unused = sorted(scope.values.keys() - scope.used)
    if unused:
        are = "is" if len(unused) == 1 else "are"
        raise ExpressionError(f"{', '.join(f'`{mark}`' for mark in unused)} {are} not used in the text")
    return expression
