"""Transactions: their limits, their tokens, and the order in which they are checked."""

from typing import Any

import pytest
from embedded import Ask, key
from raised import raises

from flyexpr import DynamoError

LIMIT = 4 * 1024 * 1024
PART = 349_000
CONDITION = "x <> :v"


def in_full(size: int, action: Any) -> list[Any]:
    """Twelve actions that together send so many bytes; `action` makes one of its number and a text."""
    actions = [action(number, "x" * PART) for number in range(11)]
    return [*actions, action(11, "x" * (size - 11 * PART))]


def put(number: int, text: str) -> Any:
    return {"Put": {"TableName": "tab", "Item": {**key(number + 1), "x": {"S": text}}}}


def update(number: int, text: str) -> Any:
    expression = {"UpdateExpression": "SET #x = :v", "ExpressionAttributeNames": {"#x": "x"}}
    values = {"ExpressionAttributeValues": {":v": {"S": text}}}
    return {"Update": {"TableName": "tab", "Key": key(number + 1), **expression, **values}}


def check(number: int, text: str) -> Any:
    values = {"ExpressionAttributeValues": {":v": {"S": text}}}
    return {"ConditionCheck": {"TableName": "tab", "Key": key(number + 1), "ConditionExpression": CONDITION, **values}}


KEY_BYTES = len("pk") + len("sk") + len("p") + 2  # a number of one or two digits is 2 bytes


@pytest.mark.parametrize(
    "action, beside",
    [
        (put, KEY_BYTES + len("x")),
        (update, KEY_BYTES + len("SET #x = :v") + len("x")),
        (check, KEY_BYTES + len(CONDITION)),
    ],
)
def test_a_transaction_sends_at_most_4_mb(ask: Ask, action: Any, beside: int) -> None:
    room = LIMIT - 12 * beside
    ask("TransactWriteItems", TransactItems=in_full(room, action))
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=in_full(room + 1, action))
    assert error.value.code == "ValidationException"
    assert error.value.message == f"Transaction payload size cannot exceed 4MB. Payload Size: {LIMIT + 1}"


def test_what_a_transaction_touches_is_not_counted(ask: Ask) -> None:
    for number in range(14):
        ask("PutItem", Item={**key(number), "x": {"S": "x" * PART}})
    add = {"UpdateExpression": "ADD n :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    exists = {"ConditionExpression": "attribute_exists(x)"}
    for kind, rest in (("Update", add), ("ConditionCheck", exists), ("Delete", exists)):
        actions = [{kind: {"TableName": "tab", "Key": key(number), **rest}} for number in range(14)]
        ask("TransactWriteItems", TransactItems=actions)
    assert ask("Scan")["Count"] == 0


def test_a_transaction_gives_back_at_most_4_mb(ask: Ask) -> None:
    for number in range(13):
        ask("PutItem", Item={**key(number), "x": {"S": "x" * PART}})
    gets = [{"TableName": "tab", "Key": key(number)} for number in range(13)]
    assert len(ask("TransactGetItems", TransactItems=[{"Get": get} for get in gets[:12]])["Responses"]) == 12
    with raises(
        DynamoError, "ValidationException: Payload in response is too large. 4537103 bytes are over 4 MB"
    ) as error:
        ask("TransactGetItems", TransactItems=[{"Get": get} for get in gets])
    assert error.value.code == "ValidationException"
    lean = [{"Get": {**get, "ProjectionExpression": "sk"}} for get in gets]
    assert len(ask("TransactGetItems", TransactItems=lean)["Responses"]) == 13


def test_a_repeated_transaction_costs_reads_of_the_larger_image(ask: Ask) -> None:
    """Whichever was larger: what an action replaced, or what it wrote. A delete and a check are of what was there."""
    large = {"x": {"S": "x" * 9000}}
    for number in range(3):
        ask("PutItem", Item={**key(number), **large})
    for number, (kind, members, writes, reads) in enumerate(
        [
            ("Put", {"Item": key(0)}, 18.0, 6.0),
            ("Put", {"Item": {**key(3), **large}}, 18.0, 6.0),
            ("Delete", {"Key": key(1)}, 18.0, 6.0),
            ("ConditionCheck", {"Key": key(2), "ConditionExpression": "attribute_exists(x)"}, 18.0, 6.0),
            ("Put", {"Item": key(4)}, 2.0, 2.0),
        ]
    ):
        actions = [{kind: {"TableName": "tab", **members}}]
        request = {"ClientRequestToken": f"token {number}", "ReturnConsumedCapacity": "TOTAL"}
        (first,) = ask("TransactWriteItems", TransactItems=actions, **request)["ConsumedCapacity"]
        (again,) = ask("TransactWriteItems", TransactItems=actions, **request)["ConsumedCapacity"]
        assert first == {"TableName": "tab", "CapacityUnits": writes, "WriteCapacityUnits": writes}
        assert again == {"TableName": "tab", "CapacityUnits": reads, "ReadCapacityUnits": reads}


@pytest.mark.parametrize("earlier_fails", [False, True])
def test_an_update_that_empties_an_index_key_is_a_plain_error(ask: Ask, earlier_fails: bool) -> None:
    exists = "attribute_exists(x)" if earlier_fails else "attribute_not_exists(x)"
    check = {"ConditionCheck": {"TableName": "tab", "Key": key(2), "ConditionExpression": exists}}
    values = {"ExpressionAttributeValues": {":v": {"S": ""}}}
    update = {"Update": {"TableName": "tab", "Key": key(1), "UpdateExpression": "SET gk = :v", **values}}
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=[check, update])
    assert error.value.code == "ValidationException"
    assert error.value.message == (
        "One or more parameter values are not valid. "
        "The update expression attempted to update a secondary index key to a value that is not supported. "
        "The AttributeValue for a key attribute cannot contain an empty string value."
    )
    assert not ask("Scan")["Items"]


EMPTIED = {"UpdateExpression": "SET lk = :v", "ExpressionAttributeValues": {":v": {"S": ""}}}


@pytest.mark.parametrize(
    "kind, members, reason",
    [
        ("Put", {"Item": {**key(1), "pk": {"B": ""}}}, "Type mismatch for key pk expected: S actual: B"),
        (
            "Put",
            {"Item": {**key(1), "gk": {"B": ""}}},
            "Type mismatch for Index Key gk Expected: S Actual: B IndexName: by_g",
        ),
        (
            "Update",
            {"Key": key(1), **EMPTIED},
            "Type mismatch for Index Key lk Expected: B Actual: S IndexName: by_l",
        ),
    ],
)
def test_an_empty_key_of_another_type_is_a_reason(ask: Ask, kind: str, members: dict[str, Any], reason: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=[{kind: {"TableName": "tab", **members}}])
    assert error.value.fields["CancellationReasons"] == [
        {"Code": "ValidationError", "Message": f"One or more parameter values were invalid: {reason}"}
    ]
