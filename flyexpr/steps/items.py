"""One item: get, put, update or delete it; and why a condition refused the write."""

from __future__ import annotations

from contextlib import suppress

from flyexpr.errors import ConditionFailed, ConnectionFailed, DynamoError, ValidationError
from flyexpr.expressions.apply import WRONG_OPERAND
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.reason import operands_hint, parents_hint, reason
from flyexpr.expressions.show import show
from flyexpr.expressions.updates import incr
from flyexpr.records import deepcopy
from flyexpr.requests.items import get_request, prepared, write_request
from flyexpr.requests.operations import DeleteItem, GetItem, Key, PutItem, UpdateItem
from flyexpr.requests.writers import writer
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.known_forms import forms_of
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import loaded_item, read_item
from flyexpr.schema.table import Table
from flyexpr.steps.parents import makes_parents, update_with_parents
from flyexpr.steps.step import Steps
from flyexpr.values.answers import item_and_rest, plain_item
from flyexpr.values.freeze import read_back
from flyexpr.values.types import Item


def get(table: Table, operation: GetItem) -> Steps[Item | None]:
    """The item with the key, or None."""
    item, _ = item_and_rest((yield get_request(table, operation)), "Item", forms_of(table))
    return None if item is None else read_item(table, item, operation.project, operation.key)


def write(table: Table, operation: PutItem | UpdateItem | DeleteItem) -> Steps[Item | None]:
    """What `returns=` asks for, once the item is written; ConditionFailed says why it was not."""
    condition: Condition | None = None
    item: Item | None = None
    by = writer(table, operation)
    try:
        if isinstance(operation, UpdateItem) and makes_parents(operation):
            condition = None if operation.condition is None else lower_condition(by, operation.condition)
            body = yield from update_with_parents(by, operation, condition)
        else:
            write = prepared(by, operation)
            condition, item = write.condition, write.item
            body = yield write_request(operation, write)
    except ConditionFailed as error:
        raise explained(table, condition, error) from None
    except DynamoError as error:
        if isinstance(operation, UpdateItem):
            say_what_is_meant(by, operation, error)
        raise
    if operation.returns is None:
        return None
    if operation.returns == "NEW":  # the service does not give it, but it is known
        written = item and read_back(item)
    else:
        written = item_and_rest(body, "Attributes", forms_of(table))[0]
    return None if written is None else _returned(table, by, operation, written)


def _returned(table: Table, by: Table, operation: PutItem | UpdateItem | DeleteItem, written: Item) -> Item:
    """What a write by a descriptor returned, in the user's types."""
    key = operation.item if isinstance(operation, PutItem) else operation.key
    whole = not (operation.returns or "").startswith("UPDATED")
    return loaded_after_write(table if whole else by, written, key, whole=whole)


def say_what_is_meant(table: Table, operation: UpdateItem, error: DynamoError) -> None:
    """Adds to the service's text the paths or operands of an update that it may mean, the version's among them.

    >>> error = DynamoError("ValidationException", "An operand in the update expression has an incorrect data type")
    >>> say_what_is_meant(Table("t", "id"), UpdateItem("a", incr("wins")), error)
    >>> print(error)
    ValidationException: An operand in the update expression has an incorrect data type
      expression: ADD wins 1
      hint: ADD needs a number at `wins`
    """
    if "document path" in error.message:
        _say_which_path(operation.update, error)
    elif WRONG_OPERAND in error.message:
        update = operation.update if table.version is None else operation.update + incr(table.version)
        error.args = (f"{error}\n  expression: {show(update)}\n  hint: {operands_hint(update)}",)


def _say_which_path(update: Update, error: DynamoError) -> None:
    if parents := parents_hint(update):
        sets_in_maps = any(
            action.clause == "SET" and len(action.path.parts) > 1 and isinstance(action.path.parts[-1], str)
            for action in update.actions
        )
        hint = "\n  hint: assign(..., parents=True) makes the maps that are missing" if sets_in_maps else ""
        error.args = (f"{error}: {parents}\n  expression: {show(update)}{hint}",)


def explained(table: Table, condition: Condition | None, error: ConditionFailed) -> ConditionFailed:
    """The error with the item as it stood, and with the part of the condition, in stored types, that was false.

    >>> item = {"id": {"S": "a"}, "wins": {"N": "1"}}
    >>> error = ConditionFailed("ConditionalCheckFailedException", "", {"Item": item})
    >>> str(explained(Table("t", "id"), gt("wins", 3), error)), error.item
    ('wins > 3 was false: wins is 1', {'id': 'a', 'wins': 1})
    """
    wire, item = error.fields.get("Item"), None
    if wire:
        with suppress(ConnectionFailed):  # an item in an unknown form must not hide that the write failed
            item = plain_item(deepcopy(wire))  # decoding uses it up, and `.fields` stays as it came
    if condition is not None:
        error.reason = _reason(table, condition, item)
    error.item = item
    if item is not None:
        with suppress(ValidationError):  # an item that cannot be decoded is reported as stored
            error.item = read_item(table, dict(item))
    return error


def _reason(table: Table, condition: Condition, item: Item | None) -> str | None:
    try:
        read = item and fill(table, dict(item))
    except ValidationError:  # of a function that cannot tell the item's kind
        return None
    # Where the item as it is read matches, it failed as it is stored: a part that it lacks stands in an index's key.
    return reason(condition, item if read is None or matches(condition, read) else read)


def loaded_after_write(table: Table, item: Item, key: Key, *, whole: bool = True) -> Item:
    """The item that came back from a write, in place, in the table's types; or only the attributes that were updated.

    >>> loaded_after_write(Table("t", "id", attributes={"n": int}), {"n": "x"}, "a")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `n`: the write is done, but the stored value cannot be read as int: ...
      item: {'id': 'a'} of 't'
    """
    try:
        return read_item(table, item, key=key) if whole else loaded_item(table, item, key)
    except ValidationError as error:
        failure = ValidationError(f"the write is done, but {error.message}", at=error.at)
        failure.item = error.item
        raise failure from error
