"""Jobs that are stopped: what is waited for, what is not, and what the journal says then."""

import json
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from program import Inside
from raised import raises
from scripted import scripted

from flyexpr import (
    BatchIncomplete,
    ConnectionFailed,
    DynamoError,
    Table,
    batch_write,
    connect,
    create_table,
    get_item,
    parse_update,
    put_item,
    run,
)
from flyexpr.cli.formats.csv_rows import BY_CELL
from flyexpr.cli.jobs import work
from flyexpr.cli.jobs.bulk_puts import put_stream
from flyexpr.cli.jobs.bulk_writes import Placed, put_all
from flyexpr.cli.jobs.rejects import Rejects
from flyexpr.cli.jobs.work import Chunk, Job, Stopped
from flyexpr.expressions.repeatable import is_repeatable
from flyexpr.requests.operations import BatchWrite
from flyexpr.steps import batch_writes
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.course import course
from flyexpr.steps.journals.journal import Journal
from flyexpr.steps.many.rate import Pace

TABLE = Table("things", "id")


def sent(job: Job, table: Table, operation: Any) -> None:
    """Performs an operation as a part of the job."""

    def steps(bulk: Bulk) -> Any:
        return bulk.paced(
            batch_writes.batch_write(table, operation, bulk)
            if isinstance(operation, BatchWrite)
            else course(table, operation)
        )

    job.perform(table, steps)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job("put", Journal(tmp_path / "journal", {}))
    yield job
    job.stopping.set()
    job.close()


@pytest.fixture
def interrupted_when(monkeypatch: pytest.MonkeyPatch) -> Callable[[threading.Event], None]:
    """Presses Ctrl-C once an event has come."""

    def wait_for(event: threading.Event) -> None:
        @contextmanager
        def progress(title: str, done: float) -> Iterator[Callable]:
            def tick(*_: object) -> None:
                assert event.wait(10)
                raise KeyboardInterrupt

            yield tick

        monkeypatch.setattr(work, "progress", progress)

    return wait_for


def test_a_thread_that_waits_for_its_input_is_not_waited_for(job: Job, interrupted_when: Callable):
    reading, never = threading.Event(), threading.Event()

    def chunks() -> Iterator[Chunk]:
        yield Chunk([1], 1)
        reading.set()
        never.wait(60)
        yield Chunk([2], 2)

    interrupted_when(reading)
    with pytest.raises(KeyboardInterrupt):
        job.run({"input": chunks()}, lambda part, entries: job.add(len(entries)))
    assert (job.journal.mark("input"), job.done) == (1, 1.0)
    never.set()
    while any(thread.name.endswith("(_do_part)") for thread in threading.enumerate()):
        threading.Event().wait(0.01)
    assert (job.journal.mark("input"), job.done) == (1, 1.0)  # what comes too late is left


def test_a_chunk_under_way_is_finished(job: Job, interrupted_when: Callable):
    doing = threading.Event()

    def do(part: str, entries: list) -> None:
        doing.set()
        assert job.stopping.wait(10)
        job.add(len(entries))

    interrupted_when(doing)
    with pytest.raises(KeyboardInterrupt):
        job.run({"input": iter([Chunk([1], 1), Chunk([2], None)])}, do)
    assert (job.journal.mark("input"), job.journal.counts()) == (1, {"input": {"done": 1.0}})


def test_what_is_asked_twice_is_done_at_once(job: Job, interrupted_when: Callable, monkeypatch: pytest.MonkeyPatch):
    doing, ended = threading.Event(), threading.Event()

    def do(part: str, entries: list) -> None:
        doing.set()
        ended.wait(60)

    def leaves(code: int) -> None:
        ended.set()
        raise SystemExit(code)

    def again() -> None:
        raise KeyboardInterrupt

    interrupted_when(doing)
    monkeypatch.setattr("os._exit", leaves)
    monkeypatch.setattr(job._idle, "wait", again)
    with pytest.raises(SystemExit) as caught:
        job.run({"input": iter([Chunk([1], None)])}, do)
    assert caught.value.code == 130


def test_the_first_failure_stops_all_parts(job: Job):
    failed = threading.Event()

    def do(part: str, entries: list) -> None:
        if part == "bad":
            failed.set()
            raise ValueError("first")
        assert job.stopping.wait(10)
        sent(job, TABLE, put_item({"id": "a"}))

    with raises(ValueError, "first"):
        job.run({"bad": iter([Chunk([], 1)]), "good": iter([Chunk([], 1), Chunk([], 2)])}, do)
    assert failed.is_set()
    assert job.journal.mark("bad") is job.journal.mark("good") is None


def test_units_that_have_begun_end_before_the_failure_of_one(job: Job):
    done: list[str] = []

    def engine(operation: str, body: bytes) -> bytes:
        if b'"first"' in body:
            threading.Event().wait(0.01)  # others have begun by then
            raise ConnectionFailed("ConnectionFailed", "gone")
        done.append(operation)
        return b"{}"

    puts = [put_item({"id": "first"}), *(put_item({"id": str(n)}) for n in range(600))]
    with pytest.raises(BatchIncomplete) as caught:
        sent(job, TABLE.on(engine), batch_write(puts))
    asked = len(done)
    assert caught.value.written == job.done
    assert 25 * asked - 24 <= job.done <= 25 * asked  # the last request has one item
    threading.Event().wait(0.01)
    assert len(done) == asked


def test_no_more_requests_of_all_parts_together_than_writers(job: Job, monkeypatch: pytest.MonkeyPatch):
    lock, flying, most = threading.Lock(), [0], [0]

    def engine(operation: str, body: bytes) -> bytes:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        threading.Event().wait(0.03)
        with lock:
            flying[0] -= 1
        return b"{}"

    puts = [[put_item({"id": f"{part}{n}"}) for n in range(500)] for part in range(4)]
    parts = {str(part): [Chunk(puts[part], None)] for part in range(4)}
    job.run(parts, lambda part, entries: sent(job, TABLE.on(engine), batch_write(entries)))
    assert job.done == 2000.0
    assert most[0] <= work.WRITERS


def test_a_pace_that_waits_is_left_when_the_job_stops():
    job = Job("put", rate=0.001)
    table = Table("things", "id").on(lambda operation, body: b"{}")
    job.spend(100, 0)

    def do(part: str, entries: list) -> None:
        threading.Timer(0.1, job.stopping.set).start()
        sent(job, table, put_item({"id": "a"}))
        job.add(1)

    job.run({"input": iter([Chunk([1], None)])}, do)
    assert (job.done, job.journal.mark("input"), job.journal.is_done("input")) == (0.0, None, False)
    job.close()


@pytest.mark.parametrize(
    "command",
    [
        "put Things things.jsonl",
        "copy Things --to . --as Copy",
        "export Things folder",
        "export Things folder/things.csv --segments 2",
        "export Things folder/things.jsonl.gz",
        "import Things things.jsonl",
        "update Things 'ADD n 1' --where 'n > 0'",
        "delete Things --where 'n > 0' --yes",
    ],
)
def test_every_job_is_held_to_its_pace(inside: Inside, monkeypatch: pytest.MonkeyPatch, command: str):
    Path("things.jsonl").write_text("".join(f'{{"id": "{n}", "n": {n}}}\n' for n in range(3)))
    inside("create", "Things", "id")
    inside("put", "Things", "things.jsonl")
    paces: list[Pace] = []
    monkeypatch.setattr(Pace, "delay", lambda pace, units: paces.append(pace) or 0.0)
    assert inside(*shlex.split(command), "--rate", "7").code == 0
    assert {pace._rate for pace in paces} == {7}


def test_a_part_that_is_done_is_not_done_again(tmp_path: Path):
    path = tmp_path / "journal"
    for _ in range(2):
        job, seen = Job("put", Journal(path, {})), []
        job.run({"a": iter([Chunk([1], None)])}, lambda part, entries, seen=seen: seen.extend(entries))
        job.close()
    assert seen == []


def test_steps_of_a_job_are_counted_by_what_they_cost(job: Job):
    engine = connect("sqlite::memory:")
    table = Table("things", "id").on(engine)
    run(table, create_table())
    sent(job, table, put_item({"id": "a", "text": "x" * 1500}))
    sent(job, table, get_item("a", consistent=True))
    assert job.summary("put").startswith("0 items put, 1 read unit, 2 write units")


def test_what_a_failed_write_took_is_counted_with_what_was_done_before(job: Job):
    first = {"ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 25.0}]}
    table = Table("things", "id").on(scripted([first, ConnectionFailed("ConnectionFailed", "gone")]))
    with pytest.raises(BatchIncomplete):
        sent(job, table, batch_write([put_item({"id": str(n)}) for n in range(30)]))
    assert "25 write units" in job.summary("put")


def test_a_stream_has_fewer_batches_under_way_once_the_table_has_left_something(job: Job):
    lock, numbers, flying, most = threading.Lock(), count(), [0], [0]
    all_at_once = threading.Barrier(work.STREAM_WRITERS)

    def engine(operation: str, body: bytes) -> bytes:
        number = next(numbers)
        if number < work.STREAM_WRITERS:
            all_at_once.wait(10)
        if number == work.STREAM_WRITERS:
            return json.dumps({"UnprocessedItems": json.loads(body)["RequestItems"]}).encode()
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0]) if number > work.CHUNK // 25 else 0
        threading.Event().wait(0.005)
        with lock:
            flying[0] -= 1
        return b"{}"

    items = 3 * work.CHUNK
    stream = BytesIO(b"".join(b'{"id": "%d"}\n' % number for number in range(items)))
    put_stream(job, TABLE.on(engine), stream, "json", BY_CELL, dry_run=False)
    assert (job.done, next(numbers)) == (items, items // 25 + 1)
    assert 1 < most[0] <= work.WRITERS


def test_a_pause_between_tries_ends_when_the_job_stops(job: Job):
    left = {"UnprocessedItems": {"things": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}]}}
    table = Table("things", "id").on(scripted([left]))
    job.stopping.set()
    with pytest.raises(Stopped):
        sent(job, table, batch_write([put_item({"id": "a"})]))


@pytest.mark.parametrize(
    "text, repeatable",
    [
        ("SET a = 1, b.c = {'d': [1]} REMOVE e, f.g", True),
        ("ADD tags <<'x'>> DELETE olds <<'y'>>", True),
        ("SET a = if_not_exists(a, 1)", True),
        ("SET a = if_not_exists(b, 1)", False),
        ("SET a = if_not_exists(a, b)", False),
        ("SET a = a + 1", False),
        ("SET a = list_append(a, [1])", False),
        ("SET a = b", False),
        ("ADD wins 1", False),
        ("REMOVE log[0]", False),
        ("SET log[0].seen = true", False),
        ("SET a = 1 ADD wins 1", False),
    ],
)
def test_what_may_be_done_again_after_a_crash(text: str, repeatable: bool):
    assert is_repeatable(parse_update(text)) is repeatable


def test_a_chunk_that_ends_early_is_entered_up_to_what_is_not_done(tmp_path: Path):
    """Of a batch that the service refuses, each item goes alone: those after the error are left."""
    invalid, down = DynamoError.of("ValidationException", "no"), DynamoError.of("InternalServerError", "down")
    table = TABLE.on(scripted([invalid, {}, invalid, {}, down]))
    job = Job("put", Journal(tmp_path / "journal", {}), Rejects(tmp_path / "rejects"))
    items = [Placed(f"line {number}", {"id": f"{number}"}) for number in range(1, 7)]
    chunk = Chunk(items, None, within=lambda number: (items[number - 1].place, {}))
    with raises(DynamoError, "InternalServerError: down"):
        job.run({"input": [chunk]}, lambda _, placed: put_all(job, table, placed))
    assert job.journal.mark("input") == "line 3"
    assert job.journal.counts()["input"] == {"refused": 1, "done": 2, "read": 0, "written": 0}
    job.close()
    assert (tmp_path / "rejects").read_text() == '{"place": "line 2", "reason": "no", "text": "{\\"id\\": \\"2\\"}"}\n'
