"""What a server, and each of its processes, has to know: the engine and the rules."""

from __future__ import annotations

from typing import NamedTuple

from flyexpr.engine import Engine
from flyexpr.serve.hosts import accepted_hosts
from flyexpr.serve.limits import Limits
from flyexpr.serve.shared import Answers, Shared

READY = b"ready"


class Orders(NamedTuple):
    """Which engine to serve, and by which rules."""

    engine: Engine
    host: str
    hosts: tuple[str, ...]
    limits: Limits

    def shared(self, console: Answers | None = None) -> Shared:
        """What the connections of one process share."""
        return Shared(self.engine, accepted_hosts(self.host, self.hosts), self.limits, console)
