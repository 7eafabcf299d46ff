"""Operations as DynamoDB's requests: the operation's AWS name and its JSON, written as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flyexpr.conditions import exists
from flyexpr.derive import key_parts, known_values
from flyexpr.errors import ExpressionError, FlyexprError, ValidationError
from flyexpr.interpret.paths import paths
from flyexpr.interpret.simplify import simplify
from flyexpr.items import asked_paths, check_size, encoded_value, key_of, read_item, stored_item
from flyexpr.lower import lower_condition, lower_update
from flyexpr.nodes import ALWAYS, And, Compare, Condition, Not, Or, Path, Update, Value, joined
from flyexpr.operations import (
    BatchGet,
    ConditionCheck,
    DeleteItem,
    GetItem,
    Operation,
    PutItem,
    Query,
    Scan,
    UpdateItem,
)
from flyexpr.parts import as_stored, parts_in
from flyexpr.plan import Access, without_overlap
from flyexpr.prepare import expression_members
from flyexpr.records import record
from flyexpr.tables import LocalIndex, Table
from flyexpr.updates import assign, if_not_exists
from flyexpr.values import MAX_ITEM, Item, encode_item, quote, thaw
from flyexpr.versions import versioned

Write = PutItem | UpdateItem | DeleteItem


@record
class Request:
    """What goes to an engine: the operation's AWS name and the bytes of its JSON.

    >>> Request("ListTables", b"{}").operation
    'ListTables'
    """

    operation: str
    body: bytes


def get_request(table: Table, operation: GetItem) -> Request:
    """The request that reads one item.

    >>> get_request(Table("t", "id"), GetItem("a")).body
    b'{"TableName":"t","Key":{"id":{"S":"a"}}}'
    """
    return wire_request("GetItem", [*_get(table, operation), *_flag("ConsistentRead", operation.consistent)])


@record
class Prepared:
    """A write, prepared once: the members of its request, and the stored values that they were made of.

    `key` is the item's key, `item` the whole item of a put, and `condition` the operation's, the guard of a version
    included; each in stored types.
    """

    members: list[str]
    key: Item
    item: Item | None
    condition: Condition | None


def prepared(table: Table, operation: Write | ConditionCheck) -> Prepared:
    """A write as it is sent, alone or in a transaction; `default=` functions are called here, once.

    >>> write = prepared(Table("t", "id"), PutItem({"id": "a"}, not_exists("id")))
    >>> write.members[:2], write.key, show(write.condition)
    (['"TableName":"t"', '"Item":{"id":{"S":"a"}}'], {'id': 'a'}, 'attribute_not_exists(id)')
    """
    operation = versioned(table, operation)
    item = update = condition = sent = None
    if isinstance(operation, PutItem):
        item = stored_item(table, operation.item)
        key = {name: item[name] for name in table.keys}
        members = [table_name(table), f'"Item":{_sized(item)}']
    else:
        key = key_of(table, operation.key)
        members = [table_name(table), f'"Key":{encode_item(key)}']
    if isinstance(operation, UpdateItem):
        known = _known(table, operation, key) if table.derived else {}
        update = _with_key_parts(table, operation, lower_update(table, operation.update, known))
    if operation.condition is not None:
        condition = lower_condition(table, operation.condition)
        sent = _sayable(condition_on_stored(table, condition, key))
        members.append('"ReturnValuesOnConditionCheckFailure":"ALL_OLD"')
    if update is not None or condition is not None:
        members += expression_members(("UpdateExpression", update), ("ConditionExpression", sent))
    return Prepared(members, key, item, condition)


def _known(table: Table, operation: UpdateItem, key: Item) -> Mapping[str, Any]:
    """What is sure of the item that is to be updated: what makes up its key, and what its condition asks for."""
    asked = {} if operation.condition is None else known_values(operation.condition)
    return read_item(table, dict(key)) | key_parts(table, operation.key) | asked


def condition_on_stored(table: Table, lowered: Condition, keys: Mapping[str, Any]) -> Condition:
    """The condition of a write, in stored types, on the item as it is stored under these keys.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> show(condition_on_stored(table, eq("user", "1") & gt("n", 1) & exists("pk"), {"pk": "U#1"}))
    "(user = '1' OR attribute_not_exists(user)) AND n > 1 AND attribute_exists(pk)"

    It is true where the condition is true of the item as the table reads it; what the keys do not decide stays.
    """
    if not table.inverses or not parts_in(table, paths(lowered)):
        return lowered
    own = {name: keys[name] for name in table.keys}
    parts = lowered.parts if isinstance(lowered, And) else (lowered,)
    there = any(part == exists(Path((name,))) for part in parts for name in table.keys)
    stored = [as_stored(table, part, own, there=there) for part in parts]
    return joined(And, [part if one is None else one for one, part in zip(stored, parts, strict=True)])


def write_request(operation: Write, write: Prepared) -> Request:
    """The request of a prepared write that stands alone.

    >>> write_request(DeleteItem("a"), prepared(Table("t", "id"), DeleteItem("a"))).body
    b'{"TableName":"t","Key":{"id":{"S":"a"}}}'
    """
    returns = [f'"ReturnValues":"{operation.returns}"'] if operation.returns else []
    return wire_request(type(operation).__name__, [*write.members, *returns])


def read_request(
    table: Table,
    read: Query | Scan,
    access: Access,
    branch: int = 0,
    start: Mapping[str, Any] | None = None,
    limit: int | None = None,
    counting: bool = False,
) -> Request:
    """The request for one page: of the `branch`-th key condition, after the key `start`, examining up to `limit` items.

    >>> from flyexpr.plan import access
    >>> table, asked = Table("t", "id", "at"), Query(eq("id", "a") & gt("at", "2026"))
    >>> read_request(table, asked, access(table, asked)).body.decode().partition(',"Ex')[0]
    '{"TableName":"t","KeyConditionExpression":"#0 = :0 AND #1 > :1"'
    """
    members = [table_name(table)]
    if access.how == "GetItem":
        members.append(f'"Key":{encode_item(_fixed_key(access.keys[branch]))}')
        members += expression_members(("ProjectionExpression", access.fetch))
        return wire_request("GetItem", [*members, *_flag("ConsistentRead", read.consistent), _CAPACITY])
    if access.index is not None:
        members.append(f'"IndexName":{quote(access.index.name)}')
    members += expression_members(
        ("KeyConditionExpression", access.keys[branch] if access.keys else None),
        ("FilterExpression", access.filter),
        ("ProjectionExpression", None if counting else access.fetch),
    )
    if counting:
        members.append('"Select":"COUNT"')
    elif access.fetch is None and isinstance(access.index, LocalIndex) and access.index.project != "all":
        members.append('"Select":"ALL_ATTRIBUTES"')  # a local index fetches from the table what it does not hold
    if isinstance(read, Query) and read.reverse:
        members.append('"ScanIndexForward":false')
    members += _flag("ConsistentRead", read.consistent)
    if limit is not None:
        members.append(f'"Limit":{limit}')
    if isinstance(read, Scan) and read.segment is not None:
        members.append(f'"Segment":{read.segment},"TotalSegments":{read.segments}')
    if start is not None:
        members.append(f'"ExclusiveStartKey":{encode_item(start)}')
    return wire_request(access.how, [*members, _CAPACITY])


_CAPACITY = '"ReturnConsumedCapacity":"TOTAL"'


def _fixed_key(condition: Condition) -> dict[str, Any]:
    """The primary key that a key condition of nothing but equalities gives."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return {
        str(part.left.parts[0]): thaw((part.right.kind, part.right.body))
        for part in parts
        if isinstance(part, Compare) and isinstance(part.left, Path) and isinstance(part.right, Value)
    }


def _get(table: Table, operation: GetItem) -> list[str]:
    members = [table_name(table), _key(table, operation.key)]
    wanted = operation.project and asked_paths(table, operation.project)
    return members + expression_members(("ProjectionExpression", wanted)) if wanted else members


@record
class BatchMember:
    """One write of a batch: the operation, its key and its text.

    >>> batch_member(Table("t", "id"), DeleteItem("a")).text
    '{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}'
    """

    operation: PutItem | DeleteItem
    key: str
    text: str


def batch_member(table: Table, operation: PutItem | DeleteItem) -> BatchMember:
    """The part of a BatchWriteItem that one put or delete is; FlyexprError for one with a condition."""
    _check_batched(table, operation)
    if isinstance(operation, PutItem):
        stored = stored_item(table, operation.item)
        text = f'{{"PutRequest":{{"Item":{_sized(stored)}}}}}'
    else:
        stored = key_of(table, operation.key)
        text = f'{{"DeleteRequest":{{"Key":{encode_item(stored)}}}}}'
    return BatchMember(operation, encode_item({name: stored[name] for name in table.keys}), text)


def _check_batched(table: Table, operation: PutItem | DeleteItem) -> None:
    if not isinstance(operation, (PutItem, DeleteItem)):
        raise TypeError(f"batch_write takes put_item(...) and delete_item(...), not {operation!r}")
    if operation.condition is not None or operation.returns is not None:
        raise FlyexprError(
            "a batch takes no condition= and no returns=\n  hint: use transact_write, or put and delete one by one"
        )
    if table.version and isinstance(operation, PutItem):
        raise FlyexprError(
            f"a batch cannot guard the versions of {table.name!r}\n  hint: use transact_write, or put one by one"
        )


def batch_request(table: Table, members: Iterable[BatchMember]) -> Request:
    """The BatchWriteItem of up to 25 writes.

    >>> batch_request(Table("t", "id"), [batch_member(Table("t", "id"), DeleteItem("a"))]).body
    b'{"RequestItems":{"t":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}'
    """
    texts = ",".join([member.text for member in members])
    return wire_request("BatchWriteItem", [f'"RequestItems":{{{quote(table.name)}:[{texts}]}}'])


MAX_TRANSACTION = 100  # operations
MAX_TOKEN = 36  # characters


def prepared_writes(pairs: Sequence[tuple[Table, Write | ConditionCheck]]) -> list[Prepared]:
    """The writes of a transaction, each prepared once; refused where one cannot stand in a transaction.

    >>> [write.key for write in prepared_writes([(Table("t", "id"), DeleteItem("a"))])]
    [{'id': 'a'}]
    """
    _check_transaction(pairs, "transact_write", (PutItem, UpdateItem, DeleteItem, ConditionCheck))
    for place, (_, write) in enumerate(pairs):
        if isinstance(write, UpdateItem) and any(action.parents for action in write.update.actions):
            raise ExpressionError(f"a transaction cannot make parents; leave out parents=True (operation {place})")
        if isinstance(write, ConditionCheck) and write.condition == ALWAYS:
            raise ValidationError(f"a condition check needs a condition that can be false (operation {place})")
        if getattr(write, "returns", None):
            raise ValidationError(f"a transaction returns no items; leave out returns= (operation {place})")
    writes = [prepared(table, write) for table, write in pairs]
    _check_different((table, write.key) for (table, _), write in zip(pairs, writes, strict=True))
    return writes


def transact_write_request(pairs: Sequence[tuple[Table, Any]], writes: Iterable[Prepared], token: str) -> Request:
    """The TransactWriteItems of up to 100 prepared writes and condition checks, on as many items.

    >>> pairs = [(Table("t", "id"), DeleteItem("a"))]
    >>> transact_write_request(pairs, prepared_writes(pairs), "token").body
    b'{"TransactItems":[{"Delete":{"TableName":"t","Key":{"id":{"S":"a"}}}}],"ClientRequestToken":"token"}'
    """
    if len(token) > MAX_TOKEN:
        raise ValidationError(f"a token has at most {MAX_TOKEN} characters, not {len(token)}")
    kinds = (_ACTIONS[type(write)] for _, write in pairs)
    actions = [f'{{"{kind}":{{{",".join(write.members)}}}}}' for kind, write in zip(kinds, writes, strict=True)]
    return wire_request(
        "TransactWriteItems", [f'"TransactItems":[{",".join(actions)}]', f'"ClientRequestToken":{quote(token)}']
    )


def transact_get_request(pairs: Sequence[tuple[Table, GetItem]]) -> Request:
    """The TransactGetItems of up to 100 reads.

    >>> transact_get_request([(Table("t", "id"), GetItem("a"))]).body
    b'{"TransactItems":[{"Get":{"TableName":"t","Key":{"id":{"S":"a"}}}}]}'
    """
    _check_transaction(pairs, "transact_get", (GetItem,))
    _check_different((table, key_of(table, read.key)) for table, read in pairs)
    gets = [f'{{"Get":{{{",".join(_get(table, read))}}}}}' for table, read in pairs]
    return wire_request("TransactGetItems", [f'"TransactItems":[{",".join(gets)}]'])


_ACTIONS: dict[type, str] = {
    PutItem: "Put",
    UpdateItem: "Update",
    DeleteItem: "Delete",
    ConditionCheck: "ConditionCheck",
}


def _check_transaction(pairs: Sequence[tuple[Table, Operation]], name: str, allowed: tuple[type, ...]) -> None:
    if not 1 <= len(pairs) <= MAX_TRANSACTION:
        raise ValidationError(f"{name} takes 1 to {MAX_TRANSACTION} operations, not {len(pairs)}")
    for place, (_, operation) in enumerate(pairs):
        if not isinstance(operation, allowed):
            raise TypeError(f"{name} cannot hold {operation!r} (operation {place})")


def _check_different(keys: Iterable[tuple[Table, Item]]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for place, (table, key) in enumerate(keys):
        earlier = seen.setdefault((table.name, encode_item(key)), place)
        if earlier != place:
            raise ValidationError(f"operations {earlier} and {place} of the transaction are on one item")


def batch_get_request(table: Table, keys: Iterable[str], operation: BatchGet) -> Request:
    """The BatchGetItem of up to 100 different keys, each as its JSON text.

    >>> batch_get_request(Table("t", "id"), ['{"id":{"S":"a"}}'], BatchGet(["a"])).body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}}]}}}'
    """
    wanted = asked_paths(table, operation.project)
    project = wanted and (*wanted, *(Path((name,)) for name in table.keys))
    members = [f'"Keys":[{",".join(keys)}]', *_flag("ConsistentRead", operation.consistent)]
    members += expression_members(("ProjectionExpression", project and without_overlap(project)))
    return wire_request("BatchGetItem", [f'"RequestItems":{{{quote(table.name)}:{{{",".join(members)}}}}}'])


def table_name(table: Table) -> str:
    """The member that names the table.

    >>> table_name(Table("t", "id"))
    '"TableName":"t"'
    """
    return f'"TableName":{quote(table.name)}'


def _key(table: Table, key: Any) -> str:
    return f'"Key":{encode_item(key_of(table, key))}'


def _sized(stored: Mapping[str, Any]) -> str:
    text = encode_item(stored)
    if len(text) * 4 > MAX_ITEM:  # the text is longer than the size that counts, but for characters of several bytes
        check_size(stored)
    return text


def _with_key_parts(table: Table, operation: UpdateItem, lowered: Update) -> Update:
    """The update, and the parts that a derived key was given by, for an item that it creates."""
    for name, value in key_parts(table, operation.key).items():
        stored = encoded_value(table, name, value) if name in table.codecs else value
        lowered += assign(Path((name,)), if_not_exists(Path((name,)), stored))
    return lowered


def _sayable(condition: Condition) -> Condition:
    """The condition with TRUE and FALSE, which have no text on the wire, folded away."""
    return simplify(condition) if _has_constant(condition) else condition


def _has_constant(condition: Condition) -> bool:
    match condition:
        case And(parts) | Or(parts):
            return not parts or any(map(_has_constant, parts))
        case Not(part):
            return _has_constant(part)
    return False


def _flag(member: str, value: bool) -> list[str]:
    return [f'"{member}":true'] if value else []


def wire_request(name: str, members: Iterable[str]) -> Request:
    """The request of these members, each the JSON text of its name and value.

    >>> wire_request("ListTables", ['"Limit":10']).body
    b'{"Limit":10}'
    """
    return Request(name, utf8("{" + ",".join(members) + "}"))


def utf8(text: str) -> bytes:
    """The bytes of a request's text; ValidationError where UTF-8 cannot say it.

    >>> utf8("é")
    b'\xc3\xa9'
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        lone = text[error.start]
        raise ValidationError(f"text with half of a surrogate pair ({lone!r}) cannot be stored") from None
