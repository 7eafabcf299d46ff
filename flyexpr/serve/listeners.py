"""The sockets that a server listens on, and the URL that leads to them."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

_BACKLOG = max(socket.SOMAXCONN, 4096)  # the system takes as much of it as it allows
_ATTEMPTS = 20
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of the host, all on one port; port 0 stands for one that is free on all of them.

    `localhost` is 127.0.0.1, and ::1 where there is IPv6. OSError where the port is taken or the host unknown.
    """
    addresses = _addresses(host)
    for _ in range(_ATTEMPTS if port == 0 else 0):
        try:
            return _listen(addresses, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise  # else the port that is free on the first address is taken on another
    return _listen(addresses, port)


def port_of(listener: socket.socket) -> int:
    """The port that a socket listens on."""
    return int(listener.getsockname()[1])


def url_of(host: str, port: int) -> str:
    """The URL of a server.

    >>> url_of("localhost", 8000), url_of("::1", 8000), url_of("fe80::1%eth0", 8000)
    ('http://localhost:8000', 'http://[::1]:8000', 'http://[fe80::1%25eth0]:8000')
    """
    return f"http://[{host.replace('%', '%25')}]:{port}" if ":" in host else f"http://{host}:{port}"


def _addresses(host: str) -> list[_Address]:
    if host.lower() == "localhost":
        return [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0, 0, 0))]
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # a label of a name has at most 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "this is not a host name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _listen(addresses: list[_Address], port: int) -> list[socket.socket]:
    found: list[socket.socket] = []
    for number, (family, (name, _, *scope)) in enumerate(addresses, 1):
        try:
            found.append(_socket(family, (name, port_of(found[0]) if found else port, *scope)))
        except OSError as error:
            if error.errno not in _ABSENT or (number == len(addresses) and not found):
                for one in found:
                    one.close()
                raise
    return found


def _socket(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` is every address of both kinds
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
