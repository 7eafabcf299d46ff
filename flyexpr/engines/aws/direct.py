"""The `direct` transport: signs, sends and reads by itself, over connections of its own.

A GetItem takes 35 µs of CPU here, and some 800 through a botocore client. flyexpr.engines.aws.choice makes this engine
only if nothing is needed that botocore alone knows (proxies, mocks, …).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from flyexpr.drive import Pause, driven, noted
from flyexpr.engine import STREAM_READS, Connection, Plain
from flyexpr.engines.aws.attempts import Attempts, Exchange
from flyexpr.engines.aws.choice import Setup, choose, mock_is_active
from flyexpr.engines.aws.connections import NoAnswer, Pool
from flyexpr.engines.aws.framing import Answer
from flyexpr.engines.aws.retries import chance
from flyexpr.engines.aws.target import Target
from flyexpr.errors import FlyexprError


def left_to_botocore(target: Target) -> frozenset[str]:
    """The operations that another host serves, which only botocore's rules know.

    >>> from flyexpr.engines.aws.target import target_of
    >>> for url in "dynamodb://eu-west-1", "http://localhost:8000":
    ...     "SearchVectors" in left_to_botocore(target_of(url))
    True
    False

    A server that is named by its address serves searches too.
    """
    return STREAM_READS | {"SearchVectors"} if target.endpoint is None else STREAM_READS


def open_engine(target: Target) -> Connection:
    """The engine for a target, by the transport that suits the set-up of this machine."""
    choice = choose(target)
    if isinstance(choice, Setup):
        return DirectEngine(target, choice)
    from flyexpr.engines.aws.botocore import BotocoreEngine

    return BotocoreEngine(target, choice)


class DirectEngine(Plain):
    """DynamoDB over connections of its own; safe to share between threads, and after a fork.

    >>> from flyexpr.engines.aws.choice import choose
    >>> from flyexpr.engines.aws.target import target_of
    >>> target = target_of("http://localhost:8000")
    >>> with DirectEngine(target, choose(target)) as engine:
    ...     engine
    <engine http://localhost:8000 by direct: a server on this machine, no keys needed>

    flyexpr.engines.aws.retries says which requests are sent again. The engine pickles as its URL, without keys. Tests
    set `clock`, `sleep` and `chance` (0 to 1) to control time and luck.
    """

    def __init__(
        self,
        target: Target,
        setup: Setup,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = chance,
    ) -> None:
        self.target, self.why = target, setup.why
        self._keys, self._sleep, where = setup.keys, sleep, setup.endpoint
        self._attempts = Attempts(target, setup, clock, chance)
        self._left = left_to_botocore(target)
        self._pool = Pool(where, target.timeout, target.connect_timeout, setup.bundle)
        self._lock = threading.Lock()
        self._other: Any = None
        self._closed = False

    def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError, in the service's words, if it is refused."""
        if self._closed:
            raise FlyexprError(f"{self!r} is closed")
        if mock_is_active() or operation in self._left:
            return self._by_botocore(operation, body)
        return driven(self._attempts.steps(operation, body), DirectEngine._answer, self, NoAnswer)

    def _answer(self, step: Exchange | Pause) -> Answer | None:
        if isinstance(step, Pause):
            self._sleep(noted(step))
            return None
        return self._pool.exchange(self._attempts.signed(step, self._keys()))

    def _by_botocore(self, operation: str, body: bytes) -> bytes:
        """The answer through botocore, which knows mocks, and operations that have a host of their own."""
        from flyexpr.engines.aws.botocore import BotocoreEngine

        with self._lock:
            if self._other is None:
                self._other = BotocoreEngine(self.target)
        answer: bytes = self._other(operation, body)
        return answer

    def close(self) -> None:
        """Closes the connections; the engine cannot be used any more."""
        self._closed = True
        self._pool.close()
        if self._other is not None:
            self._other.close()

    def __enter__(self) -> DirectEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<engine {self.target.url} by direct: {self.why}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_engine, (self.target,)
