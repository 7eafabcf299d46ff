"""Files that are full, damaged, or made by somebody who means harm: a clear error, never a crash or a wrong answer."""

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, key
from raised import raises
from streaming import STREAMED, records

from flyexpr import DynamoError, FlyexprError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.item_texts import read_first, read_text
from flyexpr.engines.sqlite.faults import DamagedFileError

ITEMS = 60
READS: list[tuple[str, dict[str, Any]]] = [
    ("ListTables", {}),
    ("DescribeTable", {"TableName": "tab"}),
    ("Scan", {"TableName": "tab"}),
    ("Scan", {"TableName": "tab", "IndexName": "by_g", "FilterExpression": "attribute_exists(x)"}),
    ("GetItem", {"TableName": "tab", "Key": key(7)}),
    (
        "UpdateItem",
        {
            "TableName": "tab",
            "Key": key(7),
            "UpdateExpression": "ADD x :v",
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        },
    ),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a table, 60 items of 500 bytes, and nothing left in its log."""
    place = tmp_path / "tables.db"
    with SqliteEngine(str(place)) as engine:
        call(engine, "CreateTable", TABLE)
        for number in range(ITEMS):
            call(engine, "PutItem", {"TableName": "tab", "Item": item(number)})
    return place


def item(number: int) -> dict[str, Any]:
    return {**key(number), "gk": {"S": "g"}, "x": {"N": str(number)}, "pad": {"S": "x" * 450}}


DAMAGED = (
    "the file is damaged: put a copy in its place, together with the copy's -wal and -shm and without the old ones, "
    "or see what `sqlite3 FILE .recover` can save"
)
UNUSABLE = re.compile(
    r"cannot use .* as a table file: (database disk image is malformed|malformed database schema|'utf-8')"
)


def use(path: Path) -> set[str]:
    """Open the file and do everything; how each refusal begins, which has to say that the file is damaged."""
    try:
        with SqliteEngine(str(path)) as engine:
            told = [told_by(engine, operation, request) for operation, request in READS]
    except FlyexprError as error:
        if not UNUSABLE.match(str(error)):
            raise
        return {"not opened"}
    for error in filter(None, told):
        assert DAMAGED in error.message or error.code in ("ResourceNotFoundException", "ValidationException"), error
    return {error.code if error else "answered" for error in told}


def told_by(engine: SqliteEngine, operation: str, request: dict[str, Any]) -> DynamoError | None:
    try:
        engine(operation, json.dumps(request).encode())
    except DynamoError as error:
        return error
    return None


def refusal(engine: SqliteEngine, operation: str, request: dict[str, Any]) -> str | None:
    """The code that a request is refused with, or None."""
    error = told_by(engine, operation, request)
    return error.code if error else None


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_file_is_not_opened(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with raises(FlyexprError, f"cannot use '{path}' as a table file: database disk image is malformed"):
        SqliteEngine(str(path))


def test_random_bytes_in_the_middle(path: Path) -> None:
    """Whatever they hit, it is answered, or said to be damage; and every kind of outcome occurs."""
    whole, outcomes = path.read_bytes(), set[str]()
    for seed in range(40):
        chance = random.Random(seed)
        content = bytearray(whole)
        for _ in range(chance.choice([1, 20, 400])):
            content[chance.randrange(100, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        outcomes |= use(path)
    assert outcomes >= {"not opened", "answered", "InternalServerError"}


def test_an_item_without_its_key(path: Path) -> None:
    """Nor an entry of an index, whose key leads to the item that a read fetches."""
    (index,) = TABLE["LocalSecondaryIndexes"]
    index = {**index, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    with SqliteEngine(str(path)) as engine:
        call(engine, "CreateTable", {**TABLE, "TableName": "other", "LocalSecondaryIndexes": [index]})
        call(engine, "PutItem", {"TableName": "other", "Item": {**item(1), "lk": {"B": "YQ=="}}})
    with written(path) as connection:
        for store in ("items_1", "index_2_1"):
            assert connection.execute(f"""UPDATE {store} SET item = '{{"x":{{"N":"1"}}}}'""").rowcount > 0
    fetching = {"TableName": "other", "IndexName": "by_l", "Select": "ALL_ATTRIBUTES"}
    with SqliteEngine(str(path)) as engine:
        for members in ({"TableName": "tab", "Limit": 1}, fetching):
            message = str(told_by(engine, "Scan", members))
            assert "a stored item lacks its key" in message
            assert DAMAGED in message


@pytest.mark.parametrize("cut", [1, 5, 7, 9, 25, -1])
def test_a_stored_item_that_is_cut_short(path: Path, cut: int) -> None:
    with written(path) as connection:
        length = "length(item) + ?" if cut < 0 else "?"
        connection.execute(f"UPDATE items_1 SET item = substr(item, 1, {length})", (cut,))
    with SqliteEngine(str(path)) as engine:
        update = READS[-1]
        checked = "PutItem", {"TableName": "tab", "Item": item(7), "ReturnValues": "ALL_OLD"}
        filtered = "Scan", {"TableName": "tab", "FilterExpression": "attribute_exists(x)"}
        for operation, request in (update, checked, filtered):
            message = str(told_by(engine, operation, request))
            assert "a stored item cannot be read" in message, operation
            assert DAMAGED in message


def test_a_damaged_file_says_what_to_do(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with SqliteEngine(str(path)) as engine, pytest.raises(DynamoError, match=rf"malformed; {DAMAGED}\Z"):
        call(engine, "ListTables", {})


@contextmanager
def written(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, open to whoever wants to write to it behind the engine's back."""
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


HOSTILE = [
    "CREATE TRIGGER t AFTER INSERT ON items_1 BEGIN DELETE FROM items_1; END",
    "CREATE VIEW v AS SELECT * FROM items_1",
    "CREATE VIRTUAL TABLE v USING fts5(x)",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_what_could_act_by_itself_is_refused(path: Path, statement: str) -> None:
    with written(path) as connection:
        connection.execute(statement)
    with raises(FlyexprError, f"cannot use '{path}': it has triggers, views or virtual tables, which no engine makes"):
        SqliteEngine(str(path))


TEXTS = [
    '{"pk":{"S":"p"},"sk":{"N":"7"},"x":{"N":"1e100000000"}}',
    '{"pk":{"S":"p"},"sk":{"N":"7"},"x":{"N":"' + "9" * 100_000 + '"}}',
    '{"pk":{"S":"p"},"sk":{"N":"7"},"x":' + '{"L":[' * 50_000 + "]}" * 50_000 + "}",
    '{"pk":{"S":"p"},"sk":{"N":"7"},"x":{"Q":"?"}}',
    '{"pk":{"S":"p"},"sk":{"N":"7"},"x":{}}',
    "[]",
    "",
]


@pytest.mark.parametrize("text", TEXTS, ids=[text[:50] for text in TEXTS])
def test_a_stored_item_that_no_engine_wrote(path: Path, text: str) -> None:
    with written(path) as connection:
        connection.execute("UPDATE items_1 SET item = ?", (text,))
    update = {"UpdateExpression": "SET x = x + :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    with SqliteEngine(str(path)) as engine, pytest.raises(DynamoError) as error:
        call(engine, "UpdateItem", {"TableName": "tab", "Key": key(7), **update})
    assert error.value.code in ("InternalServerError", "ValidationException")


def test_a_stored_text_that_is_no_text() -> None:
    for read in (read_text, read_first):
        with pytest.raises(DamagedFileError, match=r"\Aa stored item cannot be read\Z"):
            read(b'{"pk":{"S":"\xff"}}', ["pk"])
    with pytest.raises(DamagedFileError, match=r"\Aa stored item cannot be read\Z"):
        read_text(b'{"pk":{"S":"\xff%b"}}' % (b"x" * 100), ["pk"])


@pytest.mark.parametrize("change", ["kind = 9", "kind = 'x'", "key = X'00'", "key = '{}'"])
def test_a_change_that_no_engine_wrote(path: Path, change: str) -> None:
    """Every reader of the damaged column reports it. A stream of two shards reads the keys, too."""
    with SqliteEngine(str(path), shards=2) as engine:
        call(engine, "CreateTable", STREAMED)
        call(engine, "PutItem", {"TableName": "streamed", "Item": key(7)})
    with written(path) as connection:
        assert connection.execute(f"UPDATE changes_3 SET {change}").rowcount == 1
    with SqliteEngine(str(path)) as engine, pytest.raises(DynamoError, match=rf"cannot be read; {DAMAGED}\Z"):
        records(engine)


@pytest.mark.parametrize("definition", ["", "[]", "{}", "[" * 100_000, '{"Stores":{"":"catalog"},"Description":{}}'])
def test_a_definition_that_no_engine_wrote(path: Path, definition: str) -> None:
    with written(path) as connection:
        connection.execute("UPDATE catalog SET definition = ?", (definition,))
    with (
        SqliteEngine(str(path)) as engine,
        pytest.raises(DynamoError, match=rf"table 'tab' cannot be read: .*{DAMAGED}\Z"),
    ):
        call(engine, "GetItem", {"TableName": "tab", "Key": key(7)})


ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
ADMINISTRATION: list[tuple[str, dict[str, Any]]] = [
    ("DescribeTimeToLive", {"TableName": "tab"}),
    ("ListTagsOfResource", {"ResourceArn": ARN}),
    ("TagResource", {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UpdateTable", {"TableName": "tab", "DeletionProtectionEnabled": False}),
    ("UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": "x", "Enabled": True}}),
    ("DeleteTable", {"TableName": "tab"}),
]
WRONG: list[Any] = [None, 0, 1.5, "", "catalog", [], [None], {}, {"": "items_1"}]


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*place, name)
        yield from places(part, (*place, name))


def changed(value: Any, place: tuple[Any, ...], wrong: Any) -> Any:
    """A JSON value with something else at one place."""
    if not place:
        return wrong
    copied = value.copy()
    copied[place[0]] = changed(value[place[0]], place[1:], wrong)
    return copied


def test_no_part_of_a_definition_is_trusted(path: Path) -> None:
    with written(path) as connection:
        ((text,),) = connection.execute("SELECT definition FROM catalog")
    definition = json.loads(text)
    chance = random.Random(0)
    for place in places(definition):
        with written(path) as connection:
            hostile = json.dumps(changed(definition, place, chance.choice(WRONG)))
            connection.execute("UPDATE catalog SET definition = ?", (hostile,))
        with SqliteEngine(str(path)) as engine:
            for operation, request in (*READS, *chance.sample(ADMINISTRATION[:-1], 2)):
                refusal(engine, operation, request)  # whatever comes, it is a DynamoError
    with written(path) as connection:
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'catalog%'")
    assert tables


def test_a_table_is_not_deleted_by_the_names_that_a_file_gives(path: Path) -> None:
    with written(path) as connection:
        ((text,),) = connection.execute("SELECT definition FROM catalog")
        connection.execute("UPDATE catalog SET definition = ?", (text.replace('"items_1"', '"tokens"'),))
    with (
        SqliteEngine(str(path)) as engine,
        pytest.raises(DynamoError, match=rf": 'tokens' is not a store; {DAMAGED}\Z"),
    ):
        call(engine, "DeleteTable", {"TableName": "tab"})


@pytest.mark.parametrize("text", ["zz", "", "{}"])
def test_a_time_to_live_that_no_engine_wrote(path: Path, text: str) -> None:
    with SqliteEngine(str(path)) as engine:
        specification = {"AttributeName": "x", "Enabled": True}
        call(engine, "UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": specification})
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(7), "x": {"N": "1800000000"}}})
    with written(path) as connection:
        connection.execute("UPDATE expiry_2 SET item = ?", (text,))
    with SqliteEngine(str(path), clock=lambda: 1_800_000_100.0) as engine:
        assert refusal(engine, "ListTables", {}) in (None, "InternalServerError")


def test_a_full_disk_loses_nothing_and_the_engine_goes_on(path: Path) -> None:
    with SqliteEngine(str(path)) as engine:
        assert engine._storage is not None
        connection = engine._storage.connection
        ((pages,),) = connection.execute("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages + 5}")
        acknowledged = ITEMS
        while refusal(engine, "PutItem", {"TableName": "tab", "Item": item(acknowledged)}) is None:
            acknowledged += 1
        with raises(
            DynamoError,
            f"InternalServerError: {path}: database or disk is full; nothing of the request was written: "
            "make room, and send it again",
        ):
            call(engine, "PutItem", {"TableName": "tab", "Item": item(acknowledged)})
        for index in ({}, {"IndexName": "by_g"}):
            assert call(engine, "Scan", {"TableName": "tab", **index})["Count"] == acknowledged
        connection.execute("PRAGMA max_page_count = 1000000")
        call(engine, "PutItem", {"TableName": "tab", "Item": item(acknowledged)})
