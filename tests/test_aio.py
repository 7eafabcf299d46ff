"""What only `flyexpr.aio` has: tasks, cancelling, a loop that is never blocked, and errors that name the right door."""

import asyncio
import gc
import inspect
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from places import ROOT
from public import NAMES
from raised import raises

import flyexpr
from flyexpr import (
    ConditionFailed,
    DynamoError,
    FlyexprError,
    GlobalIndex,
    Table,
    aio,
    assign,
    batch_get,
    batch_write,
    connect,
    create_table,
    eq,
    exists,
    ge,
    get_item,
    incr,
    is_in,
    put_item,
    query,
    scan,
)

ITEMS = [{"userid": f"user{n % 4}", "title": f"{n:03}", "wins": n} for n in range(200)]


def awaited(test: Callable[[Table], Awaitable[None]]) -> Callable[[], None]:
    """Runs a test in a loop, with a table of items on an awaited engine."""

    async def run() -> None:
        async with aio.connect("sqlite::memory:") as engine:
            table = Table("Scores", "userid", "title").on(engine)
            await aio.run(table, create_table())
            assert await aio.run(table, batch_write(map(put_item, ITEMS))) == len(ITEMS)
            await test(table)

    def test_in_a_loop() -> None:
        asyncio.run(run(), debug=False)

    test_in_a_loop.__name__ = test.__name__  # type: ignore[attr-defined]
    return test_in_a_loop


async def all_of(items: Any) -> list[Any]:
    return [item async for item in items]


@awaited
async def test_a_hundred_at_the_same_time(table: Table) -> None:
    items = await asyncio.gather(*(aio.get(table, (item["userid"], item["title"])) for item in ITEMS[:100]))
    assert items == ITEMS[:100]


@awaited
async def test_a_query_page_by_page_with_a_cursor(table: Table) -> None:
    titles, cursor = [], ""
    while cursor is not None:
        items = aio.run(table, query(eq("userid", "user1"), limit=7, start=cursor))
        titles += [item["title"] async for item in items]
        cursor = items.cursor
    assert titles == [item["title"] for item in ITEMS if item["userid"] == "user1"]


@awaited
async def test_a_page_that_was_asked_for_ahead_is_not_asked_for_again(table: Table) -> None:
    asked: list[tuple[str, bytes]] = []
    engine: Any = table.engine

    async def noting(operation: str, body: bytes) -> bytes:
        asked.append((operation, body))
        answer: bytes = await engine(operation, body)
        return answer

    read = query(eq("userid", "user1"), page_size=20, prefetch=True)
    items = aio.run(table.on(noting), read)
    assert [item["title"] async for item in items] == [item["title"] for item in ITEMS if item["userid"] == "user1"]
    assert len(asked) == len({*asked}) == items.stats.requests == 3


@awaited
async def test_modify_under_contention(table: Table) -> None:
    def won(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "wins": item["wins"] + 1}

    await asyncio.gather(*(aio.modify(table, ("user0", "000"), won, attempts=100) for _ in range(20)))
    assert (await aio.get(table, ("user0", "000"))) == {"userid": "user0", "title": "000", "wins": 20}


@pytest.mark.parametrize("read", [scan(), scan(segments=3, page_size=9), scan(page_size=9, prefetch=True)])
def test_a_read_that_is_left_early_leaves_nothing_behind(read: Any) -> None:
    @awaited
    async def left(table: Table) -> None:
        items = aio.run(table, read)
        async for _ in items:
            break
        await items.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with raises(
            FlyexprError,
            "this read is closed; take its items before that, or go on from its cursor: query(..., start=items.cursor)",
        ):
            await anext(items)

    left()


@pytest.mark.parametrize("number", [1, 3, 10])
@pytest.mark.parametrize("read", [scan(), scan(segments=3, page_size=9), scan(page_size=9, prefetch=True)])
def test_a_read_that_is_not_closed_ends_with_its_loop(read: Any, number: int) -> None:
    """The loop closes the read's generators itself, all at once."""
    told: list[Any] = []
    kept: list[Any] = []

    @awaited
    async def left(table: Table) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        kept.append(aio.run(table, read))
        for _ in range(number):
            await anext(kept[0])

    left()
    assert told == []
    closed = "this read is closed; take its items before that, or go on from its cursor"
    with raises(FlyexprError, f"{closed}: query(..., start=items.cursor)"):
        anext(kept[0])  # in another loop it would give nothing, as if there were no more


@pytest.mark.parametrize("read", [scan(page_size=9), scan(segments=3, page_size=9), scan(page_size=9, prefetch=True)])
@pytest.mark.parametrize("way", ["loop", "anext", "page", "rest", "aclose"])
def test_a_second_task_that_takes_from_a_read_is_told_so(read: Any, way: str) -> None:
    """The first one goes on, and gets all items."""

    @awaited
    async def shared(table: Table) -> None:
        items = aio.run(table, read)
        first = asyncio.create_task(all_of(items))
        await asyncio.sleep(0)  # now the first one waits for a page
        ways = {
            "loop": lambda: all_of(items),
            "anext": lambda: anext(items),
            "page": lambda: items.page(3),
            "rest": items.rest,
            "aclose": items.aclose,
        }
        with raises(
            FlyexprError,
            "another task takes items of this read, and goes on with it\n"
            "  hint: give each task a read of its own, such as one of segments(...)",
        ):
            await ways[way]()
        assert len(await first) == await aio.count(table, scan())

    shared()


def test_two_tasks_that_begin_at_once_are_told_so_too() -> None:
    @awaited
    async def shared(table: Table) -> None:
        items = aio.run(table, scan(page_size=9))
        first, second = await asyncio.gather(anext(items), anext(items), return_exceptions=True)
        assert isinstance(first, dict)
        assert str(second).startswith("another task takes items of this read")

    shared()


@pytest.mark.parametrize("read", [scan(segments=3, page_size=9), scan(page_size=9, prefetch=True)])
def test_a_read_that_is_dropped_says_nothing_of_a_page_that_nobody_took(read: Any) -> None:
    told: list[Any] = []

    @awaited
    async def dropped(table: Table) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        engine: Any = table.engine
        numbers = count()

        async def failing(operation: str, body: bytes) -> bytes:
            if next(numbers) > 0:
                await asyncio.sleep(0.01)
                raise DynamoError.of("Odd", "refused")
            answer: bytes = await engine(operation, body)
            return answer

        items = aio.run(table.on(failing), read)
        await anext(items)
        await asyncio.sleep(0.05)
        del items
        gc.collect()
        await asyncio.sleep(0)

    dropped()
    assert told == []


@awaited
async def test_a_cancelled_read_gives_up_its_requests(table: Table) -> None:
    asked = asyncio.Event()

    async def slow(operation: str, body: bytes) -> bytes:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    async def read() -> None:
        async for _ in aio.run(table.on(slow), scan(segments=3)):  # type: ignore[arg-type]
            pass

    reading = asyncio.create_task(read())
    await asked.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert asyncio.all_tasks() == {asyncio.current_task()}


@awaited
async def test_a_read_that_was_cancelled_does_not_just_stop(table: Table) -> None:
    """An iterator that ends would say that these were all items."""
    hanging = asyncio.Event()

    async def hang(operation: str, body: bytes) -> bytes:
        if b"ExclusiveStartKey" in body:
            hanging.set()
            await asyncio.sleep(60)
        answer: bytes = await table.engine(operation, body)  # type: ignore[misc]
        return answer

    read = query(eq("userid", "user1"), page_size=20)
    items = aio.run(table.on(hang), read)  # type: ignore[arg-type]
    titles: list[str] = []

    async def take() -> None:
        async for item in items:
            titles.append(item["title"])

    taking = asyncio.create_task(take())
    await hanging.wait()
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    for _ in range(2):
        with raises(
            FlyexprError,
            "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
        ):
            async for _ in items:
                pass
        with raises(
            FlyexprError,
            "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
        ):
            await anext(items)
    rest = aio.run(table, replace(read, start=items.cursor))
    titles += [item["title"] async for item in rest]
    assert titles == [item["title"] for item in ITEMS if item["userid"] == "user1"]


def test_a_closed_engine_says_so() -> None:
    async def ask() -> None:
        engine = aio.connect("sqlite::memory:")
        await engine.close()
        await engine("ListTables", b"{}")

    with raises(FlyexprError, "<awaited engine sqlite::memory:> is closed"):
        asyncio.run(ask())


OF_ONE_USER = eq("userid", "user1")


READS = (
    scan(),
    query(OF_ONE_USER & is_in("title", ["x", "y"])),  # no item matches, as the client finds out
    query(OF_ONE_USER & exists("wins"), limit=1),  # the rest of the page is not given
    scan(exists("wins"), segments=1, limit=1),
)


@awaited
async def test_other_tasks_have_their_turn_while_a_page_is_read(table: Table) -> None:
    turns = before = 0

    async def ticking() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    page = await table.bound("Scan", b'{"TableName":"Scores"}')  # type: ignore[misc]
    large = page.replace(
        b'"Items":[', b'"Items":[' + b",".join([page[page.index(b"[") + 1 : page.index(b"]")]] * 200) + b","
    )

    async def engine(operation: str, body: bytes) -> bytes:
        nonlocal before
        before = turns
        return large

    ticker = asyncio.create_task(ticking())
    for read in READS:
        async for _ in aio.run(table.on(engine), read):  # type: ignore[arg-type]
            pass  # the engine answers at once, so only the reading itself can give other tasks a turn
        assert turns - before >= 3, read
    ticker.cancel()


KEYS = [("large", str(number)) for number in range(80)]
AT_ONCE = {
    "batch_get": lambda table: aio.run(table, batch_get(KEYS)),
    "transact_get": lambda table: aio.transact_get([(table, get_item(key)) for key in KEYS]),
    "a dry run": lambda table: aio.delete_matching(table, query(eq("userid", "large") & ge("n", 0)), dry_run=True),
    "all keys before the first update": lambda table: aio.update_matching(
        table, query(eq("kind", "large") & ge("n", 0)), assign("n", -1)
    ),
}


@pytest.mark.parametrize("call", AT_ONCE.values(), ids=AT_ONCE)
def test_other_tasks_have_their_turn_while_a_large_answer_is_read(call: Callable[[Table], Awaitable[Any]]) -> None:
    asyncio.run(_reads_in_turns(call))


async def _reads_in_turns(call: Callable[[Table], Awaitable[Any]]) -> None:
    turns, asked, answered = 0, list[int](), list[int]()

    async def ticking() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with aio.connect("sqlite::memory:") as real:

        async def engine(operation: str, body: bytes) -> bytes:
            asked.append(turns)
            answer: bytes = await real(operation, body)
            answered.append(turns)
            return answer

        table = Table(
            "Large", "userid", "title", indexes=[GlobalIndex("ByKind", "kind", "n")], attributes={"n": int}
        ).on(engine)
        await aio.run(table, create_table())
        items = (
            {"userid": "large", "title": title, "kind": "large", "n": int(title), "body": title * 900}
            for _, title in KEYS
        )
        await aio.run(table, batch_write([put_item(item) for item in items]))
        asked.clear()
        answered.clear()
        ticker = asyncio.create_task(ticking())
        await asyncio.sleep(0)
        await call(table)
        ticker.cancel()
    assert [*asked[1:], turns][0] - answered[0] >= 2


def test_the_same_names_as_the_plain_door() -> None:
    plain = {name for name, value in NAMES.items() if getattr(value, "__module__", "") == "flyexpr.sync"}
    assert {*aio.__all__} == plain | {"Connection", "Engine", "Items", "connect"}


@pytest.mark.parametrize("name", [name for name in aio.__all__ if inspect.isfunction(getattr(aio, name))])
def test_the_same_parameters_as_the_plain_door(name: str) -> None:
    ours, plain = (
        [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]
        for function in (getattr(aio, name), NAMES[name])
    )
    assert ours == plain


REFUSED_BY_ITEMS: list[tuple[Callable[[Any], Any], str]] = [
    (bool, "nothing is read yet; write `await first(table, ...) is not None` or `await count(table, ...)`"),
    (len, "nothing is read yet; write `await count(table, ...)`"),
    (
        lambda items: items[0],
        "items come one by one; write `await first(table, ...)`, or `[item async for item in run(...)]`",
    ),
    (iter, "write `async for`, not `for`; or use the functions of flyexpr itself"),
    (
        lambda items: items.__await__(),
        "a query or scan gives items one by one: write `async for item in run(table, ...)`, "
        "`[item async for item in run(table, ...)]` or `await first(table, ...)`",
    ),
]


@pytest.mark.parametrize("use, text", REFUSED_BY_ITEMS)
def test_what_items_refuse(use: Callable[[Any], Any], text: str) -> None:
    @awaited
    async def refused(table: Table) -> None:
        with pytest.raises(TypeError) as caught:
            use(aio.run(table, scan()))
        assert str(caught.value) == text

    refused()


AWAIT = "this engine has to be awaited: use flyexpr.aio, or bind the table with connect(...)"


@awaited
async def test_the_other_door_is_named(table: Table) -> None:
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: flyexpr.run(table, get_item(("a", "b"))), AWAIT),
        (lambda: list(flyexpr.run(table, scan())), AWAIT),
        (lambda: list(flyexpr.run(table, scan(segments=2))), AWAIT),
        (lambda: list(flyexpr.run(table, scan(prefetch=True))), AWAIT),
        (lambda: list(aio.run(table, scan())), "write `async for`, not `for`; or use the functions of flyexpr itself"),  # type: ignore[call-overload]
        (
            lambda: bool(aio.run(table, scan())),
            "nothing is read yet; write `await first(table, ...) is not None` or `await count(table, ...)`",
        ),
        (lambda: len(aio.run(table, scan())), "nothing is read yet; write `await count(table, ...)`"),
        (
            lambda: aio.run(table, scan())[0],
            "items come one by one; write `await first(table, ...)`, or `[item async for item in run(...)]`",
        ),
    ]
    for use, text in refused:
        with raises((FlyexprError, TypeError), text):
            use()
    with raises(
        TypeError,
        "a query or scan gives items one by one: write `async for item in run(table, ...)`, `[item async "
        "for item in run(table, ...)]` or `await first(table, ...)`",
    ):
        await aio.run(table, scan())
    plain = connect("sqlite::memory:")
    with raises(
        FlyexprError,
        "<engine sqlite::memory:> cannot be awaited; bind the table with table.on(aio.connect(...)), or "
        "use the functions of flyexpr itself",
    ):
        await aio.get(table.on(plain), ("a", "b"))
    with raises(TypeError, "write `for`, not `async for`; or use flyexpr.aio, with an engine of aio.connect(...)"):
        [item async for item in flyexpr.run(table.on(plain), scan())]  # type: ignore[attr-defined]
    with raises(TypeError, "leave out `await`; or use flyexpr.aio, with an engine of aio.connect(...)"):
        await flyexpr.run(table.on(plain), scan())  # type: ignore[misc]
    plain.close()


@awaited
async def test_an_error_of_the_engine_is_the_caller_s(table: Table) -> None:
    with raises(ConditionFailed, "wins = 7 was false: wins is 0"):
        await aio.update(table, ("user0", "000"), incr("wins"), condition=eq("wins", 7))


def test_a_closed_engine_has_closed_the_one_that_it_awaits() -> None:
    async def closed() -> Any:
        async with aio.connect("sqlite::memory:") as engine:
            assert await engine("ListTables", b"{}") == b'{"TableNames":[]}'
        return engine.plain

    plain = asyncio.run(closed())
    with raises(FlyexprError, "<engine sqlite::memory:> is closed"):
        plain("ListTables", b"{}")


FORKED = """
import asyncio, os, signal, sys
from flyexpr import aio

async def ask(close=False):
    assert await engine("ListTables", b"{}") == b'{"TableNames":[]}'
    if close:
        await engine.close()

engine = aio.connect("sqlite:" + sys.argv[1])
asyncio.run(ask())
child = os.fork()
if not child:
    signal.alarm(30)
asyncio.run(ask(close=True))
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_has_threads_of_its_own(tmp_path: Path) -> None:
    """Those of the parent's engine are not copied, so a request given to them would never be answered."""
    arguments = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path / "tables.db")]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
