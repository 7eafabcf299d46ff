"""How large the item collection is that a write belongs to: the items of one partition, where local indexes limit it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.key_schema import key_of, partition_key
from flyexpr.engines.sqlite.disk.keys import prefix_range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.request.intents.writes import Write

_GIGABYTE = 1024**3


def collection_metrics(storage: Storage, table: StoredTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The ItemCollectionMetrics of an answer, if it is asked for them; None for a table without a local index.

    The estimate is in whole gigabytes: a small collection is `[0.0, 1.0]`.
    """
    if not table.collection_stores:
        return None
    keys = prefix_range(partition_key(table.key, key))
    size = sum(storage.total(store, keys)[1] for store in table.collection_stores)
    whole = float(size // _GIGABYTE)
    names = tuple(attribute.name for attribute in table.key.partition)
    return {
        "ItemCollectionKey": json.loads(item_text(key_of(names, key))),
        "SizeEstimateRangeGB": [whole, whole + 1.0],
    }


def metrics_by_table(
    storage: Storage, tables: Iterable[StoredTable], writes: Iterable[Write]
) -> dict[str, list[dict[str, Any]]] | None:
    """As `collection_metrics`, for a request of several writes, each to its table."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for table, write in zip(tables, writes, strict=True):
        metrics = collection_metrics(storage, table, write.item)
        if metrics is not None:
            by_name.setdefault(table.name, []).append(metrics)
    return by_name or None
