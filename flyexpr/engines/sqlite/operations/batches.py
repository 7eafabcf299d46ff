"""BatchGetItem and BatchWriteItem.

A batch here is one SQLite transaction, never left half done; unprocessed is only what lies beyond 16 MB of items read,
or beyond 1 MB of one partition.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flyexpr.engines.sqlite.answers import answer, array, json_text, optional
from flyexpr.engines.sqlite.disk.images import read_image
from flyexpr.engines.sqlite.disk.schema import StoredTable, key_of
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import collection_metrics
from flyexpr.engines.sqlite.operations.reads import read_projected, shown
from flyexpr.engines.sqlite.request.expressions import mixed
from flyexpr.engines.sqlite.request.member_rules import length_problems, list_rule, map_rule
from flyexpr.engines.sqlite.request.members import Request, broken, newly_broken, read_members, told
from flyexpr.engines.sqlite.request.wire import TWO_TYPES, read_item
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed_by_table, read_units
from flyexpr.engines.sqlite.rules.keys import check_empty_index_keys, check_empty_key, check_index_keys, key_row
from flyexpr.engines.sqlite.rules.writes import Write, image_after, read_delete, read_put
from flyexpr.values.kinds import Item

MAX_KEYS, MAX_WRITES = 100, 25
MAX_BYTES, MAX_PARTITION_BYTES = 16 * 1024 * 1024, 1024 * 1024
_DUPLICATES = "Provided list of item keys contains duplicates"


def batch_get_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to BatchGetItem: the items that are there, table by table, in the order of the keys."""
    members = read_members(request)
    requested = members.get("RequestItems")
    if not requested:
        raise invalid(told([newly_broken("RequestItems", "Member must have length greater than or equal to 1")]))
    reads = [_read_get(name, wire) for name, wire in requested.items()]
    if any("AttributesToGet" in read for read in reads) and any("ProjectionExpression" in read for read in reads):
        raise mixed(["AttributesToGet"], ["ProjectionExpression"])
    if sum(len(read["Keys"]) for read in reads) > MAX_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    projections = [read_projected(read) for read in reads]
    keys = [[read_item(key) for key in read["Keys"]] for read in reads]
    usages, found, unprocessed = _read_all(storage, requested, reads, keys)
    responses = [
        json_text(name) + b":" + array([shown(text, paths) for text in texts])
        for name, paths, texts in zip(requested, projections, found, strict=True)
    ]
    return answer(
        Responses=b"{%s}" % b",".join(responses),
        UnprocessedKeys=json_text(unprocessed),
        ConsumedCapacity=optional(consumed_by_table(usages, members.get("ReturnConsumedCapacity"))),
    )


def _read_all(
    storage: Storage, requested: Request, reads: list[Request], keys: list[list[Item]]
) -> tuple[list[tuple[StoredTable, Usage]], list[list[bytes]], dict[str, Any]]:
    """For each table its usage and the texts of its items; then the requests for keys that were not read."""
    usages: list[tuple[StoredTable, Usage]] = []
    found: list[list[bytes]] = []
    unprocessed: dict[str, Any] = {}
    size = 0
    with storage.transaction("DEFERRED"):
        for name, read, items in zip(requested, reads, keys, strict=True):
            table = storage.table(read["TableName"])
            usage, texts, partitions = Usage(), [], dict[Any, int]()
            (partition,) = table.key.partition
            for key, wire in zip(items, read["Keys"], strict=True):
                row = storage.get(table.store, key_row(table, key))
                taken = partitions.get(key[partition.name], 0)
                if row is not None and (size + row[0] > MAX_BYTES or taken >= MAX_PARTITION_BYTES):
                    left = unprocessed.setdefault(name, {**requested[name], "Keys": []})
                    left["Keys"].append(wire)
                    continue
                usage.add(read_units(row[0] if row else 0, read.get("ConsistentRead", False)))
                if row is not None:
                    size += row[0]
                    partitions[key[partition.name]] = taken + row[0]
                    texts.append(row[1])
            usages.append((table, usage))
            found.append(texts)
    return usages, found, unprocessed


def _read_get(name: str, wire: Any) -> Request:
    """What is asked of one table; the same key twice is refused, but `1` and `1.0` pass as two, as in the service."""
    where = read_members({"TableName": name})
    read = read_members(wire, ("Keys",), f"requestItems.{name}.member.") | where
    problems = length_problems(len(read["Keys"]), 1, MAX_KEYS)
    if problems:
        raise invalid(told([newly_broken(f"RequestItems.{name}.member.Keys", problem) for problem in problems]))
    if len({json.dumps(key, sort_keys=True) for key in read["Keys"]}) < len(read["Keys"]):
        raise invalid(_DUPLICATES)
    return read


def batch_write_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to BatchWriteItem; one bad request refuses them all."""
    members = read_members(request)
    writes = list(_read_writes(members.get("RequestItems") or {}))
    if not writes:
        raise invalid("The requestItems parameter is required for BatchWriteItem")
    if len(writes) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    usages: dict[str, tuple[StoredTable, Usage]] = {}
    metrics: dict[str, list[Any]] = {}
    with storage.transaction("IMMEDIATE"):
        rows = [(storage.table(write.table), _row(storage.table(write.table), write), write) for write in writes]
        if len({(table.store, row) for table, row, _ in rows}) < len(rows):
            raise invalid(_DUPLICATES)
        for table, row, write in rows:
            old = read_image(storage.get(table.store, row), table.watched)
            _, usage = usages.setdefault(table.name, (table, Usage()))
            usage.merge(carry_out(storage, table, row, old, image_after(write, table, old)))
            collection = collection_metrics(storage, table, write.given, members)
            if collection is not None:
                metrics.setdefault(table.name, []).append(collection)
    return answer(
        UnprocessedItems="{}",
        ItemCollectionMetrics=optional(metrics or None),
        ConsumedCapacity=optional(consumed_by_table(usages.values(), members.get("ReturnConsumedCapacity"))),
    )


def _read_writes(requested: Request) -> Iterator[Write]:
    for requests in requested.values():
        if length_problems(len(list_rule()(requests)[0]), 1, MAX_WRITES):
            raise invalid(told([broken("requestItems", requested, _MAP_VALUE)]))
    for name, requests in requested.items():
        table = read_members({"TableName": name})["TableName"]
        for position, wire in enumerate(requests, 1):
            yield _read_write(table, wire, f"requestItems.{name}.member.{position}.member.")


_MAP_VALUE = (
    f"Map value must satisfy constraint: [Member must have length less than or equal to {MAX_WRITES}, "
    "Member must have length greater than or equal to 1]"
)


def _read_write(table: str, wire: Any, within: str) -> Write:
    request, _ = map_rule(wire)
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise invalid(TWO_TYPES)  # the service takes it for a value
    if put is not None:
        return read_put(_read_part(table, put, "Item", within + "putRequest."))
    return read_delete(_read_part(table, delete, "Key", within + "deleteRequest."))


def _read_part(table: str, wire: Any, name: str, within: str) -> Request:
    members = read_members({name: map_rule(wire)[0].get(name)}, (name,), within)
    members["TableName"] = table
    return members


def _row(table: StoredTable, write: Write) -> bytes:
    """The row key of a write; of an item, unlike in PutItem, a bad key is only said not to match."""
    if write.kind == "Put":
        check_empty_key(table, write.given)
        check_empty_index_keys(table, write.given)
        row = key_row(table, _key_part(table, write.given))
        check_index_keys(table, write.given)
        return row
    return key_row(table, write.given)


def _key_part(table: StoredTable, item: Item) -> Item:
    return key_of(tuple(name for name in table.key.names if name in item), item)
