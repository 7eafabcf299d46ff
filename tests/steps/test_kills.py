"""Bulk work in a process that is killed with `kill -9` at random moments, and started again until it is done."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from places import ROOT

from flyexpr import (
    Table,
    batch_write,
    connect,
    create_table,
    exists,
    incr,
    put_item,
    run,
    scan,
    update,
)

AMOUNT = 1500
SCRIPT = """
import asyncio, sys
from flyexpr import *
from flyexpr import aio
call, door, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
how = {"workers": workers, "journal": "journal"}
table = Table("Things", "id", attributes={"n": int})
items = ({"id": f"{number:05}", "n": number + 5} for number in range(1500))
calls = {
    "increment": ("update_matching", (scan(segments=2), incr("n", 10_000)), {}),
    "constant": ("update_matching", (scan(exists("id")), assign("n", 7)), {}),
    "guarded": ("update_matching", (scan(ne("mark", 1)), incr("n", 10_000) + assign("mark", 1)), {}),
    "delete": ("delete_matching", (scan(lt("n", 1000)),), {}),
    "put": ("put_all", (items,), {}),
    "newer": ("put_all", (items,), {"condition": lambda item: lt("n", item["n"])}),
}
name, arguments, more = calls[call]
if door == "plain":
    print(globals()[name](table.on(connect("sqlite:things.db")), *arguments, **more, **how))
else:
    async def main():
        async with aio.connect("sqlite:things.db") as engine:
            return await getattr(aio, name)(table.on(engine), *arguments, **more, **how)
    print(asyncio.run(main()))
"""


class Call(NamedTuple):
    """How many items a call has to count, and what an item is after it; None for one that is gone."""

    counted: int
    becomes: Callable[[int], int | None]


CALLS = {
    "increment": Call(AMOUNT, lambda n: n + 10_000),
    "constant": Call(AMOUNT, lambda n: 7),
    "guarded": Call(AMOUNT, lambda n: n + 10_000),
    "delete": Call(1000, lambda n: None if n < 1000 else n),
    "put": Call(AMOUNT, lambda n: n + 5),
    "newer": Call(AMOUNT, lambda n: n + 5),
}


def things(folder: Path) -> Table:
    table = Table("Things", "id", attributes={"n": int}).on(connect(f"sqlite:{folder / 'things.db'}"))
    run(table, create_table())
    run(table, batch_write(put_item({"id": f"{number:05}", "n": number}) for number in range(AMOUNT)))
    return table


def killed(
    folder: Path, arguments: list[str], dice: random.Random, kills: int, meanwhile: Callable[[], Any]
) -> int | None:
    """What the call prints at last, after so many kills, or fewer if it comes to its end before.

    None for a call that was killed when it had removed its journal, and had not printed yet: it is done.
    """
    journal, begun = folder / "journal", False
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for left in range(kills, -1, -1):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
        )
        end = time.monotonic() + dice.uniform(0.1, 0.9)
        while process.poll() is None and (left == 0 or time.monotonic() < end):
            meanwhile()
            begun = begun or journal.exists()
        if process.poll() is None:
            process.kill()
        said, errors = process.communicate(timeout=60)
        if process.returncode != -9:
            assert process.returncode == 0, errors.decode()
            return int(said)
        if begun and not journal.exists():
            return None
    raise AssertionError("the last run was killed too")


def check(tmp_path: Path, name: str, door: str, workers: int, seed: int, kills: int) -> None:
    """Kills a call again and again, while another writer changes the items; in the end all of it is exact."""
    print("seed", seed)
    table, dice, seen = things(tmp_path), random.Random(seed), dict[str, int]()

    def meanwhile() -> None:
        key = f"{dice.randrange(AMOUNT):05}"
        if CALLS[name].becomes(int(key)) is None or name in ("put", "newer"):  # which replace or remove the item
            time.sleep(0.01)
            return
        update(table, key, incr("seen", 1), condition=exists("id"))
        seen[key] = seen.get(key, 0) + 1

    call = CALLS[name]
    assert killed(tmp_path, [name, door, str(workers)], dice, kills, meanwhile) in (call.counted, None)
    wanted = {f"{n:05}": call.becomes(n) for n in range(AMOUNT)}
    found = {item["id"]: item for item in run(table, scan())}
    assert {key: item["n"] for key, item in found.items()} == {key: n for key, n in wanted.items() if n is not None}
    assert {key: item["seen"] for key, item in found.items() if "seen" in item} == seen
    assert [path.name for path in tmp_path.iterdir() if path.name == "journal"] == []
    table.engine.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name, door, workers",
    [("increment", "plain", 4), ("delete", "awaited", 2), ("newer", "plain", 4)],
)
def test_work_that_is_killed_is_exact(tmp_path: Path, name: str, door: str, workers: int) -> None:
    check(tmp_path, name, door, workers, seed=1, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("door", ["plain", "awaited"])
@pytest.mark.parametrize("name", CALLS)
def test_work_that_is_killed_many_times_is_exact(tmp_path: Path, name: str, door: str, workers: int) -> None:
    check(tmp_path, name, door, workers, seed=workers, kills=20)
