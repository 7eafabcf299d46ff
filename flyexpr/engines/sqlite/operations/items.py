"""PutItem, UpdateItem and DeleteItem.

Each is one SQLite transaction: the condition is tried on the item as it stands, and the item is changed with all of
its index entries, or nothing is. In a table without indexes, streams and time to live the item is read and changed by
two statements: the second one changes it if it is still the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.answers import answer, optional
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import condition_failed, duplicate_item, invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out, table_usage
from flyexpr.engines.sqlite.operations.collection_size import collection_metrics
from flyexpr.engines.sqlite.operations.long_writes import LongWrites, work_out, write_in_transaction
from flyexpr.engines.sqlite.request.intents.writes import Write, WriteAsked
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed
from flyexpr.engines.sqlite.rules.keys import UPDATE_TOO_LARGE
from flyexpr.engines.sqlite.rules.writes import check_keeps_key, returned, write_row


def write_item(storage: Storage, asked: WriteAsked, now: float) -> bytes:
    """The answer to PutItem, UpdateItem or DeleteItem; deleting an item that does not exist is not an error."""
    write, returns, too_large = asked
    if write.image is not None and write.condition is None and returns.is_nothing:
        image = write.image
        if storage.put_alone(write.table, lambda table: write_row(table, write), (image.size, image.text)):
            return answer()

    def row_key(table: StoredTable) -> bytes:
        row = write_row(table, write)
        if too_large:
            raise invalid(UPDATE_TOO_LARGE)
        if write.update is not None:
            check_keeps_key(write.update, table)
        return row

    def attempt(long_writes: LongWrites) -> bytes:
        table = storage.table(write.table)
        row = row_key(table)
        old, new = long_writes.images(write, table, storage.get(table.store, row), failed)
        usage = carry_out(storage, table, row, old, new)
        metrics = collection_metrics(storage, table, write.item) if returns.metrics else None
        return _answer(table, asked, old, new, usage, metrics)

    alone = _write_alone(storage, asked, row_key)
    return write_in_transaction(storage, attempt) if alone is None else alone


def _write_alone(storage: Storage, asked: WriteAsked, row_key: Callable[[StoredTable], bytes]) -> bytes | None:
    """The answer to a write that is worked out without a transaction; None, and nothing is done, where it takes one."""
    write, returns, _ = asked
    found = storage.row_to_change(write.table, row_key)
    if found is None:
        return None
    old, new = work_out(write, found.table, found.row, failed)
    if not storage.change_alone(found, None if new is None else (new.size, new.text)):
        return None
    return answer() if returns.is_nothing else _answer(found.table, asked, old, new, table_usage(found.table, old, new))


def _answer(
    table: StoredTable, asked: WriteAsked, old: Image | None, new: Image | None, usage: Usage, metrics: Any = None
) -> bytes:
    write, returns, _ = asked
    return answer(
        Attributes=returned(returns.values, write, old, new),
        ConsumedCapacity=optional(consumed(table, usage, returns.capacity)),
        ItemCollectionMetrics=optional(metrics),
    )


def failed(write: Write, old: Image | None) -> Exception:
    """The error of a write whose condition is false, with the item if the request asks for it."""
    if write.is_insert:
        return duplicate_item()
    return condition_failed(json.loads(old.text) if write.shows_failed and old is not None else None)
