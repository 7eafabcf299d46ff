"""The record of a table's changes: kept for its stream, and for its restoring to a point in time.

A change is recorded in the transaction that makes it. While they are recorded, a table's definition says where
(`Changes`). A stream that was disabled, or whose table was deleted, can be read for as long as it keeps its records.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import adler32

from flyexpr.engines.sqlite.disk.history.changes import SECOND, change_number, create_changes, last_number
from flyexpr.engines.sqlite.disk.history.shards import add_shards, close_shards, last_end, open_shards, trim_shards
from flyexpr.engines.sqlite.disk.history.streams import StoredStream, find_stream, keep_stream, streams
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.keeping import DAY
from flyexpr.engines.sqlite.disk.schema import Changes, Definition, StoredTable, change_kind
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.rules.descriptions import set_stream_label
from flyexpr.engines.sqlite.rules.shards import first_shards, next_shards
from flyexpr.engines.sqlite.rules.throughput import Description
from flyexpr.records import replace


class JointChanges:
    """The changes of a transaction: they are made at one time, and their numbers in a store follow each other.

    >>> joint = JointChanges(1.5)
    >>> joint.step("changes_1"), joint.step("changes_1"), joint.step("changes_2")
    (2, 1, 2)
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._stores = set[str]()

    def step(self, store: str) -> int:
        """How far the number of its next change in a store is from that of the newest one there."""
        step = 1 if store in self._stores else 2
        self._stores.add(store)
        return step


def record_change(
    storage: Storage,
    table: StoredTable,
    old: Image | None,
    new: Image | None,
    expired: bool = False,
    joint: JointChanges | None = None,
) -> None:
    """Record a change of an item, unless it leaves the item as it was, in whatever order its parts are written.

    `joint` is the transaction that it is part of; None for one that stands alone.
    """
    changes = table.changes
    if changes is None or _is_same(old, new):
        return
    keeping = storage.keeping
    number = change_number(keeping.clock() if joint is None else joint.seconds)
    if changes.stream is not None and number - changes.since > keeping.shard_time * SECOND:
        changes = _with_next_shards(storage, table.name, number)
    image = new or old
    assert image is not None
    storage.add_change(
        changes.store,
        max(number, changes.since + 1),
        2 if joint is None else joint.step(changes.store),
        change_kind(old is not None, new is not None, expired),
        table.key_of(image.text),
        (old.size, old.text) if old is not None and changes.keeps_old else None,
        (new.size, new.text) if new is not None and changes.keeps_new else None,
    )


def _is_same(old: Image | None, new: Image | None) -> bool:
    if old is None or new is None:
        return old is new
    # Equal items are the same bytes, in some order: the low half of this checksum is their sum, at no cost.
    if len(old.text) != len(new.text) or (adler32(old.text) ^ adler32(new.text)) & 0xFFFF:
        return False
    return old.text == new.text or bool(json.loads(old.text) == json.loads(new.text))


def _with_next_shards(storage: Storage, name: str, number: int) -> Changes:
    """Where changes are recorded once the shards that are open have closed, unless that has been done before."""
    definition, keeping = storage.definition(name), storage.keeping
    assert definition is not None
    kept = definition["Changes"]
    stream = find_stream(storage, kept["Stream"])
    if stream is not None and number - kept["Since"] > keeping.shard_time * SECOND:
        end = max(last_number(storage, kept["Store"]), kept["Since"])
        start = max(number, end + 1)
        children = next_shards(stream.arn, open_shards(storage, stream.arn), start, keeping.shards)
        trim_shards(storage, stream.arn, change_number(keeping.clock() - retention(storage, stream)))
        close_shards(storage, stream.arn, end, start)
        add_shards(storage, stream.arn, children)
        kept["Since"] = start
        storage.next_version()
        storage.define(name, definition)
    changes = storage.table(name).changes
    assert changes is not None
    return changes


def retention(storage: Storage, stream: StoredStream) -> float:
    """For how many seconds a stream keeps its records."""
    return stream.retention if storage.keeping.retention is None else storage.keeping.retention


def follow_stream(storage: Storage, definition: Definition, before: Description, now: float) -> None:
    """Begin or end a stream, where the description of a table says so now and did not before, or the reverse."""
    was, stands = ("StreamSpecification" in one for one in (before, definition["Description"]))
    if stands and not was:
        _begin_stream(storage, definition, now)
    elif was and not stands:
        _end_stream(storage, definition, now)


def _begin_stream(storage: Storage, definition: Definition, now: float) -> None:
    """Record the changes of a table for a stream, which gets a label that no other has."""
    description, labelled = definition["Description"], now
    while find_stream(storage, description["LatestStreamArn"]) is not None:
        labelled += 0.001
        set_stream_label(description, labelled)
    arn, keeping = description["LatestStreamArn"], storage.keeping
    was_recorded, changes = "Changes" in definition, begin_recording(storage, definition)
    changes["Stream"] = arn
    if was_recorded:
        changes["Since"] = _next_number(storage, definition)
    names = [element["AttributeName"] for element in description["KeySchema"]]
    kinds = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    stream = StoredStream(
        arn,
        description["TableName"],
        description["TableId"],
        description["StreamSpecification"]["StreamViewType"],
        description["KeySchema"],
        {name: kinds[name] for name in names},
        changes["Store"],
        created=now,
        ended=None,
        retention=DAY if keeping.retention is None else keeping.retention,
    )
    keep_stream(storage, stream)
    add_shards(storage, arn, first_shards(arn, changes["Since"], keeping.shards))


def _end_stream(storage: Storage, definition: Definition, now: float) -> None:
    changes = definition["Changes"]
    stream = find_stream(storage, changes["Stream"])
    if stream is not None:
        end = max(last_number(storage, changes["Store"]), changes["Since"])
        close_shards(storage, stream.arn, end, change_number(now))
        keep_stream(storage, replace(stream, ended=now))
    changes["Stream"] = None
    end_recording(storage, definition)


def begin_recording(storage: Storage, definition: Definition) -> dict[str, Any]:
    """The `Changes` of a definition, which are made if there are none."""
    changes: dict[str, Any] | None = definition.get("Changes")
    if changes is None:
        store = f"changes_{storage.next_version()}"
        create_changes(storage, store)
        changes = definition["Changes"] = {"Store": store, "Since": 0, "Stream": None, "Days": 0, "Restorable": 0}
        changes["Since"] = _next_number(storage, definition)
    return changes


def _next_number(storage: Storage, definition: Definition) -> int:
    """A number that is larger than that of any change of the table before."""
    changes, name = definition["Changes"], definition["Description"]["TableName"]
    ends = [last_end(storage, stream.arn) for stream in streams(storage) if stream.table == name]
    last: int = max(last_number(storage, changes["Store"]), changes["Since"], *ends)
    return max(change_number(storage.keeping.clock()), last + 1)


def end_recording(storage: Storage, definition: Definition) -> None:
    """Stop recording the changes of a table, unless somebody still needs them."""
    changes = definition["Changes"]
    if changes["Stream"] is None and not changes["Days"]:
        del definition["Changes"]
        drop_unused(storage, changes["Store"])


def forget_table(storage: Storage, definition: Definition, now: float) -> None:
    """End the recording of a table that is deleted; its stream can be read on for as long as it keeps its records."""
    changes = definition.get("Changes")
    if changes is not None:
        changes["Days"] = 0
        _end_stream(storage, definition, now)


def drop_unused(storage: Storage, store: str) -> None:
    """Drop a store of changes that no table has any more, unless a stream shows it."""
    if all(stream.store != store for stream in streams(storage)):
        storage.drop_store(store)
