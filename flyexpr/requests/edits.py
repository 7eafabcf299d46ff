"""One item edited as a whole: the update that an edit makes, and the condition that guards it."""

from __future__ import annotations

from flyexpr.errors import ValidationError
from flyexpr.expressions.conditions import exists
from flyexpr.expressions.diff import diff, unchanged
from flyexpr.expressions.nodes import Condition, Path, Update
from flyexpr.schema.table import Table
from flyexpr.values.types import Item


def edit_of(table: Table, old: Item, new: Item) -> Update:
    """The smallest update that makes the old item the new one; ValidationError where the key differs.

    >>> old = {"userid": "abc", "title": "Comet Quest", "wins": 3}
    >>> show(edit_of(scores, old, {**old, "wins": 4}))
    'SET wins = 4'
    """
    change = diff(old, new)
    for action in change.actions:
        if action.path.parts[0] in table.keys:
            raise ValidationError(
                "the key of an item cannot be changed",
                at=str(action.path.parts[0]),
                hint="put an item with the other key, and delete this one",
            )
    return change


def guard_of_edit(table: Table, old: Item, change: Update) -> Condition:
    """True while the item is there, and the attributes that change are as they were read.

    >>> old = {"userid": "abc", "title": "Comet Quest", "wins": 3}
    >>> show(guard_of_edit(scores, old, edit_of(scores, old, {**old, "wins": 4})))
    'attribute_exists(userid) AND wins = 3'
    """
    names = dict.fromkeys(action.path.parts[0] for action in change.actions)
    return exists(Path((table.partition_key,))) & unchanged(old, *(Path((name,)) for name in names))
