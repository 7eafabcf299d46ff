"""Reads streams of an engine, for the tests about them."""

from collections.abc import Iterator
from typing import Any

from embedded import PLAIN

from flyexpr.engine import Engine
from flyexpr.engines import call

Wire = dict[str, Any]
BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
OFF = {"StreamEnabled": False}
STREAMED: Wire = {**PLAIN, "TableName": "streamed", "StreamSpecification": BOTH}


def stream_of(engine: Engine, table: str = "streamed") -> str:
    """The ARN of the latest stream of a table."""
    found: str = call(engine, "DescribeTable", {"TableName": table})["Table"]["LatestStreamArn"]
    return found


def described(engine: Engine, arn: str, **members: Any) -> Wire:
    found: Wire = call(engine, "DescribeStream", {"StreamArn": arn, **members})["StreamDescription"]
    return found


def shards_of(engine: Engine, arn: str) -> list[Wire]:
    """All shards of a stream, from as many pages as it takes."""
    shards: list[Wire] = []
    start: Wire = {}
    while True:
        page = described(engine, arn, **start)
        shards += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            return shards
        start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}


def iterator(engine: Engine, arn: str, shard: str, kind: str = "TRIM_HORIZON", **members: Any) -> str:
    request = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind, **members}
    found: str = call(engine, "GetShardIterator", request)["ShardIterator"]
    return found


def pages(engine: Engine, place: str | None, **members: Any) -> Iterator[list[Wire]]:
    """The records from an iterator on, page by page, up to the end of the shard or an empty page."""
    while place is not None:
        answer = call(engine, "GetRecords", {"ShardIterator": place, **members})
        yield answer["Records"]
        place = answer.get("NextShardIterator")
        if not answer["Records"]:
            return


def records(engine: Engine, arn: str | None = None, **members: Any) -> list[Wire]:
    """All records of a stream, shard by shard, parents first."""
    arn = arn or stream_of(engine)
    return [
        record
        for shard in shards_of(engine, arn)
        for page in pages(engine, iterator(engine, arn, shard["ShardId"]), **members)
        for record in page
    ]


def shown(record: Wire) -> Wire:
    """The part of a record about the item."""
    found: Wire = record["dynamodb"]
    return found


def replayed(found: list[Wire]) -> dict[str, Wire]:
    """What a table holds after the changes of a stream; each must fit the item as it was left by the one before."""
    items: dict[str, Wire] = {}
    for record in found:
        change = shown(record)
        key = str(sorted(change["Keys"].items()))
        assert items.get(key) == change.get("OldImage"), record
        if "NewImage" in change:
            items[key] = change["NewImage"]
        else:
            del items[key]
    return items
