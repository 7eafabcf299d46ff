"""What the reads of both doors have in common: how far they are, and pages of a size that the reader chooses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, NoReturn

from flyexpr.records import record
from flyexpr.requests.operations import Part
from flyexpr.steps.reads.cursors import sign_of
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import Reading
from flyexpr.steps.stats import Stats
from flyexpr.values.types import T


@record(hidden=("stats", "part", "of"))
class ItemPage(Generic[T]):
    """Some items of a read, or all that were left, and the cursor from which the next page goes on.

    >>> page = run(scores, query(eq("userid", "abc"))).page(1)
    >>> [item["title"] for item in page.items], page.more
    (['Comet Quest'], True)
    >>> last = run(scores, query(eq("userid", "abc"), start=page.cursor)).page(1)
    >>> [item["title"] for item in last.items], last.more, last.cursor
    (['Galaxy Invaders'], False, None)

    `cursor` is None where nothing follows, and only there. As `start=`, None begins anew, so ask for the next page only
    where `more` says that there is one. `stats` is what the read has cost up to the end of this page; `part` says which
    part of a read in parts it is of, such as (0, 8), or is None; `of` is a number by which the parts of one read know
    each other. A page can be pickled.
    """

    items: list[T]
    cursor: str | None
    stats: Stats
    part: Part | None
    of: int = 0

    @property
    def more(self) -> bool:
        """Whether there is a next page."""
        return self.cursor is not None

    def __repr__(self) -> str:
        number = len(self.items)
        return f"<ItemPage of {number:,} item{'s' * (number != 1)}, {'and more follow' if self.more else 'the last'}>"

    def __iter__(self) -> NoReturn:
        raise TypeError(_PARTS)

    def __len__(self) -> NoReturn:
        raise TypeError(_PARTS)

    def __getitem__(self, position: object) -> NoReturn:
        raise TypeError(_PARTS)


_PARTS = "a page has parts: write page.items, page.cursor or page.more"


class Started(ABC):
    """A read that has begun; the `Items` of each door take its items."""

    __slots__ = ("_reading",)
    _reading: Reading | Lanes

    @property
    @abstractmethod
    def cursor(self) -> str | None:
        """Where a later read goes on; None once nothing is left."""

    @property
    def stats(self) -> Stats:
        """Requests, items examined and returned, read units."""
        return self._reading.stats

    def _page(self, items: list[Any], cursor: str | None) -> ItemPage[Any]:
        stats = Stats()
        stats.add(self.stats)  # the read's own ones go on
        read = self._reading.read
        return ItemPage(items, cursor, stats, read.part, sign_of(self._reading.table, read) if read.part else 0)

    @contextmanager
    def _given_whole(self) -> Iterator[None]:
        """A block that gives all the items that it takes, or none: after an error the read is where it was before."""
        begin = self.cursor
        try:
            yield
        except BaseException:
            self._break_off_at(begin)
            raise

    @abstractmethod
    def _break_off_at(self, cursor: str | None) -> None:
        """Ends the read after an error; a later one goes on at the cursor."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a read under way cannot be pickled; .rest() takes all of it as a page, which can")

    def __repr__(self) -> str:
        from flyexpr.steps.reads.items_text import items_text  # few programs print

        return items_text(self._reading, self.cursor)

    def _repr_html_(self) -> str:
        from flyexpr.steps.reads.items_text import items_html

        return items_html(self._reading, self.cursor)


@contextmanager
def one_more(reading: Reading | Lanes, most: Any, held: bool) -> Iterator[None]:
    """While the block runs, the service is asked for up to `most` items and one more; `held` says that one is there.

    >>> reading = Reading(Table("t", "id"), scan(), clock=lambda: 0.0)
    >>> with one_more(reading, 20, held=False):
    ...     reading.request().body
    b'{"TableName":"t","Limit":21,"ReturnConsumedCapacity":"TOTAL"}'
    """
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise ValueError(f"page takes a whole number from 1, not {most!r}")
    if reading.limit is not None:
        raise ValueError(f"leave out limit=: page({most}) says how many items are taken")
    if isinstance(reading, Lanes) or reading.read.prefetch:  # they ask for more than this page anyway
        yield
        return
    reading.upto = reading.stats.returned + most + 1 - held
    try:
        yield
    finally:
        reading.upto = None
