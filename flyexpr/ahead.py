"""Reading ahead: the next page is asked for while the items of this one are taken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from flyexpr.requests import Request
from flyexpr.steps.reading import Reading
from flyexpr.tables import Engine
from flyexpr.values import Item


def items_ahead(reading: Reading, engine: Engine) -> Iterator[Item]:
    """The items of a reading, whose requests go out a page early, from a thread of their own.

    >>> reading = Reading(scores, query(eq("userid", "abc"), page_size=1), lambda: 0.0)
    >>> [item["title"] for item in items_ahead(reading, scores.engine)]
    ['Comet Quest', 'Galaxy Invaders']

    What follows a page is guessed from its last bytes. An answer counts only if its request turns out to be the one
    that the page itself asks for; another is thrown away. An engine's error is raised where its page would begin.
    """
    with_thread = ThreadPoolExecutor(1, "flyexpr-ahead")
    sent: tuple[Request, Future[bytes]] | None = None
    try:
        while (request := reading.request()) is not None:
            if sent is not None and sent[0] == request:
                body = sent[1].result()
            else:
                body = engine(request.operation, request.body)
            following = reading.following(body)
            if following is None:
                sent = None
            else:
                sent = following, with_thread.submit(engine, following.operation, following.body)
            yield from reading.feed(body)
    finally:
        with_thread.shutdown(wait=False, cancel_futures=True)
