"""What a condition on the parts of derived keys says about the keys themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from flyexpr.expressions.nodes import Between, Compare, Condition, In, Or, Path, Test, Value, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.expressions.simplify import simplify
from flyexpr.expressions.terms import operand
from flyexpr.records import record
from flyexpr.schema.derived.part_ranges import part_bounds, unbounded
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.table import Table
from flyexpr.values.freeze import thaw


@record
class Implied:
    """What a condition implies for derived key attributes: conditions for a key condition, never for a filter.

    Those in `sure` are true of every item that matches. Those in `kind` are true of items that the table itself wrote:
    they say with which text the templates of their keys begin, and bound it by the first part.
    """

    sure: tuple[Condition, ...] = ()
    kind: tuple[Condition, ...] = ()


def implied_conditions(table: Table, condition: Condition, parts: Sequence[Condition] = ()) -> Implied:
    """What the condition implies for derived key attributes, in stored types: values, bounds, or how they begin.

    >>> keys = {"uid": template("{type}:{id}"), "at": template("AT#{day}")}
    >>> accounts = Table("accounts", "uid", "at", attributes=keys)
    >>> implied = implied_conditions(accounts, eq("type", "facebook"))
    >>> [show(one) for one in implied.sure], [show(one) for one in implied.kind]
    (["begins_with(uid, 'facebook:')"], ["begins_with(at, 'AT#')"])

    `parts` are the same condition in stored types, each a condition that has to hold; ranges are taken from them. What
    is implied may go into a key condition, never into a filter: an item that another program stored without the
    attribute still matches. Where the condition is on the key attribute itself, nothing is added about the kind.
    """
    sure: list[Condition] = []
    kind: list[Condition] = []
    if not table.derived:
        return Implied()
    known, listed = {**table.constants, **known_values(condition)}, listed_values(condition)
    named = {path.parts[0] for path in paths(condition)}
    for name, derived in table.derived.items():
        if name not in table.key_attributes:
            continue  # it is in no key, and items older than its declaration lack it
        asked = [part for part in derived.parts if part not in table.constants]
        if asked and all(known.get(part) is not None for part in derived.parts):
            known[name] = value = derived.value(known)
            if value is not None:
                sure.append(_stored(table, derived, Compare("=", Path((name,)), operand(value))))
            continue
        sure += [_stored(table, derived, one) for one in _choices(name, derived, known, listed)]
        if derived.function is None:
            starts = _starts(table, name, derived, known, parts)
            if asked and known.get(asked[0]) is not None:
                sure += starts
            elif name not in named:
                kind += starts
    return Implied(tuple(sure), tuple(kind))


def _stored(table: Table, derived: Derived, condition: Condition) -> Condition:
    """The condition in stored types: a template makes text, which is stored as it is."""
    return condition if derived.function is None else lower_condition(table, condition)


def _choices(
    name: str, derived: Derived, known: Mapping[str, Any], listed: Mapping[str, Sequence[Any]]
) -> Iterator[Condition]:
    """The values that are left to a derived attribute, where the condition lists those of its parts.

    An item with a part that is None, or with parts that make None, has no such attribute by which it could be found.
    """
    if listed.keys().isdisjoint(derived.parts):
        return
    values = [listed.get(part) or [known.get(part)] for part in derived.parts]
    if all(None not in choices for choices in values):
        made = [derived.value(dict(zip(derived.parts, choice, strict=True))) for choice in product(*values)]
        if None not in made:
            yield In(Path((name,)), tuple(dict.fromkeys(map(operand, made))))


def _starts(
    table: Table, name: str, derived: Derived, known: Mapping[str, Any], parts: Sequence[Condition]
) -> Iterator[Condition]:
    """How the text of a template begins, and what ranges on its first unknown part say of it."""
    begun, path = derived.begun(known), Path((name,))
    if begun.text:
        yield (
            Test("begins_with", (path, operand(begun.text)))
            if not table.constants.keys() >= {*derived.parts}
            else Compare("=", path, operand(begun.text))
        )
    yield from part_bounds(table, name, begun, parts)


def unused_ranges(table: Table, condition: Condition, names: Sequence[str]) -> list[str]:
    """Why ranges on parts of templates do not bound these sort keys, in words.

    >>> table = Table("t", "pk", "sk", attributes={"sk": template("N#{n}"), "n": int})
    >>> unused_ranges(table, gt("n", 7), ["sk"])
    ['the condition on `n` does not bound `sk`: the texts of {n} do not sort as numbers do; a fixed width, ...']
    """
    known, named = {**table.constants, **known_values(condition)}, {path.parts[0] for path in paths(condition)}
    stored = simplify(lower_condition(table, condition))
    templates = [(name, table.derived[name]) for name in names if name in table.derived and name not in named]
    parts = parts_of(stored)
    whys = [unbounded(table, name, one.begun(known), parts) for name, one in templates if one.function is None]
    return [why for why in whys if why]


def known_values(condition: Condition) -> dict[str, Any]:
    """The attributes for which the condition allows only one value, with that value.

    >>> known_values(eq("a", 1) & gt("b", 2) & is_in("c", [3]) & between("d", 4, 4))
    {'a': 1, 'c': 3, 'd': 4}
    """
    known = {}
    for part in parts_of(condition):
        match part:
            case Compare("=", Path((str(name),)), Value(kind, body)) | Compare(
                "=", Value(kind, body), Path((str(name),))
            ):
                known[name] = thaw((kind, body))
            case In(Path((str(name),)), (Value(kind, body),)):
                known[name] = thaw((kind, body))
            case Between(Path((str(name),)), Value(kind, body) as low, high) if low == high:
                known[name] = thaw((kind, body))
    return known


def listed_values(condition: Condition) -> dict[str, list[Any]]:
    """The attributes for which the condition lists several values, with these.

    >>> listed_values(is_in("a", [1, 2]) & (eq("b", "x") | eq("b", None)) & gt("c", 3))
    {'a': [1, 2], 'b': ['x', None]}
    """
    listed: dict[str, list[Any]] = {}
    for part in parts_of(condition):
        match part:
            case In(Path((str(name),)), options) if all(isinstance(one, Value) for one in options):
                listed[name] = [thaw((one.kind, one.body)) for one in options if isinstance(one, Value)]
            case Or(choices) if choices:
                each = [known_values(one) for one in choices if isinstance(one, Compare)]
                names = {name for known in each for name in known}
                if len(names) == 1 and len(each) == len(choices) and all(each):
                    name = names.pop()
                    listed[name] = [known[name] for known in each]
    return listed
