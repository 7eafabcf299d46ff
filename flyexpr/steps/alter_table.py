"""The requests that change a table into what its descriptor says, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flyexpr.errors import PlanError
from flyexpr.records import record, replace
from flyexpr.requests.request import Request
from flyexpr.requests.tables import (
    billing_request,
    create_index_request,
    delete_index_request,
    option_request,
    ttl_request,
)
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table


@record
class Alteration:
    """One step: what it does, in words, and its request. The table has to be ready again before the next step.

    >>> alterations(Table("t", "id"), Table("t", "id", deletion_protection=True))[0].words
    'deletion protection on'
    """

    words: str
    request: Request


def alterations(live: Table, wanted: Table, *, drop: bool = False) -> list[Alteration]:
    """The steps from the live table to the wanted one. They add indexes, and drop them only with `drop=True`.

    >>> live = Table("t", "id", indexes=[GlobalIndex("Old", "a")])
    >>> wanted = Table("t", "id", indexes=[GlobalIndex("New", "b")])
    >>> [alteration.words for alteration in alterations(live, wanted)]
    ['create index New']
    >>> [alteration.words for alteration in alterations(live, wanted, drop=True)]
    ['delete index Old', 'create index New']

    PlanError for what UpdateTable cannot do: another key, another local index, an index of the same name that differs.
    """
    _check_keys(live, wanted)
    before = {index.name: index for index in live.indexes}
    after = {index.name: index for index in wanted.indexes}
    for name, index in after.items():
        _check_index(live, wanted, before.get(name), index)
    steps = [
        Alteration(f"delete index {name}", delete_index_request(wanted, index))
        for name, index in before.items()
        if drop and name not in after and index.alterable
    ]
    if live.throughput != wanted.throughput:
        kept = [after[name] for name in before if name in after]
        steps.append(Alteration(f"throughput: {_shown(wanted.throughput)}", billing_request(wanted, kept)))
    steps += [
        Alteration(f"create index {name}", create_index_request(wanted, index))
        for name, index in after.items()
        if name not in before and index.alterable
    ]
    return [*steps, *_option_alterations(live, wanted)]


def _shown(throughput: tuple[int, int] | None) -> str:
    return "on demand" if throughput is None else f"{throughput[0]} read and {throughput[1]} write units"


def _option_alterations(live: Table, wanted: Table) -> Iterator[Alteration]:
    if live.stream != wanted.stream:
        if live.stream and wanted.stream:  # what a stream shows cannot be changed, only another stream begun
            yield Alteration("stream: off", option_request(replace(wanted, stream=None), stream=True))
        yield Alteration(f"stream: {wanted.stream or 'off'}", option_request(wanted, stream=True))
    if live.deletion_protection != wanted.deletion_protection:
        shown = "on" if wanted.deletion_protection else "off"
        yield Alteration(f"deletion protection {shown}", option_request(wanted, stream=False))
    if live.ttl != wanted.ttl:
        name = wanted.ttl or live.ttl or ""
        yield Alteration(f"time to live: {wanted.ttl or 'off'}", ttl_request(wanted, name, bool(wanted.ttl)))


def _check_keys(live: Table, wanted: Table) -> None:
    if live.keys != wanted.keys or any(live.kind(name) != wanted.kind(name) for name in live.keys):
        raise PlanError(
            f"the key of {live.name!r} is {_keys(live, None)}, and no table changes its key",
            hint="create a table under another name and copy the items",
        )


def _check_index(live: Table, wanted: Table, before: Index | None, after: Index) -> None:
    if before is None and not after.alterable:
        raise PlanError(f"{after.word} index {after.name!r} can only be created with its table {wanted.name!r}")
    if before is not None and _comparable(live, before) != _comparable(wanted, after):
        there = f"its key is {_keys(live, before)}, and it projects {before.project!r}"
        raise PlanError(
            f"index {after.name!r} of {wanted.name!r} is there, and differs: "
            f"{there if before.has_key else f'it is {before!r}'}",
            hint="give the new index another name, or drop the old one first",
        )


def _comparable(table: Table, index: Index) -> Any:
    """What makes two indexes the same; the order of the projected attributes does not matter."""
    project = index.project
    return (
        index.definition(table.partition_key),
        [table.kind(name) for name in index.typed],
        project if isinstance(project, str) else {*project},
    )


def _keys(table: Table, index: Any) -> str:
    return ", ".join(f"{name} ({table.kind(name)})" for name in table.keys_of(index))
