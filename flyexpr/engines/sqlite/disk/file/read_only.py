"""The SQLite file of an engine that only reads: it may belong to somebody else, or lie where nothing can be written.

While somebody has the file open, its log lies beside it. Then it is read through the log, as by any engine. Without a
log nobody writes to it, and it is read as it lies (`immutable`): without locks, and without a log of its own, for which
the folder may have no place. Whether that still holds is looked at before and after every request.
https://www.sqlite.org/wal.html#read_only_databases
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from flyexpr.engines.sqlite.disk.file.connections import connected, within
from flyexpr.engines.sqlite.disk.file.files import BUSY_SECONDS, TableFile
from flyexpr.engines.sqlite.disk.file.formats import EMPTY, FORMAT, file_format
from flyexpr.engines.sqlite.disk.file.paths import MEMORY, check_readable
from flyexpr.errors import DynamoError, FlyexprError


class ReadOnlyFile(TableFile):
    """The file at a path, which is only read."""

    read_only = True

    def __init__(self, path: str, patience: float = BUSY_SECONDS) -> None:
        if path == MEMORY:
            raise FlyexprError("tables in memory begin empty, so there is nothing for mode=ro to read")
        super().__init__(path, patience=patience)
        self._log = self._place + "-wal"
        self._alone = False  # whether nobody had the file open
        self._seen: Any = None

    def again(self) -> TableFile:
        return ReadOnlyFile(self._place, self.patience)

    def _check(self) -> None:
        if not os.path.exists(self._place):
            raise FlyexprError(f"cannot open {self.path!r}: there is no such file, and mode=ro makes none")
        check_readable(self.path)
        beside = os.access(os.path.dirname(self._place), os.W_OK) or os.path.exists(self._place + "-shm")
        if os.path.exists(self._log) and not beside:
            raise FlyexprError(
                f"cannot open {self.path!r}: its log lies beside it without the log's index (-shm)\n"
                "  hint: open it once where the folder can be written to, or copy all of its files"
            )

    def _connected(self) -> sqlite3.Connection:
        self._alone = not os.path.exists(self._log)
        self._seen = self._state()
        from pathlib import Path  # here, so that other engines open quickly

        uri = f"{Path(self._place).as_uri()}?mode=ro{'&immutable=1' if self._alone else ''}"
        return connected(uri, uri=True)

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        connection.execute("PRAGMA query_only = ON")
        version = within(connection, "BEGIN", lambda: file_format(connection, self.path), self.patience)
        if version == EMPTY:
            raise FlyexprError(f"cannot use {self.path!r}: it is empty, and mode=ro makes no tables")
        if version < FORMAT:
            raise FlyexprError(
                f"cannot use {self.path!r}: it has the older format {version}, and mode=ro converts no file\n"
                "  hint: connect to it, or to a copy of it, once without mode=ro"
            )
        return True

    def _recognize(self) -> None:
        pass  # what it was is known since before it was opened

    def stands(self) -> bool:
        return bool(self._state() == self._seen)

    def _state(self) -> Any:
        """What changes with the file: for one that is read alone, with everything that is written to it."""
        try:
            status = os.stat(self._place)
        except OSError:
            return None
        written = (status.st_mtime_ns, status.st_size) if self._alone else ()
        return status.st_ino, status.st_dev, *written, os.path.exists(self._log)

    def check_unchanged(self) -> None:
        """None if nobody wrote to the file while it was read alone; Throttled otherwise."""
        if self._alone and not self.stands():
            raise DynamoError.of("ThrottlingException", f"{self.path} was written to while it was read")
