"""Fixtures for pytest: tables in memory that no other test sees, with the same operations as on AWS.

pytest finds them once flyexpr is installed. They cost nothing in tests that do not use them.

    def test_a_win_counts(flyexpr_table):
        table = flyexpr_table(scores, {"userid": "abc", "title": "Comet Quest", "wins": 1})
        win(table, ("abc", "Comet Quest"))
        assert get(table, ("abc", "Comet Quest"))["wins"] == 2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from flyexpr.engine import Connection
from flyexpr.engines import connect
from flyexpr.requests.constructors import create_table
from flyexpr.schema.table import Table
from flyexpr.sync import put, run
from flyexpr.values.types import T


class MakeTable(Protocol):
    """The type of `flyexpr_table`, for annotations: `def test_a_win_counts(flyexpr_table: MakeTable) -> None`."""

    def __call__(self, table: Table[T], /, *items: Mapping[str, Any]) -> Table[T]: ...


@pytest.fixture
def flyexpr_engine() -> Iterator[Connection]:
    """An engine in memory, new and empty, for one test; the first one imports sqlite3."""
    with connect("sqlite::memory:") as engine:
        yield engine


@pytest.fixture
def flyexpr_table(flyexpr_engine: Connection) -> MakeTable:
    """A function that creates a table on the test's engine, puts the items that follow it, and returns the bound table.

    It can be called for several tables; they share the engine, so a transaction can use all of them.
    """

    def create(table: Table[Any], /, *items: Mapping[str, Any]) -> Table[Any]:
        bound = table.on(flyexpr_engine)
        run(bound, create_table())
        for item in items:
            put(bound, item)
        return bound

    return create
