"""What can be asked of a table, as values: nothing happens until `run`.

Refinements use DynamoDB's words. `limit` counts the items returned, `page_size` the items examined in one request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import ALWAYS, Condition, Path, Update, find_overlap
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import path_of
from flyexpr.records import record
from flyexpr.schema.table import Table

Key = Any  # a dict, a tuple or one value
Pair = tuple[Table, Any]  # a table, and a write or condition check of a transaction


class Operation:
    """Anything that `run` can do to a table.

    >>> isinstance(describe_table(), Operation)
    True
    """

    __slots__ = ()

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is only what to do; run(table, ...) does it and gives the items")

    def __getitem__(self, place: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is only what to do; first(table, ...) does it and gives the first item")


@record
class Query(Operation):
    """A read of the items under one partition key of the table or an index; see `query`."""

    condition: Condition
    index: str | None = None
    project: tuple[Path, ...] | None = None
    reverse: bool = False
    consistent: bool = False
    limit: int | None = None
    page_size: int | None = None
    start: str | None = None
    budget: Mapping[str, float] | None = None
    prefetch: bool = False


@record
class Scan(Operation):
    """A read of the whole table or index; see `scan`."""

    condition: Condition = ALWAYS
    index: str | None = None
    project: tuple[Path, ...] | None = None
    consistent: bool = False
    limit: int | None = None
    page_size: int | None = None
    start: str | None = None
    budget: Mapping[str, float] | None = None
    segments: int | None = None
    segment: int | None = None
    prefetch: bool = False


@record
class GetItem(Operation):
    """A read of one item by its key; see `get_item`."""

    key: Key
    project: tuple[Path, ...] | None = None
    consistent: bool = False


@record
class PutItem(Operation):
    """A write of one whole item; see `put_item`."""

    item: Mapping[str, Any]
    condition: Condition | None = None
    returns: str | None = None


@record
class UpdateItem(Operation):
    """A change of one item; see `update_item`."""

    key: Key
    update: Update
    condition: Condition | None = None
    returns: str | None = None


@record
class DeleteItem(Operation):
    """A removal of one item; see `delete_item`."""

    key: Key
    condition: Condition | None = None
    returns: str | None = None


@record
class ConditionCheck(Operation):
    """A condition on an item that a transaction does not change; see `condition_check`."""

    key: Key
    condition: Condition


@record
class BatchGet(Operation):
    """Reads of items by their keys, as many as there are; see `batch_get`."""

    keys: Iterable[Key]
    project: tuple[Path, ...] | None = None
    consistent: bool = False


@record
class BatchWrite(Operation):
    """Puts and deletes, as many as there are; see `batch_write`."""

    operations: Iterable[PutItem | DeleteItem]


@record
class TransactWriteItems(Operation):
    """Writes and condition checks in several tables, all or none; see `transact_write_items`."""

    operations: tuple[tuple[Table, PutItem | UpdateItem | DeleteItem | ConditionCheck], ...]
    token: str | None = None


@record
class TransactGetItems(Operation):
    """Reads in several tables, of one moment; see `transact_get_items`."""

    operations: tuple[tuple[Table, GetItem], ...]


@record
class CreateTable(Operation):
    """The table, made as its descriptor says; see `create_table`."""

    wait: bool = True


@record
class DeleteTable(Operation):
    """The table, gone with its items; see `delete_table`."""

    wait: bool = True


@record
class UpdateTable(Operation):
    """The table, brought to what its descriptor says; see `update_table`."""

    drop: bool = False
    dry_run: bool = False


@record
class DescribeTable(Operation):
    """What the engine says of the table; see `describe_table`."""


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
    """A read of the items that match, in sort key order, under one partition key.

    >>> query(eq("userid", "abc") & gt("top_score", 9000), limit=10).limit
    10

    The index is chosen by the condition unless `index` names one; `reverse` reads from the largest sort key down.
    `start` is the `.cursor` of an earlier read; `budget` stops a read early, with a cursor to go on from:
    {"requests": 10, "units": 500, "seconds": 2.5}. `prefetch` asks for each page while the one before it is taken: it
    hides the waiting, and costs a page for nothing where the reader stops early.
    """
    _alone("query", condition, more)
    _need(condition, Condition, "query takes a condition such as eq('userid', 'abc')")
    return Query(
        condition,
        _name(index),
        _paths(project),
        bool(reverse),
        bool(consistent),
        _count("limit", limit),
        _count("page_size", page_size),
        start,
        _budget(budget),
        _prefetch(prefetch, limit=limit, budget=budget),
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
    """A read of the whole table or index, and of it the items that match: it pays for every item there is.

    >>> scan(contains("tags", "new"), limit=10).limit
    10

    The partition keys come in no useful order. `segments` reads so many parts at the same time, in threads; `prefetch`
    asks for each page while the one before it is taken.
    """
    _alone("scan", condition, more)
    _need(condition, Condition, "scan takes a condition such as eq('wins', 3)")
    return Scan(
        condition,
        _name(index),
        _paths(project),
        bool(consistent),
        _count("limit", limit),
        _count("page_size", page_size),
        start,
        _budget(budget),
        _count("segments", segments),
        prefetch=_prefetch(prefetch, limit=limit, budget=budget, segments=segments),
    )


def get_item(key: Key, *more: NoReturn, project: Iterable[Any] | None = None, consistent: bool = False) -> GetItem:
    """A read of the item with this key.

    >>> get_item(("abc", "Comet Quest"), project=["wins"]).project
    (Path(parts=('wins',)),)
    """
    _alone("get_item", key, more, "get(table, key)", "run(table, get_item(...))")
    return GetItem(key, _paths(project), bool(consistent))


def put_item(
    item: Mapping[str, Any], *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> PutItem:
    """A write of the item, in place of one with the same key.

    >>> put_item({"userid": "abc"}, condition=not_exists("userid")).returns is None
    True

    `returns="ALL_OLD"` gives the item that was replaced. The item itself is kept and not a copy: what you change in it
    before the operation is done is written too.
    """
    _alone("put_item", item, more, "put(table, item)", "run(table, put_item(...))")
    _need(item, Mapping, "put takes an item, a dict")
    return PutItem(item, _condition(condition), _returns(returns, "NONE", "ALL_OLD"))


def update_item(
    key: Key, update: Update, *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> UpdateItem:
    """A change of the item with this key, which is created when it is not there.

    >>> update_item(("abc", "Comet Quest"), incr("wins", 1), returns="ALL_NEW").returns
    'ALL_NEW'

    `returns` is one of ALL_OLD UPDATED_OLD ALL_NEW UPDATED_NEW. An update of nothing but `remove` and `discard` creates
    no item.
    """
    _alone("update_item", key, more, "update(table, key, change)", "run(table, update_item(...))")
    _need(update, Update, "update takes an update such as incr('wins', 1)")
    return UpdateItem(
        key,
        update,
        _condition(condition),
        _returns(returns, *_RETURNS),
    )


def delete_item(
    key: Key, *more: NoReturn, condition: Condition | None = None, returns: str | None = None
) -> DeleteItem:
    """A removal of the item with this key; that it is not there is no error.

    >>> delete_item("abc", returns="ALL_OLD").key
    'abc'
    """
    _alone("delete_item", key, more, "delete(table, key)", "run(table, delete_item(...))")
    return DeleteItem(key, _condition(condition), _returns(returns, "NONE", "ALL_OLD"))


def condition_check(key: Key, condition: Condition, *more: NoReturn) -> ConditionCheck:
    """A condition on an item that the transaction does not change, but depends on.

    >>> condition_check("abc", exists("userid")).key
    'abc'

    Only `transact_write` takes it.
    """
    _alone("condition_check", key, more, "transact_write([(table, condition_check(key, condition))])")
    _need(condition, Condition, "condition_check takes a condition such as exists('userid')")
    return ConditionCheck(key, condition)


def batch_get(
    keys: Iterable[Key], *more: NoReturn, project: Iterable[Any] | None = None, consistent: bool = False
) -> BatchGet:
    """Reads of any number of items by their keys, sent 100 a request.

    >>> run(scores, batch_get([("abc", "Comet Quest"), ("no", "one")], project=["wins"]))
    [{'wins': 3}, None]

    The items come in the order of the keys, None for one that is not there; a key may stand several times.
    """
    _alone("batch_get", keys, more)
    if isinstance(keys, (str, bytes, Mapping, Operation)) or not isinstance(keys, Iterable):
        raise TypeError(f"batch_get takes a list of keys, not {keys!r}")
    return BatchGet(tuple(keys), _paths(project), bool(consistent))


def batch_write(operations: Iterable[PutItem | DeleteItem], *more: NoReturn) -> BatchWrite:
    """Any number of puts and deletes without conditions, sent 25 a request; not a transaction.

    >>> len(batch_write([put_item({"userid": "a"}), delete_item("b")]).operations)
    2

    One key may stand only once among the 25 of a request, so a later operation on the same key waits for the next.
    """
    _alone("batch_write", operations, more)
    if isinstance(operations, (str, bytes, Mapping, Operation)) or not isinstance(operations, Iterable):
        raise TypeError(f"batch_write takes a list of put_item(...) and delete_item(...), not {operations!r}")
    return BatchWrite(tuple(operations) if isinstance(operations, (list, tuple)) else operations)


def transact_write_items(operations: Iterable[Pair], *, token: str | None = None) -> TransactWriteItems:
    """Up to 100 writes and condition checks, in several tables of one engine, all or none.

    >>> move = transact_write_items([
    ...     (scores, update_item(("abc", "Comet Quest"), incr("wins", 1))),
    ...     (scores, condition_check(("abc", "Galaxy Invaders"), gt("top_score", 9000))),
    ... ])
    >>> run(move)
    >>> explain(move).operation
    'TransactWriteItems'

    It names its tables, so `run`, `explain` and `request` take it alone. The `token` (36 characters at most; a new one
    each time by default) makes it safe to send the same transaction again within 10 minutes.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    return TransactWriteItems(_pairs(operations), token)


def transact_get_items(operations: Iterable[tuple[Table, GetItem]]) -> TransactGetItems:
    """Reads of up to 100 items, in several tables of one engine, as they were at one moment.

    >>> run(transact_get_items([(scores, get_item(("abc", "Comet Quest"), project=["wins"])),
    ...                         (scores, get_item(("no", "one")))]))
    [{'wins': 3}, None]

    It names its tables, so `run`, `explain` and `request` take it alone. A consistent read, at twice its price.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    return TransactGetItems(_pairs(operations))


def _pairs(operations: Iterable[Any]) -> tuple[Any, ...]:
    if not isinstance(operations, Iterable):
        raise TypeError(f"a transaction takes a list of pairs (table, operation), not {operations!r}")
    pairs = tuple(operations)
    for place, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Table):
            swapped = isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], Table)
            shown = "(operation, table): swap them" if swapped else type(pair).__name__
            raise TypeError(f"a transaction takes pairs (table, operation); entry {place} is {shown}")
    return pairs


def create_table(*more: NoReturn, wait: bool = True) -> CreateTable:
    """The making of the table and its indexes; `wait` until it can be used.

    >>> create_table().wait
    True
    """
    _alone("create_table", None, more)
    return CreateTable(wait)


def delete_table(*more: NoReturn, wait: bool = True) -> DeleteTable:
    """The removal of the table with all of its items; `wait` until it is gone.

    >>> delete_table(wait=False).wait
    False
    """
    _alone("delete_table", None, more)
    return DeleteTable(wait)


def update_table(*more: NoReturn, drop: bool = False, dry_run: bool = False) -> UpdateTable:
    """The table brought to what its descriptor says: indexes, throughput, stream, protection, time to live.

    >>> run(scores, update_table(dry_run=True))
    []

    `run` gives what was done, in words; with `dry_run`, what would be. Indexes are added; those that the descriptor
    does not name go only with `drop`. It waits until the table is ready.
    """
    _alone("update_table", None, more)
    return UpdateTable(drop, dry_run)


def describe_table(*more: NoReturn) -> DescribeTable:
    """A look at the table: `run` gives a `Table` as the engine describes it.

    >>> describe_table() == describe_table()
    True
    """
    _alone("describe_table", None, more)
    return DescribeTable()


def refinement(name: str, value: Any) -> Any:
    """A refinement's value, checked as the constructors check it.

    >>> refinement("limit", 10), refinement("project", ["a"])
    (10, (Path(parts=('a',)),))
    """
    match name:
        case "limit" | "page_size":
            return _count(name, value)
        case "project":
            return _paths(value)
        case "index":
            return _name(value)
        case "condition":
            return _condition(value)
        case "returns":
            return _returns(value, *_RETURNS)
        case "reverse" | "consistent" | "prefetch":
            return bool(value)
    return value


def _alone(name: str, first: Any, more: tuple[Any, ...], *ways: str) -> None:
    """Refuses further arguments, the table above all: an operation is made without its table."""
    if not more:
        return
    if isinstance(first, Table) or isinstance(more[0], Table):
        plain = "" if first is None else "..."
        raise TypeError(
            f"{name} does not take the table; write {' or '.join(ways or [f'run(table, {name}({plain}))'])}"
        )
    hint = f"; a key of two parts is a tuple: ({first!r}, {more[0]!r})" if name in ("get_item", "delete_item") else ""
    raise TypeError(f"{name} takes fewer arguments{hint}")


def _need(value: Any, kind: type, message: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{message}, not {value!r}")


def _condition(condition: Condition | None) -> Condition | None:
    if condition is not None:
        _need(condition, Condition, "condition= takes a condition such as exists('userid')")
    return condition


def _paths(project: Iterable[Any] | None) -> tuple[Path, ...] | None:
    if project is None:
        return None
    if isinstance(project, str):
        raise TypeError(f"project= takes a list of paths, such as [{project!r}]")
    found = tuple(dict.fromkeys(map(path_of, project)))
    if not found:
        raise ValueError("project= needs at least one path; leave it out to read whole items")
    overlap = find_overlap(found)
    if overlap:
        raise ExpressionError(overlap, expression=", ".join(map(show, found)))
    return found


def _prefetch(prefetch: bool, **others: Any) -> bool:
    given = [name for name, value in others.items() if value is not None]
    if prefetch and given:
        why = "reads ahead by itself" if given == ["segments"] else "stops early, and what was read ahead is paid for"
        raise ValueError(f"leave out prefetch= or {given[0]}=: {given[0]}= {why}")
    return bool(prefetch)


def _name(index: str | None) -> str | None:
    if index is not None:
        _need(index, str, "index= takes the name of an index")
    return index


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}= takes a whole number from 1, not {value!r}")
    return value


def _returns(returns: str | None, *allowed: str) -> str | None:
    if returns is not None and returns not in allowed:
        raise ValueError(f"returns= takes one of {' '.join(allowed)}, not {returns!r}")
    return None if returns == "NONE" else returns


_RETURNS = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
_BUDGET = ("requests", "units", "seconds")


def _budget(budget: Mapping[str, Any] | None) -> Mapping[str, float] | None:
    if budget is None:
        return None
    if not isinstance(budget, Mapping):
        raise TypeError(f"budget= takes a dict with positive {', '.join(_BUDGET)}, not {budget!r}")
    numbers = all(isinstance(most, (int, float)) and most > 0 for most in budget.values())
    if not budget or not budget.keys() <= {*_BUDGET} or not numbers:
        raise ValueError(f"budget= takes a dict with positive {', '.join(_BUDGET)}, not {budget!r}")
    return budget
