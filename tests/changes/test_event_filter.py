"""Conditions as filters of Lambda: the patterns, and the law that none leaves out a change that matches."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lambda_matching import lets_through
from raised import raises

from flyexpr import (
    Condition,
    ExpressionError,
    F,
    Table,
    all_of,
    any_of,
    begins_with,
    between,
    contains,
    eq,
    exists,
    ge,
    gt,
    is_in,
    kinds,
    lt,
    ne,
    not_exists,
    show,
    size,
    template,
    to_wire,
    type_is,
)
from flyexpr.events import appeared, changed, changes, event_filter, old, was

TABLE = Table("Things", "id", attributes={"n": int, "s": str, "flag": bool, "info": dict[str, int], "tags": set[str]})


def pattern(condition: Condition, table: Table = TABLE) -> Any:
    """The only pattern of a filter, without its outermost step."""
    (only,) = event_filter(condition, table)["Filters"]
    found = json.loads(only["Pattern"])
    return found.get("dynamodb", found)


ROWS: list[tuple[Condition, Any]] = [
    (eq("id", "a"), {"NewImage": {"id": {"S": ["a"]}}}),
    (eq("n", 2), {"NewImage": {"n": {"N": ["2"]}}}),
    (eq("n", 10**19 + 1), {"NewImage": {"n": {"N": ["10000000000000000001"]}}}),
    (was(eq("flag", True)), {"OldImage": {"flag": {"BOOL": [True]}}}),
    (eq("other", None), {"NewImage": {"other": {"NULL": [True]}}}),
    (eq("other", b"\x00"), {"NewImage": {"other": {"B": ["AA=="]}}}),
    (eq("info.x", 3), {"NewImage": {"info": {"M": {"x": {"N": ["3"]}}}}}),
    (is_in("s", ["a", "b"]), {"NewImage": {"s": {"S": ["a", "b"]}}}),
    (begins_with("s", "a") & begins_with("s", "ab"), {"NewImage": {"s": {"S": [{"prefix": "ab"}]}}}),
    (begins_with("s", "a") & is_in("s", ["ax", "b"]), {"NewImage": {"s": {"S": ["ax"]}}}),
    (exists("s") & eq("s", "a"), {"NewImage": {"s": {"S": ["a"]}}}),
    (not_exists("n"), {"NewImage": {"n": {"N": [{"exists": False}]}}}),
    (~exists("n"), {"NewImage": {"n": {"N": [{"exists": False}]}}}),
    (type_is("other", "S"), {"NewImage": {"other": {"S": [{"exists": True}]}}}),
    (gt("n", 3), {"NewImage": {"n": {"N": [{"exists": True}]}}}),
    (
        appeared("s"),
        {"OldImage": {"s": {"S": [{"exists": False}]}}, "NewImage": {"s": {"S": [{"exists": True}]}}},
    ),
    (appeared("id"), {"eventName": ["INSERT"]}),
    (not_exists("id"), {"eventName": ["REMOVE"]}),
    (was(exists("id")) & exists("id"), {"eventName": ["MODIFY"]}),
    (~(~eq("s", "a") | ~eq("n", 1)), {"NewImage": {"s": {"S": ["a"]}, "n": {"N": ["1"]}}}),
    (eq("s", "a") & changed("n"), {"NewImage": {"s": {"S": ["a"]}}}),
]


@pytest.mark.parametrize("condition, expected", ROWS, ids=[str(condition) for condition, _ in ROWS])
def test_a_condition_as_a_pattern(condition: Condition, expected: Any) -> None:
    assert pattern(condition) == expected


def test_alternatives_are_filters_of_their_own() -> None:
    found = event_filter((eq("s", "a") | eq("n", 1)) & eq("flag", True), TABLE)
    assert [json.loads(each["Pattern"])["dynamodb"]["NewImage"] for each in found["Filters"]] == [
        {"s": {"S": ["a"]}, "flag": {"BOOL": [True]}},
        {"n": {"N": ["1"]}, "flag": {"BOOL": [True]}},
    ]
    assert found.wider == ()


@pytest.mark.parametrize(
    "condition, part",
    [
        (eq("s", "a") & gt("n", 3), "n > 3"),
        (eq("s", "a") & ne("n", 3), "n <> 3"),
        (eq("s", "a") & changed("n"), "changed(n)"),
        (eq("s", "a") & gt(size("tags"), 1), "size(tags) > 1"),
        (eq("s", "a") & contains("tags", "x"), "contains(tags, 'x')"),
        (eq("s", "a") & eq("list[0]", 1), "list[0] = 1"),
        (eq("s", "a") & exists("undeclared"), "attribute_exists(undeclared)"),
        (eq("s", "a") & ~eq("n", 1), "n <> 1"),
        (eq("s", "a") & eq("n", 10**20 + 1), f"n = {10**20 + 1}"),
        (eq("s", "a") & eq("n", 10**30), f"n = {10**30}"),
        (eq("s", "a") & eq("s", F.other), "s = other"),
        (eq("s", "a") & eq("other", {"k": 1}), "other = {'k': 1}"),
    ],
)
def test_a_part_that_lambda_cannot_check_is_named(condition: Condition, part: str) -> None:
    found = event_filter(condition, TABLE)
    assert found.wider == (part,)
    assert '"s":{"S":["a"]}' in found["Filters"][0]["Pattern"]
    with raises(
        ExpressionError,
        "a filter of Lambda cannot check this part of this condition\n"
        f"  expression: {part}\n"
        "  hint: let the function check it: handler(function, table, condition=...)",
    ) as refused:
        event_filter(condition, TABLE, exact=True)
    assert str(refused.value) == (
        "a filter of Lambda cannot check this part of this condition\n"
        f"  expression: {part}\n"
        "  hint: let the function check it: handler(function, table, condition=...)"
    )


@pytest.mark.parametrize("condition", [ne("n", 1), changed("n"), gt("n", old("n"))])
def test_a_condition_of_which_no_part_can_be_checked_is_refused(condition: Condition) -> None:
    with raises(
        ExpressionError,
        "a filter of Lambda cannot check any part of this condition\n"
        f"  expression: {show(condition)}\n"
        "  hint: let the function check it: handler(function, table, condition=...)",
    ):
        event_filter(condition, TABLE)


def test_all_changes_pass_the_filter_of_an_empty_condition() -> None:
    assert event_filter(all_of(), TABLE) == {"Filters": [{"Pattern": "{}"}]}


@pytest.mark.parametrize("condition", [eq("s", "a") & eq("s", "b"), any_of(), not_exists("id") & appeared("id")])
def test_a_condition_that_no_change_matches_is_refused(condition: Condition) -> None:
    with raises(ExpressionError, f"no change can match this condition\n  expression: {show(condition)}"):
        event_filter(condition, TABLE)


def test_more_patterns_than_lambda_takes_are_refused() -> None:
    condition = any_of(*(eq(f"a{number}", 1) for number in range(6)))
    with raises(
        ExpressionError,
        "the condition needs 6 patterns, and Lambda takes 5\n"
        "  expression: a0 = 1 OR a1 = 1 OR a2 = 1 OR a3 = 1 OR a4 = 1 OR a5 = 1\n"
        "  hint: leave a part of it to handler(function, table, condition=...)",
    ):
        event_filter(condition, TABLE)


def test_constants_are_in_the_types_that_the_table_declares() -> None:
    with pytest.raises(TypeError, match=r"event_filter takes a condition such as .*, not None"):
        event_filter(None, TABLE)  # type: ignore[arg-type]
    with raises(ExpressionError, "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')"):
        event_filter(begins_with("n", "1"), TABLE)
    with raises(
        ExpressionError,
        "Incorrect operand type for operator or function; operator or function: <, operand type: L\n"
        "  expression: new.other < [1]",
    ):
        event_filter(lt("other", [1]), TABLE)


def test_parts_of_a_key_are_not_looked_for_in_the_image() -> None:
    """An item need not hold them; the key says what they are."""
    table = Table("Shop", "pk", attributes={"pk": template("U#{user}")})
    found = event_filter(eq("user", "ada") & eq("s", "a"), table)
    assert json.loads(found["Filters"][0]["Pattern"]) == {"dynamodb": {"NewImage": {"s": {"S": ["a"]}}}}
    assert found.wider == ("user = 'ada'",)


def test_a_table_of_several_kinds_lets_through_what_any_kind_asks_for() -> None:
    shop = kinds(
        {
            "order": Table("Shop", "id", attributes={"total": float}),
            "customer": Table("Shop", "id", attributes={"total": str}),
        },
        by="type",
    )
    found = event_filter(eq("id", "a"), shop)
    assert (len(found["Filters"]), found.wider) == (1, ())


# --- the law

texts = st.sampled_from(["", "a", "ab", "b"])
values: dict[str, st.SearchStrategy[Any]] = {
    "n": st.sampled_from([0, 1, 2, -1]),
    "s": texts,
    "flag": st.booleans(),
    "info": st.dictionaries(st.sampled_from("xy"), st.sampled_from([1, 2]), max_size=2),
    "other": st.one_of(texts, st.sampled_from([0, 1, None, True, b"a"])),
}
items = st.fixed_dictionaries({"id": st.sampled_from("ab")}, optional=values)
names = st.sampled_from(["id", *values, "info.x"])
constants = st.one_of(texts, st.sampled_from([0, 1, None, True, b"a"]))


def taken(make: Any, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    return st.builds(make, *arguments)


leaves = st.one_of(
    taken(eq, names, constants),
    taken(ne, names, constants),
    taken(gt, st.sampled_from(["n", "other"]), st.sampled_from([0, 1])),
    taken(ge, st.sampled_from(["s", "other"]), texts),
    taken(between, st.just("n"), st.just(0), st.just(1)),
    taken(is_in, names, st.lists(constants, min_size=1, max_size=3)),
    taken(begins_with, st.sampled_from(["s", "other", "id"]), texts),
    taken(exists, names),
    taken(not_exists, names),
    taken(type_is, names, st.sampled_from(["S", "N", "BOOL", "NULL", "M"])),
)
sided = st.one_of(leaves, leaves.map(was), taken(changed, names), taken(appeared, names))
conditions = st.recursive(
    sided,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: any_of(*parts)),
        inner.map(lambda part: ~part),
    ),
    max_leaves=6,
)


def record_of(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    image: dict[str, Any] = {"Keys": to_wire(TABLE, {"id": (before or after or {})["id"]})}
    if before is not None:
        image["OldImage"] = to_wire(TABLE, before)
    if after is not None:
        image["NewImage"] = to_wire(TABLE, after)
    kind = "MODIFY" if before is not None and after is not None else "REMOVE" if after is None else "INSERT"
    return {"eventName": kind, "dynamodb": image}


@given(conditions, st.one_of(st.none(), items), st.one_of(st.none(), items))
def test_a_filter_never_leaves_out_a_change_that_matches(
    condition: Condition, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    assume(before is not None or after is not None)
    record = json.loads(json.dumps(record_of(before, after)))
    (change,) = changes([record], TABLE)
    try:
        found = event_filter(condition, TABLE)
    except ValueError as error:  # no filter, or a constant that the declared type refuses
        assume("no change can match" in str(error))
        through, wider = False, True
    else:
        through, wider = lets_through(found, record), bool(found.wider)
    matching = change.matches(condition)
    assert through or not matching
    assert wider or through is matching
