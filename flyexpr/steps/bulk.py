"""How work over many items is done: how much of it at a time, how fast, and who is told how far it is.

With a journal, the work begins with `resumed`, which says how far an earlier run came. It calls `enter` for each part
that is done, and `close` at its end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, Any, TypeVar

from flyexpr.errors import BatchIncomplete, DynamoError, FlyexprError
from flyexpr.schema.table import Table
from flyexpr.steps.many.rate import Pace
from flyexpr.steps.stats import Stats, check_stats, counted
from flyexpr.steps.step import OnDisk, Steps, Together

if TYPE_CHECKING:
    from flyexpr.steps.journals.journal import Journal

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")
Progress = Callable[[int, Stats], object]  # is given the number of items done, and what they have cost so far

JournalFile = str | os.PathLike[str]

CHUNK = 1000  # items between two entries in a journal
MOST_WORKERS = 256
_ASYNC = 0x80  # inspect.CO_COROUTINE, without the import of inspect


class Bulk:
    """The manner of one piece of bulk work, and how much of it is done.

    >>> bulk = Bulk(workers=8)
    >>> list(bulk.paced(iter(()))), bulk.done
    ([], 0)
    """

    def __init__(
        self,
        workers: int = 1,
        rate: Any = None,
        progress: Progress | None = None,
        stats: Stats | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        journal: JournalFile | None = None,
    ) -> None:
        check_stats(stats)
        check_workers(workers)
        if rate is not None and not (isinstance(rate, (int, float)) and rate > 0):
            raise ValueError(f"rate= takes capacity units per second, more than 0, not {rate!r}")
        check_callback("progress", progress, "the number of items done and Stats")
        if journal is not None and not isinstance(journal, (str, os.PathLike)):
            raise TypeError(f"journal= takes the path of a file, not {journal!r}")
        self._file = journal
        self._journal: Journal | None = None
        self.workers, self._progress, self.done = workers, progress, 0
        self._pace = None if rate is None else Pace(rate, clock)
        self._counting = stats is not None or rate is not None or progress is not None
        self._stats = Stats() if stats is None else stats

    def paced(self, steps: Steps[R]) -> Steps[R]:
        """The same steps: counted, if anybody asks for the counts, and held to the rate."""
        return counted(steps, self._stats, self._pace) if self._counting else steps

    def note(self, number: int) -> None:
        """Takes note that this many more items are done."""
        self.done += number
        if self._progress is not None and number:
            self._progress(self.done, self._stats)

    @property
    def has_journal(self) -> bool:
        """Whether the work can go on after a crash."""
        return self._file is not None

    def resumed(self, table: Table[Any], call: str, facts: Mapping[str, Any]) -> Steps[Any]:
        """The mark up to which an earlier run of the same call is done; None where there was none, or has no journal.

        FlyexprError for the journal of another call, of other facts, or of an earlier table of the same name.
        """
        if self._file is None:
            return None
        from flyexpr.steps.lifecycle import description  # as Journal below: few programs keep one

        job = {"call": call, "table": table.name, **identity((yield from description(table))), **facts}
        yield OnDisk(partial(self._open, self._file, job))
        assert self._journal is not None
        self.done = int(self._journal.counts().get(_PART, {}).get("done", 0))
        return self._journal.mark(_PART)

    def _open(self, file: JournalFile, job: Mapping[str, Any]) -> None:
        from pathlib import Path

        from flyexpr.steps.journals.journal import Journal  # few programs keep one

        self._journal = Journal(Path(file), job)

    def enter(self, mark: Any) -> Steps[None]:
        """Writes into the journal, if there is one, that the work is done up to a mark."""
        if self._journal is not None:
            yield OnDisk(partial(self._journal.enter, _PART, mark, None, {"done": self.done}))

    def close(self) -> None:
        """Removes the journal: the work is done.

        No step, so that nobody can be cancelled between this and the result: the work would be done once more.
        """
        if self._journal is not None:
            self._journal.close()

    def release(self) -> None:
        """Lets another job have the journal, however this one has ended."""
        if self._journal is not None:
            self._journal.release()

    def refused(self, value: Any, error: DynamoError) -> bool:
        """Whether a value counts as done that an engine refused; raises the error if that ends the work, as it does."""
        raise error

    def ended(self, what: str, left: Iterable[Any], cursor: str | None, error: FlyexprError) -> None:
        """Raises BatchIncomplete for an error that ends the work, if something is done by then."""
        if self.done:
            raise BatchIncomplete(self.done, left, what, str(error), cursor) from error


_PART = "work"


def identity(members: Mapping[str, Any]) -> dict[str, str]:
    """What tells a table from a later one of the same name, by the engine's own description.

    >>> identity({"TableId": "7d1e", "TableName": "scores"})
    {'TableId': '7d1e'}
    """
    return {"TableId": str(members.get("TableId") or members.get("CreationDateTime"))}


def each(
    bulk: Bulk,
    what: str,
    left: dict[K, T],
    unit: Callable[[T], Steps[bool]],
    cursor: str | None,
    rest: Iterable[T] = (),
    enter: Callable[[Mapping[K, T]], Steps[None]] | None = None,
) -> Steps[None]:
    """Does a unit of work for each value, several at a time; a unit says whether its value counts as done.

    A value that is done leaves the dict. If a unit fails, `enter` writes into the journal what is left in it: the next
    run would else do everything again, and never end where a few requests in a hundred fail. BatchIncomplete, if
    something was done by then, has the values that are left, the rest and the cursor.
    """

    def keyed(key: K, value: T) -> Steps[tuple[K, bool]]:
        try:
            return key, (yield from unit(value))
        except DynamoError as error:
            return key, bulk.refused(value, error)

    def note(outcome: tuple[K, bool]) -> None:
        key, done = outcome
        del left[key]
        bulk.note(done)

    try:
        yield Together(starmap(keyed, tuple(left.items())), bulk.workers, note, bulk.has_journal)
    except FlyexprError as error:
        if enter is not None:
            yield from enter(left)
        bulk.ended(what, (*left.values(), *rest), cursor, error)
        raise


def check_callback(option: str, callback: Any, news: str) -> None:
    """TypeError for what is neither None nor a plain function that can be called with news of the work.

    >>> check_callback("progress", 3, "the number of items done and Stats")
    Traceback (most recent call last):
    ...
    TypeError: progress= takes a function of the number of items done and Stats, not 3
    """
    if callback is not None and not callable(callback):
        raise TypeError(f"{option}= takes a function of {news}, not {callback!r}")
    if getattr(getattr(callback, "__code__", None), "co_flags", 0) & _ASYNC:
        raise TypeError(f"{option}= is called, and not awaited: write `def`, not `async def`")


def check_workers(workers: Any) -> None:
    """ValueError for what is not a number of workers.

    >>> check_workers(0)
    Traceback (most recent call last):
    ...
    ValueError: workers= takes a whole number from 1 to 256, not 0
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers= takes a whole number from 1 to {MOST_WORKERS}, not {workers!r}")
