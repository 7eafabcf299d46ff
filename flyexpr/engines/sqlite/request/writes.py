"""PutItem, UpdateItem and DeleteItem, and the same writes as parts of batches and transactions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.faults import bare, enveloped, invalid, validation_errors
from flyexpr.engines.sqlite.request.expressions import attribute_names, read_expressions
from flyexpr.engines.sqlite.request.intents import EXPRESSIONS, OLDER
from flyexpr.engines.sqlite.request.intents.update_charge import update_charge
from flyexpr.engines.sqlite.request.intents.writes import Returns, Write, WriteAsked
from flyexpr.engines.sqlite.request.known.put_patterns import KnownItem
from flyexpr.engines.sqlite.request.legacy import read_attribute_updates, read_expected
from flyexpr.engines.sqlite.request.members import Members, read_members, rules_of
from flyexpr.engines.sqlite.request.shapes import DELETE_ITEM, PUT_ITEM, UPDATE_ITEM
from flyexpr.engines.sqlite.request.wire import read_item, read_stored
from flyexpr.errors import DynamoError
from flyexpr.values.types import MAX_ITEM

_PUT = rules_of(PUT_ITEM, "TableName", "Item")
_DELETE, _UPDATE = rules_of(DELETE_ITEM, "TableName", "Key"), rules_of(UPDATE_ITEM, "TableName", "Key")


def read_put_item(request: Members) -> WriteAsked:
    """What a PutItem asks for."""
    members = read_members(request, _PUT)
    _check_returned(members)
    return _write_asked(read_put, members)


def read_delete_item(request: Members) -> WriteAsked:
    """What a DeleteItem asks for."""
    members = read_members(request, _DELETE)
    _check_returned(members)
    return _write_asked(read_delete, members)


def read_update_item(request: Members) -> WriteAsked:
    """What an UpdateItem asks for."""
    asked = _write_asked(read_update, read_members(request, _UPDATE))
    write = asked.write
    too_large = write.update is not None and write.by == EXPRESSIONS and update_charge(write.update) > MAX_ITEM
    return asked._replace(too_large=True) if too_large else asked


def _check_returned(members: Members) -> None:
    if members.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise validation_errors(["ReturnValues can only be ALL_OLD or NONE"])


def _write_asked(read: Callable[[Members], Write], members: Members) -> WriteAsked:
    try:
        return WriteAsked(read(members), read_returns(members))
    except DynamoError as error:
        raise enveloped(error) from None


def read_returns(members: Members) -> Returns:
    """What the answer to a write must hold.

    >>> read_returns({"ReturnItemCollectionMetrics": "SIZE"})
    Returns(values='NONE', capacity='NONE', metrics=True, responses=False)
    """
    if _RETURNING.isdisjoint(members):
        return _NOTHING
    return Returns(
        members.get("ReturnValues", "NONE"),
        members.get("ReturnConsumedCapacity", "NONE"),
        members.get("ReturnItemCollectionMetrics") == "SIZE",
    )


_RETURNING = frozenset(("ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"))
_NOTHING = Returns()


def read_put(members: Members, level: int = 1) -> Write:
    """The write that PutItem, or a Put within a request, asks for; `level` is the one at which constants stand."""
    nodes = read_expressions(members, level=level)
    wire = members["Item"]
    image = wire.image if isinstance(wire, KnownItem) else _stored(wire)
    if image.size > MAX_ITEM:
        raise bare(invalid("Item size has exceeded the maximum allowed size"))
    return _write("Put", members, image.item, nodes, image)


def _stored(wire: Any) -> Image:
    item, text, size = read_stored(wire)
    return Image(item, size, text.encode())


def read_delete(members: Members, level: int = 1, action: str = "Delete") -> Write:
    """The write that DeleteItem, or a Delete or ConditionCheck within a request, asks for."""
    nodes = read_expressions(members, level=level)
    return _write(action, members, read_item(members["Key"]), nodes)


def read_update(members: Members, level: int = 1) -> Write:
    """The write that UpdateItem, or an Update within a request, asks for; without an expression it has no update."""
    nodes = read_expressions(members, level=level)
    return _write("Update", members, read_item(members["Key"]), nodes)


def _write(
    action: str, members: Members, item: Mapping[str, Any], nodes: dict[str, Any], image: Image | None = None
) -> Write:
    condition = nodes.get("ConditionExpression", read_expected(members))
    update = nodes.get("UpdateExpression", read_attribute_updates(members))
    return Write(
        action,
        members["TableName"],
        item,
        image,
        condition,
        update,
        names=attribute_names(condition, update),
        shows_failed=members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        by=OLDER if "AttributeUpdates" in members else EXPRESSIONS,
    )
