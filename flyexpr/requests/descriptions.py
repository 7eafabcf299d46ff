"""The descriptor of a table, from what DescribeTable answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flyexpr.schema.codecs import KEY_TYPES
from flyexpr.schema.indexes import INDEX_TYPES, Index, described_keys
from flyexpr.schema.table import Table
from flyexpr.values.answers import decoding


def described_table(description: dict[str, Any]) -> Table:
    """The descriptor of a table, from its description by DescribeTable: names, keys, key types, indexes, options.

    >>> described_table({"TableName": "t", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    ...     "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]})
    <Table t (id), not bound>

    Only key attributes have a type there; a numeric one becomes `int | Decimal`.
    """
    with decoding:
        return _described(description)


def _described(table: dict[str, Any]) -> Table:
    types = {each["AttributeName"]: KEY_TYPES[each["AttributeType"]] for each in table["AttributeDefinitions"]}
    partition, sort = described_keys(table)
    return Table(
        table["TableName"],
        partition[0],
        sort[0] if sort else None,
        attributes={name: type_ for name, type_ in types.items() if type_ is not str},
        indexes=[*_indexes(table)],
        throughput=_throughput(table),
        stream=_stream(table),
        deletion_protection=bool(table.get("DeletionProtectionEnabled")),
    )


def _indexes(described: dict[str, Any]) -> Iterator[Index]:
    for index_type in INDEX_TYPES:
        for each in described.get(index_type.wire_member) or ():
            yield index_type.described(each, _project(each))


def _project(described: dict[str, Any]) -> Any:
    projection = described.get("Projection") or {}
    projected = {"ALL": "all", "KEYS_ONLY": "keys"}.get(projection.get("ProjectionType", "ALL"))
    return projected or tuple(projection.get("NonKeyAttributes", ()))


def _throughput(described: dict[str, Any]) -> tuple[int, int] | None:
    if (described.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None  # its throughput, if it still has one, is from before
    throughput = described.get("ProvisionedThroughput") or {}
    reads, writes = throughput.get("ReadCapacityUnits"), throughput.get("WriteCapacityUnits")
    return (int(reads), int(writes)) if reads and writes else None


def _stream(described: dict[str, Any]) -> str | None:
    view = str((described.get("StreamSpecification") or {}).get("StreamViewType", ""))
    return {"KEYS_ONLY": "keys", "NEW_IMAGE": "new", "OLD_IMAGE": "old", "NEW_AND_OLD_IMAGES": "both"}.get(view)
