"""What the items of a query or scan print as, through both doors; printing reads nothing."""

import asyncio
from typing import Any

import pytest

import flyexpr
from flyexpr import Table, aio, any_of, batch_write, connect, create_table, eq, gt, put_item, query, scan

ITEMS = [{"id": "a", "n": number} for number in range(3)]
TEXTS: dict[str, tuple[Any, int, str]] = {  # an operation, how many items are taken, and the text
    "new": (query(eq("id", "a")), 0, "Query on Scores: not read yet"),
    "under way": (query(eq("id", "a")), 2, "Query on Scores: 2 returned, 1 request"),
    "pages": (query(eq("id", "a"), page_size=1), 2, "Query on Scores: 2 returned, 2 requests"),
    "ended": (query(eq("id", "a")), 9, "Query on Scores: 3 returned, 1 request, all read"),
    "limit": (query(eq("id", "a"), limit=2), 9, "Query on Scores: 2 returned, 1 request"),
    "one item": (query(eq("id", "a") & eq("n", 1)), 9, "Query on Scores: 1 returned, 1 request, all read"),
    "never": (query(eq("id", "a") & any_of()), 0, "Query on Scores: nothing to read"),
    "none": (query(eq("id", "a") & gt("n", 5)), 9, "Query on Scores: 0 returned, 1 request, all read"),
    "scan": (scan(), 3, "Scan on Scores: 3 returned, 1 request"),
    "new segments": (scan(segments=2), 0, "Scan on Scores: not read yet"),
    "segments": (scan(segments=2), 9, "Scan on Scores: 3 returned, 2 requests, all read"),
}


async def awaited(asked: list[str], operation: Any, taken: int) -> tuple[str, str, str, int]:
    async with aio.connect("sqlite::memory:") as engine:

        async def counting(name: str, body: bytes) -> bytes:
            asked.append(name)
            answer: bytes = await engine(name, body)
            return answer

        table = Table("Scores", "id", "n", attributes={"n": int}).on(counting)  # type: ignore[arg-type]
        await aio.run(table, create_table())
        await aio.run(table, batch_write(map(put_item, ITEMS)))
        asked.clear()
        items = aio.run(table, operation)
        for _ in range(taken):
            try:
                await anext(items)
            except StopAsyncIteration:
                break
        before = len(asked)
        texts = repr(items), str(items), items._repr_html_()
        await items.aclose()
        return *texts, before


def plain(asked: list[str], operation: Any, taken: int) -> tuple[str, str, str, int]:
    with connect("sqlite::memory:") as engine:
        table = Table("Scores", "id", "n", attributes={"n": int})
        table = table.on(lambda name, body: (asked.append(name), engine(name, body))[1])  # type: ignore[func-returns-value]
        flyexpr.run(table, create_table())
        flyexpr.run(table, batch_write(map(put_item, ITEMS)))
        asked.clear()
        items = flyexpr.run(table, operation)
        for _ in range(taken):
            next(items, None)
        before = len(asked)
        return repr(items), str(items), items._repr_html_(), before


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("door", ["plain", "awaited"])
def test_items_say_how_far_they_are(case: str, door: str) -> None:
    operation, taken, text = TEXTS[case]
    asked: list[str] = []
    shown, said, page, before = (
        plain(asked, operation, taken) if door == "plain" else asyncio.run(awaited(asked, operation, taken))
    )
    assert shown == said == f"<Items of {text}>"
    assert f"<code>{text}</code>" in page
    assert len(asked) == before


def test_a_notebook_shows_the_condition_and_the_cost() -> None:
    with connect("sqlite::memory:") as engine:
        table = Table("Scores", "id", "n", attributes={"n": int}).on(engine)
        flyexpr.run(table, create_table())
        flyexpr.run(table, batch_write(map(put_item, ITEMS)))
        items = flyexpr.run(table, query(eq("id", "a") & gt("n", 0)))
        assert len(list(items)) == 2
        page = items._repr_html_()
    for text in (
        "Query on Scores: 2 returned, 1 request, all read",
        "sqlite::memory:",
        "id = &#x27;a&#x27; AND n &gt; 0",
        "0.5, for 2 items examined",
        "None",
    ):
        assert f"<code>{text}</code>" in page


def test_an_item_that_was_looked_at_ahead_is_still_to_be_read() -> None:
    with connect("sqlite::memory:") as engine:
        table = Table("Scores", "id", "n", attributes={"n": int}).on(engine)
        flyexpr.run(table, create_table())
        flyexpr.run(table, batch_write(map(put_item, ITEMS)))
        items = flyexpr.run(table, query(eq("id", "a")))
        assert items.page(2).items == ITEMS[:2]
        assert repr(items) == "<Items of Query on Scores: 3 returned, 1 request>"
        assert list(items) == ITEMS[2:]
        assert repr(items) == "<Items of Query on Scores: 3 returned, 2 requests, all read>"


def test_only_what_is_public_is_completed() -> None:
    with connect("sqlite::memory:") as engine:
        items = flyexpr.run(Table("Scores", "id").on(engine), scan())
        assert [name for name in dir(items) if not name.startswith("_")] == ["close", "cursor", "page", "rest", "stats"]
