"""The answer to a request, in the service's words, and its bytes."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from random import getrandbits
from typing import Any, NamedTuple

from flyexpr.engine import STREAM_READS, Engine, changes_nothing
from flyexpr.errors import ConnectionFailed, DynamoError, FlyexprError
from flyexpr.serve.heads import Head
from flyexpr.serve.limits import Refused

_TARGET, _STREAMS_TARGET = "DynamoDB_20120810.", "DynamoDBStreams_20120810."
COMPRESSED_FROM = 4097  # bytes, as the service
_CONTENT_TYPES = ("application/x-amz-json-1.0", "application/json")

# These error codes belong not to DynamoDB but to the framework around it; clients read only what follows the `#`.
_SPACES = {
    "ValidationException": "com.amazon.coral.validate",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
    "ThrottlingException": "com.amazon.coral.availability",
}
_DYNAMODB = "com.amazonaws.dynamodb.v20120810"
_SERVER_ERRORS = ("InternalServerError", "ServiceUnavailable")
_CAPITAL = ("TransactionCanceledException", "SerializationException")  # whose `Message` the service spells so
_ANSWERED_EMPTY = ("TagResource", "UntagResource")  # with no bytes at all, not with an empty object


class Answer(NamedTuple):
    """An answer before it is sent."""

    status: int
    content_type: str
    body: bytes
    more: tuple[tuple[str, str], ...] = ()  # further fields of its head


HEALTHY = Answer(200, "text/plain", b"healthy: flyexpr\n")
NOT_HERE = Answer(404, "application/xml", b"<UnknownOperationException/>\n")


def refusal(refused: Refused) -> Answer:
    """The answer to a request that is refused before it reaches the engine."""
    return Answer(refused.status, _CONTENT_TYPES[0], _error(refused.code, refused.message, {}))


def without_engine(head: Head, body: bytes) -> Answer | None:
    """The answer to a request that the engine need not see: a health check, or something that is not an operation."""
    if head.method in ("GET", "HEAD") and head.path == "/":
        return HEALTHY
    if head.method != "POST" or head.path != "/" or (body and type_of(head) not in _CONTENT_TYPES):
        return NOT_HERE
    if not operation_of(head):
        return unknown_operation(head, body)
    return None


class OnlyReads:
    """An engine that refuses every operation that can change something; a statement of PartiQL can.

    >>> reading = OnlyReads(connect("sqlite::memory:"))
    >>> reading("ListTables", b"{}")
    b'{"TableNames":[]}'
    >>> reading("DeleteTable", b"{}")
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: AccessDeniedException: this server only reads, and DeleteTable is not among what it does
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, operation: str, body: bytes) -> bytes:
        if changes_nothing(operation):
            return self._engine(operation, body)
        text = f"this server only reads, and {operation} is not among what it does"
        raise DynamoError.of("AccessDeniedException", text)


def unknown_operation(head: Head, body: bytes) -> Answer:
    """The answer to a request that names no operation; a body that is not JSON is reported first."""
    code = "SerializationException" if body and not _is_json(body) else "UnknownOperationException"
    return _without_message(head, code)


def operation_of(head: Head) -> str:
    """The operation that a request names, or ""; those of DynamoDB Streams have a target of their own."""
    prefix, dot, operation = head.headers.get("x-amz-target", "").partition(".")
    return operation if prefix + dot == (_STREAMS_TARGET if operation in STREAM_READS else _TARGET) else ""


def ask(engine: Engine, head: Head, body: bytes) -> Answer:
    """The engine's answer to one operation."""
    status, answer = _asked(engine, operation_of(head), body)
    if status == 400 and b"#UnknownOperationException" in answer[:100]:
        return unknown_operation(head, body)
    if status == 400 and b"#SerializationException" in answer[:100] and not _is_json(body):
        return _without_message(head, "SerializationException")  # as the service does; an engine may say more
    return Answer(status, answered_type(head), answer)


def kept(answer: Answer, head: Head, keep: Callable[[], None]) -> Answer:
    """An answer of the engine once `keep` has returned; the error, if that fails."""

    def body_once_kept(operation: str, body: bytes) -> bytes:
        keep()
        return body

    status, body = _asked(body_once_kept, operation_of(head), answer.body)
    return answer if status == 200 else Answer(status, answered_type(head), body)


def _without_message(head: Head, code: str) -> Answer:
    return Answer(400, answered_type(head), _error(code, "", {}))


def _asked(engine: Engine, operation: str, body: bytes) -> tuple[int, bytes]:
    try:
        answer = engine(operation, body)
        if not isinstance(answer, bytes):
            raise TypeError(f"the engine answered with {type(answer).__name__}, not with bytes")
        return 200, b"" if answer == b"{}" and operation in _ANSWERED_EMPTY else answer
    except ConnectionFailed as error:
        return 503, _error("ServiceUnavailable", str(error), {})
    except DynamoError as error:
        status = 500 if error.code in _SERVER_ERRORS else 400
        return status, _error(error.code, error.message, error.fields, operation)
    except FlyexprError as error:
        return 500, _error("InternalServerError", str(error), {})
    except Exception as error:  # a defect of the engine: without an answer the client would wait for its timeout
        return 500, _error("InternalServerError", f"{type(error).__name__}: {error}", {})


def _error(code: str, message: str, fields: dict[str, Any], operation: str = "") -> bytes:
    shows_item = (operation, code) == ("ExecuteStatement", "ConditionalCheckFailedException") and "Item" in fields
    name = "Message" if shows_item or code in _CAPITAL else "message"
    text = {name: message} if message else {}
    return json.dumps({"__type": f"{_SPACES.get(code, _DYNAMODB)}#{code}", **text, **fields}, default=str).encode()


def answered_type(head: Head) -> str:
    """The Content-Type of the answer: that of the request, if it is a JSON type."""
    return _CONTENT_TYPES[type_of(head) == _CONTENT_TYPES[1]]


def type_of(head: Head) -> str:
    """The Content-Type of a request in small letters, without parameters; "" where it names none."""
    return head.headers.get("content-type", "").partition(";")[0].strip(" \t").lower()


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def compressed(body: bytes, accepted: str) -> tuple[str, bytes]:
    """The coding and the body in it, for a body that is large enough and a client that accepts it; else "" as coding.

    >>> coding, body = compressed(b" " * 5000, "deflate;q=0.5, gzip, br")
    >>> coding, len(body) < 100, compressed(b"{}", "gzip"), compressed(b" " * 5000, "gzip;q=0")[0]
    ('gzip', True, ('', b'{}'), '')
    """
    if not accepted or len(body) < COMPRESSED_FROM:
        return "", body
    coding = _best(accepted)
    if not coding:
        return "", body
    packer = zlib.compressobj(1, zlib.DEFLATED, 31 if coding == "gzip" else 15)  # the quickest level
    return coding, packer.compress(body) + packer.flush()


def _best(accepted: str) -> str:
    weights = {}
    for option in accepted.lower().split(","):
        name, *parameters = [part.strip() for part in option.split(";")]
        weights[name] = next((_weight(part) for part in parameters if part.startswith("q=")), 1.0)
    offered = [(weights.get(name, weights.get("*", 0.0)), name) for name in ("deflate", "gzip")]
    weight, name = max(offered)
    return name if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def _weight(parameter: str) -> float:
    try:
        return float(parameter[2:])
    except ValueError:
        return 0.0


def head_of(answer: Answer, coding: str, keep: bool, old: bool) -> bytes:
    """The head of an answer whose body is already compressed; the checksum is that of the bytes as sent."""
    connection = "Connection: close\r\n" if not keep else "Connection: keep-alive\r\n" if old else ""
    return (
        f"{_first_lines(answer.status, answer.content_type, coding, connection, int(time.time()))}"
        + "".join([f"{name}: {value}\r\n" for name, value in answer.more])
        + f"Content-Length: {len(answer.body)}\r\nx-amzn-RequestId: {getrandbits(208):052X}\r\n"
        f"x-amz-crc32: {zlib.crc32(answer.body)}\r\n\r\n"
    ).encode("ascii")


@lru_cache(maxsize=32)  # the same lines serve all answers of a second: 0.2 µs where writing them takes 3
def _first_lines(status: int, content_type: str, coding: str, connection: str, second: int) -> str:
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: flyexpr\r\n"
        f"Date: {formatdate(second, usegmt=True)}\r\nContent-Type: {content_type}\r\n"
        + (f"Content-Encoding: {coding}\r\n" if coding else "")
        + connection
    )
