"""What a write makes of an item: the part that PutItem, UpdateItem, DeleteItem, batches and transactions share.

Nothing here touches storage.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.images import Image, Row, read_image
from flyexpr.engines.sqlite.disk.item_texts import changed_text
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid, unusable_key
from flyexpr.engines.sqlite.request.expressions import top_names
from flyexpr.engines.sqlite.request.intents import OLDER
from flyexpr.engines.sqlite.request.intents.writes import Write
from flyexpr.engines.sqlite.rules.effort import least_size
from flyexpr.engines.sqlite.rules.keys import (
    UPDATE_TOO_LARGE,
    check_empty_index_keys,
    check_index_keys,
    item_row,
    key_row,
)
from flyexpr.engines.sqlite.rules.vectors import check_vectors
from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.apply import WrongOperand, apply
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Update
from flyexpr.expressions.project import project
from flyexpr.values.sizes import item_size, value_size
from flyexpr.values.types import MAX_ITEM, TOO_DEEP_AFTER, Item

FEW, SMALL = 8, 4096  # actions, bytes: an update within both copies little, so it may be made before it is measured


def write_row(table: StoredTable, write: Write) -> bytes:
    """The row key of the item that is written; ValidationException where it does not fit the table."""
    if write.action != "Put":
        return key_row(table, write.item)
    row = item_row(table, write.item)
    check_indexes(table, write.item)
    return row


def check_indexes(table: StoredTable, item: Mapping[str, Any], changed: Container[str] | None = None) -> None:
    """None for an item that each index of the table takes; of an update, only what it has `changed` is looked at."""
    check_empty_index_keys(table, item, changed)
    check_index_keys(table, item, changed)
    check_vectors(table, item, changed)


def image_before(write: Write, table: StoredTable, row: Row | None) -> Image | None:
    """The item before a write, with the attributes that the write looks at."""
    return read_image(row, table.watched | write.names)


def holds(write: Write, old: Image | None) -> bool:
    """Whether the condition of a write is true; an item that does not exist has no attributes."""
    return write.condition is None or matches(write.condition, old.item if old else {})


def image_after(write: Write, table: StoredTable, old: Image | None) -> Image | None:
    """The item after a write; ValidationException where the table or the update does not allow it.

    An update creates an item that does not exist, unless all its actions are REMOVE and DELETE.
    """
    if write.action == "Put":
        if write.image is None:
            raise invalid(TOO_DEEP_AFTER)
        return write.image
    if write.action == "Update":
        return _updated(write, table, old)
    return old if write.action == "ConditionCheck" else None


def _updated(write: Write, table: StoredTable, old: Image | None) -> Image | None:
    update = write.update if write.update is not None else Update(())
    if old is None and update.actions and all(action.clause in ("REMOVE", "DELETE") for action in update.actions):
        return None
    before = old.item if old else write.item
    if len(update.actions) > FEW or (old is not None and old.size > SMALL):
        _check_growth(update, before)
    try:
        item = apply(update, before)
    except ExpressionError as error:
        _check_growth(update, before)  # too large comes first, so that the size of the old item does not decide
        older = write.by == OLDER and isinstance(error, WrongOperand)
        raise invalid("Type mismatch for attribute to update" if older else error.message) from None
    changed = changed_names(update)
    size = _size_after(old, item, changed)
    check_indexes(table, item, changed)
    try:
        text = changed_text(old.text, item, sorted(changed)) if old else item_text(item)
    except ValidationError:  # names and values were checked as they came in; they can only be nested too deep now
        raise invalid(TOO_DEEP_AFTER) from None
    return Image(item, size, text)


def _check_growth(update: Update, before: Mapping[str, Any]) -> None:
    """An error where the values that an update sets are too large even by their least possible size."""
    if least_size(update, before) > MAX_ITEM:
        raise invalid(UPDATE_TOO_LARGE)


def _size_after(old: Image | None, item: Item, changed: frozenset[str]) -> int:
    if old is None:
        size = item_size(item)
    else:
        size, before = old.size, old.item
        for name in changed:
            if name in before:
                size -= len(name.encode()) + value_size(before[name])
            if name in item:
                size += len(name.encode()) + value_size(item[name])
    if size > MAX_ITEM:
        raise invalid(UPDATE_TOO_LARGE)
    return size


def changed_names(update: Update) -> frozenset[str]:
    """The attributes of an item that an update may change."""
    return top_names([action.path for action in update.actions])


def check_keeps_key(update: Update, table: StoredTable) -> None:
    """None unless an update would change an attribute of the table's key."""
    for action in update.actions:
        if action.path.parts[0] in table.key.names:
            raise unusable_key(f"Cannot update attribute {action.path.parts[0]}. This attribute is part of the key")


def returned(values: str, write: Write, old: Image | None, new: Image | None) -> bytes | None:
    """The Attributes of an answer; None where ReturnValues (`values`) asks for none, or there is nothing to show."""
    image = old if values.endswith("_OLD") else new
    if values == "NONE" or image is None:
        return None
    if values.startswith("ALL_"):
        return image.text
    if write.update is None or not write.update.actions:
        return None
    part = project([action.path for action in write.update.actions], image.item)
    return item_text(part) if part else None
