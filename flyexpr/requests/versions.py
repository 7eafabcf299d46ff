"""Optimistic locking, for tables that declare a version attribute."""

from __future__ import annotations

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.conditions import eq, not_exists
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.expressions.show import show
from flyexpr.expressions.updates import incr
from flyexpr.requests.operations import PutItem, UpdateItem, Write
from flyexpr.schema.table import Table


def versioned(table: Table, operation: Write) -> Write:
    """The write with a condition on the version that it expects, and with the next version.

    >>> table = Table("t", "id", version="version")
    >>> put = versioned(table, put_item({"id": "a", "version": 3}))
    >>> put.item["version"], show(put.condition)
    (4, 'version = 3')
    >>> show(versioned(table, put_item({"id": "a"})).condition)
    'attribute_not_exists(version)'
    >>> show(versioned(table, update_item("a", incr("wins"))).update)
    'ADD wins 1, version 1'

    A put succeeds only while the stored item has the version that it was read with, or no version if it had none. An
    update adds 1 to the version; the caller may guard it with `condition=eq("version", 3)`. The dict that was put keeps
    its old version: for the next put take the item of `put(..., returns="NEW")`, or use `modify`.
    """
    name = table.version
    if name is None:
        return operation
    path = Path((name,))
    match operation:
        case PutItem(item, condition, returns):
            version = item.get(name)
            if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
                raise ValidationError(f"a version is a whole number, not {version!r}", at=name)
            guard = not_exists(path) if version is None else eq(path, version)
            return PutItem({**item, name: (version or 0) + 1}, _both(guard, condition), returns)
        case UpdateItem(key, update, condition, returns):
            if any(action.path.parts[0] == name for action in update.actions):
                raise ExpressionError(
                    f"`{name}` counts the versions of {table.name!r} and cannot be updated by hand",
                    expression=show(update),
                )
            return UpdateItem(key, update + incr(path), condition, returns)
    return operation


def _both(guard: Condition, condition: Condition | None) -> Condition:
    return guard if condition is None else guard & condition
