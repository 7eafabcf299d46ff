"""The parts of derived keys: filled in on reading where an item lacks them, and so in conditions.

Items that another program wrote have the key `USER#1`, but seldom an attribute `user`. A table that declares the key by
a template reads them as if they had. What it asks the service for has to mean the same: `user = '1'` is true of an item
that holds that, and of one that lacks `user` under a key that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import And, Condition, Not, Or, Path, Test, Value, joined, rebuilt
from flyexpr.expressions.paths import paths
from flyexpr.expressions.simplify import simplify
from flyexpr.schema.table import Table
from flyexpr.values.freeze import freeze
from flyexpr.values.kinds import MISSING, Item


def fill(table: Table, item: Item) -> Item:
    """The stored item, in place, with the parts that it lacks, as its keys say.

    >>> keys = {"pk": template("U#{user}"), "sk": template("O#{n:03d}")}
    >>> table = Table("Shop", "pk", "sk", attributes={**keys, "n": int})
    >>> fill(table, {"pk": "U#ada", "sk": "O#007"})
    {'pk': 'U#ada', 'sk': 'O#007', 'user': 'ada', 'n': 7}
    >>> fill(table, {"pk": "U#ada", "sk": "PROFILE", "user": "bob"})
    {'pk': 'U#ada', 'sk': 'PROFILE', 'user': 'bob'}

    What the item holds stays, right or wrong.
    """
    for inverse in table.inverses:
        text = item.get(inverse.name)
        if isinstance(text, str) and any(part not in item for part in inverse.parts):
            for part, value in inverse.read(text).items():
                item.setdefault(part, value)
    return item


def parts_in(table: Table, spoken: Iterable[Path]) -> frozenset[str]:
    """Those of the paths' attributes that may be filled in."""
    return table.fillable.intersection(str(path.parts[0]) for path in spoken)


def sources_of(table: Table, parts: Iterable[str]) -> tuple[str, ...]:
    """The key attributes that parts may be filled in from.

    >>> sources_of(Table("t", "pk", attributes={"pk": template("U#{user}")}), ["user"])
    ('pk',)
    """
    wanted = {*parts}
    return tuple(inverse.name for inverse in table.inverses if not wanted.isdisjoint(inverse.parts))


def as_stored(table: Table, condition: Condition, keys: Mapping[str, Any], *, there: bool) -> Condition | None:
    """The condition on an item as it is stored, that is true where `condition` is true of it as it is read.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> show(as_stored(table, eq("user", "1"), {"pk": "U#1"}, there=True))
    "user = '1' OR attribute_not_exists(user)"
    >>> show(as_stored(table, ne("user", "1"), {"pk": "U#1"}, there=True))
    "user <> '1' AND attribute_exists(user)"
    >>> as_stored(table, eq("user", "1"), {}, there=True) is None
    True

    Of items whose `keys` are these; None where they do not decide what is filled in. `there` says that the item is
    known to exist: one that does not has no parts.
    """
    try:
        filled: dict[str, Any] = {}
        for part in parts_in(table, paths(condition)):
            value = _filled_in(table, part, keys)
            if value is not MISSING:
                filled[part] = value
        return simplify(_stored(table, condition, filled, there))
    except _Undecided:
        return None


class _Undecided(Exception):
    """The keys do not say what the condition is of the stored item."""


def may_match(table: Table, condition: Condition) -> Condition:
    """A condition on stored items that is true of all that match as they are read, and of some that do not.

    >>> show(may_match(Table("t", "pk", attributes={"pk": template("U#{user}")}), eq("user", "1")))
    "user = '1' OR attribute_not_exists(user)"
    """
    lacking = [_not_exists(part) for part in sorted(parts_in(table, paths(condition)))]
    return joined(Or, [condition, *lacking])


def _filled_in(table: Table, part: str, keys: Mapping[str, Any]) -> Any:
    """The value that an item under these keys is given for a part that it lacks; MISSING for none."""
    for inverse in table.inverses:
        if part in inverse.parts:
            if inverse.name not in keys:
                raise _Undecided
            text = keys[inverse.name]
            value = inverse.read(text).get(part, MISSING) if isinstance(text, str) else MISSING
            if value is not MISSING:
                return value
    return MISSING


def _stored(table: Table, condition: Condition, filled: Mapping[str, Any], there: bool) -> Condition:
    if isinstance(condition, (And, Or, Not)):
        return rebuilt(condition, lambda part: _stored(table, part, filled, there))
    here = [path for path in paths(condition) if len(path.parts) == 1 and path.parts[0] in filled]
    if not here:
        return condition
    if len(paths(condition)) > 1:
        raise _Undecided  # compared with what only the item knows
    name = str(here[0].parts[0])
    lacks, constant = _not_exists(name), Value(*freeze(filled[name]))
    holds, holds_filled = matches(condition, {}), matches(_with_value(condition, here[0], constant), {})
    if holds == holds_filled:
        return condition
    if holds_filled:
        return Or((condition, lacks if there else And((lacks, _exists(table.partition_key)))))
    has = And((condition, _exists(name)))
    return has if there else Or((has, _not_exists(table.partition_key)))


def _with_value(node: Any, path: Path, value: Value) -> Any:
    """The node with the value in place of the path."""
    return value if node == path else rebuilt(node, lambda below: _with_value(below, path, value))


def _exists(name: str) -> Condition:
    return Test("attribute_exists", (Path((name,)),))


def _not_exists(name: str) -> Condition:
    return Test("attribute_not_exists", (Path((name,)),))
