"""The tokens that make a TransactWriteItems safe to send again.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (ClientRequestToken)
"""

from __future__ import annotations

import hashlib
import json

from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.request.intents.writes import Token
from flyexpr.errors import DynamoError

TOKEN_SECONDS = 600
_DIGEST = hashlib.blake2b().digest_size


def recall(storage: Storage, token: Token, now: float) -> list[int] | None:
    """The sizes that `remember` kept for this token in the last ten minutes; None if there are none.

    IdempotentParameterMismatchException when that request had other actions. Its answer may have held other members.
    """
    storage.forget_tokens(now - TOKEN_SECONDS)
    known = storage.token(token.text)
    if known is None:
        return None
    if known[:_DIGEST] != token.digest:
        raise DynamoError.of(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request",
        )
    sizes: list[int] = json.loads(known[_DIGEST:])
    return sizes


def remember(storage: Storage, token: Token, sizes: list[int], now: float) -> None:
    """Keeps the token of a request that is carried out, and the size of each item by which a repetition is charged."""
    storage.remember_token(token.text, token.digest + json.dumps(sizes).encode(), now)
