"""Reads that have several requests under way, each in a thread: the segments of a scan, and the page after this one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from flyexpr.engine import Engine
from flyexpr.requests.request import Request
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.read import Reading
from flyexpr.values.kinds import Item

_THREADS = 32  # of more lanes the rest wait their turn


def items_of_lanes(lanes: Lanes, engine: Engine) -> Iterator[Item]:
    """The items of all lanes as their pages come, each lane's request in a thread.

    >>> lanes = Lanes(scores, scan(segments=2), lambda: 0.0)
    >>> sorted(item["title"] for item in items_of_lanes(lanes, scores.engine))
    ['Comet Quest', 'Galaxy Invaders']

    A lane asks for its next page once its last one is taken; the others' answers wait meanwhile. An engine's error is
    raised when its turn comes.
    """
    pool = ThreadPoolExecutor(min(len(lanes), _THREADS), "flyexpr-lane")
    flying: dict[Future[bytes], int] = {}
    try:
        while not lanes.full:
            while len(flying) < _THREADS and (taken := lanes.take()) is not None:
                lane, request = taken
                flying[pool.submit(engine, request.operation, request.body)] = lane
            if not flying:
                return
            landed = next(iter(wait(flying, return_when=FIRST_COMPLETED).done))
            yield from lanes.feed(flying.pop(landed), landed.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def items_ahead(reading: Reading, engine: Engine) -> Iterator[Item]:
    """The items of a reading, whose requests go out a page early, from a thread of their own.

    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), lambda: 0.0)
    >>> [item["title"] for item in items_ahead(reading, scores.engine)]
    ['Comet Quest', 'Galaxy Invaders']

    What follows a page is guessed from its last bytes. An answer counts only if its request turns out to be the one
    that the page itself asks for; another is thrown away. An engine's error is raised where its page would begin.
    """
    pool = ThreadPoolExecutor(1, "flyexpr-ahead")
    sent: tuple[Request, Future[bytes]] | None = None
    try:
        while (request := reading.request()) is not None:
            if sent is not None and sent[0] == request:
                body = sent[1].result()
            else:
                body = engine(request.operation, request.body)
            following = reading.following(body)
            sent = None
            if following is not None:
                sent = following, pool.submit(engine, following.operation, following.body)
            yield from reading.feed(body)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
