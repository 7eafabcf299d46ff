"""The benchmarks of the server at a tiny size: prepared requests, servers side by side. The figures are not tested."""

import doctest
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import data
from bench.engine import raw, serving
from flyexpr import connect
from flyexpr.serve import serve


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A server of ours, with the table that the prepared requests are about."""
    with connect("sqlite::memory:") as engine, serve(engine) as serving_it:
        raw.load(serving_it.url)
        yield serving_it.url


@pytest.fixture
def many_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "PAGE", raw.ITEMS)


@pytest.mark.parametrize("clients", [1, 3])
def test_prepared_requests_are_answered(many_items: None, endpoint: str, clients: int) -> None:
    for job in raw.JOBS:
        done = raw.drive(endpoint, job, clients, 0.05)
        assert done["count"] >= clients
        assert 0 < done["median"] <= done["p99"]


def test_prepared_requests_ask_for_what_they_should(many_items: None, endpoint: str) -> None:
    expected = {"get": 1, "query": raw.PAGE, "batch get": raw.BATCH}
    with raw.connected(endpoint) as connection:
        for job in raw.JOBS:
            connection.sendall(raw.requests(job, "127.0.0.1")[0])
            body = raw.received(connection).partition(b"\r\n\r\n")[2]
            assert body.count(b'"email"') == expected.get(job, 0), job


def test_a_refusal_ends_the_client(many_items: None) -> None:
    with connect("sqlite::memory:") as engine, serve(engine) as empty, pytest.raises(RuntimeError, match="400 Bad"):
        raw.drive(empty.url, "get", 1, 0.05)


def test_the_servers_are_compared_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(rounds: int, chance: random.Random) -> serving.Runs:
        theirs, ours = serving.Run(100, 200, 1.0, 5.0), serving.Run(150, 50, 0.5, 1.0)
        names = [(name, side.clients) for side in serving.SIDES for name in (side.ours, side.theirs)]
        return {
            (name, clients, job): [ours if name.startswith("flyexpr") else theirs] * rounds
            for name, clients in names
            if serving.dynoxide() or name.startswith("flyexpr")
            for job in raw.JOBS
        }

    monkeypatch.setattr(serving, "measured", measured)
    monkeypatch.setattr(serving, "idle_memory", lambda: 12.0)
    monkeypatch.setenv("FLYEXPR_DYNOXIDE", "/there")
    found = serving.figures(2)
    assert found["one client, in memory, get"] == 1.5
    assert found["one client, in memory, get: dynoxide's CPU over ours"] == 4
    assert found["eight clients, get: 99th percentile over median"] == 2
    assert serving.PART.goals.keys() <= found.keys()
    monkeypatch.setenv("FLYEXPR_DYNOXIDE", "")
    monkeypatch.setenv("PATH", "")
    found = serving.figures(2)
    assert len(found) == len(raw.JOBS) + 1, "what can be measured without the other server"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say what a process takes")
def test_the_servers_are_measured(many_items: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYEXPR_DYNOXIDE", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("BENCH_PAGE", str(raw.ITEMS))
    monkeypatch.setattr(raw, "JOBS", ("get",))
    monkeypatch.setattr(serving, "IDLE", 20)
    runs = serving.measured(1, random.Random(1), 0.1)
    assert {name for name, _, _ in runs} == {"flyexpr", "flyexpr, file", "flyexpr, file, 2 processes"}
    assert all(run.rate > 0 for each in runs.values() for run in each)
    assert serving.idle_memory() < 20


def test_the_examples_hold() -> None:
    found = doctest.testmod(raw)
    assert found.attempted
    assert not found.failed
