"""Several operations at once, on one or more tables of one engine: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.errors import ConditionFailed, DynamoError, TransactionCancelled
from flyexpr.requests.items import Prepared
from flyexpr.requests.operations import (
    ConditionCheck,
    DeleteItem,
    GetItem,
    PutItem,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from flyexpr.requests.transactions import prepared_writes, transact_get_request, transact_write_request
from flyexpr.schema.stored_items import read_item
from flyexpr.schema.table import Table
from flyexpr.steps.items import explained, say_what_is_meant
from flyexpr.steps.step import Steps, in_turns
from flyexpr.values.answers import Places, decoding
from flyexpr.values.types import Item


def transact_write(operation: TransactWriteItems) -> Steps[None]:
    """None, once all is written; TransactionCancelled has one reason per operation."""
    from uuid import uuid4  # here, because it is an eighth of `import flyexpr`

    pairs = operation.operations
    writes = prepared_writes(pairs)
    try:
        yield transact_write_request(pairs, writes, str(uuid4()) if operation.token is None else operation.token)
    except TransactionCancelled as error:
        raise _with_reasons(pairs, writes, error) from None


def transact_get(operation: TransactGetItems) -> Steps[list[Item | None]]:
    """The items in the order asked for; None for one that is not there."""
    body = yield transact_get_request(operation.operations)
    result = list[Item | None]()

    def take(asked: tuple[tuple[Table, GetItem], Item | None]) -> None:
        (table, read), item = asked
        result.append(None if item is None else read_item(table, item, read.project, read.key))

    with decoding:
        items = Places(body, within=("Responses",))
        yield from in_turns(zip(operation.operations, items, strict=True), len(body), take)
    return result


def _with_reasons(
    pairs: Sequence[Any], writes: Sequence[Prepared], error: TransactionCancelled
) -> TransactionCancelled:
    error.operations = tuple(
        f"{_VERBS[type(operation)]} {table.name} {', '.join(map(str, write.key.values()))}"
        for (table, operation), write in zip(pairs, writes, strict=True)
    )
    with decoding:
        reasons = [dict(reason) for reason in error.fields.get("CancellationReasons") or ()]
    error.reasons = tuple(
        _reason(table, operation, write, reason)
        for (table, operation), write, reason in zip(pairs, writes, reasons, strict=False)
    )
    return error


_VERBS: dict[type, str] = {PutItem: "put", UpdateItem: "update", DeleteItem: "delete", ConditionCheck: "check"}


def _reason(table: Table, operation: Any, write: Prepared, reason: dict[str, Any]) -> DynamoError | None:
    code = str(reason.get("Code", "None"))
    if code == "None":
        return None
    error = DynamoError.of(code, reason.get("Message") or "", {k: v for k, v in reason.items() if k == "Item"})
    if isinstance(error, ConditionFailed):
        return explained(table, write.condition, error)
    if isinstance(operation, UpdateItem):
        say_what_is_meant(table, operation, error)
    return error
