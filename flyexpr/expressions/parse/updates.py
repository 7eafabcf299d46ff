"""Updates, by their clauses SET, REMOVE, ADD and DELETE; and projections."""

from __future__ import annotations

from flyexpr.expressions.nodes import CLAUSES, Action, Arithmetic, Operand, Path, Update, Value
from flyexpr.expressions.parse.literals import read_constant
from flyexpr.expressions.parse.operands import read_operand, read_path
from flyexpr.expressions.parse.reader import Reader, Scope


def read_update(text: str, scope: Scope) -> Update:
    """The update in a text.

    >>> read_update("REMOVE a, b", Scope({}, {})).actions[1].path
    F.b
    """
    return Reader(text, scope).whole(_update)


def read_projection(text: str, scope: Scope) -> tuple[Path, ...]:
    """The paths in the text of a projection.

    >>> read_projection("a, b[0]", Scope({}, {}))
    (F.a, F.b[0])
    """
    return Reader(text, scope).whole(_projection)


def _update(reader: Reader) -> Update:
    reader.updating = True
    actions: list[Action] = []
    seen: set[str] = set()
    while not seen or reader.token.kind != "end":
        clause = reader.token.text.upper()
        if clause not in CLAUSES:
            reader.refuse(None if seen else "an update begins with SET, REMOVE, ADD or DELETE")
        reader.position += 1
        if clause in seen:
            reader.fail(
                f'The "{clause}" section can only be used once in an update expression;',
                hint=f"write all of its actions after one {clause}, with commas between",
            )
        seen.add(clause)
        actions.append(_action(reader, clause))
        while reader.take(","):
            actions.append(_action(reader, clause))
    reader.conclude()  # before the actions are joined, which finds those that overlap
    return Update(tuple(actions))


def _action(reader: Reader, clause: str) -> Action:
    path = read_path(reader)
    if clause == "REMOVE":
        return Action(clause, path, None)
    if clause == "SET":
        reader.expect("=")
        return Action(clause, path, read_assigned(reader))
    return Action(clause, path, _constant(reader))


def _constant(reader: Reader) -> Value:
    """The operand of ADD and DELETE, which take neither another attribute nor a function."""
    if reader.token.kind == "value":
        return reader.value()
    if not reader.dialect.literals:
        reader.refuse()
    return read_constant(reader)


def read_assigned(reader: Reader) -> Operand:
    """The right side of the assignment that follows."""
    in_parentheses = reader.take("(")
    operand = read_operand(reader)
    if reader.token.text in ("+", "-"):
        operator = reader.next("mark")
        operand = Arithmetic(operator, operand, read_operand(reader))
    if in_parentheses:
        reader.expect(")")
    return operand


def _projection(reader: Reader) -> tuple[Path, ...]:
    paths = [read_path(reader)]
    while reader.take(","):
        paths.append(read_path(reader))
    return tuple(paths)
