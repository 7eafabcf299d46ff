"""One request to the service, as steps: sign it, send it, judge the answer, and try again where that is safe.

The steps yield an Exchange or a Pause; they are sent an Answer, or have NoAnswer thrown in. Both direct transports, on
sockets and on asyncio's connections, drive these steps, so they never disagree about what is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from flyexpr.drive import WARNING, Pause
from flyexpr.engines.aws.answers import damage, is_foreign, perhaps_done, refusal
from flyexpr.engines.aws.choice import Setup
from flyexpr.engines.aws.connections import NoAnswer
from flyexpr.engines.aws.framing import Answer
from flyexpr.engines.aws.retries import Quota, delay, is_passing, is_throttle, may_repeat
from flyexpr.engines.aws.signing import CONTENT_TYPE, Keys, Signer
from flyexpr.engines.aws.target import Target
from flyexpr.errors import DynamoError
from flyexpr.records import later

if TYPE_CHECKING:
    from flyexpr.engines.aws.adaptive import Adaptive

_adaptive = later("flyexpr.engines.aws.adaptive", "Adaptive")


class Exchange(NamedTuple):
    """A request to sign with the keys of the moment and to send; the steps are sent its Answer."""

    operation: str
    body: bytes


Steps = Generator[Exchange | Pause, Any, bytes]  # is sent the Answer to an Exchange, and None after a Pause


class _Failure(NamedTuple):
    """Why an attempt failed. `passing`: the next may succeed. `lost`: the request may have been done all the same."""

    error: DynamoError
    passing: bool
    lost: bool = False
    throttled: bool = False
    asked_for: str | None = None

    @property
    def named(self) -> str:
        """The failure for the log: the error's text may quote what was stored."""
        if self.error.code != "ConnectionFailed":
            return self.error.code
        cause = self.error.__cause__
        return f"no usable answer ({type(cause).__name__})" if cause else "no usable answer"


class Attempts:
    """Makes the requests to one target, and decides how often each is tried.

    Tests set `clock` (seconds since 1970), `ticks` (seconds that only grow) and `chance` (0 to 1) to control time and
    luck.
    """

    def __init__(
        self,
        target: Target,
        setup: Setup,
        clock: Callable[[], float],
        chance: Callable[[], float],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target, self._clock, self._chance = target, clock, chance
        where = setup.endpoint
        self._signer = Signer(where.region, where.authority, where.path)
        self._start = (
            f"POST {where.path} HTTP/1.1\r\nHost: {where.authority}\r\nUser-Agent: flyexpr\r\n"
            f"Accept-Encoding: identity\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: "
        )
        self._quota = Quota()
        self._pace: Adaptive | None = _adaptive(ticks) if target.retry_mode == "adaptive" else None

    def signed(self, exchange: Exchange, keys: Keys) -> bytes:
        """The bytes of a request."""
        headers = self._signer.headers(exchange.operation, exchange.body, keys, self._clock())
        return f"{self._start}{len(exchange.body)}\r\n{headers}\r\n".encode() + exchange.body

    def steps(self, operation: str, body: bytes) -> Steps:
        """The body of the answer; DynamoError, in the service's words, if the request is refused."""
        if not (operation.isascii() and operation.isalnum()):
            raise DynamoError.of("UnknownOperationException", f"{operation!r} is not an operation of DynamoDB")
        exchange, attempt, taken = Exchange(operation, body), 1, 0
        while True:
            if self._pace is not None and (seconds := self._pace.wait()) > 0:
                yield Pause(seconds)
            try:
                outcome = self._judged((yield exchange))
            except NoAnswer as error:
                outcome = _Failure(self._no_answer(error), passing=not error.lasting, lost=error.sent)
            if self._pace is not None:
                self._pace.answered(not isinstance(outcome, bytes) and outcome.throttled)
            if isinstance(outcome, bytes):
                self._quota.give(taken or 1)
                return outcome
            taken = self._cost_of_another(outcome, operation, body, attempt)
            seconds = delay(attempt, outcome.throttled, self._chance(), outcome.asked_for)
            why = f"{operation}: {outcome.named}, attempt {attempt} of {self._target.attempts}"
            yield Pause(seconds, why, WARNING)
            attempt += 1

    def _judged(self, answer: Answer) -> bytes | _Failure:
        broken = damage(answer.headers, answer.body)
        if broken:
            return _Failure(self._no_answer(broken), passing=True, lost=not answer.early)
        return answer.body if answer.status < 300 else _refused(answer)

    def _cost_of_another(self, failure: _Failure, operation: str, body: bytes, attempt: int) -> int:
        """What another attempt takes from the quota; raises the failure's error if no other attempt is allowed."""
        if failure.lost and not may_repeat(operation, body):
            raise perhaps_done(failure.error, operation) from failure.error.__cause__
        cost = Quota.THROTTLE_COST if failure.throttled else Quota.COST
        if not failure.passing or attempt >= self._target.attempts or not self._quota.take(cost):
            raise failure.error
        return cost

    def _no_answer(self, why: str | NoAnswer) -> DynamoError:
        error = DynamoError.of("ConnectionFailed", f"no answer from {self._target.url}: {why}")
        error.__cause__ = why.__cause__ if isinstance(why, NoAnswer) else None
        return error


def _refused(answer: Answer) -> _Failure:
    error = refusal(answer.status, answer.body)
    return _Failure(
        error,
        passing=is_passing(answer.status, error.code),
        lost=is_foreign(answer.status, error) and not answer.early,
        throttled=is_throttle(answer.status, error.code),
        asked_for=answer.headers.get("x-amz-retry-after"),
    )
