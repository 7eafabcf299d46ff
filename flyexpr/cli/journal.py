"""How far a job has come, kept in a file: after a crash the same job goes on from there.

A job has parts that are done side by side (the segments of a scan, or one file), and of each the journal knows the mark
up to which everything is done. Files that the job writes have a length there, so that what was written after the last
entry is cut off again. An entry replaces the journal in one step, and is on the disk before the job goes on.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flyexpr.errors import FlyexprError

_VERSION = 1


class Journal:
    """The journal of a job; without a path, one that nothing is left of.

    >>> path = Path("copy.journal")
    >>> journal = Journal(path, {"command": "copy", "table": "scores"})
    >>> journal.enter("0", "after abc"); journal.enter("1", None)
    >>> again = Journal(path, {"command": "copy", "table": "scores"})
    >>> again.mark("0"), again.is_done("0"), again.is_done("1"), again.mark("2")
    ('after abc', False, True, None)
    >>> Journal(path, {"command": "copy", "table": "others"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: copy.journal belongs to another job: table 'scores', not 'others'
      hint: finish that one first, or give this one another file
    """

    def __init__(self, path: Path | None, job: Mapping[str, Any]) -> None:
        self._path, self._lock = path, threading.Lock()
        self._entries: dict[str, Any] = {"version": _VERSION, "job": dict(job)}
        self._entries |= {"marks": {}, "lengths": {}, "counts": {}, "notes": {}}
        if path is not None and not path.parent.is_dir():
            raise FlyexprError(f"{path} cannot be written: there is no folder {path.parent}")
        if path is not None and path.exists():
            self._entries = _read(path, self._entries)
        self._found: dict[str, Mapping[str, str]] = dict(self._entries["notes"])

    def is_done(self, part: str) -> bool:
        """Whether nothing is left to do of a part."""
        marks = self._entries["marks"]
        return part in marks and marks[part] is None

    def mark(self, part: str) -> Any:
        """Up to where the part is done; None at its beginning."""
        return self._entries["marks"].get(part)

    def length(self, file: str) -> int | None:
        """The length of a file of the job that belongs to the marks; None for one that was not there."""
        found: int | None = self._entries["lengths"].get(file)
        return found

    def count(self, name: str) -> float:
        """What was counted under a name up to the marks."""
        return float(self._entries["counts"].get(name, 0))

    def note(self, part: str, notes: Mapping[str, str]) -> None:
        """Keeps what a part is about to do, at once."""
        with self._lock:
            self._entries["notes"][part] = notes
            self._save()

    def found_notes(self, part: str) -> Mapping[str, str]:
        """What a part of an earlier run was about to do when it ended, or had done."""
        return self._found.get(part, {})

    def enter(
        self,
        part: str,
        mark: Any,
        lengths: Mapping[str, int] | None = None,
        counts: Mapping[str, float] | None = None,
    ) -> None:
        """A part is done up to the mark, None for the whole of it; files then have these lengths."""
        with self._lock:
            self._entries["marks"][part] = mark
            self._entries["lengths"].update(lengths or {})
            self._entries["counts"].update(counts or {})
            self._save()

    def close(self) -> None:
        """The job is done: nothing is kept of it."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _save(self) -> None:
        if self._path is not None:
            replace_file(self._path, json.dumps(self._entries).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file so that whoever looks, even after a loss of power, finds the old content or the new.

    >>> replace_file(Path("a.txt"), b"new"); Path("a.txt").read_bytes()
    b'new'
    """
    beside = path.with_name(path.name + ".new")
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


def _read(path: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
        job, version = found["job"], found["version"]
    except (ValueError, KeyError, TypeError):
        raise FlyexprError(f"{path} is no journal of flyexpr") from None
    if version != _VERSION:
        raise FlyexprError(f"{path} was written by another version of flyexpr")
    for name in wanted["job"].keys() | job.keys():
        ours, theirs = wanted["job"].get(name), job.get(name)
        if ours != theirs:
            raise FlyexprError(
                f"{path} belongs to another job: {name} {theirs!r}, not {ours!r}\n"
                "  hint: finish that one first, or give this one another file"
            )
    checked: dict[str, Any] = found
    return checked
