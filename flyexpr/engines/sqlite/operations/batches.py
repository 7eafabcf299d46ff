"""BatchGetItem and BatchWriteItem.

A batch here is one SQLite transaction, never left half done; unprocessed is only what lies beyond 16 MB of items read,
or beyond 1 MB of one partition.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.engines.sqlite.answers import answer, json_text, optional
from flyexpr.engines.sqlite.disk.images import read_image
from flyexpr.engines.sqlite.disk.key_schema import key_of
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import metrics_by_table
from flyexpr.engines.sqlite.operations.reads import shown
from flyexpr.engines.sqlite.request.batches import DUPLICATES
from flyexpr.engines.sqlite.request.intents.reads import BatchAsked, KeysAsked
from flyexpr.engines.sqlite.request.intents.writes import Write, WritesAsked
from flyexpr.engines.sqlite.rules.capacity import Usage, Usages, read_units
from flyexpr.engines.sqlite.rules.keys import check_empty_key, key_row
from flyexpr.engines.sqlite.rules.writes import check_indexes, image_after
from flyexpr.values.types import Item

MAX_BYTES, MAX_PARTITION_BYTES = 16 * 1024 * 1024, 1024 * 1024


class TableRead:
    """What a BatchGetItem has read of one table: its units, the texts of the items, and the keys it has not come to."""

    __slots__ = ("asked", "table", "texts", "unprocessed", "usage")

    def __init__(self, asked: KeysAsked, table: StoredTable, usage: Usage) -> None:
        self.asked, self.table, self.usage = asked, table, usage
        self.texts: list[bytes] = []
        self.unprocessed: list[Any] = []

    def take(self, storage: Storage, size: int) -> int:
        """Read the items, if there is room beside the bytes of other tables; the bytes of them all."""
        table, asked = self.table, self.asked
        partitions: dict[Any, int] = {}
        (partition,) = table.key.partition
        for key, wire in zip(asked.keys, asked.wire["Keys"], strict=True):
            row = storage.get(table.store, key_row(table, key))
            taken = partitions.get(key[partition.name], 0)
            if row is not None and (size + row[0] > MAX_BYTES or taken >= MAX_PARTITION_BYTES):
                self.unprocessed.append(wire)
                continue
            self.usage.add(read_units(row[0] if row else 0, asked.consistent))
            if row is not None:
                size += row[0]
                partitions[key[partition.name]] = taken + row[0]
                self.texts.append(row[1])
        return size


def batch_get_item(storage: Storage, asked: BatchAsked, now: float) -> bytes:
    """The answer to BatchGetItem: the items that are there, table by table, in the order of the keys."""
    reads, usages, size = [], Usages(), 0
    with storage.transaction("DEFERRED"):
        for keys in asked.tables:
            table = storage.table(keys.table)
            reads.append(TableRead(keys, table, usages.of(table)))
            size = reads[-1].take(storage, size)
    responses = {read.asked.name: [shown(text, read.asked.paths) for text in read.texts] for read in reads}
    unprocessed = {read.asked.name: {**read.asked.wire, "Keys": read.unprocessed} for read in reads if read.unprocessed}
    return answer(
        Responses=answer(**responses),
        UnprocessedKeys=json_text(unprocessed),
        ConsumedCapacity=optional(usages.consumed(asked.capacity)),
    )


def batch_write_item(storage: Storage, asked: WritesAsked, now: float) -> bytes:
    """The answer to BatchWriteItem; one bad request refuses them all."""
    returns, usages = asked.returns, Usages()
    with storage.transaction("IMMEDIATE"):
        targets = [(table := storage.table(write.table), _row(table, write)) for write in asked.writes]
        if len({(table.store, row) for table, row in targets}) < len(targets):
            raise invalid(DUPLICATES)
        rows: dict[str, list[tuple[bytes, int, bytes]]] = {}
        for (table, row), write in zip(targets, asked.writes, strict=True):
            # What an item was before is read where somebody asks. Puts for which nobody does are one statement: a batch
            # of them takes 0.92 of the time.
            if write.image is not None and returns.is_nothing and not table.looks_back:
                rows.setdefault(table.store, []).append((row, write.image.size, write.image.text))
                continue
            old = read_image(storage.get(table.store, row), table.watched)
            usages.of(table).merge(carry_out(storage, table, row, old, image_after(write, table, old)))
        for store, puts in rows.items():
            storage.put_all(store, puts)
        metrics = metrics_by_table(storage, (table for table, _ in targets), asked.writes) if returns.metrics else None
    return answer(
        UnprocessedItems="{}",
        ItemCollectionMetrics=optional(metrics),
        ConsumedCapacity=optional(usages.consumed(returns.capacity)),
    )


def _row(table: StoredTable, write: Write) -> bytes:
    """The row key of a write; of a wrong key in an item, PutItem says what is wrong, a batch only that it is wrong."""
    if write.action == "Put":
        check_empty_key(table, write.item)
        row = key_row(table, _key_part(table, write.item))
        check_indexes(table, write.item)
        return row
    return key_row(table, write.item)


def _key_part(table: StoredTable, item: Mapping[str, Any]) -> Item:
    return key_of(tuple(name for name in table.key.names if name in item), item)
