"""Statements of PartiQL: SELECT, INSERT, UPDATE, DELETE and EXISTS, read into conditions, updates and paths.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check import check
from flyexpr.expressions.nodes import Action, Condition, Path, Update, Value
from flyexpr.expressions.parse.conditions import read_condition_part
from flyexpr.expressions.parse.literals import read_constant, read_entry_name
from flyexpr.expressions.parse.operands import read_operand, read_path
from flyexpr.expressions.parse.reader import Reader, Scope
from flyexpr.expressions.parse.updates import read_assigned
from flyexpr.expressions.project import Columns
from flyexpr.records import record
from flyexpr.values.freeze import thaw


@record
class SortTerm:
    """One name after ORDER BY; `problem` is what is wrong with it, which is said only once the table is known."""

    name: str
    descending: bool
    problem: str = ""


@record
class Select:
    """What a SELECT says; `paths` is None for `*`."""

    table: str
    index: str | None
    paths: Columns | None
    condition: Condition | None
    order: tuple[SortTerm, ...]


@record
class Insert:
    """What an INSERT says."""

    table: str
    item: dict[str, Any]


@record
class UpdateOrDelete:
    """What an UPDATE says, or a DELETE, which has no update; `returning` is a ReturnValues. No write takes an index."""

    table: str
    update: Update | None
    condition: Condition | None
    returning: str
    index: str | None = None


@record
class Exists:
    """What an EXISTS says, which is a condition in a transaction of writes."""

    select: Select


Statement = Select | Insert | UpdateOrDelete | Exists


def read_statement(text: str, scope: Scope) -> Statement:
    """The statement in a text.

    >>> from flyexpr.expressions.parse.dialects import PARTIQL
    >>> read_statement("DELETE FROM t WHERE id = ?", Scope({}, {"?0": Value("N", 7)}, PARTIQL))
    UpdateOrDelete(table='t', update=None, condition=eq('id', 7), returning='NONE', index=None)

    ExpressionError, in the service's words: what is not well formed comes first, then the leftmost other problem, those
    of WHERE before those of SET, then what the operators cannot take, then `?` without a value, then the index of a
    write.
    """
    statement = Reader(text, scope).whole(_whole)
    for part in _checked(statement):
        check(part)
    if len(scope.used) > len(scope.values):
        raise ExpressionError("Number of parameters in request and statement don't match.")
    if isinstance(statement, UpdateOrDelete) and statement.index is not None:
        raise ExpressionError("This operation is not supported on an index")
    return statement


def _whole(reader: Reader) -> Statement:
    if any(token.kind == "wrong" for token in reader.tokens):
        reader.malformed("")
    statement = _statement(reader)
    if reader.take(";") and reader.token.kind != "end":
        reader.malformed("Unexpected token after semicolon. (Only one query is allowed.)")
    if reader.token.kind != "end":
        reader.malformed("Unexpected token after expression")
    return statement


def _statement(reader: Reader) -> Statement:
    if reader.take("SELECT"):
        return _select(reader)
    if reader.take("INSERT"):
        return _insert(reader)
    if reader.take("UPDATE"):
        table, index = _table_of_write(reader)
        update = _update(reader)
        return UpdateOrDelete(table, update, reader.ahead(_where), _returning(reader), index)
    if reader.take("DELETE"):
        if not reader.take("FROM"):
            reader.malformed("Expected FROM after DELETE")
        return _delete(reader)
    if reader.take("FROM"):
        (table, index), condition = _table_of_write(reader), _where(reader)
        return UpdateOrDelete(table, _update(reader), condition, _returning(reader), index)
    if reader.follows("EXISTS", "("):
        return _exists(reader)
    if _name_follows(reader) and reader.tokens[reader.position + 1].kind != "end":
        reader.malformed("Unexpected token after expression")
    reader.refuse()


def _exists(reader: Reader) -> Exists:
    reader.expect("EXISTS")
    reader.expect("(")
    reader.expect("SELECT")
    select = _select(reader)
    reader.expect(")")
    return Exists(select)


def _checked(statement: Statement) -> list[Any]:
    """The expressions of a statement, in the order in which the service checks them."""
    match statement:
        case Select(_, _, paths, condition, _) | Exists(Select(_, _, paths, condition, _)):
            columns = [(path,) for path in paths or ()]  # one by one, for they may overlap
            return [*columns, *([] if condition is None else [condition])]
        case UpdateOrDelete(_, update, condition):
            return [part for part in (condition, update) if part is not None]
    return []


# Clauses


def _select(reader: Reader) -> Select:
    paths = None if reader.take("*") else _columns(reader)
    reader.expect("FROM")
    if not _name_follows(reader):
        reader.refuse()
    table, index = _target(reader)
    _refuse_alias(reader)
    return Select(table, index, paths, _where(reader), _order(reader))


def _columns(reader: Reader) -> Columns:
    if reader.follows("FROM"):
        reader.malformed("Expected identifier or an expression but found unexpected keyword 'from' in a select list.")
    return Columns(reader.listed(_column))


def _column(reader: Reader) -> Path:
    token = reader.token
    if token.kind == "word" and reader.tokens[reader.position + 1].text == "(":
        raise ExpressionError(f"Unexpected path component at {reader.place(token)}")
    return read_path(reader)


def _insert(reader: Reader) -> Insert:
    reader.expect("INTO")
    start = reader.token
    table, index = _target(reader)
    if index is not None:
        reader.note("FROM clause may only contain a single table name in data manipulation statements", start)
    if not reader.take("VALUE"):
        reader.malformed("Unexpected token after expression")
    if not reader.take("{"):
        reader.refuse()
    return Insert(table, dict(reader.until("}", _attribute)))


def _attribute(reader: Reader) -> tuple[str, Any]:
    name = read_entry_name(reader)
    if not name:
        reader.note("Path component cannot be an empty string")
    value = read_constant(reader)
    return name, thaw((value.kind, value.body))


def _delete(reader: Reader) -> UpdateOrDelete:
    (table, index), condition, returning = _table_of_write(reader), _where(reader), _returning(reader)
    if returning not in ("NONE", "ALL_OLD"):
        words = returning.replace("UPDATED", "MODIFIED").replace("_", " ")
        reader.note(
            f"Invalid returning clause: RETURNING {words} *. Only RETURNING ALL OLD * is allowed in DELETE statements."
        )
    return UpdateOrDelete(table, None, condition, returning, index)


def _table_of_write(reader: Reader) -> tuple[str, str | None]:
    target = _target(reader)
    _refuse_alias(reader)
    return target


def _target(reader: Reader) -> tuple[str, str | None]:
    """The name of a table, and of the index after it."""
    if not _name_follows(reader):
        reader.malformed("Expected identifier for simple path")
    names = [str(name) for name in read_path(reader).parts]
    if len(names) > 2:
        raise ExpressionError("A path may contain at most 2 components in the FROM clause")
    return names[0], names[1] if len(names) > 1 else None


def _name_follows(reader: Reader) -> bool:
    token = reader.token
    return token.kind == "quoted" or (token.kind == "word" and token.text.upper() not in reader.dialect.reserved)


def _refuse_alias(reader: Reader) -> None:
    if reader.follows("AS") or _name_follows(reader):
        raise ExpressionError("Aliasing is not supported")


def _where(reader: Reader) -> Condition | None:
    return read_condition_part(reader) if reader.take("WHERE") else None


def _order(reader: Reader) -> tuple[SortTerm, ...]:
    if not reader.take("ORDER"):
        return ()
    reader.expect("BY")
    return tuple(reader.listed(_term))


def _term(reader: Reader) -> SortTerm:
    token = reader.token
    parts = (reader.next("string")[1:-1],) if token.kind == "string" else read_path(reader).parts
    problem = ""
    if token.kind == "string" or len(parts) > 1:
        kind = f"{'PATH' if len(parts) > 1 else parts[0]} at {reader.place(token)}"
        problem = f"Argument to ORDER BY must be of type VariableReference. Type: {kind}"
    descending = reader.take("DESC")
    if not descending:
        reader.take("ASC")
    if reader.take("NULLS") and not (reader.take("FIRST") or reader.take("LAST")):  # keys are never null
        reader.malformed("Expected FIRST or LAST after NULLS")
    return SortTerm(str(parts[0]), descending, problem)


def _update(reader: Reader) -> Update:
    actions = list[Action]()
    reader.updating = True
    while True:
        if reader.take("SET"):
            actions += reader.listed(_assignment)
        elif reader.take("REMOVE"):
            actions.append(Action("REMOVE", read_path(reader), None))
        else:
            break
    reader.updating = False
    if not actions:
        reader.malformed("Expected data manipulation")
    return Update(tuple(actions))


def _assignment(reader: Reader) -> Action:
    path = read_path(reader)
    reader.expect("=")
    function = reader.token.text.upper()
    if function in _SET_CLAUSES and reader.tokens[reader.position + 1].text == "(":
        return _change_of_set(reader, path, function)
    return Action("SET", path, read_assigned(reader))


_SET_CLAUSES = {"SET_ADD": "ADD", "SET_DELETE": "DELETE"}


def _change_of_set(reader: Reader, path: Path, function: str) -> Action:
    """The action that `path = set_add(path, <<..>>)` or `set_delete` stands for."""
    start = reader.token
    reader.position += 1
    first = reader.tokens[reader.position + 1]
    arguments = reader.in_parentheses(read_operand)
    value = arguments[1] if len(arguments) == 2 else None
    if value is None:
        reader.note(f"{function} must have exactly two arguments", start)
    elif arguments[0] != path:
        reader.note(f"The first argument to {function} must equal the assignment value", start)
    elif not (isinstance(value, Value) and value.kind in ("SS", "NS", "BS", "PYTHON")):
        reader.note(f"The second argument to {function} must be a value with type SET", first)
    return Action(_SET_CLAUSES[function], path, value)


def _returning(reader: Reader) -> str:
    """The ReturnValues that a RETURNING asks for."""
    if not reader.take("RETURNING"):
        return "NONE"
    words = reader.next("word").upper(), reader.next("word").upper()
    if not reader.take("*"):
        reader.malformed("Malformed RETURNING clause; expected RETURNING <ALL|MODIFIED> <OLD|NEW> *")
    if words not in _RETURNED:
        reader.malformed(f"Unsupported RETURNING clause: RETURNING {' '.join(words)} *")
    return _RETURNED[words]


_RETURNED = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}
