"""What `check` refuses in expressions made of nodes, and what an expression cannot hold; with the whole texts."""

import pickle
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from raised import raises

from flyexpr import ExpressionError, F, NotBound, Table, eq, get, show
from flyexpr.expressions.apply import apply
from flyexpr.expressions.check import check
from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import (
    Action,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Or,
    Path,
    Test,
    Update,
    joined,
)
from flyexpr.expressions.terms import operand
from flyexpr.values.numbers import number

A, B, ONE, TEXT = Path(("a",)), Path(("b",)), operand(1), operand("x")
TYPES = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
WRONG_TYPE = "Incorrect operand type for operator or function; operator or function: "
MISPLACED = "The function is not allowed to be used this way in an expression; function: "


def added(clause: str, value: Any) -> Update:
    return Update((Action(clause, A, operand(value)),))


def wrong_addend(clause: str, kind: str) -> str:
    return (
        f"Incorrect operand type for operator or function; operator: {clause}, operand type: {kind}, "
        "typeSet: ALLOWED_FOR_ADD_OPERAND"
    )


def equalities(number: int) -> Condition:
    return joined(Or, [Compare("=", A, operand(place)) for place in range(number)])


def sums(number: int) -> Update:
    paths = [Path((f"n{place}",)) for place in range(number)]
    return Update(tuple(Action("SET", path, Arithmetic("+", path, ONE)) for path in paths))


REFUSED: list[tuple[Any, str]] = [
    (Compare("=", Call("if_not_exists", (A, ONE)), ONE), MISPLACED + "if_not_exists"),
    (Compare("=", Call("size", (Call("list_append", (A, B)),)), ONE), MISPLACED + "list_append"),
    (Update((Action("SET", A, Call("size", (B,))),)), MISPLACED + "size"),
    (Compare("<", A, operand([1])), WRONG_TYPE + "<, operand type: L"),
    (Compare("=", Call("size", (ONE,)), ONE), WRONG_TYPE + "size, operand type: N"),
    (Test("begins_with", (A, ONE)), WRONG_TYPE + "begins_with, operand type: N"),
    (Test("begins_with", (A, Call("size", (B,)))), WRONG_TYPE + "begins_with, operand type: N"),
    (Test("attribute_type", (A, B)), WRONG_TYPE + f"attribute_type, operand type: {TYPES}"),
    (Test("attribute_type", (A, ONE)), WRONG_TYPE + "attribute_type, operand type: N"),
    (Test("attribute_type", (A, TEXT)), f"Invalid attribute type name found; type: x, valid types: {TYPES}"),
    (
        Test("attribute_exists", (ONE,)),
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        Test("begins_with", (A,)),
        "Incorrect number of operands for operator or function; operator or function: begins_with, "
        "number of operands: 1",
    ),
    (
        In(A, tuple(operand(place) for place in range(101))),
        "The IN operator is provided with too many operands; number of operands: 101",
    ),
    (
        Between(A, operand(2), ONE),
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
    ),
    (
        Compare("=", A, A),
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: =, first operand: [a]",
    ),
    (Compare("=", Arithmetic("+", A, ONE), ONE), "A condition has no arithmetic, only an update has; operator: +"),
    (equalities(151), "The expression contains too many operators; operator count: 301"),
    (sums(301), "The expression contains too many operators; operator count: 301"),
    (
        Test("attribute_exists", (Path(("a",) * 33),)),
        "The document path has too many nesting levels; nesting levels: 33",
    ),
    (
        Test("attribute_exists", (Path(("a", 2**31)),)),
        "List index is not within the allowable range; index: [2147483648]",
    ),
    (added("ADD", "x"), wrong_addend("ADD", "STRING")),
    (added("ADD", True), wrong_addend("ADD", "BOOL")),
    (added("DELETE", 1), wrong_addend("DELETE", "NUMBER")),
    (
        (Path(("a", "b")), A),
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a]",
    ),
    (
        (Path(("a", "b")), Path(("a", 1))),
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a, [1]]",
    ),
    (
        (Path(("a", "b", "c")), Path(("a", 1, "c"))),
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b, c], path two: [a, [1], c]",
    ),
]


@pytest.mark.parametrize("expression, message", REFUSED, ids=[message[-60:] for _, message in REFUSED])
def test_refused(expression: Any, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(expression)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "expression",
    [
        sums(300),
        ~equalities(150),  # 300 operators: 150 comparisons, 149 OR, one NOT
        In(A, tuple(operand(place) for place in range(100))),
        Test("attribute_exists", (Path(("a",) * 32),)),
        Test("attribute_exists", (Path(("a", 2**31 - 1)),)),
        Between(A, ONE, ONE),
        Between(A, ONE, B),
        (Path(("a", "b")), Path(("a", "c")), B),
    ],
)
def test_taken(expression: Any) -> None:
    assert check(expression) is None


SUM, SIZE = Arithmetic("+", A, ONE), Call("size", (A,))


@pytest.mark.parametrize(
    "does, message",
    [
        (lambda: matches(Compare("=", SUM, ONE), {}), f"{SUM!r} belongs to an update, not to a condition"),
        (lambda: apply(Update((Action("SET", B, SIZE),)), {}), f"{SIZE!r} belongs to a condition, not to an update"),
        (lambda: compile(A, Placeholders()), f"expected a condition such as eq('a', 1), not {A!r}"),
        (lambda: compile(Not(A), Placeholders()), f"expected a condition such as eq('a', 1), not {A!r}"),
        (lambda: compile(Compare("=", A, True), Placeholders()), "expected a path or a value, not True"),
    ],
)
def test_a_node_in_the_wrong_place(does: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        does()
    assert str(caught.value) == message


def test_terms_are_shown_as_they_are_written() -> None:
    assert show(F.a + 1) == show(F["a"] + 1) == "a + 1"
    assert show(1 + F.a.b[0]) == "1 + a.b[0]"
    assert show(5 - F.a) == "5 - a"
    assert show(eq("a", {date(2026, 1, 31), date(2026, 1, 2)})) == "a = <<'2026-01-02', '2026-01-31'>>"
    assert repr(F) == "F"


def test_a_text_that_no_number_is() -> None:
    for text in ("1e126", "-1e126", "1e100000000"):
        with raises(OverflowError, "number overflow: the largest magnitude is 9.99…E+125"):
            number(text)
    assert number("9.99e125") == 999 * 10**123


def test_an_error_of_a_table_is_pickled() -> None:
    with pytest.raises(NotBound) as caught:
        get(Table("scores", "id"), "a")
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (type(copied), str(copied), copied.table) == (NotBound, str(caught.value), "scores")
