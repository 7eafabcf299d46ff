"""DynamoDB Streams over HTTP: by the target of their own, and by a consumer on boto3 that is restarted."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from doors import connected
from raised import raises
from streaming import records, stream_of

from flyexpr import DynamoError, Table, call, connect, create_table, delete, put, run
from flyexpr.serve import serve

TABLE = Table("Scores", "userid", stream="both")


@pytest.mark.parametrize(
    "target, status",
    [
        ("DynamoDBStreams_20120810.ListStreams", 200),
        ("DynamoDB_20120810.ListStreams", 400),
        ("DynamoDBStreams_20120810.ListTables", 400),
        ("DynamoDB_20120810.ListTables", 200),
    ],
)
def test_streams_have_a_target_of_their_own(target: str, status: int) -> None:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
        connection = HTTPConnection(server.url.removeprefix("http://"))
        connection.request("POST", "/", b"{}", headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
    assert answer.status == status
    assert status == 200 or body == {"__type": "com.amazon.coral.service#UnknownOperationException"}


@pytest.mark.parametrize("transport", ["direct", "botocore", "awaited"])
def test_our_own_clients_read_streams(transport: str) -> None:
    with (
        connect("sqlite::memory:") as embedded,
        serve(embedded) as server,
        closing(connected(server.url, transport)) as engine,
    ):
        table = TABLE.on(engine)
        run(table, create_table())
        put(table, {"userid": "a"})
        assert [record["eventName"] for record in records(engine, stream_of(engine, "Scores"))] == ["INSERT"]
        with raises(DynamoError, "ValidationException: Invalid ShardIterator"):
            call(engine, "GetRecords", {"ShardIterator": "garbage"})


class Consumer:
    """A consumer as people write it on boto3; `checkpoints` is what it keeps: the last record of each shard."""

    def __init__(self, url: str, checkpoints: dict[str, str]) -> None:
        boto3 = pytest.importorskip("boto3")
        self.streams = boto3.client(
            "dynamodbstreams",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",
        )
        (stream,) = self.streams.list_streams(TableName="Scores")["Streams"]
        self.arn, self.checkpoints = stream["StreamArn"], checkpoints

    def consume(self, count: int) -> Iterator[dict[str, Any]]:
        """Up to so many records, shard by shard; then it is stopped."""
        for shard in self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]:
            place = self._place(shard["ShardId"])
            while place and count:
                answer = self.streams.get_records(ShardIterator=place, Limit=min(count, 7))
                for record in answer["Records"]:
                    self.checkpoints[shard["ShardId"]] = record["dynamodb"]["SequenceNumber"]
                    yield record
                    count -= 1
                place = answer.get("NextShardIterator") if answer["Records"] else None

    def _place(self, shard: str) -> str:
        asked = {"StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if shard in self.checkpoints:
            number = self.checkpoints[shard]
            asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}
        found: str = self.streams.get_shard_iterator(**asked)["ShardIterator"]
        return found


@pytest.mark.parametrize("workers", [1, 2])
def test_a_consumer_on_boto3_that_is_restarted(tmp_path: Path, workers: int) -> None:
    checkpoints: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    url = f"sqlite:{tmp_path / 'scores.db'}?shard_time=0.05s"
    for start in range(4):  # the server is restarted with the consumer
        with connect(url) as engine, serve(engine, workers=workers) as server:
            table = TABLE.on(engine)
            run(table, create_table(if_missing=True))
            for number in range(10):
                put(table, {"userid": f"u{number}", "start": start, "raw": b"\0\xff"})
            delete(table, f"u{start}")
            found += Consumer(server.url, checkpoints).consume(13 if start < 3 else 1000)
    assert [record["eventName"] for record in found].count("REMOVE") == 4
    assert len({record["eventID"] for record in found}) == len(found) == 44
    first = found[0]["dynamodb"]
    assert first["NewImage"] == {"userid": {"S": "u0"}, "start": {"N": "0"}, "raw": {"B": b"\0\xff"}}
    assert isinstance(first["ApproximateCreationDateTime"], datetime)


def test_boto3_asks_by_a_time(tmp_path: Path) -> None:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        table = TABLE.on(engine)
        run(table, create_table())
        put(table, {"userid": "a"})
        consumer = Consumer(server.url, {})
        (shard,) = consumer.streams.describe_stream(StreamArn=consumer.arn)["StreamDescription"]["Shards"]
        place = consumer.streams.get_shard_iterator(
            StreamArn=consumer.arn,
            ShardId=shard["ShardId"],
            ShardIteratorType="AT_TIMESTAMP",
            Timestamp=datetime(2020, 1, 1, tzinfo=timezone.utc),
        )
        assert len(consumer.streams.get_records(ShardIterator=place["ShardIterator"])["Records"]) == 1
