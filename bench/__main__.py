"""The command line: `python -m bench [--quick] [--only REGEX [--keep]] [--rounds N] [--growth-items N]`."""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.engine import growth, local
from bench.page.goals import goal_table
from bench.page.plot import draw
from bench.page.report import page
from bench.page.results import SAVED, Results, load
from bench.part import Part
from bench.parts import PARTS
from bench.peers import bulk, holding, starts
from bench.peers.adapters import ADAPTERS
from bench.peers.jobs import JOBS
from bench.peers.rounds import compare, replay_server, start, stop

DOCS = Path(__file__).parent.parent / "docs"
SLOW = ("pages kept", "pages, 100 at once")  # they take half a minute a round


def main() -> None:
    options = _arguments()
    rounds = options.rounds or (1 if options.quick else 5)
    again = bool(options.only and options.keep)
    results, chance = load() if again else Results(rounds), random.Random(options.seed)
    wanted: Callable[[str], object] = re.compile(options.only or ".").search
    with replay_server() as port:
        _jobs(results, port, [job for job in JOBS if wanted(job)], chance, options.verbose, again)
        for name, stage in _stages(results, port, options, chance).items():
            if wanted(name):
                _say(name)
                try:
                    stage()
                    results.measured(name if again else "")
                    results.skipped.pop(name, None)  # by an earlier run
                except Exception as error:  # the figures so far took minutes, so they are kept
                    _say(f"  without {name}: {type(error).__name__}: {error}")
                    results.skipped[name] = f"{type(error).__name__}: {error}"
    _show(results)
    if again or not options.only:
        results.save()
        (DOCS / "benchmarks.md").write_text(page(results))
        draw()


def _stages(
    results: Results, port: int, options: argparse.Namespace, chance: random.Random
) -> dict[str, Callable[[], None]]:
    """What is measured besides the jobs, by the names that --only takes."""
    rounds, few = results.rounds, min(results.rounds, 3)

    def starting() -> None:
        results.imports = starts.import_times(rounds + 2, chance)
        results.firsts = starts.first_times(f"http://127.0.0.1:{port}", rounds + 2, chance)

    def memory() -> None:
        results.drained = starts.drains([name for name in ADAPTERS if name not in results.skipped], port, 20)

    def held() -> None:
        results.hold = holding.longest_hold(f"http://127.0.0.1:{port}", rounds)

    def working() -> None:
        results.bulk = bulk.speedups(few)

    def growing() -> None:
        results.pages = growth.pages("flyexpr", port, few)
        results.growth = {"operators": growth.operators(rounds), "indexes": growth.indexes(rounds)}
        results.items = (20_000, options.growth_items or (60_000 if options.quick else 10_000_000))
        results.growth |= growth.items(*results.items, rounds)

    def engines() -> None:
        results.rates = local.rates(few, 0.3 if options.quick else 0.7, chance)

    return {
        "starting": starting,
        "memory": memory,
        "loop": held,
        "bulk": working,
        "growth": growing,
        "engines": engines,
        **{name: _measuring(part, results, rounds) for name, part in PARTS.items()},
    }


def _measuring(part: Part, results: Results, rounds: int) -> Callable[[], None]:
    def measure() -> None:
        results.figures[part.name] = part.measure(rounds)

    return measure


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="compare flyexpr with other libraries")
    parser.add_argument("--quick", action="store_true", help="one round: coarse figures in two minutes")
    parser.add_argument(
        "--only",
        metavar="REGEX",
        help=f"some of: {'; '.join([*JOBS, 'starting; memory; loop; bulk; growth; engines', *PARTS])}",
    )
    parser.add_argument("--keep", action="store_true", help="write what --only measured on the page, too")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds (5)")
    parser.add_argument("--growth-items", type=int, metavar="N", help="items in the larger file (10000000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random order within the rounds")
    parser.add_argument("--verbose", action="store_true", help="show what the workers print to stderr")
    options = parser.parse_args()
    if options.keep and not SAVED.exists():
        parser.error("--keep adds to the results of a whole run, and there are none: run `make bench` first")
    return options


def _jobs(results: Results, port: int, jobs: list[str], chance: random.Random, verbose: bool, again: bool) -> None:
    if not jobs:
        return
    workers = [start(library, port, verbose) for library in ADAPTERS]
    results.skipped = {worker.library: worker.skipped for worker in workers if worker.skipped}
    for library, why in results.skipped.items():
        _say(f"without {library}: {why}")
    for job in jobs:
        began = time.monotonic()
        results.times[job] = compare(workers, job, min(results.rounds, 2 if job in SLOW else 99), chance)
        results.measured(job if again else "")
        _say(f"{job} ({time.monotonic() - began:.0f} s)")
        for library, why in results.times[job].failed.items():
            _say(f"  without {library}: {why}")
    stop(workers)


def _show(results: Results) -> None:
    print(f"{'what':60} {'goal':>12} {'measured':>12}")
    for what, goal, measured, reached in goal_table(results):
        if reached:
            print(f"{what:60} {goal:>12} {measured:>12}  {reached}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
