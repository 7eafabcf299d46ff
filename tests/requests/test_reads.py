"""The ways to read: each writes its requests and reads its answers, so a further way is one class."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flyexpr import Table, any_of, count, eq, explain, first, gt, is_in, query, run, scan
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.reads import FIRST, Access, Answer, Nothing, Point, QueryPages, ScanPages, Turn
from flyexpr.requests.request import Request
from flyexpr.schema.known_forms import forms_of
from flyexpr.steps.reads.reading import Reading
from flyexpr.values import pattern_cache

TABLE = Table("Things", "id", "at", attributes={"at": int})
POINT = query(eq("id", "a") & eq("at", 1))


@pytest.mark.parametrize(
    "read, way, operation",
    [
        (POINT, Point, "GetItem"),
        (query(is_in("id", ["a", "b"]) & eq("at", 1)), Point, "GetItem"),
        (query(eq("id", "a")), QueryPages, "Query"),
        (scan(), ScanPages, "Scan"),
        (query(eq("id", "a") & eq("id", "b")), Nothing, "Nothing"),
        (scan(any_of()), Nothing, "Nothing"),
    ],
)
def test_each_read_goes_its_way(read: Any, way: type[Access], operation: str) -> None:
    access = access_of(TABLE, read)
    assert (type(access), access.operation) == (way, operation)


ITEM = {"id": {"S": "a"}, "at": {"N": "1"}, "Item": {"M": {"id": {"S": "b"}}}}
CAPACITY = {"TableName": "Things", "CapacityUnits": 0.5}
ANSWERS = [
    {"Item": ITEM, "ConsumedCapacity": CAPACITY},
    {"ConsumedCapacity": CAPACITY, "Item": ITEM},
]


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Patterns are made of the first item of each form."""
    monkeypatch.setattr(pattern_cache, "WORTH", 0)
    pattern_cache._SEEN.clear()
    yield
    pattern_cache._SEEN.clear()


@pytest.mark.usefixtures("learning")
@pytest.mark.parametrize("answer", ANSWERS, ids=["capacity last", "capacity first"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_a_point_is_read_by_a_pattern_once_one_is_known(
    answer: dict[str, Any], separators: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(f"Things{separators}{[*answer]}", "id", "at", attributes={"at": int})
    bound = table.on(lambda operation, body: json.dumps(answer, separators=separators).encode())
    results = []
    for _ in range(2 * pattern_cache.SEVERAL):
        items = run(bound, POINT)
        results.append((list(items), items.stats.examined, items.stats.capacity, items.cursor))
    assert results == [([{"id": "a", "at": 1, "Item": {"id": "b"}}], 1, 0.5, None)] * len(results)
    assert len(forms_of(table).found) == 1
    monkeypatch.setattr("flyexpr.values.answers.decode_item", None)  # which only an item without a pattern needs
    if separators == (",", ":"):
        assert first(bound, POINT) == results[0][0][0]


@pytest.mark.parametrize("body", [b'{"ConsumedCapacity":{"CapacityUnits":0.5}}', b'{"Item":null}', b"{}"])
def test_a_point_that_is_not_there(body: bytes) -> None:
    bound = TABLE.on(lambda operation, asked: body)
    assert list(run(bound, POINT)) == []
    assert count(bound, POINT) == 0


class Search(Access):
    """A way that DynamoDB does not have: one request that gives what is nearest."""

    __slots__ = ()
    operation = "Search"

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        return Request(self.operation, json.dumps({"TableName": table.name, "Near": read.limit}).encode())

    def answer(self, table: Table, body: bytes) -> Answer:
        return json.loads(body)["Found"], {"ScannedCount": 7}


def test_a_further_way_is_one_class() -> None:
    reading = Reading(TABLE, query(gt("wins", 1), limit=5), lambda: 0.0, access=Search(residue=gt("wins", 1)))
    request = reading.request()
    assert request == Request("Search", b'{"TableName": "Things", "Near": 5}')
    found = [{"id": "a", "at": 1, "wins": wins} for wins in (0, 2)]
    assert list(reading.feed(json.dumps({"Found": found}).encode())) == found[1:]
    assert (reading.request(), reading.cursor, reading.stats.examined) == (None, None, 7)


def test_a_way_says_what_to_know_of_it() -> None:
    assert explain(TABLE, query(eq("id", "a"))).warnings[0] == "reads every item under the partition key"
    assert explain(TABLE, scan()).warnings[0] == "reads the whole table"
    assert explain(TABLE, scan(any_of())).warnings == ("the condition can never be true, so nothing is sent",)
    assert list(Search().warnings(TABLE)) == []
