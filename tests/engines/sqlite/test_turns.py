"""Threads that share an engine have it in turns: nobody waits for ever, whatever comes between."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from embedded import TABLE, key

from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

SLEEP = "flyexpr.engines.sqlite.disk.file.turns.sleep"
GET = {"TableName": "tab", "Key": key(1)}
REQUESTS = [("GetItem", GET), ("PutItem", {"TableName": "tab", "Item": key(1)}), ("Scan", {"TableName": "tab"})]


@pytest.fixture
def engine(tmp_path: Any) -> Iterator[SqliteEngine]:
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "PutItem", {"TableName": "tab", "Item": key(1)})
        yield engine


@contextmanager
def started(action: Callable[[], Any]) -> Iterator[threading.Thread]:
    """A thread that does something; it has ended after the block."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    yield thread
    thread.join(20)
    assert not thread.is_alive(), "it waits for ever"


def until_asked(engine: SqliteEngine) -> None:
    """Returns when a thread has waited so long that it asks for its turn."""
    until = time.monotonic() + 20
    while not engine._storage.turns._asked:
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("operation, request_", REQUESTS, ids=[operation for operation, _ in REQUESTS])
def test_a_thread_has_its_turn_though_another_one_hardly_pauses(
    engine: SqliteEngine, operation: str, request_: dict[str, Any]
) -> None:
    answered = threading.Event()

    def ask() -> None:
        call(engine, operation, request_)
        answered.set()

    storage = engine._storage
    storage.lock.acquire()
    with started(ask):
        until_asked(engine)
        storage.lock.release()
        for _ in range(1000):
            with storage.turns:
                time.sleep(0.001)
            if answered.is_set():
                break
        assert answered.is_set()
    assert not storage.turns._asked


def test_who_is_asked_makes_way_and_never_waits_for_who_asks(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have the lock already, in a handler of a signal."""
    slept: list[float] = []
    engine._storage.lock.acquire()
    with started(lambda: call(engine, "GetItem", GET)):
        until_asked(engine)
        monkeypatch.setattr(SLEEP, slept.append)
        with engine._storage.turns:
            engine._storage.lock.release()
            assert slept


def test_the_first_that_waits_is_woken_at_the_end_of_the_request(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.turns._TURN", 60.0)
    engine._storage.turns.take()
    with started(lambda: call(engine, "GetItem", GET)):
        while engine._storage.turns._bell is None:
            time.sleep(0.001)
        engine._storage.turns.give()


def test_a_request_comes_in_the_middle_of_a_wait(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of a signal may ask while its thread waits for its turn: both are answered."""
    answers: list[Any] = []

    def disturbed(seconds: float) -> None:
        time.sleep(seconds)
        if not answers:
            answers.append(None)
            answers.append(call(engine, "GetItem", GET))

    monkeypatch.setattr(SLEEP, disturbed)
    engine._storage.lock.acquire()
    with started(lambda: answers.append(call(engine, "GetItem", GET))):
        until_asked(engine)
        engine._storage.lock.release()
    assert answers == [None, {"Item": key(1)}, {"Item": key(1)}]


def test_a_wait_that_is_interrupted_keeps_nobody_waiting(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interruption(BaseException):
        """Stands for KeyboardInterrupt."""

    def interrupted(seconds: float) -> None:
        monkeypatch.undo()
        raise Interruption

    def ask() -> None:
        with suppress(Interruption):
            call(engine, "GetItem", GET)
            pytest.fail("it was not interrupted")

    with engine._storage.lock:
        monkeypatch.setattr(SLEEP, interrupted)
        with started(ask):
            pass
    engine._storage.lock.acquire()
    with started(lambda: call(engine, "GetItem", GET)):
        until_asked(engine)
        engine._storage.lock.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_who_waits_in_a_parent_does_not_stand_in_the_way_of_its_child(engine: SqliteEngine) -> None:
    storage = engine._storage
    storage.lock.acquire()
    with started(lambda: call(engine, "GetItem", GET)):
        until_asked(engine)
        child = os.fork()
        if not child:
            waiting = [threading.Thread(target=call, args=(engine, "GetItem", GET), daemon=True) for _ in range(3)]
            for thread in waiting:  # one of them may have the number of the one that waits in the parent
                thread.start()
            time.sleep(0.01)
            storage.lock.release()
            for thread in waiting:
                thread.join(10)
            os._exit(any(thread.is_alive() for thread in waiting))
        storage.lock.release()
    assert os.waitpid(child, 0)[1] == 0
