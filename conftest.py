"""Doctests read as a user's session: every public name is there, and a small table named `scores`."""

import os
from importlib.util import find_spec

import pytest
from public import NAMES

from flyexpr import GlobalIndex, Table, connect, create_table, put, run


@pytest.fixture(autouse=True)
def doctest_session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no AWS account; a module's own names go before the public ones."""
    item = request.node
    if not isinstance(item, pytest.DoctestItem):
        return
    for call, package in (("to_arrow(", "pyarrow"), ("to_pandas(", "pandas")):
        if any(call in example.source for example in item.dtest.examples) and find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(request.getfixturevalue("tmp_path"))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NAMES.items():
        item.dtest.globs.setdefault(name, value)
    if "scores" in item.dtest.docstring:
        item.dtest.globs.setdefault("scores", game_scores())


def game_scores() -> Table:
    table = Table(
        "GameScores",
        "userid",
        "title",
        attributes={"top_score": int, "wins": int},
        indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")],
    ).on(connect("sqlite::memory:"))
    run(table, create_table())
    put(table, {"userid": "abc", "title": "Comet Quest", "top_score": 150, "wins": 3})
    put(table, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001})
    return table
