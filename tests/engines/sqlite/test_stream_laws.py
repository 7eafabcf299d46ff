"""A stream, replayed over an empty table, gives the table: for any writes, however they come, and whoever dies."""

import json
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from embedded import Clock, key
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import BOTH, OFF, STREAMED, Wire, iterator, records, replayed, shards_of, shown, stream_of

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

NO_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
TABLE = {"TableName": "streamed"}
EXPIRY = {"AttributeName": "until", "Enabled": True}
VALUES = st.sampled_from(
    [
        {"N": "1"},
        {"N": "1.0"},
        {"N": "12"},
        {"N": "21"},
        {"S": ""},
        {"S": 'é"\\'},
        {"SS": ["a", "b"]},
        {"SS": ["b", "a"]},
        {"M": {"a": {"N": "1"}, "b": {"L": []}}},
        {"M": {"b": {"L": []}, "a": {"N": "1"}}},
        {"BOOL": True},
        {"NULL": True},
        {"B": "YQ=="},
    ]
)
SORTS = st.integers(0, 4)


def items(sort: int, attributes: Wire) -> Wire:
    return {**key(sort, f"p{sort % 3}"), **attributes}


ITEMS = st.builds(items, SORTS, st.dictionaries(st.sampled_from(["x", "y", "until"]), VALUES, max_size=3))
KEYS = st.builds(lambda sort: items(sort, {}), SORTS)
UPDATES = st.builds(
    lambda text, value: {"UpdateExpression": text, "ExpressionAttributeValues": {":v": value}},
    st.sampled_from(["SET x = :v", "SET x = if_not_exists(x, :v)", "SET y = x, x = :v"]),
    VALUES,
) | st.sampled_from([{}, {"UpdateExpression": "REMOVE x, y"}])
PUTS = st.builds(lambda item: {"Item": item}, ITEMS)
CHANGES = st.builds(lambda key, update: {"Key": key, **update}, KEYS, UPDATES)
DELETES = st.builds(lambda key: {"Key": key}, KEYS)


def batch(puts: list[Wire], deletes: list[Wire]) -> Wire:
    requests = [*({"PutRequest": one} for one in puts), *({"DeleteRequest": one} for one in deletes)]
    return {"RequestItems": {"streamed": requests}}


def transaction(puts: list[Wire], changes: list[Wire], deletes: list[Wire]) -> Wire:
    kinds = {"Put": puts, "Update": [one for one in changes if "UpdateExpression" in one], "Delete": deletes}
    return {"TransactItems": [{kind: {**TABLE, **one}} for kind, all_ in kinds.items() for one in all_]}


def few(of: st.SearchStrategy[Wire]) -> st.SearchStrategy[list[Wire]]:
    return st.lists(of, max_size=2)


WRITES = st.one_of(
    st.tuples(st.just("PutItem"), PUTS.map(lambda put: {**TABLE, **put})),
    st.tuples(st.just("UpdateItem"), CHANGES.map(lambda change: {**TABLE, **change})),
    st.tuples(st.just("DeleteItem"), DELETES.map(lambda delete: {**TABLE, **delete})),
    st.tuples(st.just("BatchWriteItem"), st.builds(batch, few(PUTS), few(DELETES))),
    st.tuples(st.just("TransactWriteItems"), st.builds(transaction, few(PUTS), few(CHANGES), few(DELETES))),
    st.tuples(st.just("wait"), st.integers(-20, 100)),
)


def whole(engine: SqliteEngine) -> list[str]:
    """All items of the table, as text, in some order of their own."""
    return in_order(call(engine, "Scan", TABLE)["Items"])


def in_order(found: Any) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in found)


@settings(max_examples=80, deadline=None)
@given(st.lists(WRITES, max_size=25), st.integers(1, 3), st.sampled_from([30.0, 1e9]))
def test_a_stream_replayed_gives_the_table(writes: list[tuple[str, Any]], shards: int, shard_time: float) -> None:
    clock = Clock()
    with SqliteEngine(":memory:", clock=clock, shards=shards, shard_time=shard_time) as engine:
        call(engine, "CreateTable", STREAMED)
        call(engine, "UpdateTimeToLive", {**TABLE, "TimeToLiveSpecification": EXPIRY})
        for operation, request in writes:
            if operation == "wait":
                clock.now += request
                continue
            with suppress(DynamoError):  # which changes nothing
                call(engine, operation, request)
        found = records(engine)
        assert in_order(replayed(found).values()) == whole(engine)
        assert all(shown(record).get("OldImage") != shown(record).get("NewImage") for record in found)
        assert records(engine, Limit=2) == found
        numbers = [shown(record)["SequenceNumber"] for record in found]
        assert len(set(numbers)) == len(numbers)


# Processes


def write(path: str, name: str, count: int, told: int | None = None, shard_time: float = 0.02) -> None:
    """Count up items of a partition of its own, and one that all writers share."""
    with SqliteEngine(path, shard_time=shard_time) as engine:
        for number in range(count):
            item = {"pk": {"S": name}, "sk": {"N": str(number % 5)}, "n": {"N": str(number)}}
            shared = {"Key": key(0, "shared"), "UpdateExpression": "ADD n :one"}
            one = {"ExpressionAttributeValues": {":one": {"N": "1"}}}
            actions = [{"Put": {**TABLE, "Item": item}}, {"Update": {**TABLE, **shared, **one}}]
            call(engine, "TransactWriteItems", {"TransactItems": actions})
            if told is not None:
                os.write(told, b".")


class Follower:
    """Reads a stream while it is written: each shard after its parent, from where it stopped."""

    def __init__(self, engine: SqliteEngine) -> None:
        self.engine, self.arn = engine, stream_of(engine)
        self.places: dict[str, str | None] = {}
        self.found: list[Wire] = []

    def read(self) -> int:
        """Read what there is; how many records that was."""
        before = len(self.found)
        for shard in shards_of(self.engine, self.arn):
            if self.places.get(shard.get("ParentShardId")) is None:  # there is none, or it is read to its end
                self._read(shard["ShardId"])
        return len(self.found) - before

    def _read(self, shard: str) -> None:
        if shard not in self.places:
            self.places[shard] = iterator(self.engine, self.arn, shard)
        while (place := self.places[shard]) is not None:
            answer = call(self.engine, "GetRecords", {"ShardIterator": place, "Limit": 50})
            self.places[shard] = answer.get("NextShardIterator")
            self.found += answer["Records"]
            if not answer["Records"]:
                return


def made(path: str, **options: Any) -> None:
    with SqliteEngine(path, **options) as engine:
        call(engine, "CreateTable", STREAMED)


@NO_FORK
def test_several_processes_write_and_one_reads(tmp_path: Path) -> None:
    path = str(tmp_path / "tables.db")
    made(path, shards=2)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(path, f"w{number}", 150)) for number in range(3)]
    for writer in writers:
        writer.start()
    with SqliteEngine(path) as engine:
        follower = Follower(engine)
        while any(writer.is_alive() for writer in writers):
            follower.read()
            time.sleep(0.01)
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        while follower.read():
            pass
        found = follower.found
        assert len({record["eventID"] for record in found}) == len(found) == 3 * 150 * 2
        assert in_order(replayed(found).values()) == whole(engine)  # each item's changes came in their order
        assert len(shards_of(engine, follower.arn)) > 4


@NO_FORK
def test_a_change_and_its_record_are_both_there_or_neither(tmp_path: Path) -> None:
    path, chance = str(tmp_path / "tables.db"), random.Random(5)
    made(path)
    acknowledged = 0
    for kill in range(25):
        told, end = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(told)
            write(path, f"w{kill}", 10**6, end)
        os.close(end)
        if kill % 2:
            acknowledged += len(os.read(told, 1))  # a busy machine would kill it before its first change
        time.sleep(chance.random() * 0.06)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        acknowledged += len(os.read(told, 1 << 20))
        os.close(told)
    with SqliteEngine(path) as engine:
        found = records(engine)
        assert in_order(replayed(found).values()) == whole(engine)
        assert acknowledged >= 12
        assert 2 * acknowledged <= len(found) <= 2 * (acknowledged + 25)
        numbers = [shown(record)["SequenceNumber"] for record in found]
        assert numbers == sorted(set(numbers))
        call(engine, "UpdateTable", {**TABLE, "StreamSpecification": OFF})
        call(engine, "UpdateTable", {**TABLE, "StreamSpecification": BOTH})
        assert records(engine) == []


WRITERS = 4


def writer(path: str, name: str, told: tuple[int, int]) -> int:
    """The id of a process that writes until it is killed."""
    pid = os.fork()
    if not pid:
        os.close(told[0])
        write(path, name, 10**6, told[1], shard_time=0.3)
    return pid


def killed_and_replaced(path: str, kills: int, seed: int) -> None:
    """Four processes write, and one of them at a time is killed and replaced; a reader follows the stream."""
    chance, told = random.Random(seed), os.pipe()
    made(path, shards=2)
    pids = [writer(path, f"w{number}", told) for number in range(WRITERS)]
    acknowledged = 0
    with SqliteEngine(path) as engine:
        follower = Follower(engine)
        for kill in range(kills):
            time.sleep(chance.random() * 0.08)
            position = chance.randrange(WRITERS)
            os.kill(pids[position], signal.SIGKILL)
            os.waitpid(pids[position], 0)
            pids[position] = writer(path, f"k{kill}", told)
            acknowledged += len(os.read(told[0], 1 << 16))
            follower.read()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(told[1])
        acknowledged += len(os.read(told[0], 1 << 16))
        os.close(told[0])
        while follower.read():
            pass
        found = follower.found
        assert in_order(replayed(found).values()) == whole(engine)  # each item's changes came in their order
        assert len({record["eventID"] for record in found}) == len(found)
        assert acknowledged >= kills
        assert 2 * acknowledged <= len(found) <= 2 * (acknowledged + kills + WRITERS)


@NO_FORK
def test_four_processes_that_are_killed_and_their_stream_agree(tmp_path: Path) -> None:
    killed_and_replaced(str(tmp_path / "tables.db"), 12, seed=1)


@NO_FORK
@pytest.mark.slow
def test_four_processes_that_are_killed_often_and_their_stream_agree(tmp_path: Path) -> None:
    killed_and_replaced(str(tmp_path / "tables.db"), 100, seed=2)
