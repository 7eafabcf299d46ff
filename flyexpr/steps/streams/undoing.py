"""Changes taken back: the items as they were before, where nobody has changed them since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from flyexpr.changes.change import Change, check_condition
from flyexpr.changes.exports import changes_of_export, opened_export
from flyexpr.errors import FlyexprError
from flyexpr.expressions.nodes import Condition
from flyexpr.records import replace
from flyexpr.requests.mistakes import need_table
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.many.exports import Folder, need_old_images
from flyexpr.steps.many.images import OnRefused, Swaps, with_effect
from flyexpr.steps.step import Steps
from flyexpr.steps.streams.shards import seconds
from flyexpr.steps.streams.watching import Watching, checked_poll
from flyexpr.values.encode import encode_item
from flyexpr.values.wire_json import item_of_wire

_POLL = 0.2  # seconds between two looks
_DAY = 86_400.0  # how long every stream keeps its records
_LOOKS = 100  # requests for the proof that one keeps them longer


class Undoing:
    """What is to be taken back, and from where it is known.

    >>> Undoing(scores, "beginning", None, "folder", 0)
    Traceback (most recent call last):
    ...
    TypeError: undo takes since=, for the changes in the stream, or export=, for those of an incremental export

    `quiet` is the number of seconds without a change after which a stream counts as read. It is read once, whatever the
    number of `steps`: so what a dry run has counted is what is done afterwards, and nothing that was changed meanwhile.
    """

    def __init__(
        self,
        table: Table[Any],
        since: str | datetime | None,
        condition: Condition | None,
        export: Folder | None,
        quiet: float,
        *,
        clock: Callable[[], float] = lambda: 0.0,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        need_table(table)
        if (since is None) == (export is None):
            raise TypeError(
                "undo takes since=, for the changes in the stream, or export=, for those of an incremental export"
            )
        if since == "latest":
            raise ValueError("since= is where the changes begin that are taken back; nothing is changed since 'latest'")
        check_condition(table, condition)
        self._table, self._condition, self._export, self._quiet = table, condition, export, checked_poll(quiet, "quiet")
        self._watch = partial(Watching, table.as_stored, None, poll=min(_POLL, quiet), clock=clock, now=now)
        self._watching = None if since is None else self._watch(since)
        self._streamed: list[Change] | None = None  # what the stream has, once it is read
        self._moment = since if isinstance(since, datetime) else None
        self._now = now

    def steps(self, dry_run: bool, refused: OnRefused | None, bulk: Bulk) -> Steps[int]:
        """How many items are now as they were before."""
        swaps = Swaps(self._table, refused, bulk, "changes taken back", back=True, dry_run=dry_run)

        def steps() -> Steps[int]:
            if self._streamed is None and self._watching is not None:
                self._streamed = yield from self._read(self._watching)
            changes = self._exported() if self._streamed is None else self._streamed
            left = with_effect(changes)  # an item that came and went has no side to ask about
            yield from swaps.steps(each for each in left if self._condition is None or each.matches(self._condition))
            return bulk.done

        return bulk.paced(steps())

    def _exported(self) -> Iterator[Change]:
        assert self._export is not None
        export = opened_export(self._export)
        if export.view is None:
            raise TypeError("a full export has no changes; apply_export puts its items where none are")
        need_old_images(export, "nothing can be taken back without them")
        return changes_of_export(export, self._table, None)

    def _read(self, watching: Watching) -> Steps[list[Change]]:
        """For each item, what all of its changes come to."""
        yield from watching.begin()
        if self._moment is not None and not (yield from self._is_kept(watching, seconds(self._moment))):
            name = self._table.name
            raise FlyexprError(
                f"the stream of {name!r} does not reach back to {self._moment}, so some changes would stay\n"
                '  hint: since="beginning" takes back all that it has; undo(table, export=folder) what an export has'
            )
        by_key = dict[str, Change]()
        while (change := (yield from watching.next_change(self._quiet))) is not None:
            _ = change.old, change.new  # an error where the stream does not keep both
            key = encode_item(dict(sorted(item_of_wire(change.image["Keys"]).items())))
            by_key[key] = _joined(by_key.get(key, change), change)
        return [replace(change, by=self._table) for change in by_key.values()]

    def _is_kept(self, watching: Watching, moment: float) -> Steps[bool]:
        """Whether the stream has all that has changed since a moment.

        It begins with the time in its name. Of a moment more than 24 hours ago, an older change that it still has is
        the proof, for the oldest go first.
        """
        if moment < watching.stream_began:
            return False
        if moment >= self._now() - _DAY:
            return True
        whole = self._watch("beginning", budget={"requests": _LOOKS})
        while (change := (yield from whole.next_change(0.0))) is not None:
            if change.at is not None and change.at.timestamp() < moment:
                return True
        return False


def _joined(first: Change, last: Change) -> Change:
    """Two changes of an item as one: from what it was before the first to what it is after the last."""
    sides = {"OldImage": first.image.get("OldImage"), "NewImage": last.image.get("NewImage")}
    image = {**last.image, **sides}
    kind: Any = "INSERT" if sides["OldImage"] is None else "REMOVE" if sides["NewImage"] is None else "MODIFY"
    return replace(last, kind=kind, image={name: value for name, value in image.items() if value is not None})
