"""changes: what has happened to a table since the page asked before."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from flyexpr.changes.change import Change
from flyexpr.doors.plain import perform
from flyexpr.errors import ValidationError
from flyexpr.requests.operations import Budget
from flyexpr.schema.table import Table
from flyexpr.serve.console.catalogue import Catalogue
from flyexpr.serve.console.members import Members
from flyexpr.steps.step import Steps
from flyexpr.steps.streams.watching import Watching
from flyexpr.values.plain_json import item_text
from flyexpr.values.types import Item

_MOST = 100  # changes of one answer
_SECONDS = 10.0  # of a stream that is busy
_KEPT = 16  # watches; one that is not kept goes on from its cursor


class Watches:
    """The watches of the pages that are open, each kept at its cursor until it is asked for again.

    A service that does not know the moment at which a shard was read last would have to be read from its begin.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None], Watching] = {}  # by table and cursor
        self._lock = Lock()

    def changes(self, catalogue: Catalogue, asked: Members) -> dict[str, Any]:
        """The changes since a cursor, up to 100, without waiting for more; without a cursor, one that stands at now."""
        table, cursor = catalogue.known(asked.text("table")).table, asked.text_or_none("cursor")
        with self._lock:
            watching = self._kept.pop((table.name, cursor), None) or _watching(table, cursor)
        watching.renew()
        try:
            new = perform(watching.begin() if cursor is None else _new(watching), [table]) or []
        finally:
            self._keep(watching)
        return {"changes": list(map(_members, new)), "cursor": watching.cursor}

    def _keep(self, watching: Watching) -> None:
        with self._lock:
            if watching.cursor is not None:
                self._kept[watching.table.name, watching.cursor] = watching
            if len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]


def _watching(table: Table[Any], cursor: str | None) -> Watching:
    budget: Budget = {"seconds": _SECONDS}
    return Watching(table, None, cursor or "latest", budget, 0.0, clock=time.monotonic, now=time.time)


def _new(watching: Watching) -> Steps[list[Change]]:
    """The changes that are there, in their order."""
    changes: list[Change] = []
    while len(changes) < _MOST and (change := (yield from watching.next_change(idle=0.0))) is not None:
        changes.append(change)
    return changes


def _members(change: Change) -> dict[str, Any]:
    at = None if change.at is None else change.at.isoformat().replace("+00:00", "Z")
    old, new = _text(lambda: change.old), _text(lambda: change.new)
    return {"kind": change.kind, "key": item_text(change.key), "old": old, "new": new, "at": at}


def _text(side: Callable[[], Item | None]) -> str | None:
    try:
        item = side()
    except ValidationError:  # the stream does not keep this side
        return None
    return None if item is None else item_text(item)
