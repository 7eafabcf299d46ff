"""How costs change as the work grows. Each figure is a ratio: the cost of the larger work over that of the smaller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.peers.starts import drains
from flyexpr import GlobalIndex, Table, all_of, batch_write, connect, create_table, eq, get, put_item, query, run
from flyexpr.expressions.check import check
from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.requests.operations import PutItem
from flyexpr.requests.plan.access import access_of
from flyexpr.schema.stored_conditions import lower_condition

PAGES = (2, 4, 8, 16)


def pages(library: str, port: int, rounds: int) -> dict[int, dict[str, float]]:
    """CPU and memory of reading 2 to 16 pages, each time in a fresh process, by number of pages."""
    runs = [{count: drains([library], port, count)[library] for count in PAGES} for _ in range(rounds)]
    return {count: {name: median(one[count][name] for one in runs) for name in ("seconds", "mb")} for count in PAGES}


def operators(rounds: int) -> float:
    """The cost of an operator among 299 over one among 9, to lower, check and compile without any cache."""

    def compiling(leaves: int) -> Callable[[], Any]:
        table, condition = Table("items", "pk", "sk"), all_of(*(eq(f"a{number}", number) for number in range(leaves)))

        def run() -> str:
            lowered = lower_condition(table, condition)
            check(lowered)
            return compile(lowered, Placeholders())

        return run

    return _ratio(compiling(150), compiling(5), rounds) / (299 / 9)


def indexes(rounds: int) -> float:
    """The cost to plan a query on a table with 20 indexes, over that on a table with one."""

    def planning(count: int) -> Callable[[], Any]:
        table = Table("items", "pk", "sk", indexes=[GlobalIndex(f"i{n}", f"p{n}", f"s{n}") for n in range(count)])
        asked = query(eq("p0", "a") & eq("s0", "b"))
        return lambda: access_of(table, asked)

    return _ratio(planning(20), planning(1), rounds)


def items(few: int, many: int, rounds: int) -> dict[str, float]:
    """The cost of a get, and of a query of 20 items, in a file with many items, over that in a file with few."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        small, large = (filled(Path(folder, f"{count}.db"), count) for count in (few, many))
        return {
            name: _ratio(_random(reading, large, many), _random(reading, small, few), rounds)
            for name, reading in {"get": _get, "query": _query}.items()
        }


def filled(path: Path, count: int) -> Table:
    """A table of some small items in a new file."""
    table = Table("items", "pk", "sk", attributes={"sk": int}).on(connect(f"sqlite:{path}"))
    run(table, create_table())
    run(table, batch_write(_short_items(count)))
    return table


def _short_items(count: int) -> Iterator[PutItem]:
    """Items of some 60 bytes, twenty under each partition key."""
    for number in range(count):
        yield put_item({"pk": f"customer#{number // 20}", "sk": number % 20, "name": "amber birch cedar", "n": number})


def _random(reading: Callable[[Table, int], Any], table: Table, count: int) -> Callable[[], Any]:
    """Reads another partition each time, so that it is seldom in a cache."""
    partition = 0

    def read() -> Any:
        nonlocal partition
        partition = (partition + 7_919_993) % (count // 20)
        return reading(table, partition)

    return read


def _get(table: Table, partition: int) -> None:
    assert get(table, (f"customer#{partition}", 7))


def _query(table: Table, partition: int) -> None:
    assert len(list(run(table, query(eq("pk", f"customer#{partition}"))))) == 20


def _ratio(large: Callable[[], Any], small: Callable[[], Any], rounds: int, seconds: float = 0.2) -> float:
    """The median ratio of the CPU times of two functions, which take turns."""
    return median(_cpu(large, seconds) / _cpu(small, seconds) for _ in range(rounds))


def _cpu(run: Callable[[], Any], seconds: float) -> float:
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(10):
            run()
        count += 10
    return spent / count
