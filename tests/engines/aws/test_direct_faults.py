"""With both transports, each fault ends in the right exception or a silent repetition, and no write is done twice."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from misbehaving import (
    ATTEMPTS,
    Behaviour,
    Server,
    Stall,
    echo,
    error,
    http,
    send,
    send_and_close,
    send_and_reset,
    trickle,
)

from flyexpr import ConnectionFailed, DynamoError, FlyexprError, Table, Throttled, get, run, scan

Serve = Callable[..., Server]
EngineAt = Callable[..., Any]

GOOD = b'{"Item":{"id":{"S":"a"}}}'
HTML = b"<html>Bad Gateway</html>"
HALF = http(GOOD)[:-10]

# The answer is lost, so it is unknown whether the request was done.
LOST: dict[str, Callable[[], Behaviour]] = {
    "closed before the answer": lambda: send_and_close(),
    "reset before the answer": lambda: send_and_reset(),
    "closed within the status line": lambda: send_and_close(b"HTTP/1."),
    "closed within the headers": lambda: send_and_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "closed within the body": lambda: send_and_close(HALF),
    "closed within a body without checksum": lambda: send_and_close(http(GOOD, x_amz_crc32="")[:-10]),
    "reset within the body": lambda: send_and_reset(HALF),
    "wrong checksum": lambda: send(http(GOOD, x_amz_crc32=str(zlib.crc32(b"other")))),
    "wrong checksum of an error": lambda: send(error("ValidationException").replace(b"Exc", b"EXC")),
    "a body of another encoding": lambda: send(http(GOOD, Content_Encoding="gzip")),
    "no HTTP": lambda: send_and_close(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "huge header": lambda: send_and_close(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 200_000 + b"\r\n\r\n"),
    "too many headers": lambda: send_and_close(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: x\r\n" * 200 + b"\r\n"),
    "broken chunk": lambda: send_and_close(chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    "closed within a chunk": lambda: send_and_close(chunked(b"19\r\n" + GOOD[:9])),
    "no first byte": Stall,
    "a gateway's error page": lambda: send(http(HTML, 502)),
    "a gateway without words": lambda: send(http(b"", 504)),
}

# DynamoDB says that it did not do it, or that it could not; every SDK asks again.
REFUSED = {
    "500": error("InternalServerError", 500, message="once more"),
    "503": error("ServiceUnavailable", 503, message="once more"),
    "throttled": error("ThrottlingException", message="Rate exceeded"),
    "over capacity": error("ProvisionedThroughputExceededException", message="Rate exceeded"),
}

# The same request would be refused again.
FINAL = {
    "redirect": (http(b"", 301, Location="http://127.0.0.1:1/"), "ConnectionFailed"),
    "login page": (http(b"<html>Log in</html>", 302, Location="http://127.0.0.1:1/"), "ConnectionFailed"),
    "error in no JSON": (http(b'{"__type": oops', 400), "ConnectionFailed"),
    "error in another JSON": (http(b"[1, 2]", 400), "ConnectionFailed"),
    "error in no UTF-8": (http(b"\xff\xfe", 403), "ConnectionFailed"),
    "error by DynamoDB": (error("ValidationException", message="no"), "ValidationException"),
}

REPEATABLE = [
    ("GetItem", b"{}"),
    ("Query", b"{}"),
    ("DescribeTable", b"{}"),
    ("PutItem", b'{"Item": {}}'),
    ("DeleteItem", b'{"ReturnValues": "NONE"}'),
    ("BatchWriteItem", b'{"RequestItems": {}}'),
    ("TransactWriteItems", b'{"ClientRequestToken": "t", "TransactItems": []}'),
]
NOT_REPEATABLE = [
    ("UpdateItem", b'{"UpdateExpression": "ADD n :one"}'),
    ("PutItem", b'{"Item": {}, "ConditionExpression": "attribute_not_exists(id)"}'),
    ("DeleteItem", b'{"Expected": {}}'),
    ("PutItem", b'{"Item": {}, "ReturnValues": "ALL_OLD"}'),
    ("TransactWriteItems", b'{"TransactItems": []}'),
    ("ExecuteStatement", b'{"Statement": "..."}'),
    ("CreateTable", b"{}"),
]


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def patience(fault: str) -> float:
    return 0.3 if fault == "no first byte" else 10


@pytest.mark.parametrize("fault", LOST)
def test_a_read_whose_answer_was_lost_is_repeated(fault: str, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(LOST[fault](), send(http(GOOD)))
    assert engine_at(server, patience(fault))("GetItem", b"{}") == GOOD
    assert server.operations == ["GetItem"] * 2


@pytest.mark.parametrize("fault", LOST)
def test_a_read_whose_answers_are_all_lost_gives_up(fault: str, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(LOST[fault]())
    with pytest.raises(ConnectionFailed):
        engine_at(server, patience(fault))("GetItem", b"{}")
    assert server.operations == ["GetItem"] * ATTEMPTS


NOT_AGAIN = "was sent and may have been done, so it is not sent again\n  hint: read the item before you repeat it"


@pytest.mark.parametrize("fault", LOST)
def test_a_write_whose_answer_was_lost_is_not_done_twice(fault: str, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(LOST[fault](), send(http(GOOD)))
    with pytest.raises(ConnectionFailed, match=rf"\n  UpdateItem {NOT_AGAIN}\Z"):
        engine_at(server, patience(fault))("UpdateItem", b"{}")
    assert server.operations == ["UpdateItem"]


@pytest.mark.parametrize("operation, body", REPEATABLE)
def test_what_is_safe_is_repeated(operation: str, body: bytes, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(send_and_reset(), send(http()))
    assert engine_at(server)(operation, body) == b"{}"
    assert [request.body for request in server.requests] == [body, body]


@pytest.mark.parametrize("operation, body", NOT_REPEATABLE)
def test_what_is_not_safe_is_not_repeated(operation: str, body: bytes, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(send_and_reset(), send(http()))
    with pytest.raises(ConnectionFailed, match=rf"\n  {operation} {NOT_AGAIN}\Z"):
        engine_at(server)(operation, body)
    assert len(server.requests) == 1


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
@pytest.mark.parametrize("fault", REFUSED)
def test_what_was_refused_for_a_moment_is_asked_again(
    fault: str, operation: str, serve: Serve, engine_at: EngineAt, waits: list[float]
) -> None:
    server = serve(send(REFUSED[fault]), send(REFUSED[fault]), send(http(GOOD)))
    assert engine_at(server)(operation, b"{}") == GOOD
    assert (server.operations, len(waits)) == ([operation] * 3, 2)


@pytest.mark.parametrize("fault", REFUSED)
def test_what_stays_refused_is_the_services_error(fault: str, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(send(REFUSED[fault]))
    with pytest.raises(DynamoError) as caught:
        engine_at(server)("UpdateItem", b"{}")
    assert caught.value.message in ("once more", "Rate exceeded")
    assert isinstance(caught.value, Throttled) == (caught.value.message == "Rate exceeded")
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize("fault", FINAL)
def test_what_stays_wrong_is_not_repeated(fault: str, serve: Serve, engine_at: EngineAt) -> None:
    answer, code = FINAL[fault]
    server = serve(send(answer))
    with pytest.raises(DynamoError) as caught:
        engine_at(server)("GetItem", b"{}")
    assert caught.value.code == code
    assert len(server.requests) == 1


def test_an_error_keeps_its_members(serve: Serve, engine_at: EngineAt) -> None:
    members = {"Message": "The conditional request failed", "Item": {"id": {"S": "a"}}}
    server = serve(send(error("ConditionalCheckFailedException", **members)))
    with pytest.raises(DynamoError) as caught:
        engine_at(server)("PutItem", b"{}")
    assert (caught.value.code, caught.value.message) == ("ConditionalCheckFailedException", members["Message"])
    assert caught.value.fields == {"Item": {"id": {"S": "a"}}}


def test_answers_come_through_as_they_are(serve: Serve, engine_at: EngineAt) -> None:
    bodies = [b"", b"{}", b"x" * 3_000_000, "ä€\N{MUSICAL SYMBOL G CLEF}".encode(), b"\xff\x00\r\n\r\n"]
    server = serve(echo)
    engine = engine_at(server)
    assert [engine("GetItem", body) for body in bodies] == bodies
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        chunked(b"10\r\n" + GOOD[:16] + b"\r\n9;note=1\r\n" + GOOD[16:] + b"\r\n0\r\n\r\n"),
        chunked(b"019\r\n" + GOOD + b"\r\n0\r\nX-Trailer: x\r\n\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(GOOD),
        http(GOOD, x_amz_crc32=""),
    ],
    ids=["chunked", "chunked with a trailer", "continue", "without a checksum"],
)
def test_other_ways_to_frame_an_answer(answer: bytes, serve: Serve, engine_at: EngineAt) -> None:
    server = serve(send(answer))
    engine = engine_at(server)
    assert [engine("GetItem", b"{}"), engine("GetItem", b"{}")] == [GOOD, GOOD]
    assert server.connections == 1


def test_a_body_without_a_length_ends_with_the_connection(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(send_and_close(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD))
    engine = engine_at(server)
    assert [engine("GetItem", b"{}"), engine("GetItem", b"{}")] == [GOOD, GOOD]
    assert server.connections == 2


def test_an_answer_that_is_no_json_is_told_apart(serve: Serve, engine_at: EngineAt) -> None:
    table = Table("scores", "id").on(engine_at(serve(send(http(b'{"Item":{"id":{"S":')))))
    with pytest.raises(ConnectionFailed):
        get(table, "a")
    with pytest.raises(ConnectionFailed):
        list(run(table, scan()))


def test_a_stale_connection_is_noticed_before_a_write(serve: Serve, engine_at: EngineAt) -> None:
    """The server closes an idle connection, as servers do; the write is sent once, on a new connection."""
    server = serve(send_and_close(http(GOOD)))
    engine = engine_at(server)
    for _ in range(3):
        assert engine("UpdateItem", b"{}") == GOOD
        server.settle()
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_connection_lost_after_a_reused_send_is_not_a_second_write(serve: Serve, engine_at: EngineAt) -> None:
    """A reused connection that ends without an answer: the server may have read the request, and here it has."""
    server = serve(send(http(GOOD)), send_and_close(), send(http(GOOD)))
    engine = engine_at(server)
    engine("UpdateItem", b"{}")
    with pytest.raises(ConnectionFailed):
        engine("UpdateItem", b"{}")
    assert len(server.requests) == 2
    server = serve(send(http(GOOD)), send_and_close(), send(http(GOOD)))
    engine = engine_at(server)
    assert [engine("GetItem", b"{}"), engine("GetItem", b"{}")] == [GOOD, GOOD]


def test_a_late_answer_is_never_taken_for_the_next_ones(serve: Serve, engine_at: EngineAt) -> None:
    """Two answers to one request: the second must not answer the next request."""
    server = serve(send(http(b'{"n":1}') + http(b'{"n":2}')), send(http(b'{"n":3}')))
    engine = engine_at(server)
    assert json.loads(engine("GetItem", b"{}")) == {"n": 1}
    assert json.loads(engine("GetItem", b"{}")) == {"n": 3}


def test_nobody_listens(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(echo)
    engine = engine_at(server)
    server.close()
    with pytest.raises(ConnectionFailed) as caught:
        engine("UpdateItem", b"{}")
    assert "may have been done" not in str(caught.value)


def test_an_operation_that_there_is_not(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(echo)
    with pytest.raises(DynamoError) as caught:
        engine_at(server)("GetItem\r\nX-Evil: 1", b"{}")
    assert (caught.value.code, server.requests) == ("UnknownOperationException", [])


def test_a_closed_engine_asks_nobody(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(echo)
    with engine_at(server) as engine:
        engine("GetItem", b"{}")
    with pytest.raises(FlyexprError):
        engine("GetItem", b"{}")
    assert len(server.requests) == 1


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_an_answer_that_trickles_in_is_given_up(serve: Serve, engine_at: EngineAt) -> None:
    """botocore has no such limit: its timeout starts again with every byte."""
    server = serve(trickle)
    with pytest.raises(ConnectionFailed, match=r"no answer within 0\.2 s"):
        engine_at(server, 0.2)("UpdateItem", b"{}")
    assert len(server.requests) == 1
