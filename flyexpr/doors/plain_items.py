"""The items of a query or scan, read page by page as they are taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, NoReturn

from flyexpr.doors.plain import asked
from flyexpr.engine import Engine
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.requests.naming import add_tables
from flyexpr.requests.operations import Read, Scan
from flyexpr.requests.reads import Access
from flyexpr.schema.table import Table
from flyexpr.steps.reads.item_pages import ItemPage, Started, one_more
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import BROKEN_OFF, CLOSED, Reading
from flyexpr.values.types import T


def pages(reading: Reading, engine: Engine) -> Iterator[Iterator[Any]]:
    """The pages of a reading, each asked for when it is taken; the items of one have to be taken before the next page.

    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), time.monotonic)
    >>> [[item["title"] for item in page] for page in pages(reading, scores.engine)]
    [['Comet Quest'], ['Galaxy Invaders'], []]
    """
    while (request := reading.request()) is not None:
        yield reading.feed(asked(engine, request.operation, request.body))


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

    def __init__(
        self,
        table: Table[T],
        read: Read,
        counting: bool = False,
        access: Access | None = None,
        reading: type[Reading] = Reading,
    ) -> None:
        self._table, engine = table, table.bound
        self._held: list[str | None] = []  # the cursor in front of what was read, and not given
        self._pool: Any = None
        self._items: Iterator[T]
        self._source: Iterator[T]
        if isinstance(read, Scan) and read.segments:
            from flyexpr.doors.threads import items_of_lanes, threads  # threads, for those who want them

            self._reading = Lanes(table, read, time.monotonic, counting, reading=reading)
            self._pool = threads(len(self._reading))
            self._source = items_of_lanes(self._reading, partial(asked, engine), self._pool)
        else:
            self._reading = reading(table, read, time.monotonic, counting, access)
            taken = pages(self._reading, engine)
            if read.prefetch and read.limit is None and read.budget is None:
                from flyexpr.doors.threads import threads

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
            if isinstance(error, DynamoError):
                add_tables(error, [self._table])
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
            self._pool.shutdown()

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
    from flyexpr.doors.threads import asked_ahead

    with asked_ahead(reading, partial(asked, engine), pool) as ahead:
        yield from pages(reading, ahead)
