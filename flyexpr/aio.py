"""The awaited door: the names of flyexpr that touch the outside world, for asyncio.

    >>> import asyncio
    >>> from flyexpr import Table, aio, create_table, eq, query
    >>> async def main():
    ...     async with aio.connect("sqlite::memory:") as engine:
    ...         table = Table("GameScores", "userid", "title").on(engine)
    ...         await aio.run(table, create_table())
    ...         await aio.put(table, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001})
    ...         async for item in aio.run(table, query(eq("userid", "abc"))):
    ...             print(item["title"])
    >>> asyncio.run(main())
    Galaxy Invaders

Conditions, updates, operations and tables are those of `flyexpr`; so are `explain`, `matches` and all else that sends
nothing. A table is bound to an engine of `aio.connect(url)`, or to any `async def engine(operation, body) -> bytes`.

A call that is cancelled (a timeout, a closed request) ends at once; a write that was sent by then may have happened.
With `journal=` it ends once the writes under way have, so that the next call knows what is done.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload

from flyexpr.changes.change import Change
from flyexpr.doors.awaited import in_bulk, perform
from flyexpr.doors.awaited_items import Items
from flyexpr.drive import driven_awaited
from flyexpr.engine import AsyncConnection as Connection
from flyexpr.engine import AsyncEngine as Engine
from flyexpr.engines import connect_awaited as connect
from flyexpr.errors import ConditionFailed, FlyexprError
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
    Budget,
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
from flyexpr.steps.many import exports
from flyexpr.steps.many.images import OnRefused
from flyexpr.steps.reads.reading import first_of, keys_only, only, whole
from flyexpr.steps.stats import Stats, check_stats, refuse_stats
from flyexpr.steps.streams import following
from flyexpr.steps.streams.undoing import Undoing
from flyexpr.steps.streams.watching import Since, Watching
from flyexpr.values.types import Item, T

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from flyexpr.steps.keywords import BulkOptions, NoItem, WriteOptions
    from flyexpr.values.types import Given


__all__ = [
    "Connection",
    "Engine",
    "Items",
    "connect",
    "count",
    "delete",
    "delete_matching",
    "first",
    "get",
    "modify",
    "one",
    "put",
    "put_all",
    "run",
    "transact_get",
    "transact_modify",
    "transact_write",
    "update",
    "update_matching",
]


@overload
def run(table: Table[T], operation: Read) -> Items[T]: ...
@overload
def run(
    table: Table[T], operation: GetItem | PutItem | UpdateItem | DeleteItem, *, stats: Stats | None = None
) -> Coroutine[Any, Any, T | None]: ...
@overload
def run(table: Table[Any], operation: Search, *, stats: Stats | None = None) -> Coroutine[Any, Any, list[Found]]: ...
@overload
def run(table: Table[Any], operation: DescribeTable, *, stats: Stats | None = None) -> Coroutine[Any, Any, Table]: ...
@overload
def run(
    table: Table[T], operation: BatchGet, *, stats: Stats | None = None, **how: Unpack[BulkOptions]
) -> Coroutine[Any, Any, list[T | None]]: ...
@overload
def run(
    table: Table[Any], operation: BatchWrite, *, stats: Stats | None = None, **how: Unpack[BulkOptions]
) -> Coroutine[Any, Any, int]: ...
@overload
def run(table: Table[Any], operation: UpdateTable, *, stats: Stats | None = None) -> Coroutine[Any, Any, list[str]]: ...
@overload
def run(
    table: Table[Any], operation: CreateTable | DeleteTable, *, stats: Stats | None = None
) -> Coroutine[Any, Any, None]: ...
@overload
def run(table: Table[Any], operation: Operation, *, stats: Stats | None = None, **how: Unpack[BulkOptions]) -> Any: ...
@overload
def run(table: TransactWriteItems, /, *, stats: Stats | None = None) -> Coroutine[Any, Any, None]: ...
@overload
def run(table: TransactGetItems[T], /, *, stats: Stats | None = None) -> Coroutine[Any, Any, list[T | None]]: ...
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
    """Performs an operation on a table: `async for` over a query or scan, `await` for all others."""
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


async def get(
    table: Table[T],
    key: Key,
    *more: NoReturn,
    project: Paths | None = None,
    consistent: bool = False,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> T | None:
    """The item with this key, or None; see `flyexpr.get`."""
    if more or unknown:
        raise wrong_arguments(get_item, key, more, unknown)
    operation = get_item(key, project=project, consistent=consistent)
    item: T | None = await perform(course(table, operation), (table,), stats)
    return item


@overload
async def put(table: Table[T], item: Given[T], *, returns: NoItem = None, **others: Unpack[WriteOptions]) -> None: ...
@overload
async def put(
    table: Table[T], item: Given[T], *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]
) -> T | None: ...
@overload
async def put(table: Table[T], item: Given[T], *, returns: Literal["NEW"], **others: Unpack[WriteOptions]) -> T: ...
@overload
async def put(
    table: Table, item: Mapping[str, Any], *, returns: NoItem = None, **others: Unpack[WriteOptions]
) -> None: ...
@overload
async def put(
    table: Table, item: Mapping[str, Any], *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]
) -> Item | None: ...
@overload
async def put(
    table: Table, item: Mapping[str, Any], *, returns: Literal["NEW"], **others: Unpack[WriteOptions]
) -> Item: ...
async def put(  # type: ignore[misc]  # nobody passes the function of Given
    table: Table[Any],
    item: Mapping[str, Any],
    *more: NoReturn,
    condition: Condition | None = None,
    returns: PutReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Writes the item, in place of one with the same key; see `flyexpr.put`."""
    if more or unknown:
        raise wrong_arguments(put_item, item, more, unknown)
    return await perform(course(table, put_item(item, condition=condition, returns=returns)), (table,), stats)


@overload
async def update(
    table: Table[Any], key: Key, change: Update, *, returns: NoItem = None, **others: Unpack[WriteOptions]
) -> None: ...
@overload
async def update(
    table: Table[T], key: Key, change: Update, *, returns: Literal["ALL_NEW"], **others: Unpack[WriteOptions]
) -> T: ...
@overload
async def update(
    table: Table[T],
    key: Key,
    change: Update,
    *,
    returns: Literal["ALL_OLD", "UPDATED_OLD", "UPDATED_NEW"],
    **others: Unpack[WriteOptions],
) -> T | None: ...
async def update(
    table: Table[Any],
    key: Key,
    change: Update = None,  # type: ignore[assignment]  # or an error could not say what to write for x=1
    *more: NoReturn,
    condition: Condition | None = None,
    returns: UpdateReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Changes the item with this key, atomically; see `flyexpr.update`."""
    if more or unknown:
        raise wrong_arguments(update_item, key, more, unknown)
    operation = update_item(key, change, condition=condition, returns=returns)
    return await perform(course(table, operation), (table,), stats)


@overload
async def delete(table: Table[Any], key: Key, *, returns: NoItem = None, **others: Unpack[WriteOptions]) -> None: ...
@overload
async def delete(
    table: Table[T], key: Key, *, returns: Literal["ALL_OLD"], **others: Unpack[WriteOptions]
) -> T | None: ...
async def delete(
    table: Table[Any],
    key: Key,
    *more: NoReturn,
    condition: Condition | None = None,
    returns: DeleteReturns | None = None,
    stats: Stats | None = None,
    **unknown: NoReturn,
) -> Any:
    """Removes the item with this key; see `flyexpr.delete`."""
    if more or unknown:
        raise wrong_arguments(delete_item, key, more, unknown)
    return await perform(course(table, delete_item(key, condition=condition, returns=returns)), (table,), stats)


async def transact_write(operations: Iterable[Pair], *, token: str | None = None, stats: Stats | None = None) -> None:
    """Writes up to 100 items, in several tables of one engine, all or none; see `flyexpr.transact_write`."""
    await run(transact_write_items(operations, token=token), stats=stats)


@overload
async def transact_get(
    operations: Iterable[tuple[Table[T], GetItem]], *, stats: Stats | None = None
) -> list[T | None]: ...
@overload
async def transact_get(
    operations: Iterable[tuple[Table[Any], GetItem]], *, stats: Stats | None = None
) -> list[Any]: ...
async def transact_get(operations: Iterable[tuple[Table[Any], GetItem]], *, stats: Stats | None = None) -> list[Any]:
    """Up to 100 items as they were at one moment, in the order asked for; see `flyexpr.transact_get`."""
    return await run(transact_get_items(operations), stats=stats)


async def modify(
    table: Table[T], key: Key, function: Function[T], *, attempts: int = 10, stats: Stats | None = None
) -> T | None:
    """Reads the item, gives it to a pure function, and writes the difference; the new item; see `flyexpr.modify`."""
    item: T | None = await perform(rare.modify(table, key, function, attempts), (table,), stats)
    return item


@overload
async def transact_modify(
    keys: Sequence[tuple[Table[T], Key]], function: Functions[T], *, attempts: int = 10, stats: Stats | None = None
) -> list[T | None]: ...
@overload
async def transact_modify(
    keys: Sequence[tuple[Table[Any], Key]], function: Functions[Any], *, attempts: int = 10, stats: Stats | None = None
) -> list[Any]: ...
async def transact_modify(
    keys: Sequence[tuple[Table[Any], Key]],
    function: Functions[Any],
    *,
    attempts: int = 10,
    stats: Stats | None = None,
) -> list[Any]:
    """Reads several items, changes them by a pure function, and writes all or none; see `flyexpr.transact_modify`."""
    pairs = checked_pairs("transact_modify", keys, "key")
    return await perform(rare.transact_modify(pairs, function, attempts), [table for table, _ in pairs], stats)


@overload
async def put_all(
    table: Table[T],
    items: Iterable[Given[T]],
    *,
    condition: Condition | Callable[[T], Condition] | None = None,
    refused: Callable[[T, ConditionFailed], object] | None = None,
    stats: Stats | None = None,
    **how: Unpack[BulkOptions],
) -> int: ...
@overload
async def put_all(
    table: Table,
    items: Iterable[Mapping[str, Any]],
    *,
    condition: Condition | Callable[[Any], Condition] | None = None,
    refused: Callable[[Any, ConditionFailed], object] | None = None,
    stats: Stats | None = None,
    **how: Unpack[BulkOptions],
) -> int: ...
async def put_all(  # type: ignore[misc]  # nobody passes the function of Given
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
    """Writes every item, each in place of one with its key; how many; see `flyexpr.put_all`."""
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return await in_bulk(rare.put_all(table, items, condition, refused, bulk), (table,), bulk)


async def delete_matching(
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
    """Removes every item that a query or scan gives; how many; see `flyexpr.delete_matching`."""
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return await in_bulk(rare.delete_matching(table, read, dry_run, time.monotonic, bulk), (table,), bulk)


async def update_matching(
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
    """Updates every item that a query or scan gives; how many; see `flyexpr.update_matching`."""
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return await in_bulk(rare.update_matching(table, read, update, dry_run, time.monotonic, bulk), (table,), bulk)


async def first(table: Table[T], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> T | None:
    """The first item of a query or scan, or None; see `flyexpr.first`."""
    if unknown:
        raise misplaced_option(first, read, unknown)
    items: Items[T] = run(table, first_of(read, 1))
    taken = await _whole(items, stats)
    return taken[0] if taken else None


async def one(table: Table[T], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> T:
    """The only item of a query or scan; NotFound or SeveralFound; see `flyexpr.one`."""
    if unknown:
        raise misplaced_option(one, read, unknown)
    items: Items[T] = run(table, first_of(read, 2))
    return only(table, read, await _whole(items, stats))


async def count(table: Table[Any], read: Read, *, stats: Stats | None = None, **unknown: NoReturn) -> int:
    """How many items a query or scan gives; see `flyexpr.count`."""
    if unknown:
        raise misplaced_option(count, read, unknown)
    keys, access = keys_only(table, whole(read))
    items = Items(table, keys, True, access)
    await _whole(items, stats, keep=0)
    return items.stats.returned


async def _whole(items: Items[T], stats: Stats | None, keep: int | None = None) -> Sequence[T]:
    """The items, all of them or the last ones to `keep`; what they have cost is added to the stats."""
    check_stats(stats)
    kept = deque[T]((), keep)
    try:
        async for item in items:
            kept.append(item)
        return kept
    finally:
        if stats is not None:
            stats.add(items.stats)


class Watch(AsyncIterator[Change]):
    """The changes of a table, one after the other as they are made; see `flyexpr.events.watch`."""

    __slots__ = ("_over", "_watching")

    def __init__(self, watching: Watching) -> None:
        self._watching, self._over = watching, False

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        with self._watching.alone():
            change: Change | None = (
                None if self._over else await perform(self._watching.next_change(), [self._watching.table])
            )
        if change is None:
            self._over = True
            raise StopAsyncIteration
        return change

    async def begin(self) -> Watch:
        """Finds the stream and the place to begin at, which else the first change does: "latest" is that moment."""
        await perform(self._watching.begin(), [self._watching.table])
        return self

    @property
    def cursor(self) -> str | None:
        """Where another watch goes on, after the last change that was taken: `watch(table, since=cursor)`."""
        return self._watching.cursor

    def __repr__(self) -> str:
        return f"<Watch of {self._watching.table.name}>"


def watch(
    table: Table[Any],
    condition: Condition | None = None,
    *,
    since: Since = "latest",
    budget: Budget | None = None,
    poll: float = 1.0,
    part: tuple[int, int] | None = None,
) -> Watch:
    """The changes of a table as they are made, for `async for`; the options are those of `flyexpr.events.watch`.

    >>> import asyncio
    >>> async def main():
    ...     table = Table("Orders", "id", stream="both").on(connect("sqlite::memory:"))
    ...     await run(table, create_table())
    ...     await put(table, {"id": "7", "status": "open"})
    ...     return [change.new async for change in watch(table, since="beginning", budget={"requests": 4})]
    >>> asyncio.run(main())
    [{'id': '7', 'status': 'open'}]

    It begins when the first change is asked for, or with `await watch(...).begin()`.
    """
    return Watch(Watching(table, condition, since, budget, poll, part, clock=time.monotonic, now=time.time))


async def follow(
    source: Table[Any],
    target: Table[Any],
    function: following.Function,
    *,
    condition: Condition | None = None,
    since: Since = "beginning",
    budget: Budget | None = None,
    poll: float = 1.0,
    part: tuple[int, int] | None = None,
    checkpoint: Key | None = None,
) -> int:
    """Does once what a function asks for after each change of the source; see `flyexpr.events.follow`."""
    watching = Watching(source, condition, since, budget, poll, part, clock=time.monotonic, now=time.time)
    turns = following.Following(watching, target, function, checkpoint).turns()
    return await driven_awaited(turns, _taken, None, FlyexprError)


async def _taken(_: None, turn: following.StepsAt) -> Any:
    return await perform(turn.steps, [turn.table])


async def apply_export(
    table: Table[Any],
    folder: exports.Folder,
    condition: Condition | None = None,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    refused: OnRefused | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
) -> int:
    """Brings a table up to date with an export; see `flyexpr.events.apply_export`."""
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return await in_bulk(
        exports.apply_export(table, folder, condition, overwrite, dry_run, refused, bulk), (table,), bulk
    )


async def undo(
    table: Table[Any],
    since: str | datetime | None = None,
    condition: Condition | None = None,
    *,
    export: exports.Folder | None = None,
    dry_run: bool = False,
    quiet: float = 2.0,
    refused: OnRefused | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    stats: Stats | None = None,
) -> int:
    """Makes the items that were changed since then what they were before; see `flyexpr.events.undo`."""
    undoing = Undoing(table, since, condition, export, quiet, clock=time.monotonic, now=time.time)
    bulk = Bulk(workers, rate, progress, stats, time.monotonic)
    return await in_bulk(undoing.steps(dry_run, refused, bulk), (table,), bulk)
