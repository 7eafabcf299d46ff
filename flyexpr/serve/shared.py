"""What all connections of a server share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from flyexpr.engine import Engine
from flyexpr.serve.answers import Answer
from flyexpr.serve.durations import Durations
from flyexpr.serve.heads import Head
from flyexpr.serve.hosts import is_own_origin
from flyexpr.serve.known import KnownHeads
from flyexpr.serve.limits import Limits, Refused
from flyexpr.serve.memory import Memory

Answers = Callable[[Head, bytes], Answer]


class Keeper(Protocol):
    """An engine that does a write in two steps: it commits, and waits for the disk, which it can do for many at once.

    The client may have the answer of `committed` once `keep` has returned for what `written` was after it.
    """

    @property
    def written(self) -> int: ...

    def committed(self, operation: str, body: bytes, /) -> bytes: ...

    def keep(self, number: int, /) -> None: ...


class Shared:
    """The engine and the rules of a server, and what it has learned: known heads, and how quick each operation is."""

    def __init__(
        self, engine: Engine, accepts: Callable[[str], bool], limits: Limits, console: Answers | None = None
    ) -> None:
        self.limits, self._accepts, self._console = limits, accepts, console
        self.keeper = _keeper(engine)
        self.engine: Engine = self.keeper.committed if self.keeper else engine
        self.memory = Memory(limits.memory)  # for large bodies and answers
        self.work = Memory(limits.work)  # for large bodies in the engine
        self.known, self.durations = KnownHeads(self.check), Durations()

    def check(self, head: Head) -> None:
        """Refuses a request from a web page other than the console's, or to a host that is not accepted."""
        # A web page from anywhere can make a browser send a POST here, but the browser adds the Origin.
        origin = head.headers.get("origin")
        own = self.console_for(head) is not None and is_own_origin(origin or "", head.headers.get("host", ""))
        if origin is not None and not own:
            raise Refused(403, "AccessDeniedException", "requests from web pages are not served")
        if not self._accepts(head.host):
            hint = "allow another host with serve(..., hosts=[...]) or `flyexpr serve --allow-host`"
            raise Refused(
                403, "AccessDeniedException", f"the server does not answer to the host {head.host!r}\n  hint: {hint}"
            )

    def console_for(self, head: Head) -> Answers | None:
        """What answers a request below /console/, if there is a console; None for all other requests."""
        return self._console if head.path.startswith("/console/") else None


def _keeper(engine: Any) -> Keeper | None:
    """The engine, if it waits for the disk; None for any other."""
    if getattr(engine, "waits_for_disk", False) is not True:
        return None
    # A subclass or a wrapper may do more in its call, such as refuse requests; then its `committed` is that of another.
    calls, commits = ([cls for cls in type(engine).__mro__ if name in vars(cls)] for name in ("__call__", "committed"))
    return engine if calls[:1] == commits[:1] else None
