"""Connections to SQLite that wait for nobody and trust no file, and what waits for others in their place."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from flyexpr.engines.sqlite.disk.file.failures import is_locked
from flyexpr.engines.sqlite.disk.file.forks import SelfClosing

# Seconds between two tries. A write takes 0.1 to 0.2 ms: two processes that pause for a whole millisecond at first make
# 0.6 times as many puts. The pauses of fills.py are longer than the longest, so that a try falls in.
_SHORT, _LONG = 0.00005, 0.005

T = TypeVar("T")


def connected(place: str, uri: bool = False) -> sqlite3.Connection:
    """A connection to the file at a place, or to the one that a URI names. It waits for nobody; see `patiently`."""
    return sqlite3.connect(
        place,
        uri=uri,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        factory=SelfClosing,
        cached_statements=1000,
    )


def distrust(connection: sqlite3.Connection) -> None:
    """Guards a connection: a file may come from anybody, and its schema holds expressions."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)


def within(connection: sqlite3.Connection, begin: str, action: Callable[[], T], patience: float) -> T:
    """What an action gives, in a transaction of its own."""

    def attempt() -> T:
        connection.execute(begin)
        try:
            done = action()
            connection.execute("COMMIT")
            return done
        finally:
            if connection.in_transaction:
                connection.rollback()

    return patiently(attempt, patience)


def patiently(attempt: Callable[[], T], seconds: float) -> T:
    """What `attempt` gives, tried again while another connection has what it needs.

    >>> patiently(lambda: 1, seconds=30)
    1

    SQLite could wait by itself. It would do so in steps of up to 100 ms, and with the engine's lock held.
    """
    until, pause = time.monotonic() + seconds, _SHORT
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() >= until:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, _LONG)
