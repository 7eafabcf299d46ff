"""What the readers of requests make of them, and that nothing behind the readers sees a request."""

import ast
import pickle
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Ask, key

from flyexpr import DynamoError
from flyexpr.engines import sqlite
from flyexpr.engines.sqlite.engine import OPERATIONS
from flyexpr.engines.sqlite.faults import backfilling, bare, enveloped, invalid, invalid_constant, validation_errors
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, Segment
from flyexpr.engines.sqlite.request.intents.settings import ExpiryAsked, ProbeAsked, Resource, TagsAsked, UntagAsked
from flyexpr.engines.sqlite.request.intents.tables import IndexAsked, NamesAsked, Settings, Throughput
from flyexpr.engines.sqlite.request.intents.writes import Returns
from flyexpr.expressions.nodes import Path as DocumentPath
from flyexpr.expressions.nodes import Value

ROOT = Path(sqlite.__file__).parent
ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
KEY = {"pk": "p", "sk": 1}
EXPIRY = {"Enabled": True, "AttributeName": "until"}
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}

READ: list[tuple[str, dict[str, Any], Any]] = [
    ("GetItem", {"TableName": ARN, "Key": key(1)}, GetAsked("tab", KEY)),
    (
        "GetItem",
        {"TableName": "tab", "Key": key(1), "AttributesToGet": ["a.b"], "ConsistentRead": "yes"},
        GetAsked("tab", KEY, (DocumentPath(("a.b",)),), consistent=True),
    ),
    ("DescribeTable", {"TableName": "tab", "Unknown": 1}, "tab"),
    ("DescribeLimits", {"TableName": 1}, ProbeAsked("DescribeLimits", {})),
    ("ListTables", {"Limit": 7, "ExclusiveStartTableName": "abc"}, NamesAsked("abc", 7)),
    (
        "UpdateTimeToLive",
        {"TableName": "tab", "TimeToLiveSpecification": EXPIRY},
        ExpiryAsked("tab", "until", True, wire=EXPIRY),
    ),
    ("ListTagsOfResource", {"ResourceArn": ARN}, Resource(ARN, "tab")),
    (
        "TagResource",
        {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]},
        TagsAsked(Resource(ARN, "tab"), {"a": "b"}),
    ),
    ("UntagResource", {"ResourceArn": ARN, "TagKeys": ["a"]}, UntagAsked(Resource(ARN, "tab"), ["a"])),
]


@pytest.mark.parametrize("operation, request_, intent", READ, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(READ)])
def test_a_request_is_read_into_an_intent(operation: str, request_: dict[str, Any], intent: Any) -> None:
    assert OPERATIONS[operation].read(request_) == intent


def test_three_operations_are_one_write() -> None:
    asked = {"ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE"}
    requests: dict[str, dict[str, Any]] = {
        "PutItem": {"Item": {**key(1), "n": {"N": "+1.50"}}},
        "DeleteItem": {"Key": key(1)},
        "UpdateItem": {"Key": key(1), "AttributeUpdates": {"n": {"Action": "DELETE"}}},
    }
    intents = {
        name: OPERATIONS[name].read({"TableName": "tab", **asked, **members}) for name, members in requests.items()
    }
    assert {asked.returns for asked in intents.values()} == {Returns("ALL_OLD", "TOTAL", metrics=True)}
    assert {name: asked.write.action for name, asked in intents.items()} == {
        "PutItem": "Put",
        "DeleteItem": "Delete",
        "UpdateItem": "Update",
    }
    put = intents["PutItem"].write
    assert put.image.text == b'{"pk":{"S":"p"},"sk":{"N":"1"},"n":{"N":"1.5"}}'
    assert [intents[name].write.by for name in ("PutItem", "UpdateItem")] == ["expressions", "older parameters"]


def test_a_query_has_clauses_and_a_scan_has_segments() -> None:
    condition = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    page = {"TableName": "tab", "IndexName": "by_l", "Limit": 3}
    query = OPERATIONS["Query"].read({**page, **condition, "ScanIndexForward": False})
    scan = OPERATIONS["Scan"].read({**page, "Segment": 1, "TotalSegments": 4, "Select": "COUNT"})
    assert [(clause.name, clause.operator, clause.values) for clause in query.clauses] == [
        ("pk", "=", (Value("S", "p"),))
    ]
    assert (query.index, query.limit, query.reverse, query.segment) == ("by_l", 3, True, None)
    assert (scan.clauses, scan.segment, scan.select) == (None, Segment(1, 4), "COUNT")


def test_a_table_is_asked_for_with_what_it_sets() -> None:
    table = OPERATIONS["CreateTable"].read({**TABLE, "DeletionProtectionEnabled": True})
    assert table.settings == Settings(billing_mode="PAY_PER_REQUEST", deletion_protection=True)
    assert [index.name for index in (*table.global_indexes, *table.local_indexes)] == ["by_g", "by_l"]
    update = {"IndexName": "by_g", "ProvisionedThroughput": UNITS}
    altered = OPERATIONS["UpdateTable"].read({"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Update": update}]})
    (one,) = altered.updates
    assert (one.action, one.index) == ("Update", IndexAsked("by_g", [], {}, Throughput(provisioned=UNITS)))


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("rules/*.py"), *ROOT.glob("operations/*.py")]), ids=lambda path: path.stem
)
def test_nothing_behind_the_readers_sees_a_request(path: Path) -> None:
    """Neither by the type of its members, nor by the name of one that says what the answer holds."""
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert "Members" not in names
    assert texts & {"ReturnValues", "ReturnConsumedCapacity", "Limit", "Select", "ConsistentRead"} == set()


# Refusals


def test_an_envelope_is_put_around_once_and_not_around_every_refusal() -> None:
    problem = invalid("Empty attribute name")
    assert enveloped(problem).message == "1 validation error detected: Empty attribute name"
    once = enveloped(problem)
    assert enveloped(once) is once
    assert enveloped(validation_errors(["a", "b"])).message == "2 validation errors detected: a; b"
    assert enveloped(bare(invalid("x"))).message == "x"
    other = DynamoError.of("SerializationException", "x")
    assert enveloped(other) is other


def test_a_constant_is_bare_if_what_is_wrong_with_it_is() -> None:
    assert enveloped(invalid_constant(":v", invalid("x"))).message == "1 validation error detected: x"
    assert enveloped(invalid_constant(":v", bare(invalid("x")))).message == "x"


@pytest.mark.parametrize("error", [invalid_constant(":v", bare(invalid("x"))), backfilling("by_g"), bare(invalid("x"))])
def test_refusals_go_to_other_processes(error: DynamoError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, copy.message, vars(copy)) == (type(error), error.code, error.message, vars(error))


def test_a_refused_constant_of_a_query_goes_to_other_processes(ask: Ask) -> None:
    query = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {}}}
    with pytest.raises(DynamoError) as error:
        ask("Query", TableName="tab", **query)
    assert pickle.loads(pickle.dumps(error.value)).message == error.value.message
