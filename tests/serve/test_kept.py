"""Answers that wait for the disk: they hold up nobody, share their waits, and come when the engine has kept them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from raw import GOOD, Connection, answered, connected

from flyexpr import DynamoError
from flyexpr.serve import Server
from flyexpr.serve.limits import MB, USUAL

OK = "200 OK"
PUT, GET = (GOOD.replace(b"ListTables", operation) for operation in (b"PutItem", b"GetItem"))


class Keeping:
    """An engine whose writes are to be kept; `then` is done before what was written counts as kept."""

    waits_for_disk = True

    def __init__(self) -> None:
        self.written = self.kept = self.waits = 0
        self.answer = b"{}"
        self.then: Callable[[], None] = lambda: None

    def __call__(self, operation: str, body: bytes) -> bytes:
        raise AssertionError("the server is to keep the answers itself")

    def committed(self, operation: str, body: bytes) -> bytes:
        if operation == "PutItem":
            self.written += 1
        return self.answer

    def keep(self, number: int) -> None:
        if self.kept < number:
            self.waits, written = self.waits + 1, self.written
            self.then()
            self.kept = written


class Refusing(Keeping):
    """One that does more than the engine that it is made of."""

    def __call__(self, operation: str, body: bytes) -> bytes:
        raise DynamoError.of("AccessDeniedException", "")


class Around:
    """The same, around an engine whose other attributes it shows."""

    __call__ = Refusing.__call__

    def __init__(self) -> None:
        self._engine = Keeping()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class Gate:
    """Stops each caller until it is opened."""

    def __init__(self) -> None:
        self.open, self.waiting = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.waiting.set()
        assert self.open.wait(20)


@contextmanager
def keeping(quick: bool, **limits: float) -> Iterator[tuple[Server, Keeping]]:
    """A server, whose watching thread answers the requests itself if they are quick."""
    engine = Keeping()
    with Server(engine, 0, "127.0.0.1", limits=USUAL._replace(precision_seconds=0.01, **limits)) as server:
        for operation, request in (("PutItem", PUT), ("GetItem", GET)):
            while quick and not server._shared.durations.is_quick(operation):
                assert answered(server, request).status == OK
        if not quick:
            server._shared.durations.is_quick = lambda operation: False  # type: ignore[method-assign]
        engine.written = engine.kept = engine.waits = 0
        yield server, engine


def eventually(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("quick", [True, False])
def test_a_write_is_answered_when_it_is_kept_and_a_read_at_once(quick: bool) -> None:
    gate = Gate()
    with keeping(quick) as (server, engine), connected(server) as writer:
        engine.then = gate
        writer.send(PUT)
        assert gate.waiting.wait(20)
        assert answered(server, GET).body == b"{}"
        assert engine.kept == 0
        gate.open.set()
        assert writer.answer().status == OK
        assert engine.kept == 1
        writer.send(PUT + GET + PUT)
        assert [writer.answer().status for _ in range(3)] == [OK] * 3
        assert engine.kept == 3


def test_a_connection_that_is_alone_is_answered_by_the_watching_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.serve.lead._TICK", 0.5)  # it keeps the lead though this machine may be busy
    threads = set[int | None]()
    with keeping(quick=True) as (server, engine):
        eventually(lambda: not server._watch._open)  # type: ignore[union-attr]
        engine.then = lambda: threads.add(threading.get_ident())
        with connected(server) as writer:
            for _ in range(3):
                writer.send(PUT)
                assert writer.answer().status == OK
        assert threads == {server._watch._lead._leader.ident}  # type: ignore[union-attr]


def test_writes_that_wait_share_one_wait() -> None:
    gate = Gate()
    with keeping(quick=True) as (server, engine), ExitStack() as stack:
        first, *others = [stack.enter_context(connected(server)) for _ in range(6)]
        engine.then = gate
        first.send(PUT)
        assert gate.waiting.wait(20)
        for connection in others:
            connection.send(PUT)
        eventually(lambda: engine.written == 6)
        gate.open.set()
        assert [connection.answer().status for connection in (first, *others)] == [OK] * 6
        assert engine.waits == 2


@pytest.mark.parametrize("quick", [True, False])
def test_what_cannot_be_kept_is_an_error(quick: bool) -> None:
    def fail() -> None:
        raise DynamoError.of("InternalServerError", "the disk failed")

    with keeping(quick) as (server, engine), connected(server) as writer:
        engine.then = fail
        writer.send(PUT)
        answer = writer.answer()
        assert (answer.status, json.loads(answer.body)["message"]) == ("500 Internal Server Error", "the disk failed")
        engine.then = lambda: None
        writer.send(PUT)
        assert writer.answer().status == OK


@pytest.mark.parametrize("engine", [Refusing(), Around()], ids=["subclass", "wrapper"])
def test_an_engine_that_does_more_than_the_one_it_is_made_of_is_asked_itself(engine: Any) -> None:
    with Server(engine, 0, "127.0.0.1") as server:
        assert b"AccessDeniedException" in answered(server, PUT).body


def send_on(connection: Connection, request: bytes) -> None:
    for _ in range(100_000):
        connection.send(request)
        time.sleep(0.001)


def test_a_client_that_does_not_read_holds_up_no_answer_that_is_kept() -> None:
    with keeping(quick=True, stall_seconds=0.5) as (server, engine), connected(server) as silent:
        engine.answer = bytes(20 * MB)
        silent.send(PUT)
        eventually(lambda: engine.kept == 1)
        engine.answer = b"{}"
        assert answered(server, PUT).status == OK
        with pytest.raises(ConnectionError):
            send_on(silent, PUT)


def test_a_client_that_is_gone_before_its_write_is_kept() -> None:
    gate = Gate()
    with keeping(quick=True) as (server, engine):
        engine.then = gate
        with connected(server) as writer:
            writer.send(PUT)
            assert gate.waiting.wait(20)
        gate.open.set()
        eventually(lambda: not server._watch._open)  # type: ignore[union-attr]
        assert answered(server, PUT).status == OK


def test_a_write_is_answered_though_the_server_closes_before_it_is_kept() -> None:
    gate = Gate()
    with keeping(quick=True) as (server, engine), connected(server) as writer:
        engine.then = gate
        writer.send(PUT)
        assert gate.waiting.wait(20)
        server.close()
        gate.open.set()
        assert writer.answer().status == OK
        assert writer.ended()
