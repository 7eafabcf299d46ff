"""The requests that create and change tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.requests.request import Request, table_name, wire_request
from flyexpr.schema.indexes import INDEX_TYPES, Index
from flyexpr.schema.table import Table
from flyexpr.values.types import quote

_NAME = r"[A-Za-z0-9_.-]{3,255}"


def create_index_request(table: Table, index: Index) -> Request:
    """The UpdateTable that adds an index to the table.

    >>> create_index_request(Table("t", "id"), GlobalIndex("ByDay", "day")).operation
    'UpdateTable'
    """
    _check_counts(table)
    definitions = json.dumps(_definitions(table, index.typed))
    creation = f'"{index.wire_updates}":[{{"Create":{_index(table, index)}}}]'
    return wire_request("UpdateTable", [table_name(table), f'"AttributeDefinitions":{definitions}', creation])


def delete_index_request(table: Table, index: Index) -> Request:
    """The UpdateTable that drops an index.

    >>> delete_index_request(Table("t", "id"), GlobalIndex("ByDay", "day")).body
    b'{"TableName":"t","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"ByDay"}}]}'
    """
    deletion = f'"{index.wire_updates}":[{{"Delete":{{"IndexName":{quote(index.name)}}}}}]'
    return wire_request("UpdateTable", [table_name(table), deletion])


def billing_request(table: Table, indexes: Iterable[Index]) -> Request:
    """The UpdateTable that sets the throughput of the table, and of those indexes that have their own.

    >>> billing_request(Table("t", "id"), []).body
    b'{"TableName":"t","BillingMode":"PAY_PER_REQUEST"}'
    """
    members = [table_name(table), *_billing(table)]
    if table.throughput is not None:
        for index_type in INDEX_TYPES:
            updates = [
                f'{{"Update":{{"IndexName":{quote(index.name)},{_throughput(table.throughput)}}}}}'
                for index in indexes
                if type(index) is index_type and index.has_throughput
            ]
            members += [f'"{index_type.wire_updates}":[{",".join(updates)}]'] if updates else []
    return wire_request("UpdateTable", members)


def option_request(table: Table, *, stream: bool) -> Request:
    """The UpdateTable that sets the table's stream, or with `stream=False` its deletion protection.

    >>> option_request(Table("t", "id"), stream=True).body
    b'{"TableName":"t","StreamSpecification":{"StreamEnabled":false}}'
    """
    if stream:
        return wire_request(
            "UpdateTable", [table_name(table), *(_stream(table) or ['"StreamSpecification":{"StreamEnabled":false}'])]
        )
    return wire_request(
        "UpdateTable", [table_name(table), f'"DeletionProtectionEnabled":{json.dumps(table.deletion_protection)}']
    )


def ttl_request(table: Table, name: str, enabled: bool) -> Request:
    """The UpdateTimeToLive that turns expiry by an attribute on or off.

    >>> ttl_request(Table("t", "id"), "expires", True).body.decode()
    '{"TableName":"t","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"expires"}}'
    """
    wanted = f'{{"Enabled":{json.dumps(enabled)},"AttributeName":{quote(name)}}}'
    return wire_request("UpdateTimeToLive", [table_name(table), f'"TimeToLiveSpecification":{wanted}'])


def create_table_request(table: Table) -> Request:
    """The CreateTable for a descriptor.

    >>> create_table_request(Table("Scores", "id")).operation
    'CreateTable'

    ValidationError for a name that DynamoDB does not take; it takes 3 to 255 letters, digits, `_`, `-` and `.`.
    """
    for name in (table.name, *(index.name for index in table.indexes)):
        if not re.fullmatch(_NAME, name):
            raise ValidationError(
                f"{name!r} is not a valid name for a table or an index",
                hint="use 3 to 255 letters, digits, `_`, `-` and `.`",
            )
    _check_counts(table)
    return wire_request("CreateTable", [table_name(table), *_table_members(table)])


def _check_counts(table: Table) -> None:
    for index_type in INDEX_TYPES:
        count = sum(isinstance(index, index_type) for index in table.indexes)
        if index_type.most is not None and count > index_type.most:
            word = index_type.word
            raise FlyexprError(f"table {table.name!r} has {count} {word} indexes; DynamoDB takes {index_type.most}")


def table_request(table: Table, name: str) -> Request:
    """The request of an operation that needs only the table's name.

    >>> table_request(Table("t", "id"), "DescribeTable").body
    b'{"TableName":"t"}'
    """
    return wire_request(name, [table_name(table)])


def _table_members(table: Table) -> list[str]:
    definitions = _definitions(table, sorted(table.key_attributes))
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(table.keys, ("HASH", "RANGE"), strict=False)]
    members = [f'"AttributeDefinitions":{json.dumps(definitions)}', f'"KeySchema":{json.dumps(keys)}']
    for index_type in INDEX_TYPES:
        indexes = [_index(table, index) for index in table.indexes if isinstance(index, index_type)]
        if indexes:
            members.append(f'"{index_type.wire_member}":[{",".join(indexes)}]')
    return [*members, *_billing(table), *_table_options(table)]


def _definitions(table: Table, names: Iterable[str]) -> list[dict[str, Any]]:
    return [{"AttributeName": name, "AttributeType": table.kind(name)} for name in names]


def _index(table: Table, index: Index) -> str:
    project = {"all": {"ProjectionType": "ALL"}, "keys": {"ProjectionType": "KEYS_ONLY"}}.get(
        index.project if isinstance(index.project, str) else "",
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.project)},
    )
    members = [
        f'"IndexName":{quote(index.name)}',
        *(f'"{member}":{json.dumps(value)}' for member, value in index.definition(table.partition_key).items()),
        f'"Projection":{json.dumps(project)}',
    ]
    if index.has_throughput and table.throughput:
        members.append(_throughput(table.throughput))
    return "{" + ",".join(members) + "}"


def _billing(table: Table) -> list[str]:
    if table.throughput is None:
        return ['"BillingMode":"PAY_PER_REQUEST"']
    return ['"BillingMode":"PROVISIONED"', _throughput(table.throughput)]


def _throughput(units: tuple[int, int]) -> str:
    return f'"ProvisionedThroughput":{{"ReadCapacityUnits":{units[0]},"WriteCapacityUnits":{units[1]}}}'


def _stream(table: Table) -> list[str]:
    if not table.stream:
        return []
    view = {"keys": "KEYS_ONLY", "new": "NEW_IMAGE", "old": "OLD_IMAGE", "both": "NEW_AND_OLD_IMAGES"}[table.stream]
    return [f'"StreamSpecification":{{"StreamEnabled":true,"StreamViewType":"{view}"}}']


def _table_options(table: Table) -> list[str]:
    members = _stream(table)
    if table.tags:
        tags = [{"Key": key, "Value": value} for key, value in table.tags.items()]
        members.append(f'"Tags":{json.dumps(tags)}')
    if table.deletion_protection:
        members.append('"DeletionProtectionEnabled":true')
    return members
