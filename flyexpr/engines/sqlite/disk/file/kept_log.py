"""The log of a file whose writes are to survive a power cut: a writer waits until the log is on the disk.

SQLite itself can wait for the disk (`synchronous = FULL`), but does so inside the transaction, while nobody else can
write. Here the transaction ends first, and its writer waits afterwards. Then one wait serves all writers whose
transactions ended before it began: eight clients of a server with two processes put three times as many items.
A reader may see a write in the moment before it is on the disk; its writer is answered only afterwards.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

sync_file = getattr(os, "fdatasync", os.fsync)
_BLOCK = 4096


class KeptLog:
    """The write-ahead log at a path, which is that of an open file; `written` counts the transactions that wrote."""

    def __init__(self, path: str, longest: int) -> None:
        """`longest` is how many bytes a log has when it is copied into the file, and begins anew."""
        # A descriptor of its own, as SQLite does not give its. SQLite holds no locks on a log, which closing would end.
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._turn = threading.RLock()  # a signal may have this thread send another write while it waits
        self.written = self._kept = 0
        self._longest, self._length = longest, os.lseek(self._descriptor, 0, os.SEEK_END)
        self._closed = False
        self.failure: OSError | None = None  # after which nothing more is kept

    def make_room(self) -> None:
        """Lengthens a log that has grown; to be called in a transaction that may write, and has not written yet.

        Where a file grows, the disk has to keep its length too, and a write waits 3 ms for it; elsewhere 0.3. SQLite
        takes zeros at the end of a log as it takes the frames that an earlier turn left there: as nothing.
        """
        length = os.lseek(self._descriptor, 0, os.SEEK_END)
        if length == self._length:
            return
        if self._length < length < self._longest and not self._ends_with_room(length):
            with suppress(OSError):  # the disk is full: this write lengthens the log itself, the next one tries again
                length += os.write(self._descriptor, bytes(min(length, self._longest - length)))
        self._length = length

    def _ends_with_room(self, length: int) -> bool:
        """Whether another process has made room. It leaves the place of the next write at the end."""
        os.lseek(self._descriptor, max(0, length - _BLOCK), os.SEEK_SET)
        return not os.read(self._descriptor, _BLOCK).strip(b"\0")

    def keep(self, number: int) -> None:
        """Returns when the transactions up to a number are on the disk; OSError if one of them may be lost."""
        if self._kept >= number:
            return
        with self._turn:
            if self._kept < number and not self._closed:
                self._write_out()
            if self.failure is not None:
                raise self.failure

    def close(self) -> None:
        """Keeps what is written and closes the log; if the disk fails, `keep` tells the writers that still wait."""
        with self._turn:
            self._write_out()
            self._closed = True
            os.close(self._descriptor)

    def _write_out(self) -> None:
        number = self.written  # before the system is asked: what is written later may not be kept
        try:
            if self.failure is None:  # the system may say that lost data is kept when it is asked again
                sync_file(self._descriptor)
                self._kept = number
        except OSError as error:
            self.failure = error
