"""Conditions on parts of derived keys as conditions on the keys: ranges, prefixes, lists, and formats of dates."""

import enum
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import kept
import pytest
from engines import Engine
from hypothesis import given, settings
from hypothesis import strategies as st

from flyexpr import (
    Attribute,
    Codec,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    all_of,
    assign,
    begins_with,
    between,
    computed,
    count,
    create_table,
    delete_matching,
    epoch,
    eq,
    exists,
    explain,
    ge,
    get,
    gt,
    is_in,
    kinds,
    le,
    lt,
    matches,
    modify,
    put,
    put_item,
    query,
    request,
    run,
    scan,
    show,
    template,
    update,
    update_matching,
)
from flyexpr.expressions.nodes import ALWAYS, Compare, Condition, Path
from flyexpr.expressions.terms import operand
from flyexpr.requests.plan.access import access_of
from flyexpr.schema.derived.part_ranges import after_all
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import loaded_item, stored_item

engine_name, engine = kept.engine_name, kept.engine

U = eq("u", "a")
JAN, FEB = datetime(2026, 1, 31, 12, tzinfo=timezone.utc), datetime(2026, 2, 1, tzinfo=timezone.utc)
DAY = date(2026, 1, 31)
TURNED = Compare("<=", operand("2025"), Path(("at",)))


class Color(enum.Enum):
    RED = "red"


def keyed(text: str, **types: Any) -> Table:
    """A table with this template for its sort key."""
    return Table("Keyed", "pk", "sk", attributes={"pk": template("U#{u}"), "sk": template(text), **types})


# template, types of its parts, condition, what bounds the sort key
BOUNDS: list[tuple[str, dict[str, Any], Condition, str]] = [
    ("EV#{at}", {}, ge("at", "2026"), "sk BETWEEN 'EV#2026' AND 'EV$'"),
    ("EV#{at}", {}, gt("at", "2026"), "sk BETWEEN 'EV#2026' AND 'EV$'"),
    ("EV#{at}", {}, le("at", "2026"), "sk BETWEEN 'EV#' AND 'EV#2026'"),
    ("EV#{at}", {}, lt("at", "2026"), "sk BETWEEN 'EV#' AND 'EV#2026'"),
    ("EV#{at}", {}, between("at", "2025", "2026"), "sk BETWEEN 'EV#2025' AND 'EV#2026'"),
    ("EV#{at}", {}, gt("at", "2025") & le("at", "2026"), "sk BETWEEN 'EV#2025' AND 'EV#2026'"),
    ("EV#{at}", {}, begins_with("at", "2026-"), "begins_with(sk, 'EV#2026-')"),
    ("EV#{at}", {}, begins_with("at", "2026-") & ge("at", "2026-03"), "sk BETWEEN 'EV#2026-03' AND 'EV#2026.'"),
    ("EV#{at}", {}, begins_with("at", ""), "begins_with(sk, 'EV#')"),
    (
        "EV#{at}",
        {},
        Compare("<=", operand("2025"), Path(("at",))) & le("at", "2026"),
        "sk BETWEEN 'EV#2025' AND 'EV#2026'",
    ),
    ("EV#{at}", {}, ge("at", "2026") & begins_with("sk", "EV#2026-"), "begins_with(sk, 'EV#2026-')"),
    ("{at}", {}, ge("at", "2026"), "sk >= '2026'"),
    ("{at}", {}, le("at", "2026"), "sk <= '2026'"),
    ("{at}", {}, begins_with("at", "2026"), "begins_with(sk, '2026')"),
    ("{at}\U0010ffff", {}, le("at", ""), "sk <= '\U0010ffff'"),
    # what follows the part: `ann#` is before `ann!#`, though `ann` is before `ann!`
    ("N#{name}#", {}, ge("name", "ann"), "sk BETWEEN 'N#ann' AND 'N$'"),
    ("N#{name}#", {}, le("name", "ann"), "sk BETWEEN 'N#' AND 'N#ann#'"),
    ("N#{name}#", {}, le("name", "a!"), "sk BETWEEN 'N#' AND 'N#a#'"),
    ("N#{name}~", {}, le("name", "ann"), "sk BETWEEN 'N#' AND 'N#~'"),
    ("N#{name}#{id}", {}, le("name", "ann"), "sk BETWEEN 'N#' AND 'N#ann$'"),
    ("N#{name}#{id}", {}, between("name", "a!", "a!"), "begins_with(sk, 'N#a!#')"),
    ("N#{name}#{id}", {}, is_in("name", ["ann"]), "begins_with(sk, 'N#ann#')"),
    ("N#{name}#{id}", {}, is_in("name", ["bob", "ann"]), "sk BETWEEN 'N#ann' AND 'N#bob$'"),
    ("N#{name}#{id}", {}, is_in("name", ["bob", F.ann]), "begins_with(sk, 'N#')"),
    ("N#{n:03d}", {"n": int}, is_in("n", [7, 12, 9]), "sk BETWEEN 'N#007' AND 'N#012'"),
    ("N#{n:03d}", {"n": int}, is_in("n", [7, -12]), "begins_with(sk, 'N#')"),
    ("{n:03d}{id}", {}, is_in("n", [7, "x"]), ""),
    ("N#{name}#{id}", {}, between("name", "", "a!"), "sk BETWEEN 'N#' AND 'N#a$'"),
    ("{name}\U0010ffff{id}", {}, le("name", ""), ""),
    # the parts before it
    ("{k}#{at}", {}, eq("k", "E") & ge("at", "2026"), "sk BETWEEN 'E#2026' AND 'E$'"),
    ("{k}#{at}", {}, ge("at", "2026"), ""),
    ("{k}#{at}#{id}", {}, eq("k", "E") & lt("at", "2026") & eq("id", "x"), "sk BETWEEN 'E#' AND 'E#2026$'"),
    ("{k}#{at}#{id}", {}, eq("k", "E") & eq("at", "2026") & gt("id", "x"), "sk BETWEEN 'E#2026#x' AND 'E#2026$'"),
    # numbers
    ("P#{n:03d}", {"n": int}, gt("n", 7), "sk BETWEEN 'P#007' AND 'P$'"),
    ("P#{n:03d}", {}, gt("n", 7), "sk BETWEEN 'P#007' AND 'P$'"),
    ("P#{n:03d}", {}, between("n", Decimal("6.5"), Decimal("8.5")), "sk BETWEEN 'P#006' AND 'P#008'"),
    ("P#{n:03d}#{id}", {"n": int}, between("n", 7, 9), "sk BETWEEN 'P#007#' AND 'P#009$'"),
    ("P#{n:03d}{id}", {"n": int}, between("n", 7, 9), "sk BETWEEN 'P#007' AND 'P#00:'"),
    ("P#{n:03}", {"n": Attribute(int)}, le("n", 7), "sk BETWEEN 'P#' AND 'P#007'"),
    ("P#{n:06.2f}", {"n": Decimal}, ge("n", Decimal("7.128")), "sk BETWEEN 'P#007.13' AND 'P$'"),
    ("P#{n:06.2f}", {"n": float}, le("n", 7.5), "sk BETWEEN 'P#' AND 'P#007.50'"),
    ("P#{n:03d}", {"n": int}, ge("n", -7), "begins_with(sk, 'P#')"),
    ("P#{n:03d}", {"n": int}, le("n", 1000), "begins_with(sk, 'P#')"),
    # dates and times
    ("{at}#{id}", {"at": datetime}, ge("at", JAN), "sk >= '2026-01-31T12:00:00.000000+00:00#'"),
    ("{at}|{id}", {"at": datetime}, le("at", JAN), "sk < '2026-01-31T12:00:00.000000+00:00}'"),
    ("{at}", {"at": epoch}, le("at", JAN), "sk <= '2026-01-31T12:00:00.000000+00:00'"),
    ("D#{day}", {"day": date}, between("day", DAY, DAY + timedelta(1)), "sk BETWEEN 'D#2026-01-31' AND 'D#2026-02-01'"),
    ("D#{day}", {"day": date}, begins_with("day", "2026-"), "begins_with(sk, 'D#2026-')"),
    ("D#{at:%Y-%m}", {"at": datetime}, gt("at", JAN), "sk BETWEEN 'D#2026-01' AND 'D$'"),
    ("D#{at:%Y%m%dT%H:%M}", {"at": epoch}, lt("at", JAN), "sk BETWEEN 'D#' AND 'D#20260131T12:00'"),
    ("D#{day:%G-W%V}", {"day": date}, lt("day", DAY), "sk BETWEEN 'D#' AND 'D#2026-W05'"),
    ("D#{day:%Y%%%j}", {"day": Attribute(date)}, ge("day", DAY), "sk BETWEEN 'D#2026%031' AND 'D$'"),
    ("D#{at:%Y-%m-%d}", {"at": datetime}, begins_with("at", "2026-01-3"), "begins_with(sk, 'D#')"),
    ("I#{id}#", {"id": UUID}, le("id", UUID(int=7)), f"sk BETWEEN 'I#' AND 'I#{UUID(int=7)}#'"),
    ("C#{color}", {"color": Color}, le("color", Color.RED), "sk BETWEEN 'C#' AND 'C#red'"),
    # an equality is better than a range
    ("EV#{at}", {}, eq("at", "2026") & ge("at", "2025"), "sk = 'EV#2026'"),
    # a key that is named is read for every kind
    ("EV#{at}", {}, ge("at", "2026") & exists("sk"), ""),
    ("EV#{at}", {}, ge("at", "2026") & gt("sk", "A"), "sk > 'A'"),
    ("{k}#{at}", {}, eq("k", "E") & ge("at", "2026") & exists("sk"), "sk BETWEEN 'E#2026' AND 'E$'"),
]


@pytest.mark.parametrize("text, types, condition, bound", BOUNDS, ids=[f"{t} {show(c)}" for t, _, c, _ in BOUNDS])
def test_a_range_on_a_part_bounds_the_key(text: str, types: dict[str, Any], condition: Condition, bound: str) -> None:
    plan = explain(keyed(text, **types), query(U & condition))
    assert plan.key_condition == f"pk = 'U#a'{bound and ' AND '}{bound}"
    unbound = text == "{k}#{at}" and not bound  # what stands before the part is not known
    assert any("does not bound" in warning for warning in plan.warnings) is unbound


cents = Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int)
backwards = Codec(lambda text: text[::-1], lambda text: text[::-1], str)
UNBOUND: list[tuple[str, dict[str, Any], Condition, str]] = [
    (
        "P#{n}",
        {"n": int},
        gt("n", 7),
        "`n` does not bound `sk`: the texts of {n} do not sort as numbers do; a fixed width, such as {n:05d}, does",
    ),
    (
        "P#{n:>5}",
        {"n": int},
        gt("n", 7),
        "`n` does not bound `sk`: the texts of {n:>5} do not sort as numbers do; a fixed width, such as {n:05d}, does",
    ),
    ("P#{t:>5}", {}, gt("t", "a"), "`t` does not bound `sk`: the texts of {t:>5} do not sort as the values do"),
    ("P#{n}", {"n": cents}, gt("n", 7), "`n` does not bound `sk`: only its Codec knows how `n` sorts"),
    (
        "P#{day:%d.%m.%Y}",
        {"day": date},
        gt("day", DAY),
        "`day` does not bound `sk`: the texts of {day:%d.%m.%Y} do not sort as times do; the year has to come first, "
        "then the month",
    ),
    (
        "P#{k}#{t}",
        {},
        gt("t", "a"),
        "`t` does not bound `sk`: `k` comes before it, and no condition fixes `k`",
    ),
]


@pytest.mark.parametrize("text, types, condition, why", UNBOUND, ids=[f"{t} {show(c)}" for t, _, c, _ in UNBOUND])
def test_explain_says_why_a_range_does_not_bound_the_key(
    text: str, types: dict[str, Any], condition: Condition, why: str
) -> None:
    plan = explain(keyed(text, **types), query(U & condition))
    assert plan.key_condition == "pk = 'U#a' AND begins_with(sk, 'P#')"
    assert [warning for warning in plan.warnings if "does not bound" in warning] == [f"the condition on {why}"]
    assert not any("does not bound" in told for told in explain(keyed(text, **types), query(U)).warnings)


def test_what_the_bound_leaves_over_is_checked() -> None:
    plan = explain(keyed("EV#{at}"), query(U & ge("at", "2026")))
    assert plan.filter == "(u = 'a' OR attribute_not_exists(u)) AND (at >= '2026' OR attribute_not_exists(at))"
    assert plan.residue == "at >= '2026' AND begins_with(sk, 'EV#')"  # EV$ itself is not of this kind
    assert "reads only the table's own kind: begins_with(sk, 'EV#')" in plan.warnings
    assert explain(keyed("EV#{at}"), query(U & between("at", "2025", "2026"))).residue == "at BETWEEN '2025' AND '2026'"
    other = query(U & eq("k", "E") & ge("at", "2026") & begins_with("sk", "X"))
    assert request(keyed("{k}#{at}"), other) == ("Nothing", {})


def test_a_range_on_a_part_chooses_the_index() -> None:
    table = Table(
        "Shops",
        "pk",
        attributes={"low": template("P#{price:05d}"), "day": template("D#{day:%Y-%m-%d}"), "price": int},
        indexes=[GlobalIndex("ByPrice", "shop", "low"), GlobalIndex("ByName", "shop", "name")],
    )
    plan = explain(table, query(eq("shop", "x") & lt("price", 9)))
    assert (plan.index, plan.key_condition) == ("ByPrice", "shop = 'x' AND low BETWEEN 'P#' AND 'P#00009'")
    assert ("ByName", "the condition bounds less of its sort key") in plan.rejected


# --- lists of values of a part


FAN = Table(
    "Fan",
    "pk",
    "sk",
    attributes={
        "pk": template("{kind}#{u}"),
        "sk": template("O#{n:02d}"),
        "n": int,
        "open": computed(lambda status: "open" if status != "sent" else None, "status"),
    },
    indexes=[GlobalIndex("ByOpen", "open", "sk")],
)
K = eq("kind", "U")
FANS: list[tuple[Condition, list[str]]] = [
    (K & is_in("u", ["a", "b"]), ["pk = 'U#a' AND begins_with(sk, 'O#')", "pk = 'U#b' AND begins_with(sk, 'O#')"]),
    (K & (eq("u", "a") | eq("u", "b")) & eq("n", 7), ["pk = 'U#a' AND sk = 'O#07'", "pk = 'U#b' AND sk = 'O#07'"]),
    (
        is_in("kind", ["U", "V"]) & is_in("u", ["a", "b"]) & le("n", 7),
        [f"pk = '{pk}' AND sk BETWEEN 'O#' AND 'O#07'" for pk in ("U#a", "U#b", "V#a", "V#b")],
    ),
    (K & is_in("u", ["a", "a"]), ["pk = 'U#a' AND begins_with(sk, 'O#')"]),
    (is_in("status", ["new", "paid"]), ["open = 'open' AND begins_with(sk, 'O#')"]),
]


@pytest.mark.parametrize("condition, keys", FANS, ids=[show(condition) for condition, _ in FANS])
def test_a_list_of_values_of_a_part_reads_each_key(condition: Condition, keys: list[str]) -> None:
    assert [show(key) for key in access_of(FAN, query(condition)).keys] == keys


LEFT: list[tuple[Condition, str]] = [
    (K & is_in("u", ["a", F.x]), "`pk` is made of `kind` and `u`; `u` is not given"),
    (K & (eq("u", "a") | eq("x", 1)), "`pk` is made of `kind` and `u`; `u` is not given"),
    (K & is_in("u", ["a", None]), "`pk` is made of `kind` and `u`; `u` is not given"),
    (is_in("status", ["sent", "new"]), "no index of 'Fan' starts with `status`"),  # what is sent is not in the index
]


@pytest.mark.parametrize("condition, words", LEFT, ids=[show(condition) for condition, _ in LEFT])
def test_a_list_that_leaves_other_values_reads_no_key(condition: Condition, words: str) -> None:
    with pytest.raises(FlyexprError, match=words):
        access_of(FAN, query(condition))


def test_a_list_of_values_of_a_part_is_read_from_every_engine(engine: Engine) -> None:
    table = replace(FAN, name=kept.unused("fan")).on(engine)
    run(table, create_table())
    for u, n, status in (("a", 1, "new"), ("a", 9, "sent"), ("b", 3, "new"), ("c", 5, "paid")):
        put(table, {"kind": "U", "u": u, "n": n, "status": status})
    raw = replace(table, attributes={})
    put(raw, {"pk": "U#b", "sk": "O#04", "open": "open"})
    put(raw, {"pk": "U#b", "sk": "O$", "u": "b", "n": 4})

    def numbers(condition: Condition) -> list[int]:
        return [item["n"] for item in run(table, query(condition))]

    assert numbers(K & is_in("u", ["b", "a"]) & ge("n", 2)) == [3, 4, 9]
    assert numbers(K & is_in("u", ["b", "c"]) & lt("n", 4)) == [3]
    assert numbers(K & (eq("u", "a") | eq("u", "c")) & is_in("n", [5, 9])) == [9, 5]
    assert numbers(is_in("status", ["new", "paid"]) & gt("n", 1)) == [3, 5]
    assert count(table, query(K & is_in("u", ["b", "a"]))) == 4
    assert update_matching(table, query(K & is_in("u", ["b", "a"]) & le("n", 4)), assign("seen", True)) == 3
    assert delete_matching(table, query(K & is_in("u", ["b", "a"]) & gt("n", 2))) == 3
    assert sorted(item["sk"] for item in run(raw, scan())) == ["O#01", "O#05", "O$"]


# --- several kinds


def of_kind(sort_key: str, **types: Any) -> Table:
    keys = {"pk": template("C#{u}"), "sk": template(sort_key)}
    return Table("Kinds", "pk", "sk", attributes={**keys, **types}, indexes=[GlobalIndex("ByDay", "day", "sk")])


BOOKS = kinds(
    {
        "customer": of_kind("A#PROFILE"),
        "order": of_kind("O#{order:04d}", order=int),
        "line": of_kind("O#{order:04d}#L#{line:02d}", order=int, line=int),
        "note": of_kind("O#{topic}"),
    },
    by="type",
)
ORDERS = is_in("type", ["order", "line"])
BOTH: list[tuple[Condition, str]] = [
    (U & ORDERS & ge("order", 10), "sk BETWEEN 'O#0010' AND 'O$'"),
    (U & ORDERS & between("order", 9, 10), "sk BETWEEN 'O#0009' AND 'O#0010#L$'"),
    (U & ORDERS & le("order", 9), "sk BETWEEN 'O#' AND 'O#0009#L$'"),
    (U & ORDERS & eq("order", 10) & ge("line", 2), "sk BETWEEN 'O#0010' AND 'O#0010#L$'"),
    (U & eq("type", "line") & ge("order", 10), "sk BETWEEN 'O#0010#L#' AND 'O$'"),
    (U & is_in("type", ["customer", "order"]) & le("order", 9), "sk BETWEEN 'A#PROFILE' AND 'O#0009'"),
    (U & is_in("type", ["customer", "order"]), ""),
    (U & ge("order", 10), ""),
    (U & is_in("type", ["order", "note"]) & ge("order", 10), "begins_with(sk, 'O#')"),
    (U & ORDERS & ge("order", 10) & exists("sk"), ""),
]


@pytest.mark.parametrize("condition, bound", BOTH, ids=[show(condition) for condition, _ in BOTH])
def test_a_range_bounds_the_keys_of_several_kinds(condition: Condition, bound: str) -> None:
    assert explain(BOOKS, query(condition)).key_condition == f"pk = 'C#a'{bound and ' AND '}{bound}"


def test_the_name_of_the_kind_may_stand_before_the_part() -> None:
    named = kinds({name: of_kind("{type}#{order:04d}", order=int) for name in ("invoice", "order")}, by="type")
    plan = explain(named, query(U & eq("type", "order") & ge("order", 10)))
    assert plan.key_condition == "pk = 'C#a' AND sk BETWEEN 'order#0010' AND 'order$'"
    assert not any("does not bound" in warning for warning in plan.warnings)
    both = explain(named, query(U & is_in("type", ["order", "invoice"]) & ge("order", 10)))
    assert both.key_condition == "pk = 'C#a' AND sk BETWEEN 'invoice#0010' AND 'order$'"


def test_a_range_finds_the_items_of_several_kinds(engine: Engine) -> None:
    books = BOOKS.named(kept.unused("books")).on(engine)
    run(books, create_table())
    put(books["customer"], {"u": "a"})
    for order in (8, 9, 10, 11):
        put(books["order"], {"u": "a", "order": order})
        for line in (1, 2, 3):
            put(books["line"], {"u": "a", "order": order, "line": line})
    put(books["note"], {"u": "a", "topic": "0010x"})
    for condition, _ in BOTH:
        wanted = sorted(item["sk"] for item in run(books, scan(condition)))
        assert [item["sk"] for item in run(books, query(condition))] == wanted
    assert count(books, query(U & ORDERS & ge("order", 10))) == 8


# --- dates and times in a format


LOG = Table(
    "Log",
    "pk",
    "sk",
    attributes={
        "pk": template("{device}#{at:%Y-%m}"),
        "sk": template("{at:%d %H:%M:%S.%f}"),
        "week": template("{at:%G-W%V}#{level:02d}"),
        "at": datetime,
        "level": int,
    },
    indexes=[GlobalIndex("ByWeek", "device", "week")],
)


def test_dates_are_written_in_their_format(engine: Engine) -> None:
    table = replace(LOG, name=kept.unused("log")).on(engine)
    run(table, create_table())
    late = datetime(2026, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    for at, level in ((JAN, 1), (late, 2), (FEB, 3)):
        put(table, {"device": "d", "at": at, "level": level})
    month = list(run(table, query(eq("pk", "d#2026-02"))))
    assert [(item["sk"], item["week"]) for item in month] == [
        ("01 00:00:00.000000", "2026-W05#03"),
        ("01 01:30:00.000000", "2026-W05#02"),
    ]
    assert get(table, {"device": "d", "at": late}) == month[1]
    assert list(run(table, query(eq("device", "d") & eq("at", late)))) == [month[1]]
    assert [item["level"] for item in run(table, query(eq("device", "d") & ge("at", FEB), index="ByWeek"))] == [2, 3]
    update(table, {"device": "d", "at": late}, assign("level", 9))
    assert modify(table, {"device": "d", "at": FEB}, lambda item: item | {"level": item["level"] * 2}) is not None
    assert update_matching(table, query(eq("pk", "d#2026-01")), assign("level", 4)) == 1
    levels = [(item["week"], item["level"]) for item in run(table, query(eq("device", "d"), index="ByWeek"))]
    assert levels == [("2026-W05#04", 4), ("2026-W05#06", 6), ("2026-W05#09", 9)]


def test_an_item_whose_key_does_not_tell_its_parts_is_put_as_it_was_read(engine: Engine) -> None:
    table = replace(LOG, name=kept.unused("log")).on(engine)
    run(table, create_table())
    stored = {"pk": "d#2026-01", "sk": "31 12:00:00.000000", "device": "d", "week": "2026-W05#01"}
    put(replace(table, attributes={}), stored)
    read = get(table, ("d#2026-01", stored["sk"])) or {}
    assert read == stored | {"level": 1}
    put(table, read | {"note": "x"})
    assert get(table, ("d#2026-01", stored["sk"])) == read | {"note": "x"}
    assert modify(table, (stored["pk"], stored["sk"]), lambda item: item | {"note": "y"}) == read | {"note": "y"}
    with pytest.raises(ExpressionError) as caught:
        modify(table, (stored["pk"], stored["sk"]), lambda item: item | {"level": 2})
    assert str(caught.value) == (
        "`week` changes with this, and the item lacks `at`, of which it is made too\n"
        "  expression: SET level = 2\n"
        "  hint: assign a value to `at` as well"
    )
    for contradicting in ({"device": "e"}, {"level": 2}, {"pk": None}, {"at": FEB}):
        with pytest.raises(ValidationError):
            put(table, read | contradicting)


def test_a_date_in_a_key_is_read_back(engine: Engine) -> None:
    table = replace(keyed("D#{day:%Y%m%d}#{at:%H%M%S.%f %d.%m.%Y}", day=date, at=datetime), name=kept.unused("day")).on(
        engine
    )
    run(table, create_table())
    put(replace(table, attributes={}), {"pk": "U#a", "sk": "D#20260131#120000.000000 31.01.2026"})
    put(replace(table, attributes={}), {"pk": "U#a", "sk": "D#20260231#120000.000000 31.01.2026"})
    whole = {"pk": "U#a", "sk": "D#20260131#120000.000000 31.01.2026", "u": "a", "day": DAY, "at": JAN}
    assert list(run(table, query(U & eq("day", DAY)))) == [whole]
    assert list(run(table, query(U & gt("day", DAY - timedelta(1)) & lt("at", FEB)))) == [whole]
    put(table, {"pk": "U#b", "sk": whole["sk"]})
    assert get(table, {"u": "b", "day": DAY, "at": JAN}) == whole | {"pk": "U#b", "u": "b"}


DATES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "{at:%d %b}",
        {},
        {},
        "template '{at:%d %b}': {at} has %b, which is not a field of a date\n"
        "  hint: use %Y %m %d %j %G %V %u %H %M %S %f",
    ),
    ("{at:%Y%}", {}, {}, "template '{at:%Y%}': {at} has %, which is not a field of a date\n  hint: use %Y %m ..."),
    (
        "{at:%Y}",
        {},
        {"at": "2026"},
        "at `at`: '{at:%Y}' takes a date or a datetime, not '2026'\n"
        "  hint: write datetime.fromisoformat(...) or date.fromisoformat(...)",
    ),
    ("{at:%Y}", {}, {"at": 7}, "at `at`: '{at:%Y}' takes a date or a datetime, not 7"),
    (
        "{at:%Y}",
        {"at": datetime},
        {"at": datetime(2026, 1, 1)},
        "at `at`: a datetime needs a time zone\n  hint: use datetime...",
    ),
]


@pytest.mark.parametrize("text, types, item, told", DATES, ids=[f"{text} {item}" for text, _, item, _ in DATES])
def test_a_format_or_date_that_does_not_fit(text: str, types: dict[str, Any], item: dict[str, Any], told: str) -> None:
    with pytest.raises(FlyexprError) as caught:
        request(Table("Dates", "pk", attributes={"pk": template(text), **types}), put_item(item))
    assert str(caught.value).startswith(told.removesuffix("..."))
    assert told.endswith("...") or str(caught.value) == told


def test_the_first_years_have_four_digits() -> None:
    made = template("{day:%Y-%m-%d|%G|%j|%H%%}")
    assert made.value({"day": date(7, 1, 2)}) == "0007-01-02|0007|002|00%"
    assert template("{share:.1%}").value({"share": Decimal("0.25")}) == "25.0%"


# --- the law: key condition, filter and what the client checks are true of an item where the condition is

TEXTS = ["", "a", "ab", "a!", "a#", "ab~", "~", "\U0010ffff"]
NUMBERS = [-12, -3, -1, 0, 1, 7, 12, 99, 150, 4000]
MOMENTS = [
    JAN,
    FEB,
    JAN - timedelta(days=400),
    JAN + timedelta(microseconds=1),
    datetime.max.replace(tzinfo=timezone.utc),
]
DAYS = [moment.date() for moment in MOMENTS]
PARTS: list[tuple[str, Any, list[str], list[Any]]] = [  # name, type, formats, values
    ("t", None, ["", ">3"], TEXTS),
    ("s", str, [""], TEXTS),
    ("n", int, ["02d", "02", "", ">2", "03d"], NUMBERS),
    ("x", Decimal, ["05.1f", "", "06.2f", "05"], [Decimal(n) / 4 for n in NUMBERS]),
    ("day", date, ["", "%Y-%m-%d", "%Y%j", "%G-%V-%u", "%Y-%m", "%d.%m.%Y"], DAYS),
    ("at", datetime, ["", "%Y-%m-%dT%H", "%Y%m%d%H%M%S%f", "%Y", "%H:%M"], MOMENTS),
    ("when", epoch, ["", "%Y-%m-%d"], MOMENTS),
    ("price", cents, [""], [0.5, 7.25, 12.0]),
    ("back", backwards, [""], TEXTS),
]
FOCUS = [(name, kind, spec, values) for name, kind, formats, values in PARTS for spec in formats]
LITERALS = ["", "", "#", "!", "~", "a", "\U0010ffff"]
OTHERS = {"k": TEXTS, "m": [0, 7, 12]}


@st.composite
def worlds(draw: st.DrawFn, name: str, kind: Any, spec: str) -> Table:
    """A table in whose sort key there is this part, perhaps after another one, and perhaps before one."""
    text = draw(st.sampled_from(["E#", "", "\U0010ffff"])) + draw(st.sampled_from(["", "{k}#", "{m:02d}"]))
    text += f"{{{name}{spec and ':'}{spec}}}" + draw(st.sampled_from(LITERALS))
    if spec or not text.endswith("}"):
        text += draw(st.sampled_from(["", "", "{m:02d}", "{m:02d}#", "{k}"]))
    types = {"m": int} if kind is None else {"m": int, name: kind}
    if draw(st.booleans()):
        return keyed(text, **types)
    index = [GlobalIndex("ByU", "u", "gs")]
    return Table("Indexed", "id", attributes={"gs": template(text), **types}, indexes=index)


@st.composite
def items_of(draw: st.DrawFn, table: Table, values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Items as flyexpr stores them; some as a client does that stores no parts, and some of other kinds."""
    found = []
    name = table.key_attributes[-1]
    for n in range(8):
        try:
            parts = {part: draw(st.sampled_from(pool)) for part, pool in values.items()}
            item = stored_item(table, {"id": str(n), "u": "a", **parts})
        except ValidationError:  # a part with the separator in it, or a number that is too wide
            continue
        origin = draw(st.sampled_from(["own", "own", "foreign", "other"]))
        if origin == "foreign":
            item = {key: value for key, value in item.items() if key not in values}
        if origin == "other":
            start = table.derived[name].begun({}).text
            item[name] = draw(st.sampled_from(["Z", f"{start}Z", after_all(start) or "Z"]))
        found.append(item)
    return found


def asked(name: str, kind: Any, values: list[Any]) -> st.SearchStrategy[Condition]:
    path, pool = st.just(Path((name,))), st.sampled_from(values)
    stored = backwards.encode if kind is backwards else None
    shapes = [
        st.builds(Compare, st.sampled_from(["<", "<=", ">", ">="]), path, st.builds(operand, pool)),
        st.builds(lambda at, low, high: between(at, *sorted([low, high], key=stored)), path, pool, pool),
        st.builds(is_in, path, st.lists(pool, min_size=1, max_size=2)),
    ]
    if kind in (None, str, date, datetime):
        starts = TEXTS[:-1] if isinstance(values[0], str) else ["2026", "2025-01-3", ""]
        shapes.append(st.builds(begins_with, path, st.sampled_from(starts)))
    return st.one_of(shapes)


def is_consistent(table: Table, item: dict[str, Any]) -> bool:
    """Whether no part that the item holds contradicts its key: by such a part it is not found."""
    key = table.key_attributes[-1]
    parts = {name: value for name, value in loaded_item(table, dict(item)).items() if name in table.derived[key].parts}
    return not parts or table.derived[key].value(parts) == item[key]


@pytest.mark.parametrize("name, kind, spec, values", FOCUS, ids=[f"{name}:{spec}" for name, _, spec, _ in FOCUS])
@given(st.data())
@settings(max_examples=30)
def test_a_range_on_a_part_reads_what_matches(
    name: str, kind: Any, spec: str, values: list[Any], data: st.DataObject
) -> None:
    table = data.draw(worlds(name, kind, spec))
    key = table.key_attributes[-1]
    pools = {part: {**OTHERS, name: values}[part] for part in table.derived[key].parts}
    items = data.draw(items_of(table, pools))
    fixed = [
        Compare("=", Path((part,)), operand(data.draw(st.sampled_from(pools[part])))) for part in pools if part != name
    ]
    ranges = [data.draw(asked(name, kind, values)) for _ in range(data.draw(st.integers(1, 2)))]
    condition = all_of([U, *ranges, *(one for one in fixed if data.draw(st.integers(0, 3)))])
    try:
        way = access_of(table, query(condition))
    except ValidationError:  # a constant that does not fit the format
        return
    wanted = all_of([lower_condition(table, condition), ALWAYS if way.kind is None else way.kind])
    sent = [one for one in (*way.keys, way.filter) if one is not None]
    for item in items:
        whole = fill(table, dict(item))
        answered = way.sends and all(matches(one, item) for one in sent)
        given_back = answered and matches(ALWAYS if way.residue is None else way.residue, whole)
        assert given_back == matches(wanted, whole) or not (given_back or is_consistent(table, item))
