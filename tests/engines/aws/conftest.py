"""Engines of both transports, connected to a server that follows a script."""

import ssl
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from authority import Authority
from botocore.loaders import JSONFileLoader
from fake_aws import FakeAws
from furnished import Place
from misbehaving import ATTEMPTS, OPEN, Behaviour, Server


@pytest.fixture(autouse=True, scope="session")
def services_read_once() -> Iterator[None]:
    """A session of botocore reads its descriptions of the services in half the time that a client takes; here once."""
    read = cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda self, path: read(path))
        yield


@pytest.fixture(params=["direct", "awaited", "botocore"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that engines asked to wait between attempts; they do not really wait."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a server with a script; it is stopped after the test."""
    servers: list[Server] = []

    def start(*script: Behaviour, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*script, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def engine_at(transport: str, waits: list[float]) -> Iterator[Callable[..., Any]]:
    """Connects with the transport of the test, three attempts, no real waiting and short time limits."""
    engines: list[Any] = []

    def open_engine(server: Server, timeout: float = 5, scheme: str = "http", host: str = "127.0.0.1") -> Any:
        way = "botocore" if transport == "botocore" else "direct"
        url = f"{scheme}://{host}:{server.port}?transport={way}&attempts={ATTEMPTS}&timeout={timeout}"
        engines.append(OPEN[transport](url, waits))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An environment with only AWS on loopback: no keys and no files."""
    aws = FakeAws()
    yield Place(tmp_path, monkeypatch, aws)
    aws.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the engines of the test trust."""
    found = Authority(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(found.bundle))
    return found
