"""What opens a file, a socket or a thread closes it, also where it ends early or by an error."""

import asyncio
import gc
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from raw import GOOD, answered

from flyexpr import (
    ConnectionFailed,
    DynamoError,
    FlyexprError,
    GlobalIndex,
    Table,
    aio,
    batch_write,
    connect,
    create_table,
    ge,
    incr,
    put_item,
    run,
    scan,
    update_matching,
    update_table,
)
from flyexpr.serve import serve
from flyexpr.steps.journals.files import Hold

FILES = Path("/proc/self/fd")
BESIDE = (".lock", ".new", "-wal", "-shm", "-journal")
TABLE = Table("Things", "id", attributes={"n": int})
URL = "sqlite:things.db"

pytestmark = pytest.mark.skipif(not FILES.exists(), reason="there is no /proc")


def filled(url: str = URL) -> Table:
    """A table of 40 items, by an engine of its own."""
    table = TABLE.on(connect(url))
    run(table, create_table(if_missing=True))
    run(table, batch_write([put_item({"id": str(n), "n": n}) for n in range(40)]))
    return table


def closed(table: Table) -> None:
    table.bound.close()  # type: ignore[attr-defined]


def an_engine() -> Any:
    closed(table := filled())
    return table


def an_engine_that_is_closed_twice() -> Any:
    closed(table := filled())
    with Path("other").open("wb") as other:  # it has the number of what was closed
        closed(table)
        os.fstat(other.fileno())
    return table


def an_engine_that_waits_for_the_disk() -> Any:
    closed(table := filled(URL + "?sync=full"))
    return table


def an_engine_that_only_reads() -> Any:
    closed(filled())
    table = TABLE.on(connect(URL + "?mode=ro"))
    assert len(list(run(table, scan()))) == 40
    closed(table)
    return table


def an_engine_that_is_dropped() -> Any:
    filled()
    filled(URL + "?sync=full")
    gc.collect()


def an_engine_whose_file_a_fork_has_closed() -> Any:
    table = filled(URL + "?sync=full")
    table.bound._storage.leave()  # type: ignore[attr-defined]
    closed(table)
    return table


def an_engine_in_memory() -> Any:
    closed(table := filled("sqlite::memory:"))
    return table


def the_file_of_another_program() -> Any:
    with closing(sqlite3.connect("things.db")) as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(FlyexprError, match="another program") as caught:
        connect(URL)
    return caught


def a_file_that_is_no_table_file() -> Any:
    Path("things.db").write_bytes(b"some text\n" * 1000)
    with pytest.raises(FlyexprError, match="not a database") as caught:
        connect(URL)
    return caught


def a_second_connection_to_a_file() -> Any:
    table = filled()
    storage = table.bound._storage  # type: ignore[attr-defined]
    with pytest.raises(KeyError) as caught, storage.beside() as other:
        raise KeyError
    assert other._connection is None
    closed(table)
    return table, other, caught


def an_index_that_is_filled() -> Any:
    table = filled()
    more = Table("Things", "id", attributes={"n": int}, indexes=[GlobalIndex("ByN", "n")])
    run(more.on(table.bound), update_table())
    closed(table)
    return table


def a_read_in_parts_that_is_closed() -> Any:
    items = run(filled("sqlite::memory:"), scan(segments=4, page_size=2))
    next(items)
    items.close()
    return items


def a_read_in_parts_to_its_end() -> Any:
    items = run(filled("sqlite::memory:"), scan(segments=4, page_size=2))
    assert len(list(items)) == 40
    return items


def a_read_in_parts_that_is_dropped() -> Any:
    next(run(filled("sqlite::memory:"), scan(segments=4, page_size=2)))
    gc.collect()


def a_read_ahead_that_is_closed() -> Any:
    items = run(filled("sqlite::memory:"), scan(page_size=2, prefetch=True))
    next(items)
    items.close()
    return items


def a_read_ahead_that_fails() -> Any:
    engine, left = filled("sqlite::memory:").bound, [3]

    def failing(operation: str, body: bytes) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise DynamoError.of("ValidationException", "no more")
        return engine(operation, body)

    items = run(TABLE.on(failing), scan(page_size=2, prefetch=True))
    with pytest.raises(DynamoError, match="no more") as caught:
        list(items)
    return items, caught


async def _awaited_read(page_size: int, **more: Any) -> Any:
    async with aio.connect(URL) as engine:
        items = aio.run(TABLE.on(engine), scan(page_size=page_size, **more))
        async for _ in items:
            break
        await items.aclose()
        assert len(asyncio.all_tasks()) == 1
    return engine, items


def an_awaited_engine() -> Any:
    closed(filled())
    return asyncio.run(_awaited_read(10))


def an_awaited_read_in_parts() -> Any:
    closed(filled())
    return asyncio.run(_awaited_read(2, segments=4))


def an_awaited_read_ahead() -> Any:
    closed(filled())
    return asyncio.run(_awaited_read(2, prefetch=True))


def a_server_and_its_clients() -> Any:
    with connect(URL) as engine, serve(engine) as server:
        tables = [filled(f"{server.url}?transport={way}") for way in ("direct", "botocore")]
        for table in tables:
            closed(table)
        until = time.monotonic() + 10
        while server._watch._open:  # type: ignore[union-attr]
            assert time.monotonic() < until
            time.sleep(0.001)
    return server, engine, tables


def a_server_and_an_awaited_client() -> Any:
    async def client(url: str) -> Any:
        async with aio.connect(url) as engine:
            await engine("ListTables", b"{}")
            assert len(engine._pool._idle) == 1  # type: ignore[attr-defined]
        return engine

    with connect(URL) as engine, serve(engine) as server:
        return asyncio.run(client(server.url)), server


def a_server_with_a_client_that_stays() -> Any:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        host, port = server.url.removeprefix("http://").split(":")
        client = socket.create_connection((host, int(port)), timeout=10)
        client.sendall(GOOD)
        assert client.recv(1)
        assert answered(server, GOOD).status == "200 OK"
    with client:
        while client.recv(4096):
            pass
    return server, client


def a_server_that_cannot_share_its_engine() -> Any:
    with (
        connect("sqlite::memory:") as engine,
        pytest.raises(FlyexprError, match="tables in memory live in one process") as caught,
    ):
        serve(engine, workers=2)
    return caught


def a_server_whose_port_is_taken() -> Any:
    with connect("sqlite::memory:") as engine, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use") as caught:
            serve(engine, port=taken.getsockname()[1])
    return caught


@pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="the system hands over no connections")
def a_server_of_several_processes() -> Any:
    with connect(URL) as engine, serve(engine, workers=2) as server:
        assert answered(server, GOOD).status == "200 OK"
    processes = [one._process for one in server._watch._all]  # type: ignore[union-attr]
    assert None not in [process.returncode for process in processes]
    return server, processes


def work_with_a_journal() -> Any:
    table = filled()
    assert update_matching(table, scan(ge("n", 0)), incr("n", 1), journal="job", workers=3) == 40
    assert not Path("job").exists()
    closed(table)
    return table


def work_with_a_journal_that_fails() -> Any:
    table, left = filled(), [5]

    def failing(operation: str, body: bytes) -> Any:
        left[0] -= operation == "UpdateItem"
        if left[0] < 0:
            raise ConnectionFailed("ConnectionFailed", "no answer")
        return table.bound(operation, body)

    with pytest.raises(FlyexprError) as caught:
        update_matching(table.on(failing), scan(ge("n", 0)), incr("n", 1), journal="job", workers=3)
    assert Path("job").exists()
    closed(table)
    return caught


def a_file_that_another_job_holds() -> Any:
    hold = Hold(Path("job"))
    with pytest.raises(FlyexprError, match="in use by another job") as caught:
        Hold(Path("job"))
    hold.release()
    return hold, caught


USES: list[Callable[[], Any]] = [
    an_engine,
    an_engine_that_is_closed_twice,
    an_engine_that_waits_for_the_disk,
    an_engine_that_only_reads,
    an_engine_that_is_dropped,
    an_engine_whose_file_a_fork_has_closed,
    an_engine_in_memory,
    the_file_of_another_program,
    a_file_that_is_no_table_file,
    a_second_connection_to_a_file,
    an_index_that_is_filled,
    a_read_in_parts_that_is_closed,
    a_read_in_parts_to_its_end,
    a_read_in_parts_that_is_dropped,
    a_read_ahead_that_is_closed,
    a_read_ahead_that_fails,
    an_awaited_engine,
    an_awaited_read_in_parts,
    an_awaited_read_ahead,
    a_server_and_its_clients,
    a_server_and_an_awaited_client,
    a_server_with_a_client_that_stays,
    a_server_that_cannot_share_its_engine,
    a_server_whose_port_is_taken,
    a_server_of_several_processes,
    work_with_a_journal,
    work_with_a_journal_that_fails,
    a_file_that_another_job_holds,
]


def descriptors() -> set[str]:
    """What this process has open, each with its number."""
    names = set()
    for one in FILES.iterdir():
        with suppress(OSError):  # the descriptor by which the folder was listed
            names.add(f"{one.name} {os.readlink(one)}")
    return names


@pytest.mark.parametrize("use", USES, ids=[use.__name__.replace("_", " ") for use in USES])
def test_nothing_stays_open(use: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flyexpr.serve.threads._IDLE_SECONDS", 0.01)
    gc.collect()
    files, threads = descriptors(), {*threading.enumerate()}
    kept = use()  # to the end of the test: what nobody has any more closes by itself
    until = time.monotonic() + 10
    while left := (descriptors() - files) | {one.name for one in {*threading.enumerate()} - threads}:
        assert time.monotonic() < until, left
        time.sleep(0.001)
    assert not [file.name for file in tmp_path.iterdir() if file.name.endswith(BESIDE)]
    del kept
