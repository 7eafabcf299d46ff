"""How far a job is, kept in a file: after a crash the same job continues from there.

A job has parts that are done side by side (the segments of a scan, or one file). For each part the journal has the mark
up to which everything is done, what was counted up to there, and facts about what the job reads and writes: the length
of a file, the digest of the input. A mark is any JSON; that of a change of many items also names those under way. A job
does not continue with what no longer fits the facts. An entry replaces the journal in one step, and is on the disk
before the job continues.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from flyexpr.errors import FlyexprError
from flyexpr.steps.journals.files import Hold, naming, replace_file

_VERSION = 4


class Journal:
    """The journal of a job; without a path, it leaves nothing behind.

    >>> path = Path("copy.journal")
    >>> journal = Journal(path, {"command": "copy", "table": "scores"})
    >>> journal.enter("0", "after abc"); journal.enter("1", None); journal.release()
    >>> again = Journal(path, {"command": "copy", "table": "scores"}); again.release()
    >>> again.mark("0"), again.is_done("0"), again.is_done("1"), again.mark("2")
    ('after abc', False, True, None)
    >>> Journal(path, {"command": "copy", "table": "others"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: copy.journal belongs to another job: table 'scores', not 'others'
      hint: finish that one first, or give this one another file

    A second job with the journal of one that still runs is refused.
    """

    def __init__(self, path: Path | None, job: Mapping[str, Any]) -> None:
        self._path, self._lock, self._hold = path, threading.Lock(), None
        self._entries: dict[str, Any] = {"version": _VERSION, "job": dict(job), "pins": {}}
        self._entries |= {"marks": {}, "facts": {}, "counts": {}}
        if path is not None:
            if not path.parent.is_dir():
                raise FlyexprError(f"{path} cannot be written: there is no folder {path.parent}")
            self._hold = Hold(path)
            try:
                self._entries = _read(path, self._entries) if path.exists() else self._entries
            except BaseException:
                self.release()
                raise

    @property
    def is_kept(self) -> bool:
        """Whether there is a file, so that the job can go on after a crash."""
        return self._path is not None

    def is_done(self, part: str) -> bool:
        """Whether nothing is left to do of a part."""
        marks = self._entries["marks"]
        return part in marks and marks[part] is None

    def mark(self, part: str) -> Any:
        """Up to where the part is done; None at its beginning."""
        return self._entries["marks"].get(part)

    def fact(self, name: str) -> Any:
        """What was true up to the marks; None where nothing was said."""
        return self._entries["facts"].get(name)

    def counts(self) -> Mapping[str, Mapping[str, float]]:
        """What was counted in each part up to its mark, by name."""
        counts: Mapping[str, Mapping[str, float]] = self._entries["counts"]
        return counts

    def pinned(self, name: str) -> Any:
        """What an earlier run has pinned under a name, or None."""
        return self._entries["pins"].get(name)

    def pin(self, name: str, value: Any) -> None:
        """Saves what must be the same when the job continues; FlyexprError where it is not."""
        with self._lock:
            kept = self._entries["pins"].setdefault(name, value)
            if kept != value:
                _refuse(self._path, name, kept, value)
            self._save()

    def enter(
        self,
        part: str,
        mark: Any,
        facts: Mapping[str, Any] | None = None,
        counts: Mapping[str, float] | None = None,
    ) -> None:
        """A part is done up to the mark, None for the whole of it; these facts and its counts belong to the mark."""
        with self._lock:
            self._entries["marks"][part] = mark
            self._entries["facts"].update(facts or {})
            self._entries["counts"][part] = dict(counts or {})
            self._save()

    def spend(self, part: str, costs: Mapping[str, float]) -> None:
        """Saves what a part has cost, if it stops before its next mark."""
        with self._lock:
            self._entries["counts"].setdefault(part, {}).update(costs)
            self._save()

    def close(self) -> None:
        """The job is done: nothing is kept of it."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Releases the file, which stays, for other jobs; an entry that is being written is written first."""
        with self._lock:
            if self._hold is not None:
                self._hold.release()

    def _save(self) -> None:
        if self._path is not None:
            replace_file(self._path, json.dumps({**self._entries, "digest": _digest(self._entries)}).encode())


def _digest(entries: Mapping[str, Any]) -> str:
    return sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def _read(path: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    with naming(path):
        text = path.read_bytes()
    try:
        entries = json.loads(text)
        version, damaged = entries["version"], entries.pop("digest", "") != _digest(entries)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise FlyexprError(f"{path} is not a journal of flyexpr") from None
    if version != _VERSION:
        raise FlyexprError(f"{path} was written by another version of flyexpr")
    if damaged or entries.keys() != wanted.keys():
        raise FlyexprError(
            f"{path} is damaged: its digest is not that of its content\n"
            "  hint: look at what the job has done so far; without the file it begins anew"
        )
    for name in sorted(wanted["job"].keys() | entries["job"].keys()):
        ours, theirs = wanted["job"].get(name), entries["job"].get(name)
        if ours != theirs:
            _refuse(path, name, theirs, ours)
    checked: dict[str, Any] = entries
    return checked


def _refuse(path: Path | None, name: str, theirs: Any, ours: Any) -> NoReturn:
    raise FlyexprError(
        f"{path} belongs to another job: {name} {theirs!r}, not {ours!r}\n"
        "  hint: finish that one first, or give this one another file"
    )
