"""An engine's connection to its file: opened and closed, its transactions begun and ended, its log kept short.

The threads of an engine share the connection, in turns. A file that is not at its path any more is given up.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeVar

from flyexpr.drive import INFO, note
from flyexpr.engines.sqlite.disk.file.connections import patiently
from flyexpr.engines.sqlite.disk.file.failures import is_locked
from flyexpr.engines.sqlite.disk.file.files import LOG_BYTES, LOG_PAGES, TableFile
from flyexpr.engines.sqlite.disk.file.forks import close_apart, forking, open_apart
from flyexpr.engines.sqlite.disk.file.paths import MEMORY
from flyexpr.engines.sqlite.disk.file.read_only import ReadOnlyFile
from flyexpr.engines.sqlite.disk.file.turns import Turns
from flyexpr.engines.sqlite.disk.held_vectors import HeldVectors
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.errors import DynamoError, FlyexprError

CHECK_SECONDS = 1.0
# How long a log that is to be shortened waits for those who write or copy it; the pause between two tries.
LOG_SECONDS, RETRY_SECONDS = 0.05, 0.0001
SLOW_SECONDS = 1.0  # a wait for another process that is worth a line in the log
_BEGIN = {"DEFERRED": "BEGIN DEFERRED", "IMMEDIATE": "BEGIN IMMEDIATE"}
_Same = TypeVar("_Same", bound="OpenFile")


class Transaction:
    """A transaction of an open file, for `with`: a generator in its place would take three times as long."""

    __slots__ = ("_mode", "_opened", "_patience")

    def __init__(self, opened: OpenFile, mode: str, patience: float) -> None:
        self._opened, self._mode, self._patience = opened, mode, patience

    def __enter__(self) -> None:
        if not self._opened.try_to_begin(self._mode, self._patience == 0):
            began = time.monotonic()
            patiently(lambda: self._opened.try_to_begin(self._mode, True), self._patience)
            waited = time.monotonic() - began
            if waited > SLOW_SECONDS:
                note(INFO, "%s: waited %.1f s for another process that wrote", self._opened.path, waited)

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        self._opened.end(commit=error_type is None)


class KeptTransaction(Transaction):
    """A transaction that writes to a file whose writes wait for the disk: `OpenFile.keep` has to follow."""

    __slots__ = ()

    def __enter__(self) -> None:
        super().__enter__()
        self._opened.file.make_room()

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        with self._opened.lock:  # so that it is counted before others can begin
            super().__exit__(error_type)
            if error_type is None:
                self._opened.file.has_written()


class ReadTransaction(Transaction):
    """A transaction on a file that is only read: what was read counts if the file stayed as it was."""

    __slots__ = ("_file",)

    def __init__(self, opened: OpenFile, file: ReadOnlyFile) -> None:
        super().__init__(opened, "DEFERRED", file.patience)
        self._file = file

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        super().__exit__(error_type)
        self._file.check_unchanged()


class OpenFile:
    """The connection to one SQLite file, for the threads of one engine.

    What is remembered of the file are its `_tables`, for as long as the version of the catalog, read anew in each
    transaction, stays the same (another process may have changed it), and its vectors, which are `held`.
    """

    _closed = True  # for `__del__`, if an interruption comes before there is anything to close

    def __init__(self, file: TableFile) -> None:
        self.lock = threading.RLock()
        self.turns = Turns(self.lock)
        self.path, self.read_only, self.file = file.path, file.read_only, file
        self.patience = file.patience
        self._connection: sqlite3.Connection | None = None
        self._begun = self._closed = False
        self._lost: Callable[[], DynamoError] | None = None  # what every request is refused with
        self._trusted_until = 0.0  # of time.monotonic(): until then a read does not look whether the file stands
        self._version = -1
        self._tables: dict[str, StoredTable] = {}
        self.held = HeldVectors()
        self._transactions = {mode: Transaction(self, mode, file.patience) for mode in _BEGIN}
        if file.waits_for_disk:
            self._transactions["IMMEDIATE"] = KeptTransaction(self, "IMMEDIATE", file.patience)
        if isinstance(file, ReadOnlyFile):
            self._transactions = {"DEFERRED": ReadTransaction(self, file)}
        self.connect()

    def connect(self) -> sqlite3.Connection:
        """The connection to the file, which is opened when it is not."""
        if self._closed:
            raise FlyexprError(f"<engine sqlite:{self.path}> is closed")
        if self._lost:
            raise self._lost()
        if self._connection is None:
            connection = open_apart(self, self.file)
            self.held.clear()
            self._execute, self._do, self._version = connection.execute, connection.cursor().execute, -1
            self._connection = connection  # last, for an interruption may come between
        return self._connection

    @property
    def connection(self) -> sqlite3.Connection:
        return self.connect()

    def close(self) -> None:
        """Close the file for good; what was committed is in it."""
        with self.lock:
            self._closed = True
            self.let_go()
            self.file.close()

    def __del__(self) -> None:
        if not self._closed:
            self.let_go()
            self.file.close()

    def let_go(self) -> None:
        """Close the file; it is opened again where it is next used, and what was in memory is gone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self.file.leave()
            close_apart(connection)

    def leave(self) -> None:
        """Close the file, unless it lives in memory."""
        if self.path != MEMORY:
            self.let_go()

    def transaction(self, mode: str, patience: float | None = None) -> Transaction:
        """All or nothing: `DEFERRED` sees one state of the file, `IMMEDIATE` also lets no one else write.

        `patience` is how many seconds it waits for another process.
        """
        return self._transactions[mode] if patience is None else Transaction(self, mode, patience)

    def try_to_begin(self, mode: str, last: bool) -> bool:
        """Begins a transaction, and forgets what was remembered of the catalog if that has changed.

        If somebody else writes, it is False, or an error at `last`. Other threads have their turn between two tries.
        """
        self.turns.take()
        if self._begun:
            self.turns.give()
            raise FlyexprError(
                "a request was sent in the middle of another one of the same thread, by a signal's handler or by a "
                "finalizer; nothing of it was done\n  hint: send it once the other one is answered"
            )
        try:
            connection = self._connection or self.connect()
            if not (self._stands() if mode == "DEFERRED" else self.file.stands()):
                connection = self._opened_again()
            if connection.in_transaction:
                connection.rollback()
            self._begun = True  # first, for the handler of a signal may send a request behind any line
            self._do(_BEGIN[mode])
            ((version,),) = self._do("SELECT version FROM catalog_version")
            if version != self._version:
                self._tables.clear()
                self._version = version
        except BaseException as error:
            self.end(commit=False)
            if last or not is_locked(error):
                raise
        return self._begun

    def end(self, *, commit: bool) -> None:
        """Ends the transaction that this thread began."""
        committed = False
        try:
            if commit:
                self._do("COMMIT")
                committed = True
        finally:
            self._begun = False
            try:
                self.held.end(commit=committed)
                if self._connection is not None and self._connection.in_transaction:
                    self._connection.rollback()
            finally:
                self.turns.give()

    def keep(self, number: int) -> None:
        """Waits until as many transactions as the file has `written` are on the disk, while others go on.

        If the disk fails, this and all later requests are refused.
        """
        try:
            self.file.keep(number)
        except OSError as error:
            with self.lock:
                self._lost = self.file.unkept
                self.let_go()
            raise self.file.unkept() from error

    def recover(self) -> None:
        """Ends whatever this thread has begun, wherever an exception came between.

        A signal may raise one at any place, so between a transaction's beginning and the `try` that would end it.
        """
        if not self.lock.acquire(blocking=False):
            return  # another thread is at work, so this one has left nothing
        self._begun = False
        self.held.clear()
        if self._connection is not None and self._connection.in_transaction:
            self._connection.rollback()
        with suppress(RuntimeError):  # which says that the lock is not held any more
            while True:
                self.lock.release()

    def _stands(self) -> bool:
        """Whether the file at the path is the one that is open, for a read: looked at once a second.

        A file that is only read is looked at each time: without a log, it may be written to at any time.
        """
        if self.read_only:
            return self.file.stands()
        now = time.monotonic()
        if now < self._trusted_until:
            return True
        self._trusted_until = now + CHECK_SECONDS
        return self.file.stands()

    def _opened_again(self) -> sqlite3.Connection:
        """The file at the path, once it is another one, or is written to by others: only for reading."""
        if not self.read_only:
            self._give_up()
        self.let_go()
        return self.connect()

    def _give_up(self) -> NoReturn:
        """Save what the log holds into the file that is open, wherever it is now, and refuse everything from then on.

        The log is emptied by that. Beside another file that has been put in the place of this one it would be read into
        it.
        """
        connection, self._lost = self._connection, self.file.moved
        if connection is not None:
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.rollback()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.let_go()
        raise self.file.moved()

    def _again(self: _Same) -> _Same:
        return type(self)(self.file.again())

    @contextmanager
    def beside(self: _Same) -> Iterator[_Same]:
        """A connection of its own to the same file, for long work, which copies the log by `copy_log` alone.

        Of what is in memory there is only one.
        """
        if self.path == MEMORY:
            yield self
            return
        other = self._again()
        with other.lock:
            other.connection.execute("PRAGMA wal_autocheckpoint = 0")
        try:
            yield other
        finally:
            other.close()

    def copy_log(self) -> bool:
        """Copy the log into the file, so early that no commit of another connection has to; outside a transaction.

        Others write meanwhile. True if the log must be begun anew: it has become long, or so long that others copy it.
        Then what is copied is on the disk, or others would wait for that while `restart_log` keeps them from writing.
        """
        if self.path == MEMORY:
            return False
        busy, pages = self._copy_log()
        is_long = busy or pages > LOG_PAGES // 4
        if is_long:
            self.file.reach_disk()
        return is_long

    def _copy_log(self) -> tuple[bool, int]:
        """Whether somebody else copies the log, and so it is not done; how many pages the log has."""
        with self.lock:  # for which a fork waits, before it closes the file
            self.connect()
            ((busy, pages, _),) = self._execute("PRAGMA wal_checkpoint(PASSIVE)")
            return bool(busy), int(pages)

    def restart_log(self) -> None:
        """Begin the log anew. Others wait while the little is copied that has come since `copy_log`.

        Nobody begins it anew while somebody reads what is in it.
        """
        with self.lock:
            self.connect()
            self._execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def shorten_log(self) -> None:
        """Let the next write begin the log anew if it is far too long; outside a transaction.

        A write does so if all of the log is copied. Two processes that write without a pause never find it copied, as
        one writes while the other copies: a log grew to 1.3 GB in 25 seconds. So here nobody else writes for a moment.
        """
        if self.file.log_length() <= 2 * LOG_BYTES or not self.file.stands():
            return
        with self.beside() as other:
            other.copy_log()  # most of it, while others write
            with forking, self.transaction("IMMEDIATE", LOG_SECONDS):
                until = time.monotonic() + LOG_SECONDS
                while other._copy_log()[0] and time.monotonic() < until:
                    time.sleep(RETRY_SECONDS)
