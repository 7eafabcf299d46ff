"""AWS's own SDK for asyncio, aws-sdk-dynamodb, driven from one event loop for all calls; it needs Python 3.12."""

from __future__ import annotations

import asyncio
from typing import Any

from aws_sdk_dynamodb import models
from aws_sdk_dynamodb.client import AsyncDynamoDBClient
from aws_sdk_dynamodb.config import AsyncDynamoDBConfig

from bench import data
from bench.peers.jobs import AT_ONCE, SLOW_KEY, Job, Jobs


def jobs(url: str, _: str) -> Jobs:
    """GetItem, alone and a thousand at once; the client returns objects of AttributeValue."""
    loop = asyncio.new_event_loop()

    async def connect() -> Any:
        config = await AsyncDynamoDBConfig.resolve(
            region="us-east-1", endpoint_uri=url, aws_access_key_id="key", aws_secret_access_key="secret"
        )
        return AsyncDynamoDBClient(config)

    client = loop.run_until_complete(connect())

    async def get(pk: Any, sk: Any) -> Any:
        key = {"pk": models.AttributeValueS(pk), "sk": models.AttributeValueN(str(sk))}
        return (await client.get_item(models.GetItemInput(table_name="items", key=key))).item

    async def one() -> Any:
        return await get(data.SMALL["pk"], data.SMALL["sk"])

    async def at_once() -> list[Any]:
        return await asyncio.gather(*(get(*SLOW_KEY) for _ in range(AT_ONCE)))

    async def shown(count: int) -> Any:
        items = [_plain(item) for item in (await at_once() if count > 1 else [await one()])]
        return items if count > 1 else items[0]

    return {
        "get": Job(lambda: loop.run_until_complete(one()), lambda: loop.run_until_complete(shown(1))),
        "get, 1,000 at once": Job(
            lambda: loop.run_until_complete(at_once()), lambda: loop.run_until_complete(shown(AT_ONCE))
        ),
    }


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in item.items()}


def _value(value: Any) -> Any:
    match type(value).__name__.removeprefix("AttributeValue"):
        case "N":
            return float(value.value)
        case "L":
            return [_value(member) for member in value.value]
        case "M":
            return _plain(value.value)
        case "SS" | "NS" | "BS":
            return set(value.value)
        case "NULL":
            return None
        case _:
            return value.value
