"""Readers of bytes that come in parts, such as HTTP messages; a reader never touches the socket itself.

A reader is a generator: it yields how many bytes it would like, is sent some of them, or none once the other side has
closed, and returns what it has read. So one reader serves sockets, event loops and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

R = TypeVar("R")

Reader = Generator[int, bytes, R]
"""Yields how many bytes it would like, is sent some, or none at the end, and returns what it has read."""

Receive = Callable[[int], bytes]
"""Gives at least one byte and at most the number asked for, or none at the end: a socket's `recv`."""

RECEIPT = 64 * 1024
"""Bytes to ask for where it is not known how many come: a small message comes whole, a page of 1 MB in 16 parts."""


def read(reader: Reader[R], receive: Receive) -> R:
    """What a reader returns when `receive` gives the bytes.

    >>> def line():
    ...     text = b""
    ...     while not text.endswith(b";"):
    ...         text += yield 1
    ...     return text
    >>> parts = iter([b"a", b"b", b";", b"c"])
    >>> read(line(), lambda size: next(parts))
    b'ab;'

    The errors of the reader and of `receive` come through.
    """
    try:
        size = next(reader)
        while True:
            size = reader.send(receive(size))
    except StopIteration as end:
        result: R = end.value
        return result
