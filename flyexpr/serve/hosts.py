"""Which host names a server answers to.

The author of a web page can make the page's own host name resolve to 127.0.0.1 (DNS rebinding). The browser then takes
the page and a server on this machine for one site, and lets the page use the server. Only the Host of such a request
shows that it does not come from a client of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address


def accepted_hosts(bound: str, more: Iterable[str]) -> Callable[[str], bool]:
    """A function that says whether a server that listens on `bound` answers a request to a host, given without port.

    >>> accepts = accepted_hosts("127.0.0.1", ["db.example"])
    >>> [accepts(host) for host in ("localhost", "127.0.0.1", "::1", "db.example", "evil.example")]
    [True, True, True, True, False]

    Addresses are accepted, because DNS is not asked for them. So is a request without a host, because no browser sends
    one. A server that other machines can reach answers to every name, unless `more` names some.
    """
    names = {name.lower().rstrip(".") for name in ("localhost", bound, *more)}
    everything = not more and not is_loopback(bound)
    return lambda host: everything or not host or _known(host.rstrip("."), names)


def _known(host: str, names: set[str]) -> bool:
    return host in names or host.endswith(".localhost") or _is_address(host)


def is_loopback(host: str) -> bool:
    """True for a name or address that only this machine can reach.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "db.example")]
    [True, True, True, False, False]
    """
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def is_own_origin(origin: str, host: str) -> bool:
    """True for the Origin of a page that the server itself has given, to a browser that called it by this Host.

    >>> [is_own_origin(f"http://localhost:{port}", "localhost:8000") for port in (8000, 3000)]
    [True, False]
    """
    return bool(host) and origin.lower() == f"http://{host.lower()}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
