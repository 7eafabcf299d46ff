"""Query and Scan page by page: nothing lost, nothing twice, whatever the page ends at."""

from typing import Any

import pytest
from embedded import KEY, PLAIN, Ask, key
from raised import raises

from flyexpr import DynamoError

OF_P: dict[str, Any] = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}


def pages(ask: Ask, operation: str, **members: Any) -> list[dict[str, Any]]:
    """All pages of a read."""
    found = [ask(operation, **members)]
    while "LastEvaluatedKey" in found[-1]:
        found.append(ask(operation, **members, ExclusiveStartKey=found[-1]["LastEvaluatedKey"]))
    return found


def sorts(answers: list[dict[str, Any]]) -> list[int]:
    return [int(item["sk"]["N"]) for answer in answers for item in answer["Items"]]


def put(ask: Ask, *items: dict[str, Any]) -> None:
    for item in items:
        ask("PutItem", Item=item)


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 10, 11])
def test_pages_of_a_query_hold_every_item_once(ask: Ask, limit: int, forward: bool) -> None:
    put(ask, *map(key, range(-5, 5)), key(0, "other"))
    found = pages(ask, "Query", **OF_P, Limit=limit, ScanIndexForward=forward)
    assert sorts(found) == sorted(range(-5, 5), reverse=not forward)
    assert all(answer["ScannedCount"] <= limit for answer in found)


def test_a_page_ends_when_it_has_passed_1_mb(ask: Ask) -> None:
    put(ask, *({**key(n), "d": {"S": "x" * 300_000}} for n in range(9)))
    found = pages(ask, "Query", **OF_P)
    assert [answer["Count"] for answer in found] == [4, 4, 1]
    assert sorts(found) == list(range(9))
    counted = ask("Query", **OF_P, Select="COUNT")
    assert counted["Count"] == 4
    assert "Items" not in counted


def test_limit_counts_before_the_filter(ask: Ask) -> None:
    put(ask, *({**key(n), "even": {"BOOL": n % 2 == 0}} for n in range(6)))
    values = {**OF_P["ExpressionAttributeValues"], ":yes": {"BOOL": True}}
    found = pages(
        ask, "Query", **{**OF_P, "ExpressionAttributeValues": values}, FilterExpression="even = :yes", Limit=1
    )
    assert [answer["Count"] for answer in found][:6] == [1, 0, 1, 0, 1, 0]
    assert sorts(found) == [0, 2, 4]


@pytest.mark.parametrize("total", [1, 3, 7])
def test_segments_hold_every_item_once(ask: Ask, total: int) -> None:
    put(ask, *(key(n % 3, f"p{n // 3}") for n in range(60)))
    found = [
        (item["pk"]["S"], item["sk"]["N"])
        for segment in range(total)
        for answer in pages(ask, "Scan", Segment=segment, TotalSegments=total, Limit=4)
        for item in answer["Items"]
    ]
    assert len(found) == len(set(found)) == 60


def test_a_start_key_of_another_segment_is_refused(ask: Ask) -> None:
    put(ask, *(key(1, f"p{n}") for n in range(20)))
    last = ask("Scan", Segment=0, TotalSegments=2, Limit=1)["LastEvaluatedKey"]
    with raises(
        DynamoError,
        "ValidationException: The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
        "ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 1",
    ):
        ask("Scan", Segment=1, TotalSegments=2, ExclusiveStartKey=last)


def test_a_start_key_of_the_wrong_type(ask: Ask) -> None:
    wrong = {**key(1), "gk": {"N": "1"}}
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key gk "
        "Expected: S Actual: N IndexName: by_g",
    ):
        ask("Scan", IndexName="by_g", ExclusiveStartKey=wrong)
    of_g = {"KeyConditionExpression": "gk = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}, "IndexName": "by_g"}
    with raises(DynamoError, "ValidationException: The provided starting key is invalid"):
        ask("Query", **of_g, ExclusiveStartKey=wrong)


def test_pages_of_an_index_whose_keys_are_all_equal(ask: Ask) -> None:
    put(ask, *({**key(n), "gk": {"S": "g"}, "x": {"N": str(n)}, "y": {"N": "1"}} for n in range(7)))
    of_g = {"KeyConditionExpression": "gk = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}, "IndexName": "by_g"}
    found = pages(ask, "Query", **of_g, Limit=2)
    assert sorted(sorts(found)) == list(range(7))
    assert {*found[0]["Items"][0]} == {"pk", "sk", "gk", "x"}
    assert {*found[0]["LastEvaluatedKey"]} == {"pk", "sk", "gk"}


LEAN = {
    **PLAIN,
    "TableName": "fetching",
    "AttributeDefinitions": [*PLAIN["AttributeDefinitions"], {"AttributeName": "lk", "AttributeType": "S"}],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "lean",
            "KeySchema": [KEY[0], {"AttributeName": "lk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
OF_LEAN = {"TableName": "fetching", "IndexName": "lean"}


@pytest.fixture
def lean(ask: Ask) -> Ask:
    """The engine with a local index that holds keys only, and three items in it."""
    ask("CreateTable", **LEAN)
    for n in range(3):
        values = {"lk": {"S": str(9 - n)}, "d": {"S": "x" * 5000}, "n": {"N": str(n)}}
        ask("PutItem", TableName="fetching", Item={**key(n), **values})
    return ask


WHOLE = {"pk", "sk", "lk", "d", "n"}
FETCHED = [  # what is asked for, the attributes of each item, and the units of the table: those of whole items of 5 KB
    ({"ProjectionExpression": "n"}, {"n"}, 3.0),
    ({"Select": "ALL_ATTRIBUTES"}, WHOLE, 3.0),
    ({"Select": "ALL_ATTRIBUTES", "ConsistentRead": True}, WHOLE, 6.0),
    ({"Select": "ALL_ATTRIBUTES", "Limit": 2}, WHOLE, 2.0),
    ({"Select": "ALL_PROJECTED_ATTRIBUTES"}, {"pk", "sk", "lk"}, 0.0),
    ({"Select": "COUNT"}, None, 0.0),
]


@pytest.mark.parametrize("operation", ["Query", "Scan"])
@pytest.mark.parametrize("asked, names, units", FETCHED, ids=[str(row[0]) for row in FETCHED])
def test_a_local_index_fetches_what_it_does_not_hold(
    lean: Ask, operation: str, asked: dict[str, Any], names: set[str] | None, units: float
) -> None:
    of_p = OF_P if operation == "Query" else {}
    found = lean(operation, **of_p, **OF_LEAN, **asked, ReturnConsumedCapacity="INDEXES")
    assert found["Count"] == found["ScannedCount"] == asked.get("Limit", 3)
    assert [{*item} for item in found.get("Items", ())] == [names] * (0 if names is None else found["Count"])
    capacity = found["ConsumedCapacity"]
    assert capacity["Table"]["CapacityUnits"] == units
    assert capacity["LocalSecondaryIndexes"]["lean"]["CapacityUnits"] == (1.0 if "ConsistentRead" in asked else 0.5)


def test_a_query_does_not_filter_by_what_its_local_index_does_not_hold(lean: Ask) -> None:
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Secondary index lean does not "
        "project one or more filter attributes: [n]",
    ):
        lean("Query", **OF_P, **OF_LEAN, FilterExpression="attribute_exists(n)")


def test_a_scan_filters_by_it_and_gives_no_more_than_asked(lean: Ask) -> None:
    filtered = {"FilterExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    (item,) = lean("Scan", **OF_LEAN, **filtered)["Items"]
    assert {*item} == {"pk", "sk", "lk"}
    (item,) = lean("Scan", **OF_LEAN, **filtered, Select="ALL_ATTRIBUTES")["Items"]
    assert {*item} == {"pk", "sk", "lk", "d", "n"}


CLAUSES: list[tuple[str, dict[str, Any], list[int], int, int]] = [
    ("sk = :a", {":a": {"N": "2"}}, [2], 2, 3),
    ("sk < :a", {":a": {"N": "2"}}, [0, 1], 1, 2),
    ("sk <= :a", {":a": {"N": "2"}}, [0, 1, 2], 2, 3),
    ("sk > :a", {":a": {"N": "2"}}, [3, 4], 3, 2),
    ("sk >= :a", {":a": {"N": "2"}}, [2, 3, 4], 2, 1),
    (":a < sk", {":a": {"N": "2"}}, [3, 4], 3, 2),
    ("sk BETWEEN :a AND :b", {":a": {"N": "1"}, ":b": {"N": "3"}}, [1, 2, 3], 1, 4),
    ("begins_with(lk, :a)", {":a": {"B": "AQ=="}}, [0, 2, 4], 2, 1),
]


@pytest.mark.parametrize("clause, values, found, inside, outside", CLAUSES, ids=[row[0] for row in CLAUSES])
def test_a_clause_bounds_what_is_read_and_where_it_may_start(
    ask: Ask, clause: str, values: dict[str, Any], found: list[int], inside: int, outside: int
) -> None:
    items = [{**key(n), "lk": {"B": f"A{'QI'[n % 2]}{'ABCDE'[n]}A"}} for n in range(5)]
    put(ask, *items)
    index = {"IndexName": "by_l"} if "lk" in clause else {}
    values = {":p": {"S": "p"}, **values}
    query = {"KeyConditionExpression": f"pk = :p AND {clause}", "ExpressionAttributeValues": values, **index}
    assert [int(item["sk"]["N"]) for item in ask("Query", **query)["Items"]] == found
    assert [int(item["sk"]["N"]) for item in ask("Query", **query, ScanIndexForward=False)["Items"]] == found[::-1]
    names = ("pk", "sk", "lk") if index else ("pk", "sk")
    starts = [{name: items[n][name] for name in names} for n in (inside, outside)]
    page = ask("Query", **query, ExclusiveStartKey=starts[0])
    assert [int(item["sk"]["N"]) for item in page["Items"]] == found[found.index(inside) + 1 :]
    with raises(DynamoError, "ValidationException: The provided starting key does not match the range key predicate"):
        ask("Query", **query, ExclusiveStartKey=starts[1])


UNHELD: list[tuple[dict[str, Any], list[str]]] = [
    ({"FilterExpression": "attribute_exists(v)"}, []),
    ({"FilterExpression": "attribute_not_exists(v)"}, ["1", "2"]),
    ({"FilterExpression": "v = :v OR sk = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}, ["1"]),
    ({"ScanFilter": {"v": {"ComparisonOperator": "NOT_NULL"}}}, []),
    ({"ScanFilter": {"v": {"ComparisonOperator": "NULL"}}}, ["1", "2"]),
]


@pytest.mark.parametrize("members, found", UNHELD)
def test_of_an_entry_of_a_global_index_a_scan_misses_what_is_not_held(
    ask: Ask, members: dict[str, Any], found: list[str]
) -> None:
    put(ask, *({**key(n), "gk": {"S": "g"}, "v": {"N": "1"}} for n in (1, 2)))
    page = ask("Scan", IndexName="by_g", **members)
    assert sorted(item["sk"]["N"] for item in page["Items"]) == found
    assert page["ScannedCount"] == 2
    counted = ask("Scan", IndexName="by_g", Select="COUNT", ReturnConsumedCapacity="INDEXES", **members)
    assert counted["Count"] == len(found)
    assert counted["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.0}


def test_batch_get_leaves_what_is_beyond_16_mb(ask: Ask) -> None:
    keys = [key(1, f"p{n}") for n in range(45)]
    put(ask, *({**one, "d": {"S": "x" * 400_000}} for one in keys))
    found = ask("BatchGetItem", RequestItems={"tab": {"Keys": keys, "ConsistentRead": True}})
    assert len(found["Responses"]["tab"]) == 41
    left = found["UnprocessedKeys"]
    assert left == {"tab": {"Keys": keys[41:], "ConsistentRead": True}}
    assert len(ask("BatchGetItem", RequestItems=left)["Responses"]["tab"]) == 4


def test_batch_get_leaves_what_is_beyond_1_mb_of_a_partition(ask: Ask) -> None:
    large = [key(n) for n in range(5)]
    put(ask, *({**one, "d": {"S": "x" * 400_000}} for one in large), key(1, "other"))
    keys = [*large, key(9), key(1, "other")]
    found = ask("BatchGetItem", RequestItems={"tab": {"Keys": keys}}, ReturnConsumedCapacity="TOTAL")
    assert [item["sk"]["N"] for item in found["Responses"]["tab"]] == ["0", "1", "2", "1"]
    assert found["UnprocessedKeys"] == {"tab": {"Keys": large[3:]}}
    assert found["ConsumedCapacity"] == [{"TableName": "tab", "CapacityUnits": 3 * 49.0 + 2 * 0.5}]
    rest = ask("BatchGetItem", RequestItems=found["UnprocessedKeys"])
    assert [item["sk"]["N"] for item in rest["Responses"]["tab"]] == ["3", "4"]


def test_a_query_for_one_item_gives_no_key_that_could_not_start_another(ask: Ask) -> None:
    definition = [{"AttributeName": "id", "AttributeType": "S"}]
    schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    ask(
        "CreateTable",
        TableName="lone",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema,
        AttributeDefinitions=definition,
    )
    ask("PutItem", TableName="lone", Item={"id": {"S": "a"}})
    of_a = {"KeyConditionExpression": "id = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}, "TableName": "lone"}
    assert "LastEvaluatedKey" not in ask("Query", **of_a, Limit=1)
    with raises(DynamoError, "ValidationException: The provided exclusive start key is invalid"):
        ask("Query", **of_a, ExclusiveStartKey={"id": {"S": "a"}})
