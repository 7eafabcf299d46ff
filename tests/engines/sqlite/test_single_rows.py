"""Writes without a transaction: what is worked out holds for the item as it is when it is written."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import KEY, PLAIN, key

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.file.open_file import OpenFile
from flyexpr.engines.sqlite.operations import items

OTHER_KEY = {
    **PLAIN,
    "KeySchema": KEY[:1],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
ITEM = {**key(1), "n": {"N": "5"}, "m": {"M": {"a": {"S": "b"}}}}
ADD = {
    "Key": key(1),
    "UpdateExpression": "ADD n :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
    "ReturnValues": "ALL_NEW",
    "ReturnConsumedCapacity": "TOTAL",
}


def ask(engine: SqliteEngine, operation: str, **members: Any) -> dict[str, Any]:
    return call(engine, operation, {"TableName": "tab", **members})


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[tuple[SqliteEngine, SqliteEngine]]:
    """Two engines on a file with a table, as two processes may have it."""
    path = str(tmp_path / "tables.db")
    with SqliteEngine(path) as engine, SqliteEngine(path) as other:
        call(engine, "CreateTable", PLAIN)
        ask(engine, "GetItem", Key=key(1))  # the table is remembered from now on
        yield engine, other


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes of the transactions that are begun."""
    begun: list[str] = []
    begin = OpenFile.try_to_begin

    def noted(storage: Any, mode: str, last: bool) -> bool:
        begun.append(mode)
        return begin(storage, mode, last)

    monkeypatch.setattr(OpenFile, "try_to_begin", noted)
    return begun


def while_worked_out(monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], Any]) -> None:
    """Disturbs the next write between its two statements."""
    work_out, left = items.work_out, [disturb]

    def disturbed(*arguments: Any) -> Any:
        images = work_out(*arguments)
        if left:
            left.pop()()
        return images

    monkeypatch.setattr(items, "work_out", disturbed)


NEW = {"Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}
FAILING = {**ADD, "ConditionExpression": "attribute_not_exists(pk)"}


def test_writes_take_no_transaction(engines: tuple[SqliteEngine, SqliteEngine], transactions: list[str]) -> None:
    engine, other = engines
    ask(engine, "PutItem", **NEW)
    capacity = {"TableName": "tab", "CapacityUnits": 1.0}
    new = {**ITEM, "n": {"N": "6"}}
    assert ask(engine, "UpdateItem", **ADD) == {"Attributes": new, "ConsumedCapacity": capacity}
    with pytest.raises(DynamoError, match="ConditionalCheckFailed"):
        ask(engine, "UpdateItem", **FAILING)
    assert ask(engine, "DeleteItem", Key=key(1), ReturnValues="ALL_OLD") == {"Attributes": new}
    assert ask(engine, "DeleteItem", Key=key(1), ReturnValues="ALL_OLD") == {}
    assert ask(engine, "UpdateItem", **ADD)["Attributes"] == {**key(1), "n": {"N": "1"}}
    assert transactions == []
    assert ask(other, "GetItem", Key=key(1))["Item"] == {**key(1), "n": {"N": "1"}}


@pytest.mark.parametrize("there", [True, False])
def test_an_update_counts_what_another_one_has_added(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    engine, other = engines
    if there:
        ask(engine, "PutItem", Item=ITEM)
    while_worked_out(monkeypatch, lambda: ask(other, "UpdateItem", **ADD))
    assert ask(engine, "UpdateItem", **ADD)["Attributes"]["n"] == {"N": "7" if there else "2"}


def test_an_item_that_was_deleted_meanwhile_is_made_anew(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = engines
    ask(engine, "PutItem", Item=ITEM)
    while_worked_out(monkeypatch, lambda: ask(other, "DeleteItem", Key=key(1)))
    assert ask(engine, "UpdateItem", **ADD)["Attributes"] == {**key(1), "n": {"N": "1"}}


def test_a_condition_that_has_become_false_refuses_the_write(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = engines
    while_worked_out(monkeypatch, lambda: ask(other, "UpdateItem", **ADD))
    with pytest.raises(DynamoError, match="ConditionalCheckFailed"):
        ask(engine, "PutItem", **NEW)
    while_worked_out(monkeypatch, lambda: ask(other, "UpdateItem", **ADD))
    only = {"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    with pytest.raises(DynamoError, match="ConditionalCheckFailed"):
        ask(engine, "DeleteItem", Key=key(1), **only)
    assert ask(engine, "GetItem", Key=key(1))["Item"] == {**key(1), "n": {"N": "2"}}


def test_a_table_that_is_another_one_meanwhile(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = engines
    ask(engine, "PutItem", Item=ITEM)

    def made_anew() -> None:
        ask(other, "DeleteTable")
        call(other, "CreateTable", OTHER_KEY)

    while_worked_out(monkeypatch, made_anew)
    with pytest.raises(DynamoError, match="The provided key element does not match the schema"):
        ask(engine, "UpdateItem", **ADD)
    while_worked_out(monkeypatch, lambda: ask(other, "DeleteTable"))
    with pytest.raises(DynamoError, match="ResourceNotFoundException"):
        ask(engine, "UpdateItem", **{**ADD, "Key": {"pk": {"S": "p"}}})


INDEX = {"IndexName": "by_n", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}]}
NEW_INDEX = {
    "AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}],
    "GlobalSecondaryIndexUpdates": [{"Create": {**INDEX, "Projection": {"ProjectionType": "ALL"}}}],
}


def test_an_index_that_has_come_meanwhile_has_the_item(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = engines
    while_worked_out(monkeypatch, lambda: ask(other, "UpdateTable", **NEW_INDEX))
    ask(engine, "UpdateItem", **ADD)
    assert ask(engine, "Scan", IndexName="by_n")["Count"] == 1


@pytest.mark.parametrize(("operation", "members"), [("UpdateItem", ADD), ("PutItem", {"Item": ITEM})])
def test_an_index_of_which_a_signals_handler_learns_has_the_item(
    engines: tuple[SqliteEngine, SqliteEngine],
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    members: dict[str, Any],
) -> None:
    """What the handler asks brings the newest version of the catalog, while the write has the table as it was."""
    engine, other = engines
    write_row, handlers = items.write_row, [lambda: ask(other, "UpdateTable", **NEW_INDEX), lambda: ask(engine, "Scan")]

    def disturbed(*arguments: Any) -> bytes:
        while handlers:
            handlers.pop(0)()
        return write_row(*arguments)

    monkeypatch.setattr(items, "write_row", disturbed)
    ask(engine, operation, **members)
    assert ask(engine, "Scan", IndexName="by_n")["Count"] == 1


def test_a_write_waits_while_another_process_writes(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = engines
    with sqlite3.connect(engine.path, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        waited: list[float] = []

        def ended(seconds: float) -> None:
            waited.append(seconds)
            if connection.in_transaction:
                connection.execute("COMMIT")

        monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.files.time.sleep", ended)
        assert ask(engine, "UpdateItem", **ADD)["Attributes"]["n"] == {"N": "1"}
        assert waited
    connection.close()
