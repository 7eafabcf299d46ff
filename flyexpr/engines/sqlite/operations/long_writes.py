"""Writes whose condition takes long to try: they are worked out between transactions.

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
from flyexpr.engines.sqlite.request.intents.writes import Write
from flyexpr.engines.sqlite.rules.effort import effort
from flyexpr.engines.sqlite.rules.writes import holds, image_after, image_before
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import And, Or

MOST_EFFORT = 1_000_000  # comparisons times bytes: some 50 ms
LARGE, MANY = 4096, 1000  # bytes, conditions: below both, nothing takes long
LEAST = 100  # bytes; a condition on an attribute that is not there takes its time too
TRIES = 5

T = TypeVar("T")
Images = tuple[Image | None, Image | None]
"""An item before and after a write."""

Refuse = Callable[[Write, Image | None], Exception]
"""The error for a write whose condition is false."""


class TakesLong(Exception):
    """A write is to be worked out outside the transaction."""

    def __init__(self, write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> None:
        super().__init__()
        self.write, self.table, self.row, self.refuse = write, table, row, refuse


class LongWrites:
    """The results of those writes of a request that take long, once they are worked out."""

    def __init__(self) -> None:
        self._results: dict[int, tuple[StoredTable, Row | None, Images | DynamoError]] = {}
        self._repeated = 0

    def images(self, write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> Images:
        """The item before and after a write; DynamoError where it is refused."""
        # An item that changes all the time is worked on within the transaction after all.
        if self._repeated > TRIES or not takes_long(write, row):
            return work_out(write, table, row, refuse)
        *of, result = self._results.get(id(write), (None, None, None))
        if result is None or of != [table, row]:
            raise TakesLong(write, table, row, refuse)
        if isinstance(result, DynamoError):
            raise result
        return result

    def work_out(self, work: TakesLong) -> None:
        """Work out one of the writes."""
        self._repeated += id(work.write) in self._results
        result: Images | DynamoError
        try:
            result = work_out(work.write, work.table, work.row, work.refuse)
        except DynamoError as error:
            result = error
        self._results[id(work.write)] = work.table, work.row, result


_NONE = LongWrites()


def write_in_transaction(storage: Storage, attempt: Callable[[LongWrites], T]) -> T:
    """What `attempt` gives, in a transaction that may write; what takes long in it is done between two attempts."""
    long_writes = _NONE
    while True:
        try:
            with storage.transaction("IMMEDIATE"):
                return attempt(long_writes)
        except TakesLong as work:
            long_writes = LongWrites() if long_writes is _NONE else long_writes
            long_writes.work_out(work)


def work_out(write: Write, table: StoredTable, row: Row | None, refuse: Refuse) -> Images:
    """The item before and after a write; DynamoError where it is refused."""
    old = image_before(write, table, row)
    if not holds(write, old):
        raise refuse(write, old)
    return old, image_after(write, table, old)


def takes_long(write: Write, row: Row | None) -> bool:
    """Whether the condition of a write may take long on an item."""
    condition, size = write.condition, row[0] if row is not None else 0
    if condition is None or (size < LARGE and not (isinstance(condition, (And, Or)) and len(condition.parts) > MANY)):
        return False
    return effort(condition) * max(size, LEAST) > MOST_EFFORT
