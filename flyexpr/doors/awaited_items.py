"""The items of a query or scan, read page by page as they are taken by `async for`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from typing import Any, NoReturn

from flyexpr.doors.awaited import asked, awaitable, given_up
from flyexpr.engine import AsyncEngine as Engine
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.requests.naming import add_tables
from flyexpr.requests.operations import Read, Scan
from flyexpr.requests.reads import Access
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.reads.item_pages import ItemPage, Started, one_more
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import BROKEN_OFF, CLOSED, Reading
from flyexpr.values.types import Item, T

_HELD = 0.004  # seconds for which items are decoded before other tasks get their turn
_LOOK = 8  # items between looks at the clock
_LANES = 32  # requests of one parallel scan under way
_PASSED: Item = {}  # in place of an item that does not match: reading it took time too


class Items(Started, AsyncIterator[T]):
    """The items of a query or scan, read page by page as they are taken by `async for`.

    `.cursor` resumes after the last item taken, and `.stats` says what the read has cost so far, as of
    `flyexpr.Items`; `await items.page(n)` takes some of the items. Decoding gives way to other tasks every few
    milliseconds. `aclose()`, or the end of an `async with`, ends a read that is not taken to its end.
    """

    def __init__(self, table: Table[T], read: Read, counting: bool = False, access: Access | None = None) -> None:
        engine = awaitable(table.bound)
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
            if isinstance(error, DynamoError):
                add_tables(error, [table])
            raise
        finally:
            await pages.aclose()
            if flying:
                await given_up(flying)

    def __aiter__(self) -> AsyncIterator[T]:
        if self._ended:
            raise FlyexprError(self._ended)
        self._check_alone()
        return self._items  # itself: to look each time who else takes an item would cost 0.1 us for each

    def __anext__(self) -> Coroutine[Any, Any, T]:
        if self._ended:
            raise FlyexprError(self._ended)
        return self._next()

    async def _next(self) -> T:
        self._check_alone()
        return await self._items.__anext__()

    def _check_alone(self) -> None:
        if self._items.ag_running:  # type: ignore[attr-defined]  # it is Python's own generator
            raise FlyexprError(
                "another task takes items of this read, and goes on with it\n"
                "  hint: give each task a read of its own, such as one of segments(...)"
            )

    async def page(self, most: int) -> ItemPage[T]:
        """The next items, up to `most` of them, and whether there are more; see `page` of `flyexpr.Items`."""
        self._check_alone()
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
        self._check_alone()
        with self._given_whole():
            items = [item async for item in self]
        return self._page(items, self.cursor)

    def _break_off_at(self, cursor: str | None) -> None:
        self._ended, self._held = self._ended or BROKEN_OFF, [(cursor, None)]

    async def aclose(self) -> None:
        """Ends the read; requests that are under way are given up. Cancel first the task that takes its items."""
        self._check_alone()
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
    """The pages, each asked for when it is taken, or `ahead` of that; see flyexpr.doors.threads.asked_ahead."""
    sent: tuple[Request, asyncio.Task[bytes]] | None = None
    while (request := reading.request()) is not None:
        if sent is not None and sent[0] == request:
            body = await sent[1]
        else:
            body = await asked(engine, request)
        flying.clear()
        following = reading.following(body) if ahead else None
        sent = None if following is None else (following, _sent(engine, following))
        if sent is not None:
            flying[sent[1]] = 0
        yield reading.feed(body, passed=_PASSED)


async def _pages_of_lanes(lanes: Lanes, engine: Engine, flying: Flying) -> Pages:
    """The pages of all lanes as they come, each lane's request in a task; see flyexpr.doors.threads.items_of_lanes."""
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
    task = asyncio.create_task(asked(engine, request))
    task.add_done_callback(_look_at_error)
    return task


def _look_at_error(task: asyncio.Task[bytes]) -> None:
    """Looks at the error of a request: if its read is dropped, nobody else does, and the loop complains of it."""
    if not task.cancelled():
        task.exception()
