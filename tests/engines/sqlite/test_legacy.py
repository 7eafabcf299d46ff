"""The older parameters mean what their expressions mean, and are refused in their own words."""

from typing import Any

import pytest
from embedded import Ask, key
from raised import raises

from flyexpr import ConditionFailed, DynamoError

ITEM = {**key(1), "n": {"N": "5"}, "s": {"S": "hello"}, "l": {"L": [{"N": "1"}]}, "t": {"SS": ["a", "b"]}}
FILTERS: list[tuple[str, str, list[Any], bool]] = [
    ("n", "EQ", [{"N": "5.0"}], True),
    ("n", "NE", [{"N": "5"}], False),
    ("q", "NE", [{"N": "5"}], True),
    ("n", "LT", [{"N": "10"}], True),
    ("n", "GE", [{"S": "0"}], False),
    ("n", "BETWEEN", [{"N": "5"}, {"N": "6"}], True),
    ("n", "IN", [{"N": "4"}, {"N": "5"}], True),
    ("s", "BEGINS_WITH", [{"S": "he"}], True),
    ("s", "CONTAINS", [{"S": "ell"}], True),
    ("t", "CONTAINS", [{"S": "a"}], True),
    ("t", "NOT_CONTAINS", [{"S": "c"}], True),
    ("q", "NOT_CONTAINS", [{"S": "c"}], False),
    ("q", "NULL", [], True),
    ("n", "NOT_NULL", [], True),
]


def condition(operator: str, values: list[Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": values}


@pytest.mark.parametrize("name, operator, values, found", FILTERS)
def test_scan_filter(ask: Ask, name: str, operator: str, values: list[Any], found: bool) -> None:
    ask("PutItem", Item=ITEM)
    assert ask("Scan", ScanFilter={name: condition(operator, values)})["Count"] == int(found)


@pytest.mark.parametrize("operator, count", [(None, 0), ("AND", 0), ("OR", 1)])
def test_conditions_are_joined(ask: Ask, operator: str | None, count: int) -> None:
    ask("PutItem", Item=ITEM)
    both = {"n": condition("EQ", [{"N": "5"}]), "s": condition("EQ", [{"S": "other"}])}
    joined = {"ConditionalOperator": operator} if operator else {}
    assert ask("Scan", ScanFilter=both, **joined)["Count"] == count


def test_key_conditions(ask: Ask) -> None:
    for n in range(5):
        ask("PutItem", Item=key(n))
    conditions = {"pk": condition("EQ", [{"S": "p"}]), "sk": condition("LE", [{"N": "2"}])}
    assert ask("Query", KeyConditions=conditions)["Count"] == 3


SORTED: list[tuple[str, list[Any], list[str]]] = [
    ("EQ", [{"N": "2"}], ["2"]),
    ("LT", [{"N": "2"}], ["0", "1"]),
    ("LE", [{"N": "2"}], ["0", "1", "2"]),
    ("GT", [{"N": "2"}], ["3", "4"]),
    ("GE", [{"N": "2"}], ["2", "3", "4"]),
    ("BETWEEN", [{"N": "1"}, {"N": "3"}], ["1", "2", "3"]),
]


@pytest.mark.parametrize("operator, values, found", SORTED)
def test_key_conditions_by_operator(ask: Ask, operator: str, values: list[Any], found: list[str]) -> None:
    for n in range(5):
        ask("PutItem", Item=key(n))
    conditions = {"pk": condition("EQ", [{"S": "p"}]), "sk": condition(operator, values)}
    assert [item["sk"]["N"] for item in ask("Query", KeyConditions=conditions)["Items"]] == found


def test_key_conditions_by_prefix(ask: Ask) -> None:
    for n, text in enumerate(("QUI=", "QUJD", "Wg==")):
        ask("PutItem", Item={**key(n), "lk": {"B": text}})
    conditions = {"pk": condition("EQ", [{"S": "p"}]), "lk": condition("BEGINS_WITH", [{"B": "QUI="}])}
    found = ask("Query", IndexName="by_l", KeyConditions=conditions)["Items"]
    assert [item["sk"]["N"] for item in found] == ["0", "1"]


def test_key_conditions_go_with_a_filter_and_a_projection_as_expressions(ask: Ask) -> None:
    """KeyConditionExpression came half a year after the other two, which had nothing else to go with until then."""
    ask("PutItem", Item={**key(1), "x": {"N": "1"}})
    ask("PutItem", Item={**key(2), "x": {"N": "2"}})
    of_p = {"KeyConditions": {"pk": condition("EQ", [{"S": "p"}])}}
    filtered = {"FilterExpression": "x = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    only_x = {"ProjectionExpression": "#x", "ExpressionAttributeNames": {"#x": "x"}}
    assert ask("Query", **of_p, **filtered) == {
        "Items": [{**key(1), "x": {"N": "1"}}],
        "Count": 1,
        "ScannedCount": 2,
    }
    assert ask("Query", **of_p, **only_x)["Items"] == [{"x": {"N": "1"}}, {"x": {"N": "2"}}]
    assert ask("Query", **of_p, **filtered, **only_x)["Items"] == [{"x": {"N": "1"}}]


UPDATES: list[tuple[str, dict[str, Any], Any]] = [
    ("n", {"Value": {"S": "new"}}, {"S": "new"}),
    ("n", {"Action": "ADD", "Value": {"N": "-1"}}, {"N": "4"}),
    ("q", {"Action": "ADD", "Value": {"N": "1"}}, {"N": "1"}),
    ("t", {"Action": "ADD", "Value": {"SS": ["c"]}}, {"SS": ["a", "b", "c"]}),
    ("l", {"Action": "ADD", "Value": {"L": [{"S": "x"}]}}, {"L": [{"N": "1"}, {"S": "x"}]}),
    ("t", {"Action": "DELETE", "Value": {"SS": ["a"]}}, {"SS": ["b"]}),
    ("t", {"Action": "DELETE", "Value": {"SS": ["a", "b"]}}, None),
    ("n", {"Action": "DELETE"}, None),
]


@pytest.mark.parametrize("name, update, value", UPDATES)
def test_attribute_updates(ask: Ask, name: str, update: dict[str, Any], value: Any) -> None:
    ask("PutItem", Item=ITEM)
    ask("UpdateItem", Key=key(1), AttributeUpdates={name: update})
    assert ask("GetItem", Key=key(1))["Item"].get(name) == value


@pytest.mark.parametrize(
    "expected, holds",
    [
        ({"n": {"Value": {"N": "5"}}}, True),
        ({"n": {"Value": {"N": "6"}}}, False),
        ({"q": {"Exists": False}}, True),
        ({"n": {"Exists": False}}, False),
        ({"n": {"Value": {"N": "5"}, "Exists": True}}, True),
        ({"n": condition("GT", [{"N": "4"}])}, True),
        ({"n": {"ComparisonOperator": "GE", "Value": {"N": "5"}}}, True),
        ({"n": {"ComparisonOperator": "GE", "Value": {"N": "6"}}}, False),
        ({"q": {"ComparisonOperator": "GE", "Value": {"N": "5"}}}, False),
        ({"s": {"ComparisonOperator": "BEGINS_WITH", "Value": {"S": "he"}}}, True),
        ({"s": {"ComparisonOperator": "BEGINS_WITH", "Value": {"N": "1"}}}, False),
        ({"n": {"ComparisonOperator": "NULL", "Value": None}}, False),
        ({"n": {"ComparisonOperator": "NOT_NULL"}}, True),
        ({"q": {"ComparisonOperator": "NULL"}}, True),
        ({"n": condition("NULL", [])}, False),
        ({"n": condition("LT", [{"L": []}])}, False),
        ({"n": condition("BETWEEN", [{"L": [{"S": "b"}]}, {"L": [{"N": "1"}]}])}, False),
        ({"n": condition("IN", [{"N": "4"}, {"N": "5"}])}, True),
        ({"n": condition("IN", [{"S": "5"}])}, False),
    ],
)
def test_expected(ask: Ask, expected: dict[str, Any], holds: bool) -> None:
    ask("PutItem", Item=ITEM)
    if holds:
        ask("DeleteItem", Key=key(1), Expected=expected)
    else:
        with pytest.raises(ConditionFailed):
            ask("DeleteItem", Key=key(1), Expected=expected)
    assert ask("Scan")["Count"] == int(not holds)


def test_attributes_to_get(ask: Ask) -> None:
    ask("PutItem", Item=ITEM)
    assert ask("GetItem", Key=key(1), AttributesToGet=["n", "q"])["Item"] == {"n": {"N": "5"}}
    with raises(
        DynamoError,
        "ValidationException: One or more parameter values were invalid: Duplicate value in attribute name: n",
    ):
        ask("GetItem", Key=key(1), AttributesToGet=["n", "n"])


def test_a_filter_of_very_many_conditions_makes_short_pages(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.pages.MAX_COMPARISONS", 500)
    for sort in range(12):
        ask("PutItem", Item=key(sort))
    many = {f"a{n}": condition("NE", [{"N": "1"}]) for n in range(100)}
    counts, start = [], dict[str, Any]()
    while not counts or start:
        page = ask("Scan", ScanFilter=many, **start)
        counts.append(page["Count"])
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else {}
    assert counts == [5, 5, 2]
