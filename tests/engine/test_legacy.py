"""The older parameters mean what their expressions mean, and are refused in their own words."""

from typing import Any

import pytest
from embedded import Ask, key

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
REFUSED: list[tuple[str, list[Any], str]] = [
    ("FOO", [{"N": "1"}], "Invalid comparison operator"),
    ("EQ", [], "Invalid number of argument(s) for the EQ ComparisonOperator"),
    ("NULL", [{"N": "1"}], "Invalid number of argument(s) for the NULL ComparisonOperator"),
    ("LT", [{"L": []}], "ComparisonOperator LT is not valid for L AttributeValue type"),
    ("BETWEEN", [{"N": "1"}, {"S": "x"}], "AttributeValues inside AttributeValueList must be of same type"),
    ("BETWEEN", [{"N": "2"}, {"N": "1"}], "lower bound is greater than the upper bound"),
]


def condition(operator: str, values: list[Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": values}


@pytest.mark.parametrize("name, operator, values, found", FILTERS)
def test_scan_filter(ask: Ask, name: str, operator: str, values: list[Any], found: bool) -> None:
    ask("PutItem", Item=ITEM)
    assert ask("Scan", ScanFilter={name: condition(operator, values)})["Count"] == int(found)


@pytest.mark.parametrize("operator, values, message", REFUSED)
def test_refused(ask: Ask, operator: str, values: list[Any], message: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("Scan", ScanFilter={"n": condition(operator, values)})
    assert message in error.value.message


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
    with pytest.raises(DynamoError, match="not an indexable operation"):
        ask("Query", KeyConditions={**conditions, "sk": condition("NE", [{"N": "2"}])})


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
        ({"n": condition("GT", [{"N": "4"}])}, True),
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
    with pytest.raises(DynamoError, match="Duplicate value in attribute name: n"):
        ask("GetItem", Key=key(1), AttributesToGet=["n", "n"])


def test_a_filter_of_very_many_conditions_makes_short_pages(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.pages.MAX_COMPARISONS", 500)
    for sort in range(12):
        ask("PutItem", Item=key(sort))
    many = {f"a{n}": condition("NE", [{"N": "1"}]) for n in range(100)}
    counts, start = [], dict[str, Any]()
    while not counts or start:
        page = ask("Scan", ScanFilter=many, **start)
        counts.append(page["Count"])
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else {}
    assert counts == [5, 5, 2]
