"""Fixtures for pytest: tables in memory that no other test sees, with the operations of AWS; and Lambda's events.

pytest finds them once flyexpr is installed. They cost nothing in tests that do not use them.

    def test_a_win_counts(flyexpr_table):
        table = flyexpr_table(scores, {"userid": "abc", "title": "Comet Quest", "wins": 1})
        win(table, ("abc", "Comet Quest"))
        assert get(table, ("abc", "Comet Quest"))["wins"] == 2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from flyexpr.engine import Connection, Engine
from flyexpr.engines import call, connect
from flyexpr.requests.constructors import create_table
from flyexpr.requests.naming import without_stream
from flyexpr.schema.table import Table
from flyexpr.sync import put, run
from flyexpr.values.types import T


class MakeTable(Protocol):
    """The type of `flyexpr_table`, for annotations: `def test_a_win_counts(flyexpr_table: MakeTable) -> None`."""

    def __call__(self, table: Table[T], /, *items: Mapping[str, Any]) -> Table[T]: ...


@pytest.fixture
def flyexpr_engine() -> Iterator[Connection]:
    """An engine in memory, new and empty, for one test; the first one imports sqlite3."""
    with connect("sqlite::memory:") as engine:
        yield engine


@pytest.fixture
def flyexpr_table(flyexpr_engine: Connection) -> MakeTable:
    """A function that creates a table on the test's engine, puts the items that follow it, and returns the bound table.

    It can be called for several tables; they share the engine, so a transaction can use all of them.
    """

    def create(table: Table[Any], /, *items: Mapping[str, Any]) -> Table[Any]:
        bound = table.on(flyexpr_engine)
        run(bound, create_table())
        for item in items:
            put(bound, item)
        return bound

    return create


def stream_event(table: Table[Any]) -> dict[str, Any]:
    """The event that Lambda would send to a function for all changes that the stream of a table keeps, in their order.

    >>> orders = Table("Orders", "id", stream="both").on(connect("sqlite::memory:"))
    >>> run(orders, create_table())
    >>> put(orders, {"id": "7"}); delete(orders, "7")
    >>> [record["eventName"] for record in stream_event(orders)["Records"]]
    ['INSERT', 'REMOVE']

    It is all in one event, however many changes there are. FlyexprError for a table without a stream.
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    engine = table.bound
    stream = call(engine, "DescribeTable", {"TableName": table.name})["Table"].get("LatestStreamArn")
    if stream is None:
        raise without_stream(table)
    shards = call(engine, "DescribeStream", {"StreamArn": stream})["StreamDescription"]["Shards"]
    records = [record for shard in shards for record in _records(engine, stream, shard["ShardId"])]
    records.sort(key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
    return {"Records": [record | {"eventSourceARN": stream} for record in records]}


def _records(engine: Engine, stream: str, shard: str) -> Iterator[dict[str, Any]]:
    """The records of a shard, up to its end or to the first answer without any."""
    asked = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = call(engine, "GetShardIterator", asked)["ShardIterator"]
    while iterator is not None:
        answer = call(engine, "GetRecords", {"ShardIterator": iterator})
        yield from answer["Records"]
        iterator = answer.get("NextShardIterator") if answer["Records"] else None
