"""Which rows a statement reads: the ranges of keys that its WHERE clause allows.

Keys decide between a query and a scan. Where every branch of the clause has a value for the partition key, only those
partitions are read, and of them what the conditions on the sort key allow. All rows that are read are then tried on the
whole clause, so a range may be too large, and never too small.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute, KeySchema
from flyexpr.engines.sqlite.disk.keys import Range, key_bytes
from flyexpr.engines.sqlite.faults import NoKeyType, WrongKeyType, invalid
from flyexpr.engines.sqlite.request.clauses import Clause, find_clause
from flyexpr.engines.sqlite.request.expressions import attribute_names
from flyexpr.engines.sqlite.rules.keys import check_key_size
from flyexpr.engines.sqlite.rules.ranges import key_range
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import And, Condition, In, Or, Path, Value, parts_of
from flyexpr.values.types import ORDERED

MANY = 1000  # branches; a clause with more is a scan
_ANYTHING = ""  # the operator of a clause that is no range of keys
_OPTIONS = "IN"  # that of several values of the sort key: all rows of the partition are read and tried

Branch = tuple[Clause, ...]


class KeyedRange(NamedTuple):
    """A range of rows within one partition, and the bytes of the partition's key, which sort as the values do."""

    partition: bytes
    rows: Range


def key_ranges(condition: Condition | None, schema: KeySchema) -> list[KeyedRange] | None:
    """The ranges in the order in which the condition names their partitions; None for a scan.

    >>> from flyexpr import begins_with, eq, gt, is_in
    >>> schema = KeySchema((KeyAttribute("id", "S"),), (KeyAttribute("n", "N"),))
    >>> len(key_ranges(is_in("id", ["a", "b"]) & gt("n", 3), schema)), key_ranges(gt("n", 3), schema)
    (2, None)

    ValidationException for values of a wrong type or size, and for ranges that overlap.
    """
    branches = [()] if condition is None else _branches(condition, schema)
    for branch in takewhile(lambda branch: _is_checked(branch, schema), branches or ()):
        _check_values(branch, schema)
    _check_options(condition, schema)
    if branches is None or not all(_values(branch, schema.partition[0]) for branch in branches):
        return None
    singles = [single for branch in branches for single in _value_by_value(branch)]
    exact = all(_is_exact(branch, schema) for branch in branches)
    ranges = _ranges_of(branches, schema)
    if exact:
        _check_apart(ranges if singles == branches else _ranges_of(singles, schema))
    _check_sizes(branches, schema)
    return ranges if exact and singles == branches else _merged(ranges)


def asks_only_keys(condition: Condition, schema: KeySchema) -> bool:
    """Whether the ranges are all that a condition asks, so that no row has to be tried on it.

    >>> from flyexpr import eq, gt
    >>> schema = KeySchema((KeyAttribute("id", "S"),), (KeyAttribute("n", "N"),))
    >>> asks_only_keys(eq("id", "a") & gt("n", 3), schema), asks_only_keys(eq("id", "a") & gt("wins", 3), schema)
    (True, False)
    """
    names = [_name_of_range(part, schema) for part in parts_of(condition)]
    return None not in names and len(set(names)) == len(names)


def excludes_partitions(condition: Condition | None, schema: KeySchema) -> bool:
    """Whether every branch of a condition asks several values of the partition key at once.

    >>> from flyexpr import eq
    >>> schema = KeySchema((KeyAttribute("id", "S"),), ())
    >>> excludes_partitions(eq("id", "a") & eq("id", "b"), schema), excludes_partitions(eq("id", "a"), schema)
    (True, False)
    """
    branches = [] if condition is None else _branches(condition, schema) or []
    return all(len(set(_values(branch, schema.partition[0]))) > 1 for branch in branches)


def _name_of_range(part: Condition, schema: KeySchema) -> str | None:
    """The key attribute for which a condition gives values or a range; None for any other condition."""
    branches = None if isinstance(part, Or) else _branches(part, schema)
    clauses = branches[0] if branches else ()
    return next((one.name for one in clauses for key in schema.attributes if _narrows(one, key)), None)


# Branches


def _branches(condition: Condition, schema: KeySchema) -> list[Branch] | None:
    """The clauses on key attributes in each branch of a condition; None if it has too many branches."""
    if attribute_names(condition).isdisjoint(schema.names):
        return [()]
    match condition:
        case Or(parts):
            return _each(parts, schema)
        case And(parts):
            return _all(parts, schema)
        case In(Path((str(name),)), options) if name in schema.names:
            values = [option for option in options if isinstance(option, Value)]
            # A partition key is read value by value, and so is a single value of a sort key.
            if len(values) == len(options) and (name == schema.partition[0].name or len(values) == 1):
                return [(Clause(name, "=", (value,)),) for value in values]
            if len(values) == len(options):
                return [(Clause(name, _OPTIONS, tuple(values)),)]
    clause = find_clause(condition)
    if clause is not None and clause.name in schema.names:
        return [(clause,)]
    return [tuple(Clause(name, _ANYTHING, ()) for name in schema.names if name in attribute_names(condition))]


def _each(parts: Iterable[Condition], schema: KeySchema) -> list[Branch] | None:
    branches: list[Branch] = []
    for part in parts:
        more = _branches(part, schema)
        if more is None or len(branches) + len(more) > MANY:
            return None
        branches += more
    return branches


def _all(parts: Iterable[Condition], schema: KeySchema) -> list[Branch] | None:
    branches: list[Branch] = [()]
    for part in parts:
        more = _branches(part, schema)
        if more is None or len(branches) * len(more) > MANY:
            return None
        branches = [one + other for one in branches for other in more]
    return branches


def _values(branch: Branch, attribute: KeyAttribute) -> list[Value]:
    """The values that a branch asks of a key attribute by equality."""
    return [clause.values[0] for clause in branch if clause.name == attribute.name and clause.operator == "="]


def _is_checked(branch: Branch, schema: KeySchema) -> bool:
    """Whether the values of a branch are checked; those after one that is not are not checked either."""
    return bool(_values(branch, schema.partition[0])) and not _is_twofold(branch, schema)


def _value_by_value(branch: Branch) -> list[Branch]:
    """The branches for each single value of a sort key that a branch asks several of."""
    options = next((clause for clause in branch if clause.operator == _OPTIONS), None)
    if options is None:
        return [branch]
    others = tuple(clause for clause in branch if clause != options)
    return [(*others, Clause(options.name, "=", (value,))) for value in options.values]


def _is_twofold(branch: Branch, schema: KeySchema) -> bool:
    """Whether a branch has two conditions on one key attribute."""
    return any(len({clause for clause in branch if clause.name == name}) > 1 for name in schema.names)


def _is_exact(branch: Branch, schema: KeySchema) -> bool:
    """Whether a branch has at most one condition on the sort key, and that one is a range."""
    on_sort = {clause for clause in branch if clause.name != schema.partition[0].name}
    return len(on_sort) <= 1 and all(clause.operator != _ANYTHING for clause in on_sort)


# Values


def _check_values(branch: Branch, schema: KeySchema) -> None:
    for attribute in schema.attributes:
        for clause in branch:
            if clause.name == attribute.name:
                for value in clause.values:
                    check_key_value(attribute, value)


def _check_sizes(branches: Sequence[Branch], schema: KeySchema) -> None:
    """None for key values that are small enough.

    The service measures that of the partition where a statement names only one, and those of the sort key where it asks
    one thing of it. What is too large is otherwise just not found.
    """
    (partition,), first = schema.partition, branches[0]
    pinned = {value for branch in branches for value in _values(branch, partition)}
    if len(pinned) > 1 or _is_twofold(first, schema):
        return
    for value in pinned:
        check_key_size(KeySchema((partition,), ()), {partition.name: value.body})
    for attribute in schema.sort if len(branches) == 1 else ():
        for value in [value for clause in first if clause.name == attribute.name for value in clause.values]:
            check_key_size(KeySchema((), (attribute,)), {attribute.name: value.body})


def check_key_value(attribute: KeyAttribute, value: Value) -> None:
    """None for a value of the type of a key attribute."""
    if value.kind not in ORDERED:
        words = f"Key value must be of type S, N, or B. Key name: {attribute.name}, Key type: {value.kind}"
        raise NoKeyType("ValidationException", words)
    if value.kind != attribute.kind:
        raise wrong_key_type(attribute.name)


def wrong_key_type(name: str) -> WrongKeyType:
    """The refusal of a key value of another type."""
    words = f"Key attribute's data type should match its data type in table's schema: Key {name}"
    return WrongKeyType("ValidationException", words)


def _check_options(condition: Condition | None, schema: KeySchema) -> None:
    """None for a condition that names no value of a key twice after IN."""
    match condition:
        case Or(parts) | And(parts):
            for part in parts:
                _check_options(part, schema)
        case In(Path((str(name),)), options) if name in schema.names:
            values = [option for option in options if isinstance(option, Value)]
            if len(set(values)) < len(values):
                raise _overlapping()


# Ranges


def _ranges_of(branches: Iterable[Branch], schema: KeySchema) -> list[KeyedRange]:
    return [keyed for branch in branches if (keyed := _range_of(branch, schema)) is not None]


def _range_of(branch: Branch, schema: KeySchema) -> KeyedRange | None:
    """The rows of the branch's partition that all its clauses on the sort key allow; None if it can have no rows."""
    (partition,) = schema.partition
    value, *others = dict.fromkeys(_values(branch, partition))
    if others or value.kind != partition.kind:
        return None
    pinned = Clause(partition.name, "=", (value,))
    low, high = key_range([pinned], schema)
    for clause in branch:
        if any(_narrows(clause, attribute) for attribute in schema.sort):
            start, end = key_range([pinned, clause], schema)
            low, high = max(low, start), min(high, end)
    return KeyedRange(key_bytes(partition.kind, value.body), (low, high))


def _narrows(clause: Clause, attribute: KeyAttribute) -> bool:
    """Whether a clause is a range of values that the key attribute can have; an empty text or binary is none."""
    if clause.name != attribute.name or clause.operator in (_ANYTHING, _OPTIONS):
        return False
    return all(value.kind == attribute.kind and (value.kind == "N" or value.body) for value in clause.values)


def _check_apart(ranges: list[KeyedRange]) -> None:
    rows = sorted(keyed.rows for keyed in ranges)
    if any(after[0] < before[1] for before, after in pairwise(rows)):
        raise _overlapping()


def _overlapping() -> DynamoError:
    """The refusal of a statement that would read a row twice."""
    return invalid("Overlapping conditions with range keys are not supported in where clause")


def _merged(ranges: list[KeyedRange]) -> list[KeyedRange]:
    """The ranges without those that overlap, which become one, so that no row is read twice."""
    merged: list[KeyedRange] = []
    for partition, (low, high) in sorted(ranges, key=lambda keyed: keyed.rows):
        if merged and low < merged[-1].rows[1]:
            start, end = merged[-1].rows
            merged[-1] = KeyedRange(partition, (start, max(end, high)))
        elif low < high:
            merged.append(KeyedRange(partition, (low, high)))
    return merged
