"""Following a stream: each change is done once, whatever crashes, and whoever follows too."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT
from raised import raises

from flyexpr import (
    DynamoError,
    FlyexprError,
    Table,
    TransactionCancelled,
    aio,
    assign,
    connect,
    create_table,
    delete,
    eq,
    exists,
    get,
    incr,
    not_exists,
    put,
    put_item,
    run,
    scan,
    update,
    update_item,
)
from flyexpr.events import Change, changed, follow, watch

ORDERS = Table("Orders", "id", stream="both", attributes={"total": int})
TOTALS = Table("Totals", "customer", attributes={"total": int, "orders": int})
BUDGET: Any = {"requests": 400}
PLACE = "follow:Orders"


@pytest.fixture(params=["", "?shards=3&shard_time=0.001s"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Table, Table]]:
    with connect(f"sqlite:{tmp_path}/shop.db{request.param}") as engine:
        yield made(engine)


def made(engine: Any) -> tuple[Table, Table]:
    orders, totals = ORDERS.on(engine), TOTALS.on(engine)
    run(orders, create_table())
    run(totals, create_table())
    return orders, totals


def added(change: Change) -> Any:
    """What a change of an order adds to the totals of its customers."""
    sums: dict[str, list[int]] = {}
    for item, sign in ((change.old, -1), (change.new, 1)):
        if item is not None:
            total = sums.setdefault(item["customer"], [0, 0])
            total[0] += sign
            total[1] += sign * item["total"]
    return [update_item(name, incr("orders", n) + incr("total", sum_)) for name, (n, sum_) in sums.items()]


def once(orders: Table, totals: Table, function: Any = added, **options: Any) -> int:
    return follow(orders, totals, function, **{"budget": BUDGET, "poll": 0, **options})


def projected(totals: Table) -> dict[str, tuple[int, int]]:
    items = run(totals, scan(not_exists("follow_cursor")))
    return {item["customer"]: (item["orders"], item["total"]) for item in items if item["orders"] or item["total"]}


def computed(orders: Table) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for item in run(orders, scan()):
        number, total = sums.get(item["customer"], (0, 0))
        sums[item["customer"]] = number + 1, total + item["total"]
    return sums


def step(orders: Table, dice: random.Random) -> None:
    key = str(dice.randrange(6))
    match dice.randrange(4):
        case 0:
            delete(orders, key)
        case 1:
            update(orders, key, incr("total", dice.randrange(9)), condition=exists("id")) if get(orders, key) else None
        case _:
            put(orders, {"id": key, "customer": dice.choice(["ada", "bob", "cy"]), "total": dice.randrange(99)})


def test_each_change_is_done_once(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    put(orders, {"id": "2", "customer": "ada", "total": 7})
    assert once(orders, totals) == 2
    assert once(orders, totals) == 0
    update(orders, "2", assign("total", 1))
    delete(orders, "1")
    assert once(orders, totals) == 2
    assert get(totals, "ada") == {"customer": "ada", "orders": 1, "total": 1}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_a_projection_is_what_the_source_says(seed: int, rounds: int) -> None:
    """The law, with followers that stop and begin again in between."""
    dice = random.Random(seed)
    with connect("sqlite::memory:?shards=2") as engine:
        orders, totals = made(engine)
        for _ in range(rounds):
            for _ in range(dice.randrange(12)):
                step(orders, dice)
            once(orders, totals, budget={"requests": dice.randrange(3, 12)})
        once(orders, totals)
        assert projected(totals) == computed(orders)


def follower(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that follows until it is killed; the example's function is the same as `added`."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples/projection.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SHOP": "sqlite:shop.db"},
        stderr=subprocess.PIPE,
    )


def test_followers_that_are_killed_and_compete_do_each_change_once(tmp_path: Path) -> None:
    dice, kills = random.Random(17), 0
    with connect(f"sqlite:{tmp_path}/shop.db") as engine:
        orders, totals = made(engine)
        for _ in range(4):
            processes, begun = [follower(tmp_path) for _ in range(2)], get(totals, PLACE)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                step(orders, dice)
                time.sleep(0.002)  # meanwhile the followers start; in the end every change has to be followed
                if get(totals, PLACE) != begun:  # it works: some more, and then it is killed
                    end, begun = min(end, time.monotonic() + dice.uniform(0.0, 0.5)), None
            for process in processes:
                process.kill()
            for process, errors in [(each, each.communicate()[1]) for each in processes]:
                assert process.returncode == -9, errors.decode()
                kills += 1
        assert kills == 8
        assert sum(number for number, _ in projected(totals).values()) > 0
        once(orders, totals, budget={"seconds": 300, "requests": 30_000})
        assert projected(totals) == computed(orders)


def test_of_two_followers_each_change_is_done_by_one(
    shop: tuple[Table, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes further while the first one is between reading and writing, which then waits up to 1.6 s."""
    orders, totals = shop
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr("random.uniform", lambda *limits: drawn.append(limits) or 0.0)
    for number in range(5):
        put(orders, {"id": str(number), "customer": "ada", "total": 1})
    seen: list[str] = []

    def late(change: Change) -> Any:
        if not seen:
            seen.append(change.sequence)
            assert once(orders, totals) == 5
        return added(change)

    assert once(orders, totals, late) == 0
    assert drawn == [(0, 1.6)]
    assert get(totals, "ada") == {"customer": "ada", "orders": 5, "total": 5}


def test_what_a_transaction_refuses_comes_again(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    guarded = update_item("ada", incr("total", 5), condition=exists("open"))
    with raises(
        TransactionCancelled,
        "operation 0 (update Totals ada): there is no such item, so attribute_exists(open) was false",
    ):
        once(orders, totals, lambda change: guarded)
    put(totals, {"customer": "ada", "open": True})
    assert once(orders, totals, lambda change: guarded) == 1
    assert get(totals, "ada") == {"customer": "ada", "open": True, "total": 5}


def test_a_transaction_in_conflict_is_sent_again(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    failures = [{"Code": "None"}, {"Code": "TransactionConflict"}], [{"Code": "ThrottlingError"}, {"Code": "None"}]
    left = list(failures)

    def busy(operation: str, body: bytes) -> bytes:
        if operation == "TransactWriteItems" and left:
            raise DynamoError.of("TransactionCanceledException", "", {"CancellationReasons": left.pop()})
        return bytes(orders.bound(operation, body))

    assert once(orders.on(busy), totals.on(busy)) == 1
    assert get(totals, "ada") == {"customer": "ada", "orders": 1, "total": 5}
    assert left == []


def test_nothing_to_do_moves_the_checkpoint(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    assert once(orders, totals, lambda change: None) == 0
    assert once(orders, totals) == 0
    put(orders, {"id": "1", "customer": "ada", "total": 5, "note": "x"})
    put(orders, {"id": "1", "customer": "ada", "total": 6, "note": "x"})
    assert once(orders, totals, condition=changed("total")) == 1


@pytest.mark.parametrize("door", ["plain", "awaited"])
@pytest.mark.parametrize("choice", ["condition", "part", "function"])
def test_the_checkpoint_moves_over_changes_that_are_not_wanted(
    monkeypatch: pytest.MonkeyPatch, choice: str, door: str
) -> None:
    """However busy the stream: a day after it was written last, a checkpoint would be worth nothing."""
    orders, totals = made(connect("sqlite::memory:"))
    put(orders, {"id": "1", "total": 0})
    begin: Any = {"since": "beginning", "budget": {"requests": 5}, "poll": 0}
    parts = [part for part in [(0, 2), (1, 2)] if not [*watch(orders, **begin, part=part)]]
    unwanted: Any = {"condition": {"condition": eq("total", -1)}, "part": {"part": parts[0]}}.get(choice, {})
    function = (lambda change: None) if choice == "function" else added
    total = count(1)

    def busy(operation: str, body: bytes) -> bytes:
        if operation == "GetRecords":
            put(orders, {"id": "1", "total": next(total)})
            if next(total) > 20:
                raise DynamoError.of("InternalServerError", "down")
        return bytes(orders.bound(operation, body))

    async def awaited(operation: str, body: bytes) -> bytes:
        return busy(operation, body)

    monkeypatch.setattr("flyexpr.steps.streams.following._SECONDS", 0.0)
    unwanted |= {"checkpoint": "place", "poll": 0}

    def followed() -> int:
        if door == "plain":
            return follow(orders.on(busy), totals.on(busy), function, **unwanted)
        return asyncio.run(aio.follow(orders.on(awaited), totals.on(awaited), function, **unwanted))

    with pytest.raises(DynamoError):
        followed()
    place = get(totals, "place", consistent=True)["follow_cursor"]
    assert len([*watch(orders, **begin | {"since": place})]) == 1  # what was changed last


def test_latest_is_from_the_first_call_on(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    cursor = watch(orders).cursor
    assert once(orders, totals, since=cursor) == 0
    put(orders, {"id": "2", "customer": "ada", "total": 7})
    assert once(orders, totals, since="latest") == 1  # the checkpoint is there, and says from where


def test_programs_that_share_the_items_have_a_checkpoint_each(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    for number in range(12):
        put(orders, {"id": str(number), "customer": "ada", "total": 1})
    assert once(orders, totals, part=(0, 2)) + once(orders, totals, part=(1, 2)) == 12
    assert get(totals, "ada") == {"customer": "ada", "orders": 12, "total": 12}
    assert get(totals, "follow:Orders 1 of 2") is not None


def test_operations_on_other_tables_of_the_engine(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    log = Table("Log", "at", attributes={"at": int}).on(orders.engine)
    run(log, create_table())
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    assert once(orders, totals, lambda change: (log, put_item({"at": 1}))) == 1
    assert get(log, 1) == {"at": 1}
    put(orders, {"id": "1", "customer": "ada", "total": 6})
    with (
        connect("sqlite::memory:") as other,
        raises(
            FlyexprError, "the tables of a transaction have to be on one engine: bind them with the same connect(...)"
        ),
    ):
        once(orders, totals, lambda change: [(log.on(other), put_item({"at": 1}))])


def test_the_target_may_be_on_another_engine(shop: tuple[Table, Table]) -> None:
    orders, _ = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    with connect("sqlite::memory:") as engine:
        totals = TOTALS.on(engine)
        run(totals, create_table())
        assert once(orders, totals) == 1
        assert get(totals, "ada") == {"customer": "ada", "orders": 1, "total": 5}


def test_the_checkpoint_has_a_key_of_its_own(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    numbered = Table("Numbered", "n", "at", attributes={"n": int}).on(orders.engine)
    run(numbered, create_table())
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    with raises(
        FlyexprError,
        "the key of 'Numbered' is not text, so the checkpoint needs a key\n"
        "  hint: name one that no item has, follow(..., checkpoint=key)",
    ):
        once(orders, numbered)
    assert once(orders, numbered, lambda change: put_item({"n": 1, "at": "x"}), checkpoint=(0, "place")) == 1
    assert once(orders, totals, checkpoint="mine") == 1
    with raises(
        FlyexprError,
        "the item {'customer': 'mine'} of 'Totals' is not the checkpoint of 'Orders 0 of 2', but of 'Orders'\n"
        "  hint: name another key, follow(..., checkpoint=key)",
    ):
        once(orders, totals, checkpoint="mine", part=(0, 2))
    with raises(
        FlyexprError,
        "the item {'customer': 'ada'} of 'Totals' is not the checkpoint of 'Orders'\n"
        "  hint: name another key, follow(..., checkpoint=key)",
    ):
        once(orders, totals, checkpoint="ada")
    assert once(orders, totals) == 1  # another place, so from the beginning


def test_a_checkpoint_that_is_deleted_meanwhile_ends_the_work(shop: tuple[Table, Table]) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})

    def deleting(change: Change) -> Any:
        delete(totals, PLACE)
        return added(change)

    with raises(FlyexprError, "the checkpoint {'customer': 'follow:Orders'} of 'Totals' was deleted meanwhile"):
        once(orders, totals, deleting)
    assert get(totals, "ada") is None


@pytest.mark.parametrize(
    "returned", [3, "text", {"customer": "ada"}, [3], [(TOTALS, 3)], [()], eq("a", 1), [scan(), "x"]]
)
def test_what_is_no_operation_is_refused(shop: tuple[Table, Table], returned: Any) -> None:
    orders, totals = shop
    put(orders, {"id": "1", "customer": "ada", "total": 5})
    with raises(TypeError, f"the function returns operations, such as put_item(...), or None, not {returned!r}"):
        once(orders, totals, lambda change: returned)


def test_what_follow_takes(shop: tuple[Table, Table]) -> None:
    orders, totals = shop

    async def awaited(change: Change) -> None: ...

    for function in (None, awaited):
        said = f"follow takes a plain function of a change, which returns operations, not {function!r}"
        with raises(TypeError, said):
            once(orders, totals, function)
    with raises(FlyexprError, "follow writes its place into the target, so the target cannot be the source itself"):
        once(orders, orders)
    with pytest.raises(TypeError):
        once(orders, None)  # type: ignore[arg-type]


def test_the_awaited_door_does_the_same(tmp_path: Path) -> None:
    async def main() -> tuple[int, int, Any]:
        async with aio.connect(f"sqlite:{tmp_path}/a.db") as engine:
            orders, totals = ORDERS.on(engine), TOTALS.on(engine)
            await aio.run(orders, create_table())
            await aio.run(totals, create_table())
            await aio.put(orders, {"id": "1", "customer": "ada", "total": 5})
            first = await aio.follow(orders, totals, added, budget={"requests": 5}, poll=0)
            second = await aio.follow(orders, totals, added, budget={"requests": 5}, poll=0)
            return first, second, await aio.get(totals, "ada")

    assert asyncio.run(main()) == (1, 0, {"customer": "ada", "orders": 1, "total": 5})
