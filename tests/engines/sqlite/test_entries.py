"""Which items have an entry in an index: those with every key attribute, of its type, not empty and not too large.

Items that were stored before an index was made may have anything there. They must not be in it, and no later write of
them may fail for that.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from embedded import Ask, Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

Wire = dict[str, Any]

VALUES: list[Wire] = [
    {"S": "text"},
    {"S": ""},
    {"N": "7"},
    {"B": "AAA="},
    {"B": ""},
    {"BOOL": True},
    {"NULL": True},
    {"L": []},
    {"L": [{"S": "text"}]},
    {"M": {}},
    {"SS": ["a"]},
    {"NS": ["1"]},
    {"BS": ["AAA="]},
    {"S": "x" * 3000},
    {"B": "QUFB" * 1000},
]
FITTING = {("S", '{"S": "text"}'), ("N", '{"N": "7"}'), ("B", '{"B": "AAA="}')}
BASE = {
    "TableName": "tab",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
KEY = {"id": {"S": "a"}}


def index_of(kind: str, name: str = "by_x", **keys: str) -> dict[str, Any]:
    """UpdateTable's members for a new index by `x` of a type, or by the keys given as attribute=HASH or RANGE."""
    keys = keys or {"x": "HASH"}
    schema = [{"AttributeName": attribute, "KeyType": role} for attribute, role in keys.items()]
    return {
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind} for attribute in keys],
        "GlobalSecondaryIndexUpdates": [
            {"Create": {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}}
        ],
    }


def put(ask: Ask) -> None:
    ask("PutItem", Item={**KEY, "y": {"S": "new"}})


def update_another(ask: Ask) -> None:
    ask("UpdateItem", Key=KEY, UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": {"S": "new"}})


def remove(ask: Ask) -> None:
    ask("UpdateItem", Key=KEY, UpdateExpression="REMOVE x")


def older_update(ask: Ask) -> None:
    ask("UpdateItem", Key=KEY, AttributeUpdates={"y": {"Value": {"S": "new"}, "Action": "PUT"}})


def delete(ask: Ask) -> None:
    ask("DeleteItem", Key=KEY)


def batch_put(ask: Ask) -> None:
    ask("BatchWriteItem", RequestItems={"tab": [{"PutRequest": {"Item": KEY}}]})


def batch_delete(ask: Ask) -> None:
    ask("BatchWriteItem", RequestItems={"tab": [{"DeleteRequest": {"Key": KEY}}]})


def transact_put(ask: Ask) -> None:
    ask("TransactWriteItems", TransactItems=[{"Put": {"TableName": "tab", "Item": KEY}}])


def transact_update(ask: Ask) -> None:
    update = {"UpdateExpression": "SET y = :y", "ExpressionAttributeValues": {":y": {"S": "new"}}}
    ask("TransactWriteItems", TransactItems=[{"Update": {"TableName": "tab", "Key": KEY, **update}}])


def transact_delete(ask: Ask) -> None:
    ask("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "tab", "Key": KEY}}])


WRITES: list[tuple[Callable[[Ask], None], bool]] = [  # what is done, and whether the item keeps x
    (put, False),
    (update_another, True),
    (remove, False),
    (older_update, True),
    (delete, False),
    (batch_put, False),
    (batch_delete, False),
    (transact_put, False),
    (transact_update, True),
    (transact_delete, False),
]


@pytest.fixture
def embedded(clock: Clock) -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:", clock=clock) as engine:
        call(engine, "CreateTable", BASE)
        yield engine


@pytest.mark.parametrize("value", VALUES, ids=lambda value: json.dumps(value)[:20])
@pytest.mark.parametrize("kind", ["S", "N", "B"])
def test_what_was_stored_before_an_index_stops_no_write(ask: Ask, clock: Clock, kind: str, value: Wire) -> None:
    fits = (kind, json.dumps(value)) in FITTING
    ask("PutItem", Item={**KEY, "x": value})
    ask("UpdateTable", **index_of(kind))
    assert ask("Scan", IndexName="by_x")["Count"] == fits
    for write, keeps in WRITES:
        write(ask)
        assert ask("Scan", IndexName="by_x")["Count"] == (fits and keeps), write
        ask("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_x"}}])
        ask("PutItem", Item={**KEY, "x": value})
        ask("UpdateTable", **index_of(kind))
    ask("UpdateTimeToLive", TimeToLiveSpecification={"AttributeName": "exp", "Enabled": True})
    soon = {":t": {"N": str(int(clock.now) + 5)}}
    ask("UpdateItem", Key=KEY, UpdateExpression="SET exp = :t", ExpressionAttributeValues=soon)
    clock.now += 60
    assert ask("Scan")["Count"] == ask("Scan", IndexName="by_x")["Count"] == 0


REFUSED = [value for value in VALUES if json.dumps(value) not in {text for _, text in FITTING}]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: json.dumps(value)[:20])
def test_what_is_written_after_it_has_to_fit(ask: Ask, value: Wire) -> None:
    ask("UpdateTable", **index_of("S"))
    for operation, members in (
        ("PutItem", {"Item": {**KEY, "x": value}}),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": value}}),
    ):
        with pytest.raises(DynamoError, match="ValidationException"):
            ask(operation, **members)
    assert ask("Scan")["Count"] == 0


TOO_LONG = "Size of hashkey has exceeded the maximum size limit of2048 bytes"
TOO_LONG_TO_SORT = "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
SIZES: list[tuple[dict[str, str], dict[str, int], str]] = [
    ({"x": "HASH"}, {"x": 2048}, ""),
    ({"x": "HASH"}, {"x": 2049}, TOO_LONG),
    ({"x": "HASH", "y": "HASH"}, {"x": 1000, "y": 1048}, ""),
    ({"x": "HASH", "y": "HASH"}, {"x": 1000, "y": 1049}, TOO_LONG),
    ({"x": "HASH", "y": "RANGE"}, {"x": 2048, "y": 1024}, ""),
    ({"x": "HASH", "y": "RANGE"}, {"x": 1, "y": 1025}, TOO_LONG_TO_SORT),
    ({"x": "HASH", "y": "RANGE", "z": "RANGE"}, {"x": 1, "y": 1000, "z": 24}, ""),
    ({"x": "HASH", "y": "RANGE", "z": "RANGE"}, {"x": 1, "y": 1000, "z": 25}, TOO_LONG_TO_SORT),
    ({"x": "HASH", "y": "RANGE"}, {"x": 2049, "y": 1025}, TOO_LONG),
]


@pytest.mark.parametrize("schema, sizes, message", SIZES, ids=[str(sizes) for _, sizes, _ in SIZES])
def test_the_size_of_a_key(ask: Ask, schema: dict[str, str], sizes: dict[str, int], message: str) -> None:
    """Of a table and of an index, in text of two bytes a letter where it comes out even."""
    item = {name: {"S": "é" * (size // 2) + "e" * (size % 2)} for name, size in sizes.items()}
    ask("UpdateTable", **index_of("S", **schema))
    if len(schema) == len({*schema.values()}):
        keys = [{"AttributeName": name, "KeyType": role} for name, role in schema.items()]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in schema]
        ask("CreateTable", **{**BASE, "TableName": "other", "KeySchema": keys, "AttributeDefinitions": types})
        assert told_of(ask, "PutItem", TableName="other", Item=item) == message
        for operation in ("GetItem", "UpdateItem", "DeleteItem"):
            assert told_of(ask, operation, TableName="other", Key=item) == message, operation
    assert told_of(ask, "PutItem", Item=KEY | item) == (message and f"{message} IndexName: by_x")
    assert ask("Scan", IndexName="by_x")["Count"] == (not message)


def told_of(ask: Ask, operation: str, **members: Any) -> str:
    """What a request is refused with, without how all such messages begin; nothing where it is done."""
    try:
        ask(operation, **members)
    except DynamoError as error:
        return error.message.removeprefix("One or more parameter values were invalid: ")
    return ""


def test_an_item_is_repaired_by_an_update(ask: Ask) -> None:
    ask("PutItem", Item={**KEY, "x": {"M": {}}})
    ask("UpdateTable", **index_of("S"))
    ask("UpdateItem", Key=KEY, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": {"S": "now"}})
    assert ask("Scan", IndexName="by_x")["Items"] == [{**KEY, "x": {"S": "now"}}]


def test_only_a_changed_attribute_of_a_key_is_looked_at(ask: Ask) -> None:
    """Of a key of two attributes one does not fit, and the other is set: that is allowed, and makes no entry."""
    ask("PutItem", Item={**KEY, "x": {"S": "x" * 3000}, "z": {"BOOL": True}})
    ask("UpdateTable", **index_of("S", x="HASH", y="HASH", z="RANGE"))
    ask("UpdateItem", Key=KEY, UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": {"S": "y"}})
    assert ask("Scan", IndexName="by_x")["Count"] == 0
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Size of hashkey has exceeded the "
        "maximum size limit of2048 bytes IndexName: by_x",
    ):
        ask("UpdateItem", Key=KEY, UpdateExpression="SET y = :y, z = :y", ExpressionAttributeValues={":y": {"S": "y"}})


@pytest.mark.parametrize("x", [{"S": ""}, {"S": "x" * 3000}])
def test_a_start_key_that_no_entry_has(ask: Ask, x: Wire) -> None:
    ask("UpdateTable", **index_of("S"))
    with pytest.raises(DynamoError, match=r"The provided starting key is invalid|Size of hashkey has exceeded"):
        ask("Scan", IndexName="by_x", ExclusiveStartKey={**KEY, "x": x})


# The law: an index equals what its table says.

KINDS = ["S", "N", "B"]
NAMES = st.sampled_from(["x", "y", "z"])
SCHEMAS = [{"x": "HASH"}, {"y": "HASH"}, {"x": "HASH", "y": "RANGE"}, {"x": "HASH", "y": "HASH", "z": "RANGE"}]
STEP = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 3), st.dictionaries(NAMES, st.sampled_from(VALUES))),
    st.tuples(st.just("set"), st.integers(0, 3), NAMES, st.sampled_from(VALUES)),
    st.tuples(st.just("remove"), st.integers(0, 3), NAMES),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("index"), st.sampled_from(KINDS), st.sampled_from(SCHEMAS)),
    st.tuples(st.just("drop")),
)


def take(engine: SqliteEngine, made: Iterator[int], step: tuple[Any, ...]) -> None:
    """Do one step; what the service refuses changes nothing."""
    match step:
        case ("put", number, attributes):
            call(engine, "PutItem", {"TableName": "tab", "Item": {"id": {"S": str(number)}, **attributes}})
        case ("set", number, name, value):
            update = {"UpdateExpression": f"SET {name} = :v", "ExpressionAttributeValues": {":v": value}}
            call(engine, "UpdateItem", {"TableName": "tab", "Key": {"id": {"S": str(number)}}, **update})
        case ("remove", number, name):
            call(
                engine,
                "UpdateItem",
                {"TableName": "tab", "Key": {"id": {"S": str(number)}}, "UpdateExpression": f"REMOVE {name}"},
            )
        case ("delete", number):
            call(engine, "DeleteItem", {"TableName": "tab", "Key": {"id": {"S": str(number)}}})
        case ("index", kind, schema):
            call(engine, "UpdateTable", {"TableName": "tab", **index_of(kind, f"index{next(made)}", **schema)})
        case _:
            described = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
            for index in described.get("GlobalSecondaryIndexes", [])[:1]:
                gone = [{"Delete": {"IndexName": index["IndexName"]}}]
                call(engine, "UpdateTable", {"TableName": "tab", "GlobalSecondaryIndexUpdates": gone})


def check_indexes(engine: SqliteEngine) -> None:
    """None if every index holds exactly the items of the table that have its key."""
    described = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
    kinds = {one["AttributeName"]: one["AttributeType"] for one in described["AttributeDefinitions"]}
    items = call(engine, "Scan", {"TableName": "tab"})["Items"]
    for index in described.get("GlobalSecondaryIndexes", []):
        wanted = [item for item in items if has_entry(item, index["KeySchema"], kinds)]
        found = call(engine, "Scan", {"TableName": "tab", "IndexName": index["IndexName"]})["Items"]
        assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, wanted)), index["IndexName"]


def has_entry(item: Wire, schema: list[dict[str, str]], kinds: dict[str, str]) -> bool:
    sizes = {"HASH": 0, "RANGE": 0}
    for element in schema:
        name = element["AttributeName"]
        body = item.get(name, {}).get(kinds[name])
        if not body:
            return False
        sizes[element["KeyType"]] += len(body) * 3 // 4 if kinds[name] == "B" else len(body)
    return sizes["HASH"] <= 2048 and sizes["RANGE"] <= 1024


@settings(max_examples=60)
@given(st.lists(STEP, max_size=25))
def test_an_index_equals_what_its_table_says(steps: list[tuple[Any, ...]]) -> None:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", BASE)
        made = itertools.count()
        for step in steps:
            try:
                take(engine, made, step)
            except DynamoError as error:
                if error.code not in ("ValidationException", "LimitExceededException"):
                    raise
        check_indexes(engine)
