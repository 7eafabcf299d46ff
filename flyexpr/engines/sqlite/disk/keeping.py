"""How an engine keeps the record of changes: by which clock, how long, in how many shards, and with which images."""

from __future__ import annotations

import time
from collections.abc import Callable

from flyexpr.records import record

DAY = 86_400.0
SHARD_SECONDS = 4 * 3600.0
OLD_VIEWS, NEW_VIEWS = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"), ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")


@record
class Keeping:
    """The clock, how many seconds a stream keeps its records, and when its shards close.

    >>> Keeping().shard_time
    14400.0

    `retention` is None for what each stream has been given before, which is 24 hours if nobody has said anything else.
    A stream has `shards` open shards at a time, which close once they are `shard_time` seconds old.
    A vector index that is added to a table answers after `indexing` seconds. The conditions of its searches are of the
    language `searching`: "equality", which every Region takes, or "wide".
    """

    clock: Callable[[], float] = time.time
    retention: float | None = None
    shards: int = 1
    shard_time: float = SHARD_SECONDS
    indexing: float = 0.0
    searching: str = "equality"


AS_THE_SERVICE = Keeping()
