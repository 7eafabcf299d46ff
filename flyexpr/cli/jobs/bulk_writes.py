"""The puts of long work: in batches; each item that is refused is named by its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from flyexpr.cli.jobs.rejects import Refusal
from flyexpr.cli.jobs.work import Job
from flyexpr.errors import BatchIncomplete, DynamoError, FlyexprError
from flyexpr.requests.batches import batch_member
from flyexpr.requests.operations import PutItem
from flyexpr.schema.table import Table
from flyexpr.steps.batch_writes import Writing
from flyexpr.values.plain_json import item_text
from flyexpr.values.types import Item


class WithPlace(Protocol):
    """An item or what is wrong with it, and what a refusal says: where it stands, and its text there, if it had one."""

    @property
    def place(self) -> str: ...

    @property
    def item(self) -> Any: ...

    @property
    def text(self) -> str | None: ...

    @property
    def fault(self) -> str | None: ...


class Placed(NamedTuple):
    """An item, where it comes from, for people, and the text that it was there, if it was one.

    >>> Placed("line 7", {"id": "a"}).text is None
    True
    """

    place: str
    item: Item
    text: str | None = None
    fault: str | None = None


def put_all(job: Job, table: Table, items: Sequence[WithPlace], workers: int | None = None) -> None:
    """Puts items in batches, at most `workers` of them side by side. Of two with one key, the later one is put later.

    >>> job = Job("put")
    >>> put_all(job, scores, [Placed("line 1", {"userid": "x", "title": "y"}), Placed("line 2", {"userid": "x"})])
    Traceback (most recent call last):
    ...
    flyexpr.cli.jobs.rejects.Refusal: line 2: at `title`: an item of 'GameScores' needs its key
    >>> get(scores, ("x", "y"))
    {'userid': 'x', 'title': 'y'}

    Items that could not be sent are found before anything is sent. Where refusals are recorded, all other items are
    put; otherwise the first refusal is raised, and everything before it is put. However it ends, the job
    learns how many of the first items are put or refused.
    """
    puts = _Puts(job, table, items)
    try:
        job.perform(table, lambda bulk: bulk.paced(puts.writing.in_bulk(bulk)), workers=workers)
    except BatchIncomplete as error:  # the last line of the job says how much is done
        cause = error.__cause__ or error
        if not job.rejects.kept and min(puts.refused, default=puts.settled) < puts.settled:
            # A job that goes on begins with this item; without its name nobody would see why it comes no further.
            raise _first(puts.refused, f"then another request failed: {cause}") from None
        raise cause from None
    finally:
        puts.settle()
    if puts.refused and not job.rejects.kept:
        raise _ending(puts.items, puts.refused)


class _Puts:
    """Items on their way into a table, and which of them were refused, by their places in the list."""

    def __init__(self, job: Job, table: Table, items: Sequence[WithPlace]) -> None:
        self._job, self._table, self.items = job, table, items
        self.refused = {place: _fault(placed) for place, placed in enumerate(items) if placed.fault is not None}
        try:
            self.writing = self._writing()
        except (FlyexprError, RecursionError):
            self.refused = {place: refusal for place, each in enumerate(items) if (refusal := _check(table, each))}
            self.writing = self._writing()

    def _writing(self) -> Writing:
        """The batch of the items that can be sent; where refusals are not recorded, up to the first that cannot."""
        if not self._job.rejects.kept:
            self.items = self.items[: min(self.refused, default=len(self.items))]
        puts = {place: PutItem(each.item) for place, each in enumerate(self.items) if place not in self.refused}
        self._places = [*puts]
        places = {id(put): place for place, put in puts.items()}

        def refuse(put: Any, error: DynamoError) -> None:
            place = places[id(put)]
            self.refused[place] = _refusal(self.items[place], error)

        return Writing(self._table, [*puts.values()], refuse=refuse)

    @property
    def settled(self) -> int:
        """The place of the first item that is neither put nor refused."""
        reached, left = self.writing.reached
        return [*self._places, len(self.items)][min(left, default=reached)]

    def settle(self) -> None:
        """Tells the job up to which item all are put or refused, with the refusals up to there."""
        settled = self.settled
        if self._job.rejects.kept:
            for place in sorted(place for place in self.refused if place < settled):
                self._job.refuse(self.refused[place])
        self._job.settle(min(settled, *self.refused) if self.refused and not self._job.rejects.kept else settled)


def _ending(items: Sequence[WithPlace], refused: dict[int, Refusal]) -> Refusal:
    """The first refusal that only the service could find; by then later items may be written too."""
    first = refused[min(refused)]
    last = max((place for place in range(len(items)) if place not in refused), default=-1)
    if last < min(refused) or first.place == items[last].place:
        return first
    return _first(refused, f"what comes after it is written too, up to {items[last].place}")


def _first(refused: dict[int, Refusal], note: str) -> Refusal:
    first = refused[min(refused)]
    return Refusal(first.place, f"{first.reason}\n  note: {note}", first.text)


def check_all(job: Job, table: Table, items: Iterable[WithPlace]) -> None:
    """Checks whether items could be put, as far as that shows without sending them.

    >>> check_all(Job("put"), scores, [Placed("line 1", {"userid": 7, "title": "y"})])
    Traceback (most recent call last):
    ...
    flyexpr.cli.jobs.rejects.Refusal: line 1: at `userid`: expected str, got int
    """
    for placed in items:
        refusal = _check(table, placed)
        if refusal:
            job.refuse(refusal)
        else:
            job.add(1)


def _check(table: Table, placed: WithPlace) -> Refusal | None:
    if placed.fault is not None:
        return _fault(placed)
    try:
        batch_member(table, PutItem(placed.item))
    except (FlyexprError, RecursionError) as error:
        return _refusal(placed, error)
    return None


def _fault(placed: WithPlace) -> Refusal:
    return Refusal(placed.place, placed.fault or "", placed.text or "")


def _refusal(placed: WithPlace, error: Exception) -> Refusal:
    reason = error.message if isinstance(error, DynamoError) else str(error).partition("\n")[0]
    return Refusal(placed.place, reason, item_text(placed.item) if placed.text is None else placed.text)
