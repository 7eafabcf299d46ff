"""Requests that no client would send: each is refused in a moment, and the engine goes on."""

import json
import tracemalloc
from typing import Any

import pytest
from embedded import Ask, key

from flyexpr import DynamoError
from flyexpr.engines import connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.engine import OPERATIONS
from flyexpr.errors import FlyexprError

DEEP = 100_000
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"TableName": NaN}',
    b'{"Limit": ' + b"9" * 10_000 + b"}",
    b"\xff\xfe",
    b"[" * DEEP + b"]" * DEEP,
    b'{"TableName":"tab","Item":{"pk":' + b'{"L":[' * DEEP + b"]}" * DEEP + b"}}",
    b'{"TableName":"tab","Item":{"pk":{"S":"\\ud800"},"sk":{"N":"1"}}}',
    b'{"pad":"' + b"x" * (16 * 1024 * 1024) + b'"}',
]


@pytest.mark.parametrize("body", BODIES, ids=[repr(body[:30]) for body in BODIES])
def test_a_body_that_is_no_request(embedded: SqliteEngine, body: bytes) -> None:
    with pytest.raises(DynamoError) as error:
        embedded("PutItem", body)
    assert error.value.code == "SerializationException"
    assert embedded("ListTables", b"{}") == b'{"TableNames":["tab"]}'


def test_an_unknown_operation(embedded: SqliteEngine) -> None:
    with pytest.raises(DynamoError) as error:
        embedded("DropEverything", b"{}")
    assert error.value.code == "UnknownOperationException"


ODD: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], [None], [1], {}, {"a": 1}, {"S": "x"}, {"a": {"S": 1}}]
MEMBERS = [
    "TableName",
    "Key",
    "Item",
    "KeyConditionExpression",
    "FilterExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ExclusiveStartKey",
    "RequestItems",
    "TransactItems",
    "KeySchema",
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexUpdates",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "StreamSpecification",
    "Tags",
    "TagKeys",
    "ResourceArn",
    "TimeToLiveSpecification",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "Expected",
    "AttributeUpdates",
    "AttributesToGet",
    "Select",
    "Limit",
    "Segment",
    "ReturnValues",
    "Statement",
    "Statements",
    "TransactStatements",
    "Parameters",
    "NextToken",
]
ENOUGH: dict[str, Any] = {
    "TableName": "tab",
    "Key": key(1),
    "Item": key(1),
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "p"}},
    "Statement": "SELECT * FROM tab WHERE pk = 'p'",
}
NEEDED = {
    "GetItem": ["TableName", "Key"],
    "PutItem": ["TableName", "Item"],
    "UpdateItem": ["TableName", "Key"],
    "DeleteItem": ["TableName", "Key"],
    "Query": ["TableName", "KeyConditionExpression", "ExpressionAttributeValues"],
    "Scan": ["TableName"],
    "ExecuteStatement": ["Statement"],
    "UpdateTable": ["TableName"],
}


def refusal(engine: SqliteEngine, operation: str, body: bytes) -> str | None:
    """The code that a request is refused with, or None."""
    try:
        engine(operation, body)
    except DynamoError as error:
        return error.code
    return None


@pytest.mark.parametrize("operation", OPERATIONS)
def test_members_of_the_wrong_type_are_refused_and_never_break_the_engine(
    embedded: SqliteEngine, operation: str
) -> None:
    enough = {name: ENOUGH[name] for name in NEEDED.get(operation, [])}
    for member in MEMBERS:
        for value in ODD:
            body = json.dumps({**enough, member: value}).encode()
            # Most are refused; what is no DynamoError, or an InternalServerError, is a defect.
            assert refusal(embedded, operation, body) != "InternalServerError", body


NESTED = [
    ("BatchGetItem", "RequestItems", "tab"),
    ("BatchWriteItem", "RequestItems", "tab"),
    ("TransactWriteItems", "TransactItems", None),
    ("TransactGetItems", "TransactItems", None),
]
INNER = [
    "Keys",
    "Get",
    "Put",
    "Update",
    "Delete",
    "ConditionCheck",
    "PutRequest",
    "DeleteRequest",
]


@pytest.mark.parametrize("operation, member, table", NESTED, ids=[row[0] for row in NESTED])
def test_nested_members_of_the_wrong_type(
    embedded: SqliteEngine, operation: str, member: str, table: str | None
) -> None:
    for inner in INNER:
        for value in [*ODD, {"Key": 1}, {"Item": []}, {"TableName": "tab", "Key": [], "Item": 7}]:
            for wrapped in ({inner: value}, [{inner: value}], [[inner]]):
                body = json.dumps({member: {table: wrapped} if table else wrapped}).encode()
                assert refusal(embedded, operation, body) not in (None, "InternalServerError"), body


@pytest.mark.parametrize(
    "text",
    ["NOT " * 1000 + "a = b", "(" * 4096, "NOT " * 1024, "a" + "[0]" * 1300, "a" + ".b" * 2000, "((((a))))=" * 300],
)
def test_long_expressions_are_refused_and_not_run_out_on(ask: Ask, text: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("Scan", FilterExpression=text)
    assert error.value.code == "ValidationException"


def test_many_long_texts_do_not_fill_the_memory(ask: Ask) -> None:
    """Texts are remembered for requests that send them again; of long ones only a few are."""

    def send(numbers: range) -> int:
        for number in numbers:
            ask("Scan", FilterExpression=f"a{number} = :v" + " OR a = :v" * 55, **values)
        return tracemalloc.get_traced_memory()[0]

    values = {"ExpressionAttributeValues": {":v": {"S": "x"}}}
    tracemalloc.start()
    first = send(range(70))
    grown = send(range(70, 210)) - first
    tracemalloc.stop()
    assert grown < 500_000


def test_a_url_of_no_engine() -> None:
    for url in ("sqlite:", "mysql://host", "dynamodb:eu-west-1", "scores.db"):
        with pytest.raises(FlyexprError, match="no engine for"):
            connect(url)
