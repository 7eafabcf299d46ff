"""Declared types beyond put and get: in every update, in items that others stored differently, with own Codecs."""

import enum
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, TypedDict
from uuid import UUID

import pytest
import typed
from raised import raises

from flyexpr import (
    Attribute,
    Codec,
    ConditionFailed,
    ExpressionError,
    F,
    GlobalIndex,
    Table,
    ValidationError,
    VectorIndex,
    add,
    append,
    assign,
    batch_get,
    begins_with,
    between,
    connect,
    contains,
    count,
    create_table,
    decr,
    diff,
    discard,
    epoch,
    eq,
    exists,
    first,
    get,
    get_item,
    if_not_exists,
    incr,
    is_in,
    modify,
    not_exists,
    prepend,
    put,
    remove,
    request,
    run,
    scan,
    size,
    transact_get,
    transact_modify,
    unchanged,
    update,
    update_item,
)
from flyexpr.schema.known_forms import forms_of


@pytest.fixture
def engine() -> Iterator[Any]:
    with closing(connect("sqlite::memory:")) as engine:
        yield engine


def made(engine: Any, **attributes: Any) -> tuple[Table, Table]:
    """A table with these attributes, and the same table without types."""
    raw = Table("things", "id").on(engine)
    run(raw, create_table())
    return replace(raw, attributes=attributes), raw


# --- every type in every update

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
DAY, LATER = date(2026, 1, 31), date(2026, 2, 1)
NOON_TEXT = "2026-01-31T12:00:00.000000+00:00"
ONE, TWO = UUID(int=1), UUID(int=2)
HALF = Decimal("0.5")
EASY, HARD = typed.Level

UPDATED: list[tuple[Any, Any, Any, Any]] = [  # type, value, update of `a`, what is stored afterwards
    (str, "x", assign("a", "y"), "y"),
    (int, 3, assign("a", 4.0), 4),
    (int, 3, incr("a"), 4),
    (int, 3, decr("a", 2), 1),
    (int, 3, assign("a", F.a - 5), -2),
    (int, 3, assign("b", if_not_exists("b", 0) + 1), 3),
    (float, 0.5, incr("a", 0.25), Decimal("0.75")),
    (float, 0.5, decr("a", 1), Decimal("-0.5")),
    (float, 0.5, assign("a", F.a + 0.1), Decimal("0.6")),
    (Decimal, HALF, incr("a", HALF), 1),
    (Decimal, HALF, decr("a", 3), Decimal("-2.5")),
    (Decimal, HALF, assign("a", F.a + 1), Decimal("1.5")),
    (int | Decimal, 1, incr("a", HALF), Decimal("1.5")),
    (Attribute(int, check=range(9).__contains__), 3, incr("a"), 4),
    (bool, True, assign("a", False), False),
    (bytes, b"x", assign("a", bytearray(b"y")), b"y"),
    (date, DAY, assign("a", LATER), "2026-02-01"),
    (date, DAY, assign("a", if_not_exists("a", LATER)), "2026-01-31"),
    (datetime, NOON, assign("a", NOON + timedelta(hours=1)), "2026-01-31T13:00:00.000000+00:00"),
    (epoch, NOON, assign("a", NOON + timedelta(seconds=1)), 1769860801),
    (UUID, ONE, assign("a", TWO), str(TWO)),
    (typed.Level, EASY, assign("a", HARD), 2),
    (typed.Share, typed.Share.HALF, assign("a", typed.Share.TENTH), Decimal("0.1")),
    (typed.Corner, typed.Corner.LOW, assign("a", typed.Corner.HIGH), [1, 1]),
    (list, [1], append("a", "x", {2}), [1, "x", {2}]),
    (list, [1], prepend("a", None), [None, 1]),
    (list, [1], assign("a[1]", 2), [1, 2]),
    (list, [1, 2], remove("a[0]"), [2]),
    (list[date], [DAY], append("a", LATER), ["2026-01-31", "2026-02-01"]),
    (list[date], [DAY], prepend("a", LATER), ["2026-02-01", "2026-01-31"]),
    (list[date], [DAY], assign("a[0]", LATER), ["2026-02-01"]),
    (list[datetime], [], append("a", NOON), [NOON_TEXT]),
    (list[float], [0.5], incr("a[0]", 0.5), [1]),
    (list[int], [1], incr("a[0]"), [2]),
    (list[set[date]], [{DAY}], add("a[0]", LATER), [{"2026-01-31", "2026-02-01"}]),
    (dict, {"k": 1}, incr("a.k"), {"k": 2}),
    (dict, {"k": {"l": [1]}}, append("a.k.l", 2), {"k": {"l": [1, 2]}}),
    (dict, {"k": {1}}, discard("a.k", 1), {}),
    (dict[str, date], {"k": DAY}, assign("a.k", LATER), {"k": "2026-02-01"}),
    (dict[str, date], {"k": DAY}, assign("a.l", LATER) + remove("a.k"), {"l": "2026-02-01"}),
    (dict[str, epoch], {}, assign("a.k", NOON), {"k": 1769860800}),  # type: ignore[valid-type]
    (dict[str, Decimal], {"k": HALF}, incr("a.k", HALF), {"k": 1}),
    (dict[str, Decimal], {"k": HALF}, assign("a.k", F.a.k + 1), {"k": Decimal("1.5")}),
    (dict[str, int], {"k": 1}, decr("a.k"), {"k": 0}),
    (dict[str, typed.Level], {"k": EASY}, assign("a", {"l": HARD}), {"l": 2}),
    (dict[str, list[UUID]], {"k": []}, append("a.k", ONE), {"k": [str(ONE)]}),
    (set[str], {"x"}, add("a", "y"), {"x", "y"}),
    (set[int], {1, 2}, discard("a", 1), {2}),
    (set[float], {0.5}, add("a", 1), {HALF, 1}),
    (set[date], {DAY}, add("a", LATER), {"2026-01-31", "2026-02-01"}),
    (set[date], {DAY, LATER}, discard("a", DAY), {"2026-02-01"}),
    (set[typed.Level], {EASY}, add("a", HARD), {1, 2}),
    (set[epoch], {NOON}, add("a", NOON + timedelta(seconds=1)), {1769860800, 1769860801}),  # type: ignore[valid-type]
    (set, {"x"}, add("a", "y"), {"x", "y"}),
    (typed.CENTS, 1.5, assign("a", 2.25), 225),
    (typed.RENAMED, {"x": 1.5}, assign("a", {"y": 2.25}), {"y in cents": 225}),
    (typed.TURNED, [1, 2], assign("a", [1, 2, 3]), [3, 2, 1]),
    (typed.TEXT, {"k": [1]}, assign("a", {"l": 1, "k": 2}), '{"l": 1, "k": 2}'),
]


@pytest.mark.parametrize("kind, value, change, stored", UPDATED)
def test_an_update_stores_what_its_type_says(engine: Any, kind: Any, value: Any, change: Any, stored: Any) -> None:
    table, raw = made(engine, a=kind)
    put(table, {"id": "x", "a": value})
    update(table, "x", change)
    found = get(raw, "x")
    assert found is not None
    assert found.get("a") == stored
    assert type(found.get("a")) is type(stored)


NOT_UPDATED: list[tuple[Any, Any, str]] = [
    (epoch, incr("a", 3600), "ADD cannot work on `a`, which holds epoch"),
    (epoch, assign("a", F.a + 3600), "+ cannot work on `a`, which holds epoch"),
    (typed.Level, incr("a"), "ADD cannot work on `a`, which holds Level"),
    (typed.Grade, assign("a", F.a - 1), "- cannot work on `a`, which holds Grade"),
    (dict[str, epoch], incr("a.k"), "ADD cannot work on `a.k`, which holds dict[str, epoch]"),  # type: ignore[valid-type]
    (list[typed.Level], incr("a[0]"), "ADD cannot work on `a[0]`, which holds list[Level]"),
    (set[int], incr("a"), "ADD of a number cannot work on `a`, a set"),
    (dict[str, date], append("a.k", DAY), "list_append cannot work on `a.k`, which holds dict[str, date]"),
    (typed.CENTS, incr("a", 0.5), "ADD cannot work on `a`, which holds a Codec"),
    (typed.CENTS, assign("a", F.a + 0.5), "+ cannot work on `a`, which holds a Codec"),
    (typed.TURNED, append("a", 1), "list_append cannot work on `a`, which holds a Codec"),
    (typed.TURNED, contains("a", 1), "contains cannot work on `a`, which holds a Codec"),
    (Codec(set, set, set[str]), add("a", "x"), "ADD cannot work on `a`, which holds a Codec"),
    (Codec(set, set, set[str]), discard("a", "x"), "DELETE cannot work on `a`, which holds a Codec"),
    *(
        (kind, what, f"`{path}` lies inside `a`, and only its Codec knows what is there")
        for kind, path in ((typed.RENAMED, "a.x"), (typed.TURNED, "a[0]"), (typed.TEXT, "a.x[1]"))
        for what in (
            assign(path, 1),
            remove(path),
            incr(path),
            append(path, 1),
            assign("b", if_not_exists(path, 1)),
            eq(path, 1),
            ~exists(path) & eq("b", 1),
            size(path) > 1,
        )
    ),
    (dict[str, typed.RENAMED], assign("a.k.x", 1), "`a.k.x` lies inside `a`, and only its Codec knows what is there"),  # type: ignore[valid-type]
]


@pytest.mark.parametrize("kind, what, text", NOT_UPDATED)
def test_what_has_no_inside_and_no_sum_is_refused(engine: Any, kind: Any, what: Any, text: str) -> None:
    table, _ = made(engine, a=kind)
    with pytest.raises(ExpressionError) as caught:
        update(table, "x", what) if hasattr(what, "actions") else list(run(table, scan(what)))
    assert str(caught.value).splitlines()[0] == text


UNLIKE: list[tuple[Any, Any, Any, str]] = [  # the types of `a` and `b`, an expression of both, what it is called
    (typed.CENTS, float, eq("a", F.b), "`a` holds a Codec and `b` float"),
    (float, typed.CENTS, ~(F.a < F.b), "`a` holds float and `b` a Codec"),
    (float, typed.CENTS, between("a", 0, F.b), "`a` holds float and `b` a Codec"),
    (float, typed.CENTS, is_in("a", [F.b]), "`a` holds float and `b` a Codec"),
    (dict[str, typed.CENTS], float, F.a.k != F.b, "`a.k` holds dict[str, a Codec] and `b` float"),  # type: ignore[valid-type]
    (datetime, epoch, F.a < F.b, "`a` holds datetime and `b` epoch"),
    (epoch, str, eq("a", F.b), "`a` holds epoch and `b` str"),
    (float, typed.CENTS, assign("a", F.b), "`a` holds float and `b` a Codec"),
    (float, typed.CENTS, assign("a", F.a + F.b), "`a` holds float and `b` a Codec"),
    (float, typed.CENTS, assign("a", if_not_exists("b", 1)), "`a` holds float and `b` a Codec"),
    (float, typed.CENTS, assign("a", if_not_exists("b", 1) + 1), "`a` holds float and `b` a Codec"),
    (list[typed.CENTS], float, assign("a[0]", F.b), "`a[0]` holds list[a Codec] and `b` float"),  # type: ignore[valid-type]
    (epoch, datetime, assign("a", F.b), "`a` holds epoch and `b` datetime"),
    (date, datetime, assign("a", F.b), "`a` holds date and `b` datetime"),
    (int, str, assign("a", F.b), "`a` holds int and `b` str"),
]


@pytest.mark.parametrize("one, other, what, text", UNLIKE)
def test_two_attributes_that_are_stored_in_different_ways(
    engine: Any, one: Any, other: Any, what: Any, text: str
) -> None:
    table, _ = made(engine, a=one, b=other)
    with pytest.raises(ExpressionError) as caught:
        update(table, "x", what) if hasattr(what, "actions") else list(run(table, scan(what)))
    assert str(caught.value).splitlines()[0] == f"{text}, which are stored in different ways"


@pytest.mark.parametrize(
    "what, text",
    [
        (F.id == F.until, "`id` holds str and `until` epoch"),
        (assign("until", F.kind), "`until` holds epoch and `kind` str"),
        (assign("until", F.v), "`until` holds epoch and `v` list"),
    ],
)
def test_keys_and_attributes_of_indexes_have_a_type_without_a_declaration(what: Any, text: str) -> None:
    indexes = [GlobalIndex("ByKind", "kind", "at"), VectorIndex("Near", "v", dimensions=2)]
    table = Table("things", "id", attributes={"until": epoch}, indexes=indexes)
    with pytest.raises(ExpressionError) as caught:
        request(table, update_item("x", what) if hasattr(what, "actions") else scan(what))
    assert str(caught.value).splitlines()[0] == f"{text}, which are stored in different ways"


class Said(enum.Enum):
    """An Enum that is stored as text."""

    YES = "yes"
    NO = "no"


class Bought(TypedDict):
    """A map in which each attribute has a type of its own."""

    price: Annotated[float, typed.CENTS]
    said: Said


LIKE: list[tuple[Any, Any, Any, Any, Any]] = [  # types and values of `a` and `b`, and an expression of both
    (typed.CENTS, typed.CENTS, 1.5, 1.5, eq("a", F.b)),
    (typed.CENTS, typed.CENTS, 1.5, 2.5, assign("a", F.b)),
    (epoch, epoch, NOON, NOON, eq("a", F.b)),
    (epoch, int, NOON, 5, F.a > F.b),
    (date, datetime, DAY, NOON, F.a < F.b),
    (int, float, 1, 1.5, F.a < F.b),
    (float, int, 1, 2, assign("a", F.b)),
    (int, typed.Grade, 1, typed.Grade.B, assign("a", F.b)),
    (int, str, 1, "1", F.a != F.b),
    (typed.Level, typed.Level, EASY, HARD, assign("a", F.b)),
    (Said, Attribute(Said), Said.YES, Said.NO, assign("a", F.b)),
    (Said, Said, Said.YES, Said.YES, eq("a", F.b)),
    (UUID, UUID, ONE, TWO, assign("a", F.b)),
    (list[typed.CENTS], list[typed.CENTS], [1.5], [2.5], assign("a", F.b)),  # type: ignore[valid-type]
    (dict[str, Said], dict[str, Said], {"k": Said.YES}, {"k": Said.NO}, assign("a", F.b)),
    (Bought, Bought, {"price": 1.5, "said": Said.YES}, {"price": 2.5, "said": Said.NO}, assign("a", F.b)),
    (set[date], set[date], {DAY}, {LATER}, assign("a", F.b)),
    (typed.CENTS, Any, 1.5, 100, F.a > F.b),
]


@pytest.mark.parametrize("one, other, a, b, what", LIKE)
def test_two_attributes_that_are_stored_alike(engine: Any, one: Any, other: Any, a: Any, b: Any, what: Any) -> None:
    table, raw = made(engine, a=one, b=other)
    put(table, {"id": "x", "a": a, "b": b})
    if not hasattr(what, "actions"):
        assert count(table, scan(what)) == 1
    else:
        update(table, "x", what)
        found = get(raw, "x")
        assert found is not None
        assert found["a"] == found["b"]


def test_a_codec_says_what_lies_in_it_also_beside_an_attribute(engine: Any) -> None:
    table, _ = made(engine, a=Codec(list, set, set[str]), b=str)
    with pytest.raises(ExpressionError, match="contains cannot work on `a`, which holds a Codec"):
        count(table, scan(contains("a", F.b)))


def test_a_fraction_is_not_added_to_an_int(engine: Any) -> None:
    table, _ = made(engine, n=int)
    for change in (incr("n", 0.5), assign("n", F.n + 0.5), assign("n", if_not_exists("n", 0.5) + 1)):
        with raises(ValidationError, "at `n`: expected int, got 0.5, which is not a whole number"):
            update(table, "x", change)


def test_a_codec_that_names_its_members_has_an_inside(engine: Any) -> None:
    by_name = Codec(lambda given: {k: v.isoformat() for k, v in given.items()}, None, dict, Codec(str, None, str))
    table, raw = made(engine, days=by_name)
    put(table, {"id": "x", "days": {"a": DAY}})
    update(table, "x", assign("days.b", "2026-02-01"))
    assert get(raw, "x") == {"id": "x", "days": {"a": "2026-01-31", "b": "2026-02-01"}}


def test_modify_sets_what_a_codec_makes_as_a_whole(engine: Any) -> None:
    table, raw = made(engine, prices=typed.RENAMED, turned=typed.TURNED, text=typed.TEXT, days=list[date])
    put(table, {"id": "x", "prices": {"a": 1.5, "b": 2.5}, "turned": [1, 2], "text": {"k": 1}, "days": [DAY]})
    wanted = {"id": "x", "prices": {"a": 7.25, "b": 2.5}, "turned": [1, 2, 3], "text": {"l": 2, "k": 1}}
    assert modify(table, "x", lambda item: wanted) == wanted
    stored = {"prices": {"a in cents": 725, "b in cents": 250}, "turned": [3, 2, 1], "text": '{"l": 2, "k": 1}'}
    assert get(raw, "x") == {"id": "x", **stored}
    assert modify(table, "x", lambda item: wanted) == wanted
    made_new = transact_modify([(table, "x"), (table, "y")], lambda items: [items[0], {**items[0], "id": "y"}])
    assert made_new[1] == {**wanted, "id": "y"}
    assert get(raw, "y") == {"id": "y", **stored}


def test_modify_is_held_to_the_checks_of_a_put(engine: Any) -> None:
    table, _ = made(engine, tags=Attribute(list[str], check=lambda tags: len(tags) < 3), level=typed.Level)
    put(table, {"id": "x", "tags": ["a", "b"], "level": EASY})
    with raises(ValidationError, "at `tags`: ['a', 'b', 'c'] fails the check of this attribute"):
        modify(table, "x", lambda item: {**item, "tags": [*item["tags"], "c"]})
    with raises(ValidationError, "at `level`: expected Level, got int\n  hint: write Level(...)"):
        modify(table, "x", lambda item: {**item, "level": 2})
    assert modify(table, "x", lambda item: {**item, "tags": []}) == {"id": "x", "tags": [], "level": EASY}


def test_a_difference_of_sets_is_in_their_own_types(engine: Any) -> None:
    table, raw = made(engine, days=set[date], levels=set[typed.Level], level=typed.Level)
    old = {"days": {DAY}, "levels": {EASY, HARD}, "level": EASY}
    put(table, {"id": "x", **old})
    update(table, "x", diff(old, {"days": {DAY, LATER}, "levels": {HARD}, "level": HARD}, incr=True))
    assert get(raw, "x") == {"id": "x", "days": {"2026-01-31", "2026-02-01"}, "levels": {2}, "level": 2}


class Money:
    """A value of a type that only a Codec knows."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self) -> int:
        return hash(self.cents)


def test_a_difference_of_what_only_a_codec_knows(engine: Any) -> None:
    table, raw = made(engine, price=Codec(lambda money: money.cents, Money, int), b=int)
    old, new = {"price": Money(5), "b": 1}, {"price": Money(6), "b": 1}
    assert diff(old, {"price": Money(5), "b": 1}).actions == ()
    put(table, {"id": "x", **old})
    update(table, "x", diff(old, new), condition=unchanged(old))
    assert get(raw, "x") == {"id": "x", "price": 6, "b": 1}
    assert count(table, scan(eq("price", Money(6)))) == 1


# --- what others stored as another type


class Named(enum.Enum):
    """An Enum that is stored by its names."""

    RED = 1


MISREAD: list[tuple[Any, Any, str]] = [  # type, what is stored, why it cannot be read
    (str, 5, "`a` is stored as N, not as S"),
    (int, "5", "`a` is stored as S, not as N"),
    (int, True, "`a` is stored as BOOL, not as N"),
    (float, "nan", "`a` is stored as S, not as N"),
    (float, b"12", "`a` is stored as B, not as N"),
    (Decimal, "1.5", "`a` is stored as S, not as N"),
    (Decimal, True, "`a` is stored as BOOL, not as N"),
    (int | Decimal, "5", "`a` is stored as S, not as N"),
    (bool, 1, "`a` is stored as N, not as BOOL"),
    (bytes, "x", "`a` is stored as S, not as B"),
    (list, {"x"}, "`a` is stored as SS, not as L"),
    (dict, [1], "`a` is stored as L, not as M"),
    (set, ["x"], "`a` is stored as L, not as a set"),
    (set[str], {1}, "`a` is stored as N, not as S"),
    (set[str], ["x"], "`a` is stored as L, not as SS"),
    (set[float], {"1"}, "`a` is stored as S, not as N"),
    (set[date], {1}, "`a` is stored as N, not as S"),
    (list[float], b"12", "`a` is stored as B, not as L"),
    (list[float], [1, "2"], "`a[1]` is stored as S, not as N"),
    (list[float], [None], "`a[0]` is stored as NULL, not as N"),
    (list[str], [1], "`a[0]` is stored as N, not as S"),
    (dict[str, float], "none yet", "`a` is stored as S, not as M"),
    (dict[str, float], {"k": True}, "`a.k` is stored as BOOL, not as N"),
    (dict[str, list[UUID]], {"k": [str(ONE), 1]}, "`a.k[1]` is stored as N, not as S"),
    (dict[str, set[str]], {"k": {1}}, "`a.k` is stored as N, not as S"),
    (date, 20260131, "`a` is stored as N, not as S"),
    (date, "soon", "Invalid isoformat string: 'soon'"),
    (datetime, 1, "`a` is stored as N, not as S"),
    (epoch, "1767225600", "`a` is stored as S, not as N"),
    (epoch, "1" * 400_000, "`a` is stored as S, not as N"),
    (epoch, True, "`a` is stored as BOOL, not as N"),
    (epoch, b"1", "`a` is stored as B, not as N"),
    (epoch, 10**30, "a time is in the years 1 to 9999"),
    (UUID, 1, "`a` is stored as N, not as S"),
    (UUID, "x", "badly formed hexadecimal UUID string"),
    (typed.Level, "1", "`a` is stored as S, not as N"),
    (typed.Level, 3, "3 is not a valid Level"),
    (typed.Corner, [0, 1], "[0, 1] is not a valid Corner"),
    (Attribute(int, check=bool), "5", "`a` is stored as S, not as N"),
    (Codec(str, Named.__getitem__, str), "GREEN", "KeyError: 'GREEN'"),
    (Codec(str, lambda text: text.upper(), str), 5, "AttributeError: 'int' object has no attribute 'upper'"),
    (typed.TEXT, "{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    (Codec(str, None, str), 5, "`a` is stored as N, not as S"),
    (list[Codec(str, Named.__getitem__, str)], ["GREEN"], "KeyError: 'GREEN'"),  # type: ignore[misc]
]
READS: dict[str, Callable[[Table], Any]] = {
    "get": lambda table: get(table, "x"),
    "get of one attribute": lambda table: get(table, "x", project=["a"]),
    "scan": lambda table: list(run(table, scan())),
    "scan of one attribute": lambda table: list(run(table, scan(project=["a"]))),
    "first": lambda table: first(table, scan(exists("a"))),
    "batch_get": lambda table: run(table, batch_get(["x"])),
    "transact_get": lambda table: transact_get([(table, get_item("x"))]),
    "modify": lambda table: modify(table, "x", lambda item: {**item, "b": 1}),
}
WRITES: dict[str, Callable[[Table], Any]] = {
    "update": lambda table: update(table, "x", assign("b", 1), returns="ALL_NEW"),
    "put": lambda table: put(table, {"id": "x"}, returns="ALL_OLD"),
}


@pytest.mark.parametrize("kind, stored, why", MISREAD)
def test_what_is_stored_otherwise_is_an_error_that_names_it(engine: Any, kind: Any, stored: Any, why: str) -> None:
    table, raw = made(engine, a=kind)
    item = {"id": "x", "a": stored}
    for name, does in (READS | WRITES).items():
        put(raw, item)
        done = "the write is done, but " if name in WRITES else ""
        with pytest.raises(ValidationError) as caught:
            does(table)
        error = caught.value
        first_line, second = str(error).split("\n  item: ")
        assert first_line.startswith(f"at `a`: {done}the stored value cannot be read as ")
        assert why in first_line
        assert second == "{'id': 'x'} of 'things'" or "of one" in name and second == "one of 'things'"
        assert error.at == "a"
        assert error.item is not None
        assert error.item["a"] == stored
    found = get(raw, "x")
    assert found == {"id": "x"}, "the last write was done"


@pytest.mark.parametrize("kind, stored, why", MISREAD)
def test_a_failed_condition_stays_one(engine: Any, kind: Any, stored: Any, why: str) -> None:
    table, raw = made(engine, a=kind)
    put(raw, {"id": "x", "a": stored})
    with pytest.raises(ConditionFailed) as caught:
        put(table, {"id": "x"}, condition=not_exists("id"))
    assert str(caught.value) == "attribute_not_exists(id) was false: id is 'x'"
    assert caught.value.item == {"id": "x", "a": stored}


def test_an_error_leaves_what_was_read_before_as_it_came(engine: Any) -> None:
    table, raw = made(engine, day=date, at=datetime, level=typed.Level)
    stored = {"id": "x", "day": "2026-01-31", "at": NOON_TEXT, "level": 3}
    put(raw, stored)
    with pytest.raises(ValidationError) as caught:
        get(table, "x")
    assert caught.value.item == stored


def test_null_and_nothing_read_as_any_type(engine: Any) -> None:
    table, raw = made(engine, a=date, b=dict[str, float], c=int)
    put(raw, {"id": "x", "a": None, "b": None})
    assert get(table, "x") == {"id": "x", "a": None, "b": None}


def test_a_read_goes_on_after_what_does_not_read(engine: Any) -> None:
    table, raw = made(engine, n=int)
    for number in range(5):
        put(raw, {"id": str(number), "n": "bad" if number in (1, 3) else number})
    good, bad, cursor = [], [], ""
    while cursor is not None:
        items = run(table, scan(start=cursor or None))
        try:
            for item in items:
                good.append(item["n"])
        except ValidationError as error:
            bad.append((error.item or {})["id"])
        cursor = items.cursor  # type: ignore[assignment]
    assert (sorted(good), sorted(bad)) == ([0, 2, 4], ["1", "3"])


def page_of(*items: dict[str, Any]) -> Any:
    body = json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}, separators=(",", ":")).encode()
    return lambda operation, asked: body


def test_items_of_a_known_form_are_looked_at_too() -> None:
    good = [{"id": {"S": str(n)}, "scores": {"L": [{"N": "1"}, {"N": "2"}]}} for n in range(2000)]
    bad = [{"id": {"S": str(n)}, "scores": {"L": [{"S": "1"}, {"S": "2"}]}} for n in range(2000)]
    table = Table("things", "id", attributes={"scores": list[float]})
    items = list(run(table.on(page_of(*good)), scan()))
    assert [item["scores"] for item in items] == [[1.0, 2.0]] * 2000
    list(run(replace(table, attributes={}).on(page_of(*bad)), scan()))  # now this form is a known one
    for page in (page_of(*good, bad[0]), page_of(*bad)):
        known = table.on(page)
        with raises(
            ValidationError,
            "at `scores`: the stored value cannot be read as list[float]: `scores[0]` is stored as S, not "
            "as N\n"
            "  item: {'id': '0'} of 'things'",
        ):
            list(run(known, scan()))
        assert all(type(form.sample["scores"][0]) is int for form in forms_of(known).found)


# --- conditions


def test_a_part_of_a_text_may_be_a_whole_value(engine: Any) -> None:
    table, _ = made(engine, a=UUID, day=date, days=list[date])
    put(table, {"id": "x", "a": ONE, "day": DAY, "days": [DAY]})
    for condition in (contains("a", ONE), begins_with("day", DAY), begins_with("day", "2026"), contains("days", DAY)):
        assert count(table, scan(condition)) == 1
