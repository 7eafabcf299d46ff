"""Every kind of condition and action with every value of a small world, compared with the naive evaluator.

The laws draw at random; this leaves nothing out.
"""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import product
from typing import Any

import naive
import naive_text
import pytest
import texts
from strategies import accepted

from flyexpr import DynamoError, ExpressionError, Table, apply, call, connect, create_table, matches, put, run, simplify
from flyexpr.expressions.nodes import (
    ALWAYS,
    NEVER,
    Action,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Path,
    Test,
    Update,
)
from flyexpr.expressions.terms import operand
from flyexpr.values.types import TYPES

Item = dict[str, Any]
A, B = Path(("a",)), Path(("b",))
SIGNS = ("=", "<>", "<", "<=", ">", ">=")
ORDERED: list[Any] = ["", "a", "ab", "b", "｡", "😀", -1, 0, 2, Decimal("0.5"), b"a", b"ab"]
OTHERS: list[Any] = ["é", 1, b"", True, False, None, [], ["a", 1], [["a"]], {}, {"a": 1}]
SETS: list[Any] = [{"a"}, {"a", "b"}, {1}, {1, 2}, {b"a"}, {b"a", b"b"}]
WORLD = [*ORDERED, *OTHERS, *SETS]
SOME: list[Any] = ["a", "ab", "b", 1, 2, b"a", True, None, ["a", 1], {"a": 1}, {"a"}, {1, 2}]


def constants(values: list[Any]) -> list[Any]:
    return [operand(value) for value in values]


def some_tests() -> Iterator[Condition]:
    for function, value in product(("begins_with", "contains"), constants(WORLD)):
        yield Test(function, (A, value))
        yield Test(function, (value, A))
    for kind in (*TYPES, "DOG"):
        yield Test("attribute_type", (A, operand(kind)))
    for function, path in product(("attribute_exists", "attribute_not_exists"), (A, Path(("a", 0)), Path(("a", "a")))):
        yield Test(function, (path,))


CONDITIONS: dict[str, list[Condition]] = {
    **{sign: [Compare(sign, A, value) for value in constants(WORLD)] for sign in SIGNS},
    **{f"constant {sign}": [Compare(sign, value, A) for value in constants(WORLD)] for sign in SIGNS},
    "BETWEEN": [Between(A, low, high) for low, high in product(constants(ORDERED), repeat=2)],
    "constant BETWEEN": [Between(low, A, high) for low, high in product(constants(ORDERED), repeat=2)],
    "IN": [In(A, options) for options in product(constants(SOME), repeat=2)],
    "functions": [*some_tests()],
    "size": [Compare(sign, Call("size", (A,)), operand(number)) for sign, number in product(SIGNS, (0, 1, 2, 3))],
    "size of a constant": [Compare("=", Call("size", (value,)), A) for value in constants(WORLD)],
}
PAIRS: list[Condition] = [
    *[Compare(sign, *sides) for sign, sides in product(SIGNS, ([A, B], [Call("size", (A,)), B]))],
    *[Test(function, (A, B)) for function in ("begins_with", "contains")],
    *[Between(A, B, value) for value in constants(ORDERED)],
    *[In(A, (value, B)) for value in constants(SOME)],
]
ITEMS: list[Item] = [{}, *({"a": value} for value in WORLD)]
COUPLES: list[Item] = [{"a": first, "b": second} for first, second in product(SOME, WORLD)]


@pytest.fixture(scope="module")
def world() -> Iterator[Table]:
    """Tables that hold all items, each under its number."""
    with closing(connect("sqlite::memory:")) as engine:
        for name, items in {"world": ITEMS, "couples": COUPLES}.items():
            run(Table(name, "pk").on(engine), create_table())
            for place, item in enumerate(items):
                put(Table(name, "pk").on(engine), {"pk": str(place), **item})
        yield Table("world", "pk").on(engine)


@pytest.mark.parametrize("kind", CONDITIONS)
def test_conditions(world: Table, kind: str) -> None:
    for condition in CONDITIONS[kind]:
        assert_alike(world, condition, ITEMS)


def test_conditions_on_two_attributes(world: Table) -> None:
    for condition in PAIRS:
        assert_alike(world.named("couples"), condition, COUPLES)


def assert_alike(table: Table, condition: Condition, items: list[Item]) -> None:
    """Client, engine and naive evaluator refuse the same conditions, and agree on every item."""
    request = texts.members_of("FilterExpression", condition)
    try:
        tree = naive_text.read(request)["FilterExpression"]
    except naive.Refused:
        assert not accepted(condition), condition
        with pytest.raises(DynamoError, match="Invalid FilterExpression"):
            call(table.bound, "Scan", {"TableName": table.name, **request})
        return
    assert accepted(condition), condition
    true = [str(place) for place, item in enumerate(items) if naive.holds(tree, naive.wire_item(item))]
    found = call(table.bound, "Scan", {"TableName": table.name, **request})["Items"]
    assert sorted(item["pk"]["S"] for item in found) == sorted(true), condition
    assert [str(place) for place, item in enumerate(items) if matches(condition, item)] == true, condition
    assert [str(place) for place, item in enumerate(items) if matches(simplify(condition), item)] == true, condition


FEW = constants(["a", "b", 1, 2, 1])
ABOUT_A: list[Condition] = [
    *[Compare(sign, A, value) for sign, value in product(SIGNS, FEW[:4])],
    *[Between(A, low, high) for low, high in ((FEW[0], FEW[1]), (FEW[2], FEW[3]), (FEW[2], FEW[2]))],
    In(A, (FEW[0], FEW[2])),
    Test("attribute_exists", (A,)),
    Test("attribute_not_exists", (A,)),
    Test("begins_with", (A, FEW[0])),
]
NEAR: list[Item] = [{}, *({"a": value} for value in ["", "a", "aa", "b", "c", 0, 1, Decimal("1.5"), 2, 3, None, ["a"]])]


def test_two_conditions_on_one_attribute_keep_their_meaning() -> None:
    """So does the simplified condition."""
    for first, second in product(ABOUT_A, [*ABOUT_A, *(~condition for condition in ABOUT_A)]):
        for both, joined in ((first & second, all), (first | second, any)):
            simple = simplify(both)
            for item in NEAR:
                expected = joined(truth(part, item) for part in (first, second))
                assert matches(both, item) is expected, both
                assert truth(simple, item) is expected, both


TREES: dict[Condition, Any] = {ALWAYS: None, NEVER: None}


def truth(condition: Condition, item: Item) -> bool:
    """The answer of the naive evaluator, which reads each text once."""
    if condition in (ALWAYS, NEVER):
        return condition == ALWAYS
    if condition not in TREES:
        TREES[condition] = naive_text.read(texts.members_of("FilterExpression", condition))["FilterExpression"]
    return naive.holds(TREES[condition], naive.wire_item(item))


ACTIONS: dict[str, Any] = {
    "SET": lambda value: Action("SET", A, value),
    "SET a + constant": lambda value: Action("SET", A, Arithmetic("+", A, value)),
    "SET a - constant": lambda value: Action("SET", A, Arithmetic("-", A, value)),
    "SET constant - a": lambda value: Action("SET", B, Arithmetic("-", value, A)),
    "SET if_not_exists": lambda value: Action("SET", A, Call("if_not_exists", (A, value))),
    "SET if_not_exists of another": lambda value: Action("SET", B, Call("if_not_exists", (A, value))),
    "SET list_append": lambda value: Action("SET", A, Call("list_append", (A, value))),
    "SET list_append before": lambda value: Action("SET", A, Call("list_append", (value, A))),
    "SET an element": lambda value: Action("SET", Path(("a", 0)), value),
    "SET past the end": lambda value: Action("SET", Path(("a", 9)), value),
    "SET an entry": lambda value: Action("SET", Path(("a", "a")), value),
    "REMOVE": lambda value: Action("REMOVE", A, None),
    "REMOVE an element": lambda value: Action("REMOVE", Path(("a", 0)), None),
    "REMOVE an entry": lambda value: Action("REMOVE", Path(("a", "a")), None),
    "ADD": lambda value: Action("ADD", A, value),
    "ADD to an entry": lambda value: Action("ADD", Path(("a", "a")), value),
    "DELETE": lambda value: Action("DELETE", A, value),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_actions(kind: str) -> None:
    """`apply` gives for every item what the naive evaluator gives, or both refuse it."""
    for change in dict.fromkeys(Update((ACTIONS[kind](value),)) for value in constants(WORLD)):
        try:
            actions = naive_text.read(texts.members_of("UpdateExpression", change))["UpdateExpression"]
        except naive.Refused:
            assert not accepted(change), change
            continue
        assert accepted(change), change
        for item in ITEMS:
            assert outcome(change, item) == expected(actions, item), (change, item)


def outcome(change: Update, item: Item) -> Any:
    try:
        return naive.item_meaning(naive.wire_item(apply(change, item)))
    except ExpressionError:
        return "refused"


def expected(actions: Any, item: Item) -> Any:
    try:
        return naive.item_meaning(naive.updated(actions, naive.wire_item(item), {}) or {})
    except naive.Refused:
        return "refused"
