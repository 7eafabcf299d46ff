"""boto3's client, which gives and takes wire dicts. They are left as they are, so this is its lowest possible cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import data
from bench.peers import micro
from bench.peers.adapters import botocore_parts
from bench.peers.jobs import BATCH, EACH, FEW, THREADS, Job, Jobs, numbers, shown_writes

decode, encode = TypeDeserializer().deserialize, TypeSerializer().serialize


def jobs(url: str, _: str) -> Jobs:
    """The jobs of boto3's client."""
    client = boto3.client("dynamodb", endpoint_url=url)
    return _reads(client) | _writes(url, client) | _micro()


def decoded(item: dict[str, Any]) -> dict[str, Any]:
    """A wire item as plain values."""
    return {name: decode(value) for name, value in item.items()}


def encoded(item: data.Item) -> dict[str, Any]:
    """An item as a wire dict, with B as bytes."""
    return {name: encode(value) for name, value in item.items()}


def _reads(client: Any) -> Jobs:
    key = {"pk": {"S": data.SMALL["pk"]}, "sk": {"N": str(data.SMALL["sk"])}}

    def pages(count: int) -> Iterator[dict[str, Any]]:
        found = client.get_paginator("query").paginate(
            TableName="items",
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":pk": {"S": f"pages#{count}"}},
        )
        for page in found:
            yield from page["Items"]

    def drain() -> None:
        for _ in pages(FEW):
            pass

    def get() -> dict[str, Any]:
        item: dict[str, Any] = client.get_item(TableName="items", Key=key)["Item"]
        return item

    pool = ThreadPoolExecutor(THREADS)

    def threads() -> list[Any]:
        found = pool.map(lambda _: [get() for _ in range(EACH)], range(THREADS))
        return [item for items in found for item in items]

    return {
        "query pages": Job(drain, lambda: list(map(decoded, pages(FEW)))),
        "pages kept": Job(lambda: list(pages(data.PAGES)), lambda: list(map(decoded, pages(data.PAGES)))),
        "first three": Job(
            lambda: list(islice(pages(data.PAGES), 3)), lambda: list(map(decoded, islice(pages(data.PAGES), 3)))
        ),
        "get": Job(get, lambda: decoded(get())),
        "get, 8 threads": Job(threads, lambda: list(map(decoded, threads()))),
    }


def _writes(url: str, client: Any) -> Jobs:
    items = [encoded(item) for item in data.items(0, BATCH)]
    small = encoded(data.SMALL)
    refused = small | {"name": {"S": "refuse"}}

    def update() -> None:
        client.update_item(
            TableName="items",
            Key={"pk": {"S": "customer#0001"}, "sk": {"N": "7"}},
            UpdateExpression="SET #s = :s ADD #v :one",
            ConditionExpression="#s = :open AND #v < :n",
            ExpressionAttributeNames={"#s": "status", "#v": "visits"},
            ExpressionAttributeValues={
                ":s": {"S": "closed"},
                ":one": {"N": "1"},
                ":open": {"S": "open"},
                ":n": {"N": str(next(numbers))},
            },
        )

    def transaction() -> None:
        change = {
            "TableName": "items",
            "Key": {"pk": {"S": "customer#0001"}, "sk": {"N": "8"}},
            "UpdateExpression": "SET #s = :s",
            "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":s": {"S": "closed"}},
        }
        removal = {"TableName": "items", "Key": {"pk": {"S": "customer#0001"}, "sk": {"N": "9"}}}
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": "items", "Item": small}}, {"Update": change}, {"Delete": removal}]
        )

    def failed() -> bool:
        try:
            client.put_item(TableName="items", Item=refused, ConditionExpression="attribute_not_exists(pk)")
        except client.exceptions.ConditionalCheckFailedException:
            return True
        return False

    puts = [{"PutRequest": {"Item": item}} for item in items]
    writes = shown_writes(
        url,
        {
            "update": update,
            "put": lambda: client.put_item(TableName="items", Item=items[0]),
            "batch write": lambda: client.batch_write_item(RequestItems={"items": puts}),
            "transaction": transaction,
        },
    )
    return {**writes, "failed condition": Job(failed)}


def condition(status: str = "status") -> Any:
    """Builds the condition that is compiled."""
    return (
        Attr(status).eq("open")
        & Attr("visits").between(100, next(numbers))
        & Attr("name").begins_with("a")
        & (Attr("deleted_at").not_exists() | Attr("score").gte(8))
        & Attr("tags").contains("opal")
    )


def compiled(given: Any) -> str:
    """The members of a condition, as JSON."""
    built = ConditionExpressionBuilder().build_expression(given)
    return json.dumps(
        {
            "ConditionExpression": built.condition_expression,
            "ExpressionAttributeNames": built.attribute_name_placeholders,
            "ExpressionAttributeValues": encoded(built.attribute_value_placeholders),
        }
    )


def written_update() -> str:
    """The members of an update, as JSON: boto3 has no builder, so its text is written by hand."""
    given = {":s": "closed", ":zero": 0, ":one": 1, ":v": next(numbers), ":t": {"opal"}}
    return json.dumps(
        {
            "UpdateExpression": "SET #s = :s, #c = if_not_exists(#c, :zero) + :one REMOVE #d ADD #v :v, #t :t",
            "ExpressionAttributeNames": {
                "#s": "status",
                "#c": "score",
                "#d": "deleted_at",
                "#v": "visits",
                "#t": "tags",
            },
            "ExpressionAttributeValues": encoded(given),
        }
    )


def _micro() -> Jobs:
    page, unlike, batch = micro.page(), micro.unlike_page(), micro.batch()
    reused = condition()
    return {
        "decode": Job(lambda: list(map(decoded, botocore_parts.parsed(page)))),
        "decode, no two alike": Job(lambda: list(map(decoded, botocore_parts.parsed(unlike)))),
        "encode": micro.encoding(lambda: botocore_parts.batch(list(map(encoded, batch)))),
        "compile condition": micro.compiling(lambda: compiled(condition())),
        "compile condition, reused": micro.compiling(lambda: compiled(reused)),
        "compile condition, new shape": micro.compiling(lambda: compiled(condition(micro.new_name()))),
        "compile update": micro.compiling(written_update),
        "sign": Job(_signing()),
    }


def _signing() -> Callable[[], bool]:
    signer = SigV4Auth(Credentials("key", "secret"), "dynamodb", "us-east-1")
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem"}

    def sign() -> bool:
        request = AWSRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", dict(headers), micro.body)
        signer.add_auth(request)
        return "Authorization" in request.headers

    return sign
