"""The embedded engine within a process: beside SQLite used directly, and beside the store in memory of dynamoxy.

    python -m bench.engine.beside raw            prints microseconds of CPU an operation, as JSON

Each side works in a fresh process on the same items. `raw` gets the requests that the engine gets, as JSON text, and
gives text: see `trusting`. Beside it, flyexpr's functions also write the requests and read the answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import data
from bench.engine.trusting import trusting
from bench.engine.within import (
    TIMES,
    WITH_A_STREAM,
    called,
    filled,
    gain_of_threads,
    in_processes,
    in_threads,
    of_records,
    operations_of,
    taken,
    with_a_stream,
)
from bench.environment import environment
from bench.part import Bound, Figures, Part
from flyexpr import connect
from flyexpr.engine import Engine


def raw(folder: Path) -> Figures:
    """SQLite, by the module of Python."""
    return _alone(trusting(folder / "items.db"), RAW)


def on_a_file(folder: Path) -> Figures:
    """The engine alone, on a file."""
    return _alone(connect(f"sqlite:{folder / 'items.db'}"), RAW)


def in_memory(folder: Path) -> Figures:
    """The engine alone, with its tables in memory."""
    return _alone(connect("sqlite::memory:"), ("get", "put"))


def _alone(engine: Engine, names: Iterable[str]) -> Figures:
    """What an engine takes that is called with requests, which are written before."""
    filled(engine)
    return taken({name: called(engine, name) for name in names})


def plain(folder: Path) -> Figures:
    """flyexpr's functions, with plain dicts, on a file."""
    operations = operations_of(filled(connect(f"sqlite:{folder / 'items.db'}")))
    return taken({name: operations[name] for name in RAW})


def raw_in_threads(folder: Path) -> Figures:
    """What four threads do with SQLite for a second of CPU, over one; they share a connection, or have one each."""
    path, lock = folder / "items.db", threading.Lock()
    filled(trusting(path))
    one = trusting(path)

    def sharing(operation: str, body: bytes) -> bytes:
        with lock:
            return one(operation, body)

    ways: dict[str, list[Engine]] = {"sharing": [sharing] * 4, "each": [trusting(path) for _ in range(4)]}
    return {f"{name} {way}": gain_of_threads(engines, name) for way, engines in ways.items() for name in ("get", "put")}


def of_dynamoxy(folder: Path) -> Figures:
    """dynamoxy's dict-level table on its store in memory, which is written in Rust; all calls in one event loop."""
    from bench.peers.adapters.of_dynamoxy import in_memory

    return in_memory(data.items(0), TIMES)


RAW = ("put", "get", "update", "batch put", "query of 20 items")
SIDES: dict[str, Callable[[Path], Figures]] = {
    "raw": raw,
    "engine": on_a_file,
    "flyexpr": plain,
    "in memory": in_memory,
    "dynamoxy": of_dynamoxy,
    "stream": with_a_stream,
    "records": of_records,
    "threads": in_threads,
    "raw threads": raw_in_threads,
    "processes": in_processes,
}


def figures(rounds: int) -> Figures:
    """The figures of the page, by row: medians of the ratios within each round."""
    sides = [_round(number) for number in range(rounds)]
    rows: Figures = {}
    for row, (side, name, other) in ROWS.items():
        ratios = [one[side][name] / (one[other][name] if other else 1) for one in sides if other in one or not other]
        if ratios:
            rows[row] = median(ratios)
    return rows


def _round(number: int) -> dict[str, Figures]:
    """What each side takes in a process of its own, in the order of the table or the reverse."""
    measured = {}
    for side in list(SIDES)[:: -1 if number % 2 else 1]:
        command = [sys.executable, "-m", "bench.engine.beside", side]
        ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if ended.returncode:
            print(f"  {side}: {ended.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
        else:
            measured[side] = json.loads(ended.stdout)
    return measured


# Each row: the side whose figure it is, the name there, and the side that it is divided by, if there is one.
ROWS = {
    **{f"{name}: rate over raw SQLite's": ("raw", name, "engine") for name in RAW},
    **{f"{name}, plain dicts: rate over raw SQLite's": ("raw", name, "flyexpr") for name in RAW},
    **{f"{name} in memory: time over dynamoxy's": ("in memory", name, "dynamoxy") for name in ("get", "put")},
    **{
        f"{name} with a stream{alone}: time over one without": ("stream", f"{name}{alone}", "")
        for alone in ("", ", the engine alone")
        for name in WITH_A_STREAM
    },
    "GetRecords: records over the items of Query": ("records", "records", ""),
    **{f"{name} in 4 threads: rate over one's, by CPU": ("threads", name, "") for name in ("get", "put")},
    **{
        f"raw SQLite: {name} in 4 threads {words}: rate over one's, by CPU": ("raw threads", f"{name} {way}", "")
        for way, words in (("sharing", "with one connection"), ("each", "with one each"))
        for name in ("get", "put")
    },
    "get in 4 processes: rate over one's, on two cores": ("processes", "get", ""),
}

PART = Part(
    "in process",
    "The embedded engine within a process",
    "CPU time within a process, with the items of the other jobs. Raw SQLite's rates are those of an engine that\n"
    "trusts every request: JSON text in and out, the same rows and settings, a transaction a call, by Python's\n"
    "sqlite3 and json, without a check or a count. Beside it stands the embedded engine with the same requests, and\n"
    "then flyexpr's functions with plain dicts, which also write the requests, and make sets, bytes and exact numbers\n"
    "of the answers. What a stream costs is measured by these functions, and for the engine alone: there, a put that\n"
    "looks at no older item is one statement of SQLite, and both images of a record are most of what SQLite writes.\n"
    "Processes have an engine each, on one file; the time in which they wait for a core does not count.\n"
    "`python -m bench.engine.beside raw` prints microseconds.",
    figures,
    {
        "put: rate over raw SQLite's": Bound(0.5),
        "get: rate over raw SQLite's": Bound(0.5),
        "update: rate over raw SQLite's": Bound(0.5),
        "batch put: rate over raw SQLite's": Bound(0.4),
        "query of 20 items: rate over raw SQLite's": Bound(0.5),
        "get in memory: time over dynamoxy's": Bound(1.5, least=False),
        "put in memory: time over dynamoxy's": Bound(3, least=False),
        "put with a stream: time over one without": Bound(1.4, least=False),
        "put over an item with a stream: time over one without": Bound(1.4, least=False),
        "GetRecords: records over the items of Query": Bound(0.5),
        "get in 4 threads: rate over one's, by CPU": Bound(0.9),
        "put in 4 threads: rate over one's, by CPU": Bound(0.9),
        "get in 4 processes: rate over one's, on two cores": Bound(1.8),
    },
    why="`raw` takes on trust what the engine checks and counts in Python: of a query of 20 items, the values, the "
    "bounds and the sizes of the rows. Each record has an id, a time, a number and a size of its own, and a key that "
    "is joined to the text: 0.34 KB around an item of 0.94, where Query copies the stored texts. Threads that wait for "
    "the engine take turns of 5 ms. Who comes to it finds the caches of its core cold, and to wake a thread takes "
    "some 45 µs: in six runs, four threads got 0.73 to 0.97",
)


def main() -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        print(json.dumps(SIDES[sys.argv[1]](Path(folder))))


if __name__ == "__main__":
    main()
