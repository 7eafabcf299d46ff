"""What an answer of the service means. Both transports ask here, so they never disagree."""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Mapping
from typing import Any

from flyexpr.errors import ConnectionFailed, DynamoError

_NOT_FIELDS = ("__type", "message", "Message")


def damage(headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with the bytes of an answer, or None; `headers` are by lower-case name.

    >>> damage({"content-length": "2", "x-amz-crc32": "2745614147"}, b"{}")
    >>> damage({"content-length": "2", "x-amz-crc32": "17"}, b"{}")
    'the answer was damaged on the way: its checksum differs'

    The checksum is optional: DynamoDB always sends one, other engines may not. Checking it takes 2 % of reading a page.
    """
    length, checksum = headers.get("content-length"), headers.get("x-amz-crc32")
    if "transfer-encoding" not in headers and (length != str(len(body)) if length else not body):
        return f"the answer was cut short: {len(body)} bytes of {length or 'any'}"
    if headers.get("content-encoding", "identity") != "identity":
        return f"the answer is encoded as {headers['content-encoding']!r}, which was not asked for"
    if checksum is not None and checksum != str(crc32(body)):
        return "the answer was damaged on the way: its checksum differs"
    return None


def refusal(status: int, body: bytes) -> DynamoError:
    """The error that an answer other than 200 stands for, in the service's words.

    >>> refusal(400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"none"}')
    NoSuchTable('ResourceNotFoundException: none')
    >>> refusal(302, b"<html>Please log in</html>")
    ConnectionFailed("the answer is not DynamoDB's: HTTP status 302, '<html>Please log in</html>'")
    """
    try:
        fields: dict[str, Any] = json.loads(body)
        code = fields["__type"].rpartition("#")[2].partition(":")[0]
        if not code:
            raise ValueError("an error without a code")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        start = body[:200].decode("utf-8", "replace")
        return DynamoError.of(
            "ConnectionFailed",
            f"the answer is not DynamoDB's: HTTP status {status}" + (f", {start!r}" if start else ""),
        )
    message = fields.get("message") or fields.get("Message") or ""
    return DynamoError.of(code, str(message), {name: fields[name] for name in fields if name not in _NOT_FIELDS})


def perhaps_done(lost: DynamoError, operation: str) -> DynamoError:
    """The error for a request whose answer was lost, and that is not safe to send again.

    >>> print(perhaps_done(DynamoError.of("ConnectionFailed", "no answer from dynamodb://eu-west-1"), "UpdateItem"))
    no answer from dynamodb://eu-west-1
      UpdateItem was sent and may have been done, so it is not sent again
      hint: read the item before you repeat it
    """
    return DynamoError.of(
        "ConnectionFailed",
        f"{lost.message}\n  {operation} was sent and may have been done, so it is not sent again\n"
        "  hint: read the item before you repeat it",
    )


def is_foreign(status: int, error: DynamoError) -> bool:
    """True for an error of a gateway on the way, which cannot know whether the service did the request.

    >>> is_foreign(504, refusal(504, b"<html>Gateway Time-out</html>"))
    True
    >>> is_foreign(500, refusal(500, b'{"__type":"InternalServerError"}'))
    False
    """
    return status >= 500 and isinstance(error, ConnectionFailed)
