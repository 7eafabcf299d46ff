"""What a run of the benchmarks found; a part that was not asked for stays empty."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.rounds import Times


@dataclass(slots=True)
class Results:
    """The figures of one run, as they came: nothing is rounded before it is shown."""

    rounds: int
    times: dict[str, Times] = field(default_factory=dict)  # of each job
    skipped: dict[str, str] = field(default_factory=dict)  # why, of each library that took no part
    imports: dict[str, float] = field(default_factory=dict)  # ms
    firsts: dict[str, float] = field(default_factory=dict)  # ms
    drained: dict[str, dict[str, float]] = field(default_factory=dict)  # of each library
    hold: float | None = None  # ms for which the event loop is held, at the longest
    pages: dict[int, dict[str, float]] = field(default_factory=dict)  # of each number of pages
    growth: dict[str, float] = field(default_factory=dict)  # ratios
    items: tuple[int, int] = (0, 0)  # in the smaller and the larger file
    rates: dict[str, dict[str, float]] = field(default_factory=dict)  # a second, of each engine

    def faster(self, job: str, than: str, ours: str = "flyexpr", wall: bool = False) -> float | None:
        """How many times as much another library takes for a job as flyexpr does; None where one of them did not."""
        return self.times[job].ratio(than, ours, wall) if job in self.times else None

    def rate(self, name: str, over: str = "") -> float | None:
        """What the embedded engine on a file does a second; with `over`, how many times as much as another engine."""
        if "embedded" not in self.rates or (over and over not in self.rates):
            return None
        return self.rates["embedded"][name] / (self.rates[over][name] if over else 1)
