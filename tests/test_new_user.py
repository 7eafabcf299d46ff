"""What a new user tries first, and the mistakes that they make first."""

import enum
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from flyexpr import (
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    batch_write,
    connect,
    count,
    create_table,
    delete_item,
    delete_matching,
    eq,
    first,
    ge,
    get,
    get_item,
    incr,
    modify,
    put,
    put_item,
    query,
    run,
    scan,
    show,
    template,
    transact_get,
    transact_write,
    update,
    update_matching,
)


@pytest.fixture
def shop() -> Table:
    """Orders of customers, under keys made of their parts."""
    table = Table(
        "Shop",
        "pk",
        "sk",
        attributes={"pk": template("C#{customer}"), "sk": template("O#{day}")},
        indexes=[GlobalIndex("ByKind", "kind", project="keys")],
    ).on(connect("sqlite::memory:"))
    run(table, create_table())
    return table


def test_an_item_that_an_update_creates_is_found_by_its_parts(shop: Table) -> None:
    update(shop, {"customer": "zed", "day": "1"}, incr("n"))
    assert first(shop, query(eq("customer", "zed"))) == {
        "customer": "zed",
        "day": "1",
        "n": 1,
        "pk": "C#zed",
        "sk": "O#1",
    }
    update(shop, {"customer": "zed", "day": "1"}, incr("n"))
    made = modify(shop, {"customer": "ann", "day": "2"}, lambda item: item | {"n": 7})
    assert made == get(shop, {"customer": "ann", "day": "2"})
    assert [item["n"] for item in run(shop, query(eq("customer", "ann")))] == [7]


def test_an_index_of_keys_can_count(shop: Table) -> None:
    run(shop, batch_write([put_item({"customer": "a", "day": f"{n}", "kind": "x", "n": n}) for n in range(5)]))
    assert count(shop, query(eq("kind", "x"))) == 5
    assert count(shop, scan(ge("n", 3))) == 2
    assert count(shop, scan(ge("n", 3), segments=3)) == 2


def test_what_is_asked_bounds_better_than_the_start_of_a_template(shop: Table) -> None:
    run(shop, batch_write([put_item({"customer": "a", "day": f"{n:02}"}) for n in range(20)]))
    items = run(shop, query(eq("customer", "a") & ge("sk", "O#15")))
    assert len(list(items)) == items.stats.examined == 5


def test_a_read_that_stops_early_gives_no_wrong_answer(shop: Table) -> None:
    for ask in (first, count):
        with pytest.raises(FlyexprError, match="may stop before it knows the answer"):
            ask(shop, scan(budget={"requests": 1}))


def test_a_cursor_belongs_to_its_read(shop: Table) -> None:
    run(shop, batch_write([put_item({"customer": "a", "day": f"{n}"}) for n in range(5)]))
    read = query(eq("pk", "C#a"), limit=2)
    items = run(shop, read)
    list(items)
    assert len(list(run(shop, replace(read, start=items.cursor)))) == 2
    for other in (replace(read, reverse=True), query(eq("pk", "C#b"))):
        with pytest.raises(ValidationError, match="from another read, of another table"):
            run(shop, replace(other, start=items.cursor))


class Kind(enum.Enum):
    CAT = "cat"


def test_foreign_values_are_shown_as_they_are_stored() -> None:
    assert show(eq("kind", Kind.CAT)) == "kind = 'cat'"
    assert show(eq("at", datetime(2026, 1, 1, tzinfo=timezone.utc))) == "at = '2026-01-01T00:00:00.000000+00:00'"


MISTAKES: list[tuple[Any, str]] = [
    (lambda t: F.a == 1 & F.b == 2, "with parentheses"),
    (lambda t: F.a & (F.b == 1), "with parentheses"),
    (lambda t: F.a.contains("x"), "a path has no methods; write"),
    (lambda t: transact_write([put_item({})]), r"takes pairs \(table, operation\); entry 0 is PutItem"),
    (lambda t: transact_get([("a", "b")]), r"takes pairs \(table, operation\); entry 0 is tuple"),
    (lambda t: t.on("sqlite:x.db"), r"on\(\) takes an engine, such as connect"),
    (lambda t: first(t, get_item("a")), r"expected query\(...\) or scan\(...\)"),
    (lambda t: run(t, batch_write([delete_item({"customer": "a"})])), "the key of 'Shop' lacks"),
    (lambda t: template("C#{x"), "template 'C#{x': expected '}'"),
    (lambda t: put(t, {"customer": "a"}), "`sk` is made of `day`; `day` is not given"),
]


@pytest.mark.parametrize("make, text", MISTAKES, ids=[text for _, text in MISTAKES])
def test_mistakes_are_told(shop: Table, make: Any, text: str) -> None:
    with pytest.raises((TypeError, FlyexprError), match=text):
        make(shop)


@pytest.mark.parametrize(
    "url, hint",
    [
        ("sqlite::memory", "sqlite::memory: for no file"),
        ("sqlite:memory:", "sqlite::memory: for no file"),
        ("sqlite://scores.db", "sqlite:scores.db"),
        ("sqlite:///scores.db", "sqlite:/data/scores.db"),
        ("http://localhost:99999", "1 to 65535"),
        ("http://localhost:x", "1 to 65535"),
    ],
)
def test_a_url_spelled_as_elsewhere_says_how_it_is_spelled_here(url: str, hint: str) -> None:
    with pytest.raises(FlyexprError, match=hint):
        connect(url)


def test_a_path_is_no_url(tmp_path: Any) -> None:
    with pytest.raises(TypeError, match="sqlite:"):
        connect(tmp_path / "scores.db")


@pytest.mark.parametrize("read", [query(eq("customer", "zed")), scan()], ids=["query", "scan"])
def test_paths_of_a_projection_that_overlap_are_refused(read: Any) -> None:
    build = query if hasattr(read, "reverse") else scan
    with pytest.raises(ExpressionError, match="overlap"):
        build(read.condition, project=["info", "info.rating"])


def test_an_operation_alone_does_nothing() -> None:
    with pytest.raises(TypeError, match=r"run\(table, ...\)"):
        list(query(eq("customer", "zed")))


def test_updates_are_joined_with_plus() -> None:
    changes = [incr("a"), incr("b"), incr("c")]
    assert sum(changes) == incr("a") + incr("b") + incr("c")
    with pytest.raises(TypeError, match=r"join updates with `\+`"):
        incr("a") & incr("b")
    with pytest.raises(TypeError):
        1 + incr("a")


def test_what_goes_through_all_that_matches_takes_a_read(shop: Table) -> None:
    for act in (lambda: delete_matching(shop, eq("n", 1)), lambda: update_matching(shop, eq("n", 1), incr("n"))):
        with pytest.raises(TypeError, match=r"expected query\(...\) or scan\(...\)"):
            act()


def test_modify_takes_a_function(shop: Table) -> None:
    with pytest.raises(TypeError, match="modify takes a function"):
        modify(shop, ("C#zed", "O#1"), {"n": 1})


@pytest.mark.parametrize(
    "options, kind, text",
    [
        ({"indexes": GlobalIndex("ByKind", "kind")}, TypeError, "takes a list"),
        ({"indexes": [("ByKind", "kind")]}, TypeError, r"GlobalIndex\(...\)"),
        ({"stream": "x"}, FlyexprError, "'keys', 'new', 'old' and 'both'"),
        ({"throughput": 5}, FlyexprError, "read units, write units"),
        ({"throughput": (5, 0)}, FlyexprError, "read units, write units"),
        ({"ttl": "until", "attributes": {"until": datetime}}, FlyexprError, "'until': epoch"),
    ],
)
def test_what_a_table_cannot_be(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        Table("Shop", "pk", **options)
