"""The embedded engine within a process: beside SQLite used directly, and beside the store in memory of dynamoxy.

    python -m bench.engine.beside raw            prints microseconds of CPU an operation, as JSON

Each side works in a fresh process on the same items. `raw` keeps rows as the engine keeps them, with its settings, in a
transaction a call: it writes wire dicts by json.dumps, and reads them by json.loads. It checks and counts nothing.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench import data
from bench.engine.within import (
    BATCH,
    FEW,
    PK,
    TIMES,
    WITH_A_STREAM,
    Operations,
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


def raw(folder: Path) -> Figures:
    """SQLite, by the module of Python."""
    return taken(raw_operations(folder))


def raw_operations(folder: Path) -> Operations:
    """The operations on a connection of their own, which threads may share if they take turns."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None, check_same_thread=False)
    execute, items = connection.execute, [data.wire_item(item) for item in data.items(0)]
    for setting in ("journal_mode = WAL", "wal_autocheckpoint = 4000", "synchronous = NORMAL"):
        execute(f"PRAGMA {setting}")
    execute(
        "CREATE TABLE IF NOT EXISTS items (key BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL, item TEXT NOT NULL)"
    )
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    upsert = (
        "INSERT INTO items VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET size = excluded.size, item = excluded.item"
    )

    def key(pk: str, sk: int) -> bytes:
        return b"hash" + pk.encode() + b"\0\0" + sk.to_bytes(8, "big")

    def write(pk: str, wires: list[tuple[int, Any]]) -> None:
        execute("BEGIN IMMEDIATE")
        for sk, wire in wires:
            execute(upsert, (key(pk, sk), 900, encode(wire)))
        execute("COMMIT")

    def moved(pk: str, number: int) -> tuple[int, Any]:
        return number, items[number % len(items)] | {"pk": {"S": pk}, "sk": {"N": str(number)}}

    def read(low: int, count: int) -> list[Any]:
        select = "SELECT item FROM items WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
        return [json.loads(text) for (text,) in execute(select, (key(PK, low), key(PK, low + count), count))]

    def change(number: int) -> None:
        sk = number % len(items)
        execute("BEGIN IMMEDIATE")
        (text,) = execute("SELECT item FROM items WHERE key = ?", (key(PK, sk),)).fetchone()
        wire = json.loads(text)
        assert wire["name"] == items[sk]["name"]
        wire["status"], wire["visits"] = {"S": "closed"}, {"N": str(int(wire["visits"]["N"]) + 1)}
        execute(upsert, (key(PK, sk), 900, encode(wire)))
        execute("COMMIT")

    write(PK, list(enumerate(items)))
    return {
        "put": lambda number: write("other", [moved("other", number)]),
        "get": lambda number: read(number % len(items), 1),
        "update": change,
        "batch put": lambda number: write("batch", [moved("batch", number * BATCH + one) for one in range(BATCH)]),
        "query of 20 items": lambda number: read(number * FEW % 900, FEW),
    }


def raw_in_threads(folder: Path) -> Figures:
    """What four threads do with SQLite for a second of CPU, over one; they share a connection, or have one each."""
    each, lock = [raw_operations(folder) for _ in range(4)], threading.Lock()

    def alone(operation: Callable[[int], Any], number: int) -> None:
        with lock:
            operation(number)

    sharing: list[Operations] = [{name: partial(alone, each[0][name]) for name in ("get", "put")}] * 4
    ways = {"sharing": sharing, "each": each}
    return {
        f"{name} {way}": median(gain_of_threads([one[name] for one in operations]) for _ in range(5))
        for way, operations in ways.items()
        for name in ("get", "put")
    }


def plain(folder: Path) -> Figures:
    """flyexpr's functions, on a file."""
    operations = operations_of(filled(connect(f"sqlite:{folder / 'items.db'}")))
    return taken({name: operations[name] for name in RAW})


def in_memory(folder: Path) -> Figures:
    """The engine alone, with its tables in memory."""
    engine = connect("sqlite::memory:")
    filled(engine)
    return taken({name: called(engine, name) for name in ("get", "put")})


def of_dynamoxy(folder: Path) -> Figures:
    """dynamoxy's dict-level table on its store in memory, which is written in Rust; all calls in one event loop."""
    from bench.peers.adapters.of_dynamoxy import in_memory

    return in_memory(data.items(0), TIMES)


RAW = ("put", "get", "update", "batch put", "query of 20 items")
SIDES: dict[str, Callable[[Path], Figures]] = {
    "raw": raw,
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
    **{f"{name}: rate over raw SQLite's": ("raw", name, "flyexpr") for name in RAW},
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
    "CPU time within a process, with the items of the other jobs. The rates over raw SQLite's are those of flyexpr's\n"
    "functions, with plain dicts on a file; `raw` writes and reads wire dicts in the same rows by Python's sqlite3\n"
    "and json, a transaction a call, without a check. What a stream costs is measured by these functions, and for the\n"
    "engine alone, called with requests, as in the other rows: there, a put that looks at no older item is one\n"
    "statement of SQLite, and the two images of a record are most of what SQLite writes.\n"
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
    why="`raw` takes on trust what flyexpr checks, converts and counts in Python. SQLite takes a third of a put, "
    "a fifth of an update and an eighth of a get. A put writes 41 values as text, which the engine reads again by one "
    "pattern; an update reads and evaluates two expressions; a get and a query make sets, bytes and exact numbers "
    "where json.loads makes strings: for a get that takes as long as all that `raw` does. With a stream, both images "
    "are a row of the same transaction. Query copies the stored texts. Each record has an id, a time, a number and a "
    "size of its own, and a key that is joined to the text: 0.34 KB around an item of 0.94. Threads that wait for the "
    "engine take turns of 5 ms. Who comes to it finds the caches of its core cold, and to wake a thread takes some 45 "
    "µs",
)


def main() -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        print(json.dumps(SIDES[sys.argv[1]](Path(folder))))


if __name__ == "__main__":
    main()
