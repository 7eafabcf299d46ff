"""Handlers of Lambda functions: what is called, and what Lambda is told of failures."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    ExpressionError,
    FlyexprError,
    Table,
    ValidationError,
    begins_with,
    connect,
    create_table,
    delete,
    eq,
    put_all,
    run,
)
from flyexpr.events import Change, changed, handler
from flyexpr.testing import stream_event

TABLE = Table("Counts", "id", attributes={"n": int})


def event(*numbers: int) -> dict[str, Any]:
    """An event in which the item `a` gets these numbers one after the other."""
    return {"Records": [record(place, number) for place, number in enumerate(numbers, 1)]}


def record(place: int, number: int) -> dict[str, Any]:
    key = {"id": {"S": "a"}}
    image = {"Keys": key, "NewImage": {**key, "n": {"N": str(number)}}, "SequenceNumber": f"{10**20 + place}"}
    return {"eventName": "INSERT", "dynamodb": image}


def failing_for(*numbers: int) -> tuple[list[int], Any]:
    seen: list[int] = []

    def function(change: Change) -> None:
        assert change.new is not None
        seen.append(change.new["n"])
        if change.new["n"] in numbers:
            raise RuntimeError("refused")

    return seen, function


def test_every_change_is_handed_over_in_order() -> None:
    seen, function = failing_for()
    assert handler(function, TABLE)(event(1, 2, 3), object()) == {"batchItemFailures": []}
    assert seen == [1, 2, 3]


def test_it_stops_at_the_first_failure_and_names_it(caplog: pytest.LogCaptureFixture) -> None:
    seen, function = failing_for(2, 3)
    with caplog.at_level(logging.ERROR, "flyexpr"):
        answer = handler(function, TABLE)(event(1, 2, 3))
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{10**20 + 2}"}]}
    assert seen == [1, 2]
    (logged,) = caplog.records
    assert logged.getMessage() == f"the change {10**20 + 2} failed; Lambda sends it again"
    assert logged.exc_info is not None
    assert logged.exc_info[0] is RuntimeError


def test_it_goes_on_where_that_is_asked_for_and_names_the_first() -> None:
    seen, function = failing_for(2, 3)
    answer = handler(function, TABLE, go_on=True)(event(1, 2, 3, 4))
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{10**20 + 2}"}]}
    assert seen == [1, 2, 3, 4]


def test_the_lowest_number_is_the_lowest_as_a_number() -> None:
    _, function = failing_for(1, 2)
    short, long = record(1, 1), record(2, 2)
    short["dynamodb"]["SequenceNumber"], long["dynamodb"]["SequenceNumber"] = "9" * 21, "1" + "0" * 21
    answer = handler(function, TABLE, go_on=True)({"Records": [long, short]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "9" * 21}]}


def test_only_changes_for_which_the_condition_holds_are_handed_over() -> None:
    seen, function = failing_for()
    handler(function, TABLE, condition=eq("n", 2))(event(1, 2, 3))
    assert seen == [2]


def test_swapped_arguments_are_found_before_the_first_event() -> None:
    with raises(TypeError, "expected a table, such as Table(...).on(connect(...)), not <built-in function print>"):
        handler(TABLE, print)  # type: ignore[arg-type]


def test_an_item_that_cannot_be_read_is_a_failure() -> None:
    seen, function = failing_for()
    told = event(1, 2)
    told["Records"][1]["dynamodb"]["NewImage"]["n"] = {"S": "two"}
    assert handler(function, TABLE)(told) == {"batchItemFailures": [{"itemIdentifier": f"{10**20 + 2}"}]}
    assert seen == [1]


async def _awaited(_: Any) -> None: ...


async def _several(_: Any) -> AsyncIterator[int]:
    yield 1


class _Awaited:
    async def __call__(self, _: Any) -> None: ...


GENERATOR = "a generator that is returned has done nothing yet"
COROUTINE = (
    "write handler(lambda change: asyncio.run(f(change)), ...); the coroutine that is returned may not be done yet"
)


@pytest.mark.parametrize(
    "function, why",
    [
        (lambda change: _awaited(change), COROUTINE),
        (_Awaited(), COROUTINE),
        (_several, GENERATOR),
        (lambda change: (yield change), GENERATOR),
    ],
)
def test_a_function_that_has_done_nothing_yet_when_it_returns_fails(
    function: Callable[[Any], object], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = f"{10**20 + 1}"
    assert handler(function, TABLE)(event(1, 2)) == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert f"the change {number} failed; Lambda sends it again\n" in caplog.text
    assert caplog.text.endswith(f"\nTypeError: handler calls a plain function; {why}\n")


def test_a_failure_that_cannot_be_named_is_raised() -> None:
    """Lambda then sends the whole batch again."""
    _, function = failing_for(1)
    told = event(1)
    del told["Records"][0]["dynamodb"]["SequenceNumber"]
    with raises(RuntimeError, "refused"):
        handler(function, TABLE)(told)


@pytest.mark.parametrize("told", [None, {}, {"Records": None}, {"Records": {}}, []])
def test_what_is_not_an_event_is_an_error(told: Any) -> None:
    with raises(ValidationError, "at `Records`: not an event of a stream"):
        handler(print, TABLE)(told)


def test_an_event_of_a_table_in_memory_is_what_lambda_would_send() -> None:
    table = Table("Orders", "id", attributes={"at": datetime}, stream="both").on(connect("sqlite::memory:"))
    run(table, create_table())
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    put_all(table, ({"id": f"{n % 40}", "at": noon, "n": n} for n in range(1500)))
    delete(table, "7")
    event = stream_event(table)
    record = event["Records"][-1]
    assert (len(event["Records"]), record["eventName"], record["eventSource"]) == (1501, "REMOVE", "aws:dynamodb")
    assert record["eventSourceARN"].split("/")[1] == "Orders"
    sequences = [int(each["dynamodb"]["SequenceNumber"]) for each in event["Records"]]
    assert sequences == sorted(sequences)
    told: list[Change] = []
    assert handler(told.append, table, condition=changed("n"))(event) == {"batchItemFailures": []}
    assert told[0].new == {"id": "0", "at": noon, "n": 0}
    assert (told[-1].key, told[-1].new) == ({"id": "7"}, None)


def test_an_event_needs_a_table_with_a_stream() -> None:
    table = Table("Orders", "id").on(connect("sqlite::memory:"))
    run(table, create_table())
    with raises(
        FlyexprError,
        "'Orders' has no stream\n  hint: declare it, Table(..., stream=\"both\"), and run(table, update_table())",
    ):
        stream_event(table)


def test_mistakes_are_found_before_an_event_arrives() -> None:
    async def function(change: Change) -> None: ...

    with raises(TypeError, "handler calls a plain function; write handler(lambda change: asyncio.run(f(change)), ...)"):
        handler(function, TABLE)
    with raises(ExpressionError, "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')"):
        handler(print, TABLE, condition=begins_with("n", "1"))
    with raises(
        TypeError, "a change is chosen by a condition such as eq('a', 1), not 'n = 1'; write parse_condition('n = 1')"
    ):
        handler(print, TABLE, condition="n = 1")  # type: ignore[arg-type]
    assert handler(print, TABLE, condition=changed("n"))({"Records": []}) == {"batchItemFailures": []}
