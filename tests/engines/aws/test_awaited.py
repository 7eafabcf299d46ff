"""What only asyncio's connections have: calls can be cancelled, and wait for a free connection."""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from misbehaving import Request, Server, Stall, echo, http, late, send, send_and_reset, trickle
from raised import raises

from flyexpr import ConnectionFailed, FlyexprError, Table, aio, create_table
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


@pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "when it has its turn"])
def test_a_turn_is_not_lost_with_the_task_that_waited_for_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, granted: bool
) -> None:
    monkeypatch.setattr(transport, "CONNECTIONS", 1)
    give_turn = transport.AwaitedPool._next_turn
    server = serve(late(echo), echo)

    async def calls() -> bytes:
        async with engine_at(server) as engine:
            first, second, third = (asyncio.create_task(engine("GetItem", body)) for body in (b"[1]", b"[2]", b"[3]"))
            await asyncio.sleep(0)
            if not granted:
                second.cancel()

            def give_turn_and_cancel(pool: transport.AwaitedPool) -> None:
                give_turn(pool)
                second.cancel()  # it is told that it has its turn, and has not run since

            monkeypatch.setattr(transport.AwaitedPool, "_next_turn", give_turn_and_cancel)
            assert await first == b"[1]"
            with pytest.raises(asyncio.CancelledError):
                await second
            return await asyncio.wait_for(third, 10)

    assert asyncio.run(calls()) == b"[3]"
    assert [request.body for request in server.requests] == [b"[1]", b"[3]"]


def test_loops_of_several_threads_have_connections_of_their_own(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps to its own limit, and no task waits for a turn that another loop took."""
    monkeypatch.setattr(transport, "CONNECTIONS", 2)
    server = serve(*[echo] * 200)
    engine = engine_at(server)
    barrier = threading.Barrier(4)

    async def calls(number: int) -> list[bytes]:
        barrier.wait(10)
        rounds = [await asyncio.gather(*(engine("GetItem", b"%d" % number) for _ in range(10))) for _ in range(5)]
        engine._pool.close()
        await asyncio.sleep(0)
        return [answer for answers in rounds for answer in answers]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: asyncio.run(asyncio.wait_for(calls(number), 60)), range(4)))
    assert answers == [[b"%d" % number] * 50 for number in range(4)]
    assert server.connections <= 8


def test_a_connection_on_which_something_comes_unasked_is_not_used_again(serve: Serve) -> None:
    more = threading.Event()

    def answer_twice(connection: socket.socket, request: Request) -> bool:
        connection.sendall(http(b"{}"))
        more.wait(10)
        connection.sendall(http(b'{"Item":{"id":{"S":"of nobody"}}}'))
        return True

    server = serve(answer_twice, echo)

    async def calls() -> bytes:
        async with engine_at(server) as engine:
            assert await engine("GetItem", b"{}") == b"{}"
            (connection,) = engine._pool._idle
            more.set()
            while connection.usable:
                await asyncio.sleep(0.001)
            return await asyncio.wait_for(engine("GetItem", b"[2]"), 10)  # type: ignore[no-any-return]

    assert asyncio.run(calls()) == b"[2]"
    assert server.connections == 2


def test_a_mock_of_the_service_is_reached() -> None:
    """By the other transport, the only one that a mock sees; it is closed with the engine."""
    moto = pytest.importorskip("moto")

    async def calls() -> Any:
        async with aio.connect("dynamodb://us-east-1?transport=direct") as engine:
            table = Table("Mocked", "id").on(engine)
            await aio.run(table, create_table())
            await aio.put(table, {"id": "a"})
            found = await aio.get(table, "a")
        with raises(
            FlyexprError,
            "<awaited engine dynamodb://us-east-1?transport=direct by direct: as asked, keys and region in "
            "the environment> is closed",
        ):
            await aio.get(table, "a")
        assert engine._other._pool._shutdown
        return found

    with moto.mock_aws():
        assert asyncio.run(calls()) == {"id": "a"}


def test_another_loop_opens_connections_of_its_own(serve: Serve) -> None:
    server = serve(send(http(b"{}")))
    engine = engine_at(server)

    async def call() -> bytes:
        answer: bytes = await engine("GetItem", b"{}")
        engine._pool.close()
        return answer

    assert [asyncio.run(call()) for _ in range(2)] == [b"{}", b"{}"]


def test_asyncio_says_when_the_last_byte_is_sent(serve: Serve) -> None:
    """Else a request whose end still waits in its buffer would count as sent when the connection breaks."""
    server = serve(send(http(b"{}")))

    async def limits() -> tuple[int, int]:
        async with engine_at(server) as engine:
            await engine("GetItem", b"{}")
            (connection,) = engine._pool._idle
            return connection._transport.get_write_buffer_limits()  # type: ignore[no-any-return]

    assert asyncio.run(limits()) == (0, 1)


def test_a_connection_that_the_server_wants_closed_is_closed(serve: Serve) -> None:
    """Though the server itself keeps it open."""
    server = serve(send(http(b"{}", Connection="close")))

    async def call() -> bool:
        async with engine_at(server) as engine:
            await engine("GetItem", b"{}")
            await asyncio.to_thread(server.settle)
            return any(thread.is_alive() for thread in server._threads[1:])

    assert asyncio.run(call()) is False


def test_no_idle_connection_is_trusted_after_one_that_broke(serve: Serve) -> None:
    server = serve(late(echo), late(echo), send_and_reset(), echo)

    async def calls() -> tuple[int, int]:
        async with engine_at(server) as engine:
            await asyncio.gather(*(engine("GetItem", b"{}") for _ in range(2)))
            before = len(engine._pool._idle)
            with pytest.raises(ConnectionFailed):
                await engine("GetItem", b"{}")
            return before, len(engine._pool._idle)

    assert asyncio.run(calls()) == (2, 0)
