"""The SQL: one SQLite file of ordered stores, and a catalog that says which tables they belong to.

Each table, each index and each time to live has a store of its own: an SQLite table `(key, size, item)` in
which `key` is the row key of keys.py, `size` the item's bytes as DynamoDB counts them, and `item` its wire JSON
text. The keys have a B-tree of their own beside the items (not WITHOUT ROWID): with items of 1 KB that makes writes
twice as fast and the file a third of the size, for SQLite keeps few and large rows badly in an index.

    sqlite3 scores.db 'SELECT item FROM items_1'     the items of the first table, as wire JSON
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from flyexpr.drive import INFO, note
from flyexpr.engines.sqlite.disk.failures import is_locked
from flyexpr.engines.sqlite.disk.files import LOG_BYTES, LOG_PAGES, MEMORY, TableFile, patiently
from flyexpr.engines.sqlite.disk.forks import close_apart, forking, open_apart
from flyexpr.engines.sqlite.disk.images import Row
from flyexpr.engines.sqlite.disk.keeping import AS_THE_SERVICE, Keeping
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.read_only import ReadOnlyFile
from flyexpr.engines.sqlite.disk.schema import Definition, StoredTable, read_definition, read_table, store_statement
from flyexpr.engines.sqlite.disk.turns import Turns
from flyexpr.engines.sqlite.disk.vectors import HeldVectors
from flyexpr.engines.sqlite.faults import not_found, only_read
from flyexpr.errors import DynamoError, FlyexprError

FEW_ROWS, COUNT_SECONDS = 10_000, 60.0
COUNT_ROWS = 2000  # with the lock held
YIELD_SECONDS = 0.001  # without a pause a thread would take the lock again before another can
CHECK_SECONDS = 1.0
# How long a log that is to be shortened waits for those who write or copy it; the pause between two tries.
LOG_SECONDS, RETRY_SECONDS = 0.05, 0.0001
SLOW_SECONDS = 1.0  # a wait for another process that is worth a line in the log
_COUNT = "SELECT count(*), total(size), max(key) FROM (SELECT key, size FROM {} WHERE key > ? ORDER BY key LIMIT ?)"
_NO_ROW = None, None
_IN_PLACE = "ON CONFLICT (key) DO UPDATE SET size = excluded.size, item = excluded.item"
_BEGIN = {"DEFERRED": "BEGIN DEFERRED", "IMMEDIATE": "BEGIN IMMEDIATE"}


def _put_statement(store: str) -> str:
    return f"INSERT INTO {store} VALUES (?, ?, CAST(? AS TEXT)) {_IN_PLACE}"


class Transaction:
    """A transaction of a storage, for `with`: a generator in its place would take three times as long."""

    __slots__ = ("_mode", "_patience", "_storage")

    def __init__(self, storage: Storage, mode: str, patience: float) -> None:
        self._storage, self._mode, self._patience = storage, mode, patience

    def __enter__(self) -> None:
        if not self._storage.try_to_begin(self._mode, self._patience == 0):
            began = time.monotonic()
            patiently(lambda: self._storage.try_to_begin(self._mode, True), self._patience)
            waited = time.monotonic() - began
            if waited > SLOW_SECONDS:
                note(INFO, "%s: waited %.1f s for another process that wrote", self._storage.path, waited)

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        self._storage.end(commit=error_type is None)


class KeptTransaction(Transaction):
    """A transaction that writes to a file whose writes wait for the disk: `Storage.keep` has to follow."""

    __slots__ = ()

    def __enter__(self) -> None:
        super().__enter__()
        self._storage.file.make_room()

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        with self._storage.lock:  # so that it is counted before others can begin
            super().__exit__(error_type)
            if error_type is None:
                self._storage.file.has_written()


class ReadTransaction(Transaction):
    """A transaction on a file that is only read: what was read counts if the file stayed as it was."""

    __slots__ = ("_file",)

    def __init__(self, storage: Storage, file: ReadOnlyFile) -> None:
        super().__init__(storage, "DEFERRED", file.patience)
        self._file = file

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        super().__exit__(error_type)
        self._file.check_unchanged()


class Storage:
    """The stores and the catalog of one SQLite file, for the threads of one engine.

    Every other method is to be called inside a `transaction`, unless it says otherwise. What the catalog says is
    remembered for as long as its version, read anew in each transaction, stays the same: another process may have
    changed it.
    """

    _closed = True  # for `__del__`, if an interruption comes before there is anything to close

    def __init__(self, file: TableFile, keeping: Keeping = AS_THE_SERVICE) -> None:
        self.lock = threading.RLock()
        self.turns = Turns(self.lock)
        self.path, self.read_only, self.keeping, self.file = file.path, file.read_only, keeping, file
        self.patience = file.patience
        self._connection: sqlite3.Connection | None = None
        self._begun = self._closed = False
        self._lost: Callable[[], DynamoError] | None = None  # what every request is refused with
        self._checked = 0.0
        self._version = -1
        self._tables: dict[str, StoredTable] = {}
        self._counted: dict[str, tuple[float, tuple[int, int]]] = {}
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

    @contextmanager
    def beside(self) -> Iterator[Storage]:
        """A connection of its own to the same file, for long work, which copies the log by `copy_log` alone.

        Of what is in memory there is only one.
        """
        if self.path == MEMORY:
            yield self
            return
        other = Storage(self.file.again(), self.keeping)
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

    @property
    def connection(self) -> sqlite3.Connection:
        return self.connect()

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

    def refusal(self, operation: str) -> DynamoError:
        """The refusal of an operation that writes, where the storage is `read_only`."""
        return only_read(self.path, operation)

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
        if now - self._checked < CHECK_SECONDS:
            return True
        self._checked = now
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

    def table(self, name: str) -> StoredTable:
        """The table of that name; ResourceNotFoundException when there is none."""
        table = self.find(name)
        if table is None:
            raise not_found()
        return table

    def find(self, name: str) -> StoredTable | None:
        """The table of that name, or None."""
        table = self._tables.get(name)
        if table is None:
            definition = self.definition(name)
            if definition is None:
                return None
            table = self._tables[name] = read_table(definition)
        return table

    def definition(self, name: str) -> Definition | None:
        """What the catalog says of a table, or None; what no engine wrote is refused before anything is done by it."""
        for (text,) in self._execute("SELECT definition FROM catalog WHERE name = ?", (name,)):
            return read_definition(name, text)
        return None

    def table_names(self, after: str, limit: int) -> list[str]:
        """Names of tables in order, from the first one after `after`."""
        rows = self._execute("SELECT name FROM catalog WHERE name > ? ORDER BY name LIMIT ?", (after, limit))
        return [name.decode() for (name,) in rows]

    def expiring_tables(self) -> list[str]:
        """Names of the tables of which something ends with time: they have a time to live, or record their changes."""
        return [name.decode() for (name,) in self._execute("SELECT name FROM catalog WHERE expires")]

    def next_version(self) -> int:
        """The version of the catalog after the change being made; new with every change, so fit to name new stores."""
        self._execute("UPDATE catalog_version SET version = version + 1")
        ((version,),) = self._execute("SELECT version FROM catalog_version")
        return int(version)

    def define(self, name: str, definition: Definition | None) -> None:
        """Enter a table into the catalog, or with None strike it out."""
        if definition is None:
            self._execute("DELETE FROM catalog WHERE name = ?", (name,))
        else:
            text = json.dumps(definition, ensure_ascii=False, separators=(",", ":"))
            expires = not definition.keys().isdisjoint(("Expiry", "Changes"))
            self._execute("INSERT OR REPLACE INTO catalog VALUES (?, ?, ?)", (name, expires, text))
        self._tables.clear()
        self._version = -1

    def create_store(self, store: str) -> None:
        self._execute(store_statement(store))

    def copy_store(self, source: str, target: str) -> None:
        """Enter all rows of a store into an empty one."""
        self._execute(f"INSERT INTO {target} SELECT * FROM {source} ORDER BY key")

    def drop_store(self, store: str) -> None:
        self._execute(f"DROP TABLE {store}")

    def get(self, store: str, key: bytes) -> Row | None:
        """The row of a key, or None."""
        row: Row | None = self._do(f"SELECT size, item FROM {store} WHERE key = ?", (key,)).fetchone()
        return row

    def find_row(self, name: str, row_key: Callable[[StoredTable], bytes]) -> tuple[StoredTable, Row | None]:
        """A table and one of its rows; to be called outside a transaction."""
        with self.turns:
            table = self._tables.get(name)
            if table is not None and time.monotonic() - self._checked < CHECK_SECONDS:
                result = self._row_alone(table, row_key)
                if result is not None and result[0] == self._version:
                    return table, None if result[2] is None else result[1:]
        with self.transaction("DEFERRED"):
            table = self.table(name)
            return table, self.get(table.store, row_key(table))

    def _row_alone(self, table: StoredTable, row_key: Callable[[StoredTable], bytes]) -> Any:
        """The version of the catalog, and the row, by one statement: a third of what a transaction takes.

        None where the table has gone, or perhaps is another one now, for which the key is right; and where only a
        transaction can tell: the file is not open, or this thread has begun one.
        """
        if self._connection is None or self._connection.in_transaction:
            return None
        query = f"SELECT version, size, item FROM catalog_version LEFT JOIN {table.store} ON key = ?"
        try:
            return self._execute(query, (row_key(table),)).fetchone()
        except (sqlite3.OperationalError, DynamoError):
            return None

    def put(self, store: str, key: bytes, size: int, text: bytes) -> None:
        self._do(_put_statement(store), (key, size, text))

    def put_all(self, store: str, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
        self.connection.executemany(_put_statement(store), rows)

    def put_alone(self, name: str, row_key: Callable[[StoredTable], bytes], row: Row) -> bool:
        """Puts a row by one statement, in place of any other; to be called outside a transaction.

        A put takes 0.83 of the time that it takes in a transaction. False, and nothing is done, where only a
        transaction can do it: the table looks back, or perhaps is another one now; somebody else writes; the row key
        is refused; or a write waits for the disk.
        """
        with self.turns:
            table = self._tables.get(name)
            if table is None or table.looks_back or self._connection is None or self._connection.in_transaction:
                return False
            if self.file.waits_for_disk or not self.file.stands():
                return False
            source = "SELECT ?, ?, CAST(? AS TEXT) FROM catalog_version WHERE version = ?"
            try:
                values = row_key(table), *row, self._version
                return self._do(f"INSERT INTO {table.store} {source} {_IN_PLACE}", values).rowcount == 1
            except (sqlite3.OperationalError, DynamoError):
                return False

    def delete(self, store: str, key: bytes) -> None:
        self._do(f"DELETE FROM {store} WHERE key = ?", (key,))

    def put_vector(self, store: str, key: bytes, size: int, text: bytes, vector: bytes) -> None:
        self._do(f"INSERT OR REPLACE INTO {store} VALUES (?, ?, CAST(? AS TEXT), ?)", (key, size, text, vector))

    def vectors(self, store: str, keys: Range) -> Iterator[tuple[bytes, int, bytes, bytes]]:
        """The keys, sizes, vectors and texts of a range of a vector index, read as they are taken."""
        return self._execute(f"SELECT key, size, vector, item FROM {store} WHERE key >= ? AND key < ?", keys)

    def vector(self, store: str, key: bytes) -> bytes | None:
        """The vector of a key, or None."""
        row = self._execute(f"SELECT vector FROM {store} WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def foreign_version(self) -> int:
        """A number that changes when another connection has written to the file, as this transaction sees it."""
        ((version,),) = self._execute("PRAGMA data_version")
        return int(version)

    def add_change(
        self, store: str, least: int, kind: int, key: tuple[bytes, int], old: Row | None, new: Row | None
    ) -> None:
        """Record a change under the number `least`, or the next one after the newest change (changes.py)."""
        self._do(
            f"INSERT INTO {store} VALUES (max(?, 1 + coalesce((SELECT max(number) FROM {store}), 0)), ?, "
            "CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT))",
            (least, kind, *key, *(old or _NO_ROW), *(new or _NO_ROW)),
        )

    def rows(self, store: str, keys: Range, *, reverse: bool = False, limit: int = -1) -> Iterator[Row]:
        """The rows of a range of keys in order, read as they are taken."""
        order = "DESC" if reverse else "ASC"
        return self._execute(
            f"SELECT size, item FROM {store} WHERE key >= ? AND key < ? ORDER BY key {order} LIMIT ?",
            (*keys, limit),
        )

    def total(self, store: str, keys: Range = (b"", b"\xff")) -> tuple[int, int]:
        """How many rows a range has, and their bytes."""
        ((count, size),) = self._execute(f"SELECT count(*), total(size) FROM {store} WHERE key >= ? AND key < ?", keys)
        return count, int(size)

    def rows_after(self, store: str, key: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """The rows after a key, with their keys, in order, read as they are taken."""
        return self._execute(f"SELECT key, size, item FROM {store} WHERE key > ? ORDER BY key", (key,))

    def estimate(self, store: str, now: float) -> tuple[int, int]:
        """The total of a store; of a large one, whose counting takes long, perhaps that of up to a minute ago.

        Outside a transaction: others have their turn while many rows are counted.
        """
        counted, total = self._counted.get(store, (float("-inf"), (0, 0)))
        if total[0] <= FEW_ROWS or now - counted >= COUNT_SECONDS:
            total = self._count(store)
            self._counted[store] = now, total
        return total

    def _count(self, store: str) -> tuple[int, int]:
        count, size = 0, 0
        key: bytes | None = b""
        while True:
            with self.transaction("DEFERRED"):
                ((is_there,),) = self._execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (store,))
                rows, more, last = 0, 0.0, None
                if is_there:
                    ((rows, more, last),) = self._execute(_COUNT.format(store), (key, COUNT_ROWS))
            count, size = count + rows, size + int(more)
            if rows < COUNT_ROWS:  # no row is left, or the store has been dropped in the meantime
                return count, size
            key = last
            time.sleep(YIELD_SECONDS)

    def token(self, token: str) -> bytes | None:
        """What was remembered of the request that had this token."""
        row = self._execute("SELECT request FROM tokens WHERE token = ?", (token,)).fetchone()
        return row[0] if row else None

    def remember_token(self, token: str, request: bytes, now: float) -> None:
        self._execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, request, now))

    def forget_tokens(self, before: float) -> None:
        self._execute("DELETE FROM tokens WHERE made < ?", (before,))
