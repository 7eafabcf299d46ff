"""A new index is filled in portions: nobody waits for all of it, and nobody ever reads the half of it."""

import errno
import json
import os
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from embedded import TABLE, Clock, key
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file import connections
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations import fills

FILLS = "flyexpr.engines.sqlite.operations.fills."
ITEMS = 12
INDEX = {
    "IndexName": "by_x",
    "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
CREATE = {
    "TableName": "tab",
    "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
    "GlobalSecondaryIndexUpdates": [{"Create": INDEX}],
}
EXPIRE = {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": "exp", "Enabled": True}}
SCAN = {"TableName": "tab", "IndexName": "by_x"}


@pytest.fixture
def path(tmp_path: Path) -> str:
    place = str(tmp_path / "tables.db")
    with SqliteEngine(place) as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(ITEMS):
            put(engine, sort)
    return place


@pytest.fixture
def by_single_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every portion is one item."""
    monkeypatch.setattr(FILLS + "PORTION_SECONDS", 0.0)
    monkeypatch.setattr(FILLS + "PORTION_ITEMS", 1)
    monkeypatch.setattr(FILLS + "PAUSE_SECONDS", 0.0)


def put(engine: SqliteEngine, sort: int, x: str = "v") -> None:
    item = {**key(sort), "x": {"S": x}, "exp": {"N": "1800000005"}}
    call(engine, "PutItem", {"TableName": "tab", "Item": item})


def between(monkeypatch: pytest.MonkeyPatch, ask: Callable[[int], None]) -> list[int]:
    """Ask something in the pause after each portion; gives how many portions there were."""
    portions: list[int] = []

    def pause(seconds: float) -> None:
        portions.append(len(portions))
        ask(len(portions))

    monkeypatch.setattr(FILLS + "time", pausing(pause))
    return portions


def pausing(pause: Callable[[float], None]) -> SimpleNamespace:
    """The module `time`, for one module of the engine, with other pauses."""
    return SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=pause)


def state(engine: SqliteEngine) -> tuple[str, bool]:
    """The status of the new index, and whether it is being filled."""
    table = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
    (index,) = [one for one in table["GlobalSecondaryIndexes"] if one["IndexName"] == "by_x"]
    return index["IndexStatus"], index.get("Backfilling", False)


def test_a_small_table_is_filled_at_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    portions = between(monkeypatch, lambda number: None)
    with SqliteEngine(path) as engine:
        call(engine, "UpdateTable", CREATE)
        assert (portions, state(engine), call(engine, "Scan", SCAN)["Count"]) == ([], ("ACTIVE", False), ITEMS)


@pytest.mark.parametrize("place", ["file", "memory"])
def test_an_index_appears_whole(path: str, monkeypatch: pytest.MonkeyPatch, by_single_items: None, place: str) -> None:
    """While it is filled, this engine and another see one that is being created; writes go into it all the same."""
    with SqliteEngine(path if place == "file" else ":memory:") as engine, SqliteEngine(path) as second:
        if place == "memory":
            call(engine, "CreateTable", TABLE)
            for sort in range(ITEMS):
                put(engine, sort)
        other = second if place == "file" else engine

        def ask(number: int) -> None:
            for one in (engine, other):
                assert state(one) == ("CREATING", True)
                with raises(
                    DynamoError, "ValidationException: Cannot read from backfilling global secondary index: by_x"
                ):
                    call(one, "Scan", SCAN)
                query = {"KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": "v"}}}
                with raises(
                    DynamoError, "ValidationException: Cannot read from backfilling global secondary index: by_x"
                ):
                    call(one, "Query", {**SCAN, **query})
                assert call(one, "Scan", {"TableName": "tab"})["Count"] >= ITEMS - 6
            if number <= 6:
                put(other, 100 + number)
                put(engine, number, "moved")
                call(other, "DeleteItem", {"TableName": "tab", "Key": key(number)})

        portions = between(monkeypatch, ask)
        call(engine, "UpdateTable", CREATE)
        assert len(portions) >= 6
        for one in (engine, other):
            assert state(one) == ("ACTIVE", False)
            assert sorted(map(json.dumps, call(one, "Scan", SCAN)["Items"])) == sorted(
                map(json.dumps, call(one, "Scan", {"TableName": "tab"})["Items"])
            )


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("UpdateTable", CREATE, "Attempt to change a resource which is still in use: Table is being updated: tab"),
    ("UpdateTimeToLive", EXPIRE, "Attempt to change a resource which is still in use: Table is being updated: tab"),
    (
        "DeleteTable",
        {"TableName": "tab"},
        "Cannot delete table while indexes are being created, updated, or deleted",
    ),
]


@pytest.mark.parametrize("operation, request_, message", REFUSED, ids=[operation for operation, _, _ in REFUSED])
def test_a_table_that_is_being_filled_is_in_use(
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    by_single_items: None,
    operation: str,
    request_: dict[str, Any],
    message: str,
) -> None:
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:

        def ask(number: int) -> None:
            for one in (engine, other):
                with pytest.raises(DynamoError) as error:
                    call(one, operation, request_)
                assert (error.value.code, error.value.message) == ("ResourceInUseException", message)

        portions = between(monkeypatch, ask)
        call(engine, "UpdateTable", CREATE)
        assert portions
        assert state(other) == ("ACTIVE", False)


@pytest.mark.parametrize("operation, request_, message", REFUSED, ids=[operation for operation, _, _ in REFUSED])
def test_a_fill_that_begins_just_before_a_change_is_seen_by_it(
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    by_single_items: None,
    operation: str,
    request_: dict[str, Any],
    message: str,
) -> None:
    """Another engine begins to fill an index after this one has looked, and before it has the lock."""
    between(monkeypatch, ended)
    monkeypatch.setattr(FILLS + "_take_back", lambda *_: None)
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:

        def look(storage: Any, name: str) -> bool:
            is_filled = fills.finish_abandoned(storage, name)
            monkeypatch.setattr(f"{room}.finish_abandoned", fills.finish_abandoned)
            with pytest.raises(DynamoError, match="a defect of the engine"):
                call(other, "UpdateTable", CREATE)
            return is_filled

        room = "flyexpr.engines.sqlite.operations." + ("ttl" if operation == "UpdateTimeToLive" else "tables")
        monkeypatch.setattr(f"{room}.finish_abandoned", look)
        with pytest.raises(DynamoError) as error:
            call(engine, operation, request_)
        assert (error.value.code, error.value.message) == ("ResourceInUseException", message)
        assert state(engine) == ("CREATING", True)  # what the other engine has begun is still there
        monkeypatch.setattr(FILLS + "ABANDONED_SECONDS", 0.0)
        between(monkeypatch, lambda number: None)
        assert state(engine) == ("ACTIVE", False)
        assert call(engine, "Scan", SCAN)["Count"] == ITEMS


def test_a_time_to_live_is_filled_in_portions_too(
    path: str, monkeypatch: pytest.MonkeyPatch, by_single_items: None
) -> None:
    clock = Clock()
    with SqliteEngine(path, clock=clock) as engine, SqliteEngine(path) as other:

        def ask(number: int) -> None:
            told = call(other, "DescribeTimeToLive", {"TableName": "tab"})["TimeToLiveDescription"]
            assert told == {"TimeToLiveStatus": "ENABLING", "AttributeName": "exp"}
            if number < 4:
                put(other, 100 + number)

        portions = between(monkeypatch, ask)
        call(engine, "UpdateTimeToLive", EXPIRE)
        assert len(portions) >= ITEMS - 1
        told = call(other, "DescribeTimeToLive", {"TableName": "tab"})["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "exp"}
        clock.now += 60
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 0


class EndedError(Exception):
    """Ends a fill in the middle."""


def ended(number: int) -> None:
    if number == 3:
        raise EndedError


@pytest.mark.parametrize(
    "operation, request_", [("UpdateTable", CREATE), ("UpdateTimeToLive", EXPIRE)], ids=["index", "time to live"]
)
def test_a_fill_that_fails_is_taken_back(
    path: str, monkeypatch: pytest.MonkeyPatch, by_single_items: None, operation: str, request_: dict[str, Any]
) -> None:
    with SqliteEngine(path) as engine:
        before = stores(engine), call(engine, "DescribeTable", {"TableName": "tab"})
        portions = between(monkeypatch, ended)
        with raises(
            DynamoError,
            f"InternalServerError: {path}: a defect of the engine (EndedError); nothing of the request was written",
        ):
            call(engine, operation, request_)
        assert len(portions) == 3
        assert (stores(engine), call(engine, "DescribeTable", {"TableName": "tab"})) == before
        between(monkeypatch, lambda number: None)
        call(engine, operation, request_)  # and can be had again


def stores(engine: SqliteEngine) -> list[bytes]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in engine._storage.connection.execute(query)]


@pytest.fixture
def left(path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file whose index an engine has left half filled, long ago."""
    with monkeypatch.context() as patch, SqliteEngine(path) as engine:
        patch.setattr(FILLS + "PORTION_SECONDS", 0.0)
        patch.setattr(FILLS + "PORTION_ITEMS", 1)
        patch.setattr(FILLS + "PAUSE_SECONDS", 0.0)
        between(patch, ended)
        patch.setattr(FILLS + "_take_back", lambda *_: None)
        with pytest.raises(DynamoError):
            call(engine, "UpdateTable", CREATE)
    monkeypatch.setattr(FILLS + "ABANDONED_SECONDS", 1000.0)
    with SqliteEngine(path) as engine:
        assert state(engine) == ("CREATING", True)  # for the engine might still be at work
        put(engine, 50)
    monkeypatch.setattr(FILLS + "ABANDONED_SECONDS", 0.0)
    return path


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("DescribeTable", {"TableName": "tab"}),
    ("Scan", SCAN),
    (
        "Query",
        {**SCAN, "KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": "v"}}},
    ),
    ("ExecuteStatement", {"Statement": "SELECT * FROM tab.by_x WHERE x = 'v'"}),
    ("UpdateTable", {"TableName": "tab", "DeletionProtectionEnabled": False}),
    ("UpdateTimeToLive", EXPIRE),
    ("DescribeTimeToLive", {"TableName": "tab"}),
]


@pytest.mark.parametrize("operation, request_", ASKED, ids=[operation for operation, _ in ASKED])
def test_what_an_engine_has_left_half_filled_is_finished_by_whoever_asks(
    left: str, operation: str, request_: dict[str, Any]
) -> None:
    with SqliteEngine(left) as engine:
        answer = call(engine, operation, request_)
        if operation in ("Query", "Scan"):
            assert answer["Count"] == ITEMS + 1
        if operation == "ExecuteStatement":
            assert len(answer["Items"]) == ITEMS + 1
        assert state(engine) == ("ACTIVE", False)
        assert call(engine, "Scan", SCAN)["Count"] == ITEMS + 1


def test_an_engine_that_only_reads_leaves_it_half_filled(left: str) -> None:
    with SqliteEngine(left, mode="ro") as engine:
        assert state(engine) == ("CREATING", True)
        with raises(DynamoError, "ValidationException: Cannot read from backfilling global secondary index: by_x"):
            call(engine, "Scan", SCAN)
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] > 0
        assert state(engine) == ("CREATING", True)


def test_a_table_whose_index_was_left_half_filled_can_be_deleted(left: str) -> None:
    with SqliteEngine(left) as engine:
        call(engine, "DeleteTable", {"TableName": "tab"})
        assert stores(engine) == [b"catalog", b"catalog_version", b"resources", b"shards", b"tokens"]


def test_two_engines_may_fill_at_once(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One was only stopped, and goes on while the other has taken over: each does the next portion."""
    monkeypatch.setattr(FILLS + "PORTION_SECONDS", 0.0)
    monkeypatch.setattr(FILLS + "PORTION_ITEMS", 1)
    monkeypatch.setattr(FILLS + "PAUSE_SECONDS", 0.0)
    with SqliteEngine(left) as one, SqliteEngine(left) as other:
        threads = [threading.Thread(target=state, args=(engine,)) for engine in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert call(one, "Scan", SCAN)["Count"] == call(other, "Scan", SCAN)["Count"] == ITEMS + 1


def test_a_writer_that_appends_items_does_not_stay_ahead(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a portion may have no time at all, and a hundred items come before the next one."""
    monkeypatch.setattr(FILLS + "PORTION_SECONDS", 0.0)
    pauses: list[float] = []
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        for sort in range(1000):
            call(engine, "PutItem", {"TableName": "tab", "Item": {**key(sort, "many"), "x": {"S": "v"}}})

        def append(seconds: float) -> None:
            pauses.append(seconds)
            assert len(pauses) < 50
            for sort in range(100):
                item = {**key(1000 + 100 * len(pauses) + sort, "many"), "x": {"S": "v"}}
                call(other, "PutItem", {"TableName": "tab", "Item": item})

        monkeypatch.setattr(FILLS + "time", SimpleNamespace(sleep=append, time=time.time, monotonic=time.monotonic))
        call(engine, "UpdateTable", CREATE)
        monkeypatch.undo()
        assert len(pauses) > 5
        assert call(engine, "Scan", {**SCAN, "Select": "COUNT"})["Count"] == 1000 + ITEMS + 100 * len(pauses)


def test_another_writer_has_its_turn_between_two_portions(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process writes over and over while an index is filled by portions of several items."""
    monkeypatch.setattr(FILLS + "PORTION_SECONDS", 0.002)
    with SqliteEngine(path) as engine:
        for start in range(0, 3000, 25):
            items = [{**key(start + sort, "many"), "x": {"S": "v"}} for sort in range(25)]
            call(engine, "BatchWriteItem", {"RequestItems": {"tab": [{"PutRequest": {"Item": one}} for one in items]}})
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        call(engine, "UpdateTable", CREATE)
        told, _ = writer.communicate()
        during = int(told)
        assert writer.returncode == 0
        assert during > 5
        assert call(engine, "Scan", {**SCAN, "Select": "COUNT"})["Count"] == 3000 + ITEMS + during


@pytest.mark.parametrize("items, size", [(60, 10), (12, 20_000)], ids=["small items", "large items"])
def test_only_the_engine_that_fills_an_index_copies_the_log(
    path: str, monkeypatch: pytest.MonkeyPatch, items: int, size: int
) -> None:
    """Another engine writes at the worst moments: after a portion, while the log is copied, before it is begun anew.

    Its commit would copy a log of 120 pages, and never finds one.
    """
    monkeypatch.setattr(FILLS + "PORTION_SECONDS", 0.0 if size < 100 else 1000.0)
    monkeypatch.setattr(FILLS + "PORTION_ITEMS", 1)
    monkeypatch.setattr(FILLS + "PORTION_BYTES", 25_000)
    monkeypatch.setattr(FILLS + "PAUSE_SECONDS", 0.0)
    for room in ("files", "open_file"):
        monkeypatch.setattr(f"flyexpr.engines.sqlite.disk.file.{room}.LOG_PAGES", 120)
    copy_log, restart_log, lengths, restarts = Storage.copy_log, Storage.restart_log, list[int](), list[int]()
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        for sort in range(items):
            item = {**key(sort, "many"), "x": {"S": "v"}, "pad": {"S": "p" * size}}
            call(engine, "PutItem", {"TableName": "tab", "Item": item})

        def put_beside() -> None:
            length, copied = log(path)
            put(other, 0, f"v{len(lengths)}")
            assert log(path)[1] in (0, copied)  # 0 where it has begun the log anew
            lengths.append(length)

        def copy_disturbed(storage: Storage) -> bool:
            put_beside()
            execute = storage._execute

            def disturbed(statement: str) -> Any:
                if "PASSIVE" not in statement:
                    return execute(statement)
                with closing(sqlite3.connect(path, isolation_level=None)) as reader:
                    reader.execute("BEGIN")  # it keeps the put from beginning the log anew, as a copy under way does
                    reader.execute("SELECT count(*) FROM catalog").fetchall()
                    rows = execute(statement).fetchall()
                    put_beside()
                return rows

            storage._execute = disturbed  # type: ignore[method-assign]
            is_long = copy_log(storage)
            storage._execute = execute  # type: ignore[method-assign]
            return is_long

        def restart_disturbed(storage: Storage) -> None:
            put_beside()
            restart_log(storage)
            restarts.append(log(path)[1])

        engine._storage.copy_log()  # what the puts have added
        monkeypatch.setattr(Storage, "copy_log", copy_disturbed)
        monkeypatch.setattr(Storage, "restart_log", restart_disturbed)
        call(engine, "UpdateTable", CREATE)
        assert 30 < max(lengths) < 120
        assert restarts
        assert call(engine, "Scan", {**SCAN, "Select": "COUNT"})["Count"] == items + ITEMS


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no descriptors are shown")
@pytest.mark.parametrize(
    "errors, tries",
    [([], 1), ([errno.EBADF], 2), ([errno.EBADF, errno.EIO], 2)],
    ids=["kept", "one is closed", "the disk fails"],
)
def test_what_is_copied_of_a_long_log_reaches_the_disk_before_it_is_begun_anew(
    path: str, monkeypatch: pytest.MonkeyPatch, errors: list[int], tries: int
) -> None:
    """Both connections have a descriptor of the file; one may be closed by another thread at any moment."""
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        if len(synced) <= len(errors):
            raise OSError(errors[len(synced) - 1], "failed")

    with SqliteEngine(path) as engine, engine._storage.beside() as beside:
        put(engine, ITEMS)
        monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.files.sync_file", sync)
        assert not beside.copy_log()
        assert not synced
        monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.open_file.LOG_PAGES", 0)
        if errno.EIO in errors:
            with pytest.raises(OSError, match="failed"):
                beside.copy_log()
        else:
            assert beside.copy_log()
        assert synced == [os.stat(path).st_ino] * tries


def log(path: str) -> tuple[int, int]:
    """How many pages the log of a file has, and how many of them are copied: https://www.sqlite.org/walformat.html"""
    with open(path + "-shm", "rb") as index:
        fields = struct.unpack("=25I", index.read(100))
    return fields[4], fields[24]


WRITER = """
import json, os, select, sys
from flyexpr.engines.sqlite import SqliteEngine
engine, number = SqliteEngine(sys.argv[1]), 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.0005)[0]:  # a busy system stops it here, and not while it has the lock
    item = {"pk": {"S": "other"}, "sk": {"N": str(number)}, "x": {"S": "v"}}
    engine("PutItem", json.dumps({"TableName": "tab", "Item": item}).encode())
    number += 1
print(number)
"""


VECTORS = {
    "TableName": "tab",
    "VectorIndexUpdates": [
        {
            "Create": {
                "IndexName": "by_v",
                "VectorAttribute": {"AttributeName": "v"},
                "Dimensions": 2,
                "DistanceFunction": "EUCLIDEAN",
                "Projection": {"ProjectionType": "ALL"},
            }
        }
    ],
}
FILLER = """
import json, sys, time
from types import SimpleNamespace
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.operations import fills
fills.PORTION_SECONDS, fills.PORTION_ITEMS = 0.0, 1
fills.time = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=lambda _: print("portion", flush=True))
SqliteEngine(sys.argv[1])("UpdateTable", sys.argv[2].encode())
"""


def vector_item(sort: int, *vector: int) -> dict[str, Any]:
    return {"Item": {**key(sort, "vectors"), "v": {"L": [{"N": str(number)} for number in vector]}}}


@pytest.mark.parametrize("portions", [1, 9, 40, 70])
def test_a_vector_index_and_its_table_agree_after_a_kill_in_the_middle_of_the_fill(
    path: str, monkeypatch: pytest.MonkeyPatch, portions: int
) -> None:
    """Items of both halves are written, moved and deleted before another engine fills the rest."""
    with SqliteEngine(path) as engine:
        for sort in range(60):
            call(engine, "PutItem", {"TableName": "tab", **vector_item(sort, sort, 1)})
        filler = [sys.executable, "-c", FILLER, path, json.dumps(VECTORS)]
        with subprocess.Popen(filler, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(portions):
                assert process.stdout.readline() == "portion\n"
            process.kill()
        monkeypatch.setattr(FILLS + "ABANDONED_SECONDS", 1000.0)
        search = {"TableName": "tab", "IndexName": "by_v", "SearchVector": [{"N": "0"}, {"N": "0"}], "TopK": 100}
        search["ProjectionExpression"] = "pk, sk, v"
        with raises(DynamoError, "ValidationException: Cannot search backfilling vector index: by_v"):
            call(engine, "SearchVectors", search)
        for sort in (0, 30):
            call(engine, "PutItem", {"TableName": "tab", **vector_item(sort, 100 + sort, 2)})
            call(engine, "DeleteItem", {"TableName": "tab", "Key": key(sort + 1, "vectors")})
        call(engine, "PutItem", {"TableName": "tab", **vector_item(500, 7, 7)})
    monkeypatch.setattr(FILLS + "ABANDONED_SECONDS", 0.0)
    with SqliteEngine(path) as engine:
        found = {
            each["Item"]["sk"]["N"]: [float(number["N"]) for number in each["Item"]["v"]["L"]]
            for each in call(engine, "SearchVectors", search)["SearchResults"]
        }
        stored = {
            item["sk"]["N"]: [float(number["N"]) for number in item["v"]["L"]]
            for item in call(engine, "Scan", {"TableName": "tab"})["Items"]
            if "v" in item
        }
        assert found == stored
        assert len(stored) == 59
        (index,) = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]["VectorIndexes"]
        assert (index["IndexStatus"], index["ItemCount"], "Backfilling" in index) == ("ACTIVE", 59, False)


def test_counting_a_large_table_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.storage.COUNT_ROWS", 5)
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(ITEMS):
            put(engine, sort)
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            engine("PutItem", json.dumps({"TableName": "tab", "Item": key(1)}).encode())

        monkeypatch.setattr("flyexpr.engines.sqlite.disk.storage.time", pausing(pause))
        table = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
        assert table["ItemCount"] == ITEMS
        assert len(pauses) >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_in_the_middle_of_a_fill(path: str, monkeypatch: pytest.MonkeyPatch, by_single_items: None) -> None:
    """The parent goes on filling; the child sees an index that is being created."""
    with SqliteEngine(path) as engine:

        def ask(number: int) -> None:
            if number == 4:
                child = os.fork()
                if not child:
                    os._exit(state(engine) != ("CREATING", True))
                assert os.waitpid(child, 0)[1] == 0

        between(monkeypatch, ask)
        call(engine, "UpdateTable", CREATE)
        assert call(engine, "Scan", SCAN)["Count"] == ITEMS


def test_the_pause_is_longer_than_a_writers() -> None:
    """So that a writer that waits tries at least once in it."""
    assert connections._LONG < fills.PAUSE_SECONDS < 0.02
    assert fills.PAUSE_SECONDS < fills.PORTION_SECONDS < 0.05 - fills.PAUSE_SECONDS  # at work for most of the time


def test_a_fork_waits_while_the_log_is_copied_and_the_file_is_opened_again(path: str) -> None:
    """SQLite may crash where a fork closes a file that another thread is at work in."""
    free = list[bool]()

    def try_lock(lock: Any) -> None:
        free.append(lock.acquire(blocking=False))
        if free[-1]:
            lock.release()

    def look(statement: str) -> None:
        other = threading.Thread(target=try_lock, args=(beside.lock,))
        other.start()
        other.join()

    with SqliteEngine(path) as engine, engine._storage.beside() as beside:
        beside.connection.set_trace_callback(look)
        beside.copy_log()
        assert free
        assert not any(free)
        beside.leave()  # as a fork does
        beside.copy_log()
        put(engine, ITEMS)
