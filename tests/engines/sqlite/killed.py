"""Kills a process after so many statements of SQL, for tests of what it leaves in its file."""

import os
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.disk.file import files
from flyexpr.engines.sqlite.disk.file.forks import SelfClosing


def killed_after(count: int, act: Callable[[], Any]) -> bool:
    """Whether a process that does something was killed before it was done: it is, after so many statements of SQL."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            _count_down(count)
            act()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert status in (0, signal.SIGKILL), "the process failed"
    return status != 0


def _count_down(count: int) -> None:
    left = count

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments: Any) -> Any:
            step()
            return super().execute(*arguments)

    class Connection(SelfClosing):
        def execute(self, *arguments: Any) -> Any:
            step()
            return super().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            step()
            return super().executemany(*arguments)

        def cursor(self, *_: Any) -> Any:
            return super().cursor(Cursor)

    connect = sqlite3.connect
    files.sqlite3.connect = lambda *a, **k: connect(*a, **{**k, "factory": Connection})  # type: ignore[assignment]
