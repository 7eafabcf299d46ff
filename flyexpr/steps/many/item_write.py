"""The write to one item of many, which holds only while the item matches; and how to tell whether it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from flyexpr.errors import BatchIncomplete, ConditionFailed, FlyexprError
from flyexpr.expressions.apply import apply
from flyexpr.expressions.diff import unchanged
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Action, Condition, Path, Update
from flyexpr.expressions.paths import paths
from flyexpr.expressions.repeatable import marks
from flyexpr.expressions.terms import operand
from flyexpr.requests.operations import BatchGet, DeleteItem, GetItem, UpdateItem
from flyexpr.requests.versions import versioned
from flyexpr.schema.derived.derived_updates import derived_from
from flyexpr.schema.derived.parts import fill, parts_in, sources_of
from flyexpr.schema.kinds import Kinds, descriptor_of, kinds_in, paths_of_kind
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import loaded_item
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.stored_updates import lower_actions, lower_update
from flyexpr.schema.table import Table
from flyexpr.steps.batch_reads import batch_get
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.guarded import guarded
from flyexpr.steps.items import get, write
from flyexpr.steps.step import Steps
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item

Announced = dict[str, Any]
"""What an item holds where the update changes it, before and after; empty where the item itself shows what was done."""

Verdict = Literal["done", "open", "unknown"]


class ItemWrite:
    """An update of the items that match, or without an update their removal.

    >>> item_write = ItemWrite(Table("t", "id"), exists("id"), None)
    >>> next(item_write.written({"id": "a"})).operation, item_write.what
    ('DeleteItem', 'deletes')
    """

    def __init__(self, table: Table[Any], condition: Condition, update: Update | None) -> None:
        self.table, self.condition, self.update = table, condition, update
        self.what = "deletes" if update is None else "updates"

    def written(self, key: Item) -> Steps[bool]:
        """Writes to the item with this key; False where it stays as it is, since it does not match."""
        table, condition, update = self.table, self.condition, self.update
        if self.needs_look:
            return (yield from self._written_after_look(key))
        try:
            if isinstance(table, Kinds):  # a condition in stored types is the same for all kinds
                yield from write(table.as_stored, DeleteItem(stored_key(table, key), lower_condition(table, condition)))
            else:
                yield from write(table, _write(key, update, condition))
        except ConditionFailed:
            return self._hides_parts and (yield from self._written_after_look(key))
        return True

    @cached_property
    def needs_look(self) -> bool:
        """Whether the update is made for each item, when that is read."""
        return self.update is not None and (isinstance(self.table, Kinds) or bool(_derived(self.table, self.update)))

    @cached_property
    def _hides_parts(self) -> bool:
        """Whether an item may match by parts that it lacks, and that only its index keys or its kind say."""
        table = self.table
        parts = parts_in(table, paths(self.condition)) if table.inverses else ()
        if isinstance(table, Kinds):
            return bool(parts)
        return not {*sources_of(table, parts)} <= {*table.keys}

    def _written_after_look(self, key: Item) -> Steps[bool]:
        """Reads the item and writes to it, while nothing has changed that the write depends on."""
        stored, wanted = self.table.as_stored, lower_condition(self.table, self.condition)

        def look() -> Steps[Item | None]:
            return get(stored, GetItem(stored_key(self.table, key), consistent=True))

        def written(item: Item | None) -> Steps[bool]:
            if item is None or not matches(wanted, fill(self.table, dict(item))):
                return False
            yield from write(stored, self._sent(item))
            return True

        return (yield from guarded(look, written))

    def _sent(self, item: Item) -> DeleteItem | UpdateItem:
        """The write to a stored item, in stored types; it holds while everything is unchanged that made it match."""
        telling = paths_of_kind(self.table) or ()
        spoken = (*paths(lower_condition(self.table, self.condition)), *telling)
        return _guarded(descriptor_of(self.table, item), item, spoken, self.update)

    # whether it is done: what a job has to know that goes on after a crash

    @cached_property
    def _marks(self) -> frozenset[Any]:
        """The attributes by which an item shows that the update is done; none where it may not be done twice."""
        if self.update is None or any(kind.version for kind in kinds_in(self.table)):  # a version counts every update
            return frozenset()
        return frozenset(action.path.parts[0] for action in marks(self.condition, self.update))

    @cached_property
    def foresees(self) -> bool:
        """Whether a journal has to know what each item holds before its update, which may not be done twice."""
        return self.update is not None and not self._marks

    def announced(self, texts: Sequence[str], bulk: Bulk, known: Mapping[str, Item]) -> Steps[dict[str, Announced]]:
        """What a journal has to know before items are changed, by the texts of their keys; not of items that are gone.

        What it has to know of an item that is not among the `known` ones costs a consistent read.
        """
        if not self.foresees:
            return {text: {} for text in texts}
        others = [text for text in texts if text not in known]
        items = (yield from self._looked_at(others, bulk)) if others else []
        items_by_text = {**known, **dict(zip(others, items, strict=True))}
        return {text: self._foreseen(item) for text in texts if (item := items_by_text[text]) is not None}

    def verdicts(self, announced: Mapping[str, Announced], bulk: Bulk) -> Steps[dict[str, Verdict]]:
        """Whether the changes that were under way at a crash were done; unknown where others have changed the item."""
        items = (yield from self._looked_at([*announced], bulk)) if announced else []
        return {text: self._verdict(announced[text], item) for text, item in zip(announced, items, strict=True)}

    def text(self, key: Item) -> str:
        """The key of an item as it stands in a journal."""
        return encode_item(stored_key(self.table, key))

    def key(self, text: str) -> Item:
        """The key of an item, in the table's types, from its text."""
        return loaded_item(self.table, decode_item(json.loads(text)))

    def _looked_at(self, texts: Sequence[str], bulk: Bulk) -> Steps[list[Item | None]]:
        keys = [decode_item(json.loads(text)) for text in texts]
        try:
            return (yield from batch_get(self.table.as_stored, BatchGet(keys, consistent=True), Bulk(bulk.workers)))
        except BatchIncomplete as error:  # it counts the reads, and this work counts its writes
            raise error.__cause__ or error from None

    def _foreseen(self, item: Item) -> Announced:
        assert self.update is not None
        names = touched(descriptor_of(self.table, item), self.update)
        try:
            after = _wire(apply(self._sent_update(item), item), names)
        except FlyexprError:
            after = None  # the update will be refused
        return {"before": _wire(item, names), "after": after}

    def _sent_update(self, item: Item) -> Update:
        if self._sent_to_all is not None:
            return self._sent_to_all
        sent = self._sent(item)
        assert isinstance(sent, UpdateItem)
        return sent.update

    @cached_property
    def _sent_to_all(self) -> Update | None:
        """The update in stored types; None where it depends on the item."""
        if self.update is None or isinstance(self.table, Kinds) or self.table.derived:
            return None
        counted = versioned(self.table, UpdateItem((), self.update))
        assert isinstance(counted, UpdateItem)
        return lower_update(self.table, counted.update)

    def _verdict(self, announced: Announced, item: Item | None) -> Verdict:
        if self.update is None:
            return "done" if item is None else "open"
        if item is None:
            return "open"  # it is gone, and stays so
        if self._marks:
            return "done" if self._is_marked(item) else "open"
        holds = _wire(item, announced["before"])
        return "open" if holds == announced["before"] else "done" if holds == announced["after"] else "unknown"

    def _is_marked(self, item: Item) -> bool:
        try:
            update = self._sent_update(item)
            after = apply(Update(tuple(each for each in update.actions if each.path.parts[0] in self._marks)), item)
        except FlyexprError:
            return False
        return _wire(item, self._marks) == _wire(after, self._marks)


def touched(table: Table[Any], update: Update) -> set[str]:
    """The attributes that an update changes, derived ones included.

    >>> sorted(touched(Table("t", "id", attributes={"rank": template("R#{n}")}), incr("n")))
    ['n', 'rank']
    """
    return {*(str(action.path.parts[0]) for action in update.actions), *_derived(table, update)}


def _derived(table: Table, update: Update) -> list[str]:
    """The derived attributes that the update changes, for which all of their parts have to be known."""
    return derived_from(table, {str(action.path.parts[0]) for action in update.actions})


def _write(key: Any, update: Update | None, condition: Condition) -> DeleteItem | UpdateItem:
    return DeleteItem(key, condition) if update is None else UpdateItem(key, update, condition)


def _wire(item: Mapping[str, Any], names: Any) -> dict[str, Any]:
    """The wire values of some attributes of a stored item; None for one that is missing."""
    held: dict[str, Any] = json.loads(encode_item({name: item[name] for name in names if name in item}))
    return {name: held.get(name) for name in names}


def _guarded(table: Table, item: Item, spoken: Sequence[Path], update: Update | None) -> DeleteItem | UpdateItem:
    """The write, in stored types, to an item; it holds while everything is unchanged that made the item match."""
    key = table.key_in(item)
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
