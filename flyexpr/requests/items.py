"""The requests that read or write one item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.expressions.conditions import exists
from flyexpr.expressions.nodes import And, Condition, Not, Or, Path, Update, joined, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.expressions.simplify import simplify
from flyexpr.expressions.updates import assign, if_not_exists
from flyexpr.records import record
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.operations import DeleteItem, GetItem, PutItem, UpdateItem, Write
from flyexpr.requests.request import Request, flag, table_name, wire_request
from flyexpr.requests.versions import versioned
from flyexpr.schema.derived.derived_keys import key_parts
from flyexpr.schema.derived.implied import known_values
from flyexpr.schema.derived.parts import as_stored, parts_in
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import asked_paths, check_size, read_item, stored_item
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.stored_updates import lower_update
from flyexpr.schema.stored_values import encoded_value
from flyexpr.schema.table import Table
from flyexpr.values.encode import encode_item
from flyexpr.values.types import MAX_ITEM, Item


def get_request(table: Table, operation: GetItem) -> Request:
    """The request that reads one item.

    >>> get_request(Table("t", "id"), GetItem("a")).body
    b'{"TableName":"t","Key":{"id":{"S":"a"}}}'
    """
    members = get_members(table, operation)
    if operation.consistent:
        members += flag("ConsistentRead", True)
    return wire_request("GetItem", members)


@record
class Prepared:
    """A write, prepared once: the members of its request, and the stored values from which they were made.

    `key` is the item's key, `item` the whole item of a put, and `condition` the operation's condition together with the
    guard of the version; all in stored types.
    """

    members: list[str]
    key: Item
    item: Item | None
    condition: Condition | None


def prepared(table: Table, operation: Write) -> Prepared:
    """A write as it is sent, alone or in a transaction; `default=` functions are called once, here.

    >>> write = prepared(Table("t", "id"), PutItem({"id": "a"}, not_exists("id")))
    >>> write.members[:2], write.key, show(write.condition)
    (['"TableName":"t"', '"Item":{"id":{"S":"a"}}'], {'id': 'a'}, 'attribute_not_exists(id)')
    """
    operation = versioned(table, operation)
    item = update = condition = sent = None
    if isinstance(operation, PutItem):
        item = stored_item(table, operation.item)
        key = table.key_in(item)
        members = [table_name(table), f'"Item":{encode_sized(item)}']
    else:
        key = stored_key(table, operation.key)
        members = [table_name(table), f'"Key":{encode_item(key)}']
    if isinstance(operation, UpdateItem):
        known = _known_values(table, operation, key) if table.derived else {}
        update = _with_key_parts(table, operation, lower_update(table, operation.update, known))
    if operation.condition is not None:
        condition = lower_condition(table, operation.condition)
        sent = _without_constants(condition_on_stored(table, condition, key))
        members.append('"ReturnValuesOnConditionCheckFailure":"ALL_OLD"')
    if update is not None or condition is not None:
        members += expression_members(("UpdateExpression", update), ("ConditionExpression", sent))
    return Prepared(members, key, item, condition)


def _known_values(table: Table, operation: UpdateItem, key: Item) -> Mapping[str, Any]:
    """The values that the item is certain to have: its key, the parts of its key, and what the condition asks for."""
    from_condition = {} if operation.condition is None else known_values(operation.condition)
    return read_item(table, dict(key)) | key_parts(table, operation.key) | from_condition


def condition_on_stored(table: Table, lowered: Condition, keys: Mapping[str, Any]) -> Condition:
    """The condition of a write, in stored types, for the item that is stored under these keys.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> show(condition_on_stored(table, eq("user", "1") & gt("n", 1) & exists("pk"), {"pk": "U#1"}))
    "(user = '1' OR attribute_not_exists(user)) AND n > 1 AND attribute_exists(pk)"

    It is true where the condition is true of the item as the table reads it. Parts that the keys do not decide stay as
    they are.
    """
    if not table.inverses or not parts_in(table, paths(lowered)):
        return lowered
    key = table.key_in(keys)
    parts = parts_of(lowered)
    there = any(part == exists(Path((name,))) for part in parts for name in table.keys)
    stored = [as_stored(table, part, key, there=there) for part in parts]
    return joined(And, [part if one is None else one for one, part in zip(stored, parts, strict=True)])


def write_request(operation: PutItem | UpdateItem | DeleteItem, write: Prepared) -> Request:
    """The request of a prepared write by itself.

    >>> write_request(DeleteItem("a"), prepared(Table("t", "id"), DeleteItem("a"))).body
    b'{"TableName":"t","Key":{"id":{"S":"a"}}}'

    `returns="NEW"` of a put is not sent: the item is known.
    """
    members, returns = write.members, operation.returns
    if returns is not None and returns != "NEW":
        members = [*members, f'"ReturnValues":"{returns}"']
    return wire_request(type(operation).__name__, members)


def get_members(table: Table, operation: GetItem) -> list[str]:
    """The members of a read of one item, alone or in a transaction."""
    members = [table_name(table), _key(table, operation.key)]
    wanted = operation.project and asked_paths(table, operation.project)
    return members + expression_members(("ProjectionExpression", wanted)) if wanted else members


def _key(table: Table, key: Any) -> str:
    return f'"Key":{encode_item(stored_key(table, key))}'


def encode_sized(stored: Mapping[str, Any]) -> str:
    """The wire JSON text of an item to be written; ValidationError where the item is too large."""
    text = encode_item(stored)
    if len(text) * 4 > MAX_ITEM:  # shorter texts cannot be too large: a character has at most four bytes
        check_size(stored)
    return text


def _with_key_parts(table: Table, operation: UpdateItem, lowered: Update) -> Update:
    """The update, which also stores the parts by which a derived key was given, in case it creates the item."""
    for name, value in key_parts(table, operation.key).items():
        stored = encoded_value(table, name, value) if name in table.codecs else value
        lowered += assign(Path((name,)), if_not_exists(Path((name,)), stored))
    return lowered


def _without_constants(condition: Condition) -> Condition:
    """The condition without TRUE and FALSE inside, which DynamoDB's syntax cannot say."""
    return simplify(condition) if _has_constant(condition) else condition


def _has_constant(condition: Condition) -> bool:
    match condition:
        case And(parts) | Or(parts):
            return not parts or any(map(_has_constant, parts))
        case Not(part):
            return _has_constant(part)
    return False
