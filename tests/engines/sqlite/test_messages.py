"""Requests that are understood and refused: the order of the checks, and the clause that every region has."""

from typing import Any

import pytest
from embedded import Ask, key
from raised import raises

from flyexpr import DynamoError

V = {":v": {"N": "1"}}
P = {":p": {"S": "p"}}
QUERIES: list[tuple[dict[str, Any], str]] = [
    ({}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    ({"KeyConditionExpression": ""}, "Invalid KeyConditionExpression: The expression can not be empty;"),
    (
        {"KeyConditionExpression": "sk = :v", "ExpressionAttributeValues": V},
        "Query condition missed key schema element: pk",
    ),
    ({"KeyConditionExpression": "pk > :p", "ExpressionAttributeValues": P}, "Query key condition not supported"),
    (
        {"KeyConditionExpression": "pk = :p OR sk = :v", "ExpressionAttributeValues": {**P, **V}},
        "Invalid operator used in KeyConditionExpression: OR",
    ),
    (
        {"KeyConditionExpression": "pk = :p AND x = :v", "ExpressionAttributeValues": {**P, **V}},
        "Query condition missed key schema element: sk",
    ),
    (
        {"KeyConditionExpression": "pk = :p AND sk.a = :v", "ExpressionAttributeValues": {**P, **V}},
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
    ),
    (
        {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": V},
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    ),
    (
        {"KeyConditionExpression": "pk = :p", "FilterExpression": "sk = :v", "ExpressionAttributeValues": {**P, **V}},
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
    ),
    (
        {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {**P, ":spare": {"N": "1"}}},
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:spare}",
    ),
    (
        {
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": P,
            "Select": "COUNT",
            "ProjectionExpression": "x",
        },
        "1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the Count",
    ),
    (
        {
            "KeyConditionExpression": "gk = :p",
            "ExpressionAttributeValues": P,
            "IndexName": "by_g",
            "ConsistentRead": True,
        },
        "Consistent reads are not supported on global secondary indexes",
    ),
    (
        {
            "KeyConditionExpression": "gk = :p",
            "ExpressionAttributeValues": P,
            "IndexName": "by_g",
            "ProjectionExpression": "y",
        },
        "One or more parameter values were invalid: Global secondary index by_g does not project [y]",
    ),
    (
        {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": P, "ExclusiveStartKey": key(1, "other")},
        "The provided starting key is outside query boundaries based on provided conditions",
    ),
    (
        {"Limit": 0, "KeyConditionExpression": "pk = :p"},
        (
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1"
        ),
    ),
]


def put_requests(item: dict[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {"tab": [{"PutRequest": {"Item": item}}]}}


WRITES: list[tuple[str, dict[str, Any], str]] = [
    (
        "PutItem",
        {"Item": {"pk": {"S": "p"}}},
        "One or more parameter values were invalid: Missing the key sk in the item",
    ),
    (
        "PutItem",
        {"Item": {"pk": {"S": "p"}, "sk": {"S": "1"}}},
        "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S",
    ),
    (
        "PutItem",
        {"Item": {**key(1), "pk": {"S": ""}}},
        (
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
            "an empty string value. Key: pk"
        ),
    ),
    (
        "PutItem",
        {"Item": {**key(1), "gk": {"S": ""}}},
        (
            "One or more parameter values are not valid. A value specified for a secondary index key is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
            "IndexName: by_g, IndexKey: gk"
        ),
    ),
    (
        "PutItem",
        {"Item": {**key(1), "gk": {"B": ""}}},
        (
            "One or more parameter values were invalid: Type mismatch for Index Key gk Expected: S Actual: "
            "B IndexName: by_g"
        ),
    ),
    (
        "BatchWriteItem",
        put_requests({"pk": {"S": "p"}, "sk": {"S": "1"}, "gk": {"S": ""}}),
        "The provided key element does not match the schema",
    ),
    ("BatchWriteItem", put_requests({**key(1), "pk": {"B": ""}}), "The provided key element does not match the schema"),
    (
        "BatchWriteItem",
        put_requests({**key(1), "lk": {"S": ""}}),
        (
            "One or more parameter values were invalid: Type mismatch for Index Key lk Expected: B Actual: "
            "S IndexName: by_l"
        ),
    ),
    (
        "PutItem",
        {"Item": key(1, "x" * 2049)},
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
    ),
    ("PutItem", {"Item": {**key(1), "d": {"S": "x" * 409_600}}}, "Item size has exceeded the maximum allowed size"),
    (
        "PutItem",
        {"Item": key(1), "ReturnValues": "ALL_NEW"},
        "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
    ),
    (
        "PutItem",
        {},
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null",
    ),
    ("DeleteItem", {"Key": {"pk": {"S": "p"}}}, "The provided key element does not match the schema"),
    ("DeleteItem", {"Key": {**key(1), "x": {"S": "y"}}}, "The provided key element does not match the schema"),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET sk = :v", "ExpressionAttributeValues": V},
        "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key",
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET d = :d", "ExpressionAttributeValues": {":d": {"S": "x" * 409_578}}},
        "Item size to update has exceeded the maximum allowed size",
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET gk = :e", "ExpressionAttributeValues": {":e": {"S": ""}}},
        (
            "One or more parameter values are not valid. The update expression attempted to update a "
            "secondary index key to a value that is not supported. The AttributeValue for a key attribute "
            "cannot contain an empty string value."
        ),
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET lk = :e", "ExpressionAttributeValues": {":e": {"S": ""}}},
        (
            "One or more parameter values were invalid: Type mismatch for Index Key lk Expected: B Actual: "
            "S IndexName: by_l"
        ),
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "REMOVE x", "Expected": {"x": {"Exists": False}}},
        (
            "1 validation error detected: Can not use both expression and non-expression parameters in the "
            "same request: Non-expression parameters: {Expected} Expression parameters: {UpdateExpression}"
        ),
    ),
    (
        "PutItem",
        {"Item": key(1), "Expected": {"": {"Exists": False}}},
        "1 validation error detected: Empty attribute name",
    ),
    (
        "PutItem",
        {"Item": key(1), "ExpressionAttributeValues": V},
        "1 validation error detected: ExpressionAttributeValues can only be specified when using expressions",
    ),
    (
        "PutItem",
        {"Item": key(1), "ConditionExpression": "x = :v", "ExpressionAttributeValues": {":v": {"N": "x"}}},
        "1 validation error detected: The parameter cannot be converted to a numeric value: x",
    ),
]


@pytest.mark.parametrize("members, message", QUERIES, ids=[message[-40:] for _, message in QUERIES])
def test_queries(ask: Ask, members: dict[str, Any], message: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("Query", **members)
    assert error.value.code == "ValidationException"
    assert error.value.message == message


@pytest.mark.parametrize("operation, members, message", WRITES, ids=[message[-40:] for _, _, message in WRITES])
def test_writes(ask: Ask, operation: str, members: dict[str, Any], message: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask(operation, **members)
    assert error.value.code == "ValidationException"
    assert error.value.message == message
    assert ask("Scan")["Count"] == 0


@pytest.mark.parametrize(
    "members, code",
    [
        ({"Item": key(1), "ConditionExpression": "a ="}, "ValidationException"),
        ({"Item": {"pk": {"SS": []}}}, "ValidationException"),
        ({"Item": {"pk": {"S": 1}}}, "SerializationException"),
        ({"Item": {}}, "ResourceNotFoundException"),
    ],
)
def test_what_needs_no_table_is_checked_before_the_table_is_looked_up(
    ask: Ask, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(DynamoError) as error:
        ask("PutItem", TableName="nowhere", **members)
    assert error.value.code == code


def test_batches(ask: Ask) -> None:
    both = {
        "tab": {"Keys": [key(1)], "AttributesToGet": ["x"]},
        "other": {"Keys": [key(1)], "ProjectionExpression": "x"},
    }
    with raises(
        DynamoError,
        "ValidationException: Can not use both expression and non-expression parameters in the same "
        "request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
    ):
        ask("BatchGetItem", RequestItems=both)
    puts = [{"PutRequest": {"Item": key(n)}} for n in range(26)]
    with raises(
        DynamoError,
        "ValidationException: 1 validation error detected: Value '{tab=[...]}' at 'requestItems' failed to "
        "satisfy constraint: Map value must satisfy constraint: [Member must have length less than or "
        "equal to 25, Member must have length greater than or equal to 1]",
    ):
        ask("BatchWriteItem", RequestItems={"tab": puts})
    with raises(DynamoError, "ValidationException: Provided list of item keys contains duplicates"):
        ask("BatchWriteItem", RequestItems={"tab": [puts[0], {"DeleteRequest": {"Key": key(0)}}]})
    assert ask("Scan")["Count"] == 0


ENVELOPE = "1 validation error detected: "
V_UNUSED = {"ExpressionAttributeValues": {":v": {"N": "1"}, ":spare": {"N": "1"}}}
ENVELOPED: list[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"Item": key(1), "ConditionExpression": "a ="}),
    ("PutItem", {"Item": key(1), "ConditionExpression": ""}),
    ("PutItem", {"Item": {**key(1), "a": {"SS": []}}}),
    ("PutItem", {"Item": {**key(1), "a": {"N": "x"}}}),
    ("PutItem", {"Item": key(1), "ConditionExpression": "a = :v", **V_UNUSED}),
    ("PutItem", {"Item": key(1), "ReturnValues": "ALL_NEW"}),
    ("DeleteItem", {"Key": key(1), "ConditionExpression": "((a = :v))", "ExpressionAttributeValues": V}),
    ("DeleteItem", {"Key": key(1), "Expected": {"a": {}}, "ConditionExpression": "attribute_exists(a)"}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "REMOVE a, a"}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET a = :w", "ExpressionAttributeValues": V}),
    ("UpdateItem", {"Key": key(1), "AttributeUpdates": {"a": {"Action": "SET", "Value": {"N": "1"}}}}),
]
BARE: list[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"Item": {**key(1), "a": {}}}),
    ("PutItem", {"Item": {**key(1), "a": {"S": "x", "N": "1"}}}),
    ("PutItem", {"Item": {"pk": {"S": "p"}}}),
    ("PutItem", {"Item": {**key(1), "d": {"S": "x" * 409_600}}}),
    ("DeleteItem", {"Key": {"pk": {"S": "p"}}}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "REMOVE sk"}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET a = b"}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET a.b = :v", "ExpressionAttributeValues": V}),
    ("Query", {"KeyConditionExpression": "pk ="}),
    ("Scan", {"FilterExpression": "a = :v", **V_UNUSED}),
    ("GetItem", {"Key": key(1), "ProjectionExpression": "a, a"}),
]


@pytest.mark.parametrize(
    "operation, members, enveloped",
    [*((*row, True) for row in ENVELOPED), *((*row, False) for row in BARE)],
)
def test_single_writes_put_what_needs_no_table_into_an_envelope(
    ask: Ask, operation: str, members: dict[str, Any], enveloped: bool
) -> None:
    with pytest.raises(DynamoError) as error:
        ask(operation, **members)
    assert error.value.code == "ValidationException"
    assert error.value.message.count(ENVELOPE) == enveloped
    assert error.value.message.startswith(ENVELOPE) == enveloped


def test_a_transaction_says_which_constant_is_wrong(ask: Ask) -> None:
    update = {"Key": key(1), "UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": {"N": "x"}}}
    with raises(
        DynamoError,
        "ValidationException: ExpressionAttributeValues contains invalid value: The parameter cannot be "
        "converted to a numeric value: x for key :v",
    ):
        ask("TransactWriteItems", TransactItems=[{"Update": {"TableName": "tab", **update}}])


FIRST_PROBLEM = [
    ("begins_with(a, :v) AND AND", 'Invalid FilterExpression: Syntax error; token: "AND", near: "AND AND"'),
    ("a = :missing AND AND b", 'Invalid FilterExpression: Syntax error; token: "AND", near: "AND AND b"'),
    ("#x = :v AND", 'Invalid FilterExpression: Syntax error; token: "<EOF>", near: "AND"'),
    (
        "begins_with(a, :v) AND b = :missing",
        (
            "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: "
            "begins_with, operand type: N"
        ),
    ),
    (
        "b = :missing AND begins_with(a, :v)",
        (
            "Invalid FilterExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :missing"
        ),
    ),
    ("b = :missing AND foo(a)", "Invalid FilterExpression: Invalid function name; function: foo"),
]


@pytest.mark.parametrize("text, message", FIRST_PROBLEM, ids=[text for text, _ in FIRST_PROBLEM])
def test_syntax_comes_first_and_then_the_leftmost_problem(ask: Ask, text: str, message: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("Scan", FilterExpression=text, ExpressionAttributeValues=V)
    assert error.value.message == message


def test_a_text_that_is_sent_again_is_checked_again(ask: Ask) -> None:
    text = "#a BETWEEN :low AND :high"
    good = {"ExpressionAttributeNames": {"#a": "x"}, "ExpressionAttributeValues": {":low": V[":v"], ":high": V[":v"]}}
    values = good["ExpressionAttributeValues"]
    ask("PutItem", Item={**key(1), "x": {"N": "1"}, "y": {"N": "7"}})
    assert ask("Scan", FilterExpression=text, **good)["Count"] == 1
    for changed, message in [
        (
            {"ExpressionAttributeValues": {**values, ":low": {"N": "2"}}},
            (
                "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or "
                "equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: "
                "AttributeValue: {N:1}"
            ),
        ),
        (
            {"ExpressionAttributeValues": {**values, ":low": {"L": []}}},
            (
                "Invalid FilterExpression: Incorrect operand type for operator or function; operator or "
                "function: BETWEEN, operand type: L"
            ),
        ),
        (
            {"ExpressionAttributeValues": {**values, ":spare": {"N": "2"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:spare}",
        ),
        (
            {"ExpressionAttributeValues": {":low": {"N": "1"}}},
            (
                "Invalid FilterExpression: An expression attribute value used in expression is not defined; "
                "attribute value: :high"
            ),
        ),
        (
            {"ExpressionAttributeNames": {"#b": "x"}},
            (
                "Invalid FilterExpression: An expression attribute name used in the document path is not "
                "defined; attribute name: #a"
            ),
        ),
    ]:
        with pytest.raises(DynamoError) as error:
            ask("Scan", FilterExpression=text, **{**good, **changed})
        assert error.value.message == message
    assert ask("Scan", FilterExpression=text, **{**good, "ExpressionAttributeNames": {"#a": "y"}})["Count"] == 0
