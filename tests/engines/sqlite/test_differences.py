"""Each known difference from dynoxide by examples: dynoxide has it, it is named, and it would not be named for ours."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from beside import REFERENCE, Both, Case
from differences import DIFFERENCES, explained
from engines import absence, closing, opened
from wild import ONE, TWO, Request, Wire

from flyexpr.engines import connect

pytestmark = pytest.mark.skipif(absence(REFERENCE) is not None, reason=f"{REFERENCE}: {absence(REFERENCE)}")

KEY: Wire = {"pk": {"S": "a"}, "sk": {"N": "1"}}
MISSING: Wire = {"pk": {"S": "b"}, "sk": {"N": "1"}}
STORED: Request = ("PutItem", {"TableName": "tab_two", "Item": {**KEY, "x": {"L": [{"N": "1"}]}}})
ONE_VALUE: Wire = {"ExpressionAttributeValues": {":v": {"N": "1"}}}
EMPTY: Wire = {"ExpressionAttributeValues": {":v": {"S": ""}}}
LONG: Wire = {"ExpressionAttributeValues": {":v": {"S": "x" * 1100}}}


def asked(operation: str, **members: Any) -> Request:
    return operation, {"TableName": "tab_two", **members}


def update(**members: Any) -> Request:
    return asked("UpdateItem", **{"Key": KEY, **members})


def write(*actions: Wire) -> Request:
    """A TransactWriteItems of actions on `tab_two`."""
    named = [{kind: {"TableName": "tab_two", **members}} for action in actions for kind, members in action.items()]
    return "TransactWriteItems", {"TransactItems": named}


def get(**members: Any) -> Request:
    return "TransactGetItems", {"TransactItems": [{"Get": {"TableName": "tab_two", **members}}]}


FALSE: Wire = {"ConditionCheck": {"Key": MISSING, "ConditionExpression": "attribute_exists(x)"}}
MISFIT: Wire = {"Delete": {"Key": {"pk": {"N": "1"}, "sk": {"N": "1"}}}}
BY_G: Wire = {
    "IndexName": "by_g",
    "KeyConditionExpression": "gk = :v",
    "ExpressionAttributeValues": {":v": {"S": "a"}},
}
BETWEEN: Wire = {"ExpressionAttributeValues": {":low": {"N": "2"}, ":high": {"N": "1"}}}

# reason: requests that show it, after an item has been stored under KEY
EXAMPLES: dict[str, list[Request]] = {
    "REMOVE or DELETE alone makes an item of nothing, and looks for the parents in it": [
        update(Key=MISSING, UpdateExpression="REMOVE x", ReturnValues="ALL_NEW"),
        update(Key=MISSING, UpdateExpression="REMOVE x.y"),
    ],
    "a constant of the wrong type is not refused": [
        asked("Scan", FilterExpression="x < :v", ExpressionAttributeValues={":v": {"L": []}}),
        write(
            {"Update": {"Key": KEY, "UpdateExpression": "ADD x :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}}
        ),
    ],
    "attribute_type may ask for a type that does not exist": [
        asked("Scan", FilterExpression="attribute_type(x, :v)", ExpressionAttributeValues={":v": {"S": "DOG"}}),
        asked("Scan", FilterExpression="attribute_type(x, y)"),
    ],
    "if_not_exists may hold list_append, and a function of a transaction any other": [
        write({"Update": {"Key": KEY, "UpdateExpression": "SET x = list_append(x, list_append(x, x))"}}),
        update(UpdateExpression="SET x = if_not_exists(x, list_append(x, x))"),
    ],
    "an operand may stand twice": [asked("Scan", FilterExpression="x = x")],
    "a value may not stand twice in contains": [asked("Scan", FilterExpression="contains(:v, :v)", **ONE_VALUE)],
    "the bounds of BETWEEN are looked at late in filters and transactions": [
        asked("Scan", FilterExpression="x BETWEEN :low AND :high", **BETWEEN),
        write({"Delete": {"Key": KEY, "ConditionExpression": "NOT x BETWEEN :low AND :high", **BETWEEN}}),
    ],
    "the bounds of BETWEEN in a ScanFilter may be reversed, or of two types": [
        asked(
            "Scan", ScanFilter={"x": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "1"}]}}
        ),
        asked(
            "Scan", ScanFilter={"x": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"S": "a"}]}}
        ),
        asked(
            "Scan", ScanFilter={"x": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": ""}, {"L": []}]}}
        ),
    ],
    "an index key may be of any length": [
        asked("PutItem", Item={**MISSING, "lk": {"S": "x" * 1100}}),
        update(UpdateExpression="SET lk = :v", **LONG),
    ],
    "ALL_OLD of an item that was not there is its key": [
        update(Key=MISSING, UpdateExpression="SET x = :v", ReturnValues="ALL_OLD", **ONE_VALUE)
    ],
    "the placeholders of an UpdateItem without an update are not checked": [
        update(ConditionExpression="attribute_exists(pk)", **ONE_VALUE),
        update(ConditionExpression="attribute_exists(y)", ExpressionAttributeNames={"#a": "a"}),
        update(ConditionExpression="attribute_exists(pk) OR x = :w"),
        update(ConditionExpression="attribute_exists(pk) OR #y = :v", **ONE_VALUE),
    ],
    "the paths of a projection, or of an update of a transaction, may conflict": [
        write({"Update": {"Key": KEY, "UpdateExpression": "REMOVE x.y, x[0]"}}),
        asked("GetItem", Key=KEY, ProjectionExpression="x[1], x.y"),
        asked("Scan", ProjectionExpression="#x.y, #x[1]", ExpressionAttributeNames={"#x": "x"}),
        get(Key=KEY, ProjectionExpression="x[1], x.y"),
    ],
    "a read of an index may filter by, and project, what the index does not hold": [
        asked("Scan", IndexName="by_g", ProjectionExpression="x"),
        asked("Query", **BY_G, FilterExpression="attribute_exists(x)"),
    ],
    "a value that a filter does not define is missed only where an item asks for it": [
        asked("Scan", FilterExpression="attribute_exists(pk) OR x = :v")
    ],
    "a key condition may ask for an empty value": [
        asked("Query", KeyConditionExpression="pk = :v", **EMPTY),
    ],
    "NOT_CONTAINS is true of a missing attribute": [
        asked("Scan", ScanFilter={"y": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "a"}]}})
    ],
    "size of a value is not an operand of attribute_type": [
        asked("Scan", FilterExpression="attribute_type(size(x), :v)", ExpressionAttributeValues={":v": {"S": "N"}})
    ],
    "an operand may not stand in parentheses": [
        asked("Scan", FilterExpression="( x ) <> :v", **ONE_VALUE),
        asked("Scan", FilterExpression="NOT (:v) = x[0]", **ONE_VALUE),
        asked("Scan", FilterExpression="attribute_exists((x))"),
        asked("Scan", FilterExpression="(size(x)) = :v", **ONE_VALUE),
    ],
    "the default of if_not_exists need not be there where it is not needed": [
        update(UpdateExpression="SET x = if_not_exists(x, y)")
    ],
    "size takes no value of the request": [
        asked("Scan", FilterExpression="size ( :v ) = x", ExpressionAttributeValues={":v": {"S": "a"}})
    ],
    "UPDATED_OLD and UPDATED_NEW give the whole attribute where an update goes through an index": [
        update(UpdateExpression="REMOVE x[0]", ReturnValues="UPDATED_NEW"),
        update(
            UpdateExpression="SET #x[5] = :v, y = :v",
            ReturnValues="UPDATED_NEW",
            ExpressionAttributeNames={"#x": "x"},
            **ONE_VALUE,
        ),
    ],
    "blanks in the brackets of an index are not allowed": [asked("Scan", FilterExpression="attribute_exists(x[ 0 ])")],
    "a Put or Delete of a transaction takes names and values without a condition": [
        write({"Put": {"Item": MISSING, **ONE_VALUE}}),
        write({"Delete": {"Key": MISSING, "ExpressionAttributeNames": {"#a": "a"}}}),
    ],
    "a transaction takes an empty map of names or values": [
        write({"Delete": {"Key": KEY, "ConditionExpression": "attribute_exists(x)", "ExpressionAttributeNames": {}}})
    ],
    "what an update of a transaction does not define is a reason": [
        write({"Update": {"Key": KEY, "UpdateExpression": "SET x = :v"}}),
        write({"Update": {"Key": KEY, "UpdateExpression": "SET #x = :v", **ONE_VALUE}}),
    ],
    "TransactGetItems gives keys beside the projection": [get(Key=KEY, ProjectionExpression="x[0]")],
    "TransactGetItems looks at keys before projections": [get(Key={"pk": {"S": ""}}, ProjectionExpression="x.y, x[0]")],
    "a missing member or wrong ReturnValues are found before a value of the wrong JSON type": [
        write({"ConditionCheck": {"Key": KEY}}, {"Put": {"Item": {**MISSING, "x": {"L": {}}}}}),
        asked("DeleteItem", Key=KEY, ReturnValues="ALL_NEW", Expected={"x": {"Value": {"SS": "a"}}}),
        asked(
            "DeleteItem",
            Key=KEY,
            ReturnValues="ALL_NEW",
            ConditionExpression="x = :v",
            ExpressionAttributeValues={":v": {"SS": "a"}},
        ),
    ],
    "a wrong value is found before a member of the wrong JSON type": [
        asked("PutItem", Item={**KEY, "a": {"N": "1e126"}}, ReturnValuesOnConditionCheckFailure={}),
        update(
            UpdateExpression="SET x = :v",
            ExpressionAttributeValues={":v": {"NULL": False}},
            ReturnValuesOnConditionCheckFailure=[],
        ),
    ],
    "a cancelled transaction has other reasons": [
        write(FALSE, MISFIT),
        write(MISFIT, FALSE),
        write({"Update": {"Key": KEY, "UpdateExpression": "SET gk = :v", **ONE_VALUE}}, MISFIT),
        write(MISFIT, {"Put": {"Item": {"pk": {"S": "a"}}}}),
        write({"Update": {"Key": MISSING, "UpdateExpression": "REMOVE x.y"}}),
        write({"Update": {"Key": KEY, "UpdateExpression": "SET sk = :v", **ONE_VALUE}}),
        write({"Update": {"Key": KEY, "UpdateExpression": "SET x = if_not_exists(x, y)"}}),
        write(FALSE, {"Update": {"Key": KEY, "UpdateExpression": "SET x = if_not_exists(x, y)"}}),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "tab_one", "Key": {}}} for _ in "ab"]}),
        write({"Put": {"Item": {**MISSING, "lk": {"S": "x" * 1100}}}}),
    ],
    "a key that does not fit and an item that is named twice may be found in either order": [
        write({"Delete": {"Key": KEY}}, {"Put": {"Item": {**KEY, "gk": {"N": "1"}}}})
    ],
    "a key that does not fit and an index key that is emptied may be found in either order": [
        write({"Update": {"Key": KEY, "UpdateExpression": "SET gk = :v", **EMPTY}}, MISFIT),
        write(MISFIT, {"Update": {"Key": KEY, "UpdateExpression": "SET gk = :v", **EMPTY}}),
    ],
}


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with opened(REFERENCE) as theirs, closing(connect("sqlite::memory:")) as ours:
        pair = Both(ours, theirs, f"t{uuid.uuid4().hex[:12]}")
        pair.everywhere("CreateTable", [ONE, TWO])
        yield pair
        pair.everywhere("DeleteTable", [{"TableName": table["TableName"]} for table in (ONE, TWO)])


@pytest.mark.parametrize("reason", EXAMPLES)
def test_a_known_difference_is_there_and_is_theirs(both: Both, reason: str) -> None:
    for request in EXAMPLES[reason]:
        both.renew([ONE, TWO])
        case = [both.ask(*one) for one in (STORED, request)][-1]
        assert case.ours[:2] != case.theirs[:2], f"dynoxide does as the service does: {request}"
        assert explained(case, DIFFERENCES) == reason
        swapped = Case(case.operation, case.request, ours=case.theirs, theirs=case.ours)
        assert explained(swapped, DIFFERENCES) is None, "the same fault of the embedded engine would not be found"


def test_every_difference_has_an_example() -> None:
    """But for the two of order, which no example shows for sure."""
    assert [reason for reason in DIFFERENCES if "order" not in reason or reason in EXAMPLES] == list(EXAMPLES)
