"""The goals, and how to read from the results whether each is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.engine.local import RATES
from bench.page.results import Results
from bench.parts import PARTS

Figure = Callable[[Results], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table: the name, the bound, and a function that reads the figure from the results.

    >>> Goal("speed", 10, lambda results: 12.5).reached(Results(rounds=1))
    True
    """

    what: str
    bound: float
    figure: Figure
    least: bool = True
    unit: str = "x"

    def reached(self, results: Results) -> bool | None:
        """Whether the goal is reached; None if it was not measured."""
        value = self.figure(results)
        return None if value is None else value >= self.bound if self.least else value <= self.bound


def _faster(what: str, job: str, bounds: dict[str, float], ours: str = "flyexpr", wall: bool = False) -> list[Goal]:
    def figure(library: str) -> Figure:
        return lambda results: results.faster(job, library, ours, wall)

    return [Goal(f"{what}: against {library}", bound, figure(library)) for library, bound in bounds.items()]


def _at_most(what: str, bound: float, figure: Figure, unit: str = "x") -> Goal:
    return Goal(what, bound, figure, least=False, unit=unit)


def _share(job: str, library: str) -> Figure:
    def figure(results: Results) -> float | None:
        faster = results.faster(job, library)
        return 1 / faster if faster else None

    return figure


def _start(which: str, ours: str, theirs: str) -> Figure:
    def figure(results: Results) -> float | None:
        times: dict[str, float] = getattr(results, which)
        return times[ours] / times[theirs] if ours in times and theirs in times else None

    return figure


def _linear(results: Results) -> float | None:
    """The cost of a page when most pages are read, over its cost when fewest are."""
    if not results.pages:
        return None
    few, many = min(results.pages), max(results.pages)
    return results.pages[many]["seconds"] / many / (results.pages[few]["seconds"] / few)


def _flat(results: Results) -> float | None:
    if not results.pages:
        return None
    return results.pages[max(results.pages)]["mb"] - results.pages[min(results.pages)]["mb"]


def _grown(name: str) -> Figure:
    return lambda results: results.growth.get(name)


def _rate(name: str) -> Figure:
    return lambda results: results.rate(name)


def _over(name: str, engine: str) -> Figure:
    return lambda results: results.rate(name, engine)


def _bulk(name: str) -> Figure:
    return lambda results: results.bulk.get(name)


def _of_parts() -> list[Goal]:
    """The goals that the parts name themselves."""

    def figure(part: str, row: str) -> Figure:
        return lambda results: results.figures.get(part, {}).get(row)

    return [
        Goal(f"{name}: {row}", bound.value, figure(name, row), bound.least, bound.unit)
        for name, part in PARTS.items()
        for row, bound in part.goals.items()
    ]


_LOCAL = {"put": 8_000.0, "get": 20_000.0, "query": 20_000.0, "update": 5_000.0}

_BULK = {"update_matching": 10.0, "put_all with a condition": 10.0, "batch_write": 5.0}

_AT_ONCE = {"aiodynamo": 2, "dynamoxy": 1.1}

GOALS: list[Goal] = [
    *_faster(
        "query pages",
        "query pages",
        {"boto3-resource": 10, "pynamodb": 15, "dyntastic": 12, "aiodynamo": 2.5, "pydynox": 1.4},
    ),
    _at_most("query pages: share of a bare socket with orjson", 1.25, _share("query pages", "floor-orjson")),
    *_faster("query pages, botocore transport", "query pages", {"boto3-resource": 8}, "flyexpr-botocore"),
    *_faster("20,000 items kept in a list", "pages kept", {"boto3-resource": 6, "pynamodb": 9, "aiodynamo": 2.2}),
    *_faster("first three items of a page", "first three", {"boto3-client": 60}),
    *_faster("GetItem", "get", {"boto3-client": 5, "pynamodb": 5, "aiodynamo": 2}),
    *_faster("GetItem, aimed at", "get", {"boto3-client": 7.5, "pynamodb": 7.5}),
    *_faster("GetItem in 8 threads, wall", "get, 8 threads", {"boto3-client": 10}, wall=True),
    *_faster("query pages, flyexpr.aio", "query pages", {"aiodynamo": 2.5}, "flyexpr-aio"),
    *_faster("1,000 GetItems at once, flyexpr.aio", "get, 1,000 at once", _AT_ONCE, "flyexpr-aio"),
    *_faster("100 pages at once, flyexpr.aio", "pages, 100 at once", _AT_ONCE, "flyexpr-aio"),
    *_faster("1,000 GetItems at once, wall", "get, 1,000 at once", _AT_ONCE, "flyexpr-aio", wall=True),
    _at_most("a page of 1 MB holds the event loop, CPU", 10, lambda results: results.hold, "ms"),
    *_faster("UpdateItem with a condition", "update", {"boto3-client": 4.5}),
    *_faster("UpdateItem, aimed at", "update", {"boto3-client": 6, "pynamodb": 7, "aiodynamo": 2.2}),
    *_faster("batch write", "batch write", {"boto3-client": 10, "pynamodb": 6.5, "aiodynamo": 2.2}),
    *[Goal(f"16 workers over 10 ms, {name}: over one", least, _bulk(name)) for name, least in _BULK.items()],
    _at_most("compile a condition: share of boto3's builder", 0.6, _share("compile condition", "boto3-client")),
    _at_most("compile a condition: share of PynamoDB's", 0.35, _share("compile condition", "pynamodb")),
    _at_most("compile an update: share of PynamoDB's", 0.4, _share("compile update", "pynamodb")),
    _at_most("import: share of boto3's", 0.24, _start("imports", "flyexpr", "boto3")),
    _at_most("first GetItem, keys in the environment: share", 0.25, _start("firsts", "flyexpr", "boto3")),
    _at_most(
        "first GetItem, keys in a file: share",
        0.8,
        _start("firsts", "flyexpr, keys in a file", "boto3, keys in a file"),
    ),
    _at_most("draining 20 MB: peak memory", 8, lambda results: results.drained.get("flyexpr", {}).get("mb"), "MB"),
    _at_most("growth: a page of 16 over one of 2, CPU", 1.25, _linear),
    _at_most("growth: memory of 16 pages over that of 2", 2, _flat, "MB"),
    _at_most("growth: an operator of 299 over one of 9", 1.3, _grown("operators")),
    _at_most("growth: plan with 20 indexes over one with 1", 3, _grown("indexes")),
    _at_most("growth: get in the larger file over the smaller", 1.6, _grown("get")),
    _at_most("growth: query of 20 in the larger file", 1.6, _grown("query")),
    *[Goal(f"embedded engine on a file: {name}", _LOCAL[name], _rate(name), unit="/s") for name in RATES],
    *[Goal(f"embedded engine, {name}: over moto", 15, _over(name, "moto, in process")) for name in RATES],
    *[Goal(f"embedded engine, {name}: over dynalite", 15, _over(name, "dynalite")) for name in RATES],
    *_of_parts(),
]


def figure_text(value: float | None, unit: str) -> str:
    """A figure as the tables show it.

    >>> figure_text(12.345, "x"), figure_text(0.256, "x"), figure_text(23456.7, "/s"), figure_text(None, "x")
    ('12.3 x', '0.26 x', '23,457 /s', '–')
    """
    if value is None:
        return "–"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.{2 if value < 2 else 1}f} {unit}"


def goal_table(results: Results) -> list[tuple[str, str, str, str]]:
    """The rows of the table: name, goal, figure, and "yes", "MISSED" or nothing."""
    answers = {True: "yes", False: "MISSED", None: ""}
    return [
        (
            goal.what,
            f"{'≥' if goal.least else '≤'} {goal.bound:,g} {goal.unit}",
            figure_text(goal.figure(results), goal.unit),
            answers[goal.reached(results)],
        )
        for goal in GOALS
    ]
