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
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, overload

from flyexpr.changes.change import Change
from flyexpr.drive import Pause, driven_awaited, noted
from flyexpr.engine import AsyncConnection as Connection
from flyexpr.engine import AsyncEngine as Engine
from flyexpr.engine import Awaited
from flyexpr.engines import connect_awaited as connect
from flyexpr.errors import ConditionFailed, FlyexprError, NoSuchTable
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
from flyexpr.requests.naming import named
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
from flyexpr.requests.reads import Access
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps import rare
from flyexpr.steps.bulk import Bulk, JournalFile, Progress
from flyexpr.steps.course import addressed, common_engine, course, course_in_bulk, tables_of
from flyexpr.steps.item_pages import ItemPage, Started, one_more
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.many import exports
from flyexpr.steps.many.images import OnRefused
from flyexpr.steps.read import BROKEN_OFF, CLOSED, Reading, first_of, keys_only, only, whole
from flyexpr.steps.stats import Stats, check_stats, counted, refuse_stats
from flyexpr.steps.step import OnDisk, Step, Steps, Together
from flyexpr.steps.streams import following
from flyexpr.steps.streams.undoing import Undoing
from flyexpr.steps.streams.watching import Since, Watching
from flyexpr.values.answers import body_of
from flyexpr.values.kinds import Item, T

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from flyexpr.steps.keywords import BulkOptions, NoItem, WriteOptions
    from flyexpr.values.kinds import Given

R = TypeVar("R")
_HELD = 0.004  # seconds for which items are decoded before other tasks get their turn
_LOOK = 8  # items between looks at the clock
_LANES = 32  # requests of one parallel scan under way
_PASSED: Item = {}  # in place of an item that does not match: reading it took time too

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


def _awaited(engine: Any) -> Engine:
    """The engine, where it is one that can be awaited."""
    # Whether an engine is ours is asked first: to look at its functions takes 1 µs longer.
    if (
        isinstance(engine, Awaited)
        or iscoroutinefunction(engine)
        or iscoroutinefunction(getattr(engine, "__call__", None))  # noqa: B004
    ):
        return engine  # type: ignore[no-any-return]
    raise FlyexprError(
        f"{engine!r} cannot be awaited; bind the table with table.on(aio.connect(...)), "
        "or use the functions of flyexpr itself"
    )


async def drive(steps: Steps[R], engine: Engine) -> R:
    """The result of the steps, their requests sent to an engine one by one.

    >>> from flyexpr.steps.items import get
    >>> async def answer(operation, body):
    ...     return b'{"Item":{"id":{"S":"a"}}}'
    >>> asyncio.run(drive(get(Table("t", "id"), get_item("a")), answer))
    {'id': 'a'}
    """
    return await driven_awaited(steps, _answer, engine, FlyexprError)


async def _answer(engine: Engine, step: Step) -> bytes | None:
    if isinstance(step, Request):
        return await _asked(engine, step)
    if isinstance(step, Pause):
        await asyncio.sleep(noted(step))
    elif isinstance(step, Together):
        await _do_together(step, engine)
    else:
        await _done_on_disk(step)
    return None


async def _done_on_disk(step: OnDisk) -> None:
    """Does the work in a thread; who is cancelled meanwhile waits until it has ended, so that nothing is half done."""
    work = asyncio.ensure_future(asyncio.to_thread(step.work))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _do_together(step: Together, engine: Engine) -> None:
    """Does the units of a step, each in a task; see flyexpr.threads.do_together."""
    flying = set[asyncio.Task[Any]]()
    failures: list[BaseException] = []
    try:
        while flying or not failures:
            while not failures and len(flying) < step.workers and (unit := next(step.units, None)) is not None:
                flying.add(asyncio.create_task(drive(unit, engine)))
            if not flying:
                return
            landed, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for task in landed:
                try:
                    step.note(task.result())
                except BaseException as failure:  # a unit that is not noted would count as not done
                    failures.append(failure)
    finally:
        await _given_up(flying)
    raise failures[0]


async def _perform(steps: Steps[R], tables: Sequence[Table[Any]], stats: Stats | None = None) -> R:
    """The result of the steps on the engine of the tables; an error for a missing table names it."""
    if stats is not None:
        steps = counted(steps, stats)
    try:
        return await driven_awaited(steps, _answer, _awaited(common_engine(tables)), FlyexprError)
    except NoSuchTable as error:
        raise named(error, tables) from None


async def _in_bulk(steps: Steps[R], tables: Sequence[Table[Any]], bulk: Bulk) -> R:
    try:
        return await _perform(steps, tables)
    finally:
        bulk.release()


class Items(Started, AsyncIterator[T]):
    """The items of a query or scan, read page by page as they are taken by `async for`.

    `.cursor` resumes after the last item taken, and `.stats` says what the read has cost so far, as of
    `flyexpr.Items`; `await items.page(n)` takes some of the items. Decoding gives way to other tasks every few
    milliseconds. `aclose()`, or the end of an `async with`, ends a read that is not taken to its end.
    """

    def __init__(self, table: Table[T], read: Read, counting: bool = False, access: Access | None = None) -> None:
        engine = _awaited(table.bound)
        flying: Flying = {}
        if isinstance(read, Scan) and read.segments:
            self._reading = Lanes(table, read, time.monotonic, counting)
            pages = _pages_of_lanes(self._reading, engine, flying)
        else:
            self._reading = Reading(table, read, time.monotonic, counting, access)
            ahead = read.prefetch and read.limit is None and read.budget is None
            pages = _pages(self._reading, engine, flying, ahead)
        self._items = self._taken(pages, flying, table)
        self._ended = ""  # why it ended before its end, so that an iterator that stops would tell a lie
        self._held: list[tuple[str | None, Any]] = []  # the cursor in front of what was read, and not given; the item

    async def _taken(self, pages: Pages, flying: Flying, table: Table[Any]) -> AsyncGenerator[T, None]:
        """The items of the pages; other tasks get their turn every few milliseconds.

        Requests under way are given up here, not by the pages: a loop that ends closes both at once, and the one must
        not wait for the other.
        """
        try:
            since = time.monotonic()
            async for page in pages:
                for number, item in enumerate(page):
                    if item is not _PASSED:
                        yield item
                        while self._held:  # it was looked at ahead, so it comes again
                            yield self._held.pop()[1]
                    if number % _LOOK == 0 and time.monotonic() - since > _HELD:
                        await asyncio.sleep(0)
                        since = time.monotonic()
        except GeneratorExit:
            self._ended = self._ended or CLOSED  # by the end of its loop
            raise
        except BaseException as error:
            self._ended = BROKEN_OFF
            if isinstance(error, NoSuchTable):
                raise named(error, [table]) from None
            raise
        finally:
            await pages.aclose()
            if flying:
                await _given_up(flying)

    def __aiter__(self) -> AsyncIterator[T]:
        if self._ended:
            raise FlyexprError(self._ended)
        return self._items

    def __anext__(self) -> Coroutine[Any, Any, T]:
        if self._ended:
            raise FlyexprError(self._ended)
        return self._items.__anext__()

    async def page(self, most: int) -> ItemPage[T]:
        """The next items, up to `most` of them, and whether there are more; see `page` of `flyexpr.Items`."""
        items = list[T]()
        with self._given_whole(), one_more(self._reading, most, bool(self._held)):
            async for item in self:
                items.append(item)
                if len(items) == most:
                    break
            cursor = self.cursor
            async for following in self:
                self._held.append((cursor, following))
                break
        return self._page(items, self.cursor)

    async def rest(self) -> ItemPage[T]:
        """All items that are left, in memory and as one page; see `rest` of `flyexpr.Items`."""
        with self._given_whole():
            items = [item async for item in self]
        return self._page(items, self.cursor)

    def _break_off_at(self, cursor: str | None) -> None:
        self._ended, self._held = self._ended or BROKEN_OFF, [(cursor, None)]

    async def aclose(self) -> None:
        """Ends the read; requests that are under way are given up."""
        self._ended = self._ended or CLOSED
        await self._items.aclose()

    async def __aenter__(self) -> Items[T]:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __enter__(self) -> NoReturn:
        raise TypeError("write `async with`, not `with`; or use the functions of flyexpr itself")

    def __exit__(self, *exception: object) -> None: ...

    @property
    def cursor(self) -> str | None:
        """Where a later read goes on; None once nothing is left."""
        return self._held[0][0] if self._held else self._reading.cursor

    def __await__(self) -> NoReturn:
        raise TypeError(_NOT_AWAITED)

    def __iter__(self) -> NoReturn:
        raise TypeError("write `async for`, not `for`; or use the functions of flyexpr itself")

    def __bool__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write `await first(table, ...) is not None` or `await count(table, ...)`")

    def __len__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write `await count(table, ...)`")

    def __getitem__(self, position: object) -> NoReturn:
        raise TypeError(
            "items come one by one; write `await first(table, ...)`, or `[item async for item in run(...)]`"
        )


_NOT_AWAITED = (
    "a query or scan gives items one by one: write `async for item in run(table, ...)`, "
    "`[item async for item in run(table, ...)]` or `await first(table, ...)`"
)


Pages = AsyncGenerator[Iterator[Any], None]
Flying = dict["asyncio.Task[bytes]", int]  # the requests of a read that are under way, each with its lane


async def _pages(reading: Reading, engine: Engine, flying: Flying, ahead: bool) -> Pages:
    """The pages, each asked for when it is taken, or `ahead` of that; see flyexpr.threads.asked_ahead."""
    sent: tuple[Request, asyncio.Task[bytes]] | None = None
    while (request := reading.request()) is not None:
        if sent is not None and sent[0] == request:
            body = await sent[1]
        else:
            body = await _asked(engine, request)
        flying.clear()
        following = reading.following(body) if ahead else None
        sent = None if following is None else (following, _sent(engine, following))
        if sent is not None:
            flying[sent[1]] = 0
        yield reading.feed(body, passed=_PASSED)


async def _pages_of_lanes(lanes: Lanes, engine: Engine, flying: Flying) -> Pages:
    """The pages of all lanes as they come, each lane's request in a task; see flyexpr.threads.items_of_lanes."""
    while not lanes.full:
        while len(flying) < _LANES and (taken := lanes.take()) is not None:
            lane, request = taken
            flying[_sent(engine, request)] = lane
        if not flying:
            return
        done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        landed = next(iter(done))
        yield lanes.feed(flying.pop(landed), landed.result(), _PASSED)


def _sent(engine: Engine, request: Request) -> asyncio.Task[bytes]:
    return asyncio.create_task(_asked(engine, request))


async def _asked(engine: Engine, request: Request) -> bytes:
    """The engine's answer to one request."""
    answer = await engine(request.operation, request.body)
    return answer if type(answer) is bytes else body_of(answer)


async def _given_up(tasks: Iterable[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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
        return _in_bulk(course_in_bulk(table, operation, bulk), tables_of(table, operation), bulk)
    if isinstance(operation, (Query, Scan)):
        refuse_stats(stats)
        addressed(table, operation)
        return Items(table, operation)
    return _perform(course(table, operation), tables_of(table, operation), stats)


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
    item: T | None = await _perform(course(table, operation), (table,), stats)
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
    return await _perform(course(table, put_item(item, condition=condition, returns=returns)), (table,), stats)


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
    return await _perform(course(table, operation), (table,), stats)


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
    return await _perform(course(table, delete_item(key, condition=condition, returns=returns)), (table,), stats)


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
    item: T | None = await _perform(rare.modify(table, key, function, attempts), (table,), stats)
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
    return await _perform(rare.transact_modify(pairs, function, attempts), [table for table, _ in pairs], stats)


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
    return await _in_bulk(rare.put_all(table, items, condition, refused, bulk), (table,), bulk)


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
    return await _in_bulk(rare.delete_matching(table, read, dry_run, time.monotonic, bulk), (table,), bulk)


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
    return await _in_bulk(rare.update_matching(table, read, update, dry_run, time.monotonic, bulk), (table,), bulk)


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
        change: Change | None = (
            None if self._over else await _perform(self._watching.next_change(), [self._watching.table])
        )
        if change is None:
            self._over = True
            raise StopAsyncIteration
        return change

    async def begin(self) -> Watch:
        """Finds the stream and the place to begin at, which else the first change does: "latest" is that moment."""
        await _perform(self._watching.begin(), [self._watching.table])
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
    watching = Watching(source, None, since, budget, poll, part, clock=time.monotonic, now=time.time)
    turns = following.Following(watching, target, function, condition, checkpoint).turns()
    return await driven_awaited(turns, _taken, None, FlyexprError)


async def _taken(_: None, turn: following.Turn) -> Any:
    return await _perform(turn.steps, [turn.table])


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
    return await _in_bulk(
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
    return await _in_bulk(undoing.steps(dry_run, refused, bulk), (table,), bulk)
