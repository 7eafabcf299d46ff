"""The loop that drives steps."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from raised import raises

from flyexpr import FlyexprError, Stats, Table, aio, call, get, put, run, scan


@pytest.mark.parametrize("stats", [None, Stats()])
def test_an_exhausted_engine_is_not_taken_for_the_end(stats: Stats | None) -> None:
    """A mock that has no more answers raises StopIteration, by which steps say that they are done."""
    answers = iter([b"{}"])
    table = Table("GameScores", "id").on(lambda operation, body: next(answers))
    put(table, {"id": "a"}, stats=stats)
    with raises(RuntimeError, "an answer raised StopIteration"):
        put(table, {"id": "b"}, stats=stats)


async def items_of(items: aio.Items) -> list[Any]:
    return [item async for item in items]


def reads(answer: Any) -> list[Callable[[], Any]]:
    """Every way to ask an engine that gives this answer, at both doors."""

    def engine(operation: str, body: bytes) -> Any:
        return answer

    async def awaited(operation: str, body: bytes) -> Any:
        return answer

    table, other = Table("t", "id").on(engine), Table("t", "id").on(awaited)
    scans = scan(), scan(segments=2), scan(prefetch=True)
    return [
        lambda: get(table, "a"),
        lambda: asyncio.run(aio.get(other, "a")),
        lambda: call(engine, "ListTables", {}),
        *(lambda read=read: list(run(table, read)) for read in scans),  # type: ignore[misc]
        *(lambda read=read: asyncio.run(items_of(aio.run(other, read))) for read in scans),  # type: ignore[misc]
    ]


@pytest.mark.parametrize(
    "answer, text",
    [
        ({"Count": 0}, "not {'Count': 0}; write json.dumps(...).encode()"),
        ("{}", "not '{}'; write .encode() behind it"),
        (None, "not None"),
    ],
)
def test_an_engine_that_returns_no_bytes(answer: Any, text: str) -> None:
    for read in reads(answer):
        with pytest.raises(TypeError) as caught:
            read()
        assert str(caught.value) == f"an engine returns the answer's JSON as bytes, {text}"


@pytest.mark.parametrize("answer", [bytearray(b'{"Items":[]}'), memoryview(b'{"Items":[]}')])
def test_an_engine_that_returns_other_bytes(answer: Any) -> None:
    assert [read() for read in reads(answer)] == [None, None, {"Items": []}, [], [], [], [], [], []]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the generator that was ended
@pytest.mark.parametrize("prefetch", [False, True])
def test_two_threads_that_take_from_one_read(prefetch: bool) -> None:
    told: list[FlyexprError] = []

    def meanwhile() -> None:
        try:
            next(items)
        except FlyexprError as error:
            told.append(error)

    def engine(operation: str, body: bytes) -> bytes:
        if not told:
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join(10)
        return b'{"Items":[{"id":{"S":"a"}}],"Count":1,"ScannedCount":1}'

    items = run(Table("t", "id").on(engine), scan(prefetch=prefetch))
    with raises(
        FlyexprError,
        "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
    ):
        list(items)
    assert str(told[0]).splitlines()[0] == "two threads took items of one read at the same time, which has ended it"
