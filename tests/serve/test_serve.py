"""The embedded engine behind HTTP, used by flyexpr, botocore and plain requests."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from binascii import crc32
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from places import ROOT, SHARED
from raised import raises

from flyexpr import DynamoError, FlyexprError, Table, call, connect, create_table, exists, get, incr, put, run, update
from flyexpr.serve import Server, serve

RUNNER = SHARED / "run_cases.py"


@pytest.fixture
def server() -> Iterator[Server]:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        yield server


def sent(
    server: Server, method: str = "POST", body: bytes = b"{}", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        named.setdefault("Content-Type", "application/x-amz-json-1.0")
    connection.request(method, "/", body or None, named)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_the_answer_is_as_the_services(server: Server):
    status, headers, body = sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert (status, json.loads(body)) == (200, {"TableNames": []})
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-crc32"] == str(crc32(body))
    assert len(headers["x-amzn-requestid"]) == 52


@pytest.mark.parametrize(
    "headers, status, code",
    [
        ({}, 400, "com.amazon.coral.service#UnknownOperationException"),
        ({"X_Amz_Target": "DynamoDB_20120810.Nothing"}, 400, "com.amazon.coral.service#UnknownOperationException"),
        ({"X_Amz_Target": "DynamoDB_20120810.Scan"}, 400, "com.amazon.coral.validate#ValidationException"),
        (
            {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Length": str(17 * 2**20)},
            413,
            "com.amazonaws.dynamodb.v20120810#RequestEntityTooLargeException",
        ),
        (
            {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Length": "-1"},
            400,
            "com.amazon.coral.service#SerializationException",
        ),
        (
            {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Origin": "http://example.com"},
            403,
            "com.amazonaws.dynamodb.v20120810#AccessDeniedException",
        ),
    ],
)
def test_refusals(server: Server, headers: dict[str, str], status: int, code: str):
    found, _, body = sent(server, **headers)
    assert (found, json.loads(body)["__type"]) == (status, code)


@pytest.mark.parametrize(
    "body, members",
    [
        (b"", {}),
        (b"{", {}),
        (b"{} {}", {}),
        (b"[" * 100_000, {}),
        (b'{"Limit": "x"}', {"Message": "STRING_VALUE cannot be converted to Integer"}),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_body_that_is_not_json_gets_no_message(server: Server, body: bytes, members: dict[str, str]):
    status, _, answer = sent(server, body=body, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert status == 400
    assert json.loads(answer) == {"__type": "com.amazon.coral.service#SerializationException", **members}


def test_the_health_check(server: Server):
    assert sent(server, "GET", b"")[0] == sent(server, "HEAD", b"")[0] == 200
    assert sent(server, "HEAD", b"")[2] == b""


FAILURES = {
    ValueError("a defect"): (500, "InternalServerError", "ValueError: a defect"),
    FlyexprError("it is locked"): (500, "InternalServerError", "it is locked"),
    DynamoError.of("InternalServerError", "it broke"): (500, "InternalServerError", "it broke"),
    DynamoError.of("ServiceUnavailable", "later"): (500, "ServiceUnavailable", "later"),
    DynamoError.of("ConnectionFailed", "no answer"): (503, "ServiceUnavailable", "no answer"),
    DynamoError.of("ThrottlingException", "slower"): (400, "ThrottlingException", "slower"),
    DynamoError.of("ValidationException", "no", {"n": Decimal(1)}): (400, "ValidationException", "no"),
}


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_failures_of_an_engine(failure: Exception):
    def failing(operation: str, body: bytes) -> bytes:
        raise failure

    with serve(failing) as server:
        status, headers, body = sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")
    said = json.loads(body)
    assert (status, said["__type"].partition("#")[2], said["message"]) == FAILURES[failure]
    assert "connection" not in headers


def test_an_engine_that_answers_with_something_else():
    with serve(lambda operation, body: {}) as server:
        status, _, body = sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert (status, json.loads(body)["message"]) == (500, "TypeError: the engine answered with dict, not with bytes")


def test_tags_are_answered_with_nothing(server: Server):
    table = Table("things", "id").on(connect(server.url))
    run(table, create_table())
    arn = call(table.engine, "DescribeTable", {"TableName": "things"})["Table"]["TableArn"]
    for operation, member in {
        "TagResource": {"Tags": [{"Key": "a", "Value": "b"}]},
        "UntagResource": {"TagKeys": ["a"]},
    }.items():
        request = json.dumps({"ResourceArn": arn, **member}).encode()
        status, headers, body = sent(server, body=request, X_Amz_Target=f"DynamoDB_20120810.{operation}")
        assert (status, headers["content-length"], headers["x-amz-crc32"], body) == (200, "0", "0", b"")
        for transport in ("direct", "botocore"):
            engine = connect(f"{server.url}?transport={transport}")
            assert call(engine, operation, {"ResourceArn": arn, **member}) == {}


def test_errors_keep_their_members(server: Server):
    table = Table("things", "id").on(connect(server.url))
    run(table, create_table())
    put(table, {"id": "a", "n": Decimal("0.1")})
    with pytest.raises(DynamoError) as caught:
        update(table, "a", incr("n"), condition=exists("nothing"))
    assert caught.value.item == {"id": "a", "n": Decimal("0.1")}


@pytest.mark.parametrize(
    "operation, asked, member",
    [
        ("ExecuteStatement", {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, "Message"),
        ("ExecuteStatement", {}, "message"),
        ("DeleteItem", {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, "message"),
    ],
)
def test_the_message_beside_an_item_is_spelled_as_the_service_does(
    server: Server, operation: str, asked: dict[str, str], member: str
):
    table = Table("things", "id").on(connect(server.url))
    run(table, create_table())
    put(table, {"id": "a"})
    request = {
        "ExecuteStatement": {"Statement": "DELETE FROM things WHERE id = 'a' AND n = 1"},
        "DeleteItem": {"TableName": "things", "Key": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(n)"},
    }[operation]
    body = json.dumps({**request, **asked}).encode()
    status, _, answer = sent(server, body=body, X_Amz_Target=f"DynamoDB_20120810.{operation}")
    refused = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
    found = {"Item": {"id": {"S": "a"}}} if asked else {}
    assert (status, json.loads(answer)) == (400, {**refused, member: "The conditional request failed", **found})
    for transport in ("direct", "botocore"):
        with raises(DynamoError, "ConditionalCheckFailedException: The conditional request failed"):
            call(connect(f"{server.url}?transport={transport}"), operation, {**request, **asked})


def test_several_clients_at_once(server: Server):
    table = Table("things", "id").on(connect(server.url))
    run(table, create_table())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: update(table, "a", incr("n", 1)), range(200)))
    assert get(table, "a") == {"id": "a", "n": 200}


def test_a_closed_server_is_gone():
    with connect("sqlite::memory:") as engine:
        with serve(engine) as server:
            url = server.url
        with pytest.raises(DynamoError):
            call(connect(f"{url}?attempts=1"), "ListTables", {})


def test_a_program_with_boto3(server: Server, monkeypatch: pytest.MonkeyPatch):
    boto3 = pytest.importorskip("boto3")
    from boto3.dynamodb.conditions import Attr, Key

    resource = boto3.resource("dynamodb", endpoint_url=server.url)
    table = resource.create_table(
        TableName="GameScores",
        KeySchema=[{"AttributeName": "userid", "KeyType": "HASH"}, {"AttributeName": "title", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "userid", "AttributeType": "S"},
            {"AttributeName": "title", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"userid": "abc", "title": f"Game {number:02}", "score": number, "tags": {"a", "b"}})
    found = table.query(KeyConditionExpression=Key("userid").eq("abc") & Key("title").gt("Game 57"))["Items"]
    assert [item["score"] for item in found] == [58, 59]
    assert found[0]["tags"] == {"a", "b"}
    key = {"userid": "abc", "title": "Game 01"}
    with pytest.raises(resource.meta.client.exceptions.ConditionalCheckFailedException) as caught:
        table.delete_item(
            Key=key, ConditionExpression=Attr("score").gt(5), ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )
    assert caught.value.response["Item"]["score"] == {"N": "1"}
    with pytest.raises(resource.meta.client.exceptions.TransactionCanceledException) as cancelled:
        resource.meta.client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "GameScores", "Item": key, "ConditionExpression": "attribute_not_exists(userid)"}}
            ]
        )
    assert cancelled.value.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"
    assert table.scan(Select="COUNT")["Count"] == 60
    resource.meta.client.close()


def test_a_program_with_pynamodb(server: Server):
    pytest.importorskip("pynamodb")
    from pynamodb.attributes import NumberAttribute, UnicodeAttribute
    from pynamodb.exceptions import PutError
    from pynamodb.models import Model

    class Score(Model):
        class Meta:
            table_name = "scores"
            host = server.url
            region = "us-east-1"

        userid = UnicodeAttribute(hash_key=True)
        title = UnicodeAttribute(range_key=True)
        score = NumberAttribute(default=0)

    Score.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    with Score.batch_write() as batch:
        for number in range(30):
            batch.save(Score("abc", f"Game {number:02}", score=number))
    assert [one.score for one in Score.query("abc", Score.title >= "Game 28")] == [28, 29]
    score = Score.get("abc", "Game 03")
    score.update(actions=[Score.score.add(10)])
    assert score.score == 13
    with pytest.raises(PutError):
        Score("abc", "Game 03").save(condition=Score.userid.does_not_exist())
    assert Score.count() == 30


def test_a_program_with_aiodynamo(server: Server):
    pytest.importorskip("aiodynamo")
    aiohttp = pytest.importorskip("aiohttp")
    from aiodynamo.client import URL, Client
    from aiodynamo.credentials import Key, StaticCredentials
    from aiodynamo.expressions import F, HashKey
    from aiodynamo.http.aiohttp import AIOHTTP
    from aiodynamo.models import KeySchema, KeySpec, KeyType, PayPerRequest

    async def program() -> list[dict]:
        async with aiohttp.ClientSession() as session:
            client = Client(
                AIOHTTP(session), StaticCredentials(Key("testing", "testing")), "us-east-1", URL(server.url)
            )
            schema = KeySchema(KeySpec("userid", KeyType.string), KeySpec("title", KeyType.string))
            await client.create_table("scores", PayPerRequest(), schema)
            table = client.table("scores")
            for number in range(5):
                await table.put_item({"userid": "abc", "title": f"Game {number}", "score": number})
            await table.update_item({"userid": "abc", "title": "Game 1"}, F("score").add(10))
            return [item async for item in table.query(HashKey("userid", "abc"), filter_expression=F("score").gt(2))]

    found = asyncio.run(program())
    assert [item["title"] for item in found] == ["Game 1", "Game 3", "Game 4"]


@pytest.mark.skipif(not RUNNER.exists(), reason="../shared/run_cases.py is not there")
def test_http_changes_no_answer(server: Server):
    """The cases of ../shared give the same answers as without HTTP."""

    def outcome(*where: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, str(RUNNER), *where],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            timeout=300,
        )
        return [line for line in done.stdout.splitlines() if "total" in line.lower() or "case" in line.lower()]

    through, straight = outcome("--url", server.url), outcome("--engine", "sqlite::memory:")
    assert through == straight
    assert straight
