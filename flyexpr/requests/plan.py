"""How a read is done: which index, and which part of the condition goes where. Pure, and total.

For every condition on every table there is exactly one `Access`, or a `PlanError` that names the nearest fix:

    key condition    bounds what is read: `=` on the partition key, one condition on the sort key
    filter           the service drops items that were read, and paid for
    residue          what neither may hold, evaluated on the client by `matches`

Key condition and filter and residue together are the condition, on every item that the index holds: one that lacks a
key attribute of an index is not in it. The residue sees an item as the table reads it, with the parts of its derived
keys that another writer left out (flyexpr.schema.parts); key condition and filter see it as it is stored, and are
written so that they agree. A condition on parts of a derived key reads the items of the table's own kind: those whose
sort key begins as its template does.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from flyexpr.errors import PlanError
from flyexpr.expressions.nodes import ALWAYS, NEVER, And, Between, Compare, Condition, In, Or, Path, Test, Value, joined
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.expressions.simplify import simplify
from flyexpr.records import record, replace
from flyexpr.requests.operations import Query, Scan
from flyexpr.schema.derive import Implied, implied_conditions, known_values, missing_parts
from flyexpr.schema.indexes import Index
from flyexpr.schema.parts import as_stored, may_match, parts_in, sources_of
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.table import Table


@record
class Access:
    """How a read is done.

    `how` is "GetItem", "Query", "Scan" or "Nothing" (the condition can never be true). `keys` holds a key condition a
    request: several when `is_in` on the partition key fans out. `fetch` is what is asked of the service, None for
    whole items; it can be more than the reader wants, see `trim`. `rejected` says of each other index why it lost.
    `kind` is the condition, part of every key condition, that keeps the read among items of the table's own kind.
    """

    how: str
    index: Index | None = None
    keys: tuple[Condition, ...] = ()
    filter: Condition | None = None
    residue: Condition | None = None
    fetch: tuple[Path, ...] | None = None
    trim: bool = False
    rejected: tuple[tuple[str, str], ...] = ()
    kind: Condition | None = None


def access(table: Table, read: Query | Scan) -> Access:
    """How the engine is asked for what a query or scan wants.

    >>> from flyexpr import query
    >>> scores = Table("GameScores", "userid", "title", attributes={"top_score": int},
    ...                indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")])
    >>> found = access(scores, query(eq("title", "Comet Quest") & gt("top_score", 9000) & gt("wins", 3)))
    >>> found.index.name, show(found.keys[0]), show(found.filter)
    ('GameTitleIndex', "title = 'Comet Quest' AND top_score > 9000", 'wins > 3')
    """
    condition = _whole_condition(table, read)
    if condition == NEVER:
        return Access("Nothing")
    if isinstance(read, Scan):
        return _scan(table, read, condition)
    parts = _parts(condition)
    if any(_asks_for_empty_key(table, part) for part in parts):
        return Access("Nothing")
    implied = implied_conditions(table, read.condition)
    if table.derived:
        lowered = ([lower_condition(table, one) for one in some] for some in (implied.sure, implied.kind))
        implied = Implied(*map(tuple, lowered))
    if read.index is None:
        candidates, rejected = _candidates(table, read, parts, implied)
        chosen = _choose(table, read, candidates, rejected)
    else:
        fit = _fit(table, table.index(read.index), parts, implied)
        if isinstance(fit, str):
            raise PlanError(
                f"index {read.index!r} cannot serve this query: {fit}",
                condition=show(read.condition),
                hint="leave index= out, or add eq(...) for that attribute",
            )
        chosen, rejected = fit, []
    return _finish(table, read, chosen, tuple(rejected))


def access_of_keys(table: Table, read: Query | Scan) -> Access:
    """How the engine is asked for the keys of what a read gives: by the index that the read itself goes through.

    >>> scores = Table("GameScores", "userid", indexes=[GlobalIndex("ByTitle", "title", project="keys")])
    >>> found = access_of_keys(scores, Query(eq("title", "Comet Quest")))
    >>> found.index.name, [path.parts[0] for path in found.fetch]
    ('ByTitle', ['userid', 'title'])

    A read that asks for more than any index can give still has keys.
    """
    keys = tuple(Path((name,)) for name in table.keys)
    try:
        way = access(table, read)
    except PlanError:
        return access(table, replace(read, project=keys))
    fetch = _fetch(table, keys, way.index, [] if way.residue is None else [way.residue])
    return replace(way, fetch=fetch, trim=True)


def _whole_condition(table: Table, read: Query | Scan) -> Condition:
    """What the service is to be asked: in its types, and simplified."""
    return simplify(lower_condition(table, read.condition))


def _asks_for_empty_key(table: Table, part: Condition) -> bool:
    """Whether the part wants a key attribute to be empty, which none can be."""
    match part:
        case Compare("=", Path((name,)), Value("S" | "B", body)):
            return name in table.keys and not body
    return False


@record
class _Fit:
    """An index that can serve a condition, and how much of its key the condition bounds."""

    index: Index | None
    values: tuple[tuple[Value, ...], ...]  # of each partition key attribute, those to ask for one by one
    sort: tuple[Condition, ...]
    rest: tuple[Condition, ...]  # the parts that the key condition does not say in full
    fixed: int  # sort key attributes with one value
    kind: Condition | None = None  # the one of `sort`, or beside it, that nobody asked for

    @property
    def rank(self) -> tuple[int, int, int, bool]:
        return self.fixed, len(self.sort), -prod(map(len, self.values)), self.index is None


def _candidates(
    table: Table, read: Query, parts: Sequence[Condition], implied: Implied
) -> tuple[list[_Fit], list[tuple[str, str]]]:
    found, rejected = [], []
    for index in (None, *table.indexes):
        fit = _fit(table, index, parts, implied)
        why = fit if isinstance(fit, str) else _unusable(table, read, fit)
        if why or isinstance(fit, str):
            rejected.append((_label(index), why))
        else:
            found.append(fit)
    return found, rejected


def _fit(table: Table, index: Index | None, parts: Sequence[Condition], implied: Implied) -> _Fit | str:
    """How the parts, and what they imply, bound the key of an index, or why it cannot be queried by them."""
    values: list[tuple[Value, ...]] = []
    used: set[Condition] = set()
    for name in table.partition_keys_of(index):
        options = {part: found for part in (*parts, *implied.sure, *implied.kind) if (found := _options(part, name))}
        if not options:
            return f"its partition key `{name}` has no value"
        narrowest = min(options, key=lambda part: len(options[part]))
        values.append(options[narrowest])
        used.add(narrowest)
        if name in table.derived and narrowest in parts:
            implied = replace(implied, kind=())  # who names the key itself wants what is under it, of every kind
    sort, exact, fixed, kind = _bound_sort_keys(table.sort_keys_of(index), parts, implied)
    rest = tuple(part for part in parts if part not in used and part not in exact)
    return _Fit(index, tuple(values), sort, rest, fixed, kind)


def _bound_sort_keys(
    names: Sequence[str], parts: Sequence[Condition], implied: Implied
) -> tuple[tuple[Condition, ...], frozenset[Condition], int, Condition | None]:
    """Conditions on a leading run of sort keys: `=` on each, and on the last any one that the service allows."""
    conditions: list[Condition] = []
    for fixed, name in enumerate(names):
        equal = next((part for part in (*parts, *implied.sure, *implied.kind) if _is_equal(part, name)), None)
        if equal is None:
            bound, exact = _bound(name, parts)
            if not bound:  # what was asked for bounds better than the start of a template
                bound, exact = _bound(name, implied.sure)
            kind = next((part for part in implied.kind if not bound and _prefix(part, name)), None)
            return (*conditions, *bound), frozenset({*conditions, *exact}), fixed, kind
        conditions.append(equal)
    kind = next((part for part in conditions if part in implied.kind), None)
    return tuple(conditions), frozenset(conditions), len(conditions), kind


def _bound(name: str, parts: Sequence[Condition]) -> tuple[list[Condition], list[Condition]]:
    """The one condition on a sort key that reads least, and the parts that it says in full."""
    lows = [bound for part in parts for bound in _low(part, name)]
    highs = [bound for part in parts for bound in _high(part, name)]
    prefixes = {part: start for part in parts if (start := _prefix(part, name))}
    if prefixes and not (lows and highs):
        longest = max(prefixes, key=lambda part: len(prefixes[part]))
        return [longest], [part for part, start in prefixes.items() if prefixes[longest].startswith(start)]
    low = max(lows, key=lambda bound: (bound[0].body, not bound[1]), default=None)
    high = min(highs, key=lambda bound: (bound[0].body, bound[1]), default=None)
    if low and high:
        cover = Between(Path((name,)), low[0], high[0])
        return [cover], [part for part in parts if _says_no_more(part, cover, name)]
    if high and not low and isinstance(high[2], Between):  # from the empty string, which no key holds
        return [Compare("<=", Path((name,)), high[0])], [high[2]]
    one = low or high
    return ([one[2]], [one[2]]) if one else ([], [])


_Bound = tuple[Value, bool, Condition]  # the constant, whether it is itself allowed, and the part that says so


def _low(part: Condition, name: str) -> list[_Bound]:
    match part:
        case Compare(">" | ">=" as operator, Path((found,)), Value() as value):
            return [(value, operator == ">=", part)] if found == name and _is_key_value(value) else []
        case Between(Path((found,)), Value() as low, Value()):
            return [(low, True, part)] if found == name and _is_key_value(low) else []
    return []


def _high(part: Condition, name: str) -> list[_Bound]:
    match part:
        case Compare("<" | "<=" as operator, Path((found,)), Value() as value):
            return [(value, operator == "<=", part)] if found == name and _is_key_value(value) else []
        case Between(Path((found,)), Value(), Value() as high):
            return [(high, True, part)] if found == name and _is_key_value(high) else []
    return []


def _says_no_more(part: Condition, cover: Between, name: str) -> bool:
    """Whether a bound is implied by the BETWEEN that covers it, so that nothing of it is left to evaluate."""
    if not isinstance(cover.low, Value) or not isinstance(cover.high, Value):
        return False
    lows, highs = _low(part, name), _high(part, name)
    return (
        bool(lows or highs)
        and all(bound.body < cover.low.body or (bound == cover.low and allowed) for bound, allowed, _ in lows)
        and all(bound.body > cover.high.body or (bound == cover.high and allowed) for bound, allowed, _ in highs)
    )


def _options(part: Condition, name: str) -> tuple[Value, ...]:
    """The values that the part leaves to an attribute, when it is one or a list; else none."""
    match part:
        case Compare("=", Path((found,)), Value() as value):
            return (value,) if found == name and _is_key_value(value) else ()
        case In(Path((found,)), options) if found == name:
            constants = [one for one in dict.fromkeys(options) if isinstance(one, Value)]
            # A value that no key can hold cannot match; another attribute could hold any value.
            return tuple(filter(_is_key_value, constants)) if len(constants) == len({*options}) else ()
        case Or(parts):
            choices = [_options(one, name) for one in parts]
            return tuple(dict.fromkeys(value for values in choices for value in values)) if all(choices) else ()
    return ()


def _is_equal(part: Condition, name: str) -> bool:
    return isinstance(part, Compare) and bool(_options(part, name))


def _is_key_value(value: Value) -> bool:
    """Whether the service takes the value in a key condition: no empty string or binary, which no key can hold."""
    return value.kind == "N" or (value.kind in ("S", "B") and bool(value.body))


def _prefix(part: Condition, name: str) -> Any:
    """The text or bytes that the attribute has to begin with; empty where the part does not say."""
    match part:
        case Test("begins_with", (Path((found,)), Value("S" | "B", prefix))) if found == name:
            return prefix
    return ""


def _unusable(table: Table, read: Query, fit: _Fit) -> str:
    """Why an index that fits the condition cannot give what is wanted; empty when it can."""
    if fit.index is None:
        return ""
    if read.consistent and not fit.index.consistent_reads:
        return f"a {fit.index.word} index has no consistent reads"
    if fit.index.fetches_missing:
        return ""
    lacking = _lacking(table, fit.index, _wanted(read, fit.rest))
    if lacking == "*":
        return "it does not project all attributes"
    return f"it does not project {lacking}" if lacking else ""


def _wanted(read: Query | Scan, conditions: Iterable[Condition]) -> tuple[Path, ...] | None:
    """The paths that a read needs of every item; None for all of them."""
    if read.project is None:
        return None
    return (*read.project, *(path for condition in conditions for path in paths(condition)))


def _lacking(table: Table, index: Index | None, wanted: Iterable[Path] | None) -> str:
    """The attributes that an index cannot give: "*" for whole items, names otherwise, empty when there are none."""
    if index is None or index.project == "all":
        return ""
    if wanted is None:
        return "*"
    held = {*table.keys, *table.keys_of(index), *(index.project if isinstance(index.project, tuple) else ())}
    return ", ".join(f"`{name}`" for name in dict.fromkeys(path.parts[0] for path in wanted) if name not in held)


def _choose(table: Table, read: Query, found: list[_Fit], rejected: list[tuple[str, str]]) -> _Fit:
    if not found:
        condition = _whole_condition(table, read)
        raise _no_index(table, read, _parts(condition), rejected)
    best = max(found, key=lambda fit: fit.rank)
    equals = [fit for fit in found if fit.rank == best.rank]
    if len(equals) > 1:
        names = " and ".join(_label(fit.index) for fit in equals)
        raise PlanError(
            f"{names} of {table.name!r} would serve this query equally well",
            condition=show(read.condition),
            hint=f"choose one: query(..., index={_label(equals[0].index)!r})",
        )
    for fit in found:
        if fit is not best:
            rejected.append((_label(fit.index), _why_worse(fit, best)))
    return best


def _why_worse(fit: _Fit, best: _Fit) -> str:
    if (fit.fixed, len(fit.sort)) == (best.fixed, len(best.sort)):
        return "serves as well, and the table comes before its indexes"
    return "the condition bounds less of its sort key"


def _finish(table: Table, read: Query, fit: _Fit, rejected: tuple[tuple[str, str], ...]) -> Access:
    how, filters, residue = "Query", *_shared_out(table, fit)
    if fit.index is None and read.index is None and 1 + fit.fixed == len(table.keys):
        how, filters, residue = "GetItem", [], list(fit.rest)
    if NEVER in filters:
        return Access("Nothing")
    _need_projected(table, read, fit.index, fit.rest)
    fetch = _fetch(table, read.project, fit.index, residue)
    sort = fit.sort if fit.kind is None or fit.kind in fit.sort else (*fit.sort, fit.kind)
    return Access(
        how,
        fit.index,
        tuple(joined(And, [*partition, *sort]) for partition in _fan_out(table, fit)),
        joined(And, filters) if filters else None,
        joined(And, residue) if residue else None,
        fetch,
        _trims(table, read, fetch),
        rejected,
        fit.kind,
    )


def _shared_out(table: Table, fit: _Fit) -> tuple[list[Condition], list[Condition]]:
    """What the service filters by, and what is left to the client."""
    keys = _known_keys(table, fit) if table.inverses else {}
    filters: list[Condition] = []
    residue: list[Condition] = []
    for part in fit.rest:
        if not _may_filter(table, fit.index, part):
            residue.append(part)
        else:
            _filter(table, part, keys, filters, residue)
    return filters, residue


def _known_keys(table: Table, fit: _Fit) -> Mapping[str, Any]:
    """The attributes that have one value in everything that the read gives."""
    partitions = list(_fan_out(table, fit))
    return known_values(joined(And, [*fit.rest, *fit.sort, *(partitions[0] if len(partitions) == 1 else ())]))


def _filter(
    table: Table, part: Condition, keys: Mapping[str, Any], filters: list[Condition], residue: list[Condition]
) -> None:
    """Adds a part to the filters; to the residue too, where it depends on parts of keys that the item may lack."""
    stored = as_stored(table, part, keys, there=True) if table.inverses else part
    if stored is None:
        filters.append(may_match(table, part))
        residue.append(part)
    elif stored != ALWAYS:
        filters.append(stored)


def _trims(table: Table, read: Query | Scan, fetch: tuple[Path, ...] | None) -> bool:
    """Whether an item has more than the reader wants: what was fetched besides, or is filled in."""
    return fetch != read.project or bool(read.project and table.inverses)


def _may_filter(table: Table, index: Index | None, part: Condition) -> bool:
    """Whether the service can filter by the part: no key attribute of the index queried, nothing to be fetched."""
    spoken = {path.parts[0] for path in paths(part)}
    return spoken.isdisjoint(table.keys_of(index)) and not _lacking(table, index, paths(part))


def _fan_out(table: Table, fit: _Fit) -> Iterator[tuple[Condition, ...]]:
    """Every choice of one value for each partition key attribute."""
    names = [Path((name,)) for name in table.partition_keys_of(fit.index)]
    for choice in product(*fit.values):
        yield tuple(Compare("=", name, value) for name, value in zip(names, choice, strict=True))


def _need_projected(table: Table, read: Query | Scan, index: Index | None, rest: Iterable[Condition]) -> None:
    """PlanError when an index was asked for by name and lacks what the condition or projection speaks of."""
    if index is None:
        return
    if read.consistent and not index.consistent_reads:
        raise PlanError(f"index {index.name!r} is {index.word}, and a {index.word} index has no consistent reads")
    if index.fetches_missing:
        return
    spoken = [path for condition in rest for path in paths(condition)]
    lacking = _lacking(table, index, [*(read.project or ()), *spoken])
    if lacking:
        raise PlanError(
            f"index {index.name!r} does not project {lacking}",
            condition=show(read.condition),
            hint="project these attributes in the index, or leave them out here",
        )


def _fetch(
    table: Table, project: tuple[Path, ...] | None, index: Index | None, residue: Iterable[Condition]
) -> tuple[Path, ...] | None:
    """What to ask for so that the client can evaluate the residue and, from any item, find its place again."""
    if project is None:
        return None
    keys = (Path((name,)) for name in (*table.keys, *table.keys_of(index)))
    looked_at = [Path(path.parts[:1]) for part in residue for path in paths(part)]
    return without_overlap((*project, *keys, *looked_at, *_sources(table, index, (*project, *looked_at))))


def _sources(table: Table, index: Index | None, needed: Iterable[Path]) -> Iterator[Path]:
    """The keys from which parts among the paths may be filled in, as far as the index has them."""
    for name in sources_of(table, parts_in(table, needed)) if table.inverses else ():
        if index is None or index.fetches_missing or not _lacking(table, index, [Path((name,))]):
            yield Path((name,))


def without_overlap(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The paths, each once, without those into an attribute that is there as a whole: the service refuses both.

    >>> without_overlap([Path(("a", "b")), Path(("c",)), Path(("a",))])
    (Path(parts=('c',)), Path(parts=('a',)))
    """
    found = dict.fromkeys(paths)
    whole = {path.parts[0] for path in found if len(path.parts) == 1}
    return tuple(path for path in found if len(path.parts) == 1 or path.parts[0] not in whole)


def _scan(table: Table, read: Scan, condition: Condition) -> Access:
    index = table.index(read.index) if read.index else None
    _need_projected(table, read, index, [condition])
    filters: list[Condition] = []
    residue: list[Condition] = []
    keys = known_values(condition)
    for part in _parts(condition) if table.inverses else [condition]:
        _filter(table, part, keys, filters, residue)
    if NEVER in filters:
        return Access("Nothing")
    filtered = joined(And, filters)
    fetch = _fetch(table, read.project, index, residue)
    return Access(
        "Scan",
        index,
        (),
        None if filtered == ALWAYS else filtered,
        joined(And, residue) if residue else None,
        fetch,
        _trims(table, read, fetch),
    )


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, And) else (condition,)


def _no_index(table: Table, read: Query, parts: Sequence[Condition], rejected: Sequence[tuple[str, str]]) -> PlanError:
    fits = [(name, why) for name, why in rejected if not why.startswith("its partition key")]
    condition = show(read.condition)
    if fits:
        shown = "; ".join(f"{name}: {why}" for name, why in fits)
        return PlanError(
            f"no index of {table.name!r} can give what this query asks for ({shown})",
            condition=condition,
            hint="leave consistent=True out"
            if read.consistent
            else "ask for projected attributes with project=[...], or name the index with index=",
        )
    if unfinished := _unfinished_key(table, read.condition):
        return PlanError(
            f"a query of {table.name!r} needs one partition key value: {unfinished}",
            condition=condition,
            hint="add eq(...) for it, or use scan(...)",
        )
    equal = [str(path.parts[0]) for part in parts for path in paths(part) if _options(part, str(path.parts[0]))]
    bases = [None, *(index for index in table.indexes if index.partition_keys)]
    starts = ", ".join(_starts(table, index) for index in bases)
    if not equal:
        return PlanError(
            f"a query of {table.name!r} needs one partition key value, and the condition fixes none",
            condition=condition,
            hint=f"add eq(...) for one of: {starts}; or use scan(...)",
        )
    names = " or ".join(f"`{name}`" for name in equal)
    return PlanError(
        f"no index of {table.name!r} starts with {names}, and a query needs one partition key value",
        condition=condition,
        hint=f"{_meant(table, equal)}add {_proposed_index(equal[0], parts)}, or use scan(...)",
    )


def _meant(table: Table, names: Sequence[str]) -> str:
    """A partition key, or a part of one, that is nearly one of these names; nothing for a name that the table knows."""
    from difflib import get_close_matches  # here, because `import flyexpr` is to be quick

    keys = {
        name.lower(): (name, index)
        for index in (*reversed(table.indexes), None)
        for key in table.partition_keys_of(index)
        for name in (key, *(table.derived[key].parts if key in table.derived else ()))
    }
    known = {*table.attributes, *table.key_attributes, *(name for name, _ in keys.values())}
    for name in names:
        near = get_close_matches(name.lower(), keys, 1, 0.75) if name not in known else []
        if near:
            return f"did you mean `{keys[near[0]][0]}` ({_label(keys[near[0]][1])})? Otherwise "
    return ""


def _unfinished_key(table: Table, condition: Condition) -> str:
    """What to say where the condition gives some parts of a derived partition key, and not all of them."""
    known = known_values(condition)
    begun = (name for name, derived in table.derived.items() if not known.keys().isdisjoint(derived.parts))
    names = {name for index in (None, *table.indexes) for name in table.partition_keys_of(index)}
    return next((missing_parts(table, name, known) for name in begun if name in names), "")


def _starts(table: Table, index: Index | None) -> str:
    keys = ", ".join(f"`{name}`" for name in table.partition_keys_of(index))
    return f"{keys} ({_label(index)})"


def _proposed_index(partition: str, parts: Sequence[Condition]) -> str:
    for part in parts:
        match part:
            case Compare("<" | "<=" | ">" | ">=", Path((name,)), Value()) | Between(Path((name,))):
                return f'GlobalIndex("…", "{partition}", "{name}")'
    return f'GlobalIndex("…", "{partition}")'


def _label(index: Index | None) -> str:
    return "the table" if index is None else index.name
