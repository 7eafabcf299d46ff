"""Tables as they are made, described, changed and dropped."""

from copy import deepcopy
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key

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


def projecting(*names: str) -> dict[str, Any]:
    return with_index(("g", "HASH"), projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)})


def many_indexes(count: int, projected: int) -> dict[str, Any]:
    """So many indexes, each of which is sent so many attributes."""
    names = [f"a{n}" for n in range(projected)]
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": names} if names else None
    indexes = [index(f"by_{n}", ("g", "HASH"), projection=projection) for n in range(count)]
    return {**with_index(("g", "HASH")), "GlobalSecondaryIndexes": indexes}


HASHES = [(f"h{n}", "HASH") for n in range(5)]
RANGES = [(f"r{n}", "RANGE") for n in range(5)]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]}, "first KeySchemaElement is not a HASH key type"),
    ({"KeySchema": [{"AttributeName": "id", "KeyType": "hash"}]}, "Member must satisfy enum value set: [HASH, RANGE]"),
    (
        {"KeySchema": []},
        "at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ),
    ({"BillingMode": "FREE"}, "at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set"),
    ({"BillingMode": "PROVISIONED"}, "ReadCapacityUnits and WriteCapacityUnits must both be specified"),
    ({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}, "Neither ReadCapacityUnits nor"),
    ({"TableName": "no spaces"}, "Member must satisfy regular expression pattern"),
    (with_index(("g", "RANGE")), "first KeySchemaElement is not a HASH key type"),
    (with_index(("r", "RANGE"), ("g", "HASH")), "first KeySchemaElement is not a HASH key type"),
    (with_index(*HASHES), "exceeds the maximum allowed number of HASH key attributes"),
    (with_index(HASHES[0], *RANGES), "exceeds the maximum allowed number of RANGE key attributes"),
    (with_index(HASHES[0], RANGES[0], HASHES[1]), "All HASH key attributes must precede RANGE key attributes"),
    (with_index(("g", "HASH"), projection={"ProjectionType": "INCLUDE"}), "NonKeyAttributes is not specified"),
    (
        with_index(("g", "HASH"), projection={"ProjectionType": "ALL", "NonKeyAttributes": ["x"]}),
        "ProjectionType is ALL, but NonKeyAttributes is specified",
    ),
    (projecting("x" * 256), "must be between 1 and 255 characters"),
    (projecting(""), "must be between 1 and 255 characters"),
    (projecting("x", "x"), "Duplicate names in NonKeyAttributes"),
    (many_indexes(21, 0), "GlobalSecondaryIndex count exceeds the per-table limit of 20"),
    (many_indexes(6, 17), "Number of projected attributes exceeds the per-table limit of 100"),
    ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
    ({"LocalSecondaryIndexes": []}, "List of LocalSecondaryIndexes is empty"),
    ({"StreamSpecification": {"StreamEnabled": True}}, "StreamViewType must be specified when StreamEnabled is true"),
    ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "Tag keys starting with aws: are reserved"),
    (
        {"AttributeDefinitions": [*SIMPLE["AttributeDefinitions"], {"AttributeName": "z", "AttributeType": "S"}]},
        "Number of attributes in KeySchema does not exactly match",
    ),
]


@pytest.mark.parametrize("change, message", REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_create_table_refuses(ask: Ask, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("CreateTable", **deepcopy({**SIMPLE, **change}))
    assert error.value.code == "ValidationException"
    assert message in error.value.message
    assert ask("ListTables")["TableNames"] == ["tab"]


@pytest.mark.parametrize("change", [projecting("x" * 255), many_indexes(20, 5)])
def test_create_table_takes_what_is_at_the_limit(ask: Ask, change: dict[str, Any]) -> None:
    ask("CreateTable", **deepcopy({**SIMPLE, **change}))


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
    with pytest.raises(NoSuchTable, match="Table: tab not found"):
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
    with pytest.raises(DynamoError, match="Type mismatch for Index Key w"):
        ask("PutItem", Item={**key(4), "w": {"N": "1"}})
    ask("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_w"}}])
    ask("PutItem", Item={**key(4), "w": {"N": "1"}})
    with pytest.raises(DynamoError, match="does not have the specified index: by_w"):
        ask("Scan", IndexName="by_w")


@pytest.mark.parametrize(
    "updates, code",
    [
        ([{"Delete": {"IndexName": "nope"}}], "ResourceNotFoundException"),
        ([{"Create": index("by_g", ("gk", "HASH"))}], "ValidationException"),
        ([{}], "ValidationException"),
        ([{"Delete": {"IndexName": "by_g"}}, {"Create": index("by_x", ("x", "HASH"))}], "LimitExceededException"),
    ],
)
def test_update_table_refuses(ask: Ask, updates: list[Any], code: str) -> None:
    before = ask("DescribeTable")
    with pytest.raises(DynamoError) as error:
        ask("UpdateTable", GlobalSecondaryIndexUpdates=updates)
    assert error.value.code == code
    assert ask("DescribeTable") == before


def test_update_table_wants_something_to_update(ask: Ask) -> None:
    with pytest.raises(DynamoError, match="At least one of"):
        ask("UpdateTable")


UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
OF_BY_G = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_g", "ProvisionedThroughput": UNITS}}]}
BY_G = [{"AttributeName": "gk", "AttributeType": "S"}]


@pytest.mark.parametrize(
    "members, message",
    [
        ({"GlobalSecondaryIndexUpdates": []}, "At least one of"),
        (
            {
                "AttributeDefinitions": BY_G,
                "GlobalSecondaryIndexUpdates": [
                    {"Create": {**index("new", ("gk", "HASH")), "ProvisionedThroughput": UNITS}}
                ],
            },
            "Neither ReadCapacityUnits nor",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_g", "ProvisionedThroughput": UNITS}}]},
            "Neither ReadCapacityUnits nor",
        ),
        ({"StreamSpecification": {"StreamEnabled": False}}, "Table has no stream to disable"),
    ],
)
def test_update_table_checks_what_it_changes(ask: Ask, members: dict[str, Any], message: str) -> None:
    with pytest.raises(DynamoError, match=message):
        ask("UpdateTable", **members)


def test_a_provisioned_table_wants_units_for_a_new_index(ask: Ask) -> None:
    ask("UpdateTable", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS, **OF_BY_G)
    create = {"Create": index("new", ("gk", "HASH"))}
    with pytest.raises(DynamoError, match="must both be specified"):
        ask("UpdateTable", AttributeDefinitions=BY_G, GlobalSecondaryIndexUpdates=[create])


def test_a_table_has_at_most_20_global_indexes_however_they_come(ask: Ask) -> None:
    ask("CreateTable", **{**SIMPLE, **many_indexes(20, 0)})
    create = {"Create": index("new", ("g", "HASH"))}
    definitions = [{"AttributeName": "g", "AttributeType": "S"}]
    with pytest.raises(DynamoError, match="per-table limit of 20"):
        ask("UpdateTable", TableName="simple", AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[create])


def test_a_stream_is_enabled_once(ask: Ask) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    ask("UpdateTable", StreamSpecification=stream)
    with pytest.raises(DynamoError, match="already has an enabled stream"):
        ask("UpdateTable", StreamSpecification=stream)
    ask("UpdateTable", StreamSpecification={"StreamEnabled": False})
    assert "StreamSpecification" not in ask("DescribeTable")["Table"]


def test_a_large_table_is_counted_once_a_minute(ask: Ask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.storage.FEW_ROWS", 1)

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
