"""PutItem, UpdateItem and DeleteItem.

Each is one SQLite transaction: the condition is tried on the item as it stands, and the item is changed with all of
its index entries, or nothing is.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from flyexpr.engines.sqlite.answers import answer, optional
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import INVALID_PARAMETERS, condition_failed, invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.collection_size import collection_metrics
from flyexpr.engines.sqlite.operations.labours import Labours, carry_through
from flyexpr.engines.sqlite.request.members import Request, read_members, told
from flyexpr.engines.sqlite.request.wire import NO_TYPE, TWO_TYPES
from flyexpr.engines.sqlite.rules.capacity import consumed
from flyexpr.engines.sqlite.rules.keys import (
    TOO_LARGE,
    UPDATE_TOO_LARGE,
    check_empty_index_keys,
    check_index_keys,
    item_row,
    key_row,
)
from flyexpr.engines.sqlite.rules.update_charge import update_charge
from flyexpr.engines.sqlite.rules.writes import (
    Write,
    check_keeps_key,
    read_delete,
    read_put,
    read_update,
    returned,
)
from flyexpr.errors import DynamoError
from flyexpr.values.kinds import MAX_ITEM


def put_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to PutItem."""
    members = read_members(request, ("TableName", "Item"))
    _check_returns(members)
    write = _enveloped(read_put, members)

    def attempt(labours: Labours) -> bytes:
        table = storage.table(write.table)
        row = item_row(table, write.given)
        check_empty_index_keys(table, write.given)
        check_index_keys(table, write.given)
        return _carry_out(storage, table, row, write, members, labours)

    return carry_through(storage, attempt)


def delete_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DeleteItem; deleting what is not there is no error."""
    members = read_members(request, ("TableName", "Key"))
    _check_returns(members)
    write = _enveloped(read_delete, members)

    def attempt(labours: Labours) -> bytes:
        table = storage.table(write.table)
        return _carry_out(storage, table, key_row(table, write.given), write, members, labours)

    return carry_through(storage, attempt)


def update_item(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to UpdateItem."""
    members = read_members(request, ("TableName", "Key"))
    write = _enveloped(read_update, members)
    charged = write.update if "UpdateExpression" in members else None
    too_large = charged is not None and update_charge(charged) > MAX_ITEM

    def attempt(labours: Labours) -> bytes:
        table = storage.table(write.table)
        row = key_row(table, write.given)
        if too_large:
            raise invalid(UPDATE_TOO_LARGE)
        check_keeps_key(write, table)
        return _carry_out(storage, table, row, write, members, labours)

    return carry_through(storage, attempt)


def _enveloped(read: Callable[[Request], Write], members: Request) -> Write:
    """The write that `read` makes of a request, whose refusals these three operations alone put into an envelope.

    Bare remain values without a type or with two, the size of an item, and what the actions of AttributeUpdates lack.
    """
    try:
        return read(members)
    except DynamoError as error:
        enveloped = error.message.startswith(told([""]))
        if error.code != "ValidationException" or _is_bare(error.message) or enveloped:
            raise
        raise invalid(told([error.message])) from None


_BARE = (NO_TYPE, TWO_TYPES, TOO_LARGE)
_BARE_ACTIONS = tuple(f"{INVALID_PARAMETERS}{action} action " for action in ("Only DELETE", "ADD", "DELETE"))


def _is_bare(message: str) -> bool:
    return message in _BARE or message.startswith(_BARE_ACTIONS)


def _check_returns(members: Request) -> None:
    if members.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise invalid(told(["ReturnValues can only be ALL_OLD or NONE"]))


def _carry_out(
    storage: Storage, table: StoredTable, row: bytes, write: Write, members: Request, labours: Labours
) -> bytes:
    returns, mode = members.get("ReturnValues", "NONE"), members.get("ReturnConsumedCapacity", "NONE")
    blind = not table.indexes and table.expiry is None and (returns, mode) == ("NONE", "NONE")
    old: Image | None = None
    new = write.image
    if not blind or write.kind != "Put" or write.condition is not None:
        old, new = labours.outcome(write, table, storage.get(table.store, row), failed)
    usage = carry_out(storage, table, row, old, new)
    metrics = collection_metrics(storage, table, write.given, members)
    return answer(
        Attributes=returned(returns, write, old, new),
        ConsumedCapacity=optional(consumed(table, usage, mode)),
        ItemCollectionMetrics=optional(metrics),
    )


def failed(write: Write, old: Image | None) -> Exception:
    """The error of a write whose condition is false, with the item if the request asks for it."""
    return condition_failed(json.loads(old.text) if write.shows_failed and old is not None else None)
