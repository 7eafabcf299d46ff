"""An exception that comes between any two lines, as a signal's does, leaves no transaction open and no lock held."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from embedded import PLAIN, TABLE, key

from flyexpr import FlyexprError
from flyexpr.engines import call, sqlite
from flyexpr.engines.sqlite import SqliteEngine

FILES = (
    "engine.py",
    "connections.py",
    "files.py",
    "formats.py",
    "open_file.py",
    "paths.py",
    "storage.py",
    "single_rows.py",
    "turns.py",
    "long_writes.py",
    "items.py",
    "fills.py",
    "tables.py",
)
PLACE = str(Path("engines") / "sqlite")


class Interruption(BaseException):
    """Stands for KeyboardInterrupt, which pytest would take for itself."""


@contextmanager
def interrupted(at: int) -> Iterator[list[str]]:
    """Raise at the n-th step through the engine's own code; gives the place, or nothing if it ended before."""
    places: list[str] = []
    left = at

    def step(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if PLACE not in frame.f_code.co_filename or Path(frame.f_code.co_filename).name not in FILES:
            return None
        if frame.f_code.co_name == "__del__" or places:
            return None
        left -= 1
        if not left:
            places.append(
                f"{frame.f_code.co_qualname if hasattr(frame.f_code, 'co_qualname') else ''}:{frame.f_lineno}"
            )
            raise Interruption
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        yield places
    finally:
        sys.settrace(before)


UPDATE = {
    "TableName": "tab",
    "Key": key(1),
    "UpdateExpression": "ADD n :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}
ASKED = {"TableName": "tab", "Key": key(1)}


def steps() -> Iterator[int]:
    """Every step at the beginning, where a transaction is begun and ended; then every third."""
    at = 1
    while True:
        yield at
        at += 1 if at < 150 else 3


def number(engine: SqliteEngine) -> int:
    return int(call(engine, "GetItem", ASKED)["Item"]["n"]["N"])


def in_another_thread(action: Callable[[], Any]) -> Any:
    """What an action gives in a thread of its own, which a lock that was left behind would keep waiting."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(action()), daemon=True)
    thread.start()
    thread.join(20)
    assert found, "a lock is held for ever"
    return found[0]


@pytest.mark.parametrize("indexes", [True, False])
def test_an_interrupted_write_is_done_or_not(tmp_path: Path, indexes: bool) -> None:
    """In a transaction, and in a table without indexes by single statements."""
    path = str(tmp_path / "tables.db")
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        call(engine, "CreateTable", TABLE if indexes else PLAIN)
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "gk": {"S": "g"}, "n": {"N": "0"}}})
        for at in steps():
            with interrupted(at) as places, suppress(Interruption):
                call(engine, "UpdateItem", UPDATE)
            connection = engine._storage._connection
            assert connection is None or not connection.in_transaction, places  # before another request ends it
            # Both see the same, so nothing is left uncommitted, and another process could write.
            seen = in_another_thread(lambda: number(engine)), number(other)
            assert seen[0] == seen[1], places
            call(other, "UpdateItem", UPDATE)
            if not places:
                break
        assert at > 40


# Interrupted between opening a file and keeping it, a connection is closed by the collector; Python 3.13 reports that.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_back_fill_is_taken_back_or_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.fills.ABANDONED_SECONDS", 0.0)
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.fills.PORTION_SECONDS", 0.0)
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.fills.PORTION_ITEMS", 1)
    monkeypatch.setattr("flyexpr.engines.sqlite.operations.fills.PAUSE_SECONDS", 0.0)
    index = {
        "IndexName": "by_n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    members = {"TableName": "tab", "AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}]}
    create = {**members, "GlobalSecondaryIndexUpdates": [{"Create": index}]}
    delete = {"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_n"}}]}
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(3):
            call(engine, "PutItem", {"TableName": "tab", "Item": {**key(sort), "n": {"N": "1"}}})
        for at in range(1, 10_000, 23):
            with interrupted(at) as places, suppress(Interruption):
                call(engine, "UpdateTable", create)
            names = [one["IndexName"] for one in described(engine)["GlobalSecondaryIndexes"]]
            if "by_n" in names:
                assert call(engine, "Scan", {"TableName": "tab", "IndexName": "by_n"})["Count"] == 3
                call(engine, "UpdateTable", delete)
            assert stores(engine) == 3, places
            if not places:
                break
        assert at > 100


def described(engine: SqliteEngine) -> dict[str, Any]:
    table: dict[str, Any] = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
    return table


def stores(engine: SqliteEngine) -> int:
    """How many stores the file has: none may be left behind."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name GLOB '*_[0-9]*'"
    ((count,),) = engine._storage.connection.execute(query)
    return int(count)


def test_a_handler_that_asks_gets_an_error_and_the_write_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the handler of a signal asks in the middle of a write is refused, and the write does not suffer."""
    refused: list[FlyexprError] = []
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", TABLE)
        put = engine._storage.put

        def disturbed(*row: Any) -> None:
            put(*row)
            with pytest.raises(FlyexprError, match="in the middle of another one of the same thread") as error:
                call(engine, "ListTables", {})
            refused.append(error.value)

        monkeypatch.setattr(engine._storage, "put", disturbed)
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "gk": {"S": "g"}}})
        monkeypatch.undo()
        assert refused
        assert call(engine, "Scan", {"TableName": "tab", "IndexName": "by_g"})["Count"] == 1
        other = threading.Thread(target=call, args=(engine, "ListTables", {}), daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive(), "the thread that was refused holds no lock"


def test_a_handler_that_asks_while_a_transaction_begins_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own transaction would end the other one, whose write was done all the same, and was told to be refused."""
    refused: list[str] = []
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", TABLE)
        do = engine._storage._do

        def disturbed(statement: str, *values: Any) -> Any:
            cursor = do(statement, *values)
            if statement.startswith(("BEGIN", "SELECT version")):
                with pytest.raises(FlyexprError, match="in the middle of another one of the same thread"):
                    call(engine, "ListTables", {})
                refused.append(statement)
            return cursor

        monkeypatch.setattr(engine._storage, "_do", disturbed)
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "gk": {"S": "g"}}})
        monkeypatch.undo()
        assert refused == ["BEGIN IMMEDIATE", "SELECT version FROM catalog_version"]
        assert call(engine, "Scan", {"TableName": "tab", "IndexName": "by_g"})["Count"] == 1


PUT = {"TableName": "tab", "Item": {**key(2), "n": {"N": "9"}}}


@pytest.mark.parametrize(
    ("operation", "asked"),
    [("UpdateItem", {**UPDATE, "Key": key(2)}), ("PutItem", PUT), ("GetItem", ASKED), ("DescribeTable", {})],
)
def test_a_handler_that_asks_behind_a_single_statement_does_not_change_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, asked: dict[str, Any]
) -> None:
    """Its request would be taken for the outcome of the statement: an update that was done would be done again."""
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", PLAIN)
        call(engine, "UpdateItem", UPDATE)
        storage, left = engine._storage, ["once"]

        def disturbing(run: Callable[..., Any]) -> Callable[..., Any]:
            def disturbed(statement: str, *values: Any) -> Any:
                cursor = run(statement, *values)
                if statement.startswith("UPDATE") and left:
                    left.pop()
                    call(engine, operation, {"TableName": "tab", **asked})
                return cursor

            return disturbed

        for name in ("_do", "_execute"):
            monkeypatch.setattr(storage, name, disturbing(getattr(storage, name)))
        call(engine, "UpdateItem", UPDATE)
        monkeypatch.undo()
        assert not left
        assert number(engine) == 2


def test_every_file_that_ends_transactions_is_interrupted() -> None:
    folder = Path(sqlite.__file__).parent
    assert [name for name in FILES if not list(folder.rglob(name))] == []
    ending = {path.name for path in folder.rglob("*.py") if "rollback()" in path.read_text(encoding="utf-8")}
    assert ending - {*FILES} == set()
    assert ending
