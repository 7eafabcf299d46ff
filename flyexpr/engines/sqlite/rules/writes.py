"""What a write says, and what it makes of an item: the part that PutItem, UpdateItem, DeleteItem, batches and
transactions share. Nothing here touches storage.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.answers import changed_text, item_text
from flyexpr.engines.sqlite.disk.images import Image, Row, read_image, split_image
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.expressions import attribute_names, read_expressions
from flyexpr.engines.sqlite.request.legacy import read_attribute_updates, read_expected
from flyexpr.engines.sqlite.request.members import Request
from flyexpr.engines.sqlite.request.put_patterns import Alike
from flyexpr.engines.sqlite.request.wire import read_item, read_stored
from flyexpr.engines.sqlite.rules.effort import least_size
from flyexpr.engines.sqlite.rules.keys import (
    UPDATE_TOO_LARGE,
    check_empty_index_keys,
    check_index_keys,
    check_item_size,
)
from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.apply import WRONG_OPERAND, apply
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.project import project
from flyexpr.records import record
from flyexpr.values.kinds import MAX_ITEM, TOO_DEEP, Item
from flyexpr.values.sizes import item_size

FEW, SMALL = 8, 4096  # actions, bytes: an update within both makes nothing large


@record
class Write:
    """One write as a request states it: Put with the item and its image, the others with the key.

    `is_older` is an update by AttributeUpdates, which has an error text of its own.
    """

    kind: str
    table: str
    given: Item
    image: Image | None
    condition: Condition | None
    update: Update | None = None
    shows_failed: bool = False
    is_older: bool = False


def read_put(members: Request) -> Write:
    """The write that PutItem or a transaction's Put asks for."""
    nodes = read_expressions(members, ("ConditionExpression",))
    given = members["Item"]
    item, text, size = given if isinstance(given, Alike) else read_stored(given)
    image = Image(item, check_item_size(size), text.encode())
    return _write("Put", members, item, nodes, image)


def read_delete(members: Request, kind: str = "Delete") -> Write:
    """The write that DeleteItem or a transaction's Delete or ConditionCheck asks for."""
    nodes = read_expressions(members, ("ConditionExpression",))
    return _write(kind, members, read_item(members["Key"]), nodes)


def read_update(members: Request) -> Write:
    """The write that UpdateItem or a transaction's Update asks for; without an expression it only sees to the key."""
    nodes = read_expressions(members, ("UpdateExpression", "ConditionExpression"))
    return _write("Update", members, read_item(members["Key"]), nodes)


def _write(kind: str, members: Request, given: Item, nodes: dict[str, Any], image: Image | None = None) -> Write:
    return Write(
        kind,
        members["TableName"],
        given,
        image,
        condition=nodes.get("ConditionExpression", read_expected(members)),
        update=nodes.get("UpdateExpression", read_attribute_updates(members)),
        shows_failed=members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        is_older="AttributeUpdates" in members,
    )


def image_before(write: Write, table: StoredTable, row: Row | None) -> Image | None:
    """The image that a write finds, with the attributes that it looks at."""
    names = table.watched | attribute_names(write.condition, write.update)
    if row is None or write.kind != "Update":
        return read_image(row, names)
    return split_image(row, names)


def holds(write: Write, old: Image | None) -> bool:
    """Whether the condition of a write is true; of an item that is not there, every attribute is missing."""
    return write.condition is None or matches(write.condition, old.item if old else {})


def image_after(write: Write, table: StoredTable, old: Image | None) -> Image | None:
    """The image that a write leaves; ValidationException where the table or the update does not allow it.

    REMOVE and DELETE do not make an item of nothing; everything else does, an update without expression too.
    """
    if write.kind == "Put":
        return write.image
    if write.kind == "Update":
        return _updated(write, table, old)
    return old if write.kind == "ConditionCheck" else None


def _updated(write: Write, table: StoredTable, old: Image | None) -> Image | None:
    update = write.update if write.update is not None else Update(())
    if old is None and update.actions and all(action.clause in ("REMOVE", "DELETE") for action in update.actions):
        return None
    before = old.item if old else write.given
    if len(update.actions) > FEW or (old is not None and old.size > SMALL):
        _check_growth(update, before)
    try:
        item = apply(update, before)
    except ExpressionError as error:
        is_older = write.is_older and error.message == WRONG_OPERAND
        raise invalid("Type mismatch for attribute to update" if is_older else error.message) from None
    changed = changed_names(update)
    size = _size_after(old, item, changed)
    check_empty_index_keys(table, item, changed)
    check_index_keys(table, item, changed)
    try:
        text = changed_text(old.texts, item, sorted(changed)) if old and old.texts else item_text(item)
    except ValidationError:  # names and values were checked as they came in; they can only be nested too deep now
        raise invalid(TOO_DEEP) from None
    return Image(item, size, text)


def _check_growth(update: Update, before: Item) -> None:
    """None unless the values that an update sets are too large even by the least that they may take."""
    if least_size(update, before) > MAX_ITEM:
        raise invalid(UPDATE_TOO_LARGE)


def _size_after(old: Image | None, item: Item, changed: frozenset[str]) -> int:
    if old is None:
        size = item_size(item)
    else:
        size = old.size - item_size(_part(old.item, changed)) + item_size(_part(item, changed))
    if size > MAX_ITEM:
        raise invalid(UPDATE_TOO_LARGE)
    return size


def _part(item: Item, names: frozenset[str]) -> Item:
    return {name: item[name] for name in names if name in item}


def changed_names(update: Update) -> frozenset[str]:
    """The attributes of an item that an update may change."""
    return frozenset(str(action.path.parts[0]) for action in update.actions)


def check_keeps_key(write: Write, table: StoredTable) -> None:
    """None unless an update would change an attribute of the table's key."""
    for action in write.update.actions if write.update is not None else ():
        if action.path.parts[0] in table.key.names:
            raise invalid_parameter(
                f"Cannot update attribute {action.path.parts[0]}. This attribute is part of the key"
            )


def returned(returns: str, write: Write, old: Image | None, new: Image | None) -> bytes | None:
    """The Attributes of an answer; None where ReturnValues asks for none, or there is nothing to show."""
    image = old if returns.endswith("_OLD") else new
    if returns == "NONE" or image is None:
        return None
    if returns.startswith("ALL_"):
        return image.text
    if write.update is None or not write.update.actions:
        return None
    part = project([action.path for action in write.update.actions], image.item)
    return item_text(part) if part else None
