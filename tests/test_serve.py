"""The embedded engine behind HTTP: whatever speaks to DynamoDB can speak to it."""

import asyncio
import contextlib
import gc
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from binascii import crc32
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from flyexpr import DynamoError, Table, call, connect, create_table, exists, get, incr, put, run, update
from flyexpr.serve import Server, serve

RUNNER = Path(__file__).parents[2] / "shared" / "run_cases.py"


@pytest.fixture
def server() -> Iterator[Server]:
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        yield server


def sent(
    server: Server, method: str = "POST", body: bytes = b"{}", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/", body, named)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_the_answer_is_as_the_services(server: Server):
    status, headers, body = sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert (status, json.loads(body)) == (200, {"TableNames": []})
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-crc32"] == str(crc32(body))
    assert len(headers["x-amzn-requestid"]) >= 32


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
            411,
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


def test_the_health_check(server: Server):
    assert sent(server, "GET")[0] == sent(server, "HEAD")[0] == 200
    assert sent(server, "HEAD")[2] == b""


def test_a_defect_of_an_engine_is_told():
    def broken(operation: str, body: bytes) -> bytes:
        raise ValueError("a defect")

    with serve(broken) as server:
        status, _, body = sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert (status, json.loads(body)["message"]) == (500, "ValueError: a defect")


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def connected(server: Server, data: bytes) -> Iterator[socket.socket]:
    """A connection that has sent something."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        yield connection


def answered(server: Server, data: bytes) -> bytes:
    """Everything that comes back until the server closes, or a first answer is whole."""
    with connected(server, data) as connection, connection.makefile("rb") as lines:
        head = list(iter(lines.readline, b"\r\n"))
        length = next((int(line[16:]) for line in head if line.startswith(b"Content-Length: ")), -1)
        return b"".join(head) + lines.read(length)


@pytest.mark.parametrize(
    "body, status",
    [
        (b"2\r\n{}\r\n0\r\n\r\n", b"200"),
        (b"1;a=b\r\n{\r\n01\r\n}\r\n0\r\nTrailer: x\r\n\r\n", b"200"),
        (b"1\r\n{}\r\n0\r\n\r\n", b"400"),
        (b"-1\r\n{}\r\n0\r\n\r\n", b"400"),
        (b"f" * 100 + b"\r\n", b"400"),
        (b"ffffffff\r\n", b"413"),
    ],
)
def test_a_body_in_chunks(server: Server, body: bytes, status: bytes):
    assert answered(server, CHUNKED + body).startswith(b"HTTP/1.1 " + status)


def test_a_body_that_is_too_large_is_answered_though_all_of_it_is_sent(server: Server):
    size = 17 * 2**20
    answer = answered(server, HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"a request has at most 16 MB" in answer


def test_a_body_comes_to_an_end_in_time(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flyexpr.serve.BODY_SECONDS", 0.05)
    with connected(server, HEAD + b"Content-Length: 1000\r\n\r\n") as connection:
        for _ in range(100):
            with contextlib.suppress(OSError):
                connection.sendall(b" ")
            time.sleep(0.005)
        assert b"408" in connection.recv(1000)


def test_a_body_in_chunks_comes_to_an_end_in_time_too(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flyexpr.serve.BODY_SECONDS", 0.1)
    with connected(server, CHUNKED) as connection:
        for _ in range(100):
            with contextlib.suppress(OSError):
                connection.sendall(b"1\r\n \r\n")
            time.sleep(0.005)
        assert b"408" in connection.recv(1000)


def test_silence_holds_no_place_for_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flyexpr.serve.LARGE_BODIES", 1)
    monkeypatch.setattr("flyexpr.serve.BODY_SECONDS", 0.2)
    large, body = HEAD + b"Content-Length: 2000000\r\n\r\n", b"{}" + b" " * 1_999_998
    with connect("sqlite::memory:") as engine, serve(engine) as server, connected(server, large) as silent:
        assert b"408" in silent.recv(1000)
        assert answered(server, large + body).startswith(b"HTTP/1.1 200 ")


def test_refusals_leave_nothing_behind(server: Server):
    for _ in range(20):
        assert b"413" in answered(server, HEAD + b"Content-Length: 99999999\r\n\r\n")
    gc.collect()
    handlers = [one for one in gc.get_objects() if type(one).__name__ == "_Handler"]
    assert len(handlers) < 10


def test_large_bodies_wait_for_one_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flyexpr.serve.LARGE_BODIES", 1)
    large, body = HEAD + b"Content-Length: 2000000\r\n\r\n", b"{}" + b" " * 1_999_998
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        with connected(server, large):
            while server._http.large.acquire(blocking=False):  # until the first one is being read
                server._http.large.release()
            with connected(server, large + body) as second:
                second.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    second.recv(1)
                assert sent(server, X_Amz_Target="DynamoDB_20120810.ListTables")[0] == 200  # small ones do not wait
        assert answered(server, large + body).startswith(b"HTTP/1.1 200 ")


def test_one_connection_too_many_is_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flyexpr.serve.MAX_CONNECTIONS", 2)
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        with connected(server, b""), connected(server, b""), connected(server, b"") as third:
            assert third.recv(1) == b""
        answer = b""
        while not answer:  # until the server has noticed that they are gone
            with contextlib.suppress(OSError), connected(server, b"GET / HTTP/1.1\r\n\r\n") as another:
                answer = another.recv(1)


def test_errors_keep_their_members(server: Server):
    table = Table("things", "id").on(connect(server.url))
    run(table, create_table())
    put(table, {"id": "a", "n": Decimal("0.1")})
    with pytest.raises(DynamoError) as caught:
        update(table, "a", incr("n"), condition=exists("nothing"))
    assert caught.value.item == {"id": "a", "n": Decimal("0.1")}


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
    """The cases of ../shared come out as they do without HTTP."""

    def outcome(*where: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, str(RUNNER), *where],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
            timeout=300,
        )
        return [line for line in done.stdout.splitlines() if "total" in line.lower() or "case" in line.lower()]

    through, straight = outcome("--url", server.url), outcome("--engine", "sqlite::memory:")
    assert through == straight
    assert straight
