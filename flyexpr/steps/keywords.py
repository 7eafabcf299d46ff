"""The keywords that the overloads of both doors share; only type checkers read this file."""

from __future__ import annotations

from typing import Literal, TypedDict

from flyexpr.expressions.nodes import Condition
from flyexpr.steps.bulk import JournalFile, Progress
from flyexpr.steps.stats import Stats

NoItem = Literal["NONE"] | None
"""The `returns=` of a write that gives no item."""


class WriteOptions(TypedDict, total=False):
    """What any write of one item takes besides its `returns=`."""

    condition: Condition | None
    stats: Stats | None


class BulkOptions(TypedDict, total=False):
    """What work over many items takes; see `flyexpr.update_matching`."""

    workers: int
    rate: float | None
    progress: Progress | None
    journal: JournalFile | None
