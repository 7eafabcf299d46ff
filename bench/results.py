"""The results of one run of the benchmarks; a part that was not run stays empty."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.rounds import Times


@dataclass(slots=True)
class Results:
    """The figures of one run, which are rounded only when they are shown."""

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

    def faster(self, job: str, than: str, ours: str = "flyexpr", wall: bool = False) -> float | None:
        """How many times as long another library takes for a job as flyexpr; None if one of them did not do it."""
        return self.times[job].ratio(than, ours, wall) if job in self.times else None

    def rate(self, name: str, over: str = "") -> float | None:
        """Operations a second of the embedded engine on a file; with `over`, in relation to those of another engine."""
        if "embedded" not in self.rates or (over and over not in self.rates):
            return None
        return self.rates["embedded"][name] / (self.rates[over][name] if over else 1)
