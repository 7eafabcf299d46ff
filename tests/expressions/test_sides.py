"""Conditions on the two sides of a change: values like all others, that only a change can answer."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from public import NAMES
from raised import raises
from strategies import conditions

from flyexpr import (
    Condition,
    ExpressionError,
    F,
    assign,
    between,
    contains,
    eq,
    events,
    exists,
    gt,
    is_in,
    matches,
    not_exists,
    parse_condition,
    parse_update,
    show,
    simplify,
    size,
)
from flyexpr.events import appeared, changed, now, old, was
from flyexpr.expressions.parse import read_condition
from flyexpr.expressions.parse.reader import Scope
from flyexpr.expressions.sides import both_sides, of_both_sides

TEXTS: list[tuple[Condition, str]] = [
    (was(eq("status", "open")) & eq("status", "done"), "old(status) = 'open' AND status = 'done'"),
    (changed("info.tags[0]"), "changed(info.tags[0])"),
    (appeared("email") | ~changed("odd name"), 'appeared(email) OR NOT changed("odd name")'),
    (gt("score", old("score")), "score > old(score)"),
    (old(F.score) >= F.record, "old(score) >= record"),
    (was(exists("a") | not_exists("b")), "attribute_exists(old(a)) OR attribute_not_exists(old(b))"),
    (was(between(size("tags"), 1, 3)), "size(old(tags)) BETWEEN 1 AND 3"),
    (was(is_in("a", [1, 2]) & contains("t", "x")), "old(a) IN (1, 2) AND contains(old(t), 'x')"),
    (eq("old", 1) & eq("changed.appeared", 2), "old = 1 AND changed.appeared = 2"),
]


@pytest.mark.parametrize("condition, text", TEXTS, ids=[text for _, text in TEXTS])
def test_a_condition_on_a_change_prints_and_reads_back(condition: Condition, text: str) -> None:
    assert show(condition) == text
    assert parse_condition(text) == condition
    assert eval(repr(condition), {**vars(events), **NAMES}) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert hash(parse_condition(text)) == hash(condition)


@given(conditions)
def test_now_is_the_condition_and_was_asks_the_same_of_the_other_side(condition: Condition) -> None:
    assert now(condition) == condition
    item = {"a": 1, "b": "x", "c": {"d": [1]}}
    expected = matches(condition, item)
    assert matches(of_both_sides(was(condition)), both_sides(item, None)) is expected
    assert matches(of_both_sides(condition), both_sides(None, item)) is expected


@given(conditions, conditions)
def test_simplify_keeps_the_meaning(first: Condition, second: Condition) -> None:
    condition = was(first) & (changed("a") | ~second)
    sides = both_sides({"a": 1, "b": "x"}, {"a": 2})
    assert matches(of_both_sides(simplify(condition)), sides) is matches(of_both_sides(condition), sides)


@pytest.mark.parametrize("make", [was, now])
def test_one_side_of_one_side_is_refused(make: Any) -> None:
    with pytest.raises(ExpressionError) as refused:
        make(was(eq("a", 1)))
    assert str(refused.value) == (
        f"{make.__name__}(...) asks about one side of a change, and old(...) already names a side\n"
        "  expression: old(a) = 1\n"
        f"  hint: join them: {make.__name__}(...) & old(...)"
    )
    with raises(
        TypeError,
        f"{make.__name__} takes a condition such as eq('status', 'open'), not 'a = 1'; write parse_condition('a = 1')",
    ):
        make("a = 1")


@pytest.mark.parametrize("text", ["changed(1)", "old(a, b) = 1", "appeared(size(a))", "old(old(a)) = 1"])
def test_functions_of_changes_take_one_path(text: str) -> None:
    with pytest.raises(ExpressionError, match="takes one path"):
        of_both_sides(parse_condition(text))


@pytest.mark.parametrize("text", ["changed(a)", "appeared(a)", "old(a) = 1", "attribute_exists(old(a))"])
def test_an_item_alone_cannot_answer_them(text: str) -> None:
    with pytest.raises(ExpressionError, match="it asks about a change of an item"):
        matches(parse_condition(text), {"a": 1})


@pytest.mark.parametrize("text", ["changed(a)", "old(a) = :v"])
def test_the_wire_does_not_know_them(text: str) -> None:
    with pytest.raises(ExpressionError, match="Invalid function name"):
        read_condition(text, Scope({}, {}))
    with raises(
        ExpressionError,
        "Invalid function name; function: old\n"
        "  expression: SET a = old(b)\n"
        "                      ^\n"
        "  hint: the functions of an update are if_not_exists, list_append",
    ):
        parse_update("SET a = old(b)")
    assert show(assign("a", F.old)) == "SET a = old"
