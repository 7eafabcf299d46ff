"""The SQL: one SQLite file of ordered stores, and a catalog that says which tables they belong to.

Each table, each index and each time to live has a store of its own: an SQLite table `(key, size, item)` in
which `key` is the row key of keys.py, `size` the item's bytes as DynamoDB counts them, and `item` its wire JSON
text. The keys have a B-tree of their own beside the items (not WITHOUT ROWID): with items of 1 KB that makes writes
twice as fast and the file a third of the size, for SQLite keeps few and large rows badly in an index.

    sqlite3 scores.db 'SELECT item FROM items_1'     the items of the first table, as wire JSON
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator

from flyexpr.engines.sqlite.disk.file.files import TableFile
from flyexpr.engines.sqlite.disk.images import Row
from flyexpr.engines.sqlite.disk.keeping import AS_THE_SERVICE, Keeping
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.schema import Definition, StoredTable, read_definition, read_table, store_statement
from flyexpr.engines.sqlite.disk.single_rows import IN_PLACE, SingleRows
from flyexpr.engines.sqlite.faults import not_found, only_read
from flyexpr.errors import DynamoError

FEW_ROWS, COUNT_SECONDS = 10_000, 60.0
COUNT_ROWS = 2000  # with the lock held
YIELD_SECONDS = 0.001  # without a pause a thread would take the lock again before another can
_COUNT = "SELECT count(*), total(size), max(key) FROM (SELECT key, size FROM {} WHERE key > ? ORDER BY key LIMIT ?)"
_NO_ROW = None, None


def _put_statement(store: str) -> str:
    return f"INSERT INTO {store} VALUES (?, ?, CAST(? AS TEXT)) {IN_PLACE}"


class Storage(SingleRows):
    """The stores and the catalog of one SQLite file.

    Every method is to be called inside a `transaction`, unless it says otherwise.
    """

    def __init__(self, file: TableFile, keeping: Keeping = AS_THE_SERVICE) -> None:
        self.keeping = keeping
        self._counted: dict[str, tuple[float, tuple[int, int]]] = {}
        super().__init__(file)

    def _again(self) -> Storage:
        return Storage(self.file.again(), self.keeping)

    def refusal(self, operation: str) -> DynamoError:
        """The refusal of an operation that writes, where the storage is `read_only`."""
        return only_read(self.path, operation)

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
            version, table = self._version, self._tables.get(name)
            if table is not None and time.monotonic() < self._trusted_until:
                found = self._row_alone(version, table, row_key)
                if found is not None:
                    return table, found.row
        with self.transaction("DEFERRED"):
            table = self.table(name)
            return table, self.get(table.store, row_key(table))

    def put(self, store: str, key: bytes, size: int, text: bytes) -> None:
        self._do(_put_statement(store), (key, size, text))

    def put_all(self, store: str, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
        self.connection.executemany(_put_statement(store), rows)

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
        self, store: str, least: int, step: int, kind: int, key: tuple[bytes, int], old: Row | None, new: Row | None
    ) -> None:
        """Record a change, numbered `least`, or `step` more than the newest if that is larger (history/changes.py)."""
        self._do(
            f"INSERT INTO {store} VALUES (max(?, coalesce((SELECT max(number) FROM {store}) + ?, 0)), ?, "
            "CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT))",
            (least, step, kind, *key, *(old or _NO_ROW), *(new or _NO_ROW)),
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
