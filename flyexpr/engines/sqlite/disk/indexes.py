"""The secondary indexes of a table: what each holds of an item, and what it lets a read ask for.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, has_key, read_key_schema, row_key
from flyexpr.engines.sqlite.disk.keys import entry_end
from flyexpr.records import record
from flyexpr.values.sizes import item_size

Entry = tuple[bytes, int, bytes]
"""A row of an index: its key, size and text."""


@record
class StoredIndex:
    """A secondary index; `projected` is None when its entries are whole items.

    `kinds` are the types of the key attributes of its table.
    """

    name: str
    store: str
    key: KeySchema
    kinds: str
    projected: frozenset[str] | None

    wire_member = ""
    """The list of indexes that it stands in, in a table's description and in ConsumedCapacity."""
    reads_consistently = False
    fetches = False
    """Whether a read gets from the table what the index does not hold, instead of being refused."""
    in_collection = False
    """Whether its entries count towards the size of an item collection."""

    def entry(self, row: bytes, image: Image | None) -> Entry | None:
        """What the index holds of the item at a row key; None for an item without all key attributes of the index.

        >>> from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute
        >>> key = KeySchema((KeyAttribute("g", "S"),), ())
        >>> index = GlobalStoredIndex("by_g", "", key, "N", frozenset({"g"}))
        >>> index.entry(b"row", Image({"g": "a", "n": 1}, 5, b'{"g":{"S":"a"},"n":{"N":"1"}}'))[1:]
        (2, b'{"g":{"S":"a"}}')
        """
        key = self.row_key(row, image.item) if image is not None else None
        if image is None or key is None:
            return None
        if self.projected is None:
            return key, image.size, image.text
        held = {name: image.item[name] for name in image.item if name in self.projected}
        return key, item_size(held), item_text(held)

    def row_key(self, row: bytes, item: Mapping[str, Any]) -> bytes | None:
        """The row key of an item's entry; None for an item that has no entry.

        `row` is the item's row key in the table. Indexes are sparse: the guide, "Take advantage of sparse indexes".
        """
        return row_key(self.key, item) + entry_end(row, self.kinds) if has_key(self.key, item) else None

    def missing(self, names: Iterable[str]) -> list[str]:
        """The attributes of these that the index does not hold, each once.

        >>> GlobalStoredIndex("by_g", "", KeySchema((), ()), "S", frozenset({"id"})).missing(["id", "wins", "wins"])
        ['wins']
        """
        held = self.projected
        return [] if held is None else [name for name in dict.fromkeys(names) if name not in held]


class GlobalStoredIndex(StoredIndex):
    """An index with a partition key of its own."""

    __slots__ = ()
    wire_member = "GlobalSecondaryIndexes"


class LocalStoredIndex(StoredIndex):
    """Another order of the items of each partition."""

    __slots__ = ()
    wire_member = "LocalSecondaryIndexes"
    reads_consistently = fetches = in_collection = True


INDEX_CLASSES: tuple[type[StoredIndex], ...] = (GlobalStoredIndex, LocalStoredIndex)


def read_index(
    index_class: type[StoredIndex], index: dict[str, Any], kinds: Mapping[str, str], table_key: KeySchema, store: str
) -> StoredIndex:
    """The index that a description says, of one of the classes; its rows are in `store`."""
    key = read_key_schema(index["KeySchema"], kinds)
    projection = index["Projection"]
    projected = None
    if projection["ProjectionType"] != "ALL":
        projected = frozenset(key.names + table_key.names).union(projection.get("NonKeyAttributes", ()))
    return index_class(index["IndexName"], store, key, table_key.kinds, projected)
