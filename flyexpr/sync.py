"""The plain door: each call waits for its answer.

`flyexpr.aio` has the same names, awaited. Only the two of them call an engine.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, overload

from flyexpr.drive import Pause, driven, noted
from flyexpr.engine import Engine
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
from flyexpr.steps.read import BROKEN_OFF, CLOSED, Reading, first_of, keys_only, only, whole
from flyexpr.steps.stats import Stats, check_stats, counted, refuse_stats
from flyexpr.steps.step import Step, Steps, Together
from flyexpr.values.answers import body_of
from flyexpr.values.kinds import Item, T

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from flyexpr.steps.keywords import BulkOptions, NoItem, WriteOptions
    from flyexpr.values.kinds import Given

R = TypeVar("R")


def drive(steps: Steps[R], engine: Engine) -> R:
    """The result of the steps, their requests sent to an engine one by one.

    >>> from flyexpr.steps.items import get
    >>> drive(get(scores, get_item(("abc", "Comet Quest"))), scores.engine)["wins"]
    3
    """
    return driven(steps, _answer, engine, FlyexprError)


def _answer(engine: Engine, step: Step) -> bytes | None:
    if isinstance(step, Request):
        return _asked(engine, step.operation, step.body)
    if isinstance(step, Pause):
        time.sleep(noted(step))
    elif isinstance(step, Together):
        _do_together(step, engine)
    else:
        step.work()
    return None


def _do_together(step: Together, engine: Engine) -> None:
    if step.workers > 1:
        from flyexpr.threads import do_together  # threads, for those who want them

        do_together(step, partial(drive, engine=engine))
    else:
        for unit in step.units:
            step.note(drive(unit, engine))


def _asked(engine: Engine, operation: str, body: bytes) -> bytes:
    """The engine's answer to one request."""
    answer = engine(operation, body)
    return answer if type(answer) is bytes else _of_other_type(answer)


def _of_other_type(answer: Any) -> bytes:
    """The bytes of an answer of another type; an error for an awaitable, which an engine of `flyexpr.aio` returns."""
    if hasattr(answer, "__await__"):
        answer.close()
        raise FlyexprError("this engine has to be awaited: use flyexpr.aio, or bind the table with connect(...)")
    return body_of(answer)


def perform(steps: Steps[R], tables: Sequence[Table[Any]], stats: Stats | None = None) -> R:
    """The result of the steps on the engine of the tables; an error for a missing table names it.

    >>> from flyexpr.steps.items import get
    >>> perform(get(scores, get_item(("abc", "Comet Quest"))), [scores])["wins"]
    3
    """
    if stats is not None:
        steps = counted(steps, stats)
    try:
        return driven(steps, _answer, common_engine(tables), FlyexprError)
    except NoSuchTable as error:
        raise named(error, tables) from None


def in_bulk(steps: Steps[R], tables: Sequence[Table[Any]], bulk: Bulk) -> R:
    """The result of bulk work; its journal is free for others afterwards, however the work ends."""
    try:
        return perform(steps, tables)
    finally:
        bulk.release()


def pages(reading: Reading, engine: Engine) -> Iterator[Iterator[Any]]:
    """The pages of a reading, each asked for when it is taken; the items of one have to be taken before the next page.

    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), time.monotonic)
    >>> [[item["title"] for item in page] for page in pages(reading, scores.engine)]
    [['Comet Quest'], ['Galaxy Invaders'], []]
    """
    while (request := reading.request()) is not None:
        yield reading.feed(_asked(engine, request.operation, request.body))


class Items(Started, Iterator[T]):
    """The items of a query or scan, read page by page as they are taken.

    >>> run(scores, query(eq("userid", "abc"))).stats.requests
    0

    `.cursor` resumes after the last item taken, even in the middle of a page: `query(..., start=cursor)`; it is None
    once nothing is left. `.stats` says what the read has cost so far. `.page(n)` takes some of the items, and says
    whether there are more.

    `close()`, or the end of a `with`, ends a read that is not taken to its end: with `prefetch` or `segments`, it waits
    for the requests under way. Without it, they end by themselves.

    An item that cannot be decoded ends the read with a ValidationError: its `.item` is that item as stored, and a read
    from the cursor goes on after it.
    """

    __slots__ = ("_held", "_items", "_pages", "_pool", "_source", "_table")

    def __init__(self, table: Table[T], read: Read, counting: bool = False, access: Access | None = None) -> None:
        self._table, engine = table, table.bound
        self._held: list[str | None] = []  # the cursor in front of what was read, and not given
        self._pool: Any = None
        self._items: Iterator[T]
        self._source: Iterator[T]
        if isinstance(read, Scan) and read.segments:
            from flyexpr.threads import items_of_lanes, threads  # threads, for those who want them

            self._reading = Lanes(table, read, time.monotonic, counting)
            self._pool = threads(len(self._reading))
            self._source = items_of_lanes(self._reading, partial(_asked, engine), self._pool)
        else:
            self._reading = Reading(table, read, time.monotonic, counting, access)
            taken = pages(self._reading, engine)
            if read.prefetch and read.limit is None and read.budget is None:
                from flyexpr.threads import threads

                self._pool = threads(1)
                taken = _pages_ahead(self._reading, engine, self._pool)
            # Held, for the chain lets go of what fails: another thread may be running it, and Python 3.10 would crash.
            self._pages = taken
            self._source = chain.from_iterable(taken)
        self._items = self._source

    def __iter__(self) -> Items[T]:
        return self

    def __next__(self) -> T:
        try:
            return next(self._items)
        except StopIteration:
            raise
        except BaseException as error:
            self._break_off()
            if str(error) == "generator already executing":  # Python's words
                raise FlyexprError(
                    "two threads took items of one read at the same time, which has ended it\n"
                    "  hint: give each thread a read of its own, such as one of segments(...)"
                ) from None
            if isinstance(error, NoSuchTable):
                raise named(error, [self._table]) from None
            raise

    def _break_off(self) -> None:
        if type(self._items) is not _Ended:
            self._items = _Ended(BROKEN_OFF)

    def __aiter__(self) -> NoReturn:
        raise TypeError("write `for`, not `async for`; or use flyexpr.aio, with an engine of aio.connect(...)")

    def __await__(self) -> NoReturn:
        raise TypeError("leave out `await`; or use flyexpr.aio, with an engine of aio.connect(...)")

    def __bool__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write `first(table, ...) is not None` or `count(table, ...)`")

    def __len__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write count(table, ...), or len(list(run(table, ...)))")

    def __getitem__(self, index: object) -> NoReturn:
        raise TypeError("items come one by one; write first(table, ...) for the first, list(run(table, ...)) for all")

    def page(self, most: int) -> ItemPage[T]:
        """The next items, up to `most` of them, with the cursor from which the next page goes on.

        >>> page = run(scores, query(eq("userid", "abc"))).page(20)
        >>> len(page.items), page.more, page.cursor
        (2, False, None)

        It looks one item ahead, so a page that ends with the last item says so. Where all that is examined matches, the
        service is asked for `most` items and one more. With a filter, `segments` or `prefetch`, it is asked for whole
        pages of up to 1 MB, unless `page_size=` bounds them. `.stats` counts the item ahead too. A read with `limit=`
        is refused. After an error, `.cursor` is where this page begins: none of its items was given.
        """
        with self._given_whole(), one_more(self._reading, most, bool(self._held)):
            items = list(islice(self, most))
            cursor = self.cursor
            for following in self:
                self._held.append(cursor)
                self._items = chain(_let_go(following, self._held), self._source)
                return self._page(items, cursor)
        return self._page(items, self.cursor)

    def rest(self) -> ItemPage[T]:
        """All items that are left, in memory and as one page, which can be pickled and has `.stats` too.

        >>> page = run(scores, query(eq("userid", "abc"), page_size=1, budget={"requests": 1})).rest()
        >>> len(page.items), page.more, page.stats.requests
        (1, True, 1)

        Its cursor is None, unless a budget or a limit ended the read. After an error, `.cursor` is where it began.
        """
        with self._given_whole():
            items = list(self)
        return self._page(items, self.cursor)

    def _break_off_at(self, cursor: str | None) -> None:
        self._break_off()
        self._held = [cursor]

    def close(self) -> None:
        """Ends the read; requests that are under way are waited for, and their answers thrown away."""
        self._items = self._source = _Ended(CLOSED)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Items[T]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __aenter__(self) -> NoReturn:
        raise TypeError("write `with`, not `async with`; or use flyexpr.aio, with an engine of aio.connect(...)")

    def __aexit__(self, *exception: object) -> None: ...

    @property
    def cursor(self) -> str | None:
        """Where a later read goes on; None once nothing is left."""
        return self._held[0] if self._held else self._reading.cursor


def _let_go(item: T, held: list[str | None]) -> Iterator[T]:
    """The item that was looked at ahead; once it is taken, the read goes on after it.

    (It does not hold the read itself: only the garbage collector would then end the threads of a read that is dropped.)
    """
    held.clear()
    yield item


class _Ended(Iterator[Any]):
    """Raises each time: an iterator that just stops would say that the read came to its end."""

    __slots__ = ("_why",)

    def __init__(self, why: str) -> None:
        self._why = why

    def __next__(self) -> NoReturn:
        raise FlyexprError(self._why)


def _pages_ahead(reading: Reading, engine: Engine, pool: Any) -> Iterator[Iterator[Any]]:
    from flyexpr.threads import asked_ahead

    with asked_ahead(reading, partial(_asked, engine), pool) as ahead:
        yield from pages(reading, ahead)


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

    A key is a dict, a tuple or one value. Refinements as of `get_item`.
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

    ConditionFailed when the condition is false: then nothing is changed.
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
