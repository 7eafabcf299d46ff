"""What the key condition leaves of a condition: the filter for the service, and the residue for the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.expressions.nodes import ALWAYS, And, Condition, joined, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.requests.plan.fits import Fit
from flyexpr.requests.plan.projections import lacking
from flyexpr.schema.derived.implied import known_values
from flyexpr.schema.derived.parts import as_stored, may_match
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table

Shared = tuple[list[Condition], list[Condition]]  # what the service filters by, and what is left to the client


def shared_by_query(table: Table, fit: Fit) -> Shared:
    """What a query through an index filters by, and what it leaves to the client.

    >>> scores = Table("GameScores", "userid", "title")
    >>> filters, residue = shared_by_query(scores, Fit(None, (), (), (ne("title", "x"), gt("wins", 3)), 0))
    >>> [show(part) for part in filters], [show(part) for part in residue]
    (['wins > 3'], ["title <> 'x'"])
    """
    keys = _known_keys(table, fit) if table.inverses else {}
    filters: list[Condition] = []
    residue: list[Condition] = []
    for part in fit.rest:
        filtered, exact = _as_filter(table, part, keys) if _may_filter(table, fit.index, part) else (ALWAYS, False)
        if filtered != ALWAYS:
            filters.append(filtered)
        if not exact:
            residue.append(part)
    return filters, residue


def shared_by_scan(table: Table, condition: Condition) -> Shared:
    """What a scan filters by, and what it leaves to the client: a filter of a scan may name any attribute.

    >>> filters, residue = shared_by_scan(Table("GameScores", "userid"), eq("userid", "abc"))
    >>> [show(part) for part in filters], residue
    (["userid = 'abc'"], [])
    """
    if not table.inverses:
        return [] if condition == ALWAYS else [condition], []
    parts, keys = parts_of(condition), known_values(condition)
    shared = [(part, *_as_filter(table, part, keys)) for part in parts]
    return (
        [filtered for _, filtered, _ in shared if filtered != ALWAYS],
        [part for part, _, exact in shared if not exact],
    )


def _as_filter(table: Table, part: Condition, keys: Mapping[str, Any]) -> tuple[Condition, bool]:
    """The part as a filter of stored items, and whether the filter says it in full.

    It does not where the part depends on parts of keys that the item may lack.
    """
    stored = as_stored(table, part, keys, there=True) if table.inverses else part
    return (may_match(table, part), False) if stored is None else (stored, True)


def _known_keys(table: Table, fit: Fit) -> Mapping[str, Any]:
    """The attributes that have the same value in all items of the read."""
    partitions = list(fit.partitions(table))
    return known_values(joined(And, [*fit.rest, *fit.sort, *(partitions[0] if len(partitions) == 1 else ())]))


def _may_filter(table: Table, index: Index | None, part: Condition) -> bool:
    """Whether the service can filter by the part: it names no key attribute of the index, and all that it names is
    in the index.
    """
    named = paths(part)
    return {path.parts[0] for path in named}.isdisjoint(table.keys_of(index)) and not lacking(table, index, named)
