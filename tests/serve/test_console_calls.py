"""What the calls of the console give, on each kind of engine."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from calls import done, failed

from flyexpr import (
    DynamoError,
    Engine,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    Table,
    VectorIndex,
    any_of,
    connect,
    create_table,
    delete,
    eq,
    get,
    gt,
    near,
    put,
    put_all,
    query,
    request,
    run,
    scan,
    search,
)
from flyexpr.serve import Server, serve
from flyexpr.serve.console import reading
from flyexpr.serve.console.failures import failure_of

MOVIES = Table(
    "Movies",
    "year",
    "title",
    attributes={"year": int, "rating": int},
    indexes=[
        GlobalIndex("ByStudio", "studio", "year", project=["rating"]),
        LocalIndex("ByRating", "rating", project="keys"),
        VectorIndex("ByMood", "mood", 2, filters=["studio"]),
    ],
    stream="both",
)
PLAIN = Table("Plain", "id", throughput=(5, 2), ttl="until")
ODD = {
    "year": 1,
    "title": "odd",
    "big": 12345678901234567890123456789012345678,
    "bytes": b"\x00\xff",
    "sets": {"s": {"a", "b"}, "n": {1, 2}, "b": {b"x"}},
    "$set": None,
    "deep": [[], {}, "", True],
}


def movies() -> Iterator[dict[str, Any]]:
    for number in range(60):
        yield {
            "year": 2000 + number % 3,
            "title": f"Film {number:02}",
            "studio": "abc"[number % 3],
            "rating": number % 10,
            "mood": [1, number],
        }


@pytest.fixture(params=["memory", "file", "endpoint"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with ExitStack() as stack:
        engine = stack.enter_context(
            connect(f"sqlite:{tmp_path / 'movies.db'}" if request.param == "file" else "sqlite::memory:")
        )
        for table in (MOVIES, PLAIN):
            run(table.on(engine), create_table())
        put_all(MOVIES.on(engine), movies())
        if request.param == "endpoint":
            engine = stack.enter_context(connect(stack.enter_context(serve(engine)).url))
        yield engine


@pytest.fixture
def server(engine: Engine) -> Iterator[Server]:
    with serve(engine, console="write") as server:
        yield server


def key(year: int, title: str) -> str:
    return json.dumps({"year": year, "title": title})


def test_tables(server: Server):
    found = done(server, "tables")
    assert found.pop("engine").startswith(("sqlite:", "http://127.0.0.1:"))
    assert found == {"writable": True, "tables": ["Movies", "Plain"]}
    assert done(server, "tables", start="Movies")["tables"] == ["Plain"]


def test_tables_come_by_hundreds(engine: Engine, server: Server):
    for number in range(110):
        run(Table(f"A{number:03}", "id").on(engine), create_table())
    first = done(server, "tables")
    assert (len(first["tables"]), first["next"]) == (100, "A099")
    assert done(server, "tables", start="A099")["tables"][-2:] == ["Movies", "Plain"]


def test_a_table(server: Server):
    found = done(server, "table", table="Movies")
    assert found.pop("bytes") > 1000
    year, title, studio = (
        {"name": name, "type": kind} for name, kind in (("year", "N"), ("title", "S"), ("studio", "S"))
    )
    assert found == {
        "name": "Movies",
        "key": [year, title],
        "indexes": [
            {
                "name": "ByRating",
                "kind": "local",
                "key": [year, {"name": "rating", "type": "N"}],
                "projection": "keys",
                "ready": True,
            },
            {"name": "ByStudio", "kind": "global", "key": [studio, year], "projection": "rating", "ready": True},
            {
                "name": "ByMood",
                "kind": "vector",
                "key": [],
                "projection": "all",
                "ready": True,
                "attribute": "mood",
                "dimensions": 2,
                "distance": "cosine",
                "filters": [studio],
            },
        ],
        "items": 60,
        "billing": "on demand",
        "stream": True,
    }


def test_a_table_of_other_settings(server: Server):
    assert done(server, "table", table="Plain") == {
        "name": "Plain",
        "key": [{"name": "id", "type": "S"}],
        "indexes": [],
        "items": 0,
        "bytes": 0,
        "billing": "5 read and 2 write units a second",
        "stream": False,
        "ttl": "until",
    }


def explained(server: Server, text: str, **more: Any) -> Any:
    return done(server, "explain", table="Movies", text=text, **more)


@pytest.mark.parametrize(
    "text, reading, index",
    [
        ("year = 2001 AND title = 'Film 01'", "get", None),
        ("year = 2001", "query", None),
        ("year = 2001 AND rating > 3", "query", "ByRating"),
        ("rating > 3", "scan", None),
        ("", "scan", None),
        (" ", "scan", None),
        ("year = 2001 AND year = 2002", "nothing", None),
    ],
)
def test_explain_says_how_a_condition_is_answered(server: Server, text: str, reading: str, index: str | None):
    found = explained(server, text)
    assert (found["reading"], found.get("index")) == (reading, index)
    assert any(line.startswith("cost") for line in found["plan"])
    assert ("whole table" in found["cost"]) == (reading == "scan")


def test_explain_says_what_a_query_costs_and_leaves_out(server: Server):
    found = explained(server, "studio = 'a' AND rating > 3", index="ByStudio", descending=True)
    assert found["cost"] == "0.5 to 128 read units a request"
    assert found["warnings"] == [
        "reads every item under the partition key",
        "the filter drops items that were read and paid for",
        "items come with the attributes that the index projects, not whole",
        "eventually consistent: a global index follows its table with a delay",
    ]
    assert '"ScanIndexForward": false' in " ".join(line.strip() for line in found["plan"])


def test_explain_says_what_a_scan_costs_and_why_it_is_one(server: Server):
    found = explained(server, "rating > 3", descending=True)
    size = done(server, "table", table="Movies")["bytes"]
    assert found["cost"] == (
        f"0.5 to 128 read units a request; the whole table holds 60 items of {size:,} bytes, about 1 read unit"
    )
    assert found["warnings"][:2] == [
        "reads the whole table: the condition fixes no partition key value",
        "a scan gives items in no order",
    ]
    assert "consistent=True" not in json.dumps(found)


def test_explain_asks_whether_a_text_was_meant(server: Server):
    found = explained(server, "year = 2001 AND studio = a")
    assert found["warnings"][0] == "`a` names an attribute; for the text write studio = 'a'"
    assert not any("for the text" in warning for warning in explained(server, "studio = 'a'")["warnings"])


def test_a_condition_that_cannot_be_read_has_its_place(server: Server):
    assert failed(server, "explain", table="Movies", text="year = = 2001") == (
        400,
        {"error": 'Syntax error; token: "=", near: "= = 2001"', "position": 7},
    )
    assert failed(server, "page", table="Movies", text="year = 'a", size=1)[1]["position"] == 7


def test_explain_sends_nothing_but_a_description(engine: Engine):
    asked = []

    def listening(operation: str, body: bytes) -> bytes:
        asked.append(operation)
        return engine(operation, body)

    with serve(listening, console="read") as server:
        for _ in range(3):
            explained(server, "year = 2001")
            failed(server, "explain", table="Movies", text="year =")
    assert asked == ["DescribeTable"]


def titles(answer: Any) -> list[str]:
    return [json.loads(item)["title"] for item in answer["items"]]


def test_pages_of_a_query_follow_one_another(server: Server):
    asked = {"table": "Movies", "text": "year = 2001", "size": 8}
    first = done(server, "page", **asked)
    assert titles(first) == [f"Film {number:02}" for number in range(1, 24, 3)]
    assert first["keys"][0] == key(2001, "Film 01")
    assert first["stats"] == {"requests": 1, "units": 0.5, "read": 9, "returned": 8}
    second = done(server, "page", **asked, cursor=first["cursor"])
    third = done(server, "page", **asked, cursor=second["cursor"])
    assert titles(first) + titles(second) + titles(third) == [f"Film {number:02}" for number in range(1, 60, 3)]
    assert "cursor" not in third


def test_a_page_of_a_query_in_descending_order_and_by_an_index(server: Server):
    found = done(server, "page", table="Movies", text="studio = 'b'", index="ByStudio", descending=True, size=100)
    assert len(found["items"]) == 20
    assert "cursor" not in found
    assert {*json.loads(found["items"][0])} == {"year", "title", "studio", "rating"}
    backwards = done(server, "page", table="Movies", text="year = 2001", descending=True, size=2)
    assert titles(backwards) == ["Film 58", "Film 55"]


def test_pages_of_a_query_with_a_filter_say_what_they_have_cost(server: Server):
    asked = {"table": "Movies", "text": "year = 2001 AND contains(title, '5')", "size": 2}
    first = done(server, "page", **asked)
    rest = done(server, "page", **{**asked, "size": 100}, cursor=first["cursor"])
    assert titles(first) + titles(rest) == [f"Film {number:02}" for number in range(1, 60, 3) if "5" in str(number)]
    assert first["stats"] == {"requests": 1, "units": 0.5, "read": 20, "returned": 2}


def test_a_page_comes_with_what_it_has_after_ten_seconds(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "time", Clock(step=4.0))
    monkeypatch.setattr(reading, "_STEP", 0.05)  # read units of a request: seven items or so
    asked = {"table": "Movies", "text": "year = 2001 AND contains(title, '5')", "size": 4}
    first = done(server, "page", **asked)
    assert (first["stats"]["requests"], titles(first)) == (2, ["Film 25"])
    second = done(server, "page", **asked, cursor=first["cursor"])
    assert titles(second) == ["Film 52", "Film 55", "Film 58"]


class Clock:
    """Seconds that go by in steps, one at each look."""

    def __init__(self, step: float) -> None:
        self._step, self._now = step, 0.0

    def monotonic(self) -> float:
        self._now += self._step
        return self._now


def test_a_page_of_one_item_and_of_none(server: Server):
    found = done(server, "page", table="Movies", text="year = 2001 AND title = 'Film 01'", size=1)
    assert (titles(found), found["stats"]["read"], "cursor" in found) == (["Film 01"], 1, False)
    never = done(server, "page", table="Movies", text="year = 2001 AND year = 2002", size=1)
    assert never == {"items": [], "keys": [], "stats": {"requests": 0, "units": 0.0, "read": 0, "returned": 0}}


def test_a_scan_needs_a_budget(server: Server):
    size = done(server, "table", table="Movies")["bytes"]
    why = "this reads the whole table: the condition fixes no partition key value; give it a budget of read units"
    cost = f"the whole table holds 60 items of {size:,} bytes, about 1 read unit"
    assert failed(server, "page", table="Movies", text="rating > 8", size=10) == (
        400,
        {"error": why, "needs": "budget", "cost": cost},
    )
    status, empty = failed(server, "page", table="Movies", text="", size=10)
    assert (status, empty["error"]) == (400, "this reads the whole table; give it a budget of read units")
    status, of_index = failed(server, "page", table="Movies", text="", index="ByStudio", size=10)
    assert of_index["error"] == "this reads all of ByStudio; give it a budget of read units"
    assert of_index["cost"].startswith("all of ByStudio holds 60 items of ")


@pytest.mark.parametrize(
    "scan", [{}, {"budget": 0}, {"budget": -1}, {"budget": True}, {"budget": "10"}, {"budget": 1e12}]
)
def test_a_budget_is_a_number_of_units(server: Server, scan: Any):
    assert failed(server, "page", table="Movies", text="", size=1, scan=scan) == (
        400,
        {"error": "the budget of a scan is a number of read units, above 0"},
    )


def test_a_scan_with_a_budget_goes_on_to_the_end(server: Server):
    asked = {"table": "Movies", "text": "rating = 7", "size": 100, "scan": {"budget": 0.1}}
    found, pages, units = [], 0, 0.0
    cursor = ""
    while cursor is not None:
        page = done(server, "page", **asked, cursor=cursor or None)
        assert page["stats"]["requests"] <= 1
        found, pages, units = found + titles(page), pages + 1, units + page["stats"]["units"]
        cursor = page.get("cursor")
    assert sorted(found) == [f"Film {number:02}" for number in range(7, 60, 10)]
    assert 2 <= pages <= 10
    at_once = done(server, "page", **{**asked, "scan": {"budget": 50}})
    assert sorted(titles(at_once)) == sorted(found)
    assert "cursor" not in at_once


@pytest.mark.parametrize("question", [{"text": "", "scan": {"budget": 1}}, {"text": "g = 1"}], ids=["scan", "query"])
def test_items_that_cost_more_than_one_request_may_come_one_by_one(engine: Engine, server: Server, question: Any):
    large = Table("Large", "g", "n", attributes={"g": int, "n": int})
    run(large.on(engine), create_table())
    put_all(large.on(engine), ({"g": 1, "n": n, "text": "x" * 200_000} for n in range(3)))
    asked, found, cursor = {"table": "Large", "size": 1, **question}, list[Any](), ""
    while cursor is not None:
        page = done(server, "page", **asked, cursor=cursor or None)
        assert page["stats"]["read"] <= 2  # the next one is looked for, to know whether there is more
        found, cursor = [*found, *page["keys"]], page.get("cursor")
    assert [json.loads(each) for each in found] == [{"g": 1, "n": n} for n in range(3)]


def test_a_scan_has_no_order(server: Server):
    status, found = failed(server, "page", table="Movies", text="", size=1, scan={"budget": 1}, descending=True)
    assert (status, found["error"]) == (400, "a scan gives items in no order; leave `descending` out")


def test_a_cursor_belongs_to_one_question(server: Server):
    cursor = done(server, "page", table="Movies", text="year = 2001", size=1)["cursor"]
    for wrong in ({"text": "year = 2002", "cursor": cursor}, {"text": "year = 2001", "cursor": "x"}):
        status, found = failed(server, "page", table="Movies", size=1, **wrong)
        assert status == 400
        assert "cursor" in found["error"]


@pytest.mark.parametrize("size", [0, 101, -1, 1.5, "2", True, None])
def test_a_page_has_up_to_a_hundred_items(server: Server, size: Any):
    assert failed(server, "page", table="Movies", text="year = 2001", size=size) == (
        400,
        {"error": "`size` has to be a whole number from 1 to 100"},
    )


def test_an_item_of_every_type_reads_and_writes_back_as_it_was(engine: Engine, server: Server):
    table = MOVIES.on(engine)
    put(table, ODD)
    asked = {"table": "Movies", "key": key(1, "odd")}
    shown = done(server, "item", **asked)["item"]
    assert '"big": 12345678901234567890123456789012345678' in shown
    delete(table, (1, "odd"))
    assert done(server, "create", table="Movies", item=shown)["item"] == shown
    assert get(table, (1, "odd")) == ODD
    assert done(server, "diff", **asked, old=shown, item=shown) == {"update": "", "lines": [], "creates": False}
    assert done(server, "save", **asked, old=shown, item=shown)["item"] == shown
    on_one_line = done(server, "page", table="Movies", text="year = 1", size=1)["items"][0]
    assert done(server, "diff", **asked, old=on_one_line, item=shown)["lines"] == []


def test_what_an_edit_changes_is_said_before_it_is_written(engine: Engine, server: Server):
    table = MOVIES.on(engine)
    put(table, {**ODD, "long": "x" * 200})
    shown = done(server, "item", table="Movies", key=key(1, "odd"))["item"]
    edited = (
        shown.replace("12345678901234567890123456789012345678", "0.10")
        .replace('["a", "b"]', '["a", "c"]')
        .replace("[1, 2]", "[1, 2, 3]")
        .replace('"$set": null', '"note": {"$bytes": "aGk="}')
    )
    edited = edited.replace(',\n  "long": "' + "x" * 200 + '"', "")
    asked = {"table": "Movies", "key": key(1, "odd"), "old": shown, "item": edited}
    assert done(server, "diff", **asked) == {
        "update": "SET big = 0.1, sets.s = <<'a', 'c'>>, note = x'6869' REMOVE \"$set\", long ADD sets.n <<3>>",
        "lines": [
            "big: 12345678901234567890123456789012345678 becomes 0.1",
            'sets.s: {"$set": ["a", "b"]} becomes {"$set": ["a", "c"]}',
            'note: is new, {"$bytes": "aGk="}',
            '"$set": goes, it was null',
            f'long: goes, it was "{"x" * 79}…',
            'sets.n: gains {"$set": [3]}',
        ],
        "creates": False,
    }
    assert get(table, (1, "odd"))["big"] == ODD["big"]
    saved = done(server, "save", **asked)["item"]
    assert saved == done(server, "item", table="Movies", key=key(1, "odd"))["item"]
    assert get(table, (1, "odd"))["sets"]["n"] == {1, 2, 3}


def test_a_new_item_is_all_new(server: Server):
    item = '{"year": 5, "title": "new", "n": 1}'
    assert done(server, "diff", table="Movies", key=key(5, "new"), old=None, item=item) == {
        "update": "",
        "lines": ["year: is new, 5", 'title: is new, "new"', "n: is new, 1"],
        "creates": True,
    }
    status, found = failed(server, "create", table="Movies", item=item.replace("5", "2001").replace("new", "Film 01"))
    assert (status, found["error"]) == (409, "there is an item with this key already, so nothing is written")
    assert json.loads(found["item"])["rating"] == 1


def test_an_item_that_somebody_has_changed_is_not_written(engine: Engine, server: Server):
    old = done(server, "item", table="Movies", key=key(2001, "Film 01"))["item"]
    put(MOVIES.on(engine), {"year": 2001, "title": "Film 01", "rating": 9, "mood": [1, 1], "studio": "b"})
    asked = {"table": "Movies", "key": key(2001, "Film 01"), "old": old}
    for name, more in (("save", {"item": old.replace('"studio": "b"', '"studio": "c"')}), ("delete", {})):
        status, found = failed(server, name, **asked, **more)
        assert (status, json.loads(found["item"])["rating"]) == (409, 9)
        assert found["error"] == (
            "the item is not as it was read, so nothing is written: rating = 1 was false: rating is 9"
        )
    assert get(MOVIES.on(engine), (2001, "Film 01"))["studio"] == "b"
    delete(MOVIES.on(engine), (2001, "Film 01"))
    status, found = failed(server, "save", **asked, item=old.replace('"studio": "b"', '"studio": "c"'))
    assert (status, found["item"]) == (409, None)
    assert get(MOVIES.on(engine), (2001, "Film 01")) is None


def test_an_attribute_that_somebody_has_added_is_not_overwritten(engine: Engine, server: Server):
    old = done(server, "item", table="Movies", key=key(2001, "Film 01"))["item"]
    put(MOVIES.on(engine), {**json.loads(old), "note": "theirs"})
    asked = {"table": "Movies", "key": key(2001, "Film 01"), "old": old}
    assert failed(server, "save", **asked, item=old.replace("\n}", ',\n  "note": "mine"\n}'))[0] == 409
    assert get(MOVIES.on(engine), (2001, "Film 01"))["note"] == "theirs"


def test_an_item_of_very_many_attributes_can_be_edited(engine: Engine, server: Server):
    put(PLAIN.on(engine), {"id": "a", **{f"n{number}": number for number in range(400)}})
    old = done(server, "item", table="Plain", key='{"id": "a"}')["item"]
    new = old.replace('"n7": 7', '"n7": 8')
    asked = {"table": "Plain", "key": '{"id": "a"}', "old": old, "item": new}
    assert done(server, "save", **asked)["item"] == new
    assert failed(server, "save", **asked)[0] == 409


def test_the_key_of_an_item_stays(server: Server):
    old = done(server, "item", table="Movies", key=key(2001, "Film 01"))["item"]
    for name in ("diff", "save"):
        asked = {"table": "Movies", "key": key(2001, "Film 01"), "old": old}
        assert failed(server, name, **asked, item=old.replace("Film 01", "Film 02")) == (
            400,
            {
                "error": "at `title`: the key of an item cannot be changed",
                "hint": "put an item with the other key, and delete this one",
            },
        )


def test_an_item_that_is_as_it_was_read_can_be_deleted(engine: Engine, server: Server):
    old = done(server, "item", table="Movies", key=key(2001, "Film 01"))["item"]
    assert done(server, "delete", table="Movies", key=key(2001, "Film 01"), old=old) == {"item": None}
    assert get(MOVIES.on(engine), (2001, "Film 01")) is None


@pytest.mark.parametrize(
    "item, error",
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        ("[]", "an item is a JSON object, not []"),
        ('{"year": 1, "title": "x", "tags": {"$set": []}}', '{"$set": [...]} takes a list of strings'),
        ('{"year": "1", "title": "x"}', "at `year`"),
        ('{"year": 1}', "title"),
        ('{"year": 1, "title": "x", "n": 1e400}', "number overflow"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_an_item_that_cannot_be_stored(server: Server, item: str, error: str):
    status, found = failed(server, "create", table="Movies", item=item)
    assert status == 400
    assert error in found["error"]


@pytest.mark.parametrize("depth", [500, 900, 2000])
def test_an_edit_of_an_item_that_no_table_can_have(server: Server, depth: int):
    asked = {"table": "Movies", "key": key(1, "x"), "item": '{"year": 1, "title": "x", "deep": 2}'}
    old = '{"year": 1, "title": "x", "deep": ' + "[" * depth + "]" * depth + "}"
    status, answer = failed(server, "diff", **asked, old=old)
    assert (status, answer.keys()) == (400, {"error"})
    assert re.fullmatch(r"nested too deeply|at `.*`: nested more than 32 levels deep", answer["error"])  # by Python


def test_changes_come_as_they_are_made(engine: Engine, server: Server):
    table = MOVIES.on(engine)
    first = done(server, "changes", table="Movies")
    assert first["changes"] == []
    put(table, {"year": 1, "title": "x"})
    put(table, {"year": 1, "title": "x", "n": 1})
    delete(table, (1, "x"))
    second = done(server, "changes", table="Movies", cursor=first["cursor"])
    assert [(each["kind"], each["old"], each["new"]) for each in second["changes"]] == [
        ("INSERT", None, '{"year": 1, "title": "x"}'),
        ("MODIFY", '{"year": 1, "title": "x"}', '{"year": 1, "title": "x", "n": 1}'),
        ("REMOVE", '{"year": 1, "title": "x", "n": 1}', None),
    ]
    assert {each["key"] for each in second["changes"]} == {'{"year": 1, "title": "x"}'}
    assert all(each["at"].endswith("Z") for each in second["changes"])
    assert done(server, "changes", table="Movies", cursor=second["cursor"])["changes"] == []


def test_many_changes_come_in_parts(engine: Engine, server: Server):
    cursor = done(server, "changes", table="Movies")["cursor"]
    put_all(MOVIES.on(engine), ({"year": 1, "title": f"{number:03}"} for number in range(230)))
    counts, seen = [], set()
    while not counts or counts[-1]:
        found = done(server, "changes", table="Movies", cursor=cursor)
        counts.append(len(found["changes"]))
        seen |= {each["key"] for each in found["changes"]}
        cursor = found["cursor"]
    assert (len(seen), sum(counts), max(counts)) == (230, 230, 100)


def test_a_stream_without_changes_is_read_once(engine: Engine):
    """The answer does not wait for changes: the page asks again."""
    asked = list[str]()

    def noted(operation: str, body: bytes) -> bytes:
        asked.append(operation)
        return engine(operation, body)

    with serve(noted, console="read") as server:
        cursor = done(server, "changes", table="Movies")["cursor"]
        assert done(server, "changes", table="Movies", cursor=cursor) == {"changes": [], "cursor": cursor}
    assert asked.count("GetRecords") == 1


def test_changes_of_a_service_that_knows_no_moments(engine: Engine):
    """As AWS: a shard is read from its begin where nobody has read it; then there are no old changes, and no delay."""

    def without_moments(operation: str, body: bytes) -> bytes:
        if b"AT_TIMESTAMP" in body:
            raise DynamoError.of("ValidationException", "shardIteratorType")
        return engine(operation, body)

    table = MOVIES.on(engine)
    put_all(table, ({"year": 1, "title": f"{number:04}"} for number in range(2100)))
    with serve(without_moments, console="read") as server:
        cursor = done(server, "changes", table="Movies")["cursor"]
        assert done(server, "changes", table="Movies", cursor=cursor) == {"changes": [], "cursor": cursor}
        put(table, {"year": 2, "title": "new"})
        found = done(server, "changes", table="Movies", cursor=cursor)
        assert [each["key"] for each in found["changes"]] == [key(2, "new")]


def test_more_pages_than_the_console_keeps_watches_for(engine: Engine, server: Server):
    cursors = [done(server, "changes", table="Movies")["cursor"] for _ in range(20)]
    put(MOVIES.on(engine), {"year": 2, "title": "new"})
    for cursor in cursors:
        found = done(server, "changes", table="Movies", cursor=cursor)["changes"]
        assert [each["key"] for each in found] == [key(2, "new")]


def test_a_stream_that_keeps_only_keys(engine: Engine, server: Server):
    keys = Table("Keys", "id", stream="keys").on(engine)
    run(keys, create_table())
    cursor = done(server, "changes", table="Keys")["cursor"]
    put(keys, {"id": "a", "n": 1})
    (change,) = done(server, "changes", table="Keys", cursor=cursor)["changes"]
    assert (change["kind"], change["key"], change["old"], change["new"]) == ("INSERT", '{"id": "a"}', None, None)


def test_a_table_without_a_stream_says_so(server: Server):
    assert failed(server, "changes", table="Plain") == (
        400,
        {"error": "'Plain' has no stream", "hint": "flyexpr alter TABLE --stream both gives it one"},
    )
    status, found = failed(server, "changes", table="Movies", cursor="x")
    assert status == 400
    assert "cursor" in found["error"]


def test_a_search_by_vector(server: Server):
    found = done(server, "search", table="Movies", attribute="mood", vector=[1, 30.0], top=3)
    assert json.loads(found["found"][0]["key"])["title"] == "Film 30"
    assert [each["score"] for each in found["found"]] == sorted(each["score"] for each in found["found"])
    assert found["notes"][0].startswith("the score is 1 - cosine")
    among = done(server, "search", table="Movies", attribute="mood", vector=[1, 30.0], top=3, text="studio = 'b'")
    assert {json.loads(each["item"])["studio"] for each in among["found"]} == {"b"}


@pytest.mark.parametrize(
    "wrong, error",
    [
        ({"vector": [1]}, "has 2 dimensions, and the vector 1"),
        ({"vector": ["1", 2]}, "`vector` has to be a list of numbers"),
        ({"vector": "[1, 2]"}, "`vector` has to be a list of numbers"),
        ({"vector": [float("nan"), 1]}, "nan"),
        ({"attribute": "rating"}, "ByMood: it holds the vectors of `mood`"),
        ({"top": 101}, "`top` has to be a whole number from 1 to 100"),
        ({"table": "Plain"}, "'Plain' has no vector index"),
    ],
)
def test_a_search_that_cannot_be(server: Server, wrong: Any, error: str):
    asked = {"table": "Movies", "attribute": "mood", "vector": [1, 2], "top": 3}
    status, found = failed(server, "search", **{**asked, **wrong})
    assert status == 400
    assert error in found["error"]
    assert "search(" not in json.dumps(found)


@pytest.mark.parametrize("name", ["table", "explain", "page", "item", "diff", "save", "create", "delete", "changes"])
def test_a_table_that_is_not_there(server: Server, name: str):
    asked = {"explain": {"text": ""}, "page": {"text": "", "size": 1}, "create": {"item": '{"id": 1}'}, "changes": {}}
    one = {"key": '{"id": 1}', "old": '{"id": 1}', "item": '{"id": 1}'}
    if name in ("item", "delete"):
        one.pop("item")
    if name == "item":
        one.pop("old")
    members = asked.get(name, {} if name == "table" else one)
    status, found = failed(server, name, table="Nope", **members)
    assert status == 404
    assert found["error"].startswith("there is no table 'Nope' on ")
    assert "hint" not in found


def test_members_that_are_wrong(server: Server):
    assert failed(server, "table") == (400, {"error": "`table` has to be a text"})
    assert failed(server, "table", table=1) == (400, {"error": "`table` has to be a text"})
    assert failed(server, "explain", table="Movies", text="", descending=1) == (
        400,
        {"error": "`descending` has to be true or false"},
    )
    assert failed(server, "page", table="Movies", text="", size=1, scan=5)[1]["error"].startswith("`scan` has to be")
    assert failed(server, "page", table="Movies", sise=1) == (
        400,
        {"error": "this call has no member `sise`; it takes table, text, index, descending, cursor, size, scan"},
    )
    status, found = failed(server, "explain", table="Movies", text="year = 1", index="ByStudi")
    assert (status, found["error"]) == (400, "table 'Movies' has no index 'ByStudi'; did you mean 'ByStudio'?")


def test_an_engine_that_cannot_be_written(tmp_path: Path):
    file = tmp_path / "movies.db"
    with connect(f"sqlite:{file}") as engine:
        run(PLAIN.on(engine), create_table())
        put(PLAIN.on(engine), {"id": "a"})
    with connect(f"sqlite:{file}?mode=ro") as engine, serve(engine, console="write") as server:
        assert done(server, "page", table="Plain", text="id = 'a'", size=1)["items"] == ['{"id": "a"}']
        status, found = failed(server, "create", table="Plain", item='{"id": "b"}')
        assert (status, "read" in found["error"]) == (400, True)


def test_an_engine_that_fails():
    def failing(error: Exception) -> Engine:
        def engine(operation: str, body: bytes) -> bytes:
            raise error

        return engine

    for error, status, text in (
        (DynamoError.of("ConnectionFailed", "connection refused"), 502, "connection refused"),
        (DynamoError.of("AccessDeniedException", "not you"), 400, "AccessDeniedException: not you"),
        (DynamoError.of("ThrottlingException", "too fast"), 400, "ThrottlingException: too fast"),
        (RuntimeError("a defect"), 500, "RuntimeError: a defect"),
    ):
        with serve(failing(error), console="read") as server:
            assert failed(server, "tables") == (status, {"error": text})


def test_who_may_describe_a_table_need_not_know_its_time_to_live(engine: Engine):
    def refusing(operation: str, body: bytes) -> bytes:
        if operation == "DescribeTimeToLive":
            raise DynamoError.of("AccessDeniedException", "not you")
        return engine(operation, body)

    with serve(refusing, console="read") as server:
        assert "ttl" not in done(server, "table", table="Plain")


TWINS = Table(
    "Twins",
    "id",
    attributes={"n": int},
    indexes=[
        GlobalIndex("One", "a"),
        GlobalIndex("Two", "a"),
        VectorIndex("ByV", "v", 2),
        VectorIndex("AlsoByV", "v", 2),
    ],
)


def never(operation: str, body: bytes) -> bytes:
    raise AssertionError(operation)


WHAT_TO_WRITE: list[tuple[Callable[[], object], str]] = [
    (
        lambda: request(TWINS, query(gt("n", 3))),
        "fix one of these by `=`: `id` (the table), `a` (One), `a` (Two)",
    ),
    (lambda: request(TWINS, query(eq("id", "x"), index="ByV")), "index 'ByV' is a vector index"),
    (lambda: request(TWINS, query(eq("id", "x"), index="One")), "choose no index, or fix that attribute by `=`"),
    (lambda: request(TWINS, query(eq("a", "x"))), "choose an index: One"),
    (lambda: request(TWINS, search(near("v", [1, 0]))), "choose an index: ByV"),
    (lambda: list(run(TWINS.on(never), scan(start="x"))), "this is not the cursor of a page; read the first one again"),
    (
        lambda: request(TWINS, scan(any_of(*(eq("z", n) for n in range(302))))),
        "an expression has at most 300; use IN, or several requests",
    ),
]


@pytest.mark.parametrize("wrong, text", WHAT_TO_WRITE, ids=[text for _, text in WHAT_TO_WRITE])
def test_what_to_write_is_in_the_words_of_the_page(wrong: Callable[[], object], text: str) -> None:
    with pytest.raises(FlyexprError) as refused:
        wrong()
    told = failure_of(refused.value).members
    assert told.get("hint", told["error"]) == text
