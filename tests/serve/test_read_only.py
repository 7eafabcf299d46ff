"""A server that only reads: what it does, and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import done
from raised import raises
from raw import GOOD, answered

from flyexpr import DynamoError, Table, call, connect, create_table, eq, get, put, query, run
from flyexpr.engine import changes_nothing
from flyexpr.engines.sqlite.engine import OPERATIONS
from flyexpr.serve import Server, serve

NOTES = Table("Notes", "id", stream="both")
CHANGING = sorted(name for name in OPERATIONS if not changes_nothing(name))


@pytest.fixture
def server() -> Iterator[Server]:
    with connect("sqlite::memory:") as engine, serve(engine, console="read", read_only=True) as server:
        run(NOTES.on(engine), create_table())
        put(NOTES.on(engine), {"id": "a"})
        yield server


def test_it_reads(server: Server):
    with connect(server.url) as client:
        notes = NOTES.on(client)
        assert get(notes, "a") == {"id": "a"}
        assert list(run(notes, query(eq("id", "a")))) == [{"id": "a"}]
        assert call(client, "ListStreams", {})["Streams"][0]["TableName"] == "Notes"
    assert done(server, "page", table="Notes", text="id = 'a'", size=1)["items"] == ['{"id": "a"}']
    assert done(server, "tables") == {"engine": "sqlite::memory:", "writable": False, "tables": ["Notes"]}


@pytest.mark.parametrize("operation", CHANGING)
def test_it_refuses_what_can_change_something(server: Server, operation: str):
    with connect(server.url) as client, pytest.raises(DynamoError) as refused:
        client(operation, json.dumps({"TableName": "Notes"}).encode())
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message == f"this server only reads, and {operation} is not among what it does"


def test_what_changes_something_is_known():
    assert {"PutItem", "DeleteTable", "UpdateTimeToLive", "TransactWriteItems", "ExecuteStatement"} <= {*CHANGING}
    assert len(CHANGING) > 15


def test_a_console_that_writes_is_not_that_of_a_server_that_only_reads():
    with raises(ValueError, "a console='write' cannot be that of a server that is read_only=True"):
        serve(lambda operation, body: b"{}", console="write", read_only=True)


def test_several_processes_that_only_read(tmp_path: Path):
    with connect(f"sqlite:{tmp_path / 'notes.db'}") as engine:
        run(NOTES.on(engine), create_table())
        with serve(engine, read_only=True, workers=2) as server:
            for _ in range(4):  # each process has its turn
                said = "AccessDeniedException: this server only reads, and PutItem is not among what it does"
                with connect(server.url) as client, raises(DynamoError, said):
                    put(NOTES.on(client), {"id": "a"})
        assert get(NOTES.on(engine), "a") is None


@pytest.mark.parametrize("name", ["Get.PutItem", "ListTables.DeleteTable", "Describe PutItem", "GetItem,PutItem"])
def test_a_name_that_only_begins_like_a_read_is_refused(name: str):
    """moto, behind the server, would take what follows the last dot."""
    asked = list[str]()

    def engine(operation: str, body: bytes) -> bytes:
        asked.append(operation)
        return b"{}"

    with serve(engine, read_only=True) as server:
        answer = answered(server, GOOD.replace(b"ListTables", name.encode()))
    assert (asked, answer.status, b"AccessDenied" in answer.body) == ([], "400 Bad Request", True)
