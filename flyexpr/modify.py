"""Read, change by a pure function, write what changed: again when another writer was faster."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flyexpr.changes import diff, unchanged
from flyexpr.conditions import not_exists
from flyexpr.errors import ConditionFailed, FlyexprError, TransactionCancelled
from flyexpr.items import key_of
from flyexpr.nodes import Condition, Path, Update
from flyexpr.operations import DeleteItem, GetItem, Key, UpdateItem, condition_check
from flyexpr.run import run
from flyexpr.steps.batches import backoff
from flyexpr.tables import Table
from flyexpr.transact import transact_get, transact_write
from flyexpr.values import Item

Function = Callable[[Item], Mapping[str, Any] | None]


def modify(table: Table, key: Key, function: Function, *, attempts: int = 10) -> Item | None:
    """Reads the item, gives it to a pure function, and writes the difference to what it returns; the new item.

    >>> modify(scores, ("abc", "Comet Quest"), lambda item: {**item, "best": max(item["top_score"], 100)})
    {'userid': 'abc', 'title': 'Comet Quest', 'top_score': 150, 'wins': 3, 'best': 150}

    The write is guarded by what the function may have looked at: the whole item, or its version where the table
    declares one. When another writer changed it meanwhile, the function is called again with what is there now, up to
    `attempts` times; then ConditionFailed. An item that is not there is given as its key; None removes the item;
    nothing is written where nothing changes.
    """
    for attempt in range(1, attempts + 1):
        found = run(table, GetItem(key, consistent=True))
        new = function(_given(table, key, found))
        operation = _write(table, key, found, new, "ALL_NEW")
        try:
            written = None if operation is None else run(table, operation)
            return written if isinstance(operation, UpdateItem) else _after(new)
        except ConditionFailed:
            if attempt == attempts:
                raise
            time.sleep(backoff(attempt).seconds)
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


def transact_modify(
    keys: Sequence[tuple[Table, Key]],
    function: Callable[[list[Item]], Sequence[Mapping[str, Any] | None]],
    *,
    attempts: int = 10,
) -> list[Item | None]:
    """Reads several items, gives them to a pure function, and writes what it returns, all or none; the new items.

    >>> def hand_over(items):
    ...     giver, taker = items
    ...     return [{**giver, "wins": giver["wins"] - 1}, {**taker, "wins": taker.get("wins", 0) + 1}]
    >>> [item["wins"] for item in transact_modify(
    ...     [(scores, ("abc", "Comet Quest")), (scores, ("abc", "Galaxy Invaders"))], hand_over)]
    [2, 1]

    As `modify`: nothing is written when another writer changed one of the items meanwhile, those included that the
    function leaves as they are; then the function is called again with what is there now.
    """
    for attempt in range(1, attempts + 1):
        found = transact_get([(table, GetItem(key)) for table, key in keys])
        given = [_given(table, key, item) for (table, key), item in zip(keys, found, strict=True)]
        new = list(function(given))
        if len(new) != len(keys):
            raise FlyexprError(f"the function was given {len(keys)} items and returned {len(new)}")
        places = list(zip(keys, found, new, strict=True))
        writes = [(table, _write(table, key, old, item)) for (table, key), old, item in places]
        try:
            if any(write is not None for _, write in writes):
                transact_write(
                    (table, write or condition_check(key, _guard(table, key, old)))
                    for (table, write), ((_, key), old, _) in zip(writes, places, strict=True)
                )
            return [
                _after(item, table if write is not None else None)
                for (table, write), (_, _, item) in zip(writes, places, strict=True)
            ]
        except TransactionCancelled as error:
            if attempt == attempts or not all(_is_conflict(reason) for reason in error.reasons):
                raise
            time.sleep(backoff(attempt).seconds)
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


def _is_conflict(reason: Any) -> bool:
    return reason is None or reason.code in ("ConditionalCheckFailed", "TransactionConflict")


def _given(table: Table, key: Key, found: Item | None) -> Item:
    """What the function gets: a copy, so that it may do with it what it likes."""
    return key_of(table, key) if found is None else copy.deepcopy(found)


def _guard(table: Table, key: Key, found: Item | None) -> Condition:
    if found is None:
        return not_exists(Path((table.partition_key,)))
    if table.version:
        return unchanged(found, Path((table.version,)))
    return unchanged(found)


def _write(
    table: Table, key: Key, found: Item | None, new: Mapping[str, Any] | None, returns: str | None = None
) -> Any:
    """The write that makes the new item of the one that was found; None where nothing changes."""
    guard = _guard(table, key, found)
    if new is None:
        return None if found is None else DeleteItem(key, guard)
    changes = _changes(table, found or key_of(table, key), new)
    return UpdateItem(key, changes, guard, returns) if changes.actions else None


def _changes(table: Table, old: Item, new: Mapping[str, Any]) -> Update:
    hidden = {*table.derived, *([table.version] if table.version else [])} - {*table.keys}
    return diff(*({name: one[name] for name in one if name not in hidden} for one in (old, new)))


def _after(new: Mapping[str, Any] | None, written: Table | None = None) -> Item | None:
    """The new item, as it stands once it is written to a table."""
    if new is None:
        return None
    counted = {written.version: (new.get(written.version) or 0) + 1} if written and written.version else {}
    return {**new, **counted}
