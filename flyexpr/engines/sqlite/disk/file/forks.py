"""SQLite does not survive a fork: files are closed before it, and opened again where they are next used.

A fork copies the one thread that forks. Whatever lock another thread holds at that moment, SQLite's own among them,
stays locked in the child for ever. So nobody else may be at work in SQLite during a fork: the fork takes the lock of
every storage, and the lock under which all files are opened and closed.
https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from contextlib import suppress
from typing import Protocol

from flyexpr.engines.sqlite.disk.file.turns import Turns


class Forkable(Protocol):
    """A storage, as a fork sees it."""

    lock: threading.RLock
    turns: Turns

    def leave(self) -> None:
        """Close the file, if there is one."""


class Openable(Protocol):
    """A file that can be opened."""

    def open(self) -> sqlite3.Connection:
        """A connection to it."""


_opening = threading.RLock()  # taken last: its holder waits for no other lock
forking = threading.RLock()  # taken first: only one thread forks at a time, and none where one takes two storages
_storages: weakref.WeakSet[Forkable] = weakref.WeakSet()
_held: list[Forkable] = []


def open_apart(storage: Forkable, file: Openable) -> sqlite3.Connection:
    """The file of a storage, opened while no thread forks."""
    with _opening:
        _storages.add(storage)
        return file.open()


def close_apart(connection: sqlite3.Connection) -> None:
    """Close a file while no thread forks."""
    with _opening:
        connection.close()


class SelfClosing(sqlite3.Connection):
    """A connection that closes its file apart, too, when nobody has it any more.

    The garbage collector may come to it before it comes to its storage. Python 3.13 warns of a connection that it has
    to close itself.
    """

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # one whose file could not be opened has nothing to close
            close_apart(self)


def _before_fork() -> None:
    forking.acquire()
    _opening.acquire()
    while fresh := [storage for storage in _storages if storage not in _held]:
        _opening.release()  # a thread that has a storage may be waiting to open its file
        for storage in fresh:
            storage.lock.acquire()
        _held.extend(fresh)
        _opening.acquire()
    for storage in _held:
        storage.leave()


def _after_fork() -> None:
    while _held:
        _held.pop().lock.release()
    _opening.release()
    forking.release()


def _in_child() -> None:
    for storage in _held:
        storage.turns.begin_anew()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
