"""A file as it stood at a moment: in front of each store lies a view that hides what has changed since.

The view is of this connection alone, and has the name of the store, so that all reads go through it. It shows the rows
of a temporary table, and of the store those whose keys are not in it. A row without a size says that nothing was there.
SQLite keeps temporary tables apart from the file, which is only read.
https://www.sqlite.org/lang_naming.html
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from flyexpr.engines.sqlite.disk.file.files import TableFile
from flyexpr.engines.sqlite.disk.file.paths import MEMORY
from flyexpr.engines.sqlite.disk.file.read_only import ReadOnlyFile
from flyexpr.engines.sqlite.disk.images import Row
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.schema import StoredTable, store_statement
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import only_past
from flyexpr.errors import DynamoError

_PROGRESS = "(name TEXT PRIMARY KEY, stores TEXT NOT NULL, number INTEGER NOT NULL, until INTEGER NOT NULL)"
_VIEW = (
    "CREATE TEMP VIEW {0} AS SELECT * FROM main.{0} AS present "
    "WHERE NOT EXISTS (SELECT 1 FROM temp.past_{0} AS past WHERE past.key = present.key) "
    "UNION ALL SELECT * FROM temp.past_{0} WHERE size IS NOT NULL"
)


class Progress(NamedTuple):
    """How far the changes of a table are taken back: up to a number, and that was all that there was `until` then."""

    number: int
    until: int


class PastFile(ReadOnlyFile):
    """A file that is only read, on a connection that has temporary tables."""

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        ready = super()._prepare(connection)
        connection.execute("PRAGMA query_only = OFF")
        return ready


class PastStorage(Storage):
    """The tables of a storage as they stood after the change of a number.

    `take_back` is called with this storage and each table that is read, and hides what has changed in it since. Tables
    in memory are copied for this, for they have one connection only.
    """

    def __init__(self, present: Storage, number: int, take_back: Callable[[PastStorage, StoredTable], None]) -> None:
        self.number, self._take_back = number, take_back
        path = present.path
        super().__init__(TableFile(path) if path == MEMORY else PastFile(path, present.patience), present.keeping)
        self.read_only = True
        if path == MEMORY:
            with present.lock:
                present.connection.backup(self.connection)

    def refusal(self, operation: str) -> DynamoError:
        return only_past(self.path, operation)

    def find(self, name: str) -> StoredTable | None:
        table = super().find(name)
        if table is not None:
            self._take_back(self, table)
        return table

    def find_row(self, name: str, row_key: Callable[[StoredTable], bytes]) -> tuple[StoredTable, Row | None]:
        with self.transaction("DEFERRED"):
            table = self.table(name)
            return table, self.get(table.store, row_key(table))

    def rows(self, store: str, keys: Range, *, reverse: bool = False, limit: int = -1) -> Iterator[Row]:
        order = "DESC" if reverse else "ASC"
        # With the key among what is selected, SQLite merges the two halves of the view, and sorts nothing.
        selected = f"SELECT key, size, item FROM {store} WHERE key >= ? AND key < ? ORDER BY key {order} LIMIT ?"
        return ((size, item) for _, size, item in self._execute(selected, (*keys, limit)))

    # what is hidden; a transaction that is rolled back takes this back too

    def progress(self, name: str, stores: Sequence[str]) -> Progress | None:
        """How far the changes of a table that has these stores are taken back; None where none is."""
        self._execute(f"CREATE TEMP TABLE IF NOT EXISTS past {_PROGRESS}")
        row = self._execute("SELECT stores, number, until FROM temp.past WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        if row[0].decode().split() == [*stores]:
            return Progress(*row[1:])
        self._show(name, row[0].decode().split())  # it has another index, or is another table
        return None

    def keep_progress(self, name: str, stores: Sequence[str], progress: Progress) -> None:
        self._do("INSERT OR REPLACE INTO temp.past VALUES (?, ?, ?, ?)", (name, " ".join(stores), *progress))

    def hide(self, stores: Iterable[str]) -> None:
        """Lay a view in front of each store, which hides nothing as yet."""
        for store in stores:
            self._execute(store_statement(store, f"temp.past_{store}", rule=""))
            self._execute(_VIEW.format(store))

    def _show(self, name: str, stores: Iterable[str]) -> None:
        """Show a table as it is now again."""
        for store in stores:
            self._execute(f"DROP VIEW temp.{store}")
            self._execute(f"DROP TABLE temp.past_{store}")
        self._execute("DELETE FROM temp.past WHERE name = ?", (name,))
        self.held.clear()

    def present(self, store: str, key: bytes) -> Row | None:
        """The row of a key as it is now, or None."""
        row: Row | None = self._execute(f"SELECT size, item FROM main.{store} WHERE key = ?", (key,)).fetchone()
        return row

    def was(self, store: str, key: bytes, otherwise: Row | None) -> Row | None:
        """The row of a key as it stood, where that is known already; None for one that was not there."""
        row = self._execute(f"SELECT size, item FROM temp.past_{store} WHERE key = ?", (key,)).fetchone()
        if row is None:
            return otherwise
        size, text = row
        return None if size is None else (size, text)

    def put(self, store: str, key: bytes, size: int, text: bytes) -> None:
        self._do(f"INSERT OR REPLACE INTO temp.past_{store} VALUES (?, ?, CAST(? AS TEXT))", (key, size, text))

    def put_vector(self, store: str, key: bytes, size: int, text: bytes, vector: bytes) -> None:
        super().put_vector(f"temp.past_{store}", key, size, text, vector)

    def delete(self, store: str, key: bytes) -> None:
        self._do(f"INSERT OR REPLACE INTO temp.past_{store} (key) VALUES (?)", (key,))
