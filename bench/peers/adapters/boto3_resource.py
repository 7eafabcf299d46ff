"""boto3's resource, which gives and takes plain values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

from bench import data
from bench.peers.jobs import BATCH, FEW, Job, Jobs, numbers, shown_writes


def jobs(url: str, _: str) -> Jobs:
    """The jobs of boto3's resource. It is not safe to share between threads, and has no transactions."""
    table = boto3.resource("dynamodb", endpoint_url=url).Table("items")
    return _reads(table) | _writes(url, table)


def _reads(table: Any) -> Jobs:
    key = {"pk": data.SMALL["pk"], "sk": data.SMALL["sk"]}

    def pages(count: int) -> Iterator[data.Item]:
        found = table.query(KeyConditionExpression=Key("pk").eq(f"pages#{count}"))
        yield from found["Items"]
        while last := found.get("LastEvaluatedKey"):
            found = table.query(KeyConditionExpression=Key("pk").eq(f"pages#{count}"), ExclusiveStartKey=last)
            yield from found["Items"]

    def drain() -> None:
        for _ in pages(FEW):
            pass

    return {
        "query pages": Job(drain, lambda: list(pages(FEW))),
        "pages kept": Job(lambda: list(pages(data.PAGES))),
        "first three": Job(lambda: list(islice(pages(data.PAGES), 3))),
        "get": Job(lambda: table.get_item(Key=key)["Item"]),
    }


def _writes(url: str, table: Any) -> Jobs:
    items = data.items(0, BATCH)
    refused = data.SMALL | {"name": "refuse"}

    def update() -> None:
        table.update_item(
            Key={"pk": "customer#0001", "sk": 7},
            UpdateExpression="SET #u = :s ADD #v :one",
            ConditionExpression=Attr("status").eq("open") & Attr("visits").lt(next(numbers)),
            ExpressionAttributeNames={"#u": "status", "#v": "visits"},
            ExpressionAttributeValues={":s": "closed", ":one": 1},
        )

    def batch() -> None:
        with table.batch_writer() as writer:
            for item in items:
                writer.put_item(Item=item)

    def failed() -> bool:
        try:
            table.put_item(Item=refused, ConditionExpression=Attr("pk").not_exists())
        except table.meta.client.exceptions.ConditionalCheckFailedException:
            return True
        return False

    writes = {"update": update, "put": lambda: table.put_item(Item=items[0]), "batch write": batch}
    return {**shown_writes(url, writes), "failed condition": Job(failed)}
