"""How fast an engine may send where the service throttles it: `retry_mode=adaptive`, as AWS's SDKs call it.

Requests are spaced by a rate that grows until the service throttles one. Then it falls, to a part of what the service
has answered in the last second, comes back to that within some seconds, stays near it, and at last tries more. So
engines on many machines, which know nothing of each other, come to share what a table allows. The curve is that of
CUBIC, as in AWS's SDKs, but in shares of the rate: it is the same for 3 requests a second and for 3,000.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_START = 20.0  # requests a second, before anything is known
_FALL = 0.12  # the share by which a throttle lowers the rate
_RETURN = 12.0  # seconds after which the rate is what it was
_FEW = 150  # requests between two throttles that are worth it: where fewer are sent, the rate comes back more slowly
_WINDOW = 1.0  # seconds over which answers are counted, and in which only one throttle lowers the rate
_AHEAD = 0.1  # seconds of unused rate that may be used later


class Adaptive:
    """Says how long to wait before each request, and learns from each answer; threads may share it.

    >>> pace = Adaptive(lambda: 0.0)
    >>> [round(pace.wait(), 3) for _ in range(4)]
    [0.0, 0.0, 0.0, 0.05]

    Each request has a time of its own, in the order in which they ask: nobody waits for ever. The rate is in requests a
    second. Until the first throttle it doubles every second in which it is used.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._since = self._fell = clock()
        self._next = self._since - _AHEAD  # when the next request may be sent
        self._top: float | None = None  # the rate at which the last throttle came; None before the first one
        self._start = _START  # the rate until then
        self._answered = 0  # since the window began
        self._measured = _START  # answers a second in the last window

    def wait(self) -> float:
        """The seconds after which the next request is to be sent."""
        with self._lock:
            now = self._clock()
            at = max(self._next, now - _AHEAD)
            self._next = at + 1 / self._rate(now)
            return max(at - now, 0.0)

    def answered(self, throttled: bool) -> None:
        """Takes note of an answer: whether it asks the client to send less."""
        with self._lock:
            now = self._clock()
            if now - self._since >= _WINDOW:
                self._close_window(now)
            if not throttled:
                self._answered += 1
            elif self._top is None or now - self._fell >= _WINDOW:
                self._fall(now)

    def _close_window(self, now: float) -> None:
        self._measured = self._answered / (now - self._since)
        if self._top is None and self._measured > self._start / 2:  # a rate that is not used says nothing
            self._start *= 2
        self._since, self._answered = now, 0

    def _fall(self, now: float) -> None:
        rate = self._rate(now)
        elapsed = now - self._since
        measured = self._answered / elapsed if elapsed > _WINDOW / 2 else self._measured
        self._top = max(min(rate, measured), 0.5)
        self._fell = now
        self._next = max(self._next, now)

    def _rate(self, now: float) -> float:
        if self._top is None:
            return self._start
        seconds = max(_RETURN, _FEW / self._top)
        share = (now - self._fell) / seconds - 1
        return self._top * (1 + _FALL * share * share * share)
