"""Expressions as the text that a request holds, with a placeholder for every name and value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flyexpr.errors import ExpressionError
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
from flyexpr.values.encode import encode_frozen
from flyexpr.values.types import Frozen, quote

MAX_EXPRESSION = 4096  # bytes of one expression's text


class Placeholders:
    """The names and values behind the placeholders of one request, each once, numbered as they come.

    >>> from flyexpr import eq
    >>> placeholders = Placeholders()
    >>> compile(eq("a.b", 1) | eq("c.a", 1), placeholders)
    '#0.#1 = :0 OR #2.#0 = :0'
    >>> placeholders.members()
    ['"ExpressionAttributeNames":{"#0":"a","#1":"b","#2":"c"}', '"ExpressionAttributeValues":{":0":{"N":"1"}}']

    All expressions of a request share one. The service refuses an empty member, so without names (or values) there is
    no member for them.
    """

    __slots__ = ("names", "values")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[Frozen, str] = {}

    def path(self, parts: tuple[str | int, ...]) -> str:
        """The path with a placeholder for every name, so that names such as `a.b` or `status` need no escaping."""
        text = ""
        for part in parts:
            text += f"[{part}]" if isinstance(part, int) else f".{self.name(part)}"
        return text[1:]

    def name(self, name: str) -> str:
        """The placeholder of a name."""
        mark = self.names.get(name)
        if mark is None:
            mark = self.names[name] = f"#{len(self.names)}"
        return mark

    def value(self, value: Value) -> str:
        """The placeholder of a constant."""
        frozen = value.kind, value.body
        mark = self.values.get(frozen)
        if mark is None:
            mark = self.values[frozen] = f":{len(self.values)}"
        return mark

    def names_member(self) -> list[str]:
        """The request member for the names; none where there are no names."""
        if not self.names:
            return []
        names = ",".join([f'"{mark}":{quote(name)}' for name, mark in self.names.items()])
        return [f'"ExpressionAttributeNames":{{{names}}}']

    def members(self) -> list[str]:
        """The request members that say what the placeholders stand for."""
        return self.names_member() + values_member(self.values)


def values_member(values: Iterable[Frozen]) -> list[str]:
    """The request member for constants, numbered in their order; none where there are no constants.

    >>> values_member([("S", "abc"), ("N", 9000)])
    ['"ExpressionAttributeValues":{":0":{"S":"abc"},":1":{"N":"9000"}}']
    """
    texts = []
    for number, value in enumerate(values):
        kind, body = value
        if kind == "S":  # in place: a call takes as long as the text
            texts.append(f'":{number}":{{"S":{quote(body)}}}')
        else:
            texts.append(f'":{number}":{encode_frozen(value)}')
    return [f'"ExpressionAttributeValues":{{{",".join(texts)}}}'] if texts else []


def compile(expression: Condition | Update | tuple[Path, ...], placeholders: Placeholders) -> str:
    """The expression's text; what its placeholders stand for is added to `placeholders`. Paths give a projection.

    >>> from flyexpr import incr, remove
    >>> compile(incr("wins", 1) + remove("log[0]"), Placeholders())
    'REMOVE #0[0] ADD #1 :0'
    >>> compile((Path(("a",)), Path(("b", 0))), Placeholders())
    '#0, #1[0]'

    The text of `all_of()`, and of an update without actions, is empty: leave the member out.
    ExpressionError when the text is longer than DynamoDB's 4 KB.
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


# A table by type takes half the time of a `match`, and compiling is most of what a small request costs.


def _condition(node: Condition, names: Placeholders) -> str:
    try:
        write = _CONDITIONS[type(node)]
    except KeyError:
        raise TypeError(f"expected a condition such as eq('a', 1), not {node!r}") from None
    return write(node, names)


def _compare(node: Compare, names: Placeholders) -> str:
    return f"{_operand(node.left, names)} {node.operator} {_operand(node.right, names)}"


def _between(node: Between, names: Placeholders) -> str:
    low, high = node.low, node.high
    return f"{_operand(node.operand, names)} BETWEEN {_operand(low, names)} AND {_operand(high, names)}"


def _in(node: In, names: Placeholders) -> str:
    return f"{_operand(node.operand, names)} IN ({_operands(node.options, names)})"


def _call(node: Test | Call, names: Placeholders) -> str:
    return f"{node.function}({_operands(node.arguments, names)})"


def _and(node: And, names: Placeholders) -> str:
    return " AND ".join([_grouped(part, (Or,), names) for part in node.parts])


def _or(node: Or, names: Placeholders) -> str:
    if not node.parts:
        raise ExpressionError("the condition is never true, and DynamoDB has no way to say so", hint="send nothing")
    return " OR ".join([_condition(part, names) for part in node.parts])


def _not(node: Not, names: Placeholders) -> str:
    return f"NOT {_grouped(node.part, (And, Or), names)}"


def _grouped(part: Condition, loose: tuple[type, ...], names: Placeholders) -> str:
    text = _condition(part, names)
    return f"({text})" if type(part) in loose else text


_CONDITIONS: dict[type, Callable[[Any, Placeholders], str]] = {
    Compare: _compare,
    Between: _between,
    In: _in,
    Test: _call,
    And: _and,
    Or: _or,
    Not: _not,
}


def _operand(node: Operand, names: Placeholders) -> str:
    node_type = type(node)
    if node_type is Path:
        parts: Any = node.parts  # type: ignore[union-attr]
        return names.name(parts[0]) if len(parts) == 1 else names.path(parts)
    if node_type is Value:
        return names.value(node)  # type: ignore[arg-type]
    if isinstance(node, Call):
        return _call(node, names)
    if isinstance(node, Arithmetic):
        return f"{_operand(node.left, names)} {node.operator} {_operand(node.right, names)}"
    raise TypeError(f"expected a path or a value, not {node!r}")


def _operands(nodes: Iterable[Operand], names: Placeholders) -> str:
    return ", ".join([_operand(node, names) for node in nodes])


def _update(update: Update, names: Placeholders) -> str:
    # Clause by clause, as actions are sorted: the numbers of placeholders depend on the update alone.
    clauses: dict[str, list[str]] = {}
    for action in update.actions:
        clauses.setdefault(action.clause, []).append(_action(action, names))
    return " ".join([f"{clause} {', '.join(clauses[clause])}" for clause in CLAUSES if clause in clauses])


def _action(action: Action, names: Placeholders) -> str:
    path = _operand(action.path, names)
    if action.operand is None:
        return path
    return f"{path}{' = ' if action.clause == 'SET' else ' '}{_operand(action.operand, names)}"
