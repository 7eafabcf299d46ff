"""Backups and point-in-time recovery over HTTP, as boto3 asks for them."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from embedded import Clock

from flyexpr import Table, connect, count, create_table, delete, put, run, scan
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.serve import serve

SCORES = Table("Scores", "userid")


def client_of(url: str) -> Any:
    boto3 = pytest.importorskip("boto3")
    secret = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    return boto3.client("dynamodb", endpoint_url=url, region_name="eu-west-1", **secret)


def test_boto3_backs_up_and_restores() -> None:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        client, table = client_of(server.url), SCORES.on(engine)
        run(table, create_table())
        put(table, {"userid": "abc"})
        backup = client.create_backup(TableName="Scores", BackupName="before")["BackupDetails"]
        client.update_continuous_backups(
            TableName="Scores", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        put(table, {"userid": "xyz"})
        client.restore_table_from_backup(TargetTableName="Restored", BackupArn=backup["BackupArn"])
        client.get_waiter("table_exists").wait(TableName="Restored")
        assert [*run(Table("Restored", "userid").on(engine), scan())] == [{"userid": "abc"}]
        client.restore_table_to_point_in_time(
            SourceTableName="Scores", TargetTableName="Latest", UseLatestRestorableTime=True
        )
        assert count(Table("Latest", "userid").on(engine), scan()) == 2
        (listed,) = client.list_backups(TableName="Scores")["BackupSummaries"]
        assert datetime.now(timezone.utc) - listed["BackupCreationDateTime"] < timedelta(hours=1)
        with pytest.raises(client.exceptions.InvalidRestoreTimeException):
            client.restore_table_to_point_in_time(
                SourceTableName="Scores", TargetTableName="Early", RestoreDateTime=datetime(2020, 1, 1)
            )
        with pytest.raises(client.exceptions.BackupNotFoundException):
            client.describe_backup(BackupArn=backup["BackupArn"] + "0")


def test_boto3_restores_a_table_to_a_second() -> None:
    clock = Clock()
    with SqliteEngine(":memory:", clock=clock) as engine, serve(engine) as server:
        client, table = client_of(server.url), SCORES.on(engine)
        run(table, create_table())
        put(table, {"userid": "before"})
        client.update_continuous_backups(
            TableName="Scores", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        for name in ("kept", "lost"):
            clock.now += 60
            put(table, {"userid": name})
        clock.now += 60
        delete(table, "before")
        told = client.describe_continuous_backups(TableName="Scores")["ContinuousBackupsDescription"]
        recovery = told["PointInTimeRecoveryDescription"]
        assert recovery["EarliestRestorableDateTime"] == datetime.fromtimestamp(1_800_000_000, timezone.utc)
        for place, names in ((60, {"before", "kept"}), (119, {"before", "kept"}), (180, {"kept", "lost"})):
            name = f"Restored{place}"
            restored = client.restore_table_to_point_in_time(
                SourceTableName="Scores",
                TargetTableName=name,
                RestoreDateTime=recovery["EarliestRestorableDateTime"] + timedelta(seconds=place),
            )
            assert restored["TableDescription"]["RestoreSummary"]["RestoreInProgress"] is True
            client.get_waiter("table_exists").wait(TableName=name)
            assert {item["userid"] for item in run(Table(name, "userid").on(engine), scan())} == names
