"""The whole way to an AWS endpoint and back, by both transports, over a server of the standard library.

The other tests in this folder test each transport alone: broken connections, retries, signatures.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from places import ROOT
from raised import raises
from signatures import TESTING, fault_of_signature

from flyexpr import (
    ConditionFailed,
    ConnectionFailed,
    DynamoError,
    FlyexprError,
    NoSuchTable,
    Table,
    Throttled,
    batch_write,
    connect,
    eq,
    get,
    gt,
    incr,
    put,
    put_item,
    query,
    run,
    update,
)

Answer = tuple[int, Any]  # the status, and the body: bytes, or a value to write as JSON
KEY = {"id": {"S": "k"}}
CODE = "com.amazonaws.dynamodb.v20120810#"


class Service:
    """An endpoint that gives the answers it was set up with, and records the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[str, bytes, int], Answer] = lambda operation, body, number: (200, {})
        lock, service = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                headers = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    service.asked.append((operation, body))
                    service.headers.append(headers)
                    number = len(service.asked)
                fault = fault_of_signature(TESTING, headers, body)
                status, answer = (403, {"__type": fault}) if fault else service.answer(operation, body, number)
                self.reply(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Logs nothing, so that the test's output stays clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def script(self, *answers: Answer) -> None:
        """Sets the answers: one after the other, and the last one for all further requests."""
        self.asked.clear()
        self.answer = lambda operation, body, number: answers[min(number, len(answers)) - 1]


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(params=["direct", "botocore"])
def table(request: pytest.FixtureRequest, service: Service) -> Iterator[Table]:
    with connect(f"{service.url}?transport={request.param}&attempts=3") as engine:
        yield Table("t", "id", attributes={"n": int}).on(engine)


def refusal(code: str, message: str = "no", **fields: Any) -> Answer:
    return 400, {"__type": CODE + code, "message": message, **fields}


def test_the_bytes_that_are_sent_are_ours(service: Service, table: Table) -> None:
    put(table, {"id": "é😀", "n": 1, "f": 0.1})
    update(table, "k", incr("n"))
    assert service.asked == [
        ("PutItem", '{"TableName":"t","Item":{"id":{"S":"é😀"},"n":{"N":"1"},"f":{"N":"0.1"}}}'.encode()),
        (
            "UpdateItem",
            b'{"TableName":"t","Key":{"id":{"S":"k"}},"UpdateExpression":"ADD #0 :0",'
            b'"ExpressionAttributeNames":{"#0":"n"},"ExpressionAttributeValues":{":0":{"N":"1"}}}',
        ),
    ]
    assert {headers["content-type"] for headers in service.headers} == {"application/x-amz-json-1.0"}


def test_an_answer_reaches_us_undecoded(service: Service, table: Table) -> None:
    odd = b' {"Item":\n{"id": {"S":"k"}, "n": {"N":"1"}, "f": {"N":"1.0"}, "new": {"B":"AA=="}} ,"More":[1]}'
    service.script((200, odd))
    assert table.bound("GetItem", b'{"TableName":"t"}') == odd
    assert get(table, "k") == {"id": "k", "n": 1, "f": 1, "new": b"\x00"}


def test_items_come_page_by_page(service: Service, table: Table) -> None:
    key = {"pk": {"S": "x"}, "id": {"S": "k"}}
    cost = {"CapacityUnits": 0.5}
    service.script(
        (200, {"Items": [key], "LastEvaluatedKey": key, "ScannedCount": 3, "ConsumedCapacity": cost}),
        (200, {"Items": [], "ScannedCount": 2, "ConsumedCapacity": cost}),
    )
    read = run(Table("t", "pk", "id").on(table.bound), query(eq("pk", "x")))
    assert [*read] == [{"pk": "x", "id": "k"}]
    assert [operation for operation, _ in service.asked] == ["Query", "Query"]
    assert json.loads(service.asked[1][1])["ExclusiveStartKey"] == key
    assert (read.stats.requests, read.stats.examined, read.stats.capacity) == (2, 5, 1.0)


@pytest.mark.parametrize(
    "code, kind",
    [
        ("ResourceNotFoundException", NoSuchTable),
        ("ValidationException", DynamoError),
        ("ItemCollectionSizeLimitExceededException", DynamoError),
    ],
)
def test_an_error_keeps_its_code_and_message(
    service: Service, table: Table, code: str, kind: type[DynamoError]
) -> None:
    service.script(refusal(code, "Requested thing is wrong"))
    with pytest.raises(DynamoError) as caught:
        get(table, "k")
    assert (type(caught.value), caught.value.code, caught.value.message) == (kind, code, "Requested thing is wrong")
    assert len(service.asked) == 1


def test_a_failed_condition_tells_the_item_and_the_part(service: Service, table: Table) -> None:
    item = {**KEY, "n": {"N": "3"}}
    service.script(refusal("ConditionalCheckFailedException", "The conditional request failed", Item=item))
    with pytest.raises(ConditionFailed) as caught:
        update(table, "k", incr("n"), condition=gt("n", 5))
    assert caught.value.item == {"id": "k", "n": 3}
    assert caught.value.reason == "n > 5 was false: n is 3"
    assert caught.value.fields == {"Item": {**KEY, "n": {"N": "3"}}}
    assert len(service.asked) == 1


SLOW = "ProvisionedThroughputExceededException"


@pytest.mark.parametrize("trouble", [refusal(SLOW), (500, {"__type": CODE + "InternalServerError"})])
def test_what_is_over_in_a_moment_is_asked_again(service: Service, table: Table, trouble: Answer) -> None:
    service.script(trouble, (200, {"Item": KEY}))
    assert get(table, "k") == {"id": "k"}
    assert len(service.asked) == 2
    assert service.asked[0] == service.asked[1]


def test_throttling_without_end(service: Service, table: Table) -> None:
    service.script(refusal(SLOW, "slow down"))
    with pytest.raises(Throttled) as caught:
        get(table, "k")
    assert str(caught.value) == f"{SLOW}: slow down"
    assert len(service.asked) == 3


@pytest.mark.parametrize("garbage", [b"<html>busy</html>", b'{"Item":', b"\xff\xfe", b"[]", b'{"Item":{"id":{"Q":1}}}'])
def test_an_answer_that_is_garbage(service: Service, table: Table, garbage: bytes) -> None:
    service.script((200, garbage))
    with pytest.raises(ConnectionFailed):
        get(table, "k")


def test_nobody_there() -> None:
    for transport in ("direct", "botocore"):
        with connect(f"http://127.0.0.1:9?transport={transport}&attempts=1") as engine, pytest.raises(ConnectionFailed):
            get(Table("t", "id").on(engine), "k")


def test_a_batch_is_sent_in_pieces_and_what_was_left_again(service: Service, table: Table) -> None:
    left = {"UnprocessedItems": {"t": [{"PutRequest": {"Item": {"id": {"S": "3"}, "n": {"N": "3"}}}}]}}
    service.script((200, left), (200, {}))
    assert run(table, batch_write(put_item({"id": str(n), "n": n}) for n in range(30))) == 30
    sizes = [len(json.loads(body)["RequestItems"]["t"]) for _, body in service.asked]
    assert sum(sizes) == 31
    assert max(sizes) <= 25


def test_threads_get_their_own_answers(service: Service, table: Table) -> None:
    service.answer = lambda operation, body, number: (200, {"Item": json.loads(body)["Key"]})
    keys = [str(n) for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        assert [item and item["id"] for item in pool.map(lambda key: get(table, key), keys)] == keys


@pytest.mark.parametrize("transport", ["direct", "botocore"])
@pytest.mark.parametrize(
    "url, text",
    [
        (
            "dynamodb://",
            "no region: '{}' names none, AWS_REGION is not set, and AWS's configuration has none\n"
            "  write dynamodb://eu-west-1",
        ),
        (
            "dynamodb://eu-west-1?profile=nobody",
            "'{}' names the profile 'nobody', but AWS's configuration does not have it",
        ),
        ("dynamodb://eu-west-1?timeout=0", "timeout= in '{}' takes a positive number, not '0'"),
        ("dynamodb://eu-west-1?attempts=many", "attempts= in '{}' takes a positive whole number, not 'many'"),
    ],
)
def test_a_set_up_that_leads_nowhere(transport: str, url: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    whole = f"{url}{'&' if '?' in url else '?'}transport={transport}"
    with raises(FlyexprError, text.format(whole)):
        connect(whole)


def test_botocore_is_imported_when_it_is_needed() -> None:
    code = """
import sys
import flyexpr
flyexpr.connect("sqlite::memory:")
print("botocore" in sys.modules)
flyexpr.connect("http://127.0.0.1:9?transport=botocore")
print("botocore" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "True"]
