"""How deep values may be nested: those of items 31 levels, those that are compared in some requests 32."""

from typing import Any

import pytest
from embedded import Ask, key
from wild import nested

from flyexpr import DynamoError

SHORT = "Nesting Levels have exceeded supported limits"
LONG = f"{SHORT}: Attributes in the item have nested levels beyond supported limit"
VALUES = "ExpressionAttributeValues"
Wire = dict[str, Any]


def refused(ask: Ask, operation: str, **members: Any) -> tuple[str, str]:
    with pytest.raises(DynamoError) as error:
        ask(operation, **members)
    return error.value.code, error.value.message


def actions(levels: int) -> list[Wire]:
    """Each kind of action of a transaction, whose condition compares a value nested so deep."""
    compared = {"TableName": "tab", "ConditionExpression": "NOT d = :d", VALUES: {":d": nested(levels)}}
    update = {"UpdateExpression": "SET t = if_not_exists(d, :d)"} if levels < 32 else {"UpdateExpression": "REMOVE t"}
    return [
        {"ConditionCheck": {**compared, "Key": key(1)}},
        {"Put": {**compared, "Item": key(2)}},
        {"Update": {**compared, **update, "Key": key(3)}},
        {"Delete": {**compared, "Key": key(4)}},
    ]


@pytest.mark.parametrize("action", range(4))
def test_a_transaction_compares_a_value_that_no_item_may_have(ask: Ask, action: int) -> None:
    for levels in (31, 32):
        ask("TransactWriteItems", TableName=None, TransactItems=[actions(levels)[action]])
    ask("PutItem", Item={**key(5), "d": nested(31)})
    words = f"{VALUES} contains invalid value: {LONG} for key :d"
    refusal = refused(ask, "TransactWriteItems", TableName=None, TransactItems=[actions(33)[action]])
    assert refusal == ("ValidationException", words)


def test_an_update_of_a_transaction_does_not_nest_an_item_too_deep(ask: Ask) -> None:
    update = {"TableName": "tab", "Key": key(1), "UpdateExpression": "SET d = :d", VALUES: {":d": nested(32)}}
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TableName=None, TransactItems=[{"Update": update}])
    assert error.value.fields["CancellationReasons"] == [{"Code": "ValidationError", "Message": SHORT}]
    assert refused(ask, "UpdateItem", **update) == ("ValidationException", f"1 validation error detected: {LONG}")


def test_a_scan_filter_compares_a_value_that_no_item_may_have(ask: Ask) -> None:
    def condition(levels: int) -> Wire:
        return {"d": {"ComparisonOperator": "NE", "AttributeValueList": [nested(levels)]}}

    ask("PutItem", Item=key(1))
    assert ask("Scan", ScanFilter=condition(32))["Count"] == 1
    assert refused(ask, "Scan", ScanFilter=condition(33)) == ("ValidationException", LONG)
    of_one = {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]}}
    assert refused(ask, "Query", KeyConditions=of_one, QueryFilter=condition(32)) == ("ValidationException", LONG)


def test_a_statement_compares_a_value_that_no_item_may_have(ask: Ask) -> None:
    def statement(text: str, levels: int) -> Wire:
        return {"TableName": None, "Statement": text, "Parameters": [nested(levels)]}

    ask("PutItem", Item={**key(1), "d": nested(31)})
    assert len(ask("ExecuteStatement", **statement("SELECT * FROM tab WHERE d <> ?", 32))["Items"]) == 1
    insert, update = (
        "INSERT INTO tab VALUE {'pk': 'p', 'sk': 2, 'd': ?}",
        "UPDATE tab SET d = ? WHERE pk = 'p' AND sk = 1",
    )
    for text in (insert, update):
        for levels, words in ((32, SHORT), (33, LONG)):
            assert refused(ask, "ExecuteStatement", **statement(text, levels)) == ("ValidationException", words)
    missing = update.replace("sk = 1", "sk = 9")
    assert refused(ask, "ExecuteStatement", **statement(missing, 32))[0] == "ConditionalCheckFailedException"
    ask("ExecuteStatement", **statement(insert, 31))
    assert refused(ask, "ExecuteStatement", **statement(insert, 32))[0] == "DuplicateItemException"
