"""An engine behind DynamoDB's HTTP protocol, on this machine: whatever speaks to DynamoDB can speak to it.

    with serve(connect("sqlite:scores.db")) as server:
        boto3.resource("dynamodb", endpoint_url=server.url)

Signatures are not checked, so it listens on the loopback address unless another is given.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from flyexpr.engine import Engine
from flyexpr.serve.hosts import accepted_hosts
from flyexpr.serve.limits import USUAL, Limits
from flyexpr.serve.listeners import listen, port_of, url_of
from flyexpr.serve.room import Room
from flyexpr.serve.talks import House, Talk
from flyexpr.serve.watch import Watch


def serve(engine: Engine, port: int = 0, host: str = "127.0.0.1", *, hosts: Iterable[str] = ()) -> Server:
    """A server of the engine, running until it is closed; port 0 takes one that is free.

    >>> with serve(connect("sqlite::memory:")) as server:
    ...     call(connect(server.url), "ListTables", {})
    {'TableNames': []}

    `host` is a name or an address; `localhost` stands for 127.0.0.1 and ::1. A server that only this machine reaches
    answers to `localhost` and to addresses, and to another name in the URL of a client only if it is one of `hosts`: a
    page in a browser could reach it under a name of its own. Each request runs in a thread. OSError where the port is
    taken.
    """
    return Server(engine, port, host, hosts)


class Server:
    """A running server: its `.url`, and `close()`; as a context manager it closes at the end.

    >>> server = serve(connect("sqlite::memory:")); server.close()
    >>> server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, engine: Engine, port: int, host: str, hosts: Iterable[str] = (), limits: Limits = USUAL) -> None:
        self._house = House(engine, accepted_hosts(host, tuple(hosts)), limits, Room(limits.memory), Room(limits.work))
        listeners = listen(host, port)
        self.url = url_of(host or "0.0.0.0", port_of(listeners[0]))
        self._watch = Watch(listeners, lambda connection: Talk(connection, self._house), limits)
        self._thread = threading.Thread(target=self._watch.run, name="flyexpr-serve", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; requests under way are answered by threads that end with the process."""
        self._watch.stop()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
