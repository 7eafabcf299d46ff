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
from typing import Any, TypeVar

from flyexpr.changes.change import Change, changes
from flyexpr.changes.event_filter import event_filter
from flyexpr.changes.exports import export_filter, read_export
from flyexpr.changes.handler import handler
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.sides import appeared, changed, now, old, was
from flyexpr.requests.operations import Budget
from flyexpr.schema.table import Table
from flyexpr.steps.step import Steps
from flyexpr.steps.streams.watching import ChangesLost, Since, Watching
from flyexpr.sync import perform

R = TypeVar("R")

__all__ = [
    "appeared",
    "Change",
    "changed",
    "changes",
    "ChangesLost",
    "event_filter",
    "export_filter",
    "handler",
    "now",
    "old",
    "read_export",
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
    `budget` is {"seconds": 60, "requests": 100}. A stream without news is asked again after `poll` seconds. With
    `part=(0, 2)` and `part=(1, 2)`, two programs share the items between them. The stream has to keep both images, or
    the side that the condition asks for. An iterator that has expired is asked for again, at the same place;
    `ChangesLost` says that changes were trimmed before they were read.
    """
    asked = Watching(table, condition, since, budget, poll, part, clock=time.monotonic, now=time.time)
    return Watch(asked)
