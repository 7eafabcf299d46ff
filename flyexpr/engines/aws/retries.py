"""Which requests may be sent again, when, and how often: the standard mode of AWS's SDKs, made safe for writes.

Every SDK repeats a request that DynamoDB answered with a throttle or a 5xx, whatever the operation. So does this one,
because such an answer says that the request was not done. After a 500 some doubt remains; AWS calls such writes "at
least once", and an unconditional `ADD` may count twice. With `attempts=1` in the engine's URL nothing is ever repeated.

When the answer was *lost* (a timeout, a reset, a damaged body, a gateway's error page), nobody knows whether the
request was done. Then it is repeated only if doing it twice has the same effect and the same answer as once:

    GetItem  Query  Scan  BatchGetItem
    TransactGetItems  Describe…  List…
    GetShardIterator  GetRecords                      repeated
    BatchWriteItem  TagResource  UntagResource        repeated: the second time changes nothing
    PutItem  DeleteItem                               repeated, unless they have a condition or return the old item:
                                                      the second request would see the write of the first
    TransactWriteItems  ExecuteTransaction            repeated if they have a ClientRequestToken, by which the service
                                                      recognises the request for 10 minutes
    UpdateItem, and all others                        ConnectionFailed, which says that it may have been done

A request that certainly did not reach the service as a whole (no connection, sending failed) is always repeated.
Rules: the AWS SDKs and Tools Reference Guide, "Retry behavior"; the DynamoDB Developer Guide, "Error handling".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from flyexpr.engine import READS, STREAM_READS
from flyexpr.records import later

chance = later("random", "random")
"""A number from 0 to 1, for the wait before another attempt; few requests need one, and the module is not small."""

_REPEATABLE = READS | STREAM_READS | {"BatchWriteItem", "TagResource", "UntagResource"}
_WHEN_BLIND = frozenset(["PutItem", "DeleteItem"])
_WITH_TOKEN = frozenset(["TransactWriteItems", "ExecuteTransaction"])

_THROTTLES = frozenset(
    """
    BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete
    ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown
    ThrottledException Throttling ThrottlingException TooManyRequestsException TransactionInProgressException
    """.split()
)
_PASSING_CODES = frozenset(["RequestTimeout", "RequestTimeoutException", "ReplicatedWriteConflictException"])
_PASSING_STATUSES = frozenset([500, 502, 503, 504])

_LONGEST = 20.0
_LONGEST_ASKED_FOR = 5.0


def may_repeat(operation: str, body: bytes) -> bool:
    """True for a request that has the same effect and the same answer if it is done twice.

    >>> may_repeat("Query", b"{}"), may_repeat("UpdateItem", b"{}")
    (True, False)
    >>> may_repeat("PutItem", b'{"Item": {}}'), may_repeat("PutItem", b'{"Item": {}, "ConditionExpression": "a = :a"}')
    (True, False)
    """
    if operation in _REPEATABLE or operation.startswith(("Describe", "List")):
        return True
    if operation in _WHEN_BLIND:
        request = _members(body)
        blind = request.get("ReturnValues", "NONE") == "NONE"
        return blind and "ConditionExpression" not in request and "Expected" not in request
    return operation in _WITH_TOKEN and bool(_members(body).get("ClientRequestToken"))


def _members(body: bytes) -> Mapping[str, object]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        request = None
    # A body that cannot be read might have a condition.
    return request if isinstance(request, dict) else {"ConditionExpression": "?"}


def is_throttle(status: int, code: str) -> bool:
    """True for an answer that asks the client to send less.

    >>> is_throttle(400, "ThrottlingException"), is_throttle(429, ""), is_throttle(400, "ValidationException")
    (True, True, False)
    """
    return status == 429 or code in _THROTTLES


def is_passing(status: int, code: str) -> bool:
    """True for an error, such as a throttle, after which the same request may succeed a moment later.

    >>> is_passing(503, ""), is_passing(400, "ConditionalCheckFailedException")
    (True, False)
    """
    return status in _PASSING_STATUSES or code in _PASSING_CODES or is_throttle(status, code)


def delay(attempt: int, throttled: bool, chance: float, asked_for: str | None = None) -> float:
    """Seconds to wait after an attempt; attempts count from 1, and `chance` is a random number from 0 to 1.

    >>> [delay(attempt, False, 1.0) for attempt in (1, 2, 3)], delay(2, True, 0.5)
    ([0.025, 0.05, 0.1], 1.0)

    `asked_for` is the wait that the service asks for, in milliseconds; it can add five seconds at most.
    """
    base = 1.0 if throttled else 0.025
    drawn = chance * min(base * 2.0 ** min(attempt - 1, 10), _LONGEST)
    if asked_for is not None and asked_for.isascii() and asked_for.isdigit():
        return max(drawn, min(int(asked_for[:9]) / 1000, drawn + _LONGEST_ASKED_FOR))
    return drawn


class Quota:
    """Limits the repetitions of an engine, so that it does not send more and more to a service in trouble.

    >>> quota = Quota(20)
    >>> quota.take(14), quota.take(14)
    (True, False)
    >>> quota.give(14)
    >>> quota.take(14)
    True
    """

    COST, THROTTLE_COST = 14, 5

    def __init__(self, capacity: int = 500) -> None:
        self._capacity = self._left = capacity
        self._lock = threading.Lock()

    def take(self, cost: int) -> bool:
        """True if `cost` was left; it is taken then."""
        with self._lock:
            enough = cost <= self._left
            self._left -= cost if enough else 0
            return enough

    def give(self, amount: int) -> None:
        """Gives back what a request took, once it succeeds; a request that took nothing gives 1."""
        if self._left < self._capacity:  # checked first, so that most requests need no lock
            with self._lock:
                self._left = min(self._left + amount, self._capacity)
