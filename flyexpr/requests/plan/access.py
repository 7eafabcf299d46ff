"""How a query or scan is done."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import ExpressionError, PlanError
from flyexpr.expressions.check import check
from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value, is_never, joined, parts_of
from flyexpr.expressions.show import refused
from flyexpr.expressions.simplify import simplified
from flyexpr.records import replace
from flyexpr.requests.operations import Part, Query, Read, Scan
from flyexpr.requests.plan.choice import chosen_fit
from flyexpr.requests.plan.fits import Fit
from flyexpr.requests.plan.kinds import implied_for
from flyexpr.requests.plan.projections import check_projected, fetched, readable, trims
from flyexpr.requests.plan.refusals import Rejected
from flyexpr.requests.plan.sharing import shared_by_query, shared_by_scan
from flyexpr.requests.reads import Access, NoShare, Nothing, Point, QueryPages, ScanPages
from flyexpr.schema.kinds import narrowed
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.table import Table


def access_of(table: Table, read: Read) -> Access:
    """How the engine is asked for what a query or scan wants.

    >>> from flyexpr import query
    >>> scores = Table("GameScores", "userid", "title", attributes={"top_score": int},
    ...                indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")])
    >>> access = access_of(scores, query(eq("title", "Comet Quest") & gt("top_score", 9000) & gt("wins", 3)))
    >>> access.index.name, show(access.keys[0]), show(access.filter)
    ('GameTitleIndex', "title = 'Comet Quest' AND top_score > 9000", 'wins > 3')

    ExpressionError for what DynamoDB is sure to refuse in a part of the condition that is not sent.
    """
    table = narrowed(table, read.condition)
    condition, decided = simplified(lower_condition(table, read.condition))
    access = _access(table, read, condition)
    unsent = decided if access.sends else [condition, *decided]
    for part in unsent if access.residue is None else [*unsent, access.residue]:
        try:
            check(part)
        except ExpressionError as error:
            raise refused(error, read.condition) from None
    return access


def _access(table: Table, read: Query | Scan, condition: Condition) -> Access:
    if is_never(condition):
        return Nothing()
    if isinstance(read, Scan):
        return _scan(table, read, condition)
    parts = parts_of(condition)
    if any(_asks_for_empty_key(table, part) for part in parts):
        return Nothing()
    fit, rejected = chosen_fit(table, read, parts, implied_for(table, read.condition, parts))
    return _through(table, read, fit, rejected)


def access_of_keys(table: Table, read: Read) -> Access:
    """How the engine is asked for the keys of what a read gives: by the index that the read itself goes through.

    >>> scores = Table("GameScores", "userid", indexes=[GlobalIndex("ByTitle", "title", project="keys")])
    >>> access = access_of_keys(scores, Query(eq("title", "Comet Quest")))
    >>> access.index.name, [path.parts[0] for path in access.fetch]
    ('ByTitle', ['userid', 'title'])

    A read that asks for more than any index can give still has keys to read.
    """
    keys = tuple(Path((name,)) for name in table.keys)
    try:
        access = access_of(table, read)
    except PlanError:
        return access_of(table, replace(read, project=keys))
    fetch = fetched(table, keys, access.index, [] if access.residue is None else [access.residue])
    return replace(access, fetch=fetch, trim=True)


def _asks_for_empty_key(table: Table, part: Condition) -> bool:
    """Whether the part asks for an empty key attribute; there are none."""
    match part:
        case Compare("=", Path((name,)), Value("S" | "B", body)):
            return name in table.keys and not body
    return False


def _through(table: Table, read: Query, fit: Fit, rejected: Rejected) -> Access:
    """The access of a query through the chosen index: a point where the condition fixes the whole primary key."""
    if any(map(is_never, fit.sort)):
        return Nothing()
    filters: Sequence[Condition] = ()
    residue: Sequence[Condition] = fit.rest
    point = fit.index is None and read.index is None and 1 + fit.fixed == len(table.keys)
    if not point:
        filters, residue = shared_by_query(table, fit)
    if any(map(is_never, filters)):
        return Nothing()
    check_projected(table, fit.index, read, fit.rest)
    keys = _share(read.part, fit.key_conditions(table))
    if not keys:
        return NoShare()
    fetch = fetched(table, read.project, fit.index, residue)
    return (Point if point else QueryPages)(
        fit.index,
        keys,
        _all_of(filters),
        _all_of(residue),
        fetch,
        trims(table, read, fetch),
        rejected,
        fit.kind,
    )


def _scan(table: Table, read: Scan, condition: Condition) -> Access:
    index = readable(table, read.index) if read.index is not None else None
    check_projected(table, index, read, [condition])
    filters, residue = shared_by_scan(table, condition)
    if any(map(is_never, filters)):
        return Nothing()
    fetch = fetched(table, read.project, index, residue)
    return ScanPages(
        index,
        filter=_all_of(filters),
        residue=_all_of(residue),
        fetch=fetch,
        trim=trims(table, read, fetch),
    )


def _share(part: Part | None, keys: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The key conditions of one part of a read; the parts have them in order, and as evenly as can be."""
    mine, parts = part or (0, 1)
    return keys[len(keys) * mine // parts : len(keys) * (mine + 1) // parts]


def _all_of(parts: Sequence[Condition]) -> Condition | None:
    return joined(And, parts) if parts else None
