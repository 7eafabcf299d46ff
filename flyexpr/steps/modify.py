"""Read, change by a pure function, write what changed: again when another writer was faster."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flyexpr.errors import ConditionFailed, ExpressionError, FlyexprError, TransactionCancelled, ValidationError
from flyexpr.expressions.apply import apply
from flyexpr.expressions.conditions import not_exists
from flyexpr.expressions.diff import difference, is_empty_set, unchanged
from flyexpr.expressions.nodes import Action, Condition, Path, Update, Value
from flyexpr.expressions.terms import operand
from flyexpr.expressions.updates import incr
from flyexpr.records import replace
from flyexpr.requests.operations import (
    ConditionCheck,
    DeleteItem,
    GetItem,
    Key,
    PutItem,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from flyexpr.schema.derive import key_parts
from flyexpr.schema.stored_items import encoded_value, key_of, read_item, stored_item, with_defaults
from flyexpr.schema.stored_updates import lower_update
from flyexpr.schema.table import Table
from flyexpr.steps.items import get, loaded_after_write, write
from flyexpr.steps.step import Steps, backoff
from flyexpr.steps.transactions import transact_get, transact_write
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.kinds import Item

MAX_GUARDED = 150  # attributes: so many equalities, and the ANDs between them, are the 300 operators of a condition
Function = Callable[[Item], Mapping[str, Any]]
Functions = Callable[[list[Item]], Iterable[Mapping[str, Any]]]


def modify(table: Table, key: Key, function: Function, attempts: int) -> Steps[Item | None]:
    """The item as the function made it, once it is written; ConditionFailed after `attempts` tries."""
    if not callable(function):
        raise TypeError(f"modify takes a function of the item, which returns the new one, not {function!r}")
    stored = table.as_stored
    for attempt in range(1, attempts + 1):
        found = yield from get(stored, GetItem(key_of(table, key), consistent=True))
        new = _returned(function(_given(table, key, found)))
        try:
            operation = _write(table, key, found, new)
            written = None if operation is None else (yield from write(stored, _returning(operation)))
        except ConditionFailed as error:
            if attempt == attempts:
                raise _in_types(table, error) from None
            yield backoff(attempt)
        else:
            if isinstance(operation, UpdateItem) and written:
                return loaded_after_write(table, written, key)
            return _after(table, key, found, new, operation)
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


def transact_modify(keys: Sequence[tuple[Table, Key]], function: Functions, attempts: int) -> Steps[list[Item | None]]:
    """The items as the function made them, once all are written; TransactionCancelled after `attempts` tries."""
    stored = [table.as_stored for table, _ in keys]
    wanted = tuple((bare, GetItem(key_of(table, key))) for bare, (table, key) in zip(stored, keys, strict=True))
    for attempt in range(1, attempts + 1):
        found = yield from transact_get(TransactGetItems(wanted))
        given = [_given(table, key, item) for (table, key), item in zip(keys, found, strict=True)]
        new = list(map(_returned, function(given)))
        if len(new) != len(keys):
            raise FlyexprError(f"the function was given {len(keys)} items and returned {len(new)}")
        places = list(zip(keys, found, new, strict=True))
        writes = [_write(table, key, old, item) for (table, key), old, item in places]
        try:
            if any(one is not None for one in writes):
                checked = tuple(
                    (bare, one or ConditionCheck(key_of(table, key), _guard(table, old)))
                    for bare, one, ((table, key), old, _) in zip(stored, writes, places, strict=True)
                )
                yield from transact_write(TransactWriteItems(checked))
        except TransactionCancelled as error:
            if attempt == attempts or not all(_is_conflict(reason) for reason in error.reasons):
                for (table, _), reason in zip(keys, error.reasons, strict=False):
                    _in_types(table, reason)
                raise
            yield backoff(attempt)
        else:
            return [
                _after(table, key, old, item, one)
                for one, ((table, key), old, item) in zip(writes, places, strict=True)
            ]
    raise ValueError(f"attempts= takes a whole number from 1, not {attempts!r}")


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
        with suppress(ValidationError):  # an item that cannot be decoded is reported as stored
            error.item = read_item(table, error.item)
    return error


def _given(table: Table, key: Key, found: Item | None) -> Item:
    """What the function gets: a copy, so that it may do with it what it likes."""
    if found is not None:
        return read_item(table, copy.deepcopy(found))
    return {**key_parts(table, key), **read_item(table, _as_read(key_of(table, key)))}


def _as_read(stored: Mapping[str, Any]) -> Item:
    """An item that was made to be stored, in the plain values that it reads back in."""
    return dict(thaw(freeze(stored)))


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


def _write(
    table: Table, key: Key, found: Item | None, new: Mapping[str, Any] | None
) -> PutItem | UpdateItem | DeleteItem | None:
    """The write, in stored types, that makes the new item of the one that was found; None where nothing changes."""
    place = key_of(table, key)
    if new is None:
        return None if found is None else DeleteItem(place, _guard(table, found))
    old = _given(table, key, found)
    names = list(_changed(table, old, new))
    if not names:
        return None
    if found is None:
        return PutItem(_stored_new(table, place, new), _guard(table, None))
    changes = _changes(table, found, {**place, **new}, names)
    if not changes.actions:
        return None
    counted = changes + incr(Path((table.version,))) if table.version else changes
    return UpdateItem(place, counted, _guard(table, found, _roots(counted)))


def _changed(table: Table, old: Item, new: Mapping[str, Any]) -> Iterator[str]:
    """The attributes in which two items differ as they are stored."""
    hidden = {*table.derived, *([table.version] if table.version else [])} - {*table.keys}
    for name in dict.fromkeys([*new, *old]):
        if name not in hidden and _stored(table, name, old) != _stored(table, name, new):
            yield name


def _stored(table: Table, name: str, item: Mapping[str, Any]) -> Any:
    """What an attribute means as it is stored; what cannot be stored, and is refused where it is new, as it is."""
    if name not in item or is_empty_set(item[name]):
        return None
    try:
        return freeze(encoded_value(table, name, item[name]) if name in table.codecs else item[name])
    except FlyexprError:
        return item[name], "as it is"


def _stored_new(table: Table, place: Item, new: Mapping[str, Any]) -> Item:
    """The item as it is stored when it is new: with the defaults, and all else that a put sees to."""
    given = {name: value for name, value in new.items() if name != table.version and not is_empty_set(value)}
    found = stored_item(table, with_defaults(table, given))
    if {name: found[name] for name in table.keys} != place:
        raise ExpressionError(f"the function changed the key of the item, which was {place!r}")
    return {**found, table.version: 1} if table.version else found


def _changes(table: Table, found: Item, new: Mapping[str, Any], names: Iterable[str]) -> Update:
    """What is to be done, in stored types, to the item that was found, so that it becomes the new one.

    Each changed attribute is first assigned as a whole, so that all is asked of it that a put asks; then its stored
    value is compared with the one that is there.
    """
    given = _there(new)
    asked = Update(tuple([_assigned(name, given) for name in names]))
    lowered = lower_update(table, asked, given, whole=True)
    spoken = {str(action.path.parts[0]): action.operand for action in lowered.actions}
    after = {name: thaw((one.kind, one.body)) for name, one in spoken.items() if isinstance(one, Value)}
    return difference({name: found[name] for name in spoken if name in found}, after, whole=table.sealed)


def _assigned(name: str, given: Mapping[str, Any]) -> Action:
    path = Path((name,))
    return Action("SET", path, operand(given[name])) if name in given else Action("REMOVE", path, None)


def _there(item: Mapping[str, Any]) -> Item:
    """What there is to store of an item: a set without members is none."""
    return {name: value for name, value in item.items() if not is_empty_set(value)}


def _roots(update: Update) -> Iterator[str]:
    return (str(action.path.parts[0]) for action in update.actions)


def _returning(operation: PutItem | UpdateItem | DeleteItem) -> PutItem | UpdateItem | DeleteItem:
    return replace(operation, returns="ALL_NEW") if isinstance(operation, UpdateItem) else operation


def _after(
    table: Table,
    key: Key,
    old: Item | None,
    new: Mapping[str, Any] | None,
    write: PutItem | UpdateItem | DeleteItem | None,
) -> Item | None:
    """The item as it stands after the write."""
    match write:
        case PutItem(item):
            return loaded_after_write(table, _as_read(item), key)
        case UpdateItem(place, update):
            return loaded_after_write(table, apply(update, old or place), key)
    return None if new is None else _given(table, key, old)
