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


def remembered(storage: Storage, members: Request, now: float) -> bool:
    """Whether a request with this token was carried out in the last ten minutes; if not, it now counts as such.

    IdempotentParameterMismatchException when it was another request. What the answer is asked to tell may differ.
    """
    token = members["ClientRequestToken"]
    digest = hashlib.blake2b(json.dumps(members["TransactItems"], sort_keys=True).encode()).digest()
    storage.forget_tokens(now - TOKEN_SECONDS)
    known = storage.token(token)
    if known is None:
        storage.remember_token(token, digest, now)
        return False
    if known != digest:
        raise DynamoError.of(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request",
        )
    return True
