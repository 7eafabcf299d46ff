"""The log of a file whose writes are to survive a power cut: a writer waits until the log is on the disk.

SQLite itself can wait for the disk (`synchronous = FULL`), but does so inside the transaction, while nobody else can
write. Here the transaction ends first, and its writer waits afterwards. Then one wait serves all writers whose
transactions ended before it began: eight clients of a server with two processes put three times as many items.
A reader may see a write in the moment before it is on the disk; its writer is answered only afterwards.
"""

from __future__ import annotations

import os
import threading

_sync = getattr(os, "fdatasync", os.fsync)


class KeptLog:
    """The write-ahead log at a path, which is that of an open file; `written` counts the transactions that wrote."""

    def __init__(self, path: str) -> None:
        # A descriptor of its own, as SQLite does not give its. SQLite holds no locks on a log, which closing would end.
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._turn = threading.RLock()  # a signal may have this thread send another write while it waits
        self.written = self._kept = 0
        self._closed = False
        self._failure: OSError | None = None

    def keep(self, number: int) -> None:
        """Returns when the transactions up to a number are on the disk; OSError if one of them may be lost."""
        if self._kept >= number:
            return
        with self._turn:
            if self._kept < number and not self._closed:
                self._write_out()
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        """Keeps what is written, and closes the log."""
        with self._turn:
            self._closed = True
            self._write_out()
            os.close(self._descriptor)

    def _write_out(self) -> None:
        number = self.written  # before the system is asked: what is written later may not be kept
        try:
            if self._failure is None:  # the system may say that lost data is kept when it is asked again
                _sync(self._descriptor)
                self._kept = number
        except OSError as error:
            self._failure = error
