"""How long a put waits while a new index is filled: its process is another one, on the same file."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine.growth import filled
from bench.part import Bound, Figures, Part
from flyexpr import GlobalIndex, Table, run, update_table

ITEMS = 1_000_000
_LONGEST = "put during the backfill: longest"

# It puts an item every millisecond or two until its input ends, and prints in JSON the milliseconds that each took.
_WRITER = """
import json, select, sys, time
from flyexpr import Table, connect, put
table = Table("items", "pk", "sk", attributes={"sk": int}).on(connect("sqlite:" + sys.argv[1]))
put(table, {"pk": "writer", "sk": 0})
print("ready", flush=True)
took = []
while not select.select([sys.stdin], [], [], 0.001)[0]:
    began = time.perf_counter()
    put(table, {"pk": "writer", "sk": len(took), "n": len(took)})
    took.append((time.perf_counter() - began) * 1000)
print(json.dumps(took))
"""


def waits(rounds: int, items: int = ITEMS) -> Figures:
    """The times of a put, alone and during a backfill; once, whatever the number of rounds."""
    del rounds
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder, "items.db")
        table = filled(path, items)
        alone = _writing(path, lambda: time.sleep(2))
        began = time.monotonic()
        during = _writing(path, lambda: _fill(table))
        return {
            "seconds of the backfill": time.monotonic() - began,
            "put alone: median": alone[len(alone) // 2],
            "put alone: longest": alone[-1],
            "put during the backfill: median": during[len(during) // 2],
            "put during the backfill: 999 of 1,000": during[len(during) * 999 // 1000],
            _LONGEST: during[-1],
        }


def _fill(table: Table) -> None:
    indexed = Table("items", "pk", "sk", indexes=[GlobalIndex("by_n", "n", "pk")], attributes={"sk": int, "n": int})
    run(indexed.on(table.engine), update_table())


def _writing(path: Path, work: Callable[[], object]) -> list[float]:
    """The milliseconds of each put of another process while the work is done, the shortest first."""
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        work()
        process.stdin.close()
        took: list[float] = json.loads(process.stdout.read())
    return sorted(took)


PART = Part(
    "backfill",
    "Writers beside a backfill",
    f"A file of {ITEMS:,} small items gets a global index, in portions. Meanwhile another process puts an item every\n"
    "millisecond or two.",
    waits,
    {_LONGEST: Bound(50, least=False, unit="ms")},
    units={"seconds of the backfill": "s"},
    unit_of_others="ms",
    why="a put waits for the portion that is being written, 10 ms, or for the log to be begun anew, 1 ms where "
    "the disk rests; where others share the two cores or the disk, either may be held up while it has the lock, and a "
    "put alone waits as long",
)
