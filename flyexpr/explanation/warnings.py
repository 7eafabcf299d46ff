"""What a plan warns of: what is read and paid for without need, what is missing or late, names that may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flyexpr.errors import did_you_mean
from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value, walk
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.requests.operations import Operation, Search, TransactWriteItems
from flyexpr.requests.plan.kinds import not_found
from flyexpr.requests.plan.projections import lacking
from flyexpr.requests.reads import Access
from flyexpr.schema.derived.implied import unused_ranges
from flyexpr.schema.derived.parts import parts_in
from flyexpr.schema.indexes import Index
from flyexpr.schema.kinds import Kinds, narrowed, paths_of_kind
from flyexpr.schema.strict import unnamed
from flyexpr.schema.table import Table


def warnings_of(table: Table, operation: Operation, access: Access | None) -> Iterator[str]:
    yield from _name_warnings(table, operation)
    if access is None:
        return
    condition: Condition = operation.condition  # type: ignore[attr-defined]
    table = narrowed(table, condition)
    yield from _kind_warnings(table, condition, access)
    yield from access.warnings(table)
    if table.derived and access.keys and not isinstance(table, Kinds):
        yield from unused_ranges(table, condition, table.sort_keys_of(access.index))
    if not access.sends or isinstance(operation, Search):
        return
    yield from _condition_warnings(table, condition, access)
    if operation.prefetch:  # type: ignore[attr-defined]
        yield "reads a page ahead: a reader that stops early pays for it"
    yield from _projection_warnings(table, access)
    if not operation.consistent:  # type: ignore[attr-defined]
        yield _delay(access.index)


def _name_warnings(table: Table, operation: Any) -> Iterator[str]:
    """What may be wrong with the names in conditions, updates and projections, and with NULL."""
    pairs = operation.operations if isinstance(operation, TransactWriteItems) else [(table, operation)]
    for each, one in pairs:
        nodes = [node for node in (getattr(one, "condition", None), getattr(one, "update", None)) if node is not None]
        if {*each.attributes} - {*each.key_attributes}:  # who declares only keys does not mean to name them all
            spoken = [*(getattr(one, "project", None) or ()), *(path for node in nodes for path in paths(node))]
            for name in unnamed(each, (path.parts[0] for path in spoken)):
                meant = did_you_mean(name, each.names)
                yield f"`{name}` is not declared{meant and '; '}{meant}"
        for node in walk(And(tuple(node for node in nodes if isinstance(node, Condition)))):
            match node:
                case Compare("=", Path() as path, Value("NULL")) | Compare("=", Value("NULL"), Path() as path):
                    yield f"{show(node)} is true of a stored NULL; not_exists({show(path)!r}) of a missing attribute"
                case Compare("<>", Path() as path, Value("NULL")) | Compare("<>", Value("NULL"), Path() as path):
                    yield f"{show(node)} is true of a missing attribute too; exists({show(path)!r}) is not"


def _kind_warnings(table: Table, condition: Condition, access: Access) -> Iterator[str]:
    """Which kinds of items are not under the key that is read, and which are read besides those that are wanted."""
    if isinstance(table, Kinds) and access.sends:
        yield from _warnings_of_kinds(table, condition, access)
    if access.kind is not None:
        read = "the kinds asked for" if isinstance(table, Kinds) else "the table's own kind"
        yield f"reads only {read}: {show(access.kind)}"
    elif name := _tells_no_kind(table, condition, access):
        yield f"items of other kinds under this key are read too: `{name}` does not begin with a text of this kind"


def _condition_warnings(table: Table, condition: Condition, access: Access) -> Iterator[str]:
    """What the parts of the condition cost, and which items they cannot find."""
    if access.filter is not None:
        yield "the filter drops items that were read and paid for"
    if access.residue is not None:
        yield "part of the condition is evaluated on the client, after it is paid for"
    if parts := sorted(parts_in(table, paths(condition))):
        yield f"an item without {_any_of(parts)} is read with what its key says"
    if access.index is not None:
        asked = {path.parts[0] for key in access.keys[:1] for path in paths(key)}
        others = [name for name in table.keys_of(access.index) if name not in asked and name not in table.keys]
        if others:
            yield f"items without {_any_of(others)} are not in this index"


def _any_of(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _delay(index: Index | None) -> str:
    """How old an item may be that is not read consistently."""
    if index is None or index.consistent_reads:
        return "eventually consistent: a write of the last second may be missing (consistent=True costs twice as much)"
    return f"eventually consistent: a {index.word} index follows its table with a delay"


def _tells_no_kind(table: Table, condition: Condition, access: Access) -> str | None:
    """The sort key of a query by parts that cannot keep the read among items of the table's own kind."""
    partition, sort = table.partition_keys_of(access.index), table.sort_keys_of(access.index)
    named = {path.parts[0] for each in (condition, *access.keys[:1]) for path in paths(each)} - {*partition}
    by_parts = {*partition} & {*table.derived} - {path.parts[0] for path in paths(condition)}
    return sort[0] if access.paged and access.keys and by_parts and sort and named.isdisjoint(sort) else None


def _warnings_of_kinds(table: Kinds, condition: Condition, access: Access) -> Iterator[str]:
    others = not_found(table, condition, table.partition_keys_of(access.index)) if access.keys else []
    if others:
        yield f"items of kind {' or '.join(map(repr, others))} are not under this key"
    untold = [path for path in paths_of_kind(table) or () if lacking(table, access.index, [path])]
    if untold:
        yield f"the index does not project `{table.by}`, so items come as they are stored"


def _projection_warnings(table: Table, access: Access) -> Iterator[str]:
    if access.index is None or access.index.project == "all":
        return
    if access.index.fetches_missing:
        if lacking(table, access.index, access.fetch):
            yield "attributes that the index lacks are fetched from the table, at the cost of a read for each item"
    elif access.fetch is None:
        yield "items come with the attributes that the index projects, not whole"
