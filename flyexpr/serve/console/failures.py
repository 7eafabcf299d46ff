"""What went wrong with a call of the console, as its status and the members of its answer."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ConditionFailed, ConnectionFailed, ExpressionError, FlyexprError, NoSuchTable
from flyexpr.requests.hints import text_and_hint
from flyexpr.values.pretty_json import pretty_text

WORDS = [
    (r"add eq\(\.\.\.\) for one of: (.*); or use scan\(\.\.\.\)", r"fix one of these by `=`: \1"),
    (r"leave index= out, or add eq\(\.\.\.\) for that attribute", "choose no index, or fix that attribute by `=`"),
    (r"choose one: (?:query|search)\(\.\.\., index='(.*)'\)", r"choose an index: \1"),
    (
        r"start= takes the \.cursor of an earlier read; this is .*",
        "this is not the cursor of a page; read the first one again",
    ),
    (r"since= takes .*; this is not one", "this is not a cursor of changes; watch from now on"),
    (r'declare it, Table\(\.\.\., stream="both"\), .*', "flyexpr alter TABLE --stream both gives it one"),
    (r'read the table itself, and then go on with since="latest"', "read the table again, and watch from now on"),
    (r"use is_in\b", "use IN"),
    (r" \(consistent=True costs twice as much\)", ""),
]
"""Hints and warnings of the library, and the same for somebody who looks at a page."""


class Failure(Exception):
    """A call that fails: its status, and the members of its answer.

    >>> Failure(404, "there is no such call").members
    {'error': 'there is no such call'}
    """

    def __init__(self, status: int, error: str, hint: str = "", **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.members = {"error": error, **({"hint": hint} if hint else {}), **more}


def failure_of(error: Exception) -> Failure:
    """The failure that an error of the library, or of the engine, makes of a call.

    >>> failure = failure_of(ExpressionError("Syntax error", expression="a = = 1", hint="one `=`", position=4))
    >>> failure.status, failure.members
    (400, {'error': 'Syntax error', 'hint': 'one `=`', 'position': 4})
    """
    if isinstance(error, Failure):
        return error
    text, hint = text_and_hint(error, WORDS)
    match error:
        case ExpressionError(position=int(position)):
            return Failure(400, error.message, hint, position=position)
        case ConditionFailed():
            return conflict(f"the item is not as it was read, so nothing is written: {text}", error)
        case NoSuchTable():
            return Failure(404, text, hint)
        case ConnectionFailed():
            return Failure(502, text, hint)
        case FlyexprError() | TypeError() | ValueError():  # the last two: a wrong type or value of a member
            return Failure(400, text, hint)
        case RecursionError():
            return Failure(400, "nested too deeply")
    return Failure(500, f"{type(error).__name__}: {error}")


def conflict(text: str, error: ConditionFailed) -> Failure:
    """The failure of a write whose item is not as expected, with what is stored now."""
    return Failure(409, text, item=None if error.item is None else pretty_text(error.item))
