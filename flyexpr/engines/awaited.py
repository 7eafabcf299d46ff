"""Makes a plain engine awaitable: its requests run in a few threads, so that they never block the event loop."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from flyexpr.engine import Awaited, Engine, past_of
from flyexpr.errors import FlyexprError

THREADS = 8


class AwaitedEngine(Awaited):
    """An engine for `flyexpr.aio`, made of a plain one.

    >>> engine = AwaitedEngine(connect("sqlite::memory:"))
    >>> asyncio.run(engine("ListTables", b"{}"))
    b'{"TableNames":[]}'

    At most 8 requests are under way, the rest wait. If a call is cancelled, its request goes on in its thread, so a
    write may be done all the same. `await engine.close()` closes the plain engine too.
    """

    def __init__(self, engine: Engine, threads: int = THREADS) -> None:
        self.plain = engine
        self._threads, self._closed = threads, False
        self._start()

    def _start(self) -> None:
        self._pool, self._process = ThreadPoolExecutor(self._threads, "flyexpr-engine"), os.getpid()

    async def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError, in the service's words, if it is refused."""
        if self._closed:
            raise FlyexprError(f"{self!r} is closed")
        if self._process != os.getpid():  # a fork copies the pool without its threads
            self._start()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.plain, operation, body)

    def at(self, moment: datetime) -> AwaitedEngine:
        """An engine that reads the items as they stood at a moment, if the plain engine can."""
        return AwaitedEngine(past_of(self.plain, moment))

    async def close(self) -> None:
        """Waits for the requests under way and closes the engine; it cannot be used any more."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)
        close = getattr(self.plain, "close", None)
        if close is not None:
            close()

    async def __aenter__(self) -> AwaitedEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<awaited {repr(self.plain).strip('<>')}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return AwaitedEngine, (self.plain,)
