"""What stands at the path of a file, and whether an engine can use it."""

from __future__ import annotations

import os

from flyexpr.errors import FlyexprError

MEMORY = ":memory:"
Identity = tuple[int, int]


def real_path(path: str) -> str:
    """A path without links; FlyexprError for one that no file can have."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise FlyexprError(f"cannot open {path!r}: {error}") from None
    if "\0" in path:
        raise FlyexprError(f"cannot open {path!r}: a path holds no zero byte")
    return os.path.realpath(path)


def open_descriptors() -> list[int]:
    """The descriptors that this process has open, where the system shows them."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return []


def identity_of(path: str | int) -> Identity | None:
    """Which file stands at a path, or is open by a descriptor; None for none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_dev


def check_place(path: str, place: str) -> None:
    """None for a path where an engine can write; `place` is the path without links."""
    if path == MEMORY:
        return
    folder = os.path.dirname(place)
    if not os.path.isdir(folder):
        raise FlyexprError(f"cannot open {path!r}: there is no folder {folder!r}")
    check_readable(path)
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise FlyexprError(f"cannot open {path!r}: it is read-only, and an engine writes{_hint(path)}")
    if not os.access(folder, os.W_OK):
        why = "its folder is read-only, and an engine keeps a log beside the file"
        raise FlyexprError(f"cannot open {path!r}: {why}{_hint(path) if os.path.exists(path) else ''}")


def _hint(path: str) -> str:
    return f"\n  hint: 'sqlite:{path}?mode=ro' only reads it"


def check_readable(path: str) -> None:
    """None for a file that may be read, and for a place where there is none."""
    if os.path.isdir(path):
        inside = os.path.join(path, "tables.db")
        raise FlyexprError(f"cannot open {path!r}: it is a folder; name a file, such as 'sqlite:{inside}'")
    if os.path.exists(path) and not os.path.isfile(path):  # SQLite would wait for the other end of a pipe
        raise FlyexprError(f"cannot open {path!r}: it is not a file, but a pipe or a device")
    if os.path.exists(path) and not os.access(path, os.R_OK):
        raise FlyexprError(f"cannot open {path!r}: there is no permission to read it")
