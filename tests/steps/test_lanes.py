"""Reading ahead gives the same items as reading page by page, and asks for each page while the one before is taken."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    DynamoError,
    Table,
    batch_write,
    connect,
    count,
    create_table,
    eq,
    explain,
    first,
    is_in,
    put_item,
    query,
    run,
    scan,
)
from flyexpr.requests.operations import Query, Scan

TABLE = Table("Items", "pk", "sk", attributes={"sk": int})
ITEMS = [{"pk": pk, "sk": number, "LastEvaluatedKey": {"pk": "x"}} for pk in ("a", "b") for number in range(25)]


class Watched:
    """An engine that notes what it was asked, and by which thread."""

    def __init__(self) -> None:
        self.engine = connect("sqlite::memory:")
        self.asked: list[tuple[str, str]] = []

    def __call__(self, operation: str, body: bytes) -> bytes:
        self.asked.append((operation, threading.current_thread().name))
        return self.engine(operation, body)


@pytest.fixture
def table() -> Table:
    table = TABLE.on(Watched())
    run(table, create_table())
    run(table, batch_write([put_item(item) for item in ITEMS]))
    table.engine.asked.clear()  # type: ignore[union-attr]
    return table


@pytest.mark.parametrize(
    "read",
    [
        query(eq("pk", "a"), page_size=4, prefetch=True),
        query(eq("pk", "a"), page_size=5, reverse=True, prefetch=True),
        query(is_in("pk", ["b", "none", "a"]), page_size=7, prefetch=True),
        query(is_in("pk", ["b", "a"]) & eq("sk", 3), prefetch=True),
        query(eq("pk", "a"), page_size=4, project=["sk"], prefetch=True),
        scan(eq("sk", 3), page_size=9, prefetch=True),
        scan(prefetch=True),
    ],
)
def test_the_same_items_for_the_same_requests(table: Table, read: Query | Scan) -> None:
    from dataclasses import replace

    plain, ahead = run(table, replace(read, prefetch=False)), run(table, read)
    assert list(ahead) == list(plain)
    assert repr(ahead.stats) == repr(plain.stats)
    assert ahead.cursor is None
    assert count(table, read) == plain.stats.returned


def asked(table: Table) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = table.engine.asked  # type: ignore[union-attr]
    return found


def test_the_next_page_is_asked_for_before_this_one_is_through(table: Table) -> None:
    items = run(table, query(eq("pk", "a"), page_size=10, prefetch=True))
    next(items)
    until = time.monotonic() + 5
    while len(asked(table)) < 2 and time.monotonic() < until:
        time.sleep(0.001)
    assert [name.startswith("flyexpr-read") for _, name in asked(table)] == [False, True]
    assert items.stats.requests == 1
    assert len(list(items)) == 24
    assert len(asked(table)) == items.stats.requests == 3, "no page was asked for twice"


def test_a_cursor_goes_on_where_the_reader_stopped(table: Table) -> None:
    items = run(table, query(eq("pk", "a"), page_size=10, prefetch=True))
    taken = [next(items)["sk"] for _ in range(13)]
    rest = [item["sk"] for item in run(table, query(eq("pk", "a"), start=items.cursor, prefetch=True))]
    assert taken + rest == list(range(25))


@pytest.mark.parametrize(
    "read", [query(eq("pk", "a"), page_size=2, prefetch=True), scan(segments=3, page_size=1)], ids=["ahead", "segments"]
)
def test_threads_end_with_the_reader(table: Table, monkeypatch: pytest.MonkeyPatch, read: Query | Scan) -> None:
    """By themselves: the pool is kept here, or the collector would end its threads."""
    pools = []

    def pool(*arguments: Any) -> ThreadPoolExecutor:
        pools.append(ThreadPoolExecutor(*arguments))
        return pools[-1]

    monkeypatch.setattr("flyexpr.doors.threads.ThreadPoolExecutor", pool)
    items = run(table, read)
    next(items)
    del items
    until = time.monotonic() + 5
    while any(thread.name.startswith("flyexpr-read") for thread in threading.enumerate()):
        assert time.monotonic() < until, "a thread is left"
        time.sleep(0.001)
    assert len(pools) == 1


def test_a_refused_page_is_told_where_it_begins() -> None:
    pages = iter(
        [
            b'{"Items":[{"pk":{"S":"a"},"sk":{"N":"1"}}],"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}',
            DynamoError.of("ProvisionedThroughputExceededException", "slow down"),
        ]
    )

    def engine(operation: str, body: bytes) -> bytes:
        page = next(pages)
        if isinstance(page, DynamoError):
            raise page
        return page

    items = run(TABLE.on(engine), query(eq("pk", "a"), prefetch=True))
    assert next(items)["sk"] == 1
    with raises(DynamoError, "ProvisionedThroughputExceededException: slow down"):
        next(items)


def test_a_wrong_guess_costs_a_request_and_no_item() -> None:
    key = b'"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"%d"}}'
    bodies: list[bytes] = []

    def engine(operation: str, body: bytes) -> bytes:
        bodies.append(body)
        if b'"N":"1"' in body:
            return b'{"Items":[{"pk":{"S":"a"},"sk":{"N":"2"}}]}'
        # The key stands before the items, one of which has an attribute that looks like it.
        return b'{%b,"Items":[{"pk":{"S":"a"},"sk":{"N":"1"},"LastEvaluatedKey":{"M":{"x":{"S":"y"}}}}]}' % (key % 1)

    items = list(run(TABLE.on(engine), query(eq("pk", "a"), prefetch=True)))
    assert [item["sk"] for item in items] == [1, 2]
    assert len(bodies) == 2, "what could not be a key was not asked for"


def test_what_stops_early_does_not_read_ahead(table: Table) -> None:
    read = query(eq("pk", "a"), page_size=10, prefetch=True)
    assert first(table, read) == ITEMS[0]
    assert len(list(run(table, replace(read, limit=3)))) == 3
    assert len(asked(table)) == 2


@pytest.mark.parametrize(
    "other, text",
    [
        ({"limit": 3}, "limit=: limit= stops early, and what was read ahead is paid for"),
        ({"budget": {"requests": 1}}, "budget=: budget= stops early, and what was read ahead is paid for"),
        ({"segments": 2}, "segments=: segments= reads ahead by itself"),
    ],
)
def test_refinements_that_exclude_it(other: dict[str, Any], text: str) -> None:
    with raises(ValueError, f"leave out prefetch= or {text}"):
        scan(prefetch=True, **other)


def test_explain_says_what_it_costs(table: Table) -> None:
    assert any("a page ahead" in warning for warning in explain(table, query(eq("pk", "a"), prefetch=True)).warnings)
    assert asked(table) == []
