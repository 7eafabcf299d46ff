"""Several readings at the same time, one for each segment of a scan, with one limit, one budget and one cursor.

There are no threads here: `take` says what to send next, and for which lane; `feed` gives the items of a lane's answer.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from flyexpr.records import replace
from flyexpr.requests.operations import Read, Scan
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.reads import Access
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.reads.cursors import END, closed_cursor, not_a_cursor, opened_cursor
from flyexpr.steps.reads.reading import Clock, Reading, out_of
from flyexpr.steps.stats import Stats
from flyexpr.values.types import Item


class Lanes:
    """The readings of a read: a lane for each segment of a scan, else a single one.

    >>> lanes = Lanes(Table("t", "id"), scan(segments=2), lambda: 0.0)
    >>> [lanes.take()[0], lanes.take()[0], lanes.take()]
    [0, 1, None]
    >>> list(lanes.feed(1, b'{"Items":[{"id":{"S":"a"}}]}')), lanes.take(), lanes.stats.requests
    ([{'id': 'a'}], None, 2)

    The budget is checked before each request. Feed the answers of one lane one after the other.
    """

    def __init__(
        self,
        table: Table[Any],
        read: Read,
        clock: Clock,
        counting: bool = False,
        access: Access | None = None,
        reading: type[Reading] = Reading,
    ) -> None:
        self.table, self.read = table, read
        self.limit: int | None = None
        self._budget, self._clock, self._began = None, clock, clock()
        self._segmented = isinstance(read, Scan) and read.segments is not None
        if isinstance(read, Scan) and read.segments:
            self.limit, self._budget = read.limit, read.budget
            counting = counting and read.limit is None
            starts = starts_of(read.start, read.segments)
            reads: list[Read] = [
                replace(read, segments=None, part=(number, len(starts)), start=start, limit=None, budget=None)
                for number, start in enumerate(starts)
            ]
        else:
            reads = [read]
        self.access = access or access_of(table, reads[0])
        self._readings = [reading(table, each, clock, counting, self.access) for each in reads]
        self._idle = deque(range(len(reads)))

    def __len__(self) -> int:
        return len(self._readings)

    def take(self) -> tuple[int, Request] | None:
        """A lane that does not wait for an answer, and its next request; None if there is nothing to send now."""
        while self._idle and not self.full and not self._spent():
            lane = self._idle.popleft()
            request = self._readings[lane].request()
            if request is not None:
                return lane, request
        return None

    def feed(self, lane: int, body: bytes, passed: Item | None = None) -> Iterator[Item]:
        """The items of the answer to the lane's request, in the user's types; take them all before the next feed."""
        reading = self._readings[lane]
        most = None if self.limit is None else self.limit - self.stats.returned + reading.stats.returned
        yield from reading.feed(body, most, passed)
        self._idle.append(lane)

    @property
    def full(self) -> bool:
        """Whether the limit of all lanes together is reached."""
        return self.limit is not None and self.stats.returned >= self.limit

    @property
    def cursor(self) -> str | None:
        """Where to go on, in all lanes at once; None once nothing is left."""
        cursors = [each.cursor for each in self._readings]
        return joined_cursor(cursors) if self._segmented else cursors[0]

    @property
    def stats(self) -> Stats:
        """The sum over all lanes."""
        each = [reading.stats for reading in self._readings]
        return Stats(
            sum(one.requests for one in each),
            sum(one.examined for one in each),
            sum(one.returned for one in each),
            sum(one.capacity for one in each),
        )

    def _spent(self) -> bool:
        return self._budget is not None and out_of(self._budget, self.stats, self._clock() - self._began)


def joined_cursor(cursors: Sequence[str | None]) -> str | None:
    """One cursor for all parts of a read, in their order; None if nothing is left of any.

    >>> starts_of(joined_cursor(["", None]), 2)
    ['', 'bnVsbA']
    """
    return None if all(cursor is None for cursor in cursors) else closed_cursor(json.dumps(cursors))


def starts_of(cursor: str | None, parts: int) -> list[str]:
    """Where each part of a read goes on; BadCursor if the cursor has another number of parts."""
    if not cursor:
        return [""] * parts
    match opened_cursor(cursor):
        case list() as starts if len(starts) == parts and all(isinstance(start, str | None) for start in starts):
            return [END if start is None else start for start in starts]
    raise not_a_cursor(f"an earlier read in {parts} segments", cursor)
