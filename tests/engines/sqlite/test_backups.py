"""Backups, and tables that are restored from them or to a point in time."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock, key
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises
from streaming import BOTH, Wire, records, stream_of
from words import cases

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.disk.storage import Storage

ON = {"PointInTimeRecoveryEnabled": True}
OFF = {"PointInTimeRecoveryEnabled": False}


def item(sort: int, **attributes: Any) -> Wire:
    return {**key(sort), "gk": {"S": f"g{sort % 2}"}, "lk": {"B": "YQ=="}, **attributes}


def put(engine: SqliteEngine, sort: int, **attributes: Any) -> None:
    call(engine, "PutItem", {"TableName": "tab", "Item": item(sort, **attributes)})


def backup(engine: SqliteEngine, name: str = "one") -> str:
    made: str = call(engine, "CreateBackup", {"TableName": "tab", "BackupName": name})["BackupDetails"]["BackupArn"]
    return made


def recover(engine: SqliteEngine, specification: Wire) -> Wire:
    request = {"TableName": "tab", "PointInTimeRecoverySpecification": specification}
    shown: Wire = call(engine, "UpdateContinuousBackups", request)["ContinuousBackupsDescription"]
    assert shown == call(engine, "DescribeContinuousBackups", {"TableName": "tab"})["ContinuousBackupsDescription"]
    recovery: Wire = shown["PointInTimeRecoveryDescription"]
    return recovery


def contents(engine: SqliteEngine, table: str, indexes: tuple[str, ...] = ("by_g", "by_l")) -> list[list[str]]:
    """What a table and its indexes hold, as text, in some order of their own."""
    parts: list[Wire] = [{}, *({"IndexName": index} for index in indexes)]
    found = [call(engine, "Scan", {"TableName": table, **part})["Items"] for part in parts]
    return [sorted(json.dumps(one, sort_keys=True) for one in items) for items in found]


def described(engine: SqliteEngine, table: str) -> Wire:
    shown: Wire = call(engine, "DescribeTable", {"TableName": table})["Table"]
    return shown


def stores(engine: SqliteEngine) -> list[bytes]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in engine._storage.connection.execute(query)]


def test_a_table_is_restored_from_a_backup(embedded: SqliteEngine, clock: Clock) -> None:
    for sort in range(5):
        put(embedded, sort)
    before = contents(embedded, "tab")
    arn = backup(embedded)
    put(embedded, 1, x={"S": "later"})
    call(embedded, "DeleteItem", {"TableName": "tab", "Key": key(2)})
    clock.now += 60
    restored = call(embedded, "RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": arn})[
        "TableDescription"
    ]
    assert (restored["TableStatus"], restored["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    assert contents(embedded, "new") == before
    shown, source = described(embedded, "new"), described(embedded, "tab")
    assert shown["RestoreSummary"] == {
        "SourceBackupArn": arn,
        "SourceTableArn": source["TableArn"],
        "RestoreDateTime": clock.now,
        "RestoreInProgress": False,
    }
    for same in ("KeySchema", "AttributeDefinitions", "ItemCount"):
        assert shown[same] == source[same] or same == "ItemCount"
    assert (shown["ItemCount"], shown["CreationDateTime"]) == (5, clock.now)
    assert shown["TableId"] != source["TableId"]
    put(embedded, 9)  # the tables go apart
    call(embedded, "PutItem", {"TableName": "new", "Item": item(7, gk={"S": "g7"})})
    assert len(contents(embedded, "new")[1]) == 6


def test_a_restored_table_has_settings_of_its_own(embedded: SqliteEngine, ask: Ask) -> None:
    ask("TagResource", ResourceArn=described(embedded, "tab")["TableArn"], Tags=[{"Key": "a", "Value": "b"}])
    ask("UpdateTable", StreamSpecification=BOTH, DeletionProtectionEnabled=True)
    ask("UpdateTimeToLive", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    recover(embedded, ON)
    arn = backup(embedded)
    request = {"TargetTableName": "new", "BackupArn": arn}
    call(embedded, "RestoreTableFromBackup", request)
    shown = described(embedded, "new")
    assert shown.keys().isdisjoint(("StreamSpecification", "LatestStreamArn"))
    assert shown["DeletionProtectionEnabled"] is False
    assert call(embedded, "ListTagsOfResource", {"ResourceArn": shown["TableArn"]}) == {"Tags": []}
    expiry = call(embedded, "DescribeTimeToLive", {"TableName": "new"})["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "DISABLED"}
    recovery = call(embedded, "DescribeContinuousBackups", {"TableName": "new"})["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_a_restored_table_may_differ(embedded: SqliteEngine) -> None:
    put(embedded, 1)
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    call(
        embedded,
        "RestoreTableFromBackup",
        {
            "TargetTableName": "new",
            "BackupArn": backup(embedded),
            "BillingModeOverride": "PROVISIONED",
            "ProvisionedThroughputOverride": units,
            "GlobalSecondaryIndexOverride": [],
            "SSESpecificationOverride": {"Enabled": True},
        },
    )
    shown = described(embedded, "new")
    assert "GlobalSecondaryIndexes" not in shown
    assert [one["AttributeName"] for one in shown["AttributeDefinitions"]] == ["pk", "sk", "lk"]
    assert shown["ProvisionedThroughput"].items() >= units.items()
    assert shown["SSEDescription"]["SSEType"] == "KMS"
    assert contents(embedded, "new", ("by_l",)) == contents(embedded, "tab", ("by_l",))


def test_what_is_shown_of_a_backup(embedded: SqliteEngine, clock: Clock, ask: Ask) -> None:
    ask("UpdateTimeToLive", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    ask("UpdateTable", StreamSpecification=BOTH)
    put(embedded, 1)
    arn = backup(embedded)
    table = described(embedded, "tab")
    details = {
        "BackupArn": arn,
        "BackupName": "one",
        "BackupSizeBytes": table["TableSizeBytes"],
        "BackupStatus": "AVAILABLE",
        "BackupType": "USER",
        "BackupCreationDateTime": clock.now,
    }
    names = {name: table[name] for name in ("TableName", "TableId", "TableArn")}
    assert call(embedded, "ListBackups", {}) == {"BackupSummaries": [{**names, **details}]}
    shown = call(embedded, "DescribeBackup", {"BackupArn": arn})["BackupDescription"]
    assert shown == {
        "BackupDetails": details,
        "SourceTableDetails": {
            **names,
            "TableSizeBytes": table["TableSizeBytes"],
            "KeySchema": table["KeySchema"],
            "TableCreationDateTime": table["CreationDateTime"],
            "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            "ItemCount": 1,
            "BillingMode": "PAY_PER_REQUEST",
        },
        "SourceTableFeatureDetails": {
            "LocalSecondaryIndexes": TABLE["LocalSecondaryIndexes"],
            "GlobalSecondaryIndexes": [
                {
                    **TABLE["GlobalSecondaryIndexes"][0],
                    "ProvisionedThroughput": {
                        "NumberOfDecreasesToday": 0,
                        "ReadCapacityUnits": 0,
                        "WriteCapacityUnits": 0,
                    },
                }
            ],
            "StreamDescription": BOTH,
            "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"},
        },
    }
    there = stores(embedded)
    deleted = call(embedded, "DeleteBackup", {"BackupArn": arn})["BackupDescription"]
    assert deleted == {**shown, "BackupDetails": {**details, "BackupStatus": "DELETED"}}
    assert call(embedded, "ListBackups", {}) == {"BackupSummaries": []}
    assert len(there) - len(stores(embedded)) == 3


def test_backups_are_listed_by_table_type_and_time(embedded: SqliteEngine, clock: Clock) -> None:
    call(embedded, "CreateTable", {**TABLE, "TableName": "other"})
    arns = []
    for number in range(3):
        arns.append(backup(embedded, f"backup{number}"))
        clock.now += 10
    other = call(embedded, "CreateBackup", {"TableName": "other", "BackupName": "one"})["BackupDetails"]["BackupArn"]

    def listed(**members: Any) -> list[str]:
        return [one["BackupArn"] for one in call(embedded, "ListBackups", members)["BackupSummaries"]]

    assert listed() == [other, *arns]
    assert listed(TableName="tab") == arns
    assert listed(TableName="nowhere") == listed(BackupType="SYSTEM") == listed(BackupType="AWS_BACKUP") == []
    assert listed(TableName="tab", TimeRangeLowerBound=1_800_000_010, TimeRangeUpperBound=1_800_000_020) == arns[1:2]
    page = call(embedded, "ListBackups", {"Limit": 2})
    assert page["LastEvaluatedBackupArn"] == arns[0]
    assert listed(ExclusiveStartBackupArn=arns[0]) == arns[1:]


def test_a_backup_outlives_its_table(embedded: SqliteEngine) -> None:
    put(embedded, 1)
    before, arn = contents(embedded, "tab"), backup(embedded)
    call(embedded, "DeleteTable", {"TableName": "tab"})
    call(embedded, "RestoreTableFromBackup", {"TargetTableName": "tab", "BackupArn": arn})
    assert contents(embedded, "tab") == before


# To a point in time


def test_recovery_is_enabled_and_disabled(embedded: SqliteEngine, clock: Clock) -> None:
    off = {"PointInTimeRecoveryStatus": "DISABLED"}
    assert recover(embedded, OFF) == off
    since = clock.now
    on = {"PointInTimeRecoveryStatus": "ENABLED", "EarliestRestorableDateTime": since}
    assert recover(embedded, ON) == {**on, "RecoveryPeriodInDays": 35, "LatestRestorableDateTime": since}
    clock.now += 5 * 86_400
    later = {"RecoveryPeriodInDays": 7, "LatestRestorableDateTime": clock.now}
    assert recover(embedded, {**ON, "RecoveryPeriodInDays": 7}) == {**on, **later}
    assert recover(embedded, {**ON, "RecoveryPeriodInDays": 1})["EarliestRestorableDateTime"] == clock.now - 86_400
    assert b"changes_3" in stores(embedded)
    assert recover(embedded, OFF) == off
    assert b"changes_3" not in stores(embedded)


def test_what_was_trimmed_is_not_restorable_by_a_longer_period(embedded: SqliteEngine, clock: Clock) -> None:
    recover(embedded, {**ON, "RecoveryPeriodInDays": 1})
    clock.now += 5 * 86_400
    earliest = clock.now - 86_400
    assert recover(embedded, ON)["EarliestRestorableDateTime"] == earliest
    clock.now += 86_400
    assert recover(embedded, ON)["EarliestRestorableDateTime"] == earliest


def test_a_table_is_not_copied_while_one_of_its_indexes_is_filled(embedded: SqliteEngine) -> None:
    recover(embedded, ON)
    storage = embedded._storage
    definition = storage.definition("tab")
    assert definition is not None
    filling = {"Store": definition["Stores"]["by_g"], "After": "", "At": time.time()}
    storage.define("tab", {**definition, "Filling": filling})
    with raises(DynamoError, "TableInUseException: Table is being updated: tab"):
        backup(embedded)
    to_now = {"SourceTableName": "tab", "TargetTableName": "new", "UseLatestRestorableTime": True}
    with raises(DynamoError, "TableInUseException: Table is being updated: tab"):
        call(embedded, "RestoreTableToPointInTime", to_now)
    storage.define("tab", {**definition, "Filling": {**filling, "At": 0.0}})
    backup(embedded)


def test_a_table_is_restored_to_each_moment(embedded: SqliteEngine, clock: Clock) -> None:
    recover(embedded, ON)
    states = {}
    writes: list[tuple[str, Wire]] = [
        ("PutItem", {"Item": item(1)}),
        ("PutItem", {"Item": item(2, x={"N": "1"})}),
        ("UpdateItem", {"Key": key(2), "UpdateExpression": "SET gk = pk REMOVE lk"}),
        ("DeleteItem", {"Key": key(1)}),
        ("PutItem", {"Item": item(1, x={"S": "again"})}),
    ]
    for operation, members in writes:
        states[clock.now] = contents(embedded, "tab")
        clock.now += 1
        call(embedded, operation, {"TableName": "tab", **members})
    states[clock.now] = contents(embedded, "tab")
    clock.now += 1
    for moment, state in states.items():
        name = f"at{moment:.0f}"
        request = {"SourceTableName": "tab", "TargetTableName": name, "RestoreDateTime": moment}
        call(embedded, "RestoreTableToPointInTime", request)
        assert contents(embedded, name) == state
        assert described(embedded, name)["RestoreSummary"]["RestoreDateTime"] == moment
    call(
        embedded,
        "RestoreTableToPointInTime",
        {
            "SourceTableArn": described(embedded, "tab")["TableArn"],
            "TargetTableName": "latest",
            "UseLatestRestorableTime": True,
        },
    )
    assert contents(embedded, "latest") == contents(embedded, "tab")


SORTS = st.integers(0, 3)
WRITES = st.one_of(
    st.tuples(st.just("PutItem"), st.builds(lambda sort, x: {"Item": item(sort, x={"N": str(x)})}, SORTS, SORTS)),
    st.tuples(st.just("DeleteItem"), st.builds(lambda sort: {"Key": key(sort)}, SORTS)),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), WRITES), max_size=15), st.data())
def test_any_moment_can_be_restored(writes: list[tuple[int, tuple[str, Wire]]], data: st.DataObject) -> None:
    clock = Clock()
    with SqliteEngine(":memory:", clock=clock) as engine:
        call(engine, "CreateTable", TABLE)
        put(engine, 0)
        recover(engine, ON)
        states = {clock.now: contents(engine, "tab")}
        for seconds, (operation, members) in writes:
            clock.now += seconds
            call(engine, operation, {"TableName": "tab", **members})
            states[clock.now] = contents(engine, "tab")  # of one second, the last
        clock.now += 1
        moment = data.draw(st.sampled_from(sorted(states)))
        request = {"SourceTableName": "tab", "TargetTableName": "restored", "RestoreDateTime": moment + 0.5}
        call(engine, "RestoreTableToPointInTime", request)
        assert contents(engine, "restored") == states[moment]


def test_a_stream_and_recovery_share_the_record(embedded: SqliteEngine, clock: Clock, ask: Ask) -> None:
    ask("UpdateTable", StreamSpecification=BOTH)
    put(embedded, 1)
    recover(embedded, ON)
    put(embedded, 2)
    clock.now += 1
    moment, state = clock.now, contents(embedded, "tab")
    clock.now += 1
    ask("UpdateTable", StreamSpecification={"StreamEnabled": False})
    put(embedded, 3)
    ask("UpdateTable", StreamSpecification=BOTH)
    put(embedded, 4)
    assert [record["dynamodb"]["Keys"] for record in records(embedded, stream_of(embedded, "tab"))] == [key(4)]
    clock.now += 30 * 3600  # the stream is trimmed; what recovery needs is not
    assert call(embedded, "ListStreams", {})["Streams"] != []
    assert records(embedded, stream_of(embedded, "tab")) == []
    request = {"SourceTableName": "tab", "TargetTableName": "new", "RestoreDateTime": moment}
    call(embedded, "RestoreTableToPointInTime", request)
    assert contents(embedded, "new") == state
    recover(embedded, OFF)
    put(embedded, 5)
    assert [record["dynamodb"]["Keys"] for record in records(embedded, stream_of(embedded, "tab"))] == [key(5)]


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE"])
def test_recovery_begins_after_what_a_stream_has_recorded_without_old_images(
    embedded: SqliteEngine, clock: Clock, view: str
) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": view}
    call(embedded, "UpdateTable", {"TableName": "tab", "StreamSpecification": stream})
    put(embedded, 1)
    put(embedded, 1, x={"N": "1"})
    clock.now -= 60  # so that these changes are, by their numbers, later than what follows
    earliest = recover(embedded, ON)["EarliestRestorableDateTime"]
    assert recover(embedded, ON)["EarliestRestorableDateTime"] == earliest > clock.now
    before = contents(embedded, "tab")
    latest = {"SourceTableName": "tab", "TargetTableName": "latest", "UseLatestRestorableTime": True}
    call(embedded, "RestoreTableToPointInTime", latest)
    assert contents(embedded, "latest") == before
    clock.now = earliest + 1
    put(embedded, 1, x={"N": "2"})
    put(embedded, 2)
    call(embedded, "DeleteItem", {"TableName": "tab", "Key": key(1)})
    assert [change["eventName"] for change in records(embedded, stream_of(embedded, "tab"))][2:] == [
        "MODIFY",
        "INSERT",
        "REMOVE",
    ]
    restoring = {"SourceTableName": "tab", "TargetTableName": "new", "RestoreDateTime": earliest}
    call(embedded, "RestoreTableToPointInTime", restoring)
    assert contents(embedded, "new") == before


def test_a_deleted_table_with_recovery_leaves_a_backup_for_35_days(embedded: SqliteEngine, clock: Clock) -> None:
    recover(embedded, ON)
    put(embedded, 1)
    before = contents(embedded, "tab")
    call(embedded, "DeleteTable", {"TableName": "tab"})
    (one,) = call(embedded, "ListBackups", {"BackupType": "SYSTEM"})["BackupSummaries"]
    assert (one["BackupName"], one["BackupExpiryDateTime"]) == ("tab$DeletedTableBackup", clock.now + 35 * 86_400)
    call(embedded, "RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": one["BackupArn"]})
    assert contents(embedded, "new") == before
    call(embedded, "DeleteTable", {"TableName": "new"})
    clock.now += 36 * 86_400
    for _ in range(2):
        call(embedded, "ListTables", {})
    assert call(embedded, "ListBackups", {}) == {"BackupSummaries": []}
    assert stores(embedded) == [b"catalog", b"catalog_version", b"resources", b"shards", b"tokens"]


@pytest.mark.parametrize(
    "operation, members",
    [
        ("CreateBackup", {"TableName": "tab", "BackupName": "two"}),
        ("RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": ""}),
        (
            "RestoreTableToPointInTime",
            {"SourceTableName": "tab", "TargetTableName": "new", "UseLatestRestorableTime": True},
        ),
    ],
)
def test_what_fails_in_the_middle_leaves_nothing(
    embedded: SqliteEngine, monkeypatch: pytest.MonkeyPatch, operation: str, members: Wire
) -> None:
    recover(embedded, ON)
    put(embedded, 1)
    if "BackupArn" in members:
        members = {**members, "BackupArn": backup(embedded)}
    before, held = stores(embedded), contents(embedded, "tab")
    copied, copy_store = [], Storage.copy_store

    def failing(storage: Storage, source: str, target: str) -> None:
        copy_store(storage, source, target)
        copied.append(target)
        if len(copied) == 2:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Storage, "copy_store", failing)
    with raises(
        DynamoError,
        "InternalServerError: :memory:: database or disk is full; nothing of the request was written: make "
        "room, and send it again",
    ):
        call(embedded, operation, members)
    assert (stores(embedded), contents(embedded, "tab")) == (before, held)
    assert call(embedded, "ListTables", {})["TableNames"] == ["tab"]


def test_backups_are_in_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "tables.db")
    with SqliteEngine(path) as engine:
        call(engine, "CreateTable", TABLE)
        put(engine, 1)
        arn, before = backup(engine), contents(engine, "tab")
    with SqliteEngine(path, mode="ro") as engine:
        assert len(call(engine, "ListBackups", {})["BackupSummaries"]) == 1
        with raises(
            DynamoError,
            f"AccessDeniedException: {path} was opened to be read only, and DeleteBackup writes\n"
            "  hint: connect without mode=ro",
        ):
            call(engine, "DeleteBackup", {"BackupArn": arn})
    with SqliteEngine(path) as engine:
        call(engine, "RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": arn})
        assert contents(engine, "new") == before


# The words of refusals


@pytest.mark.parametrize("operation, body, answer", cases("backup_refusals.txt"))
def test_what_is_refused(embedded: SqliteEngine, clock: Clock, operation: str, body: str, answer: str) -> None:
    call(embedded, "CreateTable", {**TABLE, "TableName": "plain"})
    recover(embedded, ON)
    arn = backup(embedded)
    clock.now += 100
    before = stores(embedded)
    with pytest.raises(DynamoError) as error:
        embedded(operation, body.replace("{arn}", arn).encode())
    assert str(error.value) == answer.replace("{arn}", arn)
    assert stores(embedded) == before
