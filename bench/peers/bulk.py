"""Work over many items by 16 workers, and by one: how many times as fast, over a network that takes 10 milliseconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median

from flyexpr import Table, assign, batch_get, batch_write, not_exists, put_all, put_item, run, scan, update_matching

WORKERS = 16
_TABLE = Table("Many", "id")
_MANY, _BATCHED = 320, 8000  # items, where each takes a request, and where a request takes 25 or 100 of them
_DELAY = 0.010  # seconds


def speedups(rounds: int) -> dict[str, float]:
    """The time that one worker takes over that of 16, for each kind of work: medians of the rounds."""
    return {name: median(_took(work, 1) / _took(work, WORKERS) for _ in range(rounds)) for name, work in _WORK.items()}


def _took(work: Callable[[Table, int], int], workers: int) -> float:
    table, began = _TABLE.on(_network), time.perf_counter()
    done = work(table, workers)
    assert done in (_MANY, _BATCHED)
    return time.perf_counter() - began


def _network(operation: str, body: bytes) -> bytes:
    """An engine that knows what it is asked, and takes its time."""
    time.sleep(_DELAY)
    if operation == "Scan":
        return _PAGE
    if operation == "BatchGetItem":
        keys = json.loads(body)["RequestItems"]["Many"]["Keys"]
        return json.dumps({"Responses": {"Many": keys}, "UnprocessedKeys": {}}).encode()
    return b"{}"


_PAGE = json.dumps({"Items": [{"id": {"S": str(number)}} for number in range(_MANY)], "Count": _MANY}).encode()


def _items(number: int) -> list[dict[str, str]]:
    return [{"id": str(each)} for each in range(number)]


def _read(table: Table, workers: int) -> int:
    items = run(table, batch_get([item["id"] for item in _items(_BATCHED)]), workers=workers)
    return sum(item is not None for item in items)


_WORK: dict[str, Callable[[Table, int], int]] = {
    "update_matching": lambda table, workers: update_matching(table, scan(), assign("n", 1), workers=workers),
    "put_all with a condition": lambda table, workers: put_all(
        table, _items(_MANY), condition=not_exists("id"), workers=workers
    ),
    "batch_write": lambda table, workers: run(table, batch_write(map(put_item, _items(_BATCHED))), workers=workers),
    "batch_get": _read,
}
