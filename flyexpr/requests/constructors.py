"""The functions that make operations: query, scan, get_item, put_item and the others.

They check what they are given, so that an operation that exists is well formed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from flyexpr.expressions.nodes import ALWAYS, Condition, Update
from flyexpr.requests.operations import (
    BatchGet,
    BatchWrite,
    ConditionCheck,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    Key,
    Operation,
    Pair,
    PutItem,
    Query,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    UpdateTable,
)
from flyexpr.requests.refinements import (
    RETURNS,
    checked_budget,
    checked_condition,
    checked_count,
    checked_name,
    checked_paths,
    checked_prefetch,
    checked_returns,
    need,
)
from flyexpr.schema.table import Table


def query(
    condition: Condition,
    *more: NoReturn,
    index: str | None = None,
    project: Iterable[Any] | None = None,
    reverse: bool = False,
    consistent: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    start: str | None = None,
    budget: Mapping[str, float] | None = None,
    prefetch: bool = False,
) -> Query:
    """A read of the items under one partition key that match, in the order of their sort keys.

    >>> query(eq("userid", "abc") & gt("top_score", 9000), limit=10).limit
    10

    The condition decides which index is read, unless `index` names one. `reverse` reads from the largest sort key down.
    `start` is the `.cursor` of an earlier read. `budget` stops a read early, with a cursor to go on from:
    {"requests": 10, "units": 500, "seconds": 2.5}. `prefetch` asks for the next page while you take the items of this
    one: you wait less, but pay for a page that you do not read if you stop early.
    """
    _alone("query", condition, more)
    need(condition, Condition, "query takes a condition such as eq('userid', 'abc')")
    return Query(
        condition,
        checked_name(index),
        checked_paths(project),
        bool(reverse),
        bool(consistent),
        checked_count("limit", limit),
        checked_count("page_size", page_size),
        start,
        checked_budget(budget),
        checked_prefetch(prefetch, limit=limit, budget=budget),
    )


def scan(
    condition: Condition = ALWAYS,
    *more: NoReturn,
    index: str | None = None,
    project: Iterable[Any] | None = None,
    consistent: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    start: str | None = None,
    budget: Mapping[str, float] | None = None,
    segments: int | None = None,
    prefetch: bool = False,
) -> Scan:
    """A read of the items that match, in the whole table or index: it pays for every item there is.

    >>> scan(contains("tags", "new"), limit=10).limit
    10

    The partition keys come in no useful order. `segments` is the number of parts that are read at the same time, in
    threads. `prefetch` asks for the next page while you take the items of this one.
    """
    _alone("scan", condition, more)
    need(condition, Condition, "scan takes a condition such as eq('wins', 3)")
    return Scan(
        condition,
        checked_name(index),
        checked_paths(project),
        bool(consistent),
        checked_count("limit", limit),
        checked_count("page_size", page_size),
        start,
        checked_budget(budget),
        checked_count("segments", segments),
        prefetch=checked_prefetch(prefetch, limit=limit, budget=budget, segments=segments),
    )


def get_item(key: Key, *more: NoReturn, project: Iterable[Any] | None = None, consistent: bool = False) -> GetItem:
    """A read of the item with this key.

    >>> get_item(("abc", "Comet Quest"), project=["wins"]).project
    (Path(parts=('wins',)),)
    """
    _alone("get_item", key, more, "get(table, key)", "run(table, get_item(...))")
    return GetItem(key, checked_paths(project), bool(consistent))


def put_item(
    item: Mapping[str, Any], *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> PutItem:
    """A write of the item, which replaces one with the same key.

    >>> put_item({"userid": "abc"}, condition=not_exists("userid")).returns is None
    True

    `returns="ALL_OLD"` gives the item that was replaced, `returns="NEW"` the item as it is stored, with its version,
    its defaults and its derived attributes; no request is needed for that. The operation holds your dict, not a copy:
    what you change in it before `run` is written too.
    """
    _alone("put_item", item, more, "put(table, item)", "run(table, put_item(...))")
    need(item, Mapping, "put takes an item, a dict")
    return PutItem(item, checked_condition(condition), checked_returns(returns, "NONE", "ALL_OLD", "NEW"))


def update_item(
    key: Key, update: Update, *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> UpdateItem:
    """A change of the item with this key; an item that does not exist is created.

    >>> update_item(("abc", "Comet Quest"), incr("wins", 1), returns="ALL_NEW").returns
    'ALL_NEW'

    `returns` is one of ALL_OLD UPDATED_OLD ALL_NEW UPDATED_NEW. An update that only removes and discards creates no
    item.
    """
    _alone("update_item", key, more, "update(table, key, change)", "run(table, update_item(...))")
    dicts = "; for a dict write assign_all({...})" if isinstance(update, Mapping) else ""
    need(update, Update, f"update takes an update such as incr('wins', 1){dicts}")
    return UpdateItem(
        key,
        update,
        checked_condition(condition),
        checked_returns(returns, *RETURNS),
    )


def delete_item(
    key: Key, *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> DeleteItem:
    """A removal of the item with this key; if there is none, nothing happens.

    >>> delete_item("abc", returns="ALL_OLD").key
    'abc'
    """
    _alone("delete_item", key, more, "delete(table, key)", "run(table, delete_item(...))")
    return DeleteItem(key, checked_condition(condition), checked_returns(returns, "NONE", "ALL_OLD"))


def condition_check(key: Key, condition: Condition, *more: NoReturn) -> ConditionCheck:
    """A condition on an item that the transaction does not change, but depends on.

    >>> condition_check("abc", exists("userid")).key
    'abc'

    Only `transact_write` takes it.
    """
    _alone("condition_check", key, more, "transact_write([(table, condition_check(key, condition))])")
    need(condition, Condition, "condition_check takes a condition such as exists('userid')")
    return ConditionCheck(key, condition)


def batch_get(
    keys: Iterable[Key], *more: NoReturn, project: Iterable[Any] | None = None, consistent: bool = False
) -> BatchGet:
    """Reads of any number of items by their keys, sent 100 per request.

    >>> run(scores, batch_get([("abc", "Comet Quest"), ("no", "one")], project=["wins"]))
    [{'wins': 3}, None]

    The items come in the order of the keys, with None for an item that does not exist. A key may be given several
    times.
    """
    _alone("batch_get", keys, more)
    if isinstance(keys, (str, bytes, Mapping, Operation)) or not isinstance(keys, Iterable):
        raise TypeError(f"batch_get takes a list of keys, not {keys!r}")
    return BatchGet(tuple(keys), checked_paths(project), bool(consistent))


def batch_write(operations: Iterable[PutItem | DeleteItem], *more: NoReturn) -> BatchWrite:
    """Any number of puts and deletes without conditions, sent 25 per request; not a transaction.

    >>> len(batch_write([put_item({"userid": "a"}), delete_item("b")]).operations)
    2

    A request may hold a key only once, so a later operation on the same key goes with the next request.
    """
    _alone("batch_write", operations, more)
    if isinstance(operations, (str, bytes, Mapping, Operation)) or not isinstance(operations, Iterable):
        raise TypeError(f"batch_write takes a list of put_item(...) and delete_item(...), not {operations!r}")
    return BatchWrite(tuple(operations) if isinstance(operations, (list, tuple)) else operations)


def transact_write_items(operations: Iterable[Pair], *, token: str | None = None) -> TransactWriteItems:
    """Up to 100 writes and condition checks in tables of one engine: all of them are done, or none.

    >>> move = transact_write_items([
    ...     (scores, update_item(("abc", "Comet Quest"), incr("wins", 1))),
    ...     (scores, condition_check(("abc", "Galaxy Invaders"), gt("top_score", 9000))),
    ... ])
    >>> run(move)
    >>> explain(move).operation
    'TransactWriteItems'

    It names its tables, so `run`, `explain` and `request` take it without a table. The `token` (at most 36 characters;
    by default a new one each time) makes it safe to send the same transaction again within 10 minutes.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    return TransactWriteItems(_pairs(operations), token)


def transact_get_items(operations: Iterable[tuple[Table, GetItem]]) -> TransactGetItems:
    """Reads of up to 100 items in tables of one engine, all as they were at one moment.

    >>> run(transact_get_items([(scores, get_item(("abc", "Comet Quest"), project=["wins"])),
    ...                         (scores, get_item(("no", "one")))]))
    [{'wins': 3}, None]

    It names its tables, so `run`, `explain` and `request` take it without a table. It is a consistent read and costs
    twice as much as one.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    return TransactGetItems(_pairs(operations))


def _pairs(operations: Iterable[Any]) -> tuple[Any, ...]:
    if not isinstance(operations, Iterable):
        raise TypeError(f"a transaction takes a list of pairs (table, operation), not {operations!r}")
    pairs = tuple(operations)
    for number, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Table):
            swapped = isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], Table)
            shown = "(operation, table): swap them" if swapped else type(pair).__name__
            raise TypeError(f"a transaction takes pairs (table, operation); entry {number} is {shown}")
    return pairs


def create_table(*more: NoReturn, wait: bool = True, if_missing: bool = False) -> CreateTable:
    """The creation of the table and its indexes; with `wait`, `run` returns when the table can be used.

    >>> run(scores, create_table(if_missing=True))
    >>> run(scores.named("New"), create_table(if_missing=True))

    With `if_missing`, a table of that name is taken as it is: it may have other indexes and settings, which
    `update_table` changes. TableExists for one with other keys, and without `if_missing` for any. A program that has no
    permission for CreateTable can use a table that is there, for it is looked for first.
    """
    _alone("create_table", None, more)
    return CreateTable(wait, if_missing)


def delete_table(*more: NoReturn, wait: bool = True) -> DeleteTable:
    """The removal of the table with all of its items; with `wait`, `run` returns when the table is gone.

    >>> delete_table(wait=False).wait
    False
    """
    _alone("delete_table", None, more)
    return DeleteTable(wait)


def update_table(*more: NoReturn, drop: bool = False, dry_run: bool = False) -> UpdateTable:
    """A change of the table to what its descriptor says: indexes, throughput, stream, protection, time to live.

    >>> run(scores, update_table(dry_run=True))
    []

    `run` returns what was done, in words; with `dry_run`, what would be done. Missing indexes are added; indexes that
    the descriptor does not name are removed only with `drop`. `run` waits until the table is ready.
    """
    _alone("update_table", None, more)
    return UpdateTable(drop, dry_run)


def describe_table(*more: NoReturn) -> DescribeTable:
    """A look at the table: `run` returns a `Table` as the engine describes it.

    >>> describe_table() == describe_table()
    True
    """
    _alone("describe_table", None, more)
    return DescribeTable()


def _alone(name: str, first: Any, more: tuple[Any, ...], *instead: str) -> None:
    """Refuses further arguments, above all the table: an operation does not know it. `instead` is what to write."""
    if not more:
        return
    if isinstance(first, Table) or isinstance(more[0], Table):
        plain = "" if first is None else "..."
        raise TypeError(
            f"{name} does not take the table; write {' or '.join(instead or [f'run(table, {name}({plain}))'])}"
        )
    hint = f"; a key of two parts is a tuple: ({first!r}, {more[0]!r})" if name in ("get_item", "delete_item") else ""
    raise TypeError(f"{name} takes fewer arguments{hint}")
