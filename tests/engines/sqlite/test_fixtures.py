"""The pytest plugin, used as its users use it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flyexpr import Table, call, get, put_item, transact_write
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.testing import MakeTable

SCORES = Table("Scores", "userid", "title")
GAMES = Table("Games", "title")
KEY = ("abc", "Comet Quest")


def test_an_engine_of_ones_own(flyexpr_engine: SqliteEngine) -> None:
    assert call(flyexpr_engine, "ListTables", {}) == {"TableNames": []}


@pytest.mark.parametrize("time", ["once", "again"])
def test_a_table_starts_anew_for_each_test(flyexpr_table: MakeTable, time: str) -> None:
    table = flyexpr_table(SCORES)
    assert get(table, KEY) is None
    transact_write([(table, put_item({"userid": "abc", "title": "Comet Quest"}))])


def test_tables_with_items_share_the_engine(flyexpr_table: MakeTable, flyexpr_engine: Any) -> None:
    scores = flyexpr_table(SCORES, {"userid": "abc", "title": "Comet Quest", "wins": 1})
    games = flyexpr_table(GAMES)
    transact_write([(scores, put_item({"userid": "abc", "title": "x"})), (games, put_item({"title": "x"}))])
    assert get(scores, KEY) == {"userid": "abc", "title": "Comet Quest", "wins": 1}
    assert get(games, "x") == {"title": "x"}
    assert scores.engine is games.engine is flyexpr_engine


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    code = "import sys, flyexpr.testing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sqlite3", "botocore", "asyncio"} & set(done.stdout.split()) == set()


def test_a_project_may_also_name_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["flyexpr.testing"]\n')
    (tmp_path / "test_it.py").write_text("def test_it(flyexpr_engine): assert flyexpr_engine\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
