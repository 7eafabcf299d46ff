"""Connections to one endpoint, kept alive and shared by threads, made of the standard library's sockets and TLS.

The HTTP of a GetItem takes 20 µs of CPU here, 115 with http.client and 260 with urllib3's pool.
"""

from __future__ import annotations

import os
import select
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import suppress

from flyexpr.byte_readers import Receive
from flyexpr.drive import DEBUG, note
from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.framing import Answer, Malformed, read_answer

# Servers and gateways drop connections that are idle for longer: AWS's NAT gateway after 350 s, many others after 60.
IDLE_SECONDS = 50.0
IDLE_CONNECTIONS = 50

# The system takes this many bytes without waiting for the server to read them. While a longer request is being sent,
# an early answer is looked for.
_AT_ONCE = 64 * 1024
# Seconds to wait for the answer to a request that was not sent whole; it comes at once, or not at all.
_PATIENCE = 5.0


class NoAnswer(Exception):
    """There was no usable answer.

    `sent`: the whole request was sent, so it may have been done. `lasting`: the next attempt would fail too.
    """

    def __init__(self, why: str, *, sent: bool, lasting: bool = False) -> None:
        super().__init__(why)
        self.sent = sent
        self.lasting = lasting


class Pool:
    """The connections to one endpoint; any number of threads may use them, each a connection of its own.

    A connection is used again only after an answer that was read to its last byte. After a fork, the child process
    opens its own.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        timeout: float,
        connect_timeout: float,
        bundle: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint, self._timeout, self._connect_timeout = endpoint, timeout, connect_timeout
        self._tls = None
        if endpoint.secure:
            from flyexpr.engines.aws.tls import tls_context

            self._tls = tls_context(bundle)
        self._clock = clock
        self._idle: list[Connection] = []  # last in, first out; append and pop are atomic
        self._process = os.getpid()
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)

    def exchange(self, request: bytes) -> Answer:
        """The answer to one request; NoAnswer if there is none."""
        connection = self._fresh() or self._opened()
        try:
            answer = connection.exchange(request)
        except BaseException as error:
            # Also after KeyboardInterrupt: bytes still on their way belong to this request.
            connection.close()
            if isinstance(error, NoAnswer):
                _close_all(self._idle)  # they are as old, and probably dead too
            raise
        if answer.reusable and len(self._idle) < IDLE_CONNECTIONS:
            connection.idle_since = self._clock()
            self._idle.append(connection)
            if self._closed:
                _close_all(self._idle)
        else:
            connection.close()
        return answer

    def _fresh(self) -> Connection | None:
        """An idle connection that the other side has not closed, or None."""
        if self._process != os.getpid():
            # They belong to the parent: two processes on one connection would read each other's answers.
            _close_all(self._idle)
            self._process = os.getpid()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if self._clock() - connection.idle_since < IDLE_SECONDS and connection.is_silent():
                return connection
            connection.close()
        return None

    def _opened(self) -> Connection:
        where = self._endpoint.authority
        try:
            connection = Connection(self._connected(), self._timeout)
        except (OSError, UnicodeError) as error:
            raise no_connection(where, error) from error
        note(DEBUG, "connected to %s", where)
        return connection

    def _connected(self) -> socket.socket:
        # As bytes, which typeshed does not know: for a text Python loads its tables of Unicode, a thirtieth of a first
        # GetItem.
        host = self._endpoint.host.encode("ascii")
        plain = socket.create_connection((host, self._endpoint.port), self._connect_timeout)  # type: ignore[arg-type]
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a request may wait 40 ms for an ACK
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            ready = self._tls.wrap_socket(plain, server_hostname=host) if self._tls else plain
            ready.settimeout(self._timeout)
        except BaseException:
            plain.close()
            raise
        return ready

    def close(self) -> None:
        """Closes the idle connections now, and those in use as soon as they have their answer."""
        self._closed = True
        _close_all(self._idle)


class Connection:
    """One connection, with one request at a time on it."""

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self._socket, self._timeout = connected, timeout
        self._came = _watch(connected)
        self._deadline = 0.0
        self.idle_since = 0.0

    def exchange(self, request: bytes) -> Answer:
        """The answer to one request; NoAnswer says whether the request was sent.

        A server may answer before it has read the whole request, such as one that is too large; that answer counts.
        """
        begun = None
        try:
            if len(request) <= _AT_ONCE:
                self._socket.sendall(request)
            else:
                begun = self._send_watching(request)
        except OSError as error:
            return self._early(self._receive, error)
        if begun is not None:
            return self._early(_after(begun, self._receive), None)
        self._deadline = time.monotonic() + self._timeout
        try:
            return read_answer(self._receive)
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {self._timeout:g} s", sent=True) from error
        except (OSError, Malformed) as error:
            raise NoAnswer(str(error), sent=True) from error

    def _early(self, receive: Receive, failure: OSError | None) -> Answer:
        """The answer to a request that was not sent whole; NoAnswer says why it was not."""
        patience = min(self._timeout, _PATIENCE)
        self._socket.settimeout(patience)
        self._deadline = time.monotonic() + patience
        try:
            return read_answer(receive)._replace(reusable=False, early=True)
        except (OSError, Malformed) as error:
            why = failure or error
            raise NoAnswer(f"the request could not be sent: {why}", sent=False) from why

    def _send_watching(self, request: bytes) -> bytes | None:
        """None once the request is sent; else the first bytes of an early answer, or b"" if the server has closed."""
        from flyexpr.engines.aws.tls import NOT_READY  # here, as few requests are so large

        rest, deadline = memoryview(request), time.monotonic() + self._timeout
        ready = _watch(self._socket, or_goes=True)
        self._socket.setblocking(False)
        while rest:
            with suppress(*NOT_READY):  # TLS may receive bytes that hold no data for us
                if not self.is_silent():
                    return self._socket.recv(_AT_ONCE)
            with suppress(*NOT_READY):
                rest = rest[self._socket.send(rest[:_AT_ONCE]) :]
                continue
            if not ready(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError("timed out")
        self._socket.settimeout(self._timeout)
        return None

    def _receive(self, size: int) -> bytes:
        # The socket's own timeout starts again with every byte that comes.
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return self._socket.recv(size)

    def is_silent(self) -> bool:
        """True while nothing came; bytes that nobody asked for mean that the connection cannot be used."""
        return not self._came(0)

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()


def no_connection(where: str, error: Exception) -> NoAnswer:
    """The error where a connection could not be made."""
    if isinstance(error, OSError) and (why := getattr(error, "verify_message", None)):  # of SSLCertVerificationError
        hint = "set AWS_CA_BUNDLE to a file of the authorities to trust"
        return NoAnswer(f"the certificate of {where} is not trusted: {why}\n  hint: {hint}", sent=False, lasting=True)
    return NoAnswer(f"no connection to {where}: {str(error) or 'timed out'}", sent=False)


def trusted_bundle(named: str | None) -> str | None:
    """The file of authorities that AWS's settings name, else the one in REQUESTS_CA_BUNDLE; None for the usual ones.

    This is botocore's order: a proxy that inspects TLS is trusted here if botocore trusts it.
    """
    return os.environ.get("REQUESTS_CA_BUNDLE") if named is None else named


def _after(begun: bytes, receive: Receive) -> Receive:
    """Gives the bytes that were received before, then new ones."""
    first = [begun]
    return lambda size: first.pop() if first else receive(size)


def _watch(connected: socket.socket, or_goes: bool = False) -> Callable[[float], object]:
    """A function that waits up to some milliseconds; true if bytes can be received (or, with `or_goes`, sent)."""
    if hasattr(select, "poll"):  # `select` fails above descriptor 1024, but Windows has nothing else
        poll = select.poll()
        poll.register(connected, select.POLLIN | select.POLLOUT if or_goes else select.POLLIN)
        return poll.poll
    goes = [connected] if or_goes else []
    return lambda milliseconds: any(select.select([connected], goes, [], milliseconds / 1000))


def _close_all(connections: list[Connection]) -> None:
    while connections:
        try:
            connections.pop().close()
        except IndexError:  # another thread was quicker
            return
