"""A value of a wrong JSON type is a SerializationException wherever it stands, and comes before every other problem."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key
from requests_of_all import ARN, REFUSED, REQUESTS, STREAMED, Wire

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.engine import OPERATIONS
from flyexpr.engines.sqlite.request.json_types import ListOf, MapOf, Shape, Structure

Place = tuple[str | int, ...]
ODD: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x", [], [[]], [None], [1], ["x"], {}, [{}], {"a": 1}, {"S": "x"}]
ALL = REQUESTS + REFUSED
REFUSALS = {
    "AccessDeniedException",
    "BackupNotFoundException",
    "ConditionalCheckFailedException",
    "ExportNotFoundException",
    "GlobalTableNotFoundException",
    "IdempotentParameterMismatchException",
    "ImportNotFoundException",
    "InvalidRestoreTimeException",
    "LimitExceededException",
    "PolicyNotFoundException",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "SerializationException",
    "TableAlreadyExistsException",
    "TableNotFoundException",
    "TransactionCanceledException",
    "ValidationException",
}


def fresh() -> SqliteEngine:
    engine = SqliteEngine(":memory:", clock=Clock())  # the label of a stream is the time when it was enabled
    call(engine, "CreateTable", deepcopy(TABLE))
    call(engine, "CreateTable", STREAMED)
    call(engine, "CreateBackup", {"TableName": "streamed", "BackupName": "one"})
    recovery = {"PointInTimeRecoveryEnabled": True}
    call(engine, "UpdateContinuousBackups", {"TableName": "streamed", "PointInTimeRecoverySpecification": recovery})
    call(engine, "PutItem", {"TableName": "tab", "Item": key(1)})
    return engine


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where the parts of a JSON value are."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*place, name)
        yield from places(part, (*place, name))


def at(value: Any, place: Place) -> Any:
    for name in place:
        value = value[name]
    return value


def changed(request: Wire, place: Place, odd: Any) -> Wire:
    copy = deepcopy(request)
    at(copy, place[:-1])[place[-1]] = odd
    return copy


def json_type(value: Any) -> type:
    return float if type(value) is int else type(value)


@pytest.mark.parametrize("operation, request_", REQUESTS, ids=[operation for operation, _ in REQUESTS])
def test_a_right_request_is_answered(operation: str, request_: Wire) -> None:
    with fresh() as engine:
        call(engine, operation, request_)


def code_of(engine: SqliteEngine, operation: str, body: bytes) -> str | None:
    """The code of a refusal; None for an answer. Any other exception is a defect."""
    try:
        engine(operation, body)
    except DynamoError as error:
        return error.code
    return None


@pytest.mark.parametrize("operation, request_", ALL, ids=[operation for operation, _ in ALL])
def test_every_json_type_at_every_place(operation: str, request_: Wire) -> None:
    for place in places(request_):
        with fresh() as engine:
            for odd in ODD:
                wrong = odd is not None and json_type(odd) is not json_type(at(request_, place))
                body = json.dumps(changed(request_, place, odd)).encode()
                allowed = {"SerializationException"} if wrong else {None, *REFUSALS}
                assert code_of(engine, operation, body) in allowed, body


def members_of(shape: Shape, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The members of a shape, by their names; a list or map stands for what it holds."""
    match shape:
        case ListOf(of) | MapOf(of):
            yield from members_of(of, place)
        case Structure("AttributeValue"):
            return
        case Structure(_, members):
            for name, below in members.items():
                yield (*place, name)
                yield from members_of(below, (*place, name))


def names_in(value: Any, shape: Shape, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    match shape:
        case ListOf(of):
            for part in value:
                yield from names_in(part, of, place)
        case MapOf(of):
            for part in value.values():
                yield from names_in(part, of, place)
        case Structure(_, members):
            for name, part in value.items():
                yield (*place, name)
                yield from names_in(part, members[name], (*place, name))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_the_requests_have_every_member(operation: str) -> None:
    shape = OPERATIONS[operation].shape
    found = {name for known, request in ALL if known == operation for name in names_in(request, shape)}
    assert set(members_of(shape)) <= found


PUT = {"TableName": "tab", "Item": key(1)}
NO_CLASS = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
    "loader 'bootstrap')"
)
CLASS = "Unrecognized collection type class com.amazonaws.dynamodb.v20120810."
MAP = "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810."
STRUCTURE = "Start of structure or map found where not expected"
BATCH_VALUE = (
    "Unrecognized collection type java.util.Map<java.lang.String, "
    "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>"
)


def value(wire: Any) -> Wire:
    return {**PUT, "Item": {**key(1), "a": wire}}


def of_batch(requests: Any) -> Wire:
    return {"RequestItems": {"tab": requests}}


WORDS: list[tuple[str, Wire, str]] = [
    ("PutItem", value({"S": 5}), "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", value({"S": 5.5}), "DECIMAL_VALUE cannot be converted to String"),
    ("PutItem", value({"S": True}), "TRUE_VALUE cannot be converted to String"),
    ("PutItem", value({"N": False}), "FALSE_VALUE cannot be converted to String"),
    ("PutItem", value({"S": {}}), STRUCTURE),
    ("PutItem", value({"S": []}), "Unrecognized collection type class java.lang.String"),
    ("PutItem", value({"B": 5}), "only base-64-encoded strings are convertible to bytes"),
    ("PutItem", value({"B": []}), "Unrecognized collection type class java.nio.ByteBuffer"),
    ("PutItem", value({"B": {}}), STRUCTURE),
    ("PutItem", value({"B": "a"}), "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ("PutItem", value({"B": "!!!!"}), "Invalid last non-pad Base64 character dectected"),
    ("PutItem", value({"B": "AB=="}), "Invalid last non-pad Base64 character dectected"),
    ("PutItem", value({"BS": ["AA==", "AB=="]}), "Invalid last non-pad Base64 character dectected"),
    ("PutItem", value({"BOOL": "maybe"}), "Unexpected token received from parser"),
    ("PutItem", value({"BOOL": []}), "Unrecognized collection type class java.lang.Boolean"),
    ("PutItem", value({"NULL": 0}), "NUMBER_VALUE cannot be converted to Boolean"),
    ("PutItem", value({"L": {}}), STRUCTURE),
    ("PutItem", value({"L": 5}), "Unexpected field type"),
    ("PutItem", value({"L": [5]}), "Unexpected value type in payload"),
    ("PutItem", value({"L": [[]]}), CLASS + "AttributeValue"),
    ("PutItem", value({"M": []}), MAP + "AttributeValue>"),
    ("PutItem", value({"M": 5}), "Unexpected field type"),
    ("PutItem", value({"M": {"b": "x"}}), "Unexpected value type in payload"),
    ("PutItem", value({"SS": [5]}), "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", value({"SS": [None]}), "NULL_VALUE cannot be converted to String"),
    ("PutItem", value("23"), "Unexpected value type in payload"),
    ("PutItem", {**PUT, "Item": []}, MAP + "AttributeValue>"),
    ("PutItem", {**PUT, "Item": 5}, "Unexpected field type"),
    ("PutItem", {**PUT, "TableName": 5}, "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", {**PUT, "TableName": {}}, STRUCTURE),
    (
        "PutItem",
        {**PUT, "ExpressionAttributeNames": []},
        MAP.replace("com.amazonaws.dynamodb.v20120810.", "") + "java.lang.String>",
    ),
    ("PutItem", {"ExpressionAttributeNames": {"a": True}}, "TRUE_VALUE cannot be converted to String"),
    ("PutItem", {"Item": {"p": "23"}}, "Unexpected value type in payload"),
    ("TagResource", {"Tags": [{"Key": True}]}, "TRUE_VALUE cannot be converted to String"),
    ("TagResource", {"Tags": [5]}, "Unexpected value type in payload"),
    ("TagResource", {"Tags": [[]]}, CLASS + "Tag"),
    ("ListTagsOfResource", {"ResourceArn": ARN, "NextToken": 5}, "NUMBER_VALUE cannot be converted to String"),
    ("BatchWriteItem", of_batch("23"), NO_CLASS),
    ("BatchWriteItem", of_batch({}), STRUCTURE),
    ("BatchWriteItem", of_batch(["23"]), "Unexpected value type in payload"),
    ("BatchWriteItem", of_batch([[]]), CLASS + "WriteRequest"),
    ("BatchWriteItem", of_batch([{"DeleteRequest": "23"}]), "Unexpected field type"),
    ("BatchWriteItem", of_batch([{"PutRequest": []}]), CLASS + "PutRequest"),
    ("BatchWriteItem", of_batch([{"PutRequest": {"Item": []}}]), MAP + "AttributeValue>"),
    ("BatchWriteItem", {"RequestItems": []}, BATCH_VALUE),
    ("BatchGetItem", {"RequestItems": []}, MAP + "KeysAndAttributes>"),
    ("BatchGetItem", of_batch([]), CLASS + "KeysAndAttributes"),
    ("BatchGetItem", of_batch({"Keys": "x"}), "Unexpected field type"),
    ("BatchGetItem", of_batch({"Keys": {}}), STRUCTURE),
    ("BatchGetItem", of_batch({"Keys": ["x"]}), NO_CLASS),
    ("BatchGetItem", of_batch({"Keys": [[]]}), NO_CLASS),
    (
        "BatchGetItem",
        of_batch({"Keys": [key(1)], "ExpressionAttributeNames": {"#p": True}}),
        "TRUE_VALUE cannot be converted to String",
    ),
    ("Query", {"KeyConditions": {"p": {"ComparisonOperator": True}}}, "TRUE_VALUE cannot be converted to String"),
    ("Query", {"KeyConditions": {"p": []}}, CLASS + "Condition"),
    ("Query", {"QueryFilter": {"p": 5}}, "Unexpected value type in payload"),
    ("Scan", {"ScanFilter": {"x": {"AttributeValueList": {}, "ComparisonOperator": "EQ"}}}, STRUCTURE),
    ("Scan", {"ScanFilter": {"x": {"ComparisonOperator": {}}}}, STRUCTURE),
    ("Scan", {"ScanFilter": {"x": {"ComparisonOperator": []}}}, "Unrecognized collection type class java.lang.String"),
    ("Scan", {"TableName": "tab", "Limit": "x"}, "STRING_VALUE cannot be converted to Integer"),
    ("Scan", {"TableName": "tab", "Limit": True}, "TRUE_VALUE cannot be converted to Integer"),
    ("Scan", {"TableName": "tab", "Limit": []}, "Unrecognized collection type class java.lang.Integer"),
    ("Scan", {"TableName": "tab", "ConsistentRead": "x"}, "Unexpected token received from parser"),
    ("DeleteItem", {"Expected": {"x": []}}, CLASS + "ExpectedAttributeValue"),
    ("DeleteItem", {"Expected": {"x": {"Value": 5}}}, "Unexpected field type"),
    ("UpdateItem", {"AttributeUpdates": {"x": {"Action": 5}}}, "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", {"AttributesToGet": [{}]}, STRUCTURE),
    ("CreateTable", {"KeySchema": ["x"]}, "Unexpected value type in payload"),
    ("CreateTable", {"ProvisionedThroughput": []}, CLASS + "ProvisionedThroughput"),
    (
        "CreateTable",
        {"ProvisionedThroughput": {"ReadCapacityUnits": "x"}},
        "STRING_VALUE cannot be converted to Long",
    ),
    ("TransactGetItems", {"TransactItems": [{"Get": []}]}, CLASS + "Get"),
    ("TransactWriteItems", {"TransactItems": ["x"]}, "Unexpected value type in payload"),
]


@pytest.mark.parametrize("operation, request_, words", WORDS)
def test_words(operation: str, request_: Wire, words: str) -> None:
    with fresh() as engine, pytest.raises(DynamoError) as error:
        call(engine, operation, request_)
    assert (error.value.code, error.value.message) == ("SerializationException", words)


def test_what_the_items_say_comes_before_a_type_that_is_wrong(ask: Ask) -> None:
    """A condition that is false has been read whole, so nothing is looked through again."""
    with pytest.raises(DynamoError) as error:
        ask("PutItem", Item=key(1), ConditionExpression="attribute_exists(x)")
    assert error.value.code == "ConditionalCheckFailedException"
