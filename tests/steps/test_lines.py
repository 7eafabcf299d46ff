"""A read that gives lines gives those of the items that the same read gives, with the same cursors and costs."""

from decimal import Decimal
from typing import Any

import pytest
from raised import raises

from flyexpr import Table, ValidationError, batch_write, connect, create_table, eq, gt, ne, put_item, query, run, scan
from flyexpr.doors.plain_items import Items
from flyexpr.steps.reads.lines import LineReading
from flyexpr.values import item_lines
from flyexpr.values.plain_json import item_text

TABLE = Table("Lined", "pk", "sk", attributes={"sk": int})
ITEMS: list[dict[str, Any]] = [
    {
        "pk": "a",
        "sk": number,
        "name": f'say "{number}"' if number % 25 == 6 else f"é {number}",
        "n": Decimal(number) / 4,
    }
    for number in range(900)
]


def lines_of(table: Table, read: Any) -> Any:
    return Items(table, read, reading=LineReading)


@pytest.fixture(scope="module")
def table() -> Table:
    table = TABLE.on(connect("sqlite::memory:"))
    run(table, create_table())
    run(table, batch_write([put_item(item) for item in ITEMS]))
    list(run(table, scan()))  # the forms of its items are known now
    return table


READS = {
    "scan": scan(),
    "pages": scan(page_size=50),
    "limit": scan(limit=320, page_size=100),
    "budget": scan(budget={"requests": 2}, page_size=90),
    "query": query(eq("pk", "a"), reverse=True),
    "limit of a filter": query(eq("pk", "a") & gt("n", 12), limit=50),
    "filter": query(eq("pk", "a") & gt("n", 12) & ne("sk", 100)),
    "key": query(eq("pk", "a") & eq("sk", 7)),
    "projection": scan(project=["name"]),
    "projection with the key": scan(project=["sk", "name", "pk"], page_size=60),
    "part": scan(part=(1, 2)),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_lines_and_items_of_a_read(table: Table, read: Any) -> None:
    items, lines = run(table, read), lines_of(table, read)
    for item, line in zip(items, lines, strict=True):
        assert item_text(item) == line
        assert items.cursor == lines.cursor, "in the middle of a page, too"
    assert (items.stats, items.cursor) == (lines.stats, lines.cursor)


def test_lines_of_segments_come_in_any_order(table: Table) -> None:
    every = sorted(map(item_text, ITEMS))
    assert sorted(lines_of(table, scan(segments=3, page_size=70))) == every
    some = [*lines_of(table, scan(segments=3, limit=100))]
    assert len(some) == 100
    assert {*every}.issuperset(some)


def test_lines_of_a_known_form_are_made_without_items(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def watched(form: Any) -> Any:
        def line(matched: Any) -> str:
            made.append(item_lines.line_of(form)(matched))
            return made[-1]

        return line

    monkeypatch.setattr("flyexpr.steps.reads.lines.line_of", watched)
    assert len(list(lines_of(table, scan()))) == 900
    assert len(made) == 900 - 36, "all but those with an escape"


def test_an_item_of_another_type_ends_a_read_of_lines() -> None:
    engine = lambda operation, body: b'{"Items":[{"pk":{"S":"a"},"sk":{"S":"1"}},{"pk":{"S":"a"},"sk":{"N":"2"}}]}'  # noqa: E731
    lines = lines_of(TABLE.on(engine), scan())
    with raises(
        ValidationError,
        "at `sk`: the stored value cannot be read as int: `sk` is stored as S, not as N\n"
        "  item: {'pk': 'a', 'sk': '1'} of 'Lined'",
    ):
        next(lines)
    assert lines._reading.mark == (0, {"pk": "a", "sk": "1"}), "a later read goes on after it"
