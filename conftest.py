"""Doctests read as a user's session: every public name is there, and a small table named `scores`."""

from __future__ import annotations

import pytest

import flyexpr
from flyexpr import GlobalIndex, Table, connect, create_table, put, run


@pytest.fixture(autouse=True)
def _session(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        names = request.getfixturevalue("doctest_namespace")
        names.update({name: getattr(flyexpr, name) for name in flyexpr.__all__})
        if "scores" in request.node.dtest.docstring:
            names["scores"] = _scores()


def _scores() -> Table:
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
