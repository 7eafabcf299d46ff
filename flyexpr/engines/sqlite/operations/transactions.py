"""TransactWriteItems and TransactGetItems: up to 100 actions, all of them or none.

A mistake in the request is a plain error. What is wrong only for the tables and items as they are comes as cancellation
reasons, one for each action.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from flyexpr.engines.sqlite.answers import answer, item_text, optional
from flyexpr.engines.sqlite.disk.images import Image, Row
from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import EmptyIndexKey, duplicate_item, invalid, not_found
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import metrics_by_table
from flyexpr.engines.sqlite.operations.long_writes import Images, LongWrites, write_in_transaction
from flyexpr.engines.sqlite.operations.recording import JointChanges
from flyexpr.engines.sqlite.operations.tokens import recall, remember
from flyexpr.engines.sqlite.request.expressions import top_names
from flyexpr.engines.sqlite.request.intents import STATEMENT
from flyexpr.engines.sqlite.request.intents.reads import GetsAsked
from flyexpr.engines.sqlite.request.intents.writes import Returns, Write, WritesAsked
from flyexpr.engines.sqlite.request.transactions import MAX_BYTES
from flyexpr.engines.sqlite.rules.capacity import Usage, Usages, read_units, write_units
from flyexpr.engines.sqlite.rules.keys import check_empty_index_keys, check_empty_key, key_row
from flyexpr.engines.sqlite.rules.writes import check_keeps_key, write_row
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.values.sizes import item_size

Reason = dict[str, Any]


def transact_write_items(storage: Storage, asked: WritesAsked, now: float) -> bytes:
    """The answer to TransactWriteItems; one with the ClientRequestToken of the last ten minutes changes nothing."""
    writes, returns = asked.writes, asked.returns

    def attempt(long_writes: LongWrites) -> bytes:
        charged = None if asked.token is None else recall(storage, asked.token, now)
        tables = _tables(storage, writes)
        rows = _rows([(table, write, write_row) for table, write in zip(tables, writes, strict=True)])
        if charged is not None:
            return _repeat(tables, charged, returns)
        targets = list(zip(tables, rows, writes, strict=True))
        images = _images(storage, targets, long_writes)
        if asked.token is not None:
            remember(storage, asked.token, [_larger(*image) for image in images], now)
        usages, joint = Usages(), JointChanges(storage.keeping.clock())
        for (table, row, write), (old, new) in zip(targets, images, strict=True):
            usages.of(table).merge(_carry_out(storage, table, row, write, old, new, joint))
        metrics = metrics_by_table(storage, tables, writes) if returns.metrics else None
        return answer(
            Responses="[]" if returns.responses else None,
            ConsumedCapacity=optional(usages.consumed(returns.capacity, "Write")),
            ItemCollectionMetrics=optional(metrics),
        )

    return write_in_transaction(storage, attempt)


def _tables(storage: Storage, writes: tuple[Write, ...]) -> list[StoredTable]:
    """The table of each write; an empty key value is a plain error, reported even before a missing table."""
    tables = [storage.find(write.table) for write in writes]
    for table, write in zip(tables, writes, strict=True):
        if table is not None:
            check_empty_key(table, write.item)
            if write.action == "Put":
                check_empty_index_keys(table, write.item)
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        raise not_found()
    return known


def _rows(targets: Iterable[tuple[StoredTable, Any, Callable[[StoredTable, Any], bytes]]]) -> list[bytes]:
    """The row keys of the actions; of keys that do not fit their tables, only the first is named."""
    rows: list[bytes] = []
    targets = list(targets)
    for position, (table, action, row) in enumerate(targets):
        try:
            rows.append(row(table, action))
        except DynamoError as error:
            raise cancelled_by(error, position, len(targets)) from None
    if len({(table.store, row) for (table, _, _), row in zip(targets, rows, strict=True)}) < len(rows):
        raise invalid("Transaction request cannot include multiple operations on one item")
    return rows


def _images(storage: Storage, targets: list[tuple[StoredTable, bytes, Write]], long_writes: LongWrites) -> list[Images]:
    """The items before and after each action; every action that fails is reported."""
    images, reasons = [], list[Reason]()
    for table, row, write in targets:
        try:
            if write.update is not None:
                check_keeps_key(write.update, table)
            old, new = long_writes.images(write, table, storage.get(table.store, row), _failed)
            images.append((old, new))
            reasons.append(_reason(_failed(write, None) if _passes_over(write, old) else None))
        except EmptyIndexKey:
            raise
        except DynamoError as error:
            reasons.append(_reason(error))
    if len(images) < len(targets):
        raise _cancelled(reasons)
    return images


def _passes_over(write: Write, old: Image | None) -> bool:
    """Whether a write is a DELETE with a condition, and finds no item.

    It does nothing then. The reasons of a transaction that is cancelled by another statement call its condition false.
    """
    return write.by == STATEMENT and write.action == "Delete" and write.condition is not None and old is None


def _failed(write: Write, old: Image | None) -> DynamoError:
    if write.is_insert:
        return DynamoError.of("DuplicateItem", duplicate_item().message)
    shown = {"Item": json.loads(old.text)} if write.shows_failed and old is not None else {}
    return DynamoError.of("ConditionalCheckFailed", "The conditional request failed", shown)


def _carry_out(
    storage: Storage,
    table: StoredTable,
    row: bytes,
    write: Write,
    old: Image | None,
    new: Image | None,
    joint: JointChanges,
) -> Usage:
    """The units of one action: double, but for the indexes; a check costs as if it wrote what it read."""
    if write.action == "ConditionCheck":
        return Usage(2 * write_units(old.size if old is not None else 0))
    usage = carry_out(storage, table, row, old, new, joint=joint)
    return Usage(2 * usage.table, usage.indexes, usage.vectors)


def _larger(old: Image | None, new: Image | None) -> int:
    return max(image.size if image is not None else 0 for image in (old, new))


def _repeat(tables: list[StoredTable], sizes: list[int], returns: Returns) -> bytes:
    """The answer to a transaction that was done before.

    It costs a transactional read of what each action wrote or replaced, whichever was larger.
    """
    usages = Usages()
    for table, size in zip(tables, sizes, strict=True):
        usages.of(table).add(2 * read_units(size, True))
    return answer(
        Responses="[]" if returns.responses else None,
        ConsumedCapacity=optional(usages.consumed(returns.capacity, "Read")),
    )


def transact_get_items(storage: Storage, asked: GetsAsked, now: float) -> bytes:
    """The answer to TransactGetItems: one response for each key, empty where there is nothing to give."""
    usages, responses, total = Usages(), [], 0
    with storage.transaction("DEFERRED"):
        tables = [storage.table(get.table) for get in asked.gets]
        rows = _rows([(table, get.key, key_row) for table, get in zip(tables, asked.gets, strict=True)])
        items = [storage.get(table.store, row) for table, row in zip(tables, rows, strict=True)]
    for table, row, get in zip(tables, items, asked.gets, strict=True):
        usages.of(table).add(2 * read_units(row[0] if row else 0, True))
        size, text = _part(row, get.paths)
        total += size
        if total > MAX_BYTES:
            raise invalid(f"Payload in response is too large. {total} bytes are over 4 MB")
        responses.append(answer(Item=text))
    return answer(
        Responses=responses,
        ConsumedCapacity=optional(usages.consumed(asked.capacity, "Read")),
    )


def _part(row: Row | None, paths: tuple[Path, ...] | None) -> tuple[int, bytes | None]:
    """The size and the text of an item's part in the answer; no text where the item has none of the projected paths."""
    if row is None or paths is None:
        return row or (0, None)
    part = project(paths, read_text(row[1], top_names(paths)))
    return (item_size(part), item_text(part)) if part else (0, None)


def cancelled_by(error: DynamoError, position: int, total: int) -> DynamoError:
    """The refusal of a transaction whose action at a position cannot be done."""
    return cancelled([error if number == position else None for number in range(total)])


def cancelled(errors: Iterable[DynamoError | None]) -> DynamoError:
    """The refusal of a transaction, by what is wrong with each action; None for nothing."""
    return _cancelled([_reason(error) for error in errors])


def _reason(error: DynamoError | None) -> Reason:
    if error is None:
        return {"Code": "None"}
    code = "ValidationError" if error.code == "ValidationException" else error.code.removesuffix("Exception")
    return {"Code": code, "Message": error.message, **error.fields}


def _cancelled(reasons: list[Reason]) -> DynamoError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return DynamoError.of(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        {"CancellationReasons": reasons},
    )
