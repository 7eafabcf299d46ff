"""Requests that the thread that watches answers itself, and what happens if one of them takes long after all."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from raw import GOOD, HEAD, Connection, answered, connected

from flyexpr.serve import Server
from flyexpr.serve.lead import Lead
from flyexpr.serve.limits import KB, MB, USUAL
from flyexpr.serve.talks import Talk

OK = "200 OK"
FILES = Path("/proc/self/fd")


def asking(operation: bytes) -> bytes:
    return GOOD.replace(b"ListTables", operation)


class Switched:
    """An engine that is quick until `then` is set, which then does the work; it notes the threads that ask it."""

    def __init__(self, answer: bytes = b"{}") -> None:
        self.answer, self.threads = answer, list[int]()
        self.then: Callable[[], bytes] | None = None

    def __call__(self, operation: str, body: bytes) -> bytes:
        self.threads.append(threading.get_ident())
        return self.then() if self.then else self.answer


@contextmanager
def quick(engine: Switched, *operations: bytes, **limits: float) -> Iterator[Server]:
    """A server whose watching thread answers the operations itself, as their requests were quick so far."""
    with Server(engine, 0, "127.0.0.1", limits=USUAL._replace(precision_seconds=0.01, **limits)) as server:
        with connected(server) as connection:
            for operation in operations or (b"ListTables",):
                until = time.monotonic() + 10
                while not server._shared.durations.is_quick(operation.decode()):
                    assert time.monotonic() < until
                    connection.send(asking(operation))
                    assert connection.answer().status == OK
        engine.threads.clear()
        yield server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead does not change though this machine may be busy."""
    monkeypatch.setattr("flyexpr.serve.lead._TICK", 0.5)


def test_one_thread_answers_all_quick_requests(patient: None) -> None:
    engine = Switched()
    with quick(engine) as server:
        for _ in range(3):
            with connected(server, GOOD) as first, connected(server, GOOD) as second:
                for connection in (first, second, first):
                    assert connection.answer().status == OK
                    connection.send(GOOD)
    assert len(set(engine.threads)) == 1


def test_a_request_that_takes_less_than_a_tick_keeps_the_lead(patient: None) -> None:
    engine = Switched()

    def wait() -> bytes:
        engine.then = None
        time.sleep(0.02)
        return b"{}"

    with quick(engine) as server, connected(server) as connection:
        engine.then = wait
        for _ in range(3):
            connection.send(GOOD)
            assert connection.answer().status == OK
    assert len(set(engine.threads)) == 1


def test_a_request_that_takes_long_holds_up_nobody() -> None:
    engine, gate = Switched(), threading.Event()

    def wait() -> bytes:
        engine.then = None
        assert gate.wait(10)
        return b'{"late":true}'

    with quick(engine) as server, connected(server) as slow, connected(server) as other:
        for _ in range(3):  # each time the lead changes
            engine.then = wait
            slow.send(GOOD)
            while engine.then:
                time.sleep(0.001)
            for connection in (other, other):
                connection.send(GOOD)
                assert connection.answer().body == b"{}"
            assert answered(server, GOOD).body == b"{}"
            gate.set()
            assert slow.answer().body == b'{"late":true}'
            gate.clear()
        slow.send(GOOD + GOOD)
        assert [slow.answer().body, slow.answer().body] == [b"{}", b"{}"]


def test_many_requests_that_take_long_are_answered_at_the_same_time() -> None:
    engine, together = Switched(), threading.Barrier(8)

    def meet() -> bytes:
        together.wait(20)
        return b"{}"

    with quick(engine) as server, ThreadPoolExecutor(8) as pool:
        engine.then = meet
        assert [one.status for one in pool.map(lambda _: answered(server, GOOD), range(16))] == [OK] * 16


def test_a_connection_that_ends_during_its_request() -> None:
    engine, gate = Switched(), threading.Event()

    def wait() -> bytes:
        engine.then = None
        assert gate.wait(10)
        return bytes(MB)

    with quick(engine) as server:
        engine.then = wait
        with connected(server, GOOD):
            while engine.then:
                time.sleep(0.001)
        assert answered(server, GOOD).status == OK
        gate.set()
        until = time.monotonic() + 10
        while server._watch._open:
            assert time.monotonic() < until
            assert answered(server, GOOD).status == OK


def test_an_engine_that_ends_the_thread_that_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(threading, "excepthook", ended.append)
    engine = Switched()

    def leave() -> bytes:
        engine.then = None
        raise SystemExit

    with quick(engine) as server:
        for _ in range(3):
            engine.then = leave
            with connected(server, GOOD) as connection:
                assert connection.ended()
            assert answered(server, GOOD).status == OK
        assert len(ended) == 3
        assert server._watch._open <= 1


def test_a_server_is_closed_while_its_watching_thread_is_held_up() -> None:
    engine, gate, asked = Switched(), threading.Event(), threading.Event()

    def wait() -> bytes:
        asked.set()
        assert gate.wait(10)
        return b"{}"

    with quick(engine) as server, connected(server) as connection:
        engine.then = wait
        connection.send(GOOD)
        assert asked.wait(10)
        server.close()
        gate.set()
        assert connection.answer().status == OK
        assert connection.ended()


@pytest.mark.skipif(not FILES.exists(), reason="there is no /proc")
def test_a_closed_server_keeps_no_file_open() -> None:
    before = len([*FILES.iterdir()])
    with quick(Switched()) as server:
        assert answered(server, GOOD).status == OK
    until = time.monotonic() + 10
    while len([*FILES.iterdir()]) > before:
        assert time.monotonic() < until
        time.sleep(0.001)
    assert server.url  # it is not forgotten, which would close its files too


@pytest.mark.parametrize("operation, asked", [(b"Scan", 2), (b"UpdateItem", 1)])
def test_a_large_answer_leaves_the_watching_thread(operation: bytes, asked: int) -> None:
    """A read is asked for again, because its answer must wait for memory; what a write has done is not done twice."""
    engine = Switched()
    with quick(engine, operation) as server:
        engine.answer = bytes(10 * MB)
        assert len(answered(server, asking(operation)).body) == 10 * MB
    assert len(engine.threads) == asked


@pytest.mark.parametrize("size", [KB, 60 * KB])
def test_a_client_that_asks_and_does_not_read(size: int) -> None:
    """Nobody waits for it, and it misses nothing."""
    engine, count = Switched(bytes(size)), 8 * MB // size
    with quick(engine) as server, connected(server) as connection:
        sender = threading.Thread(target=lambda: [connection.send(GOOD) for _ in range(count)])
        sender.start()
        time.sleep(0.1)
        assert answered(server, GOOD).status == OK
        assert all(len(connection.answer().body) == size for _ in range(count))
        sender.join()


def send_on(connection: Connection) -> None:
    for _ in range(100_000):
        connection.send(GOOD)
        time.sleep(0.001)


def test_an_unread_answer_ends_a_connection() -> None:
    engine = Switched(bytes(60 * KB))
    with quick(engine, stall_seconds=0.1) as server, connected(server) as connection:
        with pytest.raises(ConnectionError):
            send_on(connection)
        assert answered(server, GOOD).status == OK


def test_the_lead_changes_only_for_a_task_that_takes_long(patient: None) -> None:
    leaders, lost, gate = list[int](), list[str](), threading.Event()
    lead: Lead[str]

    def turn() -> bool:
        leaders.append(threading.get_ident())
        task = f"task {len(leaders)}"
        lead.begin(task)
        if len(leaders) == 5:
            assert gate.wait(10)
        if len(leaders) >= 10:
            lead.stop()
            gate.set()
        leads = lead.end(task)
        return leads and not gate.is_set()

    lead = Lead(turn, lost.append)
    lead.run()
    assert lost == ["task 5"]
    assert [len(set(leaders[:5])), len(set(leaders[5:]))] == [1, 1]
    assert leaders[0] != leaders[-1]


def test_a_head_of_another_client_is_read_anew() -> None:
    engine = Switched()
    with quick(engine) as server:
        for number in range(600):  # more than are kept in mind
            with connected(server, HEAD + b"A: %d\r\nContent-Length: 2\r\n\r\n{}" % number) as connection:
                assert connection.answer().status == OK
        assert len(server._shared.known._known) <= 256


def test_the_watch_keeps_no_connection_that_is_over() -> None:
    with quick(Switched()) as server:
        for _ in range(50):
            assert answered(server, GOOD).status == OK
        until = time.monotonic() + 10
        while server._watch._open:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert not server._watch._silent
        assert not [key for key in server._watch._selector.get_map().values() if isinstance(key.fileobj, Talk)]


@pytest.mark.parametrize("second", [b" 0 ", b"  0", b"\t0", b"0000000000", b" 0", b" 2"])
@pytest.mark.parametrize("first", [True, False])
def test_two_lengths_are_refused_though_the_rest_of_the_head_is_known(second: bytes, first: bool) -> None:
    """A proxy that goes by the other one would see another request in the body."""
    engine = Switched()
    lengths = [b"Content-Length: 2\r\n", b"Content-Length:" + second + b"\r\n"]
    with quick(engine) as server:
        assert answered(server, HEAD + b"".join(lengths[::-1] if first else lengths) + b"\r\n{}").status[:3] == "400"
    assert engine.threads == []


def test_many_requests_that_begin_to_take_long_cost_the_lead_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, gate = Switched(), threading.Event()

    def wait() -> bytes:
        assert gate.wait(20)
        return b"{}"

    with quick(engine) as server, ExitStack() as stack:
        connections = [stack.enter_context(connected(server)) for _ in range(40)]
        lost, usual = list[Talk](), server._watch._lead._lost
        monkeypatch.setattr(server._watch._lead, "_lost", lambda talk: (lost.append(talk), usual(talk))[1])
        engine.then = wait
        for connection in connections:
            connection.send(GOOD)
        while len(engine.threads) < len(connections):
            time.sleep(0.001)
        gate.set()
        assert {connection.answer().status for connection in connections} == {OK}
    assert len(lost) < 10  # 3, and more where the machine itself holds up the leader


def test_a_leader_that_ends_by_an_error_is_replaced_while_it_still_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is alive for as long as its traceback takes to print."""
    reports = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: reports.wait(20))
    turns = list[int]()

    def turn() -> bool:
        turns.append(1)
        if len(turns) == 1:
            time.sleep(0.1)  # the watcher of the leaders sleeps by now
            raise MemoryError
        lead.stop()
        return False

    lead = Lead[str](turn, lambda task: None)
    watcher = threading.Thread(target=lead.run)
    watcher.start()
    watcher.join(10)
    reports.set()
    assert (watcher.is_alive(), len(turns)) == (False, 2)


def test_a_leader_for_whom_there_is_no_thread_yet_leads_later(monkeypatch: pytest.MonkeyPatch) -> None:
    start, refusals = threading.Thread.start, [RuntimeError("can't start new thread")] * 3
    lead = Lead[str](lambda: lead.stop() or False, lambda task: None)
    watcher = threading.Thread(target=lead.run)

    def scarce(thread: threading.Thread) -> None:
        if thread is not watcher and refusals:
            raise refusals.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    watcher.start()
    watcher.join(10)
    assert (watcher.is_alive(), refusals) == (False, [])


def test_a_connection_that_is_over_as_it_is_accepted_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems then refuse to set its options."""
    reported = list[object]()
    monkeypatch.setattr(threading, "excepthook", reported.append)
    with Server(Switched(), 0, "127.0.0.1") as server:
        usual = server._watch._talk

        def over(connection: socket.socket) -> Talk:
            server._watch._talk = usual
            connection.close()
            raise OSError(errno.EINVAL, "Invalid argument")

        server._watch._talk = over
        with connected(server) as connection:
            assert connection.ended()
        assert server._watch._open == 0
        assert answered(server, GOOD).status == OK
    assert reported == []
