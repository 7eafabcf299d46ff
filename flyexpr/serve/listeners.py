"""The sockets that a server listens on, and the URL that leads to them."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

_BACKLOG = max(socket.SOMAXCONN, 4096)  # the system lowers it to its own limit
_ATTEMPTS = 20
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of the host, all on one port; port 0 takes a port that is free on all addresses.

    `localhost` is 127.0.0.1, and ::1 where there is IPv6. OSError if the port is taken or the host is unknown.
    """
    addresses = _addresses(host)
    for _ in range(_ATTEMPTS if port == 0 else 0):
        try:
            return _listen(addresses, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            # The port was free on the first address but is taken on another: try a different one.
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
        addresses = socket.getaddrinfo(host or "0.0.0.0", 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # a label of a name has at most 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "this is not a host name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in addresses))


def _listen(addresses: list[_Address], port: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    for number, (family, (name, _, *scope)) in enumerate(addresses, 1):
        try:
            listeners.append(_socket(family, (name, port_of(listeners[0]) if listeners else port, *scope)))
        except OSError as error:
            if error.errno not in _ABSENT or (number == len(addresses) and not listeners):
                for listener in listeners:
                    listener.close()
                raise
    return listeners


def _socket(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # on Windows this option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` is to take IPv4 too, every other address IPv6 only
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
