"""DynamoDB Streams: what makes a record, what a record holds, shards, iterators, and how streams end."""

import json
import pickle
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from embedded import Clock, key
from raised import raises
from streaming import BOTH, OFF, STREAMED, Wire, described, iterator, pages, records, shown, stream_of
from words import cases

from flyexpr import DynamoError, FlyexprError
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.keeping import Keeping
from flyexpr.engines.sqlite.operations import streams
from flyexpr.values.sizes import item_size

Make = Callable[..., SqliteEngine]
CHILDREN = {"Type": "CHILD_SHARDS"}
ONE = {":one": {"N": "1"}, ":zero": {"N": "0"}, ":a": {"S": "a"}}


@pytest.fixture
def engine(clock: Clock) -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:", clock=clock) as engine:
        call(engine, "CreateTable", STREAMED)
        yield engine


def put(engine: SqliteEngine, sort: int = 1, /, **attributes: Any) -> None:
    call(engine, "PutItem", {"TableName": "streamed", "Item": {**key(sort), **attributes}})


def update(engine: SqliteEngine, text: str, sort: int = 1) -> None:
    values = {name: value for name, value in ONE.items() if re.search(rf"{name}\b", text)}
    request = {"TableName": "streamed", "Key": key(sort), "UpdateExpression": text}
    call(engine, "UpdateItem", {**request, **({"ExpressionAttributeValues": values} if values else {})})


def delete(engine: SqliteEngine, sort: int = 1) -> None:
    call(engine, "DeleteItem", {"TableName": "streamed", "Key": key(sort)})


def alter(engine: SqliteEngine, specification: Wire) -> Wire:
    altered: Wire = call(engine, "UpdateTable", {"TableName": "streamed", "StreamSpecification": specification})
    return altered["TableDescription"]


def names(engine: SqliteEngine) -> list[str]:
    return [record["eventName"] for record in records(engine)]


def first_shard(engine: SqliteEngine) -> str:
    found: str = described(engine, stream_of(engine))["Shards"][0]["ShardId"]
    return found


# What makes a record


def test_each_change_makes_one_record(engine: SqliteEngine, clock: Clock) -> None:
    put(engine, x={"N": "1"})
    clock.now += 1.5
    put(engine, x={"N": "2"})
    update(engine, "SET y = :a")
    delete(engine)
    old, new = {**key(1), "x": {"N": "2"}}, {**key(1), "x": {"N": "2"}, "y": {"S": "a"}}
    found = records(engine)
    assert [
        (record["eventName"], shown(record).get("OldImage"), shown(record).get("NewImage")) for record in found
    ] == [
        ("INSERT", None, {**key(1), "x": {"N": "1"}}),
        ("MODIFY", {**key(1), "x": {"N": "1"}}, old),
        ("MODIFY", old, new),
        ("REMOVE", new, None),
    ]
    assert [shown(record)["ApproximateCreationDateTime"] for record in found] == [1_800_000_000] + 3 * [1_800_000_001]


def test_a_record_whole(engine: SqliteEngine) -> None:
    put(engine, x={"S": "é"})
    (record,) = records(engine)
    assert re.fullmatch("[0-9a-f]{32}", record.pop("eventID"))
    assert re.fullmatch("[0-9]{21}", record["dynamodb"].pop("SequenceNumber"))
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_800_000_000,
            "Keys": key(1),
            "NewImage": {**key(1), "x": {"S": "é"}},
            "SizeBytes": 17,  # the key, and the key again with two letters and a name
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_AND_OLD_IMAGES"])
@pytest.mark.parametrize(
    ("stored", "size"),  # of the values of the key
    [
        ({"pk": {"S": "a"}}, 1),
        ({"pk": {"S": "é, "}, "s\n%d k": {"S": 'a"},"x":{"S":"b'}}, 19),
        ({"s\n%d k": {"S": "a"}, "pk": {"B": "YWI="}}, 3),
        ({"pk": {"N": "0"}, "s\n%d k": {"N": "1200"}}, 3),
        ({"pk": {"N": "-12.5"}, "s\n%d k": {"N": "-7"}}, 7),
        ({"nested": {"M": {"pk": {"S": "b"}}}, "pk": {"S": "a"}, "s\n%d k": {"B": "YQ=="}}, 2),
    ],
)
def test_a_record_has_the_key_of_its_item(engine: SqliteEngine, stored: dict[str, Wire], size: int, view: str) -> None:
    types = {name: next(iter(stored[name])) for name in ("pk", "s\n%d k") if name in stored}
    roles = [{"AttributeName": name, "KeyType": role} for name, role in zip(types, ("HASH", "RANGE"), strict=False)]
    table = {
        "TableName": "of_keys",
        "KeySchema": roles,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": view},
    }
    call(engine, "CreateTable", STREAMED | table)
    call(engine, "PutItem", {"TableName": "of_keys", "Item": stored})
    call(engine, "DeleteItem", {"TableName": "of_keys", "Key": {name: stored[name] for name in types}})
    inserted, removed = map(shown, records(engine, stream_of(engine, "of_keys")))
    assert inserted["Keys"] == removed["Keys"] == {name: stored[name] for name in types}
    names = sum(len(name) for name in types)
    image = size + names + (len("nested") + 3 + 1 + len("pkb") if "nested" in stored else 0)
    assert inserted["SizeBytes"] == removed["SizeBytes"] == names + size + (0 if view == "KEYS_ONLY" else image)


@pytest.mark.parametrize(
    "text", ["REMOVE gone", "ADD n :zero", "SET n = n + :zero", "SET s = if_not_exists(s, :a)", "DELETE t :t"]
)
def test_an_update_that_changes_nothing_makes_no_record(engine: SqliteEngine, text: str) -> None:
    put(engine, n={"N": "1"}, s={"S": "b"}, t={"SS": ["u"]})
    values = {name: value for name, value in {**ONE, ":t": {"SS": ["v"]}}.items() if re.search(rf"{name}\b", text)}
    request = {"TableName": "streamed", "Key": key(1), "UpdateExpression": text}
    call(engine, "UpdateItem", {**request, **({"ExpressionAttributeValues": values} if values else {})})
    assert names(engine) == ["INSERT"]


def test_what_changes_nothing_makes_no_record(engine: SqliteEngine) -> None:
    delete(engine)
    update(engine, "REMOVE x", 2)
    put(engine, n={"N": "1"}, s={"SS": ["a", "b"]}, m={"M": {"a": {"N": "1"}, "b": {"L": [{"BOOL": True}]}}})
    put(engine, m={"M": {"b": {"L": [{"BOOL": True}]}, "a": {"N": "1.0"}}}, s={"SS": ["b", "a"]}, n={"N": "+1"})
    call(
        engine,
        "BatchWriteItem",
        {
            "RequestItems": {
                "streamed": [
                    {"PutRequest": {"Item": {**records(engine)[0]["dynamodb"]["NewImage"]}}},
                    {"DeleteRequest": {"Key": key(3)}},
                ]
            }
        },
    )
    check = {"TableName": "streamed", "Key": key(1), "ConditionExpression": "attribute_exists(pk)"}
    call(engine, "TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]})
    with pytest.raises(DynamoError):
        call(
            engine,
            "PutItem",
            {"TableName": "streamed", "Item": key(1), "ConditionExpression": "attribute_not_exists(pk)"},
        )
    assert names(engine) == ["INSERT"]


def test_the_same_bytes_in_another_order_are_a_change(engine: SqliteEngine) -> None:
    put(engine, n={"N": "12"})
    put(engine, n={"N": "21"})
    put(engine, n={"L": [{"N": "1"}, {"N": "2"}]})
    put(engine, n={"L": [{"N": "2"}, {"N": "1"}]})
    assert names(engine) == ["INSERT", "MODIFY", "MODIFY", "MODIFY"]


def test_an_update_of_nothing_makes_an_item_of_its_key(engine: SqliteEngine) -> None:
    call(engine, "UpdateItem", {"TableName": "streamed", "Key": key(1)})
    update(engine, "SET x = :one")
    delete(engine)
    assert [shown(record).get("OldImage") for record in records(engine)] == [
        None,
        key(1),
        {**key(1), "x": {"N": "1"}},
    ]


def test_batches_and_transactions_make_a_record_for_each_item(engine: SqliteEngine) -> None:
    call(
        engine,
        "BatchWriteItem",
        {"RequestItems": {"streamed": [{"PutRequest": {"Item": key(sort)}} for sort in range(3)]}},
    )
    table = {"TableName": "streamed"}
    update = {"UpdateExpression": "SET x = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    call(
        engine,
        "TransactWriteItems",
        {
            "ClientRequestToken": "once",
            "TransactItems": [
                {"Put": {**table, "Item": key(5)}},
                {"Update": {**table, "Key": key(0), **update}},
                {"Delete": {**table, "Key": key(1)}},
            ],
        },
    )
    found = records(engine)
    assert [record["eventName"] for record in found] == ["INSERT"] * 4 + ["MODIFY", "REMOVE"]
    numbers = [shown(record)["SequenceNumber"] for record in found]
    assert numbers == sorted(set(numbers))


def test_statements_make_records(engine: SqliteEngine) -> None:
    for statement in (
        "INSERT INTO streamed VALUE {'pk': 'p', 'sk': 1, 'x': 1}",
        "UPDATE streamed SET x = x + 1 WHERE pk = 'p' AND sk = 1",
        "UPDATE streamed SET x = 2 WHERE pk = 'p' AND sk = 1",
        "SELECT * FROM streamed",
        "DELETE FROM streamed WHERE pk = 'p' AND sk = 1",
        "DELETE FROM streamed WHERE pk = 'p' AND sk = 1",
    ):
        call(engine, "ExecuteStatement", {"Statement": statement})
    assert names(engine) == ["INSERT", "MODIFY", "REMOVE"]


@pytest.mark.parametrize(
    ("view", "stored"),
    [
        ("KEYS_ONLY", [(None, None), (None, None), (None, None)]),
        ("NEW_IMAGE", [(None, "one"), (None, "two"), (None, None)]),
        ("OLD_IMAGE", [(None, None), ("one", None), ("two", None)]),
        ("NEW_AND_OLD_IMAGES", [(None, "one"), ("one", "two"), ("two", None)]),
    ],
)
def test_the_images_are_those_of_the_view_and_no_others_are_stored(
    engine: SqliteEngine, view: str, stored: list[tuple[str | None, str | None]]
) -> None:
    alter(engine, OFF)
    alter(engine, {"StreamEnabled": True, "StreamViewType": view})
    one, two = {"x": {"S": "one"}}, {"x": {"S": "two"}}
    put(engine, **one)
    put(engine, **two)
    delete(engine)
    words = {"one": {**key(1), **one}, "two": {**key(1), **two}, None: None}
    assert kept(engine) == [(key(1), words[old], words[new]) for old, new in stored]
    whole = [("INSERT", None, "one"), ("MODIFY", "one", "two"), ("REMOVE", "two", None)]
    for record, (name, old, new) in zip(records(engine), whole, strict=True):
        change = shown(record)
        assert (record["eventName"], change["StreamViewType"], change["Keys"]) == (name, view, key(1))
        assert change.get("OldImage") == (words[old] if "OLD" in view else None)
        assert change.get("NewImage") == (words[new] if "NEW" in view else None)


def kept(engine: SqliteEngine) -> list[tuple[Wire, Wire | None, Wire | None]]:
    """The keys of the changes in the newest record, and what it holds of the items before and after."""
    connection = engine._storage.connection
    stores = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'changes%' ORDER BY rowid").fetchall()
    rows = connection.execute(f"SELECT key, old, new FROM {stores[-1][0].decode()} ORDER BY number")
    return [(json.loads(key), old and json.loads(old), new and json.loads(new)) for key, old, new in rows]


def test_a_deletion_by_time_to_live_names_the_service(engine: SqliteEngine, clock: Clock) -> None:
    expiry = {"AttributeName": "until", "Enabled": True}
    call(engine, "UpdateTimeToLive", {"TableName": "streamed", "TimeToLiveSpecification": expiry})
    put(engine, until={"N": str(int(clock.now) + 5)})
    put(engine, 2)
    clock.now += 10
    delete(engine, 2)
    identities = [(record["eventName"], record.get("userIdentity")) for record in records(engine)]
    assert identities == [
        ("INSERT", None),
        ("INSERT", None),
        ("REMOVE", {"type": "Service", "principalId": "dynamodb.amazonaws.com"}),
        ("REMOVE", None),
    ]


def test_the_images_are_the_texts_that_were_stored(engine: SqliteEngine) -> None:
    put(engine, name={"S": 'a"\\\n\u2028é'}, n={"N": "1E+2"}, s={"NS": ["10", "9"]})
    (stored,) = engine._storage.connection.execute("SELECT item FROM items_1").fetchone()
    place = json.dumps({"ShardIterator": iterator(engine, stream_of(engine), first_shard(engine))}).encode()
    assert b'"NewImage":' + stored + b"," in engine("GetRecords", place)


# Shards


@pytest.fixture
def make(clock: Clock) -> Iterator[Make]:
    engines = []

    def make(path: str = ":memory:", **options: Any) -> SqliteEngine:
        engine = SqliteEngine(path, clock=clock, **options)
        engines.append(engine)
        if not call(engine, "ListTables", {})["TableNames"]:
            call(engine, "CreateTable", STREAMED)
        return engine

    yield make
    for engine in engines:
        engine.close()


def test_a_shard_closes_after_a_time_and_has_a_child(make: Make, clock: Clock) -> None:
    engine = make(shard_time=3600)
    for round in range(3):
        for number in range(2):
            put(engine, number, x={"N": str(round)})
        clock.now += 4000
    arn = stream_of(engine)
    shards = described(engine, arn)["Shards"]
    ids = [shard["ShardId"] for shard in shards]
    assert [shard.get("ParentShardId") for shard in shards] == [None, *ids[:2]]
    assert ["EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in shards] == [True, True, False]
    for shard in shards:
        (page, *more) = pages(engine, iterator(engine, arn, shard["ShardId"]))
        assert len(page) == 2
        assert more == ([] if shard is not shards[-1] else [[]])  # a closed shard ends with its last record
        bounds = shard["SequenceNumberRange"]
        numbers = [shown(record)["SequenceNumber"] for record in page]
        assert bounds["StartingSequenceNumber"] < numbers[0]
        assert bounds.get("EndingSequenceNumber", numbers[-1]) == numbers[-1]
    assert described(engine, arn, ShardFilter=CHILDREN | {"ShardId": ids[0]})["Shards"] == shards[1:2]
    assert described(engine, arn, ShardFilter=CHILDREN | {"ShardId": ids[2]})["Shards"] == []


def test_a_batch_that_closes_a_shard_closes_it_once(make: Make, clock: Clock) -> None:
    engine = make(shard_time=60)
    clock.now += 100
    puts = [{"PutRequest": {"Item": key(sort)}} for sort in range(5)]
    call(engine, "BatchWriteItem", {"RequestItems": {"streamed": puts}})
    assert len(described(engine, stream_of(engine))["Shards"]) == 2
    assert len(records(engine)) == 5


def test_several_shards_share_the_partitions(make: Make, clock: Clock) -> None:
    engine = make(shards=3)
    for number in range(40):
        item = {"pk": {"S": str(number % 20)}, "sk": {"N": "1"}, "x": {"N": str(number)}}
        call(engine, "PutItem", {"TableName": "streamed", "Item": item})
    arn = stream_of(engine)
    held = [
        [
            shown(record)["Keys"]["pk"]["S"]
            for page in pages(engine, iterator(engine, arn, shard["ShardId"]))
            for record in page
        ]
        for shard in described(engine, arn)["Shards"]
    ]
    assert len(held) == 3
    assert sorted(name for one in held for name in one) == sorted(str(number) for number in [*range(20), *range(20)])
    assert all(set(one).isdisjoint(other) for one in held for other in held if one is not other)
    assert min(map(len, held)) > 0


def test_a_shard_splits_when_more_are_asked_for(make: Make, clock: Clock, tmp_path: Any) -> None:
    path = str(tmp_path / "tables.db")
    with make(path) as engine:
        put(engine, 1)
    engine = make(path, shards=2, shard_time=60)
    clock.now += 100
    for number in range(20):
        call(engine, "PutItem", {"TableName": "streamed", "Item": {"pk": {"S": str(number)}, "sk": {"N": "1"}}})
    first, *children = described(engine, stream_of(engine))["Shards"]
    assert [child["ParentShardId"] for child in children] == [first["ShardId"]] * 2
    assert len(records(engine)) == 21


def test_shards_come_in_pages(make: Make, clock: Clock) -> None:
    engine = make(shards=3)
    arn = stream_of(engine)
    ids = [shard["ShardId"] for shard in described(engine, arn)["Shards"]]
    page = described(engine, arn, Limit=2)
    assert ([shard["ShardId"] for shard in page["Shards"]], page["LastEvaluatedShardId"]) == (ids[:2], ids[1])
    rest = described(engine, arn, ExclusiveStartShardId=ids[1])
    assert [shard["ShardId"] for shard in rest["Shards"]] == ids[2:]
    assert "LastEvaluatedShardId" not in rest


# Iterators


def test_where_an_iterator_begins(engine: SqliteEngine, clock: Clock) -> None:
    arn, shard = stream_of(engine), first_shard(engine)
    start = described(engine, arn)["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"]
    early = iterator(engine, arn, shard, "LATEST")
    for number in range(4):
        put(engine, number)
        clock.now += 10.0
    numbers = [shown(record)["SequenceNumber"] for record in records(engine)]

    def read(kind: str, **members: Any) -> list[str]:
        place = iterator(engine, arn, shard, kind, **members)
        return [shown(record)["SequenceNumber"] for page in pages(engine, place) for record in page]

    assert read("TRIM_HORIZON") == numbers
    assert read("LATEST") == []
    assert [shown(record)["SequenceNumber"] for page in pages(engine, early) for record in page] == numbers
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1]) == numbers[1:]
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[1]) == numbers[2:]
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=start) == numbers
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=start) == numbers
    assert read("AT_TIMESTAMP", Timestamp=1_800_000_010) == numbers[1:]
    assert read("AT_TIMESTAMP", Timestamp=1_800_000_010.001) == numbers[2:]
    assert read("AT_TIMESTAMP", Timestamp=0) == numbers


def test_a_limit_and_an_iterator_lead_through_all_records(engine: SqliteEngine) -> None:
    for number in range(7):
        put(engine, number)
    place = iterator(engine, stream_of(engine), first_shard(engine))
    assert [len(page) for page in pages(engine, place, Limit=3)] == [3, 3, 1, 0]
    assert [record for page in pages(engine, place, Limit=3) for record in page] == records(engine)


def test_one_answer_has_a_thousand_records_or_a_megabyte(engine: SqliteEngine) -> None:
    for batch in range(41):
        puts = [{"PutRequest": {"Item": key(batch * 25 + sort)}} for sort in range(25)]
        call(engine, "BatchWriteItem", {"RequestItems": {"streamed": puts}})
    place = iterator(engine, stream_of(engine), first_shard(engine))
    assert [len(page) for page in pages(engine, place)] == [1000, 25, 0]
    latest = iterator(engine, stream_of(engine), first_shard(engine), "LATEST")
    for number in range(5):
        put(engine, number, x={"S": "x" * 300_000})
    assert [len(page) for page in pages(engine, latest)] == [3, 2, 0]


def test_the_records_of_one_answer_may_fill_its_limit(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 5):
        put(engine, number)
    place = iterator(engine, stream_of(engine), first_shard(engine))
    size = 2 * item_size({"pk": "a", "sk": 1})  # of a record: the key, and the image, which has nothing else
    for limit, numbers in ((2 * size, [2, 2, 0]), (2 * size - 1, [1, 1, 1, 1, 0])):
        monkeypatch.setattr(streams, "MAX_BYTES", limit)
        assert [len(page) for page in pages(engine, place)] == numbers


def test_a_reader_waits_for_what_is_written_later(engine: SqliteEngine) -> None:
    answer = call(engine, "GetRecords", {"ShardIterator": iterator(engine, stream_of(engine), first_shard(engine))})
    assert answer["Records"] == []
    put(engine)
    assert len(call(engine, "GetRecords", {"ShardIterator": answer["NextShardIterator"]})["Records"]) == 1


def test_an_iterator_expires_after_15_minutes(engine: SqliteEngine, clock: Clock) -> None:
    put(engine)
    place = {"ShardIterator": iterator(engine, stream_of(engine), first_shard(engine))}
    clock.now += 900
    following = {"ShardIterator": call(engine, "GetRecords", place)["NextShardIterator"]}
    clock.now += 1
    with raises(DynamoError, "ExpiredIteratorException: The shard iterator has expired; it is valid for 15 minutes"):
        call(engine, "GetRecords", place)
    assert call(engine, "GetRecords", following)["Records"] == []


# What is lost with time


def test_records_are_trimmed_after_a_day(make: Make, clock: Clock) -> None:
    engine = make(shard_time=1e9)
    put(engine, 1)
    clock.now += 20 * 3600
    put(engine, 2)
    first, second = (shown(record)["SequenceNumber"] for record in records(engine))
    arn, shard = stream_of(engine), first_shard(engine)
    clock.now += 4 * 3600
    place = {"ShardIterator": iterator(engine, arn, shard)}
    clock.now += 60
    trimmed = "TrimmedDataAccessException: The operation attempted to read past the oldest stream record in a shard"
    with raises(DynamoError, trimmed):
        call(engine, "GetRecords", place)  # the record that it stands before was trimmed in the meantime
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        with raises(DynamoError, trimmed):
            iterator(engine, arn, shard, kind, SequenceNumber=first)
    assert [shown(record)["SequenceNumber"] for record in records(engine)] == [second]
    assert [
        shown(record)
        for page in pages(engine, iterator(engine, arn, shard, "AT_TIMESTAMP", Timestamp=0))
        for record in page
    ]


def test_trimmed_records_leave_the_file_but_for_the_newest(engine: SqliteEngine, clock: Clock) -> None:
    for number in range(1500):
        put(engine, number)
    clock.now += 26 * 3600
    for _ in range(3):
        call(engine, "ListTables", {})
    ((left,),) = engine._storage.connection.execute("SELECT count(*) FROM changes_2")
    assert left == 1
    assert records(engine) == []


@pytest.mark.parametrize("shard_time", [4 * 3600.0, 1e9])
def test_a_quiet_reader_is_not_led_past_anything(make: Make, clock: Clock, shard_time: float) -> None:
    engine = make(shard_time=shard_time)
    put(engine, 1)
    first = first_shard(engine)
    place = iterator(engine, stream_of(engine), first)
    for _ in range(150):  # 37 hours
        answer = call(engine, "GetRecords", {"ShardIterator": place})
        place = answer["NextShardIterator"]
        clock.now += 899
    put(engine, 2)
    answer = call(engine, "GetRecords", {"ShardIterator": place})
    if "NextShardIterator" not in answer:  # the write has closed the shard
        (child,) = described(engine, stream_of(engine), ShardFilter=CHILDREN | {"ShardId": first})["Shards"]
        place = iterator(engine, stream_of(engine), child["ShardId"])
        answer = call(engine, "GetRecords", {"ShardIterator": place})
    assert [shown(record)["Keys"] for record in answer["Records"]] == [key(2)]


def test_a_stream_may_keep_its_records_longer(make: Make, clock: Clock, tmp_path: Any) -> None:
    path = str(tmp_path / "tables.db")
    with make(path, retention=30 * 86_400.0) as engine:
        put(engine, 1)
    with make(path) as engine:  # one that says nothing keeps what was said
        clock.now += 29 * 86_400
        put(engine, 2)
        assert names(engine) == ["INSERT", "INSERT"]
    with make(path, retention=3600.0) as engine:
        assert names(engine) == ["INSERT"]
    with make(path) as engine:
        assert names(engine) == ["INSERT"]


def test_shards_that_hold_nothing_any_more_are_not_shown(make: Make, clock: Clock) -> None:
    engine = make(shard_time=3600)
    for number in range(30):
        put(engine, number)
        clock.now += 3700
    arn = stream_of(engine)
    shards = described(engine, arn)["Shards"]
    assert len(shards) == 24  # 23 that were closed within a day, and one that is open
    held = [len(page) for shard in shards for page in pages(engine, iterator(engine, arn, shard["ShardId"]))]
    assert held[:3] == [0, 1, 1]  # the first was closed within a day, but its record is older


def test_what_other_shards_have_lost_is_not_missed(make: Make, clock: Clock) -> None:
    engine = make(shards=2, shard_time=1e9)
    arn = stream_of(engine)
    put(engine, 1)
    clock.now += 86_400
    places = [iterator(engine, arn, shard["ShardId"]) for shard in described(engine, arn)["Shards"]]
    clock.now += 60
    codes = []
    for place in places:
        try:
            codes.append(str(len(call(engine, "GetRecords", {"ShardIterator": place})["Records"])))
        except DynamoError as error:
            codes.append(error.code)
    assert sorted(codes) == ["0", "TrimmedDataAccessException"]


# Enabling and disabling


def test_a_disabled_stream_can_be_read_for_a_day(engine: SqliteEngine, clock: Clock) -> None:
    arn, shard = stream_of(engine), first_shard(engine)
    put(engine, 1)
    place = iterator(engine, arn, shard)
    assert "StreamSpecification" not in alter(engine, OFF)
    put(engine, 2)
    stream = described(engine, arn)
    assert stream["StreamStatus"] == "DISABLED"
    assert all("EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in stream["Shards"])
    for start in (place, iterator(engine, arn, shard)):
        answer = call(engine, "GetRecords", {"ShardIterator": start})
        assert ([shown(record)["Keys"] for record in answer["Records"]], len(answer)) == ([key(1)], 1)
    assert call(engine, "ListStreams", {"TableName": "streamed"})["Streams"] == [
        {"StreamArn": arn, "TableName": "streamed", "StreamLabel": "2027-01-15T08:00:00.000"}
    ]
    clock.now += 86_000
    call(engine, "ListTables", {})  # forgets what is over
    assert [shown(record)["Keys"] for record in records(engine, arn)] == [key(1)]
    clock.now += 401
    assert call(engine, "ListStreams", {})["Streams"] == []
    with raises(DynamoError, f"ResourceNotFoundException: Requested resource not found: Stream: {arn} not found"):
        described(engine, arn)


def test_a_stream_that_is_enabled_again_is_another_one(engine: SqliteEngine, clock: Clock) -> None:
    put(engine, 1)
    first = stream_of(engine)
    alter(engine, OFF)
    put(engine, 2)
    description = alter(engine, BOTH)  # at the same moment
    second = description["LatestStreamArn"]
    put(engine, 3)
    assert (
        second
        == stream_of(engine)
        == "arn:aws:dynamodb:local:000000000000:table/streamed/stream/2027-01-15T08:00:00.001"
    )
    assert [[shown(record)["Keys"] for record in records(engine, arn)] for arn in (first, second)] == [
        [key(1)],
        [key(3)],
    ]
    assert [stream["StreamArn"] for stream in call(engine, "ListStreams", {})["Streams"]] == [first, second]
    page = call(engine, "ListStreams", {"Limit": 1})
    assert (len(page["Streams"]), page["LastEvaluatedStreamArn"]) == (1, first)
    rest = call(engine, "ListStreams", {"ExclusiveStartStreamArn": first})
    assert ([stream["StreamArn"] for stream in rest["Streams"]], len(rest)) == ([second], 1)


def test_other_changes_of_a_table_leave_its_stream(engine: SqliteEngine, clock: Clock) -> None:
    arn = stream_of(engine)
    clock.now += 5
    call(engine, "UpdateTable", {"TableName": "streamed", "DeletionProtectionEnabled": True})
    put(engine)
    assert stream_of(engine) == arn
    assert names(engine) == ["INSERT"]
    assert call(engine, "ListTables", {})["TableNames"] == ["streamed"]


def test_the_stream_of_a_deleted_table_can_be_read_for_a_day(engine: SqliteEngine, clock: Clock) -> None:
    arn = stream_of(engine)
    put(engine, 1)
    call(engine, "DeleteTable", {"TableName": "streamed"})
    assert described(engine, arn)["StreamStatus"] == "DISABLED"
    assert [record["eventName"] for record in records(engine, arn)] == ["INSERT"]
    clock.now += 1
    call(engine, "CreateTable", STREAMED)
    put(engine, 2)
    assert [shown(record)["Keys"] for record in records(engine)] == [key(2)]
    assert len(call(engine, "ListStreams", {"TableName": "streamed"})["Streams"]) == 2
    call(engine, "DeleteTable", {"TableName": "streamed"})
    clock.now += 26 * 3600
    call(engine, "ListTables", {})
    tables = engine._storage.connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'changes%'").fetchall()
    assert tables == []


def test_numbers_rise_whatever_the_clock_does(make: Make, clock: Clock, tmp_path: Any) -> None:
    path = str(tmp_path / "tables.db")
    numbers = []
    for step in (0, -86_400, 5, -10, -(10**6)):
        clock.now += step
        with make(path, shard_time=1.0) as engine:
            put(engine, len(numbers), x={"N": str(step)})
            numbers += [shown(records(engine)[-1])["SequenceNumber"]]
    assert numbers == sorted(set(numbers))
    with make(path, retention=1e9) as engine:
        assert [shown(record)["SequenceNumber"] for record in records(engine)] == numbers
        ids = [record["eventID"] for record in records(engine)]
        assert len(set(ids)) == len(ids)
        alter(engine, OFF)
        alter(engine, BOTH)
        put(engine, 1, x={"S": "again"})
        assert shown(records(engine)[0])["SequenceNumber"] > numbers[-1]


def test_a_reading_engine_reads_streams(make: Make, clock: Clock, tmp_path: Any) -> None:
    path = str(tmp_path / "tables.db")
    with make(path) as engine:
        put(engine)
        found = records(engine)
    with make(path, mode="ro") as reading:
        assert records(reading) == found


# The words of refusals


@pytest.mark.parametrize("operation, body, answer", cases("stream_refusals.txt"))
def test_what_is_refused(engine: SqliteEngine, operation: str, body: str, answer: str) -> None:
    put(engine)
    arn, shard = stream_of(engine), first_shard(engine)
    names = {"{arn}": arn, "{shard}": shard, "{iterator}": iterator(engine, arn, shard)}
    names["{first}"] = shown(records(engine)[0])["SequenceNumber"]
    for name, text in names.items():
        body, answer = body.replace(name, text), answer.replace(name, text)
    with pytest.raises(DynamoError) as error:
        engine(operation, body.encode())
    assert str(error.value) == answer


# Options


@pytest.mark.parametrize(
    "options", ["retention=0", "retention=soon", "retention=1w", "shards=0", "shards=65", "shards=x", "shard_time=-1h"]
)
def test_an_option_that_is_wrong_says_what_it_takes(options: str) -> None:
    name, _, value = options.partition("=")
    takes = "a number from 1 to 64" if name == "shards" else "a time, such as 90s, 24h or 30d"
    with raises(FlyexprError, f"{name}= in 'sqlite::memory:?{options}' takes {takes}, not {value!r}"):
        connect(f"sqlite::memory:?{options}")


def test_options_of_the_url(clock: Clock) -> None:
    with connect("sqlite::memory:?retention=30d&shards=2&shard_time=0.5h") as engine:
        call(engine, "CreateTable", STREAMED)
        assert len(described(engine, stream_of(engine))["Shards"]) == 2


def test_a_pickled_engine_keeps_its_options(tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path / 'tables.db'}?retention=30d&shards=3&shard_time=10s&timeout=5"
    with connect(url) as engine, pickle.loads(pickle.dumps(engine)) as again:
        assert again._storage.keeping == engine._storage.keeping == Keeping(time.time, 2_592_000.0, 3, 10.0)
        assert again.timeout == 5


@pytest.mark.parametrize("change", ["replace(definition, 'changes_', 'catalog_x; --')", "'[]'", "'{'", "x'ff'"])
def test_a_stream_that_no_engine_wrote_is_damage(engine: SqliteEngine, change: str) -> None:
    put(engine)
    engine._storage.connection.execute(f"UPDATE resources SET definition = {change}")
    with pytest.raises(DynamoError, match=r"InternalServerError: .*(a stream|a stream or a backup) cannot be read"):
        call(engine, "ListStreams", {})
    put(engine, 2)  # which needs nothing of the stream
