"""TransactWriteItems and TransactGetItems: up to 100 actions, all of them or none.

What is wrong with the request is a plain error; what only the tables and items can tell comes as cancellation reasons,
one for each action.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from flyexpr.engines.sqlite.answers import answer, array, item_text, optional, read_text
from flyexpr.engines.sqlite.disk.schema import Table
from flyexpr.engines.sqlite.disk.storage import Row, Storage
from flyexpr.engines.sqlite.faults import EmptyIndexKey, InvalidConstant, invalid, not_found
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import collection_metrics
from flyexpr.engines.sqlite.operations.labours import Labours, Outcome, carry_through
from flyexpr.engines.sqlite.operations.reads import read_projected
from flyexpr.engines.sqlite.operations.tokens import recall, remember
from flyexpr.engines.sqlite.request.expressions import MEMBERS, top_names
from flyexpr.engines.sqlite.request.members import Request, read_members
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed_by_table, read_units, write_units
from flyexpr.engines.sqlite.rules.keys import (
    check_empty_index_keys,
    check_empty_key,
    check_index_keys,
    item_row,
    key_row,
)
from flyexpr.engines.sqlite.rules.writes import Image, Write, check_keeps_key, read_delete, read_put, read_update
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.values.sizes import item_size

MAX_BYTES = 4 * 1024 * 1024
Reason = dict[str, Any]

# action: the members it must have, and what reads it
_ACTIONS: dict[str, tuple[tuple[str, ...], Callable[[Request], Write]]] = {
    "ConditionCheck": (
        ("TableName", "Key", "ConditionExpression"),
        lambda members: read_delete(members, "ConditionCheck"),
    ),
    "Put": (("TableName", "Item"), read_put),
    "Update": (("TableName", "Key", "UpdateExpression"), read_update),
    "Delete": (("TableName", "Key"), read_delete),
}


def transact_write_items(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to TransactWriteItems; a ClientRequestToken met in the last ten minutes changes nothing again."""
    members = read_members(request, ("TransactItems",))
    read = [_read_write(position, wire) for position, wire in enumerate(members["TransactItems"], 1)]
    writes = [write for write, _ in read]
    sent = sum(size for _, size in read)
    if sent > MAX_BYTES:
        raise invalid(f"Transaction payload size cannot exceed 4MB. Payload Size: {sent}")

    def attempt(labours: Labours) -> bytes:
        charged = recall(storage, members, now) if "ClientRequestToken" in members else None
        tables = _tables(storage, writes)
        rows = _rows([(table, write, _write_row) for table, write in zip(tables, writes, strict=True)])
        if charged is not None:
            return _replay(tables, charged, members)
        targets = list(zip(tables, rows, writes, strict=True))
        images = _images(storage, targets, labours)
        if "ClientRequestToken" in members:
            remember(storage, members, [_larger(*image) for image in images], now)
        usages: dict[str, tuple[Table, Usage]] = {}
        metrics: dict[str, list[Any]] = {}
        for (table, row, write), (old, new) in zip(targets, images, strict=True):
            _, usage = usages.setdefault(table.name, (table, Usage()))
            usage.merge(_carry_out(storage, table, row, write, old, new))
            collection = collection_metrics(storage, table, write.given, members)
            if collection is not None:
                metrics.setdefault(table.name, []).append(collection)
        mode = members.get("ReturnConsumedCapacity")
        return answer(
            ConsumedCapacity=optional(consumed_by_table(usages.values(), mode, "Write")),
            ItemCollectionMetrics=optional(metrics or None),
        )

    return carry_through(storage, attempt)


def _read_write(position: int, wire: Any) -> tuple[Write, int]:
    """A write, and the bytes it sends."""
    given = [kind for kind in _ACTIONS if type(wire) is dict and wire.get(kind) is not None]
    if not given:
        raise invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(given) > 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    required, read = _ACTIONS[given[0]]
    within = f"transactItems.{position}.member.{given[0][0].lower()}{given[0][1:]}."
    try:
        members = read_members(wire[given[0]], required, within)
        write = read(members)
        return write, _sent(members, write)
    except InvalidConstant as error:
        raise invalid(
            f"ExpressionAttributeValues contains invalid value: {error.message} for key {error.key}"
        ) from None


def _sent(members: Request, write: Write) -> int:
    """The bytes of a write that count towards the 4 MB: of its item or key, its expressions, and their constants.

    The items that it touches do not count: more than 4 MB may be deleted at once.
    """
    size = write.image.size if write.image is not None else item_size(write.given)
    size += sum(len(members[member].encode()) for member in MEMBERS if member in members)
    size += sum(len(name.encode()) for name in members.get("ExpressionAttributeNames", {}).values())
    constants = members.get("ExpressionAttributeValues")
    return size + item_size(read_item(constants)) - sum(map(len, constants)) if constants else size


def _tables(storage: Storage, writes: list[Write]) -> list[Table]:
    """The table of each write; an empty key value is a plain error, reported even before a missing table."""
    tables = [storage.find(write.table) for write in writes]
    for table, write in zip(tables, writes, strict=True):
        if table is not None:
            check_empty_key(table, write.given)
            if write.kind == "Put":
                check_empty_index_keys(table, write.given)
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        raise not_found()
    return known


def _write_row(table: Table, write: Write) -> bytes:
    if write.kind != "Put":
        return key_row(table, write.given)
    row = item_row(table, write.given)
    check_index_keys(table, write.given)
    return row


def _rows(targets: Iterable[tuple[Table, Any, Callable[[Table, Any], bytes]]]) -> list[bytes]:
    """The row keys of the actions; of keys that do not fit their tables, only the first is named."""
    rows: list[bytes] = []
    targets = list(targets)
    for position, (table, action, row) in enumerate(targets):
        try:
            rows.append(row(table, action))
        except DynamoError as error:
            reasons: list[Reason] = [{"Code": "None"} for _ in targets]
            reasons[position] = _reason(error)
            raise _cancelled(reasons) from None
    if len({(table.store, row) for (table, _, _), row in zip(targets, rows, strict=True)}) < len(rows):
        raise invalid("Transaction request cannot include multiple operations on one item")
    return rows


def _images(storage: Storage, targets: list[tuple[Table, bytes, Write]], labours: Labours) -> list[Outcome]:
    """The items before and after each action; every action that fails is reported."""
    images, reasons = [], list[Reason]()
    for table, row, write in targets:
        try:
            check_keeps_key(write, table)
            images.append(labours.outcome(write, table, storage.get(table.store, row), _failed))
            reasons.append({"Code": "None"})
        except EmptyIndexKey:
            raise
        except DynamoError as error:
            reasons.append(_reason(error))
    if len(images) < len(targets):
        raise _cancelled(reasons)
    return images


def _failed(write: Write, old: Image | None) -> DynamoError:
    shown = {"Item": json.loads(old.text)} if write.shows_failed and old is not None else {}
    return DynamoError.of("ConditionalCheckFailed", "The conditional request failed", shown)


def _carry_out(storage: Storage, table: Table, row: bytes, write: Write, old: Image | None, new: Image | None) -> Usage:
    """The units of one action: double, but for the indexes; a check costs as if it wrote what it read."""
    if write.kind == "ConditionCheck":
        return Usage(2 * write_units(old.size if old is not None else 0))
    usage = carry_out(storage, table, row, old, new)
    return Usage(2 * usage.table, usage.indexes)


def _larger(old: Image | None, new: Image | None) -> int:
    return max(image.size if image is not None else 0 for image in (old, new))


def _replay(tables: list[Table], sizes: list[int], members: Request) -> bytes:
    """The answer to a transaction that was done before: it costs a transactional read of what each action wrote or
    replaced, whichever was larger."""
    usages: dict[str, tuple[Table, Usage]] = {}
    for table, size in zip(tables, sizes, strict=True):
        usages.setdefault(table.name, (table, Usage()))[1].add(2 * read_units(size, True))
    mode = members.get("ReturnConsumedCapacity")
    return answer(ConsumedCapacity=optional(consumed_by_table(usages.values(), mode, "Read")))


def transact_get_items(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to TransactGetItems: one response for each key, empty where there is nothing to give."""
    members = read_members(request, ("TransactItems",))
    reads = [_read_get(position, wire) for position, wire in enumerate(members["TransactItems"], 1)]
    projections = [read_projected(read) for read in reads]
    keys = [read_item(read["Key"]) for read in reads]
    usages: dict[str, tuple[Table, Usage]] = {}
    responses, given = [], 0
    with storage.transaction("DEFERRED"):
        tables = [storage.table(read["TableName"]) for read in reads]
        rows = _rows([(table, key, key_row) for table, key in zip(tables, keys, strict=True)])
        items = [storage.get(table.store, row) for table, row in zip(tables, rows, strict=True)]
    for table, found, paths in zip(tables, items, projections, strict=True):
        units = 2 * read_units(found[0] if found else 0, True)
        usages.setdefault(table.name, (table, Usage()))[1].add(units)
        size, text = _part(found, paths)
        given += size
        if given > MAX_BYTES:
            raise invalid(f"Payload in response is too large. {given} bytes are over 4 MB")
        responses.append(answer(Item=text))
    mode = members.get("ReturnConsumedCapacity")
    return answer(
        Responses=array(responses),
        ConsumedCapacity=optional(consumed_by_table(usages.values(), mode, "Read")),
    )


def _part(row: Row | None, paths: tuple[Path, ...] | None) -> tuple[int, bytes | None]:
    """The size and the text of what is given of an item; nothing of one in which the projection finds nothing."""
    if row is None or paths is None:
        return row or (0, None)
    part = project(paths, read_text(row[1], top_names(paths)))
    return (item_size(part), item_text(part)) if part else (0, None)


def _read_get(position: int, wire: Any) -> Request:
    get = wire.get("Get") if type(wire) is dict else None
    within = f"transactItems.{position}.member."
    if get is None:
        return read_members({}, ("Get",), within)
    return read_members(get, ("TableName", "Key"), within + "get.")


def _reason(error: DynamoError) -> Reason:
    code = "ValidationError" if error.code == "ValidationException" else error.code
    return {"Code": code, "Message": error.message, **error.fields}


def _cancelled(reasons: list[Reason]) -> DynamoError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return DynamoError.of(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        {"CancellationReasons": reasons},
    )
