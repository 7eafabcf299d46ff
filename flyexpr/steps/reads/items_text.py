"""What `Items` print as, in both doors: how far a query or scan is. Printing reads nothing."""

from __future__ import annotations

from flyexpr.expressions.show import show
from flyexpr.schema.code import engine_name
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import Reading
from flyexpr.values.layout import rows_html


def items_text(reading: Reading | Lanes, cursor: str | None) -> str:
    """The items of a query or scan in short.

    >>> items = run(scores, query(eq("userid", "abc"), limit=2))
    >>> items
    <Items of Query on GameScores: not read yet>
    >>> next(items)["title"], items
    ('Comet Quest', <Items of Query on GameScores: 1 returned, 1 request>)
    >>> len(list(items)), items
    (1, <Items of Query on GameScores: 2 returned, 1 request>)
    """
    return f"<Items of {type(reading.read).__name__} on {reading.table.name}: {_progress(reading, cursor)}>"


def _progress(reading: Reading | Lanes, cursor: str | None) -> str:
    stats, over = reading.stats, cursor is None
    if not stats.requests:
        return "nothing to read" if over else "not read yet"
    requests = f"{stats.requests:,} request{'s' * (stats.requests != 1)}"
    return f"{stats.returned:,} returned, {requests}{', all read' if over else ''}"


def items_html(reading: Reading | Lanes, cursor: str | None) -> str:
    """The same for a notebook, with the condition, the cost and the cursor."""
    read, table, stats = reading.read, reading.table, reading.stats
    rows = [
        ("items", f"{type(read).__name__} on {table.name}: {_progress(reading, cursor)}"),
        ("engine", engine_name(table.engine)),
        ("condition", show(read.condition)),
        ("read units", f"{stats.capacity:g}, for {stats.examined:,} items examined"),
        ("cursor", repr(cursor)),
    ]
    return rows_html(rows)
