"""Files that survive a crash: written in one step, held by one job, named in every error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from flyexpr.errors import FlyexprError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Makes an error of the operating system one that names the file.

    >>> with naming(Path("a.journal")):
    ...     Path("none/a").open()
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: a.journal: No such file or directory
    """
    try:
        yield
    except OSError as error:
        raise FlyexprError(f"{path}: {error.strerror or error}") from None


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file so that a reader, even after a loss of power, finds either the old content or the new.

    >>> replace_file(Path("a.txt"), b"new"); Path("a.txt").read_bytes()
    b'new'

    FlyexprError with the file's name where it cannot be written.
    """
    beside = path.with_name(path.name + ".new")
    with naming(path):
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        if hasattr(os, "O_DIRECTORY"):  # a folder can be synced on POSIX systems only
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


class Hold:
    """The only hold on a file: a second one, by this process or another, is refused until the first is released.

    >>> hold = Hold(Path("a.journal"))
    >>> Hold(Path("a.journal"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: a.journal is in use by another job, which still runs
      hint: wait for that job, or give this one another file
    >>> hold.release(); Hold(Path("a.journal")).release()

    The lock is on a file beside it, `a.journal.lock`, because the file itself is replaced at every step. The operating
    system releases it when the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        with naming(self._path):
            self._file = self._taken(path)

    def release(self) -> None:
        """Releases the file, and removes the one beside it."""
        if not self._file.closed:
            with suppress(OSError):  # Windows removes no open file
                self._path.unlink()
            self._file.close()

    def _taken(self, path: Path) -> IO[bytes]:
        while True:
            file = self._path.open("ab")
            if not _is_locked_now(file):
                file.close()
                raise FlyexprError(
                    f"{path} is in use by another job, which still runs\n"
                    "  hint: wait for that job, or give this one another file"
                )
            if _is_at(file, self._path):
                return file
            file.close()  # it was removed between opening and locking


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _is_locked_now(file: IO[bytes]) -> bool:
    """Locks an open file for this process alone; False when another one has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
