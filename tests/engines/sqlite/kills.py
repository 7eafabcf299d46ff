"""Kill processes that write to one file, over and over, and hold what is in the file against what they were promised.

    python kills.py FILE KILLS SEED

Three processes are at work at any time, each in a partition of its own, and each tells over a pipe how many of its
operations were acknowledged. What the n-th operation is depends on n alone. So after a kill the partition must hold
what the acknowledged operations leave in an engine in memory, or those and one more: the one that was being answered.

A fourth makes an index and drops it, over and over, and is killed too. Whatever it leaves, an index that can be read
equals its table.
"""

import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

from embedded import TABLE

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.operations import fills

WORKERS = 3
ALL, UPDATES = {"ProjectionType": "ALL"}, "GlobalSecondaryIndexUpdates"
COUNTER = {
    "TableName": "tab",
    "Key": {"pk": {"S": "counter"}, "sk": {"N": "0"}},
    "UpdateExpression": "ADD n :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}


def operation(partition: str, number: int) -> tuple[str, dict[str, Any]]:
    """The operation with this number: puts, updates that move index entries, deletes, transactions and batches."""

    def item(sort: int) -> dict[str, Any]:
        group, local = {"S": f"{partition}-{number % 3}"}, {"B": f"AA{'AEIM'[number % 4]}="}
        return {**key(sort), "gk": group, "lk": local, "x": {"N": str(number)}, "pad": {"S": "x" * (number % 900)}}

    def key(sort: int) -> dict[str, Any]:
        return {"pk": {"S": partition}, "sk": {"N": str(sort)}}

    match number % 6:
        case 0 | 1:
            return "PutItem", {"TableName": "tab", "Item": item(number % 11)}
        case 2:
            update = "SET gk = :g, x = if_not_exists(x, :one) + :one REMOVE lk"
            values = {":g": {"S": f"{partition}-{number % 4}"}, ":one": {"N": "1"}}
            request = {"Key": key(number % 7), "UpdateExpression": update, "ExpressionAttributeValues": values}
            return "UpdateItem", {"TableName": "tab", **request}
        case 3:
            return "DeleteItem", {"TableName": "tab", "Key": key(number % 5)}
        case 4:
            puts: list[Any] = [{"Put": {"TableName": "tab", "Item": item(20 + sort)}} for sort in range(3)]
            return "TransactWriteItems", {
                "TransactItems": [*puts, {"Delete": {"TableName": "tab", "Key": key(number % 3)}}]
            }
    return "BatchWriteItem", {"RequestItems": {"tab": [{"PutRequest": {"Item": item(30 + sort)}} for sort in range(4)]}}


def work(path: str, partition: str, told: int) -> None:
    """Write until killed."""
    with SqliteEngine(path) as engine:
        number = 0
        while True:
            call(engine, *operation(partition, number))
            number += 1
            os.write(told, b".")  # one byte for each acknowledged operation, and one for the counter
            call(engine, "UpdateItem", COUNTER)
            os.write(told, b"+")


def alter(path: str, partition: str, told: int) -> None:
    """Make an index of x in small portions, and drop it, until killed."""
    fills.PORTION_SECONDS, fills.PORTION_ITEMS, fills.PAUSE_SECONDS, fills.ABANDONED_SECONDS = 0.001, 1, 0.001, 0.0
    create = {"IndexName": "by_x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": ALL}
    kinds = {"AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "N"}]}
    with SqliteEngine(path) as engine:
        while True:
            for change in ({**kinds, UPDATES: [{"Create": create}]}, {UPDATES: [{"Delete": {"IndexName": "by_x"}}]}):
                with contextlib.suppress(DynamoError):  # it is there, or gone, as one that was killed has left it
                    call(engine, "UpdateTable", {"TableName": "tab", **change})
                    os.write(told, b".")


class Worker:
    """A process that is at work, from outside."""

    def __init__(self, path: str, partition: str, do: Callable[[str, str, int], None] = work) -> None:
        self.partition = partition
        self.told, end = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.told)
            do(path, partition, end)
        os.close(end)

    def kill(self) -> tuple[int, int]:
        """Kill it; how many operations, and how many increments of the counter, it was promised."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        told = b""
        while more := os.read(self.told, 65536):
            told += more
        os.close(self.told)
        return told.count(b"."), told.count(b"+")


def contents(engine: SqliteEngine, partition: str) -> list[Any]:
    """What the table and both indexes hold of a partition."""
    request = {"TableName": "tab", "ExpressionAttributeValues": {":p": {"S": partition}}}
    groups = [
        call(
            engine,
            "Query",
            {
                "TableName": "tab",
                "IndexName": "by_g",
                "KeyConditionExpression": "gk = :g",
                "ExpressionAttributeValues": {":g": {"S": f"{partition}-{group}"}},
            },
        )["Items"]
        for group in range(4)
    ]
    whole = [
        call(engine, "Query", {**request, **index, "KeyConditionExpression": "pk = :p"})["Items"]
        for index in ({}, {"IndexName": "by_l"})
    ]
    return [whole, groups]


def check_partition(path: str, partition: str, acknowledged: int) -> None:
    """Nothing that was acknowledged is missing, no operation is half done, and no index out of step."""
    with SqliteEngine(":memory:") as model:
        call(model, "CreateTable", TABLE)
        for number in range(acknowledged):
            call(model, *operation(partition, number))
        promised = contents(model, partition)
        call(model, *operation(partition, acknowledged))
        answering = contents(model, partition)
    with SqliteEngine(path) as engine:
        found = contents(engine, partition)
    if found not in (promised, answering):
        raise SystemExit(f"{partition}: {acknowledged} operations were acknowledged, and not all of them are there")


def check_index(path: str) -> int:
    """The new index, if there is one that can be read, holds what its table holds; how many entries that is."""
    with SqliteEngine(path) as engine:
        table = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
        if all(index["IndexName"] != "by_x" for index in table["GlobalSecondaryIndexes"]):
            return 0
        held, there = (whole(engine, **index) for index in ({"IndexName": "by_x"}, {}))
    if held != [item for item in there if '"x": {' in item]:
        raise SystemExit(f"an index of {len(held)} entries differs from its table")
    return len(held)


def whole(engine: SqliteEngine, **index: str) -> list[str]:
    """All items of the table or of an index, as text, in some order of their own."""
    items, start = [], {}
    while not items or start:
        page = call(engine, "Scan", {"TableName": "tab", **index, **start})
        items += page["Items"]
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else {}
        if not items and not start:
            break
    return sorted(json.dumps(item, sort_keys=True) for item in items)


def check_file(path: str, increments: int, kills: int) -> None:
    """The counter has every promised increment, and SQLite finds no fault with the file."""
    with SqliteEngine(path) as engine:
        counted = int(call(engine, "GetItem", {"TableName": "tab", "Key": COUNTER["Key"]})["Item"]["n"]["N"])
    if not increments <= counted <= increments + kills:
        raise SystemExit(f"{increments} increments were acknowledged, {counted} are there")
    connection = sqlite3.connect(path)
    ((verdict,),) = connection.execute("PRAGMA integrity_check")
    connection.close()
    if verdict != "ok":
        raise SystemExit(verdict)


def main(path: str, kills: int, seed: int) -> None:
    chance, names = random.Random(seed), iter(range(10**9))
    with SqliteEngine(path) as engine:
        call(engine, "CreateTable", TABLE)
    fills.ABANDONED_SECONDS = 0.0  # what one that was killed has left is finished at once
    workers = [Worker(path, f"w{next(names)}") for _ in range(WORKERS)]
    operations = increments = altered = entries = 0
    for number in range(kills + WORKERS):
        altering = Worker(path, "", alter) if number < kills else None
        time.sleep(chance.random() * 0.05)  # so that some are killed while they open the file
        worker = workers.pop(chance.randrange(len(workers)))
        acknowledged, incremented = worker.kill()
        check_partition(path, worker.partition, acknowledged)
        operations, increments = operations + acknowledged, increments + incremented
        if altering is not None:
            altered += altering.kill()[0]
            workers.append(Worker(path, f"w{next(names)}"))
    for _ in range(kills):  # without the others, so that the index and its table stand still while they are compared
        entries += check_index(path)
        altering = Worker(path, "", alter)
        time.sleep(chance.random() * 0.1)
        altered += altering.kill()[0]
    check_file(path, increments, kills + WORKERS)
    told = {"kills": kills + WORKERS, "acknowledged": operations + increments, "altered": altered, "entries": entries}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
