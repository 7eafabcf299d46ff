"""What a job could not do, one JSON object a line: where it stands, what it is, and why."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from flyexpr.errors import FlyexprError
from flyexpr.values import quote


class Refusal(FlyexprError):
    """One entry of a job that could not be done, and its place.

    >>> str(Refusal("line 3,017", "not JSON", "{"))
    'line 3,017: not JSON'
    """

    def __init__(self, place: str, reason: str, text: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason, self.text = place, reason, text


class Rejects:
    """The file of refused entries; without one, the first refusal ends the job.

    >>> rejects = Rejects(Path("rejects.jsonl"))
    >>> rejects.add(Refusal("line 7", "not JSON", "{")); rejects.close()
    >>> print(Path("rejects.jsonl").read_text(), end="")
    {"place": "line 7", "reason": "not JSON", "text": "{"}
    >>> Rejects(None).add(Refusal("line 7", "not JSON", "{"))
    Traceback (most recent call last):
    ...
    flyexpr.cli.rejects.Refusal: line 7: not JSON

    `length` is where an interrupted job left off: what came after is written again, what came before counts.

    >>> rejects = Rejects(Path("rejects.jsonl"), length=55); rejects.close(); rejects.number
    1
    """

    def __init__(self, path: Path | None, length: int = 0) -> None:
        self.number, self._lock, self._file = 0, threading.Lock(), None
        if path is not None:
            self._file = path.open("r+b" if length and path.exists() else "w+b")
            self._file.truncate(length)
            self.number = sum(1 for _ in self._file)

    @property
    def kept(self) -> bool:
        """Whether there is a file, so that the job goes on past a refusal."""
        return self._file is not None

    def add(self, refusal: Refusal) -> None:
        """Takes down a refusal, or raises it where nobody takes it down."""
        if self._file is None:
            raise refusal
        members: dict[str, Any] = {"place": refusal.place, "reason": refusal.reason, "text": refusal.text}
        line = ", ".join(f"{quote(name)}: {quote(value)}" for name, value in members.items())
        with self._lock:
            self._file.write(f"{{{line}}}\n".encode("utf-8", "backslashreplace"))
            self.number += 1

    def flushed(self) -> int:
        """The length of the file, all of which is on the disk; 0 without one."""
        if self._file is None:
            return 0
        with self._lock:
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
