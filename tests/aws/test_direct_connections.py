"""One engine for many threads, for the child of a fork, after an interruption; and TLS that knows whom it talks to."""

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from doors import Looped
from misbehaving import Server, echo, error, http, late, open_direct, send, send_and_close
from signatures import TESTING

from flyexpr import ConnectionFailed, FlyexprError, connect
from flyexpr.engines.aws.connections import IDLE_SECONDS, Connection, Pool
from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.signing import CONTENT_TYPE, Signer

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
    """On a shared one, each would read the other's answers; and the parent's survives the child."""
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
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen = [(request.body, request.connection) for request in server.requests]
    assert seen == [(b"before", 1), (b"child", 2), (b"parent", 1)]


@pytest.mark.parametrize("transport", ["direct"], indirect=True)
def test_an_interrupted_request_leaves_nothing_behind(
    serve: Serve, engine_at: EngineAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C the answer still comes, and later than the next request goes out."""
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
    """The quota of repetitions is 500, of which each takes 14."""
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
        monkeypatch.delenv("AWS_CA_BUNDLE")  # so that only the usual ones are trusted
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


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read(
    content: str | None, engine_at: EngineAt, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.pem"
    if content:
        path.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
    with pytest.raises(FlyexprError, match="bundle"):
        engine_at(serve(echo), scheme="https")("GetItem", b"{}")
