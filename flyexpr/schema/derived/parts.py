"""The parts of derived keys: where a stored item lacks them, reading fills them in, and conditions allow for that.

Items that another program wrote have the key `USER#1`, but often no attribute `user`. A table whose key is a template
reads them as if they had one. The conditions that it sends have to mean the same: `user = '1'` is true of an item that
holds it, and of an item without `user` whose key says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import (
    And,
    Condition,
    Not,
    Or,
    Path,
    Test,
    Value,
    children,
    joined,
    rebuilt,
)
from flyexpr.expressions.paths import paths
from flyexpr.expressions.simplify import simplify
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.table import Table
from flyexpr.values.freeze import freeze
from flyexpr.values.types import MISSING, Item


def fill(table: Table, item: Item) -> Item:
    """Fills in, in place, the parts that a stored item lacks, from its keys; gives the item back.

    >>> keys = {"pk": template("U#{user}"), "sk": template("O#{n:03d}")}
    >>> table = Table("Shop", "pk", "sk", attributes={**keys, "n": int})
    >>> fill(table, {"pk": "U#ada", "sk": "O#007"})
    {'pk': 'U#ada', 'sk': 'O#007', 'user': 'ada', 'n': 7}
    >>> fill(table, {"pk": "U#ada", "sk": "PROFILE", "user": "bob"})
    {'pk': 'U#ada', 'sk': 'PROFILE', 'user': 'bob'}

    What the item holds stays, even if it contradicts the key.
    """
    if isinstance(table, Kinds) and (kind := table.of_stored(item)) is not table.as_stored:
        table = kind  # an item of an unknown kind has what the templates of any kind say
    return fill_by(table, item)


def fill_by(table: Table, item: Item) -> Item:
    """The same by the templates of the table itself, whatever kind the item is of.

    >>> fill_by(Table("Shop", "pk", attributes={"pk": template("U#{user}")}), {"pk": "U#ada"})
    {'pk': 'U#ada', 'user': 'ada'}
    """
    for inverse in table.inverses:
        text = item.get(inverse.name)
        if isinstance(text, str) and any(part not in item for part in inverse.parts):
            for part, value in inverse.read(text).items():
                item.setdefault(part, value)
    return item


def parts_in(table: Table, paths: Iterable[Path]) -> frozenset[str]:
    """The attributes in the paths that may be filled in."""
    return table.fillable.intersection(str(path.parts[0]) for path in paths)


def sources_of(table: Table, parts: Iterable[str]) -> tuple[str, ...]:
    """The key attributes from which the parts may be filled in.

    >>> sources_of(Table("t", "pk", attributes={"pk": template("U#{user}")}), ["user"])
    ('pk',)
    """
    wanted = {*parts}
    return tuple(inverse.name for inverse in table.inverses if not wanted.isdisjoint(inverse.parts))


def as_stored(table: Table, condition: Condition, keys: Mapping[str, Any], *, there: bool) -> Condition | None:
    """A condition on the stored item that is true where `condition` is true of the item as it is read.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> show(as_stored(table, eq("user", "1"), {"pk": "U#1"}, there=True))
    "user = '1' OR attribute_not_exists(user)"
    >>> show(as_stored(table, ne("user", "1"), {"pk": "U#1"}, there=True))
    "user <> '1' AND attribute_exists(user)"
    >>> as_stored(table, eq("user", "1"), {}, there=True) is None
    True

    The item has these `keys`; None where they do not decide what is filled in. `there` says that the item is known to
    exist: for an item that does not exist, nothing is filled in.
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
    """The keys do not decide what is filled in."""


def may_match(table: Table, condition: Condition) -> Condition:
    """A condition on stored items that is true of all items that match as they are read, and of some others.

    >>> show(may_match(Table("t", "pk", attributes={"pk": template("U#{user}")}), eq("user", "1")))
    "user = '1' OR attribute_not_exists(user)"
    """
    lacking = [_not_exists(part) for part in sorted(parts_in(table, paths(condition)))]
    return joined(Or, [condition, *lacking])


def _filled_in(table: Table, part: str, keys: Mapping[str, Any]) -> Any:
    """The value filled in for a part that an item under these keys lacks; MISSING for none."""
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
    name = str(here[0].parts[0])
    lacks, with_value = _not_exists(name), _with_value(condition, here[0], Value(*freeze(filled[name])))
    if len(paths(condition)) > 1:  # it is compared with an attribute that only the item has
        if here[0] not in _replaceable(condition):
            raise _Undecided
        others = {part: value for part, value in filled.items() if part != name}
        has = And((_exists(name), _stored(table, condition, others, there)))
        filled_in = _stored(table, with_value, others, there)
        if there:
            return Or((has, And((lacks, filled_in))))
        absent = [_not_exists(table.partition_key)] if matches(condition, {}) else []
        return Or((has, And((lacks, _exists(table.partition_key), filled_in)), *absent))
    holds, holds_filled = matches(condition, {}), matches(with_value, {})
    if holds == holds_filled:
        return condition
    if holds_filled:
        return Or((condition, lacks if there else And((lacks, _exists(table.partition_key)))))
    has = And((condition, _exists(name)))
    return has if there else Or((has, _not_exists(table.partition_key)))


def _replaceable(condition: Condition) -> Sequence[Any]:
    """The operands of a condition that may be constants; of a function, DynamoDB takes no constant as the first one."""
    below = children(condition)
    return below[1:] if isinstance(condition, Test) else below


def _with_value(node: Any, path: Path, value: Value) -> Any:
    """The node with the value in place of the path."""
    return value if node == path else rebuilt(node, lambda below: _with_value(below, path, value))


def _exists(name: str) -> Condition:
    return Test("attribute_exists", (Path((name,)),))


def _not_exists(name: str) -> Condition:
    return Test("attribute_not_exists", (Path((name,)),))
