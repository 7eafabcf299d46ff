"""What a job could not do, one JSON object per line: its place, its text and the reason."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flyexpr.errors import FlyexprError
from flyexpr.steps.journals.files import naming
from flyexpr.values.types import quote


class Refusal(FlyexprError):
    """One entry of a job that could not be done, and its place.

    >>> str(Refusal("line 3,017", "not JSON", "{"))
    'line 3,017: not JSON'
    """

    def __init__(self, place: str, reason: str, text: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason, self.text = place, reason, text


def fact_of(path: Path | None) -> str:
    """The name under which a journal keeps the length of a file of refused entries.

    >>> fact_of(None)
    'rejects'
    """
    return "rejects" if path is None else f"rejects {os.path.abspath(path)}"


class Rejects:
    """The file of refused entries; without a path there is no file, and the first refusal has to end the job.

    >>> rejects = Rejects(Path("rejects.jsonl"))
    >>> rejects.write([Refusal("line 7", "not JSON", "{")])
    55
    >>> rejects.close(); print(Path("rejects.jsonl").read_text(), end="")
    {"place": "line 7", "reason": "not JSON", "text": "{"}

    `length` is where an interrupted job left off: what came after is cut off, since it is written again.
    FlyexprError where the file is shorter than that, or gone.
    """

    def __init__(self, path: Path | None, length: int = 0) -> None:
        self._path, self._file = path or Path(), None
        self.fact = fact_of(path)
        if path is not None:
            if length and not (path.is_file() and path.stat().st_size >= length):
                raise FlyexprError(
                    f"{path} is shorter than the journal says, or gone\n"
                    "  hint: put it back, or write what is refused from now on to another file"
                )
            with naming(path):
                self._file = path.open("r+b" if length else "w+b")
                self._file.truncate(length)
                self._file.seek(length)

    @property
    def kept(self) -> bool:
        """Whether there is a file, so that the job goes on past a refusal."""
        return self._file is not None

    def write(self, refusals: Iterable[Refusal]) -> int:
        """Writes refusals to the disk; the length of the file then."""
        if self._file is None:
            return 0
        with naming(self._path):
            self._file.write(b"".join(map(_line, refusals)))
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def _line(refusal: Refusal) -> bytes:
    members: dict[str, Any] = {"place": refusal.place, "reason": refusal.reason, "text": refusal.text}
    line = ", ".join(f"{quote(name)}: {quote(value)}" for name, value in members.items())
    return f"{{{line}}}\n".encode("utf-8", "backslashreplace")
