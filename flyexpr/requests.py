"""Operations as DynamoDB's requests: the operation's AWS name and its JSON, written as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flyexpr.errors import ExpressionError, FlyexprError, ValidationError
from flyexpr.interpret.check import check
from flyexpr.interpret.compile import Placeholders, compile
from flyexpr.interpret.show import show
from flyexpr.items import check_size, key_of, stored_item
from flyexpr.lower import lower_condition, lower_update
from flyexpr.nodes import And, Compare, Condition, Path, Update, Value
from flyexpr.operations import (
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    Operation,
    PutItem,
    Query,
    Scan,
    UpdateItem,
)
from flyexpr.plan import Access
from flyexpr.tables import GlobalIndex, Index, LocalIndex, Table
from flyexpr.values import MAX_ITEM, encode_item, quote, thaw


@dataclass(frozen=True, slots=True)
class Request:
    """What goes to an engine: the operation's AWS name and the bytes of its JSON.

    >>> Request("ListTables", b"{}").operation
    'ListTables'
    """

    operation: str
    body: bytes


def item_request(table: Table, operation: Operation) -> Request:
    """The request of an operation on one item, or on the table itself.

    >>> item_request(Table("t", "id"), GetItem("a")).body
    b'{"TableName":"t","Key":{"id":{"S":"a"}}}'
    """
    return _WRITERS[type(operation)](table, operation)


def read_request(
    table: Table,
    read: Query | Scan,
    access: Access,
    branch: int = 0,
    start: Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> Request:
    """The request for one page: of the `branch`-th key condition, after the key `start`, examining up to `limit` items.

    >>> from flyexpr.plan import access
    >>> table, asked = Table("t", "id", "at"), Query(eq("id", "a") & gt("at", "2026"))
    >>> read_request(table, asked, access(table, asked)).body.decode().partition(',"Ex')[0]
    '{"TableName":"t","KeyConditionExpression":"#0 = :0 AND #1 > :1"'
    """
    names = Placeholders()
    members = [_table_name(table)]
    if access.how == "GetItem":
        members += [
            f'"Key":{encode_item(_fixed_key(access.keys[branch]))}',
            *_projection(access.fetch, names),
        ]
        return _request(
            "GetItem", [*members, *names.members(), *_flag("ConsistentRead", read.consistent), _CAPACITY]
        )
    if access.index is not None:
        members.append(f'"IndexName":{quote(access.index.name)}')
    members += _expression("KeyConditionExpression", access.keys[branch] if access.keys else None, names)
    members += _expression("FilterExpression", access.filter, names)
    members += _projection(access.fetch, names)
    members += names.members()
    if access.fetch is None and isinstance(access.index, LocalIndex) and access.index.project != "all":
        members.append(
            '"Select":"ALL_ATTRIBUTES"'
        )  # a local index fetches from the table what it does not hold
    if isinstance(read, Query) and read.reverse:
        members.append('"ScanIndexForward":false')
    members += _flag("ConsistentRead", read.consistent)
    if limit is not None:
        members.append(f'"Limit":{limit}')
    if isinstance(read, Scan) and read.segment is not None:
        members.append(f'"Segment":{read.segment},"TotalSegments":{read.segments}')
    if start is not None:
        members.append(f'"ExclusiveStartKey":{encode_item(start)}')
    return _request(access.how, [*members, _CAPACITY])


_CAPACITY = '"ReturnConsumedCapacity":"TOTAL"'


def _fixed_key(condition: Condition) -> dict[str, Any]:
    """The primary key that a key condition of nothing but equalities gives."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return {
        str(part.left.parts[0]): thaw((part.right.kind, part.right.body))
        for part in parts
        if isinstance(part, Compare) and isinstance(part.left, Path) and isinstance(part.right, Value)
    }


def _get_item(table: Table, operation: GetItem) -> Request:
    names = Placeholders()
    members = [_table_name(table), _key(table, operation.key), *_projection(operation.project, names)]
    return _request("GetItem", [*members, *names.members(), *_flag("ConsistentRead", operation.consistent)])


def _put_item(table: Table, operation: PutItem) -> Request:
    return _write(table, "PutItem", operation, [f'"Item":{_sized(stored_item(table, operation.item))}'])


def _update_item(table: Table, operation: UpdateItem) -> Request:
    names = Placeholders()
    update = _expression("UpdateExpression", lower_update(table, operation.update), names)
    return _write(table, "UpdateItem", operation, [_key(table, operation.key), *update], names)


def _delete_item(table: Table, operation: DeleteItem) -> Request:
    return _write(table, "DeleteItem", operation, [_key(table, operation.key)])


def _write(
    table: Table,
    name: str,
    operation: PutItem | UpdateItem | DeleteItem,
    members: list[str],
    names: Placeholders | None = None,
) -> Request:
    names = names or Placeholders()
    condition = None
    if operation.condition is not None:
        condition = lower_condition(table, operation.condition)
    members = [
        _table_name(table),
        *members,
        *_expression("ConditionExpression", condition, names),
        *names.members(),
    ]
    if operation.returns:
        members.append(f'"ReturnValues":"{operation.returns}"')
    if condition is not None:
        members.append('"ReturnValuesOnConditionCheckFailure":"ALL_OLD"')
    return _request(name, members)


@dataclass(frozen=True, slots=True)
class BatchMember:
    """One write of a batch: the operation, its key and its text.

    >>> batch_member(Table("t", "id"), DeleteItem("a")).text
    '{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}'
    """

    operation: PutItem | DeleteItem
    key: tuple[Any, ...]
    text: str


def batch_member(table: Table, operation: PutItem | DeleteItem) -> BatchMember:
    """The part of a BatchWriteItem that one put or delete is; FlyexprError for one with a condition."""
    match operation:
        case PutItem(item, None, None):
            stored = stored_item(table, item)
            text = f'{{"PutRequest":{{"Item":{_sized(stored)}}}}}'
        case DeleteItem(key, None, None):
            stored = key_of(table, key)
            text = f'{{"DeleteRequest":{{"Key":{encode_item(stored)}}}}}'
        case PutItem() | DeleteItem():
            raise FlyexprError(
                "a batch takes no condition= and no returns=\n  hint: use transact_write, or put and delete one by one"
            )
        case _:
            raise TypeError(f"batch_write takes put_item(...) and delete_item(...), not {operation!r}")
    return BatchMember(operation, tuple(stored[name] for name in table.keys), text)


def batch_request(table: Table, members: Iterable[BatchMember]) -> Request:
    """The BatchWriteItem of up to 25 writes.

    >>> batch_request(Table("t", "id"), [batch_member(Table("t", "id"), DeleteItem("a"))]).body
    b'{"RequestItems":{"t":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}'
    """
    texts = ",".join([member.text for member in members])
    return _request("BatchWriteItem", [f'"RequestItems":{{{quote(table.name)}:[{texts}]}}'])


def _create_table(table: Table, operation: CreateTable) -> Request:
    return _request("CreateTable", [_table_name(table), *_table_members(table)])


def _delete_table(table: Table, operation: DeleteTable) -> Request:
    return _request("DeleteTable", [_table_name(table)])


def _describe_table(table: Table, operation: DescribeTable) -> Request:
    return _request("DescribeTable", [_table_name(table)])


_WRITERS: dict[type, Callable[[Table, Any], Request]] = {
    GetItem: _get_item,
    PutItem: _put_item,
    UpdateItem: _update_item,
    DeleteItem: _delete_item,
    CreateTable: _create_table,
    DeleteTable: _delete_table,
    DescribeTable: _describe_table,
}


def _table_members(table: Table) -> list[str]:
    definitions = [
        {"AttributeName": name, "AttributeType": table.kind(name)} for name in sorted(table.key_attributes)
    ]
    members = [f'"AttributeDefinitions":{json.dumps(definitions)}', f'"KeySchema":{_key_schema(table, None)}']
    for member, kind in (("LocalSecondaryIndexes", LocalIndex), ("GlobalSecondaryIndexes", GlobalIndex)):
        indexes = [_index(table, index) for index in table.indexes if isinstance(index, kind)]
        if indexes:
            members.append(f'"{member}":[{",".join(indexes)}]')
    return [*members, *_billing(table), *_table_options(table)]


def _key_schema(table: Table, index: Index | None) -> str:
    partitions = [{"AttributeName": name, "KeyType": "HASH"} for name in table.partition_keys_of(index)]
    return json.dumps(
        partitions + [{"AttributeName": name, "KeyType": "RANGE"} for name in table.sort_keys_of(index)]
    )


def _index(table: Table, index: Index) -> str:
    project = {"all": {"ProjectionType": "ALL"}, "keys": {"ProjectionType": "KEYS_ONLY"}}.get(
        index.project if isinstance(index.project, str) else "",
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.project)},
    )
    members = [
        f'"IndexName":{quote(index.name)}',
        f'"KeySchema":{_key_schema(table, index)}',
        f'"Projection":{json.dumps(project)}',
    ]
    if isinstance(index, GlobalIndex) and table.throughput:
        members.append(_throughput(table.throughput))
    return "{" + ",".join(members) + "}"


def _billing(table: Table) -> list[str]:
    if table.throughput is None:
        return ['"BillingMode":"PAY_PER_REQUEST"']
    return ['"BillingMode":"PROVISIONED"', _throughput(table.throughput)]


def _throughput(units: tuple[int, int]) -> str:
    return f'"ProvisionedThroughput":{{"ReadCapacityUnits":{units[0]},"WriteCapacityUnits":{units[1]}}}'


def _table_options(table: Table) -> list[str]:
    members = []
    if table.stream:
        view = {"keys": "KEYS_ONLY", "new": "NEW_IMAGE", "old": "OLD_IMAGE", "both": "NEW_AND_OLD_IMAGES"}[
            table.stream
        ]
        members.append(f'"StreamSpecification":{{"StreamEnabled":true,"StreamViewType":"{view}"}}')
    if table.tags:
        tags = [{"Key": key, "Value": value} for key, value in table.tags.items()]
        members.append(f'"Tags":{json.dumps(tags)}')
    if table.deletion_protection:
        members.append('"DeletionProtectionEnabled":true')
    return members


def _table_name(table: Table) -> str:
    return f'"TableName":{quote(table.name)}'


def _key(table: Table, key: Any) -> str:
    return f'"Key":{encode_item(key_of(table, key))}'


def _sized(stored: Mapping[str, Any]) -> str:
    text = encode_item(stored)
    if (
        len(text) * 4 > MAX_ITEM
    ):  # the text is longer than the size that counts, but for characters of several bytes
        check_size(stored)
    return text


def _expression(member: str, expression: Condition | Update | None, names: Placeholders) -> list[str]:
    if expression is None:
        return []
    try:
        check(expression)
        text = compile(expression, names)
    except ExpressionError as error:
        raise ExpressionError(error.message, expression=_shortened(show(expression))) from None
    return [f'"{member}":"{text}"'] if text else []


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def _projection(project: tuple[Path, ...] | None, names: Placeholders) -> list[str]:
    if project is None:
        return []
    check(project)
    return [f'"ProjectionExpression":"{compile(project, names)}"']


def _flag(member: str, value: bool) -> list[str]:
    return [f'"{member}":true'] if value else []


def _request(name: str, members: Iterable[str]) -> Request:
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
