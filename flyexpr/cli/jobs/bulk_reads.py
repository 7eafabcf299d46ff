"""Which read finds the items that bulk work is to change."""

from __future__ import annotations

from dataclasses import replace

from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.nodes import Path as DocumentPath
from flyexpr.requests.operations import Query, Scan
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.plan.query_or_scan import read_of
from flyexpr.schema.table import Table
from flyexpr.steps.many.item_write import touched
from flyexpr.steps.many.matching import moves


def bulk_read(table: Table, condition: Condition, index: str | None, update: Update | None) -> tuple[Query | Scan, str]:
    """The read that finds the items to change, and why it reads everything where it does.

    An index in which the update moves items is not used unless it is named: all keys have to be read, and kept, before
    the first of them is changed.
    """
    read, why = read_of(table, condition, index)
    used = access_of(table, read).index
    if used is not None and index is None and update is not None and moves(table, read, update):
        moved = ", ".join(sorted(touched(table, update) & {*table.keys_of(used)}))
        read, why = Scan(condition), f"reads the whole table: the update changes {moved}, a key of {used.name}"
    return replace(read, project=tuple(DocumentPath((name,)) for name in table.keys)), why
