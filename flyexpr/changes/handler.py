"""A function of one change as the handler of a Lambda function that reads a stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from inspect import iscoroutinefunction
from typing import Any

from flyexpr.changes.change import Change, change_of, check_condition
from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Condition
from flyexpr.records import record
from flyexpr.schema.table import Table

Handler = Callable[..., dict[str, Any]]
_PLAIN = "handler calls a plain function; write handler(lambda change: asyncio.run(f(change)), ...)"


def handler(
    function: Callable[[Change], object],
    table: Table[Any],
    *,
    condition: Condition | None = None,
    go_on: bool = False,
) -> Handler:
    """A Lambda handler that calls the function with each change of an event for which the condition holds.

    >>> from flyexpr.events import changed, handler
    >>> handle = handler(lambda change: print(change.new["wins"]), scores, condition=changed("wins"))
    >>> key = {"userid": {"S": "abc"}, "title": {"S": "Comet Quest"}}
    >>> image = {"Keys": key, "NewImage": {**key, "wins": {"N": "1"}}, "SequenceNumber": "100000000000000000001"}
    >>> handle({"Records": [{"eventName": "INSERT", "dynamodb": image}]})
    1
    {'batchItemFailures': []}

    Where the function fails, or an item cannot be read, the handler stops, so that the order of changes is kept, and
    answers with the sequence number of that change: Lambda sends it again, and all after it. With `go_on`, it does the
    others first; then those after the first failure are done twice. The event source needs
    `FunctionResponseTypes=["ReportBatchItemFailures"]`. An exception is logged with its traceback, by the logger
    `flyexpr`; a change with no sequence number cannot be named, so its exception is raised.

    Lambda may send any change more than once, so let the function have the same effect when it is called again.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    check_condition(table, condition)
    if iscoroutinefunction(function):
        raise TypeError(_PLAIN)
    return _Handler(function, table, condition, go_on)


@record
class _Handler:
    function: Callable[[Change], object]
    table: Table[Any]
    condition: Condition | None
    go_on: bool

    def __call__(self, event: Any, context: Any = None) -> dict[str, Any]:
        failed: list[str] = []
        for number, entry in enumerate(_records(event)):
            if not self._succeeds(entry, number):
                failed.append(_sequence(entry))
                if not self.go_on:
                    break
        return {"batchItemFailures": [{"itemIdentifier": min(failed, key=int)}] if failed else []}

    def _succeeds(self, entry: Any, number: int) -> bool:
        """Whether the function did what it does with the change, or did not have to; an exception is logged."""
        try:
            change = change_of(entry, self.table, f"Records[{number}]")
            if self.condition is None or change.matches(self.condition):
                self._call(change)
        except Exception:
            if not _sequence(entry):
                raise
            logging.getLogger("flyexpr").exception("the change %s failed; Lambda sends it again", _sequence(entry))
            return False
        return True

    def _call(self, change: Change) -> None:
        """Calls the function. A coroutine or a generator has done nothing yet, so its change would be lost."""
        result = self.function(change)
        if isinstance(result, Coroutine):
            result.close()  # else Python warns of it, too
        if isinstance(result, (Generator, AsyncGenerator)):
            raise TypeError("handler calls a plain function; a generator that is returned has done nothing yet")
        if isinstance(result, Awaitable):
            raise TypeError(f"{_PLAIN}; the {type(result).__name__} that is returned may not be done yet")


def _records(event: Any) -> list[Any]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise ValidationError("not an event of a stream", at="Records")
    return records


def _sequence(entry: Any) -> str:
    """The sequence number of a record, as far as it has one: digits."""
    image = entry.get("dynamodb") if isinstance(entry, dict) else None
    sequence = image.get("SequenceNumber") if isinstance(image, dict) else None
    return sequence if isinstance(sequence, str) and sequence.isdecimal() else ""
