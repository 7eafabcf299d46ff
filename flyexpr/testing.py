"""Fixtures for pytest: tables in memory that no other test sees, with the same operations as on AWS.

pytest finds them once flyexpr is installed. They cost nothing in tests that do not use them.

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
    """An engine in memory, new and empty, for one test; the first one imports sqlite3."""
    with connect("sqlite::memory:") as engine:
        yield engine


@pytest.fixture
def flyexpr_table(flyexpr_engine: Any) -> Callable[..., Table]:
    """A function that creates a table on the test's engine, puts the items that follow it, and returns the bound table.

    It can be called for several tables; they share the engine, so a transaction can use all of them.
    """

    def create(table: Table, *items: Mapping[str, Any]) -> Table:
        bound = table.on(flyexpr_engine)
        run(bound, create_table())
        for item in items:
            put(bound, item)
        return bound

    return create
