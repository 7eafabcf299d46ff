"""Who waits for whom: readers for nobody, writers only for those who write, and nobody for long work of others."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Clock, key

from flyexpr import DynamoError, Throttled
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file import forks
from flyexpr.engines.sqlite.disk.storage import Storage

NO_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
FILES = "flyexpr.engines.sqlite.disk.file.files."
PUT = {"TableName": "tab", "Item": key(1)}
GET = {"TableName": "tab", "Key": key(1)}
EXPIRE = {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": "exp", "Enabled": True}}


@pytest.fixture
def path(tmp_path: Path) -> str:
    place = str(tmp_path / "tables.db")
    with SqliteEngine(place) as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", PUT)
    return place


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Another connection is writing, for as long as the block lasts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def impatient(path: str) -> SqliteEngine:
    """An engine that does not wait: what would wait is throttled at once."""
    engine: SqliteEngine = connect(f"sqlite:{path}?timeout=0")
    return engine


def test_opening_and_reading_need_no_lock(path: str) -> None:
    with locked(path), impatient(path) as engine:
        assert call(engine, "GetItem", GET) == {"Item": key(1)}
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 1
        assert call(engine, "DescribeTable", {"TableName": "tab"})["Table"]["ItemCount"] == 1


def test_a_write_beside_another_is_throttled_in_the_end(path: str) -> None:
    with impatient(path) as engine:
        with locked(path), pytest.raises(Throttled, match="is locked by another process: database is locked"):
            call(engine, "PutItem", PUT)
        call(engine, "PutItem", PUT)


def test_a_new_file_that_another_makes_is_throttled_too(tmp_path: Path) -> None:
    place = str(tmp_path / "new.db")
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("CREATE TABLE x (y)")
        with pytest.raises(Throttled, match="is locked by another process"):
            impatient(place)
        connection.execute("ROLLBACK")
    SqliteEngine(place).close()


@pytest.mark.parametrize("operation, request_", [("PutItem", PUT), ("GetItem", GET)])
def test_a_file_closed_by_a_fork_is_opened_again_without_a_lock(
    path: str, operation: str, request_: dict[str, Any]
) -> None:
    with impatient(path) as engine:
        engine._storage.leave()  # as a fork does
        with locked(path):
            if operation == "GetItem":
                assert call(engine, operation, request_) == {"Item": key(1)}
            else:
                with pytest.raises(Throttled):
                    call(engine, operation, request_)
        assert call(engine, "GetItem", GET) == {"Item": key(1)}


def test_a_write_has_its_turn_once_the_other_has_ended(path: str) -> None:
    with SqliteEngine(path) as engine:
        with locked(path):
            writer = threading.Thread(target=call, args=(engine, "UpdateItem", GET))
            writer.start()
            time.sleep(0.05)
            # The write waits for another process; a read in this one does not wait for the write.
            assert call(engine, "GetItem", GET) == {"Item": key(1)}
            assert writer.is_alive()
        writer.join(20)
        assert not writer.is_alive()


# Items that have expired


@pytest.fixture
def expiring(path: str) -> Iterator[tuple[SqliteEngine, Clock]]:
    """An engine whose table has 250 items that are to expire in five seconds."""
    clock = Clock()
    with SqliteEngine(path, clock=clock) as engine:
        call(engine, "UpdateTimeToLive", EXPIRE)
        for sort in range(250):
            item = {**key(sort, "old"), "exp": {"N": str(int(clock.now) + 5)}}
            call(engine, "PutItem", {"TableName": "tab", "Item": item})
        yield engine, clock


def count(engine: SqliteEngine) -> int:
    found: int = call(engine, "Scan", {"TableName": "tab", "Select": "COUNT"})["Count"]
    return found


def test_a_read_does_not_wait_to_delete_what_has_expired(path: str, expiring: tuple[SqliteEngine, Clock]) -> None:
    engine, clock = expiring
    clock.now += 60
    with locked(path):
        began = time.monotonic()
        assert call(engine, "GetItem", GET) == {"Item": key(1)}
        assert time.monotonic() - began < 10  # a write would wait for 30
        assert count(engine) == 251
    clock.now += 2
    assert [count(engine) for _ in range(4)] == [151, 51, 1, 1]  # a hundred for each request that comes by


def test_a_clock_that_is_set_back_stops_no_deletion(expiring: tuple[SqliteEngine, Clock]) -> None:
    engine, clock = expiring
    clock.now += 7200
    assert count(engine) == 151
    clock.now -= 3600
    assert [count(engine) for _ in range(3)] == [51, 1, 1]


def test_a_deletion_that_fails_stops_no_request(path: str, expiring: tuple[SqliteEngine, Clock]) -> None:
    engine, clock = expiring
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE items_1 SET item = '?' WHERE item LIKE '%old%'")
        connection.commit()
    call(engine, "CreateTable", {**TABLE, "TableName": "whole"})
    call(engine, "UpdateTimeToLive", {**EXPIRE, "TableName": "whole"})
    call(engine, "PutItem", {"TableName": "whole", "Item": {**key(1), "exp": {"N": str(int(clock.now) + 5)}}})
    clock.now += 60
    assert call(engine, "GetItem", GET) == {"Item": key(1)}
    call(engine, "PutItem", PUT)
    assert call(engine, "Scan", {"TableName": "whole"})["Count"] == 0  # a damaged table stops no other
    with pytest.raises(DynamoError, match="the file is damaged"):
        call(engine, "UpdateItem", {"TableName": "tab", "Key": key(0, "old")})


# Forks

MEASURE = 60  # forks, or openings


def fork_from_threads(path: str) -> None:
    """Two threads fork at once, over and over, while a third opens and closes engines."""
    engines = [SqliteEngine(path) for _ in range(3)]
    stop = threading.Event()

    def fork() -> None:
        for _ in range(MEASURE):
            child = os.fork()
            if not child:
                call(engines[0], "GetItem", GET)
                with SqliteEngine(path) as engine:
                    call(engine, "GetItem", GET)
                os._exit(0)
            os.waitpid(child, 0)

    def open_and_close() -> None:
        while not stop.is_set():
            with SqliteEngine(path) as engine:
                call(engine, "GetItem", GET)
            call(engines[1], "UpdateItem", GET)

    forking = [threading.Thread(target=fork) for _ in range(2)]
    opening = threading.Thread(target=open_and_close)
    for thread in [*forking, opening]:
        thread.start()
    for thread in forking:
        thread.join()
    stop.set()
    opening.join()
    print("done")


@NO_FORK
def test_threads_that_fork_and_open_at_once_do_not_stop_each_other(path: str) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_waiting; test_waiting.fork_from_threads(sys.argv[2])"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(Path(__file__).parent), path],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that children that hang can be ended too
    )
    try:
        told, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        pytest.fail("a fork or an opening hangs")
    assert told == "done\n"


# Long work of one request, and what others ask meanwhile


def test_a_filter_is_tried_outside_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a scan's filter, another thread reads and writes."""
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", PUT)
        done = during(monkeypatch, "pages.matches", lambda: call(engine, "PutItem", PUT))
        scan = {"FilterExpression": "attribute_exists(pk)"}
        assert call(engine, "Scan", {"TableName": "tab", **scan})["Count"] == 1
        assert done == [{}]


def during(monkeypatch: pytest.MonkeyPatch, name: str, ask: Callable[[], Any]) -> list[Any]:
    """What another thread is answered in the middle of a function of the engine, when that is first called."""
    module, _, function = name.partition(".")
    place = f"flyexpr.engines.sqlite.operations.{module}.{function}"
    original = getattr(sys.modules[f"flyexpr.engines.sqlite.operations.{module}"], function)
    answers: list[Any] = []
    begun: list[None] = []

    def disturbed(*arguments: Any) -> Any:
        if not begun:
            begun.append(None)
            thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
            thread.start()
            thread.join(20)
            answers[:] = answers or ["no answer"]
        return original(*arguments)

    monkeypatch.setattr(place, disturbed)
    return answers


PROJECTED: list[tuple[str, str, dict[str, Any]]] = [
    ("BatchGetItem", "reads.project", {"RequestItems": {"tab": {"Keys": [key(1)], "ProjectionExpression": "pk"}}}),
    (
        "TransactGetItems",
        "transactions.project",
        {"TransactItems": [{"Get": {"TableName": "tab", "Key": key(1), "ProjectionExpression": "pk"}}]},
    ),
    ("Query", "pages.matches", {"KeyConditionExpression": "pk = :p AND sk < :n", "FilterExpression": "x <> :n"}),
]


@pytest.mark.parametrize("operation, function, members", PROJECTED, ids=[operation for operation, _, _ in PROJECTED])
def test_what_was_read_is_worked_on_outside_the_lock(
    monkeypatch: pytest.MonkeyPatch, operation: str, function: str, members: dict[str, Any]
) -> None:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", PUT)
        done = during(monkeypatch, function, lambda: call(engine, "PutItem", PUT))
        if operation == "Query":
            members = {"TableName": "tab", "ExpressionAttributeValues": {":p": {"S": "p"}, ":n": {"N": "5"}}, **members}
        call(engine, operation, members)
        assert done == [{}]


def test_three_thousand_older_conditions_end_a_page_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.pages.MAX_COMPARISONS", 9000)
    conditions = {f"a{n}": {"ComparisonOperator": "NULL"} for n in range(3000)}
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(5):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(sort)})
        done = during(monkeypatch, "pages.matches", lambda: call(engine, "GetItem", GET))
        answer = call(engine, "Scan", {"TableName": "tab", "ScanFilter": conditions})
        assert (answer["Count"], answer["LastEvaluatedKey"]) == (3, key(2))
        assert done == [{"Item": key(1)}]


def test_very_many_older_conditions_of_a_write_are_tried_outside_the_transaction(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {f"a{n}": {"ComparisonOperator": "NULL"} for n in range(11_000)}
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        done = during(monkeypatch, "long_writes.holds", lambda: call(other, "PutItem", PUT))
        call(engine, "DeleteItem", {"TableName": "tab", "Key": key(1), "Expected": expected})
        assert done == [{}]


LARGE = {**key(2), "l": {"L": [{"N": "1"}] * 3000}}
LONG = " AND ".join(["l <> :b"] * 140)


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"])
def test_a_long_condition_is_tried_outside_the_transaction(
    path: str, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """Meanwhile another engine, which another process might have, writes to the file, and so does another thread."""
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        call(engine, "PutItem", {"TableName": "tab", "Item": LARGE})
        done = during(
            monkeypatch, "long_writes.holds", lambda: [call(engine, "PutItem", PUT), call(other, "PutItem", PUT)]
        )
        condition = {"ConditionExpression": LONG, "ExpressionAttributeValues": {":b": {"L": []}}}
        call(engine, operation, write_of(operation, condition))
        assert done == [[{}, {}]]
        condition["ExpressionAttributeValues"] = {":b": LARGE["l"]}
        if operation in ("PutItem", "UpdateItem"):
            with pytest.raises(DynamoError, match="ConditionalCheckFailed"):
                call(engine, operation, write_of(operation, condition))


def write_of(operation: str, condition: dict[str, Any]) -> dict[str, Any]:
    """A write of the large item under a condition."""
    where = {"TableName": "tab", **condition}
    if operation == "PutItem":
        return {"Item": LARGE, **where}
    if operation == "TransactWriteItems":
        check = {"ConditionCheck": {"Key": key(2), **where}}
        return {"TransactItems": [check, {"Delete": {"TableName": "tab", "Key": key(1)}}]}
    return {"Key": key(2), **where}


@pytest.mark.parametrize("changes", [1, 100])
def test_a_long_condition_holds_for_the_item_as_it_is_written(
    path: str, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """The item changes while its condition is tried, once or over and over: what counts is the item in the end."""
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        call(engine, "PutItem", {"TableName": "tab", "Item": LARGE})
        work_out = sys.modules["flyexpr.engines.sqlite.operations.long_writes"].work_out
        left, within = [changes], [engine]

        def disturbed(*arguments: Any) -> Any:
            outcome = work_out(*arguments)
            if left[0] and within and not engine._storage._begun:
                left[0] -= 1
                within.clear()
                add = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
                call(other, "UpdateItem", {"TableName": "tab", "Key": key(2), **add})
                within.append(engine)
            return outcome

        monkeypatch.setattr("flyexpr.engines.sqlite.operations.long_writes.work_out", disturbed)
        condition = {"ConditionExpression": LONG, "ExpressionAttributeValues": {":b": {"L": []}, ":v": {"N": "1"}}}
        update = {"UpdateExpression": "ADD n :v", **condition, "ReturnValues": "UPDATED_NEW"}
        answer = call(engine, "UpdateItem", {"TableName": "tab", "Key": key(2), **update})
        made = changes - left[0]
        assert 1 <= made <= 7
        assert answer["Attributes"] == {"n": {"N": str(made + 1)}}


GROWING = [
    "SET " + ", ".join(f"a{n} = list_append(l, l)" for n in range(145)),
    "SET " + ", ".join(f"a{n} = l" for n in range(145)),
    "SET " + ", ".join(f"a{n} = :v" for n in range(145)),
]


@pytest.mark.parametrize("update", GROWING, ids=[update[:30] for update in GROWING])
@pytest.mark.parametrize("within", ["UpdateItem", "TransactWriteItems"])
def test_an_item_that_grows_too_large_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch, update: str, within: str
) -> None:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(2), "l": {"L": [{"N": "1"}] * 90_000}}})
        monkeypatch.setattr("flyexpr.engines.sqlite.rules.writes.apply", None)  # not even begun
        values = {"ExpressionAttributeValues": {":v": {"L": [{"N": "1"}] * 90_000}}} if ":v" in update else {}
        request = {"TableName": "tab", "Key": key(2), "UpdateExpression": update, **values}
        asked = request if within == "UpdateItem" else {"TransactItems": [{"Update": request}]}
        with pytest.raises(DynamoError) as error:
            call(engine, within, asked)
        told = json.dumps(error.value.fields) + error.value.message
        assert "Item size to update has exceeded the maximum allowed size" in told


NESTED = [
    (" OR ".join(["x = :v"] * 150), 150),
    ("NOT (" + " OR ".join(["x = :v"] * 150) + ")", 150),
    (" AND ".join(["(x = :v OR NOT (size(x) > :v AND x <> :v))"] * 30), 90),
]


@pytest.mark.parametrize("condition, comparisons", NESTED, ids=["or", "not", "nested"])
def test_a_page_ends_early_under_a_filter_of_many_conditions(
    monkeypatch: pytest.MonkeyPatch, condition: str, comparisons: int
) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.pages.MAX_COMPARISONS", 10 * comparisons)
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(25):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(sort)})
        scan = {"TableName": "tab", "FilterExpression": condition, "ExpressionAttributeValues": {":v": {"N": "1"}}}
        pages, start = [], None
        while start or not pages:
            answer = call(engine, "Scan", {**scan, **({"ExclusiveStartKey": start} if start else {})})
            pages.append(answer["ScannedCount"])
            start = answer.get("LastEvaluatedKey")
        assert pages == [10, 10, 5]


def test_a_page_ends_early_where_a_local_index_fetches_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.pages.MAX_FETCHED", 20_000)
    keys = {**TABLE["LocalSecondaryIndexes"][0], "Projection": {"ProjectionType": "KEYS_ONLY"}}  # type: ignore[index]
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", {**TABLE, "LocalSecondaryIndexes": [keys]})
        for sort in range(7):
            item = {**key(sort), "lk": {"B": "AAA="}, "pad": {"S": "x" * 5000}}
            call(engine, "PutItem", {"TableName": "tab", "Item": item})
        query = {"IndexName": "by_l", "KeyConditionExpression": "pk = :p", "Select": "ALL_ATTRIBUTES"}
        asked = {"TableName": "tab", **query, "ExpressionAttributeValues": {":p": {"S": "p"}}}
        first = call(engine, "Query", asked)
        second = call(engine, "Query", {**asked, "ExclusiveStartKey": first["LastEvaluatedKey"]})
        assert (first["Count"], second["Count"]) == (4, 3)
        assert all(len(item["pad"]["S"]) == 5000 for item in first["Items"] + second["Items"])


# The log


def test_a_log_that_has_grown_is_cut(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stays keeps the log from being copied; once it has gone, the log comes back to its limit."""
    monkeypatch.setattr(FILES + "LOG_PAGES", 20)
    monkeypatch.setattr(FILES + "LOG_BYTES", 100_000)
    with SqliteEngine(path) as engine:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM catalog").fetchall()
            for sort in range(100):
                call(engine, "PutItem", {"TableName": "tab", "Item": {**key(sort), "pad": {"S": "x" * 5000}}})
            grown = os.stat(path + "-wal").st_size
            reader.execute("COMMIT")
        for sort in range(3):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(sort)})
        assert grown > 1_000_000
        assert os.stat(path + "-wal").st_size <= 200_000


def test_a_log_that_no_write_finds_copied_is_begun_anew(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes write without a pause, one writes while the other copies. Here nobody copies by himself."""
    for room in ("files", "open_file"):
        monkeypatch.setattr(f"flyexpr.engines.sqlite.disk.file.{room}.LOG_BYTES", 100_000)
    clock, lengths = Clock(), []
    with SqliteEngine(path, clock=clock) as engine, SqliteEngine(path, clock=clock) as other:
        for one in (engine, other):
            call(one, "GetItem", GET)
            one._storage.connection.execute("PRAGMA wal_autocheckpoint = 0")
        for sort in range(120):
            if sort == 80:
                clock.now += 2
            if sort == 81:
                with locked(path):  # nobody waits for long to shorten it
                    clock.now += 2
                    assert call(engine, "GetItem", GET)["Item"]["pk"] == {"S": "p"}
            if sort == 100:
                clock.now += 2
            one = (engine, other)[sort % 2]
            call(one, "PutItem", {"TableName": "tab", "Item": {**key(sort), "pad": {"S": "x" * 5000}}})
            lengths.append(os.stat(path + "-wal").st_size)
        assert call(other, "Scan", {"TableName": "tab"})["Count"] == 120
    assert lengths[79] > 1_000_000
    assert max(lengths[82:100]) < 700_000
    assert max(lengths[102:]) < 700_000


def test_nobody_forks_while_a_log_is_shortened(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes two storages, which a fork takes in any order: each would wait for the other."""
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.open_file.LOG_BYTES", 10)
    copy_log, could_fork = Storage._copy_log, list[bool]()

    def try_to_fork() -> None:
        could_fork.append(forks.forking.acquire(blocking=False))
        if could_fork[-1]:
            forks.forking.release()

    def watched(storage: Storage) -> tuple[bool, int]:
        thread = threading.Thread(target=try_to_fork)
        thread.start()
        thread.join()
        return copy_log(storage)

    monkeypatch.setattr(Storage, "_copy_log", watched)
    with SqliteEngine(path) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": key(2)})
        engine._storage.shorten_log()
    assert could_fork == [True, False]  # the first copy takes one storage


def test_another_process_is_waited_for(path: str) -> None:
    """A writer in another process ends within the patience of this one."""
    context: Any = multiprocessing.get_context("spawn")
    process = context.Process(target=hold, args=(path,))
    process.start()
    try:
        with connect(f"sqlite:{path}") as engine:
            for _ in range(50):
                call(engine, "PutItem", PUT)
    finally:
        process.join()
    assert process.exitcode == 0


def hold(path: str) -> None:
    """Write for a while, in long transactions."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        for _ in range(10):
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(0.02)
            connection.execute("COMMIT")
