"""The embedded engine, for tests that look below the surface that all engines share."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock

from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedded(clock: Clock) -> Iterator[SqliteEngine]:
    """An embedded engine with a table `tab`: keys pk (S) and sk (N), a global index by gk, a local one by lk."""
    with SqliteEngine(":memory:", clock=clock) as engine:
        call(engine, "CreateTable", TABLE)
        yield engine


@pytest.fixture
def ask(embedded: SqliteEngine) -> Ask:
    """What `embedded` answers to an operation, with its members by keyword; the table is `tab` unless given."""

    def ask(operation: str, **members: Any) -> dict[str, Any]:
        named = operation.startswith(("Batch", "Transact", "List"))
        body = members if named else {"TableName": "tab", **members}
        answer: dict[str, Any] = json.loads(embedded(operation, json.dumps(body).encode()))
        return answer

    return ask
