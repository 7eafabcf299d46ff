"""Which steps each operation takes; all but queries and scans, which give items instead of one result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.errors import FlyexprError
from flyexpr.operations import (
    BatchGet,
    BatchWrite,
    ConditionCheck,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    Operation,
    PutItem,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    UpdateTable,
)
from flyexpr.steps import batches, items, lifecycle, transactions
from flyexpr.steps.step import Steps
from flyexpr.tables import Engine, Table


def course(table: Table, operation: Operation) -> Steps[Any]:
    """The steps of an operation that ends in one result.

    >>> next(course(Table("t", "id"), get_item("a"))).operation
    'GetItem'
    """
    try:
        steps = _STEPS[type(operation)]
    except KeyError:
        hint = "; only a transaction takes it" if isinstance(operation, ConditionCheck) else ""
        raise TypeError(f"expected an operation such as query(...) or put_item(...), not {operation!r}{hint}") from None
    return steps(table, operation)


def addressed(table: Any, operation: Any) -> tuple[Table, Operation]:
    """An operation and its table: a transaction names its tables, of which this is the first; all others are given one.

    >>> addressed(transact_get_items([(scores, get_item("a"))]), None)[0].name
    'GameScores'
    """
    if isinstance(table, (TransactWriteItems, TransactGetItems)) and operation is None:
        if not table.operations:
            raise FlyexprError("a transaction needs at least one operation")
        return table.operations[0][0], table
    if not isinstance(table, Table):
        hint = "the table comes first: run(table, operation)" if isinstance(operation, Table) else f"not {table!r}"
        raise TypeError(f"expected a table, such as Table(...).on(connect(...)); {hint}")
    if isinstance(operation, (TransactWriteItems, TransactGetItems)):
        raise TypeError("a transaction names its tables; give it alone, as in run(transact_write_items([...]))")
    return table, operation


def engine_of(*tables: Table) -> Engine:
    """The engine that all of the tables are bound to.

    >>> engine_of(scores, scores.named("Other")) == scores.engine
    True
    """
    engine = tables[0].bound
    if any(table.bound != engine for table in tables):
        raise FlyexprError("the tables of a transaction have to be on one engine: bind them with the same connect(...)")
    return engine


def tables_of(table: Table, operation: Operation) -> list[Table]:
    """The tables that an operation acts on.

    >>> len(tables_of(scores, transact_get_items([(scores, get_item("a")), (scores, get_item("b"))])))
    2
    """
    if isinstance(operation, (TransactWriteItems, TransactGetItems)):
        return [each for each, _ in operation.operations]
    return [table]


_STEPS: dict[type, Callable[[Table, Any], Steps[Any]]] = {
    GetItem: items.get,
    PutItem: items.write,
    UpdateItem: items.write,
    DeleteItem: items.write,
    BatchGet: batches.batch_get,
    BatchWrite: batches.batch_write,
    TransactWriteItems: lambda _, operation: transactions.transact_write(operation),
    TransactGetItems: lambda _, operation: transactions.transact_get(operation),
    CreateTable: lifecycle.create_table,
    DeleteTable: lifecycle.delete_table,
    DescribeTable: lifecycle.describe_table,
    UpdateTable: lifecycle.update_table,
}
