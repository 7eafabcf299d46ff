"""The phases in which a new vector index is built, for tests of programs that wait for one (pure).

The service takes minutes. An engine with the option `indexing=` takes that many seconds: a sixth to allocate, until a
half to fill the index, and then it says ACTIVE, but does not answer yet.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/vector-search.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.disk.schema import BUILDING, Definition
from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import IN_USE, in_use, one_index_at_a_time
from flyexpr.engines.sqlite.rules.throughput import Description

ALLOCATING, FILLING, SILENT, READY = 1, 2, 3, 4
_SHARES = ((1 / 6, ALLOCATING), (1 / 2, FILLING), (1.0, SILENT))


def phase(definition: Definition, index: str, now: float) -> int:
    """The phase of a vector index.

    >>> definition = {"Building": {"by_v": {"At": 100.0, "Seconds": 60.0}}}
    >>> [phase(definition, "by_v", now) for now in (100, 110, 130, 160)]
    [1, 2, 3, 4]
    """
    building = definition.get(BUILDING, {}).get(index)
    if building is None:
        return READY
    share = (now - building["At"]) / building["Seconds"]
    return next((which for until, which in _SHARES if share < until), READY)


def begin_building(definition: Definition, indexes: list[str], seconds: float, now: float) -> None:
    """Enter the phases of new vector indexes; none, if they take no time. What is built, or gone, is forgotten."""
    there = {index["IndexName"] for index in definition["Description"].get(VECTORS, ())}
    building = {
        name: about
        for name, about in definition.pop(BUILDING, {}).items()
        if name in there and now < about["At"] + about["Seconds"]
    }
    if seconds:
        building |= {name: {"At": now, "Seconds": seconds} for name in indexes}
    if building:
        definition[BUILDING] = building


def check_buildable(definition: Definition, creates: bool, deleted: list[str], now: float) -> None:
    """None for an UpdateTable that may change the vector indexes of a table, whatever is being built."""
    for name in definition.get(BUILDING, {}):
        at = phase(definition, name, now)
        if name in deleted and at == ALLOCATING:
            raise in_use(
                f"{IN_USE}Index creation is in resource allocation phase. Retry deletion during backfilling phase or "
                f"when the index is active. Table: {definition['Description']['TableName']} Index: {name}"
            )
        if at in (ALLOCATING, FILLING) and (creates or any(other != name for other in deleted)):
            raise one_index_at_a_time()


def check_unbuilding(definition: Definition, now: float) -> None:
    """None for a table that may be deleted: no vector index is being built."""
    if any(phase(definition, name, now) in (ALLOCATING, FILLING) for name in definition.get(BUILDING, {})):
        raise in_use(f"{IN_USE}Cannot delete table while indexes are being created, updated, or deleted.")


def show_building(definition: Definition, shown: Description, now: float) -> None:
    """Enter the phases into a table's description as an answer shows it."""
    for index in shown.get(VECTORS, ()):
        at = phase(definition, index["IndexName"], now)
        if at in (ALLOCATING, FILLING):
            index |= {"IndexStatus": "CREATING", "Backfilling": at == FILLING}
        if at == ALLOCATING:
            shown["TableStatus"] = "UPDATING"
