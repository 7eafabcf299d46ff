"""Read, change by a pure function, write what changed: again when another writer was faster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flyexpr.errors import ConditionFailed, ExpressionError, FlyexprError, TransactionCancelled, ValidationError
from flyexpr.expressions.apply import apply
from flyexpr.expressions.conditions import not_exists
from flyexpr.expressions.diff import difference, is_empty_set, unchanged
from flyexpr.expressions.nodes import Action, Condition, Path, Update, Value
from flyexpr.expressions.terms import operand
from flyexpr.expressions.updates import incr
from flyexpr.records import deepcopy, record, replace
from flyexpr.requests.operations import (
    ConditionCheck,
    DeleteItem,
    Function,
    Functions,
    GetItem,
    Key,
    PutItem,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from flyexpr.schema.derived.derived_keys import key_parts
from flyexpr.schema.kinds import Kinds, descriptor_of
from flyexpr.schema.stored_items import read_item, stored_item, with_defaults
from flyexpr.schema.stored_keys import kinds_of_key, stored_key
from flyexpr.schema.stored_updates import lower_update
from flyexpr.schema.stored_values import encoded_value
from flyexpr.schema.table import Table
from flyexpr.steps.guarded import guarded
from flyexpr.steps.items import get, loaded_after_write, write
from flyexpr.steps.step import Steps
from flyexpr.steps.transactions import transact_get, transact_write
from flyexpr.values.freeze import freeze, read_back, thaw
from flyexpr.values.types import Item

MAX_GUARDED = 150  # attributes: their equalities and the ANDs between them are the 300 operators of a condition


def modify(table: Table[Any], key: Key, function: Function[Any], attempts: int) -> Steps[Any]:
    """The item as the function made it, once it is written; ConditionFailed after `attempts` tries."""
    if not callable(function):
        raise TypeError(f"modify takes a function of the item, which returns the new one, not {function!r}")
    stored = table.as_stored

    def look() -> Steps[_Change]:
        item = yield from get(stored, GetItem(stored_key(table, key), consistent=True))
        by = _descriptor(table, key, item)
        new = _returned(function(_given(by, key, item)))
        return _Change(_descriptor_of_new(table, by, item, new), key, item, new)

    def written(change: _Change) -> Steps[Item | None]:
        operation, after = _write(change), None
        try:
            if operation is not None:
                after = yield from write(stored, _returning(operation))
        except ConditionFailed as error:
            raise _in_types(table, error) from None
        if isinstance(operation, UpdateItem) and after:
            return loaded_after_write(table, after, key)
        return _after(change, operation)

    return (yield from guarded(look, written, attempts))


def transact_modify(
    keys: Sequence[tuple[Table[Any], Key]], function: Functions[Any], attempts: int
) -> Steps[list[Any]]:
    """The items as the function made them, once all are written; TransactionCancelled after `attempts` tries."""
    if not callable(function):
        raise TypeError(f"transact_modify takes a function of the items, which returns the new ones, not {function!r}")
    reads = tuple((table.as_stored, GetItem(stored_key(table, key))) for table, key in keys)

    def look() -> Steps[list[_Change]]:
        items = yield from transact_get(TransactGetItems(reads))
        read = [(_descriptor(table, key, item), key, item) for (table, key), item in zip(keys, items, strict=True)]
        shown = [_given(by, key, item) for by, key, item in read]
        new = list(map(_returned, function(shown)))
        if len(new) != len(keys):
            raise FlyexprError(f"the function was given {len(keys)} items and returned {len(new)}")
        tables = [table for table, _ in keys]
        return [
            _Change(_descriptor_of_new(table, by, item, changed), key, item, changed)
            for table, (by, key, item), changed in zip(tables, read, new, strict=True)
        ]

    return (yield from guarded(look, _written_together, attempts))


@record
class _Change:
    """What a function makes of an item: the item as it is stored, and the new one; None for one that is not there."""

    table: Table
    key: Key
    old: Item | None
    new: Mapping[str, Any] | None


def _written_together(changes: Sequence[_Change]) -> Steps[list[Item | None]]:
    """The new items, once they are written in one transaction; it checks the items that stay as they are."""
    writes = list(map(_write, changes))
    if any(write is not None for write in writes):
        pairs = zip(changes, writes, strict=True)
        checked = tuple((change.table.as_stored, _check(change) if write is None else write) for change, write in pairs)
        try:
            yield from transact_write(TransactWriteItems(checked))
        except TransactionCancelled as error:
            for change, reason in zip(changes, error.reasons, strict=False):
                _in_types(change.table, reason)
            raise
    return [_after(change, write) for change, write in zip(changes, writes, strict=True)]


def _check(change: _Change) -> ConditionCheck:
    return ConditionCheck(stored_key(change.table, change.key), guard(change.table, change.old))


def _descriptor(table: Table, key: Key, item: Item | None) -> Table:
    """The descriptor of a stored item, or of one that is not there, as far as its key says which."""
    if item is not None or not isinstance(table, Kinds):
        return descriptor_of(table, item or {})
    names = list(kinds_of_key(table, key))
    return table[names[0]] if len(names) == 1 else table.as_stored


def _descriptor_of_new(table: Table, by: Table, old: Item | None, new: Mapping[str, Any] | None) -> Table:
    """The descriptor by which the new item is written: that of the old one, or where there was none, of its kind."""
    if not isinstance(table, Kinds) or new is None:
        return by
    named = isinstance(table.by, str) and table.by in new
    if old is None:
        return table.of_new(new) if named or by is table.as_stored else by
    if named and table.of_stored(new) is not by:
        raise ExpressionError(
            f"the function changed the kind of the item, `{table.by}`, to {new[str(table.by)]!r}",
            hint="put the new item, which then is checked as a whole",
        )
    return by


def _returned(new: Any) -> Mapping[str, Any] | None:
    """The new item that the function returned; None where the item shall go."""
    if not isinstance(new, Mapping):
        raise TypeError(f"the function has to return the new item, a dict ({{}} to remove it), not {new!r}")
    return new or None


def _in_types(table: Table, error: Any) -> Any:
    """The error with its item in the table's types."""
    if isinstance(error, ConditionFailed) and error.item is not None:
        with suppress(ValidationError):  # an item that cannot be decoded is reported as stored
            error.item = read_item(table, error.item)
    return error


def _given(table: Table, key: Key, item: Item | None) -> Item:
    """What the function gets: a copy, which it may change as it likes."""
    if item is not None:
        return read_item(table, deepcopy(item))
    return {**key_parts(table, key), **read_item(table, read_back(stored_key(table, key)))}


def guard(table: Table, item: Item | None, added: Iterable[str] = ()) -> Condition:
    """True while the item has the same attributes and values, and none of the `added` ones."""
    if item is None:
        return not_exists(Path((table.partition_key,)))
    if table.version:
        return unchanged(item, Path((table.version,)))
    names = dict.fromkeys([*item, *added])
    if len(names) > MAX_GUARDED:
        raise ExpressionError(
            f"an item of {len(names)} attributes is too much for one condition, which takes {MAX_GUARDED}",
            hint=f"declare a version, and it guards the item: Table({table.name!r}, ..., version='version')",
        )
    return unchanged(item, *(Path((name,)) for name in names))


def _write(change: _Change) -> PutItem | UpdateItem | DeleteItem | None:
    """The write, in stored types, that makes the change; None where nothing changes."""
    table, old, new = change.table, change.old, change.new
    key = stored_key(table, change.key)
    if new is None:
        return None if old is None else DeleteItem(key, guard(table, old))
    names = list(_changed(table, _given(table, change.key, old), new))
    if not names:
        return None
    if old is None:
        return PutItem(_stored_new(table, key, new), guard(table, None))
    changes = _changes(table, old, {**key, **new}, names)
    if not changes.actions:
        return None
    counted = changes + incr(Path((table.version,))) if table.version else changes
    return UpdateItem(key, counted, guard(table, old, _roots(counted)))


def _changed(table: Table, old: Item, new: Mapping[str, Any]) -> Iterator[str]:
    """The attributes in which two items differ as they are stored."""
    hidden = {*table.derived, *([table.version] if table.version else [])} - {*table.keys}
    for name in dict.fromkeys([*new, *old]):
        if name not in hidden and not _equal(_stored(table, name, old), _stored(table, name, new)):
            yield name


def _stored(table: Table, name: str, item: Mapping[str, Any]) -> Any:
    """The stored value of an attribute, to compare; a value that cannot be stored is compared as it is."""
    if name not in item or is_empty_set(item[name]):
        return None
    try:
        return freeze(encoded_value(table, name, item[name]) if name in table.codecs else item[name])
    except FlyexprError:
        return item[name], "as it is"


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # of what no table stores, such as an array, which answers for each of its members
        return False


def _stored_new(table: Table, key: Item, new: Mapping[str, Any]) -> Item:
    """A new item as it is stored: with its defaults, and everything else that a put adds."""
    attributes = {name: value for name, value in new.items() if name != table.version and not is_empty_set(value)}
    item = stored_item(table, with_defaults(table, attributes))
    if table.key_in(item) != key:
        raise ExpressionError(f"the function changed the key of the item, which was {key!r}")
    return {**item, table.version: 1} if table.version else item


def _changes(table: Table, old: Item, new: Mapping[str, Any], names: Iterable[str]) -> Update:
    """The update, in stored types, that makes the old item the new one.

    Each changed attribute is first assigned as a whole, so that it is checked as a put would check it; then its stored
    value is compared with the old one.
    """
    present = _there(new)
    asked = Update(tuple([_assigned(name, present) for name in names]))
    lowered = lower_update(table, asked, present, whole=True)
    spoken = {str(action.path.parts[0]): action.operand for action in lowered.actions}
    after = {name: thaw((one.kind, one.body)) for name, one in spoken.items() if isinstance(one, Value)}
    return difference({name: old[name] for name in spoken if name in old}, after, whole=table.sealed)


def _assigned(name: str, given: Mapping[str, Any]) -> Action:
    path = Path((name,))
    return Action("SET", path, operand(given[name], path)) if name in given else Action("REMOVE", path, None)


def _there(item: Mapping[str, Any]) -> Item:
    """The attributes of an item that can be stored: all but empty sets."""
    return {name: value for name, value in item.items() if not is_empty_set(value)}


def _roots(update: Update) -> Iterator[str]:
    return (str(action.path.parts[0]) for action in update.actions)


def _returning(operation: PutItem | UpdateItem | DeleteItem) -> PutItem | UpdateItem | DeleteItem:
    return replace(operation, returns="ALL_NEW") if isinstance(operation, UpdateItem) else operation


def _after(change: _Change, write: PutItem | UpdateItem | DeleteItem | None) -> Item | None:
    """The item as it stands after the write."""
    match write:
        case PutItem(item):
            return loaded_after_write(change.table, read_back(item), change.key)
        case UpdateItem(key, update):
            return loaded_after_write(change.table, apply(update, change.old or key), change.key)
    return None if change.new is None else _given(change.table, change.key, change.old)
