"""How work over many items is done: how much of it at a time, how fast, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import starmap
from typing import Any, TypeVar

from flyexpr.errors import BatchIncomplete, FlyexprError
from flyexpr.steps.rate import Pace
from flyexpr.steps.stats import Stats, check_stats, counted
from flyexpr.steps.step import Steps, Together

R = TypeVar("R")
T = TypeVar("T")
Progress = Callable[[int, Stats], object]  # is given the number of items done, and what they have cost so far

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
    ) -> None:
        check_stats(stats)
        check_workers(workers)
        if rate is not None and not (isinstance(rate, (int, float)) and rate > 0):
            raise ValueError(f"rate= takes capacity units per second, more than 0, not {rate!r}")
        check_told("progress", progress, "the number of items done and Stats")
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

    def ended(self, what: str, left: Iterable[Any], cursor: str | None, error: FlyexprError) -> None:
        """Raises BatchIncomplete for an error that ends the work, if something is done by then."""
        if self.done:
            raise BatchIncomplete(self.done, left, what, str(error), cursor) from error


def each(
    bulk: Bulk,
    what: str,
    values: Iterable[T],
    unit: Callable[[T], Steps[bool]],
    cursor: str | None,
    rest: Iterable[T] = (),
) -> Steps[None]:
    """Does a unit of work for each value, several at a time; a unit says whether its value counts as done.

    BatchIncomplete, if something was done before a unit failed, has the values that are left, the rest and the cursor.
    """
    left = dict(enumerate(values))

    def numbered(number: int, value: T) -> Steps[tuple[int, bool]]:
        return number, (yield from unit(value))

    def note(outcome: tuple[int, bool]) -> None:
        number, done = outcome
        del left[number]
        bulk.note(done)

    try:
        yield Together(starmap(numbered, tuple(left.items())), bulk.workers, note)
    except FlyexprError as error:
        bulk.ended(what, (*left.values(), *rest), cursor, error)
        raise


def check_told(option: str, told: Any, news: str) -> None:
    """TypeError for what cannot be told news of the work; None is told nothing.

    >>> check_told("progress", 3, "the number of items done and Stats")
    Traceback (most recent call last):
    ...
    TypeError: progress= takes a function of the number of items done and Stats, not 3
    """
    if told is not None and not callable(told):
        raise TypeError(f"{option}= takes a function of {news}, not {told!r}")
    if getattr(getattr(told, "__code__", None), "co_flags", 0) & _ASYNC:
        raise TypeError(f"{option}= is called, and not awaited: write `def`, not `async def`")


def check_workers(workers: Any) -> None:
    """ValueError for what is no number of workers.

    >>> check_workers(0)
    Traceback (most recent call last):
    ...
    ValueError: workers= takes a whole number from 1 to 256, not 0
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers= takes a whole number from 1 to {MOST_WORKERS}, not {workers!r}")
