"""Writes keep items, indexes and sizes in step, in one transaction or not at all."""

import json
from decimal import Decimal
from typing import Any

import pytest
import strategies as some
from embedded import TABLE, Ask, Clock, key
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.item_texts import changed_text, read_text
from flyexpr.engines.sqlite.disk.keys import segment_range
from flyexpr.engines.sqlite.rules.writes import SMALL
from flyexpr.values.sizes import item_size

ALL = segment_range(0, 1)
FIVE_YEARS = 157_680_000  # seconds; an item that expired longer ago stays

ATTRIBUTE = st.sampled_from(["gk", "lk", "x", "y"])
VALUES = {
    "gk": st.sampled_from(["g1", "g2"]).map(lambda text: {"S": text}),
    "lk": st.sampled_from(["AA==", "/w=="]).map(lambda text: {"B": text}),
    "x": st.one_of(st.integers(-1000, 1000).map(lambda n: {"N": str(n)}), st.just({"BOOL": True})),
    "y": st.text("aé😀", max_size=3).map(lambda text: {"L": [{"S": text}]}),
}
SET = ATTRIBUTE.flatmap(lambda name: st.tuples(st.just(name), VALUES[name]))
STEP: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 2), st.lists(SET)),
    st.tuples(st.just("set"), st.integers(0, 2), st.lists(SET, min_size=1, max_size=1)),
    st.tuples(st.just("remove"), st.integers(0, 2), st.lists(SET, min_size=1, max_size=1)),
    st.tuples(st.just("delete"), st.integers(0, 2), st.just([])),
)


def take(engine: SqliteEngine, kind: str, sort: int, attributes: list[tuple[str, Any]]) -> None:
    if kind == "put":
        call(engine, "PutItem", {"TableName": "tab", "Item": {**dict(attributes), **key(sort)}})
    elif kind == "delete":
        call(engine, "DeleteItem", {"TableName": "tab", "Key": key(sort)})
    else:
        ((name, value),) = attributes
        update: dict[str, Any] = {"UpdateExpression": f"REMOVE {name}"}
        if kind == "set":
            update = {"UpdateExpression": f"SET {name} = :v", "ExpressionAttributeValues": {":v": value}}
        call(engine, "UpdateItem", {"TableName": "tab", "Key": key(sort), **update})


def canonical(item: dict[str, Any]) -> str:
    return json.dumps(item, sort_keys=True)


@given(st.lists(STEP, max_size=12))
def test_indexes_and_sizes_follow_every_write(steps: list[tuple[str, int, list[tuple[str, Any]]]]) -> None:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        for step in steps:
            take(engine, *step)
        storage = engine._storage
        assert storage is not None
        with storage.transaction("DEFERRED"):
            table = storage.table("tab")
            items = []
            for size, text in storage.rows(table.store, ALL):
                items.append(json.loads(text))
                assert size == item_size(read_text(text))
            for index in table.indexes:
                entries = [(size, json.loads(text)) for size, text in storage.rows(index.store, ALL)]
                held = [entry for _, entry in entries]
                wanted = [
                    {name: item[name] for name in item if index.projected is None or name in index.projected}
                    for item in items
                    if all(name in item for name in index.key.names)
                ]
                assert sorted(held, key=canonical) == sorted(wanted, key=canonical)
                assert all(size == item_size(read_text(json.dumps(entry).encode())) for size, entry in entries)


@given(some.items.filter(bool), some.items, st.lists(some.names, unique=True), st.booleans())
def test_a_changed_text_is_that_of_the_changed_item(
    before: dict[str, Any], other: dict[str, Any], names: list[str], nested: bool
) -> None:
    if nested:  # what changes stands within another attribute too
        before = {**before, "inner": dict(before)}
    after = {name: value for name, value in before.items() if name not in names or name in other}
    after |= {name: other[name] for name in names if name in other}
    assert changed_text(item_text(before), after, names) == item_text(after)


@pytest.mark.parametrize("names", [["a"], ["b"], ["c"], ["a", "b"], ["a", "b", "c"], ["d"]])
def test_attributes_that_go_leave_no_comma(names: list[str]) -> None:
    before = {"a": 1, "b": "x", "c": None}
    after = {name: value for name, value in before.items() if name not in names}
    assert changed_text(item_text(before), after, names) == item_text(after)


def test_a_refused_update_changes_nothing(ask: Ask) -> None:
    item = {**key(1), "gk": {"S": "g"}, "l": {"L": []}}
    ask("PutItem", Item=item)
    values = {":v": {"N": "1"}, ":w": {"S": "w"}}
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key gk "
        "Expected: S Actual: N IndexName: by_g",
    ):
        ask(
            "UpdateItem",
            Key=key(1),
            UpdateExpression="SET x = :w, gk = :v",
            ExpressionAttributeValues=values,
        )
    assert ask("GetItem", Key=key(1))["Item"] == item
    assert ask("Scan", IndexName="by_g")["Items"] == [{**key(1), "gk": {"S": "g"}}]


def test_an_update_must_not_nest_too_deep(ask: Ask) -> None:
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(30):
        deep = {"L": [deep]}
    ask("PutItem", Item={**key(1), "a": {"M": {"b": {"M": {}}}}})
    update = {"UpdateExpression": "SET a.b.c = :v", "ExpressionAttributeValues": {":v": deep}}
    with raises(
        DynamoError,
        "ValidationException: Nesting Levels have exceeded supported limits",
    ):
        ask("UpdateItem", Key=key(1), **update)
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=[{"Update": {"TableName": "tab", "Key": key(1), **update}}])
    assert [reason["Code"] for reason in error.value.fields["CancellationReasons"]] == ["ValidationError"]


@pytest.mark.parametrize("stored", [None, 100, SMALL, SMALL + 1])
def test_an_update_that_is_wrong_and_too_large_is_too_large_whatever_is_stored(ask: Ask, stored: int | None) -> None:
    if stored is not None:
        room = stored - item_size({"pk": "p", "sk": Decimal(1), "old": ""})
        ask("PutItem", Item={**key(1), "old": {"S": "x" * room}})
    update = {
        "TableName": "tab",
        "Key": key(1),
        "UpdateExpression": "SET a = :v, b = :v, c = :v, d = :v, e = nowhere",
        "ExpressionAttributeValues": {":v": {"S": "x" * 110_000}},
    }
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=[{"Update": update}])
    told = "Item size to update has exceeded the maximum allowed size"
    assert error.value.fields["CancellationReasons"] == [{"Code": "ValidationError", "Message": told}]


def test_a_cancelled_transaction_tells_each_reason_and_writes_nothing(ask: Ask) -> None:
    ask("PutItem", Item={**key(1), "n": {"S": "one"}})
    actions = [
        {"Put": {"TableName": "tab", "Item": key(2)}},
        {
            "Delete": {
                "TableName": "tab",
                "Key": key(1),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        {
            "Update": {
                "TableName": "tab",
                "Key": key(3),
                "UpdateExpression": "SET a.b = :v",
                "ExpressionAttributeValues": {":v": {"N": "1"}},
            }
        },
    ]
    with pytest.raises(DynamoError) as error:
        ask("TransactWriteItems", TransactItems=actions)
    assert error.value.fields["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**key(1), "n": {"S": "one"}},
        },
        {
            "Code": "ValidationError",
            "Message": "The document path provided in the update expression is invalid for update",
        },
    ]
    assert ask("Scan")["Count"] == 1


def test_a_token_is_forgotten_after_ten_minutes(ask: Ask, clock: Clock) -> None:
    update = {
        "TableName": "tab",
        "Key": key(1),
        "UpdateExpression": "ADD n :v",
        "ExpressionAttributeValues": {":v": {"N": "1"}},
    }
    for seconds, expected in ((0, "1"), (599, "1"), (2, "2")):
        clock.now += seconds
        ask("TransactWriteItems", TransactItems=[{"Update": update}], ClientRequestToken="again")
        assert ask("GetItem", Key=key(1))["Item"]["n"] == {"N": expected}


def test_a_cancelled_transaction_leaves_its_token_free(ask: Ask) -> None:
    check = {"TableName": "tab", "Key": key(1), "ConditionExpression": "attribute_exists(pk)"}
    actions = [{"ConditionCheck": check}, {"Put": {"TableName": "tab", "Item": key(2)}}]
    with pytest.raises(DynamoError):
        ask("TransactWriteItems", TransactItems=actions, ClientRequestToken="again")
    ask("PutItem", Item=key(1))
    ask("TransactWriteItems", TransactItems=actions, ClientRequestToken="again")
    assert ask("Scan")["Count"] == 2


def test_a_batch_with_one_bad_request_writes_nothing(ask: Ask) -> None:
    good, bad = {"PutRequest": {"Item": key(1)}}, {"PutRequest": {"Item": {"pk": {"S": "p"}}}}
    with raises(DynamoError, "ValidationException: The provided key element does not match the schema"):
        ask("BatchWriteItem", RequestItems={"tab": [good, bad]})
    assert ask("Scan")["Count"] == 0


@pytest.mark.parametrize(
    "expires, stays",
    [
        ({"N": "-1"}, False),
        ({"N": "-1.5"}, False),
        ({"N": "60"}, True),
        ({"S": "-1"}, True),
        ({"N": str(-FIVE_YEARS + 60)}, False),
        ({"N": str(-FIVE_YEARS - 60)}, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("enabled_first", [True, False])
def test_expired_items_go_with_their_index_entries(
    ask: Ask, clock: Clock, expires: dict[str, str], stays: bool, enabled_first: bool
) -> None:
    ((kind, offset),) = expires.items()
    when = str(int(clock.now + float(offset)))
    enable = {"TimeToLiveSpecification": {"AttributeName": "exp", "Enabled": True}}
    if enabled_first:
        ask("UpdateTimeToLive", **enable)
    ask("PutItem", Item={**key(1), "gk": {"S": "g"}, "exp": {kind: when}})
    if not enabled_first:
        ask("UpdateTimeToLive", **enable)
    clock.now += 2
    assert ask("Scan")["Count"] == int(stays)
    assert ask("Scan", IndexName="by_g")["Count"] == int(stays)


def test_an_item_whose_time_is_put_off_stays(ask: Ask, clock: Clock) -> None:
    ask("UpdateTimeToLive", TimeToLiveSpecification={"AttributeName": "exp", "Enabled": True})
    ask("PutItem", Item={**key(1), "exp": {"N": str(int(clock.now) + 1)}})
    update = {"UpdateExpression": "SET exp = exp + :v", "ExpressionAttributeValues": {":v": {"N": "100"}}}
    ask("UpdateItem", Key=key(1), **update)
    clock.now += 50
    assert ask("Scan")["Count"] == 1
    clock.now += 100
    assert ask("Scan")["Count"] == 0


def test_time_to_live_can_be_ended(ask: Ask, clock: Clock) -> None:
    specification = {"AttributeName": "exp", "Enabled": True}
    ask("UpdateTimeToLive", TimeToLiveSpecification=specification)
    ask("PutItem", Item={**key(1), "exp": {"N": str(int(clock.now) + 1)}})
    with raises(DynamoError, "ValidationException: TimeToLive is already enabled"):
        ask("UpdateTimeToLive", TimeToLiveSpecification=specification)
    ask("UpdateTimeToLive", TimeToLiveSpecification={**specification, "Enabled": False})
    clock.now += 50
    assert ask("Scan")["Count"] == 1
    assert ask("DescribeTimeToLive")["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}


def test_item_collection_metrics_are_told_of_tables_with_a_local_index(ask: Ask) -> None:
    answer = ask("PutItem", Item=key(1), ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"pk": {"S": "p"}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }


def test_attributes_in_another_order_change_no_index(ask: Ask) -> None:
    item = {**key(1), "gk": {"S": "g"}, "x": {"N": "1"}}
    ask("PutItem", Item=item)
    again = ask("PutItem", Item=dict(reversed(item.items())), ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert again == {"TableName": "tab", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}


@pytest.mark.parametrize("returns", ["UPDATED_OLD", "UPDATED_NEW"])
def test_an_update_without_expression_has_updated_nothing(ask: Ask, returns: str) -> None:
    ask("PutItem", Item={**key(1), "x": {"N": "1"}})
    assert ask("UpdateItem", Key=key(1), ReturnValues=returns) == {}
