"""One socket, with time limits that neither silence nor a trickle of bytes gets round."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

Patience = Callable[[], float]
"""How many seconds the other side may do nothing; asked again and again, for it depends on who else waits."""

_PIECE = 1024 * 1024


class Line:
    """Receives and sends; TimeoutError when that takes too long, another OSError when the other side is gone."""

    def __init__(self, connection: socket.socket, precision: float) -> None:
        self._socket = connection
        connection.settimeout(precision)  # for good: each wait is short, and looks at the clock afterwards
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def glance(self, size: int) -> bytes | None:
        """What is there, or comes within a moment; None if nothing does, no bytes at the end."""
        try:
            return self._socket.recv(size)
        except TimeoutError:
            return None

    def receive(self, size: int, until: float, patience: Patience) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        began = time.monotonic()
        while (now := time.monotonic()) < until and now - began <= patience():
            if (piece := self.glance(size)) is not None:
                return piece
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
        """Close, after what the client still sends: else it would see a reset instead of its answer (RFC 9112, 9.6)."""
        until = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while self.receive(64 * 1024, until, lambda: patience):
                pass
        self.close()

    def close(self) -> None:
        """Close at once."""
        self._socket.close()
