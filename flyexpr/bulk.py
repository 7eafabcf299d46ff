"""Writes to every item that a query or scan gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flyexpr.conditions import exists
from flyexpr.errors import ConditionFailed
from flyexpr.nodes import Condition, Path, Update
from flyexpr.operations import DeleteItem, Query, Scan, UpdateItem
from flyexpr.records import replace
from flyexpr.run import run
from flyexpr.tables import Table


def delete_matching(table: Table, read: Query | Scan, *, dry_run: bool = False) -> int:
    """Removes every item that a query or scan gives; how many were removed, or with `dry_run` would be.

    >>> delete_matching(scores, query(eq("userid", "abc") & lt("top_score", 200)), dry_run=True)
    1
    >>> delete_matching(scores, query(eq("userid", "abc") & lt("top_score", 200)))
    1

    Each removal holds only while the item still matches, so one that changed meanwhile stays, and is not counted.
    """
    condition = _still(table, read)
    return sum(dry_run or _done(table, DeleteItem(key, condition)) for key in _keys(table, read))


def update_matching(table: Table, read: Query | Scan, update: Update, *, dry_run: bool = False) -> int:
    """Updates every item that a query or scan gives; how many were updated, or with `dry_run` would be.

    >>> update_matching(scores, scan(not_exists("wins")), assign("wins", 0))
    1
    >>> update_matching(scores, scan(not_exists("wins")), assign("wins", 0))
    0

    Each update holds only while the item still matches. It is no transaction: when it ends early, what was done is
    done. An update that makes further items match may meet them in the same scan.
    """
    condition = _still(table, read)
    return sum(dry_run or _done(table, UpdateItem(key, update, condition)) for key in _keys(table, read))


def _still(table: Table, read: Query | Scan) -> Condition:
    if not isinstance(read, (Query, Scan)):
        raise TypeError(f"expected query(...) or scan(...), not {read!r}")
    return exists(Path((table.partition_key,))) & read.condition


def _keys(table: Table, read: Query | Scan) -> Iterator[Any]:
    wanted = tuple(Path((name,)) for name in table.keys)
    for item in run(table, replace(read, project=wanted)):
        yield {name: item[name] for name in table.keys}


def _done(table: Table, operation: DeleteItem | UpdateItem) -> bool:
    try:
        run(table, operation)
    except ConditionFailed:
        return False
    return True
