"""What a SELECT reads: a page of a table or an index, or in batches and transactions one item.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.key_schema import KeySchema
from flyexpr.engines.sqlite.disk.keys import Range, segment_range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.clauses import find_clause
from flyexpr.engines.sqlite.request.expressions import named_paths
from flyexpr.engines.sqlite.request.intents import STATEMENT
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, PageAsked
from flyexpr.engines.sqlite.request.intents.statements import ExecutionAsked, StatementAsked
from flyexpr.engines.sqlite.request.next_tokens import MISMATCH
from flyexpr.engines.sqlite.rules.key_ranges import KeyedRange, asks_only_keys, excludes_partitions, key_ranges
from flyexpr.engines.sqlite.rules.selection import check_filter_held, check_key_paths
from flyexpr.engines.sqlite.rules.start_keys import start_row
from flyexpr.expressions.nodes import Condition, In, Path, Value, parts_of
from flyexpr.expressions.parse.statements import Select, SortTerm


class SelectedPage(NamedTuple):
    """A page that a SELECT asks for, and the ranges of rows that it is taken from."""

    page: PageAsked
    ranges: list[Range]


def selected_page(table: StoredTable, index: StoredIndex | None, select: Select, asked: ExecutionAsked) -> SelectedPage:
    """The page that a SELECT asks for; ValidationException where the table cannot give it."""
    schema = index.key if index is not None else table.key
    _check_order(select, schema)
    keyed, reverse = key_ranges(select.condition, schema), False
    if select.order:
        keyed, reverse = _ordered(keyed, select, schema)
    tested = named_paths(select.condition)
    check_key_paths(table, (*(select.paths or ()), *tested))
    if select.condition is not None and _is_keyed(select.condition, schema):
        check_filter_held(index, select.condition)
    ranges = [segment_range(0, 1)] if keyed is None else [one.rows for one in keyed]
    page = PageAsked(
        select.table,
        select.index,
        None,
        _filter(select.condition, keyed, schema),
        tested,
        select.paths,
        asked.start,
        limit=asked.limit,
        reverse=reverse,
        consistent=asked.single.consistent,
        capacity=asked.capacity,
        by=STATEMENT,
    )
    if asked.start is not None:
        ranges = _after(start_row(table, index, asked.start), ranges, reverse=reverse)
    return SelectedPage(page, ranges)


def _filter(condition: Condition | None, keyed: list[KeyedRange] | None, schema: KeySchema) -> Condition | None:
    """What is left to be asked of the rows of the ranges."""
    answered = condition is not None and keyed is not None and asks_only_keys(condition, schema)
    return None if answered else condition


def find_index(table: StoredTable, select: Select, *, consistent: bool) -> StoredIndex | None:
    """The index that a SELECT names, in the words of statements where it cannot be read."""
    if select.index is None:
        return None
    index = table.index(select.index)
    if table.vector_index(select.index) is not None:
        raise invalid("Scan operation not supported on this index type")
    if index is None:
        raise invalid("The table does not have the specified index")
    if len(index.key.partition) > 1 or len(index.key.sort) > 1:
        raise invalid(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys "
            "or multi-attribute RANGE keys."
        )
    if consistent and not index.reads_consistently:
        raise invalid("Strongly consistent read is not supported on Global Secondary Indexes")
    return index


def _is_keyed(condition: Condition, schema: KeySchema) -> bool:
    """Whether a condition that every row has to meet gives values for the partition key."""
    (partition,) = schema.partition
    for part in parts_of(condition):
        clause = find_clause(part)
        if clause is not None and clause.operator == "=" and clause.name == partition.name:
            return True
        if isinstance(part, In) and part.operand == Path((partition.name,)):
            return True
    return False


def _check_order(select: Select, schema: KeySchema) -> None:
    """None for an ORDER BY of key attributes beside a WHERE."""
    if select.order and select.condition is None:
        raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    for term in select.order:
        if term.problem:
            raise invalid(term.problem)
        if term.name not in schema.names:
            raise invalid(f"Attribute {term.name} in ORDER BY clause must be part of the primary key")


def _ordered(keyed: list[KeyedRange] | None, select: Select, schema: KeySchema) -> tuple[list[KeyedRange], bool]:
    """The ranges in the order of ORDER BY, and whether each is read backwards.

    A partition is read backwards unless ORDER BY names the sort key; that is what the service does.
    """
    if keyed is None or (not keyed and excludes_partitions(select.condition, schema)):
        raise invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    on_partition = _term(select.order, schema.partition[0].name)
    if on_partition is None and len({one.partition for one in keyed}) > 1:
        raise invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
        )
    on_sort = _term(select.order, schema.sort[0].name) if schema.sort else None
    backwards = on_sort is None or on_sort.descending
    keyed = sorted(keyed, key=lambda one: one.rows, reverse=backwards)
    last_first = on_partition is not None and on_partition.descending
    return sorted(keyed, key=lambda one: one.partition, reverse=last_first), backwards


def _term(order: Iterable[SortTerm], name: str) -> SortTerm | None:
    return next((term for term in order if term.name == name), None)


def _after(row: bytes, ranges: list[Range], *, reverse: bool) -> list[Range]:
    """What is left of the ranges after a row."""
    for position, (low, high) in enumerate(ranges):
        if low <= row < high:
            rest = (low, row) if reverse else (row + b"\0", high)
            return [rest, *ranges[position + 1 :]]
    raise invalid(MISMATCH)


def get_of(table: StoredTable, select: Select, asked: StatementAsked, operation: str, capacity: str) -> GetAsked:
    """The GetItem that a SELECT in a batch or a transaction is; it has to give the key, and nothing else."""
    key_ranges(select.condition, table.key)  # for its refusals
    parts = () if select.condition is None or select.index is not None else parts_of(select.condition)
    equalities = [_equality(part) for part in parts]
    key = {name: value.body for name, value in filter(None, equalities)}
    if None in equalities or set(key) != set(table.key.names) or len(set(equalities)) > len(key):
        raise invalid(f"Select statements within {operation} must specify the primary key in the where clause.")
    return GetAsked(table.name, key, select.paths, asked.consistent, capacity)


def _equality(part: Condition) -> tuple[str, Value] | None:
    """The attribute and the value of an equality; an IN with one value is one."""
    match part:
        case In(Path((str(name),)), (Value() as value,)):
            return name, value
    clause = find_clause(part)
    return (clause.name, clause.values[0]) if clause is not None and clause.operator == "=" else None
