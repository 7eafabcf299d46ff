"""The descriptor of a table, from what DescribeTable answers."""

from __future__ import annotations

from typing import Any

from flyexpr.schema.indexes import GlobalIndex, Index, LocalIndex
from flyexpr.schema.table import Table
from flyexpr.values.answers import decoding
from flyexpr.values.numbers import Number

_TYPES: dict[str, Any] = {"S": str, "N": Number, "B": bytes}


def described_table(description: dict[str, Any]) -> Table:
    """The descriptor of a table, from its description by DescribeTable: names, keys, key types, indexes, options.

    >>> described_table({"TableName": "t", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    ...     "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]})
    Table(name='t', partition_key='id', sort_key=None, attributes={'id': int | decimal.Decimal}, indexes=(), ...)

    Only key attributes have a type there; a numeric one becomes `int | Decimal`.
    """
    with decoding:
        return _described(description)


def _described(found: dict[str, Any]) -> Table:
    types = {each["AttributeName"]: _TYPES[each["AttributeType"]] for each in found["AttributeDefinitions"]}
    partition, sort = _keys(found)
    locals_ = [_local_index(each) for each in found.get("LocalSecondaryIndexes") or ()]
    globals_ = [_global_index(each) for each in found.get("GlobalSecondaryIndexes") or ()]
    return Table(
        found["TableName"],
        partition[0],
        sort[0] if sort else None,
        attributes={name: kind for name, kind in types.items() if kind is not str},
        indexes=(*locals_, *globals_),
        throughput=_throughput(found),
        stream=_stream(found),
        deletion_protection=bool(found.get("DeletionProtectionEnabled")),
    )


def _keys(described: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    schema = described["KeySchema"]
    partition = tuple(each["AttributeName"] for each in schema if each["KeyType"] == "HASH")
    return partition, tuple(each["AttributeName"] for each in schema if each["KeyType"] == "RANGE")


def _local_index(described: dict[str, Any]) -> Index:
    return LocalIndex(described["IndexName"], _keys(described)[1][0], _project(described))


def _global_index(described: dict[str, Any]) -> Index:
    partition, sort = _keys(described)
    return GlobalIndex(described["IndexName"], partition, sort or None, _project(described))


def _project(described: dict[str, Any]) -> Any:
    projection = described.get("Projection") or {}
    kind = projection.get("ProjectionType", "ALL")
    return {"ALL": "all", "KEYS_ONLY": "keys"}.get(kind) or tuple(projection.get("NonKeyAttributes", ()))


def _throughput(described: dict[str, Any]) -> tuple[int, int] | None:
    if (described.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None  # what is still said of throughput is from before
    given = described.get("ProvisionedThroughput") or {}
    reads, writes = given.get("ReadCapacityUnits", 0), given.get("WriteCapacityUnits", 0)
    return (int(reads), int(writes)) if reads and writes else None


def _stream(described: dict[str, Any]) -> str | None:
    view = str((described.get("StreamSpecification") or {}).get("StreamViewType", ""))
    return {"KEYS_ONLY": "keys", "NEW_IMAGE": "new", "OLD_IMAGE": "old", "NEW_AND_OLD_IMAGES": "both"}.get(view)
