"""How long an engine takes for each operation."""

from __future__ import annotations

from flyexpr.values.memo import Memo

_QUICK = 0.001  # seconds; a hand-over to another thread takes 0.05 to 0.1 ms
_WEIGHT, _MOST = 1 / 8, 0.004  # of the latest time, in seconds at most: one late answer among quick ones changes little


class Durations:
    """The recent times of each operation, smoothed.

    >>> durations = Durations()
    >>> durations.note("GetItem", 0.0002); durations.note("GetItem", 0.5); durations.note("Scan", 0.02)
    >>> [durations.is_quick(operation) for operation in ("GetItem", "Scan", "Query")]
    [True, False, False]
    """

    def __init__(self) -> None:
        self._seconds = Memo[str, float](1000)

    def note(self, operation: str, seconds: float) -> None:
        """Takes in how long an operation has just taken."""
        seconds = min(seconds, _MOST)
        before = self._seconds.get(operation, seconds)
        self._seconds.keep(operation, before + (seconds - before) * _WEIGHT)

    def late(self, operation: str) -> None:
        """Says that an operation already takes long, before it is known how long."""
        self.note(operation, _MOST)

    def is_quick(self, operation: str) -> bool:
        """True for an operation that takes less than a millisecond; False for one that was never seen."""
        return self._seconds.get(operation, 1.0) < _QUICK
