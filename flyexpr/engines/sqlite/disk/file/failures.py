"""The answer to an exception that is not a refusal: a file in use, full or damaged, or a defect of the engine.

Only what SQLite itself calls corrupt, and a stored text that cannot be read, is called damage, because people who read
that word restore a backup.
"""

from __future__ import annotations

import sqlite3

from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.errors import DynamoError

RESTORE = (
    "; the file is damaged: put a copy in its place, together with the copy's -wal and -shm and without the old ones, "
    "or see what `sqlite3 FILE .recover` can save"
)
# What SQLite says, and what there is to do about it. (Its result codes can be asked for from Python 3.11 on only.)
_ADVICE = {
    "malformed": RESTORE,
    "not a database": RESTORE,
    "disk is full": "; nothing of the request was written: make room, and send it again",
    "readonly": "; the file, or its folder, cannot be written to any more",
    "disk I/O error": "; nothing of the request was written",
    "unable to open": "; the file, or its folder, cannot be opened any more",
}


def failure(error: Exception, path: str) -> DynamoError:
    """The error to answer with; a file that is in use for too long is worth another try.

    >>> failure(sqlite3.OperationalError("database is locked"), "a.db").code
    'ThrottlingException'
    >>> print(failure(TypeError("unhashable type: 'dict'"), "a.db"))
    InternalServerError: a.db: a defect of the engine (TypeError); nothing of the request was written

    What a defect says is left out, since it may quote an item; it stands in the traceback.
    """
    if is_locked(error):
        return DynamoError.of("ThrottlingException", f"{path} is locked by another process: {error}")
    return DynamoError.of("InternalServerError", f"{path}: {_problem(error)}")


def is_locked(error: BaseException) -> bool:
    """Whether SQLite could not do something because another connection is at work.

    >>> is_locked(sqlite3.OperationalError("database is locked")), is_locked(sqlite3.OperationalError("disk is full"))
    (True, False)
    """
    return isinstance(error, sqlite3.OperationalError) and "lock" in str(error)  # "locking protocol" too


def _problem(error: Exception) -> str:
    text = str(error)
    if isinstance(error, sqlite3.Error):
        advice = next((advice for words, advice in _ADVICE.items() if words in text), None)
        if advice is not None:
            return text + advice
        return f"a defect of the engine ({type(error).__name__}: {text}); nothing of the request was written"
    if isinstance(error, (DamagedFileError, UnicodeDecodeError)):
        return text + RESTORE
    return f"a defect of the engine ({type(error).__name__}); nothing of the request was written"
