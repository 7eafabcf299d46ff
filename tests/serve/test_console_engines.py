"""The console on every engine that is present: it asks for nothing that only the embedded engine knows."""

import json
from collections.abc import Iterator

import pytest
from calls import done, failed
from engines import AWAITED, Engine

from flyexpr import GlobalIndex, Table, create_table, put, put_all, run
from flyexpr.serve import Server, serve


@pytest.fixture
def notes(engine_name: str, engine: Engine, fresh_name: str) -> Table:
    if engine_name.endswith(AWAITED):
        pytest.skip("a server takes an engine that is called")
    index = GlobalIndex("ByTag", "tag", "at")
    table = Table(fresh_name, "user", "at", attributes={"at": int}, indexes=[index], stream="both").on(engine)
    run(table, create_table())
    put_all(
        table, ({"user": f"u{number % 2}", "at": number, "tag": "x" if number % 3 else "y"} for number in range(30))
    )
    return table


@pytest.fixture
def server(notes: Table) -> Iterator[Server]:
    with serve(notes.bound, console="write") as server:
        yield server


def test_tables_and_what_they_are(notes: Table, server: Server):
    start: str | None = ""
    names: list[str] = []
    while start is not None:
        found = done(server, "tables", start=start or None)
        names, start = names + found["tables"], found.get("next")
    assert notes.name in names
    described = done(server, "table", table=notes.name)
    assert described["key"] == [{"name": "user", "type": "S"}, {"name": "at", "type": "N"}]
    assert [(index["name"], index["ready"]) for index in described["indexes"]] == [("ByTag", True)]


def test_pages(notes: Table, server: Server):
    asked = {"table": notes.name, "text": "tag = 'y'", "descending": True, "size": 4}
    assert done(server, "explain", table=notes.name, text="tag = 'y'")["index"] == "ByTag"
    found, cursor = [], None
    while not found or cursor:
        page = done(server, "page", **asked, cursor=cursor)
        found, cursor = found + [json.loads(item)["at"] for item in page["items"]], page.get("cursor")
    assert found == list(range(27, -1, -3))
    assert failed(server, "page", table=notes.name, text="", size=1)[1]["needs"] == "budget"
    scanned = done(server, "page", table=notes.name, text="", size=100, scan={"budget": 100})
    assert sorted(json.loads(item)["at"] for item in scanned["items"]) == list(range(30))


def test_writes(notes: Table, server: Server):
    item = '{"user": "ada", "at": 1, "tags": {"$set": ["a", "b"]}, "n": 0.10}'
    key = '{"user": "ada", "at": 1}'
    created = done(server, "create", table=notes.name, item=item)["item"]
    assert json.loads(created) == json.loads(item)
    assert failed(server, "create", table=notes.name, item=item)[0] == 409
    edited = created.replace('["a", "b"]', '["b"]').replace("0.1", "0.2")
    asked = {"table": notes.name, "key": key, "old": created, "item": edited}
    assert done(server, "diff", **asked)["update"] == "SET n = 0.2 DELETE tags <<'a'>>"
    saved = done(server, "save", **asked)["item"]
    assert json.loads(saved) == json.loads(edited)
    status, conflict = failed(server, "save", **asked)
    assert status == 409
    assert json.loads(conflict["item"] or edited) == json.loads(edited)  # not every engine gives the item
    assert done(server, "delete", table=notes.name, key=key, old=saved) == {"item": None}
    assert done(server, "item", table=notes.name, key=key) == {"item": None}


@pytest.mark.engine_fault("dynalite", reason="has no streams")
@pytest.mark.engine_fault("dynoxide", reason="says of the shard that it writes to that it has ended")
def test_changes(notes: Table, server: Server):
    assert done(server, "table", table=notes.name)["stream"]
    cursor = done(server, "changes", table=notes.name)["cursor"]
    put(notes, {"user": "ada", "at": 1})
    put(notes, {"user": "ada", "at": 1, "n": 1})
    found = done(server, "changes", table=notes.name, cursor=cursor)
    assert [(each["kind"], each["old"], each["new"]) for each in found["changes"]] == [
        ("INSERT", None, '{"user": "ada", "at": 1}'),
        ("MODIFY", '{"user": "ada", "at": 1}', '{"user": "ada", "at": 1, "n": 1}'),
    ]
