"""What a condition on items of several kinds says of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os.path import commonprefix

from flyexpr.expressions.nodes import ALWAYS, Compare, Condition, In, Path, Test, Value, parts_of
from flyexpr.expressions.terms import operand
from flyexpr.requests.plan.bounds import Range, ends, is_equal, options, prefix, ranges
from flyexpr.schema.derived.implied import Implied, implied_conditions
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.table import Table


def implied_for(table: Table, condition: Condition, parts: Sequence[Condition]) -> Implied:
    """What a condition implies about derived keys, in stored types.

    >>> users = Table("Users", "pk", attributes={"pk": template("U#{user}")})
    >>> [show(one) for one in implied_for(users, eq("user", "ada"), []).sure]
    ["pk = 'U#ada'"]
    """
    if isinstance(table, Kinds):
        return implied_by_kinds(table, condition, parts)
    return implied_conditions(table, condition, parts)


def implied_by_kinds(table: Kinds, condition: Condition, parts: Sequence[Condition] = ()) -> Implied:
    """What a condition implies for the keys of the kinds whose items it may be about, in stored types.

    >>> pages = {name: Table("Shop", "pk", "sk", attributes={"pk": template("C#{customer}"), "sk": template(sort_key)})
    ...          for name, sort_key in {"order": "O#{order}", "line": "O#{order}#L#{line}"}.items()}
    >>> implied = implied_by_kinds(kinds(pages, by="type"), eq("customer", "ada") & is_in("type", ["order", "line"]))
    >>> [show(one) for one in implied.sure], [show(one) for one in implied.kind]
    (["pk = 'C#ada'"], ["begins_with(sk, 'O#')"])

    A partition key gets the values that any of the kinds makes of the condition: items of the others are not found by
    it. A sort key is bounded only where all kinds are known, and each says how its keys begin, or between which they
    lie. `parts` as in `implied_conditions`.
    """
    names = table.names_in(condition, table.every)
    # An item of an unknown kind may lie under the partition key that any kind makes.
    said = {
        name: implied_conditions(table[name], condition, parts)
        for name in table.kinds
        if name in names or None in names
    }
    partitions = {name for index in table.ways for name in table.partition_keys_of(index)}
    sorting = {name for index in table.ways for name in table.sort_keys_of(index)}
    sure: list[Condition] = []
    kind: list[Condition] = []
    for name in table.key_attributes:
        if name in partitions - sorting:
            sure += _choices(name, [one for implied in said.values() for one in implied.sure])
        elif None not in names:
            sure += _start(name, [implied.sure for implied in said.values()])
            whole = [(*implied.sure, *implied.kind) for implied in said.values()]
            kind += [*_start(name, whole), *_span(name, whole)]
    return Implied(tuple(sure), tuple(one for one in kind if one not in sure))


def not_found(table: Kinds, condition: Condition, keys: Iterable[str]) -> list[str]:
    """The kinds whose items cannot be found by a condition that gives values to these partition keys.

    >>> shop = kinds({"order": Table("Shop", "pk", attributes={"pk": template("O#{order}")}),
    ...               "note": Table("Shop", "pk", attributes={"pk": template("N#{note}")})}, by="type")
    >>> not_found(shop, eq("order", "7"), ["pk"]), not_found(shop, eq("pk", "O#7"), ["pk"])
    (['note'], [])
    """
    names = [name for name in table.kinds if name in table.names_in(condition, table.every)]
    parts = parts_of(condition)
    made = [key for key in keys if not any(options(part, key) for part in parts)]
    implied = {name: implied_conditions(table[name], condition).sure for name in names}
    return [name for name in names if not all(any(options(one, key) for one in implied[name]) for key in made)]


def _choices(name: str, conditions: Iterable[Condition]) -> list[Condition]:
    """The condition that the attribute has one of the values that any of the conditions give it."""
    values = list(dict.fromkeys(value for one in conditions for value in options(one, name)))
    if len(values) == 1:
        return [Compare("=", Path((name,)), values[0])]
    return [In(Path((name,)), tuple(values))] if values else []


def _start(name: str, by_kind: Sequence[Sequence[Condition]]) -> list[Condition]:
    """The condition that the attribute begins as all kinds say; none where one of them does not say."""
    starts = [max((_text(one, name) for one in some), key=len, default="") for some in by_kind]
    if len({*starts}) == 1 and all(any(options(one, name) for one in some) for some in by_kind):
        return [Compare("=", Path((name,)), Value("S", starts[0]))]
    common = commonprefix(starts)  # noqa: RUF071 - of texts, not of paths
    return [Test("begins_with", (Path((name,)), operand(common)))] if common else []


def _span(name: str, by_kind: Sequence[Sequence[Condition]]) -> Iterator[Condition]:
    """Between which keys those of all kinds lie, where ranges say more than how the keys begin."""
    spans = [ranges(name, some) for some in by_kind]
    if not any(isinstance(one.part, Compare) for some in spans for one in some):
        return
    for some, conditions in zip(spans, by_kind, strict=True):
        fixed = [(value, True) for one in conditions if is_equal(one, name) for value in options(one, name)]
        some += [Range(ALWAYS, end, end) for end in fixed]
    lows, highs = zip(*map(ends, spans), strict=True)
    if all(lows):
        low = min((end for end in lows if end), key=lambda end: end[0].body)
        yield Compare(">=", Path((name,)), low[0])
    if all(highs):
        high = max((end for end in highs if end), key=lambda end: (end[0].body, end[1]))
        yield Compare("<=" if high[1] else "<", Path((name,)), high[0])


def _text(condition: Condition, name: str) -> str:
    """The text with which the condition says that the attribute begins; empty where it does not."""
    values = options(condition, name)
    text = values[0].body if len(values) == 1 else prefix(condition, name)
    return text if isinstance(text, str) else ""
