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
from collections.abc import Callable, Iterator
from typing import Any

from flyexpr.engines.sqlite.faults import DamagedFileError, not_found
from flyexpr.engines.sqlite.keys import Range
from flyexpr.engines.sqlite.schema import Definition, Table, read_table
from flyexpr.errors import DynamoError

Row = tuple[int, bytes]
"""The size and the text of a stored item."""

CATALOG = (
    "CREATE TABLE catalog (name TEXT PRIMARY KEY, expires INTEGER NOT NULL, definition TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE catalog_version (version INTEGER NOT NULL)",
    "INSERT INTO catalog_version VALUES (0)",
    "CREATE TABLE tokens (token TEXT PRIMARY KEY, request BLOB NOT NULL, made REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX tokens_by_age ON tokens (made)",
)


FEW_ROWS, COUNT_SECONDS = 10_000, 60.0


class Transaction:
    """A transaction of a storage, for `with`: a generator in its place would take three times as long."""

    __slots__ = ("_kind", "_storage")

    def __init__(self, storage: Storage, kind: str) -> None:
        self._storage, self._kind = storage, kind

    def __enter__(self) -> None:
        try:
            self._storage.begin(self._kind)
        except BaseException:
            self._storage.connection.rollback()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._storage.connection.execute("COMMIT")
        finally:
            if self._storage.connection.in_transaction:
                self._storage.connection.rollback()


class Storage:
    """The stores and the catalog of one open SQLite connection.

    Every other method is to be called inside a `transaction`. What the catalog says is remembered for as long as its
    version, read anew in each transaction, stays the same: another process may have changed it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._execute = connection.execute
        self._version = -1
        self._tables: dict[str, Table] = {}
        self._counted: dict[str, tuple[float, tuple[int, int]]] = {}
        self._transactions = {kind: Transaction(self, kind) for kind in ("DEFERRED", "IMMEDIATE")}

    def transaction(self, kind: str) -> Transaction:
        """All or nothing: `DEFERRED` sees one state of the file, `IMMEDIATE` also lets no one else write."""
        return self._transactions[kind]

    def begin(self, kind: str) -> None:
        """Begins a transaction, and forgets what was remembered of the catalog if that has changed."""
        self._execute(f"BEGIN {kind}")
        ((version,),) = self._execute("SELECT version FROM catalog_version")
        if version != self._version:
            self._tables.clear()
            self._version = version

    def table(self, name: str) -> Table:
        """The table of that name; ResourceNotFoundException when there is none."""
        table = self.find(name)
        if table is None:
            raise not_found()
        return table

    def find(self, name: str) -> Table | None:
        """The table of that name, or None."""
        table = self._tables.get(name)
        if table is None:
            definition = self.definition(name)
            if definition is None:
                return None
            try:
                table = self._tables[name] = read_table(definition)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DamagedFileError(f"the definition of table {name!r} cannot be read: {error}") from error
        return table

    def definition(self, name: str) -> Definition | None:
        """What the catalog says of a table, or None."""
        for (text,) in self._execute("SELECT definition FROM catalog WHERE name = ?", (name,)):
            try:
                definition: Definition = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise DamagedFileError(f"the definition of table {name!r} cannot be read: {error}") from error
            return definition
        return None

    def table_names(self, after: str, limit: int) -> list[str]:
        """Names of tables in order, from the first one after `after`."""
        rows = self._execute("SELECT name FROM catalog WHERE name > ? ORDER BY name LIMIT ?", (after, limit))
        return [name.decode() for (name,) in rows]

    def expiring_tables(self) -> list[str]:
        """Names of the tables that have a time to live."""
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
            expires = "Expiry" in definition
            self._execute("INSERT OR REPLACE INTO catalog VALUES (?, ?, ?)", (name, expires, text))
        self._tables.clear()
        self._version = -1

    def create_store(self, store: str) -> None:
        self._execute(
            f"CREATE TABLE {store} (key BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL, item TEXT NOT NULL)"
        )

    def drop_store(self, store: str) -> None:
        self._execute(f"DROP TABLE {store}")

    def get(self, store: str, key: bytes) -> Row | None:
        """The row of a key, or None."""
        row: Row | None = self._execute(f"SELECT size, item FROM {store} WHERE key = ?", (key,)).fetchone()
        return row

    def find_row(self, name: str, row_key: Callable[[Table], bytes]) -> tuple[Table, Row | None]:
        """A table and one of its rows; to be called outside a transaction."""
        table = self._tables.get(name)
        found = self._row_alone(table, row_key) if table is not None else None
        if table is not None and found is not None and found[0] == self._version:
            return table, None if found[2] is None else found[1:]
        with self.transaction("DEFERRED"):
            table = self.table(name)
            return table, self.get(table.store, row_key(table))

    def _row_alone(self, table: Table, row_key: Callable[[Table], bytes]) -> Any:
        """The version of the catalog, and the row, by one statement: a third of what a transaction takes.

        None where the table has gone, or perhaps is another one now, for which the key is right.
        """
        query = f"SELECT version, size, item FROM catalog_version LEFT JOIN {table.store} ON key = ?"
        try:
            return self._execute(query, (row_key(table),)).fetchone()
        except (sqlite3.OperationalError, DynamoError):
            return None

    def put(self, store: str, key: bytes, size: int, text: bytes) -> None:
        self._execute(
            f"INSERT INTO {store} VALUES (?, ?, CAST(? AS TEXT)) "
            "ON CONFLICT (key) DO UPDATE SET size = excluded.size, item = excluded.item",
            (key, size, text),
        )

    def delete(self, store: str, key: bytes) -> None:
        self._execute(f"DELETE FROM {store} WHERE key = ?", (key,))

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

    def estimate(self, store: str, now: float) -> tuple[int, int]:
        """The total of a store; of a large one, whose counting takes long, perhaps that of up to a minute ago."""
        counted, total = self._counted.get(store, (float("-inf"), (0, 0)))
        if total[0] <= FEW_ROWS or now - counted >= COUNT_SECONDS:
            total = self.total(store)
            self._counted[store] = now, total
        return total

    def token(self, token: str) -> bytes | None:
        """What was remembered of the request that had this token."""
        row = self._execute("SELECT request FROM tokens WHERE token = ?", (token,)).fetchone()
        return row[0] if row else None

    def remember_token(self, token: str, request: bytes, now: float) -> None:
        self._execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, request, now))

    def forget_tokens(self, before: float) -> None:
        self._execute("DELETE FROM tokens WHERE made < ?", (before,))
