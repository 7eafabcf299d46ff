"""A change of one item, carried out: its row, its entries in the indexes, its place in the time to live, its record.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

from __future__ import annotations

import json
from typing import Any

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.indexes import Entry, StoredIndex
from flyexpr.engines.sqlite.disk.schema import Expiry, StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.disk.vectors import VectorEntry, VectorStoredIndex
from flyexpr.engines.sqlite.operations.recording import JointChanges, record_change
from flyexpr.engines.sqlite.rules.capacity import Usage, write_units
from flyexpr.engines.sqlite.rules.vectors import charged_size

_LATEST = 2**63 - 1


def carry_out(
    storage: Storage,
    table: StoredTable,
    row: bytes,
    old: Image | None,
    new: Image | None,
    *,
    expired: bool = False,
    joint: JointChanges | None = None,
) -> Usage:
    """The units consumed by changing the item at a row key from `old` to `new`, once that is done.

    `expired` says that an item is deleted because its time to live has passed, and `joint` of which transaction
    the change is a part. In a table that does not look back most changes need none of this: see `Storage.change_alone`.

    >>> from flyexpr.engines.sqlite.disk.file.files import TableFile
    >>> from flyexpr.engines.sqlite.disk.key_schema import KeySchema
    >>> storage = Storage(TableFile(":memory:"))
    >>> storage.create_store("items_1")
    >>> scores = StoredTable("scores", "items_1", KeySchema((), ()), (), None)
    >>> carry_out(storage, scores, b"key", None, Image({}, 1500, b"{}")).table
    2.0
    >>> storage.get("items_1", b"key")
    (1500, b'{}')
    >>> storage.close()
    """
    _change_row(storage, table, row, old, new)
    usage = table_usage(table, old, new)
    for index in table.indexes:
        _change_entry(storage, index, index.entry(row, old), index.entry(row, new), usage)
    for vector_index in table.vector_indexes:
        _change_vector(storage, vector_index, row, (old, new), usage)
    if table.expiry is not None:
        _change_expiry(storage, table.expiry, row, old, new)
    if table.changes is not None:
        record_change(storage, table, old, new, expired, joint)
    return usage


def table_usage(table: StoredTable, old: Image | None, new: Image | None) -> Usage:
    """The units of the table alone that a change of an item from `old` to `new` consumes."""
    return Usage(write_units(*[charged_size(table, image) for image in (old, new) if image is not None]))


def _change_row(storage: Storage, table: StoredTable, row: bytes, old: Image | None, new: Image | None) -> None:
    if new is not None:
        if old is None or new.text != old.text:
            storage.put(table.store, row, new.size, new.text)
    elif old is not None:
        storage.delete(table.store, row)


def _change_entry(
    storage: Storage, index: StoredIndex, before: Entry | None, after: Entry | None, usage: Usage
) -> None:
    """An entry that stays as it is costs nothing; one that moves to another key is deleted and put anew."""
    if before == after or (before is not None and after is not None and _says_the_same(before, after)):
        return
    if before is not None and after is not None and before[0] == after[0]:
        usage.add(write_units(before[1], after[1]), index)
    else:
        for entry in (before, after):
            if entry is not None:
                usage.add(write_units(entry[1]), index)
        if before is not None:
            storage.delete(index.store, before[0])
    if after is not None:
        storage.put(index.store, *after)


def _says_the_same(before: Entry | VectorEntry, after: Entry | VectorEntry) -> bool:
    """Whether two entries hold the same attributes, in whatever order."""
    return (before[:2], before[3:]) == (after[:2], after[3:]) and json.loads(before[2]) == json.loads(after[2])


def _change_vector(
    storage: Storage, index: VectorStoredIndex, row: bytes, images: tuple[Image | None, Image | None], usage: Usage
) -> None:
    """An entry that stays as it is costs nothing; one that changes the bytes of the larger image."""
    old, new = images
    before, after = index.entry(row, old), index.entry(row, new)
    if before is None and after is None:
        return
    if before is not None and after is not None and _says_the_same(before, after):
        return
    usage.add_vector(index.name, max(entry.size for entry in (before, after) if entry is not None))
    if old is not None and before is not None and (after is None or after.key != before.key):
        storage.delete(index.store, before.key)
        storage.held.change(index.store, index.partition(old.item), before.key, None, {})
    if new is not None and after is not None:
        storage.put_vector(index.store, *after)
        storage.held.change(index.store, index.partition(new.item), after.key, after, new.item)


def add_vector(storage: Storage, index: VectorStoredIndex, row: bytes, image: Image) -> None:
    """Enter an item that was there before the vector index."""
    entry = index.entry(row, image)
    if entry is not None:
        storage.put_vector(index.store, *entry)


def add_entry(storage: Storage, index: StoredIndex, row: bytes, image: Image) -> None:
    """Enter an item that was there before the index."""
    entry = index.entry(row, image)
    if entry is not None:
        storage.put(index.store, *entry)


def add_expiry(storage: Storage, expiry: Expiry, row: bytes, image: Image) -> None:
    """Enter an item that was there before the time to live."""
    _change_expiry(storage, expiry, row, None, image)


def _change_expiry(storage: Storage, expiry: Expiry, row: bytes, old: Image | None, new: Image | None) -> None:
    """The store of a time to live has a row for each item that will expire, in the order of time; its text is the
    item's row key in hexadecimal.
    """
    before, after = _expiry_key(expiry, row, old), _expiry_key(expiry, row, new)
    if before == after:
        return
    if before is not None:
        storage.delete(expiry.store, before)
    if after is not None:
        storage.put(expiry.store, after, 0, row.hex().encode())


def _expiry_key(expiry: Expiry, row: bytes, image: Image | None) -> bytes | None:
    seconds: Any = image.item.get(expiry.attribute) if image is not None else None
    if seconds is None or isinstance(seconds, (bool, str, bytes, list, dict, set)):
        return None
    return time_key(seconds) + row if 0 <= seconds <= _LATEST else None


def time_key(seconds: Any) -> bytes:
    """The start of the keys of the items that expire at a time, in whole seconds.

    >>> time_key(1.9) < time_key(2)
    True
    """
    return int(seconds).to_bytes(8, "big")
