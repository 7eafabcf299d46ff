"""An export brought into a table, without losing what is newer there."""

from __future__ import annotations

from hashlib import sha256
from os import PathLike
from typing import Any

from flyexpr.changes.export_folders import Export
from flyexpr.changes.exports import changes_of_export, opened_export
from flyexpr.errors import FlyexprError
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.show import show
from flyexpr.requests.mistakes import need_table
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.many.images import OnRefused, Swaps
from flyexpr.steps.step import Steps

Folder = str | PathLike[str]


def apply_export(
    table: Table[Any],
    folder: Folder,
    condition: Condition | None,
    overwrite: bool,
    dry_run: bool,
    refused: OnRefused | None,
    bulk: Bulk,
) -> Steps[int]:
    """How many items are now as the export says.

    >>> apply_export(scores, "nowhere", None, False, False, None, Bulk())
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: nowhere holds no export: there is no manifest-summary.json in it
    """
    need_table(table)
    export = opened_export(folder)
    if not overwrite:
        need_old_images(export, "overwrite=True writes each item, whatever is stored")
    changes = changes_of_export(export, table, condition)
    swaps = Swaps(table, refused, bulk, "changes of the export", overwrite=overwrite, dry_run=dry_run)
    facts = {
        "export": sha256("".join(file.checksum for file in export.files).encode()).hexdigest(),
        "condition": None if condition is None else show(condition),
        "overwrite": overwrite,
    }

    def steps() -> Steps[int]:
        yield from swaps.steps(changes, (yield from bulk.resumed(table, "apply_export", facts)))
        bulk.close()
        return bulk.done

    return bulk.paced(steps())


def need_old_images(export: Export, hint: str) -> None:
    """FlyexprError for an incremental export that does not say what its items were before."""
    if export.view is not None and export.view != "NEW_AND_OLD_IMAGES":
        raise FlyexprError(
            f"{export.folder} has no old images, so it cannot be told whether an item has changed since\n"
            f"  hint: export with ExportViewType NEW_AND_OLD_IMAGES; {hint}"
        )
