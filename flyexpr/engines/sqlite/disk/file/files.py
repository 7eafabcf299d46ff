"""The SQLite file that an embedded engine lives in: opened, or refused with the reason, and watched while it is in use.

The file is marked with an application id and the version of its format. Writes go through a write-ahead log, so readers
never wait for a writer. With `sync="normal"` an acknowledged write survives the end of the process, however it comes;
with `sync="full"` also a power cut, at the price of waiting for the disk on every write.
https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable

from flyexpr.drive import INFO, note
from flyexpr.engines.sqlite.disk.file.connections import connected, distrust, patiently, within
from flyexpr.engines.sqlite.disk.file.conversion import convert
from flyexpr.engines.sqlite.disk.file.failures import failure, is_locked
from flyexpr.engines.sqlite.disk.file.formats import EMPTY, FORMAT, file_format, make_tables
from flyexpr.engines.sqlite.disk.file.kept_log import KeptLog, sync_file
from flyexpr.engines.sqlite.disk.file.paths import (
    MEMORY,
    Identity,
    check_place,
    identity_of,
    open_descriptors,
    real_path,
)
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.errors import DynamoError, FlyexprError

BUSY_SECONDS = 30.0
SYNC = ("normal", "full")
LOG_PAGES = 4000  # a log this long is copied into the file; a page that is written often is then copied less often
_FRAME = 4096 + 24  # bytes of a page in the log
LOG_BYTES = 20_000_000  # what a log that has grown beyond is cut to, once it is copied
_fstat = os.fstat
_TICK = 100_000_000  # nanoseconds
Known = tuple[tuple[str, Identity | None], ...]


class TableFile:
    """The file at a path, made when it is missing; a private one in memory for `:memory:`.

    `patience` is how many seconds anybody waits while another process keeps it locked.
    """

    read_only = False

    def __init__(self, path: str, sync: str = "normal", patience: float = BUSY_SECONDS) -> None:
        if sync not in SYNC:
            raise FlyexprError(f"sync={sync!r} is neither 'normal' nor 'full'")
        self.path, self.patience, self._sync = path, patience, sync
        # The file stays the same whatever becomes of the current folder, and a log lies beside the file, not its link.
        self._place = path if path == MEMORY else real_path(path)
        self._folder: int | None = None
        self._kept_log: KeptLog | None = None  # with sync="full"; stays when it is closed, for those who wait for it
        self._known: Known = ()
        self._calm = -1

    def open(self) -> sqlite3.Connection:
        """A connection to the file.

        FlyexprError for a folder, a file without one, a file of another program or a newer format, a read-only file;
        Throttled (ThrottlingException) for one that another process keeps locked.
        """
        self._check()
        try:
            connection = self._opened(self._ready)
            if connection is None:
                self._convert()
                connection = self._opened(self._ready)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite may quote damaged bytes in what it says
            if is_locked(error):
                raise failure(error, self.path) from None
            reason = str(error) or "database disk image is malformed"  # Python 3.10 has no words for some damage
            raise FlyexprError(f"cannot use {self.path!r} as a table file: {reason}") from None
        assert connection is not None
        return connection

    def _opened(self, use: Callable[[sqlite3.Connection], bool]) -> sqlite3.Connection | None:
        """A connection that `use` has made ready; None where it says False, and then the file is closed again."""
        try:
            connection = self._connected()
        except sqlite3.Error as error:
            raise FlyexprError(f"cannot open {self.path!r}: {error}") from None
        ready = False
        try:
            connection.text_factory = bytes
            distrust(connection)
            ready = use(connection)
        finally:
            if not ready:
                connection.close()
        return connection if ready else None

    def _ready(self, connection: sqlite3.Connection) -> bool:
        """Whether the file has today's format; then it can be used."""
        ready = self._prepare(connection)
        if ready:
            self._recognize()
        return ready

    def _convert(self) -> None:
        """Give a file of an older format today's: all of it or nothing, whatever ends this process."""
        try:
            patiently(lambda: self._opened(self._convert_alone), self.patience)
        except DamagedFileError as error:
            raise FlyexprError(f"cannot convert {self.path!r} to format {FORMAT}: {error}; it is as it was") from error
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            raise DynamoError.of(
                "ThrottlingException",
                f"{self.path} has an older format, and is converted when no other process has it open\n"
                "  hint: end the programs that use it, then connect again",
            ) from None

    def _convert_alone(self, connection: sqlite3.Connection) -> bool:
        # Before the file is first looked at, so that SQLite lets nobody else open it: an engine of an earlier version
        # that has the file open would go on writing in the older format.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        version = file_format(connection, self.path)
        if version < FORMAT:  # otherwise another process has converted it in the meantime
            began = time.monotonic()
            convert(connection, version)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("COMMIT")
            note(INFO, "%s: converted to format %d in %.1f s", self.path, FORMAT, time.monotonic() - began)
        return False

    def again(self) -> TableFile:
        """The same file, to be opened once more; if another one stands at its path, that is refused."""
        other = TableFile(self._place, self._sync, self.patience)
        other._known = self._known
        return other

    def _check(self) -> None:
        if not all(identity_of(path) == identity for path, identity in self._known[:1]):
            raise self.moved()  # before it is opened again, which is after a fork
        if self._kept_log and self._kept_log.failure:
            raise self.unkept()
        check_place(self.path, self._place)

    def _connected(self) -> sqlite3.Connection:
        return connected(self._place)

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        """Make an empty file one of tables; False for a file of an older format, which is left as it is."""
        version = within(connection, "BEGIN", lambda: file_format(connection, self.path), self.patience)
        if version not in (EMPTY, FORMAT):
            return False
        # Of several processes that switch at once SQLite refuses some, lest they wait for each other.
        patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"), self.patience)
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        connection.execute("PRAGMA synchronous = NORMAL")  # with sync="full" too: see `keep`
        if version == EMPTY:  # any other is opened without a lock: somebody may be writing to it for long
            within(connection, "BEGIN IMMEDIATE", lambda: make_tables(connection, self.path), self.patience)
        else:  # the first read makes the log of a file that had none, as a copy by VACUUM INTO; `_recognize` needs it
            connection.execute("PRAGMA user_version").fetchone()
        return True

    def _recognize(self) -> None:
        """Keep in mind which file and which log these are."""
        if self.path == MEMORY:
            return
        log = self._place + "-wal"
        self._known = tuple((path, identity_of(path)) for path in (self._place, log))
        self._calm = -1
        if self._folder is None and os.name == "posix":
            self._folder = os.open(os.path.dirname(self._place), os.O_RDONLY)
        if self._sync == "full":
            self._kept_log = KeptLog(log, LOG_PAGES * _FRAME)

    @property
    def waits_for_disk(self) -> bool:
        """Whether a write is answered only when it is on the disk."""
        return self._sync == "full"

    @property
    def written(self) -> int:
        """How many transactions wrote to the file since it was opened, for `keep`; 0 if nobody waits for the disk."""
        return self._kept_log.written if self._kept_log else 0

    def make_room(self) -> None:
        """Prepares the log for what a transaction that has just begun is to write."""
        if self._kept_log:
            self._kept_log.make_room()

    def has_written(self) -> None:
        """Count a transaction that wrote; to be called before another one can begin."""
        if self._kept_log:
            self._kept_log.written += 1

    def keep(self, number: int) -> None:
        """Returns when as many transactions as were `written` are on the disk; OSError if one of them may be lost."""
        if self._kept_log:
            self._kept_log.keep(number)

    def leave(self) -> None:
        """Keep what is committed, before the connection is closed."""
        if self._kept_log:
            self._kept_log.close()

    def reach_disk(self) -> None:
        """Returns when what is written in the file itself, which somebody has open, is on the disk.

        SQLite waits for it where it copies a log only if nobody has written meanwhile, or nobody can. Nothing is done
        where the system does not show the descriptors of a process.
        """
        # One of SQLite's: with any other one that is closed all of SQLite's locks on the file would end.
        file = identity_of(self._place)
        for descriptor in open_descriptors():
            if identity_of(descriptor) == file:
                try:
                    sync_file(descriptor)
                    return
                except OSError as error:
                    if error.errno != errno.EBADF:  # it has been closed in the meantime, by another thread
                        raise

    def log_length(self) -> int:
        """The size of the log in bytes, with the parts that are not in use; 0 if there is none."""
        try:
            return 0 if self.path == MEMORY else os.stat(self._place + "-wal").st_size
        except OSError:
            return 0

    def stands(self) -> bool:
        """Whether the file and its log are still those that were opened, for which one look at the folder may do."""
        if not self._known:
            return True  # in memory
        changed, folder = -1, self._folder
        if folder is not None:
            # By the folder's descriptor, in half the time that its path takes: this comes before every write.
            changed = _fstat(folder).st_ctime_ns
            if changed == self._calm:
                return True  # no name in the folder has come, gone or changed
        stands = all(identity_of(path) == identity for path, identity in self._known)
        # Two changes within one tick of the system's clock leave the same time.
        self._calm = changed if stands and abs(time.time_ns() - changed) > _TICK else -1
        return stands

    def close(self) -> None:
        """Stop watching the folder."""
        folder, self._folder = self._folder, None
        if folder is not None:
            os.close(folder)

    def moved(self) -> DynamoError:
        """The refusal of every request once the file is gone from its path, or another one stands there."""
        return DynamoError.of(
            "InternalServerError",
            f"{self.path}: the file, or its -wal, was replaced, moved or removed while the engine had it open; nothing "
            "of the request was done\n  hint: close the engine before the file is replaced, together with its -wal and "
            "-shm, and connect again",
        )

    def unkept(self) -> DynamoError:
        """The refusal of every request once the disk has failed to keep a write."""
        return DynamoError.of(
            "InternalServerError",
            f"{self.path}: the disk failed to keep a write, which may be lost, so the engine has closed the file\n"
            "  hint: see to the disk, then connect again",
        )
