"""A stream, its shards and its records as answers show them (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import hashlib
from typing import Any

from flyexpr.engines.sqlite.answers import answer, item_text, json_text, read_text
from flyexpr.engines.sqlite.disk.changes import SECOND, StoredChange
from flyexpr.engines.sqlite.disk.keeping import NEW_VIEWS, OLD_VIEWS
from flyexpr.engines.sqlite.disk.key_schema import key_of, row_key
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.disk.shards import Shard
from flyexpr.engines.sqlite.disk.streams import StoredStream
from flyexpr.engines.sqlite.request.streams import sequence_number
from flyexpr.values.kinds import Item
from flyexpr.values.sizes import item_size

_EXPIRED = '{"type":"Service","principalId":"dynamodb.amazonaws.com"}'


def stream_view(stream: StoredStream) -> dict[str, Any]:
    """The description of a stream, without its shards."""
    return {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.ended is None else "DISABLED",
        "StreamViewType": stream.view,
        "CreationRequestDateTime": stream.created,
        "TableName": stream.table,
        "KeySchema": stream.key,
    }


def shard_view(shard: Shard) -> dict[str, Any]:
    """A shard as DescribeStream shows it.

    >>> shard_view(Shard("shardId-1", None, 5, None, (0, 1)))["SequenceNumberRange"]
    {'StartingSequenceNumber': '100000000000000000005'}
    """
    numbers = {"StartingSequenceNumber": sequence_number(shard.start)}
    if shard.end is not None:
        numbers["EndingSequenceNumber"] = sequence_number(shard.end)
    parent = {"ParentShardId": shard.parent} if shard.parent is not None else {}
    return {"ShardId": shard.id, "SequenceNumberRange": numbers, **parent}


def has_change(stream: StoredStream, shard: Shard, change: StoredChange) -> bool:
    """Whether a change is one of a shard, by the partition of its item."""
    if shard.part == (0, 1):
        return True
    low, high = segment_range(*shard.part)
    return low <= row_key(stream.schema, _key(stream, change)) < high


def record_text(stream: StoredStream, change: StoredChange) -> bytes:
    """A record of a stream as GetRecords gives it; the images are the texts that were stored."""
    old = change.old if stream.view in OLD_VIEWS else None
    new = change.new if stream.view in NEW_VIEWS else None
    key = _key(stream, change)
    return answer(
        eventID=json_text(_event_id(stream, change)),
        eventName=json_text("INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY"),
        eventVersion='"1.1"',
        eventSource='"aws:dynamodb"',
        awsRegion='"local"',
        dynamodb=answer(
            ApproximateCreationDateTime=str(change.number // SECOND),
            Keys=item_text(key),
            NewImage=None if new is None else new[1],
            OldImage=None if old is None else old[1],
            SequenceNumber=json_text(sequence_number(change.number)),
            SizeBytes=str(item_size(key) + sum(row[0] for row in (old, new) if row is not None)),
            StreamViewType=json_text(stream.view),
        ),
        userIdentity=_EXPIRED if change.expired else None,
    )


def _key(stream: StoredStream, change: StoredChange) -> Item:
    names = stream.schema.names
    return key_of(names, read_text(change.row[1], names))


def _event_id(stream: StoredStream, change: StoredChange) -> str:
    """The same on every reading, and another for every other change of any table."""
    of = f"{stream.table_id} {stream.arn} {change.number}"
    return hashlib.blake2b(of.encode(), digest_size=16).hexdigest()
