"""`mode=ro`: a file that is only read, whoever owns it, wherever it lies, whoever writes to it meanwhile."""

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Clock, key
from raised import raises

import flyexpr
from flyexpr import DynamoError, FlyexprError, Throttled
from flyexpr.engines import call, connect
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.engine import OPERATIONS

READING = {
    "BatchGetItem": {"RequestItems": {"tab": {"Keys": [key(1)]}}},
    "DescribeContinuousBackups": {"TableName": "tab"},
    "DescribeEndpoints": {},
    "DescribeLimits": {},
    "DescribeTable": {"TableName": "tab"},
    "DescribeTimeToLive": {"TableName": "tab"},
    "GetItem": {"TableName": "tab", "Key": key(1)},
    "ListTables": {},
    "Query": {
        "TableName": "tab",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    },
    "Scan": {"TableName": "tab"},
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "tab", "Key": key(1)}}]},
}
WRITING = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "CreateTable", "DeleteTable"]
SCAN = READING["Scan"]


def put(engine: SqliteEngine, number: int) -> None:
    call(engine, "PutItem", {"TableName": "tab", "Item": key(number)})


def numbers(engine: SqliteEngine) -> list[int]:
    return sorted(int(item["sk"]["N"]) for item in call(engine, "Scan", SCAN)["Items"])


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file with one table and one item, which nobody has open."""
    place = str(tmp_path / "tables #1 50%.db")
    with SqliteEngine(place) as engine:
        call(engine, "CreateTable", TABLE)
        put(engine, 1)
    return place


@pytest.fixture
def reader(path: str) -> Iterator[SqliteEngine]:
    with connect(f"sqlite:{path}?mode=ro") as engine:
        yield engine


def test_its_timeout_is_that_of_its_file(path: str) -> None:
    with connect(f"sqlite:{path}?mode=ro&timeout=7") as engine:
        assert (engine.timeout, engine._storage.patience) == (7, 7)
        with engine._storage.beside() as other:
            assert other.patience == 7


def lying(path: str) -> dict[str, tuple[int, bytes]]:
    """The folder of the file: each file with its time and its content."""
    return {each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in Path(path).parent.iterdir()}


def test_it_answers_like_any_engine_and_leaves_no_trace(path: str) -> None:
    with SqliteEngine(path) as engine:
        expected = {operation: call(engine, operation, request) for operation, request in READING.items()}
    before = lying(path)
    with SqliteEngine(path, mode="ro") as engine:
        assert {operation: call(engine, operation, request) for operation, request in READING.items()} == expected
    assert lying(path) == before
    assert [*before] == [Path(path).name]


def test_what_writes_is_refused_before_anything(path: str, reader: SqliteEngine) -> None:
    before, refused = lying(path), dict[str, str]()
    for operation in OPERATIONS:
        try:
            reader(operation, b"nonsense")
        except DynamoError as error:
            if error.code == "AccessDeniedException":
                refused[operation] = error.message
    assert {*WRITING} <= {*refused}
    assert {*refused}.isdisjoint(READING)
    assert refused["PutItem"] == (
        f"{path} was opened to be read only, and PutItem writes\n  hint: connect without mode=ro"
    )
    assert lying(path) == before
    with raises(DynamoError, "UnknownOperationException: Sing is not an operation of this engine"):
        reader("Sing", b"{}")


def test_a_writer_at_work_is_seen(path: str) -> None:
    with SqliteEngine(path) as writer, SqliteEngine(path, mode="ro") as reader:
        put(writer, 2)
        assert numbers(reader) == [1, 2]
        put(writer, 3)
        assert numbers(reader) == [1, 2, 3]
        writer.close()
        assert numbers(reader) == [1, 2, 3]


def test_a_writer_that_comes_and_goes_is_seen(path: str, reader: SqliteEngine) -> None:
    assert numbers(reader) == [1]
    with SqliteEngine(path) as writer:
        put(writer, 2)
        assert numbers(reader) == [1, 2]
    with SqliteEngine(path) as writer:
        put(writer, 3)
    assert numbers(reader) == [1, 2, 3]
    assert call(reader, "GetItem", {"TableName": "tab", "Key": key(3)}) == {"Item": key(3)}


def test_who_has_the_file_locked_for_a_moment_is_waited_for(path: str) -> None:
    """As after a crash, while somebody else recovers the log."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("UPDATE catalog_version SET version = version")
    releasing = threading.Timer(0.2, other.close)
    releasing.start()
    with connect(f"sqlite:{path}?mode=ro") as reader:
        assert call(reader, "ListTables", {})["TableNames"]
    releasing.join()


def test_a_file_that_takes_its_place_is_read(path: str, reader: SqliteEngine, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    with SqliteEngine(str(other)) as writer:
        put(writer, 9)
    other.replace(path)
    assert numbers(reader) == [1, 9]


def test_what_is_written_while_it_is_read_does_not_count(
    path: str, reader: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = Storage.get

    def disturbed(storage: Storage, store: str, key: bytes) -> Any:
        found = get(storage, store, key)
        with monkeypatch.context() as patch:
            patch.setattr(Storage, "get", get)
            with SqliteEngine(path) as writer:
                put(writer, 2)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "get", disturbed)
        with pytest.raises(Throttled) as caught:
            call(reader, "GetItem", READING["GetItem"])
    assert str(caught.value) == f"ThrottlingException: {path} was written to while it was read"
    assert numbers(reader) == [1, 2]


def test_what_has_expired_stays(path: str) -> None:
    clock = Clock()
    expiry = {"AttributeName": "exp", "Enabled": True}
    with SqliteEngine(path, clock=clock) as writer:
        call(writer, "UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": expiry})
        call(writer, "PutItem", {"TableName": "tab", "Item": {**key(2), "exp": {"N": f"{clock.now + 1:.0f}"}}})
    clock.now += 60
    with SqliteEngine(path, mode="ro", clock=clock) as reader:
        assert numbers(reader) == numbers(reader) == [1, 2]
    with SqliteEngine(path, clock=clock) as writer:
        assert numbers(writer) == [1]


def test_it_pickles_and_shows_as_what_it_is(path: str, reader: SqliteEngine) -> None:
    assert repr(reader) == f"<engine sqlite:{path}?mode=ro>"
    with (
        pickle.loads(pickle.dumps(reader)) as copy,
        raises(
            DynamoError,
            f"AccessDeniedException: {path} was opened to be read only, and PutItem writes\n"
            "  hint: connect without mode=ro",
        ),
    ):
        put(copy, 2)
    impatient = connect(f"sqlite:{path}?timeout=0.5")
    with impatient, pickle.loads(pickle.dumps(impatient)) as copy:
        assert (copy.mode, copy.timeout) == ("rw", 0.5)


# what cannot be read


def refused(url: str) -> str:
    with pytest.raises(FlyexprError) as caught:
        connect(url)
    return str(caught.value)


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    place = tmp_path / "none.db"
    assert refused(f"sqlite:{place}?mode=ro") == f"cannot open '{place}': there is no such file, and mode=ro makes none"
    place.touch()
    assert refused(f"sqlite:{place}?mode=ro") == f"cannot use '{place}': it is empty, and mode=ro makes no tables"
    assert place.read_bytes() == b""
    place.write_text("dear diary, " * 100)
    assert refused(f"sqlite:{place}?mode=ro") == f"cannot use '{place}' as a table file: file is not a database"
    assert refused(f"sqlite:{tmp_path}?mode=ro").startswith(f"cannot open '{tmp_path}': it is a folder")
    assert refused("sqlite::memory:?mode=ro") == (
        "tables in memory begin empty, so there is nothing for mode=ro to read"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_pipe_is_refused(tmp_path: Path, mode: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refused(f"sqlite:{pipe}?mode={mode}") == f"cannot open '{pipe}': it is not a file, but a pipe or a device"


def test_an_unreadable_file_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place != path)  # as root may read everything
    assert refused(f"sqlite:{path}?mode=ro") == f"cannot open {path!r}: there is no permission to read it"


def test_a_log_without_its_index_needs_a_place_to_write(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(f"{path}-wal").touch()
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK)
    assert refused(f"sqlite:{path}?mode=ro") == (
        f"cannot open {path!r}: its log lies beside it without the log's index (-shm)\n"
        "  hint: open it once where the folder can be written to, or copy all of its files"
    )


def test_options_that_are_wrong(path: str) -> None:
    assert refused(f"sqlite:{path}?mode=rx") == "mode='rx' is neither 'rw' nor 'ro'"
    assert refused(f"sqlite:{path}?mode=") == "mode='' is neither 'rw' nor 'ro'"
    assert refused(f"sqlite:{path}?mode=ro&mode=rw") == (
        f"the option 'mode' stands twice in 'sqlite:{path}?mode=ro&mode=rw'\n  write it once"
    )
    for wrong in ("soon", "-1", "nan", "inf", "1e9"):
        assert refused(f"sqlite:{path}?timeout={wrong}") == (
            f"timeout= in 'sqlite:{path}?timeout={wrong}' takes a number of seconds, not {wrong!r}"
        )
    assert refused(f"sqlite:{path}?colour=1") == (
        f"no option 'colour' in 'sqlite:{path}?colour=***'\n"
        "  write one of: sync=normal, sync=full, mode=ro, timeout=SECONDS, retention=24h, shards=1, shard_time=4h, "
        "indexing=30s, searching=wide"
    )


# another user's file, in a folder where nothing can be made

CHILD = """
import os, sys
from flyexpr import Table, connect, run, scan
path, = sys.argv[1:]
def ask():
    table = Table("tab", "pk", "sk").on(connect(f"sqlite:{path}?mode=ro"))
    return sorted(item["sk"] for item in run(table, scan()))
if os.geteuid() == 0:
    ask()  # all is imported now: the other user may not be able to read the library
    os.setuid(65534)
assert not os.access(path, os.W_OK) and not os.access(os.path.dirname(path), os.W_OK)
try:
    connect(f"sqlite:{path}")
except Exception as error:
    print(error)
print(ask())
"""
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def shut(path: str) -> Iterator[str]:
    """A copy of the file in a folder that may be entered and not written to."""
    folder = tempfile.mkdtemp()
    place = shutil.copy(path, f"{folder}/tables.db")
    os.chmod(place, 0o444)
    os.chmod(folder, 0o555)
    yield place
    os.chmod(folder, 0o755)
    shutil.rmtree(folder)


def asked(place: str) -> list[str]:
    """What somebody who may not write finds in the file, by lines; a user without rights, if this one is root."""
    environment = {**os.environ, "PYTHONPATH": str(Path(flyexpr.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", CHILD, place], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions")
def test_another_user_reads_it(shut: str) -> None:
    assert asked(shut) == [
        f"cannot open '{shut}': it is read-only, and an engine writes",
        f"  hint: 'sqlite:{shut}?mode=ro' only reads it",
        "[1]",
    ]


@pytest.mark.skipif(not ROOT, reason="needs root, to write where another user cannot")
def test_another_user_reads_what_its_owner_is_writing(shut: str) -> None:
    with SqliteEngine(shut) as owner:
        put(owner, 2)
        assert asked(shut)[-1] == "[1, 2]"
