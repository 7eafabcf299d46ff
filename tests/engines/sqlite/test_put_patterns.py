"""An item that is taken as it stands is stored, and refused, as one that is read value by value."""

import json
from typing import Any

import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from flyexpr import DynamoError
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.request.body import read_body
from flyexpr.engines.sqlite.request.known.put_bodies import BatchBodies, PutBodies, read_known_batch, read_known_put
from flyexpr.engines.sqlite.request.known.put_patterns import KnownItem, PutPatterns
from flyexpr.engines.sqlite.request.wire import read_stored
from flyexpr.values.encode import encode_item
from flyexpr.values.pattern_cache import PATIENCE, SEVERAL, WORTH
from flyexpr.values.patterns import item_pattern
from flyexpr.values.types import MAX_ITEM

SAMPLE: dict[str, Any] = {
    "pk": {"S": "a"},
    "n": {"N": "1"},
    "f": {"N": "1.5"},
    "b": {"B": "YQ=="},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": ["YQ==", "Yg=="]},
    "m": {"M": {"S": {"S": "x"}, "é": {"M": {"N": {"N": "-7"}}}}},
    "l": {"L": [{"M": {"k": {"S": "v"}}}, {"M": {"k": {"S": "w"}}}]},
    "o": {"L": [{"S": "x"}, {"N": "1"}]},
}
TEXTS = st.sampled_from(["", "x", "é😀", "}]", '"', "\\", "\x01", "\x7f", "a" * 300])
NINES = "9" * 38
WHOLE = ["0", "-0", "1", "-1", "10", "1200", "-1200", "+1", "01", " 1", "1_0", "٣", NINES, NINES + "9", "-" + NINES]
FRACTIONS = ["1.5", "-0.05", "0.5", ".5", "1.", "1.0", "1.50", "0." + "0" * 40 + "1", "123456789.123456789"]
NUMBERS = st.sampled_from([*WHOLE, *FRACTIONS, "", "x", "1e2", "1e200"])
BLOBS = st.sampled_from(["", "YQ==", "Yg==", "YR==", "YWI=", "YWJj", "Y", "Y===", "*", "YQ", "////"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "S": TEXTS,
    "N": NUMBERS,
    "B": BLOBS,
    "BOOL": st.sampled_from([True, False, "true"]),
    "NULL": st.just(True),
    "SS": st.lists(TEXTS, max_size=4),
    "NS": st.lists(NUMBERS, max_size=4),
    "BS": st.lists(BLOBS, max_size=4),
}


def varied(wire: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Values like this one, most of them of the same type."""
    ((kind, body),) = wire.items()
    if kind == "M":
        return items_like(body).map(lambda item: {"M": item})
    if kind == "L":
        one = st.sampled_from(body).flatmap(varied)
        return st.lists(one, max_size=5).map(lambda members: {"L": members}) | st.just(wire)
    return st.just(wire) | VALUES[kind].map(lambda value: {kind: value})


def items_like(item: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The item with another value in one or two of its attributes: more, and nearly none would have its pattern."""
    one = st.sampled_from(sorted(item)).flatmap(lambda name: varied(item[name]).map(lambda wire: {name: wire}))
    return st.lists(one, min_size=1, max_size=2).map(
        lambda changes: {**item, **{k: v for c in changes for k, v in c.items()}}
    )


def body(item: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"TableName": "tab", "Item": item, **more}, ensure_ascii=False, separators=(",", ":")).encode()


def encode_text(item: dict[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False)


def stored(item: dict[str, Any]) -> Image:
    plain, text, size = read_stored(item)
    return Image(plain, size, text.encode())


def patterns_of(*samples: dict[str, Any]) -> PutPatterns:
    patterns = PutPatterns()
    for sample in samples:
        pattern = item_pattern(sample)
        if pattern is not None:
            patterns.add(pattern, sample)
    return patterns


PATTERNS = patterns_of(SAMPLE)


def known() -> PutPatterns:
    """The pattern of the sample, as if no other item had come yet."""
    PATTERNS._failed = 0
    return PATTERNS


@given(items_like(SAMPLE))
@settings(max_examples=300)
def test_items_of_a_known_pattern(item: dict[str, Any]) -> None:
    request = read_known_put(body(item), known())
    if request is not None and isinstance(request["Item"], KnownItem):
        TAKEN.append(item)
        assert request["Item"].image == stored(item)
    else:
        assert request in (None, {"TableName": "tab", "Item": item}), "for the careful reader"


TAKEN: list[dict[str, Any]] = []


def test_many_of_those_items_were_taken_as_they_stood() -> None:
    test_items_of_a_known_pattern()
    assert len(TAKEN) > 50


@pytest.mark.parametrize("members", [["abc"], ["1e200"], ["1", "-Infinity"], ["2", "1"], ["1", "1"], ["1.5"]])
def test_wrong_sets_of_a_known_pattern_are_refused_as_ever(members: list[str]) -> None:
    sample = {"pk": {"S": "a"}, "n": {"NS": ["1", "2"]}}
    wire = sample | {"n": {"NS": members}}
    request = read_known_put(body(wire), patterns_of(sample))
    assert request == {"TableName": "tab", "Item": wire}, "for the careful reader"


@given(some.items.filter(bool))
def test_an_item_has_its_own_pattern(item: dict[str, Any]) -> None:
    wire = json.loads(encode_item(item))
    request = read_known_put(body(wire, ReturnValues="NONE"), patterns_of(wire))
    if request is None:
        assert "\\" in encode_text(wire)
    elif isinstance(request["Item"], KnownItem):
        assert request["Item"].image == stored(wire)
    else:
        assert "N" in str(wire), "only numbers of more than 38 characters, and sets of fractions, are read with care"


def test_what_the_service_would_write_is_taken() -> None:
    for item in (SAMPLE, SAMPLE | {"n": {"N": "2.5"}, "f": {"N": "-3"}, "l": {"L": []}, "ss": {"SS": ["é"]}}):
        request = read_known_put(body(item), known())
        assert request is not None
        assert isinstance(request["Item"], KnownItem)
        assert request["Item"].image == stored(item)


@pytest.mark.parametrize(
    "text",
    [
        b'{"TableName":"tab","Item":%b',
        b'{"TableName":"tab","Item":%b}}',
        b'{"TableName":"tab","Item":%b]',
        b'{"TableName":"tab","Item":%b,}',
        b'{"TableName":"tab" "Item":%b}',
        b'{1:2,"Item":%b}',
        b'{"TableName":NaN,"Item":%b}',
        b'{"TableName":"\\ud800","Item":%b}',
        b'["Item",%b]',
        b'{"Item"=%b}',
        b"",
        b"{",
    ],
)
def test_a_request_that_is_no_json_is_for_the_careful_reader(text: bytes) -> None:
    item = json.dumps(SAMPLE, ensure_ascii=False, separators=(",", ":")).encode()
    assert read_known_put(text % item if b"%b" in text else text, known()) is None


DELETE = {"DeleteRequest": {"Key": {"pk": {"S": "d"}}}}


def batch(*items: dict[str, Any], **more: Any) -> bytes:
    puts = [{"PutRequest": {"Item": item}} for item in items]
    members = {"RequestItems": {"tab": [*puts, DELETE], "other": puts[:1]}, **more}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def items_of(request: dict[str, Any]) -> list[Any]:
    tables = request["RequestItems"].values()
    return [one["PutRequest"]["Item"] for requests in tables for one in requests if one != DELETE]


@given(items_like(SAMPLE))
def test_a_batch_holds_items_of_a_known_pattern_and_others(item: dict[str, Any]) -> None:
    request = read_known_batch(batch(item, SAMPLE, ReturnConsumedCapacity="TOTAL"), known())
    if request is None:
        assert "\\" in encode_text(item)
        return
    odd, sample, again = items_of(request)
    assert sample.image == stored(SAMPLE)
    for one in (odd, again):
        assert one.image == stored(item) if isinstance(one, KnownItem) else one == item
    assert request["RequestItems"]["tab"][2] == DELETE
    assert request["ReturnConsumedCapacity"] == "TOTAL"


@pytest.mark.parametrize(
    "text",
    [
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}}]}',
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}},]}}',
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}]}}}',
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}}]]}',
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}}}}',
        b'{"RequestItems":{"tab" [{"PutRequest":{"Item":%b}}]}}',
        b'{"RequestItems":{"tab":{"PutRequest":{"Item":%b}}}}',
        b'{"RequestItems":[{"PutRequest":{"Item":%b}}]}',
        b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b}}]}}}',
    ],
)
def test_a_batch_that_is_none_is_for_the_careful_reader(text: bytes) -> None:
    assert (
        read_known_batch(text % json.dumps(SAMPLE, ensure_ascii=False, separators=(",", ":")).encode(), known()) is None
    )


def test_a_request_with_more_beside_an_item_is_read_as_ever() -> None:
    item = json.dumps(SAMPLE, ensure_ascii=False, separators=(",", ":")).encode()
    text = b'{"RequestItems":{"tab":[{"PutRequest":{"Item":%b},"DeleteRequest":{}}]}}' % item
    assert read_known_batch(text, known()) == read_body(text)


def test_an_engine_learns_patterns_from_batches() -> None:
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
        for number in range(WORTH // 20 + 2):
            items = [SAMPLE | {"pk": {"S": f"{number}.{one}"}} for one in range(20)]
            learning("BatchWriteItem", batch_of(items))
        _, bodies = learning._operations["BatchWriteItem"]
        assert isinstance(bodies, BatchBodies)
        assert bodies.patterns.readers
        for item in (SAMPLE, SAMPLE | {"pk": {"S": ""}}, SAMPLE | {"n": {"N": "x"}}, {"pk": {"S": "b"}}):
            for more in ({}, {"ReturnConsumedCapacity": "TOTAL"}, {"ReturnItemCollectionMetrics": "ODD"}):
                request = batch_of([item, SAMPLE | {"pk": {"S": "c"}}], **more)
                assert answer(learning, request, "BatchWriteItem") == answer(other, request, "BatchWriteItem")
        for pk in ("a", "b", "c"):
            read = json.dumps({"TableName": "tab", "Key": {"pk": {"S": pk}}}).encode()
            assert learning("GetItem", read) == other("GetItem", read) != b"{}"


def batch_of(items: list[dict[str, Any]], **more: Any) -> bytes:
    requests = [{"PutRequest": {"Item": item}} for item in items]
    return json.dumps({"RequestItems": {"tab": requests}, **more}, separators=(",", ":"), ensure_ascii=False).encode()


DEFINE = json.dumps(
    {
        "TableName": "tab",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
).encode()


def test_an_engine_learns_patterns_and_answers_as_before() -> None:
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
        for number in range(WORTH + SEVERAL):
            learning("PutItem", body(SAMPLE | {"pk": {"S": str(number)}}))
        _, bodies = learning._operations["PutItem"]
        assert isinstance(bodies, PutBodies)
        assert bodies.patterns.readers
        for item in (
            SAMPLE,
            SAMPLE | {"pk": {"S": ""}},
            SAMPLE | {"n": {"N": "x"}},
            SAMPLE | {"ss": {"SS": ["b", "a"]}},
        ):
            ask = {"ReturnConsumedCapacity": "TOTAL", "ReturnValues": "ALL_OLD", "ConditionExpression": "f = n"}
            for more in ({}, ask, {"ConditionExpression": "attribute_exists(pk) OR n = n"}):
                assert answer(learning, body(item, **more)) == answer(other, body(item, **more))
        read = json.dumps({"TableName": "tab", "Key": {"pk": {"S": "a"}}}).encode()
        assert learning("GetItem", read) == other("GetItem", read)


AROUND: tuple[dict[str, Any], ...] = (
    {},
    {"ReturnConsumedCapacity": "TOTAL", "ReturnValues": "ALL_OLD", "ConditionExpression": "attribute_not_exists(pk)"},
    {"ConditionExpression": "attribute_not_exists(pk) OR f = n", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
    {"ConditionExpression": "n <> :n", "ExpressionAttributeValues": {":n": {"N": "7"}}},
)


@pytest.mark.parametrize("more", AROUND)
def test_what_stands_around_known_items_is_not_read_again(more: dict[str, Any]) -> None:
    """Other items are put and refused as ever; other words around them are read."""
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
        _, bodies = learning._operations["PutItem"]
        assert isinstance(bodies, PutBodies)
        bodies.patterns.readers = patterns_of(SAMPLE).readers
        for number in range(2 * SEVERAL):
            learning("PutItem", body(SAMPLE | {"pk": {"S": str(number)}}, **more))
        assert bodies.known(body(SAMPLE, **more))
        for odd in (SAMPLE, SAMPLE, SAMPLE | {"pk": {"S": ""}}, NO_SET, {"pk": {"S": "b"}}, LARGE):
            assert answer(learning, body(odd, **more)) == answer(other, body(odd, **more))
            assert answer(learning, body(odd, Oddity=1, **more)) == answer(other, body(odd, Oddity=1, **more))
        again = body(SAMPLE, **more).removesuffix(b"}") + b',"Item":{"pk":{"S":"last"}}}'
        for _ in range(2 * SEVERAL):
            assert answer(learning, again) == answer(other, again)
        for text in (b"\xff" + again, again + b"}", b""):
            assert answer(learning, text) == answer(other, text)
        assert learning("Scan", b'{"TableName":"tab"}').count(b'"last"') == 1


NO_SET = SAMPLE | {"ns": {"NS": [""]}}
LARGE = SAMPLE | {"m": {"M": {"S": {"S": "x" * MAX_ITEM}, "é": {"M": {"N": {"N": "-7"}}}}}}


def test_what_stands_around_the_items_of_a_batch_is_not_read_again() -> None:
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
            engine("CreateTable", DEFINE.replace(b'"tab"', b'"other"'))
        _, bodies = learning._operations["BatchWriteItem"]
        assert isinstance(bodies, BatchBodies)
        bodies.patterns.readers = patterns_of(SAMPLE).readers
        for number in range(2 * SEVERAL):
            learning("BatchWriteItem", batch_of([SAMPLE | {"pk": {"S": str(number)}}]))
        mixed = batch_of([SAMPLE]).removesuffix(b"]}}") + b"," + json.dumps(DELETE).encode() + b"]}}"
        for request in (batch(SAMPLE), mixed):
            for _ in range(SEVERAL):
                learning("BatchWriteItem", request)
            assert not bodies.known(request), "it deletes, too"
        few, many = ([SAMPLE | {"pk": {"S": f"few{number}"}} for number in range(count)] for count in (25, 26))
        assert bodies.known(batch_of(few))
        for items in (few, many, few[:1] * 2, [*few[:2], LARGE], [*few[:2], SAMPLE | {"pk": {"S": ""}}], []):
            request = batch_of(items)
            assert answer(learning, request, "BatchWriteItem") == answer(other, request, "BatchWriteItem")
        keys = [{"pk": {"S": f"few{number}"}} for number in range(25)]
        read = json.dumps({"RequestItems": {"tab": {"Keys": keys}}}).encode()
        assert learning("BatchGetItem", read) == other("BatchGetItem", read)
        assert learning("BatchGetItem", read).count(b'"few') == 25


def answer(engine: SqliteEngine, request: bytes, operation: str = "PutItem") -> Any:
    try:
        return engine(operation, request)
    except DynamoError as error:
        return error.code, error.message, error.fields


def test_a_pattern_is_made_once_enough_items_have_it_and_the_oldest_go() -> None:
    """One of `SEVERAL` items is counted."""
    patterns = PutPatterns()
    for number in range(SEVERAL + 1):
        item = {"pk": {"S": "a"}, f"a{number}": {"S": "b"}}
        made = []
        for _ in range(WORTH + SEVERAL):
            patterns.learn(item, 40)
            made.append(any(match(body_of(item), 0) for match, *_ in patterns.readers))
        assert made.index(True) in range(WORTH - 2 * SEVERAL, WORTH), made.index(True)
    assert len(patterns.readers) == SEVERAL


def body_of(item: dict[str, Any]) -> str:
    return json.dumps(item, separators=(",", ":")) + "}"


def test_an_item_with_a_null_beside_a_value_has_no_pattern() -> None:
    patterns = PutPatterns()
    odd = {"pk": {"S": "a", "N": None}}
    for _ in range(2 * WORTH):
        patterns.learn(odd, 100)
    assert not patterns.readers


def test_patterns_that_fail_too_often_are_not_tried_until_they_are_few_again() -> None:
    patterns, other = patterns_of(SAMPLE), body(SAMPLE | {"n": {"S": "1"}})
    taken = read_known_put(body(SAMPLE), patterns)
    assert taken is not None
    assert isinstance(taken["Item"], KnownItem)

    def tried() -> bool:
        members = read_known_put(body(SAMPLE), patterns)
        assert members is not None
        return isinstance(members["Item"], KnownItem)

    for _ in range(PATIENCE // len(patterns.readers)):
        read_known_put(other, patterns)
    assert tried()
    read_known_put(other, patterns)
    assert not tried()
    failed = len(patterns.readers) * (PATIENCE // len(patterns.readers) + 1)
    for _ in range(failed * 4 - 1):
        patterns.learn(taken["Item"], 100)
    assert not tried()
    patterns.learn(taken["Item"], 100)
    assert tried()
