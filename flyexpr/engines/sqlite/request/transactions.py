"""TransactWriteItems and TransactGetItems.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.faults import InvalidConstant, invalid
from flyexpr.engines.sqlite.request.expressions import MEMBERS
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, GetsAsked
from flyexpr.engines.sqlite.request.intents.writes import Token, Write, WritesAsked
from flyexpr.engines.sqlite.request.member_rules import ObjectRules
from flyexpr.engines.sqlite.request.members import Members, read_members, rules_of
from flyexpr.engines.sqlite.request.reads import read_projection
from flyexpr.engines.sqlite.request.shapes import ACTIONS, GET, TRANSACT_GET_ITEMS, TRANSACT_WRITE_ITEMS
from flyexpr.engines.sqlite.request.wire import COMPARED, read_item, read_sized
from flyexpr.engines.sqlite.request.writes import read_delete, read_put, read_returns, read_update
from flyexpr.values.sizes import item_size

MAX_BYTES = 4 * 1024 * 1024
_WRITES = rules_of(TRANSACT_WRITE_ITEMS, "TransactItems")
_GETS = rules_of(TRANSACT_GET_ITEMS, "TransactItems")
_PART, _GET = ObjectRules({}, ["Get"]), rules_of(GET, "TableName", "Key")

# action: the rules for its members, and what reads it
_ACTIONS: dict[str, tuple[ObjectRules, Callable[[Members, int], Write]]] = {
    "ConditionCheck": (
        rules_of(ACTIONS["ConditionCheck"], "TableName", "Key", "ConditionExpression"),
        lambda members, level: read_delete(members, level, "ConditionCheck"),
    ),
    "Put": (rules_of(ACTIONS["Put"], "TableName", "Item"), read_put),
    "Update": (rules_of(ACTIONS["Update"], "TableName", "Key", "UpdateExpression"), read_update),
    "Delete": (rules_of(ACTIONS["Delete"], "TableName", "Key"), read_delete),
}


def read_transact_write_items(request: Members) -> WritesAsked:
    """What a TransactWriteItems asks for."""
    members = read_members(request, _WRITES)
    read = [_read_write(position, wire) for position, wire in enumerate(members["TransactItems"], 1)]
    check_payload(sum(size for _, size in read))
    return WritesAsked(tuple([write for write, _ in read]), read_returns(members), _read_token(members))


def check_payload(sent: int) -> None:
    """None for a transaction that sends up to 4 MB."""
    if sent > MAX_BYTES:
        raise invalid(f"Transaction payload size cannot exceed 4MB. Payload Size: {sent}")


def _read_token(members: Members) -> Token | None:
    """The token of a transaction. What the answer must hold is not a part of the digest."""
    if "ClientRequestToken" not in members:
        return None
    actions = json.dumps(members["TransactItems"], sort_keys=True)
    return Token(members["ClientRequestToken"], hashlib.blake2b(actions.encode()).digest())


def _read_write(position: int, wire: Any) -> tuple[Write, int]:
    """A write, and the bytes it sends."""
    actions = [action for action in _ACTIONS if type(wire) is dict and wire.get(action) is not None]
    if not actions:
        raise invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(actions) > 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    (action,) = actions
    rules, read = _ACTIONS[action]
    within = f"transactItems.{position}.member.{action[0].lower()}{action[1:]}."
    try:
        members = read_members(wire[action], rules, within)
        write = read(members, COMPARED)
        return write, _sent(members, write)
    except InvalidConstant as error:
        raise invalid(
            f"ExpressionAttributeValues contains invalid value: {error.message} for key {error.key}"
        ) from None


def _sent(members: Members, write: Write) -> int:
    """The bytes of a write that count towards the 4 MB: of its item or key, its expressions, and their constants.

    The items that it touches do not count: more than 4 MB may be deleted at once.
    """
    size = write.image.size if write.image is not None else item_size(write.item)
    size += sum(len(members[member].encode()) for member in MEMBERS if member in members)
    size += sum(len(name.encode()) for name in members.get("ExpressionAttributeNames", {}).values())
    constants = members.get("ExpressionAttributeValues", {}).values()
    return size + sum(read_sized(wire, COMPARED)[1] for wire in constants)


def read_transact_get_items(request: Members) -> GetsAsked:
    """What a TransactGetItems asks for."""
    members = read_members(request, _GETS)
    parts = [_read_part(position, wire) for position, wire in enumerate(members["TransactItems"], 1)]
    projections = [read_projection(part) for part in parts]  # of all actions, before the first key
    gets = [
        GetAsked(part["TableName"], read_item(part["Key"]), paths)
        for part, paths in zip(parts, projections, strict=True)
    ]
    return GetsAsked(tuple(gets), members.get("ReturnConsumedCapacity", "NONE"))


def _read_part(position: int, wire: Any) -> Members:
    get = wire.get("Get") if type(wire) is dict else None
    within = f"transactItems.{position}.member."
    if get is None:
        return read_members({}, _PART, within)
    return read_members(get, _GET, within + "get.")
