"""Puts an engine behind DynamoDB's HTTP protocol, on this machine: any client of DynamoDB can use it.

    with serve(connect("sqlite:scores.db")) as server:
        boto3.resource("dynamodb", endpoint_url=server.url)

Signatures are not checked, so the server listens on the loopback address unless you name another.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from flyexpr.engine import Engine
from flyexpr.serve.hosts import accepted_hosts
from flyexpr.serve.limits import USUAL, Limits
from flyexpr.serve.listeners import listen, port_of, url_of
from flyexpr.serve.memory import Memory
from flyexpr.serve.talks import Shared, Talk
from flyexpr.serve.watch import Watch


def serve(engine: Engine, port: int = 0, host: str = "127.0.0.1", *, hosts: Iterable[str] = ()) -> Server:
    """A server in front of the engine, which runs until you close it; port 0 takes a free port.

    >>> with serve(connect("sqlite::memory:")) as server:
    ...     call(connect(server.url), "ListTables", {})
    {'TableNames': []}

    `host` is a name or an address; `localhost` stands for 127.0.0.1 and ::1. Each request runs in a thread. OSError if
    the port is taken.

    If only this machine can reach the server, clients may call it `localhost` or by an address; any other host name in
    their URL must be in `hosts`. Otherwise a web page could reach the server under a name of its own.
    """
    return Server(engine, port, host, hosts)


class Server:
    """A running server, with its `.url` and `close()`; a `with` block closes it at the end.

    >>> server = serve(connect("sqlite::memory:")); server.close()
    >>> server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, engine: Engine, port: int, host: str, hosts: Iterable[str] = (), limits: Limits = USUAL) -> None:
        accepts = accepted_hosts(host, tuple(hosts))
        self._shared = Shared(engine, accepts, limits, Memory(limits.memory), Memory(limits.work))
        listeners = listen(host, port)
        self.url = url_of(host or "0.0.0.0", port_of(listeners[0]))
        self._watch = Watch(listeners, lambda connection: Talk(connection, self._shared), limits)
        self._thread = threading.Thread(target=self._watch.run, name="flyexpr-serve", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening; requests under way are still answered, by threads that end with the process."""
        self._watch.stop()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
