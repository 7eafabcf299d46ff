"""diff, save, create and delete: one item edited, written only if it still is as it was read."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ConditionFailed
from flyexpr.expressions.conditions import not_exists
from flyexpr.expressions.nodes import Action, Condition, Path, Update, Value
from flyexpr.expressions.show import show
from flyexpr.requests.edits import edit_of, guard_of_edit
from flyexpr.requests.operations import DeleteItem, PutItem, UpdateItem
from flyexpr.schema.table import Table
from flyexpr.serve.console.catalogue import Catalogue
from flyexpr.serve.console.failures import conflict
from flyexpr.serve.console.members import Members
from flyexpr.steps.modify import MAX_GUARDED, guard
from flyexpr.sync import run
from flyexpr.values.freeze import thaw
from flyexpr.values.plain_json import value_text
from flyexpr.values.pretty_json import pretty_text
from flyexpr.values.types import MISSING, Item, find

_LONG = 80  # characters of a value


def diff(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """What saving an edited item would change; nothing is sent."""
    table = catalogue.known(asked.text("table")).table
    old, new = asked.item_or_none("old"), asked.item("item")
    if old is None:
        return {"update": "", "lines": [f"{name}: is new, {_short(new[name])}" for name in new], "creates": True}
    change = edit_of(table, old, new)
    update = show(change) if change.actions else ""
    return {"update": update, "lines": [_in_words(action, old) for action in change.actions], "creates": False}


def save(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """Writes what an edit changes, if the stored item still is as it was read."""
    table = catalogue.known(asked.text("table")).table
    old, new = asked.item("old"), asked.item("item")
    change = edit_of(table, old, new)
    if not change.actions:
        return {"item": pretty_text(new)}
    operation = UpdateItem(asked.item("key"), change, _guard(table, old, change), returns="ALL_NEW")
    return {"item": pretty_text(run(table, operation) or {})}


def create(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """Puts an item, if there is none with its key."""
    table = catalogue.known(asked.text("table")).table
    free = not_exists(Path((table.partition_key,)))
    try:
        item = run(table, PutItem(asked.item("item"), free, returns="NEW"))
    except ConditionFailed as error:
        raise conflict("there is an item with this key already, so nothing is written", error) from None
    return {"item": pretty_text(item or {})}


def delete(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """Deletes an item, if it still is as it was read."""
    table = catalogue.known(asked.text("table")).table
    run(table, DeleteItem(asked.item("key"), guard(table, asked.item("old"))))
    return {"item": None}


def _guard(table: Table[Any], old: Item, change: Update) -> Condition:
    """True while the item is as it was read; of one with more attributes than a condition takes, those that change."""
    changed = {str(action.path.parts[0]) for action in change.actions}
    if len({*old} | changed) > MAX_GUARDED:
        return guard_of_edit(table, old, change)
    return guard(table, old, sorted(changed))


def _in_words(action: Action, old: Item) -> str:
    """What an action of an edit does, for people."""
    path, before = show(action.path), find(action.path.parts, old)
    now = _short(thaw((action.operand.kind, action.operand.body))) if isinstance(action.operand, Value) else ""
    match action.clause:
        case "REMOVE":
            return f"{path}: goes, it was {_short(before)}"
        case "ADD":
            return f"{path}: gains {now}"
        case "DELETE":
            return f"{path}: loses {now}"
    return f"{path}: is new, {now}" if before is MISSING else f"{path}: {_short(before)} becomes {now}"


def _short(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= _LONG else text[:_LONG] + "…"
