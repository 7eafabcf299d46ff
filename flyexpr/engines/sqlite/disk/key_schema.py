"""The keys of tables and indexes: their attributes, and the row key of an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from flyexpr.engines.sqlite.disk.keys import key_bytes, partition_bytes
from flyexpr.records import record
from flyexpr.values.sizes import value_size
from flyexpr.values.types import Item

MAX_PARTITION_KEY, MAX_SORT_KEY = 2048, 1024  # bytes


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

    @cached_property
    def kinds(self) -> str:
        return "".join(attribute.kind for attribute in self.attributes)

    @cached_property
    def partition_names_and_kinds(self) -> tuple[tuple[str, ...], str]:
        count = len(self.partition)
        return self.names[:count], self.kinds[:count]


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


def row_key(key: KeySchema, item: Mapping[str, Any]) -> bytes:
    """The row key of an item that has every key attribute, each of the right type.

    >>> schema = KeySchema((KeyAttribute("id", "S"),), ())
    >>> row_key(schema, {"id": "abc"}) == partition_key(schema, {"id": "abc"})
    True
    """
    row = partition_key(key, item)
    for attribute in key.sort:
        row += key_bytes(attribute.kind, item[attribute.name])
    return row


def partition_key(key: KeySchema, item: Mapping[str, Any]) -> bytes:
    """The start of the row keys of an item's partition."""
    names, kinds = key.partition_names_and_kinds
    return partition_bytes(kinds, *map(item.__getitem__, names))


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
