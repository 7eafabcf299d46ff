"""What the service has been seen to refuse, request by request: code, and the clause that all regions have."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

Wire = dict[str, Any]
KEY: Wire = {"pk": {"S": "p"}, "sk": {"N": "1"}}
ONE, X = {"N": "1"}, {"S": "x"}
VALIDATION, CANCELLED = "ValidationException", "TransactionCanceledException"
KINDS = {"pk": "S", "sk": "N", "g": "S", "h": "N", "l": "S", "h1": "S", "h2": "S", "a": "S", "b": "N", "c": "S"}


def keys(partition: str, sort: str = "") -> list[Wire]:
    """A KeySchema of so many attributes, separated by blanks."""
    named = [(name, "HASH") for name in partition.split()] + [(name, "RANGE") for name in sort.split()]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in named]


def index(name: str, schema: list[Wire], projection: str = "KEYS_ONLY") -> Wire:
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": projection}}


TABLE: Wire = {
    "TableName": "tab",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": keys("pk", "sk"),
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in KINDS.items()],
    "LocalSecondaryIndexes": [index("lsi", keys("pk", "l"))],
    "GlobalSecondaryIndexes": [
        index("gsi", keys("g", "h")),
        index("multi", keys("h1 h2", "a b c"), "ALL"),
    ],
}


def values(**constants: Wire) -> Wire:
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in constants.items()}}


def where(text: str, **constants: Wire) -> Wire:
    return {"KeyConditionExpression": text, **values(**constants)}


def start(**key: Wire) -> Wire:
    return {"ExclusiveStartKey": key}


def several(*actions: Wire) -> Wire:
    """Actions of a transaction, on `tab` unless they say otherwise."""
    told = [{kind: {"TableName": "tab", **members} for kind, members in action.items()} for action in actions]
    return {"TransactItems": told}


def update(text: str, **constants: Wire) -> Wire:
    return {"Key": KEY, "UpdateExpression": text, **values(**constants)}


def put(**attributes: Wire) -> Wire:
    return {"Item": {**KEY, **attributes}}


P = {"S": "p"}
OF_P = where("pk = :v", v=P)
OF_P_AFTER_5 = where("pk = :v AND sk > :w", v=P, w={"N": "5"})
NO_TABLE = {"TableName": "nowhere"}

REFUSED: list[tuple[str, Wire, str, str]] = [
    (
        "PutItem",
        {**put(), "ReturnValues": "X", "ReturnConsumedCapacity": "Y"},
        VALIDATION,
        (
            "2 validation errors detected: Value 'X' at 'returnValues' failed to satisfy constraint: Member "
            "must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; Value 'Y' at "
            "'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: "
            "[INDEXES, TOTAL, NONE]"
        ),
    ),
    (
        "PutItem",
        {**put(), **NO_TABLE, "ReturnValues": "ALL_NEW"},
        VALIDATION,
        "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
    ),
    (
        "GetItem",
        {"TableName": "ab", "Key": KEY},
        VALIDATION,
        (
            "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 3"
        ),
    ),
    (
        "GetItem",
        {"TableName": "", "Key": KEY},
        VALIDATION,
        (
            "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 1"
        ),
    ),
    (
        "GetItem",
        {"TableName": "a b", "Key": KEY},
        VALIDATION,
        (
            "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ),
    ),
    ("GetItem", {**NO_TABLE, "Key": KEY}, "ResourceNotFoundException", "Requested resource not found"),
    (
        "BatchGetItem",
        {"RequestItems": {"ab": {"Keys": [KEY]}}},
        VALIDATION,
        (
            "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 3"
        ),
    ),
    (
        "TransactGetItems",
        several({"Get": {"TableName": "ab", "Key": KEY}}),
        VALIDATION,
        (
            "1 validation error detected: Value 'ab' at 'transactItems.1.member.get.tableName' failed to "
            "satisfy constraint: Member must have length greater than or equal to 3"
        ),
    ),
    (
        "UpdateItem",
        {**update("SET q.r = :v", v=ONE, w={"N": "2"}), "ConditionExpression": "n = :w"},
        "ConditionalCheckFailedException",
        "The conditional request failed",
    ),
    (
        "UpdateItem",
        update("SET q.r = :v ADD s :v", v=ONE),
        VALIDATION,
        "An operand in the update expression has an incorrect data type",
    ),
    (
        "Scan",
        {"FilterExpression": "  "},
        VALIDATION,
        'Invalid FilterExpression: Syntax error; token: "<EOF>", near: "  "',
    ),
    (
        "TransactWriteItems",
        several({"Put": {**NO_TABLE, **put(), "ConditionExpression": ""}}),
        VALIDATION,
        "Invalid ConditionExpression: The expression can not be empty;",
    ),
    (
        "Scan",
        {"FilterExpression": "é = :v", **values(v=ONE)},
        VALIDATION,
        'Invalid FilterExpression: Syntax error; token: "é", near: "é ="',
    ),
    (
        "Scan",
        {"FilterExpression": "a\u00a0= :v", **values(v=ONE)},
        VALIDATION,
        'Invalid FilterExpression: Syntax error; token: "\xa0", near: "a\xa0="',
    ),
    (
        "Scan",
        {"FilterExpression": "attribute_exists(l[01])"},
        VALIDATION,
        'Invalid FilterExpression: Syntax error; token: "1", near: "01]"',
    ),
    (
        "Scan",
        {"FilterExpression": "a IN (:v, a)", **values(v=ONE)},
        VALIDATION,
        (
            "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
            "operator or function; operator: IN, first operand: [a]"
        ),
    ),
    (
        "Scan",
        {"FilterExpression": "m.a = m.a"},
        VALIDATION,
        (
            "Invalid FilterExpression: The first operand must be distinct from the remaining operands for this "
            "operator or function; operator: =, first operand: [m, a]"
        ),
    ),
    (
        "Query",
        {**NO_TABLE, **where("begins_with(pk, :v)", v=ONE)},
        VALIDATION,
        (
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or "
            "function: begins_with, operand type: N"
        ),
    ),
    (
        "Query",
        where("pk = :v AND pk = :w", v=X, w=X),
        VALIDATION,
        "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
    ),
    (
        "Query",
        where("pk.a = :v", v=X),
        VALIDATION,
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
    ),
    (
        "Query",
        where("pk = :v AND sk = :w AND z = :w", v=X, w=ONE),
        VALIDATION,
        "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
    ),
    ("Query", where("pk > :v", v=X), VALIDATION, "Query key condition not supported"),
    (
        "Query",
        where("pk = :v", v=ONE),
        VALIDATION,
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    ),
    (
        "GetItem",
        {"Key": {**KEY, "pk": X}, "ProjectionExpression": "a, a"},
        VALIDATION,
        (
            "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite "
            "one of these paths; path one: [a], path two: [a]"
        ),
    ),
    ("PutItem", {"Item": {**KEY, "": ONE}}, VALIDATION, "1 validation error detected: Empty attribute name"),
    ("GetItem", {**NO_TABLE, "Key": {"": ONE}}, VALIDATION, "Empty attribute name"),
    ("GetItem", {**NO_TABLE, "Key": KEY, "AttributesToGet": [""]}, VALIDATION, "Empty attribute name"),
    (
        "UpdateItem",
        update("SET z = :a + :b", a=X, b=ONE),
        VALIDATION,
        (
            "1 validation error detected: Invalid UpdateExpression: Incorrect operand type for operator or "
            "function; operator or function: +, operand type: S"
        ),
    ),
    (
        "UpdateItem",
        update("ADD z :a", a={"BOOL": True}),
        VALIDATION,
        (
            "1 validation error detected: Invalid UpdateExpression: Incorrect operand type for operator or "
            "function; operator: ADD, operand type: BOOL, typeSet: ALLOWED_FOR_ADD_OPERAND"
        ),
    ),
    ("PutItem", put(x={"BOOL": "maybe"}), "SerializationException", "Unexpected token received from parser"),
    ("PutItem", put(x={"BOOL": 1}), "SerializationException", "NUMBER_VALUE cannot be converted to Boolean"),
    (
        "Scan",
        {"Limit": 0.5},
        VALIDATION,
        (
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1"
        ),
    ),
    ("Scan", {"Limit": "1"}, "SerializationException", "STRING_VALUE cannot be converted to Integer"),
    (
        "GetItem",
        {"Key": {**KEY, "pk": {"S": ""}}},
        VALIDATION,
        (
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
            "an empty string value. Key: pk"
        ),
    ),
    (
        "UpdateItem",
        {"Key": {**KEY, "pk": {"S": ""}}},
        VALIDATION,
        (
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
            "an empty string value. Key: pk"
        ),
    ),
    (
        "PutItem",
        put(g={"S": ""}),
        VALIDATION,
        (
            "One or more parameter values are not valid. A value specified for a secondary index key is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
            "IndexName: gsi, IndexKey: g"
        ),
    ),
    (
        "PutItem",
        put(n={"N": "1e2147483648"}),
        VALIDATION,
        (
            "1 validation error detected: Number overflow. Attempting to store a number with magnitude larger "
            "than supported range"
        ),
    ),
    (
        "PutItem",
        put(n={"N": "1e-2147483649"}),
        VALIDATION,
        (
            "1 validation error detected: Number underflow. Attempting to store a number with magnitude "
            "smaller than supported range"
        ),
    ),
    (
        "PutItem",
        put(n={"N": "1e99999999999999999999"}),
        VALIDATION,
        "1 validation error detected: The parameter cannot be converted to a numeric value: 1e99999999999999999999",
    ),
    (
        "PutItem",
        put(n={"N": "0e126"}),
        VALIDATION,
        (
            "1 validation error detected: Number overflow. Attempting to store a number with magnitude larger "
            "than supported range"
        ),
    ),
    (
        "PutItem",
        put(n={"N": "0e-131"}),
        VALIDATION,
        (
            "1 validation error detected: Number underflow. Attempting to store a number with magnitude "
            "smaller than supported range"
        ),
    ),
    (
        "PutItem",
        put(h1=X, h2=X, a=X, b=ONE, c=ONE),
        VALIDATION,
        (
            "One or more parameter values were invalid: Type mismatch for Index Key c Expected: S Actual: N "
            "IndexName: multi"
        ),
    ),
    (
        "Query",
        {"IndexName": "multi", **where("h1 = :v", v=X)},
        VALIDATION,
        "HASH key attributes h2 must have equality conditions specified in the query",
    ),
    (
        "Query",
        {"IndexName": "multi", **where("a = :v", v=X)},
        VALIDATION,
        "HASH key attributes h1, h2 must have equality conditions specified in the query",
    ),
    (
        "Query",
        {"IndexName": "multi", **where("h1 = :v AND h2 = :v AND a > :v AND b = :w", v=X, w=ONE)},
        VALIDATION,
        (
            "RANGE key attributes a must have equality conditions specified in the query because a "
            "condition is present on key attribute b"
        ),
    ),
    (
        "Query",
        {**OF_P, **start(pk=X, sk=ONE)},
        VALIDATION,
        "The provided starting key is outside query boundaries based on provided conditions",
    ),
    (
        "Query",
        {**OF_P_AFTER_5, **start(pk=X, sk={"N": "6"})},
        VALIDATION,
        "The query can return at most one row and cannot be restarted",
    ),
    (
        "Query",
        {**OF_P_AFTER_5, **start(pk=P, sk=ONE)},
        VALIDATION,
        "The provided starting key does not match the range key predicate",
    ),
    (
        "Query",
        {
            "IndexName": "multi",
            **where("h1 = :v AND h2 = :v AND a = :v", v=X),
            **start(**KEY, h1=P, h2=X, a=P, b=ONE, c=X),
        },
        VALIDATION,
        "The query can return at most one row and cannot be restarted",
    ),
    ("Query", {**OF_P, **start(pk=P)}, VALIDATION, "The provided starting key is invalid"),
    (
        "Scan",
        {"Segment": 0},
        VALIDATION,
        (
            "The TotalSegments parameter is required but was not present in the request when Segment parameter "
            "is present"
        ),
    ),
    (
        "Scan",
        {"Segment": 1_000_000, "TotalSegments": 1_000_000},
        VALIDATION,
        (
            "1 validation error detected: Value at 'Segment' failed to satisfy constraint: Member must have "
            "value less than or equal to 999999"
        ),
    ),
    (
        "Scan",
        {"Segment": 0, "TotalSegments": 1_000_001},
        VALIDATION,
        (
            "1 validation error detected: Value at 'TotalSegments' failed to satisfy constraint: Member must "
            "have value less than or equal to 1000000"
        ),
    ),
    (
        "Scan",
        {"Select": "ALL_PROJECTED_ATTRIBUTES"},
        VALIDATION,
        "1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    ),
    (
        "Scan",
        {"Select": "SPECIFIC_ATTRIBUTES"},
        VALIDATION,
        (
            "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when "
            "choosing to get SPECIFIC_ATTRIBUTES"
        ),
    ),
    (
        "Scan",
        {"IndexName": "gsi", "Select": "ALL_ATTRIBUTES"},
        VALIDATION,
        (
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
            "secondary index gsi because its projection type is not ALL"
        ),
    ),
    (
        "BatchGetItem",
        {"RequestItems": {}},
        VALIDATION,
        (
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must "
            "have length greater than or equal to 1"
        ),
    ),
    ("BatchWriteItem", {"RequestItems": {}}, VALIDATION, "The requestItems parameter is required for BatchWriteItem"),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [{"PutRequest": {"Item": {"pk": ONE, "sk": ONE}}}]}},
        VALIDATION,
        "The provided key element does not match the schema",
    ),
    (
        "TransactWriteItems",
        several({}),
        VALIDATION,
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
    ),
    (
        "TransactWriteItems",
        several({"Put": put(), "Delete": {"Key": KEY}}),
        VALIDATION,
        "TransactItems can only contain one of Check, Put, Update or Delete",
    ),
    (
        "TransactWriteItems",
        several({"Put": put(d={"S": "x" * 410_000})}),
        VALIDATION,
        "Item size has exceeded the maximum allowed size",
    ),
    (
        "TransactWriteItems",
        several({"Put": put(g={"S": ""})}),
        VALIDATION,
        (
            "One or more parameter values are not valid. A value specified for a secondary index key is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
            "IndexName: gsi, IndexKey: g"
        ),
    ),
    (
        "TransactWriteItems",
        several({"Put": {**NO_TABLE, **put(s={"SS": []})}}),
        VALIDATION,
        "One or more parameter values were invalid: An string set  may not be empty",
    ),
    (
        "TransactWriteItems",
        several({"Put": {**put(), "ReturnValuesOnConditionCheckFailure": "ALL_NEW"}}),
        VALIDATION,
        (
            "1 validation error detected: Value 'ALL_NEW' at "
            "'transactItems.1.member.put.returnValuesOnConditionCheckFailure' failed to satisfy "
            "constraint: Member must satisfy enum value set: [ALL_OLD, NONE]"
        ),
    ),
    (
        "TransactWriteItems",
        several({"Put": {"Item": {"pk": ONE, "sk": ONE}}}),
        CANCELLED,
        (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            '[ValidationError]{"CancellationReasons": [{"Code": "ValidationError", "Message": "One or more '
            'parameter values were invalid: Type mismatch for key pk expected: S actual: N"}]}'
        ),
    ),
    (
        "TransactWriteItems",
        several({"Delete": {"Key": {"pk": ONE, "sk": ONE}}}),
        CANCELLED,
        (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            '[ValidationError]{"CancellationReasons": [{"Code": "ValidationError", "Message": "The provided '
            'key element does not match the schema"}]}'
        ),
    ),
    (
        "TransactWriteItems",
        several({"Put": put(g=ONE)}),
        CANCELLED,
        (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            '[ValidationError]{"CancellationReasons": [{"Code": "ValidationError", "Message": "One or more '
            'parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi"}]}'
        ),
    ),
    (
        "TransactGetItems",
        several({"Get": {"Key": {**KEY, "pk": {"S": ""}}}}),
        CANCELLED,
        (
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            '[ValidationError]{"CancellationReasons": [{"Code": "ValidationError", "Message": "One or more '
            "parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
            'string value. Key: pk"}]}'
        ),
    ),
    (
        "ListTables",
        {"Limit": 101},
        VALIDATION,
        (
            "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must "
            "have value less than or equal to 100"
        ),
    ),
    ("CreateTable", TABLE, "ResourceInUseException", "Table already exists: tab"),
    (
        "ListTagsOfResource",
        {"ResourceArn": "arn:aws:dynamodb:local:000000000000:table/nowhere"},
        "AccessDeniedException",
        (
            "User: arn:aws:iam::000000000000:root is not authorized to perform: "
            "dynamodb:ListTagsOfResource on resource: arn:aws:dynamodb:local:000000000000:table/nowhere"
        ),
    ),
]

STORED = put(n=ONE, s=X)["Item"]
PAGE = {"Items": [STORED], "Count": 1, "ScannedCount": 1}
# a request that is odd and taken, its answer, and the item of KEY afterwards
TAKEN: list[tuple[str, Wire, Wire, Wire]] = [
    ("Query", where("(pk = :v) AND (:w < sk)", v=P, w={"N": "0"}), PAGE, STORED),
    ("Query", where("(pk = :v) AND (:w < sk)", v=P, w=ONE), {"Items": [], "Count": 0, "ScannedCount": 0}, STORED),
    ("PutItem", {"Item": {**KEY, " ": ONE}}, {}, {**KEY, " ": ONE}),
    (
        "PutItem",
        put(x={"BOOL": "YES"}, y={"NULL": "t"}, z={"S": "a", "N": None}),
        {},
        {**KEY, "x": {"BOOL": True}, "y": {"NULL": True}, "z": {"S": "a"}},
    ),
    (
        "PutItem",
        put(n={"N": "9.9999999999999999999999999999999999999E125"}, m={"N": "0e-130"}, o={"N": "+5"}),
        {},
        {**KEY, "n": {"N": "9" * 38 + "0" * 88}, "m": {"N": "0"}, "o": {"N": "5"}},
    ),
    ("Scan", {"Limit": 4_294_967_296}, PAGE, STORED),
    ("Scan", {"Limit": 1.5, "ConsistentRead": "true"}, {**PAGE, "LastEvaluatedKey": KEY}, STORED),
    ("Scan", {"Segment": 0, "TotalSegments": 1}, PAGE, STORED),
    ("GetItem", {"Key": KEY, "ExpressionAttributeValues": {":v": ONE}}, {"Item": STORED}, STORED),
]


@pytest.fixture
def engine() -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", {"TableName": "tab", **put(n=ONE, s=X)})
        yield engine


def request(operation: str, members: Wire) -> Wire:
    named = operation.startswith(("Batch", "Transact", "List"))
    return members if named else {"TableName": "tab", **members}


@pytest.mark.parametrize(
    "operation, members, code, clause",
    REFUSED,
    ids=[f"{operation} {clause[:40]}" for operation, _, _, clause in REFUSED],
)
def test_refused(engine: SqliteEngine, operation: str, members: Wire, code: str, clause: str) -> None:
    with pytest.raises(DynamoError) as error:
        call(engine, operation, request(operation, members))
    assert error.value.code == code
    assert error.value.message + (json.dumps(error.value.fields) if error.value.fields else "") == clause


@pytest.mark.parametrize("operation, members, answer, item", TAKEN)
def test_taken(engine: SqliteEngine, operation: str, members: Wire, answer: Wire, item: Wire) -> None:
    assert call(engine, operation, request(operation, members)) == answer
    assert call(engine, "GetItem", {"TableName": "tab", "Key": KEY}) == {"Item": item}


def test_a_key_of_several_attributes_takes_its_clauses_in_any_order(engine: SqliteEngine) -> None:
    call(engine, "PutItem", {"TableName": "tab", **put(h1=X, h2=X, a=X, b=ONE, c=X)})
    text = "c BETWEEN :v AND :v AND b = :w AND h2 = :v AND a = :v AND h1 = :v"
    found = call(engine, "Query", {"TableName": "tab", "IndexName": "multi", "Limit": 1, **where(text, v=X, w=ONE)})
    assert found["Count"] == 1
    assert sorted(found["LastEvaluatedKey"]) == ["a", "b", "c", "h1", "h2", "pk", "sk"]


def test_a_replayed_transaction_costs_reads(engine: SqliteEngine) -> None:
    check = {"Key": {**KEY, "pk": X}, "ConditionExpression": "attribute_not_exists(pk)"}
    actions = several({"Put": put(d={"S": "x" * 1500})}, {"ConditionCheck": check})
    told = {**actions, "ClientRequestToken": "again", "ReturnConsumedCapacity": "TOTAL"}
    (first,) = call(engine, "TransactWriteItems", told)["ConsumedCapacity"]
    (again,) = call(engine, "TransactWriteItems", told)["ConsumedCapacity"]
    assert first == {"TableName": "tab", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}
    assert again == {"TableName": "tab", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}
