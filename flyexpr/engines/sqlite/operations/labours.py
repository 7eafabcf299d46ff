"""What a write makes of an item, worked out outside the transaction where that takes long.

While a write tries its condition, nobody else can write to the file. A condition of 4 KB on an item of 400 KB may take
seconds. It is then tried on the item as it was read, without any lock, and what comes of that holds if the item is
still the same in the next transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flyexpr.engines.sqlite.disk.images import Image, Row
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.rules.effort import effort
from flyexpr.engines.sqlite.rules.writes import Write, holds, image_after, image_before
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import And, Or

MOST_EFFORT = 1_000_000  # comparisons times bytes: some 50 ms
LARGE, MANY = 4096, 1000  # bytes, conditions: below both, nothing takes long
LEAST = 100  # bytes; a condition on an attribute that is not there takes its time too
TRIES = 5

T = TypeVar("T")
Outcome = tuple[Image | None, Image | None]
"""An item before and after a write."""

Refuse = Callable[[Write, Image | None], Exception]
"""The error for a write whose condition is false."""


class Laborious(Exception):
    """A write is to be worked out outside the transaction."""

    def __init__(self, write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> None:
        super().__init__()
        self.write, self.table, self.row, self.refuse = write, table, row, refuse


class Labours:
    """What the laborious writes of a request came to."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[StoredTable, Row | None, Outcome | DynamoError]] = {}
        self._again = 0

    def outcome(self, write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> Outcome:
        """The item before and after a write; DynamoError where it is refused."""
        # An item that changes all the time is worked on within the transaction after all.
        if self._again > TRIES or not is_laborious(write, row):
            return work_out(write, table, row, refuse)
        *of, done = self._done.get(id(write), (None, None, None))
        if done is None or of != [table, row]:
            raise Laborious(write, table, row, refuse)
        if isinstance(done, DynamoError):
            raise done
        return done

    def take(self, work: Laborious) -> None:
        """Work out one of the writes."""
        self._again += id(work.write) in self._done
        done: Outcome | DynamoError
        try:
            done = work_out(work.write, work.table, work.row, work.refuse)
        except DynamoError as error:
            done = error
        self._done[id(work.write)] = work.table, work.row, done


_NONE = Labours()


def carry_through(storage: Storage, attempt: Callable[[Labours], T]) -> T:
    """What `attempt` gives, in a transaction that may write; what is laborious in it is done between two attempts."""
    labours = _NONE
    while True:
        try:
            with storage.transaction("IMMEDIATE"):
                return attempt(labours)
        except Laborious as work:
            labours = Labours() if labours is _NONE else labours
            labours.take(work)


def work_out(write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> Outcome:
    """The item before and after a write; DynamoError where it is refused."""
    old = image_before(write, table, row)
    if not holds(write, old):
        raise refuse(write, old)
    return old, image_after(write, table, old)


def is_laborious(write: Write, row: Row | None) -> bool:
    """Whether the condition of a write may take long on an item."""
    condition, size = write.condition, row[0] if row is not None else 0
    if condition is None or (size < LARGE and not (isinstance(condition, (And, Or)) and len(condition.parts) > MANY)):
        return False
    return effort(condition) * max(size, LEAST) > MOST_EFFORT
