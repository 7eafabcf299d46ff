"""Watching a stream: every change once and in order, over shards that close, restarts and faults of the service."""

import asyncio
import json
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import chain, count, islice, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    BadCursor,
    ConnectionFailed,
    DynamoError,
    Engine,
    ExpressionError,
    FlyexprError,
    NoSuchTable,
    Table,
    Throttled,
    ValidationError,
    aio,
    assign,
    begins_with,
    connect,
    create_table,
    delete,
    delete_table,
    eq,
    incr,
    put,
    run,
    update,
    update_table,
)
from flyexpr.changes.change import change_of
from flyexpr.events import Change, ChangesLost, appeared, changed, undo, watch
from flyexpr.steps.reads.cursors import closed_cursor, opened_cursor
from flyexpr.steps.streams.shards import SINCE, Place

TABLE = Table("Orders", "id", stream="both", attributes={"n": int})
BUDGET: Any = {"requests": 60}


def numbers(changes: Any) -> list[int]:
    return [change.new["n"] for change in changes if change.new is not None]


@pytest.fixture(params=["", "?shards=4", "?shards=3&shard_time=0.001s"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    with connect(f"sqlite:{tmp_path}/orders.db{request.param}") as engine:
        bound = TABLE.on(engine)
        run(bound, create_table())
        yield bound


def look(table: Table, condition: Any = None, **options: Any) -> list[Change]:
    """All changes that are there."""
    return list(watch(table, condition, **{"since": "beginning", "budget": BUDGET, "poll": 0, **options}))


def test_every_change_comes_once_and_those_of_one_item_in_order(table: Table) -> None:
    for number in range(40):
        update(table, f"{number % 5}", assign("n", number))
    delete(table, "3")
    found = look(table, budget={"requests": 400})
    assert sorted(numbers(found)) == list(range(40))
    for key in "01234":
        mine = numbers(change for change in found if change.key == {"id": key})
        assert mine == sorted(mine)
    assert [change.key for change in found if change.kind == "REMOVE"] == [{"id": "3"}]


def test_a_busy_shard_holds_up_no_other(table: Table) -> None:
    """Each item is changed again as soon as its change is read, so that every shard always has something."""
    keys = {f"{number}" for number in range(20)}
    for key in keys:
        put(table, {"id": key, "n": 0})
    seen = set[str]()
    for change in islice(watch(table, since="beginning", budget={"requests": 1000}, poll=0), 200):
        seen.add(change.key["id"])
        update(table, change.key["id"], incr("n", 1))
    assert seen == keys


def test_a_cursor_goes_on_after_the_last_change_that_was_taken(table: Table) -> None:
    for number in range(12):
        put(table, {"id": f"{number % 3}", "n": number})
    seen: list[int] = []
    cursor: str = "beginning"
    while len(seen) < 12:
        watching = watch(table, since=cursor, budget={"requests": 400}, poll=0)
        change = next(watching)
        assert change.new is not None
        seen.append(change.new["n"])
        assert watching.cursor is not None
        cursor = watching.cursor
    assert sorted(seen) == list(range(12))
    put(table, {"id": "0", "n": 12})
    assert numbers(look(table, since=cursor, budget={"requests": 400})) == [12]


def test_latest_is_what_is_changed_from_now_on(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    watching = watch(table, budget=BUDGET, poll=0)
    cursor = watching.cursor
    put(table, {"id": "a", "n": 2})
    assert numbers(watching) == [2]
    assert list(watching) == []
    assert 2 in numbers(look(table, since=cursor))


def test_a_moment_is_where_to_begin(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    hour = timedelta(hours=1)
    now = datetime.now(timezone.utc)
    assert numbers(look(table, since=now - hour)) == [1]
    assert numbers(look(table, since=(now - hour).replace(tzinfo=None))) == [1]
    with raises(FlyexprError, f"since= is a moment that is not there yet: {now + hour}"):
        look(table, since=now + hour)


def test_a_condition_chooses_changes(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    put(table, {"id": "a", "n": 1, "note": "x"})
    update(table, "a", incr("n"))
    put(table, {"id": "b", "n": 5})
    assert numbers(look(table, changed("n") & eq("id", "a"))) == [1, 2]
    assert sorted(numbers(look(table, appeared("id")))) == [1, 5]
    assert numbers(look(table, eq("n", 2))) == [2]


def test_programs_share_the_items(table: Table) -> None:
    for number in range(30):
        put(table, {"id": f"{number % 10}", "n": number})
    parts = [look(table, part=(number, 3), budget={"requests": 400}) for number in range(3)]
    assert sorted(number for part in parts for number in numbers(part)) == list(range(30))
    owners = [{change.key["id"] for change in part} for part in parts]
    assert all(one.isdisjoint(other) for one in owners for other in owners if one is not other)


def test_a_budget_of_seconds_ends_a_watch() -> None:
    table = TABLE.on(connect("sqlite::memory:"))
    run(table, create_table())
    assert list(watch(table, budget={"seconds": 0.05}, poll=0.01)) == []


def test_a_stream_that_is_disabled_ends_a_watch(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    watching = watch(table, since="beginning", poll=0)
    assert next(watching).new == {"id": "a", "n": 1}
    put(table, {"id": "a", "n": 2})
    run(Table("Orders", "id", attributes={"n": int}).on(table.engine), update_table())
    assert numbers(watching) == [2]


def test_another_stream_of_the_table_is_told_once_the_old_one_is_read(table: Table) -> None:
    """What was changed between the two is in neither. A reader that only ended would look at the old one for ever."""
    cursor = watch(table).cursor
    put(table, {"id": "a", "n": 1})
    run(Table("Orders", "id", attributes={"n": int}).on(table.engine), update_table())
    put(table, {"id": "a", "n": 2})
    assert numbers(look(table, since=cursor)) == [1]
    run(table, update_table())
    watching = watch(table, since=cursor, budget=BUDGET, poll=0)
    assert next(watching).new == {"id": "a", "n": 1}
    with raises(
        ChangesLost,
        "changes of 'Orders' are gone that were not read yet: its stream was turned off, and another one "
        "turned on\n"
        '  hint: read the table itself, and then go on with since="latest"',
    ) as lost:
        next(watching)
    assert str(pickle.loads(pickle.dumps(lost.value))) == str(lost.value)
    with pytest.raises(ChangesLost):
        undo(table, since=cursor, quiet=0)
    run(table, delete_table())
    assert numbers(look(table, since=cursor)) == [1]


def test_the_awaited_door_gives_the_same(tmp_path: Path) -> None:
    async def main() -> tuple[list[int], list[int]]:
        async with aio.connect(f"sqlite:{tmp_path}/a.db?shards=2") as engine:
            table = TABLE.on(engine)
            await aio.run(table, create_table())
            await aio.put(table, {"id": "a", "n": 1})
            latest = await aio.watch(table, budget=BUDGET, poll=0).begin()
            await aio.put(table, {"id": "a", "n": 2})
            all_changes = [change async for change in aio.watch(table, since="beginning", budget=BUDGET, poll=0)]
            return numbers(all_changes), numbers([change async for change in latest])

    assert asyncio.run(main()) == ([1, 2], [2])


def test_a_watch_that_waits_can_be_cancelled() -> None:
    async def main() -> list[int]:
        table = TABLE.on(aio.connect("sqlite::memory:"))
        await aio.run(table, create_table())
        watching = await aio.watch(table, poll=30).begin()
        waiting = asyncio.ensure_future(watching.__anext__())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await aio.put(table, {"id": "a", "n": 1})
        return [(await watching.__anext__()).new["n"]]  # type: ignore[index]

    assert asyncio.run(main()) == [1]


@pytest.mark.parametrize("door", ["plain", "awaited"])
def test_two_that_take_from_one_watch(door: str) -> None:
    """Both would get the same changes."""
    engine = connect("sqlite::memory:")
    table = TABLE.on(engine)
    run(table, create_table())
    for n in range(3):
        put(table, {"id": "a", "n": n})
    told: list[FlyexprError] = []

    def meanwhile() -> None:
        try:
            next(watching)
        except FlyexprError as error:
            told.append(error)

    def busy(operation: str, body: bytes) -> bytes:
        if operation == "GetRecords" and not told:
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join(10)
        return engine(operation, body)

    async def awaited(operation: str, body: bytes) -> bytes:
        await asyncio.sleep(0)
        return engine(operation, body)

    async def main() -> list[Any]:
        watching = aio.watch(table.on(awaited), since="beginning", budget=BUDGET, poll=0)
        return await asyncio.gather(anext(watching), anext(watching), return_exceptions=True)

    if door == "plain":
        watching = watch(table.on(busy), since="beginning", budget=BUDGET, poll=0)
        assert numbers(watching) == [0, 1, 2]
    else:
        first, second = asyncio.run(main())
        assert first.new["n"] == 0
        told = [second]
    assert [str(error) for error in told] == [
        "another thread or task takes changes of this watch, and goes on with it\n"
        "  hint: give each a watch of its own: watch(..., part=(0, 2)) and watch(..., part=(1, 2))"
    ]


# --- what the service may answer

THROTTLED = "ThrottlingException"


def refusing(engine: Engine, refuse: Callable[[str, dict[str, Any]], str | None]) -> Engine:
    """An engine that refuses what the function has a code for."""

    def answer(operation: str, body: bytes) -> bytes:
        code = refuse(operation, json.loads(body))
        if code:
            raise DynamoError.of(code, "refused")
        return engine(operation, body)

    return answer


def test_an_expired_iterator_is_asked_for_again(table: Table) -> None:
    expired: set[str] = set()

    def refuse(operation: str, request: dict[str, Any]) -> str | None:
        name = request.get("ShardIterator", "")
        if operation != "GetRecords" or random.Random(name).random() < 0.5 or name in expired:
            return None
        expired.add(name)
        return "ExpiredIteratorException"

    watching = watch(table.on(refusing(table.engine, refuse)), budget={"requests": 500}, poll=0)
    for number in range(20):
        put(table, {"id": f"{number % 4}", "n": number})
    assert sorted(numbers(watching)) == list(range(20))


def test_a_busy_service_is_asked_again(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    turns = chain([True, True, False] * 20, repeat(False))  # not for ever: the budget may end at any request

    def refuse(operation: str, request: dict[str, Any]) -> str | None:
        return "LimitExceededException" if operation == "GetRecords" and next(turns) else None

    for number in range(10):
        put(table, {"id": "a", "n": number})
    assert numbers(look(table.on(refusing(table.engine, refuse)), budget={"requests": 500})) == list(range(10))


@pytest.mark.parametrize("budget", [{"requests": 4}, {"seconds": 0.05}])
def test_a_budget_ends_a_watch_while_the_service_is_busy(
    table: Table, monkeypatch: pytest.MonkeyPatch, budget: Any
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    put(table, {"id": "a", "n": 1})
    begin = watch(table, since="beginning").cursor or ""
    for operation in ("DescribeStream", "GetShardIterator", "GetRecords"):
        busy = table.on(refusing(table.engine, lambda asked, _, busy=operation: THROTTLED if asked == busy else None))
        watching = watch(busy, since=begin, budget=budget)
        assert list(watching) == []
        assert numbers(look(table, since=watching.cursor)) == [1]


def test_a_budget_that_ends_before_the_place_is_known_is_an_error(table: Table) -> None:
    """The watch has no cursor yet, so changes before the next watch would be lost."""
    for operation in ("DescribeTable", "DescribeStream", "GetShardIterator"):
        beside = table.on(refusing(table.engine, lambda asked, _, busy=operation: THROTTLED if asked == busy else None))
        with pytest.raises(Throttled):
            watch(beside, budget={"requests": 4})


def test_a_watch_that_could_not_begin_begins_where_it_was_to(tmp_path: Path) -> None:
    busy = {"DescribeStream"}

    async def main() -> list[int]:
        async with aio.connect(f"sqlite:{tmp_path}/a.db") as engine:

            async def refusing(operation: str, body: bytes) -> bytes:
                if operation in busy:
                    raise DynamoError.of("Odd", "refused")
                return await engine(operation, body)

            table = TABLE.on(engine)
            await aio.run(table, create_table())
            await aio.put(table, {"id": "a", "n": 1})
            watching = aio.watch(table.on(refusing), budget=BUDGET, poll=0)
            with raises(DynamoError, "Odd: refused"):
                await watching.begin()
            assert watching.cursor is None
            busy.clear()
            await watching.begin()
            await aio.put(table, {"id": "a", "n": 2})
            return numbers([change async for change in watching])

    assert asyncio.run(main()) == [2]


def test_an_awaited_watch_ends_with_its_budget_too(tmp_path: Path) -> None:
    async def main() -> tuple[list[Change], list[int]]:
        async with aio.connect(f"sqlite:{tmp_path}/a.db") as engine:

            async def busy(operation: str, body: bytes) -> bytes:
                if operation == "GetRecords":
                    raise DynamoError.of(THROTTLED, "refused")
                return await engine(operation, body)

            table = TABLE.on(engine)
            await aio.run(table, create_table())
            await aio.put(table, {"id": "a", "n": 1})
            watching = aio.watch(table.on(busy), since="beginning", budget={"requests": 5}, poll=0)
            nothing = [change async for change in watching]
            cursor = watching.cursor or ""
            return nothing, numbers([each async for each in aio.watch(table, since=cursor, budget=BUDGET, poll=0)])

    assert asyncio.run(main()) == ([], [1])


@pytest.mark.parametrize("operation", ["DescribeTable", "DescribeStream", "GetShardIterator", "GetRecords"])
def test_an_answer_that_is_not_json_is_refused(table: Table, operation: str) -> None:
    put(table, {"id": "a", "n": 1})

    def answer(asked: str, body: bytes) -> bytes:
        found = table.engine(asked, body)
        return b'{"Odd":NaN,' + found[1:] if asked == operation else found

    with raises(ConnectionFailed, "the answer is not what DynamoDB sends (ValueError)"):
        look(table.on(answer))


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException"])
def test_changes_that_are_gone_are_an_error(table: Table, code: str) -> None:
    put(table, {"id": "a", "n": 1})
    watching = watch(
        table.on(refusing(table.engine, lambda operation, _: code if operation == "GetRecords" else None)),
        since="beginning",
    )
    with raises(
        ChangesLost,
        "changes of 'Orders' are gone that were not read yet: a stream keeps them for 24 hours\n"
        '  hint: read the table itself, and then go on with since="latest"',
    ):
        next(watching)


def test_an_engine_without_at_timestamp_is_read_from_the_begin(table: Table) -> None:
    def refuse(operation: str, request: dict[str, Any]) -> str | None:
        return "ValidationException" if request.get("ShardIteratorType") == "AT_TIMESTAMP" else None

    put(table, {"id": "a", "n": 1})
    without = table.on(refusing(table.engine, refuse))
    hour = timedelta(hours=1)
    assert numbers(look(without, since=datetime.now(timezone.utc) - hour)) == [1]
    moment = datetime(2026, 1, 2, 3, 4, 5, 600_000, timezone.utc)
    place = Place(SINCE, moment.timestamp())
    assert [place.is_before(change_at(moment + timedelta(seconds=step))) for step in (-1, 0, 1)] == [False, True, True]


def change_at(moment: datetime) -> Change:
    """A change of that moment, of which a record says the second."""
    told = {"Keys": {}, "ApproximateCreationDateTime": int(moment.timestamp())}
    return change_of({"eventName": "INSERT", "dynamodb": told}, TABLE)


def closing(fault: Callable[[], None]) -> Engine:
    """A service with two shards, of which one is closed; there is a fault when they are listed for the second time."""
    lists = count(1)
    image = {"Keys": {"id": {"S": "a"}}, "NewImage": {"id": {"S": "a"}, "n": {"N": "1"}}, "SequenceNumber": "1"}
    records = {"child": [{"eventName": "INSERT", "dynamodb": image}]}

    def answer(operation: str, body: bytes) -> bytes:
        request = json.loads(body)
        if operation == "DescribeTable":
            arn = "arn:aws:dynamodb:eu-west-1:1:table/Orders/stream/2026-01-01T00:00:00.000"
            table = {"LatestStreamArn": arn, "StreamSpecification": {"StreamEnabled": True}}
            return json.dumps({"Table": table}).encode()
        if operation == "DescribeStream":
            turn = next(lists)
            if turn == 2:
                fault()
            child = {"ShardId": "child", "ParentShardId": "closed"}
            shards = [{"ShardId": "closed"}, {"ShardId": "open"}, *([child] if turn > 1 else [])]
            return json.dumps({"StreamDescription": {"Shards": shards}}).encode()
        if operation == "GetShardIterator":
            return json.dumps({"ShardIterator": request["ShardId"]}).encode()
        name = request["ShardIterator"]
        following = {} if name == "closed" else {"NextShardIterator": name}
        return json.dumps({"Records": records.pop(name, []), **following}).encode()

    return answer


def test_a_list_of_shards_that_failed_is_asked_for_again() -> None:
    """On AWS each shard closes by itself, so no other one would bring the reader to its child for hours."""

    def fault() -> None:
        raise DynamoError.of("Odd", "refused")

    watching = watch(TABLE.on(closing(fault)), since="beginning", budget=BUDGET, poll=0)
    with raises(DynamoError, "Odd: refused"):
        next(watching)
    assert numbers(watching) == [1]


def test_a_list_of_shards_that_was_cancelled_is_asked_for_again() -> None:
    def fault() -> None:
        raise asyncio.CancelledError

    async def main() -> list[int]:
        engine = closing(fault)

        async def awaited(operation: str, body: bytes) -> bytes:
            return engine(operation, body)

        watching = aio.watch(TABLE.on(awaited), since="beginning", budget=BUDGET, poll=0)
        with pytest.raises(asyncio.CancelledError):
            await watching.__anext__()
        return numbers([change async for change in watching])

    assert asyncio.run(main()) == [1]


def test_other_errors_are_raised(table: Table) -> None:
    with raises(DynamoError, "Odd: refused"):
        look(table.on(refusing(table.engine, lambda operation, _: "Odd" if operation == "GetRecords" else None)))


# --- mistakes


def test_a_table_without_a_stream_says_how_to_get_one() -> None:
    table = Table("Orders", "id").on(connect("sqlite::memory:"))
    with pytest.raises(NoSuchTable):
        watch(table)
    run(table, create_table())
    with pytest.raises(FlyexprError) as refused:
        watch(table)
    assert str(refused.value) == (
        "'Orders' has no stream\n  hint: declare it, Table(..., stream=\"both\"), and run(table, update_table())"
    )


MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"since": "yesterday"},
        BadCursor,
        'since= takes "latest", "beginning", a datetime or the .cursor of an earlier watch; this is not one',
    ),
    (
        {"since": "2026-01-31"},
        BadCursor,
        (
            'since= takes "latest", "beginning", a datetime or the .cursor of an earlier watch; this is '
            "not one\n"
            "  hint: a moment is a datetime: datetime.fromisoformat('2026-01-31')"
        ),
    ),
    ({"since": None}, TypeError, 'since= takes "latest", "beginning", a datetime or a cursor, not None'),
    ({"since": ""}, TypeError, 'since= takes "latest", "beginning", a datetime or a cursor, not \'\''),
    ({"poll": -1}, ValueError, "poll= is a number of seconds, not -1"),
    ({"poll": True}, ValueError, "poll= is a number of seconds, not True"),
    ({"part": (2, 2)}, ValueError, "part= is (number, parts), such as (0, 2) for the first of two, not (2, 2)"),
    ({"part": 1}, ValueError, "part= is (number, parts), such as (0, 2) for the first of two, not 1"),
    ({"budget": {"units": 3}}, ValueError, "a stream costs no read units; budget= takes requests and seconds"),
    (
        {"budget": {"days": 3}},
        ValueError,
        "budget= takes a dict with positive requests, units, seconds, not {'days': 3}",
    ),
    (
        {"condition": "n = 1"},
        TypeError,
        "a change is chosen by a condition such as eq('a', 1), not 'n = 1'; write parse_condition('n = 1')",
    ),
    (
        {"condition": begins_with("n", "1")},
        ExpressionError,
        "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')",
    ),
]


@pytest.mark.parametrize("options, kind, text", MISTAKES, ids=[text for *_, text in MISTAKES])
def test_mistakes_are_found_at_once(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    table = TABLE.on(connect("sqlite::memory:"))
    run(table, create_table())
    with raises(kind, text):
        watch(table, **options)


def test_the_cursor_of_another_table_is_refused() -> None:
    engine = connect("sqlite::memory:")
    other = Table("Others", "id", stream="both").on(engine)
    table = TABLE.on(engine)
    run(table, create_table())
    run(other, create_table())
    cursor = watch(other).cursor
    text = r"\Athe cursor comes from the stream of another table: arn:[^ ]*/stream/[^ ]*\Z"
    with pytest.raises(BadCursor, match=text):
        watch(table, since=cursor or "")
    run(other, delete_table())
    assert look(other, since=cursor) == []
    run(other, create_table())
    with pytest.raises(ChangesLost):
        look(other, since=cursor)


@settings(max_examples=200)
@given(st.data())
def test_a_forged_cursor_is_refused_or_read(data: st.DataObject) -> None:
    engine = connect("sqlite::memory:")
    table = TABLE.on(engine)
    run(table, create_table())
    put(table, {"id": "a", "n": 1})
    watching = watch(table, since="beginning")
    next(watching)
    cursor = list(watching.cursor or "")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(cursor) - 1))
        cursor[place] = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    with suppress(FlyexprError):
        list(watch(table, since="".join(cursor), budget={"requests": 6}, poll=0))


@pytest.mark.parametrize("moment", ["Infinity", "-Infinity", "NaN", "1e300", "true"])
def test_a_cursor_has_a_moment_that_can_be(moment: str) -> None:
    engine = connect("sqlite::memory:")
    table = TABLE.on(engine)
    run(table, create_table())
    stream, _ = opened_cursor(watch(table).cursor or "")
    forged = f'["{stream}",{{"shardId-00000000000000000000-00000000":["AT_TIMESTAMP",{moment},false]}}]'
    with raises(
        BadCursor, 'since= takes "latest", "beginning", a datetime or the .cursor of an earlier watch; this is not one'
    ):
        watch(table, since=closed_cursor(forged))


def test_a_change_that_the_condition_cannot_be_asked_about_is_not_passed_over() -> None:
    table = Table("Orders", "id", stream="new").on(connect("sqlite::memory:"))
    run(table, create_table())
    put(table, {"id": "a", "n": 1})
    put(table, {"id": "a", "n": 2})
    watching = watch(table, changed("n"), since="beginning", budget=BUDGET, poll=0)
    assert next(watching).kind == "INSERT"
    before = watching.cursor
    with raises(
        ValidationError,
        "what the item was before is not known: the stream keeps NEW_IMAGE\n"
        "  item: {'id': 'a'} of 'Orders'\n"
        "  hint: a stream of NEW_AND_OLD_IMAGES keeps both",
    ):
        next(watching)
    assert watching.cursor == before
    assert [change.kind for change in watch(table, since=before or "", budget={"requests": 6}, poll=0)] == ["MODIFY"]
