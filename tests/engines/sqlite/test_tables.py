"""Tables as they are made, described, changed and dropped."""

from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key
from raised import raises

from flyexpr import DynamoError, NoSuchTable

SIMPLE: dict[str, Any] = {
    "TableName": "simple",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


def index(name: str, *keys: tuple[str, str], projection: Any = None) -> dict[str, Any]:
    schema = [{"AttributeName": attribute, "KeyType": key_type} for attribute, key_type in keys]
    return {"IndexName": name, "KeySchema": schema, "Projection": projection or {"ProjectionType": "ALL"}}


def with_index(*keys: tuple[str, str], projection: Any = None) -> dict[str, Any]:
    definitions = [
        {"AttributeName": name, "AttributeType": "S"} for name in sorted({"id", *(name for name, _ in keys)})
    ]
    return {
        "AttributeDefinitions": definitions,
        "GlobalSecondaryIndexes": [index("by_key", *keys, projection=projection)],
    }


def test_a_table_is_described_as_it_was_made(ask: Ask) -> None:
    ask("PutItem", Item={**key(1), "gk": {"S": "g"}})
    made = ask("DescribeTable")["Table"]
    assert made["TableStatus"] == "ACTIVE"
    assert (made["ItemCount"], made["TableSizeBytes"]) == (1, 10)
    assert made["KeySchema"] == TABLE["KeySchema"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (by_g,) = made["GlobalSecondaryIndexes"]
    assert (by_g["IndexStatus"], by_g["ItemCount"], by_g["IndexSizeBytes"]) == ("ACTIVE", 1, 10)
    assert by_g["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}
    assert by_g["IndexArn"] == made["TableArn"] + "/index/by_g"


def test_a_table_made_again_is_empty_and_another(ask: Ask) -> None:
    ask("PutItem", Item=key(1))
    first = ask("DescribeTable")["Table"]["TableId"]
    assert ask("DeleteTable")["TableDescription"]["TableStatus"] == "DELETING"
    with raises(NoSuchTable, "ResourceNotFoundException: Requested resource not found: Table: tab not found"):
        ask("DescribeTable")
    with pytest.raises(NoSuchTable):
        ask("GetItem", Key=key(1))
    ask("CreateTable", **TABLE)
    assert ask("Scan")["Count"] == 0
    assert ask("DescribeTable")["Table"]["TableId"] != first


def test_names_are_listed_in_order_and_in_pages(ask: Ask) -> None:
    for name in ("zeta", "Alpha", "beta"):
        ask("CreateTable", **{**SIMPLE, "TableName": name})
    first = ask("ListTables", Limit=3)
    assert first == {"TableNames": ["Alpha", "beta", "tab"], "LastEvaluatedTableName": "tab"}
    assert ask("ListTables", ExclusiveStartTableName="tab") == {"TableNames": ["zeta"]}


def test_a_table_is_named_by_its_arn_too(ask: Ask) -> None:
    arn = ask("DescribeTable")["Table"]["TableArn"]
    ask("PutItem", TableName=arn, Item=key(1))
    assert ask("Scan")["Count"] == 1


def test_a_new_index_passes_over_items_of_the_wrong_type(ask: Ask) -> None:
    ask("PutItem", Item={**key(1), "w": {"N": "1"}})
    ask("PutItem", Item={**key(2), "w": {"S": "v"}})
    ask("PutItem", Item=key(3))
    ask(
        "UpdateTable",
        AttributeDefinitions=[{"AttributeName": "w", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by_w", ("w", "HASH"))}],
    )
    assert ask("Scan", IndexName="by_w")["Items"] == [{**key(2), "w": {"S": "v"}}]
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key w "
        "Expected: S Actual: N IndexName: by_w",
    ):
        ask("PutItem", Item={**key(4), "w": {"N": "1"}})
    ask("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_w"}}])
    ask("PutItem", Item={**key(4), "w": {"N": "1"}})
    with raises(DynamoError, "ValidationException: The table does not have the specified index: by_w"):
        ask("Scan", IndexName="by_w")


UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
OF_BY_G = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_g", "ProvisionedThroughput": UNITS}}]}
BY_G = [{"AttributeName": "gk", "AttributeType": "S"}]


def test_a_provisioned_table_wants_units_for_a_new_index(ask: Ask) -> None:
    ask("UpdateTable", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS, **OF_BY_G)
    create = {"Create": index("new", ("gk", "HASH"))}
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: ReadCapacityUnits and "
        "WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ):
        ask("UpdateTable", AttributeDefinitions=BY_G, GlobalSecondaryIndexUpdates=[create])


def test_a_table_has_at_most_20_global_indexes_however_they_come(ask: Ask) -> None:
    twenty = [index(f"by_{n}", ("g", "HASH")) for n in range(20)]
    ask("CreateTable", **{**SIMPLE, **with_index(("g", "HASH")), "GlobalSecondaryIndexes": twenty})
    create = {"Create": index("new", ("g", "HASH"))}
    definitions = [{"AttributeName": "g", "AttributeType": "S"}]
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: GlobalSecondaryIndex count "
        "exceeds the per-table limit of 20",
    ):
        ask("UpdateTable", TableName="simple", AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[create])


def test_a_stream_is_enabled_once(ask: Ask) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    ask("UpdateTable", StreamSpecification=stream)
    with raises(DynamoError, "ValidationException: Table already has an enabled stream: TableName: tab"):
        ask("UpdateTable", StreamSpecification=stream)
    ask("UpdateTable", StreamSpecification={"StreamEnabled": False})
    assert "StreamSpecification" not in ask("DescribeTable")["Table"]


def test_a_large_table_is_counted_once_a_minute(ask: Ask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.storage.FEW_ROWS", 1)

    def count_after_put(number: int) -> int:
        ask("PutItem", Item=key(number))
        count: int = ask("DescribeTable")["Table"]["ItemCount"]
        return count

    assert [count_after_put(number) for number in range(4)] == [1, 2, 2, 2]
    clock.now += 60
    assert count_after_put(4) == 5


def test_a_ceiling_is_taken_away_by_minus_one(ask: Ask) -> None:
    ask("UpdateTable", OnDemandThroughput={"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 6})
    changed = ask("UpdateTable", OnDemandThroughput={"MaxReadRequestUnits": -1})["TableDescription"]
    assert changed["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 6}
    assert ask("DescribeTable")["Table"]["OnDemandThroughput"] == {"MaxWriteRequestUnits": 6}
