"""The file under an engine: what is acknowledged stays, whoever uses it; what is no table file is refused."""

import contextlib
import copy
import gc
import multiprocessing
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, key
from raised import raises

from flyexpr import ConditionFailed, DynamoError, FlyexprError, Table
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file import forks

INCREMENT = {
    "TableName": "tab",
    "Key": key(1),
    "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one",
    "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
}
WRITER = """
import sys
from flyexpr.engines import call, connect
engine = connect("sqlite:" + sys.argv[1])
number = 0
while True:
    item = {"pk": {"S": "p"}, "sk": {"N": str(number)}, "gk": {"S": "g"}}
    call(engine, "PutItem", {"TableName": "tab", "Item": item})
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    place = str(tmp_path / "tables.db")
    with SqliteEngine(place) as engine:
        call(engine, "CreateTable", TABLE)
    return place


def count(engine: SqliteEngine, **members: Any) -> int:
    found: int = call(engine, "Scan", {"TableName": "tab", "Select": "COUNT", **members})["Count"]
    return found


def number(engine: SqliteEngine) -> str:
    found: str = call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})["Item"]["n"]["N"]
    return found


def test_items_outlive_the_engine(path: str) -> None:
    with SqliteEngine(path) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": key(1)})
    with SqliteEngine(path) as engine:
        assert count(engine) == 1


def test_acknowledged_writes_outlive_a_killed_process(path: str) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as lines:
        for line in lines:
            if int(line) >= 200:
                break
        writer.send_signal(signal.SIGKILL)
        acknowledged = [line for line in lines if line.endswith("\n")]
    writer.wait()
    last = int(acknowledged[-1]) if acknowledged else 200
    with SqliteEngine(path) as engine:
        assert count(engine) in (last + 1, last + 2)
        assert count(engine, IndexName="by_g") == count(engine)


def test_threads_share_an_engine(path: str) -> None:
    with SqliteEngine(path) as engine:
        run_threads(lambda: [call(engine, "UpdateItem", INCREMENT) for _ in range(50)])
        assert number(engine) == "200"


def test_threads_share_memory() -> None:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        run_threads(lambda: [call(engine, "UpdateItem", INCREMENT) for _ in range(50)])
        assert number(engine) == "200"


def run_threads(work: Any) -> None:
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def increment(engine: SqliteEngine) -> None:
    for _ in range(50):
        call(engine, "UpdateItem", INCREMENT)


@pytest.mark.parametrize(
    "method", ["spawn", pytest.param("fork", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"))]
)
def test_processes_share_a_file(path: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with SqliteEngine(path) as engine:
        call(engine, "UpdateItem", INCREMENT)
        processes = [context.Process(target=increment, args=(engine,)) for _ in range(3)]
        for process in processes:
            process.start()
        increment(engine)
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert number(engine) == "201"


def make_and_put(path: str, partition: str) -> None:
    with SqliteEngine(path) as engine:
        with contextlib.suppress(DynamoError):  # another process was first
            call(engine, "CreateTable", TABLE)
        for sort in range(5):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(sort, partition)})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("name", ["a.db", "b.db", "c.db"])
def test_processes_make_a_file_at_once(tmp_path: Path, name: str) -> None:
    context: Any = multiprocessing.get_context("fork")
    place = str(tmp_path / name)
    processes = [context.Process(target=make_and_put, args=(place, f"p{number}")) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    with SqliteEngine(place) as engine:
        assert count(engine) == 30


def test_another_engine_sees_changed_tables(path: str) -> None:
    with SqliteEngine(path) as one, SqliteEngine(path) as other:
        call(one, "PutItem", {"TableName": "tab", "Item": {**key(1), "x": {"S": "v"}}})
        assert count(other) == 1
        index = {
            "IndexName": "by_x",
            "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        definition = [{"AttributeName": "x", "AttributeType": "S"}]
        updates = {"AttributeDefinitions": definition, "GlobalSecondaryIndexUpdates": [{"Create": index}]}
        call(one, "UpdateTable", {"TableName": "tab", **updates})
        call(other, "PutItem", {"TableName": "tab", "Item": {**key(2), "x": {"S": "v"}}})
        assert count(one, IndexName="by_x") == count(other, IndexName="by_x") == 2
        call(one, "DeleteTable", {"TableName": "tab"})
        call(one, "CreateTable", TABLE)
        assert count(other) == 0


def test_another_engine_makes_the_first_index(path: str) -> None:
    """What a put remembers of a table lasts until the table changes."""
    bare = {name: TABLE[name] for name in ("BillingMode", "KeySchema")} | {"TableName": "bare"}
    bare["AttributeDefinitions"] = TABLE["AttributeDefinitions"][:2]
    with SqliteEngine(path) as one, SqliteEngine(path) as other:
        call(one, "CreateTable", bare)
        call(other, "PutItem", {"TableName": "bare", "Item": key(1)})
        call(other, "PutItem", {"TableName": "bare", "Item": key(2)})
        index = {"IndexName": "by_x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}]}
        update = {"Create": {**index, "Projection": {"ProjectionType": "ALL"}}}
        definition = [{"AttributeName": "x", "AttributeType": "S"}]
        alteration = {
            "AttributeDefinitions": bare["AttributeDefinitions"] + definition,
            "GlobalSecondaryIndexUpdates": [update],
        }
        call(one, "UpdateTable", {"TableName": "bare", **alteration})
        call(other, "PutItem", {"TableName": "bare", "Item": {**key(1), "x": {"S": "v"}}})
        assert call(one, "Scan", {"TableName": "bare", "IndexName": "by_x"})["Count"] == 1


def test_another_engine_replaces_a_table(path: str) -> None:
    """What a read remembers of a table lasts no longer than the table."""
    one, other = connect(f"sqlite:{path}"), connect(f"sqlite:{path}")
    asked = {"TableName": "tab", "Key": key(1)}
    call(one, "PutItem", {"TableName": "tab", "Item": key(1)})
    assert call(one, "GetItem", asked) == {"Item": key(1)}
    call(other, "DeleteTable", {"TableName": "tab"})
    with raises(DynamoError, "ResourceNotFoundException: Requested resource not found"):
        call(one, "GetItem", asked)
    kinds = [{"AttributeName": "pk", "AttributeType": "N"}]
    by_number = {"TableName": "tab", "KeySchema": TABLE["KeySchema"][:1], "AttributeDefinitions": kinds}
    call(other, "CreateTable", by_number | {"BillingMode": "PAY_PER_REQUEST"})
    assert call(one, "GetItem", {"TableName": "tab", "Key": {"pk": {"N": "1"}}}) == {}
    with raises(DynamoError, "ValidationException: The provided key element does not match the schema"):
        call(one, "GetItem", asked)
    call(other, "DeleteTable", {"TableName": "tab"})
    call(other, "CreateTable", TABLE)
    call(one, "PutItem", {"TableName": "tab", "Item": key(2)})
    assert call(other, "GetItem", {"TableName": "tab", "Key": key(2)}) == {"Item": key(2)}
    call(other, "DeleteTable", {"TableName": "tab"})
    call(other, "CreateTable", by_number | {"BillingMode": "PAY_PER_REQUEST"})
    call(other, "PutItem", {"TableName": "tab", "Item": {"pk": {"N": "1"}}})
    assert call(one, "GetItem", {"TableName": "tab", "Key": {"pk": {"N": "1"}}}) == {"Item": {"pk": {"N": "1"}}}


def test_an_engine_pickles_as_its_path(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(path).parent)
    with SqliteEngine("tables.db", "full") as engine:
        text = pickle.dumps(engine)
    monkeypatch.chdir("/")
    with pickle.loads(text) as again:
        assert (again.path, again.sync) == (path, "full")
        assert count(again) == 0


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_memory_is_neither_pickled_nor_copied(copied: Callable[[Any], Any]) -> None:
    with SqliteEngine(":memory:") as engine:
        for one in (engine, Table("notes", "id").on(engine)):
            with raises(
                FlyexprError, "tables in memory live in one process; use a file, such as connect('sqlite:tables.db')"
            ):
                copied(one)


def test_a_closed_engine_says_so(path: str) -> None:
    engine = SqliteEngine(path)
    engine.close()
    engine.close()
    with raises(FlyexprError, f"<engine sqlite:{path}> is closed"):
        call(engine, "ListTables", {})


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_forgotten_connection_closes_by_itself_while_no_thread_forks(path: str, mode: str) -> None:
    """The garbage collector may come to it before it comes to the engine; a warning of Python 3.13 is an error here."""
    engine = SqliteEngine(path, mode=mode)
    call(engine, "ListTables", {})
    storage = engine._storage

    def forget() -> None:
        del storage._execute, storage._do
        storage._connection = None
        gc.collect()

    forgetting = threading.Thread(target=forget)
    with forks._opening:  # as a fork holds it
        forgetting.start()
        forgetting.join(0.1)
        assert forgetting.is_alive()
    forgetting.join()


def test_a_failed_write_leaves_the_engine_usable(path: str) -> None:
    with SqliteEngine(path) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": key(1)})
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        with pytest.raises(ConditionFailed):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(1), **condition})
        assert count(engine) == 1


def test_a_copy_without_a_log_can_be_used(path: str) -> None:
    copied = path + ".copy"
    connection = sqlite3.connect(path)
    connection.execute("VACUUM INTO ?", (copied,))
    connection.close()
    with SqliteEngine(copied) as engine:
        for number in range(3):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(number)})
        assert count(engine) == 3


def foreign(place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def newer(place: Path) -> None:
    SqliteEngine(str(place)).close()
    connection = sqlite3.connect(place)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


MADE: list[tuple[Any, str]] = [
    (lambda place: place.mkdir(), "cannot open '{}': it is a folder; name a file, such as 'sqlite:{}/tables.db'"),
    (
        lambda place: place.write_text("no database, just a long enough text " * 100),
        "cannot use '{}' as a table file: file is not a database",
    ),
    (foreign, "cannot use '{}': it is an SQLite file of another program"),
    (newer, "cannot use '{}': it was written by a newer flyexpr (format 99, not 4)"),
]


@pytest.mark.parametrize("make, message", MADE, ids=[message for _, message in MADE])
def test_what_is_no_table_file_is_refused(tmp_path: Path, make: Any, message: str) -> None:
    place = tmp_path / "odd"
    make(place)
    with raises(FlyexprError, message.format(place, place)):
        SqliteEngine(str(place))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with raises(FlyexprError, f"cannot open '{tmp_path}/nowhere/tables.db': there is no folder '{tmp_path}/nowhere'"):
        SqliteEngine(str(tmp_path / "nowhere" / "tables.db"))


def test_a_read_only_file_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "access", lambda place, mode: mode == os.R_OK)
    with raises(
        FlyexprError,
        f"cannot open {path!r}: it is read-only, and an engine writes\n  hint: 'sqlite:{path}?mode=ro' only reads it",
    ):
        SqliteEngine(path)


def test_an_unreadable_file_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place != path)
    with raises(FlyexprError, f"cannot open {path!r}: there is no permission to read it"):
        SqliteEngine(path)


def test_a_read_only_folder_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place == path)
    with raises(
        FlyexprError,
        f"cannot open {path!r}: its folder is read-only, and an engine keeps a log beside the file\n"
        f"  hint: 'sqlite:{path}?mode=ro' only reads it",
    ):
        SqliteEngine(path)


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    with raises(FlyexprError, f"no option 'synch' in 'sqlite:{tmp_path}/tables.db?synch=***'\n  did you mean sync=?"):
        connect(f"sqlite:{tmp_path / 'tables.db'}?synch=full")
    with raises(FlyexprError, "sync='sometimes' is neither 'normal' nor 'full'"):
        connect(f"sqlite:{tmp_path / 'tables.db'}?sync=sometimes")


def test_items_are_stored_as_readable_text(path: str) -> None:
    with SqliteEngine(path) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "name": {"S": "Zoë"}}})
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT size, item FROM items_1").fetchall()
    connection.close()
    assert rows == [(15, '{"pk":{"S":"p"},"sk":{"N":"1"},"name":{"S":"Zoë"}}')]
