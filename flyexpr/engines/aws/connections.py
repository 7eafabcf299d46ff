"""Connections to one endpoint, kept alive and shared by threads: standard-library sockets and TLS.

The HTTP of a GetItem costs 20 µs of CPU here, 115 by http.client and 260 by urllib3's pool.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.framing import Answer, Malformed, Receive, read_answer
from flyexpr.errors import FlyexprError

# Servers and gateways close or forget what is idle for longer; AWS's NAT gateway after 350 s, many others after 60.
IDLE_SECONDS = 50.0
IDLE_CONNECTIONS = 50

# What the system takes at once, without waiting for the server to read it; longer requests are watched while they go.
_AT_ONCE = 64 * 1024
# Seconds for the rest of an answer to a request that is not sent whole; it comes at once, or not at all.
_PATIENCE = 5.0


class NoAnswer(Exception):
    """There was no usable answer.

    `sent`: the request was sent whole, so it may have been done. `lasting`: the next attempt would end in the same way.
    """

    def __init__(self, why: str, *, sent: bool, lasting: bool = False) -> None:
        super().__init__(why)
        self.sent = sent
        self.lasting = lasting


class Pool:
    """The connections to one endpoint; any number of threads may ask, each on a connection of its own.

    A connection serves again only after an answer that was read to its last byte. After a fork the child opens its own.
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
        self._tls = tls_context(bundle) if endpoint.secure else None
        self._clock = clock
        self._idle: list[Connection] = []  # last in, first out; append and pop are atomic
        self._process = os.getpid()
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)

    def exchange(self, request: bytes) -> Answer:
        """The answer to one request; NoAnswer when there is none."""
        connection = self._fresh() or self._opened()
        try:
            answer = connection.exchange(request)
        except BaseException as error:
            # Whatever is still to come on it belongs to this request; also after KeyboardInterrupt.
            connection.close()
            if isinstance(error, NoAnswer):
                _close_all(self._idle)  # they are as old, and likely as dead
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
            # They are the parent's: two processes on one connection would read each other's answers.
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
            return Connection(self._connected(), self._timeout)
        except ssl.SSLCertVerificationError as error:
            raise untrusted(where, error) from error
        except (OSError, UnicodeError) as error:
            raise NoAnswer(f"no connection to {where}: {error}", sent=False) from error

    def _connected(self) -> socket.socket:
        plain = socket.create_connection((self._endpoint.host, self._endpoint.port), self._connect_timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a request may wait 40 ms for an ACK
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            ready = self._tls.wrap_socket(plain, server_hostname=self._endpoint.host) if self._tls else plain
            ready.settimeout(self._timeout)
        except BaseException:
            plain.close()
            raise
        return ready

    def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it has its answer."""
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
        """The answer to one request; NoAnswer says whether the request went out.

        A server may answer what it will not read, such as a request that is too large: that answer counts.
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
        """The answer to a request that is not sent whole; NoAnswer says why it is not."""
        patience = min(self._timeout, _PATIENCE)
        self._socket.settimeout(patience)
        self._deadline = time.monotonic() + patience
        try:
            return read_answer(receive)._replace(reusable=False, early=True)
        except (OSError, Malformed) as error:
            why = failure or error
            raise NoAnswer(f"the request could not be sent: {why}", sent=False) from why

    def _send_watching(self, request: bytes) -> bytes | None:
        """Sends the request; None, or what came before it was sent: the first bytes of an answer, none at its end."""
        rest, deadline = memoryview(request), time.monotonic() + self._timeout
        ready = _watch(self._socket, or_goes=True)
        self._socket.setblocking(False)
        while rest:
            with suppress(BlockingIOError, ssl.SSLWantReadError):  # of TLS, what comes may not be meant for us
                if not self.is_silent():
                    return self._socket.recv(_AT_ONCE)
            with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                rest = rest[self._socket.send(rest[:_AT_ONCE]) :]
                continue
            if not ready(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError("timed out")
        self._socket.settimeout(self._timeout)
        return None

    def _receive(self, size: int) -> bytes:
        # The socket's own timeout starts anew with every byte that trickles in.
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return self._socket.recv(size)

    def is_silent(self) -> bool:
        """True while nothing came; what comes unasked is the end of the connection, or an answer to nobody."""
        return not self._came(0)

    def close(self) -> None:
        """Give the connection up."""
        self._socket.close()


def untrusted(where: str, error: ssl.SSLCertVerificationError) -> NoAnswer:
    """What to say of a server whose certificate no trusted authority vouches for."""
    return NoAnswer(
        f"{where} is not who it says: {error.verify_message}\n"
        "  hint: AWS_CA_BUNDLE names a file of the authorities to trust",
        sent=False,
        lasting=True,
    )


def trusted_bundle(named: str | None) -> str | None:
    """The file of authorities that AWS's settings name, or else REQUESTS_CA_BUNDLE; None for the usual ones.

    That is botocore's order, so that a proxy which inspects TLS is trusted here where it is trusted there.
    """
    return os.environ.get("REQUESTS_CA_BUNDLE") if named is None else named


def tls_context(bundle: str | None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name verified, trusting a file of authorities: botocore's unless named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    path = botocore_bundle() if bundle is None else bundle
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise FlyexprError(
            f"no certificate authorities can be read from {path!r}: {error.strerror or error}\n"
            "  hint: AWS_CA_BUNDLE, `ca_bundle` in AWS's configuration or REQUESTS_CA_BUNDLE names this file"
        ) from None
    return context


def botocore_bundle() -> str:
    """The authorities that botocore trusts: certifi's where that is installed, else its own.

    Found without an import where nobody has moved them, which saves the 150 ms that botocore takes.
    """
    for package in ("certifi", "botocore"):
        spec = find_spec(package)
        if spec and spec.origin:
            beside = Path(spec.origin).with_name("cacert.pem")
            if beside.is_file():
                return str(beside)
            break
    from botocore.httpsession import where

    return str(where())


def _after(begun: bytes, receive: Receive) -> Receive:
    """Gives what was received already, then what is received."""
    first = [begun]
    return lambda size: first.pop() if first else receive(size)


def _watch(connected: socket.socket, or_goes: bool = False) -> Callable[[float], object]:
    """A function that waits up to some milliseconds; true if bytes can then be received (or sent, with `or_goes`)."""
    if hasattr(select, "poll"):  # `select` stops at descriptor 1024, and Windows has no other
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
