"""A server may answer before it has read the request: the answer counts, and the request was not done."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from authority import Authority
from misbehaving import ATTEMPTS, error, http
from raised import raises

from flyexpr import ConnectionFailed, DynamoError

LARGE = b'{"x": "%s"}' % (b"x" * 8_000_000)
GOOD = http(b'{"done":1}')
TOO_LARGE = http(b"<html>413 Request Entity Too Large</html>", 413)
ENDS = ["close", "reset", "shut", "wait"]


class Impatient:
    """Reads only the head of a request, and sends an answer; then it closes, breaks off, shuts its half or waits.

    Its answers come in order, the last again and again; for None it reads the whole request and answers as it should.
    """

    def __init__(self, end: str, *answers: bytes | None, tls: ssl.SSLContext | None = None) -> None:
        self._end, self._answers, self._tls, self.requests = end, list(answers), tls, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                while self._answer(connection):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        """True if the connection is used again."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            part = connection.recv(1000)
            if not part:
                return False
            seen += part
        self.requests += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            self._read_whole(connection, seen)
            connection.sendall(GOOD)
            return True
        connection.sendall(answer)
        if self._end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif self._end == "shut":
            connection.shutdown(socket.SHUT_WR)
            self._done.wait(20)
        elif self._end == "wait":
            self._done.wait(20)
        return False

    def _read_whole(self, connection: socket.socket, seen: bytes) -> None:
        head, _, body = seen.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(1_000_000)

    def close(self) -> None:
        """Stops the server."""
        self._done.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def impatient() -> Iterator[Callable[..., Impatient]]:
    servers: list[Impatient] = []

    def start(*arguments: Any, **named: Any) -> Impatient:
        servers.append(Impatient(*arguments, **named))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


Start = Callable[..., Impatient]
EngineAt = Callable[..., Any]
direct = pytest.mark.parametrize("transport", ["direct"], indirect=True)


# Once sending has failed on a broken TLS connection, nothing can be read from it.
@pytest.mark.parametrize("end, secure", [*product(ENDS, [False]), *product(["shut", "wait"], [True])])
@direct
def test_a_request_that_is_too_large_is_sent_once(
    end: str, secure: bool, impatient: Start, engine_at: EngineAt, authority: Authority
) -> None:
    server = impatient(end, TOO_LARGE, tls=authority.server("localhost") if secure else None)
    engine = engine_at(server, scheme="https" if secure else "http", host="localhost" if secure else "127.0.0.1")
    with pytest.raises(ConnectionFailed) as caught:
        engine("BatchWriteItem", LARGE)
    assert str(caught.value) == (
        "the answer is not DynamoDB's: HTTP status 413, '<html>413 Request Entity Too Large</html>'"
    )
    assert server.requests == 1


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("end", ["shut", "wait"])
@direct
def test_an_early_refusal_by_dynamodb(
    end: str, secure: bool, impatient: Start, engine_at: EngineAt, authority: Authority
) -> None:
    refused = error("ValidationException", message="too large", More="x" * 200_000)
    server = impatient(end, refused, tls=authority.server("localhost") if secure else None)
    engine = engine_at(server, scheme="https" if secure else "http", host="localhost" if secure else "127.0.0.1")
    with pytest.raises(DynamoError) as caught:
        engine("UpdateItem", LARGE)
    assert (str(caught.value), len(caught.value.fields["More"])) == ("ValidationException: too large", 200_000)
    assert server.requests == 1


@direct
def test_an_early_answer_that_is_good(impatient: Start, engine_at: EngineAt) -> None:
    """Such a connection cannot be used again: the server would read the rest of the request as the next one."""
    server = impatient("wait", GOOD)
    engine = engine_at(server)
    assert [engine("PutItem", LARGE), engine("PutItem", LARGE)] == [b'{"done":1}'] * 2
    assert server.requests == 2


@pytest.mark.parametrize("end", ["shut", "wait"])
@direct
def test_a_gateway_that_does_not_take_the_request(end: str, impatient: Start, engine_at: EngineAt) -> None:
    """A request that was not sent whole was not done, so even an update is sent again."""
    server = impatient(end, http(b"<html>busy</html>", 503), http(b"{}", x_amz_crc32="1"), None)
    assert engine_at(server)("UpdateItem", LARGE) == b'{"done":1}'
    assert server.requests == 3


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 413 Too", TOO_LARGE[:-5]])
@direct
def test_no_answer_or_the_half_of_one(end: str, beginning: bytes, impatient: Start, engine_at: EngineAt) -> None:
    server = impatient(end, beginning)
    with pytest.raises(ConnectionFailed) as caught:
        engine_at(server, 0.3)("UpdateItem", LARGE)
    assert ": the request could not be sent: " in str(caught.value)
    assert "may have been done" not in str(caught.value)
    assert server.requests == ATTEMPTS


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@direct
def test_a_large_request_that_is_read(
    secure: bool, impatient: Start, engine_at: EngineAt, authority: Authority
) -> None:
    server = impatient("wait", None, tls=authority.server("localhost") if secure else None)
    engine = engine_at(server, scheme="https" if secure else "http", host="localhost" if secure else "127.0.0.1")
    assert engine("PutItem", LARGE) == b'{"done":1}'
    assert engine("PutItem", LARGE) == b'{"done":1}'
    assert server.requests == 2


@direct
def test_where_there_is_no_poll(impatient: Start, engine_at: EngineAt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no `poll`."""
    import select

    monkeypatch.setattr("flyexpr.engines.aws.connections.select", SimpleNamespace(select=select.select))
    server = impatient("wait", TOO_LARGE, None)
    engine = engine_at(server, 2)
    with raises(
        ConnectionFailed, "the answer is not DynamoDB's: HTTP status 413, '<html>413 Request Entity Too Large</html>'"
    ):
        engine("PutItem", LARGE)
    assert [engine("PutItem", LARGE), engine("PutItem", b"{}")] == [b'{"done":1}'] * 2
