"""Key conditions: which range of row keys they ask for.

Two roads lead here, KeyConditionExpression and the older KeyConditions; both become clauses, one a key attribute.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute, KeySchema, partition_key
from flyexpr.engines.sqlite.disk.keys import Range, following, key_bytes, prefix_bytes, prefix_range
from flyexpr.engines.sqlite.faults import UNUSABLE_PARAMETERS, invalid, invalid_parameter
from flyexpr.engines.sqlite.request.clauses import MIRRORED, Clause
from flyexpr.engines.sqlite.rules.keys import empty_key

_OPERATORS = {*MIRRORED, "BETWEEN", "begins_with"}


def key_range(clauses: Iterable[Clause], schema: KeySchema) -> Range:
    """The row keys that clauses on the attributes of a key ask for.

    >>> from flyexpr.engines.sqlite.disk.key_schema import row_key
    >>> from flyexpr.expressions.nodes import Value
    >>> schema = KeySchema((KeyAttribute("id", "S"),), (KeyAttribute("n", "N"),))
    >>> low, high = key_range([Clause("id", "=", (Value("S", "a"),)), Clause("n", "<", (Value("N", 5),))], schema)
    >>> low <= row_key(schema, {"id": "a", "n": 4}) < high <= row_key(schema, {"id": "a", "n": 5})
    True

    ValidationException unless every partition key attribute has an `=`, and so has a leading run of the sort key
    attributes, of which the last one named may have another operator.
    """
    by_name = {clause.name: clause for clause in clauses}
    _check_clauses(by_name, schema)
    for attribute in schema.attributes:
        if attribute.name in by_name:
            _check_values(by_name[attribute.name], attribute)
    start = partition_key(schema, {name: clause.values[0].body for name, clause in by_name.items()})
    rows = prefix_range(start)
    for attribute in schema.sort:
        if attribute.name in by_name:
            rows = _sort_range(rows[0], by_name[attribute.name], attribute.kind)
    return rows


def _sort_range(start: bytes, clause: Clause, kind: str) -> Range:
    first = start + key_bytes(kind, clause.values[0].body)
    match clause.operator:
        case "=":
            return prefix_range(first)
        case "<":
            return start, first
        case "<=":
            return start, following(first)
        case ">":
            return following(first), following(start)
        case ">=":
            return first, following(start)
        case "BETWEEN":
            return first, following(start + key_bytes(kind, clause.values[1].body))
    return first, following(start + prefix_bytes(kind, clause.values[0].body))  # the prefix itself comes first


def _check_clauses(clauses: dict[str, Clause], schema: KeySchema) -> None:
    if len(clauses) > len(schema.names):
        raise invalid(
            f"The number of query conditions ({len(clauses)}) exceeds the number of key attributes "
            f"defined in the schema ({len(schema.names)})"
        )
    several = len(schema.partition) > 1 or len(schema.sort) > 1
    for attribute in schema.partition:
        clause = clauses.get(attribute.name)
        if clause is None and not several:
            raise invalid(f"Query condition missed key schema element: {attribute.name}")
        _check_operator(clause)
    unequal = _unequal(schema.partition, clauses)
    if unequal and several:
        raise invalid(f"HASH key attributes {unequal} must have equality conditions specified in the query")
    if unequal:
        raise invalid("Query key condition not supported")
    if any(name not in schema.names for name in clauses):
        missed = next((key.name for key in schema.sort if key.name not in clauses), schema.names[-1])
        raise invalid(f"Query condition missed key schema element: {missed}")
    _check_run(clauses, schema)


def _unequal(attributes: Iterable[KeyAttribute], clauses: dict[str, Clause]) -> str:
    """The names of the key attributes that have no `=`."""
    return ", ".join([key.name for key in attributes if key.name not in clauses or clauses[key.name].operator != "="])


def _check_run(clauses: dict[str, Clause], schema: KeySchema) -> None:
    """Only the last sort key attribute with a condition may go without an `=`."""
    named = [position for position, key in enumerate(schema.sort) if key.name in clauses]
    if not named:
        return
    last = schema.sort[named[-1]].name
    _check_operator(clauses[last])
    before = schema.sort[: named[-1]]
    for key in before:
        _check_operator(clauses.get(key.name))
    unequal = _unequal(before, clauses)
    if unequal:
        raise invalid(
            f"RANGE key attributes {unequal} must have equality conditions specified in the query "
            f"because a condition is present on key attribute {last}"
        )


def _check_operator(clause: Clause | None) -> None:
    """KeyConditions may have any operator of the older parameters until the attribute is known to be a key's."""
    if clause is not None and clause.operator not in _OPERATORS:
        raise invalid("Attempted conditional constraint is not an indexable operation")


def _check_values(clause: Clause, attribute: KeyAttribute) -> None:
    for value in clause.values:
        if value.kind != attribute.kind:
            raise invalid_parameter("Condition parameter type does not match schema type")
        if not value.body and value.kind != "N":
            raise invalid(UNUSABLE_PARAMETERS + empty_key(value.body) + f" Key: {attribute.name}")
