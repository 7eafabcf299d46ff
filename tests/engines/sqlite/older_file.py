"""The files of `tests/data/format-N.sql`, which engines of their time made with these requests."""

import sqlite3
from itertools import product
from pathlib import Path
from typing import Any

from embedded import TABLE, Clock, key
from streaming import BOTH, OFF, STREAMED

from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

DATA = Path(__file__).parents[2] / "data"
VIEWS = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
SHARDS, SHARD_TIME, STEP = 2, 2000, 600
NUMBERS = ["0", "1", "-1", "12.5", "-100", "1E-130", "9.9E+125", "-" + "9" * 38, "1" + "0" * 36 + "1"]
COUNTS = {
    "TableName": "counts",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in ("nN", "aB", "bS", "cN")],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_several",
            "KeySchema": [
                {"AttributeName": "a", "KeyType": "HASH"},
                {"AttributeName": "b", "KeyType": "HASH"},
                {"AttributeName": "c", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


def fill(engine: SqliteEngine) -> None:
    """Make the tables, their indexes and a time to live, and put items into them."""
    call(engine, "CreateTable", TABLE)
    call(engine, "CreateTable", COUNTS)
    for place, (partition, sort) in enumerate(product(["a", "é\0b", "😀", "A"], NUMBERS)):
        item = {"pk": {"S": partition}, "sk": {"N": sort}, "gk": {"S": f"g{place % 3}"}, "x": {"N": str(place)}}
        extra = {"lk": {"B": "AAD/"}, "exp": {"N": str(1_900_000_000 + place)}} if place % 2 else {}
        call(engine, "PutItem", {"TableName": "tab", "Item": item | extra})
    for place, number in enumerate(NUMBERS):
        item = {"n": {"N": number}, "a": {"B": "AP8A"}, "b": {"S": "\0"}, "c": {"N": NUMBERS[-1 - place]}}
        call(engine, "PutItem", {"TableName": "counts", "Item": item})
    expiry = {"AttributeName": "exp", "Enabled": True}
    call(engine, "UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": expiry})


def fill_streams(engine: SqliteEngine, clock: Clock) -> None:
    """Make streams with many shards: one that goes on, one that was disabled, one whose table is gone; and a backup."""
    for name in ("streamed", "paused", "gone"):
        call(engine, "CreateTable", {**STREAMED, "TableName": name})
        for place in range(12):
            clock.now += STEP
            call(engine, "PutItem", {"TableName": name, "Item": {**key(place, f"p{place % 5}"), "x": {"S": "é"}}})
    for specification in (OFF, BOTH):
        call(engine, "UpdateTable", {"TableName": "paused", "StreamSpecification": specification})
    call(engine, "CreateBackup", {"TableName": "gone", "BackupName": "kept"})
    call(engine, "DeleteTable", {"TableName": "gone"})


def fill_changes(engine: SqliteEngine, clock: Clock) -> None:
    """Make a stream of each view and a table that can be restored, and change items in all ways."""
    call(engine, "CreateTable", {**STREAMED, "TableName": "restorable", "StreamSpecification": OFF})
    recovery = {"PointInTimeRecoveryEnabled": True}
    call(engine, "UpdateContinuousBackups", {"TableName": "restorable", "PointInTimeRecoverySpecification": recovery})
    for view in VIEWS:
        stream = {**BOTH, "StreamViewType": view}
        call(engine, "CreateTable", {**STREAMED, "TableName": view, "StreamSpecification": stream})
    for name in ("restorable", *VIEWS):
        expiry = {"AttributeName": "exp", "Enabled": True}
        call(engine, "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": expiry})
        for place, (partition, number) in enumerate(product(["a", 'é\0"b', "😀"], ["1E-130", "12.5", "-" + "9" * 38])):
            clock.now += STEP
            key = {"pk": {"S": partition}, "sk": {"N": number}}
            last = {"x": {"S": "é"}, "exp": {"N": str(int(clock.now) + 1)}, **dict(reversed(key.items()))}
            for item in ({**key, "x": {"S": "é"}}, last):
                call(engine, "PutItem", {"TableName": name, "Item": item})
            if place % 3:
                call(engine, "DeleteItem", {"TableName": name, "Key": key})
        clock.now += STEP
        call(engine, "ListTables", {})  # and what is left expires


def older_file(path: str, version: int) -> None:
    """The file of an older format, made at a path."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript((DATA / f"format-{version}.sql").read_text(encoding="utf-8"))
    connection.close()


def new_file(path: str, version: int) -> None:
    """The same tables as in the file of an older format, made by the engine of today."""
    clock = Clock()
    with SqliteEngine(path, clock=clock, shards=SHARDS, shard_time=SHARD_TIME) as engine:
        fill(engine)
        if version > 1:  # there were no streams before
            fill_streams(engine, clock)
        if version > 2:
            fill_changes(engine, clock)


def stores(path: str) -> dict[str, list[Any]]:
    """All rows of a file by their stores, in the order of their keys; the numbers of changes in whole milliseconds.

    Where the clock stood still, older engines gave changes numbers that are one apart, and not two.
    """
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}
    connection.close()
    return {name: [tuple(map(_rounded, row)) for row in rows[name]] for name in names}


def _rounded(value: Any) -> Any:
    return value // 1000 if isinstance(value, int) and value > 10**15 else value
