"""The `direct` transport for asyncio: the same attempts, over connections of an event loop.

A connection is an asyncio protocol, not a pair of streams: a GetItem takes half as much CPU that way.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from flyexpr.byte_readers import Reader
from flyexpr.drive import DEBUG, Pause, driven_awaited, note, noted
from flyexpr.engine import AsyncConnection, Awaited
from flyexpr.engines.aws.attempts import Attempts, Exchange
from flyexpr.engines.aws.choice import Setup, choose, mock_is_active
from flyexpr.engines.aws.connections import IDLE_SECONDS, NoAnswer, no_connection
from flyexpr.engines.aws.credentials import may_wait
from flyexpr.engines.aws.direct import left_to_botocore
from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.framing import Answer, Malformed, answer_reader
from flyexpr.engines.aws.retries import chance
from flyexpr.engines.aws.target import Target
from flyexpr.engines.aws.tls import tls_context
from flyexpr.errors import FlyexprError

CONNECTIONS = 100  # open at the same time; further requests wait for one of them


def open_awaited_engine(target: Target) -> AsyncConnection:
    """The awaited engine for a target, by the transport that suits the set-up of this machine."""
    choice = choose(target)
    if isinstance(choice, Setup):
        return AwaitedDirectEngine(target, choice)
    from flyexpr.engines.awaited import AwaitedEngine
    from flyexpr.engines.aws.botocore import BotocoreEngine

    return AwaitedEngine(BotocoreEngine(target, choice))


class AwaitedDirectEngine(Awaited):
    """DynamoDB over connections of the running event loop; any number of tasks may share it.

    >>> from flyexpr.engines.aws.target import target_of
    >>> from flyexpr.engines.aws.choice import choose
    >>> target = target_of("http://localhost:8000")
    >>> AwaitedDirectEngine(target, choose(target))
    <awaited engine http://localhost:8000 by direct: a server on this machine, no keys needed>

    flyexpr.engines.aws.retries says which requests are sent again. A call that is cancelled closes its connection.
    In another event loop the engine opens new connections.
    """

    def __init__(self, target: Target, setup: Setup, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        self.target, self.why, self._keys, self._sleep = target, setup.why, setup.keys, sleep
        self._attempts = Attempts(target, setup, time.time, chance)
        self._tls = tls_context(setup.bundle) if setup.endpoint.secure else None
        self._endpoint, self._left = setup.endpoint, left_to_botocore(target)
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, AwaitedPool] = WeakKeyDictionary()
        self._other: Any = None
        self._closed = False

    async def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError, in the service's words, if it is refused."""
        if self._closed:
            raise FlyexprError(f"{self!r} is closed")
        if mock_is_active() or operation in self._left:
            return await self._by_botocore(operation, body)
        return await driven_awaited(self._attempts.steps(operation, body), AwaitedDirectEngine._answer, self, NoAnswer)

    async def _answer(self, step: Exchange | Pause) -> Answer | None:
        if isinstance(step, Pause):
            await self._sleep(noted(step))
            return None
        keys = await asyncio.to_thread(self._keys) if may_wait(self._keys) else self._keys()
        return await self._pool.exchange(self._attempts.signed(step, keys))

    @property
    def _pool(self) -> AwaitedPool:
        """The connections of the running event loop; several loops may run, each in a thread of its own."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            limits = self.target.timeout, self.target.connect_timeout
            pool = self._pools[loop] = AwaitedPool(self._endpoint, *limits, self._tls)
        return pool

    async def _by_botocore(self, operation: str, body: bytes) -> bytes:
        """The answer through botocore, which knows mocks, and operations that have a host of their own."""
        if self._other is None:
            from flyexpr.engines.awaited import AwaitedEngine
            from flyexpr.engines.aws.botocore import BotocoreEngine

            self._other = AwaitedEngine(BotocoreEngine(self.target))
        answer: bytes = await self._other(operation, body)
        return answer

    async def close(self) -> None:
        """Closes the connections; the engine cannot be used any more."""
        self._closed = True
        self._pool.close()
        if self._other is not None:
            await self._other.close()

    async def __aenter__(self) -> AwaitedDirectEngine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<awaited engine {self.target.url} by direct: {self.why}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_awaited_engine, (self.target,)


class AwaitedPool:
    """The connections of one event loop to one endpoint; a task has one to itself while it waits for its answer."""

    def __init__(self, endpoint: Endpoint, timeout: float, connect_timeout: float, tls: ssl.SSLContext | None) -> None:
        self._endpoint, self._timeout, self._connect_timeout, self._tls = endpoint, timeout, connect_timeout, tls
        self._idle: list[Connection] = []  # last in, first out
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._open = 0

    async def exchange(self, request: bytes) -> Answer:
        """The answer to one request; NoAnswer if there is none."""
        loop = asyncio.get_running_loop()
        await self._turn(loop)
        try:
            connection = self._fresh(loop) or await self._opened(loop)
            try:
                answer = await connection.exchange(request, self._timeout)
            except BaseException as error:  # also when cancelled: bytes still on their way belong to this request
                connection.close()
                if isinstance(error, NoAnswer):
                    self.close()  # the idle ones are as old, and probably dead too
                raise
            if answer.reusable:
                connection.idle_since = loop.time()
                self._idle.append(connection)
            else:
                connection.close()
            return answer
        finally:
            self._open -= 1
            self._next_turn()

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits until fewer than CONNECTIONS are in use, and counts itself in."""
        while self._open >= CONNECTIONS:
            turn = loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # the turn had come, and goes to the next in line
                    self._next_turn()
                raise
        self._open += 1

    def _next_turn(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _fresh(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        """An idle connection that the other side has not closed, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and loop.time() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _opened(self, loop: asyncio.AbstractEventLoop) -> Connection:
        where = self._endpoint
        opening = loop.create_connection(
            Connection, where.host, where.port, ssl=self._tls, server_hostname=where.host if self._tls else None
        )
        try:
            _, connection = await asyncio.wait_for(opening, self._connect_timeout)
        except (asyncio.TimeoutError, OSError, UnicodeError) as error:
            raise no_connection(where.authority, error) from error
        note(DEBUG, "connected to %s", where.authority)
        return connection

    def close(self) -> None:
        """Closes the connections that are idle now."""
        while self._idle:
            self._idle.pop().close()


class Connection(asyncio.Protocol):
    """One connection, with one request at a time on it."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.usable = True  # until it is closed, or bytes come that belong to no request
        self._transport: Any = None
        self._sending = False
        self._early = False  # whether an answer began before the whole request was sent
        self._reader: Reader[Answer] | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def exchange(self, request: bytes, timeout: float) -> Answer:
        """The answer to one request; NoAnswer says whether the request went out."""
        loop = asyncio.get_running_loop()
        self._answer, self._reader, self._early = loop.create_future(), answer_reader(), False
        next(self._reader)
        self._transport.write(request)
        timer = loop.call_later(timeout, self._fail, f"no answer within {timeout:g} s")
        try:
            return await self._answer
        finally:
            timer.cancel()
            self._answer = self._reader = None

    def close(self) -> None:
        """Breaks the connection off, even in the middle of a request."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, why: str, cause: Exception | None = None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            text = f"the request could not be sent: {why}" if self._sending else why
            error = NoAnswer(text, sent=not self._sending)
            error.__cause__ = cause
            self._answer.set_exception(error)

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = transport
        # With these limits asyncio says when the whole request is sent; with a high of 0, TLS would never say so.
        self._transport.set_write_buffer_limits(high=1, low=0)

    def pause_writing(self) -> None:
        """A part of the request is not yet sent."""
        self._sending = True

    def resume_writing(self) -> None:
        """The whole request is sent."""
        self._sending = False

    def data_received(self, data: bytes) -> None:
        """A part of the answer has come."""
        if self._reader is None or self._answer is None or self._answer.done():
            self.usable = False  # these bytes belong to no request
            return
        self._early = self._early or self._sending
        try:
            self._reader.send(data)
        except StopIteration as end:
            answer: Answer = end.value
            self._answer.set_result(answer._replace(reusable=False, early=True) if self._early else answer)
        except Malformed as error:
            self._fail(str(error), error)

    def eof_received(self) -> bool:
        """The other side sends no more; that ends an answer without a length."""
        if self._reader is not None:
            self.data_received(b"")
        self.usable = False
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._fail(str(error or "the connection was closed before the answer was whole"), error)
