"""A server of several processes on one file."""

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from raised import raises
from raw import GOOD, answered, connected, only_list_tables, process_id
from streaming import records, stream_of

from flyexpr import DynamoError, FlyexprError, Table, call, connect, create_table, get, incr, put, run, update
from flyexpr.engine import Engine
from flyexpr.serve import Server, serve
from flyexpr.serve.worker import Handed

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="the system hands over no connections")

OK = "200 OK"
TABLE = Table("things", "id", stream="both")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with connect(f"sqlite:{tmp_path / 'things.db'}") as engine:
        yield engine


@pytest.fixture
def server(engine: Engine) -> Iterator[Server]:
    with serve(engine, workers=2) as server:
        yield server


def clients(server: Server, count: int = 4) -> list[Table]:
    """The table, each time over a connection of its own, which is that of the next process."""
    tables = [TABLE.on(connect(server.url)) for _ in range(count)]
    run(tables[0], create_table())
    return tables


def processes(server: Server) -> list[int]:
    return [one._process.pid for one in server._watch._all]


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_connections_go_to_each_process_in_turn() -> None:
    with serve(process_id, workers=3) as server, ExitStack() as open_:
        connections = [open_.enter_context(connected(server, GOOD)) for _ in range(6)]
        answered_by = [int(connection.answer().body) for connection in connections]
        assert answered_by[:3] == answered_by[3:]
        assert sorted(answered_by[:3]) == sorted(processes(server))
        for connection in connections:
            connection.send(GOOD)
        assert [int(connection.answer().body) for connection in connections] == answered_by


def test_processes_see_what_each_other_writes(server: Server) -> None:
    tables = clients(server)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: update(tables[number % 4], "a", incr("n", 1)), range(200)))
    assert [get(table, "a", consistent=True) for table in tables] == [{"id": "a", "n": 200}] * 4


def test_a_token_counts_in_every_process(server: Server) -> None:
    tables = clients(server)
    add = {
        "Update": {
            "TableName": "things",
            "Key": {"id": {"S": "a"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for table in tables:
        call(table.engine, "TransactWriteItems", {"TransactItems": [add], "ClientRequestToken": "once"})
    assert get(tables[0], "a") == {"id": "a", "n": 1}


def test_a_stream_is_read_in_every_process(server: Server) -> None:
    tables = clients(server)
    for number, table in enumerate(tables):
        put(table, {"id": str(number)})
    for table in tables:
        found = records(table.engine, stream_of(table.engine, "things"))
        assert [record["dynamodb"]["Keys"]["id"]["S"] for record in found] == ["0", "1", "2", "3"]
    shard = call(tables[0].engine, "DescribeStream", {"StreamArn": stream_of(tables[0].engine, "things")})
    place = call(
        tables[0].engine,
        "GetShardIterator",
        {
            "StreamArn": stream_of(tables[0].engine, "things"),
            "ShardId": shard["StreamDescription"]["Shards"][0]["ShardId"],
            "ShardIteratorType": "TRIM_HORIZON",
        },
    )["ShardIterator"]
    for table in tables:  # one begins where the process before has stopped
        answer = call(table.engine, "GetRecords", {"ShardIterator": place, "Limit": 1})
        assert len(answer["Records"]) == 1
        place = answer["NextShardIterator"]


def test_a_closed_server_leaves_no_process(engine: Engine) -> None:
    with serve(engine, workers=2) as server, ExitStack() as open_:
        connections = [open_.enter_context(connected(server, GOOD)) for _ in range(4)]
        assert {connection.answer().status for connection in connections} == {OK}
        started = processes(server)
        server.close()
        for connection in connections:
            assert connection.ended()
        server.wait()
    assert not [one for one in started if is_running(one)]
    with pytest.raises(ConnectionRefusedError):
        answered(server, GOOD)


def test_a_server_of_one_process_that_is_closed_has_not_failed(engine: Engine) -> None:
    with serve(engine) as server:
        server.close()
        server.wait()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_if_one_process_dies_all_end(engine: Engine) -> None:
    with serve(engine, workers=2) as server:
        assert answered(server, GOOD).status == OK
        started = processes(server)
        os.kill(started[1], signal.SIGKILL)
        with raises(FlyexprError, "a process of the server has ended, so the server ends"):
            server.wait()
    assert not [one for one in started if is_running(one)]


def test_a_process_that_does_not_end_is_killed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.serve.processes._PATIENCE", 0.1)
    with serve(engine, workers=2) as server:
        started = processes(server)
        os.kill(started[1], signal.SIGSTOP)
        try:
            threading.Thread(target=server.close, daemon=True).start()
            eventually(lambda: not any(is_running(one) for one in started))
        finally:
            with suppress(ProcessLookupError):  # else one that nobody kills would hold this test up for ever
                os.kill(started[1], signal.SIGCONT)


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """Even if it is killed."""
    import subprocess

    code = (
        "from flyexpr import connect; from flyexpr.serve import serve\n"
        f"server = serve(connect('sqlite:{tmp_path / 'a.db'}'), workers=2)\n"
        "print(*[one._process.pid for one in server._watch._all], flush=True); server.wait()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as first:
        assert first.stdout
        started = [int(word) for word in first.stdout.readline().split()]
        first.kill()
    assert len(started) == 2
    eventually(lambda: not any(is_running(one) for one in started))


def test_a_request_that_takes_long_holds_up_nobody(engine: Engine) -> None:
    """One client holds the lock of the file; the other processes still read."""
    import sqlite3

    with serve(engine, workers=2) as server:
        tables = clients(server)
        put(tables[0], {"id": "a"})
        path = engine.path  # type: ignore[attr-defined]
        with closing(sqlite3.connect(path, isolation_level=None)) as other, ThreadPoolExecutor(4) as pool:
            other.execute("BEGIN IMMEDIATE")
            writes = [pool.submit(put, table, {"id": "b"}) for table in tables]
            readers = [TABLE.on(connect(server.url)) for _ in range(4)]
            assert [get(table, "a") for table in readers * 5] == [{"id": "a"}] * 20
            assert not any(write.done() for write in writes)
            other.execute("COMMIT")
            for write in writes:
                write.result(20)


@pytest.mark.parametrize(
    "engine, said",
    [
        (lambda operation, body: b"{}", r"<function .*> cannot be given to other processes: .*\n  hint: workers=1"),
        (
            connect("sqlite::memory:"),
            r"tables in memory live in one process; use a file, such as connect\('sqlite:tables\.db'\)",
        ),
    ],
    ids=["a function", "in memory"],
)
def test_an_engine_that_no_other_process_can_have(engine: Engine, said: str) -> None:
    with pytest.raises(FlyexprError, match=rf"\A{said}\Z"):
        serve(engine, workers=2)


def test_a_process_that_cannot_open_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "things.db"
    path.parent.mkdir()
    with connect(f"sqlite:{path}") as engine:
        for one in (*path.parent.iterdir(), path.parent):
            one.unlink() if one.is_file() else one.rmdir()
        with pytest.raises(FlyexprError, match="there is no folder"):
            serve(engine, workers=2)


def test_a_console_needs_one_process(engine: Engine) -> None:
    with raises(FlyexprError, "a console lives in one process\n  hint: workers=1, or a server of its own for it"):
        serve(engine, workers=2, console="read")


@pytest.mark.parametrize("workers", [0, -1, True, 1.5])
def test_a_server_has_at_least_one_process(workers: int) -> None:
    with raises(ValueError, f"workers= takes a whole number from 1, not {workers}"):
        serve(only_list_tables, workers=workers)


def test_the_port_is_free_again_after_a_start_that_failed(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FlyexprError):
        serve(lambda operation, body: b"{}", port, workers=2)
    with serve(only_list_tables, port) as server:
        assert answered(server, GOOD).status == OK


def test_a_burst_of_connections(engine: Engine) -> None:
    with serve(engine, workers=2) as server, ExitStack() as open_:
        connections = [open_.enter_context(connected(server)) for _ in range(300)]
        for connection in connections:
            connection.send(GOOD)
        assert {connection.answer().status for connection in connections} == {OK}


def test_a_channel_gives_connections_and_ends() -> None:
    ours, theirs = socket.socketpair()
    handed = Handed(theirs.detach())
    handed.setblocking(False)
    with ours, handed:
        with pytest.raises(BlockingIOError):
            handed.accept()
        left, right = socket.socketpair()
        with left:
            with right:
                socket.send_fds(ours, [b"+"], [right.fileno()])
            connection, _ = handed.accept()
            with connection:
                left.sendall(b"hello")
                assert connection.recv(5) == b"hello"
        ours.sendall(b"+")  # as if no descriptor were free
        with pytest.raises(OSError, match="no descriptor is free"):
            handed.accept()
        ours.close()
        with pytest.raises(ConnectionAbortedError):
            handed.accept()
        assert handed.ended.is_set()


def test_a_connection_waits_in_the_channel_until_a_descriptor_is_free() -> None:
    import resource

    ours, theirs = socket.socketpair()
    handed = Handed(theirs.detach())
    handed.setblocking(False)
    left, right = socket.socketpair()
    with ours, handed, left, right:
        socket.send_fds(ours, [b"+"], [right.fileno()])
        lowest = os.dup(left.fileno())  # all below it are taken
        os.close(lowest)
        usual = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, usual[1]))
        try:
            with pytest.raises(OSError) as refused:
                handed.accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        assert refused.value.errno == errno.EMFILE
        connection, _ = handed.accept()
        with connection:
            left.sendall(b"hello")
            assert connection.recv(5) == b"hello"


def test_processes_that_only_read(engine: Engine) -> None:
    run(TABLE.on(engine), create_table())
    put(TABLE.on(engine), {"id": "a"})
    with serve(engine, workers=2, read_only=True) as server:
        for table in (TABLE.on(connect(server.url)), TABLE.on(connect(server.url))):
            assert get(table, "a") == {"id": "a"}
            with pytest.raises(DynamoError, match="AccessDeniedException"):
                put(table, {"id": "b"})
