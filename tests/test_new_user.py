"""What a new user tries first, and the mistakes that they make first."""

import asyncio
import enum
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    DynamoError,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    aio,
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
        with raises(
            FlyexprError, "a read with budget= may stop before it knows the answer; go through run(...) instead"
        ):
            ask(shop, scan(budget={"requests": 1}))


def test_a_cursor_belongs_to_its_read(shop: Table) -> None:
    run(shop, batch_write([put_item({"customer": "a", "day": f"{n}"}) for n in range(5)]))
    read = query(eq("pk", "C#a"), limit=2)
    items = run(shop, read)
    list(items)
    assert len(list(run(shop, replace(read, start=items.cursor)))) == 2
    for other in (replace(read, reverse=True), query(eq("pk", "C#b"))):
        with raises(
            ValidationError,
            "the cursor comes from another read, of another table or with another condition or direction",
        ):
            run(shop, replace(other, start=items.cursor))


class Kind(enum.Enum):
    CAT = "cat"


def test_foreign_values_are_shown_as_they_are_stored() -> None:
    assert show(eq("kind", Kind.CAT)) == "kind = 'cat'"
    assert show(eq("at", datetime(2026, 1, 1, tzinfo=timezone.utc))) == "at = '2026-01-01T00:00:00.000000+00:00'"


MISTAKES: list[tuple[Any, str]] = [
    (
        lambda t: F.a == 1 & F.b == 2,
        "write `(F.a == 1) & (F.b == 2)`, with parentheses, and `exists(F.a)` for a path alone",
    ),
    (
        lambda t: F.a & (F.b == 1),
        "write `(F.a == 1) & (F.b == 2)`, with parentheses, and `exists(F.a)` for a path alone",
    ),
    (
        lambda t: F.a.contains("x"),
        "a path has no methods; write `contains(F.a, value)`, `begins_with(F.a, prefix)`, `size(F.a)`",
    ),
    (
        lambda t: transact_write([put_item({})]),
        "a transaction takes pairs (table, operation); entry 0 is PutItem without its table",
    ),
    (lambda t: transact_get([("a", "b")]), "a transaction takes pairs (table, operation); entry 0 is tuple"),
    (lambda t: t.on("sqlite:x.db"), "on() takes an engine, such as connect('sqlite:scores.db'), not 'sqlite:x.db'"),
    (
        lambda t: first(t, get_item("a")),
        "expected query(...) or scan(...), not get_item('a'); get(table, key) reads one item",
    ),
    (
        lambda t: run(t, batch_write([delete_item({"customer": "a"})])),
        (
            "the key of 'Shop' lacks `sk`: `sk` is made of `day`; `day` is not given\n"
            "  hint: a key is (pk, sk) as a tuple, or a dict with these attributes\n"
            "  in operation 0 of the batch"
        ),
    ),
    (lambda t: template("C#{x"), "template 'C#{x': expected '}' before end of string"),
    (lambda t: put(t, {"customer": "a"}), "at `sk`: `sk` is made of `day`; `day` is not given"),
]


@pytest.mark.parametrize("make, text", MISTAKES, ids=[text for _, text in MISTAKES])
def test_mistakes_are_told(shop: Table, make: Any, text: str) -> None:
    with raises((TypeError, FlyexprError), text):
        make(shop)


@pytest.mark.parametrize(
    "url, hint",
    [
        (
            "sqlite::memory",
            (
                "no engine for 'sqlite::memory'\n"
                "  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file"
            ),
        ),
        (
            "sqlite:memory:",
            (
                "no engine for 'sqlite:memory:'\n"
                "  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file"
            ),
        ),
        (
            "sqlite://scores.db",
            (
                "no engine for 'sqlite://scores.db'\n"
                "  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file"
            ),
        ),
        (
            "sqlite:///scores.db",
            (
                "no engine for 'sqlite:///scores.db'\n"
                "  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file"
            ),
        ),
        ("eu-west-1", "no engine for 'eu-west-1'\n  write dynamodb://eu-west-1"),
        ("us-gov-west-1", "no engine for 'us-gov-west-1'\n  write dynamodb://us-gov-west-1"),
        ("localhost:8000", "no engine for 'localhost:8000'\n  write http://localhost:8000"),
        ("127.0.0.1:8000", "no engine for '127.0.0.1:8000'\n  write http://127.0.0.1:8000"),
        ("scores.db", "no engine for 'scores.db'\n  write sqlite:scores.db"),
        ("http://localhost:99999", "'http://localhost:99999' has no valid port\n  write one from 1 to 65535"),
        ("http://localhost:x", "'http://localhost:x' has no valid port\n  write one from 1 to 65535"),
    ],
)
def test_a_url_spelled_as_elsewhere_says_how_it_is_spelled_here(url: str, hint: str) -> None:
    with raises(FlyexprError, hint):
        connect(url)


def test_a_path_is_no_url(tmp_path: Any) -> None:
    with raises(
        TypeError,
        f"connect takes a URL such as 'sqlite:scores.db', not {tmp_path / 'scores.db'!r}; for a path "
        'write f"sqlite:{path}"',
    ):
        connect(tmp_path / "scores.db")


@pytest.mark.parametrize("read", [query(eq("customer", "zed")), scan()], ids=["query", "scan"])
def test_paths_of_a_projection_that_overlap_are_refused(read: Any) -> None:
    build = query if hasattr(read, "reverse") else scan
    with raises(
        ExpressionError,
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
        "[info], path two: [info, rating]\n"
        "  expression: info, info.rating",
    ):
        build(read.condition, project=["info", "info.rating"])


def test_an_operation_alone_does_nothing() -> None:
    with raises(TypeError, "a query reads nothing by itself; write run(table, ...)"):
        list(query(eq("customer", "zed")))


def test_updates_are_joined_with_plus() -> None:
    changes = [incr("a"), incr("b"), incr("c")]
    assert sum(changes) == incr("a") + incr("b") + incr("c")
    with raises(TypeError, "join updates with `+`, or a list of them with sum(...)"):
        incr("a") & incr("b")
    with pytest.raises(TypeError):
        1 + incr("a")


def test_what_goes_through_all_that_matches_takes_a_read(shop: Table) -> None:
    for act in (lambda: delete_matching(shop, eq("n", 1)), lambda: update_matching(shop, eq("n", 1), incr("n"))):
        with raises(TypeError, "expected query(...) or scan(...), not the condition n = 1; write query(...) around it"):
            act()


def test_modify_takes_a_function(shop: Table) -> None:
    with raises(TypeError, "modify takes a function of the item, which returns the new one, not {'n': 1}"):
        modify(shop, ("C#zed", "O#1"), {"n": 1})


@pytest.mark.parametrize(
    "options, kind, text",
    [
        (
            {"indexes": GlobalIndex("ByKind", "kind")},
            TypeError,
            "indexes= takes a list, such as [GlobalIndex('ByKind', 'kind')]",
        ),
        (
            {"indexes": [("ByKind", "kind")]},
            TypeError,
            "indexes= takes GlobalIndex(...), LocalIndex(...) and VectorIndex(...), not ('ByKind', 'kind')",
        ),
        ({"stream": "x"}, FlyexprError, "table 'Shop': stream= is one of 'keys', 'new', 'old' and 'both', not 'x'"),
        ({"throughput": 5}, FlyexprError, "table 'Shop': throughput= is (read units, write units) a second, not 5"),
        (
            {"throughput": (5, 0)},
            FlyexprError,
            "table 'Shop': throughput= is (read units, write units) a second, not (5, 0)",
        ),
        (
            {"ttl": "until", "attributes": {"until": datetime}},
            FlyexprError,
            (
                "attribute 'until' of table 'Shop' cannot be its ttl=, which is a number of seconds; declare "
                "it so: attributes={'until': epoch}"
            ),
        ),
    ],
)
def test_what_a_table_cannot_be(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with raises(kind, text):
        Table("Shop", "pk", **options)


OTHER_KEYS = "\n  hint: the table has other keys than declared; run(table, describe_table()) shows it as it is"
MISMATCH = f"ValidationException: The provided key element does not match the schema{OTHER_KEYS}"
NO_INDEX = (
    "ValidationException: The table does not have the specified index: ByKind\n"
    "  hint: run(table, update_table()) makes the indexes that the table declares"
)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda t: list(run(t, query(eq("kind", "a")))), NO_INDEX),
        (lambda t: count(t, query(eq("kind", "a"))), NO_INDEX),
        (lambda t: get(replace(t, partition_key="user"), "a"), MISMATCH),
        (lambda t: run(replace(t, partition_key="user"), batch_write([delete_item("a")])), MISMATCH),
        (
            lambda t: put(replace(t, partition_key="user"), {"user": "a"}),
            "ValidationException: One or more parameter values were invalid: Missing the key id in the item"
            + OTHER_KEYS,
        ),
        (
            lambda t: list(run(replace(t, partition_key="user", sort_key="id"), query(eq("user", "a")))),
            "ValidationException: Query condition missed key schema element: id" + OTHER_KEYS,
        ),
        (
            lambda t: put(replace(t, attributes={"id": int}), {"id": 7}),
            "ValidationException: One or more parameter values were invalid: "
            "Type mismatch for key id expected: S actual: N" + OTHER_KEYS,
        ),
    ],
)
def test_a_table_that_is_declared_otherwise_than_it_is_says_what_to_do(make: Any, text: str) -> None:
    table = Table("Orders", "id").on(connect("sqlite::memory:"))
    run(table, create_table())
    with raises(DynamoError, text):
        make(replace(table, indexes=[GlobalIndex("ByKind", "kind")]))


def test_an_awaited_read_of_an_index_that_is_not_there_says_what_to_do() -> None:
    async def read() -> None:
        async with aio.connect("sqlite::memory:") as engine:
            table = Table("Orders", "id").on(engine)
            await aio.run(table, create_table())
            declared = replace(table, indexes=[GlobalIndex("ByKind", "kind")])
            with raises(DynamoError, NO_INDEX):
                [_ async for _ in aio.run(declared, query(eq("kind", "a")))]
            with raises(DynamoError, NO_INDEX):
                await aio.count(declared, query(eq("kind", "a")))

    asyncio.run(read())


@pytest.mark.parametrize("read", [lambda t: get(t, "a"), lambda t: list(run(t, query(eq("id", "a"))))])
def test_an_error_of_an_engine_keeps_its_cause(read: Any) -> None:
    why = OSError("the disk is full")

    def failing(operation: str, body: bytes) -> bytes:
        raise DynamoError.of("InternalServerError", "no") from why

    with pytest.raises(DynamoError) as caught:
        read(Table("Orders", "id").on(failing))
    assert caught.value.__cause__ is why
