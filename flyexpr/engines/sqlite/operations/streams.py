"""ListStreams, DescribeStream, GetShardIterator and GetRecords.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.history.changes import (
    StoredRecord,
    change_number,
    last_number,
    read_keys,
    read_records,
)
from flyexpr.engines.sqlite.disk.history.shards import Shard, find_shard, kept_shards
from flyexpr.engines.sqlite.disk.history.streams import StoredStream, find_stream, streams
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, not_found
from flyexpr.engines.sqlite.operations.recording import retention
from flyexpr.engines.sqlite.request.intents.streams import (
    IteratorAsked,
    RecordsAsked,
    ShardIterator,
    StreamAsked,
    StreamsAsked,
)
from flyexpr.engines.sqlite.request.streams import iterator_text
from flyexpr.engines.sqlite.rules.stream_views import record_pieces, shard_filter, shard_view, stream_view
from flyexpr.errors import DynamoError

ITERATOR_SECONDS = 900
MAX_BYTES = 1024 * 1024  # of the keys and images that one GetRecords gives
MAX_PASSED = 16 * MAX_BYTES  # of those of other shards that it passes over; then it gives what it has


def list_streams(storage: Storage, asked: StreamsAsked, now: float) -> bytes:
    """The answer to ListStreams: up to 100 streams, in the order of their ARNs."""
    with storage.transaction("DEFERRED"):
        if asked.table is not None and storage.definition(asked.table) is None:
            known = any(stream.table == asked.table for stream in streams(storage))
            if not known:
                raise not_found(f"Requested resource not found: Table: {asked.table} not found")
        there = (
            stream
            for stream in streams(storage, asked.after)
            if asked.table in (None, stream.table) and not _is_over(storage, stream, now)
        )
        listed = list(islice(there, asked.limit + 1))
    shown: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream.arn, "TableName": stream.table, "StreamLabel": stream.label}
            for stream in listed[: asked.limit]
        ]
    }
    if len(listed) > asked.limit:
        shown["LastEvaluatedStreamArn"] = listed[asked.limit - 1].arn
    return json_text(shown)


def describe_stream(storage: Storage, asked: StreamAsked, now: float) -> bytes:
    """The answer to DescribeStream: up to 100 shards, parents before their children."""
    with storage.transaction("DEFERRED"):
        stream = _stream(storage, asked.arn, now)
        after = None if asked.after is None else _shard(storage, stream, asked.after)
        there = kept_shards(storage, stream.arn, _horizon(storage, stream, now), after, asked.parent)
        shards = list(islice(there, asked.limit + 1))
    shown = stream_view(stream)
    shown["Shards"] = [shard_view(shard) for shard in shards[: asked.limit]]
    if len(shards) > asked.limit:
        shown["LastEvaluatedShardId"] = shards[asked.limit - 1].id
    return json_text({"StreamDescription": shown})


def get_shard_iterator(storage: Storage, asked: IteratorAsked, now: float) -> bytes:
    """The answer to GetShardIterator."""
    with storage.transaction("DEFERRED"):
        stream = _stream(storage, asked.arn, now)
        shard = _shard(storage, stream, asked.shard)
        after = _place(storage, stream, shard, asked, now)
    return json_text({"ShardIterator": _iterator(stream, shard, after, now)})


def _place(storage: Storage, stream: StoredStream, shard: Shard, asked: IteratorAsked, now: float) -> int:
    """The number of the change after which the reading begins."""
    horizon = _horizon(storage, stream, now)
    if asked.kind == "TRIM_HORIZON":
        return max(shard.start, horizon - 1)
    if asked.kind == "LATEST":
        return max(last_number(storage, stream.store), shard.start) if shard.end is None else shard.end
    if asked.kind == "AT_TIMESTAMP":
        if asked.seconds > now:
            raise invalid_parameter("Timestamp cannot be in the future")
        return max(change_number(asked.seconds) - 1, shard.start, horizon - 1)
    number = asked.number
    if number is None or not _is_in(storage, stream, shard, number, horizon):
        raise invalid("Invalid SequenceNumber for the shard")
    if number < horizon:
        raise _trimmed()
    return number if asked.kind == "AFTER_SEQUENCE_NUMBER" else number - 1


def _is_in(storage: Storage, stream: StoredStream, shard: Shard, number: int, horizon: int) -> bool:
    """Whether a number is that of a change of the shard, or one of its bounds; one that was trimmed may have been."""
    if not shard.start <= number <= (number if shard.end is None else shard.end):
        return False
    if number < horizon or number in (shard.start, shard.end):
        return True
    return _has_change(storage, stream, shard, number - 1, number)


def _has_change(storage: Storage, stream: StoredStream, shard: Shard, after: int, last: int) -> bool:
    """Whether a change after a number, up to the last one, is one of a shard."""
    return any(map(shard_filter(stream, shard) or bool, read_keys(storage, stream.store, after, last)))


def get_records(storage: Storage, asked: RecordsAsked, now: float) -> bytes:
    """The answer to GetRecords: up to 1,000 records or 1 MB; no next iterator once a closed shard is read to its end.

    The images are the texts that were stored.
    """
    iterator = asked.iterator
    if now - iterator.made / 1000 > ITERATOR_SECONDS:
        raise DynamoError.of("ExpiredIteratorException", "The shard iterator has expired; it is valid for 15 minutes")
    with storage.transaction("DEFERRED"):
        stream = _stream(storage, iterator.arn, now)
        shard = _shard(storage, stream, iterator.shard)
        _check_untrimmed(storage, stream, shard, iterator.after, now)
        page = _page(storage, stream, shard, iterator.after, asked.limit)
    following = json_text(_iterator(stream, shard, page.after, now)) if page.more or shard.end is None else None
    end = b"]}" if following is None else b'],"NextShardIterator":%b}' % following
    return b"".join((b'{"Records":[', *record_pieces(stream, page.records), end))


def _check_untrimmed(storage: Storage, stream: StoredStream, shard: Shard, after: int, now: float) -> None:
    """None for a place in a shard after which no change was trimmed."""
    last = _horizon(storage, stream, now) - 1
    if shard.end is not None:
        last = min(last, shard.end)
    if _has_change(storage, stream, shard, after, last):
        raise _trimmed()


class Page(NamedTuple):
    """The records of a shard in one answer, the number of the last one that was looked at, and whether more follow."""

    records: list[StoredRecord]
    after: int
    more: bool


def _page(storage: Storage, stream: StoredStream, shard: Shard, after: int, limit: int) -> Page:
    records: list[StoredRecord] = []
    is_own = shard_filter(stream, shard)
    size = passed = 0
    last = 2**62 if shard.end is None else shard.end
    for record in read_records(storage, stream.store, stream.view, after, last):
        number, _, record_size, text = record
        if is_own is not None and not is_own(text):
            passed += record_size
            if passed > MAX_PASSED:
                return Page(records, number, True)
        else:
            size += record_size
            if len(records) == limit or (size > MAX_BYTES and records):
                return Page(records, after, True)
            records.append(record)
        after = number
    return Page(records, after, False)


def _iterator(stream: StoredStream, shard: Shard, after: int, now: float) -> str:
    return iterator_text(ShardIterator(stream.arn, shard.id, max(after, 0), int(max(now, 0) * 1000)))


def _stream(storage: Storage, arn: str, now: float) -> StoredStream:
    stream = find_stream(storage, arn)
    if stream is None or _is_over(storage, stream, now):
        raise not_found(f"Requested resource not found: Stream: {arn} not found")
    return stream


def _shard(storage: Storage, stream: StoredStream, shard_id: str) -> Shard:
    shard = find_shard(storage, stream.arn, shard_id)
    if shard is None:
        raise not_found(f"Requested resource not found: Shard: {shard_id} in Stream: {stream.arn} not found")
    return shard


def _is_over(storage: Storage, stream: StoredStream, now: float) -> bool:
    """Whether a stream ended so long ago that none of its records is kept."""
    return stream.ended is not None and stream.ended + retention(storage, stream) < now


def _horizon(storage: Storage, stream: StoredStream, now: float) -> int:
    """The least number of a record that is kept."""
    return change_number(now - retention(storage, stream))


def _trimmed() -> DynamoError:
    return DynamoError.of(
        "TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard"
    )
