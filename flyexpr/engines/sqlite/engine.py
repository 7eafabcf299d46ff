"""The embedded engine: DynamoDB's operations, carried out on one SQLite file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from flyexpr.engines.sqlite.disk.failures import failure
from flyexpr.engines.sqlite.disk.files import MEMORY, TableFile
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import unreadable
from flyexpr.engines.sqlite.operations.batches import batch_get_item, batch_write_item
from flyexpr.engines.sqlite.operations.items import delete_item, put_item, update_item
from flyexpr.engines.sqlite.operations.limits import describe_continuous_backups, describe_endpoints, describe_limits
from flyexpr.engines.sqlite.operations.reads import get_item, query, scan
from flyexpr.engines.sqlite.operations.tables import (
    create_table,
    delete_table,
    describe_table,
    list_tables,
    update_table,
)
from flyexpr.engines.sqlite.operations.tags import list_tags_of_resource, tag_resource, untag_resource
from flyexpr.engines.sqlite.operations.transactions import transact_get_items, transact_write_items
from flyexpr.engines.sqlite.operations.ttl import describe_time_to_live, sweep, update_time_to_live
from flyexpr.engines.sqlite.request.members import Request
from flyexpr.engines.sqlite.request.put_patterns import Puts
from flyexpr.engines.sqlite.request.shapes import check_refused
from flyexpr.errors import DynamoError, FlyexprError

MAX_BODY = 16 * 1024 * 1024
SWEEP_SECONDS = 1.0

Handler = Callable[[Storage, Request, float], bytes]

OPERATIONS: dict[str, Handler] = {
    "BatchGetItem": batch_get_item,
    "BatchWriteItem": batch_write_item,
    "CreateTable": create_table,
    "DeleteItem": delete_item,
    "DeleteTable": delete_table,
    "DescribeContinuousBackups": describe_continuous_backups,
    "DescribeEndpoints": describe_endpoints,
    "DescribeLimits": describe_limits,
    "DescribeTable": describe_table,
    "DescribeTimeToLive": describe_time_to_live,
    "GetItem": get_item,
    "ListTables": list_tables,
    "ListTagsOfResource": list_tags_of_resource,
    "PutItem": put_item,
    "Query": query,
    "Scan": scan,
    "TagResource": tag_resource,
    "TransactGetItems": transact_get_items,
    "TransactWriteItems": transact_write_items,
    "UntagResource": untag_resource,
    "UpdateItem": update_item,
    "UpdateTable": update_table,
    "UpdateTimeToLive": update_time_to_live,
}


class SqliteEngine:
    """Tables in an SQLite file, or with `:memory:` in this object alone.

    >>> with SqliteEngine(":memory:") as engine:
    ...     engine("ListTables", b"{}")
    b'{"TableNames":[]}'

    Threads may share it, processes the file. It pickles as its path. `clock` gives the time, for whoever wants to test
    what time does.
    """

    def __init__(self, path: str, sync: str = "normal", clock: Callable[[], float] = time.time) -> None:
        self.path, self.sync = path, sync
        self._clock, self._swept = clock, float("-inf")
        self._puts = Puts()
        self._storage = Storage(TableFile(path, sync))

    def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError in the service's words when it is refused."""
        handler = OPERATIONS.get(operation)
        if handler is None:
            raise DynamoError.of("UnknownOperationException", f"{operation} is not an operation of this engine")
        putting = operation == "PutItem"
        request: Request = {}
        try:
            request, now = putting and read_alike(body, self._puts) or read_body(body), self._clock()
            if not 0 <= now - self._swept < SWEEP_SECONDS:  # the clock may be set back
                self._sweep(now)
            answer = handler(self._storage, request, now)
            if putting:
                self._puts.met(request["Item"], len(body))
        except FlyexprError as error:  # of a handler, which has ended its transaction
            check_refused(operation, request, error)
            raise
        except BaseException as error:
            self._storage.recover()
            if isinstance(error, Exception):
                raise failure(error, self.path) from error
            raise
        return answer

    def _sweep(self, now: float) -> None:
        """Delete what has expired, if that can be done without waiting; whatever stops it, the request goes on."""
        self._swept = now
        with suppress(Exception):
            if sweep(self._storage, now):
                self._swept = float("-inf")  # there is more, for the next request

    def close(self) -> None:
        """Close the file; what was acknowledged is in it. The engine cannot be used any more."""
        self._storage.close()

    def __enter__(self) -> SqliteEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<engine sqlite:{self.path}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path == MEMORY:
            raise FlyexprError("tables in memory live in one process; use a file, such as connect('sqlite:tables.db')")
        return connect_sqlite, (os.path.abspath(self.path), self.sync)


def connect_sqlite(path: str, sync: str = "normal", **unknown: str) -> SqliteEngine:
    """The engine on the SQLite file at `path`, which is made when it is missing; `:memory:` for none.

    >>> connect_sqlite(":memory:")
    <engine sqlite::memory:>
    """
    if unknown:
        name = next(iter(unknown))
        raise FlyexprError(f"no option {name!r} in 'sqlite:{path}?{name}=***'\n  write one of: sync=normal, sync=full")
    return SqliteEngine(path, sync)


def read_body(body: bytes) -> Request:
    """The JSON of a request, as an object.

    >>> read_body(b'{"Limit": NaN}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: the body is not the JSON of a request
    """
    if len(body) > MAX_BODY:
        raise unreadable("the body is over 16 MB")
    try:
        text = body.decode().strip(" \t\r\n")
        request, end = _decode(text)
        if end != len(text):
            raise ValueError("something follows the request")
        if "\\ud" in text or "\\uD" in text:
            json.dumps(request, ensure_ascii=False).encode()  # half of a surrogate pair cannot be stored
    except (ValueError, RecursionError):
        raise unreadable("the body is not the JSON of a request") from None
    if type(request) is not dict:
        raise unreadable("the body is not the JSON of a request")
    return request


def read_alike(body: bytes, puts: Puts) -> Request | None:
    """The request of a PutItem, whose item is not read again if it is like many before it; None in any doubt.

    >>> read_alike(b'{"Item":{"id":{"S":"a"}}}', Puts()) is None
    True
    """
    if not puts.known or len(body) > MAX_BODY or b"\\" in body:
        return None
    request: Request = {}
    place = 1
    try:
        text = body.decode()
        while text[place - 1] == ("," if request else "{"):
            name, place = _decode(text, place)
            if type(name) is not str or text[place] != ":":
                return None
            found = puts.item(text, place + 1) if name == "Item" else None
            value, place = (found, place + 1 + len(found.text)) if found else _decode(text, place + 1)
            request[name] = value
            place += 1
    except (ValueError, IndexError, RecursionError):
        return None
    return request if text[place - 1 :] == "}" else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
