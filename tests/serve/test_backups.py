"""Backups and point-in-time recovery over HTTP, as boto3 asks for them."""

from datetime import datetime, timedelta, timezone

import pytest

from flyexpr import Table, connect, count, create_table, put, run, scan
from flyexpr.serve import serve


def test_boto3_backs_up_and_restores() -> None:
    boto3 = pytest.importorskip("boto3")
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        secret = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        client = boto3.client("dynamodb", endpoint_url=server.url, region_name="eu-west-1", **secret)
        table = Table("Scores", "userid").on(engine)
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
