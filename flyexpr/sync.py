"""The plain door: each call waits for its answer. `flyexpr.aio` has the same names, awaited."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload

from flyexpr.doors.plain import in_bulk, perform
from flyexpr.doors.plain_items import Items
from flyexpr.errors import ConditionFailed
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.requests.constructors import (
    delete_item,
    get_item,
    put_item,
    transact_get_items,
    transact_write_items,
    update_item,
)
from flyexpr.requests.mistakes import checked_pairs, misplaced_option, wrong_arguments
from flyexpr.requests.operations import (
    BatchGet,
    BatchWrite,
    CreateTable,
    DeleteItem,
    DeleteReturns,
    DeleteTable,
    DescribeTable,
    Found,
    Function,
    Functions,
    GetItem,
    Key,
    Operation,
    Pair,
    Paths,
    PutItem,
    PutReturns,
    Query,
    Read,
    Scan,
    Search,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    UpdateReturns,
    UpdateTable,
)
from flyexpr.schema.table import Table
from flyexpr.steps import rare
from flyexpr.steps.bulk import Bulk, JournalFile, Progress
from flyexpr.steps.course import addressed, course, course_in_bulk, tables_of
from flyexpr.steps.reads.reading import first_of, keys_only, only, whole
from flyexpr.steps.stats import Stats, check_stats, refuse_stats
from flyexpr.values.types import Item, T

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from flyexpr.steps.keywords import BulkOptions, NoItem, WriteOptions
    from flyexpr.values.types import Given


@overload
def run(table: Table[T], operation: Read) -> Items[T]: ...
@overload
def run(
    table: Table[T], operation: GetItem | PutItem | UpdateItem | DeleteItem, *, stats: Stats | None = None
) -> T | None: ...
@overload
def run(table: Table[Any], operation: Search, *, stats: Stats | None = None) -> list[Found]: ...
@overload
def run(table: Table[Any], operation: DescribeTable, *, stats: Stats | None = None) -> Table: ...
@overload
def run(
    table: Table[T], operation: BatchGet, *, stats: Stats | None = None, **how: Unpack[BulkOptions]
) -> list[T | None]: ...
@overload
def run(table: Table[Any], operation: BatchWrite, *, stats: Stats | None = None, **how: Unpack[BulkOptions]) -> int: ...
@overload
def run(table: Table[Any], operation: UpdateTable, *, stats: Stats | None = None) -> list[str]: ...
@overload
def run(table: Table[Any], operation: CreateTable | DeleteTable, *, stats: Stats | None = None) -> None: ...
@overload
def run(table: Table[Any], operation: Operation, *, stats: Stats | None = None, **how: Unpack[BulkOptions]) -> Any: ...
@overload
def run(table: TransactWriteItems, /, *, stats: Stats | None = None) -> None: ...
@overload
def run(table: TransactGetItems[T], /, *, stats: Stats | None = None) -> list[T | None]: ...
def run(
    table: Any,
    operation: Any = None,
    *,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Performs an operation on a table and returns its result.

    >>> [item["title"] for item in run(scores, query(eq("userid", "abc") & gt("top_score", 9000)))]
    ['Galaxy Invaders']

    A query or scan gives `Items`, a lazy iterator; a read or write of one item gives an item or None, a batch of
    writes their number, `describe_table` a `Table`. A transaction names its tables, and is given alone:
    `run(transact_write_items([...]))`. DynamoError and its kin say what an engine refused.

    What any other operation than a query or scan costs is added to `stats=`, which the other functions take too:

    >>> stats = Stats()
    >>> run(scores, batch_write([put_item({"userid": "new", "title": title}) for title in "abc"]), stats=stats)
    3
    >>> stats.requests, stats.write_capacity
    (1, 3.0)

    Batches take `workers=`, `rate=` and `progress=` as `update_matching` does, and a `batch_write` also `journal=`.
    """
    if unknown:
        raise misplaced_option(run, operation, unknown)
    if workers != 1 or rate is not None or progress is not None or journal is not None:
        bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
        return in_bulk(course_in_bulk(table, operation, bulk), tables_of(table, operation), bulk)
    if isinstance(operation, (Query, Scan)):
        refuse_stats(stats)
        addressed(table, operation)
        return Items(table, operation)
    return perform(course(table, operation), tables_of(table, operation), stats)


def get(
    table: Table[T],
    key: Key,
    *more: NoReturn,
    project: Paths | None = None,
    consistent: bool = False,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> T | None:
    """The item with this key, or None.

    >>> get(scores, ("abc", "Comet Quest"), project=["wins"])
    {'wins': 3}

    A key is a dict, a tuple or one value; ValidationError for one that the table cannot have. Options as of `get_item`.
    """
    if more or unknown:
        raise wrong_arguments(get_item, key, more, unknown)
    operation = get_item(key, project=project, consistent=consistent)
    item: T | None = perform(course(table, operation), (table,), stats)
    return item


@overload
def put(table: Table[T], item: Given[T], *, returns: NoItem = None, **others: Unpack[WriteOptions]) -> None: ...
@overload
def put(
    table: Table[T], item: Given[T], *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]
) -> T | None: ...
@overload
def put(table: Table[T], item: Given[T], *, returns: Literal["NEW"], **others: Unpack[WriteOptions]) -> T: ...
@overload
def put(table: Table, item: Mapping[str, Any], *, returns: NoItem = None, **others: Unpack[WriteOptions]) -> None: ...
@overload
def put(
    table: Table, item: Mapping[str, Any], *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]
) -> Item | None: ...
@overload
def put(table: Table, item: Mapping[str, Any], *, returns: Literal["NEW"], **others: Unpack[WriteOptions]) -> Item: ...
def put(  # type: ignore[misc]  # nobody passes the function of Given
    table: Table[Any],
    item: Mapping[str, Any],
    *more: NoReturn,
    condition: Condition | None = None,
    returns: PutReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Writes the item, in place of one with the same key; None, or the old or new item by `returns`.

    >>> put(scores, {"userid": "new", "title": "Comet Quest"}, condition=not_exists("userid"))
    >>> put(scores, {"userid": "new", "title": "Comet Quest", "wins": 1}, returns="ALL_OLD")
    {'userid': 'new', 'title': 'Comet Quest'}

    `returns="NEW"` gives the item as it is stored, with its version, its defaults and its derived attributes, and costs
    nothing. ConditionFailed when the condition is false: then nothing is written.
    """
    if more or unknown:
        raise wrong_arguments(put_item, item, more, unknown)
    return perform(course(table, put_item(item, condition=condition, returns=returns)), (table,), stats)


@overload
def update(
    table: Table[Any], key: Key, change: Update, *, returns: NoItem = None, **others: Unpack[WriteOptions]
) -> None: ...
@overload
def update(
    table: Table[T], key: Key, change: Update, *, returns: Literal["ALL_NEW"], **others: Unpack[WriteOptions]
) -> T: ...
@overload
def update(
    table: Table[T],
    key: Key,
    change: Update,
    *,
    returns: Literal["ALL_OLD", "UPDATED_OLD", "UPDATED_NEW"],
    **others: Unpack[WriteOptions],
) -> T | None: ...
def update(
    table: Table[Any],
    key: Key,
    change: Update = None,  # type: ignore[assignment]  # or an error could not say what to write for x=1
    *more: NoReturn,
    condition: Condition | None = None,
    returns: UpdateReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Changes the item with this key, atomically; None, or what `returns` asks for.

    >>> update(scores, ("abc", "Comet Quest"), incr("wins", 1), returns="UPDATED_NEW")
    {'wins': 4}

    If there is no such item, it is made. ConditionFailed when the condition is false: then nothing is changed.
    """
    if more or unknown:
        raise wrong_arguments(update_item, key, more, unknown)
    return perform(course(table, update_item(key, change, condition=condition, returns=returns)), (table,), stats)


@overload
def delete(table: Table[Any], key: Key, *, returns: NoItem = None, **others: Unpack[WriteOptions]) -> None: ...
@overload
def delete(table: Table[T], key: Key, *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]) -> T | None: ...
def delete(
    table: Table[Any],
    key: Key,
    *more: NoReturn,
    condition: Condition | None = None,
    returns: DeleteReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Removes the item with this key; None, or the old item with `returns="ALL_OLD"`.

    >>> delete(scores, ("abc", "Comet Quest"), returns="ALL_OLD")["wins"]
    3

    If there is no such item, nothing happens. ConditionFailed when the condition is false: then nothing is removed.
    """
    if more or unknown:
        raise wrong_arguments(delete_item, key, more, unknown)
    return perform(course(table, delete_item(key, condition=condition, returns=returns)), (table,), stats)


def transact_write(operations: Iterable[Pair], *, token: str | None = None, stats: Stats | None = None) -> None:
    """Writes up to 100 items, in several tables of one engine, all or none; None.

    >>> transact_write([
    ...     (scores, update_item(("abc", "Comet Quest"), incr("wins", 1))),
    ...     (scores, condition_check(("abc", "Galaxy Invaders"), gt("top_score", 9000))),
    ... ])
    >>> transact_write([(scores, put_item({"userid": "abc", "title": "Comet Quest"}, condition=not_exists("userid")))])
    Traceback (most recent call last):
    ...
    flyexpr.errors.TransactionCancelled: operation 0 (put GameScores abc, Comet Quest): attribute_not_exists(userid) ...

    TransactionCancelled has one reason per operation. The `token` (36 characters at most; a new one by default) makes
    it safe to send the same transaction again within 10 minutes; for items that hold the time, see
    `transact_write_items`.
    """
    run(transact_write_items(operations, token=token), stats=stats)


@overload
def transact_get(operations: Iterable[tuple[Table[T], GetItem]], *, stats: Stats | None = None) -> list[T | None]: ...
@overload
def transact_get(operations: Iterable[tuple[Table[Any], GetItem]], *, stats: Stats | None = None) -> list[Any]: ...
def transact_get(operations: Iterable[tuple[Table[Any], GetItem]], *, stats: Stats | None = None) -> list[Any]:
    """Up to 100 items as they were at one moment, in the order asked for; None for one that is not there.

    >>> transact_get([(scores, get_item(("abc", "Comet Quest"), project=["wins"])), (scores, get_item(("no", "one")))])
    [{'wins': 3}, None]

    It is a consistent read and costs twice as much as one. An answer has at most 4 MB.
    """
    return run(transact_get_items(operations), stats=stats)


def modify(
    table: Table[T], key: Key, function: Function[T], *, attempts: int = 10, stats: Stats | None = None
) -> T | None:
    """Reads the item, gives it to a pure function, and writes the difference to what it returns; the new item.

    >>> def best(item):
    ...     return {**item, "best": max(item["top_score"], item.get("best", 0))}
    >>> modify(scores, ("abc", "Comet Quest"), best)
    {'userid': 'abc', 'title': 'Comet Quest', 'top_score': 150, 'wins': 3, 'best': 150}

    The write is guarded by every attribute that the item has and every one that it is given, or by the version where
    the table declares one. When another writer changed it meanwhile, the function is called again with what is there
    now, up to `attempts` times; then ConditionFailed. If the item does not exist, your function gets just its key;
    `{}`, which stands for no item, removes it (None is an error: a `return` was forgotten). Nothing is written where
    nothing changes. Without a version an item may have 150 attributes, and one that another writer adds, and the
    function does not, goes unnoticed.
    """
    item: T | None = perform(rare.modify(table, key, function, attempts), (table,), stats)
    return item


@overload
def transact_modify(
    keys: Sequence[tuple[Table[T], Key]], function: Functions[T], *, attempts: int = 10, stats: Stats | None = None
) -> list[T | None]: ...
@overload
def transact_modify(
    keys: Sequence[tuple[Table[Any], Key]], function: Functions[Any], *, attempts: int = 10, stats: Stats | None = None
) -> list[Any]: ...
def transact_modify(
    keys: Sequence[tuple[Table[Any], Key]],
    function: Functions[Any],
    *,
    attempts: int = 10,
    stats: Stats | None = None,
) -> list[Any]:
    """Reads several items, gives them to a pure function, and writes what it returns, all or none; the new items.

    >>> def hand_over(items):
    ...     giver, taker = items
    ...     return [{**giver, "wins": giver["wins"] - 1}, {**taker, "wins": taker.get("wins", 0) + 1}]
    >>> [item["wins"] for item in transact_modify(
    ...     [(scores, ("abc", "Comet Quest")), (scores, ("abc", "Galaxy Invaders"))], hand_over)]
    [2, 1]

    As `modify`: nothing is written when another writer changed one of the items meanwhile, those included that the
    function leaves as they are; then the function is called again with what is there now.
    """
    pairs = checked_pairs("transact_modify", keys, "key")
    return perform(rare.transact_modify(pairs, function, attempts), [table for table, _ in pairs], stats)


@overload
def put_all(
    table: Table[T],
    items: Iterable[Given[T]],
    *,
    condition: Condition | Callable[[T], Condition] | None = None,
    refused: Callable[[T, ConditionFailed], object] | None = None,
    stats: Stats | None = None,
    **how: Unpack[BulkOptions],
) -> int: ...
@overload
def put_all(
    table: Table,
    items: Iterable[Mapping[str, Any]],
    *,
    condition: Condition | Callable[[Any], Condition] | None = None,
    refused: Callable[[Any, ConditionFailed], object] | None = None,
    stats: Stats | None = None,
    **how: Unpack[BulkOptions],
) -> int: ...
def put_all(  # type: ignore[misc]  # nobody passes the function of Given
    table: Table[Any],
    items: Iterable[Mapping[str, Any]],
    *,
    condition: Condition | Callable[[Any], Condition] | None = None,
    refused: Callable[[Any, ConditionFailed], object] | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
) -> int:
    """Writes every item, each in place of one with its key; how many were written.

    >>> put_all(scores, ({"userid": "new", "title": f"Game {number}"} for number in range(100)), workers=4)
    100

    Without a condition they go in batches of 25, and a list of items is checked whole before the first request. With
    one, or in a table with versions, each goes alone. `condition` may be a function of the item, and `refused` is
    called with each item that did not meet it and the ConditionFailed:

    >>> def newer(item):
    ...     return not_exists("title") | lt("top_score", item["top_score"])
    >>> put_all(scores, [{"userid": "abc", "title": "Comet Quest", "top_score": 10}], condition=newer,
    ...         refused=lambda item, error: print(item["title"], "has", error.item["top_score"]))
    Comet Quest has 150
    0

    In a table with versions, an item that others have changed since it was read ends the puts, unless `condition` or
    `refused` is given. Of two items with one key the later one is put later. `workers=`, `rate=`, `progress=` and
    `journal=` mean what they mean in `update_matching`; a call that goes on takes the same items again. When a request
    fails, BatchIncomplete has the number of items written, and the operations that are not done or not known to be;
    what was not yet taken from an iterator was not tried.
    """
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return in_bulk(rare.put_all(table, items, condition, refused, bulk), (table,), bulk)


def delete_matching(
    table: Table[Any],
    read: Read,
    *,
    dry_run: bool = False,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
) -> int:
    """Removes every item that a query or scan gives; how many were removed, or with `dry_run` would be.

    >>> delete_matching(scores, query(eq("userid", "abc") & lt("top_score", 200)), dry_run=True)
    1
    >>> delete_matching(scores, query(eq("userid", "abc") & lt("top_score", 200)))
    1

    Each removal holds only while the item still matches, so one that changed meanwhile stays, and is not counted. It is
    not a transaction: see `update_matching`, also for `workers=`, `rate=`, `progress=` and `journal=`.
    """
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return in_bulk(rare.delete_matching(table, read, dry_run, time.monotonic, bulk), (table,), bulk)


def update_matching(
    table: Table[Any],
    read: Read,
    update: Update,
    *,
    dry_run: bool = False,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
) -> int:
    """Updates every item that a query or scan gives; how many were updated, or with `dry_run` would be.

    >>> update_matching(scores, scan(not_exists("wins")), assign("wins", 0))
    1
    >>> update_matching(scores, scan(not_exists("wins")), assign("wins", 0))
    0

    Each update holds only while the item still matches, and no item is updated twice: where the update moves items in
    the index that finds them, all keys are read, and kept, before the first update. An update of a part of a derived
    attribute reads each item once more, by its key.

    Up to `workers` updates are under way at the same time (256 at most), `rate` capacity units per second hold for all
    of them together, and `progress` is called with the number of items done and the Stats so far:

    >>> update_matching(scores, scan(), incr("wins", 1), workers=16, rate=500,
    ...                 progress=lambda done, stats: print(done, stats.write_capacity))
    1 2.0
    2 4.0
    2

    It is not a transaction: when a request fails, what was done is done. Then BatchIncomplete has the number of items
    done, the keys that were read and not updated, and the cursor from which the read goes on. With `journal=`, the path
    of a file, the same call goes on where it was interrupted, even by a crash, and gives the number of all items.
    """
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return in_bulk(rare.update_matching(table, read, update, dry_run, time.monotonic, bulk), (table,), bulk)


def first(table: Table[T], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> T | None:
    """The first item of a query or scan, or None.

    >>> first(scores, query(eq("userid", "abc")))["title"]
    'Comet Quest'
    """
    if unknown:
        raise misplaced_option(first, read, unknown)
    items: Items[T] = run(table, first_of(read, 1))
    return next(items if stats is None else iter(_whole(items, stats)), None)


def one(table: Table[T], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> T:
    """The only item of a query or scan.

    >>> one(scores, query(eq("userid", "abc") & eq("title", "Comet Quest")))["wins"]
    3

    NotFound when there is none, SeveralFound when there are more.
    """
    if unknown:
        raise misplaced_option(one, read, unknown)
    items: Items[T] = run(table, first_of(read, 2))
    return only(table, read, _whole(items, stats))


def count(table: Table[Any], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> int:
    """How many items a query or scan gives.

    >>> count(scores, query(eq("userid", "abc")))
    2

    The service counts, where it can, and sends no items; it costs as much as reading them.
    """
    if unknown:
        raise misplaced_option(count, read, unknown)
    keys, access = keys_only(table, whole(read))
    items = Items(table, keys, True, access)
    _whole(items, stats, keep=0)
    return items.stats.returned


def _whole(items: Items[T], stats: Stats | None, keep: int | None = None) -> Sequence[T]:
    """The items, all of them or the last ones to `keep`; what they have cost is added to the stats."""
    check_stats(stats)
    try:
        return deque(items, keep)
    finally:
        if stats is not None:
            stats.add(items.stats)
