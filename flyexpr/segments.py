"""A parallel scan: every segment read by a thread of its own, the items given as they come."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue, SimpleQueue
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.operations import Scan
from flyexpr.records import replace
from flyexpr.requests import Request
from flyexpr.steps.reading import Reading, Stats, closed_cursor, opened_cursor, out_of
from flyexpr.tables import Engine, Table
from flyexpr.values import Item

_AHEAD = 8  # bundles that wait for the reader, over all segments
_BUNDLE = 32  # items that are handed over at once: one by one, that takes as long as decoding them
_THREADS = 32  # of more segments the rest wait their turn


Bundle = list[tuple[Item, Any]]


class Segments:
    """A scan in `read.segments` parts at the same time; see `scan`.

    >>> sorted(item["title"] for item in run(scores, scan(segments=4)))
    ['Comet Quest', 'Galaxy Invaders']

    `limit` and `budget` hold for all parts together (the budget is looked at page by page). Threads end when the
    reader closes the iterator or lets go of it.
    """

    def __init__(self, table: Table, read: Scan, engine: Engine, counting: bool = False) -> None:
        assert read.segments is not None
        self._engine, self._limit, self._budget, self._returned = engine, read.limit, read.budget, 0
        self._began, self._lock = time.monotonic(), threading.Lock()
        starts = _starts(read.start, read.segments)
        counting = counting and read.limit is None
        self._readings = [
            Reading(
                table, replace(read, segment=number, start=start, limit=None, budget=None), time.monotonic, counting
            )
            for number, start in enumerate(starts)
        ]
        self._counting = counting
        self._marks = [
            None if start is None else reading.mark for start, reading in zip(starts, self._readings, strict=True)
        ]
        self._queue: Queue[tuple[int, Bundle | None, Any]] = Queue(_AHEAD)
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Item]:
        running = [number for number, mark in enumerate(self._marks) if mark is not None]
        waiting: SimpleQueue[int] = SimpleQueue()
        for number in running:
            waiting.put(number)
        for _ in running[:_THREADS]:
            threading.Thread(target=self._read, args=(waiting,), daemon=True).start()
        left = len(running)
        try:
            while left and (self._limit is None or self._returned < self._limit):
                number, bundle, state = self._queue.get()
                if bundle is None:
                    left -= 1
                    if isinstance(state, BaseException):
                        raise state
                    self._marks[number] = state
                    continue
                for item, mark in bundle:
                    if self._limit is not None and self._returned >= self._limit:
                        break
                    self._marks[number] = mark
                    self._returned += 1
                    yield item
        finally:
            self._stop.set()

    def requests(self) -> list[Request]:
        """The request that each segment begins with; nothing is sent."""
        running = (reading for reading, mark in zip(self._readings, self._marks, strict=True) if mark is not None)
        return [request for request in (reading.request() for reading in running) if request is not None]

    def _read(self, waiting: SimpleQueue[int]) -> None:
        with suppress(Empty):
            while not self._stop.is_set():
                self._read_segment(waiting.get_nowait())

    def _read_segment(self, number: int) -> None:
        reading = self._readings[number]
        try:
            while (request := self._next(reading)) is not None:
                for bundle in _bundles(reading, self._engine(request.operation, request.body)):
                    if not self._put((number, bundle, None)):
                        return
            self._put((number, None, reading.mark))
        except BaseException as error:  # whatever it is belongs to the reader, in whose thread it is raised
            self._put((number, None, error))

    def _next(self, reading: Reading) -> Request | None:
        with self._lock:  # so that no two threads take the last request of the budget
            return None if out_of(self._budget, self.stats, time.monotonic() - self._began) else reading.request()

    def _put(self, entry: tuple[int, Bundle | None, Any]) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=0.1)
                return True
            except Full:
                continue
        return False

    @property
    def cursor(self) -> str | None:
        """Where to go on, in all segments at once; None once nothing is left."""
        if all(mark is None for mark in self._marks):
            return None
        cursors = [reading.cursor_at(mark) for reading, mark in zip(self._readings, self._marks, strict=True)]
        return closed_cursor(json.dumps(cursors))

    @property
    def stats(self) -> Stats:
        """The sum over all segments; what is read ahead counts already, but is not `returned`."""
        each = [reading.stats for reading in self._readings]
        return Stats(
            sum(one.requests for one in each),
            sum(one.examined for one in each),
            sum(one.returned for one in each) if self._counting else self._returned,
            sum(one.capacity for one in each),
        )


def _bundles(reading: Reading, body: bytes) -> Iterator[Bundle]:
    """The items of a page in bundles, each item with the mark after it."""
    bundle: Bundle = []
    for item in reading.feed(body):
        bundle.append((item, reading.mark))
        if len(bundle) == _BUNDLE:
            yield bundle
            bundle = []
    if bundle:
        yield bundle


def _starts(cursor: str | None, segments: int) -> list[str | None]:
    if not cursor:
        return [""] * segments
    found = opened_cursor(cursor)
    if not isinstance(found, list) or len(found) != segments or not all(isinstance(one, str | None) for one in found):
        raise ValidationError(f"start= takes the .cursor of an earlier scan with segments={segments}; this is not one")
    return found
