"""aiodynamo on aiohttp, driven from one event loop for all calls; numbers are floats, its default."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.errors import ConditionalCheckFailed
from aiodynamo.expressions import Condition, F, HashKey, Parameters, UpdateExpression
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchWriteRequest
from aiodynamo.operations import Delete, Put, Update
from aiodynamo.utils import dy2py, py2dy
from aiohttp import ClientSession
from yarl import URL

from bench import data
from bench.peers import micro
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
    """The jobs of aiodynamo; eight tasks stand for the eight threads."""
    loop = asyncio.new_event_loop()

    async def client() -> Client:
        keys = StaticCredentials(Key("key", "secret"))
        return Client(AIOHTTP(ClientSession()), keys, "us-east-1", endpoint=URL(url))

    def awaited(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Any]:
        return lambda: loop.run_until_complete(ask())

    table = loop.run_until_complete(client()).table("items")
    return _reads(awaited, table) | _writes(awaited, url, table) | _micro()


def _reads(awaited: Any, table: Any) -> Jobs:
    key = {"pk": data.SMALL["pk"], "sk": data.SMALL["sk"]}

    def pages(count: int) -> AsyncIterator[data.Item]:
        found: AsyncIterator[data.Item] = table.query(HashKey("pk", f"pages#{count}"))
        return found

    async def drain() -> None:
        async for _ in pages(FEW):
            pass

    async def few() -> list[data.Item]:
        return [item async for item in pages(FEW)]

    async def kept() -> list[data.Item]:
        return [item async for item in pages(data.PAGES)]

    async def three() -> list[data.Item]:
        found: list[data.Item] = []
        async for item in pages(data.PAGES):
            found.append(item)
            if len(found) == 3:
                break
        return found

    async def get() -> data.Item:
        item: data.Item = await table.get_item(key)
        return item

    async def each() -> list[data.Item]:
        return [await get() for _ in range(EACH)]

    async def threads() -> list[data.Item]:
        return [item for items in await asyncio.gather(*(each() for _ in range(THREADS))) for item in items]

    async def at_once() -> list[data.Item]:
        slow = {"pk": SLOW_KEY[0], "sk": SLOW_KEY[1]}
        return list(await asyncio.gather(*(table.get_item(slow) for _ in range(AT_ONCE))))

    async def drained() -> int:
        return sum([1 async for _ in pages(1)])

    async def pages_at_once() -> list[int]:
        return list(await asyncio.gather(*(drained() for _ in range(PAGES_AT_ONCE))))

    return {
        "get, 1,000 at once": Job(awaited(at_once)),
        "pages, 100 at once": Job(awaited(pages_at_once)),
        "query pages": Job(awaited(drain), awaited(few)),
        "pages kept": Job(awaited(kept)),
        "first three": Job(awaited(three)),
        "get": Job(awaited(get)),
        "get, 8 threads": Job(awaited(threads)),
    }


def _writes(awaited: Any, url: str, table: Any) -> Jobs:
    items = data.items(0, BATCH)
    refused = data.SMALL | {"name": "refuse"}

    async def update() -> None:
        condition = F("status").equals("open") & F("visits").lt(next(numbers))
        change = F("status").set("closed") & F("visits").add(1)
        await table.update_item({"pk": "customer#0001", "sk": 7}, change, condition=condition)

    async def batch() -> None:
        await table.client.batch_write({"items": BatchWriteRequest(items_to_put=items)})

    async def transaction() -> None:
        change = Update("items", {"pk": "customer#0001", "sk": 8}, F("status").set("closed"))
        removal = Delete("items", {"pk": "customer#0001", "sk": 9})
        await table.client.transact_write_items([Put("items", data.SMALL), change, removal])

    async def failed() -> bool:
        try:
            await table.put_item(refused, condition=F("pk").does_not_exist())
        except ConditionalCheckFailed:
            return True
        return False

    writes = {
        "update": awaited(update),
        "put": awaited(lambda: table.put_item(items[0])),
        "batch write": awaited(batch),
        "transaction": awaited(transaction),
    }
    return {**shown_writes(url, writes), "failed condition": Job(awaited(failed))}


def condition(status: str = "status") -> Condition:
    """Builds the condition that is compiled."""
    return (
        F(status).equals("open")
        & F("visits").between(100, next(numbers))
        & F("name").begins_with("a")
        & (F("deleted_at").does_not_exist() | F("score").gte(8))
        & F("tags").contains("opal")
    )


def _compiled(member: str, expression: Condition | UpdateExpression) -> str:
    names = Parameters()
    return json.dumps({member: expression.encode(names), **names.to_request_payload()})


def _micro() -> Jobs:
    page, unlike, batch = micro.page(), micro.unlike_page(), micro.batch()
    reused = condition()

    def decode(page: bytes) -> list[data.Item]:
        return [dy2py(item, float) for item in json.loads(page)["Items"]]

    def encode() -> bytes:
        puts = [{"PutRequest": {"Item": py2dy(item)}} for item in batch]
        return json.dumps({"RequestItems": {"items": puts}}).encode()

    return {
        "decode": Job(lambda: decode(page)),
        "decode, no two alike": Job(lambda: decode(unlike)),
        "encode": micro.encoding(encode),
        "compile condition": micro.compiling(lambda: _compiled("ConditionExpression", condition())),
        "compile condition, new shape": micro.compiling(
            lambda: _compiled("ConditionExpression", condition(micro.new_name()))
        ),
        "compile condition, reused": micro.compiling(lambda: _compiled("ConditionExpression", reused)),
    }
