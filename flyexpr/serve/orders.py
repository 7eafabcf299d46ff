"""What a process of a server is told."""

from __future__ import annotations

from typing import NamedTuple

from flyexpr.engine import Engine
from flyexpr.serve.limits import Limits

READY = b"ready"


class Orders(NamedTuple):
    """Which engine to serve, and by which rules."""

    engine: Engine
    host: str
    hosts: tuple[str, ...]
    limits: Limits
