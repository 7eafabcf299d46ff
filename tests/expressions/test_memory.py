"""Expressions in memory: what a table refuses is refused, and values of foreign types count as what is stored."""

import enum
from collections import ChainMap, UserDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from numbers import Integral, Real
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from raised import raises

from flyexpr import (
    DynamoError,
    ExpressionError,
    F,
    Table,
    ValidationError,
    add,
    all_of,
    append,
    apply,
    assign,
    assign_all,
    begins_with,
    between,
    connect,
    contains,
    create_table,
    diff,
    discard,
    eq,
    exists,
    ge,
    get,
    gt,
    incr,
    is_in,
    key_of,
    kinds,
    matches,
    modify,
    ne,
    parse_condition,
    parse_update,
    put,
    put_item,
    run,
    show,
    size,
    template,
    to_json,
    to_wire,
    type_is,
    unchanged,
    update,
)
from flyexpr.expressions.nodes import Update
from flyexpr.expressions.show import show as text_of
from flyexpr.expressions.terms import operand

# --- what a table refuses

ITEM = {"id": "x", "flag": True, "n": 3, "t": "a", "l": [1], "m": {"k": 1}, "s": {"a"}, "none": None}
CONDITIONS = [
    "flag < true",
    "n >= null",
    "n > [1]",
    "n <= {'k': 1}",
    "<<1>> < n",
    "n BETWEEN 1 AND 'b'",
    "n BETWEEN 2 AND 1",
    "n BETWEEN true AND true",
    "t BETWEEN 'b' AND 'a'",
    "attribute_type(n, 'X')",
    "attribute_type(n, 1)",
    "attribute_type(n, t)",
    "attribute_type(n)",
    "n = n",
    "n IN (1, n)",
    "n BETWEEN n AND 5",
    "contains(l, l)",
    "begins_with(t, 1)",
    "begins_with(t, [1])",
    "begins_with(t, t)",
    "begins_with(1, t)",
    "begins_with(t)",
    "size(n, t) > 1",
    "size(1) > 1",
    "size(true) = 1",
    "attribute_exists('t')",
    "attribute_exists(t, n)",
    "if_not_exists(n, 1) = 1",
    "list_append(l, l) = l",
    "t = 'a' AND NOT (flag > false)",
    "n IN (" + ", ".join(map(str, range(101))) + ")",
    " OR ".join(f"n = {number}" for number in range(302)),
    ".".join(f"a{number}" for number in range(33)) + " = 1",
    "l[2147483648] = 1",
]
UPDATES = [
    "ADD m {'x': 1}",
    "ADD new {'x': 1}",
    "ADD new true",
    "ADD new null",
    "ADD new 'text'",
    "DELETE new 'text'",
    "DELETE n 1",
    "DELETE s {'a': [1]}",
    "SET n = n + 'a'",
    "SET n = 1 - true",
    "SET l = list_append(l, 'a')",
    "SET l = list_append(1, l)",
    "SET n = if_not_exists(n, n)",
    "SET n = if_not_exists(1, 2)",
    "SET n = size(t)",
    "SET n = list_append(list_append(l, l), l)",
    "SET l[2147483648] = 1",
    "SET n = missing",
    "SET t = t + 1",
    "REMOVE t.x",
    "SET m.k.x = 1",
    "ADD t 1",
    "ADD s <<1>>",
]


def refusal(does: Callable[[], Any]) -> str:
    with pytest.raises(ExpressionError) as caught:
        does()
    return caught.value.message


@pytest.fixture
def table() -> Any:
    with closing(connect("sqlite::memory:")) as engine:
        made = Table("memory", "id").on(engine)
        run(made, create_table())
        put(made, ITEM)
        yield made


@pytest.mark.parametrize("text", CONDITIONS, ids=[text[:40] for text in CONDITIONS])
def test_a_condition_is_refused_in_memory_as_on_a_table(table: Any, text: str) -> None:
    condition = parse_condition(text)
    message = refusal(lambda: put(table, ITEM, condition=condition))
    for item in (ITEM, {}):
        assert refusal(lambda item=item: matches(condition, item)) == message
        assert refusal(lambda item=item: matches(~condition, item)) == message


@pytest.mark.parametrize("text", UPDATES)
def test_an_update_is_refused_in_memory_as_on_a_table(table: Any, text: str) -> None:
    change = parse_update(text)
    try:
        update(table, "x", change)
    except Exception as error:
        there = getattr(error, "message", None)
    assert refusal(lambda: apply(change, ITEM)) == there
    assert get(table, "x") == ITEM


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


def test_nesting_is_limited_in_memory_as_on_a_table(table: Any) -> None:
    for path, value in (("m.a", nested(30)), ("m.a.b", nested(29)), ("l[5]", nested(30))):
        parents = path.count(".") > 1
        fits = assign(path, value, parents=parents)
        apply(fits, ITEM)
        update(table, "x", fits)
        deeper = assign(path, [value], parents=parents)
        message = "Nesting Levels have exceeded supported limits"
        assert refusal(lambda deeper=deeper: apply(deeper, ITEM)) == message
        with raises(DynamoError, f"ValidationException: {message}"):
            update(table, "x", deeper)
        put(table, ITEM)


def test_a_refusal_shows_the_expression() -> None:
    with pytest.raises(ExpressionError) as caught:
        matches(gt("flag", True), {})
    assert str(caught.value) == (
        "Incorrect operand type for operator or function; operator or function: >, operand type: BOOL\n"
        "  expression: flag > true"
    )


def test_it_is_refused_each_time() -> None:
    condition = gt("flag", True)
    assert refusal(lambda: matches(condition, {})) == refusal(lambda: matches(condition, {}))


def test_a_condition_of_ten_thousand_parts_is_refused_and_not_too_deep() -> None:
    condition: Any = eq("a", 1)
    for _ in range(10_000):
        condition = ~condition
    assert refusal(lambda: matches(condition, {})).startswith("The expression contains too many operators")


@pytest.mark.parametrize("wrong", [1, "a = 1", None, F.a, incr("a")])
def test_matches_takes_conditions(wrong: Any) -> None:
    with pytest.raises(TypeError, match="matches takes a condition such as"):
        matches(wrong, {})


@pytest.mark.parametrize("wrong", [1, "SET a = 1", None, F.a, eq("a", 1)])
def test_apply_takes_updates(wrong: Any) -> None:
    with pytest.raises(TypeError, match="apply takes an update such as"):
        apply(wrong, {})


def test_apply_makes_parents() -> None:
    assert apply(assign("a.b.c", 1, parents=True), {"x": 1}) == {"x": 1, "a": {"b": {"c": 1}}}
    assert apply(assign("a.b", 1, parents=True), {"a": {"x": 1}}) == {"a": {"x": 1, "b": 1}}
    message = "The document path provided in the update expression is invalid for update"
    assert refusal(lambda: apply(assign("a.b", 1, parents=True), {"a": [1]})) == message
    assert refusal(lambda: apply(assign("a[0].b", 1, parents=True), {})) == message


# --- values of foreign types


class Level(enum.Enum):
    EASY = 1


DAY, NOON, ID = date(2026, 1, 31), datetime(2026, 1, 31, 12, tzinfo=timezone.utc), UUID(int=1)
FOREIGN: list[tuple[Any, Any, str]] = [  # a value, what it is stored as where nothing is declared, as it is shown
    (DAY, "2026-01-31", "'2026-01-31'"),
    (NOON, "2026-01-31T12:00:00.000000+00:00", "'2026-01-31T12:00:00.000000+00:00'"),
    (ID, str(ID), f"'{ID}'"),
    (Level.EASY, 1, "1"),
    ([DAY, [ID]], ["2026-01-31", [str(ID)]], f"['2026-01-31', ['{ID}']]"),
    ({"k": {"l": DAY}}, {"k": {"l": "2026-01-31"}}, "{'k': {'l': '2026-01-31'}}"),
    ({DAY}, {"2026-01-31"}, "<<'2026-01-31'>>"),
    ((DAY, None), ["2026-01-31", None], "['2026-01-31', null]"),
]


@pytest.mark.parametrize("value, stored, shown", FOREIGN, ids=[shown for *_, shown in FOREIGN])
def test_a_foreign_value_is_what_is_stored(value: Any, stored: Any, shown: str) -> None:
    for held in (value, stored):
        item = {"a": held, "l": [held], "m": {"k": held}}
        for asked in (value, stored):
            condition = all_of(
                eq("a", asked), is_in("a", [0, asked]), eq("l", [asked]), eq("m.k", asked), contains("l", asked)
            )
            assert matches(condition, item)
            assert not matches(ne("a", asked) | ne("m", {"k": asked}), item)
        assert matches(unchanged(item), item)
        assert matches(parse_condition(show(unchanged(item))), item)
    assert show(eq("a", value)) == f"a = {shown}"
    assert show(parse_condition(show(eq("a", value)))) == show(eq("a", value))
    assert show(assign("a", value)) == f"SET a = {shown}"
    assert matches(type_is("a", operand(stored).kind), {"a": value})
    assert apply(assign("a", value), {})["a"] == ([*value] if isinstance(value, tuple) else value)


class Rank(enum.IntEnum):
    """An Enum whose members are numbers already."""

    LOW = 1
    HIGH = 2


class Word(str, enum.Enum):
    """An Enum whose members are texts already."""

    OPEN = "open"
    DONE = "done"


SETS: list[tuple[Any, Any, Any]] = [  # a member of a set in an item, what else says the same, and another member
    (0.1, Decimal("0.1"), 0.2),
    (1.0, 1, 2),
    (1e23, 10**23, 1),
    (Decimal("0.1"), 0.1, Decimal("0.2")),
    (Rank.LOW, 1, Rank.HIGH),
    (Word.OPEN, "open", Word.DONE),
    (DAY, DAY, date(2026, 2, 1)),
    (ID, ID, UUID(int=2)),
    (DAY, "2026-01-31", ID),
    (ID, str(ID), NOON),
    (Level.EASY, 1, 0.5),
    (NOON, NOON.astimezone(timezone(timedelta(hours=1))), NOON + timedelta(hours=1)),
]


@pytest.mark.parametrize("member, same, other", SETS, ids=str)
def test_members_of_a_set_are_what_is_stored_of_them(member: Any, same: Any, other: Any) -> None:
    item = {"a": {member}}
    for asked in (member, same):
        assert apply(add("a", {asked}), item) == item
        assert apply(discard("a", {asked}), item) == {}
        assert apply(discard("a", {asked}), {"a": {member, other}}) == {"a": {other}}
    assert apply(discard("a", {other}), item) == item
    grown = apply(add("a", {other}), item)
    assert len(grown["a"]) == 2
    assert matches(unchanged(grown), {"a": {member, other}})
    for new in ({other}, {member, other}):
        assert matches(unchanged(apply(diff(item, {"a": new}), item)), {"a": new})


def test_bounds_of_foreign_values_are_held_to_their_order() -> None:
    assert matches(between("day", DAY, DAY + timedelta(1)), {"day": DAY})
    assert refusal(lambda: matches(between("day", DAY, DAY - timedelta(1)), {})).startswith(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    )
    assert refusal(lambda: matches(begins_with("n", Level.EASY), {})).endswith("begins_with, operand type: N")
    assert apply(add("days", DAY), {}) == {"days": {DAY}}
    assert apply(append("days", DAY), {"days": [DAY]}) == {"days": [DAY, DAY]}


UNKNOWN = [Fraction(1, 3), PurePath("x"), time(12), timedelta(1), object(), 1j, range(3)]


@pytest.mark.parametrize("value", UNKNOWN, ids=[type(value).__name__ for value in UNKNOWN])
def test_a_value_that_no_table_stores_is_refused_everywhere(value: Any) -> None:
    name = type(value).__name__
    for does in (
        lambda: matches(eq("a", value), {}),
        lambda: matches(eq("a", [1, value]), {"a": 1}),
        lambda: matches(ge("a", value), {"a": 1}),
        lambda: matches(ne("a.b", 1), {"a": {"b": value}}),
        lambda: matches(eq("a", 1), {"a": [value]}),
        lambda: matches(exists("a"), {"a": value}),
        lambda: apply(assign("a", value), {}),
        lambda: apply(assign("a", {"k": value}), {}),
        lambda: show(eq("a", value)),
        lambda: show(assign("a", [value])),
    ):
        with pytest.raises(ValidationError, match=f"DynamoDB has no type for {name}"):
            does()


NOT_STORED = [  # an update, a value at a.b that no table holds, why
    (incr("a.b"), Decimal("1e999"), "at `a.b`: number overflow: the largest magnitude is 9.99…E+125"),
    (incr("a.b"), 10**200, "at `a.b`: number overflow: the largest magnitude is 9.99…E+125"),
    (incr("a.b"), 1e-200, "at `a.b`: number underflow: the smallest magnitude is 1E-130"),
    (incr("a.b"), Decimal("1." + "1" * 50), "at `a.b`: 51 significant digits; a number holds at most 38"),
    (
        incr("a.b"),
        float("nan"),
        "at `a.b`: NaN is not a number that DynamoDB can store\n  hint: leave the attribute out, or store None",
    ),
    (assign("c", F.a.b + 1), float("inf"), "Infinity is not a number that DynamoDB can store"),
    (assign("c", 1 - F.a.b), Decimal("1e999"), "number overflow: the largest magnitude is 9.99…E+125"),
    (add("a.b", "x"), set(), "at `a.b`: a set may not be empty\n  hint: leave the attribute out, or remove it"),
    (discard("a.b", 1), set(), "at `a.b`: a set may not be empty\n  hint: leave the attribute out, or remove it"),
    (
        discard("a.b", 1),
        {1, "x"},
        "at `a.b`: a set holds only strings, only numbers or only bytes\n  hint: use a list for mixed values",
    ),
    (
        add("a.b", 1),
        {True},
        "at `a.b`: a set holds only strings, only numbers or only bytes\n  hint: use a list for mixed values",
    ),
    (add("a.b", 2), {1, 10**200}, "at `a.b`: number overflow: the largest magnitude is 9.99…E+125"),
    (discard("a.b", 2), {1, -(10**200)}, "at `a.b`: number overflow: the largest magnitude is 9.99…E+125"),
    (add("a.b", "x"), {"x", "\ud800"}, r"at `a.b`: text with half of a surrogate pair ('\ud800') cannot be stored"),
]


@pytest.mark.parametrize("change, value, why", NOT_STORED, ids=[show(u) for u, *_ in NOT_STORED])
def test_an_update_of_a_value_that_no_table_stores(change: Update, value: Any, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        apply(change, {"a": {"b": value}})
    assert str(caught.value) == why


def test_the_place_of_a_value_that_no_table_stores() -> None:
    with pytest.raises(ValidationError) as caught:
        matches(eq("a.b[0]", 1), {"a": {"b": [{"c": [object()]}]}})
    assert caught.value.at == "a.b[0].c[0]"


def test_an_error_text_shows_the_type_of_what_has_no_form() -> None:
    assert (
        text_of(eq("b", object()) & eq("c", [{Level.EASY}, timedelta(1)]))
        == "b = <object> AND c = [<<1>>, <timedelta>]"
    )


# --- numbers of other libraries, which register their types with `numbers`


class Number:
    """An integer of another library: not an int, but registered as one."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == other)

    def __hash__(self) -> int:
        return hash(self.value)


class Whole(Number):
    """A number without a fraction."""


class Broken(Number):
    """A number with a fraction, or with more digits than a float holds."""


class Int64(Number):
    """A number like those of numpy, which have a `dtype`."""

    def __init__(self, value: Any, kind: str = "i") -> None:
        super().__init__(value)
        self.shape: tuple[int, ...] = ()
        self.dtype = type("dtype", (), {"kind": kind})


Integral.register(Whole)
Real.register(Broken)
NUMBERS: list[tuple[Any, Any]] = [
    (Int64(5), 5),
    (Int64(5, "u"), 5),
    (Int64(2, "f"), 2),
    (Int64(1, "b"), True),
    (Int64(0, "b"), False),
    (Whole(5), 5),
    (Broken(1.5), Decimal("1.5")),
]


@pytest.mark.parametrize("number, plain", NUMBERS)
def test_numbers_of_other_libraries_are_numbers(table: Any, number: Any, plain: Any) -> None:
    assert eq("n", number) == eq("n", plain)
    assert show(eq("n", number)) == show(eq("n", plain))
    assert matches(eq("n", number), {"n": plain})
    assert matches(eq("n", [plain]), {"n": [number]})
    put(table, {"id": "n", "n": number, "l": [number], "m": {"k": number}})
    assert get(table, "n") == {"id": "n", "n": plain, "l": [plain], "m": {"k": plain}}
    assert type(get(table, "n")["n"]) is type(plain)  # type: ignore[index]


@pytest.mark.parametrize(
    "kind, number, plain",
    [(int, Int64(5), 5), (float, Int64(2, "f"), 2.0), (bool, Int64(1, "b"), True), (Decimal, Whole(5), Decimal(5))],
)
def test_a_declared_type_takes_them(table: Any, kind: Any, number: Any, plain: Any) -> None:
    typed = replace(table, attributes={"n": kind, "l": list[kind]})
    put(typed, {"id": "n", "n": number, "l": [number]})
    assert get(typed, "n") == {"id": "n", "n": plain, "l": [plain]}


@pytest.mark.parametrize(
    "number", [Int64(5, "m"), Int64(5, "M"), Int64(5, "c"), Int64(5, "O"), Broken(Fraction(1, 3)), Fraction(1, 2)]
)
def test_what_is_no_number_or_not_exactly_is_refused(number: Any) -> None:
    with pytest.raises(ValidationError, match="DynamoDB has no type for"):
        matches(eq("n", number), {"n": 5})
    array = Int64(5)
    array.shape = (1,)
    with raises(
        ValidationError,
        "DynamoDB has no type for tests.expressions.test_memory.Int64\n"
        "  hint: declare the attribute's type on the table, or store a plain value",
    ):
        show(eq("n", array))


# --- mappings that are not dicts

MAPPINGS: list[Callable[[dict[str, Any]], Any]] = [MappingProxyType, ChainMap, UserDict]


@pytest.mark.parametrize("wrap", MAPPINGS)
def test_every_mapping_is_a_map(table: Any, wrap: Callable[[dict[str, Any]], Any]) -> None:
    plain = {"id": "x", "m": {"x": 1, "deep": [{"y": {2}}]}}
    given = wrap({"id": "x", "m": wrap({"x": 1, "deep": [wrap({"y": {2}})]})})
    put(table, given)
    assert get(table, "x") == plain
    for item in (plain, given):
        assert matches(eq("m", given["m"]) & eq("m.x", 1) & exists("m.deep[0].y") & type_is("m", "M"), item)
        assert matches(unchanged(given) & (size("m") >= 2) & contains("m.deep", given["m"]["deep"][0]), item)
    assert show(eq("m", given["m"])) == show(eq("m", plain["m"]))
    for condition in (eq("d", wrap({"k": DAY})), is_in("d", [1, wrap({"k": DAY})]), contains("l", wrap({"k": DAY}))):
        for held in ({"k": DAY}, {"k": "2026-01-31"}, wrap({"k": DAY})):
            assert matches(condition, {"d": held, "l": [held]})
    assert apply(assign("m.x", given["m"]), given) == {"id": "x", "m": {"x": plain["m"], "deep": [{"y": {2}}]}}
    assert diff(given, plain).actions == ()
    for changed in ({"x": 2, "deep": [{"y": {2}}]}, wrap({"x": 2, "deep": [wrap({"y": {2}})]})):
        assert show(diff(given, {"id": "x", "m": changed})) == "SET m.x = 2"
    with pytest.raises(ExpressionError, match="Nesting Levels have exceeded"):
        apply(assign("m.deep", F.d), {"m": wrap({}), "d": reduce(lambda below, _: wrap({"k": below}), range(31), 1)})
    typed = replace(table, attributes={"m": dict, "d": dict[str, date]})
    put(typed, {"id": "y", "m": given["m"], "d": wrap({"k": DAY})})
    assert get(typed, "y") == {"id": "y", "m": plain["m"], "d": {"k": DAY}}
    with raises(ValidationError, "at `m.x`: a set may not be empty\n  hint: leave the attribute out, or remove it"):
        put(table, {"id": "x", "m": wrap({"x": set()})})
    with raises(ValidationError, "at `m[1]`: an attribute name is a non-empty str, not 1"):
        put(table, {"id": "x", "m": wrap({1: 1})})  # type: ignore[dict-item]


@pytest.mark.parametrize("wrap", MAPPINGS)
def test_every_function_takes_every_mapping(table: Any, wrap: Callable[[dict[str, Any]], Any]) -> None:
    plain, given = {"id": "x", "m": {"n": {"a": 1}}}, wrap({"id": "x", "m": wrap({"n": wrap({"a": 1})})})
    assert apply(assign("m.n.b", 2) + assign("m.n.c", 3), given) == {"id": "x", "m": {"n": {"a": 1, "b": 2, "c": 3}}}
    assert apply(assign("m.o.b", 2, parents=True), given) == {"id": "x", "m": {"n": {"a": 1}, "o": {"b": 2}}}
    assert apply(assign("m.n.b", 2, parents=True), given) == {"id": "x", "m": {"n": {"a": 1, "b": 2}}}
    assert apply(assign_all(wrap({"m": given["m"]})), {}) == {"m": {"n": {"a": 1}}}
    assert repr(put_item(given)) == repr(put_item(plain))
    assert repr(eq("m", given["m"])) == repr(eq("m", plain["m"]))
    assert (to_json(given), to_wire(table, given)) == (to_json(plain), to_wire(table, plain))
    assert modify(table, "x", lambda item: given) == get(table, wrap({"id": "x"})) == plain
    assert key_of(table, given) == {"id": "x"}
    parts = replace(table, attributes=wrap({"id": template("{part}"), "day": date}))
    assert key_of(parts, wrap({"part": "x"})) == {"id": "x"}
    assert get(parts, wrap({"part": "x"})) == plain | {"part": "x"}
    assert key_of(kinds(wrap({"day": parts}), by="kind"), wrap({"kind": "day", "part": "x"})) == {"id": "x"}


def test_a_map_keeps_its_order_for_a_codec() -> None:
    from flyexpr.values.freeze import thaw

    value = operand({"b": 1, "a": {"d": DAY, "c": 2}})
    assert list(thaw((value.kind, value.body))) == ["b", "a"]  # type: ignore[union-attr]
    assert value == operand({"a": {"c": 2, "d": DAY}, "b": 1})
