"""Puts an engine behind DynamoDB's HTTP protocol, on this machine: any client of DynamoDB can use it.

    with serve(connect("sqlite:scores.db")) as server:
        boto3.resource("dynamodb", endpoint_url=server.url)

Signatures are not checked, so the server listens on the loopback address unless you name another.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from flyexpr.engine import Engine
from flyexpr.errors import FlyexprError
from flyexpr.serve.answers import OnlyReads
from flyexpr.serve.hosts import is_loopback
from flyexpr.serve.limits import USUAL, Limits
from flyexpr.serve.listeners import listen, port_of, url_of
from flyexpr.serve.orders import Orders
from flyexpr.serve.processes import Processes
from flyexpr.serve.talks import Talk
from flyexpr.serve.watch import Watch

if TYPE_CHECKING:
    from flyexpr.serve.console.console import Console

Rights = Literal["read", "write"]


def serve(
    engine: Engine,
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    hosts: Iterable[str] = (),
    console: Rights | None = None,
    workers: int = 1,
    read_only: bool = False,
) -> Server:
    """A server in front of the engine, which runs until you close it; port 0 takes a free port.

    >>> with serve(connect("sqlite::memory:")) as server:
    ...     call(connect(server.url), "ListTables", {})
    {'TableNames': []}

    `host` is a name or an address; `localhost` stands for 127.0.0.1 and ::1. Requests that are usually quick run
    in one thread, each other one in a thread of its own. OSError if the port is taken.

    If only this machine can reach the server, clients may call it `localhost` or by an address; any other host name in
    their URL must be in `hosts`. Otherwise a web page could reach the server under a name of its own.

    >>> with serve(connect("sqlite::memory:"), console="read") as server:
    ...     server.console_url.startswith(f"{server.url}/console/?token=")
    True

    With `console`, a browser can look through the tables at the server's `.console_url`, which holds a token; with
    "write", it can change items too. FlyexprError if other machines can reach the host.

    With `read_only`, every operation that can change something is refused as AWS does without the right to it.

    `workers` processes serve together, each with an engine of its own: the engine is pickled for them. FlyexprError for
    tables in memory, which live in one process. Each process has the limits of a server; if one dies, all end.
    """
    return Server(engine, port, host, hosts, console, read_only, workers=workers)


class Server:
    """A running server, with its `.url` and `close()`; a `with` block closes it at the end.

    `.console_url` is None for a server without a console.

    >>> server = serve(connect("sqlite::memory:")); server.close()
    >>> server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        engine: Engine,
        port: int,
        host: str,
        hosts: Iterable[str] = (),
        console: Rights | None = None,
        read_only: bool = False,
        limits: Limits = USUAL,
        workers: int = 1,
    ) -> None:
        if type(workers) is not int or workers < 1:
            raise ValueError(f"workers= takes a whole number from 1, not {workers!r}")
        if console is not None and workers != 1:
            raise FlyexprError("a console lives in one process\n  hint: workers=1, or a server of its own for it")
        token, answers = _console(engine, host, console, read_only) if console is not None else ("", None)
        orders = Orders(OnlyReads(engine) if read_only else engine, host, tuple(hosts), limits)
        listeners = listen(host, port)
        self.url = url_of(host or "0.0.0.0", port_of(listeners[0]))
        self.console_url = f"{self.url}/console/?token={token}" if token else None
        self._watch: Watch | Processes
        if workers == 1:
            self._shared = orders.shared(answers)
            self._watch = Watch(listeners, lambda connection: Talk(connection, self._shared), limits)
        else:
            self._watch = Processes(listeners, orders, workers)
        self._thread = threading.Thread(target=self._watch.run, name="flyexpr-serve", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Waits until the server is closed; FlyexprError if it ended by itself, since one of its processes died."""
        self._thread.join()
        if self._watch.failure:
            raise FlyexprError(self._watch.failure)

    def close(self) -> None:
        """Stops listening; requests under way are still answered, by threads that end with the process.

        The processes of a server with several `workers` end at once.
        """
        self._watch.stop()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _console(engine: Engine, host: str, rights: Rights, read_only: bool) -> tuple[str, Console]:
    """A new token, and the console that it opens."""
    from secrets import token_urlsafe  # here and below, because few servers have a console

    from flyexpr.serve.console.console import Console

    if rights not in ("read", "write"):
        raise ValueError(f"console= is 'read' or 'write', not {rights!r}")
    if rights == "write" and read_only:
        raise ValueError("a console='write' cannot be that of a server that is read_only=True")
    if not is_loopback(host):
        raise FlyexprError(
            f"a console is for this machine alone, and other machines can reach the host {host!r}\n"
            "  hint: leave host= out"
        )
    token = token_urlsafe()
    return token, Console(engine, token, rights == "write")
