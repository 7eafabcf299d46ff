"""The fixtures `engine_name` and `engine` for a whole file of tests; that is quicker than an engine for each test.

A file says `engine_name, engine = kept.engine_name, kept.engine`; its tests must not depend on which tables exist.
"""

import uuid
from collections.abc import Iterator

import pytest
from engines import NAMES, Engine, absence, opened


@pytest.fixture(scope="module", params=NAMES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The name of the engine; tests of an absent engine are skipped with a reason."""
    if reason := absence(request.param):
        pytest.skip(f"{request.param}: {reason}")
    return str(request.param)


@pytest.fixture(scope="module")
def engine(engine_name: str) -> Iterator[Engine]:
    """The engine that all tests of the file share."""
    with opened(engine_name) as engine:
        yield engine


def unused(kind: str) -> str:
    """A table name that nobody has, on a server that others use at the same time."""
    return f"{kind}-{uuid.uuid4().hex[:16]}"
