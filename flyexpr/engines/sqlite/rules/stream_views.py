"""A stream, its shards and its records as answers show them (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64
from collections.abc import Callable, Iterable
from typing import Any

from flyexpr.engines.sqlite.answers import item_text, read_first
from flyexpr.engines.sqlite.disk.changes import SECOND, StoredChange, text_with_key
from flyexpr.engines.sqlite.disk.keeping import NEW_VIEWS, OLD_VIEWS
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, row_key
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.disk.shards import Shard
from flyexpr.engines.sqlite.disk.streams import StoredStream
from flyexpr.engines.sqlite.request.streams import FIRST_SEQUENCE, sequence_number
from flyexpr.values.kinds import quote
from flyexpr.values.numbers import text_size
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
    return low <= row_key(stream.schema, read_first(text_with_key(change), stream.schema.names)) < high


def record_pieces(stream: StoredStream, changes: Iterable[StoredChange]) -> list[bytes]:
    """The records of a stream as GetRecords gives them, in pieces; the images are the texts that were stored.

    The caller joins them, so each image is copied once. Keys are not decoded either: by both, a page of 1,000 records
    takes a third of the time.
    """
    # The id of a record is the same on every reading, and another for every other change of any table.
    origin = hashlib.blake2b(f"{stream.table_id} {stream.arn}".encode(), digest_size=8).hexdigest().encode()
    start, view, key_of = _START % origin, stream.view.encode(), _key_reader(stream.schema)
    inserted, modified, removed, expired = (_END % (view, name, identity) for name, identity in _KINDS)
    old_is_shown, new_is_shown = stream.view in OLD_VIEWS, stream.view in NEW_VIEWS
    pieces: list[bytes] = []
    for change in changes:
        number, is_expired, old_size, old, new_size, new = change
        key, size = key_of(text_with_key(change))
        images: tuple[bytes, ...] = ()
        if new is not None and new_is_shown:
            images = b',"NewImage":', new
            size += new_size or 0
        if old is not None and old_is_shown:
            images += b',"OldImage":', old
            size += old_size or 0
        pieces.append(start % (number, number // SECOND, FIRST_SEQUENCE + number, size, key))
        pieces += images
        pieces.append(inserted if old is None else modified if new is not None else expired if is_expired else removed)
    if pieces:
        pieces[-1] = pieces[-1].removesuffix(b",")
    return pieces


_START = (
    b'{"eventID":"%b%%016x","dynamodb":{"ApproximateCreationDateTime":%%d,"SequenceNumber":"%%d","SizeBytes":%%d,'
    b'"Keys":{%%b}'
)
_END = (
    b',"StreamViewType":"%b"},"eventName":"%b","eventVersion":"1.1","eventSource":"aws:dynamodb",'
    b'"awsRegion":"local"%b},'
)
_KINDS = (
    (b"INSERT", b""),
    (b"MODIFY", b""),
    (b"REMOVE", b""),
    (b"REMOVE", b',"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}'),
)


def _key_reader(schema: KeySchema) -> Callable[[bytes], tuple[bytes, int]]:
    """A function that gives the key of a stored text: the text of its attributes, without braces, and their size.

    >>> from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute
    >>> key_of = _key_reader(KeySchema((KeyAttribute("id", "S"),), (KeyAttribute("year", "N"),)))
    >>> key_of(b'{"id":{"S":"abc"},"year":{"N":"1959"},"genre":{"S":"jazz"}}')
    (b'"id":{"S":"abc"},"year":{"N":"1959"}', 12)
    """
    names = sum([len(name.encode()) for name in schema.names])
    texts = [_ATTRIBUTE % (re.escape(quote(one.name)).encode(), one.kind.encode()) for one in schema.attributes]
    sizes = [_SIZES[one.kind] for one in schema.attributes]
    if not schema.sort:
        texts, sizes = [b"%b()" % texts[0]], [*sizes, len]
    match, (partition_size, sort_size) = re.compile(rb"\{(%b)[,}]" % b",".join(texts)).match, sizes

    def read(text: bytes) -> tuple[bytes, int]:
        # Most items begin with their key, and few keys have an escape in a string: this takes a sixth of the time.
        matched = match(text)
        if matched is None:
            key = read_first(text, schema.names)
            return item_text(key)[1:-1], item_size(key)
        attributes, partition, sort = matched.groups()
        return attributes, names + partition_size(partition) + sort_size(sort)

    return read


def _number_size(text: bytes) -> int:
    return (len(text.rstrip(b"0")) + 3) // 2 if text.isdigit() else text_size(text.decode())


_ATTRIBUTE = rb'%b:\{"%b":"([^"\\]*)"\}'
_SIZES: dict[str, Callable[[bytes], int]] = {"S": len, "N": _number_size, "B": lambda text: len(a2b_base64(text))}
