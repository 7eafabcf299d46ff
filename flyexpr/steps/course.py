"""The steps of each operation but queries and scans, which give items instead of one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flyexpr.engine import Engine
from flyexpr.errors import FlyexprError
from flyexpr.requests.mistakes import need_table, not_an_operation
from flyexpr.requests.operations import (
    BatchGet,
    BatchWrite,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    Operation,
    PutItem,
    Query,
    Scan,
    Search,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    UpdateTable,
)
from flyexpr.schema.table import Table
from flyexpr.steps import items, rare
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.step import Steps


def course(table: Any, operation: Any = None) -> Steps[Any]:
    """The steps of an operation that ends in one result; a transaction stands alone.

    >>> next(course(Table("t", "id"), get_item("a"))).operation
    'GetItem'
    """
    steps = _STEPS.get(type(operation))
    if steps is None or type(table) is not Table:
        table, operation = addressed(table, operation)
        steps = _STEPS.get(type(operation)) or _SEVERAL[type(operation)]
    return steps(table, operation)


def course_in_bulk(table: Any, operation: Any, bulk: Bulk) -> Steps[Any]:
    """The same for work over many items, of which several requests may be under way.

    >>> course_in_bulk(Table("t", "id"), get_item("a"), Bulk(workers=8))
    Traceback (most recent call last):
    ...
    TypeError: workers=, rate=, progress= and journal= are for batch_get(...) and batch_write(...), not for GetItem
    """
    addressed(table, operation)
    steps = _IN_BULK.get(type(operation))
    if steps is None:
        name = type(table if operation is None else operation).__name__
        hint = "; scan(segments=8) reads eight parts at the same time" if isinstance(operation, Scan) else ""
        raise TypeError(
            f"workers=, rate=, progress= and journal= are for batch_get(...) and batch_write(...), not for {name}{hint}"
        )
    if bulk.has_journal and isinstance(operation, BatchGet):
        raise TypeError("journal= is for writes; a batch_get(...) that was interrupted is simply done again")
    return bulk.paced(steps(table, operation, bulk))


def tables_of(table: Any, operation: Any = None) -> Sequence[Table[Any]]:
    """The tables of an operation: the one that it is given, or those that a transaction names.

    >>> len(tables_of(transact_get_items([(scores, get_item("a")), (scores, get_item("b"))])))
    2
    """
    return (table,) if operation is not None else [each for each, _ in table.operations]


def common_engine(tables: Sequence[Table[Any]]) -> Engine:
    """The engine that all of the tables are bound to.

    >>> common_engine([scores, scores.named("Other")]) == scores.engine
    True
    """
    if not tables:
        raise FlyexprError("a transaction needs at least one table")
    try:
        engine = tables[0].bound
    except AttributeError:
        need_table(tables[0])
        raise
    if len(tables) > 1 and any(table.bound != engine for table in tables):
        raise FlyexprError("the tables of a transaction have to be on one engine: bind them with the same connect(...)")
    return engine


def addressed(table: Any, operation: Any) -> tuple[Table, Operation]:
    """A table and an operation, checked; for a transaction, which stands alone, its first table.

    >>> addressed(transact_get_items([(scores, get_item("a"))]), None)[0].name
    'GameScores'
    """
    if type(table) in _SEVERAL and operation is None:
        if not table.operations:
            raise FlyexprError("a transaction needs at least one operation")
        return table.operations[0][0], table
    need_table(table, operation)
    if type(operation) in _SEVERAL:
        raise TypeError("a transaction names its tables; give it alone, as in run(transact_write_items([...]))")
    if type(operation) not in _STEPS and not isinstance(operation, (Query, Scan)):
        raise not_an_operation(operation)
    return table, operation


_STEPS: dict[type, Callable[[Table, Any], Steps[Any]]] = {
    GetItem: items.get,
    PutItem: items.write,
    UpdateItem: items.write,
    DeleteItem: items.write,
    BatchGet: rare.batch_get,
    BatchWrite: rare.batch_write,
    CreateTable: rare.create_table,
    DeleteTable: rare.delete_table,
    DescribeTable: rare.describe_table,
    UpdateTable: rare.update_table,
    Search: rare.search,
}

_IN_BULK: dict[type, Callable[[Table[Any], Any, Bulk], Steps[Any]]] = {
    BatchGet: rare.batch_get,
    BatchWrite: rare.batch_write,
}

_SEVERAL: dict[type, Callable[[Table, Any], Steps[Any]]] = {
    TransactWriteItems: lambda _, operation: rare.transact_write(operation),
    TransactGetItems: lambda _, operation: rare.transact_get(operation),
}
