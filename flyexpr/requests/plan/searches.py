"""Which vector index a search goes through, and which part of its condition the service checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flyexpr.errors import PlanError
from flyexpr.expressions.check.searching import is_searchable
from flyexpr.expressions.nodes import ALWAYS, And, Condition, is_never, joined, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.expressions.simplify import simplified
from flyexpr.records import record
from flyexpr.requests.operations import Search
from flyexpr.requests.plan.bounds import is_equal
from flyexpr.requests.plan.kinds import implied_for
from flyexpr.requests.plan.projections import fetched, lacking
from flyexpr.requests.reads import Access, Nothing
from flyexpr.requests.searches import VectorSearch, is_equality
from flyexpr.schema.indexes import Index, VectorIndex
from flyexpr.schema.kinds import narrowed
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.table import Table


def access_of_search(table: Table, search: Search) -> Access:
    """How the service is asked for what a search wants.

    >>> from flyexpr import near, search
    >>> index = VectorIndex("ByMeaning", "embedding", 2, filters=["lang"])
    >>> docs = Table("Docs", "id", indexes=[index], attributes={"pages": int})
    >>> access = access_of_search(docs, search(near("embedding", [1, 0]), eq("lang", "en") & gt("pages", 3)))
    >>> access.index.name, show(access.filter), show(access.residue)
    ('ByMeaning', "lang = 'en'", 'pages > 3')

    PlanError where no vector index serves, or several do equally well.
    """
    table = narrowed(table, search.condition)
    condition, _ = simplified(lower_condition(table, search.condition))
    if is_never(condition):
        return Nothing()
    parts = parts_of(condition)
    indexes = [table.index(search.index)] if search.index is not None else table.indexes
    implied = implied_for(table, search.condition, parts).sure
    fits = [_fit(table, search, index, parts, implied) for index in indexes]
    best = _best(table, search, fits)
    return VectorSearch(
        best.index,
        filter=joined(And, best.sent) if best.sent else None,
        residue=joined(And, best.rest) if best.rest else None,
        fetch=fetched(table, search.project, best.index, best.rest),
        rejected=tuple((fit.index.name, fit.why or "serves less of the condition") for fit in fits if fit is not best),
    )


def _best(table: Table, search: Search, fits: Sequence[_Fit]) -> _Fit:
    """The fit of the index that serves a search best; PlanError where none does, or several do equally well."""
    fitting = [fit for fit in fits if not fit.why]
    if not fitting:
        raise _no_index(table, search, fits)
    best = max(fitting, key=lambda fit: fit.rank)
    equals = [fit.index.name for fit in fitting if fit.rank == best.rank]
    if len(equals) > 1:
        raise PlanError(
            f"{' and '.join(equals)} of {table.name!r} would serve this search equally well",
            condition=_shown(search),
            hint=f"choose one: search(..., index={equals[0]!r})",
        )
    return best


@record
class _Fit:
    """What an index can do for a search; `why` says why it cannot serve it."""

    index: Index
    sent: tuple[Condition, ...] = ()
    rest: tuple[Condition, ...] = ()
    why: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """The greatest rank leaves least to the client, and searches among the fewest items."""
        return -len(self.rest), len(self.index.partition_keys)


def _fit(table: Table, search: Search, index: Index, parts: Sequence[Condition], implied: Sequence[Condition]) -> _Fit:
    near = search.near
    if not isinstance(index, VectorIndex):
        return _Fit(index, why=f"it is a {index.word} index")
    if index.attribute != near.attribute:
        return _Fit(index, why=f"it holds the vectors of `{index.attribute}`")
    if index.dimensions != len(near.vector):
        return _Fit(index, why=f"it has {index.dimensions:,} dimensions, and the vector {len(near.vector):,}")
    sent = tuple(_sendable(table, index, parts, search.wide))
    for name in index.partition_keys:
        if not any(is_equal(part, name) for part in sent):
            made = next((part for part in implied if is_equal(part, name)), None)  # by its template
            if made is None:
                return _Fit(index, why=f"it needs a value of its partition key: eq({name!r}, ...)")
            sent = (made, *sent)
    rest = tuple(part for part in parts if part not in sent)
    if search.project is None and any(path.parts[0] == index.attribute for part in rest for path in paths(part)):
        name = index.attribute
        return _Fit(index, why=f"it gives `{name}`, which the condition asks about, only if project= names attributes")
    missing = lacking(table, index, [*(search.project or ()), *(path for part in rest for path in paths(part))])
    if missing:
        return _Fit(index, why=f"it does not project {missing}")
    return _Fit(index, sent, rest)


def _sendable(table: Table, index: VectorIndex, parts: Iterable[Condition], wide: bool) -> Iterable[Condition]:
    """The parts that the service checks: of each attribute one."""
    asked: set[str] = set()
    stored = {*index.typed} - {*table.fillable}  # parts of a key need not be stored
    for part in sorted(parts, key=lambda part: not is_equality(part)):
        names = [path.parts[0] if len(path.parts) == 1 else None for path in paths(part)]
        allowed = is_equality(part) or (wide and _is_wide(part, index))
        if allowed and names and {*names} <= stored and (wide or asked.isdisjoint(map(str, names))):
            asked.update(map(str, names))
            yield part


def _is_wide(part: Condition, index: VectorIndex) -> bool:
    if not {path.parts[0] for path in paths(part)}.isdisjoint(index.partition_keys):
        return False  # the partition key takes an equality and nothing else
    return is_searchable(part, wide=True)


def _no_index(table: Table, search: Search, fits: Sequence[_Fit]) -> PlanError:
    if not any(isinstance(fit.index, VectorIndex) for fit in fits):
        index = f"VectorIndex('ByVector', {search.near.attribute!r}, {len(search.near.vector)})"
        return PlanError(f"{table.name!r} has no vector index", hint=f"declare it: indexes=[{index}]")
    shown = "; ".join(f"{fit.index.name}: {fit.why}" for fit in fits if isinstance(fit.index, VectorIndex))
    return PlanError(f"no vector index of {table.name!r} can serve this search ({shown})", condition=_shown(search))


def _shown(search: Search) -> str | None:
    """The condition of a search as an error shows it; None for a search without one."""
    return None if search.condition == ALWAYS else show(search.condition)
