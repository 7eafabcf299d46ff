"""A table as it stood: whatever is read at a moment is what could be read then, whatever was written since."""

import asyncio
import os
import pickle
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from embedded import Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    DynamoError,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    NoSuchTable,
    NotBound,
    Table,
    VectorIndex,
    aio,
    assign,
    batch_get,
    batch_write,
    call,
    connect,
    count,
    create_table,
    delete,
    delete_item,
    delete_table,
    eq,
    exists,
    get,
    get_item,
    near,
    put,
    put_all,
    put_item,
    query,
    run,
    scan,
    search,
    transact_get_items,
    transact_write,
    update,
    update_table,
    vector,
)
from flyexpr.engines.sqlite import SqliteEngine

INDEXES = [
    GlobalIndex("by_g", "g", project=["x"]),
    LocalIndex("by_l", "l"),
    VectorIndex("near", "v", 2, filters=["g"]),
]
TABLE = Table("Things", "p", "s", attributes={"s": int, "l": int, "v": vector(2)}, indexes=INDEXES, stream="both")
PLAIN = Table("Plain", "id", stream="both")


def moment(clock: Clock) -> datetime:
    """A time after everything that was done, and before all that comes."""
    clock.now += 2
    return datetime.fromtimestamp(clock.now - 1, timezone.utc)


def written(table: Table[Any], dice: random.Random) -> None:
    """Something happens to some items."""
    key = (f"p{dice.randrange(2)}", dice.randrange(4))
    match dice.randrange(5):
        case 0:
            delete(table, key)
        case 1:
            update(table, key, assign("x", dice.randrange(3)) + assign("g", dice.choice("ab")))
        case 2:
            run(table, batch_write([put_item(drawn(dice)), delete_item(("p0", 9)), put_item(drawn(dice) | {"s": 5})]))
        case _:
            put(table, drawn(dice))


def drawn(dice: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"p": f"p{dice.randrange(2)}", "s": dice.randrange(4), "x": dice.randrange(3)}
    for name, value in ("g", dice.choice("ab")), ("l", dice.randrange(3)), ("v", [dice.randrange(1, 5), 1]):
        if dice.randrange(3):
            item[name] = value
    return item


def read(table: Table[Any]) -> list[Any]:
    """All that can be read of the table, in every way."""
    keys = [(f"p{p}", s) for p in range(2) for s in range(6)]
    pages = run(table, scan(page_size=2))
    return [
        list(pages),
        sorted((item["p"], item["s"]) for item in run(table, scan(segments=2))),
        [list(run(table, query(eq("p", p), reverse=backwards))) for p in ("p0", "p1") for backwards in (False, True)],
        [list(run(table, query(eq("g", g), index="by_g"))) for g in "ab"],
        list(run(table, query(eq("p", "p0"), index="by_l"))),
        list(run(table, scan(index="by_g"))),
        [get(table, key) for key in keys],
        run(table, batch_get(keys)),
        run(transact_get_items([(table, get_item(key)) for key in keys])),
        count(table, scan(exists("x"))),
        run(table, search(near("v", [3, 1]), top=9)),
        run(table, search(near("v", [3, 1]), eq("g", "a"), top=9)),
    ]


def then(items: list[Any]) -> list[Any]:
    """What is read of a table that has these items and no past."""
    with SqliteEngine(":memory:") as engine:
        table = TABLE.on(engine)
        run(table, create_table())
        put_all(table, items)
        return read(table)


@pytest.fixture(params=["memory", "file"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:" if request.param == "memory" else f"{tmp_path}/a.db", clock=clock) as engine:
        yield engine


@pytest.fixture
def things(engine: SqliteEngine) -> Table[Any]:
    run(TABLE.on(engine), create_table())
    return TABLE.on(engine)


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.booleans())
def test_what_is_read_is_what_could_be_read_then(
    tmp_path_factory: pytest.TempPathFactory, seed: int, file: bool
) -> None:
    dice, clock = random.Random(seed), Clock()
    path = str(tmp_path_factory.mktemp("past") / "a.db") if file else ":memory:"
    with SqliteEngine(path, clock=clock, shards=2, shard_time=9.0) as engine:
        table = TABLE.on(engine)
        run(table, create_table())
        stood: dict[datetime, list[Any]] = {}
        copies: dict[datetime, Table[Any]] = {}
        for _ in range(dice.randrange(3, 14)):
            stood[moment(clock)] = list(run(table, scan()))
            written(table, dice)
            clock.now += 1
            if dice.randrange(2):
                at = dice.choice([*stood])
                copies[at] = table.at(at)
                assert read(copies[at]) == then(stood[at])
            if copies and dice.randrange(2):  # a copy that was read before stays as it was
                at = dice.choice([*copies])
                assert read(copies[at]) == then(stood[at])
        for at, items in stood.items():
            assert read(table.at(at)) == then(items)
            assert at not in copies or read(copies[at]) == then(items)


def test_a_copy_is_read_while_others_write(things: Table[Any]) -> None:
    put_all(things, [{"p": "p", "s": n, "g": "a"} for n in range(5)])
    noon = moment(things.engine._clock)  # type: ignore[attr-defined]
    items = run(things.at(noon), query(eq("g", "a"), index="by_g", page_size=2, project=["s"]))
    first = [next(items), next(items)]
    for n in range(5):
        update(things, ("p", n), assign("g", "b"))
    put(things, {"p": "p", "s": 9, "g": "a"})
    assert sorted(item["s"] for item in [*first, *items]) == [0, 1, 2, 3, 4]


def test_an_item_that_is_written_as_it_was_is_not_lost_later(things: Table[Any]) -> None:
    """The first look finds it as it stood, and hides nothing; the second has to."""
    old, other = {"p": "p", "s": 1, "g": "a"}, {"p": "p", "s": 1, "g": "b"}
    put(things, old)
    copy = things.at(moment(things.engine._clock))  # type: ignore[attr-defined]
    for item in other, old, other, None, other:
        put(things, item) if item else delete(things, ("p", 1))
        assert list(run(copy, scan())) == [old]
        assert [x["s"] for x in run(copy, query(eq("g", "a"), index="by_g"))] == [1]
        assert list(run(copy, query(eq("g", "b"), index="by_g"))) == []


def test_microseconds_count(engine: SqliteEngine, clock: Clock) -> None:
    """Up to the last digit, for a time of this century as a float has no more."""
    table = PLAIN.on(engine)
    run(table, create_table())
    start = datetime.fromtimestamp(clock.now, timezone.utc) + timedelta(seconds=1)
    clock.now += 1
    for n in range(9):
        put(table, {"id": str(n)})  # the clock stands, so each change has the next number but one
    clock.now += 1
    found = [count(table.at(start + timedelta(microseconds=step)), scan()) for step in range(-1, 18)]
    assert found == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]


def test_a_transaction_is_seen_whole_or_not_at_all(clock: Clock) -> None:
    """In all tables that it writes to, though some time goes by while it is carried out."""

    def ticking() -> float:
        clock.now += 0.001
        return clock.now

    with SqliteEngine(":memory:", clock=ticking) as engine:
        tables = [table.on(engine) for table in (PLAIN, PLAIN.named("Others"))]
        for table in tables:
            run(table, create_table())
        for number in range(3):
            puts = [(table, put_item({"id": f"{number} {n}"})) for table in tables for n in range(3)]
            transact_write(puts)
            put(tables[0], {"id": f"{number} alone"})
        assert {counts_at(engine, tables, number + step) for number in numbers(engine) for step in (-1, 0, 1)} == {
            *((0, 0), (3, 3), (4, 3), (7, 6), (8, 6), (11, 9), (12, 9))
        }


def numbers(engine: SqliteEngine) -> list[int]:
    """The numbers of all changes of all tables."""
    connection = engine._storage.connection
    stores = [
        name.decode() for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'changes_*'")
    ]
    return [number for store in stores for (number,) in connection.execute(f"SELECT number FROM {store}")]


def counts_at(engine: SqliteEngine, tables: list[Table[Any]], microseconds: int) -> tuple[int, ...]:
    moment = datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=microseconds)
    with engine.at(moment) as past:
        return tuple([count(table.on(past), scan()) for table in tables])


def test_a_request_that_fails_leaves_the_past_as_it_is(things: Table[Any], clock: Clock) -> None:
    put(things, {"p": "p", "s": 1, "x": 1})
    copy = things.at(moment(clock))
    update(things, ("p", 1), assign("x", 2))
    wrong = {"KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}}
    with raises(
        DynamoError, "ValidationException: Query condition missed key schema element: p"
    ):  # found once the table is looked at
        call(copy.engine, "Query", {"TableName": "Things", **wrong})
    assert get(copy, ("p", 1)) == {"p": "p", "s": 1, "x": 1}
    update(things, ("p", 1), assign("x", 3))
    assert get(copy, ("p", 1)) == {"p": "p", "s": 1, "x": 1}


def test_an_index_that_is_newer_shows_what_was(engine: SqliteEngine, clock: Clock) -> None:
    table = PLAIN.on(engine)
    run(table, create_table())
    put_all(table, [{"id": str(n), "g": "a"} for n in range(3)])
    noon = moment(clock)
    early = table.at(noon)
    assert count(early, scan()) == 3
    update(table, "1", assign("g", "b"))
    indexed = Table("Plain", "id", stream="both", indexes=[GlobalIndex("by_g", "g")]).on(engine)
    run(indexed, update_table())
    delete(table, "2")
    late = indexed.at(noon)
    assert sorted(item["id"] for item in run(late, query(eq("g", "a")))) == ["0", "1", "2"]
    assert count(early, scan()) == 3


def test_a_table_that_was_deleted_is_gone_and_a_new_one_is_another(engine: SqliteEngine, clock: Clock) -> None:
    table = PLAIN.on(engine)
    run(table, create_table())
    put(table, {"id": "1"})
    noon = moment(clock)
    copy = table.at(noon)
    assert count(copy, scan()) == 1
    run(table, delete_table())
    if engine.path != ":memory:":  # there, the copy has its own
        with pytest.raises(NoSuchTable):
            get(copy, "1")
    clock.now += 1
    run(table, create_table())
    with raises(
        DynamoError,
        "InvalidRestoreTimeException: table 'Plain' can be read as it stood at 2027-01-15T08:00:03+00:00 "
        "or later, for the record of its changes begins there",
    ):
        get(table.at(noon), "1")


def test_the_record_has_to_reach_back(engine: SqliteEngine, clock: Clock) -> None:
    bare, table = Table("Bare", "id").on(engine), PLAIN.on(engine)
    run(bare, create_table())
    before = moment(clock)
    with raises(
        DynamoError,
        "PointInTimeRecoveryUnavailableException: no stream says how the items of table 'Bare' were\n"
        '  hint: declare it, Table(..., stream="both"), and run(table, update_table()); from then on it '
        "has them",
    ) as refused:
        get(bare.at(before), "1")
    assert refused.value.code == "PointInTimeRecoveryUnavailableException"
    clock.now += 60
    run(table, create_table())
    with raises(
        DynamoError,
        "InvalidRestoreTimeException: table 'Plain' can be read as it stood at 2027-01-15T08:01:02+00:00 "
        "or later, for the record of its changes begins there",
    ) as too_early:
        get(table.at(before), "1")
    assert too_early.value.code == "InvalidRestoreTimeException"
    put(table, {"id": "1"})
    noon = moment(clock)
    kept = table.at(noon)
    assert count(kept, scan()) == 1
    delete(table, "1")
    clock.now += 86_400
    with raises(
        DynamoError,
        "InvalidRestoreTimeException: table 'Plain' can be read as it stood at 2027-01-15T08:01:04+00:00 "
        "or later, for the record of its changes begins there",
    ):
        count(table.at(noon), scan())
    for _ in range(4):  # a copy that is looked at in the meantime has what is trimmed
        assert engine.path == ":memory:" or count(kept, scan()) == 1
        put(table, {"id": "2"})
        clock.now += 50_000
        delete(table, "2")


def test_a_stream_of_new_images_does_not_do(engine: SqliteEngine, clock: Clock) -> None:
    table = Table("New", "id", stream="new").on(engine)
    run(table, create_table())
    with raises(
        DynamoError,
        "PointInTimeRecoveryUnavailableException: the stream does not say how the items of table 'New' were\n"
        '  hint: declare it, Table(..., stream="both"), and run(table, update_table()); from then on it '
        "has them",
    ):
        get(table.at(moment(clock)), "1")


def test_a_stream_that_is_begun_later_counts_from_there(engine: SqliteEngine, clock: Clock) -> None:
    bare, table = Table("Plain", "id").on(engine), PLAIN.on(engine)
    run(bare, create_table())
    put(bare, {"id": "1"})
    before = moment(clock)
    run(table, update_table())
    noon = moment(clock)
    delete(table, "1")
    assert get(table.at(noon), "1") == {"id": "1"}
    with raises(
        DynamoError,
        "InvalidRestoreTimeException: table 'Plain' can be read as it stood at 2027-01-15T08:00:02+00:00 "
        "or later, for the record of its changes begins there",
    ):
        get(table.at(before), "1")


def test_point_in_time_recovery_keeps_a_longer_past(engine: SqliteEngine, clock: Clock) -> None:
    table = Table("Bare", "id").on(engine)
    run(table, create_table())
    put(table, {"id": "1"})
    on = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3}
    call(engine, "UpdateContinuousBackups", {"TableName": "Bare", "PointInTimeRecoverySpecification": on})
    noon = moment(clock)
    delete(table, "1")
    clock.now += 2 * 86_400
    assert get(table.at(noon), "1") == {"id": "1"}
    clock.now += 2 * 86_400
    with raises(
        DynamoError,
        "InvalidRestoreTimeException: table 'Bare' can be read as it stood at 2027-01-16T08:00:02+00:00 or "
        "later, for the record of its changes begins there",
    ):
        get(table.at(noon), "1")


def test_an_item_is_there_until_time_to_live_has_deleted_it(engine: SqliteEngine, clock: Clock) -> None:
    table = Table("Ends", "id", attributes={"until": int}, ttl="until", stream="both").on(engine)
    run(table, create_table())
    put(table, {"id": "1", "until": int(clock.now) + 10})
    noon = moment(clock)
    clock.now += 5
    put(table, {"id": "2"})
    clock.now += 3600
    for _ in range(3):
        count(table, scan())
        clock.now += 2
    assert count(table, scan()) == 1
    assert get(table.at(noon), "1") is not None


WRITES: list[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"TableName": "Plain", "Item": {"id": {"S": "1"}}}),
    ("BatchWriteItem", {"RequestItems": {"Plain": [{"PutRequest": {"Item": {"id": {"S": "1"}}}}]}}),
    ("TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": "Plain", "Key": {"id": {"S": "1"}}}}]}),
    ("DeleteTable", {"TableName": "Plain"}),
    ("DescribeTable", {"TableName": "Plain"}),
    ("ListStreams", {}),
    ("ExecuteStatement", {"Statement": "DELETE FROM \"Plain\" WHERE id = '1'"}),
]


@pytest.mark.parametrize("operation, request_", WRITES, ids=[operation for operation, _ in WRITES])
def test_only_items_can_be_read(engine: SqliteEngine, clock: Clock, operation: str, request_: dict[str, Any]) -> None:
    table = PLAIN.on(engine)
    run(table, create_table())
    put(table, {"id": "1"})
    copy = table.at(moment(clock))
    what = "this statement" if operation == "ExecuteStatement" else operation
    with raises(
        DynamoError,
        f"AccessDeniedException: {what} cannot be done on {engine.path} as it stood at a moment, where items can only "
        "be read\n"
        "  hint: use the table itself, without .at(...)",
    ) as refused:
        call(copy.engine, operation, request_)
    assert refused.value.code == "AccessDeniedException"
    assert list(run(table, scan())) == list(run(copy, scan())) == [{"id": "1"}]


def test_statements_read_it_too(engine: SqliteEngine, clock: Clock) -> None:
    table = PLAIN.on(engine)
    run(table, create_table())
    put(table, {"id": "1"})
    copy = table.at(moment(clock))
    delete(table, "1")
    asked = {"Statement": "SELECT id FROM \"Plain\" WHERE id = '1'"}
    assert call(copy.engine, "ExecuteStatement", asked)["Items"] == [{"id": {"S": "1"}}]


def test_tables_of_one_moment_are_read_in_one_transaction(engine: SqliteEngine, clock: Clock) -> None:
    one, two = PLAIN.on(engine), PLAIN.named("Two").on(engine)
    for table in (one, two):
        run(table, create_table())
        put(table, {"id": "1"})
    past = one.at(moment(clock))
    for table in (one, two):
        delete(table, "1")
    found = run(transact_get_items([(past, get_item("1")), (two.on(past.engine), get_item("1"))]))
    assert found == [{"id": "1"}, {"id": "1"}]
    assert past.at(datetime.fromtimestamp(clock.now, timezone.utc)).engine is not past.engine
    assert get(past.at(datetime.fromtimestamp(clock.now, timezone.utc)), "1") is None


def test_an_engine_that_only_reads_has_a_past(tmp_path: Path, clock: Clock) -> None:
    with SqliteEngine(f"{tmp_path}/a.db", clock=clock) as engine:
        table = PLAIN.on(engine)
        run(table, create_table())
        put(table, {"id": "1"})
        noon = moment(clock)
        delete(table, "1")
        before = sorted(os.listdir(tmp_path))
        with SqliteEngine(f"{tmp_path}/a.db", clock=clock, mode="ro") as reader:
            assert get(table.on(reader).at(noon), "1") == {"id": "1"}
    with SqliteEngine(f"{tmp_path}/a.db", clock=clock, mode="ro") as reader:  # nobody has it open
        assert get(table.on(reader).at(noon), "1") == {"id": "1"}
    assert "a.db" in before


def test_it_pickles_as_the_file_and_the_moment(tmp_path: Path) -> None:
    with SqliteEngine(f"{tmp_path}/a.db") as engine:
        table = PLAIN.on(engine)
        run(table, create_table())
        put(table, {"id": "1"})
        copy = table.at(datetime.now(timezone.utc))
        delete(table, "1")
        assert get(pickle.loads(pickle.dumps(copy)), "1") == {"id": "1"}
        assert repr(copy.engine).startswith(f"<engine sqlite:{tmp_path}/a.db at 20")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_copy_goes_on_after_a_fork(tmp_path: Path) -> None:
    with SqliteEngine(f"{tmp_path}/a.db") as engine:
        table = PLAIN.on(engine)
        run(table, create_table())
        put(table, {"id": "1"})
        copy = table.at(datetime.now(timezone.utc))
        delete(table, "1")
        assert get(copy, "1") == {"id": "1"}
        child = os.fork()
        if not child:
            os._exit(0 if get(copy, "1") == {"id": "1"} else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert get(copy, "1") == {"id": "1"}


def test_the_awaited_door_does_the_same(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        async with aio.connect(url) as engine:
            table = PLAIN.on(engine)
            await aio.run(table, create_table())
            await aio.put(table, {"id": "1"})
            copy = table.at(datetime.now(timezone.utc))
            await aio.delete(table, "1")
            assert await aio.get(copy, "1") == {"id": "1"}
            assert [item async for item in aio.run(copy, scan())] == [{"id": "1"}]
            assert await aio.get(table, "1") is None
            with pytest.raises(DynamoError, match="items can only be read"):
                await aio.put(copy, {"id": "2"})

    asyncio.run(main(f"sqlite:{tmp_path}/a.db"))
    asyncio.run(main("sqlite::memory:"))


def test_other_engines_say_what_to_do() -> None:
    now = datetime.now(timezone.utc)
    with (
        connect("dynamodb://us-east-1") as engine,
        raises(
            FlyexprError,
            "<engine dynamodb://us-east-1 by direct: keys and region in the environment> does not read tables "
            "as they stood; the embedded engine does\n"
            "  hint: on AWS, restore the table to that time under another name (RestoreTableToPointInTime), "
            "and read that one",
        ),
    ):
        PLAIN.on(engine).at(now)
    with pytest.raises(FlyexprError, match="restore the table"):
        PLAIN.on(aio.connect("http://127.0.0.1:1")).at(now)
    with pytest.raises(NotBound):
        PLAIN.at(now)
    with raises(TypeError, "at() takes a datetime, not 3"):
        PLAIN.on(connect("sqlite::memory:")).at(3)  # type: ignore[arg-type]
    with raises(FlyexprError, f"no table can be read at {now + timedelta(days=1)}, which is still to come"):
        PLAIN.on(connect("sqlite::memory:")).at(now + timedelta(days=1))


def test_a_time_without_a_zone_is_in_utc(engine: SqliteEngine, clock: Clock) -> None:
    table = PLAIN.on(engine)
    run(table, create_table())
    put(table, {"id": "1"})
    noon = moment(clock)
    delete(table, "1")
    assert get(table.at(noon.replace(tzinfo=None)), "1") == {"id": "1"}
