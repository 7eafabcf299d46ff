"""One socket, with time limits that hold against silence and against a trickle of bytes."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

Patience = Callable[[], float]
"""Gives how many seconds the other side may do nothing; it is called again and again, as it depends on who waits."""

_PIECE = 1024 * 1024


class Line:
    """Receives and sends; TimeoutError if that takes too long, another OSError if the other side is gone."""

    def __init__(self, connection: socket.socket, precision: float) -> None:
        self._socket, self._precision = connection, precision
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def wait(self) -> None:
        """From now on `receive` and `send` wait: each time only for a moment, after which they look at the clock."""
        self._socket.settimeout(self._precision)

    def wait_no_more(self) -> None:
        """From now on only `take` and `put` may be used, which do not wait."""
        self._socket.setblocking(False)

    def take(self, size: int) -> bytes | None:
        """The bytes that are there; None if there are none now, no bytes at the end."""
        try:
            return self._socket.recv(size)
        except BlockingIOError:
            return None

    def put(self, data: bytes) -> int:
        """Sends what can be sent without waiting, and says how many bytes that are."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def receive(self, size: int, until: float, patience: Patience) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        began = time.monotonic()
        while (now := time.monotonic()) < until and now - began <= patience():
            with contextlib.suppress(TimeoutError):
                return self._socket.recv(size)
        raise TimeoutError

    def send(self, data: bytes, until: float, patience: Patience) -> None:
        """Sends all of it."""
        left, moved = memoryview(data), time.monotonic()
        while left:
            try:
                left = left[self._socket.send(left[:_PIECE]) :]
                moved = time.monotonic()
            except TimeoutError:
                now = time.monotonic()
                if now >= until or now - moved > patience():
                    raise

    def end(self, seconds: float, patience: float) -> None:
        """Reads what the client still sends, then closes; else it sees a reset, not its answer (RFC 9112, 9.6)."""
        until = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while self.receive(64 * 1024, until, lambda: patience):
                pass
        self.close()

    def close(self) -> None:
        """Closes at once."""
        self._socket.close()
