"""How long work waits before it asks again, and how often it does: the pauses are noted, and nobody waits."""

import json
from collections.abc import Callable, Generator
from itertools import accumulate
from typing import Any

import pytest

from flyexpr import (
    BatchIncomplete,
    ConditionFailed,
    DynamoError,
    FlyexprError,
    NoSuchTable,
    Table,
    VectorIndex,
    assign,
    batch_get,
    batch_write,
    create_table,
    delete_table,
    near,
    put_item,
    search,
    update_item,
    vector,
)
from flyexpr.drive import Pause
from flyexpr.engines.aws.retries import Quota, delay
from flyexpr.requests.request import Request
from flyexpr.steps import batch_reads, batch_writes, lifecycle, searches
from flyexpr.steps.guarded import guarded
from flyexpr.steps.many.rate import Pace
from flyexpr.steps.parents import update_with_parents
from flyexpr.steps.stats import Stats, counted
from flyexpr.steps.step import backoff
from flyexpr.steps.streams.watching import Watching

TABLE = Table("things", "id", attributes={"id": str}, stream="new")
DOUBLED = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
BUSY = DynamoError.of("ThrottlingException", "too much")
Answer = Callable[[Request], Any]


@pytest.fixture(autouse=True)
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance always draws the longest pause, and the shortest that it may draw is none."""

    def drawn(least: float, most: float) -> float:
        assert least == 0
        return most

    monkeypatch.setattr("random.uniform", drawn)


def done(steps: Generator[Any, Any, Any], answer: Answer, clock: list[float] | None = None) -> tuple[Any, ...]:
    """How many requests the steps make, the seconds of their pauses, and their result or error."""
    requests, pauses, resume, argument = 0, [], steps.send, None
    try:
        while True:
            step = resume(argument)
            resume, argument = steps.send, None
            if isinstance(step, Pause):
                pauses.append(round(step.seconds, 6))
                if clock is not None:
                    clock[0] += step.seconds
            else:
                requests += 1
                assert requests < 1000
                try:
                    argument = answer(step)
                    if not isinstance(argument, bytes):
                        argument = json.dumps(argument).encode()
                except DynamoError as error:
                    resume, argument = steps.throw, error
    except StopIteration as end:
        return requests, pauses, end.value
    except FlyexprError as error:
        return requests, pauses, type(error)


def always(error: DynamoError) -> Answer:
    def answer(request: Request) -> Any:
        raise error

    return answer


def in_turn(*answers: Any) -> Answer:
    left = list(answers)

    def answer(request: Request) -> Any:
        one = left.pop(0)
        if isinstance(one, DynamoError):
            raise one
        return one

    return answer


def test_each_pause_may_be_twice_as_long() -> None:
    assert [backoff(attempt, "").seconds for attempt in range(1, 11)] == DOUBLED
    assert backoff(100_000, "").seconds == 10


def all_left(request: Request) -> Any:
    wire = json.loads(request.body)["RequestItems"]
    return (
        {"UnprocessedKeys": wire, "Responses": {}}
        if request.operation == "BatchGetItem"
        else {"UnprocessedItems": wire}
    )


@pytest.mark.parametrize(
    "steps",
    [
        lambda: batch_reads.batch_get(TABLE, batch_get(["a", "b"])),
        lambda: batch_writes.batch_write(TABLE, batch_write([put_item({"id": "a"}), put_item({"id": "b"})])),
    ],
)
def test_a_batch_that_makes_no_progress(steps: Callable[[], Any]) -> None:
    assert done(steps(), all_left) == (11, DOUBLED, BatchIncomplete)


def test_a_batch_that_makes_progress_begins_to_count_anew() -> None:
    def one_done(request: Request) -> Any:
        left = json.loads(request.body)["RequestItems"]["things"]
        turns.append(len(left))
        return {"UnprocessedItems": {"things": left[len(turns) % 2 :]} if len(left) > 1 or len(turns) % 2 == 0 else {}}

    turns: list[int] = []
    written = batch_write([put_item({"id": name}) for name in "abc"])
    _, pauses, result = done(batch_writes.batch_write(TABLE, written), one_done)
    assert (turns, pauses, result) == ([3, 2, 2, 1, 1], [0.1, 0.2, 0.1, 0.2], 3)


@pytest.mark.parametrize("attempts, more", [(1, {"attempts": 1}), (3, {"attempts": 3}), (10, {})])
def test_a_writer_that_another_is_always_faster_than(attempts: int, more: dict[str, Any]) -> None:
    def look() -> Any:
        return (yield Request("GetItem", b"{}"))

    def write(_: Any) -> Any:
        return (yield Request("PutItem", b"{}"))

    def answer(request: Request) -> Any:
        if request.operation == "PutItem":
            raise ConditionFailed("ConditionalCheckFailedException", "no")
        return {}

    assert done(guarded(look, write, **more), answer) == (2 * attempts, DOUBLED[: attempts - 1], ConditionFailed)


def test_an_update_whose_parents_always_change() -> None:
    update = update_item("x", assign("a.b", 1, parents=True))
    changed = ConditionFailed("ConditionalCheckFailedException", "no")
    assert done(update_with_parents(TABLE, update, None), always(changed)) == (10, [], ConditionFailed)


def status(name: str) -> Any:
    return {"Table": {"TableName": "t", "TableStatus": name}}


GROWING = [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56]


def test_a_table_that_becomes_ready() -> None:
    answers = in_turn({}, status("CREATING"), NoSuchTable("ResourceNotFoundException", ""), status("ACTIVE"))
    assert done(lifecycle.create_table(TABLE, create_table()), answers)[1] == GROWING[:2]
    answers = in_turn({}, status("DELETING"), NoSuchTable("ResourceNotFoundException", ""))
    assert done(lifecycle.delete_table(TABLE, delete_table()), answers)[1] == GROWING[:1]


def test_a_table_that_never_becomes_ready() -> None:
    def answer(request: Request) -> Any:
        return status("CREATING") if request.operation == "DescribeTable" else {}

    _, pauses, error = done(lifecycle.create_table(TABLE, create_table()), answer)
    assert (pauses, error) == (GROWING + [5.0] * 119, DynamoError)
    assert [waited > 600 for waited in accumulate(pauses)] == [False] * 126 + [True]


INDEXED = Table("t", "id", attributes={"v": vector(2)}, indexes=[VectorIndex("i", "v", 2)])
NEW = DynamoError.of("ValidationException", "The table does not have the specified index: i")


@pytest.mark.parametrize(
    "wait, pauses", [(0, []), (0.1, [0.1]), (0.2, [0.1, 0.2]), (9, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0])]
)
def test_an_index_that_does_not_answer_yet(wait: float, pauses: list[float]) -> None:
    asked = search(near("v", [1.0, 2.0]), top=1, wait=wait)
    assert done(searches.search(INDEXED, asked), always(NEW)) == (len(pauses) + 1, pauses, DynamoError)


STREAM = "arn:aws:dynamodb:eu-west-1:0:table/t/stream/2026-01-01T00:00:00.000"


def quiet(request: Request) -> Any:
    """A stream of one shard on which nothing happens."""
    match request.operation:
        case "DescribeTable":
            spec = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
            return {"Table": {"StreamSpecification": spec, "LatestStreamArn": STREAM}}
        case "DescribeStream":
            shard = {"ShardId": "shardId-1", "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
            return {"StreamDescription": {"StreamArn": STREAM, "StreamStatus": "ENABLED", "Shards": [shard]}}
        case "GetShardIterator":
            return {"ShardIterator": "i"}
    return {"Records": [], "NextShardIterator": "i"}


@pytest.mark.parametrize(
    "more, budget, pauses",
    [
        ({}, {"seconds": 2.5}, [1, 1, 0.5]),
        ({"poll": 0.2}, {"seconds": 0.5}, [0.2, 0.2, 0.1]),
        ({"poll": 7}, {"seconds": 7}, [7]),
        ({"poll": 0.25}, {"requests": 6}, [0.25, 0.25]),
    ],
)
def test_a_watch_looks_again(more: dict[str, Any], budget: dict[str, float], pauses: list[float]) -> None:
    clock = [0.0]
    watching = Watching(TABLE, budget=budget, clock=lambda: clock[0], now=lambda: 2e9, **more)  # type: ignore[arg-type]
    _, waited, change = done(watching.next_change(), quiet, clock)
    assert (waited, change) == (pauses, None)


def test_a_watch_of_a_busy_service() -> None:
    clock = [0.0]
    watching = Watching(TABLE, budget={"seconds": 3}, clock=lambda: clock[0], now=lambda: 2e9)
    assert done(watching.next_change(), always(BUSY), clock) == (6, [0.1, 0.2, 0.4, 0.8, 1.5], type(BUSY))


def test_requests_that_are_held_to_a_rate() -> None:
    clock = [0.0]

    def unit() -> Any:
        for _ in range(3):
            yield Request("PutItem", b"{}" + b" " * 1022)

    def answer(request: Request) -> Any:
        return {"ConsumedCapacity": {"CapacityUnits": 4}}

    pace, stats = Pace(2, lambda: clock[0]), Stats()
    requests, pauses, _ = done(counted(unit(), stats, pace), answer, clock)  # type: ignore[arg-type]
    assert (requests, pauses, stats.write_capacity) == (3, [0.5] * 6, 12)


def test_the_bucket_of_a_rate() -> None:
    clock = [0.0]
    pace = Pace(10, lambda: clock[0])
    assert [pace.delay(10), pace.delay(1), pace.delay(1)] == [0.0, 0.0, 0.1]
    clock[0] = 100.0
    assert [pace.delay(10), pace.delay(1), pace.delay(1)] == [0.0, 0.0, 0.1], "the units of one second, and no more"
    pace.spend(-1)
    assert pace.delay(0) == 0.0


def test_the_pauses_between_the_attempts_of_a_request() -> None:
    assert [delay(attempt, False, 1.0) for attempt in range(1, 13)] == [
        *(0.025 * 2**number for number in range(10)),
        20,
        20,
    ]
    assert [delay(attempt, True, 1.0) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 20, 20]
    assert [delay(2000, throttled, 0.5) for throttled in (False, True)] == [10, 10]
    assert [delay(1, True, 0.0, asked) for asked in ("0", "70", "4999", "5000", "5001", "9" * 30)] == [
        0.0,
        0.07,
        4.999,
        5.0,
        5.0,
        5.0,
    ]
    assert [delay(1, True, 1.0, asked) for asked in ("999", "1001", "x", "-1", "²", "")] == [1, 1.001, 1, 1, 1, 1]


def test_what_is_left_for_repetitions() -> None:
    quota = Quota()
    assert [quota.take(500), quota.take(1)] == [True, False]
    quota.give(3)
    assert [quota.take(4), quota.take(3), quota.take(1)] == [False, True, False]
    quota.give(1000)
    assert [quota.take(501), quota.take(500)] == [False, True]
