"""What reads and writes need to know of a table: its keys, its indexes, and where their rows are.

A table is kept as a `Definition`: a JSON object with the description that DescribeTable gives, the names of the SQLite
tables that hold its rows, its tags, its time to live, and how far a new store is filled. `read_table` makes the
immutable `StoredTable` of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.keys import key_bytes, partition_bytes
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.records import record
from flyexpr.values.kinds import Item
from flyexpr.values.sizes import item_size, value_size

Definition = dict[str, Any]
MAX_PARTITION_KEY, MAX_SORT_KEY = 2048, 1024  # bytes
_STORE = re.compile(r"(items|index|expiry)(_[0-9]+){1,2}")
KINDS = {str: "S", int: "N", bytes: "B", bool: "BOOL", type(None): "NULL", list: "L", dict: "M"}


@record
class KeyAttribute:
    """One attribute of a key and its type, S, N or B.

    >>> KeyAttribute("userid", "S").kind
    'S'
    """

    name: str
    kind: str


@record
class KeySchema:
    """The attributes of a key: one of each kind in a table, up to four of each in a global index.

    >>> KeySchema((KeyAttribute("userid", "S"),), (KeyAttribute("title", "S"),)).names
    ('userid', 'title')
    """

    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...]

    @cached_property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return self.partition + self.sort

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)


Entry = tuple[bytes, int, bytes]
"""A row of an index: its key, size and text."""


@record
class StoredIndex:
    """A secondary index; `projected` is None when its entries are whole items."""

    name: str
    store: str
    key: KeySchema
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

        >>> index = GlobalStoredIndex("by_g", "", KeySchema((KeyAttribute("g", "S"),), ()), frozenset({"g"}))
        >>> index.entry(b"row", Image({"g": "a", "n": 1}, 5, b'{"g":{"S":"a"},"n":{"N":"1"}}'))[1:]
        (2, b'{"g":{"S":"a"}}')
        """
        key = index_row_key(self, row, image.item) if image is not None else None
        if image is None or key is None:
            return None
        if self.projected is None:
            return key, image.size, image.text
        held = {name: value for name, value in image.item.items() if name in self.projected}
        return key, item_size(held), item_text(held)

    def missing(self, names: Iterable[str]) -> list[str]:
        """The attributes of these that the index does not hold, each once.

        >>> GlobalStoredIndex("by_g", "", KeySchema((), ()), frozenset({"id"})).missing(["id", "wins", "wins"])
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


_INDEX_CLASSES: tuple[type[StoredIndex], ...] = (GlobalStoredIndex, LocalStoredIndex)


@record
class Expiry:
    """A table's time to live: the attribute with the epoch seconds, and the SQLite table that lists them in order."""

    attribute: str
    store: str


@record
class StoredTable:
    """A table; its indexes come in the order of their names, which is the order the service checks them in."""

    name: str
    store: str
    key: KeySchema
    indexes: tuple[StoredIndex, ...]
    expiry: Expiry | None
    filling: str | None = None  # the store that does not have all its entries yet

    @cached_property
    def watched(self) -> frozenset[str]:
        """The attributes that the upkeep of indexes and time to live looks at."""
        names = {name for index in self.indexes for name in (*index.key.names, *(index.projected or ()))}
        return frozenset(names | ({self.expiry.attribute} if self.expiry is not None else set()))

    def index(self, name: str) -> StoredIndex | None:
        return next((index for index in self.indexes if index.name == name), None)

    @cached_property
    def collection_stores(self) -> tuple[str, ...]:
        """The stores whose rows make up the item collections; none for a table whose collections have no limit."""
        stores = [index.store for index in self.indexes if index.in_collection]
        return (self.store, *stores) if stores else ()


def read_table(definition: Definition) -> StoredTable:
    """The table that a definition describes.

    DamagedFileError for a definition that no engine wrote.

    >>> read_table({
    ...     "Description": {
    ...         "TableName": "scores",
    ...         "KeySchema": [{"AttributeName": "userid", "KeyType": "HASH"}],
    ...         "AttributeDefinitions": [{"AttributeName": "userid", "AttributeType": "S"}],
    ...     },
    ...     "Stores": {"": "items_1"},
    ... }).key.names
    ('userid',)
    """
    try:
        return _read_table(definition)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(str(error)) from error


def _read_table(definition: Definition) -> StoredTable:
    description = definition["Description"]
    stores = {name: _store(store) for name, store in definition["Stores"].items()}
    kinds = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    key = read_key_schema(description["KeySchema"], kinds)
    indexes = [
        _read_index(index_class, index, kinds, key, stores[index["IndexName"]])
        for index_class in _INDEX_CLASSES
        for index in description.get(index_class.wire_member, ())
    ]
    expiry = definition.get("Expiry")
    return StoredTable(
        name=description["TableName"],
        store=stores[""],
        key=key,
        indexes=tuple(sorted(indexes, key=lambda index: index.name)),
        expiry=Expiry(expiry["AttributeName"], _store(expiry["Store"])) if expiry else None,
        filling=_read_filling(definition.get("Filling")),
    )


def _read_filling(filling: Any) -> str | None:
    if filling is None:
        return None
    bytes.fromhex(filling["After"])
    float(filling["At"])
    return _store(filling["Store"])


def _store(name: str) -> str:
    """The name of an SQLite table as engines choose it; it goes into statements, and a file may come from anybody."""
    if not _STORE.fullmatch(name):
        raise ValueError(f"{name!r} is not a store")
    return name


def read_key_schema(elements: list[dict[str, str]], kinds: Mapping[str, str]) -> KeySchema:
    """The key that a wire KeySchema and the attribute types describe.

    >>> read_key_schema([{"AttributeName": "id", "KeyType": "HASH"}], {"id": "N"}).partition
    (KeyAttribute(name='id', kind='N'),)
    """

    def of(key_type: str) -> tuple[KeyAttribute, ...]:
        return tuple(
            KeyAttribute(element["AttributeName"], kinds[element["AttributeName"]])
            for element in elements
            if element["KeyType"] == key_type
        )

    return KeySchema(of("HASH"), of("RANGE"))


def _read_index(
    index_class: type[StoredIndex], index: dict[str, Any], kinds: Mapping[str, str], table_key: KeySchema, store: str
) -> StoredIndex:
    key = read_key_schema(index["KeySchema"], kinds)
    projection = index["Projection"]
    projected = None
    if projection["ProjectionType"] != "ALL":
        projected = frozenset(key.names + table_key.names).union(projection.get("NonKeyAttributes", ()))
    return index_class(index["IndexName"], store, key, projected)


def kind_of(value: Any) -> str:
    """The service's code for the type of a plain value.

    >>> kind_of("x"), kind_of({1, 2}), kind_of(None)
    ('S', 'NS', 'NULL')
    """
    if isinstance(value, set):
        return KINDS.get(type(next(iter(value))), "N") + "S"
    return KINDS.get(type(value), "N")


def row_key(key: KeySchema, item: Mapping[str, Any]) -> bytes:
    """The row key of an item that has every key attribute, each of the right type.

    >>> schema = KeySchema((KeyAttribute("id", "S"),), ())
    >>> row_key(schema, {"id": "abc"}) == partition_bytes((key_bytes("S", "abc"),))
    True
    """
    parts = [key_bytes(attribute.kind, item[attribute.name]) for attribute in key.attributes]
    partition = len(key.partition)
    return b"".join((partition_bytes(tuple(parts[:partition])), *parts[partition:]))


def index_row_key(index: StoredIndex, row: bytes, item: Mapping[str, Any]) -> bytes | None:
    """The row key of an item's entry in an index; None for an item that has no entry there.

    `row` is the item's row key in the table. Indexes are sparse: the guide, "Take advantage of sparse indexes".
    """
    return row_key(index.key, item) + row if has_key(index.key, item) else None


def has_key(key: KeySchema, item: Mapping[str, Any]) -> bool:
    """Whether an item has a key: every attribute of its type, not empty, and all of them small enough.

    An index has entries for exactly these items. Others may have been stored before the index was made.

    >>> key = KeySchema((KeyAttribute("genre", "S"),), (KeyAttribute("year", "N"),))
    >>> has_key(key, {"genre": "jazz", "year": 1959}), has_key(key, {"genre": "", "year": 1959}), has_key(key, {})
    (True, False, False)
    """
    most = 0  # bytes
    for attribute in key.attributes:
        value = item.get(attribute.name)  # None stands for NULL too, which is not the type of a key either
        if type(value) not in _KEY_TYPES[attribute.kind]:
            return False
        if attribute.kind == "N":
            most += 21
        elif value:
            most += 4 * len(value)
        else:
            return False
    if most <= MAX_SORT_KEY:
        return True
    return key_size(key.partition, item) <= MAX_PARTITION_KEY and key_size(key.sort, item) <= MAX_SORT_KEY


_KEY_TYPES: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, Decimal), "B": (bytes,)}


def key_size(attributes: tuple[KeyAttribute, ...], item: Mapping[str, Any]) -> int:
    """The size of a key in bytes; 0 for a single number, which is at most 21 bytes and needs no check."""
    if not attributes:
        return 0
    if len(attributes) == 1:
        (attribute,) = attributes
        return 0 if attribute.kind == "N" else value_size(item[attribute.name])
    return sum([value_size(item[attribute.name]) for attribute in attributes])


def key_of(names: Iterator[str] | tuple[str, ...], item: Mapping[str, Any]) -> Item:
    """The named attributes of an item, in the order of the names.

    >>> key_of(("id",), {"wins": 1, "id": "abc"})
    {'id': 'abc'}
    """
    return {name: item[name] for name in names}
