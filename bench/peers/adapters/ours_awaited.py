"""flyexpr.aio, driven from one event loop for all calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bench import data
from bench.peers.adapters.ours import TABLE
from bench.peers.jobs import AT_ONCE, EACH, FEW, PAGES_AT_ONCE, SLOW_KEY, THREADS, Job, Jobs, numbers, shown_writes
from flyexpr import (
    ConditionFailed,
    Table,
    aio,
    assign,
    batch_write,
    delete_item,
    eq,
    incr,
    lt,
    not_exists,
    put_item,
    query,
    update_item,
)


def jobs(url: str, _: str) -> Jobs:
    """The jobs of flyexpr.aio over its own connections; eight tasks stand for the eight threads."""
    loop = asyncio.new_event_loop()

    def awaited(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Any]:
        return lambda: loop.run_until_complete(ask())

    table = TABLE.on(aio.connect(f"{url}?transport=direct"))
    return _reads(awaited, table) | _writes(awaited, url, table)


def _reads(awaited: Any, table: Table) -> Jobs:
    key = (data.SMALL["pk"], data.SMALL["sk"])

    async def drain() -> None:
        async for _ in aio.run(table, query(eq("pk", f"pages#{FEW}"))):
            pass

    async def kept(count: int) -> list[data.Item]:
        return [item async for item in aio.run(table, query(eq("pk", f"pages#{count}")))]

    async def three() -> list[data.Item]:
        found: list[data.Item] = []
        async for item in aio.run(table, query(eq("pk", f"pages#{data.PAGES}"))):
            found.append(item)
            if len(found) == 3:
                break
        return found

    async def each() -> list[Any]:
        return [await aio.get(table, key) for _ in range(EACH)]

    async def threads() -> list[Any]:
        return [item for items in await asyncio.gather(*(each() for _ in range(THREADS))) for item in items]

    async def at_once() -> list[Any]:
        return await asyncio.gather(*(aio.get(table, SLOW_KEY) for _ in range(AT_ONCE)))

    async def drained() -> int:
        return sum([1 async for _ in aio.run(table, query(eq("pk", "pages#1")))])

    async def pages() -> list[int]:
        return await asyncio.gather(*(drained() for _ in range(PAGES_AT_ONCE)))

    return {
        "pages, 100 at once": Job(awaited(pages)),
        "query pages": Job(awaited(drain), awaited(lambda: kept(FEW))),
        "pages kept": Job(awaited(lambda: kept(data.PAGES))),
        "first three": Job(awaited(three)),
        "get": Job(awaited(lambda: aio.get(table, key))),
        "get, 8 threads": Job(awaited(threads)),
        "get, 1,000 at once": Job(awaited(at_once)),
    }


def _writes(awaited: Any, url: str, table: Table) -> Jobs:
    items, key = data.items(0, 25), ("customer#0001", 7)
    refused = data.SMALL | {"name": "refuse"}

    async def change() -> None:
        condition = eq("status", "open") & lt("visits", next(numbers))
        await aio.update(table, key, assign("status", "closed") + incr("visits", 1), condition=condition)

    async def failed() -> bool:
        try:
            await aio.put(table, refused, condition=not_exists("pk"))
        except ConditionFailed:
            return True
        return False

    async def transaction() -> None:
        change = update_item(("customer#0001", 8), assign("status", "closed"))
        await aio.transact_write(
            [(table, put_item(data.SMALL)), (table, change), (table, delete_item(("customer#0001", 9)))]
        )

    writes = {
        "update": awaited(change),
        "put": awaited(lambda: aio.put(table, items[0])),
        "batch write": awaited(lambda: aio.run(table, batch_write([put_item(item) for item in items]))),
        "transaction": awaited(transaction),
    }
    return {**shown_writes(url, writes), "failed condition": Job(awaited(failed))}
