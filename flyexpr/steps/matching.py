"""Writes to every item that a query or scan gives."""

from __future__ import annotations

from collections.abc import Callable

from flyexpr.conditions import exists
from flyexpr.errors import ConditionFailed
from flyexpr.nodes import Condition, Path, Update
from flyexpr.operations import DeleteItem, Query, Scan, UpdateItem
from flyexpr.records import replace
from flyexpr.steps.items import write
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.read import Clock
from flyexpr.steps.step import Steps
from flyexpr.tables import Table
from flyexpr.values import Item

Write = DeleteItem | UpdateItem


def delete_matching(table: Table, read: Query | Scan, dry_run: bool, clock: Clock) -> Steps[int]:
    """How many items were removed, or with `dry_run` would be."""
    condition = _still(table, read)
    return _each(table, read, clock, None if dry_run else lambda key: DeleteItem(key, condition))


def update_matching(table: Table, read: Query | Scan, update: Update, dry_run: bool, clock: Clock) -> Steps[int]:
    """How many items were updated, or with `dry_run` would be."""
    condition = _still(table, read)
    return _each(table, read, clock, None if dry_run else lambda key: UpdateItem(key, update, condition))


def _still(table: Table, read: Query | Scan) -> Condition:
    if not isinstance(read, (Query, Scan)):
        raise TypeError(f"expected query(...) or scan(...), not {read!r}")
    return exists(Path((table.partition_key,))) & read.condition


def _each(table: Table, read: Query | Scan, clock: Clock, operation: Callable[[Item], Write] | None) -> Steps[int]:
    """How many of the items that a read gives are written; all that it gives where there is no operation."""
    lanes = Lanes(table, replace(read, project=tuple(Path((name,)) for name in table.keys)), clock)
    done = 0
    while (taken := lanes.take()) is not None:
        lane, request = taken
        for item in lanes.feed(lane, (yield request)):
            key = {name: item[name] for name in table.keys}
            done += operation is None or (yield from _written(table, operation(key)))
    return done


def _written(table: Table, operation: Write) -> Steps[bool]:
    try:
        yield from write(table, operation)
    except ConditionFailed:
        return False
    return True
