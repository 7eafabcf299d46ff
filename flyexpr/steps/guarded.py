"""Writes that hold only for the item that was read before; both again when another writer was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flyexpr.errors import ConditionFailed, TransactionCancelled
from flyexpr.steps.step import Steps, backoff

S = TypeVar("S")
R = TypeVar("R")

ATTEMPTS = 10


def guarded(look: Callable[[], Steps[S]], write: Callable[[S], Steps[R]], attempts: int = ATTEMPTS) -> Steps[R]:
    """The result of `write` on what `look` has read; both again, after a pause, while the write's guard fails.

    >>> def look():
    ...     return (yield "read")
    >>> def write(item):
    ...     return (yield f"write {item}")
    >>> steps = guarded(look, write)
    >>> next(steps), steps.send("a"), type(steps.throw(ConditionFailed("", ""))).__name__, next(steps)
    ('read', 'write a', 'Pause', 'read')

    After the last attempt its error is raised.
    """
    if type(attempts) is not int or attempts < 1:
        raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")
    attempt = 0
    while True:
        attempt += 1
        seen = yield from look()
        try:
            return (yield from write(seen))
        except (ConditionFailed, TransactionCancelled) as error:
            if attempt == attempts or not _is_conflict(error):
                raise
        yield backoff(attempt, f"another writer was faster, attempt {attempt} of {attempts}")


def _is_conflict(error: ConditionFailed | TransactionCancelled) -> bool:
    """Whether another writer is the reason, and nothing else."""
    reasons = error.reasons if isinstance(error, TransactionCancelled) else ()
    return all(reason is None or reason.code in ("ConditionalCheckFailed", "TransactionConflict") for reason in reasons)
