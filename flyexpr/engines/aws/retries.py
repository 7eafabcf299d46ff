"""What may be sent again, when, and how often: the standard mode of AWS's SDKs, made safe for writes.

Every SDK repeats a request that DynamoDB answered with a throttle or a 5xx, whatever the operation, and so does this
one: the service says that it did not do it. A 500 leaves a rest of doubt, which is why AWS calls such writes "at least
once": an unconditional `ADD` may then count twice. `attempts=1` in the engine's URL never repeats anything.

When the answer was *lost* (a timeout, a reset, a damaged body, a gateway's error page), nobody knows whether the
request was done. Then it is repeated only if doing it twice has the same effect and the same answer as once:

    GetItem  Query  Scan  BatchGetItem
    TransactGetItems  Describe…  List…                repeated
    BatchWriteItem  TagResource  UntagResource        repeated: the second time changes nothing
    PutItem  DeleteItem                               repeated, unless they have a condition or return the old item:
                                                      they would meet their own write
    TransactWriteItems  ExecuteTransaction            repeated with a ClientRequestToken, by which the service knows
                                                      them again for 10 minutes
    UpdateItem, and whatever is not named             ConnectionFailed, which says that it may have been done

A request that surely never reached the service whole (no connection, sending failed) is repeated whatever it is.
Rules: the AWS SDKs and Tools Reference Guide, "Retry behavior"; the DynamoDB Developer Guide, "Error handling".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

_READS = frozenset(["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"])
_REPEATABLE_WRITES = frozenset(["BatchWriteItem", "TagResource", "UntagResource"])
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
    """True for a request that, done twice, has the effect and the answer of once.

    >>> may_repeat("Query", b"{}"), may_repeat("UpdateItem", b"{}")
    (True, False)
    >>> may_repeat("PutItem", b'{"Item": {}}'), may_repeat("PutItem", b'{"Item": {}, "ConditionExpression": "a = :a"}')
    (True, False)
    """
    if operation in _READS or operation in _REPEATABLE_WRITES or operation.startswith(("Describe", "List")):
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
    # What cannot be read might have a condition.
    return request if isinstance(request, dict) else {"ConditionExpression": "?"}


def is_throttle(status: int, code: str) -> bool:
    """True for an answer that says: less, please.

    >>> is_throttle(400, "ThrottlingException"), is_throttle(429, ""), is_throttle(400, "ValidationException")
    (True, True, False)
    """
    return status == 429 or code in _THROTTLES


def is_passing(status: int, code: str) -> bool:
    """True for an answer that may be another one a moment later, throttles among them.

    >>> is_passing(503, ""), is_passing(400, "ConditionalCheckFailedException")
    (True, False)
    """
    return status in _PASSING_STATUSES or code in _PASSING_CODES or is_throttle(status, code)


def delay(attempt: int, throttled: bool, chance: float, asked_for: str | None = None) -> float:
    """Seconds to wait after the attempt of that number, from 1 on; `chance` is a random number from 0 to 1.

    >>> [delay(attempt, False, 1.0) for attempt in (1, 2, 3)], delay(2, True, 0.5)
    ([0.025, 0.05, 0.1], 1.0)

    `asked_for` is the service's own wish in milliseconds; it can add five seconds at most.
    """
    base = 1.0 if throttled else 0.025
    drawn = chance * min(base * 2.0 ** min(attempt - 1, 10), _LONGEST)
    if asked_for is not None and asked_for.isascii() and asked_for.isdigit():
        return max(drawn, min(int(asked_for[:9]) / 1000, drawn + _LONGEST_ASKED_FOR))
    return drawn


class Quota:
    """How many repetitions an engine may still ask for, so that a service in trouble is not asked ever more.

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
        """True if there was enough left, which is now taken."""
        with self._lock:
            enough = cost <= self._left
            self._left -= cost if enough else 0
            return enough

    def give(self, amount: int = 1) -> None:
        """Give back what a request took that went well in the end; one that took nothing gives 1."""
        if self._left < self._capacity:  # without the lock, which would be taken for every request
            with self._lock:
                self._left = min(self._left + amount, self._capacity)
