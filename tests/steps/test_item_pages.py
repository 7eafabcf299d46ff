"""Pages of a size that the reader chooses, and reads that are closed before their end."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import kept
import pytest
from raised import raises

from flyexpr import (
    FlyexprError,
    ItemPage,
    Stats,
    Table,
    ValidationError,
    aio,
    batch_write,
    create_table,
    eq,
    ge,
    is_in,
    put_item,
    query,
    run,
    scan,
)

engine_name, engine = kept.engine_name, kept.engine

ITEMS = [{"pk": pk, "sk": number, "odd": number % 2} for pk in ("a", "b") for number in range(12)]
TABLE = Table("Pages", "pk", "sk", attributes={"sk": int})


READS = {
    "query": query(eq("pk", "a")),
    "backwards": query(eq("pk", "a"), reverse=True),
    "small pages": query(eq("pk", "a"), page_size=5),
    "filter": query(eq("pk", "a") & eq("odd", 1)),
    "filter and small pages": query(eq("pk", "a") & eq("odd", 1), page_size=3),
    "fan-out": query(is_in("pk", ["a", "b"]) & ge("sk", 6)),
    "points": query(is_in("pk", ["a", "b"]) & eq("sk", 6)),
    "scan": scan(),
    "segments": scan(segments=3),
    "ahead": query(eq("pk", "a"), page_size=4, prefetch=True),
    "nothing": query(eq("pk", "nobody")),
}


def by_key(items: list[Any]) -> list[Any]:
    """The items in the order of their keys; engines give their attributes in any order."""
    return sorted(items, key=lambda item: (item["pk"], item["sk"]))


def paged(table: Table, read: Any, most: int) -> Iterator[Any]:
    """The pages as a web service gives them: each is a read of its own, from the cursor of the page before."""
    page = run(table, read).page(most)
    yield page
    while page.more:
        page = run(table, replace(read, start=page.cursor)).page(most)
        yield page


@pytest.mark.parametrize("most", [1, 2, 3, 4, 6, 12, 24, 50])
@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_pages_give_each_item_once(filled: Table, read: Any, most: int) -> None:
    whole = [*run(filled, read)]
    pages = [*paged(filled, read, most)]
    items = [item for page in pages for item in page.items]
    assert by_key(items) == by_key(whole)
    if getattr(read, "segments", None) is None:
        assert items == whole
    assert [len(page.items) for page in pages[:-1]] == [most] * (len(pages) - 1)
    assert len(pages) == max(1, -(-len(whole) // most)), "no page is empty, whatever the last one ends with"
    assert pages[-1].cursor is None


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_a_read_goes_on_after_a_page(filled: Table, read: Any) -> None:
    items, whole = run(filled, read), [*run(filled, read)]
    first, second = items.page(3), items.page(2)
    assert first.more is (len(whole) > 3)
    rest = [*items]
    assert by_key(first.items + second.items + rest) == by_key(whole)
    assert items.cursor is None
    assert items.stats.returned == len(whole)


def test_a_page_may_follow_an_item(filled: Table) -> None:
    items = run(filled, query(eq("pk", "a")))
    assert next(items)["sk"] == 0
    page = items.page(2)
    assert [item["sk"] for item in page.items] == [1, 2]
    assert page.cursor == items.cursor, "the item that was looked at ahead is not taken"
    assert next(items)["sk"] == 3
    assert page.cursor != items.cursor


def test_a_page_may_be_taken_within_a_loop(table: Table) -> None:
    items, numbers = run(table, query(eq("pk", "a"), page_size=5)), list[int]()
    for item in items:
        numbers.append(item["sk"])
        if item["sk"] in (2, 3, 7):
            numbers += [each["sk"] for each in items.page(1).items]
    assert numbers == [*range(12)]
    assert items.cursor is None


def test_a_page_may_be_taken_within_an_awaited_loop() -> None:
    async def in_turn(table: Table) -> None:
        items, numbers = aio.run(table, query(eq("pk", "a"), page_size=5)), list[int]()
        async for item in items:
            numbers.append(item["sk"])
            if item["sk"] in (2, 3, 7):
                numbers += [each["sk"] for each in (await items.page(1)).items]
        assert numbers == [*range(12)]
        assert items.cursor is None

    in_a_loop(in_turn)


def test_a_page_costs_one_item_more(table: Table) -> None:
    engine: Any = table.engine
    assert len([*paged(table, query(eq("pk", "a")), 4)]) == 3
    assert [wire["Limit"] for _, wire in engine.asked] == [5, 5, 5]
    engine.asked.clear()
    items = run(table, query(eq("pk", "a")))
    items.page(4), items.page(4)
    assert [wire["Limit"] for _, wire in engine.asked] == [5, 4]
    assert [item["sk"] for item in items] == [8, 9, 10, 11]
    assert "Limit" not in engine.asked[-1][1], "without a page, a read asks for all that the service gives at once"


def test_a_page_of_what_a_filter_leaves_asks_for_whole_pages(table: Table) -> None:
    run(table, query(eq("pk", "a") & eq("odd", 1))).page(2)
    run(table, query(eq("pk", "a") & eq("odd", 1), page_size=3)).page(2)
    limits = [wire.get("Limit") for _, wire in table.engine.asked]  # type: ignore[attr-defined]
    assert limits == [None, 3, 3]


def test_pages_of_a_read_ahead_throw_no_page_away(table: Table) -> None:
    items = run(table, query(eq("pk", "a"), page_size=4, prefetch=True))
    titles = [item["sk"] for page in (items.page(3), items.page(3), items.page(9)) for item in page.items]
    assert titles == [*range(12)]
    asked = [str(wire) for _, wire in table.engine.asked]  # type: ignore[attr-defined]
    assert len(asked) == len({*asked}) == items.stats.requests == 4


def test_a_budget_may_end_a_page_early(filled: Table) -> None:
    page = run(filled, query(eq("pk", "a"), page_size=2, budget={"requests": 2})).page(6)
    assert [item["sk"] for item in page.items] == [0, 1, 2, 3]
    assert page.more
    rest = run(filled, query(eq("pk", "a"), start=page.cursor)).page(20)
    assert [item["sk"] for item in rest.items] == [*range(4, 12)]


def test_a_read_that_is_dropped_after_a_page_ends_its_threads(table: Table) -> None:
    gc.disable()
    try:
        senders = []

        def noting(operation: str, body: bytes) -> bytes:
            senders.append(threading.current_thread())
            return table.engine(operation, body)

        assert run(table.on(noting), scan(segments=2, page_size=1)).page(2).more
        for thread in senders:
            thread.join(30)
        assert not any(thread.is_alive() for thread in senders)
    finally:
        gc.enable()


def test_an_error_in_a_page_loses_none_of_its_items(filled: Table) -> None:
    run(filled, batch_write([put_item({"pk": "a", "sk": 12, "odd": "no"})]))
    table = replace(filled, attributes={"sk": int, "odd": int})
    items = run(table, query(eq("pk", "a"), page_size=2))
    assert [item["sk"] for item in items.page(5).items] == [*range(5)]
    with pytest.raises(ValidationError):
        items.page(7)  # the item that is looked at ahead cannot be read
    for _ in range(2):
        rest = run(table, query(eq("pk", "a"), start=items.cursor, bad="keep"))
        assert [item["sk"] for item in rest] == [*range(5, 13)]
        with raises(
            FlyexprError,
            "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
        ):
            items.page(7)


@pytest.mark.parametrize("most", [0, -1, True, 2.0, "3", None])
def test_a_page_of_no_size(filled: Table, most: Any) -> None:
    with pytest.raises(ValueError) as caught:
        run(filled, scan()).page(most)
    assert str(caught.value) == f"page takes a whole number from 1, not {most!r}"


@pytest.mark.parametrize("read", [query(eq("pk", "a"), limit=9), scan(limit=9), scan(limit=9, segments=2)])
def test_a_page_of_a_read_with_a_limit(filled: Table, read: Any) -> None:
    with pytest.raises(ValueError) as caught:
        run(filled, read).page(3)
    assert str(caught.value) == "leave out limit=: page(3) says how many items are taken"


# reads that are closed

CLOSED = "this read is closed; take its items before that, or go on from its cursor: query(..., start=items.cursor)"


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_a_closed_read_says_so(filled: Table, read: Any) -> None:
    with run(filled, read) as items:
        taken = [item for item, _ in zip(items, range(2), strict=False)]
    for _ in range(2):
        with pytest.raises(FlyexprError) as caught:
            next(items)
        assert str(caught.value) == CLOSED
    with pytest.raises(FlyexprError) as caught:
        items.page(2)
    assert str(caught.value) == CLOSED
    assert items.stats.returned >= len(taken)


def test_a_closed_read_keeps_its_cursor(filled: Table) -> None:
    with run(filled, query(eq("pk", "a"))) as items:
        items.page(5)
    items.close()
    assert [item["sk"] for item in run(filled, query(eq("pk", "a"), start=items.cursor))] == [*range(5, 12)]


@pytest.mark.parametrize("read", [scan(segments=4, page_size=1), query(eq("pk", "a"), page_size=1, prefetch=True)])
def test_no_thread_and_no_request_is_left_of_a_closed_read(table: Table, read: Any) -> None:
    second, release, senders = threading.Event(), threading.Event(), []
    run(table, batch_write([put_item({"pk": f"p{number}", "sk": 0}) for number in range(40)]))  # in every segment some

    def slow(operation: str, body: bytes) -> bytes:
        senders.append(threading.current_thread())
        if len(senders) > 1:
            second.set()
            assert release.wait(30)
        return table.engine(operation, body)

    with run(table.on(slow), read) as items:
        next(items)
        assert second.wait(30)
        release.set()
    assert [thread for thread in senders if thread is not threading.current_thread() and thread.is_alive()] == []
    sent = len(senders)
    with raises(
        FlyexprError,
        "this read is closed; take its items before that, or go on from its cursor: query(..., start=items.cursor)",
    ):
        next(items)
    assert len(senders) == sent > 1


def test_a_read_that_an_error_ended_is_not_called_closed(table: Table) -> None:
    def broken(operation: str, body: bytes) -> bytes:
        raise FlyexprError("no")

    items = run(table.on(broken), scan())
    with raises(FlyexprError, "no"):
        items.page(3)
    with raises(
        FlyexprError,
        "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
    ):
        items.page(3)


def in_a_loop(test: Callable[[Table], Awaitable[None]]) -> None:
    async def main() -> None:
        async with aio.connect("sqlite::memory:") as engine:
            table = TABLE.on(engine)
            await aio.run(table, create_table())
            await aio.run(table, batch_write(map(put_item, ITEMS)))
            await test(table)

    asyncio.run(main())


def test_a_page_that_is_cancelled_leaves_no_item_out() -> None:
    async def paged(table: Table) -> None:
        async def stuck(operation: str, body: bytes) -> bytes:
            return await (asyncio.Event().wait() if b"ExclusiveStartKey" in body else table.bound(operation, body))  # type: ignore[return-value]

        read = query(eq("pk", "a"), page_size=2)
        items = aio.run(table.on(stuck), read)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(items.page(3), 0.01)
        assert len((await aio.run(table, replace(read, start=items.cursor)).page(20)).items) == 12

    in_a_loop(paged)


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_no_task_is_left_of_an_awaited_read_that_is_closed(read: Any) -> None:
    async def closed(table: Table) -> None:
        async with aio.run(table, read) as items:
            async for _ in items:
                break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for _ in range(2):
            with pytest.raises(FlyexprError) as caught:
                await anext(items)
            assert str(caught.value) == CLOSED

    in_a_loop(closed)


def test_the_wrong_with_at_either_door() -> None:
    async def wrong(table: Table) -> None:
        with pytest.raises(TypeError) as caught, aio.run(table, scan()):
            pass
        assert str(caught.value) == "write `async with`, not `with`; or use the functions of flyexpr itself"
        plain: Any = run(TABLE.on(lambda operation, body: b"{}"), scan())
        with pytest.raises(TypeError) as caught:
            async with plain:
                pass
        assert str(caught.value) == (
            "write `with`, not `async with`; or use flyexpr.aio, with an engine of aio.connect(...)"
        )

    in_a_loop(wrong)


def test_a_page_prints_in_short_and_says_what_its_parts_are() -> None:
    page = ItemPage([{"id": "a"}], "cursor", Stats(), None)
    assert repr(page) == "<ItemPage of 1 item, and more follow>"
    assert repr(ItemPage([], None, Stats(), None)) == "<ItemPage of 0 items, the last>"
    for mistake in (iter, len, lambda page: page[0], list, bool):
        with raises(TypeError, "a page has parts: write page.items, page.cursor or page.more"):
            mistake(page)
