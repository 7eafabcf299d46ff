"""The options of a Table, for type checkers: they are written out in its `__init__`, and named here for `Table.of`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from flyexpr.engine import Engine
from flyexpr.schema.indexes import Index


class TableOptions(TypedDict, total=False):
    """What a Table takes besides its name, its keys and its attributes."""

    indexes: Sequence[Index]
    throughput: tuple[int, int] | None
    ttl: str | None
    version: str | None
    stream: str | None
    tags: Mapping[str, str]
    deletion_protection: bool
    strict: bool
    engine: Engine | None
