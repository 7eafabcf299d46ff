"""Work over many items: several requests at a time, a rate, progress, and an error that says what was done."""

import asyncio
import json
import pickle
import threading
import time
from dataclasses import replace
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises

from flyexpr import (
    BatchIncomplete,
    DynamoError,
    Stats,
    Table,
    ValidationError,
    aio,
    assign,
    batch_get,
    batch_write,
    connect,
    count,
    create_table,
    delete_item,
    delete_matching,
    describe_table,
    eq,
    exists,
    get,
    get_item,
    incr,
    kinds,
    lt,
    not_exists,
    put,
    put_all,
    put_item,
    query,
    run,
    scan,
    update,
    update_matching,
)
from flyexpr.doors import awaited as awaited_door
from flyexpr.doors import plain
from flyexpr.steps.many.rate import Pace
from flyexpr.steps.step import TURN, Together

engine_name, engine = kept.engine_name, kept.engine

AMOUNT = 60


@pytest.fixture
def counters(engine: Engine) -> Table:
    table = Table(kept.unused("counters"), "pk", "sk", attributes={"sk": int}).on(engine)
    run(table, create_table())
    run(table, batch_write(put_item({"pk": "p", "sk": number, "n": 0}) for number in range(AMOUNT)))
    return table


def values(table: Table) -> list[int]:
    return [item["n"] for item in run(table, query(eq("pk", "p")))]


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_every_item_once_by_any_number_of_workers(counters: Table, workers: int) -> None:
    stats, told = Stats(), list[int]()
    read = query(eq("pk", "p") & lt("sk", 50), page_size=20)
    done = update_matching(
        counters, read, incr("n"), workers=workers, stats=stats, progress=lambda done, stats: told.append(done)
    )
    assert (done, values(counters)) == (50, [1] * 50 + [0] * 10)
    assert told == list(range(1, 51))
    assert stats.requests >= 53
    assert delete_matching(counters, query(eq("pk", "p") & lt("sk", 10)), workers=workers) == 10
    assert len(values(counters)) == 50


def test_what_no_longer_matches_is_not_counted(counters: Table) -> None:
    changed = threading.Event()

    def meanwhile(operation: str, body: bytes) -> bytes:
        if operation == "UpdateItem" and not changed.is_set():
            changed.set()
            update(counters, ("p", 7), assign("n", 5))
        return counters.bound(operation, body)

    assert update_matching(counters.on(meanwhile), scan(eq("n", 0)), incr("n"), workers=4) in (AMOUNT - 1, AMOUNT)
    assert sorted(values(counters))[-1] == 5


class Failing:
    """Refuses the updates of some sort keys, and counts how many requests are under way at the same time."""

    def __init__(self, table: Table, refused: set[int], seconds: float = 0.0) -> None:
        self.table, self.refused, self.seconds = table, refused, seconds
        self._lock, self._flying, self.most = threading.Lock(), 0, 0

    def __call__(self, operation: str, body: bytes) -> bytes:
        with self._lock:
            self._flying += 1
            self.most = max(self.most, self._flying)
        try:
            time.sleep(self.seconds)
            if operation == "UpdateItem" and any(b'"sk":{"N":"%d"}' % number in body for number in self.refused):
                raise DynamoError.of("AccessDeniedException", "no")
            return self.table.bound(operation, body)
        finally:
            with self._lock:
                self._flying -= 1


@pytest.fixture
def small() -> Table:
    table = Table("Small", "pk", "sk", attributes={"sk": int}).on(connect("sqlite::memory:"))
    run(table, create_table())
    run(table, batch_write(put_item({"pk": "p", "sk": number, "n": 0}) for number in range(AMOUNT)))
    return table


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_an_error_says_what_was_done_and_the_rest_can_be_done(small: Table, workers: int) -> None:
    engine = Failing(small, {33})
    read = query(eq("pk", "p"), page_size=20)
    with pytest.raises(BatchIncomplete) as caught:
        update_matching(small.on(engine), read, incr("n"), workers=workers)
    error = caught.value
    assert error.written == sum(values(small))
    assert {"pk": "p", "sk": 33} in error.failed
    assert isinstance(error.__cause__, DynamoError)
    left = len(error.failed)
    assert str(error) == (
        f"{error.written} updates are done, and {f'{left} are' if left > 1 else '1 is'} not: AccessDeniedException: no"
    )
    again = pickle.loads(pickle.dumps(error))
    assert (again.failed, again.cursor, str(again)) == (error.failed, error.cursor, str(error))
    for key in error.failed:
        update(small, key, incr("n"))
    update_matching(small, replace(read, start=error.cursor), incr("n"), workers=workers)
    assert values(small) == [1] * AMOUNT


def test_an_error_before_anything_is_done_is_that_error(small: Table) -> None:
    with raises(DynamoError, "AccessDeniedException: no") as caught:
        update_matching(small.on(Failing(small, {0})), scan(), incr("n"))
    assert type(caught.value) is DynamoError


def test_a_page_that_cannot_be_read_leaves_nothing_out(small: Table) -> None:
    def failing(operation: str, body: bytes) -> bytes:
        if operation == "Query" and b"ExclusiveStartKey" in body:
            raise DynamoError.of("AccessDeniedException", "no")
        return small.bound(operation, body)

    read = query(eq("pk", "p"), page_size=20)
    with pytest.raises(BatchIncomplete) as caught:
        update_matching(small.on(failing), read, incr("n"))
    assert (caught.value.written, caught.value.failed) == (20, ())
    update_matching(small, replace(read, start=caught.value.cursor), incr("n"))
    assert values(small) == [1] * AMOUNT


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_no_more_requests_at_the_same_time_than_workers(small: Table, workers: int) -> None:
    engine, first = Failing(small, set(), seconds=0.003), threading.Barrier(workers)
    waiting = iter([first.wait] * workers)

    def together(operation: str, body: bytes) -> bytes:
        if operation == "UpdateItem":
            next(waiting, lambda timeout: 0)(30)  # the first ones are under way together, or the barrier breaks
        return engine(operation, body)

    assert update_matching(small.on(together), scan(), incr("n"), workers=workers) == AMOUNT
    assert engine.most <= workers


def test_tasks_are_no_more_than_workers() -> None:
    async def main() -> None:
        flying = most = 0
        async with aio.connect("sqlite::memory:") as real:

            async def engine(operation: str, body: bytes) -> bytes:
                nonlocal flying, most
                flying += 1
                most = max(most, flying)
                await asyncio.sleep(0.003)
                answer: bytes = await real(operation, body)
                flying -= 1
                return answer

            table = Table("Small", "pk").on(real)
            await aio.run(table, create_table())
            await aio.run(table, batch_write(put_item({"pk": str(number)}) for number in range(40)))
            assert await aio.update_matching(table.on(engine), scan(), incr("n"), workers=8) == 40
        assert most == 8

    asyncio.run(main())


def test_an_interruption_waits_for_what_is_under_way(small: Table) -> None:
    """What was sent has ended when Ctrl-C comes through, and nothing begins any more."""
    engine = Failing(small, set(), seconds=0.002)

    def progress(done: int, stats: Stats) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_matching(small.on(engine), scan(), incr("n"), workers=4, progress=progress)
    written = sum(values(small))
    assert 10 <= written < AMOUNT  # 14, and more where the machine lets the workers run before this thread
    time.sleep(0.02)
    assert sum(values(small)) == written


def test_a_rate_is_asked_for_before_each_request(small: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = list[float]()
    monkeypatch.setattr(Pace, "delay", lambda self, units: taken.append(units) or 0.0)
    monkeypatch.setattr(Pace, "spend", lambda self, units: None)
    assert update_matching(small, scan(), incr("n"), workers=4, rate=100) == AMOUNT
    assert len(taken) == AMOUNT + 1


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"workers": 0}, "workers= takes a whole number from 1 to 256, not 0"),
    ({"workers": 257}, "workers= takes a whole number from 1 to 256, not 257"),
    ({"workers": 1.5}, "workers= takes a whole number from 1 to 256, not 1.5"),
    ({"workers": True}, "workers= takes a whole number from 1 to 256, not True"),
    ({"rate": 0}, "rate= takes capacity units per second, more than 0, not 0"),
    ({"rate": -1}, "rate= takes capacity units per second, more than 0, not -1"),
    ({"rate": float("nan")}, "rate= takes capacity units per second, more than 0, not nan"),
    ({"rate": "5"}, "rate= takes capacity units per second, more than 0, not '5'"),
    ({"progress": 5}, "progress= takes a function of the number of items done and Stats, not 5"),
    ({"stats": True}, "stats= takes a Stats(), to which the costs are added, not True"),
]


@pytest.mark.parametrize("options, text", MISTAKES, ids=str)
def test_options_that_cannot_be_meant_are_refused(small: Table, options: dict[str, Any], text: str) -> None:
    for work in (
        lambda: update_matching(small, scan(), incr("n"), **options),
        lambda: delete_matching(small, scan(), **options),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            work()
        assert str(caught.value) == text
    assert values(small) == [0] * AMOUNT


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_a_batch_by_several_workers_is_the_same_batch(counters: Table, workers: int) -> None:
    """Of several operations on one key the last one holds, and keys are read in their order."""
    told = list[int]()
    puts = [put_item({"pk": "q", "sk": number % 90, "n": number}) for number in range(1000)]
    keys = [("q", number) for number in range(95)] * 3
    assert run(counters, batch_write(puts), workers=workers, progress=lambda done, stats: told.append(done)) == 1000
    assert told == sorted(told)
    assert told[-1] == 1000
    assert run(counters, batch_write(delete_item(("q", number)) for number in range(5)), workers=workers) == 5
    items = run(counters, batch_get(keys), workers=workers, rate=1e9)
    last = {number % 90: number for number in range(1000)}
    assert [item and item["n"] for item in items] == [last[sk] if 5 <= sk < 90 else None for _, sk in keys]
    assert items[5] is not items[100]


@pytest.mark.parametrize("listed", [True, False])
def test_a_batch_that_fails_says_what_is_not_done(small: Table, listed: bool) -> None:
    lock, requests = threading.Lock(), [0]

    def failing(operation: str, body: bytes) -> bytes:
        with lock:
            requests[0] += 1
            number = requests[0]
        if number > 5:
            raise DynamoError.of("AccessDeniedException", "no")
        return small.bound(operation, body)

    puts = [put_item({"pk": "q", "sk": number}) for number in range(1000)]
    with pytest.raises(BatchIncomplete) as caught:
        run(small.on(failing), batch_write(puts if listed else iter(puts)), workers=3)
    error = caught.value
    stored = {item["sk"] for item in run(small, query(eq("pk", "q")))}
    assert error.written == len(stored) == 125
    failed = {operation.item["sk"] for operation in error.failed}
    assert failed == (set(range(1000)) if listed else set(range(3 * 4 * 25))) - stored
    assert str(error).endswith("not: AccessDeniedException: no")


def test_a_batch_of_reads_that_fails_has_the_keys_that_were_not_read(small: Table) -> None:
    """One that leaves keys unprocessed time and again ends, and the others' items are not asked for again."""
    keys = [("p", number) for number in range(AMOUNT)]

    def engine(operation: str, body: bytes) -> bytes:
        request = json.loads(body)["RequestItems"]["Small"]
        if any(key["sk"]["N"] == "7" for key in request["Keys"]):
            return json.dumps({"Responses": {}, "UnprocessedKeys": {"Small": request}}).encode()
        return small.bound(operation, body)

    many = [*keys, *(("r", number) for number in range(300))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        with pytest.raises(BatchIncomplete) as caught:
            run(small.on(engine), batch_get(many), workers=2)
    done, left = caught.value.written, caught.value.failed  # how many depends on which worker was faster
    assert str(caught.value) == (
        f"{done} reads of the batch are done, and {len(left)} are not: left unprocessed after 10 tries"
    )
    assert ("p", 7) in left
    assert done == len(many) - len(left)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("bad", [30, 350])
def test_a_bad_operation_of_an_iterator_ends_the_batch_and_all_before_it_is_written(
    small: Table, bad: int, workers: int
) -> None:
    puts = [put_item({"pk": "q", "sk": number}) for number in range(400)]
    puts[bad] = put_item({"pk": "q", "sk": "x"})
    with pytest.raises(ValidationError) as caught:
        run(small, batch_write(iter(puts)), workers=workers, progress=lambda done, stats: None)
    assert str(caught.value).splitlines()[-1] == f"  in operation {bad} of the batch; the first {bad} are written"
    assert count(small, query(eq("pk", "q"))) == bad


@pytest.mark.parametrize("workers", [None, 1, 4])
def test_an_error_of_an_iterator_comes_after_the_full_requests_before_it(small: Table, workers: int | None) -> None:
    failure = OSError("the disk is gone")

    def puts() -> Any:
        yield from (put_item({"pk": "q", "sk": number}) for number in range(70))
        raise failure

    with raises(OSError, "the disk is gone") as caught:
        run(small, batch_write(puts()), **({"workers": workers} if workers else {}))  # type: ignore[arg-type]
    assert caught.value is failure
    assert count(small, query(eq("pk", "q"))) == 50


@pytest.mark.parametrize("workers", [1, 4])
def test_a_batch_that_fails_has_the_operation_that_cannot_be_sent(small: Table, workers: int) -> None:
    def failing(operation: str, body: bytes) -> bytes:
        if b'"sk":{"N":"33"}' in body:
            raise DynamoError.of("AccessDeniedException", "no")
        return small.bound(operation, body)

    puts = [put_item({"pk": "q", "sk": "x" if number == 60 else number}) for number in range(70)]
    given = iter(puts)
    with pytest.raises(BatchIncomplete) as caught:
        run(small.on(failing), batch_write(given), workers=workers)
    written = [put_item(item) for item in run(small, query(eq("pk", "q")))]
    each = sorted(map(repr, [*written, *caught.value.failed, *given]))
    assert each == sorted(map(repr, puts)), "each once: written, failed, or not yet taken"


def test_what_is_no_item_ends_the_puts_after_those_before_it(small: Table) -> None:
    items: list[Any] = [{"pk": "q", "sk": number} for number in range(30)]
    with raises(TypeError, "put takes an item, a dict, not 5; the first 30 are written"):
        put_all(small, iter([*items, 5]), workers=2)
    assert count(small, query(eq("pk", "q"))) == 30


@pytest.mark.parametrize(
    "operation, name",
    [(get_item("a"), "GetItem"), (query(eq("pk", "p")), "Query"), (describe_table(), "DescribeTable")],
)
def test_other_operations_have_no_workers(small: Table, operation: Any, name: str) -> None:
    text = f"workers=, rate=, progress= and journal= are for batch_get(...) and batch_write(...), not for {name}"
    with raises(TypeError, text):
        run(small, operation, workers=2)


def test_a_scan_has_segments_instead(small: Table) -> None:
    with raises(
        TypeError,
        "workers=, rate=, progress= and journal= are for batch_get(...) and batch_write(...), not for "
        "Scan; scan(segments=8) reads eight parts at the same time",
    ):
        run(small, scan(), workers=2)


def test_a_rate_holds_over_time() -> None:
    """Whatever the requests cost, on average no more than the rate, after the first second's."""
    now = [0.0]
    pace = Pace(50, lambda: now[0])

    def take(units: float) -> None:
        while (seconds := pace.delay(units)) > 0:
            now[0] += seconds

    for units in [1, 120, 3, 25, 25, 25, 0.5] * 20:
        take(units - 1)
        pace.spend(1)
    take(0)
    assert now[0] == pytest.approx((sum([1, 120, 3, 25, 25, 25, 0.5] * 20) - 50) / 50, rel=0.05)


def newer(item: dict[str, Any]) -> Any:
    return not_exists("pk") | lt("at", item["at"])


@pytest.mark.parametrize("workers", [1, 8])
def test_puts_of_all_items_by_any_number_of_workers(counters: Table, workers: int) -> None:
    stats = Stats()
    items = ({"pk": "q", "sk": number, "n": number} for number in range(260))
    assert put_all(counters, items, workers=workers, stats=stats) == 260
    assert stats.requests >= 11
    assert [item["n"] for item in run(counters, query(eq("pk", "q")))] == [*range(260)]
    assert put_all(counters, []) == 0


@pytest.mark.engine_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")
@pytest.mark.parametrize("workers", [1, 8])
def test_puts_of_what_is_newer(counters: Table, workers: int) -> None:
    """Items are told one by one which of them were not written; of two with one key the later comes later."""
    old = [{"pk": "q", "sk": number, "at": number % 3} for number in range(150)]
    assert put_all(counters, old, condition=newer, workers=workers) == 150
    refused = list[tuple[int, int]]()
    new = [{"pk": "q", "sk": number, "at": 1} for number in range(160)] + [{"pk": "q", "sk": 0, "at": 2}]
    written = put_all(
        counters,
        iter(new),
        condition=newer,
        workers=workers,
        refused=lambda item, error: refused.append((item["sk"], error.item["at"])),
    )
    assert sorted(refused) == [(number, number % 3) for number in range(150) if number % 3]
    assert written == 161 - len(refused)
    assert get(counters, ("q", 0))["at"] == 2


def test_puts_in_a_table_with_versions_are_guarded(engine: Engine) -> None:
    table = Table(kept.unused("versions"), "pk", version="v").on(engine)
    run(table, create_table())
    assert put_all(table, [{"pk": str(number)} for number in range(10)], workers=4) == 10
    stale = [{"pk": str(number), "v": 1 if number % 2 else 7} for number in range(10)]
    refused = list[str]()
    assert put_all(table, stale, workers=4, refused=lambda item, error: refused.append(item["pk"])) == 5
    assert sorted(refused) == ["0", "2", "4", "6", "8"]


def test_puts_of_kinds_of_which_one_has_versions_are_guarded(engine: Engine) -> None:
    plain = Table(kept.unused("versions"), "pk")
    shop = kinds({"note": plain, "order": replace(plain, version="v")}, by="type").on(engine)
    run(shop, create_table())
    items = [{"pk": str(number), "type": ("note", "order")[number % 2]} for number in range(6)]
    assert put_all(shop, items) == 6
    refused = list[str]()
    assert put_all(shop, items, refused=lambda item, error: refused.append(item["pk"])) == 3
    assert sorted(refused) == ["1", "3", "5"]
    assert [run(shop, get_item(str(number))).get("v") for number in range(2)] == [None, 1]


@pytest.mark.engine_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")
def test_a_stale_version_is_not_passed_over_in_silence(engine: Engine) -> None:
    table = Table(kept.unused("stale"), "pk", version="v").on(engine)
    run(table, create_table())
    put_all(table, [{"pk": "2"}])
    with pytest.raises(BatchIncomplete) as caught:
        put_all(table, [{"pk": str(number)} for number in range(4)])
    assert str(caught.value) == "2 puts are done, and 2 are not: attribute_not_exists(v) was false: v is 1"
    assert (caught.value.written, [operation.item["pk"] for operation in caught.value.failed]) == (2, ["2", "3"])
    assert put_all(table, [{"pk": "2"}, {"pk": "3"}], condition=not_exists("pk")) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_an_item_that_cannot_be_put_does_not_stop_those_before_it(small: Table, workers: int) -> None:
    items = [{"pk": "q", "sk": number, "at": 1} for number in range(130)]
    items[120] = {"pk": "q", "at": 1}
    with raises(ValidationError, "at `sk`: an item of 'Small' needs its key"):
        put_all(small, items, condition=newer, workers=workers)
    assert count(small, query(eq("pk", "q"))) == 120
    with raises(ValidationError, "at `sk`: an item of 'Small' needs its key\n  in operation 120 of the batch"):
        put_all(small, items, workers=workers)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("second", [100, 40, 101], ids=["whole wave", "a key twice", "an item that cannot be put"])
def test_puts_that_fail_say_what_became_of_each_item(small: Table, listed: bool, second: int) -> None:
    def failing(operation: str, body: bytes) -> bytes:
        if b'"sk":{"N":"33"}' in body:
            raise DynamoError.of("AccessDeniedException", "no")
        return small.bound(operation, body)

    put(small, {"pk": "q", "sk": 3, "at": 2})
    items: list[dict[str, Any]] = [{"pk": "q", "sk": number, "at": 1, "id": number} for number in range(130)]
    if second == 40:
        items[40]["sk"] = 5
    elif second == 101:
        del items[60]["sk"]
    given, refused = iter(items), list[int]()
    with pytest.raises(BatchIncomplete) as caught:
        put_all(
            small.on(failing),
            items if listed else given,
            condition=newer,
            refused=lambda item, error: refused.append(item["id"]),
            workers=4,
        )
    stored = [item["id"] for item in run(small, query(eq("pk", "q") & eq("at", 1)))]
    left = [operation.item["id"] for operation in caught.value.failed]
    untaken = [] if listed else [item["id"] for item in given]
    assert refused == [3]
    assert 33 in left
    assert caught.value.written == len(stored)
    assert sorted(stored + left + untaken + refused) == [*range(130)], "each item once"


def test_conditions_of_a_list_are_made_before_the_first_put(small: Table) -> None:
    with pytest.raises(KeyError):
        put_all(small, [{"pk": "q", "sk": 1, "at": 1}, {"pk": "q", "sk": 2}], condition=newer)
    assert count(small, query(eq("pk", "q"))) == 0


@pytest.mark.parametrize("workers", [1, 8])
def test_an_error_of_progress_leaves_no_item_that_is_done(small: Table, workers: int) -> None:
    def progress(done: int, stats: Stats) -> None:
        if done >= 5:
            raise DynamoError.of("AccessDeniedException", "no")

    engine = Failing(small, set(), 0.002)
    with pytest.raises(BatchIncomplete) as caught:
        update_matching(small.on(engine), query(eq("pk", "p")), incr("n"), workers=workers, progress=progress)
    done = [item["sk"] for item in run(small, query(eq("pk", "p") & eq("n", 1)))]
    assert caught.value.written == len(done)
    assert sorted(done + [key["sk"] for key in caught.value.failed]) == [*range(AMOUNT)], "each item once"


@pytest.mark.parametrize("ending", [DynamoError.of("AccessDeniedException", "no"), asyncio.CancelledError("no")])
def test_tasks_that_end_together_are_all_noted(ending: BaseException) -> None:
    noted = list[int]()

    def note(number: int) -> None:
        noted.append(number)
        if number == 2:
            raise ending

    def unit(number: int) -> Any:
        yield TURN
        return number

    async def main() -> None:
        with pytest.raises(type(ending)) as caught:
            await awaited_door.drive(do([*map(unit, range(8))], note), None)  # type: ignore[arg-type]
        assert caught.value is ending

    def do(units: list[Any], note: Any) -> Any:
        yield Together(iter(units), 8, note)

    asyncio.run(main())
    assert sorted(noted) == [*range(8)]


@pytest.mark.parametrize("door", ["plain", "awaited"])
def test_of_several_failures_the_first_is_raised(door: str) -> None:
    failures = KeyError("first"), KeyError("second")
    under_way, threads = threading.Barrier(2), dict[int, threading.Thread]()

    def in_threads(number: int) -> Any:
        threads[number] = threading.current_thread()
        under_way.wait(10)
        if number:
            threads[0].join(10)
        raise failures[number]
        yield

    def in_tasks(number: int) -> Any:
        for _ in range(1 + 9 * number):
            yield TURN
        raise failures[number]

    def do(unit: Any) -> Any:
        yield Together(map(unit, range(2)), 2, list[Any]().append)

    async def main() -> None:
        await awaited_door.drive(do(in_tasks), None)  # type: ignore[arg-type]

    with pytest.raises(KeyError) as caught:
        plain.drive(do(in_threads), None) if door == "plain" else asyncio.run(main())  # type: ignore[arg-type]
    assert caught.value is failures[0]


async def awaited(*news: Any) -> None: ...


@pytest.mark.parametrize("option", ["progress", "refused"])
def test_who_is_told_is_not_awaited(option: str) -> None:
    async def main() -> None:
        table = Table("Small", "pk").on(aio.connect("sqlite::memory:"))
        with pytest.raises(TypeError) as caught:
            await aio.put_all(table, [], condition=newer, **{option: awaited})  # type: ignore[call-overload]
        assert str(caught.value) == f"{option}= is called, and not awaited: write `def`, not `async def`"

    asyncio.run(main())


@pytest.mark.parametrize(
    "items, options, text",
    [
        ({"pk": "q"}, {}, "put_all takes a list or iterator of items, not {'pk': 'q'}"),
        ("q", {}, "put_all takes a list or iterator of items, not 'q'"),
        (
            [],
            {"refused": "print", "condition": exists("pk")},
            "refused= takes a function of an item and its ConditionFailed, not 'print'",
        ),
        ([], {"refused": print}, "refused= is called for items that do not meet a condition; give condition= too"),
    ],
)
def test_puts_that_cannot_be_meant(small: Table, items: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        put_all(small, items, **options)
    assert str(caught.value) == text
