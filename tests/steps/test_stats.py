"""What operations cost, counted in `stats=`: on the embedded engine, through both doors."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doors import Looped
from engines import AWAITED, Engine, closing
from raised import raises
from scripted import Recording, before

from flyexpr import (
    ConditionFailed,
    GlobalIndex,
    NoSuchTable,
    Stats,
    Table,
    TransactionCancelled,
    batch_get,
    batch_write,
    connect,
    count,
    create_table,
    delete,
    delete_item,
    delete_matching,
    describe_table,
    eq,
    exists,
    first,
    get,
    get_item,
    gt,
    incr,
    modify,
    not_exists,
    one,
    put,
    put_item,
    query,
    run,
    scan,
    transact_get,
    transact_get_items,
    transact_modify,
    transact_write,
    transact_write_items,
    update,
    update_item,
    update_matching,
)
from flyexpr.drive import Pause
from flyexpr.engines.awaited import AwaitedEngine
from flyexpr.requests.request import Request, asking_cost
from flyexpr.steps.course import course
from flyexpr.steps.reads.reading import Reading
from flyexpr.steps.stats import counted

TABLE = Table("things", "id", attributes={"n": int}, indexes=[GlobalIndex("ByN", "n")])
ASKED = "ReturnConsumedCapacity"


def test_stats_are_equal_where_their_numbers_are() -> None:
    assert Stats(requests=2, capacity=1.5) == Stats(2, capacity=1.5)
    for name in ("requests", "examined", "returned", "capacity", "write_capacity"):
        assert Stats(**{name: 1}) != Stats()
    assert Stats() != (0, 0, 0, 0.0, 0.0)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Stats())
    assert {name for name in dir(Stats()) if not name.startswith("_")} == {*Stats.__slots__, "add"}


@pytest.fixture(params=["embedded-memory", "embedded-memory" + AWAITED])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recording() -> Iterator[Recording]:
    with connect("sqlite::memory:") as plain:
        yield Recording(plain)


@pytest.fixture
def engine(engine_name: str, recording: Recording) -> Iterator[Engine]:
    with closing(Looped(AwaitedEngine(recording)) if engine_name.endswith(AWAITED) else recording) as engine:
        yield engine


@pytest.fixture
def table(engine: Engine, recording: Recording) -> Table:
    """Two things with a number, which an index holds, and a large one without."""
    table = TABLE.on(engine)
    run(table, create_table())
    for item in ({"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "large", "text": "x" * 2000}):
        put(table, item)
    recording.asked.clear()
    return table


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []

    async def passed(pause: float) -> None:
        seconds.append(pause)

    monkeypatch.setattr("time.sleep", seconds.append)
    monkeypatch.setattr("asyncio.sleep", passed)
    return seconds


def things(size: int) -> list[Any]:
    return [put_item({"id": f"{n}"}) for n in range(size)]


Call = Callable[[Table, Stats], Any]

# What is done: requests, items examined, read units, write units. An index that holds the item is written too.
COSTS: dict[str, tuple[Call, tuple[int, int, float, float]]] = {
    "put": (lambda table, stats: put(table, {"id": "c"}, stats=stats), (1, 0, 0, 1)),
    "put of two units": (lambda table, stats: put(table, {"id": "c", "t": "x" * 1500}, stats=stats), (1, 0, 0, 2)),
    "put into an index": (lambda table, stats: put(table, {"id": "c", "n": 3}, stats=stats), (1, 0, 0, 2)),
    "update": (lambda table, stats: update(table, "large", incr("wins"), stats=stats), (1, 0, 0, 2)),
    "delete": (lambda table, stats: delete(table, "large", stats=stats), (1, 0, 0, 2)),
    "get": (lambda table, stats: get(table, "a", stats=stats), (1, 0, 0.5, 0)),
    "get at once": (lambda table, stats: get(table, "a", consistent=True, stats=stats), (1, 0, 1, 0)),
    "run of a put": (lambda table, stats: run(table, put_item({"id": "c"}), stats=stats), (1, 0, 0, 1)),
    "batch of writes": (lambda table, stats: run(table, batch_write(things(30)), stats=stats), (2, 0, 0, 30)),
    "batch of reads": (lambda table, stats: run(table, batch_get(["a", "b", "no"]), stats=stats), (1, 0, 1.5, 0)),
    "transaction of writes": (
        lambda table, stats: transact_write([(table, put_item({"id": "c"})), (table, delete_item("d"))], stats=stats),
        (1, 0, 0, 4),
    ),
    "transaction of reads": (lambda table, stats: transact_get([(table, get_item("a"))], stats=stats), (1, 0, 2, 0)),
    "run of a transaction": (
        lambda table, stats: run(transact_get_items([(table, get_item("a"))]), stats=stats),
        (1, 0, 2, 0),
    ),
    "modify": (lambda table, stats: modify(table, "a", lambda item: {**item, "m": 1}, stats=stats), (2, 0, 1, 2)),
    "modify of nothing": (lambda table, stats: modify(table, "a", dict, stats=stats), (1, 0, 1, 0)),
    "transact_modify": (
        lambda table, stats: transact_modify([(table, "a"), (table, "b")], swapped, stats=stats),
        (2, 0, 4, 6),
    ),
    "update of all": (
        lambda table, stats: update_matching(table, scan(exists("n")), incr("m"), stats=stats),
        (3, 3, 0.5, 4),
    ),
    "update of none": (
        lambda table, stats: update_matching(table, scan(gt("n", 9)), incr("m"), stats=stats),
        (1, 3, 0.5, 0),
    ),
    "delete of all": (lambda table, stats: delete_matching(table, scan(not_exists("n")), stats=stats), (2, 3, 0.5, 2)),
    "first": (lambda table, stats: first(table, scan(exists("n")), stats=stats), (1, 3, 0.5, 0)),
    "first of a page": (lambda table, stats: first(table, scan(), stats=stats), (1, 1, 0.5, 0)),
    "one": (lambda table, stats: one(table, query(eq("n", 2)), stats=stats), (1, 1, 0.5, 0)),
    "count": (lambda table, stats: count(table, scan(exists("n")), stats=stats), (1, 3, 0.5, 0)),
    "description": (lambda table, stats: run(table, describe_table(), stats=stats), (2, 0, 0, 0)),
}


def swapped(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    one, other = items
    return [{**one, "m": other["n"]}, {**other, "m": one["n"]}]


@pytest.mark.parametrize("does, cost", COSTS.values(), ids=COSTS)
def test_what_an_operation_costs_is_added(
    table: Table, recording: Recording, does: Call, cost: tuple[Any, ...]
) -> None:
    stats = Stats(requests=10, examined=10, returned=10, capacity=10.0, write_capacity=10.0)
    does(table, stats)
    stats.returned = 10  # which only reads know
    requests, examined, capacity, write_capacity = cost
    assert repr(stats) == repr(Stats(10 + requests, 10 + examined, 10, 10.0 + capacity, 10.0 + write_capacity))
    assert all(body.get(ASKED) == (None if "Describe" in name else "TOTAL") for name, body in recording.asked)


@pytest.mark.parametrize("does", [does for does, _ in COSTS.values()], ids=COSTS)
def test_the_answer_is_the_same_with_stats_and_without(table: Table, does: Call, recording: Recording) -> None:
    other = TABLE.named("others").on(table.engine)
    run(other, create_table())
    for item in ({"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "large", "text": "x" * 2000}):
        put(other, item)
    recording.asked.clear()
    without = does(other, None)  # type: ignore[arg-type]
    assert not [name for name, body in recording.asked if ASKED in body and name not in ("Scan", "Query")]
    with_stats = does(table, Stats())
    assert with_stats == (without.named("things") if isinstance(without, Table) else without)


def test_what_is_sent_again_is_counted_again(table: Table, recording: Recording, pauses: list[float]) -> None:
    engine, left = recording.engine, [2]

    def leaves_one(operation: str, body: bytes) -> bytes:
        members = json.loads(body)
        if not left[0]:
            return engine(operation, body)
        left[0] -= 1
        *sent, last = members["RequestItems"]["things"]
        members["RequestItems"]["things"] = sent or [last]
        answer = json.loads(engine(operation, json.dumps(members).encode()))
        return json.dumps(answer | {"UnprocessedItems": {"things": [last]}}).encode()

    recording.engine, stats = leaves_one, Stats()
    assert run(table, batch_write(things(3)), stats=stats) == 3
    assert (stats.requests, stats.write_capacity, len(pauses)) == (3, 4.0, 2)


def test_a_conflict_is_counted_too(table: Table, recording: Recording, pauses: list[float]) -> None:
    plain = table.on(recording.engine)
    recording.engine = before(recording.engine, "UpdateItem", lambda: update(plain, "a", incr("n", 10)))
    stats = Stats()
    assert modify(table, "a", lambda item: {**item, "m": item["n"]}, stats=stats) == {"id": "a", "n": 11, "m": 11}
    assert (stats.requests, stats.capacity, stats.write_capacity) == (4, 2.0, 2.0)


@pytest.mark.parametrize(
    "does, error",
    [
        (lambda table, stats: put(table, {"id": "a"}, condition=gt("n", 5), stats=stats), ConditionFailed),
        (
            lambda table, stats: run(
                transact_write_items([(table, update_item("a", incr("n"), condition=gt("n", 5)))]), stats=stats
            ),
            TransactionCancelled,
        ),
        (lambda table, stats: put(table.named("nowhere"), {"id": "a"}, stats=stats), NoSuchTable),
        (lambda table, stats: first(table.named("nowhere"), scan(), stats=stats), NoSuchTable),
        (lambda table, stats: one(table.named("nowhere"), scan(), stats=stats), NoSuchTable),
        (lambda table, stats: count(table.named("nowhere"), scan(), stats=stats), NoSuchTable),
    ],
)
def test_what_is_refused_counts_as_a_request(table: Table, does: Call, error: type[Exception]) -> None:
    stats = Stats()
    with pytest.raises(error) as caught:
        does(table, stats)
    assert repr(stats) == repr(Stats(requests=1))
    with pytest.raises(error) as without:
        does(table, None)  # type: ignore[arg-type]
    assert str(caught.value) == str(without.value)


def test_a_transaction_that_was_done_before_is_only_read(table: Table) -> None:
    stats = Stats()
    for _ in range(2):
        transact_write([(table, put_item({"id": "c"}))], token="the same", stats=stats)
    assert (stats.requests, stats.capacity, stats.write_capacity) == (2, 2.0, 2.0)


@pytest.mark.parametrize("stats", [True, {}, 0, Stats, []])
def test_only_stats_take_costs(table: Table, recording: Recording, stats: Any) -> None:
    for does in (lambda: put(table, {"id": "a"}, stats=stats), lambda: count(table, scan(), stats=stats)):
        with raises(TypeError, f"stats= takes a Stats(), to which the costs are added, not {stats!r}"):
            does()
    assert recording.asked == []


@pytest.mark.parametrize("read", [query(exists("id")), scan()])
def test_a_read_has_stats_of_its_own(table: Table, read: Any) -> None:
    with raises(
        TypeError, "a query or scan has .stats of its own; leave stats= out: items = run(...), then items.stats"
    ):
        run(table, read, stats=Stats())  # type: ignore[call-overload]


def test_an_attribute_with_the_name_of_the_member_is_no_such_member(table: Table, recording: Recording) -> None:
    put(table, {"id": "c", ASKED: "TOTAL", "text": f'"{ASKED}":"TOTAL"}}'}, stats=Stats())
    [(_, body)] = recording.asked
    assert body[ASKED] == "TOTAL"
    assert get(table, "c") == {"id": "c", ASKED: "TOTAL", "text": f'"{ASKED}":"TOTAL"}}'}


def test_a_request_that_asks_already_stays_as_it_is() -> None:
    page = Reading(TABLE, scan(), lambda: 0.0).request()
    write = next(course(TABLE, put_item({"id": "a"})))
    assert isinstance(page, Request)
    assert isinstance(write, Request)
    assert asking_cost(page) is page
    assert asking_cost(asking_cost(write)) == asking_cost(write) != write


class Paced:
    """A pace that makes every second question wait, and takes down what it is told."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.spent: list[float] = []

    def delay(self, units: float) -> float:
        self.asked.append(units)
        return 0.25 * (len(self.asked) % 2)

    def spend(self, units: float) -> None:
        self.spent.append(units)


def test_a_pace_is_asked_before_each_request_and_told_what_it_cost() -> None:
    pace, stats = Paced(), Stats()
    steps = counted(course(Table("t", "id"), put_item({"id": "a"})), stats, pace)
    pause = next(steps)
    assert (pause, stats.requests, pace.spent) == (Pause(0.25), 0, [])
    sent = steps.send(None)
    assert (stats.requests, len(pace.asked)) == (1, 2)
    with pytest.raises(StopIteration):
        steps.send(b'{"ConsumedCapacity":{"TableName":"t","CapacityUnits":3.0}}')
    plain = next(course(Table("t", "id"), put_item({"id": "a"})))
    assert not isinstance(plain, Pause)
    assert type(sent) is type(plain)
    taken = len(plain.body) / 1024
    assert (pace.asked, pace.spent, stats.write_capacity) == ([taken, taken], [3.0 - taken], 3.0)
