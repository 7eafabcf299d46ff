"""Writes the page docs/benchmarks.md from the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from textwrap import fill

from bench.engine.local import RATES
from bench.page.goals import figure_text, goal_table
from bench.page.results import Results, now
from bench.part import Part
from bench.parts import PARTS
from bench.peers.adapters import ADAPTERS
from bench.peers.jobs import JOBS

_PACKAGES = "boto3 botocore pynamodb aiodynamo aiohttp dyntastic pydynox dynamoxy aws-sdk-dynamodb orjson moto".split()

_HEAD = """# Benchmarks

Written by `make bench` on {whole}, with
{versions}. `make bench ARGS="--keep --only NAME"` measures a part again.
{later}

![How many times as much CPU time each library takes as flyexpr](benchmarks.svg)

A server in a process of its own gives canned answers. Each library has a process too, and one of them runs at a time,
in {rounds} rounds of random order. Every result is compared with the data before anything is timed. A figure such as
`12.3 x` is the median over the rounds of the ratio *within* a round: that library took 12.3 times the CPU time that
flyexpr took. Absolute times depend on the machine and drift; the ratios hardly do, within some 10 %.

The libraries give different things: flyexpr and boto3's resource give plain dicts, boto3's client gives wire dicts
(left as they are), PynamoDB and dyntastic give objects of a model, and aiodynamo gives floats for all numbers. The
cores of pydynox and dynamoxy are written in Rust. dynamoxy and aws-sdk (AWS's own SDK for asyncio) need Python 3.12.
The floors are a bare socket and one JSON parser, without signing, checks or decoding. Nothing here went to AWS, where
every library also waits some milliseconds for the network.
"""
_READS = """The data is {pages} pages of {page} items. Each has 15 attributes, 41 values (nested ones counted) and some
950 bytes. `flyexpr` is the `direct` transport, `flyexpr-botocore` the other one. "compile" means to build and compile
an expression and to write its members of a request, with a new constant each time. flyexpr remembers the shapes of
expressions. So "new shape" uses a new attribute name each time, and "reused" compiles one object again and again.
flyexpr also learns the shape of items. The items of a page have one shape here, as most have; in "no two alike" each
item has one attribute that no other has.
"""


# Why a goal may be missed, by the beginning of its name: a profile shows where the time goes.
_REQUEST = (
    "to sign, send and receive a request takes two thirds of a GetItem on this machine, whatever the library does"
)
_WHY = {
    "first three items": "the whole answer of 1 MB is received and checked before its first item is read",
    "query pages, flyexpr.aio": "the same figure as without aio; a run differs from the next by some 5 %",
    "GetItem": _REQUEST,
    "1,000 GetItems at once, wall": "the server needs the second core for itself; by CPU the goals are reached",
    "UpdateItem": _REQUEST,
    "compile": "building an expression, whose parts are Python objects, takes up to half of the time",
    "import": "a third of it is Python's typing, json and decimal",
    "first GetItem": "the import is a large part of it",
    "batch write": "half of the time goes into the text of the items: a function that is made for their form fills in "
    "their 41 values one by one, and checks each",
    "embedded engine": "SQLite takes a third of the time of a put, a fifth of that of an update and an eighth of "
    "that of a get. Python takes the rest: it writes the request, reads it back without trusting it, checks and "
    "counts it; for an update it also evaluates the expressions, and reads the whole item. The others' rates depend "
    "on the machine as much as ours",
}


def missed(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """The goals that were missed, by how much, and why.

    >>> print(missed([("batch write: against x", "≥ 10 x", "7.0 x", "MISSED"), ("get", "≥ 5 x", "9 x", "yes")])[15:59])
    - batch write: against x 7.0 x (≥ 10 x). Why
    """
    lines = []
    for begin, why in [*_WHY.items(), *((name, part.why) for name, part in PARTS.items())]:
        goals = [
            (what.removeprefix(begin), goal, got)
            for what, goal, got, reached in rows
            if what.startswith(begin) and reached == "MISSED"
        ]
        if goals:
            figures = "; ".join(f"{what.lstrip(':, ')} {got} ({goal})" for what, goal, got in goals)
            lines.append(fill(f"- {begin}: {figures}. Why: {why}.", 120, subsequent_indent="  "))
    return "Goals missed:\n\n" + "\n".join(lines) + "\n" if lines else ""


def page(results: Results) -> str:
    """The whole page, in Markdown."""
    parts = [
        _head(results),
        "## Goals\n",
        _table(("what", "goal", "measured", "reached"), goal_table(results)),
        missed(goal_table(results)),
        "## How many times as long other libraries take\n",
        _READS.format(pages=20, page="1,000"),
        _ratios(results, wall=False),
        "By the clock, which also counts the server, and the time in which either side waits:\n",
        _ratios(results, wall=True),
        _left_out(results),
        "## Starting\n",
        "Milliseconds of CPU in a fresh process, over those of a bare Python. The import of flyexpr is that of\n"
        "eight names, such as `get` and `query`: a name brings its module; `import flyexpr` alone imports nothing.\n",
        _table(("import", "ms"), [(name, f"{took:.0f}") for name, took in _sorted(results.imports)]),
        _table(("first GetItem", "ms"), [(name, f"{took:.0f}") for name, took in _sorted(results.firsts)]),
        "## Memory\n",
        "Megabytes that reading 20 pages of 1 MB adds to the memory of the process, at its peak.\n",
        _table(("library", "MB"), [(name, f"{took['mb']:.1f}") for name, took in results.drained.items()]),
        "## Engines on this machine\n",
        "Operations a second, by the clock, with items of 1 KB; for query, items a second. The embedded engine works\n"
        "on a file unless the row says otherwise; the others are used through boto3's resource.\n",
        _table(("engine", *RATES), [_rates(name, rates) for name, rates in results.rates.items()]),
        "## Growth\n",
        _table(
            ("pages", "CPU ms a page", "peak MB"),
            [
                (str(count), f"{taken['seconds'] / count * 1000:.1f}", f"{taken['mb']:.1f}")
                for count, taken in results.pages.items()
            ],
        ),
        _table(("what", "ratio"), [(name, f"{ratio:.2f}") for name, ratio in results.growth.items()]),
        f"The files hold {results.items[0]:,} and {results.items[1]:,} items.\n",
        *[_section(part, results.figures[name]) for name, part in PARTS.items() if name in results.figures],
    ]
    return "\n".join(parts)


def _head(results: Results) -> str:
    versions = _versions()
    return _HEAD.format(
        whole=results.taken.get("", now()), versions=versions, rounds=results.rounds, later=_later(results)
    )


def _later(results: Results) -> str:
    """What was measured after the last whole run, and when and where."""
    names: dict[str, list[str]] = {}
    for name, taken in results.taken.items():
        if name:
            names.setdefault(taken, []).append(name)
    again = [f"On {taken}: {', '.join(some)}." for taken, some in sorted(names.items())]
    return fill(f"Measured again since. {' '.join(again)}", 119) + "\n" if again else ""


def _section(part: Part, figures: dict[str, float]) -> str:
    rows = [(row, figure_text(figure, part.unit(row))) for row, figure in figures.items()]
    return f"## {part.heading}\n\n{part.about}\n\n{_table(('what', 'measured'), rows)}"


def _versions() -> str:
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    return fill(", ".join(versions), 119)  # a full stop follows


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *lines]) + "\n"


def _ratios(results: Results, wall: bool) -> str:
    """A row for each job: flyexpr's own time, then the other libraries' times in relation to it."""
    others = [library for library in ADAPTERS if library != "flyexpr" and library not in results.skipped]
    rows = []
    for job in JOBS:
        times = results.times.get(job)
        own = (times.wall if wall else times.cpu).get("flyexpr") if times else None
        if times and own:
            ratios = [figure_text(times.ratio(library, "flyexpr", wall), "x") for library in others]
            rows.append((job, time_text(median(own)), *ratios))
    return _table(("job", "flyexpr", *others), rows)


def time_text(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> time_text(0.0000047), time_text(0.0132), time_text(2.5)
    ('4.7 µs', '13.2 ms', '2500.0 ms')
    """
    return f"{seconds * 1e6:.1f} µs" if seconds < 0.001 else f"{seconds * 1000:.1f} ms"


def _left_out(results: Results) -> str:
    lines = [f"* {library} took no part: {why}" for library, why in results.skipped.items()]
    for job, times in results.times.items():
        lines += [f"* {library} took no part in {job}: {why}" for library, why in times.failed.items()]
    return "\n".join([*lines, ""])


def _sorted(times: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(times.items(), key=lambda pair: pair[1])


def _rates(name: str, rates: dict[str, float]) -> tuple[str, ...]:
    return (name, *(f"{rates[rate]:,.0f}" for rate in RATES))
