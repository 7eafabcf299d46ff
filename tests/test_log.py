"""The log `flyexpr`: why something is waited for, through both doors; silent, and not even imported, by default."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import scripted

import flyexpr
from flyexpr import (
    DynamoError,
    Table,
    aio,
    batch_get,
    batch_write,
    create_table,
    put_item,
    run,
)
from flyexpr.drive import WARNING, Pause, note, noted
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file import connections

ROOT = Path(flyexpr.__file__).parent.parent
things = Table("things", "id")


@pytest.fixture(params=["plain", "awaited"])
def perform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Calls a function of a door, by name, on a plain engine; nobody really waits."""
    import asyncio

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    sleep = asyncio.sleep
    monkeypatch.setattr("asyncio.sleep", lambda seconds: sleep(0))

    def awaited(name: str, table: Table, *arguments: Any) -> Any:
        async def engine(operation: str, body: bytes) -> bytes:
            return table.bound(operation, body)

        return asyncio.run(getattr(aio, name)(table.on(engine), *arguments))

    def plain(name: str, table: Table, *arguments: Any) -> Any:
        return getattr(flyexpr, name)(table, *arguments)

    return awaited if request.param == "awaited" else plain


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log says, without the seconds, which are random."""
    caplog.set_level(logging.INFO, "flyexpr")

    def said() -> list[str]:
        return [f"{record.levelname} {record.getMessage().partition('; again in ')[0]}" for record in caplog.records]

    return said


def status(name: str) -> dict[str, Any]:
    return {"Table": {"TableName": "things", "TableStatus": name}}


def test_a_table_that_is_waited_for(perform: Callable[..., Any], lines: Callable[[], list[str]]) -> None:
    engine = scripted([{}, status("CREATING"), status("CREATING"), status("ACTIVE")])
    perform("run", things.on(engine), create_table())
    assert lines() == ["INFO table 'things' is CREATING"] * 2


def test_batches_that_leave_something(perform: Callable[..., Any], lines: Callable[[], list[str]]) -> None:
    left = [{"PutRequest": {"Item": {"id": {"S": "b"}}}}]
    engine = scripted([{"UnprocessedItems": {"things": left}}, {}])
    assert perform("run", things.on(engine), batch_write([put_item({"id": name}) for name in "ab"])) == 2
    engine = scripted([{"UnprocessedKeys": {"things": {"Keys": [{"id": {"S": "b"}}]}}}, {}])
    perform("run", things.on(engine), batch_get(["a", "b"]))
    assert lines() == [
        "INFO BatchWriteItem: 1 of 2 were left unprocessed",
        "INFO BatchGetItem: 1 of 2 were left unprocessed",
    ]


def test_writers_that_meet(perform: Callable[..., Any], lines: Callable[[], list[str]]) -> None:
    refused = DynamoError.of("ConditionalCheckFailedException", "The conditional request failed")
    engine = scripted([{}, refused, {}, {}])
    perform("modify", things.on(engine), "secret", lambda item: {**item, "n": 1})
    assert lines() == ["INFO another writer was faster, attempt 1 of 10"]


def test_a_long_wait_for_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    waiting = threading.Event()

    def patiently(attempt: Callable[[], Any], seconds: float) -> Any:
        waiting.set()
        return connections.patiently(attempt, seconds)

    monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.open_file.patiently", patiently)
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.open_file.SLOW_SECONDS", 0.0)
    place = str(tmp_path / "slow.db")
    with SqliteEngine(place) as one, SqliteEngine(place) as other:
        run(things.on(one), create_table())
        assert lines() == []
        with one._storage.transaction("IMMEDIATE"):
            writer = threading.Thread(target=flyexpr.put, args=(things.on(other), {"id": "secret"}))
            writer.start()
            assert waiting.wait(30)
        writer.join()
    (line,) = lines()
    assert line.startswith(f"INFO {place}: waited ")
    assert line.endswith(" s for another process that wrote")


def test_a_pause_is_the_same_whatever_its_reason() -> None:
    assert Pause(1.5, "because", WARNING) == Pause(1.5)
    assert noted(Pause(1.5, "because")) == noted(Pause(1.5)) == 1.5


def fresh(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


SEND = """
import flyexpr, sys
table = flyexpr.Table("things", "id").on(flyexpr.connect("http://localhost:1?attempts=2"))
try:
    flyexpr.get(table, "a")
except flyexpr.ConnectionFailed:
    print("logging" in sys.modules)
"""


@pytest.mark.parametrize("first, printed", [("", "False"), ("import logging", "True")])
def test_it_is_silent_by_default(first: str, printed: str) -> None:
    """Even a warning is, which `logging` would print for a log that nobody has set up."""
    done = fresh(first + SEND)
    assert (done.stdout.strip(), done.stderr) == (printed, "")


def test_a_program_that_sets_up_logging_reads_it() -> None:
    done = fresh("import logging; logging.basicConfig(format='%(levelname)s %(name)s: %(message)s')" + SEND)
    assert done.stderr.startswith(
        "WARNING flyexpr: GetItem: no usable answer (ConnectionRefusedError), attempt 1 of 2; again in 0.0"
    )


def test_note_leaves_the_handlers_of_the_program_alone() -> None:
    log, handler = logging.getLogger("flyexpr"), logging.NullHandler()
    before, log.handlers[:] = log.handlers[:], [handler]
    try:
        note(WARNING, "once more")
        assert log.handlers == [handler]
    finally:
        log.handlers[:] = before
