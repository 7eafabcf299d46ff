"""What tools send around a table: Terraform's calls after CreateTable, bodies that boto3 compresses, the AWS CLI."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from raised import raises

from flyexpr import connect
from flyexpr.serve import serve

NAME = "Scores"
TABLE = {
    "TableName": NAME,
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "userid", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "userid", "AttributeType": "S"},
        {"AttributeName": "title", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_title",
            "KeySchema": [{"AttributeName": "title", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "Tags": [{"Key": "team", "Value": "games"}],
}
POLICY = '{"Version":"2012-10-17","Statement":[]}'


@pytest.fixture
def url() -> Iterator[str]:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        yield server.url


def client(url: str, **options: Any) -> Any:
    boto3 = pytest.importorskip("boto3")
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-west-1"}
    return boto3.client("dynamodb", endpoint_url=url, **keys, **options)


def test_a_tool_makes_reads_back_and_removes_a_table(url: str) -> None:
    """The calls of Terraform's aws_dynamodb_table and its neighbours, in their order."""
    dynamodb = client(url)
    arn = dynamodb.create_table(**TABLE)["TableDescription"]["TableArn"]
    dynamodb.get_waiter("table_exists").wait(TableName=NAME)
    table = dynamodb.describe_table(TableName=NAME)["Table"]
    assert (table["TableStatus"], table["DeletionProtectionEnabled"]) == ("ACTIVE", False)
    assert [index["IndexStatus"] for index in table["GlobalSecondaryIndexes"]] == ["ACTIVE"]
    for part in (table, *table["GlobalSecondaryIndexes"]):
        assert part["WarmThroughput"] == {
            "ReadUnitsPerSecond": 12000,
            "WriteUnitsPerSecond": 4000,
            "Status": "ACTIVE",
        }
    assert table["BillingModeSummary"].keys() == {"BillingMode", "LastUpdateToPayPerRequestDateTime"}
    backups = dynamodb.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert dynamodb.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == TABLE["Tags"]
    assert dynamodb.describe_kinesis_streaming_destination(TableName=NAME)["KinesisDataStreamDestinations"] == []
    for place in ({}, {"IndexName": "by_title"}):
        insights = dynamodb.describe_contributor_insights(TableName=NAME, **place)
        assert insights["ContributorInsightsStatus"] == "DISABLED"
    with pytest.raises(dynamodb.exceptions.PolicyNotFoundException):
        dynamodb.get_resource_policy(ResourceArn=arn)
    revision = dynamodb.put_resource_policy(ResourceArn=arn, Policy=POLICY)["RevisionId"]
    assert dynamodb.get_resource_policy(ResourceArn=arn)["Policy"] == POLICY
    assert dynamodb.delete_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    with raises(
        dynamodb.exceptions.ClientError,
        "An error occurred (ValidationException) when calling the ExportTableToPointInTime operation: The "
        "embedded engine has no S3. Export and import items with the commands `flyexpr export` and "
        "`flyexpr import`",
    ):
        dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="bucket")
    with pytest.raises(dynamodb.exceptions.GlobalTableNotFoundException):
        dynamodb.describe_global_table(GlobalTableName=NAME)
    dynamodb.delete_table(TableName=NAME)
    dynamodb.get_waiter("table_not_exists").wait(TableName=NAME)


def test_a_body_that_boto3_compresses(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore compresses for services whose model says so; here the model of DynamoDB does."""
    pytest.importorskip("boto3")
    from botocore.config import Config
    from botocore.model import OperationModel

    monkeypatch.setattr(OperationModel, "request_compression", {"encodings": ["gzip"]})
    dynamodb = client(url, config=Config(request_min_compression_size_bytes=200))
    sent = []
    dynamodb.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    dynamodb.create_table(**TABLE)
    text = "a long game " * 1000
    dynamodb.put_item(TableName=NAME, Item={"userid": {"S": "abc"}, "text": {"S": text}})
    assert dynamodb.get_item(TableName=NAME, Key={"userid": {"S": "abc"}})["Item"]["text"]["S"] == text
    assert [headers.get("Content-Encoding") for headers in sent] == [b"gzip", b"gzip", None]


def has_cli() -> bool:
    """Whether the AWS CLI runs; a version manager may leave its name behind."""
    return shutil.which("aws") is not None and subprocess.run(["aws", "--version"], capture_output=True).returncode == 0


with_cli = pytest.mark.skipif(not has_cli(), reason="the AWS CLI is not installed")
Aws = Callable[..., Any]


@pytest.fixture
def aws(url: str) -> Aws:
    """Runs a command of the AWS CLI; gives what it prints, read as JSON."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PAGER": ""}

    def run(*words: str) -> Any:
        command = ["aws", "dynamodb", *words, "--endpoint-url", url, "--region", "eu-west-1", "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")

    return run


@pytest.fixture
def made(aws: Aws) -> Aws:
    """The same, with a table."""
    aws(
        *("create-table", "--table-name", NAME, "--billing-mode", "PAY_PER_REQUEST"),
        *("--attribute-definitions", "AttributeName=userid,AttributeType=S"),
        *("--key-schema", "AttributeName=userid,KeyType=HASH"),
    )
    return aws


@with_cli
def test_the_aws_cli_waits_for_a_table(made: Aws) -> None:
    made("wait", "table-exists", "--table-name", NAME)
    made("delete-table", "--table-name", NAME)
    made("wait", "table-not-exists", "--table-name", NAME)


@with_cli
def test_the_aws_cli_executes_statements(made: Aws) -> None:
    for name, score in (("abc", "1"), ("xyz", "2.50")):
        parameters = json.dumps([{"S": name}, {"N": score}])
        statement = f"INSERT INTO {NAME} VALUE {{'userid': ?, 'score': ?}}"
        assert made("execute-statement", "--statement", statement, "--parameters", parameters) == {"Items": []}
    changed = made(
        "execute-statement",
        "--statement",
        f"UPDATE {NAME} SET score = score + 1 WHERE userid = 'abc' RETURNING MODIFIED NEW *",
    )
    assert changed == {"Items": [{"score": {"N": "2"}}]}
    ordered = made("execute-statement", "--statement", f"SELECT * FROM {NAME} WHERE userid = 'xyz'")
    assert ordered == {"Items": [{"userid": {"S": "xyz"}, "score": {"N": "2.5"}}]}
    statements = json.dumps(
        [{"Statement": f"SELECT score FROM {NAME} WHERE userid = '{name}'"} for name in ("abc", "no")]
    )
    found = made("batch-execute-statement", "--statements", statements)
    assert found == {"Responses": [{"TableName": NAME, "Item": {"score": {"N": "2"}}}, {"TableName": NAME}]}
