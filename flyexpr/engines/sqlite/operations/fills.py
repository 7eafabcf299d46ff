"""A new index, or a new time to live, is filled with the items that are there: in portions, so that others can write.

From the first moment on every write enters its item into the new store too. So a portion only has to pass each row
once, whichever engine does it. How far the portions have come is kept in the file. When an engine ends in the middle,
the rest is done by the engine that next asks for the index.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from flyexpr.engines.sqlite.disk.images import read_image
from flyexpr.engines.sqlite.disk.schema import Definition, StoredTable, read_table
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import in_use
from flyexpr.engines.sqlite.operations.carry_out import add_entry, add_expiry, add_vector

PORTION_SECONDS = 0.010
PORTION_ITEMS = 200  # at least, 2 ms; with fewer, on a busy machine, a writer that appends items stays ahead for ever
PORTION_BYTES = 2_000_000  # of items; what they add to the log leaves it shorter than others copy it at (files.py)
PAUSE_SECONDS = 0.006  # longer than the pauses of a writer that waits (connections.py), so that it comes in between
ABANDONED_SECONDS = 3.0  # without a portion: the engine at work has ended, or is stopped


def begin_fill(storage: Storage, name: str, definition: Definition, store: str) -> bool:
    """Enter a definition with a new store, and the first of the items into it; whether there are more.

    A table of a few items is filled by that, and nobody ever sees the index without them.
    """
    definition["Filling"] = {"Store": store, "After": "", "At": 0.0}
    storage.define(name, definition)
    return fill_portion(storage, name)


def fill_portion(storage: Storage, name: str) -> bool:
    """Enter the next items into the store that is being filled; whether there are more. Inside a transaction."""
    definition = storage.definition(name)
    if definition is None or "Filling" not in definition:
        return False  # another engine has done the rest
    table, filling = read_table(definition), definition["Filling"]
    until, passed, last = time.monotonic() + PORTION_SECONDS, 0, None
    rows = storage.rows_after(table.store, bytes.fromhex(filling["After"]))
    for count, (key, size, text) in enumerate(rows, 1):
        _enter(storage, table, filling["Store"], key, (size, text))
        passed += size
        if passed > PORTION_BYTES or count >= PORTION_ITEMS and time.monotonic() > until:
            last = key
            break
    if last is None:
        del definition["Filling"]
        storage.next_version()
    else:
        filling |= {"After": last.hex(), "At": time.time()}
    storage.define(name, definition)
    return last is not None


def _enter(storage: Storage, table: StoredTable, store: str, key: bytes, row: tuple[int, bytes]) -> None:
    image = read_image(row, table.watched)
    assert image is not None
    if table.expiry is not None and table.expiry.store == store:
        add_expiry(storage, table.expiry, key, image)
    for index in table.indexes:
        if index.store == store:
            add_entry(storage, index, key, image)
    for vector_index in table.vector_indexes:
        if vector_index.store == store:
            add_vector(storage, vector_index, key, image)


def finish_fill(storage: Storage, name: str, undo: Callable[[Definition], None]) -> None:
    """Do the rest of a fill that this engine has begun; if that fails, `undo` makes of the definition what it was."""
    try:
        _finish(storage, name)
    except BaseException:
        storage.recover()
        with suppress(Exception):  # the first error is the one that matters
            _take_back(storage, name, undo)
        raise


def finish_abandoned(storage: Storage, name: str) -> bool:
    """Whether a table is being filled by an engine at work; what another one has left undone is done, except by an
    engine that only reads. Outside a transaction.
    """
    with storage.transaction("DEFERRED"):
        definition = storage.definition(name)
    if definition is None or "Filling" not in definition:
        return False
    if storage.read_only or abs(time.time() - definition["Filling"]["At"]) < ABANDONED_SECONDS:
        return True
    _finish(storage, name)
    return False


def check_unfilled(definition: Definition, message: str) -> None:
    """None for a table that is not being filled; ResourceInUseException for one that is.

    Inside the transaction that changes the table: another engine may begin to fill one at any moment before.
    """
    if "Filling" in definition:
        raise in_use(message)


def _finish(storage: Storage, name: str) -> None:
    with storage.beside() as other:
        more = True
        while more:
            if other.copy_log():
                time.sleep(PAUSE_SECONDS)  # those who waited for the portion write first
                other.restart_log()
            time.sleep(PAUSE_SECONDS)
            with other.transaction("IMMEDIATE"):
                more = fill_portion(other, name)


def _take_back(storage: Storage, name: str, undo: Callable[[Definition], None]) -> None:
    with storage.transaction("IMMEDIATE"):
        definition = storage.definition(name)
        if definition is not None and "Filling" in definition:
            storage.drop_store(definition.pop("Filling")["Store"])
            undo(definition)
            storage.next_version()
            storage.define(name, definition)
