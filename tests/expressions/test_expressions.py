"""Expressions as they are written, shown, sent and read back: one table of cases serves all of these.

A second table has what expressions mean, rule by rule.
"""

import copy
import pickle
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, getcontext, localcontext
from itertools import pairwise
from typing import Any

import pytest
import texts
from places import DATA
from raised import raises

from flyexpr import (
    ExpressionError,
    F,
    add,
    all_of,
    any_of,
    append,
    apply,
    assign,
    assign_all,
    begins_with,
    between,
    contains,
    decr,
    discard,
    eq,
    exists,
    ge,
    gt,
    if_not_exists,
    incr,
    is_in,
    le,
    lt,
    matches,
    ne,
    not_exists,
    parse_condition,
    parse_update,
    paths,
    prepend,
    remove,
    show,
    simplify,
    size,
    type_is,
    where,
)
from flyexpr.expressions.nodes import ALWAYS, NEVER, Compare, Condition, Path, Update, Value
from flyexpr.expressions.parse import Scope, read_condition, read_update
from flyexpr.expressions.terms import Term, node_of
from flyexpr.values.freeze import freeze, thaw

# the expression, its text, the text that is sent, and the names and values of its placeholders
CASES: list[tuple[Condition | Update, str, str, list[str], list[Any]]] = [
    (eq("a", 1), "a = 1", "#0 = :0", ["a"], [1]),
    (eq("a.b[0].c", "x"), "a.b[0].c = 'x'", "#0.#1[0].#2 = :0", ["a", "b", "c"], ["x"]),
    (eq(F["a.b"], "x"), "\"a.b\" = 'x'", "#0 = :0", ["a.b"], ["x"]),
    (eq(F["a b"].c, None), '"a b".c = null', "#0.#1 = :0", ["a b", "c"], [None]),
    (eq("a", True), "a = true", "#0 = :0", ["a"], [True]),
    (eq("a", 1.50), "a = 1.5", "#0 = :0", ["a"], [Decimal("1.5")]),
    (eq("a", Decimal("1E+3")), "a = 1000", "#0 = :0", ["a"], [1000]),
    (eq("a", "it's"), "a = 'it''s'", "#0 = :0", ["a"], ["it's"]),
    (eq("a", b"\x00hi"), "a = x'006869'", "#0 = :0", ["a"], [b"\x00hi"]),
    (eq("a", [1, "x", None]), "a = [1, 'x', null]", "#0 = :0", ["a"], [[1, "x", None]]),
    (eq("a", {"k": {"n": [1]}}), "a = {'k': {'n': [1]}}", "#0 = :0", ["a"], [{"k": {"n": [1]}}]),
    (eq("a", {"b", "a"}), "a = <<'a', 'b'>>", "#0 = :0", ["a"], [{"a", "b"}]),
    (eq("a", {2, 1}), "a = <<1, 2>>", "#0 = :0", ["a"], [{1, 2}]),
    (eq("a", {b"2", b"1"}), "a = <<x'31', x'32'>>", "#0 = :0", ["a"], [{b"2", b"1"}]),
    (eq("a", F.b), "a = b", "#0 = #1", ["a", "b"], []),
    (eq(F.a, F.b.c[1]), "a = b.c[1]", "#0 = #1.#2[1]", ["a", "b", "c"], []),
    (ne("status", "done"), "status <> 'done'", "#0 <> :0", ["status"], ["done"]),
    (lt("a", -1), "a < -1", "#0 < :0", ["a"], [-1]),
    (le("a", F.b), "a <= b", "#0 <= #1", ["a", "b"], []),
    (gt("a", "m"), "a > 'm'", "#0 > :0", ["a"], ["m"]),
    (ge("a", b"m"), "a >= x'6d'", "#0 >= :0", ["a"], [b"m"]),
    (F.a == 1, "a = 1", "#0 = :0", ["a"], [1]),
    (F.a != 1, "a <> 1", "#0 <> :0", ["a"], [1]),
    (F.a < 1, "a < 1", "#0 < :0", ["a"], [1]),
    (F.a <= 1, "a <= 1", "#0 <= :0", ["a"], [1]),
    (F.a > 1, "a > 1", "#0 > :0", ["a"], [1]),
    (F.a >= 1, "a >= 1", "#0 >= :0", ["a"], [1]),
    (1 < F.a, "a > 1", "#0 > :0", ["a"], [1]),  # noqa: SIM300
    (F["size"] == 3, "size = 3", "#0 = :0", ["size"], [3]),
    (F["null"] == 3, '"null" = 3', "#0 = :0", ["null"], [3]),
    (F["x"] == 3, "x = 3", "#0 = :0", ["x"], [3]),
    (F['say "hi"'] == 1, '"say ""hi""" = 1', "#0 = :0", ['say "hi"'], [1]),
    (F._private == 1, "_private = 1", "#0 = :0", ["_private"], [1]),
    (F.keys == F.items, "keys = items", "#0 = #1", ["keys", "items"], []),
    (between("a", 1, 2), "a BETWEEN 1 AND 2", "#0 BETWEEN :0 AND :1", ["a"], [1, 2]),
    (between("a", F.low, F.high), "a BETWEEN low AND high", "#0 BETWEEN #1 AND #2", ["a", "low", "high"], []),
    (between(size("a"), 1, 2), "size(a) BETWEEN 1 AND 2", "size(#0) BETWEEN :0 AND :1", ["a"], [1, 2]),
    (is_in("a", ["x", 1]), "a IN ('x', 1)", "#0 IN (:0, :1)", ["a"], ["x", 1]),
    (is_in("a", {"y", "x"}), "a IN ('x', 'y')", "#0 IN (:0, :1)", ["a"], ["x", "y"]),
    (is_in("a", (n for n in (3, 2))), "a IN (3, 2)", "#0 IN (:0, :1)", ["a"], [3, 2]),
    (is_in("a", [F.b, 1]), "a IN (b, 1)", "#0 IN (#1, :0)", ["a", "b"], [1]),
    (begins_with("a", "x"), "begins_with(a, 'x')", "begins_with(#0, :0)", ["a"], ["x"]),
    (begins_with("a", F.b), "begins_with(a, b)", "begins_with(#0, #1)", ["a", "b"], []),
    (contains("a", "x"), "contains(a, 'x')", "contains(#0, :0)", ["a"], ["x"]),
    (contains("a.tags", {"x"}), "contains(a.tags, <<'x'>>)", "contains(#0.#1, :0)", ["a", "tags"], [{"x"}]),
    (contains("a", F.b), "contains(a, b)", "contains(#0, #1)", ["a", "b"], []),
    (exists("a.b"), "attribute_exists(a.b)", "attribute_exists(#0.#1)", ["a", "b"], []),
    (not_exists(F.a[0]), "attribute_not_exists(a[0])", "attribute_not_exists(#0[0])", ["a"], []),
    (type_is("a", "SS"), "attribute_type(a, 'SS')", "attribute_type(#0, :0)", ["a"], ["SS"]),
    (type_is("a", int), "attribute_type(a, 'N')", "attribute_type(#0, :0)", ["a"], ["N"]),
    (type_is("a", None), "attribute_type(a, 'NULL')", "attribute_type(#0, :0)", ["a"], ["NULL"]),
    (size("a") == 2, "size(a) = 2", "size(#0) = :0", ["a"], [2]),
    (gt(size("a"), size("b")), "size(a) > size(b)", "size(#0) > size(#1)", ["a", "b"], []),
    (eq("n", size("a")), "n = size(a)", "#0 = size(#1)", ["n", "a"], []),
    (F.n == size(F.a), "n = size(a)", "#0 = size(#1)", ["n", "a"], []),
    (eq("a", 1) & eq("b", 2), "a = 1 AND b = 2", "#0 = :0 AND #1 = :1", ["a", "b"], [1, 2]),
    (
        eq("a", 1) & eq("b", 2) & eq("c", 3),
        "a = 1 AND b = 2 AND c = 3",
        "#0 = :0 AND #1 = :1 AND #2 = :2",
        ["a", "b", "c"],
        [1, 2, 3],
    ),
    (
        eq("a", 1) & (eq("b", 2) & eq("c", 3)),
        "a = 1 AND b = 2 AND c = 3",
        "#0 = :0 AND #1 = :1 AND #2 = :2",
        ["a", "b", "c"],
        [1, 2, 3],
    ),
    (eq("a", 1) | eq("b", 2), "a = 1 OR b = 2", "#0 = :0 OR #1 = :1", ["a", "b"], [1, 2]),
    (
        eq("a", 1) & (eq("b", 2) | eq("c", 3)),
        "a = 1 AND (b = 2 OR c = 3)",
        "#0 = :0 AND (#1 = :1 OR #2 = :2)",
        ["a", "b", "c"],
        [1, 2, 3],
    ),
    (
        (eq("a", 1) & eq("b", 2)) | eq("c", 3),
        "a = 1 AND b = 2 OR c = 3",
        "#0 = :0 AND #1 = :1 OR #2 = :2",
        ["a", "b", "c"],
        [1, 2, 3],
    ),
    (~eq("a", 1), "NOT a = 1", "NOT #0 = :0", ["a"], [1]),
    (~~eq("a", 1), "NOT NOT a = 1", "NOT NOT #0 = :0", ["a"], [1]),
    (~(eq("a", 1) & eq("b", 2)), "NOT (a = 1 AND b = 2)", "NOT (#0 = :0 AND #1 = :1)", ["a", "b"], [1, 2]),
    (~(eq("a", 1) | eq("b", 2)), "NOT (a = 1 OR b = 2)", "NOT (#0 = :0 OR #1 = :1)", ["a", "b"], [1, 2]),
    (
        ~exists("a") & eq("b", 2),
        "NOT attribute_exists(a) AND b = 2",
        "NOT attribute_exists(#0) AND #1 = :0",
        ["a", "b"],
        [2],
    ),
    (
        ~between("a", 1, 2) | eq("b", 2),
        "NOT a BETWEEN 1 AND 2 OR b = 2",
        "NOT #0 BETWEEN :0 AND :1 OR #1 = :1",
        ["a", "b"],
        [1, 2],
    ),
    (
        eq("a", 1) & eq("b", 1) & eq("c", 1.0),
        "a = 1 AND b = 1 AND c = 1",
        "#0 = :0 AND #1 = :0 AND #2 = :0",
        ["a", "b", "c"],
        [1],
    ),
    (eq("a", 1) & eq("b", True), "a = 1 AND b = true", "#0 = :0 AND #1 = :1", ["a", "b"], [1, True]),
    (eq("a", "1") & eq("b", 1), "a = '1' AND b = 1", "#0 = :0 AND #1 = :1", ["a", "b"], ["1", 1]),
    (eq("a.b", 1) & eq("b.a", 1), "a.b = 1 AND b.a = 1", "#0.#1 = :0 AND #1.#0 = :0", ["a", "b"], [1]),
    (all_of(eq("a", 1)), "a = 1", "#0 = :0", ["a"], [1]),
    (all_of(eq("a", 1), eq("b", 2)), "a = 1 AND b = 2", "#0 = :0 AND #1 = :1", ["a", "b"], [1, 2]),
    (any_of([eq("a", 1), eq("b", 2)]), "a = 1 OR b = 2", "#0 = :0 OR #1 = :1", ["a", "b"], [1, 2]),
    (where(a=1, b="x"), "a = 1 AND b = 'x'", "#0 = :0 AND #1 = :1", ["a", "b"], [1, "x"]),
    (where(status="new"), "status = 'new'", "#0 = :0", ["status"], ["new"]),
    (assign("a", 1), "SET a = 1", "SET #0 = :0", ["a"], [1]),
    (assign("a.b[0]", F.c), "SET a.b[0] = c", "SET #0.#1[0] = #2", ["a", "b", "c"], []),
    (assign("a", F.b + 1), "SET a = b + 1", "SET #0 = #1 + :0", ["a", "b"], [1]),
    (assign("a", F.b - F.c), "SET a = b - c", "SET #0 = #1 - #2", ["a", "b", "c"], []),
    (assign("a", 10 - F.b), "SET a = 10 - b", "SET #0 = :0 - #1", ["a", "b"], [10]),
    (
        assign("a", if_not_exists("a", 0) + 1),
        "SET a = if_not_exists(a, 0) + 1",
        "SET #0 = if_not_exists(#0, :0) + :1",
        ["a"],
        [0, 1],
    ),
    (
        assign("a", if_not_exists("b", F.c)),
        "SET a = if_not_exists(b, c)",
        "SET #0 = if_not_exists(#1, #2)",
        ["a", "b", "c"],
        [],
    ),
    (assign("a", {"x"}), "SET a = <<'x'>>", "SET #0 = :0", ["a"], [{"x"}]),
    (assign("a", None), "SET a = null", "SET #0 = :0", ["a"], [None]),
    (assign(F["a.b"], {"c": [1]}), "SET \"a.b\" = {'c': [1]}", "SET #0 = :0", ["a.b"], [{"c": [1]}]),
    (assign_all({"b.c": 1, "a": F.d}), 'SET "b.c" = 1, a = d', "SET #0 = :0, #1 = #2", ["b.c", "a", "d"], [1]),
    (incr("a"), "ADD a 1", "ADD #0 :0", ["a"], [1]),
    (incr("a.n", 0.5), "ADD a.n 0.5", "ADD #0.#1 :0", ["a", "n"], [Decimal("0.5")]),
    (incr("a", F.b), "SET a = if_not_exists(a, 0) + b", "SET #0 = if_not_exists(#0, :0) + #1", ["a", "b"], [0]),
    (decr("a"), "ADD a -1", "ADD #0 :0", ["a"], [-1]),
    (
        decr("a", Decimal("1.2345678901234567890123456789012345678")),
        "ADD a -1.2345678901234567890123456789012345678",
        "ADD #0 :0",
        ["a"],
        [Decimal("-1.2345678901234567890123456789012345678")],
    ),
    (decr("a", F.b), "SET a = if_not_exists(a, 0) - b", "SET #0 = if_not_exists(#0, :0) - #1", ["a", "b"], [0]),
    (
        append("a", 1, "x"),
        "SET a = list_append(if_not_exists(a, []), [1, 'x'])",
        "SET #0 = list_append(if_not_exists(#0, :0), :1)",
        ["a"],
        [[], [1, "x"]],
    ),
    (
        append("a", F.b),
        "SET a = list_append(if_not_exists(a, []), b)",
        "SET #0 = list_append(if_not_exists(#0, :0), #1)",
        ["a", "b"],
        [[]],
    ),
    (
        prepend("a", 1),
        "SET a = list_append([1], if_not_exists(a, []))",
        "SET #0 = list_append(:0, if_not_exists(#0, :1))",
        ["a"],
        [[1], []],
    ),
    (add("a", "x", "y"), "ADD a <<'x', 'y'>>", "ADD #0 :0", ["a"], [{"y", "x"}]),
    (add("a", {1, 2}), "ADD a <<1, 2>>", "ADD #0 :0", ["a"], [{1, 2}]),
    (discard("a", b"x"), "DELETE a <<x'78'>>", "DELETE #0 :0", ["a"], [{b"x"}]),
    (discard("a.b", {"x"}), "DELETE a.b <<'x'>>", "DELETE #0.#1 :0", ["a", "b"], [{"x"}]),
    (remove("a"), "REMOVE a", "REMOVE #0", ["a"], []),
    (
        remove("z", "a.b[0]", F["odd name"]),
        'REMOVE z, a.b[0], "odd name"',
        "REMOVE #0, #1.#2[0], #3",
        ["z", "a", "b", "odd name"],
        [],
    ),
    (assign("b", 2) + assign("a", 1), "SET b = 2, a = 1", "SET #0 = :0, #1 = :1", ["b", "a"], [2, 1]),
    (
        discard("d", 1) + add("c", 1) + remove("b") + assign("a", 1),
        "SET a = 1 REMOVE b ADD c <<1>> DELETE d <<1>>",
        "SET #0 = :0 REMOVE #1 ADD #2 :1 DELETE #3 :1",
        ["a", "b", "c", "d"],
        [1, {1}],
    ),
    (
        assign("a", 1) + incr("n") + assign("b", 1),
        "SET a = 1, b = 1 ADD n 1",
        "SET #0 = :0, #1 = :0 ADD #2 :0",
        ["a", "b", "n"],
        [1],
    ),
]
every_case = pytest.mark.parametrize(
    "expression, text, sent, names, values", CASES, ids=[text for _, text, *_ in CASES]
)


@every_case
def test_written_shown_sent_and_read_back(
    expression: Condition | Update, text: str, sent: str, names: list[str], values: list[Any]
) -> None:
    assert show(expression) == text
    compiled, scope = texts.sent(expression)
    assert compiled == sent
    assert [*scope.names.values()] == names
    assert [(value.kind, value.body) for value in scope.values.values()] == [freeze(value) for value in values]
    assert reader(expression)(text) == expression
    assert wire_reader(expression)(sent, scope) == expression


def reader(expression: Condition | Update) -> Callable[[str], Condition | Update]:
    return parse_update if isinstance(expression, Update) else parse_condition


def wire_reader(expression: Condition | Update) -> Callable[[str, Scope], Condition | Update]:
    return read_update if isinstance(expression, Update) else read_condition


@every_case
def test_an_expression_is_a_value(
    expression: Condition | Update, text: str, sent: str, names: list[str], values: list[Any]
) -> None:
    for other in (pickle.loads(pickle.dumps(expression)), copy.deepcopy(expression)):
        assert other == expression
        assert hash(other) == hash(expression)
    assert repr(expression)
    assert {expression: 1}[copy.copy(expression)] == 1
    spoken = [part for path in paths(expression) for part in path.parts if isinstance(part, str)]
    assert list(dict.fromkeys(spoken)) == names


def test_no_two_different_texts_are_equal() -> None:
    found = {}
    for expression, text, *_ in CASES:
        assert found.setdefault(expression, text) == text
    assert len({*found.values()}) == len(found)


def test_paths_come_in_the_order_they_are_met() -> None:
    assert [show(path) for path in paths(gt(size("b.c"), F.a) & eq("b.c", F.a[0]))] == ["b.c", "a", "a[0]"]
    assert [show(path) for path in paths(assign("t", F.a + F.b) + remove("z"))] == ["t", "a", "b", "z"]
    assert paths(F.a.b) == (Path(("a", "b")),)


IDENTITY = (DATA / "identity.txt").read_text().splitlines()


@pytest.mark.parametrize("line", [line for line in IDENTITY if line and not line.startswith("--")])
def test_what_was_read_is_shown_as_it_was_written(line: str) -> None:
    parse = parse_update if line.partition(" ")[0] in ("SET", "REMOVE", "ADD", "DELETE") else parse_condition
    assert show(parse(line)) == line


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a=1", "a = 1"),
        ("((a = 1))", "a = 1"),
        ("(a) = (1)", "a = 1"),
        ("a = 1 and not b = 2 Or c = 3", "a = 1 AND NOT b = 2 OR c = 3"),
        ("(a = 1 AND b = 2) AND c = 3", "a = 1 AND b = 2 AND c = 3"),
        ("(a = 1 AND b = 2) OR c = 3", "a = 1 AND b = 2 OR c = 3"),
        ("a = 1.50 AND b = 1e3 AND c = .5", "a = 1.5 AND b = 1000 AND c = 0.5"),
        ("a = - 5", "a = -5"),
        ('"a" = True AND b = NULL', "a = true AND b = null"),
        ("a = {\"k\": 'v'}", "a = {'k': 'v'}"),
        ("a = <<2, 1, 2>>", "a = <<1, 2>>"),
        ("a IN (1) AND TRUE", "a IN (1)"),
        ("a = X'00FF'", "a = x'00ff'"),
        ("a\n  between 1\tand 2", "a BETWEEN 1 AND 2"),
        ("1 < a", "1 < a"),
    ],
)
def test_people_may_write_it_otherwise(text: str, shown: str) -> None:
    assert show(parse_condition(text)) == shown


def test_values_by_keyword() -> None:
    assert parse_condition("a = :v AND b IN (:v, :w)", v=1, w="x") == eq("a", 1) & is_in("b", [1, "x"])
    assert parse_update("SET a = :v ADD b :s", v=[1], s={1}) == assign("a", [1]) + add("b", 1)
    assert parse_condition("a = {'k': :v}", v=1) == eq("a", {"k": 1})
    assert parse_condition("a = ':v'") == eq("a", ":v")


@pytest.mark.parametrize("clause", ["ADD", "DELETE"])
@pytest.mark.parametrize(
    "operand", ["b", "b.c", "b[0]", '"b"', "#b", "size(b)", "if_not_exists(b, 1)", "foo(b)", "(1)", ""]
)
def test_what_is_added_or_deleted_is_a_constant(clause: str, operand: str) -> None:
    """As on the wire; in memory and on a table there would be nothing to add."""
    with pytest.raises(ExpressionError, match="Syntax error; token: "):
        parse_update(f"{clause} a {operand}")
    with pytest.raises(ExpressionError, match="Syntax error; token: "):
        parse_update(f"{clause} a :v, n {operand}", v={1})


LARGEST = "number overflow: the largest magnitude is 9.99…E+125"
NO_NUMBER = "not a number that DynamoDB can store"
DEEP = "nested more than 32 levels deep"
MIXED = "a set holds only strings, only numbers or only bytes"
UNREAD = [  # a text with a literal that cannot be a value: why, and where
    ("a = 1e400", LARGEST, 4),
    ("a = -1e126", LARGEST, 4),
    ("a = 1e-131", "number underflow: the smallest magnitude is 1E-130", 4),
    ("a = 1e99999999999999999999", NO_NUMBER, 4),
    ("a = 1 AND b = [-1e99999999999999999999]", NO_NUMBER, 14),
    ("a = <<1e99999999999999999999>>", NO_NUMBER, 4),
    ("a = {'k': 1e-99999999999999999999}", NO_NUMBER, 4),
    (f"a = {'1' * 39}", "39 significant digits; a number holds at most 38", 4),
    ("a = <<1, 'x'>>", MIXED, 4),
    ("a = <<true>>", MIXED, 4),
    ("a = [<<[1]>>]", MIXED, 5),
    ("a = <<>>", "a set may not be empty", 4),
]


@pytest.mark.parametrize("text, why, place", UNREAD, ids=[text[:40] for text, *_ in UNREAD])
def test_a_literal_that_no_value_can_be(text: str, why: str, place: int) -> None:
    for context in (getcontext(), Context(prec=1, traps=[])):
        with localcontext(context), pytest.raises(ExpressionError) as caught:
            parse_condition(text)
        assert str(caught.value).rpartition("\n")[0].endswith(f"{why}\n  expression: {text}")
        assert str(caught.value).splitlines()[-1] == " " * (14 + place) + "^"


NESTINGS = {
    "list": ("[", "]"),
    "map": ("{'k': ", "}"),
    "list in map": ("[{'k': ", "}]"),
    "map in list": ("{'k': [", "]}"),
}


@pytest.mark.parametrize("name", NESTINGS)
def test_literals_are_nested_as_deep_as_values(name: str) -> None:
    opened, closed = NESTINGS[name]
    each = len(opened) - len(opened.replace("[", "").replace("{", ""))
    fits, over = 31 // each, 31 // each + 1
    for levels in (1, 17 // each, fits):
        text = f"a = {opened * levels}1{closed * levels}"
        assert show(parse_condition(text)) == text
    for levels in (over, over + 1, 40, 200):
        with pytest.raises(ExpressionError, match=DEEP):
            parse_condition(f"a = {opened * levels}1{closed * levels}")


def test_calls_nested_too_deep_to_read() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition("size(" * 5000 + "a" + ")" * 5000 + " = 1")
    assert str(caught.value) == "The expression is nested too deeply"


PLACEHOLDERS = [
    (
        lambda: parse_condition("a = 1", v=2, w=3),
        "`:v`, `:w` are not used in the text",
    ),
    (
        lambda: parse_update("SET a = :v", v=1, w=2),
        "`:w` is not used in the text",
    ),
    (
        lambda: parse_condition("#n = :v", v=1),
        "An expression attribute name used in the document path is not defined; attribute name: #n\n"
        "  expression: #n = :v\n              ^\n"
        '  hint: write the name itself in place of #n, in double quotes where it is odd: "a.b"',
    ),
    (
        lambda: parse_update("SET a.#n = :v", v=1),
        "An expression attribute name used in the document path is not defined; attribute name: #n\n"
        "  expression: SET a.#n = :v\n                    ^\n"
        '  hint: write the name itself in place of #n, in double quotes where it is odd: "a.b"',
    ),
    (
        lambda: parse_condition("a = :v"),
        "An expression attribute value used in expression is not defined; attribute value: :v\n"
        "  expression: a = :v\n                  ^\n"
        "  hint: give it by keyword, v=..., or write the value itself in its place",
    ),
    (
        lambda: read_condition("#n = :v", Scope({}, {})),
        "An expression attribute name used in the document path is not defined; attribute name: #n\n"
        "  expression: #n = :v\n              ^",
    ),
]


@pytest.mark.parametrize("read, text", PLACEHOLDERS)
def test_placeholders_that_stand_for_nothing(read: Callable[[], Any], text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read()
    assert str(caught.value) == text


def test_names_that_begin_with_two_underscores() -> None:
    assert show(F.__typename == "Todo") == "__typename = 'Todo'"
    assert show(exists(F.a.__typename)) == "attribute_exists(a.__typename)"
    assert show(F["__x__"] == 1) == "__x__ = 1"
    for root in (F, F.a):
        with pytest.raises(AttributeError) as caught:
            _ = root.__x__
        assert str(caught.value) == "__x__ is a name of Python's own; for an attribute of that name write F['__x__']"
        assert not hasattr(root, "__array__")


MISPLACED = "The function is not allowed to be used this way in an expression; function: begins_with"


@pytest.mark.parametrize("text", ["b = 1 OR a = begins_with(b, 'c')", "SET a = begins_with(b, 'c')"])
def test_a_function_where_an_operand_belongs(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        (parse_update if text.startswith("SET") else parse_condition)(text)
    assert caught.value.message == MISPLACED
    shown, mark = str(caught.value).splitlines()[1:]
    assert shown[mark.index("^") :] == ")"


@pytest.mark.parametrize("text", ["SET a = (b + 1)", "SET a = b + 1"])
def test_an_assignment_may_stand_in_parentheses(text: str) -> None:
    assert show(parse_update(text)) == "SET a = b + 1"


# what Python's own operators cannot do here, with what to write instead

CONDITION_IS_NO_BOOL = (
    "a condition has no truth value; write `(F.a == 1) & (F.b == 2)`, not `and` (`|` for `or`, `~` for `not`, "
    "`between(path, low, high)` for `low <= F.a <= high`, `is_in(path, values)` for `in`)"
)
PATH_IS_NO_BOOL = "a path has no truth value; write `exists(F.a)` or `F.a == True`, and `&`, not `and`"


@pytest.mark.parametrize(
    "trap, text",
    [
        (lambda: eq("a", 1) and eq("b", 2), CONDITION_IS_NO_BOOL),
        (lambda: eq("a", 1) or eq("b", 2), CONDITION_IS_NO_BOOL),
        (lambda: not eq("a", 1), CONDITION_IS_NO_BOOL),
        (lambda: 1 if F.a == 1 else 2, CONDITION_IS_NO_BOOL),
        (lambda: 1 <= F.a <= 2, CONDITION_IS_NO_BOOL),
        (lambda: F.a < F.b < F.c, CONDITION_IS_NO_BOOL),
        (lambda: F.a in [1, 2], CONDITION_IS_NO_BOOL),
        (lambda: F.a == 1 == 1, CONDITION_IS_NO_BOOL),
        (lambda: max(F.a, F.b), CONDITION_IS_NO_BOOL),
        (lambda: F.a and F.b, PATH_IS_NO_BOOL),
        (lambda: not F.a, PATH_IS_NO_BOOL),
        (lambda: ~F.a, "a path is not a condition; write `~exists(F.a)` or `F.a == False`"),
        (lambda: bool(size("a")), PATH_IS_NO_BOOL),
        (lambda: 1 in F.a, "write `contains(F.a, value)`, not `value in F.a`"),
        (lambda: "a" in F, "write `exists(F.a)`, not `'a' in F`"),
        (lambda: list(F.a), "a path cannot be iterated over; its values are in the items that `run` gives"),
        (lambda: [*F], "F cannot be iterated over; attributes are named one by one, as `F.a`"),
        (lambda: len(F.a), "write `size(F.a)`, not `len(F.a)`"),
        (lambda: bool(F), "F has no truth value; write a condition, such as `F.a == 1`"),
        (
            lambda: incr("a") and incr("b"),
            "an update has no truth value; join updates with `+`, not `and`, and look at `.actions`",
        ),
        (lambda: size("a")[0], "only a path has parts; `size(...)` and `if_not_exists(...)` have none"),
        (lambda: F.a[-1], "a part of a path is a name or a list index from 0, not -1"),
        (lambda: F.a[True], "a part of a path is a name or a list index from 0, not True"),
        (lambda: F.a[""], "a part of a path is a name or a list index from 0, not ''"),
        (lambda: F.a[1:2], "a part of a path is a name or a list index from 0, not slice(1, 2, None)"),
        (lambda: F[0], "a path starts with an attribute's name, a str, not 0"),
        (lambda: {F.a}, "unhashable type: 'Term'"),
        (lambda: exists(3), "a document path is a str such as 'info.actors[0]' or F.info.actors[0], not 3"),
        (
            lambda: any_of([F.a]),
            "any_of takes conditions such as eq('a', 1), not the path a; write exists(F.a), or compare it: F.a == True",
        ),
        (lambda: is_in("a", "abc"), "is_in takes a list of values, not 'abc'; for one value write eq(...)"),
        (lambda: is_in("a", 1), "is_in takes a list of values, not 1; for one value write eq(...)"),
        (
            lambda: type_is("a", set),
            "type_is takes one of S N B BOOL NULL L M SS NS BS or a Python type, not <class 'set'>",
        ),
        (lambda: incr("a", "x"), "incr and decr take a number, not 'x'; for a set use add(path, member)"),
        (lambda: decr("a", True), "incr and decr take a number, not True; for a set use add(path, member)"),
        (lambda: append("a"), "append needs at least one value, as append(path, value)"),
        (lambda: show("a"), "show takes a condition, an update or a path, not 'a'"),
        (lambda: paths("a"), "paths takes a condition, an update or a path, not 'a'"),
        (lambda: parse_condition("a = :v", v=F.b), "`:v` stands for a value, not for F.b"),
    ],
)
def test_python_traps(trap: Callable[[], Any], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        trap()
    assert str(caught.value) == text


def test_what_has_no_parts_has_no_attributes() -> None:
    """`hasattr`, which notebooks use, needs an AttributeError; its text is that of the TypeError for an index."""
    assert not hasattr(size("a"), "_repr_html_")
    assert not hasattr(if_not_exists("a", 1) + 1, "x")
    with raises(AttributeError, "only a path has parts; `size(...)` and `if_not_exists(...)` have none"):
        _ = size("a").b


@pytest.mark.parametrize("other", [1, "a", None, True, F.a])
@pytest.mark.parametrize("join", [lambda a, b: a & b, lambda a, b: a | b, lambda a, b: b & a], ids=["&", "|", "&'"])
def test_only_conditions_join_conditions(join: Callable[[Any, Any], Any], other: Any) -> None:
    with pytest.raises(TypeError, match=r"unsupported operand type|with parentheses|parse_condition"):
        join(eq("a", 1), other)


def test_only_updates_join_updates() -> None:
    for other in (1, eq("a", 1), None, "SET a = 1"):
        for join in (lambda a, b: a + b, lambda a, b: b + a):
            with pytest.raises(TypeError, match=r"\+ joins updates, not "):
                join(incr("a"), other)
    assert sum([incr("a"), incr("b")]) == incr("a") + incr("b")


def test_terms_are_not_in_nodes() -> None:
    """Only the wrapper overloads operators: expressions themselves compare and hash by their fields."""
    assert (F.a == F.b) == eq("a", F.b)
    assert (F.a == 1) != (F.a == 2)
    assert pickle.loads(pickle.dumps(F)) is F
    assert node_of(pickle.loads(pickle.dumps(F.a.b))) == Path(("a", "b"))
    assert not any(isinstance(part, Term) for part in vars_of(F.a + F.b == size(F.c)))


def vars_of(node: Any) -> list[Any]:
    below = [getattr(node, name) for name in getattr(node, "__slots__", ())]
    return [node, *(each for one in below for each in vars_of(one))]


@pytest.mark.parametrize(
    "text, position",
    [("", 1), ("a..b", 2), (".a", 1), ("a.", 2), ("a[", 2), ("a[x]", 2), ("a[-1]", 2), ("a[0]b", 5), ("[0]", 1)],
)
def test_a_text_that_is_not_a_path(text: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        exists(text)
    assert str(caught.value) == (
        f"{text!r} is not a document path: something is wrong at character {position}\n"
        "  hint: write names and indexes as "
        f"'info.actors[0]', or F[\"{text}\"] for one attribute of that very name"
    )


# what expressions mean, by DynamoDB's rules

TRUE: list[tuple[Condition, dict[str, Any]]] = [
    (eq("a", None), {"a": None}),
    (ne("a", None), {}),
    (ne("a", F.b), {}),
    (~eq("a", 2), {}),
    (~lt("a", 1), {"a": "x"}),
    (~(F.a < 0) & ~(F.a >= 0), {"a": "x"}),
    (eq("a", {"x", "y"}), {"a": {"y", "x"}}),
    (eq("a", {"b": "c", "d": ["e", {"h", "g"}]}), {"a": {"d": ["e", {"g", "h"}], "b": "c"}}),
    (eq("a", 1), {"a": Decimal("1.00")}),
    (eq("a", 0), {"a": Decimal("-0.0")}),
    (eq("a", {1}), {"a": {Decimal("1.0")}}),
    (eq("a", 10**38), {"a": Decimal("1E+38")}),
    (gt("a", 9007199254740992), {"a": 9007199254740993}),
    (lt("a", 10), {"a": 9}),
    (lt("a", "9"), {"a": "10"}),
    (lt("a", "😀"), {"a": "｡"}),
    (lt("a", "a"), {"a": "B"}),
    (lt("a", b"\xd0"), {"a": b"\x00"}),
    (gt("a", b"\x7f"), {"a": b"\x80"}),
    (between("a", 4, 4), {"a": 4}),
    (between("a", "b", "d"), {"a": "c"}),
    (is_in("a", ["dog", 174]), {"a": 174}),
    (is_in("a", [[1], {"k": 1}]), {"a": {"k": 1}}),
    (exists("a"), {"a": None}),
    (exists("a.b[1]"), {"a": {"b": [1, 2]}}),
    (not_exists("a.b[2]"), {"a": {"b": [1, 2]}}),
    (not_exists("a.b"), {"a": "text"}),
    (not_exists("a[0]"), {"a": {"0": 1}}),
    (exists(F["a.b"]), {"a.b": 1}),
    (type_is("a", "NULL"), {"a": None}),
    (type_is("a", "NS"), {"a": {1}}),
    (type_is("a", "BOOL"), {"a": False}),
    (begins_with("a", ""), {"a": "hello"}),
    (begins_with("a", b"hi"), {"a": b"hi there"}),
    (contains("a", "ell"), {"a": "hello"}),
    (contains("a", b"\x10"), {"a": b"\x00\x10\x83"}),
    (contains("a", "dog"), {"a": [2, "dog", 7]}),
    (contains("a", [3, 4]), {"a": ["hi", [3, 4]]}),
    (contains("a", 1), {"a": {Decimal("1.0"), 2}}),
    (contains("a", {"x"}), {"a": [{"x"}]}),
    (eq(size("a"), 2), {"a": "hé"}),
    (eq(size("a"), 2), {"a": "😀"}),
    (eq(size("a"), 2), {"a": b"\x00\x01"}),
    (eq(size("a"), 2), {"a": {"x": 2, "y": {"m": 3}}}),
    (eq(size("a"), 2), {"a": {1, 2}}),
    (eq(size("a"), 0), {"a": []}),
    (ne(size("a"), 0), {"a": 5}),
    (ne(size("a"), 0), {}),
    ((F.a < F.b) | (F.c < F.b) & (F.b > F.c), {"a": 1, "b": 2, "c": 3}),
    (all_of(), {}),
    (eq("a.pk", 5), {"a": {"pk": 5}}),
]
FALSE: list[tuple[Condition, dict[str, Any]]] = [
    (eq("a", None), {}),
    (eq("a", F.b), {}),
    (eq("a", 1), {"a": True}),
    (eq("a", True), {"a": 1}),
    (eq("a", "1"), {"a": 1}),
    (eq("a", b"x"), {"a": "x"}),
    (eq("a", ["x"]), {"a": {"x"}}),
    (eq("a", "é"), {"a": "e\u0301"}),
    (ge("a", "0"), {"a": 1}),
    (lt("a", 17), {}),
    (lt("a", 1), {"a": [1, 2, 3]}),
    (lt("a", 1), {"a": None}),
    (le("a", F.b), {"a": True, "b": True}),
    (le("a", F.b), {"a": [1], "b": [1]}),
    (between("a", 0, 2), {}),
    (between("a", F.two, F.one), {"a": 1, "one": 1, "two": 2}),
    (between("a", F.lo, F.hi), {"a": 1, "lo": 0, "hi": "x"}),
    (is_in("a", [1, 2]), {}),
    (is_in("a", [F.b]), {}),
    (type_is("a", "S"), {}),
    (begins_with("a", "x"), {}),
    (begins_with("a", "h"), {"a": ["h"]}),
    (begins_with("a", b"h"), {"a": "hi"}),
    (contains("a", "ab"), {"a": {"abc", "d"}}),
    (contains("a", {1}), {"a": {1, 2}}),
    (contains("a", True), {"a": True}),
    (contains("a", 1), {"a": 12}),
    (contains("a", "k"), {"a": {"k": 1}}),
    (contains("a", 1), {"a": "1"}),
    (contains("a", "x"), {"a": [["x"]]}),
    (ge(size("a"), 0), {"a": 5}),
    (ge(size("a"), 0), {"a": None}),
    (ge(size("a"), 0), {"a": True}),
    (lt(size("a"), 3), {}),
    (~(F.a < F.b) & (F.c < F.b), {"a": 1, "b": 2, "c": 3}),
    (exists("a.b"), {"a.b": 1}),
    (exists("a[1]"), {"a": [1]}),
    (exists("a[0]"), {"a": {1}}),
    (any_of(), {"a": 1}),
]


@pytest.mark.parametrize("condition, item", TRUE, ids=[show(c) for c, _ in TRUE])
def test_true(condition: Condition, item: dict[str, Any]) -> None:
    assert matches(condition, item) is True
    assert matches(~condition, item) is False


@pytest.mark.parametrize("condition, item", FALSE, ids=[show(c) for c, _ in FALSE])
def test_false(condition: Condition, item: dict[str, Any]) -> None:
    assert matches(condition, item) is False
    assert matches(~condition, item) is True


def test_matches_looks_at_an_item_in_the_user_s_types() -> None:
    from datetime import date

    assert matches(gt("day", date(2026, 1, 1)), {"day": date(2026, 1, 2)})
    assert matches(contains("days", date(2026, 1, 1)), {"days": {date(2026, 1, 1)}})


CHANGES: list[tuple[Update, dict[str, Any], dict[str, Any]]] = [
    (assign("a", 1), {}, {"a": 1}),
    (assign("b", F.a), {"a": "hi"}, {"a": "hi", "b": "hi"}),
    (assign("x", 9) + assign("y", F.x), {"x": 1}, {"x": 9, "y": 1}),
    (assign("x", F.y) + assign("y", F.x), {"x": 1, "y": 2}, {"x": 2, "y": 1}),
    (assign("a", F.a + Decimal("0.2")), {"a": Decimal("0.1")}, {"a": Decimal("0.3")}),
    (assign("a", F.a - 1), {"a": 10**37}, {"a": 10**37 - 1}),
    (assign("a", if_not_exists("a", 2)), {"a": 1}, {"a": 1}),
    (assign("a", if_not_exists("a", 2)), {"a": None}, {"a": None}),
    (assign("a", if_not_exists("a", 2)), {}, {"a": 2}),
    (assign("a.b", 1), {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    (assign("a[7]", "x"), {"a": [1, 2]}, {"a": [1, 2, "x"]}),
    (
        assign("a[84]", 1) + assign("a[37]", 2) + assign("a[17]", 3) + assign("a[50]", 4),
        {"a": [0]},
        {"a": [0, 3, 2, 4, 1]},
    ),
    (remove("a"), {"a": 1, "b": 2}, {"b": 2}),
    (remove("z"), {"a": 1}, {"a": 1}),
    (remove("a.z"), {"a": {}}, {"a": {}}),
    (remove("a[5]"), {"a": [1]}, {"a": [1]}),
    (remove("a[0]", "a[2]"), {"a": [1, 2, 3, 4]}, {"a": [2, 4]}),
    (remove("a[1]") + assign("a[3]", 17), {"a": [2, 3, 4, 5, 6, 7]}, {"a": [2, 4, 17, 6, 7]}),
    (remove("a.b", "l[0]"), {"a": {"b": 1}, "l": [1]}, {"a": {}, "l": []}),
    (incr("a"), {}, {"a": 1}),
    (incr("a", 2), {"a": 40}, {"a": 42}),
    (incr("a.n"), {"a": {}}, {"a": {"n": 1}}),
    (incr("a", F.b), {"b": 3}, {"a": 3, "b": 3}),
    (decr("a", F.b), {"a": 1, "b": 3}, {"a": -2, "b": 3}),
    (decr("a", Decimal("0.5")), {"a": 1}, {"a": Decimal("0.5")}),
    (append("a", 2), {"a": [1]}, {"a": [1, 2]}),
    (append("a", 2), {}, {"a": [2]}),
    (prepend("a", 2), {"a": [1]}, {"a": [2, 1]}),
    (append("a", F.b), {"b": [1]}, {"a": [1], "b": [1]}),
    (add("a", "cat", "pig"), {"a": {"dog", "cat"}}, {"a": {"dog", "cat", "pig"}}),
    (add("a", 1), {}, {"a": {1}}),
    (add("a", Decimal("1.0"), 2), {"a": {1, 3}}, {"a": {1, 2, 3}}),
    (discard("a", "dog"), {"a": {"dog"}, "b": 1}, {"b": 1}),
    (discard("a", "cat"), {"a": {"dog"}}, {"a": {"dog"}}),
    (discard("a", "dog"), {"b": 1}, {"b": 1}),
    (discard("a[1]", "x"), {"a": [1, {"x"}, 3]}, {"a": [1, 3]}),
    (discard("a", 10, 20), {"a": {Decimal("10.0"), 20, 30}}, {"a": {30}}),
    (discard("a", 0.1), {"a": {0.1, 0.5}}, {"a": {Decimal("0.5")}}),
    (add("a", 0.1), {"a": {0.1}}, {"a": {Decimal("0.1")}}),
    (assign("l[9]", "s") + incr("l[3]"), {"l": [0, 1, 2]}, {"l": [0, 1, 2, 1, "s"]}),
]


@pytest.mark.parametrize("change, before, after", CHANGES, ids=[show(u) for u, *_ in CHANGES])
def test_apply(change: Update, before: dict[str, Any], after: dict[str, Any]) -> None:
    untouched = copy.deepcopy(before)
    assert freeze(apply(change, before)) == freeze(after)
    assert before == untouched


PATH = "The document path provided in the update expression is invalid for update"
MISSING = "The provided expression refers to an attribute that does not exist in the item"
OPERAND = "An operand in the update expression has an incorrect data type"
REFUSED: list[tuple[Update, dict[str, Any], str]] = [
    (assign("c.c", 7), {"x": 1}, PATH),
    (assign("c[0]", 7), {}, PATH),
    (assign("a.b", 7), {"a": "text"}, PATH),
    (assign("a.b", 7), {"a": None}, PATH),
    (assign("a[0]", 7), {"a": {"b": 1}}, PATH),
    (assign("a[5].b", 7), {"a": [1]}, PATH),
    (remove("c.c"), {"x": 1}, PATH),
    (incr("c.c"), {"x": 1}, PATH),
    (discard("c.c", "x"), {"x": 1}, PATH),
    (assign("c", F.z), {"a": 1}, MISSING),
    (assign("c", F.c + 7), {"a": 1}, MISSING),
    (assign("c", if_not_exists("y", F.z)), {"a": 1}, MISSING),
    (assign("c", F.a + 1), {"a": "dog"}, OPERAND),
    (assign("c", F.a + 1), {"a": True}, OPERAND),
    (append("a", 1), {"a": {1}}, OPERAND),
    (incr("a"), {"a": "hi"}, OPERAND),
    (incr("a"), {"a": {1}}, OPERAND),
    (add("a", 1), {"a": {"x"}}, OPERAND),
    (add("a", 1), {"a": 5}, OPERAND),
    (discard("a", 1), {"a": {"1"}}, OPERAND),
    (discard("a", "2026-01-31"), {"a": {b"2026-01-31"}}, OPERAND),
    (add("a", 1), {"a": {date(2026, 1, 31)}}, OPERAND),
    (
        incr("a", Decimal("9E125")),
        {"a": Decimal("9E125")},
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    ),
    (incr("a"), {"a": 10**50}, "Attempting to store more than 38 significant digits in a Number"),
]


@pytest.mark.parametrize("change, item, message", REFUSED, ids=[show(u) for u, *_ in REFUSED])
def test_apply_refuses(change: Update, item: dict[str, Any], message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        apply(change, item)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "path, item, expected",
    [
        ("a.b.c", {}, {"a": {"b": {"c": 1}}}),
        ("a.b.c", {"a": {}}, {"a": {"b": {"c": 1}}}),
        ("a.b.c", {"a": {"b": {"c": 2, "d": 3}, "e": 4}, "f": 5}, {"a": {"b": {"c": 1, "d": 3}, "e": 4}, "f": 5}),
        ("a.b[0].c", {"a": {"b": [{}]}}, {"a": {"b": [{"c": 1}]}}),
        ("a.b.c", {"a": {"b": 3}}, PATH),
        ("a.b.c", {"a": []}, PATH),
        ("a.b[0].c", {}, PATH),
        ("a.b[0].c", {"a": {"b": []}}, PATH),
    ],
)
def test_apply_makes_the_maps_on_the_way(path: str, item: dict[str, Any], expected: Any) -> None:
    """Missing maps are made, lists are not; an existing value that is not a map is not overwritten."""
    before, change = copy.deepcopy(item), assign(path, 1, parents=True) + assign("z", 1)
    if expected == PATH:
        with pytest.raises(ExpressionError, match=PATH):
            apply(change, item)
    else:
        assert apply(change, item) == {**expected, "z": 1}
    assert item == before


SIMPLE: list[tuple[Condition, Condition]] = [
    (~~eq("a", 1), eq("a", 1)),
    (~eq("a", 1), ne("a", 1)),
    (~exists("a"), not_exists("a")),
    (~lt("a", 1), ~lt("a", 1)),
    (eq("a", 1) & eq("a", 1), eq("a", 1)),
    (eq("a", 1) | eq("a", 1), eq("a", 1)),
    (ge("a", 1) & le("a", 5), between("a", 1, 5)),
    (le("a", 5) & eq("b", 1) & ge("a", 1), between("a", 1, 5) & eq("b", 1)),
    (between("a", 2, 2), eq("a", 2)),
    (is_in("a", [2]), eq("a", 2)),
    (eq("a", 1) & eq("a", 2), NEVER),
    (eq("a", 1) & ne("a", 1), NEVER),
    (gt("a", 5) & lt("a", 5), NEVER),
    (gt("a", 5) & lt("a", "x"), NEVER),
    (eq("a", 1) & ~eq("a", 1), NEVER),
    (gt("a", {1, 2}) & lt("a", {1}), gt("a", {1, 2}) & lt("a", {1})),
    (gt("a", [2]) & lt("a", [1]), gt("a", [2]) & lt("a", [1])),
    (exists("a") | not_exists("a"), ALWAYS),
    (eq("a", 1) | all_of(), ALWAYS),
    (eq("a", 1) & any_of(), NEVER),
    (eq("a", 1) & ~any_of(), eq("a", 1)),
    (~(eq("a", 1) & any_of()), ALWAYS),
    (gt("a", 5) & lt("a", 7), gt("a", 5) & lt("a", 7)),
    (eq("a", 1) & gt("a", 2), NEVER),
    (eq("a", 3) & gt("a", 2), eq("a", 3) & gt("a", 2)),
    (eq("a", 2) & gt("a", 2), NEVER),
    (eq("a", 2) & ge("a", 2), eq("a", 2) & ge("a", 2)),
    (eq("a", "x") & gt("a", 2), NEVER),
    (eq("a", True) & gt("a", 2), NEVER),
    (eq("a", 1) & ne("a", 2), eq("a", 1) & ne("a", 2)),
    (eq("a", 1) & between("a", 2, 3), NEVER),
    (eq("a", 2) & between("a", 2, 3), eq("a", 2) & between("a", 2, 3)),
    (eq("a", 4) & between("a", 2, 3), NEVER),
    (eq("a", "x") & between("a", 2, 3), NEVER),
    (eq("a", {1}) & ne("a", {2}), eq("a", {1}) & ne("a", {2})),
    (ge("a", 5) & le("a", 1), NEVER),
    (ge("a", 1) & le("a", 1), eq("a", 1)),
    (ge("a", 1) & le("b", 5), ge("a", 1) & le("b", 5)),
    (ge("a", 1) & le("a", "x"), NEVER),
    (gt("a", 1) & le("a", 1), NEVER),
    (between("a", 1, 2) & between("a", 3, 4), NEVER),
    (between("a", 1, 2) & between("a", 2, 4), between("a", 1, 2) & between("a", 2, 4)),
    (between("a", 1, 2) & lt("a", 1), NEVER),
    (Compare("<", Value("N", 1), Path(("a",))), gt("a", 1)),
    (Compare("<", Value("N", 1), Value("N", 2)), Compare("<", Value("N", 1), Value("N", 2))),
    (eq("a", date(2026, 1, 1)) & eq("a", date(2026, 1, 2)), eq("a", date(2026, 1, 1)) & eq("a", date(2026, 1, 2))),
    (ge("a", date(2026, 1, 1)) & le("a", date(2026, 1, 2)), ge("a", date(2026, 1, 1)) & le("a", date(2026, 1, 2))),
    (between("a", date(2026, 1, 2), date(2026, 1, 2)), between("a", date(2026, 1, 2), date(2026, 1, 2))),
    (gt(size("a"), 2) & lt(size("a"), 2), NEVER),
]


@pytest.mark.parametrize("condition, simple", SIMPLE, ids=[show(condition) for condition, _ in SIMPLE])
def test_simplify(condition: Condition, simple: Condition) -> None:
    assert simplify(condition) == simple


def test_more_options_than_one_in_takes_are_several() -> None:
    many = is_in("a", range(250))
    texts = show(many).split(" OR ")
    assert [text.count(",") + 1 for text in texts] == [99, 99, 52]
    assert matches(many, {"a": 249})
    assert not matches(many, {"a": 250})


def test_actions_keep_the_order_of_their_clauses() -> None:
    order = ["SET", "REMOVE", "ADD", "DELETE"]
    found = discard("d", 1) + add("c", 1) + remove("b") + assign("a", 1) + remove("e")
    clauses = [action.clause for action in found.actions]
    assert all(order.index(first) <= order.index(second) for first, second in pairwise(clauses))
    assert [thaw((one.kind, one.body)) for one in texts.sent(found)[1].values.values()] == [1, {1}]


def test_the_default_of_if_not_exists_has_to_be_there_though_it_is_not_needed() -> None:
    """What DynamoDB Local does; nothing else is known of the service here."""
    change = assign("a", if_not_exists("a", F.b))
    assert apply(change, {"a": 1, "b": 2}) == {"a": 1, "b": 2}
    with raises(
        ExpressionError,
        "The provided expression refers to an attribute that does not exist in the item\n"
        "  expression: SET a = if_not_exists(a, b)",
    ):
        apply(change, {"a": 1})
