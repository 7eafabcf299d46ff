"""The rows of a file of an older format are made those of today, when the file is opened.

Format 1 had other row keys: its hash was not the service's, and its numbers had other bytes. The items are the same, so
the row keys are made anew from the items. Format 2 kept the shards of a stream in the JSON of the stream. Up to format
3 a change had no key of its own: where nobody needed an item, `{}` or the key stood in its place.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, has_key, read_key_schema, row_key
from flyexpr.engines.sqlite.disk.key_texts import KeyReader, key_reader
from flyexpr.engines.sqlite.disk.schema import (
    RESOURCES,
    SHARDS,
    StoredTable,
    change_kind,
    changes_statement,
    check_store,
    read_definition,
    read_table,
    store_statement,
)
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.values.types import Item

_OLDER = "older_rows"
_TIME = 8  # bytes before the row key in a time to live
_CACHE = -65_536  # KiB: the new keys come in no order, and a page of them should be written once

_UNREADABLE = ValueError, KeyError, TypeError, AttributeError, RecursionError
_UNFIT = OverflowError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError  # what no row can hold

Row = tuple[bytes, int, bytes]


def convert(connection: sqlite3.Connection, version: int) -> None:
    """Convert a file of an older format to the format of today. It runs in a transaction, so nobody sees half of it.

    DamagedFileError for what cannot be read: a table, an item, a stream.
    """
    connection.execute(f"PRAGMA cache_size = {_CACHE}")
    if version == 1:
        connection.execute(RESOURCES)
        _convert_tables(connection)
    if version < 3:
        for statement in SHARDS:
            connection.execute(statement)
        _convert_streams(connection)
    for store, key in _stores_of_changes(connection).items():
        _convert_changes(connection, store, key_reader(key))


def _convert_tables(connection: sqlite3.Connection) -> None:
    for name, text in connection.execute("SELECT name, definition FROM catalog").fetchall():
        definition = read_definition(name.decode(), text)
        _convert_table(connection, read_table(definition))
        if "Filling" in definition:
            definition["Filling"]["After"] = ""  # the fill passes all items again; an entry that is there is put anew
            text = json.dumps(definition, ensure_ascii=False, separators=(",", ":"))
            connection.execute("UPDATE catalog SET definition = ? WHERE name = CAST(? AS TEXT)", (text, name))


def _convert_table(connection: sqlite3.Connection, table: StoredTable) -> None:
    if table.expiry is not None:  # first, because its rows name the items by their older row keys
        _convert_expiry(connection, table, table.expiry.store)
    for index in table.indexes:
        _convert_store(connection, table, index)
    _convert_store(connection, table, None)


def _convert_store(connection: sqlite3.Connection, table: StoredTable, index: StoredIndex | None) -> None:
    """Give the rows of an index, or with None those of the table itself, today's keys."""
    names = table.key.names if index is None else (*index.key.names, *table.key.names)

    def fresh(rows: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
        for size, text in rows:
            item = _read(table, text, names)
            row = row_key(table.key, item)
            key = row if index is None else index.row_key(row, item)
            if key is None:
                raise DamagedFileError("an entry of an index lacks its key")
            yield key, size, text

    store = table.store if index is None else index.store
    _replace(connection, store, store_statement(store), f"SELECT size, item FROM {_OLDER}", fresh, _INSERT_ROW)


def _convert_expiry(connection: sqlite3.Connection, table: StoredTable, store: str) -> None:
    def fresh(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[Row]:
        for time, text in rows:
            row = row_key(table.key, _read(table, text, table.key.names))
            yield time + row, 0, row.hex().encode()

    due = (
        f"SELECT substr(older.key, 1, {_TIME}), items.item FROM {_OLDER} AS older "
        f"JOIN {table.store} AS items ON items.key = substr(older.key, {_TIME + 1})"
    )
    _replace(connection, store, store_statement(store), due, fresh, _INSERT_ROW)


def _read(table: StoredTable, text: bytes, names: tuple[str, ...]) -> Item:
    item = read_text(text, dict.fromkeys(names))
    if not has_key(table.key, item):
        raise DamagedFileError("a stored item lacks its key")
    return item


def _replace(
    connection: sqlite3.Connection,
    store: str,
    create: str,
    select: str,
    fresh: Callable[[Any], Iterator[tuple[Any, ...]]],
    insert: str,
) -> None:
    """Make a store anew, with the rows that `fresh` makes of those that `select` finds in the older one."""
    connection.execute(f"ALTER TABLE {store} RENAME TO {_OLDER}")
    connection.execute(create)
    rows = fresh(connection.execute(select))
    connection.executemany(insert.format(store), rows)
    connection.execute(f"DROP TABLE {_OLDER}")


_INSERT_ROW = "INSERT INTO {} VALUES (?, ?, CAST(? AS TEXT))"


def _stores_of_changes(connection: sqlite3.Connection) -> dict[str, KeySchema]:
    """The stores of changes, with the keys of their tables; a stream knows that of a table which is gone."""
    stores = {}
    for (text,) in connection.execute("SELECT definition FROM resources WHERE kind = 'stream'"):
        try:
            stream = json.loads(text)
            stores[check_store(stream["Store"])] = read_key_schema(stream["Key"], stream["Kinds"])
        except _UNREADABLE as error:
            raise DamagedFileError(f"a stream cannot be read: {error}") from error
    for name, text in connection.execute("SELECT name, definition FROM catalog"):
        table = read_table(read_definition(name.decode(), text))
        if table.changes is not None:
            stores[table.changes.store] = table.key
    return stores


def _convert_changes(connection: sqlite3.Connection, store: str, key_of: KeyReader) -> None:
    def fresh(changes: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for number, expired, old_size, old, new_size, new in changes:
            kind = change_kind(old is not None, new is not None, expired)
            text = old if new in _NO_KEY else new
            yield (number, kind, *key_of(text), *_kept(old_size, old), *_kept(new_size, new))

    select = f"SELECT number, expired, old_size, old, new_size, new FROM {_OLDER}"
    try:
        _replace(connection, store, changes_statement(store), select, fresh, _INSERT_CHANGE)
    except (*_UNREADABLE, *_UNFIT) as error:
        raise DamagedFileError(f"a change cannot be read: {error}") from error


_NO_KEY = None, b"{}"
_INSERT_CHANGE = "INSERT INTO {} VALUES (?, ?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT))"


def _kept(size: Any, text: Any) -> tuple[Any, Any]:
    """An image of a change, unless `{}` or the key stands in its place: the size was then that of the text."""
    return (None, None) if text in _NO_KEY or size == len(text) else (size, text)


def _convert_streams(connection: sqlite3.Connection) -> None:
    query = "SELECT arn, definition FROM resources WHERE kind = 'stream'"
    for arn, text in connection.execute(query).fetchall():
        try:
            stream = json.loads(text)
            shards = [
                (arn, start, part, parts, id, parent, end, closed)
                for id, parent, start, end, (part, parts), closed in stream.pop("Shards")
            ]
            connection.executemany("INSERT INTO shards VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)", shards)
        except (*_UNREADABLE, *_UNFIT) as error:
            raise DamagedFileError(f"a stream cannot be read: {error}") from error
        text = json.dumps(stream, ensure_ascii=False, separators=(",", ":"))
        connection.execute("UPDATE resources SET definition = ? WHERE arn = CAST(? AS TEXT)", (text, arn))
