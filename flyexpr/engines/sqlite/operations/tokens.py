"""The tokens that make a TransactWriteItems safe to send again.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (ClientRequestToken)
"""

from __future__ import annotations

from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.request.intents import Token
from flyexpr.errors import DynamoError

TOKEN_SECONDS = 600


def is_repeated(storage: Storage, token: Token, now: float) -> bool:
    """Whether a request with this token was carried out in the last ten minutes; if not, the token is remembered.

    IdempotentParameterMismatchException when that request had other actions. Its answer may have held other members.
    """
    storage.forget_tokens(now - TOKEN_SECONDS)
    known = storage.token(token.text)
    if known is None:
        storage.remember_token(token.text, token.digest, now)
        return False
    if known != token.digest:
        raise DynamoError.of(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request",
        )
    return True
