"""What a table asks of keys and items, with the text of each refusal.

For an item that is put the service says which attribute is wrong; for a key only that it does not match. Key values may
not be empty, and not larger than 2,048 bytes (partition) or 1,024 (sort).
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.key_schema import (
    MAX_PARTITION_KEY,
    MAX_SORT_KEY,
    KeyAttribute,
    KeySchema,
    has_key,
    key_size,
    row_key,
)
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.vectors import VectorStoredIndex
from flyexpr.engines.sqlite.faults import (
    UNUSABLE_PARAMETERS,
    EmptyIndexKey,
    invalid,
    invalid_parameter,
    unusable_key,
)
from flyexpr.values.types import stored_type

MISMATCH = "The provided key element does not match the schema"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"


def key_row(table: StoredTable, key: Mapping[str, Any]) -> bytes:
    """The row key of a Key member.

    ValidationException unless it holds exactly the table's key attributes, each of its type and within its size.
    """
    # One look at each value tells that all is well: a get takes the engine 0.96 of the time.
    if len(key) != len(table.key.attributes) or not has_key(table.key, key):
        check_key(table, key)
        check_empty_key(table, key)
        check_key_size(table.key, key)
    return row_key(table.key, key)


def item_row(table: StoredTable, item: Mapping[str, Any]) -> bytes:
    """The row key of an item to be put."""
    if not has_key(table.key, item):
        check_item_key(table, item)
        check_empty_key(table, item)
        check_key_size(table.key, item)
    return row_key(table.key, item)


def check_key(table: StoredTable, key: Mapping[str, Any]) -> None:
    """None for a key with the table's key attributes, no more and no less, each of its type."""
    attributes = table.key.attributes
    if len(key) != len(attributes):
        raise invalid(MISMATCH)
    for attribute in attributes:
        if attribute.name not in key or stored_type(key[attribute.name]) != attribute.kind:
            raise invalid(MISMATCH)


def check_item_key(table: StoredTable, item: Mapping[str, Any]) -> None:
    """None for an item that has the table's key attributes, each of its type."""
    for attribute in table.key.attributes:
        if attribute.name not in item:
            raise invalid_parameter(f"Missing the key {attribute.name} in the item")
        actual = stored_type(item[attribute.name])
        if actual != attribute.kind:
            raise invalid_parameter(
                f"Type mismatch for key {attribute.name} expected: {attribute.kind} actual: {actual}"
            )


def check_empty_key(table: StoredTable, key: Mapping[str, Any]) -> None:
    """None unless a key attribute of the table is empty."""
    for attribute in table.key.attributes:
        value: Any = key.get(attribute.name)
        if _is_empty(attribute, value):
            raise invalid(UNUSABLE_PARAMETERS + empty_key(value) + f" Key: {attribute.name}")


def _is_empty(attribute: KeyAttribute, value: Any) -> bool:
    """Whether a key value is an empty string or binary; where the key is of another type, only that is wrong."""
    return (value == "" or value == b"") and stored_type(value) == attribute.kind


def empty_key(value: str | bytes) -> str:
    """What is wrong with an empty key value.

    >>> empty_key(b"")
    'The AttributeValue for a key attribute cannot contain an empty binary value.'
    """
    word = "string" if isinstance(value, str) else "binary"
    return f"The AttributeValue for a key attribute cannot contain an empty {word} value."


def check_key_size(key: KeySchema, item: Mapping[str, Any], suffix: str = "") -> None:
    """None for key values that are small enough; `suffix` names the index of the key, if it is not the table's."""
    if key_size(key.partition, item) > MAX_PARTITION_KEY:
        raise unusable_key(f"Size of hashkey has exceeded the maximum size limit of{MAX_PARTITION_KEY} bytes{suffix}")
    if key_size(key.sort, item) > MAX_SORT_KEY:
        raise unusable_key(
            f"Aggregated size of all range keys has exceeded the size limit of {MAX_SORT_KEY} bytes{suffix}"
        )


def check_index_keys(table: StoredTable, item: Mapping[str, Any], changed: Container[str] | None = None) -> None:
    """None for an item whose index key attributes, where present, have the right type and size.

    In an update only the attributes that it has `changed` are checked: a value that was stored before an index was made
    may not fit it, and must not stop an update of another attribute. Indexes are checked in the order of their names.
    """
    for index in table.indexes:
        if has_key(index.key, item):
            continue
        keys = index.key.attributes
        for attribute in keys:
            if attribute.name in item and (changed is None or attribute.name in changed):
                _check_index_key(index, attribute, item[attribute.name])
        if changed is None:
            whole = all(name in item for name in index.key.names)
        else:
            whole = any(key.name in changed for key in keys) and all(_fits(key, item) for key in keys)
        if whole:
            check_key_size(index.key, item, f" IndexName: {index.name}")


def _fits(key: KeyAttribute, item: Mapping[str, Any]) -> bool:
    return key.name in item and stored_type(item[key.name]) == key.kind


def _check_index_key(index: StoredIndex, attribute: KeyAttribute, value: Any) -> None:
    actual = stored_type(value)
    if actual != attribute.kind:
        raise invalid_parameter(
            f"Type mismatch for Index Key {attribute.name} Expected: {attribute.kind} Actual: {actual} "
            f"IndexName: {index.name}"
        )


def check_empty_index_keys(table: StoredTable, item: Mapping[str, Any], changed: Container[str] | None = None) -> None:
    """None unless an index key attribute is empty; of an update, one that it has `changed`."""
    indexes: tuple[StoredIndex | VectorStoredIndex, ...] = (*table.indexes, *table.vector_indexes)
    for index in indexes:
        for attribute in index.key.attributes:
            name = attribute.name
            value: Any = item.get(name)
            if not _is_empty(attribute, value) or (changed is not None and name not in changed):
                continue
            if changed is None:
                raise invalid(
                    f"{UNUSABLE_PARAMETERS}A value specified for a secondary index key is not supported. "
                    f"{empty_key(value)} IndexName: {index.name}, IndexKey: {name}"
                )
            raise EmptyIndexKey(
                "ValidationException",
                f"{UNUSABLE_PARAMETERS}The update expression attempted to update a secondary index key to a value "
                f"that is not supported. {empty_key(value)}",
            )
