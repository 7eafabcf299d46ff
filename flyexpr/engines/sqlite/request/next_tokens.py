"""The NextToken of ExecuteStatement: the key that a page ended with, and a digest of what was asked.

A token serves the same statement with the same parameters only. Numbers are the same if they have the same value and as
many digits. No page follows where a parameter is a list or a map.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import Value
from flyexpr.values.types import Item

MISMATCH = "NextToken does not match request"


def digest_of(statement: str, parameters: Sequence[Any], values: Sequence[Value]) -> bytes | None:
    """What a token must fit: a statement and its parameters, in wire form and read; None for one that none fits.

    >>> values = [Value("N", 1)]
    >>> one, two, three = (digest_of("...", [{"N": text}], values) for text in ("1", "+1e0", "1.0"))
    >>> one == two, one == three
    (True, False)
    """
    if any(value.kind in ("L", "M") for value in values):
        return None
    identities = [_identity(wire, value) for wire, value in zip(parameters, values, strict=True)]
    return blake2b(json.dumps([statement, identities]).encode(), digest_size=16).digest()


def _identity(wire: Any, value: Value) -> str:
    if value.kind == "N":
        sign, digits, exponent = Decimal(wire["N"]).as_tuple()
        return f"N{sign if any(digits) else 0}{digits}{exponent}"
    return value.kind + repr(sorted(value.body) if value.kind in ("SS", "NS", "BS") else value.body)


def write_token(digest: bytes, key: bytes) -> str:
    """The token of the page after a key, which is given as wire JSON.

    >>> read_token(write_token(b"digest", b'{"id":{"S":"a"}}'), b"digest")
    {'id': 'a'}
    """
    return b64encode(digest.hex().encode() + b":" + key).decode()


def read_token(token: str, digest: bytes | None) -> Item:
    """The key in a token.

    ValidationException for a text that no engine wrote, and for the token of another statement.
    """
    try:
        written, _, key = b64decode(token, validate=True).partition(b":")
        bytes.fromhex(written.decode())
        wire = json.loads(key)
        start = read_item(wire)
    except (ValueError, RecursionError, DynamoError):
        raise invalid("Invalid NextToken") from None
    if digest is None or written != digest.hex().encode():
        raise invalid(MISMATCH)
    return start
