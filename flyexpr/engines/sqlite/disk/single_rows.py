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
            table = self._table_alone(name)
            return None if table is None else self._row_alone(table, row_key)

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
            try:
                if row is None or new is None:
                    return self._enter_or_delete(found, new)
                changed = f"UPDATE {table.store} SET size = ?, item = CAST(? AS TEXT) WHERE {_SAME}"
                return self._do(changed, (*new, key, row[1], version)).rowcount == 1
            except _UNDONE:
                return False

    def _enter_or_delete(self, found: FoundRow, new: Row | None) -> bool:
        table, key, row, version = found
        if new is not None:
            entered = f"INSERT INTO {table.store} {_NEW} ON CONFLICT (key) DO NOTHING"
            return self._do(entered, (key, *new, version)).rowcount == 1
        assert row is not None
        return self._do(f"DELETE FROM {table.store} WHERE {_SAME}", (key, row[1], version)).rowcount == 1

    def put_alone(self, name: str, row_key: Callable[[StoredTable], bytes], row: Row) -> bool:
        """Puts a row in place of any other one.

        False, and nothing is done, where only a transaction can do it, as in `row_to_change`, or somebody else writes.
        """
        with self.turns:
            table = self._table_alone(name)
            if table is None:
                return False
            try:
                values = row_key(table), *row, self._version
                return self._do(f"INSERT INTO {table.store} {_NEW} {IN_PLACE}", values).rowcount == 1
            except _UNDONE:
                return False

    def _table_alone(self, name: str) -> StoredTable | None:
        """The table, if it is remembered and single statements may change its rows."""
        table = self._tables.get(name)
        if table is None or table.looks_back or self.file.waits_for_disk or not self.file.stands():
            return None
        return None if self._connection is None or self._connection.in_transaction else table

    def _row_alone(self, table: StoredTable, row_key: Callable[[StoredTable], bytes]) -> FoundRow | None:
        """One of its rows, with the version of the catalog.

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
        if result is None or result[0] != self._version:
            return None
        version, size, text = result
        return FoundRow(table, key, None if size is None else (size, text), version)
