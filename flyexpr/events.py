"""Change events: the same conditions over streams, Lambda events and exports.

    >>> from flyexpr.events import changed, changes, now, was
    >>> done = was(eq("status", "open")) & now(eq("status", "done"))
    >>> show(done)
    "old(status) = 'open' AND status = 'done'"

A change has the item before and after as plain dicts. A condition asks about the item after the change; `was`,
`changed`, `appeared` and `old` ask about both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from flyexpr.changes.change import Change, changes
from flyexpr.changes.event_filter import event_filter
from flyexpr.changes.exports import export_filter, read_export
from flyexpr.changes.handler import handler
from flyexpr.doors.plain import in_bulk, perform
from flyexpr.drive import driven
from flyexpr.errors import FlyexprError
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.sides import appeared, changed, now, old, was
from flyexpr.requests.operations import Budget, Key
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk, JournalFile, Progress
from flyexpr.steps.many import exports
from flyexpr.steps.many.images import OnRefused
from flyexpr.steps.stats import Stats
from flyexpr.steps.step import Steps
from flyexpr.steps.streams.following import Following, Function, StepsAt
from flyexpr.steps.streams.undoing import Undoing
from flyexpr.steps.streams.watching import ChangesLost, Since, Watching

R = TypeVar("R")

__all__ = [
    "appeared",
    "apply_export",
    "Change",
    "changed",
    "changes",
    "ChangesLost",
    "event_filter",
    "export_filter",
    "follow",
    "handler",
    "now",
    "old",
    "read_export",
    "undo",
    "was",
    "Watch",
    "watch",
]


class Watch(Iterator[Change]):
    """The changes of a table, one after the other as they are made; see `watch`."""

    __slots__ = ("_over", "_watching")

    def __init__(self, watching: Watching) -> None:
        self._watching, self._over = watching, False
        self._do(watching.begin())

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Change:
        with self._watching.alone():
            change = None if self._over else self._do(self._watching.next_change())
        if change is None:
            self._over = True
            raise StopIteration
        return change

    def _do(self, steps: Steps[R]) -> R:
        return perform(steps, [self._watching.table])

    @property
    def cursor(self) -> str | None:
        """Where another watch goes on, after the last change that was taken: `watch(table, since=cursor)`."""
        return self._watching.cursor

    def __repr__(self) -> str:
        return f"<Watch of {self._watching.table.name}>"


def watch(
    table: Table[Any],
    condition: Condition | None = None,
    *,
    since: Since = "latest",
    budget: Budget | None = None,
    poll: float = 1.0,
    part: tuple[int, int] | None = None,
) -> Watch:
    """The changes of a table as they are made: an iterator that ends only when its budget does, or the stream.

    >>> table = Table("Orders", "id", stream="both").on(connect("sqlite::memory:"))
    >>> run(table, create_table())
    >>> put(table, {"id": "7", "status": "open"}); update(table, "7", assign("status", "done"))
    >>> from flyexpr.events import changed, watch
    >>> [change.new for change in watch(table, changed("status"), since="beginning", budget={"requests": 5})]
    [{'id': '7', 'status': 'open'}, {'id': '7', 'status': 'done'}]

    `since` is "latest" (what is changed from now on), "beginning" (all that the stream keeps, 24 hours), a datetime, or
    the `.cursor` of an earlier watch, which goes on after the last change that was taken: exactly once, if the cursor
    is kept together with what was done. Changes of one item come in their order, those of several items in any.
    `budget` is {"seconds": 60, "requests": 100}; it also ends a watch that a busy service keeps waiting. A stream
    without news is asked again after `poll` seconds. With `part=(0, 2)` and `part=(1, 2)`, two programs share the items
    between them. The stream has to keep both images, or the side that the condition asks for. An iterator that has
    expired is asked for again, at the same place; `ChangesLost` says that changes were trimmed before they were read.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    asked = Watching(table, condition, since, budget, poll, part, clock=time.monotonic, now=time.time)
    return Watch(asked)


def follow(
    source: Table[Any],
    target: Table[Any],
    function: Function,
    *,
    condition: Condition | None = None,
    since: Since = "beginning",
    budget: Budget | None = None,
    poll: float = 1.0,
    part: tuple[int, int] | None = None,
    checkpoint: Key | None = None,
) -> int:
    """Does once what a function asks for after each change of the source; how many changes were done.

    >>> engine = connect("sqlite::memory:")
    >>> orders, sums = Table("Orders", "id", stream="both").on(engine), Table("Sums", "customer").on(engine)
    >>> run(orders, create_table()); run(sums, create_table())
    >>> put(orders, {"id": "7", "customer": "ada", "total": 20})
    >>> from flyexpr.events import follow
    >>> follow(orders, sums, lambda change: update_item(change.new["customer"], incr("sum", change.new["total"])),
    ...        budget={"requests": 6}, poll=0)
    1
    >>> get(sums, "ada")
    {'customer': 'ada', 'sum': 20}

    The function returns operations on the target (one, or up to 99 in a list; `(table, operation)` for another table of
    the same engine), or None for nothing. They are written in one transaction with an item of the target, the
    checkpoint, which holds the cursor: after a crash the next call goes on there, and of two followers at the same time
    each change is done by one. Changes for which the function returns nothing may come to it again after a crash: for
    them the checkpoint is written once a minute, or after 1,000 of them. `since` counts only where there is no
    checkpoint. Its key is "follow:Orders", or `checkpoint`; delete it to begin again. Where the transaction is refused,
    TransactionCancelled is raised, and the next call begins with the same change. The other options are those of
    `watch`.
    """
    watching = Watching(source, condition, since, budget, poll, part, clock=time.monotonic, now=time.time)
    turns = Following(watching, target, function, checkpoint).turns()
    return driven(turns, _taken, None, FlyexprError)


def _taken(_: None, turn: StepsAt) -> Any:
    return perform(turn.steps, [turn.table])


def apply_export(
    table: Table[Any],
    folder: exports.Folder,
    condition: Condition | None = None,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    refused: OnRefused | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    journal: JournalFile | None = None,
    stats: Stats | None = None,
) -> int:
    """Brings a table up to date with an export; how many items are now as the export says.

    >>> from flyexpr.events import apply_export
    >>> apply_export(scores, "nowhere")
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: nowhere holds no export: there is no manifest-summary.json in it

    An item is changed as an incremental export says only where it is still as the old image, and not where somebody has
    changed it since; an item of a full export is put only where there is none. `refused` is called with the `Change`
    and the stored item (None where there is none) for each one that was left alone. An item that is as the new image
    already counts as done, so the same export can be applied again. An incremental export without old images is an
    error, unless `overwrite=True` says that every item is to be written. With `dry_run`, nothing is written. Each item
    takes a read and a write; one that is new a write. `journal` and the other options are those of `put_all`.
    """
    bulk = Bulk(workers, rate, progress, stats, time.monotonic, journal)
    return in_bulk(exports.apply_export(table, folder, condition, overwrite, dry_run, refused, bulk), (table,), bulk)


def undo(
    table: Table[Any],
    since: str | datetime | None = None,
    condition: Condition | None = None,
    *,
    export: exports.Folder | None = None,
    dry_run: bool = False,
    quiet: float = 2.0,
    refused: OnRefused | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: Progress | None = None,
    stats: Stats | None = None,
) -> int:
    """Makes the items that were changed since then what they were before; how many are.

    >>> table = Table("Orders", "id", stream="both").on(connect("sqlite::memory:"))
    >>> run(table, create_table()); put(table, {"id": "7", "status": "open"})
    >>> from flyexpr.events import undo, watch
    >>> before = watch(table).cursor
    >>> delete(table, "7"); put(table, {"id": "8"})
    >>> undo(table, since=before, quiet=0), list(run(table, scan()))
    (2, [{'id': '7', 'status': 'open'}])

    `since` is a datetime, "beginning", or a cursor of `watch`; the stream has to keep both images. FlyexprError where
    it does not reach back to the datetime: it was turned on later, or more than 24 hours have passed and it has nothing
    from before. With `export` instead, the changes are those of an incremental export. The condition is asked of all
    that happened to an item as one change, such as `changed("status")`. An item that somebody changes meanwhile is left
    alone: `refused` is called with the `Change` and the stored item. With `dry_run`, nothing is written. A stream
    counts as read when nothing was new for `quiet` seconds; stop the writers first. What is taken back is in memory:
    two images of each changed item. An undo that was interrupted can be done again.
    """
    undoing = Undoing(table, since, condition, export, quiet, clock=time.monotonic, now=time.time)
    bulk = Bulk(workers, rate, progress, stats, time.monotonic)
    return in_bulk(undoing.steps(dry_run, refused, bulk), (table,), bulk)
