"""An expression as one line of text, with its literals in place; `parse_condition` and `parse_update` read it back.

The syntax is DynamoDB's own. Literals are those of PartiQL for DynamoDB where it has one: 'text', 1.5, true, null,
[1, 2], {'k': 1}, <<1, 2>> for sets, x'6869' for bytes, and "odd.name" for a name that is not a plain word.
"""

from __future__ import annotations

import re
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.nodes import (
    CLAUSES,
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
from flyexpr.expressions.terms import Term, node_of
from flyexpr.values.foreign import meaning
from flyexpr.values.numbers import number_text

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = frozenset({*["AND", "OR", "NOT", "BETWEEN", "IN", "TRUE", "FALSE", "NULL"], *CLAUSES})


def show(expression: Condition | Update | Operand | Term) -> str:
    """The expression as one line, as a person would write it.

    >>> from flyexpr import F, all_of, any_of, assign, eq, gt, incr
    >>> show(eq("userid", "abc") & (gt("top_score", 9000) | ~eq("wins", 0)))
    "userid = 'abc' AND (top_score > 9000 OR NOT wins = 0)"
    >>> show(incr("wins", 1) + assign("info.seen", True))
    'SET info.seen = true ADD wins 1'

    Error texts use it too, so a constant of an unknown type is not an error: it is shown as `<its type>`.
    """
    match expression:
        case Path(parts):
            return _path(parts)
        case Value(kind, body):
            return _literal(kind, body)
        case Call(function, arguments) | Test(function, arguments):
            return f"{function}({', '.join(map(show, arguments))})"
        case Compare(operator, left, right) | Arithmetic(operator, left, right):
            return f"{show(left)} {operator} {show(right)}"
        case Between(operand, low, high):
            return f"{show(operand)} BETWEEN {show(low)} AND {show(high)}"
        case In(operand, options):
            return f"{show(operand)} IN ({', '.join(map(show, options))})"
        case And(parts):
            return " AND ".join(_inside(part, Or) for part in parts) or "TRUE"
        case Or(parts):
            return " OR ".join(map(show, parts)) or "FALSE"
        case Not(part):
            return "NOT " + _inside(part, And | Or)
        case Update(actions):
            return " ".join(clause for name in CLAUSES if (clause := _clause(name, actions)))
        case Term():
            return show(node_of(expression))
    raise TypeError(f"show takes a condition, an update or a path, not {expression!r}")


def refused(
    error: ExpressionError, expression: Condition | Update | tuple[Path, ...], hint: str | None = None
) -> ExpressionError:
    """The error with the expression that it is about; a long one is cut.

    >>> print(refused(ExpressionError("no such function"), (Path(("a",)), Path(("b", 0)))))
    no such function
      expression: a, b[0]
    """
    text = ", ".join(map(show, expression)) if isinstance(expression, tuple) else show(expression)
    return ExpressionError(
        error.message, expression=text if len(text) <= 200 else text[:200] + "…", hint=hint or error.hint
    )


def _inside(part: Condition, loose: Any) -> str:
    return f"({show(part)})" if isinstance(part, loose) and part.parts else show(part)


def _clause(clause: str, actions: tuple[Action, ...]) -> str:
    shown = [_action(action) for action in actions if action.clause == clause]
    return f"{clause} {', '.join(shown)}" if shown else ""


def _action(action: Action) -> str:
    path = _path(action.path.parts)
    if action.operand is None:
        return path
    return f"{path}{' = ' if action.clause == 'SET' else ' '}{show(action.operand)}"


def _path(parts: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in parts)
    return text[1:]


def _name(name: str) -> str:
    if _WORD.fullmatch(name) and name.upper() not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def _literal(kind: str, body: Any) -> str:
    match kind:
        case "S":
            return _quoted(body)
        case "N":
            return number_text(body)
        case "B":
            return f"x'{body.hex()}'"
        case "BOOL" | "NULL":
            return {True: "true", False: "false", None: "null"}[body]
        case "L":
            return f"[{', '.join(_literal(*member) for member in body)}]"
        case "M":
            return f"{{{', '.join(f'{_quoted(name)}: {_literal(*member)}' for name, member in body)}}}"
        case "SS" | "NS" | "BS":
            return f"<<{', '.join(_literal(kind[0], member) for member in sorted(body))}>>"
        case _:
            return _foreign(body)


def _foreign(body: Any) -> str:
    """A value of a foreign type, as it is stored where nothing else is declared."""
    try:
        return _literal(*meaning(body))
    except ValidationError:
        return f"<{type(body).__name__}>"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
