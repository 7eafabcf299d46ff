"""The format of a file of tables: what marks it as one, and the tables that every file has."""

from __future__ import annotations

import sqlite3

from flyexpr.engines.sqlite.disk.schema import RESOURCES, SHARDS
from flyexpr.errors import FlyexprError

APPLICATION_ID = 0x666C7865  # "flxe"
FORMAT = 4
EMPTY = 0
CATALOG = (
    "CREATE TABLE catalog (name TEXT PRIMARY KEY, expires INTEGER NOT NULL, definition TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE catalog_version (version INTEGER NOT NULL)",
    "INSERT INTO catalog_version VALUES (0)",
    "CREATE TABLE tokens (token TEXT PRIMARY KEY, request BLOB NOT NULL, made REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX tokens_by_age ON tokens (made)",
    RESOURCES,
    *SHARDS,
)


def make_tables(connection: sqlite3.Connection, path: str) -> None:
    """Makes the tables that every file has in an empty file; any other is left as it is."""
    if file_format(connection, path) != EMPTY:
        return  # another process has made it in the meantime
    for statement in CATALOG:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def file_format(connection: sqlite3.Connection, path: str) -> int:
    """The format of a file, today's or an older one; EMPTY for an empty file. FlyexprError for any other file."""
    ((program,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    if not program and not tables:
        return EMPTY
    if program != APPLICATION_ID:
        raise FlyexprError(f"cannot use {path!r}: it is an SQLite file of another program")
    if version > FORMAT:
        raise FlyexprError(f"cannot use {path!r}: it was written by a newer flyexpr (format {version}, not {FORMAT})")
    ((foreign,),) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
    )
    if foreign:
        raise FlyexprError(f"cannot use {path!r}: it has triggers, views or virtual tables, which no engine makes")
    return int(version)
