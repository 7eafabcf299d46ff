"""How long an event loop is held while a page of 1 MB is read: what another task has to wait for its turn.

It is CPU time of the loop's thread, so the time for which other processes have the core does not count.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median

from bench import data
from bench.peers.adapters.ours import TABLE
from flyexpr import aio, eq, query


def longest_hold(url: str, rounds: int) -> float:
    """Milliseconds of CPU time between two turns of another task, at the longest: the median of the rounds."""
    return median(asyncio.run(_held(url)) for _ in range(rounds)) * 1000


async def _held(url: str) -> float:
    """The longest time in seconds, over the pages after the first: that one learns what the items are like."""
    async with aio.connect(f"{url}?transport=direct") as engine:
        gaps: list[float] = []
        ticking = asyncio.create_task(_tick(gaps))
        count = 0
        async for _ in aio.run(TABLE.on(engine), query(eq("pk", f"pages#{data.PAGES}"))):
            count += 1
            if count == data.PAGE:
                gaps.clear()
        ticking.cancel()
    assert count == data.PAGES * data.PAGE
    return max(gaps)


async def _tick(gaps: list[float]) -> None:
    before = time.thread_time()
    while True:
        await asyncio.sleep(0)
        now = time.thread_time()
        gaps.append(now - before)
        before = now
