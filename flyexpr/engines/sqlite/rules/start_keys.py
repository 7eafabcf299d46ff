"""ExclusiveStartKey: the row that a page starts after; it need not exist.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute, KeySchema, row_key
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.clauses import Clause
from flyexpr.engines.sqlite.rules.keys import check_empty_key, check_key_size
from flyexpr.values.types import Item, stored_type

_INVALID = "The provided starting key is invalid"
_ONE_ROW = "The query can return at most one row and cannot be restarted"


def start_row(table: StoredTable, index: StoredIndex | None, start: Item) -> bytes:
    """The row key that a start key stands for.

    ValidationException unless it holds exactly the key attributes of the table, and of the index if one is read.
    """
    attributes = {*table.key.attributes, *(index.key.attributes if index else ())}
    if len(start) != len(attributes):
        raise invalid(_INVALID)
    for attribute in attributes:
        if attribute.name not in start or stored_type(start[attribute.name]) != attribute.kind:
            raise invalid(_INVALID)
    check_empty_key(table, start)
    check_key_size(table.key, start)
    row = row_key(table.key, start)
    if index is None:
        return row
    entry = index.row_key(row, start)
    if entry is None:
        raise invalid(_INVALID)
    return entry


def check_query_start(start: Item, clauses: Iterable[Clause], schema: KeySchema, *, restartable: bool) -> None:
    """None for a start that meets the key condition; a read of one row only cannot be restarted.

    The attributes are looked at in the order of the key, but for the last one of the partition, which comes at the end.
    """
    if not restartable:
        raise invalid("The provided exclusive start key is invalid")
    by_name = {clause.name: clause for clause in clauses}
    *first, last = schema.partition

    def meets(keys: Iterable[KeyAttribute]) -> bool:
        return all(by_name[key.name].holds(start) for key in keys if key.name in by_name)

    if not meets(first):
        raise invalid(_ONE_ROW)
    if not meets(schema.sort):
        raise invalid("The provided starting key does not match the range key predicate")
    if not meets([last]):
        outside = "The provided starting key is outside query boundaries based on provided conditions"
        raise invalid(_ONE_ROW if len(by_name) > len(schema.partition) else outside)
