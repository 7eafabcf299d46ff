"""One engine in many threads, in the child of a fork and after an interruption; and TLS that verifies the server."""

import gc
import os
import pickle
import socket
import ssl
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from authority import Authority
from doors import Looped, connected
from misbehaving import OPEN, Server, echo, error, http, late, open_direct, send, send_and_close, send_and_reset
from places import ROOT
from raised import raises
from signatures import TESTING

from flyexpr import ConnectionFailed, FlyexprError, Throttled, connect
from flyexpr.engines.aws.connections import IDLE_SECONDS, Connection, Pool
from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.signing import CONTENT_TYPE, Keys, Signer
from flyexpr.engines.aws.tls import botocore_bundle, tls_context

Serve = Callable[..., Server]
EngineAt = Callable[..., Any]


def test_threads_get_their_own_answers(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(echo)
    engine = engine_at(server)
    bodies = [b'{"n":%d}' % number * (1 + number % 7 * 500) for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda body: engine("GetItem", body), bodies)) == bodies
    assert server.connections <= 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_opens_its_own_connections(serve: Serve) -> None:
    """On a shared connection each would read the other's answers. The parent's connection outlives the child."""
    server = serve(echo)
    code = f"""
import os
from flyexpr import connect
engine = connect("http://127.0.0.1:{server.port}?transport=direct")
assert engine("GetItem", b"before") == b"before"
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
assert engine("GetItem", b"parent" if child else b"child") in (b"parent", b"child")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen = [(request.body, request.connection) for request in server.requests]
    assert seen == [(b"before", 1), (b"child", 2), (b"parent", 1)]


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_an_interrupted_request_leaves_nothing_behind(
    serve: Serve, engine_at: EngineAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C the answer still comes, when the next request has been sent already."""
    server = serve(echo, late(echo), echo)
    engine = engine_at(server)
    engine("GetItem", b"0")

    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "_receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            engine("GetItem", b"1")
    assert engine("GetItem", b"2") == b"2"
    assert server.connections == 2


def test_a_service_in_trouble_is_not_asked_ever_more(serve: Serve, waits: list[float]) -> None:
    """The quota is 500, and each repetition takes 14 of it."""
    server = serve(send(error("InternalServerError", 500)))
    with open_direct(f"http://127.0.0.1:{server.port}?transport=direct&attempts=1000", waits) as engine:
        for _ in range(3):
            with pytest.raises(FlyexprError):
                engine("GetItem", b"{}")
    assert len(server.requests) == 3 + 500 // 14


def test_an_idle_connection_is_dropped_after_a_while(serve: Serve) -> None:
    server, now = serve(echo), [0.0]
    pool = Pool(Endpoint(False, "127.0.0.1", server.port, "/", "eu-west-1"), 5, 5, clock=lambda: now[0])
    host = f"127.0.0.1:{server.port}"
    signed = Signer("us-east-1", host).headers("GetItem", b"{}", TESTING["testing"], 0)
    start = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: 2\r\n"
    request = f"{start}{signed}\r\n{{}}".encode()
    for later, connections in ((0, 1), (IDLE_SECONDS - 1, 1), (IDLE_SECONDS + 1, 2)):
        now[0] += later
        assert pool.exchange(request).body == b"{}"
        assert server.connections == connections
    pool.close()


def test_an_engine_that_is_dropped_closes_its_connections(serve: Serve) -> None:
    server = serve(echo)
    engine = connect(f"http://127.0.0.1:{server.port}?transport=direct")
    engine("GetItem", b"{}")
    del engine
    gc.collect()
    server.settle()
    assert not any(thread.is_alive() for thread in server._threads[1:])


def test_it_pickles_without_its_keys(serve: Serve, engine_at: EngineAt, transport: str) -> None:
    engine = engine_at(serve(echo))
    text = pickle.dumps(getattr(engine, "awaited", engine))
    copy = pickle.loads(text)
    with Looped(copy) if transport == "awaited" else copy as again:
        assert repr(copy) == repr(getattr(engine, "awaited", engine))
        assert again("GetItem", b"{}") == b"{}"
    assert b"testing" not in text


def test_the_headers_that_are_sent(serve: Serve, engine_at: EngineAt) -> None:
    server = serve(echo)
    engine_at(server)("GetItem", b"{}")
    headers = server.requests[0].headers
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["accept-encoding"] == "identity"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=testing/")
    assert headers["user-agent"].startswith("flyexpr")


def test_a_right_certificate(serve: Serve, engine_at: EngineAt, authority: Authority) -> None:
    server = serve(echo, tls=authority.server("localhost"))
    engine = engine_at(server, scheme="https", host="localhost")
    bodies = [b"{}", b"x" * 2_000_000, b"{}"]
    assert [engine("GetItem", body) for body in bodies] == bodies
    assert server.connections == 1


def test_the_authorities_of_a_configuration(
    serve: Serve, engine_at: EngineAt, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    configuration = tmp_path / "config"
    configuration.write_text(f"[default]\nca_bundle = {authority.bundle}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    server = serve(echo, tls=authority.server("localhost"))
    assert engine_at(server, scheme="https", host="localhost")("GetItem", b"{}") == b"{}"


@pytest.mark.parametrize("wrong", ["host", "authority", "date", "no authority"])
def test_a_wrong_certificate(
    wrong: str,
    serve: Serve,
    engine_at: EngineAt,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    giver = Authority(tmp_path, "other") if wrong == "authority" else authority
    if wrong == "no authority":
        monkeypatch.delenv("AWS_CA_BUNDLE")  # so that only the usual authorities are trusted
    server = serve(
        echo, tls=giver.server("example.com" if wrong == "host" else "localhost", days=-1 if wrong == "date" else 1)
    )
    with pytest.raises(ConnectionFailed) as caught:
        engine_at(server, scheme="https", host="localhost")("UpdateItem", b"{}")
    assert server.requests == []
    assert "may have been done" not in str(caught.value)


def test_a_server_that_speaks_no_tls(serve: Serve, engine_at: EngineAt, authority: Authority) -> None:
    server = serve(send_and_close(b"HTTP/1.1 400 Bad Request\r\n\r\n"), send(http()))
    with pytest.raises(ConnectionFailed):
        engine_at(server, timeout=1, scheme="https", host="localhost")("UpdateItem", b"{}")


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_a_kept_connection_that_cannot_be_sent_on(
    serve: Serve, engine_at: EngineAt, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    """The server breaks it off just after the check: nothing was sent, so even an update is repeated."""
    server = serve(send_and_reset(http(b'{"n":1}')), send(http(b'{"n":2}')))
    engine = engine_at(server)
    engine("UpdateItem", b"{}")
    server.settle()
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "is_silent", lambda connection: True)
        assert engine("UpdateItem", b"{}") == b'{"n":2}'
    assert (server.operations, server.connections, len(waits)) == (["UpdateItem"] * 2, 2, 1)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The sockets that are opened from here on."""
    found: list[socket.socket] = []
    create = socket.create_connection

    def noted(*arguments: Any) -> socket.socket:
        found.append(create(*arguments))
        return found[-1]

    monkeypatch.setattr("socket.create_connection", noted)
    return found


def test_a_certificate_that_is_refused_leaves_no_socket(
    serve: Serve, authority: Authority, tmp_path: Path, opened: list[socket.socket]
) -> None:
    server = serve(echo, tls=Authority(tmp_path, "other").server("localhost"))
    url = f"https://localhost:{server.port}?transport=direct&attempts=3&timeout=5"
    with connect(url) as engine, pytest.raises(ConnectionFailed) as caught:
        engine("UpdateItem", b"{}")
    assert [each.fileno() for each in opened] == [-1]
    assert str(caught.value).startswith(
        f"no answer from {url}: the certificate of localhost:{server.port} is not trusted: "
    )
    assert str(caught.value).endswith("\n  hint: set AWS_CA_BUNDLE to a file of the authorities to trust")


def test_tls_that_fails_before_it_begins_leaves_no_socket(
    serve: Serve, authority: Authority, opened: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain socket is not yet part of another, which would close it."""
    server = serve(echo, tls=authority.server("localhost"))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no TLS here")

    monkeypatch.setattr("ssl.SSLContext.wrap_socket", refuse)
    url = f"https://localhost:{server.port}?transport=direct&attempts=1"
    with connect(url) as engine, pytest.raises(ConnectionFailed, match="no TLS here"):
        engine("UpdateItem", b"{}")
    assert [each.fileno() for each in opened] == [-1]


def test_successes_fill_the_quota_again(serve: Serve, waits: list[float]) -> None:
    """35 repetitions empty it; 500 successful requests fill it for as many again."""
    busy, good = send(error("InternalServerError", 500)), send(http())
    server = serve(*[busy] * 36, *[good] * 500, busy, good)
    with open_direct(f"http://127.0.0.1:{server.port}?transport=direct&attempts=100", waits) as engine:
        with raises(FlyexprError, "InternalServerError"):
            engine("GetItem", b"{}")
        assert len(server.requests) == 36
        for _ in range(500):
            engine("GetItem", b"{}")
        assert engine("GetItem", b"{}") == b"{}"
    assert len(server.requests) == 36 + 500 + 2


def test_a_repetition_that_goes_well_gives_back_what_it_took(serve: Serve, waits: list[float]) -> None:
    """Otherwise there could be no more than 35 repetitions in the life of an engine."""
    server = serve(*[send(error("InternalServerError", 500)), send(http())] * 50)
    with open_direct(f"http://127.0.0.1:{server.port}?transport=direct&attempts=2", waits) as engine:
        assert [engine("GetItem", b"{}") for _ in range(50)] == [b"{}"] * 50


@pytest.mark.parametrize("code, status, cost", [("ThrottlingException", 400, 5), ("InternalServerError", 500, 14)])
def test_what_a_repetition_costs(code: str, status: int, cost: int, serve: Serve, waits: list[float]) -> None:
    server = serve(send(error(code, status)))
    url = f"http://127.0.0.1:{server.port}?transport=direct&attempts=1000"
    with open_direct(url, waits) as engine, pytest.raises(FlyexprError):
        engine("GetItem", b"{}")
    assert len(server.requests) == 1 + 500 // cost
    assert max(waits) <= 20
    assert max(waits[:3]) <= (4 if cost == 5 else 0.1)


@pytest.mark.parametrize("answer", [error("ThrottlingException"), http(b"", 503), error("InternalServerError", 500)])
def test_the_services_own_wish_is_followed(answer: bytes, serve: Serve, waits: list[float]) -> None:
    wish = answer.replace(b"\r\n\r\n", b"\r\nx-amz-retry-after: 60000\r\n\r\n", 1)
    server = serve(send(wish), send(http()))
    with open_direct(f"http://127.0.0.1:{server.port}?transport=direct", waits) as engine:
        assert engine("GetItem", b"{}") == b"{}"
    assert 5 <= waits[0] <= 6


def test_four_attempts_and_no_more(serve: Serve, transport: str, waits: list[float]) -> None:
    server = serve(send(error("ThrottlingException")))
    way = "botocore" if transport == "botocore" else "direct"
    with OPEN[transport](f"http://127.0.0.1:{server.port}?transport={way}", waits) as engine, pytest.raises(Throttled):
        engine("GetItem", b"{}")
    assert len(server.requests) == 4


def test_the_limit_that_throttled_is_in_the_text(serve: Serve, engine_at: EngineAt) -> None:
    arn = "arn:aws:dynamodb:us-east-1:111122223333:table/t"
    reasons = [
        {"reason": "TableWriteKeyRangeThroughputExceeded", "resource": arn},
        {"reason": "IndexWriteMaxOnDemandThroughputExceeded", "resource": f"{arn}/index/i"},
    ]
    texts = []
    for code, member in (
        ("ProvisionedThroughputExceededException", "ThrottlingReasons"),
        ("ThrottlingException", "throttlingReasons"),
    ):
        server = serve(send(error(code, message="Throughput exceeds the limit", **{member: reasons})))
        with pytest.raises(Throttled) as caught:
            engine_at(server)("PutItem", b"{}")
        assert caught.value.fields == {member: reasons}
        texts.append(str(pickle.loads(pickle.dumps(caught.value))))
    lines = (
        ": Throughput exceeds the limit\n"
        f"  TableWriteKeyRangeThroughputExceeded: {arn}\n"
        f"  IndexWriteMaxOnDemandThroughputExceeded: {arn}/index/i"
    )
    assert texts == [f"ProvisionedThroughputExceededException{lines}", f"ThrottlingException{lines}"]


def test_a_server_that_is_down_is_said_once(transport: str) -> None:
    with connected("http://127.0.0.1:9?attempts=1", transport) as engine, pytest.raises(ConnectionFailed) as caught:
        engine("GetItem", b"{}")
    assert traceback.format_exception_only(caught.value)[0].startswith(
        "flyexpr.errors.ConnectionFailed: no answer from http://127.0.0.1:9?attempts=1&transport="
    )
    assert caught.value.code == "ConnectionFailed"


AUTHORITIES = [
    ({"AWS_CA_BUNDLE": "right", "REQUESTS_CA_BUNDLE": "wrong"}, "wrong"),
    ({"REQUESTS_CA_BUNDLE": "wrong"}, "right"),
    ({"REQUESTS_CA_BUNDLE": "right"}, None),
]


@pytest.mark.parametrize("environment, profile", AUTHORITIES)
def test_the_order_of_the_authorities(
    environment: dict[str, str],
    profile: str | None,
    serve: Serve,
    engine_at: EngineAt,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is botocore's: AWS_CA_BUNDLE, `ca_bundle` of the profile, REQUESTS_CA_BUNDLE."""
    paths = {"right": str(authority.bundle), "wrong": str(Authority(tmp_path, "wrong").bundle)}
    monkeypatch.delenv("AWS_CA_BUNDLE")
    for name, value in environment.items():
        monkeypatch.setenv(name, paths[value])
    if profile:
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {paths[profile]}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    server = serve(echo, tls=authority.server("localhost"))
    assert engine_at(server, scheme="https", host="localhost")("GetItem", b"{}") == b"{}"


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", ["missing", "no certificate", "folder", "empty name"])
def test_authorities_of_the_environment_that_cannot_be_read(
    variable: str, content: str, engine_at: EngineAt, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.pem"
    if content == "no certificate":
        path.write_text(content)
    elif content == "folder":
        path.mkdir()
    monkeypatch.setenv(variable, "" if content == "empty name" else str(path))
    with pytest.raises(FlyexprError, match="REQUESTS_CA_BUNDLE"):
        engine_at(serve(echo), scheme="https")("GetItem", b"{}")


def test_where_the_usual_authorities_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """certifi's file if certifi is installed, else botocore's; botocore is asked if neither is in its usual place."""
    import certifi
    from botocore.httpsession import DEFAULT_CA_BUNDLE, where

    assert botocore_bundle() == certifi.where() == where()
    find = "flyexpr.engines.aws.tls.find_spec"
    with monkeypatch.context() as patch:
        patch.setattr(find, lambda name: None if name == "certifi" else find_spec(name))
        assert botocore_bundle() == DEFAULT_CA_BUNDLE
    with monkeypatch.context() as patch:
        patch.setattr(find, lambda name: SimpleNamespace(origin="/elsewhere/__init__.py"))
        assert botocore_bundle() == where()


def test_authorities_matter_only_to_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    assert "direct" in repr(connect("http://localhost"))
    with pytest.raises(FlyexprError) as caught:
        connect("https://localhost")
    assert str(caught.value) == (
        "no certificate authorities can be read from '/nowhere': No such file or directory\n"
        "  hint: AWS_CA_BUNDLE, `ca_bundle` in AWS's configuration or REQUESTS_CA_BUNDLE says to read it"
    )


def test_what_tls_asks_of_a_server(authority: Authority) -> None:
    context = tls_context(str(authority.bundle))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_session_token_is_signed(
    serve: Serve, engine_at: EngineAt, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a/b+c==")
    server = serve(echo)
    with raises(FlyexprError, "InvalidSignatureException: the session token is not the one of 'testing'"):
        engine_at(server)("GetItem", b"{}")
    server.keys["testing"] = Keys("testing", "testing", "a/b+c==")
    assert engine_at(server)("GetItem", b"{}") == b"{}"


def test_the_path_of_an_endpoint_is_signed(serve: Serve, waits: list[float]) -> None:
    server = serve(echo)
    with open_direct(f"http://127.0.0.1:{server.port}/alternator/a?transport=direct", waits) as engine:
        assert engine("GetItem", b"{}") == b"{}"
    assert server.requests[0].path == "/alternator/a"


def test_an_engine_that_is_closed_while_it_waits(serve: Serve) -> None:
    """The answer still comes; its connection is not kept."""
    server = serve(late(echo))
    engine = connect(f"http://127.0.0.1:{server.port}?transport=direct")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(engine, "GetItem", b"{}")
        while not server.requests:
            time.sleep(0.01)
        engine.close()
        assert answer.result() == b"{}"
    server.settle()
    assert not any(thread.is_alive() for thread in server._threads[1:])
    with pytest.raises(FlyexprError) as caught:
        engine("GetItem", b"{}")
    assert str(caught.value) == f"{engine!r} is closed"


def test_another_process_uses_no_connection_of_this_one(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(echo)
    with connect(f"http://127.0.0.1:{server.port}?transport=direct") as engine:
        engine("GetItem", b"1")
        monkeypatch.setattr("os.getpid", lambda: 7)
        for _ in range(2):
            engine("GetItem", b"2")
    assert [request.connection for request in server.requests] == [1, 2, 2]


class Emptied(list[Any]):
    """A list whose last element another thread takes between the check and the `pop`."""

    def __bool__(self) -> bool:
        return True


def test_another_thread_took_the_last_idle_connection(serve: Serve) -> None:
    server = serve(echo)
    with connect(f"http://127.0.0.1:{server.port}?transport=direct") as engine:
        engine._pool._idle = Emptied()
        assert engine("GetItem", b"{}") == b"{}"


def test_no_more_connections_are_kept_than_some(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.aws.connections.IDLE_CONNECTIONS", 2)
    server = serve(late(echo))
    with connect(f"http://127.0.0.1:{server.port}?transport=direct") as engine:
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda _: engine("GetItem", b"{}"), range(6)))
        assert (server.connections, len(engine._pool._idle)) == (6, 2)


def test_a_connection_that_the_server_wants_closed_is_closed(serve: Serve) -> None:
    """Though the server itself keeps it open."""
    server = serve(send(http(b"{}", Connection="close")))
    with connect(f"http://127.0.0.1:{server.port}?transport=direct") as engine:
        engine("GetItem", b"{}")
        server.settle()
        assert not any(thread.is_alive() for thread in server._threads[1:])


def test_no_idle_connection_is_trusted_after_one_that_broke(serve: Serve) -> None:
    server = serve(late(echo), late(echo), send_and_reset(), echo)
    with connect(f"http://127.0.0.1:{server.port}?transport=direct&attempts=1") as engine:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: engine("GetItem", b"{}"), range(2)))
        before = len(engine._pool._idle)
        with pytest.raises(ConnectionFailed):
            engine("GetItem", b"{}")
        assert (before, engine._pool._idle) == (2, [])


def test_what_a_connection_is_set_to(serve: Serve) -> None:
    """Else a request may wait 40 ms for what the other side confirms, and nobody notices that a server is gone."""
    server = serve(echo)
    with connect(f"http://127.0.0.1:{server.port}?transport=direct&timeout=70") as engine:
        engine("GetItem", b"{}")
        (connection,) = engine._pool._idle
        opened = connection._socket
        options = ((socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        assert all(opened.getsockopt(*option) for option in options)
        assert opened.gettimeout() == 70


def test_the_other_transport_is_closed_with_the_engine() -> None:
    closed: list[bool] = []
    with connect("http://127.0.0.1:1?transport=direct") as engine:
        engine._other = SimpleNamespace(close=lambda: closed.append(True))
    assert closed == [True]
