"""The results of the benchmarks; a part that was never run stays empty."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.peers.rounds import Times

SAVED = Path(__file__).parent / "results.json"  # the results on the page docs/benchmarks.md


@dataclass(slots=True)
class Results:
    """The figures, which are rounded only when they are shown."""

    rounds: int
    times: dict[str, Times] = field(default_factory=dict)  # by job
    skipped: dict[str, str] = field(default_factory=dict)  # the reason, by library that took no part
    imports: dict[str, float] = field(default_factory=dict)  # ms
    firsts: dict[str, float] = field(default_factory=dict)  # ms
    drained: dict[str, dict[str, float]] = field(default_factory=dict)  # by library
    hold: float | None = None  # the longest time in ms for which a page held the event loop
    bulk: dict[str, float] = field(default_factory=dict)  # how many times as fast 16 workers are, by kind of work
    pages: dict[int, dict[str, float]] = field(default_factory=dict)  # by number of pages
    growth: dict[str, float] = field(default_factory=dict)  # ratios
    items: tuple[int, int] = (0, 0)  # in the smaller and the larger file
    rates: dict[str, dict[str, float]] = field(default_factory=dict)  # operations a second, by engine
    figures: dict[str, dict[str, float]] = field(default_factory=dict)  # by part and row
    taken: dict[str, str] = field(default_factory=dict)  # when and where: the last whole run, by ""; what came since

    def faster(self, job: str, than: str, ours: str = "flyexpr", wall: bool = False) -> float | None:
        """How many times as long another library takes for a job as flyexpr; None if one of them did not do it."""
        return self.times[job].ratio(than, ours, wall) if job in self.times else None

    def rate(self, name: str, over: str = "") -> float | None:
        """Operations a second of the embedded engine on a file; with `over`, in relation to those of another engine."""
        if "embedded" not in self.rates or (over and over not in self.rates):
            return None
        return self.rates["embedded"][name] / (self.rates[over][name] if over else 1)

    def measured(self, name: str) -> None:
        """Notes that a part was measured now and here; "" is the whole."""
        self.taken[name] = now()

    def save(self, file: Path = SAVED) -> None:
        """Keeps the results for a later run of some parts."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(file: Path = SAVED) -> Results:
    """The results that were saved."""
    saved = json.loads(file.read_text())
    saved["times"] = {job: Times(**times) for job, times in saved["times"].items()}
    saved["pages"] = {int(count): taken for count, taken in saved["pages"].items()}
    saved["items"] = tuple(saved["items"])
    return Results(**saved)


def now() -> str:
    """The day, and the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    day, python = time.strftime("%Y-%m-%d"), platform.python_version()
    return f"{day} on {len(names) or 1} x {processor}, {platform.system()}, Python {python}"
