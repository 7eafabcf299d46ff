"""The seam between the library and whatever holds the tables: what an engine is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn, Protocol

from flyexpr.errors import FlyexprError

Engine = Callable[[str, bytes], bytes]
"""Takes an operation's AWS name and its request body, gives the body of the answer, raises DynamoError."""

AsyncEngine = Callable[[str, bytes], Awaitable[bytes]]
"""The same for `flyexpr.aio`: its answers are awaited."""


class Connection(Protocol):
    """What `connect` gives: an engine that `with` or `close()` closes.

    >>> def names(engine: Connection) -> list[str]:
    ...     with engine:
    ...         return call(engine, "ListTables", {})["TableNames"]
    >>> names(connect("sqlite::memory:"))
    []

    A function that only asks takes an `Engine`, and so a plain function too.
    """

    def __call__(self, operation: str, body: bytes, /) -> bytes: ...

    def close(self) -> None: ...

    def __enter__(self) -> Connection: ...

    def __exit__(self, *exception: object) -> None: ...


class AsyncConnection(Protocol):
    """What `connect` of `flyexpr.aio` gives: an engine that `async with` or `await engine.close()` closes."""

    async def __call__(self, operation: str, body: bytes, /) -> bytes: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> AsyncConnection: ...

    async def __aexit__(self, *exception: object) -> None: ...


class Plain:
    """What an engine of `connect` says to `async with`.

    >>> connect("sqlite::memory:").__aenter__()
    Traceback (most recent call last):
    ...
    TypeError: write `with connect(...)`, not `async with`; or use aio.connect(...)
    """

    __slots__ = ()

    def __aenter__(self) -> NoReturn:
        raise TypeError("write `with connect(...)`, not `async with`; or use aio.connect(...)")

    def __aexit__(self, *exception: object) -> None: ...


class Awaited:
    """What an engine of `flyexpr.aio` says to `with`."""

    __slots__ = ()

    def __enter__(self) -> NoReturn:
        raise TypeError("write `async with aio.connect(...)`, not `with`; or use connect(...) of flyexpr itself")

    def __exit__(self, *exception: object) -> None: ...


def past_of(engine: Any, moment: datetime) -> Any:
    """An engine that reads tables as they stood at a moment, which the embedded engine can give.

    >>> past_of(print, datetime(2026, 11, 26))
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: <built-in function print> does not read tables as they stood; the embedded engine does
      hint: on AWS, restore the table to that time under another name (RestoreTableToPointInTime), and read that one
    """
    at = getattr(engine, "at", None)
    if at is None:
        raise FlyexprError(
            f"{engine!r} does not read tables as they stood; the embedded engine does\n"
            "  hint: on AWS, restore the table to that time under another name (RestoreTableToPointInTime), and read "
            "that one"
        )
    return at(moment)


READS = frozenset(["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "SearchVectors"])
"""The operations that read items: done twice they change nothing, and no write units are paid for them."""

STREAM_READS = frozenset(["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"])
"""The operations of DynamoDB Streams, which the service has at an address of its own. They change nothing."""


def changes_nothing(operation: str) -> bool:
    """True for an operation that changes nothing, whatever is asked; a statement of PartiQL may change something.

    So may "Get.PutItem", which is PutItem for a service that goes by what follows the last dot.

    >>> [changes_nothing(name) for name in ("Query", "GetRecords", "DescribeTable", "PutItem", "ExecuteStatement")]
    [True, True, True, False, False]
    """
    return operation in READS or (operation.isalpha() and operation.startswith(("Describe", "List", "Get")))
