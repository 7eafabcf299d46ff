"""What an unexpected exception is called: damage only what is damage, and a defect only what is one."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, key

from flyexpr import DynamoError, Throttled
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file.failures import RESTORE, failure
from flyexpr.engines.sqlite.faults import DamagedFileError

DEFECT = "a.db: a defect of the engine ({}); nothing of the request was written"
FAILURES: list[tuple[Exception, str]] = [
    (sqlite3.DatabaseError("database disk image is malformed"), "a.db: database disk image is malformed" + RESTORE),
    (sqlite3.DatabaseError("malformed database schema (x)"), "a.db: malformed database schema (x)" + RESTORE),
    (sqlite3.DatabaseError("file is not a database"), "a.db: file is not a database" + RESTORE),
    (DamagedFileError("a stored item cannot be read"), "a.db: a stored item cannot be read" + RESTORE),
    (
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        "a.db: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte" + RESTORE,
    ),
    (
        sqlite3.OperationalError("database or disk is full"),
        "a.db: database or disk is full; nothing of the request was written: make room, and send it again",
    ),
    (
        sqlite3.OperationalError("attempt to write a readonly database"),
        "a.db: attempt to write a readonly database; the file, or its folder, cannot be written to any more",
    ),
    (sqlite3.OperationalError("disk I/O error"), "a.db: disk I/O error; nothing of the request was written"),
    (
        sqlite3.OperationalError("unable to open database file"),
        "a.db: unable to open database file; the file, or its folder, cannot be opened any more",
    ),
    (
        sqlite3.ProgrammingError("Cannot operate on a closed database."),
        DEFECT.format("ProgrammingError: Cannot operate on a closed database."),
    ),
    (TypeError("unhashable type: 'dict'"), DEFECT.format("TypeError")),
    (AttributeError("'dict' object has no attribute 'encode'"), DEFECT.format("AttributeError")),
    (KeyError("a secret of an item"), DEFECT.format("KeyError")),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), DEFECT.format("UnicodeEncodeError")),
    (AssertionError(), DEFECT.format("AssertionError")),
    (RecursionError(), DEFECT.format("RecursionError")),
    (MemoryError(), DEFECT.format("MemoryError")),
]


@pytest.mark.parametrize("error, told", FAILURES, ids=[str(told)[6:50] for _, told in FAILURES])
def test_failures(error: Exception, told: str) -> None:
    assert (failure(error, "a.db").code, failure(error, "a.db").message) == ("InternalServerError", told)


@pytest.mark.parametrize("words", ["database is locked", "database table is locked", "locking protocol"])
def test_a_file_in_use(words: str) -> None:
    error = failure(sqlite3.OperationalError(words), "a.db")
    assert isinstance(error, Throttled)
    assert error.message == f"a.db is locked by another process: {words}"


@pytest.mark.parametrize("place", ["file", "memory"])
@pytest.mark.parametrize("raised", [TypeError("of an item"), sqlite3.OperationalError("no such table: x")])
def test_a_defect_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, raised: Exception
) -> None:
    """In memory too; the engine goes on, and nothing was written."""

    def broken(*_: Any) -> Callable[..., Any]:
        raise raised

    with SqliteEngine(str(tmp_path / "tables.db") if place == "file" else ":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        with monkeypatch.context() as patch:
            patch.setattr("flyexpr.engines.sqlite.operations.carry_out._change_entry", broken)
            with pytest.raises(DynamoError, match="a defect of the engine") as error:
                call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "gk": {"S": "g"}}})
        assert error.value.code == "InternalServerError"
        assert "damaged" not in error.value.message
        assert "of an item" not in error.value.message
        assert error.value.__cause__ is raised
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 0


@pytest.mark.parametrize("operator", [{}, [], 1])
@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "Expected", "KeyConditions"])
def test_a_request_of_the_wrong_shape_is_never_damage(tmp_path: Path, member: str, operator: Any) -> None:
    operation = {"ScanFilter": "Scan", "Expected": "DeleteItem"}.get(member, "Query")
    request = {member: {"x": {"ComparisonOperator": operator}}, "TableName": "tab"}
    request |= {"Key": key(1)} if operation == "DeleteItem" else {}
    with SqliteEngine(str(tmp_path / "tables.db")) as engine:
        call(engine, "CreateTable", TABLE)
        with pytest.raises(DynamoError) as error:
            call(engine, operation, request)
        assert "damaged" not in error.value.message


BODIES: list[tuple[bytes, str]] = [
    (b" " * (16 * 1024 * 1024 + 1), "the body is over 16 MB"),
    (b"", "the body is not the JSON of a request"),
    (b"[]", "the body is not the JSON of a request"),
    (b"{} {}", "the body is not the JSON of a request"),
    (b"\xff", "the body is not the JSON of a request"),
    (b'{"a": "\\ud800"}', "the body is not the JSON of a request"),
    (b"[" * 100_000, "the body is not the JSON of a request"),
]


@pytest.mark.parametrize("operation", ["ListTables", "PutItem"])
@pytest.mark.parametrize("body, message", BODIES, ids=[str(body[:9]) for body, _ in BODIES])
def test_a_body_that_is_no_request(operation: str, body: bytes, message: str) -> None:
    with SqliteEngine(":memory:") as engine, pytest.raises(DynamoError) as error:
        engine(operation, body)
    assert (error.value.code, error.value.message) == ("SerializationException", message)


def test_an_operation_that_is_unknown() -> None:
    with SqliteEngine(":memory:") as engine, pytest.raises(DynamoError) as error:
        engine("DropTable", b"{}")
    assert str(error.value) == "UnknownOperationException: DropTable is not an operation of this engine"
