"""One item: read, put, updated or deleted; and why a condition refused the write."""

from __future__ import annotations

import copy
from contextlib import suppress

from flyexpr.errors import ConditionFailed, ValidationError
from flyexpr.items import loaded_item
from flyexpr.lower import lower_condition
from flyexpr.nodes import Condition
from flyexpr.operations import DeleteItem, GetItem, PutItem, UpdateItem
from flyexpr.reasons import reason
from flyexpr.requests import get_request, prepared, write_request
from flyexpr.responses import item_of, plain_item
from flyexpr.steps.parents import makes_parents, update_with_parents
from flyexpr.steps.step import Steps
from flyexpr.tables import Table
from flyexpr.values import Item


def get(table: Table, operation: GetItem) -> Steps[Item | None]:
    """The item with the key, or None."""
    return _item(table, (yield get_request(table, operation)), "Item")


def write(table: Table, operation: PutItem | UpdateItem | DeleteItem) -> Steps[Item | None]:
    """What `returns=` asks for, once the item is written; ConditionFailed says why it is not."""
    condition: Condition | None = None
    try:
        if isinstance(operation, UpdateItem) and makes_parents(operation):
            condition = None if operation.condition is None else lower_condition(table, operation.condition)
            body = yield from update_with_parents(table, operation, condition)
        else:
            write = prepared(table, operation)
            condition = write.condition
            body = yield write_request(operation, write)
    except ConditionFailed as error:
        raise explained(table, condition, error) from None
    return _written_item(table, body) if operation.returns else None


def explained(table: Table, condition: Condition | None, error: ConditionFailed) -> ConditionFailed:
    """The error with the item as it stood, and with the part of the condition, in stored types, that was false.

    >>> item = {"id": {"S": "a"}, "wins": {"N": "1"}}
    >>> error = ConditionFailed("ConditionalCheckFailedException", "", {"Item": item})
    >>> str(explained(Table("t", "id"), gt("wins", 3), error)), error.item
    ('wins > 3 was false: wins is 1', {'id': 'a', 'wins': 1})
    """
    found = error.fields.get("Item")
    item = plain_item(copy.deepcopy(found)) if found else None  # decoding uses it up, and `.fields` stays as it came
    if condition is not None:
        error.reason = reason(condition, item)
    error.item = item
    if item is not None:
        with suppress(ValidationError):  # an item that cannot be decoded is reported as stored
            error.item = loaded_item(table, dict(item))
    return error


def _item(table: Table, body: bytes, member: str) -> Item | None:
    item = item_of(body, member, table.forms)
    return None if item is None else loaded_item(table, item)


def _written_item(table: Table, body: bytes) -> Item | None:
    try:
        return _item(table, body, "Attributes")
    except ValidationError as error:
        told = ValidationError(f"the write is done, but {error.message}", at=error.at)
        told.item = error.item
        raise told from None
