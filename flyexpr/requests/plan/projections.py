"""Which attributes a read needs, which an index can give, and which the service is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flyexpr.errors import PlanError
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.requests.operations import Query, Read
from flyexpr.schema.derived.parts import parts_in, sources_of
from flyexpr.schema.indexes import Index, VectorIndex
from flyexpr.schema.kinds import paths_of_kind
from flyexpr.schema.strict import check_paths
from flyexpr.schema.table import Table


def lacking(table: Table, index: Index | None, wanted: Iterable[Path] | None) -> str:
    """The attributes that an index does not hold: "*" where whole items are wanted, else their names, or "" for none.

    >>> by_title = GlobalIndex("ByTitle", "title", project="keys")
    >>> lacking(Table("t", "id", indexes=[by_title]), by_title, [Path(("id",)), Path(("wins",))])
    '`wins`'
    """
    if index is None or index.project == "all":
        return ""
    if wanted is None:
        return "*"
    held = {*table.keys, *index.typed, *(index.project if isinstance(index.project, tuple) else ())}
    return ", ".join(f"`{name}`" for name in dict.fromkeys(path.parts[0] for path in wanted) if name not in held)


def readable(table: Table, name: str) -> Index:
    """The index of that name, for a query or a scan; PlanError for one that only a search reads."""
    index = table.index(name)
    if isinstance(index, VectorIndex):
        raise PlanError(
            f"index {name!r} is a vector index",
            hint=f"run(table, search(near({index.attribute!r}, vector))) reads it",
        )
    return index


def unusable(table: Table, index: Index | None, read: Query, conditions: Iterable[Condition]) -> str:
    """Why an index cannot give what a query wants, and what its other conditions look at; empty where it can.

    >>> by_title = GlobalIndex("ByTitle", "title", project="keys")
    >>> unusable(Table("t", "id", indexes=[by_title]), by_title, query(eq("title", "Comet Quest")), [])
    'it does not project all attributes'
    """
    if index is None:
        return ""
    if read.consistent and not index.consistent_reads:
        return f"a {index.word} index has no consistent reads"
    if index.fetches_missing:
        return ""
    names = lacking(table, index, None if read.project is None else _needed(read, conditions))
    return f"it does not project {'all attributes' if names == '*' else names}" if names else ""


def check_projected(table: Table, index: Index | None, read: Read, conditions: Iterable[Condition]) -> None:
    """None if the index can give what the projection and the conditions name; else a PlanError.

    A read of whole items passes: through an index that the user named, it gives what the index projects.
    """
    if index is None:
        return
    if read.consistent and not index.consistent_reads:
        raise PlanError(f"index {index.name!r} is {index.word}, and a {index.word} index has no consistent reads")
    if index.fetches_missing:
        return
    names = lacking(table, index, _needed(read, conditions))
    if names:
        raise PlanError(
            f"index {index.name!r} does not project {names}",
            condition=show(read.condition),
            hint="project these attributes in the index, or leave them out here",
        )


def _needed(read: Read, conditions: Iterable[Condition]) -> list[Path]:
    return [*(read.project or ()), *(path for condition in conditions for path in paths(condition))]


def fetched(
    table: Table, project: tuple[Path, ...] | None, index: Index | None, residue: Iterable[Condition]
) -> tuple[Path, ...] | None:
    """What to ask for so that the client can evaluate the residue, and can go on after any item.

    >>> [path.parts[0] for path in fetched(Table("t", "id"), (Path(("wins",)),), None, [gt("n", 1)])]
    ['wins', 'id', 'n']

    None for whole items.
    """
    telling = paths_of_kind(table)
    if project is None or telling is None:
        return None
    check_paths(table, project)
    keys = (Path((name,)) for name in (*table.keys, *table.keys_of(index)))
    looked_at = [Path(path.parts[:1]) for part in residue for path in paths(part)]
    held = [path for path in telling if not lacking(table, index, [path])]
    return without_overlap((*project, *keys, *looked_at, *_sources(table, index, (*project, *looked_at)), *held))


def trims(table: Table, read: Read, fetch: tuple[Path, ...] | None) -> bool:
    """Whether items come with more than the reader wants: what was fetched besides, or is filled in."""
    return fetch != read.project or bool(read.project and table.inverses)


def without_overlap(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The paths, each once, without those into an attribute that is there as a whole: the service does not take both.

    >>> without_overlap([Path(("a", "b")), Path(("c",)), Path(("a",))])
    (F.c, F.a)
    """
    different = dict.fromkeys(paths)
    whole = {path.parts[0] for path in different if len(path.parts) == 1}
    return tuple(path for path in different if len(path.parts) == 1 or path.parts[0] not in whole)


def _sources(table: Table, index: Index | None, needed: Iterable[Path]) -> Iterator[Path]:
    """The keys from which parts among the paths may be filled in, as far as the index can give them."""
    for name in sources_of(table, parts_in(table, needed)) if table.inverses else ():
        if index is None or index.fetches_missing or not lacking(table, index, [Path((name,))]):
            yield Path((name,))
