"""Whole answers of all operations on items, with and without each of the members that ask for more."""

from copy import deepcopy
from typing import Any

import pytest
from embedded import TABLE, Ask, key

from flyexpr import DynamoError

Wire = dict[str, Any]
ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
ITEM: Wire = {**key(1), "gk": {"S": "g"}, "lk": {"B": "AA=="}, "x": {"S": "x"}}
ENTRY: Wire = {name: ITEM[name] for name in ("pk", "sk", "gk", "x")}
OF_P: Wire = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
OF_G: Wire = {"KeyConditionExpression": "gk = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}, "IndexName": "by_g"}
SET_X: Wire = {"UpdateExpression": "SET x = :y", "ExpressionAttributeValues": {":y": {"S": "y"}}}
CHECK: Wire = {"ConditionExpression": "attribute_exists(x)"}


def page(*items: Wire) -> Wire:
    return {"Items": list(items), "Count": len(items), "ScannedCount": len(items)}


def acting(**action: Wire) -> Wire:
    return {"TransactItems": [{kind: {"TableName": "tab", **members} for kind, members in action.items()}]}


# operation, members, the answer, and the units of the table and its indexes by_g and by_l; `ITEM` is there
CAPACITY: list[tuple[str, Wire, Wire, tuple[float, float, float]]] = [
    ("PutItem", {"Item": ITEM}, {}, (1.0, 0, 0)),
    ("PutItem", {"Item": {**ITEM, **key(2)}}, {}, (1.0, 1.0, 1.0)),
    ("PutItem", {"Item": {**key(2), "d": {"S": "x" * 1500}}}, {}, (2.0, 0, 0)),
    ("PutItem", {"Item": {**ITEM, "gk": {"S": "h"}}}, {}, (1.0, 2.0, 1.0)),
    ("UpdateItem", {"Key": key(1), **SET_X}, {}, (1.0, 1.0, 1.0)),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "REMOVE gk"}, {}, (1.0, 1.0, 1.0)),
    ("DeleteItem", {"Key": key(1)}, {}, (1.0, 1.0, 1.0)),
    ("DeleteItem", {"Key": key(9)}, {}, (1.0, 0, 0)),
    ("GetItem", {"Key": key(1)}, {"Item": ITEM}, (0.5, 0, 0)),
    ("GetItem", {"Key": key(1), "ConsistentRead": True}, {"Item": ITEM}, (1.0, 0, 0)),
    ("GetItem", {"Key": key(9)}, {}, (0.5, 0, 0)),
    ("GetItem", {"Key": key(1), "AttributesToGet": ["x", "y"]}, {"Item": {"x": {"S": "x"}}}, (0.5, 0, 0)),
    ("GetItem", {"Key": key(1), "ProjectionExpression": "y"}, {"Item": {}}, (0.5, 0, 0)),
    ("Query", OF_P, page(ITEM), (0.5, 0, 0)),
    ("Query", {**OF_P, "ConsistentRead": True}, page(ITEM), (1.0, 0, 0)),
    ("Query", {**OF_P, "IndexName": "by_l"}, page(ITEM), (0, 0, 0.5)),
    ("Query", OF_G, page(ENTRY), (0, 0.5, 0)),
    ("Query", {**OF_P, "Select": "COUNT"}, {"Count": 1, "ScannedCount": 1}, (0.5, 0, 0)),
    (
        "Query",
        {
            "KeyConditions": {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]}},
            "AttributesToGet": ["x", "y"],
        },
        page({"x": {"S": "x"}}),
        (0.5, 0, 0),
    ),
    ("Query", {**OF_P, "Limit": 1}, {**page(ITEM), "LastEvaluatedKey": key(1)}, (0.5, 0, 0)),
    ("Scan", {}, page(ITEM), (0.5, 0, 0)),
    ("Scan", {"AttributesToGet": ["x", "y"]}, page({"x": {"S": "x"}}), (0.5, 0, 0)),
    ("Scan", {"IndexName": "by_g"}, page(ENTRY), (0, 0.5, 0)),
    ("Scan", {"IndexName": "by_g", "AttributesToGet": ["x"]}, page({"x": {"S": "x"}}), (0, 0.5, 0)),
    ("Scan", {"IndexName": "by_l", "ConsistentRead": True}, page(ITEM), (0, 0, 1.0)),
    ("Scan", {"FilterExpression": "attribute_exists(y)"}, {"Items": [], "Count": 0, "ScannedCount": 1}, (0.5, 0, 0)),
    (
        "BatchGetItem",
        {"RequestItems": {"tab": {"Keys": [key(1), key(9)]}}},
        {"Responses": {"tab": [ITEM]}, "UnprocessedKeys": {}},
        (1.0, 0, 0),
    ),
    (
        "BatchGetItem",
        {"RequestItems": {ARN: {"Keys": [key(1)], "ConsistentRead": True, "AttributesToGet": ["x"]}}},
        {"Responses": {ARN: [{"x": {"S": "x"}}]}, "UnprocessedKeys": {}},
        (1.0, 0, 0),
    ),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [{"PutRequest": {"Item": key(2)}}, {"DeleteRequest": {"Key": key(1)}}]}},
        {"UnprocessedItems": {}},
        (2.0, 1.0, 1.0),
    ),
    ("TransactGetItems", acting(Get={"Key": key(1)}), {"Responses": [{"Item": ITEM}]}, (2.0, 0, 0)),
    ("TransactGetItems", acting(Get={"Key": key(1), "ProjectionExpression": "y"}), {"Responses": [{}]}, (2.0, 0, 0)),
    ("TransactGetItems", acting(Get={"Key": key(9)}), {"Responses": [{}]}, (2.0, 0, 0)),
    ("TransactWriteItems", acting(Put={"Item": {**ITEM, **key(2)}}), {}, (2.0, 1.0, 1.0)),
    ("TransactWriteItems", acting(Update={"Key": key(1), **SET_X}), {}, (2.0, 1.0, 1.0)),
    ("TransactWriteItems", acting(Delete={"Key": key(1)}), {}, (2.0, 1.0, 1.0)),
    ("TransactWriteItems", acting(ConditionCheck={"Key": key(1), **CHECK}), {}, (2.0, 0, 0)),
]
KINDS = {"TransactGetItems": "Read", "TransactWriteItems": "Write"}
NOT_ASKED: list[Wire] = [{}, {"ReturnConsumedCapacity": "NONE"}]
NAMES = [f"{operation} {number}" for number, (operation, *_) in enumerate(CAPACITY)]


@pytest.fixture
def filled(ask: Ask) -> Ask:
    ask("PutItem", Item=ITEM)
    return ask


def of_kind(units: float, operation: str) -> Wire:
    kind = KINDS.get(operation)
    return {"CapacityUnits": units, f"{kind}CapacityUnits": units} if kind else {"CapacityUnits": units}


def told(operation: str, capacity: Wire) -> Wire:
    several = operation.startswith(("Batch", "Transact"))
    return {"ConsumedCapacity": [capacity] if several else capacity}


@pytest.mark.parametrize("mode", NOT_ASKED, ids=["absent", "NONE"])
@pytest.mark.parametrize("operation, members, answer, units", CAPACITY, ids=NAMES)
def test_capacity_that_is_not_asked_for(
    filled: Ask, operation: str, members: Wire, answer: Wire, units: Any, mode: Wire
) -> None:
    assert filled(operation, **members, **mode) == answer


@pytest.mark.parametrize("operation, members, answer, units", CAPACITY, ids=NAMES)
def test_capacity_in_total(filled: Ask, operation: str, members: Wire, answer: Wire, units: Any) -> None:
    total = told(operation, {"TableName": "tab", **of_kind(sum(units), operation)})
    assert filled(operation, **members, ReturnConsumedCapacity="TOTAL") == {**answer, **total}


@pytest.mark.parametrize("operation, members, answer, units", CAPACITY, ids=NAMES)
def test_capacity_by_index(filled: Ask, operation: str, members: Wire, answer: Wire, units: Any) -> None:
    table, by_g, by_l = units
    capacity = {"TableName": "tab", **of_kind(sum(units), operation), "Table": of_kind(table, operation)}
    if by_g:
        capacity["GlobalSecondaryIndexes"] = {"by_g": of_kind(by_g, operation)}
    if by_l:
        capacity["LocalSecondaryIndexes"] = {"by_l": of_kind(by_l, operation)}
    expected = {**answer, **told(operation, capacity)}
    assert filled(operation, **members, ReturnConsumedCapacity="INDEXES") == expected


COLLECTION: Wire = {"ItemCollectionKey": {"pk": {"S": "p"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
OTHER: Wire = {"ItemCollectionKey": {"pk": {"S": "q"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
# operation, members, the answer, and the item collections
METRICS: list[tuple[str, Wire, Wire, Any]] = [
    ("PutItem", {"Item": key(2)}, {}, COLLECTION),
    ("UpdateItem", {"Key": key(1), **SET_X}, {}, COLLECTION),
    ("DeleteItem", {"Key": key(1)}, {}, COLLECTION),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [{"PutRequest": {"Item": key(2)}}, {"DeleteRequest": {"Key": key(1, "q")}}]}},
        {"UnprocessedItems": {}},
        {"tab": [COLLECTION, OTHER]},
    ),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "tab", "Item": key(2)}},
                {"Delete": {"TableName": "tab", "Key": key(1, "q")}},
            ]
        },
        {},
        {"tab": [COLLECTION, OTHER]},
    ),
]


@pytest.mark.parametrize("operation, members, answer, collections", METRICS, ids=[row[0] for row in METRICS])
def test_item_collection_metrics(filled: Ask, operation: str, members: Wire, answer: Wire, collections: Any) -> None:
    assert filled(operation, **members) == answer
    assert filled(operation, **members, ReturnItemCollectionMetrics="NONE") == answer
    asked = filled(operation, **members, ReturnItemCollectionMetrics="SIZE")
    assert asked == {**answer, "ItemCollectionMetrics": collections}


@pytest.mark.parametrize("operation, members, answer, collections", METRICS, ids=[row[0] for row in METRICS])
def test_a_table_without_a_local_index_has_no_item_collections(
    ask: Ask, operation: str, members: Wire, answer: Wire, collections: Any
) -> None:
    ask("DeleteTable")
    attributes = [one for one in TABLE["AttributeDefinitions"] if one["AttributeName"] != "lk"]  # type: ignore[attr-defined]
    plain = {**TABLE, "AttributeDefinitions": attributes}
    plain.pop("LocalSecondaryIndexes")
    ask("CreateTable", **deepcopy(plain))
    assert ask(operation, **members, ReturnItemCollectionMetrics="SIZE") == answer


CHANGED: Wire = {**ITEM, "x": {"S": "y"}}
FRESH: Wire = {**key(2), "x": {"S": "y"}}
PUT_X: Wire = {"AttributeUpdates": {"x": {"Value": {"S": "y"}}}}
RETURNED: list[tuple[str, Wire, str, Wire | None]] = [
    ("PutItem", {"Item": CHANGED}, "NONE", None),
    ("PutItem", {"Item": CHANGED}, "ALL_OLD", ITEM),
    ("PutItem", {"Item": FRESH}, "ALL_OLD", None),
    ("DeleteItem", {"Key": key(1)}, "NONE", None),
    ("DeleteItem", {"Key": key(1)}, "ALL_OLD", ITEM),
    ("DeleteItem", {"Key": key(2)}, "ALL_OLD", None),
    ("UpdateItem", {"Key": key(1), **SET_X}, "NONE", None),
    ("UpdateItem", {"Key": key(1), **SET_X}, "ALL_OLD", ITEM),
    ("UpdateItem", {"Key": key(1), **SET_X}, "ALL_NEW", CHANGED),
    ("UpdateItem", {"Key": key(1), **SET_X}, "UPDATED_OLD", {"x": {"S": "x"}}),
    ("UpdateItem", {"Key": key(1), **SET_X}, "UPDATED_NEW", {"x": {"S": "y"}}),
    ("UpdateItem", {"Key": key(2), **SET_X}, "ALL_OLD", None),
    ("UpdateItem", {"Key": key(2), **SET_X}, "ALL_NEW", FRESH),
    ("UpdateItem", {"Key": key(2), **SET_X}, "UPDATED_OLD", None),
    ("UpdateItem", {"Key": key(2), **SET_X}, "UPDATED_NEW", {"x": {"S": "y"}}),
    ("UpdateItem", {"Key": key(1), **PUT_X}, "UPDATED_OLD", {"x": {"S": "x"}}),
    ("UpdateItem", {"Key": key(1), **PUT_X}, "UPDATED_NEW", {"x": {"S": "y"}}),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "REMOVE x"}, "UPDATED_NEW", None),
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "REMOVE y"}, "UPDATED_OLD", None),
    ("UpdateItem", {"Key": key(2)}, "UPDATED_NEW", None),
    ("UpdateItem", {"Key": key(2)}, "ALL_NEW", key(2)),
    ("UpdateItem", {"Key": key(2), "AttributeUpdates": {}}, "UPDATED_NEW", None),
    ("UpdateItem", {"Key": key(1), "AttributeUpdates": {}}, "UPDATED_OLD", None),
    ("UpdateItem", {"Key": key(2), "AttributeUpdates": {}}, "ALL_NEW", key(2)),
]


@pytest.mark.parametrize("operation, members, returns, attributes", RETURNED)
def test_return_values(filled: Ask, operation: str, members: Wire, returns: str, attributes: Wire | None) -> None:
    answer = {} if attributes is None else {"Attributes": attributes}
    assert filled(operation, **members, ReturnValues=returns) == answer


FALSE: Wire = {"ConditionExpression": "attribute_exists(y)"}
FAILING: list[tuple[str, Wire]] = [
    ("PutItem", {"Item": ITEM, **FALSE}),
    ("DeleteItem", {"Key": key(1), **FALSE}),
    ("UpdateItem", {"Key": key(1), **FALSE}),
    ("UpdateItem", {"Key": key(1), "Expected": {"y": {"Value": {"S": "y"}}}}),
]


@pytest.mark.parametrize("operation, members", FAILING)
@pytest.mark.parametrize("asked, shown", [(None, {}), ("NONE", {}), ("ALL_OLD", {"Item": ITEM})])
def test_the_item_of_a_failed_condition(
    filled: Ask, operation: str, members: Wire, asked: str | None, shown: Wire
) -> None:
    with pytest.raises(DynamoError) as error:
        filled(operation, **members, ReturnValuesOnConditionCheckFailure=asked)
    assert (error.value.code, error.value.message) == (
        "ConditionalCheckFailedException",
        "The conditional request failed",
    )
    assert error.value.fields == shown


@pytest.mark.parametrize("asked, shown", [(None, {}), ("NONE", {}), ("ALL_OLD", {"Item": ITEM})])
@pytest.mark.parametrize("kind", ["Put", "Update", "Delete", "ConditionCheck"])
def test_the_reasons_of_a_cancelled_transaction(filled: Ask, kind: str, asked: str | None, shown: Wire) -> None:
    given = {"Put": {"Item": ITEM}, "Update": {"Key": key(1), **SET_X}}.get(kind, {"Key": key(1)})
    failing = {"TableName": "tab", **given, **FALSE, "ReturnValuesOnConditionCheckFailure": asked}
    fine = {"Delete": {"TableName": "tab", "Key": key(2)}}
    with pytest.raises(DynamoError) as error:
        filled("TransactWriteItems", TransactItems=[fine, {kind: failing}])
    assert error.value.code == "TransactionCanceledException"
    assert error.value.message == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    )
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", **shown}
    assert error.value.fields == {"CancellationReasons": [{"Code": "None"}, failed]}


def test_every_table_and_index_of_a_transaction_is_charged(filled: Ask) -> None:
    filled("CreateTable", **{**deepcopy(TABLE), "TableName": "second"})
    actions = [
        {"Put": {"TableName": "tab", "Item": key(2)}},
        {"Put": {"TableName": "second", "Item": ITEM}},
        {"Delete": {"TableName": "tab", "Key": key(1)}},
    ]
    capacity = filled("TransactWriteItems", TransactItems=actions, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert capacity == [
        {"TableName": "tab", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0},
        {"TableName": "second", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
    ]


def test_a_token_stands_for_the_request_however_it_is_written(filled: Ask) -> None:
    update = {"TableName": "tab", "Key": key(1), "UpdateExpression": "ADD n :n"}
    update["ExpressionAttributeValues"] = {":n": {"N": "1"}}
    turned = dict(reversed(update.items()))
    for action in (update, turned):
        assert filled("TransactWriteItems", TransactItems=[{"Update": action}], ClientRequestToken="t") == {}
    assert filled("GetItem", Key=key(1), ProjectionExpression="n") == {"Item": {"n": {"N": "1"}}}
    with pytest.raises(DynamoError) as error:
        filled(
            "TransactWriteItems",
            TransactItems=[{"Delete": {"TableName": "tab", "Key": key(1)}}],
            ClientRequestToken="t",
        )
    assert error.value.code == "IdempotentParameterMismatchException"
    assert error.value.message == ("The request uses the same client token as a previous, but non-identical request")
