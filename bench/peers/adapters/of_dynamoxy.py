"""dynamoxy (its core is written in Rust), driven from one event loop for all calls; it needs Python 3.12."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from dynamoxy import Attr, Client, ConditionalCheckFailedError, Credentials, F, Model, partition_key, sort_key
from dynamoxy.testing import memory_client

from bench import data
from bench.peers.jobs import (
    AT_ONCE,
    BATCH,
    EACH,
    FEW,
    PAGES_AT_ONCE,
    SLOW_KEY,
    THREADS,
    Job,
    Jobs,
    numbers,
    shown_writes,
)


def jobs(url: str, _: str) -> Jobs:
    """The jobs of dynamoxy's dict-level table; eight tasks stand for the eight threads."""
    loop = asyncio.new_event_loop()

    def awaited(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Any]:
        return lambda: loop.run_until_complete(ask())

    client = Client(
        region="us-east-1",
        endpoint_url=url,
        credentials=Credentials("key", "secret"),
        consumed_capacity="NONE",
        telemetry=None,
    )
    loop.run_until_complete(client.connect())
    table = client.table("items")
    return _reads(awaited, table) | _writes(awaited, url, table)


def _reads(awaited: Any, table: Any) -> Jobs:
    key = {"pk": data.SMALL["pk"], "sk": data.SMALL["sk"]}
    slow = {"pk": SLOW_KEY[0], "sk": SLOW_KEY[1]}

    async def drain() -> None:
        async for _ in table.query(F("pk") == f"pages#{FEW}"):
            pass

    async def kept(count: int) -> list[data.Item]:
        return [item async for item in table.query(F("pk") == f"pages#{count}")]

    async def three() -> list[data.Item]:
        items: list[data.Item] = []
        async for item in table.query(F("pk") == f"pages#{data.PAGES}"):
            items.append(item)
            if len(items) == 3:
                break
        return items

    async def each() -> list[Any]:
        return [await table.get(key) for _ in range(EACH)]

    async def threads() -> list[Any]:
        return [item for items in await asyncio.gather(*(each() for _ in range(THREADS))) for item in items]

    async def at_once() -> list[Any]:
        return list(await asyncio.gather(*(table.get(slow) for _ in range(AT_ONCE))))

    async def drained() -> int:
        return sum([1 async for _ in table.query(F("pk") == "pages#1")])

    async def pages() -> list[int]:
        return list(await asyncio.gather(*(drained() for _ in range(PAGES_AT_ONCE))))

    return {
        "pages, 100 at once": Job(awaited(pages)),
        "query pages": Job(awaited(drain), awaited(lambda: kept(FEW))),
        "pages kept": Job(awaited(lambda: kept(data.PAGES))),
        "first three": Job(awaited(three)),
        "get": Job(awaited(lambda: table.get(key))),
        "get, 8 threads": Job(awaited(threads)),
        "get, 1,000 at once": Job(awaited(at_once)),
    }


def _writes(awaited: Any, url: str, table: Any) -> Jobs:
    items = data.items(0, BATCH)
    refused = data.SMALL | {"name": "refuse"}

    async def update() -> None:
        condition = (F("status") == "open") & (F("visits") < next(numbers))
        actions = F("status").set("closed"), F("visits").add(1)
        await table.update({"pk": "customer#0001", "sk": 7}, *actions, condition=condition, return_values="NONE")

    async def failed() -> bool:
        try:
            await table.put(refused, condition=F("pk").not_exists())
        except ConditionalCheckFailedError:
            return True
        return False

    writes = {
        "update": awaited(update),
        "put": awaited(lambda: table.put(items[0])),
        "batch write": awaited(lambda: table.batch_write(puts=items)),
    }
    return {**shown_writes(url, writes), "failed condition": Job(awaited(failed))}


class Stored(Model, table="items"):  # type: ignore[misc, call-arg]
    """What the table on the store in memory is made from."""

    pk: Attr[str] = partition_key()
    sk: Attr[int] = sort_key()


def in_memory(items: list[data.Item], times: int) -> dict[str, float]:
    """Microseconds of CPU that a get and a put take on dynamoxy's store in memory."""

    async def took(ask: Callable[[int], Coroutine[Any, Any, Any]]) -> float:
        for number in range(len(items)):
            await ask(number)
        began = time.process_time()
        for number in range(times):
            await ask(number)
        return (time.process_time() - began) / times * 1e6

    async def measured() -> dict[str, float]:
        async with memory_client(consumed_capacity="NONE", telemetry=None) as client:
            await client.create_tables(Stored)
            table = client.table("items")
            put = await took(lambda number: table.put(items[number % len(items)] | {"sk": number}))
            get = await took(lambda number: table.get({"pk": items[0]["pk"], "sk": number % len(items)}))
            return {"get": get, "put": put}

    return asyncio.run(measured())
