"""With sync=full, an acknowledged write is on the disk, also if several writers wait for it together."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as waited
from contextlib import closing
from pathlib import Path

import pytest
from embedded import TABLE, key

from flyexpr import DynamoError
from flyexpr.engine import Engine
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file.kept_log import KeptLog

SYNC = "flyexpr.engines.sqlite.disk.file.kept_log.sync_file"


class Disk:
    """Stands in for the system's call: it copies what would survive a power cut, once `then` returns."""

    def __init__(self, path: Path) -> None:
        self.path, self.copy, self.calls = path, path.with_name("after a power cut.db"), 0
        self.then: Callable[[], None] = lambda: None

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        log = os.pread(descriptor, 100_000_000, 0)
        self.then()
        self.copy.write_bytes(self.path.read_bytes())
        self.copy.with_name(f"{self.copy.name}-wal").write_bytes(log)

    def items(self) -> int:
        """How many items a power cut would leave."""
        with closing(sqlite3.connect(self.copy)) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM items_1")
        for end in ("-wal", "-shm"):  # closing has taken the log into the file
            self.copy.with_name(f"{self.copy.name}{end}").unlink(missing_ok=True)
        return int(count)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path / "tables.db")
    monkeypatch.setattr(SYNC, disk)
    return disk


@pytest.fixture
def engine(disk: Disk) -> Iterator[SqliteEngine]:
    with SqliteEngine(str(disk.path), "full") as engine:
        call(engine, "CreateTable", TABLE)
        yield engine


def put(engine: Engine, number: int) -> None:
    call(engine, "PutItem", {"TableName": "tab", "Item": key(number)})


def committed(engine: SqliteEngine, count: int) -> None:
    """Waits until as many items are committed."""
    until = time.monotonic() + 20
    while call(engine, "Scan", {"TableName": "tab", "Select": "COUNT"})["Count"] < count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_write_is_answered_once_it_is_on_the_disk(disk: Disk, engine: SqliteEngine) -> None:
    for number in range(3):
        put(engine, number)
        assert disk.items() == number + 1


def test_writers_that_wait_share_one_wait_and_hold_up_nobody(disk: Disk, engine: SqliteEngine) -> None:
    gate, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert gate.wait(20)

    disk.then, before = wait, disk.calls
    with ThreadPoolExecutor(5) as pool, SqliteEngine(str(disk.path)) as other:
        first = pool.submit(put, engine, 0)
        assert begun.wait(20)
        later = [pool.submit(put, engine, number) for number in range(1, 5)]
        committed(engine, 5)  # while the first one waits
        put(other, 5)
        assert not any(one.done() for one in (first, *later))
        gate.set()
        for one in (first, *later):
            one.result(20)
    assert disk.calls - before == 2
    assert disk.items() == 6


def test_an_answer_is_waited_for_even_if_nothing_is_written_anew(disk: Disk, engine: SqliteEngine) -> None:
    """Another process may have written the same item, and not yet have waited for the disk."""
    with SqliteEngine(str(disk.path)) as other:
        put(other, 1)
        put(engine, 1)
        assert disk.items() == 1


def test_reads_and_refusals_do_not_wait(disk: Disk, engine: SqliteEngine) -> None:
    put(engine, 1)
    before = disk.calls
    call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})
    call(engine, "ExecuteStatement", {"Statement": "SELECT * FROM tab"})
    with pytest.raises(DynamoError):
        call(engine, "DeleteItem", {"TableName": "tab", "Key": key(2), "ConditionExpression": "attribute_exists(pk)"})
    assert disk.calls == before


def test_what_a_fork_closes_is_on_the_disk(disk: Disk, engine: SqliteEngine) -> None:
    engine.committed("PutItem", b'{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}')
    number = engine.written
    with SqliteEngine(str(disk.path)) as other:  # else the log would be gone with its last user
        engine._storage.leave()  # as a fork does
        assert disk.items() == 1
        engine.keep(number)
        put(engine, 1)
        assert disk.items() == 2
        assert call(other, "Scan", {"TableName": "tab"})["Count"] == 2


def test_a_file_that_is_closed_answers_nobody_before_it_is_on_the_disk(disk: Disk, engine: SqliteEngine) -> None:
    gate, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert gate.wait(20)

    engine.committed("PutItem", b'{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}')
    disk.then = wait
    with ThreadPoolExecutor(2) as pool, SqliteEngine(str(disk.path)):  # else the log would be gone with its last user
        closing_it = pool.submit(engine.close)
        assert begun.wait(20)
        answer = pool.submit(lambda: engine.keep(engine.written))
        assert waited([answer], 0.1).not_done
        gate.set()
        answer.result(20)
        closing_it.result(20)
        assert disk.items() == 1


def test_a_disk_that_fails_when_the_file_is_closed_is_believed_no_more(disk: Disk, engine: SqliteEngine) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error")

    engine.committed("PutItem", b'{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}')
    number, disk.then = engine.written, fail
    engine._storage.leave()  # as a fork does, while the writer waits
    disk.then = lambda: None
    with pytest.raises(DynamoError, match="the disk failed"):
        put(engine, 2)
    with pytest.raises(DynamoError, match="the disk failed"):
        engine.keep(number)


def test_a_log_that_is_closed_while_a_writer_waits_for_its_turn(tmp_path: Path, disk: Disk) -> None:
    disk.path.write_bytes(b"")
    log = KeptLog(str(disk.path), 0)
    log.written += 1
    log.close()
    log.keep(1)
    assert disk.calls == 1


def test_a_log_grows_in_few_steps_up_to_its_longest_and_is_read_as_if_it_had_not(
    disk: Disk, engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine._storage.file._kept_log, "_longest", 300_000)
    log, lengths = Path(f"{disk.path}-wal"), list[int]()
    with SqliteEngine(str(disk.path), "full") as other:
        for number in range(40):
            put(other if number % 3 else engine, number)
            lengths.append(log.stat().st_size)
            assert disk.items() == number + 1
    assert lengths == sorted(lengths)
    assert len(set(lengths)) < 12
    assert lengths[-1] >= 300_000


def test_a_file_with_small_pages(disk: Disk) -> None:
    """Its first log is shorter than a page of other files."""
    with SqliteEngine(str(disk.path)) as engine:
        call(engine, "CreateTable", TABLE)
    with closing(sqlite3.connect(disk.path)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 512", "VACUUM"):
            connection.execute(statement)
    with SqliteEngine(str(disk.path), "full") as engine:
        for number in range(3):
            put(engine, number)
            assert disk.items() == number + 1


def test_a_disk_without_room_for_a_longer_log(
    disk: Disk, engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, refused = Path(f"{disk.path}-wal"), list[int]()

    def write(descriptor: int, data: bytes) -> int:
        refused.append(len(data))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("flyexpr.engines.sqlite.disk.file.kept_log.os.write", write)
        for number in range(10):
            put(engine, number)
    assert refused
    assert disk.items() == 10
    lengths = set[int]()
    for number in range(10, 40):  # there is room again
        put(engine, number)
        lengths.add(log.stat().st_size)
    assert len(lengths) < 6
    assert disk.items() == 40


def test_a_disk_that_fails_is_believed_no_more(disk: Disk, engine: SqliteEngine) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error")

    put(engine, 1)
    disk.then = fail
    with pytest.raises(DynamoError) as error:
        put(engine, 2)
    assert error.value.code == "InternalServerError"
    assert error.value.message == (
        f"{disk.path}: the disk failed to keep a write, which may be lost, so the engine has closed the file\n"
        "  hint: see to the disk, then connect again"
    )
    disk.then = lambda: None
    with pytest.raises(DynamoError, match="the disk failed"):
        put(engine, 3)
    with connect(f"sqlite:{disk.path}?sync=full") as again:
        put(again, 3)
        assert call(again, "Scan", {"TableName": "tab"})["Count"] == 3


def test_without_sync_full_nobody_waits(disk: Disk) -> None:
    with SqliteEngine(str(disk.path)) as engine:
        call(engine, "CreateTable", TABLE)
        put(engine, 1)
    assert disk.calls == 0
