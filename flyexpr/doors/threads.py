"""Work that has several requests under way, each in a thread: units of bulk work, segments of a scan, the next page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from flyexpr.engine import Engine
from flyexpr.requests.request import Request
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import Reading
from flyexpr.steps.step import Steps, Together

_THREADS = 32  # requests under way; with more lanes, the others wait for their turn


def threads(most: int) -> ThreadPoolExecutor:
    """A pool of `most` threads for one read, but of no more than 32; none runs before its first request."""
    return ThreadPoolExecutor(min(most, _THREADS), "flyexpr-read")


def do_together(step: Together, drive: Callable[[Steps[Any]], object]) -> None:
    """Does the units of a step, each in a thread; raises the first failure once all that had begun have ended.

    >>> from flyexpr.steps.items import get
    >>> from flyexpr.doors.plain import drive
    >>> def unit(title):
    ...     return (yield from get(scores, get_item(("abc", title))))["wins"]
    >>> titles, wins = ["Comet Quest", "Comet Quest"], []
    >>> do_together(Together(map(unit, titles), 2, wins.append), lambda steps: drive(steps, scores.engine))
    >>> wins
    [3, 3]
    """
    crew = _Crew(step, drive)
    try:
        crew.start()
        crew.note_all()
    finally:
        crew.end()
    if crew.failures:
        raise crew.failures[0]


class _Crew:
    """Threads that do the units of a step: each takes the next one by itself, which a pool would be asked for.

    Results are noted in the thread that made the crew.
    """

    def __init__(self, step: Together, drive: Callable[[Steps[Any]], object]) -> None:
        self._step, self._drive = step, drive
        self._threads: list[Thread] = []
        self._landed, self._running = SimpleQueue[tuple[bool, Any]](), 0
        self._lock, self._is_over = Lock(), False
        self.failures: list[BaseException] = []

    def start(self) -> None:
        """Starts the threads, but no more than there are units."""
        while len(self._threads) < self._step.workers and (unit := self._next()) is not None:
            thread = Thread(target=self._work, args=(unit,), name="flyexpr-worker")
            thread.start()
            self._threads.append(thread)
            self._running += 1

    def note_all(self) -> None:
        """Notes the results until all threads have ended."""
        while self._running:
            is_result, outcome = self._landed.get()
            if is_result:
                self._note(outcome)
            else:
                self._running -= 1
                self.failures += outcome

    def end(self) -> None:
        """Lets no other unit begin, and waits for those under way."""
        self._is_over = True
        self.note_all()
        for thread in self._threads:
            thread.join()

    def _note(self, result: Any) -> None:
        try:
            self._step.note(result)
        except BaseException as failure:  # a unit that is not noted would count as not done
            self._is_over = True
            self.failures.append(failure)

    def _work(self, unit: Steps[Any] | None) -> None:
        failures: list[BaseException] = []
        try:
            while unit is not None:
                self._landed.put((True, self._drive(unit)))
                unit = self._next()
        except BaseException as failure:  # the thread that notes the results raises it
            self._is_over = True
            failures.append(failure)
        self._landed.put((False, failures))

    def _next(self) -> Steps[Any] | None:
        with self._lock:
            return None if self._is_over else next(self._step.units, None)


def items_of_lanes(lanes: Lanes, engine: Engine, pool: ThreadPoolExecutor) -> Iterator[Any]:
    """The items of all lanes as their pages come, each lane's request in a thread.

    >>> lanes = Lanes(scores, scan(segments=2), lambda: 0.0)
    >>> sorted(item["title"] for item in items_of_lanes(lanes, scores.engine, threads(2)))
    ['Comet Quest', 'Galaxy Invaders']

    A lane asks for its next page once its last one is taken; the others' answers wait meanwhile. An engine's error is
    raised when its turn comes.
    """
    flying: dict[Future[bytes], int] = {}
    try:
        while not lanes.full:
            while len(flying) < _THREADS and (taken := lanes.take()) is not None:
                lane, request = taken
                flying[pool.submit(engine, request.operation, request.body)] = lane
            if not flying:
                return
            landed = next(iter(wait(flying, return_when=FIRST_COMPLETED).done))
            yield from lanes.feed(flying.pop(landed), landed.result())
    finally:
        pool.shutdown(wait=False)


@contextmanager
def asked_ahead(reading: Reading, engine: Engine, pool: ThreadPoolExecutor) -> Iterator[Engine]:
    """The engine for a reading, which is asked for the next page early, in a thread of its own.

    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), lambda: 0.0)
    >>> with asked_ahead(reading, scores.engine, threads(1)) as ahead:
    ...     request = reading.request()
    ...     print([item["title"] for item in reading.feed(ahead(request.operation, request.body))])
    ['Comet Quest']

    The next request is guessed from the last bytes of a page. Its answer counts only if the page itself, once it is
    read, asks for the same; another is thrown away. An engine's error is raised where its page would begin.
    """
    sent: tuple[Request, Future[bytes]] | None = None

    def ahead(operation: str, body: bytes) -> bytes:
        nonlocal sent
        is_sent = sent is not None and sent[0] == Request(operation, body)
        page = sent[1].result() if sent is not None and is_sent else engine(operation, body)
        following = reading.following(page)
        sent = None if following is None else (following, pool.submit(engine, following.operation, following.body))
        return page

    try:
        yield ahead
    finally:
        pool.shutdown(wait=False)
