"""The update between two items, and the condition that an item is unchanged: laws, then small cases by name."""

import copy
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    ConditionFailed,
    ExpressionError,
    Table,
    apply,
    assign,
    connect,
    create_table,
    delete,
    diff,
    get,
    incr,
    matches,
    put,
    run,
    show,
    unchanged,
    update,
)
from flyexpr.expressions.nodes import Path, Value
from flyexpr.values.encode import encode
from flyexpr.values.freeze import freeze, thaw


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with closing(connect("sqlite::memory:")) as engine:
        made = Table("changes", "pk").on(engine)
        run(made, create_table())
        yield made


def same(left: Any, right: Any) -> bool:
    """Equality as DynamoDB has it: 1 is not True, 1 is 1.0, and sets have no order."""
    return freeze(left) == freeze(right)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A value that differs a little from this one, or not at all."""
    if draw(st.integers(0, 4)) == 0:
        return draw(some.values)
    if isinstance(value, dict):
        found = {name: draw(changed(each)) for name, each in value.items() if draw(st.integers(0, 4))}
        return found | draw(st.dictionaries(some.names, some.values, max_size=1))
    if isinstance(value, list):
        found_elements = [draw(changed(each)) for each in value if draw(st.integers(0, 4))]
        place = draw(st.integers(0, len(found_elements)))
        return found_elements[:place] + draw(st.lists(some.values, max_size=1)) + found_elements[place:]
    if isinstance(value, set):
        kept = {each for each in value if draw(st.booleans())}
        more = {each for each in draw(some.sets) if type(each) is type(next(iter(value)))}
        return kept | more or value
    return value


deep = st.dictionaries(
    st.sampled_from(some.NAMES[:9]),
    st.recursive(
        some.scalars | some.sets,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(some.names, below, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two items that are much alike."""
    old = draw(deep | some.items)
    new = {name: draw(changed(value)) for name, value in old.items() if draw(st.integers(0, 5))}
    return old, new | draw(st.dictionaries(some.names, some.values, max_size=1))


either_way = pytest.mark.parametrize("incr_too", [False, True], ids=["set", "incr"])


@either_way
@settings(max_examples=60)
@given(pairs() | st.tuples(some.items, some.items))
def test_the_difference_makes_the_new_of_the_old(incr_too: bool, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = pair
    before = copy.deepcopy(pair)
    change = diff(old, new, incr=incr_too)
    assert same(apply(change, old), new)
    assert pair == before
    assert (not change.actions) == same(old, new)


@either_way
@settings(max_examples=40)
@given(pairs())
def test_the_service_makes_the_same_of_it(
    table: Table, incr_too: bool, pair: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    old, new = ({"pk": "k", **{f"_{name}": value for name, value in one.items()}} for one in pair)
    put(table, old)
    change = diff(old, new, incr=incr_too)
    if change.actions:
        update(table, "k", change, condition=unchanged(old))
    assert same(get(table, "k"), new)
    delete(table, "k")


@given(pairs())
def test_no_difference_sends_more_than_the_new_values(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = pair
    whole = [value for name, value in new.items() if name not in old or not same(old[name], value)]
    values = [action.operand for action in diff(old, new).actions if isinstance(action.operand, Value)]
    sent = [thaw((value.kind, value.body)) for value in values]
    assert sum(len(encode(value)) for value in sent) <= sum(len(encode(value)) for value in whole)


@settings(max_examples=50)
@given(pairs(), st.lists(some.paths, max_size=3))
def test_unchanged_is_true_of_the_old(pair: tuple[dict[str, Any], dict[str, Any]], paths: list[Path]) -> None:
    old, _ = pair
    assert matches(unchanged(old), old)
    assert matches(unchanged(old, *paths), old)


@settings(max_examples=50)
@given(pairs())
def test_unchanged_is_false_of_any_other(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = pair
    kept = {name: value for name, value in new.items() if name in old}
    assert matches(unchanged(old), kept) == same(old, kept)
    names = [Path((name,)) for name in {**old, **new}]
    assert matches(unchanged(old, *names), new) == same(old, new)


# --- small cases by name

DIFFERENCES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"a": 1}, {"a": 1}, ""),
    ({"a": 1}, {"a": 1.0}, ""),
    ({"a": Decimal("1.50")}, {"a": 1.5}, ""),
    ({"a": {1, 2}}, {"a": {2, 1}}, ""),
    ({"a": [1]}, {"a": (1,)}, ""),
    ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, ""),
    ({"a": 1}, {"a": True}, "SET a = true"),
    ({"a": 1}, {"a": "1"}, "SET a = '1'"),
    ({"a": None}, {}, "REMOVE a"),
    ({}, {"a": None}, "SET a = null"),
    ({"a": 1, "b": 2}, {"b": 3, "c": 4}, "SET b = 3, c = 4 REMOVE a"),
    ({"a": {"b": {"c": 1, "d": "x" * 9}}}, {"a": {"b": {"c": 2, "d": "x" * 9}}}, "SET a.b.c = 2"),
    ({"a": {"b": 1}}, {"a": {}}, "REMOVE a.b"),
    ({"a": {"b": 1, "c": 2, "d": 3}}, {"a": {}}, "SET a = {}"),
    ({"a": {"b": 1, "c": "x" * 9}}, {"a": {"c": "x" * 9}}, "REMOVE a.b"),
    ({"a": {}}, {"a": {"b": 1}}, "SET a.b = 1"),
    ({"a.b": {"c d": "x" * 9, "e": 1}}, {"a.b": {"c d": "x" * 9, "e": 2}}, 'SET "a.b".e = 2'),
    ({"l": ["a", "b"]}, {"l": ["a", "b", "c"]}, "SET l[2] = 'c'"),
    ({"l": ["a"] * 9}, {"l": ["a"] * 8}, "REMOVE l[8]"),
    ({"l": [*"abcdefghi"]}, {"l": [*"bcdefghi"]}, "REMOVE l[0]"),
    ({"l": [*"abcdefghi"]}, {"l": [*"abcefghi"]}, "REMOVE l[3]"),
    ({"l": [*"abcdefghi"]}, {"l": [*"abXefghi"]}, "SET l[2] = 'X' REMOVE l[3]"),
    ({"l": [*"abc"]}, {"l": [*"xabc"]}, "SET l = ['x', 'a', 'b', 'c']"),
    ({"l": [{"n": 1, "t": "x" * 9}, 2]}, {"l": [{"n": 5, "t": "x" * 9}, 2]}, "SET l[0].n = 5"),
    ({"l": [1, 2]}, {"l": []}, "REMOVE l[0], l[1]"),
    ({"l": [1, 2, 3]}, {"l": []}, "SET l = []"),
    ({"s": {"a", "b"}}, {"s": {"a", "b", "c"}}, "ADD s <<'c'>>"),
    ({"s": {"a", "b"}}, {"s": {"a"}}, "DELETE s <<'b'>>"),
    ({"s": {"a", "b"}}, {"s": {"a", "c"}}, "SET s = <<'a', 'c'>>"),
    ({"s": {"a"}}, {"s": {1}}, "SET s = <<1>>"),
    ({"s": {1, 2, 3}}, {"s": {1, 2, 3, 4, 5}}, "ADD s <<4, 5>>"),
    ({"m": {"s": {"a", "bbbbbbbbb"}}}, {"m": {"s": {"a"}}}, "SET m.s = <<'a'>>"),
    ({"a": [1]}, {"a": {"0": 1}}, "SET a = {'0': 1}"),
    ({"a": "x"}, {"a": b"x"}, "SET a = x'78'"),
]


@pytest.mark.parametrize("old, new, text", DIFFERENCES, ids=[text or "nothing" for *_, text in DIFFERENCES])
def test_the_smallest_difference(old: dict[str, Any], new: dict[str, Any], text: str) -> None:
    change = diff(old, new)
    assert show(change) == text
    assert same(apply(change, old), new)


INCREMENTS: list[tuple[Any, Any, str]] = [
    (3, 5, "ADD n 2"),
    (3, 1, "ADD n -2"),
    (Decimal("0.1"), Decimal("0.3"), "ADD n 0.2"),
    (3, "5", "SET n = '5'"),
    (3, True, "SET n = true"),
    (10**37, Decimal("0.01"), "SET n = 0.01"),  # the difference has more than 38 digits
    (-(9 * 10**125), 9 * 10**125, f"SET n = {9 * 10**125}"),  # the difference is too large for a number
    ([1], [2], "ADD n[0] 1"),
    ([1, 2, 3, 4], [2, 3, 4, 5], "ADD n[0] 1, n[1] 1, n[2] 1, n[3] 1"),  # longer than the list, but others may add too
    ({"a": 1, "b": 2}, {"a": 2, "b": 1}, "ADD n.a 1, n.b -1"),
    ([1, "x" * 9], [4, "x" * 9], "ADD n[0] 3"),
]


@pytest.mark.parametrize("old, new, text", INCREMENTS, ids=[text[:30] for *_, text in INCREMENTS])
def test_numbers_are_added_to_on_request(old: Any, new: Any, text: str) -> None:
    change = diff({"n": old}, {"n": new}, incr=True)
    assert show(change) == text
    assert same(apply(change, {"n": old}), {"n": new})


def test_two_writers_that_add_both_count() -> None:
    item = {"wins": 3}
    mine, yours = diff(item, {"wins": 4}, incr=True), diff(item, {"wins": 13}, incr=True)
    assert apply(yours, apply(mine, item)) == {"wins": 14}


def test_a_new_number_is_set() -> None:
    assert show(diff({}, {"n": 5}, incr=True)) == "SET n = 5"


def test_a_difference_too_long_for_one_request_goes_attribute_by_attribute() -> None:
    old = {"m": {f"k{n:03}": {"v": n, "text": "x" * 30} for n in range(300)}}
    new = {"m": {name: {**entry, "v": entry["v"] + 1} for name, entry in old["m"].items()}}
    assert [action.path.parts for action in diff(old, new).actions] == [("m",)]
    assert apply(diff(old, new), old) == new


def test_the_difference_of_a_key_is_refused_where_it_is_written(table: Table) -> None:
    old = {"pk": "a", "n": 1}
    with raises(
        ExpressionError,
        "`pk` is part of the key of 'changes' and cannot be updated\n"
        "  expression: SET pk = 'b'\n"
        "  hint: put the item under its new key and delete the old one",
    ):
        update(table, "a", diff(old, {"pk": "b", "n": 1}))


# --- unchanged

ITEM = {"id": "a", "n": 1, "info": {"seen": True, "log": ["x", "y"]}, "none": None, "tags": {"p"}}
HELD: list[tuple[tuple[Any, ...], str]] = [
    (("n",), "n = 1"),
    (("info.seen", "info.log[1]"), "info.seen = true AND info.log[1] = 'y'"),
    (("info.log[2]",), "attribute_not_exists(info.log[2])"),
    (("info.nope", "nope.more"), "attribute_not_exists(info.nope) AND attribute_not_exists(nope.more)"),
    (("none",), "none = null"),
    (("tags",), "tags = <<'p'>>"),
    (("n.x",), "attribute_not_exists(n.x)"),
]


@pytest.mark.parametrize("paths, text", HELD, ids=[text for _, text in HELD])
def test_what_unchanged_asks(paths: tuple[Any, ...], text: str) -> None:
    assert show(unchanged(ITEM, *paths)) == text
    assert matches(unchanged(ITEM, *paths), ITEM)


CHANGES = {
    "another value": assign("n", 2),
    "another type": assign("n", "1"),
    "nested": assign("info.seen", False),
    "an element": assign("info.log[0]", "z"),
    "one more element": assign("info.log[2]", "z"),
    "a new entry": assign("info.more", 1),
    "a new member": assign("tags", {"p", "q"}),
    "null no more": assign("none", ""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_unchanged_refuses_what_came_between(table: Table, name: str) -> None:
    item = {"pk": "between", **ITEM}
    put(table, item)
    update(table, "between", incr("visits"), condition=unchanged(item))  # on an attribute that `item` did not have
    update(table, "between", CHANGES[name])
    with pytest.raises(ConditionFailed):
        update(table, "between", incr("visits"), condition=unchanged(item))


def test_unchanged_of_nothing_is_always_true(table: Table) -> None:
    update(table, "nothing", assign("n", 1), condition=unchanged({}))
    assert get(table, "nothing") == {"pk": "nothing", "n": 1}
