"""Long work: parts side by side, chunk after chunk, in constant memory; safe to interrupt and to continue.

A chunk is done, then the journal says so, then the next one begins. If a chunk ends early, the journal says how much of
it is done. After a crash the chunks that were under way are done again, which changes nothing where items are put. Work
of the library, such as an update of all that matches, is a part of one chunk, which makes entries of its own: see
`flyexpr.steps.many`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from flyexpr.cli.jobs.progress import Tick, progress
from flyexpr.cli.jobs.rejects import Refusal, Rejects
from flyexpr.doors.plain import perform
from flyexpr.doors.plain_items import pages
from flyexpr.drive import Pause, noted, relayed
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.records import replace
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.journals.journal import Journal
from flyexpr.steps.many.rate import Pace
from flyexpr.steps.reads.reading import Reading
from flyexpr.steps.stats import Stats
from flyexpr.steps.step import OnDisk, Step, Steps, Together
from flyexpr.values.layout import amount
from flyexpr.values.plain_json import item_text
from flyexpr.values.types import Item

Done = TypeVar("Done")

CHUNK = 1600  # entries that are done before the journal is written: of batches, whole rounds of 16 or 32 at once
WRITERS = 16  # requests under way at once; over 10 ms of latency, 8 keep a load waiting for the service
# Batches of one stream side by side, as long as none has to wait: over 10 ms of latency, a load takes 0.8 of the time.
# Once one has waited there are WRITERS: at 32, a table of 100 units a second refuses one batch until it gives up.
STREAM_WRITERS = 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """Entries of a part, the mark after which the part continues (None at its end), and facts about the mark.

    >>> Chunk([{"id": "a"}], mark=None).facts
    {}

    `within(n)` gives the mark after the first n entries, and the facts about it.
    """

    entries: list[Any]
    mark: Any
    facts: dict[str, Any] = field(default_factory=dict)
    within: Callable[[int], tuple[Any, dict[str, Any]]] | None = None


class Job:
    """Long work: what holds for all of its parts.

    >>> job = Job("put")
    >>> job.run({"input": [Chunk([1, 2], 2), Chunk([3], None)]}, lambda part, entries: job.add(len(entries)))
    >>> job.done
    3.0

    Everything is counted for the part that does it, so a part's mark and its counts belong together.
    """

    def __init__(
        self,
        title: str,
        journal: Journal | None = None,
        rejects: Rejects | None = None,
        rate: float | None = None,
        total: int | None = None,
    ) -> None:
        self.title, self.total = title, total
        self.journal = journal or Journal(None, {})
        self.rejects = rejects or Rejects(None)
        self.stopping = threading.Event()
        self.pace = Pace(rate, time.monotonic)
        self._counts: dict[str, dict[str, float]] = {part: {**found} for part, found in self.journal.counts().items()}
        self._refusals: defaultdict[str, list[Refusal]] = defaultdict(list)  # by part, since its last mark
        self._settled: dict[str, int] = {}  # by part, how many of the first entries of its chunk are done or refused
        self._here = threading.local()  # the part that a thread works for
        self._lock, self._entering, self._idle = threading.Lock(), threading.Lock(), threading.Condition()
        self._busy = 0  # parts that do a chunk now; the others only read
        self._slots = threading.BoundedSemaphore(STREAM_WRITERS)
        self._has_paused = False
        self._failure: BaseException | None = None
        self._began = time.monotonic()

    # what was done

    @property
    def done(self) -> float:
        """How many entries are done, those of an earlier, interrupted run among them."""
        return self._total("done")

    @property
    def refused(self) -> float:
        """How many entries were refused, those of an earlier, interrupted run among them."""
        return self._total("refused")

    def add(self, number: float) -> None:
        """Counts entries as done."""
        self._count("done", number)

    def refuse(self, refusal: Refusal) -> None:
        """Records a refusal; raises it where there is no file of rejects."""
        if not self.rejects.kept:
            raise refusal
        self._count("refused", 1)
        with self._lock:
            self._refusals[self._part].append(refusal)

    def settle(self, number: int) -> None:
        """Notes that the first `number` entries of the chunk are done or refused, in case the chunk ends early."""
        self._settled[self._part] = number

    def spend(self, read: float, taken: float) -> None:
        """Counts read units, and settles them with those that were taken before."""
        self.pay(read, 0.0)
        self.pace.spend(read - taken)

    def pay(self, read: float, written: float) -> None:
        """Counts units that were spent."""
        self._count("read", read)
        self._count("written", written)

    @property
    def _part(self) -> str:
        return getattr(self._here, "part", "")

    def _count(self, name: str, number: float) -> None:
        with self._lock:
            counts = self._counts.setdefault(self._part, {})
            counts[name] = counts.get(name, 0.0) + number

    def _total(self, name: str) -> float:
        with self._lock:
            return float(sum(counts.get(name, 0.0) for counts in self._counts.values()))

    def summary(self, verb: str) -> str:
        """One line on the whole job, for stderr.

        >>> Job("copy").summary("copied").rpartition(",")[0]
        '0 items copied, 0 read units, 0 write units'
        """
        units = (amount(self._total(name), noun) for name, noun in (("read", "read unit"), ("written", "write unit")))
        refused = f", {self.refused:,.0f} refused" if self.refused else ""
        took = f"{time.monotonic() - self._began:.1f} s"
        return f"{amount(self.done, 'item')} {verb}{refused}, {', '.join(units)}, {took}"

    # doing

    def run(self, parts: Mapping[str, Iterable[Chunk]], do: Callable[[str, list[Any]], object]) -> None:
        """Does every part that the journal does not call done, each in a thread; the first failure stops them all.

        KeyboardInterrupt when the user stops it: then the chunks under way are finished, and the journal is right.
        """
        threads = [
            threading.Thread(target=self._do_part, args=(part, chunks, do), daemon=True)
            for part, chunks in parts.items()
            if not self.journal.is_done(part)
        ]
        if len(threads) > 1:  # a stream is one part
            self._slots = threading.BoundedSemaphore(WRITERS)
        with progress(self.title, self.done) as tick:
            for thread in threads:
                thread.start()
            self._await(threads, tick)
        if self._failure is not None:
            raise self._failure

    def _sleep(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Stopped

    def _do_part(self, part: str, chunks: Iterable[Chunk], do: Callable[[str, list[Any]], object]) -> None:
        self._here.part = part
        try:
            for chunk in chunks:
                with self._working():
                    with self._kept(part, chunk):
                        facts = do(part, chunk.entries) or {}
                    self.enter(part, chunk.mark, {**chunk.facts, **(facts if isinstance(facts, dict) else {})})
        except Stopped:
            return
        except BaseException as error:  # the thread that waits for this one raises it
            self._failure = self._failure or error
            self.stopping.set()

    @contextmanager
    def _working(self) -> Iterator[None]:
        """A context for doing a chunk, which an interruption waits for; Stopped where the job is stopping."""
        with self._idle:
            if self.stopping.is_set():
                raise Stopped
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    @contextmanager
    def _kept(self, part: str, chunk: Chunk) -> Iterator[None]:
        """A context for doing a chunk: if it ends early, it is recorded what it has cost so far, and what it has done.

        The next run would else do everything again, and never end where a few requests in a hundred fail.
        """
        before = dict(self._counts.get(part, {}))
        self._settled.pop(part, None)
        try:
            yield
        except BaseException:
            settled = self._settled.get(part, 0)
            with self._lock:
                counts = dict(self._counts.get(part, {}))
            if settled and chunk.within is not None and self.journal.is_kept:
                mark, facts = chunk.within(settled)
                refused = counts.get("refused", 0.0) - before.get("refused", 0.0)
                self._enter(part, mark, facts, counts | {"done": before.get("done", 0.0) + settled - refused})
            else:
                self.journal.spend(part, {name: counts.get(name, 0.0) for name in ("read", "written")})
            raise

    def enter(self, part: str, mark: Any, facts: Mapping[str, Any]) -> None:
        """Records that a part is done up to a mark, and what was refused on the way."""
        with self._lock:
            counts = dict(self._counts.get(part, {}))
        self._enter(part, mark, facts, counts)

    def _enter(self, part: str, mark: Any, facts: Mapping[str, Any], counts: Mapping[str, float]) -> None:
        with self._entering:  # the length of the rejects belongs to the marks of all parts
            with self._lock:
                refusals = self._refusals.pop(part, [])
            self.journal.enter(part, mark, {**facts, self.rejects.fact: self.rejects.write(refusals)}, counts)

    def close(self) -> None:
        """Records what was refused since the last mark, and releases the journal."""
        try:
            self.rejects.write(refusal for refusals in self._refusals.values() for refusal in refusals)
        finally:
            self.rejects.close()
            self.journal.release()

    def _await(self, threads: list[threading.Thread], tick: Tick) -> None:
        try:
            while any(thread.is_alive() for thread in threads):
                threads[0].join(0.05) if threads[0].is_alive() else time.sleep(0.02)
                tick(self.done, self._total("read") + self._total("written"), self.total or None)
        except KeyboardInterrupt:
            self._stop()
            raise

    def _stop(self) -> None:
        """Waits until no chunk is under way; a thread that only reads, such as the keyboard, is not waited for."""
        try:
            with self._idle:
                self.stopping.set()
                while self._busy:
                    self._idle.wait()
        except KeyboardInterrupt:  # Ctrl-C a second time: do not even wait for the requests under way
            os._exit(130)

    # sending

    @property
    def stream_writers(self) -> int:
        """How many batches of one stream may be under way: fewer, once one had to wait for the table or the rate."""
        return WRITERS if self._has_paused else STREAM_WRITERS

    def perform(
        self, table: Table, steps: Callable[[Bulk], Steps[Done]], enters: bool = False, workers: int | None = None
    ) -> Done:
        """The result of bulk work on the table, counted for its part and held to the pace; Stopped where the job stops.

        Work that `enters` begins at the mark of its part, and makes the part's entries in the journal itself. It has
        `workers` requests under way, or WRITERS.
        """
        bulk = JobBulk(self, self._part, enters, workers)
        try:
            return perform(relayed(steps(bulk), Job._step, self, FlyexprError), (table,))
        finally:
            bulk.pay()

    def _step(self, step: Step) -> Steps[Any]:
        """The answer to a step; a pause is made here, where it ends when the job stops, and so does all else."""
        if isinstance(step, Pause):
            self._has_paused = True
            self._sleep(noted(step))
            return None
        if isinstance(step, Together):
            yield replace(step, units=map(partial(self._unit, self._part), step.units))
            return None
        if isinstance(step, OnDisk):
            yield step
            return None
        with self._slots:
            if self.stopping.is_set():
                raise Stopped
            return (yield step)

    def _unit(self, part: str, steps: Steps[Any]) -> Steps[Any]:
        self._here.part = part  # in the thread that does it
        return (yield from relayed(steps, Job._step, self, FlyexprError))

    def pages(self, reading: Reading) -> Iterator[Iterator[Item]]:
        """The pages of a reading without limit or budget, what they cost counted and held to the pace.

        Stopped after a page, where the job is stopping.
        """
        following, cost = pages(reading, reading.table.bound), 0.0
        while reading.mark is not None:
            while (seconds := self.pace.delay(cost)) > 0:  # what the last page has cost: the next one will be like it
                self._sleep(seconds)
            before = reading.stats.capacity
            yield self._paid(next(following), reading, cost)
            cost = reading.stats.capacity - before

    def _paid(self, page: Iterator[Item], reading: Reading, taken: float) -> Iterator[Item]:
        before = reading.stats.capacity
        yield from page
        self.spend(reading.stats.capacity - before, taken)
        if self.stopping.is_set():
            raise Stopped


class JobBulk(Bulk):
    """Bulk work as a part of a job: counted, held to the pace and entered as all that the job does.

    >>> bulk = JobBulk(Job("put"), "input")
    >>> bulk.note(3); bulk.job.done
    3.0
    """

    def __init__(self, job: Job, part: str, enters: bool = False, workers: int | None = None) -> None:
        stats = Stats()
        super().__init__(workers or WRITERS, stats=stats)
        self.job, self._part_name, self._enters = job, part, enters
        self._pace, self._costs, self._paid = job.pace, stats, (0.0, 0.0)

    @property
    def has_journal(self) -> bool:
        """Whether the work can go on after a crash."""
        return self._enters and self.job.journal.is_kept

    def resumed(self, table: Table, call: str, facts: Mapping[str, Any]) -> Steps[Any]:
        """The mark of the part; the command has seen to it that the journal is its own."""
        self.done = int(self.job.journal.counts().get(self._part_name, {}).get("done", 0))
        yield from ()
        return self.job.journal.mark(self._part_name)

    def note(self, number: int) -> None:
        """Counts items as done, and what was spent by then."""
        super().note(number)
        self.job.add(number)
        self.pay()

    def pay(self) -> None:
        """Counts what was spent since the last time."""
        paid = self._costs.capacity, self._costs.write_capacity
        self.job.pay(paid[0] - self._paid[0], paid[1] - self._paid[1])
        self._paid = paid

    def enter(self, mark: Any) -> Steps[None]:
        """Writes the mark into the journal of the job, with all that was counted and refused."""
        self.pay()
        if self.has_journal:
            yield OnDisk(partial(self.job.enter, self._part_name, mark, {}))

    def refused(self, value: Any, error: DynamoError) -> bool:
        """Passes over a value that the service finds invalid, if there is somewhere to put it."""
        if error.code != "ValidationException":
            raise error
        text = item_text(value)
        self.job.refuse(Refusal(f"item {text}", error.message, text))
        return False

    def ended(self, what: str, left: Iterable[Any], cursor: str | None, error: FlyexprError) -> None:
        """Leaves the error as it is: the last line of the job says how much is done."""


class Stopped(Exception):
    """Work that was not begun, because the job is stopping.

    >>> issubclass(Stopped, FlyexprError)
    False
    """
