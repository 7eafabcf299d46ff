"""An engine behind DynamoDB's HTTP protocol, on this machine: whatever speaks to DynamoDB can speak to it.

    with serve(connect("sqlite:scores.db")) as server:
        boto3.resource("dynamodb", endpoint_url=server.url)

Signatures are not checked, so it listens on the loopback address unless it is told another.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import uuid
from binascii import crc32
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flyexpr.engines import Engine
from flyexpr.errors import ConnectionFailed, DynamoError, FlyexprError

MAX_BODY = 16 * 1024 * 1024  # bytes of a request; a batch of 25 items of 400 KB fits
IDLE_SECONDS = 300.0  # a connection that says nothing for so long is closed
HEAR_SECONDS = 5.0  # so long a client that was refused may go on sending
BODY_SECONDS = 60.0  # a body that has begun comes to its end within so long
MAX_CONNECTIONS = 1000
LARGE_BODY, LARGE_BODIES = 1024 * 1024, 8  # so many bodies that are larger are in memory at once; others wait
_CONTENT_TYPE = "application/x-amz-json-1.0"
_TARGET = "DynamoDB_20120810."

# The error codes that are not DynamoDB's own, but of the framework around it; clients look behind the `#` only.
_SPACES = {
    "ValidationException": "com.amazon.coral.validate",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
    "ThrottlingException": "com.amazon.coral.availability",
}
_DYNAMODB = "com.amazonaws.dynamodb.v20120810"
_SERVER_ERRORS = ("InternalServerError", "ServiceUnavailable")


def serve(engine: Engine, port: int = 0, host: str = "127.0.0.1") -> Server:
    """A server of the engine, running until it is closed; port 0 takes one that is free.

    >>> with serve(connect("sqlite::memory:")) as server:
    ...     call(connect(server.url), "ListTables", {})
    {'TableNames': []}

    Requests run in a thread for each connection. OSError where the port is taken.
    """
    return Server(engine, port, host)


class Server:
    """A running server: its `.url`, and `close()`; as a context manager it closes at the end.

    >>> server = serve(connect("sqlite::memory:")); server.close()
    >>> server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, engine: Engine, port: int, host: str) -> None:
        handler = type("Handler", (_Handler,), {"engine": staticmethod(engine)})
        self._http = _HTTPServer((host, port), handler)
        self.url = f"http://{host}:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; requests under way are answered by threads that end with the process."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.large = threading.BoundedSemaphore(LARGE_BODIES)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection; one too many is closed."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Refused(Exception):
    """A request that does not get as far as the engine."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


def _too_large() -> _Refused:
    return _Refused(413, "RequestEntityTooLargeException", "a request has at most 16 MB")


def _no_chunks() -> _Refused:
    return _Refused(400, "SerializationException", "the body is not in chunks, as its Transfer-Encoding says")


def _too_slow() -> _Refused:
    return _Refused(408, "RequestTimeoutException", "the request takes too long to come")


_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\r?\n")


class _Handler(BaseHTTPRequestHandler):
    engine: Engine
    server: _HTTPServer
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one piece
    timeout = IDLE_SECONDS
    server_version, sys_version = "flyexpr", ""

    def do_POST(self) -> None:
        """One operation."""
        try:
            operation, length = self._target(), self._length()
            with self._place(length):
                status, body = _answer(self.engine, operation, self._body(length))
        except _Refused as refused:
            self.close_connection = True
            status, body = refused.status, _error(refused.code, refused.message, {})
        self._send(status, _CONTENT_TYPE, body)
        if self.close_connection:
            self._hear_out()

    def do_GET(self) -> None:
        """DynamoDB's health check."""
        self._send(HTTPStatus.OK, "text/plain", b"healthy: flyexpr\n")

    do_HEAD = do_GET

    def _target(self) -> str:
        # A page in a browser can send a POST here from anywhere, but not without saying where it comes from.
        if self.headers.get("Origin"):
            raise _Refused(403, "AccessDeniedException", "requests from web pages are not served")
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(_TARGET):
            raise _Refused(400, "UnknownOperationException", "")
        return target.removeprefix(_TARGET)

    def _length(self) -> int | None:
        """The bytes that a body says it has; None for one that comes in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return None
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,12}", length):
            raise _Refused(411, "SerializationException", "a request needs a Content-Length")
        if int(length) > MAX_BODY:
            raise _too_large()
        return int(length)

    @contextlib.contextmanager
    def _place(self, length: int | None) -> Iterator[None]:
        """A place among the large bodies, for one that is, or may be."""
        if length is not None and length <= LARGE_BODY:
            yield
            return
        if not self.server.large.acquire(timeout=BODY_SECONDS):
            raise _Refused(503, "ServiceUnavailable", "too many large requests at once; send it again")
        try:
            yield
        finally:
            self.server.large.release()

    def _body(self, length: int | None) -> bytes:
        until = time.monotonic() + BODY_SECONDS
        try:
            return b"".join(self._chunks(until) if length is None else self._pieces(length, until))
        except TimeoutError:
            raise _too_slow() from None
        finally:
            self.connection.settimeout(IDLE_SECONDS)

    def _pieces(self, size: int, until: float) -> Iterator[bytes]:
        """So many bytes, as they come."""
        while size:
            self._wait_no_longer(until)
            piece = self.rfile.read1(min(size, 65536))
            if not piece:
                raise _Refused(400, "SerializationException", "the request was cut short")
            size -= len(piece)
            yield piece

    def _wait_no_longer(self, until: float) -> None:
        """Lets the next read wait as long as the whole body may still take."""
        left = until - time.monotonic()
        if left <= 0:
            raise _too_slow()
        self.connection.settimeout(left)

    def _hear_out(self) -> None:
        """Read what a client still sends, or it would find the door closed before it reads its answer."""
        with contextlib.suppress(OSError, _Refused):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            for _ in self._pieces(4 * MAX_BODY, time.monotonic() + HEAR_SECONDS):
                pass

    def _chunks(self, until: float) -> Iterator[bytes]:
        """The pieces of a body that tells its length piece by piece."""
        left = MAX_BODY
        while True:
            self._wait_no_longer(until)
            line = _CHUNK_SIZE.fullmatch(self.rfile.readline(1024))
            if line is None:
                raise _no_chunks()
            size = int(line[1], 16)
            left -= size
            if left < 0:
                raise _too_large()
            yield from self._pieces(size, until)
            if not size and any(self._line_ends() for _ in range(100)):  # trailers are of no use here
                return
            if not size or not self._line_ends():
                raise _no_chunks()

    def _line_ends(self) -> bool:
        """Whether the next line is empty."""
        return self.rfile.readline(1024) in (b"\r\n", b"\n")

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", uuid.uuid4().hex.upper())
        self.send_header("x-amz-crc32", str(crc32(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log on stderr would cost more than most requests."""


def _answer(engine: Engine, operation: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one operation."""
    try:
        return 200, engine(operation, body)
    except ConnectionFailed as error:
        return 503, _error("ServiceUnavailable", str(error), {})
    except DynamoError as error:
        status = 500 if error.code in _SERVER_ERRORS else 400
        return status, _error(error.code, error.message, error.fields)
    except FlyexprError as error:
        return 500, _error("InternalServerError", str(error), {})
    except Exception as error:  # a defect of the engine: the client is told rather than left waiting
        return 500, _error("InternalServerError", f"{type(error).__name__}: {error}", {})


def _error(code: str, message: str, fields: dict[str, Any]) -> bytes:
    name = "Message" if code == "TransactionCanceledException" else "message"  # as the service spells it
    said = {name: message} if message else {}
    return json.dumps({"__type": f"{_SPACES.get(code, _DYNAMODB)}#{code}", **said, **fields}).encode()
