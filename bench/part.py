"""Parts of the benchmarks that give figures by row: each has a section and goals of its own on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Figures = dict[str, float]  # by row


@dataclass(frozen=True, slots=True)
class Bound:
    """What a row must reach: at least, or at most, a number.

    >>> Bound(0.85).reached(0.9), Bound(0.2, least=False).reached(0.27)
    (True, False)
    """

    value: float
    least: bool = True
    unit: str = "x"

    def reached(self, figure: float) -> bool:
        """Whether a figure is good enough."""
        return figure >= self.value if self.least else figure <= self.value


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the name that --only takes, its section on the page, how it is measured, and the goals by row.

    `measure(rounds)` gives the figures. A row without a bound is shown and has no goal. `why` says what is known about
    a goal that is missed.
    """

    name: str
    heading: str
    about: str
    measure: Callable[[int], Figures]
    goals: dict[str, Bound] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # of rows that have no goal
    unit_of_others: str = "x"
    why: str = ""

    def unit(self, row: str) -> str:
        """The unit of a row's figure."""
        return self.goals[row].unit if row in self.goals else self.units.get(row, self.unit_of_others)
