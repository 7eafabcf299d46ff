"""Which rows a statement reads: the ranges of keys that its WHERE clause allows.

Keys decide between a query and a scan. Where every branch of the clause has a value for the partition key, only those
partitions are read, and of them what the conditions on the sort key allow. All rows that are read are then tried on the
whole clause, so a range may be too large, and never too small.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute, KeySchema
from flyexpr.engines.sqlite.disk.keys import Range, key_bytes
from flyexpr.engines.sqlite.faults import WrongKeyType, invalid
from flyexpr.engines.sqlite.request.clauses import Clause, find_clause
from flyexpr.engines.sqlite.request.expressions import attribute_names
from flyexpr.engines.sqlite.rules.keys import check_key_size
from flyexpr.engines.sqlite.rules.ranges import key_range
from flyexpr.expressions.nodes import And, Condition, In, Or, Path, Value
from flyexpr.values.kinds import ORDERED

MANY = 128  # branches; a clause with more is a scan
_ANYTHING = ""  # the operator of a clause that is no range of keys

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
    if branches is None or not all(_values(branch, schema.partition[0]) for branch in branches):
        return None
    for branch in branches:
        _check_values(branch, schema)
    ranges = [_range_of(branch, schema) for branch in branches]
    if all(_is_exact(branch, schema) for branch in branches):
        _check_apart(ranges)
        return ranges
    return _merged(ranges)


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
        case In(Path((str(name),)), options) if name in schema.names and _reads_each(name, options, schema):
            return [(Clause(name, "=", (option,)),) for option in options if isinstance(option, Value)]
    clause = find_clause(condition)
    if clause is not None and clause.name in schema.names:
        return [(clause,)]
    return [tuple(Clause(name, _ANYTHING, ()) for name in schema.names if name in attribute_names(condition))]


def _reads_each(name: str, options: Sequence[object], schema: KeySchema) -> bool:
    """Whether IN is read as one equality for each option, which it is for a partition key, and for a single option."""
    is_partition = name == schema.partition[0].name
    return all(isinstance(option, Value) for option in options) and (is_partition or len(options) == 1)


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


def _is_exact(branch: Branch, schema: KeySchema) -> bool:
    """Whether a branch has at most one condition on the sort key, and that one is a range."""
    on_sort = [clause for clause in set(branch) if clause.name != schema.partition[0].name]
    return len(on_sort) <= 1 and all(clause.operator != _ANYTHING for clause in on_sort)


# Values


def _check_values(branch: Branch, schema: KeySchema) -> None:
    for attribute in schema.attributes:
        for clause in branch:
            if clause.name == attribute.name:
                for value in clause.values:
                    check_key_value(attribute, value)
        for value in _values(branch, attribute):
            single = KeySchema((attribute,), ()) if attribute in schema.partition else KeySchema((), (attribute,))
            check_key_size(single, {attribute.name: value.body})


def check_key_value(attribute: KeyAttribute, value: Value) -> None:
    """None for a value of the type of a key attribute."""
    if value.kind not in ORDERED:
        raise invalid(f"Key value must be of type S, N, or B. Key name: {attribute.name}, Key type: {value.kind}")
    if value.kind != attribute.kind:
        raise wrong_key_type(attribute.name)


def wrong_key_type(name: str) -> WrongKeyType:
    """The refusal of a key value of another type."""
    words = f"Key attribute's data type should match its data type in table's schema: Key {name}"
    return WrongKeyType("ValidationException", words)


# Ranges


def _range_of(branch: Branch, schema: KeySchema) -> KeyedRange:
    """The rows of the branch's partition that all its clauses on the sort key allow."""
    (partition,) = schema.partition
    value = _values(branch, partition)[0]
    pinned = Clause(partition.name, "=", (value,))
    low, high = key_range([pinned], schema)
    for clause in branch:
        if (
            clause.name != partition.name
            and clause.values
            and all(one.body or one.kind == "N" for one in clause.values)
        ):
            start, end = key_range([pinned, clause], schema)
            low, high = max(low, start), min(high, end)
    return KeyedRange(key_bytes(partition.kind, value.body), (low, high))


def _check_apart(ranges: list[KeyedRange]) -> None:
    rows = sorted(keyed.rows for keyed in ranges)
    if any(after[0] < before[1] for before, after in pairwise(rows)):
        raise invalid("Overlapping conditions with range keys are not supported in where clause")


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
