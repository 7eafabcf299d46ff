"""The index that a query goes through, chosen among those that fit; and why each of the others lost."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import PlanError
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.show import show
from flyexpr.requests.operations import Query
from flyexpr.requests.plan.fits import Fit, fit_of
from flyexpr.requests.plan.projections import readable, unusable
from flyexpr.requests.plan.refusals import Rejected, label, no_index
from flyexpr.schema.derived.implied import Implied
from flyexpr.schema.table import Table


def chosen_fit(table: Table, read: Query, parts: Sequence[Condition], implied: Implied) -> tuple[Fit, Rejected]:
    """The fit that reads least, and why each other index lost; PlanError if none serves, or several serve equally well.

    >>> scores = Table("GameScores", "userid", indexes=[GlobalIndex("ByTitle", "title")])
    >>> asked = query(eq("title", "Comet Quest"))
    >>> chosen_fit(scores, asked, [asked.condition], Implied((), ()))[1]
    (('the table', 'its partition key `userid` has no value'),)
    """
    if read.index is not None:
        return _named_fit(table, read, read.index, parts, implied), ()
    fits, rejected = _candidates(table, read, parts, implied)
    if not fits:
        raise no_index(table, read, parts, rejected)
    best = max(fits, key=lambda fit: fit.rank)
    _check_alone(table, read, [fit for fit in fits if fit.rank == best.rank])
    return best, (*rejected, *((label(fit.index), _why_worse(fit, best)) for fit in fits if fit is not best))


def _named_fit(table: Table, read: Query, name: str, parts: Sequence[Condition], implied: Implied) -> Fit:
    fit = fit_of(table, readable(table, name), parts, implied)
    if isinstance(fit, str):
        raise PlanError(
            f"index {name!r} cannot serve this query: {fit}",
            condition=show(read.condition),
            hint="leave index= out, or add eq(...) for that attribute",
            why=fit,
        )
    return fit


def _candidates(
    table: Table, read: Query, parts: Sequence[Condition], implied: Implied
) -> tuple[list[Fit], list[tuple[str, str]]]:
    """The fits that can serve a query, and why each of the other indexes cannot."""
    fits: list[Fit] = []
    rejected: list[tuple[str, str]] = []
    for index in table.ways:
        fit = fit_of(table, index, parts, implied)
        why = fit if isinstance(fit, str) else unusable(table, index, read, fit.rest)
        if why or isinstance(fit, str):
            rejected.append((label(index), why))
        else:
            fits.append(fit)
    return fits, rejected


def _check_alone(table: Table, read: Query, best: Sequence[Fit]) -> None:
    if len(best) > 1:
        names = " and ".join(label(fit.index) for fit in best)
        raise PlanError(
            f"{names} of {table.name!r} would serve this query equally well",
            condition=show(read.condition),
            hint=f"choose one: query(..., index={label(best[0].index)!r})",
        )


def _why_worse(fit: Fit, best: Fit) -> str:
    if (fit.fixed, fit.bounded) == (best.fixed, best.bounded):
        table_first = "and the table comes before its indexes"
        return f"serves as well, {table_first if best.index is None else 'but only by a part of its sort key'}"
    return "the condition bounds less of its sort key"
