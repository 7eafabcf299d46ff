"""Reads in parts: together they give what the read gives, wherever each of them runs, stops and goes on."""

import asyncio
import pickle
from contextlib import closing
from dataclasses import replace
from typing import Any

import kept
import pytest
from raised import raises

from flyexpr import (
    BadCursor,
    BatchIncomplete,
    DynamoError,
    FlyexprError,
    GlobalIndex,
    ItemPage,
    Table,
    aio,
    batch_write,
    between,
    count,
    create_table,
    delete_matching,
    eq,
    explain,
    first,
    gather,
    ge,
    get_item,
    gt,
    incr,
    is_in,
    ne,
    near,
    put_item,
    query,
    request,
    run,
    scan,
    search,
    segments,
    update_matching,
)

engine_name, engine = kept.engine_name, kept.engine

BUCKETS = [f"b{number}" for number in range(6)]
TABLE = Table(
    "Parts", "pk", "sk", attributes={"sk": int, "odd": int}, indexes=[GlobalIndex("ByOdd", "odd", "sk", project="all")]
)
ITEMS = [{"pk": pk, "sk": number, "odd": number % 2} for pk in BUCKETS for number in range(7)]
READS = {
    "scan": scan(),
    "scan with a filter": scan(eq("odd", 1), page_size=4),
    "scan of an index": scan(index="ByOdd", page_size=5),
    "buckets": query(is_in("pk", BUCKETS)),
    "buckets in small pages": query(is_in("pk", BUCKETS) & ge("sk", 2), page_size=2),
    "buckets backwards": query(is_in("pk", BUCKETS), reverse=True),
    "buckets with a rest for the client": query(is_in("pk", BUCKETS) & ge("sk", 2) & ne("sk", 4)),
    "points": query(is_in("pk", BUCKETS) & eq("sk", 3)),
    "one partition": query(eq("pk", "b1")),
    "nothing": query(eq("pk", "b1") & eq("pk", "b2")),
}
each_read = pytest.mark.parametrize("read", READS.values(), ids=list(READS))


def by_key(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: (item["pk"], item["sk"]))


def in_parts(table: Table, read: Any, n: int) -> ItemPage[Any]:
    """What the parts give, each of which went to another machine and came back, the last one first."""
    sent = pickle.loads(pickle.dumps(segments(read, n)))
    return gather(pickle.loads(pickle.dumps(run(table, part).rest())) for part in reversed(sent))


@pytest.mark.parametrize("n", [1, 2, 4, 9])
@each_read
def test_the_parts_give_what_the_read_gives(filled: Table, read: Any, n: int) -> None:
    items = run(filled, read)
    whole, gathered = [*items], in_parts(filled, read, n)
    assert by_key(gathered.items) == by_key(whole)
    assert (gathered.cursor, gathered.part) == (None, None)
    assert (gathered.stats.returned, gathered.stats.examined) == (items.stats.returned, items.stats.examined)
    if isinstance(read, type(query(eq("a", 1)))):
        assert gathered.items == whole, "a query gives its partitions in the order of its condition"


@each_read
def test_parts_that_stop_go_on_from_one_cursor(filled: Table, read: Any) -> None:
    """However small the budget, each item comes once; parts that are done wait for the others."""
    read = replace(read, page_size=2, budget={"requests": 3})
    items, rounds = [], 0
    page = in_parts(filled, read, 3)
    while page.more:
        items, rounds = items + page.items, rounds + 1
        assert rounds < 40
        page = in_parts(filled, replace(read, start=page.cursor), 3)
    assert by_key(items + page.items) == by_key([*run(filled, replace(read, budget=None))])
    assert rounds or len(items + page.items) < 8


def test_a_scan_with_threads_takes_the_cursor_and_gives_one(table: Table) -> None:
    stopped = in_parts(table, scan(page_size=2, budget={"requests": 4}), 4)
    rest = run(table, scan(segments=4, start=stopped.cursor)).rest()
    assert by_key(stopped.items + rest.items) == ITEMS
    begun = run(table, scan(segments=4, page_size=2, budget={"requests": 5}))
    some = [*begun]
    assert by_key(some + in_parts(table, scan(start=begun.cursor), 4).items) == ITEMS
    assert 0 < len(some) < len(ITEMS)


def test_what_a_part_sends(table: Table) -> None:
    first, second, third = segments(query(is_in("pk", BUCKETS[:2])), 3)
    assert request(table, second)[1]["ExpressionAttributeValues"] == {":0": {"S": "b0"}}
    assert request(table, third)[1]["ExpressionAttributeValues"] == {":0": {"S": "b1"}}
    assert request(table, first) == ("Nothing", {})
    assert explain(table, first).warnings == (
        "the read has fewer partition keys than parts, and this part has none, so nothing is sent",
    )
    assert run(table, first).rest().items == []
    assert table.engine.asked == []  # type: ignore[attr-defined]
    sent = request(table, segments(scan(), 8)[5])[1]
    assert (sent["Segment"], sent["TotalSegments"]) == (5, 8)


def test_a_part_is_a_value_that_every_verb_takes(table: Table) -> None:
    parts = segments(scan(gt("sk", 0)), 4)
    assert repr(parts[3]) == "scan(gt('sk', 0), part=(3, 4))"
    assert parts == [scan(gt("sk", 0), part=(number, 4)) for number in range(4)]
    assert sum(count(table, part) for part in parts) == 36
    assert sum(update_matching(table, part, incr("seen", 1)) for part in parts) == 36
    assert {item["seen"] for item in run(table, scan(gt("sk", 0)))} == {1}
    assert any(first(table, part) for part in parts)
    assert sum(delete_matching(table, part) for part in parts) == 36
    assert count(table, scan()) == 6


def test_a_journal_belongs_to_one_part(table: Table, tmp_path: Any) -> None:
    one, two = segments(scan(), 2)
    calls = [0]

    def failing(operation: str, body: bytes) -> bytes:
        calls[0] += operation == "UpdateItem"
        if calls[0] > 5:
            raise DynamoError.of("AccessDeniedException", "no more")
        return table.bound(operation, body)

    journal = tmp_path / "part-0"
    with raises(BatchIncomplete, "5 updates are done, and 2 are not: AccessDeniedException: no more"):
        update_matching(table.on(failing), one, incr("seen", 1), journal=journal)
    with raises(
        FlyexprError,
        f"{journal} belongs to another job: part [0, 2], not [1, 2]\n"
        "  hint: finish that one first, or give this one another file",
    ):
        update_matching(table, two, incr("seen", 1), journal=journal)
    update_matching(table, one, incr("seen", 1), journal=journal)
    update_matching(table, two, incr("seen", 1), journal=tmp_path / "part-1")
    assert {item["seen"] for item in run(table, scan())} == {1}


def test_a_part_that_fails_is_run_again(table: Table) -> None:
    def failing(operation: str, body: bytes) -> bytes:
        raise DynamoError.of("InternalServerError", "try later")

    parts = segments(scan(), 3)
    pages = [run(table, part).rest() for part in parts[:2]]
    with raises(DynamoError, "InternalServerError: try later") as caught:
        run(table.on(failing), parts[2]).rest()
    assert pickle.loads(pickle.dumps(caught.value)).code == "InternalServerError"
    with pytest.raises(ValueError) as missing:
        gather(pages)
    assert str(missing.value) == (
        "part 2 of 3 is missing; a part that failed can be run again: run(table, part).rest()"
    )
    assert by_key(gather([*pages, run(table, parts[2]).rest()]).items) == ITEMS


def test_the_rest_of_a_read_that_breaks_off_is_not_lost(table: Table) -> None:
    calls = [0]

    def breaking(operation: str, body: bytes) -> bytes:
        calls[0] += 1
        if calls[0] == 3:
            raise DynamoError.of("InternalServerError", "try later")
        return table.bound(operation, body)

    items = run(table.on(breaking), scan(page_size=10))
    before = [next(items), next(items)]
    with pytest.raises(DynamoError):
        items.rest()
    assert by_key(before + run(table, scan(start=items.cursor)).rest().items) == ITEMS


def test_what_the_items_are_made_into_comes_with_the_stats(table: Table) -> None:
    items = run(table, segments(scan(), 1)[0])
    total = sum(item["sk"] for item in items)
    page = items.rest()
    assert (total, page.items, page.more, page.stats.returned) == (6 * 21, [], False, 42)


def test_the_parts_of_a_read_in_one_loop() -> None:
    async def main() -> ItemPage[Any]:
        async with aio.connect("sqlite::memory:") as engine:
            table = TABLE.on(engine)
            await aio.run(table, create_table())
            await aio.run(table, batch_write(map(put_item, ITEMS)))
            parts = segments(query(is_in("pk", BUCKETS)), 4)
            return gather(await asyncio.gather(*(aio.run(table, part).rest() for part in parts)))

    assert asyncio.run(main()).items == ITEMS


def test_parts_share_a_budget() -> None:
    parts = segments(scan(budget={"requests": 10, "units": 6.0, "seconds": 30}), 4)
    budgets = [part.budget or {} for part in parts]
    assert [budget["requests"] for budget in budgets] == [2, 3, 2, 3]
    assert {budget["units"] for budget in budgets} == {1.5}
    assert {budget["seconds"] for budget in budgets} == {30}
    assert segments(scan(budget={"seconds": 1}), 2)[1].budget == {"seconds": 1}


WRONG: list[tuple[Any, Any, type[Exception], str]] = [
    (scan(), 0, ValueError, "n= takes a whole number from 1 to 1,000,000, not 0"),
    (scan(), True, ValueError, "n= takes a whole number from 1 to 1,000,000, not True"),
    (scan(), 2.0, ValueError, "n= takes a whole number from 1 to 1,000,000, not 2.0"),
    (scan(), None, ValueError, "n= takes a whole number from 1 to 1,000,000, not None"),
    (scan(), 1_000_001, ValueError, "n= takes a whole number from 1 to 1,000,000, not 1000001"),
    (scan(limit=5), 2, ValueError, "leave out limit=: no part sees what the others give"),
    (scan(segments=2), 2, ValueError, "leave out segments=: each part is a segment"),
    (scan(part=(0, 2)), 2, ValueError, "leave out part=: this is one part of a read already"),
    (query(eq("pk", "a"), part=(0, 2)), 2, ValueError, "leave out part=: this is one part of a read already"),
    (scan(budget={"requests": 3}), 4, ValueError, "4 parts cannot share a budget of 3 requests: each needs one"),
    (scan(start="abc"), 4, BadCursor, "start= takes the .cursor of an earlier read in 4 segments; this is not one"),
    (
        get_item("a"),
        4,
        TypeError,
        "expected query(...) or scan(...), not get_item('a'); get(table, key) reads one item",
    ),
    (
        eq("pk", "a"),
        4,
        TypeError,
        "expected query(...) or scan(...), not the condition pk = 'a'; write query(...) around it",
    ),
    (
        search(near("v", [1])),
        4,
        TypeError,
        (
            "expected query(...) or scan(...), not search(near('v', [1])); run(table, search(...)) gives a "
            "list, the best first"
        ),
    ),
    (
        TABLE,
        scan(),
        TypeError,
        "segments does not take the table; write run(table, part) for each of segments(operation, n)",
    ),
]


@pytest.mark.parametrize("read, n, kind, text", WRONG, ids=range(len(WRONG)))
def test_what_has_no_parts(read: Any, n: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        segments(read, n)
    assert str(caught.value) == text


@pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0), (0,), (0, 1, 2), "01", 1, (True, 2), (0.0, 2)], ids=repr)
def test_what_is_not_a_part(part: Any) -> None:
    for read in (scan, lambda **options: query(eq("pk", "a"), **options)):
        with raises(ValueError, f"part= is (number, parts), such as (0, 2) for the first of two, not {part!r}"):
            read(part=part)


def test_a_part_has_no_segments() -> None:
    with raises(ValueError, "leave out part= or segments=: a part of a scan is one segment of it"):
        scan(part=(0, 2), segments=4)


LONG = repr([{"id": "a"}] * 99)[:200] + "…"


def test_what_cannot_be_gathered(table: Table) -> None:
    halves = [run(table, part).rest() for part in segments(scan(), 2)]
    thirds = [run(table, part).rest() for part in segments(scan(), 3)]
    assert gather(halves).of == run(table, scan()).rest().of == 0
    for pages, kind, text in (
        ([halves[0], halves[0]], ValueError, "part 0 of 2 comes twice"),
        ([halves[0], thirds[1]], ValueError, "these pages are of two reads: one in 2 parts, the other in 3"),
        *(
            (
                [halves[0], run(table, segments(other, 2)[1]).rest()],
                ValueError,
                "part 1 of 2 is of another read: its table, condition, index, project or order",
            )
            for other in (scan(gt("v", 1)), scan(project=["pk"]), query(is_in("pk", ["a", "b"]), reverse=True))
        ),
        ([], ValueError, "every part is missing; a part that failed can be run again: run(table, part).rest()"),
        (
            [run(table, scan()).rest()],
            ValueError,
            "this page is not of a part of a read; segments(operation, n) makes the parts",
        ),
        ([gather(halves)], ValueError, "this page is not of a part of a read; segments(operation, n) makes the parts"),
        ([[{"id": "a"}] * 99], TypeError, f"gather takes run(table, part).rest() of each part, not {LONG}"),
        ([[{"id": "a"}]], TypeError, "gather takes run(table, part).rest() of each part, not [{'id': 'a'}]"),
        (
            [run(table, scan(part=(0, 1)))],
            TypeError,
            "gather takes run(table, part).rest() of each part, not <Items of Scan on Parts: not read yet>",
        ),
    ):
        with pytest.raises(kind) as caught:
            gather(pages)  # type: ignore[arg-type]
        assert str(caught.value) == text


def test_a_cursor_of_a_part_is_not_another_s(table: Table) -> None:
    stopped = [run(table, replace(part, page_size=2, budget={"requests": 1})).rest() for part in segments(scan(), 2)]
    swapped = gather(replace(page, part=(1 - number, 2)) for number, page in enumerate(stopped))
    for part in segments(scan(start=swapped.cursor), 2):
        with raises(
            BadCursor, "the cursor comes from another read, of another table or with another condition or direction"
        ):
            run(table, part).rest()


def test_a_cursor_of_parts_says_how_many_they_are(table: Table) -> None:
    parts = segments(scan(page_size=1, budget={"requests": 4}), 4)
    cursor = gather(run(table, part).rest() for part in parts).cursor
    said = "this is that of a read in 4 parts, and goes on in as many"
    with pytest.raises(BadCursor) as caught:
        run(table, scan(start=cursor)).rest()
    assert str(caught.value) == f"start= takes the .cursor of an earlier read; {said}"
    with pytest.raises(BadCursor) as caught:
        segments(scan(start=cursor), 3)
    assert str(caught.value) == f"start= takes the .cursor of an earlier read in 3 segments; {said}"


def test_a_page_that_is_not_awaited_is_named() -> None:
    async def never(operation: str, body: bytes) -> bytes:
        raise AssertionError("nothing is sent")

    page = aio.run(Table("t", "pk").on(never), scan(part=(0, 1))).rest()
    with closing(page), pytest.raises(TypeError, match=r"^gather takes .*, not <coroutine .*>; await it$"):
        gather([page])  # type: ignore[list-item]


def test_a_read_under_way_is_not_pickled(table: Table) -> None:
    async def never(operation: str, body: bytes) -> bytes:
        raise AssertionError("nothing is sent")

    for items in (run(table, scan()), aio.run(table.on(never), scan())):
        with raises(TypeError, "a read under way cannot be pickled; .rest() takes all of it as a page, which can"):
            pickle.dumps(items)
    assert pickle.loads(pickle.dumps(run(table, scan()).rest())).items


def test_a_condition_on_the_sort_key_stays_in_each_part(table: Table) -> None:
    read = query(is_in("pk", BUCKETS) & between("sk", 2, 3))
    assert [item["sk"] for item in in_parts(table, read, 6).items] == [2, 3] * 6
