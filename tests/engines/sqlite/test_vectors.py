"""Vector indexes and SearchVectors: refusals, scores, what is in an index, the laws of a search, crashes."""

import asyncio
import json
import math
import os
import random
import signal
import subprocess
import sys
import uuid
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import vector_requests as requests
from embedded import Clock
from engines import absence, closing, connected_to
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises
from vector_requests import ALL, FILTER, HASH, index, numbers, search, table, where

from flyexpr import (
    DynamoError,
    NoSuchTable,
    Table,
    VectorIndex,
    aio,
    assign,
    connect,
    create_table,
    eq,
    near,
    put,
    run,
    scan,
    update,
)
from flyexpr import search as search_for
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk import held_vectors, room
from flyexpr.engines.sqlite.disk.held_vectors import Partition
from flyexpr.engines.sqlite.disk.vectors import packed
from flyexpr.engines.sqlite.operations import nearest as nearest_module
from flyexpr.engines.sqlite.operations.nearest import nearest

LARGEST = 3.4028234663852886e38
ENGINES = ("embedded-memory", "embedded-file", "dynoxide")
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    why = absence(request.param)
    if why:
        pytest.skip(f"{request.param}: {why}")
    with closing(connected_to(request.param, tmp_path)) as made:
        yield made


@pytest.fixture
def name(engine: Any) -> Iterator[str]:
    """A name that no table has; the table is deleted afterwards, if there is one."""
    made = f"vectors_{uuid.uuid4().hex[:8]}"
    yield made
    with suppress(NoSuchTable):
        call(engine, "DeleteTable", {"TableName": made})


def refused(engine: Any, operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(DynamoError) as raised:
        call(engine, operation, request)
    assert raised.value.code == "ValidationException"
    return raised.value.message


def item(pk: str, *vector: Any, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, **({"v": {"L": numbers(*vector)}} if vector else {}), **more}


def fill(engine: Any, name: str, *items: dict[str, Any]) -> None:
    for each in items:
        call(engine, "PutItem", {"TableName": name, "Item": each})


def found(engine: Any, request: dict[str, Any]) -> list[tuple[str, float]]:
    answer = call(engine, "SearchVectors", request)
    return [(each["Item"]["pk"]["S"], each["Score"]) for each in answer["SearchResults"]]


@pytest.mark.parametrize("asked, text", requests.DEFINITIONS)
def test_a_definition_is_refused(engine: Any, name: str, asked: dict[str, Any], text: str) -> None:
    assert refused(engine, "CreateTable", {**asked, "TableName": name}) == text


@pytest.mark.parametrize("asked, text", requests.ALTERATIONS)
def test_a_change_of_indexes_is_refused(engine: Any, name: str, asked: dict[str, Any], text: str) -> None:
    call(engine, "CreateTable", table(name, index()))
    assert refused(engine, "UpdateTable", {"TableName": name, **asked}) == text


def test_a_sixth_index_is_not_added(engine: Any, name: str) -> None:
    call(engine, "CreateTable", table(name, *(index(f"by_{number}") for number in range(5))))
    sixth = {"TableName": name, "VectorIndexUpdates": [{"Create": index("sixth")}]}
    text = requests.INVALID + "VectorIndex count exceeds the per-table limit of 5"
    assert refused(engine, "UpdateTable", sixth) == text


@pytest.mark.parametrize("attributes, text", requests.ITEMS)
def test_an_item_is_refused_by_every_write(engine: Any, name: str, attributes: dict[str, Any], text: str) -> None:
    call(engine, "CreateTable", table(name, *requests.INDEXED, defined=requests.KINDS))
    put_request = {"Item": {"pk": {"S": "a"}, **attributes}}
    ((attribute, value),) = attributes.items()
    changed = {
        "Key": {"pk": {"S": "a"}},
        "UpdateExpression": "SET #a = :v",
        "ExpressionAttributeNames": {"#a": attribute},
        "ExpressionAttributeValues": {":v": value},
    }
    text = requests.REFUSED + text
    assert refused(engine, "PutItem", {"TableName": name, **put_request}) == text
    told = refused(engine, "UpdateItem", {"TableName": name, **changed})
    assert told.replace("1" + 39 * "0", "1e39") == text  # dynoxide writes the number of an update in full
    assert refused(engine, "BatchWriteItem", {"RequestItems": {name: [{"PutRequest": put_request}]}}) == text
    assert call(engine, "Scan", {"TableName": name})["Count"] == 0


def test_a_transaction_is_cancelled_by_one_vector() -> None:
    with connect("sqlite::memory:") as engine:
        call(engine, "CreateTable", table("tab", index()))
        puts = [{"Put": {"TableName": "tab", "Item": each}} for each in (item("a", 1, 2, 3), item("b", 1, 2))]
        with pytest.raises(DynamoError) as raised:
            call(engine, "TransactWriteItems", {"TransactItems": puts})
        reasons = raised.value.fields["CancellationReasons"]
        text = requests.REFUSED + "Invalid size for parameter v, Expected: 3, Actual: 2 IndexName: by_v"
        assert [reason.get("Message") for reason in reasons] == [None, text]
        assert found(engine, search("tab", 1, 2, 3)) == []


@pytest.mark.parametrize("write", ["Put", "Update"])
def test_a_transaction_with_an_empty_partition_key_is_refused_as_a_whole(engine: Any, name: str, write: str) -> None:
    call(engine, "CreateTable", table(name, *requests.INDEXED, defined=requests.KINDS))
    key, empty = {"pk": {"S": "a"}}, {"S": ""}
    update = {"UpdateExpression": "SET h = :h", "ExpressionAttributeValues": {":h": empty}}
    asked = {"Item": {**key, "h": empty}} if write == "Put" else {"Key": key, **update}
    told = refused(engine, "TransactWriteItems", {"TransactItems": [{write: {"TableName": name, **asked}}]})
    assert told == f"{told}"


@pytest.mark.parametrize("asked, text", requests.SEARCHES)
def test_a_search_is_refused(engine: Any, name: str, asked: dict[str, Any], text: str) -> None:
    call(engine, "CreateTable", table(name, *requests.INDEXED, defined=requests.KINDS))
    assert refused(engine, "SearchVectors", {**asked, "TableName": name}) == text


BODIES = [(json.dumps({**requests.PLAIN, **members}, ensure_ascii=False), *row) for members, *row in requests.BODIES]


@pytest.mark.parametrize("body, code, text", [*BODIES, *requests.TEXTS])
def test_the_body_of_a_search_is_read_strictly(engine: Any, body: str, code: str, text: str) -> None:
    with pytest.raises(DynamoError) as raised:
        engine("SearchVectors", body.encode())
    assert (raised.value.code, raised.value.message) == (code, text)


def test_null_members_that_need_not_be_there_are_left_out(engine: Any, name: str) -> None:
    call(engine, "CreateTable", table(name, index()))
    fill(engine, name, item("a", 1, 2, 3))
    names = ("Expression" + "Attribute" + kind for kind in ("Names", "Values"))
    others = ("SearchConditionExpression", "ProjectionExpression", "ReturnConsumedCapacity")
    assert found(engine, search(name, 1, 2, 3, **dict.fromkeys((*names, *others)))) == [("a", 0.0)]


@pytest.mark.parametrize("text", ["3.4028235E38", "-3.40282355E38", "1" * 38, "1e-100", "1e-46"])
def test_numbers_that_32_bits_round_to_finite_ones(engine: Any, name: str, text: str) -> None:
    call(engine, "CreateTable", table(name, index(DistanceFunction="EUCLIDEAN")))
    fill(engine, name, item("a", text, 2, 3))
    assert found(engine, search(name, text, 2, 3)) == [("a", 0.0)]


@pytest.mark.parametrize("operation, members, text", [
    ("Scan", {}, "Scan operation not supported on this index type"),
    (
        "Query",
        {"KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": "a"}}},
        "Query operation not supported on this index type.",
    ),
])  # fmt: skip
def test_a_vector_index_is_only_searched(
    engine: Any, name: str, operation: str, members: dict[str, Any], text: str
) -> None:
    call(engine, "CreateTable", table(name, *requests.INDEXED, defined=requests.KINDS))
    assert refused(engine, operation, {"TableName": name, "IndexName": "by_v", **members}) == text
    statement = {"Statement": f'SELECT * FROM "{name}"."by_v"'}
    assert refused(engine, "ExecuteStatement", statement) == "Scan operation not supported on this index type"


@pytest.mark.parametrize("distance, query, scores", [
    ("COSINE", (1, 0, 0), {"same": 0.0, "half": 0.0, "across": 1.0, "against": 2.0, "zero": 1.0}),
    ("COSINE", (0, 0, 0), {"same": 1.0, "half": 1.0, "across": 1.0, "against": 1.0, "zero": 1.0}),
    ("EUCLIDEAN", (1, 0, 0), {"same": 0.0, "half": 0.5, "across": math.sqrt(2), "against": 3.0, "zero": 1.0}),
    ("DOT_PRODUCT", (1, 0, 0), {"same": 1.0, "half": 0.5, "across": 0.0, "against": -2.0, "zero": 0.0}),
    ("DOT_PRODUCT", (3e38, 0, 0), {"same": 3e38, "half": 1.5e38, "across": 0.0, "against": -LARGEST, "zero": 0.0}),
])  # fmt: skip
def test_scores(engine: Any, name: str, distance: str, query: tuple[float, ...], scores: dict[str, float]) -> None:
    call(engine, "CreateTable", table(name, index(DistanceFunction=distance)))
    vectors = {"same": (1, 0, 0), "half": ("0.5", 0, 0), "across": (0, 1, 0), "against": (-2, 0, 0), "zero": (0, 0, 0)}
    fill(engine, name, *(item(pk, *vector) for pk, vector in vectors.items()))
    told = found(engine, search(name, *query, TopK=9))
    assert dict(told) == pytest.approx(scores, rel=1e-6)
    ordered = [score for _, score in told]
    assert ordered == sorted(ordered, reverse=distance == "DOT_PRODUCT")


def test_what_is_in_an_index(engine: Any, name: str) -> None:
    call(engine, "CreateTable", table(name, *requests.INDEXED, defined=requests.KINDS))
    group, other = {"S": "g"}, {"S": "other"}
    fill(
        engine,
        name,
        item("all", 1, 0, 0, h=group, f={"N": "1"}),
        item("no filter", 1, 0, 0, h=group),
        item("no hash", 1, 0, 0, f={"N": "1"}),
        item("no vector", h=group),
        item("elsewhere", 1, 0, 0, h=other),
    )
    near_all = search(name, 1, 0, 0, TopK=9, **where("h = :h", h=group))
    assert {pk for pk, _ in found(engine, near_all)} == {"all", "no filter"}
    one = search(name, 1, 0, 0, TopK=9, **where("(:f = f) AND h = :h", h=group, f={"N": "1.0"}))
    assert found(engine, one) == [("all", 0.0)]
    for expression, left in (("REMOVE v", {"no filter"}), ("SET h = :h", {"no filter"})):
        values = {"ExpressionAttributeValues": {":h": other}} if ":h" in expression else {}
        request = {"TableName": name, "Key": {"pk": {"S": "all"}}, "UpdateExpression": expression, **values}
        call(engine, "UpdateItem", request)
        assert {pk for pk, _ in found(engine, near_all)} == left
    call(engine, "DeleteItem", {"TableName": name, "Key": {"pk": {"S": "no filter"}}})
    assert found(engine, near_all) == []


@pytest.mark.parametrize("projection, plain, asked", [
    (ALL, {"pk", "h", "f", "x"}, {"pk", "v"}),
    ({"ProjectionType": "KEYS_ONLY"}, {"pk", "h", "f"}, {"pk"}),
    ({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}, {"pk", "h", "f", "x"}, {"pk"}),
    ({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]}, {"pk", "h", "f"}, {"pk", "v"}),
])  # fmt: skip
def test_what_a_search_shows(
    engine: Any, name: str, projection: dict[str, Any], plain: set[str], asked: set[str]
) -> None:
    indexes = index(SearchSchema=[HASH, FILTER], Projection=projection)
    call(engine, "CreateTable", table(name, indexes, defined=requests.KINDS))
    fill(engine, name, item("a", "0.1", 1, "1e-20", h={"S": "g"}, f={"N": "1"}, x={"S": "x"}))
    request = search(name, 1, 0, 0, **where("h = :h", h={"S": "g"}))
    change = {"TableName": name, "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET v[1] = :second"}
    for second in ("1", "2"):  # as it was put, and as an update made it that reads the item of the table
        call(engine, "UpdateItem", {**change, "ExpressionAttributeValues": {":second": {"N": second}}})
        (shown,) = call(engine, "SearchVectors", request)["SearchResults"]
        assert shown["Item"].keys() == plain
        (shown,) = call(engine, "SearchVectors", {**request, "ProjectionExpression": "pk, v"})["SearchResults"]
        assert shown["Item"].keys() == asked
        if "v" in asked:
            assert [float(each["N"]) for each in shown["Item"]["v"]["L"]] == [0.1, float(second), 1e-20]


def test_what_is_paid(engine: Any, name: str) -> None:
    call(engine, "CreateTable", table(name, index(), index("www")))

    def written(expression: str, **values: Any) -> dict[str, Any]:
        request = {"TableName": name, "Key": {"pk": {"S": "a"}}, "UpdateExpression": expression}
        request |= {"ReturnConsumedCapacity": "INDEXES", "ExpressionAttributeValues": values}
        capacity = call(engine, "UpdateItem", request)["ConsumedCapacity"]
        assert capacity["CapacityUnits"] == capacity["Table"]["CapacityUnits"]
        return {each: paid["VectorWriteRequestBytes"] for each, paid in capacity.get("VectorIndexes", {}).items()}

    vector, text = {"L": numbers(1, 2, 3)}, {"S": "x" * 2000}
    assert written("SET v = :v", **{":v": vector}) == {"by_v": 1024, "www": 1024}
    assert written("SET v = :v", **{":v": vector}) == {}
    size = 3 + 1 + 2000 + 1 + 3 * 4  # pk and its value, x and its value, v and its numbers
    assert written("SET x = :x", **{":x": text}) == {"by_v": size, "www": size}
    capacity = call(engine, "SearchVectors", search(name, 1, 0, 0, ReturnConsumedCapacity="TOTAL"))["ConsumedCapacity"]
    assert capacity == {"VectorSearchRequestBytes": size}
    assert written("REMOVE x SET v = :v", **{":v": {"L": numbers(1, 2, 4)}}) == {"by_v": size, "www": size}
    capacity = call(engine, "SearchVectors", search(name, 1, 0, 0, ReturnConsumedCapacity="TOTAL"))["ConsumedCapacity"]
    assert capacity == {"VectorSearchRequestBytes": 1024}


def test_an_index_is_added_filled_and_deleted() -> None:
    with connect("sqlite::memory:") as engine:
        call(engine, "CreateTable", table("tab", index("other")))
        call(engine, "UpdateTable", {"TableName": "tab", "VectorIndexUpdates": [{"Delete": {"IndexName": "other"}}]})
        fill(
            engine,
            "tab",
            item("a", 1, 0, 0),
            item("b", 1, 0),
            item("c", h={"S": "g"}),
            item("d", 0, 1, 0, f={"S": "x"}),
        )
        asked = {"TableName": "tab", "VectorIndexUpdates": [{"Create": index(SearchSchema=[FILTER])}]}
        asked["AttributeDefinitions"] = [{"AttributeName": "f", "AttributeType": "N"}]
        (made,) = call(engine, "UpdateTable", asked)["TableDescription"]["VectorIndexes"]
        assert (made["IndexStatus"], made["Backfilling"]) == ("CREATING", False)
        (made,) = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]["VectorIndexes"]
        assert (made["IndexStatus"], made["ItemCount"], made.get("Backfilling")) == ("ACTIVE", 1, None)
        assert found(engine, search("tab", 1, 0, 0)) == [("a", 0.0)]  # what a write would refuse is passed over
        assert refused(engine, "UpdateTable", asked) == "Attempting to create an index which already exists"
        with raises(DynamoError, "ResourceNotFoundException: Requested resource not found: Index nope for table tab"):
            call(engine, "UpdateTable", {"TableName": "tab", "VectorIndexUpdates": [{"Delete": {"IndexName": "nope"}}]})
        both = [{"Delete": {"IndexName": "by_v"}}, {"Create": index("more")}]
        with raises(
            DynamoError,
            "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or "
            "deleted simultaneously per table",
        ):
            call(engine, "UpdateTable", {"TableName": "tab", "VectorIndexUpdates": both})
        provisioned = {
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        }
        text = refused(engine, "UpdateTable", {"TableName": "tab", **provisioned})
        assert text == requests.INVALID + "Tables with vector indexes must be in PAY_PER_REQUEST mode"


def test_the_phases_of_a_new_index() -> None:
    clock = Clock()
    with SqliteEngine(":memory:", clock=clock, indexing=60) as engine:
        call(engine, "CreateTable", table("tab", index("first")))
        fill(engine, "tab", item("a", 1, 0, 0))
        made = {"TableName": "tab", "VectorIndexUpdates": [{"Create": index()}]}
        deleted = {"TableName": "tab", "VectorIndexUpdates": [{"Delete": {"IndexName": "by_v"}}]}
        call(engine, "UpdateTable", made)
        assert found(engine, search("tab", 1, 0, 0, IndexName="first")) == [("a", 0.0)]
        began = clock.now
        for seconds, table_status, status, backfilling in (
            (0, "UPDATING", "CREATING", False),
            (11, "ACTIVE", "CREATING", True),
            (31, "ACTIVE", "ACTIVE", None),
        ):
            clock.now = began + seconds
            shown = call(engine, "DescribeTable", {"TableName": "tab"})["Table"]
            (one,) = (one for one in shown["VectorIndexes"] if one["IndexName"] == "by_v")
            assert (shown["TableStatus"], one["IndexStatus"], one.get("Backfilling")) == (
                table_status,
                status,
                backfilling,
            )
            assert (
                refused(engine, "SearchVectors", search("tab", 1, 0, 0))
                == "Cannot search backfilling vector index: by_v"
            )
            if status == "CREATING":
                with raises(
                    DynamoError,
                    "ResourceInUseException: Attempt to change a resource which is still in use: Cannot "
                    "delete table while indexes are being created, updated, or deleted.",
                ):
                    call(engine, "DeleteTable", {"TableName": "tab"})
                with raises(
                    DynamoError,
                    "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created "
                    "or deleted simultaneously per table",
                ):
                    call(engine, "UpdateTable", {**made, "VectorIndexUpdates": [{"Create": index("third")}]})
            if table_status == "UPDATING":
                with raises(
                    DynamoError,
                    "ResourceInUseException: Attempt to change a resource which is still in use: Index "
                    "creation is in resource allocation phase. Retry deletion during backfilling phase or "
                    "when the index is active. Table: tab Index: by_v",
                ):
                    call(engine, "UpdateTable", deleted)
        clock.now = began + 60
        assert found(engine, search("tab", 1, 0, 0)) == [("a", 0.0)]
        call(engine, "UpdateTable", deleted)
        call(engine, "UpdateTable", made)
        clock.now += 11
        call(engine, "UpdateTable", deleted)  # in the second phase
        call(engine, "DeleteTable", {"TableName": "tab"})


def test_a_backup_has_its_vector_indexes() -> None:
    with connect("sqlite::memory:") as engine:
        call(engine, "CreateTable", table("tab", index(SearchSchema=[HASH]), defined="pk:S h:S"))
        fill(engine, "tab", item("a", 1, 0, 0, h={"S": "g"}))
        backup = call(engine, "CreateBackup", {"TableName": "tab", "BackupName": "one"})["BackupDetails"]["BackupArn"]
        call(engine, "RestoreTableFromBackup", {"TargetTableName": "copy", "BackupArn": backup})
        assert found(engine, search("copy", 1, 0, 0, **where("h = :h", h={"S": "g"}))) == [("a", 0.0)]


def test_a_rollback_leaves_what_is_held_as_it_was() -> None:
    with connect("sqlite::memory:") as engine:
        call(engine, "CreateTable", table("tab", index()))
        fill(engine, "tab", item("a", 1, 0, 0))
        assert found(engine, search("tab", 1, 0, 0)) == [("a", 0.0)]
        writes = [
            {"Put": {"TableName": "tab", "Item": item("a", 0, 1, 0)}},
            {
                "ConditionCheck": {
                    "TableName": "tab",
                    "Key": {"pk": {"S": "z"}},
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
        ]
        with pytest.raises(DynamoError):
            call(engine, "TransactWriteItems", {"TransactItems": writes})
        assert found(engine, search("tab", 1, 0, 0)) == [("a", 0.0)]


def test_what_another_engine_writes_is_found(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'tables.db'}"
    with connect(url) as one, connect(url) as two, connect(url + "?mode=ro") as reader:
        call(one, "CreateTable", table("tab", index()))
        expected = []
        for number in range(6):
            fill((one, two)[number % 2], "tab", item(str(number), 1, number, 0))
            expected.append(str(number))
            for engine in (one, two, reader):
                assert [pk for pk, _ in found(engine, search("tab", 1, 0, 0, TopK=9))] == expected


VECTOR = st.lists(st.integers(-3, 3) | st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4)
WRITES = st.lists(st.tuples(st.integers(0, 12), st.none() | VECTOR, st.sampled_from(["en", "de", None])), max_size=40)


def score(distance: str, left: list[float], right: list[float]) -> float:
    """The score by its definition."""
    a, b = (array("f", vector) for vector in (left, right))
    product = math.fsum(x * y for x, y in zip(a, b, strict=True))
    if distance == "EUCLIDEAN":
        return math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
    if distance == "DOT_PRODUCT":
        return -product
    lengths = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(x * x for x in b))
    return 1 - product / lengths if lengths else 1.0


@settings(deadline=None)
@given(WRITES, VECTOR, st.sampled_from(["cosine", "euclidean", "dot_product"]), st.integers(1, 10), st.booleans())
def test_a_search_is_a_sort_of_all_items(
    writes: list[tuple[int, list[float] | None, str | None]], query: list[float], distance: str, top: int, split: bool
) -> None:
    made = VectorIndex(
        "by_v", "v", 4, distance=distance, **({"partition_key": "lang"} if split else {"filters": ["lang"]})
    )
    with connect("sqlite::memory:") as engine:
        docs = Table("docs", "id", attributes={"id": int, "lang": str}, indexes=[made]).on(engine)
        run(docs, create_table())
        stored: dict[int, tuple[list[float], str | None]] = {}
        for number, (key, vector, lang) in enumerate(writes):
            more = {"lang": lang} if lang else {}
            put(docs, {"id": key, **({"v": vector} if vector else {}), **more})
            stored.pop(key, None)
            if vector:
                stored[key] = vector, lang
            if number % 7 == 3:
                run(docs, search_for(near("v", query), eq("lang", "en")))  # what it holds is kept up to date from here
        for lang in ("en", "de", *(() if split else (None,))):
            condition = (eq("lang", lang),) if lang else ()
            told = run(docs, search_for(near("v", query), *condition, top=top))
            costs = {
                key: score(distance.upper(), query, vector)
                for key, (vector, of) in stored.items()
                if lang in (None, of)
            }
            sign = -1 if distance == "dot_product" else 1
            assert [sign * each.score for each in told] == pytest.approx(
                sorted(costs.values())[:top], abs=1e-6, rel=1e-6
            )
            for each in told:
                assert sign * each.score == pytest.approx(costs[each.item["id"]], abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("distance", ["COSINE", "EUCLIDEAN", "DOT_PRODUCT"])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("values", [3, 1000])
def test_numpy_changes_nothing(distance: str, scale: float, values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy", reason="numpy is not installed")
    chance = random.Random(values)
    vectors = [[scale * chance.randrange(-values, values + 1) for _ in range(8)] for _ in range(500)]
    vectors += [[0.0] * 8, vectors[0], vectors[0], [-number for number in vectors[0]]]
    mixed = [scale * chance.gauss(0, values) * 2.0 ** chance.randrange(-9, 9) for _ in range(8)]
    vectors += [chance.sample(mixed, 8) for _ in range(40)]  # equally near to [x] * 8, however a sum is rounded
    partition = Partition(8, ())
    for place, vector in enumerate(vectors):
        partition.put(str(place).encode(), packed(vector), {})
    some = sorted(chance.sample(range(len(vectors)), 60))
    asked = [
        (array("f", query), top, places)
        for query in (vectors[0], vectors[7], [0.0] * 8, [scale / 3] * 8, [-scale / 3] * 8)
        for top in (1, 10, 100, 1000)
        for places in (None, some, [])
    ]
    results = []
    for much, quick in ((0, True), (10**9, True), (10**9, False)):
        monkeypatch.setattr(nearest_module, "MUCH", much)
        monkeypatch.setattr(nearest_module, "IS_QUICK", quick)  # as before Python 3.12
        results.append([nearest(partition, query, distance, top, places) for query, top, places in asked])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("distance", ["COSINE", "EUCLIDEAN", "DOT_PRODUCT"])
def test_numpy_sees_each_change_of_the_vectors(distance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy", reason="numpy is not installed")
    chance, partition, query = random.Random(3), Partition(2, ()), array("f", [3, 4])
    for number in range(300):
        key = bytes([chance.randrange(20)])
        if chance.random() < 0.3:
            partition.remove(key)
        else:
            partition.put(key, packed([chance.uniform(-9, 9), 10.0 ** (number % 7)]), {})
        results = []
        for much in (0, 10**9):
            monkeypatch.setattr(nearest_module, "MUCH", much)
            results.append(nearest(partition, query, distance, 2, None))
        assert results[0] == results[1]


@pytest.mark.parametrize("large", [1, 10**9])  # bytes: in a mapping of its own, and in an object of Python
def test_what_is_held_is_what_was_put_last(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LARGE", large)
    chance, partition, model = random.Random(5), Partition(2, ("f",)), {}
    for number in range(2000):
        key = bytes([chance.randrange(30)])
        if chance.random() < 0.4:
            partition.remove(key)
            model.pop(key, None)
        else:
            partition.put(key, packed([number, 1]), {"f": number % 3}, number)
            model[key] = number
    assert {key: partition.vector(place)[0] for key, place in partition.places.items()} == model
    assert dict(zip(partition.keys, partition.values, strict=True)) == {key: (n % 3,) for key, n in model.items()}
    assert partition.size == sum(model.values())
    assert partition.floats == 2 * len(model)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_changes_vectors_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LARGE", 1)
    partition = Partition(2, ())
    partition.put(b"key", packed([1, 2]), {})
    child = os.fork()
    if not child:
        partition.put(b"key", packed([3, 4]), {})
        os._exit(partition.vector(0).tolist() != [3, 4])
    assert os.waitpid(child, 0)[1] == 0
    assert partition.vector(0).tolist() == [1, 2]


def test_partitions_that_are_too_large_together_go_by_their_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    held, names = held_vectors.HeldVectors(), (b"a", b"b", b"c", b"d")

    def hold(name: bytes) -> None:
        partition = Partition(4, ())
        partition.put(b"key", packed([1, 2, 3, 4]), {})
        held.hold("by_v", name, partition)

    monkeypatch.setattr(held_vectors, "MOST_HELD", 3 * 4 * 4)  # three of them
    held.find(1, "by_v", b"a")
    for name in names[:3]:
        hold(name)
    assert held.find(1, "by_v", b"a") is not None
    hold(b"d")
    assert [name for name in names if held.find(1, "by_v", name)] == [b"a", b"c", b"d"]
    monkeypatch.setattr(held_vectors, "MOST_HELD", 1)  # a single one is held at any size
    hold(b"b")
    assert [name for name in names if held.find(1, "by_v", name)] == [b"b"]
    assert held.find(2, "by_v", b"b") is None


def test_both_doors() -> None:
    docs = Table("docs", "id", indexes=[VectorIndex("by_v", "v", 2)])

    async def awaited() -> Any:
        async with aio.connect("sqlite::memory:") as engine:
            bound = docs.on(engine)
            await aio.run(bound, create_table())
            await aio.put(bound, {"id": "a", "v": [1, 0]})
            await aio.update(bound, "a", assign("x", 1))
            return await aio.run(bound, search_for(near("v", [2, 0])))

    with connect("sqlite::memory:") as engine:
        bound = docs.on(engine)
        run(bound, create_table())
        put(bound, {"id": "a", "v": [1, 0]})
        update(bound, "a", assign("x", 1))
        told = run(bound, search_for(near("v", [2, 0])))
    assert told == asyncio.run(awaited())
    assert [(each.item, each.score) for each in told] == [({"id": "a", "x": 1}, 0.0)]


WRITER = """
import itertools, sys
from flyexpr import Table, VectorIndex, connect, put, delete, transact_write, put_item, delete_item
docs = Table("docs", "id", indexes=[VectorIndex("by_v", "v", 2)]).on(connect(f"sqlite:{sys.argv[1]}"))
for number in itertools.count(int(sys.argv[2])):
    put(docs, {"id": str(number % 17), "v": [number, 1], "number": number})
    other = put_item({"id": "t", "v": [number, 2], "number": number})
    transact_write([(docs, delete_item(str(number % 5))), (docs, other)])
    print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9")
def test_an_index_and_its_table_agree_after_kills(tmp_path: Path) -> None:
    path, last = tmp_path / "tables.db", 0
    docs = Table("docs", "id", indexes=[VectorIndex("by_v", "v", 2)]).on(connect(f"sqlite:{path}"))
    run(docs, create_table())
    for kills in range(5):
        command = [sys.executable, "-c", WRITER, str(path), str(last + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as writer:
            assert writer.stdout is not None
            for _ in range(20 + kills):
                last = int(writer.stdout.readline())
            writer.kill()
            rest = writer.stdout.read().split()
        last = int(rest[-1]) if rest else last
        stored = {each["id"]: each["v"] for each in run(docs, scan())}
        told = run(docs, search_for(near("v", [0, 0]), top=100, project=["id", "v"]))
        assert {each.item["id"]: each.item["v"] for each in told} == stored
        assert stored["t"][0] >= last


def test_shown_numbers_are_short() -> None:
    docs = Table("docs", "id", indexes=[VectorIndex("by_v", "v", 2)]).on(connect("sqlite::memory:"))
    run(docs, create_table())
    put(docs, {"id": "a", "v": [0.1, Decimal("0.123456789")]})
    (told,) = run(docs, search_for(near("v", [1, 0]), project=["v"]))
    assert told.item["v"] == [Decimal("0.1"), Decimal("0.12345679")]


def test_whole_numbers_of_an_index_have_a_fraction(engine: Any, name: str) -> None:
    call(engine, "CreateTable", table(name, index()))
    fill(engine, name, item("a", 1, "-0", "123456789.5"))
    for paths, count in (("v", 3), ("v[0]", 1), ("v[9]", 0)):
        (result,) = call(engine, "SearchVectors", search(name, 1, 2, 3, ProjectionExpression=paths))["SearchResults"]
        shown = result["Item"].get("v", {"L": []})["L"]
        assert [each["N"] for each in shown] == ["1.0", "0.0", "123456790.0"][:count]
