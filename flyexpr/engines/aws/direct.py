"""The `direct` transport: signs, sends and reads by itself, over connections of its own.

A GetItem costs 35 µs of CPU here, and some 800 through a botocore client. What botocore knows and this does not
(proxies, mocks, …) is found by flyexpr.engines.aws.choice before this engine is made.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from flyexpr.engines.aws import Target, connect_aws
from flyexpr.engines.aws.answers import damage, is_foreign, perhaps_done, refusal
from flyexpr.engines.aws.choice import Setup, mock_is_active
from flyexpr.engines.aws.connections import NoAnswer, Pool
from flyexpr.engines.aws.framing import Answer
from flyexpr.engines.aws.retries import Quota, delay, is_passing, is_throttle, may_repeat
from flyexpr.engines.aws.signing import CONTENT_TYPE, Signer
from flyexpr.errors import DynamoError, FlyexprError

_HOST_OF_ITS_OWN = "SearchVectors"  # the one operation that a region's plain endpoint does not serve


class _Failure(NamedTuple):
    """Why an attempt failed; `passing`: the next may not, `lost`: the request may have been done all the same."""

    error: DynamoError
    passing: bool
    lost: bool = False
    throttled: bool = False
    asked_for: str | None = None


class DirectEngine:
    """DynamoDB over connections of its own; safe to share between threads, and after a fork.

    >>> from flyexpr.engines.aws.choice import choose
    >>> from flyexpr.engines.aws import target_of
    >>> target = target_of("http://localhost:8000")
    >>> with DirectEngine(target, choose(target)) as engine:
    ...     engine
    <engine http://localhost:8000 by direct: a server on this machine, no keys needed>

    What is repeated, and what never is: flyexpr.engines.aws.retries. It pickles as its URL, without keys. `clock`,
    `sleep` and `chance` (0 to 1) are for whoever wants to test what time and luck do.
    """

    def __init__(
        self,
        target: Target,
        setup: Setup,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.target, self.why = target, setup.why
        self._keys, self._clock, self._sleep, self._chance = setup.keys, clock, sleep, chance
        where = setup.endpoint
        self._signer = Signer(where.region, where.authority, where.path)
        self._start = (
            f"POST {where.path} HTTP/1.1\r\nHost: {where.authority}\r\nUser-Agent: flyexpr\r\n"
            f"Accept-Encoding: identity\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: "
        )
        self._pool = Pool(where, target.timeout, target.connect_timeout, setup.bundle)
        self._quota = Quota()
        self._lock = threading.Lock()
        self._other: Any = None
        self._closed = False

    def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError in the service's words when it is refused."""
        if self._closed:
            raise FlyexprError(f"{self!r} is closed")
        if mock_is_active() or operation == _HOST_OF_ITS_OWN:
            return self._by_botocore(operation, body)
        if not (operation.isascii() and operation.isalnum()):
            raise DynamoError.of("UnknownOperationException", f"{operation!r} is not an operation of DynamoDB")
        attempt, taken = 1, 0
        while isinstance(outcome := self._attempt(operation, body), _Failure):
            taken = self._cost_of_another(outcome, operation, body, attempt)
            self._sleep(delay(attempt, outcome.throttled, self._chance(), outcome.asked_for))
            attempt += 1
        self._quota.give(taken or 1)
        return outcome

    def _attempt(self, operation: str, body: bytes) -> bytes | _Failure:
        signed = self._signer.headers(operation, body, self._keys(), self._clock())
        request = f"{self._start}{len(body)}\r\n{signed}\r\n".encode() + body
        try:
            answer = self._pool.exchange(request)
        except NoAnswer as error:
            return _Failure(self._no_answer(error), passing=not error.lasting, lost=error.sent)
        broken = damage(answer.headers, answer.body)
        if broken:
            return _Failure(self._no_answer(broken), passing=True, lost=not answer.early)
        return answer.body if answer.status < 300 else _refused(answer)

    def _cost_of_another(self, failure: _Failure, operation: str, body: bytes, attempt: int) -> int:
        """What another attempt takes from the quota; raises the failure's error when there shall be none."""
        if failure.lost and not may_repeat(operation, body):
            raise perhaps_done(failure.error, operation) from failure.error.__cause__
        cost = Quota.THROTTLE_COST if failure.throttled else Quota.COST
        if not failure.passing or attempt >= self.target.attempts or not self._quota.take(cost):
            raise failure.error
        return cost

    def _no_answer(self, why: str | NoAnswer) -> DynamoError:
        error = DynamoError.of("ConnectionFailed", f"no answer from {self.target.url}: {why}")
        error.__cause__ = why.__cause__ if isinstance(why, NoAnswer) else None
        return error

    def _by_botocore(self, operation: str, body: bytes) -> bytes:
        """The answer through the other transport: only that one knows mocks, and the hosts of single operations."""
        from flyexpr.engines.aws.client import BotocoreEngine

        with self._lock:
            if self._other is None:
                self._other = BotocoreEngine(self.target)
        answer: bytes = self._other(operation, body)
        return answer

    def close(self) -> None:
        """Close the connections; the engine cannot be used any more."""
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
        return connect_aws, (self.target.url,)


def _refused(answer: Answer) -> _Failure:
    error = refusal(answer.status, answer.body)
    return _Failure(
        error,
        passing=is_passing(answer.status, error.code),
        lost=is_foreign(answer.status, error) and not answer.early,
        throttled=is_throttle(answer.status, error.code),
        asked_for=answer.headers.get("x-amz-retry-after"),
    )
