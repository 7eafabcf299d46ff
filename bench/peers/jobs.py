"""The jobs of a library, and the results that they must give."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from bench import data

FEW = int(os.environ.get("BENCH_FEW", 4))  # pages in a read that is timed often
BATCH = 25  # items in a batch write
THREADS, EACH = 8, 25  # threads, and reads in each
AT_ONCE = int(os.environ.get("BENCH_AT_ONCE", 1000))  # reads under way at the same time
PAGES_AT_ONCE = 100  # queries of one page under way at the same time
SLOW_KEY = ("wait#5", 7)  # the replay server waits 5 milliseconds before it returns this item

numbers = count(9000)  # gives a new constant each time


@dataclass(frozen=True, slots=True)
class Job:
    """One operation of a library: `run` is timed; `shown` does the same once and returns the result as plain values."""

    run: Callable[[], Any]
    shown: Callable[[], Any] | None = None


Jobs = dict[str, Job]


def same(name: str, shown: Any) -> bool:
    """Whether a job gave the expected data.

    >>> same("get", data.SMALL), same("get", None)
    (True, False)
    """
    if name in ("query pages", "pages kept"):
        shown = _ends(shown)
    return bool(_unordered(data.alike(shown)) == _unordered(data.alike(_EXPECTED[name]())))


def _ends(items: list[Any]) -> list[Any]:
    """The number of items, and the first and the last page of them."""
    return [len(items), items[: data.PAGE], items[-data.PAGE :]]


def _unordered(value: Any) -> Any:
    """The value with wire sets sorted, wire numbers by value, and no NULL.

    PynamoDB neither reads nor writes NULL where an attribute may be missing; pydynox writes 2.5 as 25E-1.
    """
    match value:
        case dict():
            return {name: _unordered_body(name, body) for name, body in value.items() if body not in _NOTHING}
        case list():
            return [_unordered(member) for member in value]
    return value


_NOTHING = (None, {"NULL": True})


def _unordered_body(name: str, body: Any) -> Any:
    if name in ("SS", "NS") and isinstance(body, list):
        return sorted(body)
    return Decimal(body).normalize() if name == "N" and isinstance(body, str) else _unordered(body)


# The expressions, which each library writes in its own way; n is a new number each time.
#   compile condition:  status = 'open' AND visits BETWEEN 100 AND n AND begins_with(name, 'a')
#                       AND (attribute_not_exists(deleted_at) OR score >= 8) AND contains(tags, 'opal')
#   compile update:     SET status = 'closed', score = if_not_exists(score, 0) + 1 REMOVE deleted_at
#                       ADD visits n, tags {'opal'}
#   update:             SET status = 'closed' ADD visits 1 when status = 'open' AND visits < n
#   failed condition:   a put when attribute_not_exists(pk)
#   transaction:        a put, an update SET status = 'closed', and a delete
_CONDITION = ["100", "8", "9000", "a", "opal", "open"]
_UPDATE = ["0", "1", "9000", "['opal']", "closed"]
_EXPECTED: dict[str, Callable[[], Any]] = {
    "query pages": lambda: [FEW * data.PAGE, data.items(0), data.items(FEW - 1)],
    "pages kept": lambda: [data.PAGES * data.PAGE, data.items(0), data.items(data.PAGES - 1)],
    "first three": lambda: data.items(0)[:3],
    "get": lambda: data.SMALL,
    "get, 8 threads": lambda: [data.SMALL] * (THREADS * EACH),
    "get, 1,000 at once": lambda: [data.SMALL] * AT_ONCE,
    "pages, 100 at once": lambda: [data.PAGE] * PAGES_AT_ONCE,
    "update": lambda: ["1", "9000", "closed", "open"],
    "put": lambda: data.wire_item(data.items(0, 1)[0]),
    "batch write": lambda: [data.wire_item(item) for item in data.items(0, BATCH)],
    "transaction": lambda: ["Delete", "Put", "Update"],
    "failed condition": lambda: True,
    "decode": lambda: data.items(0),
    "decode, no two alike": lambda: data.unlike(data.items(0)),
    "encode": lambda: [data.wire_item(item) for item in data.items(0, BATCH)],
    "compile condition": lambda: _CONDITION,
    "compile condition, reused": lambda: _CONDITION,
    "compile condition, new shape": lambda: _CONDITION,
    "compile update": lambda: _UPDATE,
    "compile update, reused": lambda: _UPDATE,
    "sign": lambda: True,
}
JOBS = tuple(_EXPECTED)
SERVED = JOBS[: JOBS.index("decode")]  # those that need the replay server


def constants(request: dict[str, Any]) -> list[str]:
    """The constants of a request's expressions, whatever their placeholders are; those that change count as 9000.

    >>> constants({"ExpressionAttributeValues": {":0": {"N": "9001"}, ":1": {"SS": ["a"]}}})
    ['9000', "['a']"]
    """
    texts = (str(body) for value in request["ExpressionAttributeValues"].values() for body in value.values())
    return sorted("9000" if body.isdecimal() and int(body) > 9000 else body for body in texts)


def batch_of(request: dict[str, Any]) -> list[Any]:
    """The wire items in the request of a batch write."""
    return [put["PutRequest"]["Item"] for put in request["RequestItems"]["items"]]


def shown_writes(url: str, runs: dict[str, Callable[[], Any]]) -> Jobs:
    """The writes as jobs that are checked by the requests that the replay server received."""
    return {name: Job(run, lambda name=name, run=run: _received(url, name, run)) for name, run in runs.items()}  # type: ignore[misc]


def _received(url: str, name: str, run: Callable[[], Any]) -> Any:
    run()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "Bench.Last"})
    ((_, sent),) = json.loads(connection.getresponse().read()).items()
    connection.close()
    return _SHOWN[name](sent)


_SHOWN: dict[str, Callable[[Any], Any]] = {
    "update": constants,
    "put": lambda request: request["Item"],
    "batch write": batch_of,
    "transaction": lambda request: sorted(name for each in request["TransactItems"] for name in each),
}
