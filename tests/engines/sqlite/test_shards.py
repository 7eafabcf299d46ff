"""The shards of a stream as they are kept: rows, of which a roll writes few, and which go when their time has come."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from embedded import Clock, key
from raised import raises
from streaming import OFF, STREAMED, described, records, shards_of, stream_of

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.keeping import DAY


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "tables.db")


def kept(engine: SqliteEngine) -> int:
    """How many shards the file has."""
    ((count,),) = engine._storage.connection.execute("SELECT count(*) FROM shards")
    return int(count)


def put(engine: SqliteEngine, sort: int) -> None:
    call(engine, "PutItem", {"TableName": "streamed", "Item": key(sort)})


def test_a_roll_writes_no_more_when_there_are_many_shards(path: str, clock: Clock) -> None:
    written = []
    with SqliteEngine(path, clock=clock, shard_time=1, retention=1e9) as engine:
        call(engine, "CreateTable", STREAMED)
        for place in range(400):
            clock.now += 2
            before = engine._storage.connection.total_changes
            put(engine, place)
            written.append(engine._storage.connection.total_changes - before)
        shards = shards_of(engine, stream_of(engine))
        assert len(records(engine)) == 400
    assert len(set(written)) == 1
    assert len(shards) == 401
    assert [one.get("ParentShardId") for one in shards] == [None, *(one["ShardId"] for one in shards[:-1])]


def test_shards_go_when_no_reader_can_need_them(path: str, clock: Clock) -> None:
    with SqliteEngine(path, clock=clock, shard_time=3600) as engine:
        call(engine, "CreateTable", STREAMED)
        for number in range(30):
            put(engine, number)
            clock.now += 3700
        arn = stream_of(engine)
        shown = shards_of(engine, arn)
        assert kept(engine) == len(shown) + 1  # one more, since the last roll
        first = shown[0]["ShardId"]
        clock.now += 3 * 3700
        assert shards_of(engine, arn)[0]["ShardId"] == shown[3]["ShardId"]
        after = described(engine, arn, ExclusiveStartShardId=first)["Shards"]  # which is not shown any more
        assert [one["ShardId"] for one in after] == [one["ShardId"] for one in shown[3:]]
        call(engine, "UpdateTable", {"TableName": "streamed", "StreamSpecification": OFF})
        clock.now += DAY + 2 * 3600
        call(engine, "ListTables", {})
        assert call(engine, "ListStreams", {}) == {"Streams": []}
        assert kept(engine) == 0


@pytest.mark.parametrize(
    "damage",
    ["start = 'x'", "parts = 0", "part = 2", "part = -1", "closed = 'x'", "id = x'ff'", "parent = x'ff'", "last = 1.5"],
)
def test_a_damaged_shard_is_told_as_damage(path: str, damage: str) -> None:
    with SqliteEngine(path) as engine:
        call(engine, "CreateTable", STREAMED)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE shards SET {damage}")
    with SqliteEngine(path) as engine, pytest.raises(DynamoError, match="a shard of a stream cannot be read") as error:
        described(engine, stream_of(engine))
    assert error.value.code == "InternalServerError"


def test_streams_of_one_file_have_shards_of_their_own(path: str, clock: Clock) -> None:
    with SqliteEngine(path, clock=clock, shards=2, shard_time=10) as engine:
        found: dict[str, Any] = {}
        for name in ("one", "other"):
            call(engine, "CreateTable", {**STREAMED, "TableName": name})
        for name in ("one", "other"):
            clock.now += 20
            call(engine, "PutItem", {"TableName": name, "Item": key(1)})
            found[name] = shards_of(engine, stream_of(engine, name))
        assert [len(shards) for shards in found.values()] == [4, 4]
        clock.now += 20
        call(engine, "PutItem", {"TableName": "one", "Item": key(2)})
        assert shards_of(engine, stream_of(engine, "other")) == found["other"]
        foreign, arn = found["one"][0]["ShardId"], stream_of(engine, "other")
        with raises(
            DynamoError,
            f"ResourceNotFoundException: Requested resource not found: Shard: {foreign} in Stream: {arn} not found",
        ) as error:
            described(engine, arn, ExclusiveStartShardId=foreign)
        assert error.value.code == "ResourceNotFoundException"
