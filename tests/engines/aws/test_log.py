"""What the log says of attempts and connections, and what it never says."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from misbehaving import ATTEMPTS, Behaviour, Server, error, http, send, send_and_close

from flyexpr import FlyexprError

GOOD = b'{"Item":{"id":{"S":"a"}}}'
SECRET = b"the diary of Ada"
BODY = b'{"TableName":"t","Item":{"id":{"S":"a"},"text":{"S":"' + SECRET + b'"}}}'
REPORTED: dict[str, tuple[Callable[[], Behaviour], str]] = {
    "throttled": (lambda: send(error("ThrottlingException", message=SECRET.decode())), "ThrottlingException"),
    "500": (lambda: send(error("InternalServerError", 500, message=SECRET.decode())), "InternalServerError"),
    "closed": (lambda: send_and_close(), "no usable answer (Malformed)"),
    "nonsense": (lambda: send_and_close(SECRET + b"\r\n\r\n"), "no usable answer (Malformed)"),
    "a gateway": (lambda: send(http(SECRET, 503)), "no usable answer"),
    "damaged": (lambda: send(http(GOOD, x_amz_crc32="1")), "no usable answer"),
}


@pytest.fixture(params=["direct", "awaited"])
def transport(request: pytest.FixtureRequest) -> str:
    """Those that retry by themselves; botocore has a log of its own."""
    return str(request.param)


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "flyexpr" and record.levelno == level]


@pytest.mark.parametrize("fault", REPORTED)
def test_each_repetition_has_a_line(
    fault: str, serve: Callable[..., Server], engine_at: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "flyexpr")
    behaviour, named = REPORTED[fault]
    server = serve(behaviour(), behaviour(), send(http(b"{}")))
    assert engine_at(server)("PutItem", BODY) == b"{}"
    warnings = [line.partition("; again in ") for line in lines(caplog, logging.WARNING)]
    assert [first for first, _, _ in warnings] == [
        f"PutItem: {named}, attempt {number} of {ATTEMPTS}" for number in (1, 2)
    ]
    assert all(last.endswith(" s") and float(last[:-2]) >= 0 for _, _, last in warnings)
    opened = lines(caplog, logging.DEBUG)
    assert len(opened) == server.connections
    assert {*opened} == {f"connected to 127.0.0.1:{server.port}"}
    assert SECRET.decode() not in caplog.text


def test_a_server_that_is_down(
    serve: Callable[..., Server], engine_at: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(send(http(b"{}")))
    engine = engine_at(server)
    server.close()
    with pytest.raises(FlyexprError):
        engine("GetItem", b"{}")
    assert [line.partition(";")[0] for line in lines(caplog, logging.WARNING)] == [
        f"GetItem: no usable answer (ConnectionRefusedError), attempt {number} of {ATTEMPTS}" for number in (1, 2)
    ]


def test_what_succeeds_is_not_mentioned(
    serve: Callable[..., Server], engine_at: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    engine_at(serve(send(http(GOOD))))("GetItem", b"{}")
    assert lines(caplog, logging.WARNING) == lines(caplog, logging.INFO) == []
