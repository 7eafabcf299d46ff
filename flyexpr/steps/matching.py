"""Writes to every item that a query or scan gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.errors import ConditionFailed, FlyexprError
from flyexpr.expressions.apply import apply
from flyexpr.expressions.conditions import exists
from flyexpr.expressions.diff import unchanged
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Action, Condition, Path, Update
from flyexpr.expressions.paths import paths
from flyexpr.expressions.terms import operand
from flyexpr.requests.items import prepared
from flyexpr.requests.mistakes import need_read
from flyexpr.requests.operations import DeleteItem, GetItem, Read, UpdateItem
from flyexpr.requests.plan.access import access_of_keys
from flyexpr.requests.request import Request
from flyexpr.requests.versions import versioned
from flyexpr.schema.derived.derive import derived_from
from flyexpr.schema.derived.parts import fill, parts_in, sources_of
from flyexpr.schema.kinds import Kinds, kind_of, kinds_in, narrowed, paths_of_kind
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import loaded_item, stored_key
from flyexpr.schema.stored_updates import lower_actions, lower_update
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk, each
from flyexpr.steps.guarded import guarded
from flyexpr.steps.items import get, write
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.read import Clock, keys_only
from flyexpr.steps.step import TURN, Steps
from flyexpr.values.encode import encode_item
from flyexpr.values.kinds import Item

_PASSED: Item = {}  # in place of a key that does not match: reading it took time too
_LOOK = 64  # keys between pauses


def update_matching(
    table: Table[Any], read: Read, update: Update, dry_run: bool, clock: Clock, bulk: Bulk
) -> Steps[int]:
    """How many items of a read were updated, or with `dry_run` would be."""
    need(update, Update, "update_matching takes an update such as incr('wins', 1)")
    return bulk.paced(_write_matching(table, read, update, dry_run, clock, bulk))


def delete_matching(table: Table[Any], read: Read, dry_run: bool, clock: Clock, bulk: Bulk) -> Steps[int]:
    """How many items of a read were removed, or with `dry_run` would be."""
    return bulk.paced(_write_matching(table, read, None, dry_run, clock, bulk))


def _write_matching(
    table: Table, read: Read, update: Update | None, dry_run: bool, clock: Clock, bulk: Bulk
) -> Steps[int]:
    """How many items of a read were written: updated, or without an update removed.

    No item is updated twice: where the update moves items in the index that the read goes through, all keys are read,
    and kept, before the first update.
    """
    need_read(read)
    table = narrowed(table, read.condition)
    condition, what = exists(Path((table.partition_key,))) & read.condition, "deletes" if update is None else "updates"
    keeping = update is not None and not dry_run and moves(table, read, update)
    asked, access = keys_only(table, read)
    lanes, kept = Lanes(table, asked, clock, access=access), dict[str, Item]()

    def unit(key: Item) -> Steps[bool]:
        return _written(table, key, condition, update)

    while (taken := lanes.take()) is not None:
        keys = list[Item]()
        try:
            yield from _read_keys(keys, lanes, *taken)
        except FlyexprError as error:
            bulk.ended(what, keys, lanes.cursor, error)
            raise
        if keeping:
            kept |= {encode_item(stored_key(table, key)): key for key in keys}
        elif dry_run:
            if update is not None and keys and not _needs_look(table, update):
                prepared(table, UpdateItem(keys[0], update, condition))  # raises what the update would raise
            bulk.note(len(keys))
        else:
            yield from each(bulk, what, keys, unit, lanes.cursor)
    yield from each(bulk, what, kept.values(), unit, None)
    return bulk.done


def _read_keys(keys: list[Item], lanes: Lanes, lane: int, request: Request) -> Steps[None]:
    """Appends the keys that the next page of a lane gives, with pauses in between for other tasks."""
    for number, key in enumerate(lanes.feed(lane, (yield request), _PASSED)):
        if key is not _PASSED:
            keys.append(key)
        if number % _LOOK == 0:
            yield TURN


def moves(table: Table, read: Read, update: Update) -> bool:
    """Whether the update can move an item in the index that the read goes through, so that it is read again.

    >>> read = query(eq("title", "Comet Quest") & gt("top_score", 100))
    >>> moves(scores, read, incr("top_score")), moves(scores, read, incr("wins"))
    (True, False)

    If so, all keys have to be read before the first update.
    """
    touched = {name for kind in kinds_in(table) for name in _touched(kind, update)}
    return not touched.isdisjoint(table.keys_of(access_of_keys(table, read).index))


def _touched(table: Table, update: Update) -> set[str]:
    """The attributes that an update changes, derived ones included."""
    return {*(str(action.path.parts[0]) for action in update.actions), *_derived(table, update)}


def _written(table: Table, key: Item, condition: Condition, update: Update | None) -> Steps[bool]:
    if update is not None and _needs_look(table, update):
        return (yield from _written_after_look(table, key, condition, update))
    try:
        if isinstance(table, Kinds):  # a condition in stored types is the same for all kinds
            yield from write(table.as_stored, DeleteItem(stored_key(table, key), lower_condition(table, condition)))
        else:
            yield from write(table, _write(key, update, condition))
    except ConditionFailed:
        return _hides_parts(table, condition) and (yield from _written_after_look(table, key, condition, update))
    return True


def _needs_look(table: Table, update: Update) -> bool:
    """Whether the update is made for each item, when that is read."""
    return isinstance(table, Kinds) or bool(_derived(table, update))


def _write(key: Any, update: Update | None, condition: Condition) -> DeleteItem | UpdateItem:
    return DeleteItem(key, condition) if update is None else UpdateItem(key, update, condition)


def _derived(table: Table, update: Update) -> list[str]:
    """The derived attributes that the update changes, for which all of their parts have to be known."""
    return derived_from(table, {str(action.path.parts[0]) for action in update.actions})


def _hides_parts(table: Table, condition: Condition) -> bool:
    """Whether an item may match by parts that it lacks, and that only its index keys or its kind say."""
    parts = parts_in(table, paths(condition)) if table.inverses else ()
    if isinstance(table, Kinds):
        return bool(parts)
    return not {*sources_of(table, parts)} <= {*table.keys}


def _written_after_look(table: Table, key: Item, condition: Condition, update: Update | None) -> Steps[bool]:
    """Reads the item and writes to it, while nothing has changed that the write depends on; False where it stays."""
    stored, wanted = table.as_stored, lower_condition(table, condition)
    telling = paths_of_kind(table) or ()

    def look() -> Steps[Item | None]:
        return get(stored, GetItem(stored_key(table, key), consistent=True))

    def written(item: Item | None) -> Steps[bool]:
        if item is None or not matches(wanted, fill(table, dict(item))):
            return False
        yield from write(stored, _guarded(kind_of(table, item), item, (*paths(wanted), *telling), update))
        return True

    return (yield from guarded(look, written))


def _guarded(table: Table, item: Item, spoken: Sequence[Path], update: Update | None) -> DeleteItem | UpdateItem:
    """The write, in stored types, to an item; it holds while everything is unchanged that made the item match."""
    key = {name: item[name] for name in table.keys}
    needed = dict.fromkeys([*(str(path.parts[0]) for path in spoken), *sources_of(table, parts_in(table, spoken))])
    if update is not None:
        needed |= dict.fromkeys(part for name in _derived(table, update) for part in table.derived[name].parts)
        counted = versioned(table, UpdateItem(key, update))
        assert isinstance(counted, UpdateItem)
        after = apply(lower_actions(table, counted.update), fill(table, dict(item)))
        lowered = lower_update(table, counted.update, loaded_item(table, dict(after)), whole=True)
        update = Update(tuple(_of_filled(action, item, after) for action in lowered.actions))
    return _write(key, update, unchanged(item, *(Path((name,)) for name in needed)))


def _of_filled(action: Action, item: Item, after: Item) -> Action:
    """The action; where the item lacks a part and was read as if it had it, an action that stores the new value."""
    name = str(action.path.parts[0])
    if name in item or name not in after:
        return action
    return Action("SET", Path((name,)), operand(after[name]))
