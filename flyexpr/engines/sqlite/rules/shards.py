"""The shards of a stream: they close and have children, which name them as their parents (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing
"""

from __future__ import annotations

import hashlib

from flyexpr.engines.sqlite.disk.changes import SECOND
from flyexpr.engines.sqlite.disk.streams import Shard
from flyexpr.records import replace


def first_shards(arn: str, start: int, count: int) -> tuple[Shard, ...]:
    """The shards that a stream begins with; together they have all partitions.

    >>> [shard.part for shard in first_shards("arn", 5, 2)]
    [(0, 2), (1, 2)]
    """
    return tuple(_shard(arn, None, start, (part, count)) for part in range(count))


def closed_shards(shards: tuple[Shard, ...], end: int, closed: int) -> tuple[Shard, ...]:
    """The same shards without an open one; `end` is the number of the last change, `closed` that of the moment.

    >>> closed_shards(first_shards("arn", 5, 1), 9, 20)[0].end
    9
    """
    return tuple(replace(shard, end=end, closed=closed) if shard.end is None else shard for shard in shards)


def next_shards(arn: str, shards: tuple[Shard, ...], end: int, start: int, count: int) -> tuple[Shard, ...]:
    """The same shards, closed, and the children of those that were open: two for each while fewer than `count` are.

    >>> shards = first_shards("arn", 5, 1)
    >>> [(shard.end, shard.part) for shard in next_shards("arn", shards, 9, 10, 2)]
    [(9, (0, 1)), (None, (0, 2)), (None, (1, 2))]
    """
    parents = [shard for shard in shards if shard.end is None]
    split = 2 if len(parents) < count else 1
    children = [
        _shard(arn, parent.id, start, (parent.part[0] * split + half, parent.part[1] * split))
        for parent in parents
        for half in range(split)
    ]
    return (*closed_shards(shards, end, start), *children)


def untrimmed_shards(shards: tuple[Shard, ...], horizon: int) -> tuple[Shard, ...]:
    """The shards that are open, or were not closed before the number `horizon`.

    A reader that has come to the end of a shard has the time until then to learn of its children.
    """
    return tuple(shard for shard in shards if shard.closed is None or shard.closed >= horizon)


def _shard(arn: str, parent: str | None, start: int, part: tuple[int, int]) -> Shard:
    digest = hashlib.blake2b(f"{arn} {start} {part}".encode(), digest_size=4).hexdigest()
    return Shard(f"shardId-{start * 1000 // SECOND:020}-{digest}", parent, start, None, part)
