"""How much memory, threads and time one client may use, and that other clients are served meanwhile."""

import contextlib
import errno
import gc
import gzip
import random
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from raw import CHUNKED, GOOD, HEAD, Connection, answered, connected

from flyexpr import call, connect
from flyexpr.engine import Engine
from flyexpr.serve import Server, listeners, serve
from flyexpr.serve.heads import RECEIPT
from flyexpr.serve.limits import KB, MB, USUAL
from flyexpr.serve.memory import Memory, Share
from flyexpr.serve.talks import Talk
from flyexpr.serve.threads import Threads

OK, SLOW, BUSY = "200 OK", "408 Request Timeout", "503 Service Unavailable"
GZIPPED = HEAD + b"Content-Encoding: gzip\r\n"
QUICK = USUAL._replace(precision_seconds=0.01)


def echo(operation: str, body: bytes) -> bytes:
    return b"{}"


@contextmanager
def limited(engine: Engine = echo, **limits: float) -> Iterator[Server]:
    """A server with other limits."""
    with Server(engine, 0, "127.0.0.1", limits=QUICK._replace(**limits)) as server:
        yield server


def large(size: int) -> bytes:
    """The head of a request whose body has `size` bytes."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % size


def asking(operation: bytes, body: bytes = b"{}") -> bytes:
    return HEAD.replace(b"ListTables", operation) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def trickle(connection: Connection, piece: bytes) -> None:
    """Sends again and again, until the server stops reading."""
    with contextlib.suppress(OSError):
        for _ in range(400):
            connection.send(piece)
            time.sleep(0.005)


# time


@pytest.mark.parametrize(
    "head, piece, what",
    [
        (b"POST / HTTP/1.1\r\n", b"A: b\r\n", "head"),
        (b"", b"\r\n", "head"),
        (large(1000), b" ", "body"),
        (CHUNKED, b"1\r\n \r\n", "body"),
        (CHUNKED + b"0\r\n", b"A: b\r\n", "body"),
    ],
)
def test_a_request_comes_to_its_end_in_time(head: bytes, piece: bytes, what: str) -> None:
    with limited(head_seconds=0.1, body_seconds=0.1, hear_seconds=0.1) as server, connected(server, head) as connection:
        trickle(connection, piece)
        answer = connection.answer()
        assert answer.status == SLOW
        assert f"the {what} of the request takes too long to arrive".encode() in answer.body


@pytest.mark.parametrize("data", [b"", GOOD])
def test_a_silent_connection_is_closed(data: bytes) -> None:
    with limited(idle_seconds=0.2) as server, connected(server, data) as connection:
        assert not data or connection.answer().status == OK
        assert connection.ended()


def test_a_connection_that_pauses_is_kept() -> None:
    with limited() as server, connected(server) as connection:
        for _ in range(3):
            time.sleep(0.1)  # longer than a thread waits
            connection.send(GOOD)
            assert connection.answer().status == OK


def test_a_refusal_is_readable_though_the_client_sends_on() -> None:
    size = 80 * MB
    with limited() as server, connected(server, large(size)) as connection:
        for _ in range(size // MB):
            connection.send(bytes(MB))
        answer = connection.answer()
    assert answer.status.startswith("413 ")
    assert b"the body of the request is larger than 16 MB" in answer.body


# memory


def test_memory_is_given_in_turn() -> None:
    memory, order = Memory(10), []
    assert memory.take(8, 0)

    def wait(size: int) -> None:
        assert memory.take(size, 10)
        order.append(size)

    threads = [threading.Thread(target=wait, args=(size,)) for size in (9, 1)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        eventually(lambda number=number: len(memory._queue) == number)
    assert not memory.take(1, 0.01)  # the smaller one does not go first
    memory.give(8)
    for thread in threads:
        thread.join(10)
    assert sorted(order) == [1, 9]
    assert not memory.crowded


def test_memory_is_given_back() -> None:
    memory = Memory(10)
    with Share(memory, 0) as share:
        share.grow(10)
        share.shrink(7)
        assert not memory.take(4, 0)
        assert memory.take(3, 0)
        memory.give(3)
    assert memory.take(10, 0)


@pytest.mark.parametrize("head", [large(MB), CHUNKED + b"100000\r\n"])
def test_a_client_that_stalls_gives_way_to_others(head: bytes) -> None:
    with limited(memory=16 * MB, crowded_seconds=0.2) as server, connected(server, head + bytes(100 * KB)) as silent:
        eventually(lambda: server._shared.memory._used > 0)
        with connected(server, large(16 * MB)) as second:
            assert answered(server, GOOD).status == OK
            assert answered(server, CHUNKED + b"2\r\n{}\r\n0\r\n\r\n").status == OK
            second.send(bytes(16 * MB))
            assert second.answer().status == OK
        assert silent.answer().status == SLOW


def test_small_requests_do_not_wait_for_large_ones() -> None:
    with limited(memory=MB) as server, contextlib.ExitStack() as open_:
        for _ in range(20):
            open_.enter_context(connected(server, large(MB) + bytes(200 * KB)))
        eventually(lambda: server._shared.memory.crowded)
        for data in (GOOD, CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", asking(b"PutItem", b" " * 60_000)):
            assert answered(server, data).status == OK
        assert server._shared.memory.crowded  # the large ones wait on


def test_a_request_that_finds_no_memory_is_told_to_come_again() -> None:
    with limited(memory=MB, body_seconds=0.2) as server:
        server._shared.memory.take(MB, 0)
        with connected(server, large(MB) + bytes(100 * KB)) as connection:
            answer = connection.answer()
    assert (answer.status, b"too many large requests and answers at once" in answer.body) == (BUSY, True)


def test_a_large_request_that_finds_no_turn_is_told_to_come_again() -> None:
    with limited(work=MB, body_seconds=0.2) as server:
        server._shared.work.take(MB, 0)
        assert answered(server, asking(b"PutItem", b" " * 100_000)).status == BUSY
        assert answered(server, GOOD).status == OK


def test_large_bodies_are_worked_on_one_after_the_other() -> None:
    working, most = 0, 0

    def slow(operation: str, body: bytes) -> bytes:
        nonlocal working, most
        working += 1
        most = max(most, working)
        time.sleep(0.02)
        working -= 1
        return b"{}"

    body = b" " * 100_000
    with limited(slow, work=150_000) as server, ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: answered(server, asking(b"PutItem", body)).status, range(5)))
        assert (found, most) == ([OK] * 5, 1)
        found = list(pool.map(lambda _: answered(server, asking(b"PutItem", b"{}")).status, range(5)))
        assert found == [OK] * 5
        assert most > 1


class Answering:
    """An engine that gives large answers and counts the requests."""

    def __init__(self, size: int) -> None:
        self.size, self.asked = size, list[str]()

    def __call__(self, operation: str, body: bytes) -> bytes:
        self.asked.append(operation)
        return b"%d" % len(self.asked) + bytes(self.size)


@pytest.mark.parametrize("operation, asked", [("Scan", 2), ("UpdateItem", 1)])
def test_a_client_that_does_not_read_gives_way(operation: str, asked: int) -> None:
    engine = Answering(20 * MB)
    with limited(engine, memory=30 * MB, crowded_seconds=0.2) as server, connected(server, asking(b"Query")):
        eventually(lambda: server._shared.memory._used > 0)
        answer = answered(server, asking(operation.encode()))
    assert answer.status == OK
    assert (len(answer.body), engine.asked) == (20 * MB + 1, ["Query"] + [operation] * asked)


@pytest.mark.parametrize(
    "head, size",
    [
        (large(MB), MB),
        (CHUNKED + b"100000\r\n", 16 * MB),
        (GZIPPED + b"Content-Length: %d\r\n\r\n" % MB, MB + 16 * MB),  # before and after
        (GZIPPED + b"Transfer-Encoding: chunked\r\n\r\n100000\r\n", 2 * 16 * MB),
    ],
)
def test_a_large_body_takes_all_memory_that_it_may_need(head: bytes, size: int) -> None:
    with limited(small=KB) as server, connected(server, head + bytes(100 * KB)):
        eventually(lambda: server._shared.memory._used > 0)
        assert server._shared.memory._used == size


@pytest.mark.parametrize("letters", [b"abcdefghij", b"a"], ids=["compressed it is large", "compressed it is small"])
def test_a_body_that_was_compressed_keeps_the_memory_of_what_it_is(letters: bytes) -> None:
    text = b'{"a":"%b"}' % bytes(random.Random(1).choices(letters, k=512 * KB))
    body = gzip.compress(text)
    asked: list[tuple[bytes, int]] = []

    def engine(operation: str, body: bytes) -> bytes:
        asked.append((body, server._shared.memory._used))
        return b"{}"

    with limited(engine, small=KB) as server:
        assert answered(server, GZIPPED + b"Content-Length: %d\r\n\r\n" % len(body) + body).status == OK
    assert (len(body) > 2 * RECEIPT) == (len(letters) > 1), "a large one comes in several pieces"
    assert asked == [(text, len(text))]


def test_answers_that_nobody_reads_do_not_fill_the_memory() -> None:
    engine = Answering(8 * MB)
    with (
        limited(engine, memory=32 * MB, stall_seconds=30, crowded_seconds=30) as server,
        contextlib.ExitStack() as open_,
    ):
        tracemalloc.start()
        for _ in range(30):
            open_.enter_context(connected(server, asking(b"Scan")))
        eventually(lambda: len(engine.asked) == 30)
        time.sleep(0.2)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 40 * MB
        assert answered(server, GOOD.replace(b"ListTables", b"")).status == "400 Bad Request"


def test_an_answer_that_finds_no_memory_is_not_kept() -> None:
    with limited(Answering(20 * MB), memory=30 * MB, body_seconds=0.2) as server:
        server._shared.memory.take(20 * MB, 0)
        assert answered(server, asking(b"Query")).status == BUSY


def test_refusals_leave_nothing_behind() -> None:
    with limited() as server:
        for _ in range(20):
            assert answered(server, large(99999999)).status.startswith("413 ")
        eventually(lambda: not talks(server))


def talks(server: Server) -> list[Talk]:
    """The connections of a server that are still in memory."""
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, Talk) and one._shared is server._shared]


# connections


def test_a_burst_of_connections_is_served_though_all_stay_open() -> None:
    with limited(threads=8) as server, contextlib.ExitStack() as open_:
        connections = [open_.enter_context(connected(server)) for _ in range(300)]
        for connection in connections:
            connection.send(GOOD)
        assert {connection.answer().status for connection in connections} == {OK}
        for connection in connections:
            connection.send(GOOD + GOOD)
        assert {connection.answer().status for connection in connections * 2} == {OK}


def longest_queue() -> int:
    """How many connections the system lets wait for a listener at most."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/sys/net/core/somaxconn").read_text())
    return socket.SOMAXCONN


@pytest.mark.skipif(longest_queue() < 300, reason="the system lets fewer connections wait")
def test_connections_wait_until_the_server_takes_them() -> None:
    (listener,) = listeners.listen("127.0.0.1", 0)
    with listener, contextlib.ExitStack() as open_:
        for _ in range(300):
            open_.enter_context(socket.create_connection(listener.getsockname(), 0.5))


def test_a_busy_connection_leaves_room_for_others() -> None:
    with limited(threads=1) as server, connected(server, GOOD * 2000):
        assert answered(server, GOOD).status == OK


def test_who_comes_when_all_places_are_taken_waits() -> None:
    with limited(connections=2, crowded_seconds=0.3) as server, contextlib.ExitStack() as open_:
        first, second = (open_.enter_context(connected(server, GOOD)) for _ in range(2))
        assert first.answer().status == second.answer().status == OK
        third = open_.enter_context(connected(server, GOOD))
        third.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            third.socket.recv(1)
        third.socket.settimeout(10)
        eventually(lambda: server._watch._full)
        assert first.ended()  # it was silent for the longest time
        with connected(server, GOOD) as fourth:
            assert fourth.answer().status == OK


def test_no_descriptor_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new connection waits until an open one is closed."""
    with limited() as server:
        listener = server._watch._listeners[0]

        class Full:
            left = 3

            def accept(self) -> tuple[socket.socket, object]:
                self.left -= 1
                if self.left >= 0:
                    raise OSError(24, "Too many open files")
                return listener.accept()

        full = Full()
        real = server._watch._accept
        monkeypatch.setattr(server._watch, "_accept", lambda _: real(full))
        assert answered(server, GOOD).status == OK
        assert full.left < 0


def test_no_descriptor_is_free_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server tries again from time to time, not all the time."""
    tries = list[int]()
    with limited() as server:
        accept = server._watch._accept

        class Full:
            def accept(self) -> tuple[socket.socket, object]:
                tries.append(1)
                raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(server._watch, "_accept", lambda _: accept(Full()))
        with connected(server, GOOD) as connection:
            time.sleep(1)
            assert 2 <= len(tries) <= 20
            monkeypatch.undo()
            assert connection.answer().status == OK


def test_a_thread_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    threads = Threads(2, done.append)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no more")))
        threads.give(1)
        threads.try_again()
    assert threads.waiting()
    threads.give(2)
    eventually(lambda: done == [1, 2])


def test_a_request_is_answered_though_no_thread_could_be_started_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = threading.Thread.start, list[threading.Thread]()

    def refuse(thread: threading.Thread) -> None:
        if getattr(thread._target, "__qualname__", "") == "Threads._run" and not refused:  # type: ignore[attr-defined]
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with limited() as server, connected(server, GOOD) as connection:
        assert connection.answer().status == OK
    assert refused


def test_a_thread_that_has_nothing_to_do_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    monkeypatch.setattr("flyexpr.serve.threads._IDLE_SECONDS", 0.01)
    done: list[int] = []
    threads = Threads(1, done.append)
    before = {*threading.enumerate()}
    for task in (1, 2):  # the second one finds no thread, and starts another
        threads.give(task)
        eventually(lambda: len(done) == task and before >= {*threading.enumerate()})  # noqa: B023
    assert (done, failed) == ([1, 2], [])


def test_a_task_given_while_the_only_thread_ends_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    done: list[int] = []

    def work(task: int) -> None:
        if task == 1:
            threads.give(2)
            raise SystemExit
        done.append(task)

    threads = Threads(1, work)
    threads.give(1)
    eventually(lambda: done == [2])


def test_an_engine_that_ends_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(threading, "excepthook", ended.append)

    def exiting(operation: str, body: bytes) -> bytes:
        raise SystemExit

    with limited(exiting, threads=1) as server:
        for _ in range(3):
            with connected(server, GOOD) as connection:
                assert connection.ended()
        eventually(lambda: len(ended) == 3)


# how connections end


def test_a_closed_server_ends_its_connections() -> None:
    with contextlib.ExitStack() as open_:
        with limited() as server:
            connections = [open_.enter_context(connected(server, GOOD)) for _ in range(3)]
            assert {connection.answer().status for connection in connections} == {OK}
            silent = open_.enter_context(connected(server))
        for connection in (*connections, silent):
            assert connection.ended()


def test_a_request_under_way_is_answered_after_the_server_is_closed() -> None:
    asked, told = threading.Event(), threading.Event()

    def slow(operation: str, body: bytes) -> bytes:
        asked.set()
        told.wait(10)
        return b"{}"

    with contextlib.ExitStack() as open_:
        with limited(slow) as server:
            connection = open_.enter_context(connected(server, GOOD))
            assert asked.wait(10)
        told.set()
        assert connection.answer().status == OK
        assert connection.ended()


# addresses


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")


@pytest.mark.parametrize(
    "host, url, reached",
    [
        ("127.0.0.1", "http://127.0.0.1:", ["127.0.0.1"]),
        pytest.param("localhost", "http://localhost:", ["127.0.0.1", "::1"], marks=needs_ipv6),
        pytest.param("::1", "http://[::1]:", ["::1"], marks=needs_ipv6),
        pytest.param("::", "http://[::]:", ["127.0.0.1", "::1"], marks=needs_ipv6),
        ("0.0.0.0", "http://0.0.0.0:", ["127.0.0.1"]),
        ("", "http://0.0.0.0:", ["127.0.0.1"]),
    ],
)
def test_where_it_listens(host: str, url: str, reached: list[str]) -> None:
    with serve(echo, host=host) as server:
        port = int(server.url.rpartition(":")[2])
        assert server.url == f"{url}{port}"
        for address in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
            try:
                socket.create_connection((address, port), 5).close()
            except ConnectionRefusedError:
                assert address not in reached
            else:
                assert address in reached


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "localhost"])
@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_its_url_can_be_connected_to(host: str, transport: str) -> None:
    with connect("sqlite::memory:") as engine, serve(engine, host=host) as server:
        assert call(connect(f"{server.url}?transport={transport}"), "ListTables", {}) == {"TableNames": []}


@needs_ipv6
def test_a_port_that_is_taken_on_one_of_two_addresses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # a port that no other program has at the other address
        port = taken.getsockname()[1]
    with socket.create_server(("::1", port), family=socket.AF_INET6), pytest.raises(OSError, match="in use"):
        serve(echo, port, "localhost")
    with serve(echo, port, "localhost") as server:
        assert answered(server, GOOD).status == OK


@needs_ipv6
def test_a_free_port_is_free_on_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is free on the first address may be taken on the second: then another one is tried."""
    failures = [OSError(errno.EADDRINUSE, "taken"), OSError(errno.EADDRINUSE, "taken")]
    listen_on_all, tried = listeners._listen, []

    def listen(addresses: list[Any], port: int) -> list[socket.socket]:
        tried.append(port)
        if failures:
            raise failures.pop()
        return listen_on_all(addresses, port)

    monkeypatch.setattr(listeners, "_listen", listen)
    with serve(echo, 0, "localhost") as server:
        assert answered(server, GOOD).status == OK
    assert tried == [0, 0, 0]
    failures.append(OSError(errno.EACCES, "not allowed"))
    with pytest.raises(PermissionError, match="not allowed"):
        serve(echo, 0, "localhost")
    failures.append(OSError(errno.EADDRINUSE, "taken"))
    with pytest.raises(OSError, match="taken"):
        serve(echo, 1, "localhost")
    assert tried == [0, 0, 0, 0, 1], "only a free port is looked for again"


def test_a_host_that_nobody_knows() -> None:
    with pytest.raises(OSError, match="this is not a host name"):
        serve(echo, host="a" * 64)


@pytest.mark.parametrize(
    "bound, hosts, accepted",
    [
        ("127.0.0.1", [], False),
        ("127.0.0.1", ["DB.example"], True),
        ("127.0.0.1", ["other.example"], False),
        ("0.0.0.0", [], True),
        ("0.0.0.0", ["other.example"], False),
        ("0.0.0.0", ["db.example"], True),
    ],
)
def test_the_names_it_answers_to(bound: str, hosts: list[str], accepted: bool) -> None:
    with serve(echo, host=bound, hosts=hosts) as server:
        answer = answered(server, GOOD.replace(b"Host: localhost", b"Host: db.example:8000"))
        assert answered(server, GOOD).status == OK
    assert answer.status == (OK if accepted else "403 Forbidden")
    assert accepted or b"the server does not answer to the host 'db.example'\\n  hint: " in answer.body
