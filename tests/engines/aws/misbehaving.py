"""A real HTTP server that treats each request as its script says, and records what it received.

Like the service, it checks the signature first: a wrong one gets a 403, whatever the script says.
"""

import json
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from doors import Looped
from signatures import TESTING, fault_of_signature

from flyexpr import connect
from flyexpr.engines.aws.aio import AwaitedDirectEngine
from flyexpr.engines.aws.choice import Setup, choose
from flyexpr.engines.aws.direct import DirectEngine
from flyexpr.engines.aws.target import target_of

ATTEMPTS = 3
"""How often the engines of these tests try a request."""


@dataclass(frozen=True)
class Request:
    """A request, and the number of the connection on which it came."""

    operation: str
    headers: dict[str, str]
    body: bytes
    connection: int
    path: str = "/"


Behaviour = Callable[[socket.socket, Request], bool]
"""Does something on the connection; True if the connection stays open."""


class Server:
    """Treats the nth request with the nth behaviour, and all further ones with the last."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._whole_script = list(script), script
        self.keys = dict(TESTING)
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def operations(self) -> list[str]:
        """The operations of the requests, in order."""
        return [request.operation for request in self.requests]

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed
            self.connections += 1
            self._start(self._serve, connection, self.connections)

    def _serve(self, plain: socket.socket, number: int) -> None:
        with suppress(OSError, UnicodeDecodeError), plain:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            self._open.append(connection)
            with connection:
                stream = connection.makefile("rb")
                with stream:
                    while (request := read_request(stream, number)) is not None:
                        if not self._next(request)(connection, request):
                            return

    def _next(self, request: Request) -> Behaviour:
        fault = fault_of_signature(self.keys, request.headers, request.body, path=request.path)
        with self._lock:
            self.requests.append(request)
            if fault:
                return send(error("InvalidSignatureException", 403, message=fault))
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def settle(self) -> None:
        """Waits until this side has closed all connections, so that each client can see the end of its own."""
        for thread in self._threads[1:]:
            thread.join(10)

    def close(self) -> None:
        """Stops, and waits until every thread has ended."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # this wakes up `accept`
        self._listener.close()
        for behaviour in self._whole_script:
            getattr(behaviour, "release", lambda: None)()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


def read_request(stream: object, number: int) -> Request | None:
    """The next request of a connection, or None at its end."""
    start = stream.readline()  # type: ignore[attr-defined]
    if not start:
        return None
    headers = {}
    while line := stream.readline().strip():  # type: ignore[attr-defined]
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers["content-length"]))  # type: ignore[attr-defined]
    path = start.decode().split()[1]
    return Request(headers["x-amz-target"].rpartition(".")[2], headers, body, number, path)


def http(body: bytes = b"{}", status: int = 200, **headers: str) -> bytes:
    """A correct answer, unless a header is given to spoil it; `_` in a header's name stands for `-`."""
    lines = {"Content_Length": str(len(body)), "x_amz_crc32": str(zlib.crc32(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def error(code: str, status: int = 400, **members: object) -> bytes:
    """A refusal in DynamoDB's words."""
    return http(json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **members}).encode(), status)


def send(answer: bytes) -> Behaviour:
    """Sends these bytes and keeps the connection."""

    def behaviour(connection: socket.socket, request: Request) -> bool:
        connection.sendall(answer)
        return True

    return behaviour


def send_and_close(answer: bytes = b"") -> Behaviour:
    """Sends these bytes and closes."""

    def behaviour(connection: socket.socket, request: Request) -> bool:
        connection.sendall(answer)
        return False

    return behaviour


def send_and_reset(answer: bytes = b"") -> Behaviour:
    """Sends these bytes and breaks the connection off, so that the client gets ECONNRESET."""

    def behaviour(connection: socket.socket, request: Request) -> bool:
        connection.sendall(answer)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return behaviour


def echo(connection: socket.socket, request: Request) -> bool:
    """Sends the body of the request back."""
    connection.sendall(http(request.body))
    return True


def late(behaviour: Behaviour) -> Behaviour:
    """Does the same a moment later."""

    def later(connection: socket.socket, request: Request) -> bool:
        threading.Event().wait(0.3)
        return behaviour(connection, request)

    return later


class Stall:
    """Sends nothing until `release`; the client gives up first."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self, connection: socket.socket, request: Request) -> bool:
        self._event.wait(30)
        return False

    def release(self) -> None:
        """Ends all waiting."""
        self._event.set()


def trickle(connection: socket.socket, request: Request) -> bool:
    """Sends an answer so slowly that it never ends, but never stops sending."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    pause = threading.Event()
    for _ in range(1000):
        connection.sendall(b"x")
        pause.wait(0.02)
    return False


def open_direct(url: str, waits: list[float]) -> DirectEngine:
    """The engine for a URL; instead of waiting between attempts it notes how long it would wait."""
    target = target_of(url)
    setup = choose(target)
    assert isinstance(setup, Setup)
    return DirectEngine(target, setup, sleep=waits.append)


def open_awaited(url: str, waits: list[float]) -> Looped:
    """The same for asyncio, in an event loop of its own."""

    async def note(seconds: float) -> None:
        waits.append(seconds)

    target = target_of(url)
    setup = choose(target)
    assert isinstance(setup, Setup)
    return Looped(AwaitedDirectEngine(target, setup, sleep=note))


OPEN: dict[str, Callable[[str, list[float]], Any]] = {
    "direct": open_direct,
    "awaited": open_awaited,
    "botocore": lambda url, _: connect(url),
}
"""How to open an engine for a URL, by transport."""
