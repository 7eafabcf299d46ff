"""Machines that find out how fast a table allows them to go: in a simulation, and over both transports."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from misbehaving import Server, error, http, open_awaited, open_direct, send
from places import DOCS

from bench.partitions import SCENES, Bucket, Load, play, row
from flyexpr import FlyexprError, Throttled, connect
from flyexpr.engines.aws.adaptive import Adaptive
from flyexpr.engines.aws.target import target_of

PAGE = (DOCS / "how-to/one-terabyte.md").read_text()
GOOD = http(b'{"Item":{"id":{"S":"a"}}}')
THROTTLE = error("ThrottlingException", message="Rate exceeded")


@pytest.mark.parametrize("name", SCENES)
def test_the_table_is_used_and_little_is_throttled(name: str) -> None:
    """At least 90 % of what is allowed, under 2 % of the requests throttled; the page has the very figures."""
    outcome = play(SCENES[name])
    assert outcome.used > 0.9
    assert outcome.throttled < 0.02
    assert outcome.failed == 0
    assert row(name, outcome) in PAGE.splitlines()


def test_without_it_many_requests_are_throttled() -> None:
    usual = play(replace(SCENES["a provisioned table of 500 units"], mode="standard"), seconds=60, warm=20)
    assert usual.throttled > 0.2


def test_another_chance_gives_another_outcome_as_good() -> None:
    load = Load(machines=8, lanes=2, partitions=2, per_table=200.0, units=8.0)
    outcomes = [play(load, seed=seed) for seed in (1, 2)]
    assert outcomes[0] != outcomes[1]
    assert all(outcome.used > 0.9 and outcome.throttled < 0.02 for outcome in outcomes)


def test_a_bucket_keeps_some_seconds_of_capacity() -> None:
    bucket = Bucket(100.0, kept=2.0)
    bucket.left -= 250
    assert [bucket.fill(now) for now in (0.0, 0.3, 1.0, 9.0)] == [-50, -20, 50, 200]


def test_the_page_takes_its_costs_from_the_benchmarks() -> None:
    benchmarks = (DOCS / "benchmarks.md").read_text()
    for job, unit, share, name in (("query pages", "ms", 4, "PAGE"), ("batch write", "µs", 1, "BATCH")):
        measured = re.search(rf"^\| {job} \| ([\d.]+) {unit} \|", benchmarks, re.MULTILINE)
        used = re.search(rf"\b{name}(?:, \w+)? = ([\d.]+)", PAGE)
        assert measured
        assert used
        cost = float(measured[1]) * {"ms": 1e-3, "µs": 1e-6}[unit] / share
        assert cost / 1.5 < float(used[1]) < cost * 1.5


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sent_in(pace: Adaptive, clock: Clock, seconds: float, throttled: float = float("inf")) -> int:
    """How many requests are sent in this time, each answered at once; those beyond a number are throttled."""
    end, sent = clock.now + seconds, 0
    while clock.now < end:
        wait = pace.wait()
        clock.now += wait
        sent += 1
        pace.answered(throttled=sent > throttled)
    return sent


def test_the_rate_grows_until_a_throttle_and_then_falls() -> None:
    clock = Clock()
    pace = Adaptive(clock)
    counts = [sent_in(pace, clock, 1.0) for _ in range(5)]
    assert all(1.5 < after / before < 2.5 for before, after in pairwise(counts))
    pace.answered(throttled=True)
    fallen = sent_in(pace, clock, 1.0)
    assert counts[-1] * 0.3 < fallen < counts[-1]
    for _ in range(50):  # one throttle a second lowers the rate, not each of those that were under way
        pace.answered(throttled=True)
    assert sent_in(pace, clock, 1.0) > fallen * 0.6


def test_the_rate_comes_back_stays_and_tries_more() -> None:
    clock = Clock()
    pace = Adaptive(clock)
    for _ in range(4):
        sent_in(pace, clock, 1.0)
    pace.answered(throttled=True)
    counts = [sent_in(pace, clock, 1.0) for _ in range(40)]
    near = counts[12]
    assert counts[0] < near
    assert all(0.9 < count / near < 1.1 for count in counts[8:18])
    assert counts[-1] > 1.3 * near


def test_a_rate_is_never_zero() -> None:
    clock = Clock()
    pace = Adaptive(clock)
    for _ in range(100):
        clock.now += pace.wait() + 2
        pace.answered(throttled=True)
    assert pace.wait() < 5


def test_waiting_requests_go_in_their_order() -> None:
    """Each has a time of its own: none waits for ever, and none is sent twice as early."""
    pace = Adaptive(Clock())
    waits = [pace.wait() for _ in range(40)]
    assert waits == sorted(waits)
    assert all(abs(after - before - 0.05) < 1e-9 for before, after in pairwise(waits[4:]))


def test_idle_time_is_not_saved_up() -> None:
    clock = Clock()
    pace = Adaptive(clock)
    clock.now += 3600
    assert sum(pace.wait() == 0 for _ in range(100)) <= 4


@pytest.mark.parametrize("opened", [open_direct, open_awaited])
def test_an_engine_waits_between_its_requests(opened: object) -> None:
    server = Server(send(THROTTLE), *[send(GOOD)] * 9)
    waits: list[float] = []
    url = f"http://127.0.0.1:{server.port}?attempts=3&retry_mode=adaptive"
    try:
        with opened(url, waits) as engine:  # type: ignore[operator]
            for _ in range(9):
                assert b"Item" in engine("GetItem", b"{}")
    finally:
        server.close()
    assert len(server.operations) == 10
    assert len(waits) >= 5
    assert all(0 <= wait < 30 for wait in waits)


def test_a_standard_engine_does_not_wait() -> None:
    server = Server(*[send(GOOD)] * 9)
    waits: list[float] = []
    try:
        with open_direct(f"http://127.0.0.1:{server.port}?retry_mode=standard", waits) as engine:
            for _ in range(9):
                engine("GetItem", b"{}")
    finally:
        server.close()
    assert waits == []


def test_what_is_always_throttled_ends_in_an_error() -> None:
    server = Server(*[send(THROTTLE)] * 3)
    try:
        with (
            pytest.raises(Throttled),
            open_direct(f"http://127.0.0.1:{server.port}?attempts=3&retry_mode=adaptive", []) as engine,
        ):
            engine("GetItem", b"{}")
    finally:
        server.close()
    assert len(server.operations) == 3


def test_botocore_does_it_by_itself() -> None:
    pytest.importorskip("botocore")
    engine = connect("http://localhost:8000?transport=botocore&retry_mode=adaptive")
    assert engine._client.meta.config.retries["mode"] == "adaptive"  # type: ignore[attr-defined]
    engine.close()


def test_a_mode_that_there_is_not() -> None:
    with pytest.raises(FlyexprError) as caught:
        target_of("http://localhost:8000?retry_mode=legacy")
    assert str(caught.value) == (
        "no retry_mode 'legacy' in 'http://localhost:8000?retry_mode=legacy'\n  write one of: standard, adaptive"
    )
