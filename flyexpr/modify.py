"""Read, change by a pure function, write what changed: again when another writer was faster."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flyexpr.changes import diff, unchanged
from flyexpr.conditions import not_exists
from flyexpr.derive import key_parts
from flyexpr.errors import ConditionFailed, ExpressionError, FlyexprError, TransactionCancelled
from flyexpr.interpret.apply import apply
from flyexpr.items import key_of, loaded_item, read_item, stored_item, with_defaults
from flyexpr.lower import lower_update
from flyexpr.nodes import Condition, Path, Update
from flyexpr.operations import ConditionCheck, DeleteItem, GetItem, Key, PutItem, UpdateItem
from flyexpr.records import replace
from flyexpr.run import run
from flyexpr.steps.batches import backoff
from flyexpr.tables import Table
from flyexpr.transact import transact_get, transact_write
from flyexpr.values import Item
from flyexpr.versions import versioned

MAX_GUARDED = 150  # attributes: so many equalities, and the ANDs between them, are the 300 operators of a condition
Function = Callable[[Item], Mapping[str, Any]]


def modify(table: Table, key: Key, function: Function, *, attempts: int = 10) -> Item | None:
    """Reads the item, gives it to a pure function, and writes the difference to what it returns; the new item.

    >>> def best(item):
    ...     return {**item, "best": max(item["top_score"], item.get("best", 0))}
    >>> modify(scores, ("abc", "Comet Quest"), best)
    {'userid': 'abc', 'title': 'Comet Quest', 'top_score': 150, 'wins': 3, 'best': 150}

    The write is guarded by every attribute that the item has and every one that it is given, or by the version where
    the table declares one. When another writer changed it meanwhile, the function is called again with what is there
    now, up to `attempts` times; then ConditionFailed. An item that is not there is given as its key; `{}`, which stands
    for no item, removes it (None is an error: a `return` was forgotten); nothing is written where nothing changes.
    Without a version an item may have 150 attributes, and one that another writer adds, and the function does not, goes
    unnoticed.
    """
    if not callable(function):
        raise TypeError(f"modify takes a function of the item, which returns the new one, not {function!r}")
    stored = table.as_stored
    for attempt in range(1, attempts + 1):
        found = run(stored, GetItem(key_of(table, key), consistent=True))
        new = _returned(function(_given(table, key, found)))
        try:
            if found is None and new is not None and _changes(table, _given(table, key, None), new).actions:
                return _put_new(table, key, new)
            operation = _write(table, key, found, new)
            written = None if operation is None else run(stored, _returning(operation))
        except ConditionFailed as error:
            if attempt == attempts:
                raise _in_types(table, error) from None
            time.sleep(backoff(attempt).seconds)
        else:
            return read_item(table, written) if written else None if new is None else dict(new)
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


def transact_modify(
    keys: Sequence[tuple[Table, Key]],
    function: Callable[[list[Item]], Iterable[Mapping[str, Any]]],
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
    stored = [table.as_stored for table, _ in keys]
    wanted = [(bare, GetItem(key_of(table, key))) for bare, (table, key) in zip(stored, keys, strict=True)]
    for attempt in range(1, attempts + 1):
        found = transact_get(wanted)
        given = [_given(table, key, item) for (table, key), item in zip(keys, found, strict=True)]
        new = list(map(_returned, function(given)))
        if len(new) != len(keys):
            raise FlyexprError(f"the function was given {len(keys)} items and returned {len(new)}")
        places = list(zip(keys, found, new, strict=True))
        writes = [_write(table, key, old, item) for (table, key), old, item in places]
        try:
            if any(write is not None for write in writes):
                transact_write(
                    (bare, write or ConditionCheck(key_of(table, key), _guard(table, old)))
                    for bare, write, ((table, key), old, _) in zip(stored, writes, places, strict=True)
                )
        except TransactionCancelled as error:
            if attempt == attempts or not all(_is_conflict(reason) for reason in error.reasons):
                for (table, _), reason in zip(keys, error.reasons, strict=False):
                    _in_types(table, reason)
                raise
            time.sleep(backoff(attempt).seconds)
        else:
            return [
                _after(table, key, old, item, write)
                for write, ((table, key), old, item) in zip(writes, places, strict=True)
            ]
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


def _put_new(table: Table, key: Key, new: Mapping[str, Any]) -> Item:
    """Writes an item that is not there yet: with the defaults, and all else that a put sees to."""
    given = {name: value for name, value in new.items() if name != table.version}
    found = stored_item(table, with_defaults(table, given))
    place = key_of(table, key)
    if {name: found[name] for name in table.keys} != place:
        raise ExpressionError(f"the function changed the key of the item, which was {place!r}")
    run(table, PutItem(loaded_item(table, dict(found)), not_exists(Path((table.partition_key,)))))
    counted = {table.version: 1} if table.version else {}
    return loaded_item(table, {**found, **counted})


def _returned(new: Any) -> Mapping[str, Any] | None:
    """What the function made of the item; None for none."""
    if not isinstance(new, Mapping):
        raise TypeError(f"the function is to return the new item, a dict ({{}} to remove it), not {new!r}")
    return new or None


def _is_conflict(reason: Any) -> bool:
    return reason is None or reason.code in ("ConditionalCheckFailed", "TransactionConflict")


def _in_types(table: Table, error: Any) -> Any:
    """The error with its item in the table's types."""
    if isinstance(error, ConditionFailed) and error.item is not None:
        error.item = read_item(table, error.item)
    return error


def _given(table: Table, key: Key, found: Item | None) -> Item:
    """What the function gets: a copy, so that it may do with it what it likes."""
    if found is not None:
        return read_item(table, copy.deepcopy(found))
    return {**key_parts(table, key), **read_item(table, key_of(table, key))}


def _guard(table: Table, found: Item | None, added: Iterable[str] = ()) -> Condition:
    """That the item is as it was found, in what it has and in what is added to it."""
    if found is None:
        return not_exists(Path((table.partition_key,)))
    if table.version:
        return unchanged(found, Path((table.version,)))
    names = dict.fromkeys([*found, *added])
    if len(names) > MAX_GUARDED:
        raise ExpressionError(
            f"an item of {len(names)} attributes is too much for one condition, which takes {MAX_GUARDED}",
            hint=f"declare a version, and it guards the item: Table({table.name!r}, ..., version='version')",
        )
    return unchanged(found, *(Path((name,)) for name in names))


def _write(table: Table, key: Key, found: Item | None, new: Mapping[str, Any] | None) -> UpdateItem | DeleteItem | None:
    """The write, in stored types, that makes the new item of the one that was found; None where nothing changes."""
    place = key_of(table, key)
    if new is None:
        return None if found is None else DeleteItem(place, _guard(table, found))
    changes = _changes(table, _given(table, key, found), new)
    if not changes.actions:
        return None
    counted = versioned(table, UpdateItem(key, changes))
    assert isinstance(counted, UpdateItem)
    stored = lower_update(table, counted.update, new, whole=True)
    return UpdateItem(place, stored, _guard(table, found, _roots(stored)))


def _roots(update: Update) -> Iterator[str]:
    return (str(action.path.parts[0]) for action in update.actions)


def _returning(operation: UpdateItem | DeleteItem) -> UpdateItem | DeleteItem:
    return replace(operation, returns="ALL_NEW") if isinstance(operation, UpdateItem) else operation


def _changes(table: Table, old: Item, new: Mapping[str, Any]) -> Update:
    hidden = {*table.derived, *([table.version] if table.version else [])} - {*table.keys}
    return diff(*({name: one[name] for name in one if name not in hidden} for one in (old, new)))


def _after(
    table: Table, key: Key, old: Item | None, new: Mapping[str, Any] | None, write: UpdateItem | DeleteItem | None
) -> Item | None:
    """The item as it stands after the write."""
    if isinstance(write, UpdateItem):
        return read_item(table, apply(write.update, key_of(table, key) if old is None else old))
    return None if new is None else dict(new)
