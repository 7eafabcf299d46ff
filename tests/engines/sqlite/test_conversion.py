"""A file of an older format is converted when it is opened: once, by one process, and all of it or nothing."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from embedded import Clock
from older_file import NUMBERS, SHARD_TIME, SHARDS, STEP, new_file, older_file, stores
from raised import raises
from streaming import BOTH, described, iterator, records, shards_of, shown, stream_of

from flyexpr import DynamoError, FlyexprError
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file import conversion, files
from flyexpr.engines.sqlite.disk.file.forks import SelfClosing
from flyexpr.engines.sqlite.disk.file.formats import FORMAT

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


FORMATS = [1, 2, 3]
SHARDS_OF = "UPDATE resources SET definition = json_set(CAST(definition AS TEXT), '$.Shards', json('{}'))"
CHANGED = "UPDATE changes_6 SET {} WHERE number = 1800001200000000"
TWICE = '[["a",null,1,null,[0,1],null],["a",null,2,null,[0,1],null]]'


@pytest.fixture(params=FORMATS)
def older(request: pytest.FixtureRequest) -> int:
    """The older format that a file has."""
    found: int = request.param
    return found


@pytest.fixture
def path(tmp_path: Path, older: int) -> str:
    place = str(tmp_path / "tables.db")
    older_file(place, older)
    return place


@pytest.fixture
def fresh(tmp_path: Path, older: int) -> dict[str, list[Any]]:
    """The rows of the same tables in a file that never had another format."""
    new_file(str(tmp_path / "new.db"), older)
    return stores(str(tmp_path / "new.db"))


def format_of(path: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version")
        return int(version)


def change(path: str, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_converted_file_has_the_rows_of_a_new_one(path: str, older: int, fresh: dict[str, list[Any]]) -> None:
    assert format_of(path) == older
    SqliteEngine(path).close()
    assert format_of(path) == FORMAT
    assert stores(path) == fresh


def test_a_converted_file_answers_as_before(path: str) -> None:
    with SqliteEngine(path, clock=Clock()) as engine:
        for partition in ("a", "é\0b", "😀", "A"):
            condition = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": partition}}}
            found = call(engine, "Query", {"TableName": "tab", **condition})["Items"]
            numbers = [Decimal(item["sk"]["N"]) for item in found]
            assert numbers == sorted(map(Decimal, NUMBERS))
        for number in NUMBERS:
            assert call(engine, "GetItem", {"TableName": "counts", "Key": {"n": {"N": number}}})["Item"]
        assert call(engine, "Scan", {"TableName": "counts", "IndexName": "by_several"})["Count"] == len(NUMBERS)
        expiry = call(engine, "DescribeTimeToLive", {"TableName": "tab"})["TimeToLiveDescription"]
        assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "exp"}


def test_items_of_a_converted_file_expire(path: str) -> None:
    clock = Clock()
    clock.now = 1_900_000_010
    with SqliteEngine(path, clock=clock) as engine:
        call(engine, "ListTables", {})
        left = call(engine, "Scan", {"TableName": "tab"})["Count"]
        assert left == 36 - 5  # those that expire at 1, 3, 5, 7 and 9 seconds
        assert call(engine, "Scan", {"TableName": "tab", "IndexName": "by_g"})["Count"] == left


def test_a_table_of_a_converted_file_takes_a_stream(path: str) -> None:
    with SqliteEngine(path) as engine:
        assert call(engine, "ListStreams", {"TableName": "tab"}) == {"Streams": []}
        call(engine, "UpdateTable", {"TableName": "tab", "StreamSpecification": BOTH})
        call(engine, "DeleteItem", {"TableName": "tab", "Key": {"pk": {"S": "A"}, "sk": {"N": NUMBERS[0]}}})
        assert [record["eventName"] for record in records(engine, stream_of(engine, "tab"))] == ["REMOVE"]


def test_streams_of_a_converted_file_go_on(tmp_path: Path) -> None:
    path, clock = str(tmp_path / "tables.db"), Clock()
    older_file(path, 2)
    clock.now += 3 * 12 * STEP  # when the last of its requests was made
    with SqliteEngine(path, clock=clock, shards=SHARDS, shard_time=SHARD_TIME) as engine:
        for name, count in (("streamed", 12), ("paused", 0)):
            assert len(records(engine, stream_of(engine, name))) == count
        (gone,) = [one["StreamArn"] for one in call(engine, "ListStreams", {"TableName": "gone"})["Streams"]]
        assert len(records(engine, gone)) == 12
        arn = stream_of(engine, "streamed")
        before = shards_of(engine, arn)
        assert len(before) == 4 * SHARDS
        clock.now += 2 * SHARD_TIME
        place = iterator(engine, arn, before[-1]["ShardId"])
        call(engine, "DeleteItem", {"TableName": "streamed", "Key": {"pk": {"S": "p1"}, "sk": {"N": "1"}}})
        (added,) = records(engine, arn)[12:]
        assert (added["eventName"], shown(added)["Keys"]["sk"]) == ("REMOVE", {"N": "1"})
        after = shards_of(engine, arn)
        assert [one["ShardId"] for one in after[: len(before)]] == [one["ShardId"] for one in before]
        assert {one["ParentShardId"] for one in after[len(before) :]} == {one["ShardId"] for one in before[-SHARDS:]}
        assert described(engine, arn)["StreamStatus"] == "ENABLED"
        assert "NextShardIterator" not in call(engine, "GetRecords", {"ShardIterator": place})


def test_a_file_is_converted_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteEngine(path).close()
    monkeypatch.setattr(files, "convert", lambda *_: pytest.fail("converted again"))
    SqliteEngine(path).close()


def test_a_copy_that_has_no_log_is_converted(path: str, fresh: dict[str, list[Any]]) -> None:
    change(path, "PRAGMA journal_mode = DELETE")
    with SqliteEngine(path) as engine:
        for _ in range(2):
            assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 36
    assert stores(path) == fresh


@pytest.mark.parametrize("older", [1], indirect=True)  # only its keys change, by which a fill goes
def test_an_index_that_was_left_half_filled_is_filled(path: str, fresh: dict[str, list[Any]]) -> None:
    filling = """json_set(CAST(definition AS TEXT), '$.Filling', json('{"Store":"index_1_0","After":"66","At":0.0}'))"""
    change(
        path,
        f"UPDATE catalog SET definition = {filling} WHERE name = 'tab'",
        "DELETE FROM index_1_0 WHERE rowid % 2",
    )
    with SqliteEngine(path, clock=Clock()) as engine:
        assert call(engine, "Scan", {"TableName": "tab", "IndexName": "by_g"})["Count"] == 36
    found, expected = ([row[:2] for row in rows["index_1_0"]] for rows in (stores(path), fresh))
    assert found == expected


def killed_at(path: str, step: int) -> None:
    """Open a file in a process that is killed after so many statements and items of the conversion."""
    left = step

    def counted(action: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return action(*arguments)

        return act

    class Connection(SelfClosing):
        execute = counted(sqlite3.Connection.execute)
        executemany = counted(sqlite3.Connection.executemany)

    connect = sqlite3.connect
    conversion.read_text = counted(conversion.read_text)
    files.sqlite3.connect = lambda *a, **k: connect(*a, **{**k, "factory": Connection})  # type: ignore[assignment]
    SqliteEngine(path).close()


@forks
def test_a_process_that_is_killed_leaves_a_file_converted_or_not(
    tmp_path: Path, older: int, fresh: dict[str, list[Any]]
) -> None:
    context: Any = multiprocessing.get_context("fork")
    formats = []
    for step in range(0, 1000, {1: 9, 2: 2, 3: 5}[older]):  # one is converted in more steps than the other
        place = str(tmp_path / f"{step}.db")
        older_file(place, older)
        before = stores(place)
        process = context.Process(target=killed_at, args=(place, step))
        process.start()
        process.join()
        formats.append(format_of(place))
        assert stores(place) == (before if formats[-1] == older else fresh)
        SqliteEngine(place).close()
        assert stores(place) == fresh
        if process.exitcode == 0:
            break
    assert process.exitcode == 0
    assert formats == sorted(formats)
    assert formats.count(older) > 5


def test_a_file_that_another_program_has_open_is_left_as_it_is(path: str) -> None:
    before = stores(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM catalog").fetchall()
        with raises(
            DynamoError,
            f"ThrottlingException: {path} has an older format, and is converted when no other process has "
            "it open\n"
            "  hint: end the programs that use it, then connect again",
        ) as refusal:
            connect(f"sqlite:{path}?timeout=0")
        assert refusal.value.code == "ThrottlingException"
        other.execute("DELETE FROM items_2")  # it can go on
        other.rollback()
    assert stores(path) == before
    connect(f"sqlite:{path}").close()
    assert format_of(path) == FORMAT


def opened_and_counted(path: str) -> None:
    with SqliteEngine(path) as engine:
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 36
        call(engine, "PutItem", {"TableName": "counts", "Item": {"n": {"N": str(os.getpid())}}})


@forks
def test_processes_open_an_older_file_at_once(path: str) -> None:
    context: Any = multiprocessing.get_context("fork")
    processes = [context.Process(target=opened_and_counted, args=(path,)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    assert len(stores(path)["items_2"]) == len(NUMBERS) + 6


def test_reading_alone_converts_nothing(path: str, older: int) -> None:
    before = Path(path).read_bytes()
    with raises(
        FlyexprError,
        f"cannot use {path!r}: it has the older format {older}, and mode=ro converts no file\n"
        "  hint: connect to it, or to a copy of it, once without mode=ro",
    ):
        connect(f"sqlite:{path}?mode=ro")
    assert Path(path).read_bytes() == before
    SqliteEngine(path).close()
    with connect(f"sqlite:{path}?mode=ro") as engine:
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 36


@pytest.mark.parametrize(
    ("older", "statement", "reason"),
    [
        (1, "UPDATE items_1 SET item = 'no item' WHERE rowid = 7", "a stored item cannot be read"),
        (1, "UPDATE items_1 SET item = '{}' WHERE rowid = 7", "a stored item lacks its key"),
        (1, "UPDATE index_1_0 SET item = json_remove(item, '$.gk') WHERE rowid = 7", "an entry of an index lacks its"),
        (1, "UPDATE catalog SET definition = '{}' WHERE name = 'tab'", "the definition of table 'tab' cannot be read"),
        (2, "UPDATE resources SET definition = '{}' WHERE arn LIKE '%streamed%'", "a stream cannot be read"),
        (2, "UPDATE resources SET definition = '[' WHERE arn LIKE '%streamed%'", "a stream cannot be read"),
        (2, SHARDS_OF.format("[1]"), "a stream cannot be read"),
        (2, SHARDS_OF.format("[[null,null,1,null,[0,1],null]]"), "a stream cannot be read"),
        (2, SHARDS_OF.format("[[{},null,1,null,[0,1],null]]"), "a stream cannot be read"),
        (2, SHARDS_OF.format(f'[["a",null,{10**30},null,[0,1],null]]'), "a stream cannot be read"),
        (2, SHARDS_OF.format(TWICE), "a stream cannot be read"),
        (3, "UPDATE resources SET definition = '{}' WHERE arn LIKE '%streamed%'", "a stream cannot be read"),
        (3, CHANGED.format("new = '{'"), "a stored item cannot be read"),
        (3, CHANGED.format("""new = '{"pk":{"S":"p1"}}'"""), "a stored item lacks its key"),
        (3, CHANGED.format("old = '{}', new = '{}'"), "a stored item lacks its key"),
        (3, CHANGED.format("old = NULL, new = NULL"), "a change cannot be read"),
    ],
    indirect=["older"],
)
def test_what_cannot_be_read_is_not_converted(path: str, older: int, statement: str, reason: str) -> None:
    change(path, statement)
    before = stores(path)
    with pytest.raises(FlyexprError, match=f"cannot convert '.*' to format {FORMAT}: {reason}.*; it is as it was"):
        SqliteEngine(path)
    assert (format_of(path), stores(path)) == (older, before)
