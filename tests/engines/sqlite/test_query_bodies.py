"""A query whose text was read before is carried out, and refused, as one that is read whole."""

from typing import Any

import pytest
from known_texts import answer, text_of

from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.request.known.query_bodies import QueryBodies
from flyexpr.values.pattern_cache import SEVERAL

DEFINE: dict[str, Any] = {
    "TableName": "tab",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_n",
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
WHOLE: dict[str, Any] = {
    "TableName": "tab",
    "KeyConditionExpression": "pk = :pk AND :low < n",
    "ExpressionAttributeValues": {":pk": {"S": "a"}, ":low": {"N": "1"}},
}
FILTERED: dict[str, Any] = {
    "TableName": "tab",
    "KeyConditionExpression": "#p = :pk AND n BETWEEN :low AND :high",
    "FilterExpression": "begins_with(word, :part) AND size(word) BETWEEN :high AND :most",
    "ProjectionExpression": "word, #p",
    "ExpressionAttributeNames": {"#p": "pk"},
    "ExpressionAttributeValues": {
        ":pk": {"S": "a"},
        ":low": {"N": "1"},
        ":high": {"N": "7"},
        ":part": {"S": "w"},
        ":most": {"N": "9"},
    },
    "Limit": 4,
    "ScanIndexForward": False,
    "ConsistentRead": True,
    "ReturnConsumedCapacity": "TOTAL",
}
INDEXED = {
    "TableName": "tab",
    "IndexName": "by_n",
    "KeyConditionExpression": "n = :low",
    "ExpressionAttributeValues": {":low": {"N": "3"}},
    "Select": "COUNT",
}
NULLS = {**WHOLE, "FilterExpression": None, "ProjectionExpression": None, "ExpressionAttributeNames": None}
ODD: tuple[dict[str, Any], ...] = (
    {},
    {"TableName": "none"},
    {"IndexName": "none"},
    {"Limit": 0},
    {"Limit": 2},
    {"Oddity": 1},
    {"KeyConditionExpression": "n = :pk"},
    {"KeyConditionExpression": "pk = :pk"},
    {"ExclusiveStartKey": {"pk": {"S": "a"}, "n": {"N": "3"}}},
    {"ExclusiveStartKey": {"pk": {"S": "b"}, "n": {"N": "3"}}},
    {"ExpressionAttributeValues": None},
    {"ExpressionAttributeValues": {}},
    {"ExpressionAttributeValues": [1]},
    {"ExpressionAttributeValues": {":low": {"N": "1"}, ":pk": {"S": "a"}}},
    {"ExpressionAttributeValues": {":other": {"N": "3"}}},
    {"ExpressionAttributeValues": {":pk": {"S": "a"}, ":other": {"N": "1"}}},
)
VALUES: tuple[dict[str, Any], ...] = (
    {":pk": {"S": "é"}},
    {":pk": {"S": "b"}},
    {":pk": {"S": ""}},
    {":pk": {"S": '\\ " 😀'}},
    {":pk": {"S": "\ud83d"}},
    {":part": {"S": "\ud83d"}},
    {":pk": {"S": "a", "\ud83d": 1}},
    {":low": {"N": "\ud83d"}},
    {":pk": {"N": "1"}},
    {":pk": {"S": "x" * 3000}},
    {":low": {"N": "2.50"}},
    {":low": {"N": "6"}},
    {":low": {"N": "8"}},  # above the upper bound
    {":low": {"N": "x"}},
    {":low": {"S": "1"}},
    {":low": {"N": "1", "S": "x"}},
    {":low": {}},
    {":low": 1},
    {":part": {"S": "word 5"}},
    {":part": {"N": "5"}},
    {":part": {"S": "x" * (2 * 1024 * 1024 - 30)}},  # with the names it is too much
    {":most": {"N": "6"}},  # below the lower bound
    {":more": {"N": "1"}},
)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("base", [WHOLE, FILTERED, INDEXED, NULLS], ids=["whole", "filtered", "indexed", "nulls"])
def test_queries_of_a_known_text(base: dict[str, Any], blank: str, ascii_only: bool) -> None:
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            call(engine, "CreateTable", DEFINE)
            for number in range(10):
                item = {"pk": {"S": "ab"[number % 2]}, "n": {"N": str(number)}, "word": {"S": f"word {number} "}}
                call(engine, "PutItem", {"TableName": "tab", "Item": item})
                call(engine, "PutItem", {"TableName": "tab", "Item": {**item, "pk": {"S": "a"}}})
        _, bodies = learning._operations["Query"]
        assert isinstance(bodies, QueryBodies)
        other._operations["Query"][1].learn = lambda *_: None  # type: ignore[method-assign]
        usual = text_of(base, blank, ascii_only)
        for _ in range(SEVERAL):
            assert bodies.known(usual) is None
            assert answer(learning, "Query", usual) == answer(other, "Query", usual)
        assert bodies.known(usual) is not None
        assert answer(other, "Query", usual)["Count"]
        again = usual.removesuffix(b"}") + b',"ExpressionAttributeValues":{":pk":{"S":"b"},":low":{"N":"5"}}}'
        for _ in range(2 * SEVERAL):
            assert answer(learning, "Query", again) == answer(other, "Query", again), "the last of two members counts"
        bodies.learn = lambda *_: None  # type: ignore[method-assign]  # so that what is odd stays unknown
        changed = [{"ExpressionAttributeValues": {**base["ExpressionAttributeValues"], **values}} for values in VALUES]
        for odd in (*ODD, *changed):
            request = text_of({**base, **odd}, blank, ascii_only)
            assert answer(learning, "Query", request) == answer(other, "Query", request), odd
        odd_texts = [
            usual.replace(b'"a"', text) for text in (b"NaN", rb'"\ud800"', rb'"\u0061"', b'"\xff"', b"[" * 9999)
        ]
        for request in (again, again + b"}", b"", b'{"ExpressionAttributeValues":', *odd_texts):
            assert answer(learning, "Query", request) == answer(other, "Query", request)


def test_no_note_is_taken_of_where_a_page_begins() -> None:
    bodies, request = QueryBodies(), {**WHOLE, "ExclusiveStartKey": {"pk": {"S": "a"}, "n": {"N": "3"}}}
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", DEFINE)
        engine._operations["Query"] = engine._operations["Query"][0], bodies
        for _ in range(2 * SEVERAL):
            engine("Query", text_of(request, ""))
    assert bodies.known(text_of(request, "")) is None


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "FilterExpression": "attribute_not_exists(word) OR word = :word",
            "ExpressionAttributeValues": {":word": {"S": "x"}},
        },
    ],
    ids=["alone", "with a newer filter"],
)
def test_a_query_by_the_older_parameters_is_always_read(more: dict[str, Any]) -> None:
    equal = {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", DEFINE)
        for number in range(2 * SEVERAL):
            call(engine, "PutItem", {"TableName": "tab", "Item": {"pk": {"S": "a"}, "n": {"N": str(number)}}})
            request = {"TableName": "tab", "KeyConditions": {"pk": equal}, **more}
            assert call(engine, "Query", request)["Count"] == number + 1
