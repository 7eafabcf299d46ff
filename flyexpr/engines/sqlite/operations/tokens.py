"""The tokens that make a TransactWriteItems safe to send again.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (ClientRequestToken)
"""

from __future__ import annotations

import hashlib
import json

from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.request.members import Request
from flyexpr.errors import DynamoError

TOKEN_SECONDS = 600
_DIGEST = hashlib.blake2b().digest_size


def recall(storage: Storage, members: Request, now: float) -> list[int] | None:
    """The sizes that `remember` kept for this token in the last ten minutes; None if there are none.

    IdempotentParameterMismatchException when it was another request. What the answer is asked to tell may differ.
    """
    storage.forget_tokens(now - TOKEN_SECONDS)
    known = storage.token(members["ClientRequestToken"])
    if known is None:
        return None
    if known[:_DIGEST] != _digest(members):
        raise DynamoError.of(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request",
        )
    sizes: list[int] = json.loads(known[_DIGEST:])
    return sizes


def remember(storage: Storage, members: Request, sizes: list[int], now: float) -> None:
    """Keep the token of a request that is carried out, and the size of each item by which a repetition is charged."""
    storage.remember_token(members["ClientRequestToken"], _digest(members) + json.dumps(sizes).encode(), now)


def _digest(members: Request) -> bytes:
    return hashlib.blake2b(json.dumps(members["TransactItems"], sort_keys=True).encode()).digest()
