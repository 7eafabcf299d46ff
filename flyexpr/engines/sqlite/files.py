"""Opening the SQLite file that an embedded engine lives in, or saying clearly why it cannot.

The file is marked with an application id and the version of its format. Writes go through a write-ahead log, so readers
never wait for a writer. With `sync="normal"` an acknowledged write survives the end of the process, however it comes;
with `sync="full"` also a power cut, at the price of waiting for the disk on every write.
https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time

from flyexpr.engines.sqlite.storage import CATALOG
from flyexpr.errors import FlyexprError

APPLICATION_ID = 0x666C7865  # "flxe"
FORMAT = 1
MEMORY = ":memory:"
BUSY_SECONDS = 30
SYNC = {"normal": "NORMAL", "full": "FULL"}


def open_connection(path: str, sync: str) -> sqlite3.Connection:
    """A connection to the file at a path, made when it is missing; a private one in memory for `:memory:`.

    FlyexprError for a folder, a file without one, a file of another program or a newer format, and a read-only file.
    """
    if sync not in SYNC:
        raise FlyexprError(f"sync={sync!r} is neither 'normal' nor 'full'")
    _check_place(path)
    try:
        connection = sqlite3.connect(
            path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1000,
        )
    except sqlite3.Error as error:
        raise FlyexprError(f"cannot open {path!r}: {error}") from None
    try:
        connection.text_factory = bytes
        _prepare(connection, path, sync)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite may quote damaged bytes in what it says
        connection.close()
        raise FlyexprError(f"cannot use {path!r} as a table file: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _check_place(path: str) -> None:
    if path == MEMORY:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FlyexprError(f"cannot open {path!r}: there is no folder {folder!r}")
    if os.path.isdir(path):
        raise FlyexprError(f"cannot open {path!r}: it is a folder; name a file, such as 'sqlite:{path}/tables.db'")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise FlyexprError(f"cannot open {path!r}: it is read-only, and an engine writes")
    if not os.access(folder, os.W_OK):
        raise FlyexprError(f"cannot open {path!r}: its folder is read-only, and an engine keeps a log beside the file")


def _prepare(connection: sqlite3.Connection, path: str, sync: str) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")  # a file may come from anybody, and its schema holds expressions
    connection.execute("PRAGMA cell_size_check = ON")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    connection.execute("BEGIN")  # one state of the file, though another process may be making it
    _check_format(connection, path)
    connection.execute("COMMIT")
    _use_log(connection)
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: a page written often is copied less often
    connection.execute(f"PRAGMA synchronous = {SYNC[sync]}")
    connection.execute("BEGIN IMMEDIATE")
    # Looked at again under the lock: another process may have made the file in the meantime.
    if _check_format(connection, path):
        for statement in CATALOG:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch the file to its write-ahead log.

    Of several processes that switch at once SQLite refuses some without waiting, lest they wait for each other.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)


def _check_format(connection: sqlite3.Connection, path: str) -> bool:
    """True for an empty file, False for one of this format."""
    ((program,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    if not program and not tables:
        return True
    if program != APPLICATION_ID:
        raise FlyexprError(f"cannot use {path!r}: it is an SQLite file of another program")
    if version > FORMAT:
        raise FlyexprError(f"cannot use {path!r}: it was written by a newer flyexpr (format {version}, not {FORMAT})")
    ((foreign,),) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
    )
    if foreign:
        raise FlyexprError(f"cannot use {path!r}: it has triggers, views or virtual tables, which no engine makes")
    return False
