"""Memory that all connections of a server share: a request that needs more than is free waits for its turn."""

from __future__ import annotations

import threading
import time
from collections import deque

from flyexpr.serve.limits import too_many


class Memory:
    """A number of bytes to take and give back; requests that wait get theirs in the order in which they came."""

    def __init__(self, size: int) -> None:
        self._size, self._used = size, 0
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @property
    def crowded(self) -> bool:
        """True while a request waits."""
        return bool(self._queue)

    def take(self, size: int, seconds: float) -> bool:
        """True once the bytes are taken, False if they were not free in time.

        >>> memory = Memory(100)
        >>> memory.take(60, 0), memory.take(60, 0), memory.give(60), memory.take(500, 0)
        (True, False, None, True)

        One request may take more bytes than there are, if nothing else is taken.
        """
        me, until = object(), time.monotonic() + seconds
        with self._changed:
            self._queue.append(me)
            try:
                while not self._fits(me, size):
                    left = until - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        return False
                self._used += size
                return True
            finally:
                self._queue.remove(me)
                self._changed.notify_all()

    def give(self, size: int) -> None:
        """Gives bytes back."""
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def _fits(self, me: object, size: int) -> bool:
        return self._queue[0] is me and (self._used == 0 or self._used + size <= self._size)


class Share:
    """The memory that one request holds; the end of the `with` gives it back."""

    def __init__(self, memory: Memory, seconds: float) -> None:
        self._memory, self._seconds, self.size = memory, seconds, 0

    @property
    def wanted(self) -> bool:
        """True while others wait for the bytes that this request holds."""
        return self.size > 0 and self._memory.crowded

    def grow(self, size: int) -> None:
        """Takes `size` more bytes; Refused if they are not free in time."""
        if not self.grown(size, self._seconds):
            raise too_many()

    def grown(self, size: int, seconds: float) -> bool:
        """True if `size` more bytes could be taken in that time."""
        if size > 0 and not self._memory.take(size, seconds):
            return False
        self.size += max(0, size)
        return True

    def shrink(self, size: int) -> None:
        """Gives back all but `size` bytes."""
        if self.size > size:
            self._memory.give(self.size - size)
            self.size = size

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self.shrink(0)
