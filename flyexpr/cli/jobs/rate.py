"""A pace for all threads together: a number of units per second on average, by a token bucket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LONGEST = 0.5  # seconds: others may pay back meanwhile


class Pace:
    """Makes its callers wait so that they spend `rate` units a second together; None never waits.

    >>> now = [0.0]
    >>> pace = Pace(10, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    >>> for units in (10, 25, 5):
    ...     pace.take(units); print(now[0])
    0.0
    0.0
    2.5

    The bucket holds the units of one second. A caller that finds something in it may go, into debt if need be, and the
    next one waits until the debt is paid. What a request has really cost is settled afterwards by `spend`.
    """

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._lock = threading.Lock()
        self._units, self._at = rate or 0.0, clock()

    def take(self, units: float) -> None:
        """Waits until there is something in the bucket, and takes what a request will probably cost."""
        while (seconds := self.delay(units)) > 0:
            self._sleep(seconds)

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
