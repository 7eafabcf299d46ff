"""An expression as DynamoDB's request text, every name and value behind a placeholder."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.nodes import (
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
from flyexpr.values import encode_frozen, quote

MAX_EXPRESSION = 4096  # bytes of one expression's text


class Placeholders:
    """The names and values behind the placeholders of one request, each once, numbered as they are met.

    >>> from flyexpr import eq
    >>> placeholders = Placeholders()
    >>> compile(eq("a.b", 1) | eq("c.a", 1), placeholders)
    '#0.#1 = :0 OR #2.#0 = :0'
    >>> placeholders.members()
    ['"ExpressionAttributeNames":{"#0":"a","#1":"b","#2":"c"}', '"ExpressionAttributeValues":{":0":{"N":"1"}}']

    All expressions of a request share one. Without names (or values) there is no such member: the service refuses an
    empty one.
    """

    __slots__ = ("names", "values")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[Value, str] = {}

    def path(self, parts: tuple[str | int, ...]) -> str:
        """The path with a placeholder for every name: a name such as `a.b` or `status` needs no care."""
        names = self.names
        if len(parts) == 1:
            return names.get(parts[0]) or names.setdefault(parts[0], f"#{len(names)}")  # type: ignore[arg-type]
        text = ""
        for part in parts:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += "." + (names.get(part) or names.setdefault(part, f"#{len(names)}"))
        return text[1:]

    def value(self, value: Value) -> str:
        """The placeholder of a constant."""
        values = self.values
        return values.get(value) or values.setdefault(value, f":{len(values)}")

    def members(self) -> list[str]:
        """The request members that say what the placeholders stand for."""
        members = []
        if self.names:
            names = ",".join([f'"{mark}":{quote(name)}' for name, mark in self.names.items()])
            members.append(f'"ExpressionAttributeNames":{{{names}}}')
        if self.values:
            values = ",".join([f'"{mark}":{encode_frozen((v.kind, v.body))}' for v, mark in self.values.items()])
            members.append(f'"ExpressionAttributeValues":{{{values}}}')
        return members


def compile(expression: Condition | Update | tuple[Path, ...], placeholders: Placeholders) -> str:
    """The expression's text; what its placeholders stand for is added to `placeholders`. Paths give a projection.

    >>> from flyexpr import incr, remove
    >>> compile(incr("wins", 1) + remove("log[0]"), Placeholders())
    'REMOVE #0[0] ADD #1 :0'
    >>> compile((Path(("a",)), Path(("b", 0))), Placeholders())
    '#0, #1[0]'

    Of the identity (`all_of()`, an update without actions) the text is empty: leave the member out.
    ExpressionError when the text is over DynamoDB's 4 KB.
    """
    if isinstance(expression, tuple):
        text = ", ".join([placeholders.path(path.parts) for path in expression])
    elif isinstance(expression, Update):
        text = _update(expression, placeholders)
    else:
        text = _condition(expression, placeholders)
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(
            f"the expression has {len(text)} bytes; DynamoDB takes {MAX_EXPRESSION}",
            hint="ask in several requests, or evaluate a part with matches(...)",
        )
    return text


def _condition(node: Condition, names: Placeholders) -> str:
    match node:
        case Compare(operator, left, right):
            return f"{_operand(left, names)} {operator} {_operand(right, names)}"
        case Between(operand, low, high):
            return f"{_operand(operand, names)} BETWEEN {_operand(low, names)} AND {_operand(high, names)}"
        case In(operand, options):
            return f"{_operand(operand, names)} IN ({', '.join([_operand(option, names) for option in options])})"
        case Test(function, arguments):
            return f"{function}({', '.join([_operand(argument, names) for argument in arguments])})"
        case And(parts):
            return " AND ".join([_grouped(part, Or, names) for part in parts])
        case Or(parts):
            return " OR ".join([_condition(part, names) for part in parts]) if parts else _never()
        case Not(part):
            return f"NOT {_grouped(part, And | Or, names)}"
    raise TypeError(f"expected a condition such as eq('a', 1), not {node!r}")


def _grouped(part: Condition, loose: Any, names: Placeholders) -> str:
    text = _condition(part, names)
    return f"({text})" if isinstance(part, loose) else text


def _never() -> str:
    raise ExpressionError("the condition is never true, and DynamoDB has no way to say so", hint="send nothing")


def _operand(node: Operand, names: Placeholders) -> str:
    match node:
        case Path(parts):
            return names.path(parts)
        case Value():
            return names.value(node)
        case Call(function, arguments):
            return f"{function}({', '.join([_operand(argument, names) for argument in arguments])})"
        case Arithmetic(operator, left, right):
            return f"{_operand(left, names)} {operator} {_operand(right, names)}"
    raise TypeError(f"expected a path or a value, not {node!r}")


def _update(update: Update, names: Placeholders) -> str:
    # Placeholders are numbered clause by clause, so the text depends on the update alone.
    clauses: dict[str, list[str]] = {}
    for action in update.actions:
        clauses.setdefault(action.clause, []).append(_action(action, names))
    return " ".join([f"{clause} {', '.join(clauses[clause])}" for clause in CLAUSES if clause in clauses])


def _action(action: Action, names: Placeholders) -> str:
    path = names.path(action.path.parts)
    match action.clause, action.operand:
        case _, None:
            return path
        case "SET", operand:
            return f"{path} = {_operand(operand, names)}"
        case _, operand:
            return f"{path} {_operand(operand, names)}"
