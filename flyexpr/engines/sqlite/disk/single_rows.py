"""Single rows, read and written by one statement each, without a transaction.

A transaction is three statements more: its beginning, its end, and the version of the catalog, which tells whether a
table is still the one that is remembered. Here each statement looks at the version itself. A put takes 0.83 of the time
that it takes in a transaction, and a read a third. An update reads its row, and changes it if it is still the same: it
takes 0.91 in memory, and two processes make 1.3 times as many, as none has the lock while it works.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from flyexpr.engines.sqlite.disk.file.open_file import OpenFile
from flyexpr.engines.sqlite.disk.images import Row
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.errors import DynamoError

IN_PLACE = "ON CONFLICT (key) DO UPDATE SET size = excluded.size, item = excluded.item"
_NEW = "SELECT ?, ?, CAST(? AS TEXT) FROM catalog_version WHERE version = ?"
_SAME = "key = ? AND item = CAST(? AS TEXT) AND (SELECT version FROM catalog_version) = ?"
# What only a transaction can tell: somebody else writes, the table has gone, or the key is not one of the table.
_UNDONE = sqlite3.OperationalError, DynamoError


class FoundRow(NamedTuple):
    """A row as it was read: its table, its key, its size and text if there is one, and the version of the catalog."""

    table: StoredTable
    key: bytes
    row: Row | None
    version: int


class SingleRows(OpenFile):
    """The rows of one SQLite file, one at a time; every public method is to be called outside a transaction."""

    def row_to_change(self, name: str, row_key: Callable[[StoredTable], bytes]) -> FoundRow | None:
        """A row that `change_alone` may change; None where only a transaction can do it.

        That is so where the table looks back, or perhaps is another one now; where the row key is refused; and where a
        write waits for the disk.
        """
        with self.turns:
            version, table = self._table_alone(name)
            return None if table is None else self._row_alone(version, table, row_key)

    def change_alone(self, found: FoundRow, new: Row | None) -> bool:
        """Puts another row in the place of one that was found, or deletes it.

        False, and nothing is done, where the table or the row is not the same any more, or somebody else writes.
        """
        table, key, row, version = found
        if row == new:
            return True
        with self.turns:
            if self._connection is None or self._connection.in_transaction:
                return False
            if row is None or new is None:
                return self._enter_or_delete(found, new)
            changed = f"UPDATE {table.store} SET size = ?, item = CAST(? AS TEXT) WHERE {_SAME}"
            return self._writes_one(changed, (*new, key, row[1], version))

    def _enter_or_delete(self, found: FoundRow, new: Row | None) -> bool:
        table, key, row, version = found
        if new is not None:
            entered = f"INSERT INTO {table.store} {_NEW} ON CONFLICT (key) DO NOTHING"
            return self._writes_one(entered, (key, *new, version))
        assert row is not None
        return self._writes_one(f"DELETE FROM {table.store} WHERE {_SAME}", (key, row[1], version))

    def put_alone(self, name: str, row_key: Callable[[StoredTable], bytes], row: Row) -> bool:
        """Puts a row in place of any other one.

        False, and nothing is done, where only a transaction can do it, as in `row_to_change`, or somebody else writes.
        """
        with self.turns:
            version, table = self._table_alone(name)
            if table is None:
                return False
            try:
                key = row_key(table)
            except DynamoError:
                return False
            return self._writes_one(f"INSERT INTO {table.store} {_NEW} {IN_PLACE}", (key, *row, version))

    def _writes_one(self, statement: str, values: tuple[object, ...]) -> bool:
        """Whether a statement has written its row; False, and nothing is done, where it could not.

        It has a cursor of its own: with the common one, what a signal's handler asks for behind the statement would be
        taken for its outcome.
        """
        try:
            cursor = self._execute(statement, values)
        except sqlite3.OperationalError:
            return False
        return cursor.rowcount == 1

    def _table_alone(self, name: str) -> tuple[int, StoredTable | None]:
        """The version of the catalog, and the table, if it is remembered and single statements may change its rows."""
        version = self._version  # first: a signal's handler may send a request behind any line, and find another one
        table = self._tables.get(name)
        if table is None or table.looks_back or self.file.waits_for_disk or not self.file.stands():
            return version, None
        return version, None if self._connection is None or self._connection.in_transaction else table

    def _row_alone(self, version: int, table: StoredTable, row_key: Callable[[StoredTable], bytes]) -> FoundRow | None:
        """One of the rows of a table that was remembered at a version of the catalog.

        None where the table has gone, or perhaps is another one now, for which the key is right; and where only a
        transaction can tell: the file is not open, or this thread has begun one.
        """
        if self._connection is None or self._connection.in_transaction:
            return None
        query = f"SELECT version, size, item FROM catalog_version LEFT JOIN {table.store} ON key = ?"
        try:
            key = row_key(table)
            result = self._execute(query, (key,)).fetchone()
        except _UNDONE:
            return None
        if result is None or result[0] != version:
            return None
        _, size, text = result
        return FoundRow(table, key, None if size is None else (size, text), version)
