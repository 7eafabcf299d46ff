"""A table with the limits of DynamoDB, and machines that read or write it, by a clock that costs no time.

    python -m bench.partitions

Each partition allows 3,000 read units or 1,000 write units a second, the table 40,000, and what they do not use in a
second is kept for some time. The machines run the steps that the engine runs (flyexpr.engines.aws.attempts): only the
network is played. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from bench.part import Bound, Figures, Part
from flyexpr.drive import Pause
from flyexpr.engines.aws.attempts import Attempts, Exchange
from flyexpr.engines.aws.choice import Setup
from flyexpr.engines.aws.credentials import LOCAL
from flyexpr.engines.aws.endpoints import Endpoint
from flyexpr.engines.aws.framing import Answer
from flyexpr.engines.aws.target import target_of
from flyexpr.errors import DynamoError

READS, WRITES = 3_000.0, 1_000.0  # units a second of one partition
TABLE = 40_000.0  # units a second of a table, reads or writes, until AWS is asked for more
PAGES = 10_000  # pages of 1 MB in a partition, which holds up to 10 GB
PAGE = 128.0  # units of a page of 1 MB, read without `consistent`
THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'


@dataclass(frozen=True, slots=True)
class Load:
    """What the machines do, and what the table allows.

    `lanes` requests of a machine are under way at the same time; each takes `latency` seconds, and `work` seconds of
    the machine's processor, which does one thing at a time. `hot` is the share of requests that go to one partition.
    `kept` is for how many seconds unused capacity is kept.
    """

    machines: int = 20
    lanes: int = 8
    units: float = PAGE
    partitions: int = 120
    per_partition: float = READS
    per_table: float = TABLE
    latency: float = 0.02
    work: float = 0.0
    hot: float = 0.0
    kept: float = 1.0
    mode: str = "adaptive"


@dataclass(slots=True)
class Outcome:
    """What came of it: the share of what was allowed, the share of requests throttled, the requests given up."""

    used: float = 0.0
    throttled: float = 0.0
    failed: int = 0


@dataclass
class Bucket:
    """Capacity at a rate of units a second. What a few seconds leave unused is kept."""

    rate: float
    kept: float
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.rate * self.kept

    def fill(self, now: float) -> float:
        """What there is now."""
        self.left = min(self.left + (now - self.at) * self.rate, self.rate * self.kept)
        self.at = now
        return self.left


_COUNTED = ("units", "passed", "throttled", "failed")


@dataclass
class Service:
    """The table: it lets a request pass while its partition and the table have capacity, into debt by that request."""

    load: Load
    now: float = 0.0
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0.0))

    def __post_init__(self) -> None:
        load = self.load
        self.table = Bucket(load.per_table, load.kept)
        self.partitions = [Bucket(load.per_partition, load.kept) for _ in range(load.partitions)]

    def passes(self, partition: int) -> bool:
        """Whether a request of the load's units is done."""
        buckets = self.table, self.partitions[partition]
        if min(bucket.fill(self.now) for bucket in buckets) <= 0:
            self.counts["throttled"] += 1
            return False
        for bucket in buckets:
            bucket.left -= self.load.units
        self.counts["passed"] += 1
        self.counts["units"] += self.load.units
        return True


def attempts(load: Load, clock: Callable[[], float], chance: random.Random) -> Attempts:
    """What one machine's engine knows."""
    target = target_of(f"http://127.0.0.1:8000?attempts=8&retry_mode={load.mode}")
    setup = Setup(Endpoint(False, "127.0.0.1", 8000, "/", "us-east-1"), lambda: LOCAL, None, "")
    return Attempts(target, setup, clock, chance.random, clock)


Wait = Generator[float, None, None]  # the seconds that pass before it goes on


def lane(service: Service, engine: Attempts, processor: list[float], places: Iterator[int]) -> Wait:
    """One request after the other, to the partitions that come."""
    load = service.load
    yield load.latency * (1 + next(places) % 7) / 7  # they do not begin at once
    for partition in places:
        steps, reply = engine.steps("Scan", b"{}"), None
        try:
            while True:
                step = steps.send(reply)
                reply = None
                if isinstance(step, Pause):
                    yield step.seconds
                elif isinstance(step, Exchange):
                    yield load.latency / 2
                    passed = service.passes(partition)
                    yield load.latency / 2
                    body = b"{}" if passed else THROTTLED
                    reply = Answer(200 if passed else 400, {"content-length": str(len(body))}, body, True)
        except StopIteration:
            pass
        except DynamoError:
            service.counts["failed"] += 1
        if load.work:
            processor[0] = max(processor[0], service.now) + load.work
            yield processor[0] - service.now


def places(load: Load, first: int, chance: random.Random) -> Iterator[int]:
    """The partitions that a lane asks, as a segment of a scan does: one to its end, then the next one."""
    partition = first
    while True:
        for _ in range(PAGES):
            yield 0 if chance.random() < load.hot else partition
        partition = (partition + 1) % load.partitions


def play(load: Load, seconds: float = 300, warm: float = 60, seed: int = 1) -> Outcome:
    """The outcome of some seconds; the first `warm` seconds do not count.

    >>> outcome = play(Load(machines=2, per_table=2_000, partitions=4), seconds=60, warm=20)
    >>> outcome.used > 0.8, outcome.throttled < 0.05
    (True, True)
    """
    chance, service = random.Random(seed), Service(load)
    waiting: list[tuple[float, int, Wait]] = []
    for number in range(load.machines):
        engine, processor = attempts(load, lambda: service.now, chance), [0.0]
        for each in range(load.lanes):
            first = (number * load.lanes + each) * load.partitions // (load.machines * load.lanes)
            one = lane(service, engine, processor, places(load, first, chance))
            waiting.append((chance.random() * 2, len(waiting), one))
    heapq.heapify(waiting)
    before: dict[str, float] | None = None
    while service.now < seconds:
        at, number, one = heapq.heappop(waiting)
        service.now = max(service.now, at)
        if before is None and service.now >= warm:
            before = dict(service.counts)
        heapq.heappush(waiting, (service.now + next(one), number, one))
    spent = {name: count - (before or {}).get(name, 0.0) for name, count in service.counts.items()}
    tried = spent["passed"] + spent["throttled"]
    allowed = allowed_units(load) * (seconds - warm)
    return Outcome(spent["units"] / allowed, spent["throttled"] / tried, int(spent["failed"]))


def allowed_units(load: Load) -> float:
    """The units a second that the table and its partitions allow, if the requests are spread as the load says."""
    limits = [load.per_table, load.per_partition * load.partitions]
    if load.hot:
        limits.append(load.per_partition / (load.hot + (1 - load.hot) / load.partitions))
    return min(limits)


SCENES: dict[str, Load] = {
    "pages of a large table: its quota": Load(),
    "the same by one machine with 64 lanes": Load(machines=1, lanes=64),
    "pages of a small table: its partitions": Load(partitions=4),
    "puts of 1 KB under one partition key": Load(units=1.0, partitions=1, per_partition=WRITES, latency=0.005),
    "a provisioned table of 500 units": Load(machines=4, partitions=2, per_table=500.0, units=8.0),
    "one request in five to one partition": Load(hot=0.2),
}


def row(name: str, outcome: Outcome) -> str:
    """A line of the table in docs/how-to/one-terabyte.md."""
    return f"| {name} | {outcome.used:.0%} | {outcome.throttled:.2%} |"


_USED, _THROTTLED = "used", "throttled"


def shares(rounds: int) -> Figures:
    """The percent of what is allowed and of requests throttled, by row; the same in each round, so there is but one."""
    del rounds
    rows: Figures = {}
    for name, load in SCENES.items():
        outcome = play(load)
        if outcome.failed:
            raise ValueError(f"{outcome.failed} requests were given up: {name}")
        rows[f"{name}, {_USED}"] = outcome.used * 100
        rows[f"{name}, {_THROTTLED}"] = outcome.throttled * 100
    return rows


PART = Part(
    "partitions",
    "Sending as fast as a table allows",
    "What engines with `retry_mode=adaptive` use of the throughput that a table and its partitions allow, and the\n"
    "share of their requests that is throttled: in a simulation, by a clock that costs no time, after a minute.\n"
    "`python -m bench.partitions` prints it.",
    shares,
    {f"{name}, {_USED}": Bound(90, unit="%") for name in SCENES}
    | {f"{name}, {_THROTTLED}": Bound(2, least=False, unit="%") for name in SCENES},
)


def main() -> None:
    for name, load in SCENES.items():
        print(row(name, play(load)))


if __name__ == "__main__":
    main()
