"""How well a condition fits the key of an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value, joined
from flyexpr.records import record, replace
from flyexpr.requests.plan.bounds import is_equal, options, prefix, tightest
from flyexpr.schema.derive import Implied
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table


@record
class Fit:
    """An index, or the table itself, that can serve a condition, and how much of its key the condition bounds."""

    index: Index | None
    values: tuple[tuple[Value, ...], ...]  # for each partition key attribute, the values to ask for one by one
    sort: tuple[Condition, ...]
    rest: tuple[Condition, ...]  # the parts that the key condition does not say in full
    fixed: int  # sort key attributes with one value
    kind: Condition | None = None  # keeps the read among items of the table's own kind; in `sort`, or besides it

    @property
    def rank(self) -> tuple[int, int, int, bool]:
        """What to compare fits by: the greatest rank reads least."""
        return self.fixed, len(self.sort), -prod(map(len, self.values)), self.index is None

    def partitions(self, table: Table) -> Iterator[tuple[Condition, ...]]:
        """Every choice of one value for each partition key attribute."""
        names = [Path((name,)) for name in table.partition_keys_of(self.index)]
        for choice in product(*self.values):
            yield tuple(Compare("=", name, value) for name, value in zip(names, choice, strict=True))

    def key_conditions(self, table: Table) -> tuple[Condition, ...]:
        """The key conditions, one for each request: several where several partitions are read."""
        sort = self.sort if self.kind is None or self.kind in self.sort else (*self.sort, self.kind)
        return tuple(joined(And, [*partition, *sort]) for partition in self.partitions(table))


def fit_of(table: Table, index: Index | None, parts: Sequence[Condition], implied: Implied) -> Fit | str:
    """How the parts, and what they imply, bound the key of an index; or, as text, why it cannot be queried by them.

    >>> scores = Table("GameScores", "userid", "title")
    >>> fit_of(scores, None, [eq("userid", "abc"), eq("title", "Comet Quest")], Implied((), ())).fixed
    1
    >>> fit_of(scores, None, [eq("title", "Comet Quest")], Implied((), ()))
    'its partition key `userid` has no value'
    """
    values: list[tuple[Value, ...]] = []
    used: set[Condition] = set()
    for name in table.partition_keys_of(index):
        choices = {part: listed for part in (*parts, *implied.sure, *implied.kind) if (listed := options(part, name))}
        if not choices:
            return f"its partition key `{name}` has no value"
        narrowest = min(choices, key=lambda part: len(choices[part]))
        values.append(choices[narrowest])
        used.add(narrowest)
        if name in table.derived and narrowest in parts:
            implied = replace(implied, kind=())  # a condition on the key itself asks for items of every kind
    sort, exact, fixed, kind = _bound_sort_keys(table.sort_keys_of(index), parts, implied)
    rest = tuple(part for part in parts if part not in used and part not in exact)
    return Fit(index, tuple(values), sort, rest, fixed, kind)


def _bound_sort_keys(
    names: Sequence[str], parts: Sequence[Condition], implied: Implied
) -> tuple[tuple[Condition, ...], frozenset[Condition], int, Condition | None]:
    """Conditions on the first sort keys: `=` on each, and on the last any one that the service allows.

    With them: the parts that they say in full, how many keys have one value, and the condition for the own kind.
    """
    conditions: list[Condition] = []
    for fixed, name in enumerate(names):
        equal = next((part for part in (*parts, *implied.sure, *implied.kind) if is_equal(part, name)), None)
        if equal is None:
            bound, exact = tightest(name, parts)
            if not bound:  # a bound from the condition is better than the start of a template
                bound, exact = tightest(name, implied.sure)
            kind = next((part for part in implied.kind if not bound and prefix(part, name)), None)
            return (*conditions, *bound), frozenset({*conditions, *exact}), fixed, kind
        conditions.append(equal)
    kind = next((part for part in conditions if part in implied.kind), None)
    return tuple(conditions), frozenset(conditions), len(conditions), kind
