"""What only asyncio's connections have: calls can be cancelled, and wait for a free connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from misbehaving import Server, Stall, echo, http, late, send, trickle

from flyexpr import aio
from flyexpr.engines.aws import aio as transport

Serve = Callable[..., Server]


def engine_at(server: Server) -> Any:
    return aio.connect(f"http://127.0.0.1:{server.port}?attempts=1&timeout=10")


async def cancelled(call: Any, after: float = 0.05) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("behaviour", [Stall, lambda: trickle], ids=["stall", "half"])
def test_a_cancelled_call_takes_its_connection_with_it(serve: Serve, behaviour: Callable[[], Any]) -> None:
    server = serve(behaviour(), echo)

    async def calls() -> bytes:
        async with engine_at(server) as engine:
            await cancelled(engine("GetItem", b'{"first":1}'))
            return await engine("GetItem", b'{"second":2}')  # type: ignore[no-any-return]

    assert asyncio.run(calls()) == b'{"second":2}'
    assert server.connections == 2


def test_a_write_that_is_cancelled_may_have_been_sent(serve: Serve) -> None:
    server = serve(Stall())

    async def calls() -> None:
        async with engine_at(server) as engine:
            await cancelled(engine("UpdateItem", b"{}"))

    asyncio.run(calls())
    assert server.operations == ["UpdateItem"], "it was not sent again, and not taken back"


def test_no_more_connections_than_there_may_be(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECTIONS", 5)
    server = serve(echo)

    async def calls() -> list[bytes]:
        async with engine_at(server) as engine:
            return await asyncio.gather(*(engine("GetItem", b"%d" % n) for n in range(200)))

    assert asyncio.run(calls()) == [b"%d" % n for n in range(200)]
    assert server.connections <= 5


def test_a_turn_is_not_lost_with_the_task_that_waited_for_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECTIONS", 1)
    server = serve(late(echo), echo)

    async def calls() -> bytes:
        async with engine_at(server) as engine:
            first = asyncio.create_task(engine("GetItem", b"{}"))
            await asyncio.sleep(0)
            second, third = (asyncio.create_task(engine("GetItem", b)) for b in (b"[2]", b"[3]"))
            await asyncio.sleep(0)
            assert await first == b"{}"
            second.cancel()  # just when its turn has come
            return await asyncio.wait_for(third, 10)

    assert asyncio.run(calls()) == b"[3]"


def test_another_loop_opens_connections_of_its_own(serve: Serve) -> None:
    server = serve(send(http(b"{}")))
    engine = engine_at(server)

    async def call() -> bytes:
        answer: bytes = await engine("GetItem", b"{}")
        engine._pool.close()
        return answer

    assert [asyncio.run(call()) for _ in range(2)] == [b"{}", b"{}"]
