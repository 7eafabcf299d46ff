"""The table of a module with its items."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from engines import Engine
from scripted import Recording

from flyexpr import Table, batch_write, connect, create_table, put_item, run


@pytest.fixture
def filled(request: pytest.FixtureRequest, engine: Engine, fresh_name: str) -> Table:
    """The module's TABLE on each engine, with its ITEMS."""
    table = request.module.TABLE.named(fresh_name).on(engine)
    run(table, create_table())
    run(table, batch_write(map(put_item, request.module.ITEMS)))
    return table


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """The module's TABLE with its ITEMS in memory, on an engine that notes what it is asked from now on."""
    with closing(connect("sqlite::memory:")) as engine:
        made = request.module.TABLE.on(Recording(engine))
        run(made, create_table())
        run(made, batch_write(map(put_item, request.module.ITEMS)))
        made.engine.asked.clear()
        yield made
