"""A stream, its shards and its records as answers show them (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from flyexpr.engines.sqlite.disk.history.changes import SECOND, StoredRecord
from flyexpr.engines.sqlite.disk.history.shards import Shard
from flyexpr.engines.sqlite.disk.history.streams import StoredStream
from flyexpr.engines.sqlite.disk.item_texts import read_first
from flyexpr.engines.sqlite.disk.key_schema import row_key
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.engines.sqlite.request.streams import SEQUENCE, sequence_number


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


def shard_filter(stream: StoredStream, shard: Shard) -> Callable[[bytes], bool] | None:
    """Whether a change is one of a shard, by a text that begins with its key; None for a shard that has all of them."""
    if shard.part == (0, 1):
        return None
    low, high = segment_range(*shard.part)
    return lambda text: low <= row_key(stream.schema, read_first(text, stream.schema.names)) < high


def record_pieces(stream: StoredStream, records: Iterable[StoredRecord]) -> list[bytes]:
    """The records of a stream as GetRecords gives them, in pieces; keys and images are the texts that were stored.

    DamagedFileError for a change that no engine wrote.
    """
    # The id of a record is the same on every reading, and another for every other change of any table.
    origin = hashlib.blake2b(f"{stream.table_id} {stream.arn}".encode(), digest_size=8).hexdigest().encode()
    start, until, view = b"", 0, stream.view.encode()
    ends = [_END % (view, name, identity) for name, identity in _KINDS]
    pieces: list[bytes] = []
    try:
        for number, kind, size, shown in records:
            if number >= until:  # written once for all changes of a second: a page of them takes 0.95 of the time
                until = number - number % SECOND + SECOND
                start = _START % (origin, number // SECOND)
            pieces += start % (_EVENT + number, SEQUENCE + number, size), shown, ends[kind]
    except (IndexError, TypeError) as error:
        raise DamagedFileError("a change of an item cannot be read") from error
    if pieces:
        pieces[-1] = pieces[-1].removesuffix(b",")
    return pieces


# Python is slow to write numbers of a given width, so what is added to them gives all the same length: that makes the
# records of a page in 0.86 of the time.
_EVENT = 1 << 60
_START = (
    b'{"eventID":"%b%%x","dynamodb":{"ApproximateCreationDateTime":%d,"SequenceNumber":"%%d","SizeBytes":%%d,"Keys":'
)
_END = (
    b',"StreamViewType":"%b"},"eventName":"%b","eventVersion":"1.1","eventSource":"aws:dynamodb",'
    b'"awsRegion":"local"%b},'
)
_KINDS = (  # in the order of `change_kind`
    (b"INSERT", b""),
    (b"MODIFY", b""),
    (b"REMOVE", b""),
    (b"REMOVE", b',"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}'),
)
