"""Names an operation's tables and their engine in errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flyexpr.errors import DynamoError, FlyexprError, NoSuchTable, TableExists, did_you_mean
from flyexpr.schema.table import Table

_AS_IT_IS = "the table has other keys than declared; run(table, describe_table()) shows it as it is"
_MISFITS = {  # what the service says of a request that was made for another table, and what to do
    "does not have the specified index": "run(table, update_table()) makes the indexes that the table declares",
    "The provided key element does not match the schema": _AS_IT_IS,
    "Query condition missed key schema element": _AS_IT_IS,
    "Missing the key": _AS_IT_IS,
    "Type mismatch for key": _AS_IT_IS,
}


def add_tables(error: DynamoError, tables: Iterable[Table[Any]]) -> None:
    """Adds to an error what it says of the tables of an operation: that there is none, or that it is another one.

    >>> error = DynamoError.of("ValidationException", "The provided key element does not match the schema")
    >>> add_tables(error, [])
    >>> print(error)
    ValidationException: The provided key element does not match the schema
      hint: the table has other keys than declared; run(table, describe_table()) shows it as it is
    """
    if isinstance(error, NoSuchTable):
        _add_names(error, tables)
    elif hint := next((hint for words, hint in _MISFITS.items() if words in error.message), None):
        error.args = (f"{error}\n  hint: {hint}",)


def _add_names(error: NoSuchTable, tables: Iterable[Table[Any]]) -> None:
    """Gives an error a text that names the tables of an operation, and their engine.

    >>> error = DynamoError.of("ResourceNotFoundException", "Requested resource not found")
    >>> _add_names(error, [Table("Nope", "id").on(connect("sqlite::memory:"))])
    >>> print(error)
    there is no table 'Nope' on sqlite::memory:
      hint: run(table, create_table()) makes it
    """
    by_name = {table.name: table for table in tables}
    missing = [name for name in by_name if name not in error.tables] or [*by_name]
    question = did_you_mean(missing[0], error.tables, "{!r}")
    hint = f"{question} Otherwise run" if question else "run"
    on = _on_engine(next(iter(by_name.values())))
    error.text = f"there is no table {' or no table '.join(map(repr, missing))}{on}"
    error.text += f"\n  hint: {hint}(table, create_table()) makes it"


def without_stream(table: Table[Any]) -> FlyexprError:
    """The error for a table that keeps no changes.

    >>> print(without_stream(Table("Orders", "id")))
    'Orders' has no stream
      hint: declare it, Table(..., stream="both"), and run(table, update_table())
    """
    return FlyexprError(
        f'{table.name!r} has no stream\n  hint: declare it, Table(..., stream="both"), and run(table, update_table())'
    )


def already_there(table: Table, error: DynamoError) -> TableExists:
    """The error for a table that cannot be created because there is one of its name.

    >>> error = DynamoError.of("ResourceInUseException", "Table already exists: Scores")
    >>> print(already_there(Table("Scores", "id").on(connect("sqlite::memory:")), error))
    there is already a table 'Scores' on sqlite::memory:
      hint: run(table, create_table(if_missing=True)) takes it as it is
    """
    return _exists(table, error.message, "", "run(table, create_table(if_missing=True)) takes it as it is")


def with_other_keys(table: Table, existing: Table) -> TableExists:
    """The error for a table that is there with other keys.

    >>> print(with_other_keys(Table("Scores", "id"), Table("Scores", "pk", "n", attributes={"n": int})))
    there is already a table 'Scores', with the key `pk` (S), `n` (N) and not `id` (S)
      hint: give this table another name, or declare the key that is there
    """
    keys = f", with the key {_keys(existing)} and not {_keys(table)}"
    return _exists(table, "", keys, "give this table another name, or declare the key that is there")


def _exists(table: Table, message: str, keys: str, hint: str) -> TableExists:
    error = TableExists("ResourceInUseException", message)
    error.args = (f"there is already a table {table.name!r}{_on_engine(table)}{keys}\n  hint: {hint}",)
    return error


def _keys(table: Table) -> str:
    return ", ".join(f"`{name}` ({table.kind(name)})" for name in table.keys)


def _on_engine(table: Table) -> str:
    from flyexpr.schema.code import engine_url  # here, because few tables are missing

    url = engine_url(table.engine)
    return f" on {url}" if url else ""
