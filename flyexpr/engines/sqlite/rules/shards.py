"""The shards of a stream: they close and have children, which name them as their parents (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing
"""

from __future__ import annotations

import hashlib

from flyexpr.engines.sqlite.disk.history.changes import SECOND
from flyexpr.engines.sqlite.disk.history.shards import Shard


def first_shards(arn: str, start: int, count: int) -> list[Shard]:
    """The shards that a stream begins with; together they have all partitions.

    >>> [shard.part for shard in first_shards("arn", 5, 2)]
    [(0, 2), (1, 2)]
    """
    return [_shard(arn, None, start, (part, count)) for part in range(count)]


def next_shards(arn: str, parents: list[Shard], start: int, count: int) -> list[Shard]:
    """The children of the shards that were open: two for each while fewer than `count` are.

    >>> [(shard.start, shard.part) for shard in next_shards("arn", first_shards("arn", 5, 1), 10, 2)]
    [(10, (0, 2)), (10, (1, 2))]
    """
    split = 2 if len(parents) < count else 1
    return [
        _shard(arn, parent.id, start, (parent.part[0] * split + half, parent.part[1] * split))
        for parent in parents
        for half in range(split)
    ]


def _shard(arn: str, parent: str | None, start: int, part: tuple[int, int]) -> Shard:
    digest = hashlib.blake2b(f"{arn} {start} {part}".encode(), digest_size=4).hexdigest()
    return Shard(f"shardId-{start * 1000 // SECOND:020}-{digest}", parent, start, None, part)
