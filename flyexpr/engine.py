"""The seam between the library and whatever holds the tables: what an engine is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Engine = Callable[[str, bytes], bytes]
"""Takes an operation's AWS name and its request body, gives the body of the answer, raises DynamoError."""

AsyncEngine = Callable[[str, bytes], Awaitable[bytes]]
"""The same for `flyexpr.aio`: its answers are awaited."""

READS = frozenset(["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"])
"""The operations that read items: done twice they change nothing, and they cost read units."""
