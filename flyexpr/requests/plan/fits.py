"""How well a condition fits the key of an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value, joined
from flyexpr.records import record, replace
from flyexpr.requests.plan.bounds import is_equal, options, prefix, ranges, tightest
from flyexpr.schema.derived.implied import Implied
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table


@record
class Fit:
    """An index, or the table itself, that can serve a condition, and how much of its key the condition bounds."""

    index: Index | None
    values: tuple[tuple[Value, ...], ...]  # for each partition key attribute, the values to ask for one by one
    sort: tuple[Condition, ...]
    rest: tuple[Condition, ...]  # the parts that the key condition does not say in full
    fixed: int = 0  # sort key attributes with one value
    bounded: int = 0  # sort key attributes that the condition bounds, not only the table's own kind
    kind: Condition | None = None  # keeps the read among items of the table's own kind; `sort` says it too
    direct: bool = True  # no sort key is bounded only by what a part of the condition implies

    @property
    def rank(self) -> tuple[int, int, int, bool, bool]:
        """What to compare fits by: the greatest rank reads least."""
        return self.fixed, self.bounded, -prod(map(len, self.values)), self.index is None, self.direct

    def partitions(self, table: Table) -> Iterator[tuple[Condition, ...]]:
        """Every choice of one value for each partition key attribute."""
        names = [Path((name,)) for name in table.partition_keys_of(self.index)]
        for choice in product(*self.values):
            yield tuple(Compare("=", name, value) for name, value in zip(names, choice, strict=True))

    def key_conditions(self, table: Table) -> tuple[Condition, ...]:
        """The key conditions, one for each request: several where several partitions are read."""
        return tuple(joined(And, [*partition, *self.sort]) for partition in self.partitions(table))


def fit_of(table: Table, index: Index | None, parts: Sequence[Condition], implied: Implied) -> Fit | str:
    """How the parts, and what they imply, bound the key of an index; or, as text, why it cannot be queried by them.

    >>> scores = Table("GameScores", "userid", "title")
    >>> fit_of(scores, None, [eq("userid", "abc"), eq("title", "Comet Quest")], Implied((), ())).fixed
    1
    >>> fit_of(scores, None, [eq("title", "Comet Quest")], Implied((), ()))
    'its partition key `userid` has no value'
    """
    # Lists, because the parts are few and to hash a condition takes as long as to compare it with several.
    values: list[tuple[Value, ...]] = []
    used: list[Condition] = []
    for name in table.partition_keys_of(index):
        choices = [(listed, part) for part in (*parts, *implied.sure, *implied.kind) if (listed := options(part, name))]
        if not choices:
            return f"its partition key `{name}` has no value"
        listed, narrowest = min(choices, key=lambda choice: len(choice[0]))
        values.append(listed)
        used.append(narrowest)
        if name in table.derived and narrowest in parts:
            implied = replace(implied, kind=())  # a condition on the key itself asks for items of every kind
    bounds = _bound_sort_keys(table.sort_keys_of(index), parts, implied)
    said = [*used, *bounds.said]
    everything = dict.fromkeys((*parts, *bounds.rest)) if bounds.rest else parts
    rest = tuple([part for part in everything if part not in said])
    return Fit(index, tuple(values), bounds.conditions, rest, bounds.fixed, bounds.bounded, bounds.kind, bounds.direct)


@record
class _Bounds:
    """Conditions on the first sort keys: `=` on each, and on the last any one that the service allows."""

    conditions: tuple[Condition, ...]
    said: tuple[Condition, ...]  # what they say in full
    fixed: int
    bounded: int
    kind: Condition | None = None
    rest: Sequence[Condition] = ()  # what is implied, and they do not say in full
    direct: bool = True


def _bound_sort_keys(names: Sequence[str], parts: Sequence[Condition], implied: Implied) -> _Bounds:
    conditions: list[Condition] = []
    for fixed, name in enumerate(names):
        everything = (*parts, *implied.sure, *implied.kind)
        equal = next((part for part in everything if is_equal(part, name)), None)
        if equal is None:
            all_ranges = ranges(name, everything)
            bound, said = tightest(name, all_ranges)
            kind_prefixes = [one for one in implied.kind if prefix(one, name)]
            asked = bool(bound) if not kind_prefixes else any(one.part not in kind_prefixes for one in all_ranges)
            rest = [one for one in (*implied.sure, *kind_prefixes) if prefix(one, name) and one not in said]
            bounded, kind = fixed + asked, next(iter(kind_prefixes), None)
            direct = not asked or any(one.part in parts for one in all_ranges)
            return _Bounds((*conditions, *bound), (*conditions, *said), fixed, bounded, kind, rest, direct)
        conditions.append(equal)
    kind = next((part for part in conditions if part in implied.kind), None)
    fixed = len(conditions)
    return _Bounds(tuple(conditions), tuple(conditions), fixed, fixed, kind)
