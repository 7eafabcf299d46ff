"""A rate for all requests of a piece of work together: a number of units per second on average, by a token bucket."""

from __future__ import annotations

from _thread import allocate_lock  # the Lock of threading, whose import takes a hundredth of that of flyexpr
from collections.abc import Callable

_LONGEST = 0.5  # seconds: others may pay back meanwhile


class Pace:
    """Says how long to wait before a request, so that all of them spend `rate` units a second; None never waits.

    >>> now = [0.0]
    >>> pace = Pace(10, lambda: now[0])
    >>> pace.delay(10), pace.delay(25), pace.delay(5)
    (0.0, 0.0, 0.5)
    >>> now[0] = 2.5
    >>> pace.delay(5)
    0.0

    The bucket holds the units of one second. Who finds something in it may go, into debt if need be, and the next one
    waits until the debt is paid. What a request has really cost is settled afterwards by `spend`. Threads may share it.
    """

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._lock = allocate_lock()
        self._units, self._at = rate or 0.0, clock()

    def spend(self, units: float) -> None:
        """Takes units out of the bucket; negative ones are paid back."""
        with self._lock:
            self._units -= units

    def delay(self, units: float) -> float:
        """Takes the units and gives 0, or gives the seconds to wait before asking again."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = self._clock()
            self._units = min(self._units + (now - self._at) * self._rate, self._rate)
            self._at = now
            if self._units > -1e-6:
                self._units -= units
                return 0.0
            return min(-self._units / self._rate, _LONGEST)
