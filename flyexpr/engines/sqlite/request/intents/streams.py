"""What the operations on streams ask for."""

from __future__ import annotations

from typing import NamedTuple


class StreamsAsked(NamedTuple):
    """What ListStreams asks for: up to `limit` streams that sort after this ARN, of one table or of all."""

    table: str | None
    after: str
    limit: int


class StreamAsked(NamedTuple):
    """What DescribeStream asks for: up to `limit` shards after one; `parent` is the one whose children are wanted."""

    arn: str
    after: str | None
    limit: int
    parent: str | None


class IteratorAsked(NamedTuple):
    """What GetShardIterator asks for; `number` is None for a SequenceNumber that no engine has given."""

    arn: str
    shard: str
    kind: str
    number: int | None
    seconds: float


class ShardIterator(NamedTuple):
    """A place in a shard: behind the change with a number. It was made at a time, in milliseconds."""

    arn: str
    shard: str
    after: int
    made: int


class RecordsAsked(NamedTuple):
    """What GetRecords asks for."""

    iterator: ShardIterator
    limit: int
