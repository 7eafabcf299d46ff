"""Which part of the items a Query or Scan gives: Select, the projection, and what an index holds.

A read of a global index for an attribute that it does not hold is refused; a local one fetches it from the table.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html (Select)
"""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.intents import STATEMENT
from flyexpr.engines.sqlite.request.intents.reads import PageAsked
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.expressions.paths import paths as paths_of
from flyexpr.records import record


@record
class Selection:
    """Whether the answer has the items or only their count, and whether the index fetches what it does not hold.

    `tests_entries` says that the filter tests what the index holds, even where it fetches.
    """

    items: bool
    fetches: bool
    tests_entries: bool


def read_selection(asked: PageAsked, index: StoredIndex | None) -> Selection:
    """What to give of each item; ValidationException where an index cannot give it."""
    fetches = False
    if index is not None and index.projected is not None:
        wanted, tested = _missing(index, asked.paths or ()), _missing(index, asked.tested)
        if index.fetches:
            fetches = bool(wanted or (tested and asked.by != STATEMENT)) or asked.select == "ALL_ATTRIBUTES"
        else:
            _refuse(index, wanted, asked.select)
    return Selection(asked.select != "COUNT", fetches, fetches and asked.by == STATEMENT)


def check_filter_held(index: StoredIndex | None, condition: Condition) -> None:
    """None for a filter of attributes that the index holds. A Query tests no others, even through a local index.

    The filter of a Scan may name any. Of an entry of a global index an attribute that it does not hold is missing: what
    the service has been seen to do with PartiQL's reads without a key, which are scans, and what clients rely on. A
    local index fetches the attribute for a Scan as it does for a projection, but not for a statement.
    """
    tested = _missing(index, paths_of(condition)) if index is not None else []
    if index is not None and tested:
        raise invalid_parameter(
            f"Secondary index {index.name} does not project one or more filter attributes: [{', '.join(tested)}]"
        )


def check_key_paths(table: StoredTable, paths: Iterable[Path]) -> None:
    """None for paths that do not lead into a key attribute of the table or of an index, which are all scalars."""
    nested = [path.parts[0] for path in paths if len(path.parts) > 1]
    if not nested:
        return
    keys = [("Key", table.key), *(("IndexKey", index.key) for index in table.indexes)]
    for label, key in keys:
        for name in key.names:
            if name in nested:
                raise invalid(
                    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                    f"{label}: {name}"
                )


def _refuse(index: StoredIndex, wanted: list[str], select: str | None) -> None:
    if select == "ALL_ATTRIBUTES":
        raise invalid_parameter(
            f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} because its "
            "projection type is not ALL"
        )
    if wanted:
        raise invalid_parameter(f"Global secondary index {index.name} does not project [{', '.join(wanted)}]")


def _missing(index: StoredIndex, paths: Iterable[Path]) -> list[str]:
    return index.missing(str(path.parts[0]) for path in paths)
