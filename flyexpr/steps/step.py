"""What steps ask their driver for: a request, a pause, work on the disk, and units of work done at the same time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from flyexpr.drive import Pause
from flyexpr.records import record
from flyexpr.requests.request import Request

R = TypeVar("R")
T = TypeVar("T")
Steps = Generator["Request | Pause | Together | OnDisk", Any, R]
"""Is sent the bytes that answer a Request, and None once anything else is done."""


@record
class Together:
    """Units of work, of which up to `workers` are under way at the same time; `note` is given the result of each.

    >>> Together(iter([]), workers=8, note=print).workers
    8

    They begin in their order and end in any. When one or `note` fails no other begins; the failure is thrown into the
    steps once those under way have ended and are noted. So it is when the driver is cancelled, if they `must_end`: then
    a journal says what they write, and a write that comes after its job has been started again would be done twice.
    """

    units: Iterator[Steps[Any]]
    workers: int
    note: Callable[[Any], object]
    must_end: bool = False


@record
class OnDisk:
    """Work on a file, such as an entry in a journal, which no event loop should wait for.

    >>> OnDisk(print).work()
    <BLANKLINE>
    """

    work: Callable[[], object]


Step = Request | Pause | Together | OnDisk


TURN = Pause(0)
"""A pause between two items of a large answer, so that an event loop can run its other tasks."""
_LARGE = 64 * 1024  # bytes of an answer, which take about 2 ms to read


def in_turns(items: Iterable[T], size: int, take: Callable[[T], object]) -> Steps[None]:
    """Gives each item to `take`, with a pause after each if the answer that holds them is large.

    >>> taken = []
    >>> list(in_turns("ab", 200, taken.append)), list(in_turns("cd", 10**6, taken.append)), taken
    ([], [Pause(seconds=0), Pause(seconds=0)], ['a', 'b', 'c', 'd'])
    """
    large = size > _LARGE
    for item in items:
        take(item)
        if large:
            yield TURN


def backoff(attempt: int, why: str) -> Pause:
    """The wait before the `attempt`-th try again: random, so that clients spread out, up to 50 ms · 2^attempt or 10 s.

    >>> 0 <= backoff(1, "another writer was faster").seconds <= 0.1, backoff(10_000, "it is busy").seconds <= 10
    (True, True)
    """
    import random  # here, to keep `import flyexpr` quick

    return Pause(random.uniform(0, min(0.05 * 2 ** min(attempt, 8), 10)), why)  # a float cannot hold 2 ** 1024
