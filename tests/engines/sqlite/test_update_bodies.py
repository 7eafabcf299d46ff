"""An update whose text was read before is carried out, and refused, as one that is read whole."""

import json
from typing import Any

import pytest
from known_texts import answer, text_of

from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.request.known.update_bodies import UpdateBodies
from flyexpr.values.pattern_cache import SEVERAL

DEFINE = json.dumps(
    {
        "TableName": "tab",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
).encode()
BASE: dict[str, Any] = {
    "TableName": "tab",
    "Key": {"pk": {"S": "a"}},
    "UpdateExpression": "SET #s = :s ADD wins :n",
    "ExpressionAttributeNames": {"#s": "state"},
    "ExpressionAttributeValues": {":s": {"S": "x"}, ":n": {"N": "1"}},
}
GUARDED = {
    **BASE,
    "ReturnValues": "UPDATED_NEW",
    "ReturnConsumedCapacity": "TOTAL",
    "ConditionExpression": "attribute_not_exists(wins) OR wins < :most",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    "ExpressionAttributeValues": {**BASE["ExpressionAttributeValues"], ":most": {"N": "1000"}},
}
NULLS = {**BASE, "ConditionExpression": None, "ReturnValues": None}
ODD: tuple[dict[str, Any], ...] = (
    {},
    {"Key": {"pk": {"S": "b"}}},
    {"Key": {"pk": {"S": ""}}},
    {"Key": {"pk": {"N": "1"}}},
    {"Key": {"pk": {"S": "a"}, "more": {"S": "a"}}},
    {"Key": {}},
    {"Key": None},
    {"Key": [1]},
    {"Key": {"pk": {"S": 1}}},
    {"Key": {"pk": {"S": "\ud83d"}}},
    {"Key": {"pk": {"S": "a"}, "\ud83d": {"S": "a"}}},
    {"Key": {"pk": {"S": "a", "\ud83d": 1}}},
    {"TableName": "none"},
    {"Oddity": 1},
    {"UpdateExpression": "SET #s = :s, wins = :n"},
    {"ReturnValues": "ALL_NEW"},
    {"ExpressionAttributeValues": None},
    {"ExpressionAttributeValues": {}},
    {"ExpressionAttributeValues": [1]},
    {"ExpressionAttributeValues": {":s": {"S": "x"}, ":m": {"N": "1"}}},
)
VALUES: tuple[dict[str, Any], ...] = (
    {":s": {"S": "é"}},
    {":s": {"S": ""}},
    {":s": {"S": '\\ " 😀'}},
    {":s": {"S": "\ud83d"}},
    {":s": {"S": "x", "\ud83d": 1}},
    {":s": {"L": [{"S": "\ud83d"}]}},
    {":s": {"M": {"\ud83d": {"S": "y"}}}},
    {":s": {"SS": ["\ud83d"]}},
    {":s": {"B": "\ud83d"}},
    {":n": {"N": "\ud83d"}},
    {":s": {"L": [{"S": "y"}]}},
    {":s": {"M": {"deep": {"NS": ["1", "2.5"]}}}},
    {":s": {"NS": ["1", "1.0"]}},
    {":s": {"S": "x" * 409_600}},
    {":s": {"S": "x" * 409_350}},
    {":s": {"S": "x" * (2 * 1024 * 1024 - 10)}},  # with the names it is too much
    {":n": {"N": "1e2"}},
    {":n": {"N": "x"}},
    {":n": {"S": "x"}},
    {":n": {"SS": ["x"]}},
    {":n": {"N": "1", "S": "x"}},
    {":n": {}},
    {":n": 1},
    {":more": {"N": "1"}},
)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("base", [BASE, GUARDED, NULLS], ids=["plain", "guarded", "nulls"])
def test_updates_of_a_known_text(base: dict[str, Any], blank: str, ascii_only: bool) -> None:
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
        _, bodies = learning._operations["UpdateItem"]
        assert isinstance(bodies, UpdateBodies)
        other._operations["UpdateItem"][1].learn = lambda *_: None  # type: ignore[method-assign]
        for _ in range(SEVERAL):
            assert not bodies.known(text_of(base, blank, ascii_only))
            usual = text_of(base, blank, ascii_only)
            assert answer(learning, "UpdateItem", usual) == answer(other, "UpdateItem", usual)
        again = text_of(base, blank, ascii_only).removesuffix(b"}") + b',"Key":{"pk":{"S":"last"}}}'
        for _ in range(2 * SEVERAL):
            assert answer(learning, "UpdateItem", again) == answer(other, "UpdateItem", again), (
                "the last of two members counts"
            )
        assert bodies.known(text_of({**base, "Key": {"pk": {"S": "other"}}}, blank, ascii_only))
        changed = [{"ExpressionAttributeValues": {**base["ExpressionAttributeValues"], **values}} for values in VALUES]
        accented = {**base["ExpressionAttributeValues"], ":s": {"S": "é😀"}}
        assert bodies.known(text_of({**base, "ExpressionAttributeValues": accented}, blank, ascii_only))
        bodies.learn = lambda *_: None  # type: ignore[method-assign]  # so that what is odd stays unknown
        for odd in (*ODD, *changed):
            request = text_of({**base, **odd}, blank, ascii_only)
            assert answer(learning, "UpdateItem", request) == answer(other, "UpdateItem", request), odd
        usual = text_of(base, blank, ascii_only)
        odd_texts = [
            usual.replace(b'"x"', text) for text in (b"NaN", rb'"\ud800"', rb'"\u0041"', b'"\xff"', b"[" * 9999)
        ]
        for request in (again, again + b"}", b"", b'{"Key":', *odd_texts):
            assert answer(learning, "UpdateItem", request) == answer(other, "UpdateItem", request)
        assert learning("Scan", b'{"TableName":"tab"}') == other("Scan", b'{"TableName":"tab"}')


@pytest.mark.parametrize(
    ("condition", "right", "wrong"),
    [
        ("wins BETWEEN :s AND :n", {":s": {"N": "-9"}, ":n": {"N": "1"}}, {":s": {"N": "9"}, ":n": {"N": "1"}}),
        ("NOT attribute_type(wins, :s)", {":s": {"S": "B"}, ":n": {"N": "1"}}, {":s": {"S": "?"}, ":n": {"N": "1"}}),
    ],
)
def test_where_the_values_decide_an_update_is_always_read(condition: str, right: Any, wrong: Any) -> None:
    base = {**BASE, "ConditionExpression": f"attribute_exists(pk) OR attribute_not_exists(pk) OR {condition}"}
    with SqliteEngine(":memory:") as engine:
        engine("CreateTable", DEFINE)
        for _ in range(SEVERAL):
            engine("UpdateItem", text_of({**base, "ExpressionAttributeValues": right}, ""))
        code, message, _ = answer(engine, "UpdateItem", text_of({**base, "ExpressionAttributeValues": wrong}, ""))
        assert (code, "Invalid ConditionExpression: " in message) == ("ValidationException", True)


def test_an_update_by_the_older_parameters_is_always_read() -> None:
    older = {"TableName": "tab", "Key": BASE["Key"], "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}}}
    with SqliteEngine(":memory:") as engine:
        engine("CreateTable", DEFINE)
        for number in range(1, 2 * SEVERAL):
            request = {**older, "ReturnValues": "ALL_NEW"}
            assert answer(engine, "UpdateItem", text_of(request, ""))["Attributes"]["n"] == {"N": str(number)}


def test_a_known_update_is_refused_where_its_values_make_it_too_large() -> None:
    """Each place of a value is charged, also where the item then has no use for it."""
    update = "SET a = if_not_exists(pk, :v), b = if_not_exists(pk, :v), c = if_not_exists(pk, :v)"
    base = {**BASE, "UpdateExpression": update, "ExpressionAttributeNames": None}
    with SqliteEngine(":memory:") as engine:
        engine("CreateTable", DEFINE)
        for size, refused in ((1, False), (1000, False), (140_000, True), (136_000, False)):
            request = text_of({**base, "ExpressionAttributeValues": {":v": {"S": "x" * size}}}, "")
            for _ in range(SEVERAL):
                found = answer(engine, "UpdateItem", request)
                assert ("Item size to update has exceeded the maximum allowed size" in str(found)) == refused, size
