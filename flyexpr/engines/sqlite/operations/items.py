"""PutItem, UpdateItem and DeleteItem.

Each is one SQLite transaction: the condition is tried on the item as it stands, and the item is changed with all of
its index entries, or nothing is.
"""

from __future__ import annotations

import json

from flyexpr.engines.sqlite.answers import answer, optional
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import condition_failed, duplicate_item, invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import collection_metrics
from flyexpr.engines.sqlite.operations.long_writes import LongWrites, write_in_transaction
from flyexpr.engines.sqlite.request.intents import EXPRESSIONS
from flyexpr.engines.sqlite.request.intents.writes import Returns, Write, WriteAsked
from flyexpr.engines.sqlite.rules.capacity import consumed
from flyexpr.engines.sqlite.rules.keys import UPDATE_TOO_LARGE
from flyexpr.engines.sqlite.rules.update_charge import update_charge
from flyexpr.engines.sqlite.rules.writes import check_keeps_key, returned, write_row
from flyexpr.values.types import MAX_ITEM


def write_item(storage: Storage, asked: WriteAsked, now: float) -> bytes:
    """The answer to PutItem, UpdateItem or DeleteItem; deleting an item that does not exist is not an error."""
    write, returns = asked
    if write.image is not None and write.condition is None and returns.is_nothing:
        image = write.image
        if storage.put_alone(write.table, lambda table: write_row(table, write), (image.size, image.text)):
            return answer()
    too_large = write.update is not None and write.by == EXPRESSIONS and update_charge(write.update) > MAX_ITEM

    def attempt(long_writes: LongWrites) -> bytes:
        table = storage.table(write.table)
        row = write_row(table, write)
        if too_large:
            raise invalid(UPDATE_TOO_LARGE)
        if write.update is not None:
            check_keeps_key(write.update, table)
        return _carry_out(storage, table, row, write, returns, long_writes)

    return write_in_transaction(storage, attempt)


def _carry_out(
    storage: Storage, table: StoredTable, row: bytes, write: Write, returns: Returns, long_writes: LongWrites
) -> bytes:
    old, new = long_writes.images(write, table, storage.get(table.store, row), failed)
    usage = carry_out(storage, table, row, old, new)
    metrics = collection_metrics(storage, table, write.item) if returns.metrics else None
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
