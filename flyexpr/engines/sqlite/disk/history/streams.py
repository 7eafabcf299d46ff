"""The streams of a file, as they are kept among its resources; shards.py has their shards.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from flyexpr.engines.sqlite.disk.history.resources import (
    Resource,
    drop_resource,
    find_resource,
    keep_resource,
    resources,
)
from flyexpr.engines.sqlite.disk.history.shards import drop_shards
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, read_key_schema
from flyexpr.engines.sqlite.disk.schema import check_store
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.records import record

KIND = "stream"


@record
class StoredStream:
    """A stream. `key` and `kinds` are the key of its table in wire form; the table may be gone.

    `retention` is in seconds, `ended` the time at which the stream was disabled.
    """

    arn: str
    table: str
    table_id: str
    view: str
    key: list[dict[str, str]]
    kinds: dict[str, str]
    store: str
    created: float
    ended: float | None
    retention: float

    @cached_property
    def schema(self) -> KeySchema:
        """The key of its table."""
        return read_key_schema(self.key, self.kinds)

    @property
    def label(self) -> str:
        return self.arn.rpartition("/")[2]


def find_stream(storage: Storage, arn: str) -> StoredStream | None:
    """The stream of an ARN, or None."""
    resource = find_resource(storage, arn)
    return None if resource is None else _read_stream(arn, resource)


def streams(storage: Storage, after: str = "") -> Iterator[StoredStream]:
    """All streams, in the order of their ARNs; those after an ARN."""
    for arn, resource in resources(storage, KIND, after):
        yield _read_stream(arn, resource)


def keep_stream(storage: Storage, stream: StoredStream) -> None:
    """Enter a stream, or another state of it."""
    kept: dict[str, Any] = {
        "Table": stream.table,
        "TableId": stream.table_id,
        "View": stream.view,
        "Key": stream.key,
        "Kinds": stream.kinds,
        "Store": stream.store,
        "Created": stream.created,
        "Ended": stream.ended,
        "Retention": stream.retention,
    }
    keep_resource(storage, stream.arn, KIND, kept)


def drop_stream(storage: Storage, stream: StoredStream) -> None:
    """Strike out a stream, with its shards."""
    drop_shards(storage, stream.arn)
    drop_resource(storage, stream.arn)


def _read_stream(arn: str, kept: Resource) -> StoredStream:
    try:
        return StoredStream(
            arn,
            table=kept["Table"],
            table_id=kept["TableId"],
            view=kept["View"],
            key=kept["Key"],
            kinds=kept["Kinds"],
            store=check_store(kept["Store"]),
            created=kept["Created"],
            ended=kept["Ended"],
            retention=float(kept["Retention"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"a stream cannot be read: {error}") from error
