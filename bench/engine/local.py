"""Engines on this machine: the embedded one, and others that people test against, used through boto3.

    python -m bench.engine.local embedded           prints operations a second, as JSON

The variable FLYEXPR_ENDPOINTS names servers: "name=url name=url". Times are wall times, since a server works in another
process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench import data
from bench.engine.within import PK, Operations, filled, operations_of
from bench.environment import environment
from flyexpr import connect

RATES = ("put", "get", "query", "update")


def engines() -> dict[str, str]:
    """The URLs of the engines that are available, by name."""
    urls = {"embedded": "", "embedded, in memory": ""}
    if importlib.util.find_spec("moto") and importlib.util.find_spec("boto3"):
        urls["moto, in process"] = ""
    if importlib.util.find_spec("boto3"):
        urls |= dict(pair.split("=", 1) for pair in os.environ.get("FLYEXPR_ENDPOINTS", "").split())
    return urls


def rates(rounds: int, seconds: float, chance: random.Random) -> dict[str, dict[str, float]]:
    """Operations (for a query, items) a second, by engine: medians over fresh processes in random order."""
    measured: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for engine in chance.sample(list(engines()), len(engines())):
            command = [sys.executable, "-m", "bench.engine.local", engine, str(seconds)]
            ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
            if ended.returncode:
                print(f"  {engine}: {ended.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
            else:
                measured.setdefault(engine, []).append(json.loads(ended.stdout))
    return {name: {rate: median(one[rate] for one in runs) for rate in RATES} for name, runs in measured.items()}


def _measured(operations: Operations, seconds: float) -> dict[str, float]:
    assert len(operations["get"](0)) == len(data.items(0, 1)[0])
    assert len(operations["query"](0)) == data.PAGE
    return {name: _rate(operations[name], seconds) * (data.PAGE if name == "query" else 1) for name in RATES}


def _rate(operation: Callable[[int], Any], seconds: float) -> float:
    operation(0)
    began, number = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        number += 1
        operation(number)
    return number / spent


def by_boto3(url: str, cleanup: ExitStack) -> Operations:
    """The operations of any other engine, through boto3's resource; `cleanup` deletes the table."""
    import boto3
    from boto3.dynamodb.conditions import Attr, Key

    table = boto3.resource("dynamodb", endpoint_url=url or None).create_table(
        TableName=f"bench-{os.getpid()}",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    cleanup.callback(table.delete)
    table.wait_until_exists()
    items = data.items(0)
    with table.batch_writer() as writer:
        for item in items:
            writer.put_item(Item=item)

    def change(number: int) -> None:
        table.update_item(
            Key={"pk": PK, "sk": number % data.PAGE},
            UpdateExpression="SET #u = :s ADD #v :one",
            ConditionExpression=Attr("name").eq(items[number % data.PAGE]["name"]),
            ExpressionAttributeNames={"#u": "status", "#v": "visits"},
            ExpressionAttributeValues={":s": "closed", ":one": 1},
        )

    return {
        "put": lambda number: table.put_item(Item=items[number % data.PAGE] | {"pk": "other", "sk": number}),
        "get": lambda number: table.get_item(Key={"pk": PK, "sk": number % data.PAGE})["Item"],
        "query": lambda number: table.query(KeyConditionExpression=Key("pk").eq(PK))["Items"],
        "update": change,
    }


def main() -> None:
    engine, seconds = sys.argv[1], float(sys.argv[2])
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        if engine == "embedded":
            operations = operations_of(filled(connect(f"sqlite:{Path(folder, 'items.db')}")))
        elif engine == "embedded, in memory":
            operations = operations_of(filled(connect("sqlite::memory:")))
        else:
            if engine == "moto, in process":
                import moto

                cleanup.enter_context(moto.mock_aws())
            operations = by_boto3(engines()[engine], cleanup)
        print(json.dumps(_measured(operations, seconds)))


if __name__ == "__main__":
    main()
