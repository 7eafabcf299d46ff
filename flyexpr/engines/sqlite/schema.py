"""What reads and writes need to know of a table: its keys, its indexes, and where their rows are.

A table is kept as a `Definition`: a JSON object with the description that DescribeTable gives, the names of the SQLite
tables that hold its rows, its tags and its time to live. `read_table` makes the immutable `Table` of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from flyexpr.engines.sqlite.keys import key_bytes, partition_bytes
from flyexpr.records import record
from flyexpr.values import Item

Definition = dict[str, Any]
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


@record
class Index:
    """A secondary index; `projected` is None when its entries are whole items."""

    name: str
    store: str
    key: KeySchema
    is_global: bool
    projected: frozenset[str] | None


@record
class Expiry:
    """A table's time to live: the attribute with the epoch seconds, and the SQLite table that lists them in order."""

    attribute: str
    store: str


@record
class Table:
    """A table; its indexes come in the order of their names, which is the order the service checks them in."""

    name: str
    store: str
    key: KeySchema
    indexes: tuple[Index, ...]
    expiry: Expiry | None

    @cached_property
    def watched(self) -> frozenset[str]:
        """The attributes that the upkeep of indexes and time to live looks at."""
        names = {name for index in self.indexes for name in (*index.key.names, *(index.projected or ()))}
        return frozenset(names | ({self.expiry.attribute} if self.expiry is not None else set()))

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)

    @cached_property
    def has_local_index(self) -> bool:
        return any(not index.is_global for index in self.indexes)


def read_table(definition: Definition) -> Table:
    """The table that a definition describes.

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
    description = definition["Description"]
    stores = {name: _store(store) for name, store in definition["Stores"].items()}
    kinds = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    key = read_key_schema(description["KeySchema"], kinds)
    indexes = [
        _read_index(index, kinds, key, stores[index["IndexName"]], member.startswith("Global"))
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for index in description.get(member, ())
    ]
    expiry = definition.get("Expiry")
    return Table(
        name=description["TableName"],
        store=stores[""],
        key=key,
        indexes=tuple(sorted(indexes, key=lambda index: index.name)),
        expiry=Expiry(expiry["AttributeName"], _store(expiry["Store"])) if expiry else None,
    )


def _store(name: str) -> str:
    """The name of an SQLite table as engines choose it; it goes into statements, and a file may come from anybody."""
    if not _STORE.fullmatch(name):
        raise ValueError(f"{name!r} is no store")
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
    index: dict[str, Any], kinds: Mapping[str, str], table_key: KeySchema, store: str, is_global: bool
) -> Index:
    key = read_key_schema(index["KeySchema"], kinds)
    projection = index["Projection"]
    projected = None
    if projection["ProjectionType"] != "ALL":
        projected = frozenset(key.names + table_key.names).union(projection.get("NonKeyAttributes", ()))
    return Index(index["IndexName"], store, key, is_global, projected)


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


def index_row_key(index: Index, row: bytes, item: Mapping[str, Any]) -> bytes | None:
    """The row key of an item's entry in an index; None for an item that lacks a key attribute of the index.

    `row` is the item's row key in the table. Indexes are sparse: the guide, "Take advantage of sparse indexes".
    """
    if any(name not in item for name in index.key.names):
        return None
    return row_key(index.key, item) + row


def projection_of(index: Index, item: Item) -> Item:
    """The attributes of an item that an index holds.

    >>> index = Index("by_g", "", KeySchema((), ()), True, frozenset({"id"}))
    >>> projection_of(index, {"id": "abc", "wins": 1})
    {'id': 'abc'}
    """
    if index.projected is None:
        return item
    return {name: value for name, value in item.items() if name in index.projected}


def key_of(names: Iterator[str] | tuple[str, ...], item: Mapping[str, Any]) -> Item:
    """The named attributes of an item, in the order of the names.

    >>> key_of(("id",), {"wins": 1, "id": "abc"})
    {'id': 'abc'}
    """
    return {name: item[name] for name in names}
