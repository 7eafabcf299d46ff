"""A stream, its shards and its records as answers show them (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from flyexpr.engines.sqlite.answers import item_text, read_first
from flyexpr.engines.sqlite.disk.changes import SECOND, StoredChange
from flyexpr.engines.sqlite.disk.keeping import NEW_VIEWS, OLD_VIEWS
from flyexpr.engines.sqlite.disk.key_schema import row_key
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.disk.shards import Shard
from flyexpr.engines.sqlite.disk.streams import StoredStream
from flyexpr.engines.sqlite.request.streams import sequence_number
from flyexpr.values.kinds import Item
from flyexpr.values.sizes import item_size


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


def record_texts(stream: StoredStream, changes: Iterable[StoredChange]) -> list[bytes]:
    """Records of a stream as GetRecords gives them; the images are the texts that were stored."""
    # The id of a record is the same on every reading, and another for every other change of any table.
    origin = hashlib.blake2b(f"{stream.table_id} {stream.arn}".encode(), digest_size=8).hexdigest().encode()
    old_is_shown, new_is_shown, view = stream.view in OLD_VIEWS, stream.view in NEW_VIEWS, stream.view.encode()
    texts = []
    for change in changes:
        key, images, size = _key(stream, change), b"", 0
        for row, is_shown, member in ((change.new, new_is_shown, b"New"), (change.old, old_is_shown, b"Old")):
            if row is not None and is_shown:
                images += b'"%bImage":%b,' % (member, row[1])
                size += row[0]
        name = b"INSERT" if change.old is None else b"REMOVE" if change.new is None else b"MODIFY"
        texts.append(
            _RECORD
            % (
                origin,
                change.number,
                name,
                change.number // SECOND,
                item_text(key),
                images,
                sequence_number(change.number).encode(),
                item_size(key) + size,
                view,
                _EXPIRED if change.expired else b"",
            )
        )
    return texts


# In one piece, for a page has up to 1,000 of them.
_RECORD = (
    b'{"eventID":"%b%016x","eventName":"%b","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"local",'
    b'"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":%b,%b"SequenceNumber":"%b","SizeBytes":%d,'
    b'"StreamViewType":"%b"}%b}'
)
_EXPIRED = b',"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}'


def _key(stream: StoredStream, change: StoredChange) -> Item:
    return read_first(change.row[1], stream.schema.names)
