"""Two processes change one item at the same time, on a file and on a server: no change is lost."""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from engines import ENDPOINTS, absence
from places import ROOT

from flyexpr import Table, connect, create_table, delete_table, get, put, run

TURNS = 15
WORKER = """
import sys
from flyexpr import Table, assign, connect, get, incr, modify, transact_modify, update

url, name, kind, who, turns = sys.argv[1:]
table = Table(name, "id").on(connect(url))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(turns)):
    if kind == "increment":
        update(table, "x", incr("n") + incr(who))
    elif kind == "modify":
        modify(table, "x", lambda item: {**item, "n": item.get("n", 0) + 1, "log": [*item.get("log", []), who]},
               attempts=500)
    elif kind == "parents":
        update(table, "x", assign(f"a.b{turn}.c.{who}", turn, parents=True))
    elif kind == "transact_modify":
        def move(items):
            giver, taker = items
            return [{**giver, "n": giver["n"] - 1}, {**taker, "n": taker.get("n", 0) + 1}]
        transact_modify([(table, "x"), (table, "y")], move, attempts=500)
print("done", flush=True)
"""
CHECKED = ("embedded-file", "dynoxide")


@pytest.fixture(params=CHECKED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An engine that several processes can reach."""
    if reason := absence(request.param):
        pytest.skip(f"{request.param}: {reason}")
    return ENDPOINTS.get(request.param) or f"sqlite:{tmp_path / 'shared.db'}"


def race(url: str, kind: str, start: "dict[str, Any] | None" = None) -> "list[dict[str, Any] | None]":
    """The items x and y after two processes have worked on them at the same time."""
    engine = connect(url)
    table = Table(f"race{uuid.uuid4().hex[:12]}", "id").on(engine)
    run(table, create_table())
    try:
        if start is not None:
            put(table, start)
        command = [sys.executable, "-W", "error", "-c", WORKER, url, table.name, kind]
        workers = [
            subprocess.Popen(
                [*command, who, str(TURNS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            for who in ("mine", "yours")
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:  # both are ready: start now
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            printed, errors = worker.communicate(timeout=120)
            assert (printed, errors, worker.returncode) == ("done\n", "", 0)
        return [get(table, key, consistent=True) for key in "xy"]
    finally:
        run(table, delete_table())
        engine.close()


def test_increments_of_two_processes_all_count(url: str) -> None:
    item, _ = race(url, "increment")
    assert item == {"id": "x", "n": 2 * TURNS, "mine": TURNS, "yours": TURNS}


@pytest.mark.parametrize("start", [None, {"id": "x", "other": True}, {"id": "x", "n": 0}], ids=["new", "bare", "there"])
def test_modify_of_two_processes_loses_nothing(url: str, start: "dict[str, Any] | None") -> None:
    item, _ = race(url, "modify", start)
    assert item is not None
    assert item["n"] == 2 * TURNS
    assert sorted(item["log"]) == ["mine"] * TURNS + ["yours"] * TURNS
    assert item.get("other") == (start or {}).get("other")


def test_parents_made_by_two_processes_lose_nothing(url: str) -> None:
    item, _ = race(url, "parents")
    assert item == {"id": "x", "a": {f"b{turn}": {"c": {"mine": turn, "yours": turn}} for turn in range(TURNS)}}


def test_transactions_of_two_processes_lose_nothing(url: str) -> None:
    items = race(url, "transact_modify", {"id": "x", "n": 100})
    assert items == [{"id": "x", "n": 100 - 2 * TURNS}, {"id": "y", "n": 2 * TURNS}]
