"""Following a stream: what each change asks for is done once, together with the place up to which the reader is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from inspect import iscoroutinefunction
from itertools import count
from typing import Any

from flyexpr.changes.change import Change
from flyexpr.errors import ConditionFailed, FlyexprError, TransactionCancelled
from flyexpr.expressions.conditions import eq, not_exists
from flyexpr.expressions.updates import assign
from flyexpr.records import record
from flyexpr.requests.constructors import get_item, transact_write_items, update_item
from flyexpr.requests.mistakes import need_table
from flyexpr.requests.operations import Key, Operation, Pair, UpdateItem
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.course import common_engine
from flyexpr.steps.guarded import ATTEMPTS
from flyexpr.steps.items import get, write
from flyexpr.steps.step import Steps, backoff
from flyexpr.steps.streams.watching import Watching
from flyexpr.steps.transactions import transact_write

Writes = Operation | Pair | Iterable[Operation | Pair] | None
Function = Callable[[Change], Writes]

_CURSOR, _OF = "follow_cursor", "follow_source"  # attributes of the checkpoint
# Of changes without a write, the checkpoint is written after this many, or this many seconds. A follower that starts
# again reads them again; and were the checkpoint older than 24 hours, the changes after it would count as lost.
_SKIPPED = 1000
_SECONDS = 60.0
_AGAIN = frozenset(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])


@record
class StepsAt:
    """Steps, and the table on whose engine they are done: the source's or the target's.

    >>> StepsAt(scores, iter(())).table.name
    'GameScores'
    """

    table: Table[Any]
    steps: Steps[Any]


class Following:
    """A follower under way.

    >>> watching = Watching(scores, clock=lambda: 0.0, now=lambda: 0.0)
    >>> Following(watching, Table("Totals", "id"), lambda change: None, None).key
    {'id': 'follow:GameScores'}
    """

    def __init__(
        self,
        watching: Watching,
        target: Table[Any],
        function: Function,
        checkpoint: Key | None,
    ) -> None:
        need_table(target)
        _check_function(function)
        self._source, self._target, self._watching = watching.table, target, watching
        if (target.name, target.engine) == (self._source.name, self._source.engine):
            raise FlyexprError("follow writes its place into the target, so the target cannot be the source itself")
        self._function = function
        self._of = self._source.name + ("" if watching.part is None else " {} of {}".format(*watching.part))
        self.key = _key(target, f"follow:{self._of}", checkpoint)
        self._kept: str | None = None  # the cursor in the target
        self._skipped = self._done = 0
        self._kept_at = watching.clock()

    def turns(self) -> Generator[StepsAt, Any, int]:
        """How many changes were done; the turns go to the engines of the source and of the target."""
        yield self._at_target(self._go_on())
        yield self._at_source(self._watching.begin())
        yield self._at_target(self._keep())
        while not self._watching.over:
            change = yield self._at_source(self._watching.next_change(_SECONDS))
            writes = () if change is None else self._writes(change)
            if writes:
                yield self._at_target(self._do(writes))
            elif change is None or self._skipped >= _SKIPPED or self._watching.clock() - self._kept_at >= _SECONDS:
                yield self._at_target(self._keep())
            else:
                self._skipped += 1
        return self._done

    def _note_kept(self) -> None:
        self._skipped, self._kept_at = 0, self._watching.clock()

    def _at_source(self, steps: Steps[Any]) -> StepsAt:
        return StepsAt(self._source, steps)

    def _at_target(self, steps: Steps[Any]) -> StepsAt:
        return StepsAt(self._target, steps)

    def _writes(self, change: Change) -> tuple[Pair, ...]:
        """What the function asks for, each operation with its table."""
        asked = self._function(change)
        pairs = tuple([each if isinstance(each, tuple) else (self._target, each) for each in _listed(asked)])
        for each in pairs:
            if len(each) != 2 or not isinstance(each[1], Operation):
                raise TypeError(f"the function returns operations, such as put_item(...), or None, not {asked!r}")
        common_engine([self._target, *(table for table, _ in pairs)])
        return pairs

    def _go_on(self) -> Steps[None]:
        """Takes the place from the target, where an earlier follower has left it."""
        item = yield from get(self._target.as_stored, get_item(self.key, consistent=True))
        if item is None and self._kept is None:
            return
        if item is None:
            raise FlyexprError(f"the checkpoint {self.key} of {self._target.name!r} was deleted meanwhile")
        kept, of = item.get(_CURSOR), item.get(_OF)
        if not isinstance(kept, str) or of != self._of:
            raise FlyexprError(
                f"the item {self.key} of {self._target.name!r} is not the checkpoint of {self._of!r}"
                + (f", but of {of!r}" if isinstance(of, str) else "")
                + "\n  hint: name another key, follow(..., checkpoint=key)"
            )
        self._kept = kept
        self._watching.go_on(kept)

    def _moved(self) -> UpdateItem:
        """Sets the checkpoint to where the reader is, if it is where this follower has left it."""
        cursor = self._watching.cursor
        guard = not_exists(_CURSOR) if self._kept is None else eq(_CURSOR, self._kept)
        return update_item(self.key, assign(_CURSOR, cursor) + assign(_OF, self._of), condition=guard)

    def _do(self, writes: tuple[Pair, ...]) -> Steps[None]:
        """The writes of one change and the checkpoint, all or none."""
        moved, cursor = (self._target.as_stored, self._moved()), self._watching.cursor
        for attempt in count(1):
            try:
                yield from transact_write(transact_write_items([*writes, moved]))
            except TransactionCancelled as error:
                if isinstance(error.reasons[-1] if error.reasons else None, ConditionFailed):
                    return (yield from self._another())
                if attempt == ATTEMPTS or not _may_pass(error):
                    raise
            else:
                self._kept, self._done = cursor, self._done + 1
                return self._note_kept()
            yield backoff(attempt, f"following {self._of!r}: another transaction was under way")

    def _keep(self) -> Steps[None]:
        """Writes the place alone, if it has changed."""
        cursor = self._watching.cursor
        if cursor != self._kept:
            try:
                yield from write(self._target.as_stored, self._moved())
            except ConditionFailed:
                return (yield from self._another())
            self._kept = cursor
        self._note_kept()

    def _another(self) -> Steps[None]:
        """Another follower has come further: goes on from its place."""
        yield backoff(5, f"another follower of {self._of!r} was faster")
        self._note_kept()
        yield from self._go_on()


def _check_function(function: Any) -> None:
    if not callable(function) or iscoroutinefunction(function):
        raise TypeError(f"follow takes a plain function of a change, which returns operations, not {function!r}")


def _key(target: Table[Any], name: str, checkpoint: Key | None) -> Any:
    """The key of the checkpoint, as it is stored; where none is given, a name in each key attribute."""
    if checkpoint is not None:
        return stored_key(target, checkpoint)
    stored = target.as_stored
    if any(stored.kind(each) not in ("S", None) for each in target.keys):
        raise FlyexprError(
            f"the key of {target.name!r} is not text, so the checkpoint needs a key\n"
            "  hint: name one that no item has, follow(..., checkpoint=key)"
        )
    return dict.fromkeys(target.keys, name)


def _listed(asked: Any) -> Iterable[Any]:
    if asked is None:
        return ()
    if isinstance(asked, Operation) or (isinstance(asked, tuple) and asked and isinstance(asked[0], Table)):
        return (asked,)
    if isinstance(asked, (str, bytes, dict)) or not isinstance(asked, Iterable):
        raise TypeError(f"the function returns operations, such as put_item(...), or None, not {asked!r}")
    return asked


def _may_pass(error: TransactionCancelled) -> bool:
    """Whether nothing is wrong but that others were at work too."""
    return all(reason is None or reason.code in _AGAIN for reason in error.reasons)
