"""Room for floats of 32 bits, one after another."""

from __future__ import annotations

import sys
from contextlib import suppress

_LARGE = 4 * 1024 * 1024  # bytes


def room(count: int) -> memoryview[float]:
    """Room for so many floats; each is 0.

    >>> room(3).tolist()
    [0.0, 0.0, 0.0]

    Where Linux has pages of 2 MB, large room is made of them. A search reads all of it, and takes 0.9 of the time.
    """
    size = 4 * count
    if sys.platform != "linux" or size < _LARGE:
        return memoryview(bytearray(size)).cast("f")
    import mmap  # few programs have so many vectors

    # Private, so that a process that is forked changes a copy.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # of a kernel that has no such pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory).cast("f")


def with_room(floats: memoryview[float], count: int) -> memoryview[float]:
    """The same floats with room for more: for so many in all, or for twice as many, so they are rarely copied.

    >>> with_room(room(3), 4).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    larger = room(max(count, 2 * len(floats)))
    larger[: len(floats)] = floats
    return larger
