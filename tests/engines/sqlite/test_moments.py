"""What an engine does after a time, it does neither earlier nor later. The test sets the clock."""

from collections.abc import Callable
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key
from streaming import STREAMED, iterator, shards_of, stream_of

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.history.changes import has_changes, last_number
from flyexpr.engines.sqlite.disk.storage import Storage

EXPIRE = {"AttributeName": "exp", "Enabled": True}
ADD = {"Update": {"TableName": "tab", "Key": key(1), "UpdateExpression": "ADD n :n"}}
ONE = {":n": {"N": "1"}}
HOUR = 3600.0


@pytest.mark.parametrize("later, times", [(599.9, "1"), (600.1, "2")])
def test_a_token_is_known_for_ten_minutes(ask: Ask, clock: Clock, later: float, times: str) -> None:
    write = {"Update": {**ADD["Update"], "ExpressionAttributeValues": ONE}}
    ask("TransactWriteItems", TransactItems=[write], ClientRequestToken="t")
    clock.now += later
    ask("TransactWriteItems", TransactItems=[write], ClientRequestToken="t")
    assert ask("GetItem", Key=key(1))["Item"]["n"] == {"N": times}


@pytest.mark.parametrize("later, left", [(0.99, 1), (1.0, 0)])
def test_what_has_expired_is_looked_for_once_a_second(ask: Ask, clock: Clock, later: float, left: int) -> None:
    ask("UpdateTimeToLive", TimeToLiveSpecification=EXPIRE)
    clock.now += 10
    ask("PutItem", Item={**key(1), "exp": {"N": str(int(clock.now) - 1)}})
    clock.now += later
    assert ask("Scan")["Count"] == left


def test_what_expired_first_goes_first(ask: Ask, clock: Clock) -> None:
    ask("UpdateTimeToLive", TimeToLiveSpecification=EXPIRE)
    clock.now += 10
    for sort in range(101):  # one more than a request deletes
        ask("PutItem", Item={**key(sort), "exp": {"N": str(int(clock.now) + 200 - sort)}})
    clock.now += 500
    (left,) = ask("Scan")["Items"]
    assert left["sk"] == {"N": "0"}


@pytest.fixture
def streamed(clock: Clock) -> SqliteEngine:
    engine = SqliteEngine(":memory:", clock=clock)
    call(engine, "CreateTable", STREAMED)
    for sort in (1, 2):  # the newest change stays for ever
        call(engine, "PutItem", {"TableName": "streamed", "Item": key(sort)})
    return engine


def is_kept(engine: SqliteEngine) -> bool:
    """Whether the older change is in the file, once a request has come by."""
    call(engine, "ListTables", {})
    storage = engine._storage
    with storage.transaction("DEFERRED"):
        changes = storage.table("streamed").changes
        assert changes is not None
        return has_changes(storage, changes.store, 0, last_number(storage, changes.store))


@pytest.mark.parametrize("later, refused", [(900.0, False), (900.1, True)])
def test_an_iterator_is_valid_for_fifteen_minutes(
    streamed: SqliteEngine, clock: Clock, later: float, refused: bool
) -> None:
    stream = stream_of(streamed)
    place = iterator(streamed, stream, shards_of(streamed, stream)[0]["ShardId"])
    clock.now += later
    try:
        answer: Any = call(streamed, "GetRecords", {"ShardIterator": place})["Records"]
    except DynamoError as error:
        answer = error.code
    assert (answer == "ExpiredIteratorException") is refused


@pytest.mark.parametrize("later, kept", [(25 * HOUR - 1, True), (25 * HOUR + 1, False)])
def test_a_change_stays_in_the_file_for_an_hour_after_its_day(
    streamed: SqliteEngine, clock: Clock, later: float, kept: bool
) -> None:
    clock.now += later
    assert is_kept(streamed) is kept


def test_a_backup_that_stays_for_ever_keeps_no_change_in_the_file(streamed: SqliteEngine, clock: Clock) -> None:
    call(streamed, "CreateBackup", {"TableName": "streamed", "BackupName": "all"})
    clock.now += 26 * HOUR
    assert not is_kept(streamed)


@pytest.mark.parametrize("later, kept", [(59.9, True), (60.0, False)])
def test_changes_are_looked_for_once_a_minute(streamed: SqliteEngine, clock: Clock, later: float, kept: bool) -> None:
    clock.now += 25 * HOUR - 30
    assert is_kept(streamed)
    clock.now += later
    assert is_kept(streamed) is kept


def test_nobody_waits_for_others_to_delete_what_nobody_needs(
    streamed: SqliteEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(streamed, "CreateTable", TABLE)
    call(streamed, "UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": EXPIRE})
    call(streamed, "PutItem", {"TableName": "tab", "Item": {**key(1), "exp": {"N": str(int(clock.now) + 1)}}})
    begun: list[float | None] = []
    usual: Callable[..., Any] = Storage.transaction

    def transaction(storage: Storage, mode: str, patience: float | None = None) -> Any:
        if mode == "IMMEDIATE":
            begun.append(patience)
        return usual(storage, mode, patience)

    monkeypatch.setattr(Storage, "transaction", transaction)
    clock.now += 26 * HOUR
    assert not is_kept(streamed)
    assert begun == [0, 0]
