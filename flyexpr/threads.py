"""Reads that have several requests under way, each in a thread: the segments of a scan, and the page after this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from flyexpr.requests.request import Request
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.read import Reading
from flyexpr.values.kinds import Item

Ask = Callable[[Request], bytes]
_THREADS = 32  # requests under way; with more lanes, the others wait for their turn


def items_of_lanes(lanes: Lanes, ask: Ask) -> Iterator[Item]:
    """The items of all lanes as their pages come, each lane's request in a thread.

    >>> from flyexpr.sync import asking
    >>> lanes = Lanes(scores, scan(segments=2), lambda: 0.0)
    >>> sorted(item["title"] for item in items_of_lanes(lanes, asking(scores.engine)))
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
                flying[pool.submit(ask, request)] = lane
            if not flying:
                return
            landed = next(iter(wait(flying, return_when=FIRST_COMPLETED).done))
            yield from lanes.feed(flying.pop(landed), landed.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def asking_ahead(reading: Reading, ask: Ask) -> Iterator[Ask]:
    """The function `ask` for a reading, with the request for the next page sent early, from a thread of its own.

    >>> from flyexpr.sync import asking
    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), lambda: 0.0)
    >>> with asking_ahead(reading, asking(scores.engine)) as ahead:
    ...     print([item["title"] for item in reading.feed(ahead(reading.request()))])
    ['Comet Quest']

    The next request is guessed from the last bytes of a page. Its answer counts only if the page itself, once it is
    read, asks for the same; another is thrown away. An engine's error is raised where its page would begin.
    """
    pool = ThreadPoolExecutor(1, "flyexpr-ahead")
    sent: tuple[Request, Future[bytes]] | None = None

    def ahead(request: Request) -> bytes:
        nonlocal sent
        body = sent[1].result() if sent is not None and sent[0] == request else ask(request)
        following = reading.following(body)
        sent = None if following is None else (following, pool.submit(ask, following))
        return body

    try:
        yield ahead
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
