"""Descriptions of tables, whole, as each operation shows them."""

from copy import deepcopy
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key
from words import definitions, index, keys

from flyexpr import DynamoError

Wire = dict[str, Any]
START = 1_800_000_000.0  # 08:00 in the morning, UTC
ARN = "arn:aws:dynamodb:local:000000000000:table/"
NO_UNITS = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}
TAB: Wire = {
    "TableName": "tab",
    "TableArn": ARN + "tab",
    "TableStatus": "ACTIVE",
    "CreationDateTime": START,
    "KeySchema": keys("pk", "sk"),
    "AttributeDefinitions": TABLE["AttributeDefinitions"],
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": START},
    "ProvisionedThroughput": NO_UNITS,
    "WarmThroughput": WARM,
    "DeletionProtectionEnabled": False,
    "ItemCount": 0,
    "TableSizeBytes": 0,
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "IndexArn": ARN + "tab/index/by_g",
            "IndexStatus": "ACTIVE",
            "KeySchema": keys("gk"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
            "ProvisionedThroughput": NO_UNITS,
            "WarmThroughput": WARM,
            "ItemCount": 0,
            "IndexSizeBytes": 0,
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_l",
            "IndexArn": ARN + "tab/index/by_l",
            "KeySchema": keys("pk", "lk"),
            "Projection": {"ProjectionType": "ALL"},
            "ItemCount": 0,
            "IndexSizeBytes": 0,
        }
    ],
}
PLAIN: Wire = {
    "TableName": "plain",
    "KeySchema": keys("id"),
    "AttributeDefinitions": definitions("id"),
    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
}


def units(read: int, write: int, **more: Any) -> Wire:
    return {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write, **more}


def asked_units(read: int, write: int) -> Wire:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}


def described(ask: Ask, name: str = "tab") -> Wire:
    """The description without its TableId, which is new for every table."""
    view: Wire = ask("DescribeTable", TableName=name)["Table"]
    assert len(view.pop("TableId")) == 36
    return view


def created(ask: Ask, **changes: Any) -> Wire:
    view: Wire = ask("CreateTable", **deepcopy({**PLAIN, **changes}))["TableDescription"]
    return view


def updated(ask: Ask, **members: Any) -> Wire:
    view: Wire = ask("UpdateTable", **{"TableName": "plain", **members})["TableDescription"]
    return view


def test_a_table_on_demand(ask: Ask) -> None:
    assert described(ask) == TAB


def test_a_table_that_is_being_created(ask: Ask) -> None:
    made = ask("CreateTable", **{**deepcopy(TABLE), "TableName": "tab2"})["TableDescription"]
    (by_g,), (by_l,) = made["GlobalSecondaryIndexes"], made["LocalSecondaryIndexes"]
    assert made["TableStatus"] == by_g["IndexStatus"] == "CREATING"
    assert "IndexStatus" not in by_l
    assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert described(ask, "tab2").keys() == TAB.keys()


def test_a_provisioned_table(ask: Ask) -> None:
    made = created(ask)
    del made["TableId"]
    view = {
        "TableName": "plain",
        "TableArn": ARN + "plain",
        "TableStatus": "ACTIVE",
        "CreationDateTime": START,
        "KeySchema": keys("id"),
        "AttributeDefinitions": definitions("id"),
        "ProvisionedThroughput": units(5, 6),
        "WarmThroughput": {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 6, "Status": "ACTIVE"},
        "DeletionProtectionEnabled": False,
        "ItemCount": 0,
        "TableSizeBytes": 0,
    }
    assert made == {**view, "TableStatus": "CREATING"}
    assert described(ask, "plain") == view


def test_a_table_that_is_deleted_shows_neither_keys_nor_indexes(ask: Ask) -> None:
    ask("PutItem", Item=key(1))
    identity = ask("DescribeTable")["Table"]["TableId"]
    assert ask("DeleteTable")["TableDescription"] == {
        "TableName": "tab",
        "TableArn": ARN + "tab",
        "TableId": identity,
        "TableStatus": "DELETING",
        "ProvisionedThroughput": NO_UNITS,
        "DeletionProtectionEnabled": False,
        "ItemCount": 1,
        "TableSizeBytes": 7,
    }


def test_units_that_change_are_shown_as_they_were_until_they_have_changed(ask: Ask, clock: Clock) -> None:
    created(ask)
    clock.now += 60
    up = updated(ask, **asked_units(9, 9))
    assert up["TableStatus"] == "UPDATING"
    assert up["ProvisionedThroughput"] == units(5, 6, LastIncreaseDateTime=START + 60)
    assert described(ask, "plain")["ProvisionedThroughput"] == units(9, 9, LastIncreaseDateTime=START + 60)
    clock.now += 60
    times = {"LastIncreaseDateTime": START + 60, "LastDecreaseDateTime": START + 120}
    assert updated(ask, **asked_units(3, 9))["ProvisionedThroughput"] == units(9, 9, **times)
    down = {**units(3, 9, **times), "NumberOfDecreasesToday": 1}
    assert described(ask, "plain")["ProvisionedThroughput"] == down
    assert updated(ask, **asked_units(3, 8))["ProvisionedThroughput"] == down
    assert described(ask, "plain")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 2
    clock.now += 16 * 3600
    assert described(ask, "plain")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    updated(ask, **asked_units(3, 7))
    assert described(ask, "plain")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_units_that_go_up_and_down_at_once_do_both(ask: Ask) -> None:
    created(ask)
    updated(ask, **asked_units(4, 7))
    both = {"LastIncreaseDateTime": START, "LastDecreaseDateTime": START, "NumberOfDecreasesToday": 1}
    assert described(ask, "plain")["ProvisionedThroughput"] == {**units(4, 7), **both}


def test_units_of_an_index(ask: Ask) -> None:
    by_g = index("by_g", keys("g"), **asked_units(2, 3))
    created(ask, AttributeDefinitions=definitions("id g"), GlobalSecondaryIndexes=[by_g])
    change = {"Update": {"IndexName": "by_g", **asked_units(1, 3)}}
    changing = updated(ask, GlobalSecondaryIndexUpdates=[change])
    times = {"LastDecreaseDateTime": START}
    assert changing["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == units(2, 3, **times)
    view = described(ask, "plain")
    assert view["ProvisionedThroughput"] == units(5, 6)
    (now,) = view["GlobalSecondaryIndexes"]
    assert now["ProvisionedThroughput"] == {**units(1, 3, **times), "NumberOfDecreasesToday": 1}
    assert now["WarmThroughput"] == {"ReadUnitsPerSecond": 1, "WriteUnitsPerSecond": 3, "Status": "ACTIVE"}


def test_from_provisioned_to_on_demand_and_back(ask: Ask, clock: Clock) -> None:
    by_g = index("by_g", keys("g"), **asked_units(2, 3))
    created(ask, AttributeDefinitions=definitions("id g"), GlobalSecondaryIndexes=[by_g])
    assert "BillingModeSummary" not in described(ask, "plain")
    clock.now += 60
    summary = {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": START + 60}
    changing = updated(ask, BillingMode="PAY_PER_REQUEST")
    assert changing["ProvisionedThroughput"] == units(0, 0)
    on_demand = described(ask, "plain")
    assert on_demand["BillingModeSummary"] == summary
    assert on_demand["WarmThroughput"] == on_demand["GlobalSecondaryIndexes"][0]["WarmThroughput"] == WARM
    assert on_demand["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == units(0, 0)
    clock.now += 60
    updated(ask, BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True)
    assert described(ask, "plain")["BillingModeSummary"] == summary
    change = {"Update": {"IndexName": "by_g", **asked_units(1, 1)}}
    back = updated(ask, BillingMode="PROVISIONED", **asked_units(3, 4), GlobalSecondaryIndexUpdates=[change])
    times = {"LastIncreaseDateTime": START + 120}
    assert back["ProvisionedThroughput"] == units(3, 4, **times)
    view = described(ask, "plain")
    assert view["BillingModeSummary"] == {**summary, "BillingMode": "PROVISIONED"}
    assert view["ProvisionedThroughput"] == units(3, 4, **times)
    assert view["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == units(1, 1, **times)


def test_an_index_that_goes_needs_no_units_when_its_table_becomes_provisioned(ask: Ask) -> None:
    gone = [{"Delete": {"IndexName": "by_g"}}]
    ask("UpdateTable", BillingMode="PROVISIONED", **asked_units(3, 4), GlobalSecondaryIndexUpdates=gone)
    view = described(ask)
    assert view["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert "GlobalSecondaryIndexes" not in view


GIVEN = {"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 1_000}


def test_warm_throughput_is_what_was_asked_for_or_what_is_there_anyway(ask: Ask) -> None:
    by_g = index("by_g", keys("g"), WarmThroughput=GIVEN)
    changes = {"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": None, "WarmThroughput": GIVEN}
    made = created(ask, **changes, AttributeDefinitions=definitions("id g"), GlobalSecondaryIndexes=[by_g])
    warm = {"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 4_000}
    assert (
        made["WarmThroughput"] == made["GlobalSecondaryIndexes"][0]["WarmThroughput"] == {**warm, "Status": "UPDATING"}
    )
    view = described(ask, "plain")
    assert view["WarmThroughput"] == view["GlobalSecondaryIndexes"][0]["WarmThroughput"] == {**warm, "Status": "ACTIVE"}
    more = {"WriteUnitsPerSecond": 5_000}
    warmer = updated(ask, WarmThroughput=more)["WarmThroughput"]
    assert warmer == {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 5_000, "Status": "UPDATING"}
    updated(ask, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by_g", "WarmThroughput": more}}])
    assert described(ask, "plain")["GlobalSecondaryIndexes"][0]["WarmThroughput"] == {**warmer, "Status": "ACTIVE"}


def test_ceilings_of_an_index(ask: Ask) -> None:
    ceilings = {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 6}
    for given, kept in ((ceilings, ceilings), ({"MaxReadRequestUnits": -1}, {"MaxWriteRequestUnits": 6})):
        update = {"Update": {"IndexName": "by_g", "OnDemandThroughput": given}}
        ask("UpdateTable", GlobalSecondaryIndexUpdates=[update])
        assert described(ask)["GlobalSecondaryIndexes"][0]["OnDemandThroughput"] == kept


def test_a_ceiling_goes_with_the_billing_mode(ask: Ask) -> None:
    on_demand = {"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": None}
    created(ask, **on_demand, OnDemandThroughput={"MaxReadRequestUnits": 5})
    assert described(ask, "plain")["OnDemandThroughput"] == {"MaxReadRequestUnits": 5}
    updated(ask, BillingMode="PROVISIONED", **asked_units(1, 1))
    assert "OnDemandThroughput" not in described(ask, "plain")


@pytest.mark.parametrize(
    "given, arn",
    [
        ("alias/mine", "arn:aws:kms:local:000000000000:alias/mine"),
        ("key/1-2", "arn:aws:kms:local:000000000000:key/1-2"),
        ("1-2", "arn:aws:kms:local:000000000000:key/1-2"),
        ("arn:aws:kms:eu-west-1:1:key/1-2", "arn:aws:kms:eu-west-1:1:key/1-2"),
    ],
)
def test_a_key_of_your_own(ask: Ask, given: str, arn: str) -> None:
    encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": given}
    shown = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}
    assert created(ask, SSESpecification=encryption)["SSEDescription"] == shown
    assert described(ask, "plain")["SSEDescription"] == shown
    assert "SSEDescription" not in updated(ask, SSESpecification={"Enabled": False})
    assert "SSEDescription" not in described(ask, "plain")


def test_encryption_without_a_key_of_your_own(ask: Ask) -> None:
    assert "SSEDescription" not in created(ask, SSESpecification={"Enabled": False})
    shown = updated(ask, SSESpecification={"Enabled": True})["SSEDescription"]
    assert (shown["Status"], shown["SSEType"]) == ("ENABLED", "KMS")
    assert shown["KMSMasterKeyArn"].startswith("arn:aws:kms:local:000000000000:key/")


def test_a_stream_has_an_arn_from_the_first_answer_on(ask: Ask, clock: Clock) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    clock.now += 0.25
    label = "2027-01-15T08:00:00.250"
    latest = {"LatestStreamLabel": label, "LatestStreamArn": f"{ARN}plain/stream/{label}"}
    on = {"StreamSpecification": stream, **latest}
    assert created(ask, StreamSpecification=stream).items() >= on.items()
    assert described(ask, "plain").items() >= on.items()
    clock.now += 1
    off = updated(ask, StreamSpecification={"StreamEnabled": False})
    assert "StreamSpecification" not in off
    assert off.items() >= latest.items()
    again = updated(ask, StreamSpecification=stream)
    assert again["LatestStreamLabel"] == "2027-01-15T08:00:01.250"
    assert described(ask, "plain")["LatestStreamArn"] == f"{ARN}plain/stream/2027-01-15T08:00:01.250"


def test_a_table_without_a_stream(ask: Ask) -> None:
    made = created(ask, StreamSpecification={"StreamEnabled": False})
    assert not made.keys() & {"StreamSpecification", "LatestStreamArn", "LatestStreamLabel"}


def test_classes_and_protection(ask: Ask) -> None:
    made = created(ask, TableClass="STANDARD_INFREQUENT_ACCESS", DeletionProtectionEnabled=True)
    assert made["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert made["DeletionProtectionEnabled"] is True
    changing = updated(ask, TableClass="STANDARD", DeletionProtectionEnabled=False)
    view = described(ask, "plain")
    assert view["TableClassSummary"] == changing["TableClassSummary"] == {"TableClass": "STANDARD"}
    assert view["DeletionProtectionEnabled"] is changing["DeletionProtectionEnabled"] is False


def test_an_index_that_comes_and_one_that_goes(ask: Ask) -> None:
    create = {"Create": index("by_h", keys("h"), {"ProjectionType": "KEYS_ONLY"})}
    coming = ask("UpdateTable", AttributeDefinitions=definitions("h"), GlobalSecondaryIndexUpdates=[create])
    old, new = coming["TableDescription"]["GlobalSecondaryIndexes"]
    assert (old["IndexStatus"], new["IndexStatus"]) == ("ACTIVE", "CREATING")
    by_h = {**TAB["GlobalSecondaryIndexes"][0], **index("by_h", keys("h"), {"ProjectionType": "KEYS_ONLY"})}
    by_h["IndexArn"] = ARN + "tab/index/by_h"
    known = {one["AttributeName"]: one for one in [*TAB["AttributeDefinitions"], *definitions("h")]}
    with_h = {**TAB, "AttributeDefinitions": [known[name] for name in sorted(known)]}
    with_h["GlobalSecondaryIndexes"] = [TAB["GlobalSecondaryIndexes"][0], by_h]
    assert described(ask) == with_h
    ask("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_g"}}])
    without_g = [known[name] for name in sorted(known) if name != "gk"]
    assert described(ask) == {**with_h, "AttributeDefinitions": without_g, "GlobalSecondaryIndexes": [by_h]}
    ask("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_h"}}])
    assert "GlobalSecondaryIndexes" not in described(ask)


@pytest.mark.parametrize(
    "operation, members, answer",
    [
        (
            "DescribeContinuousBackups",
            {},
            {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
                }
            },
        ),
        (
            "DescribeLimits",
            {},
            {
                "AccountMaxReadCapacityUnits": 80_000,
                "AccountMaxWriteCapacityUnits": 80_000,
                "TableMaxReadCapacityUnits": 40_000,
                "TableMaxWriteCapacityUnits": 40_000,
            },
        ),
        (
            "DescribeEndpoints",
            {},
            {"Endpoints": [{"Address": "dynamodb.local.amazonaws.com", "CachePeriodInMinutes": 1440}]},
        ),
        ("DescribeTimeToLive", {}, {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        ("ListTables", {}, {"TableNames": ["tab"]}),
        ("ListTagsOfResource", {"ResourceArn": ARN + "tab"}, {"Tags": []}),
    ],
)
def test_fixed_answers(ask: Ask, operation: str, members: Wire, answer: Wire) -> None:
    assert ask(operation, **members) == answer


def expire(ask: Ask, name: str, *, enabled: bool) -> Wire:
    return ask("UpdateTimeToLive", TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled})


def why_not(ask: Ask, name: str, *, enabled: bool) -> str:
    with pytest.raises(DynamoError) as error:
        expire(ask, name, enabled=enabled)
    return str(error.value)


def test_a_time_to_live_is_for_one_attribute(ask: Ask) -> None:
    disabled = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    assert why_not(ask, "expires", enabled=False) == "ValidationException: TimeToLive is already disabled"
    answer = expire(ask, "expires", enabled=True)
    assert answer == {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
    assert why_not(ask, "other", enabled=True) == "ValidationException: TimeToLive is already enabled"
    assert why_not(ask, "other", enabled=False) == (
        "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is expires"
    )
    shown = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    assert ask("DescribeTimeToLive") == {"TimeToLiveDescription": shown}
    expire(ask, "expires", enabled=False)
    assert ask("DescribeTimeToLive") == disabled


def test_tags_are_listed_as_they_were_last_given(ask: Ask) -> None:
    created(ask, Tags=[{"Key": "made", "Value": "here"}])
    arn = {"ResourceArn": ARN + "plain"}
    letters = [{"Key": "é β 9_.:/=+-", "Value": ""}, {"Key": "a" * 128, "Value": "ø" * 256}]
    assert ask("TagResource", **arn, Tags=[*letters, {"Key": "made", "Value": "again"}]) == {}
    assert ask("ListTagsOfResource", **arn) == {"Tags": [{"Key": "made", "Value": "again"}, *letters]}
    assert ask("UntagResource", **arn, TagKeys=["made", "never"]) == {}
    assert ask("ListTagsOfResource", **arn) == {"Tags": letters}


def test_a_table_has_at_most_50_tags(ask: Ask) -> None:
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    ask("TagResource", ResourceArn=ARN + "tab", Tags=many)
    assert ask("ListTagsOfResource", ResourceArn=ARN + "tab")["Tags"] == many
