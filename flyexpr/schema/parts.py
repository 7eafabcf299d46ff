"""The parts of derived keys: filled in on reading where an item lacks them, and so in conditions.

Items that another program wrote have the key `USER#1`, but seldom an attribute `user`. A table that declares the key by
a template reads them as if they had. What it asks the service for has to mean the same: `user = '1'` is true of an item
that holds that, and of one that lacks `user` under a key that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import (
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Test,
    Value,
    joined,
)
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
    found: dict[str, Any] = {}
    for part in parts_in(table, paths(condition)):
        value = _decided(table, part, keys)
        if value is _UNDECIDED:
            return None
        if value is not MISSING:
            found[part] = value
    rewritten = _each_leaf(condition, lambda leaf: _stored_leaf(table, leaf, found, there))
    return None if rewritten is None else simplify(rewritten)


def may_match(table: Table, condition: Condition) -> Condition:
    """A condition on stored items that is true of all that match as they are read, and of some that do not.

    >>> show(may_match(Table("t", "pk", attributes={"pk": template("U#{user}")}), eq("user", "1")))
    "user = '1' OR attribute_not_exists(user)"
    """
    lacking = [_not_exists(part) for part in sorted(parts_in(table, paths(condition)))]
    return joined(Or, [condition, *lacking])


_UNDECIDED = object()


def _decided(table: Table, part: str, keys: Mapping[str, Any]) -> Any:
    """What an item under these keys is given for a part that it lacks."""
    for inverse in table.inverses:
        if part in inverse.parts:
            if inverse.name not in keys:
                return _UNDECIDED
            text = keys[inverse.name]
            value = inverse.read(text).get(part, MISSING) if isinstance(text, str) else MISSING
            if value is not MISSING:
                return value
    return MISSING


def _each_leaf(condition: Condition, change: Callable[[Condition], Condition | None]) -> Condition | None:
    match condition:
        case And(parts) | Or(parts):
            changed = [_each_leaf(part, change) for part in parts]
            return None if None in changed else joined(type(condition), [part for part in changed if part is not None])
        case Not(part):
            inside = _each_leaf(part, change)
            return None if inside is None else Not(inside)
    return change(condition)


def _stored_leaf(table: Table, leaf: Condition, values: Mapping[str, Any], there: bool) -> Condition | None:
    here = [path for path in paths(leaf) if len(path.parts) == 1 and path.parts[0] in values]
    if not here:
        return leaf
    if len(paths(leaf)) > 1:
        return None  # compared with what only the item knows
    name = str(here[0].parts[0])
    filled, lacks = _with_value(leaf, here[0], Value(*freeze(values[name]))), _not_exists(name)
    if matches(leaf, {}) == matches(filled, {}):
        return leaf
    if not matches(leaf, {}):
        return Or((leaf, lacks if there else And((lacks, _exists(table.partition_key)))))
    has = And((leaf, _exists(name)))
    return has if there else Or((has, _not_exists(table.partition_key)))


def _with_value(leaf: Condition, path: Path, value: Value) -> Condition:
    def put(operand: Operand) -> Operand:
        if operand == path:
            return value
        return Call(operand.function, tuple(map(put, operand.arguments))) if isinstance(operand, Call) else operand

    match leaf:
        case Compare(operator, left, right):
            return Compare(operator, put(left), put(right))
        case Between(operand, low, high):
            return Between(put(operand), put(low), put(high))
        case In(operand, options):
            return In(put(operand), tuple(map(put, options)))
        case Test(function, arguments):
            return Test(function, tuple(map(put, arguments)))
    return leaf


def _exists(name: str) -> Condition:
    return Test("attribute_exists", (Path((name,)),))


def _not_exists(name: str) -> Condition:
    return Test("attribute_not_exists", (Path((name,)),))
