"""Which names a server answers to.

A page in a browser may reach a server on the same machine under a name of its own, once that name leads to 127.0.0.1
(DNS rebinding); for the browser both are then one site. The Host of its requests tells it from a client of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address


def accepted_hosts(bound: str, more: Iterable[str]) -> Callable[[str], bool]:
    """Whether a request to that host, without port, is answered by a server that listens on `bound`.

    >>> accepts = accepted_hosts("127.0.0.1", ["db.example"])
    >>> [accepts(host) for host in ("localhost", "127.0.0.1", "::1", "db.example", "evil.example")]
    [True, True, True, True, False]

    Addresses are accepted, since no DNS is asked for them, and so is a request without a name, which no browser sends.
    A server that other machines reach answers to every name, unless `more` are given.
    """
    names = {name.lower().rstrip(".") for name in ("localhost", bound, *more)}
    everything = not more and not is_loopback(bound)
    return lambda host: everything or not host or _known(host.rstrip("."), names)


def _known(host: str, names: set[str]) -> bool:
    return host in names or host.endswith(".localhost") or _is_address(host)


def is_loopback(host: str) -> bool:
    """True for a name or address that only this machine reaches.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "db.example")]
    [True, True, True, False, False]
    """
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
