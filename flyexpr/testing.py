"""Fixtures for pytest: tables that a test has to itself, in memory, behind the same operations as on AWS.

pytest finds them by itself once flyexpr is installed. They cost a test that does not ask for them nothing.

    def test_a_win_counts(flyexpr_table):
        table = flyexpr_table(scores, {"userid": "abc", "title": "Comet Quest", "wins": 1})
        win(table, ("abc", "Comet Quest"))
        assert get(table, ("abc", "Comet Quest"))["wins"] == 2
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from flyexpr.engines import connect
from flyexpr.requests.constructors import create_table
from flyexpr.schema.table import Table
from flyexpr.sync import put, run


@pytest.fixture
def flyexpr_engine() -> Iterator[Any]:
    """An engine in memory, new and empty, for one test; sqlite3 is imported with the first."""
    with connect("sqlite::memory:") as engine:
        yield engine


@pytest.fixture
def flyexpr_table(flyexpr_engine: Any) -> Callable[..., Table]:
    """A function that gives a table on the test's engine, created, with the items given after it.

    It may be called for several tables; they share the engine, so transactions go across them.
    """

    def create(table: Table, *items: Mapping[str, Any]) -> Table:
        bound = table.on(flyexpr_engine)
        run(bound, create_table())
        for item in items:
            put(bound, item)
        return bound

    return create
