"""Tables, as people write them on a command line, and as Python shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from flyexpr.cli.index_words import global_index, local_index, read_keys, vector_index
from flyexpr.errors import ValidationError
from flyexpr.records import replace
from flyexpr.schema.codecs import KEY_TYPES
from flyexpr.schema.indexes import Index, VectorIndex
from flyexpr.schema.table import Table
from flyexpr.values.types import quote


def schema_words(
    name: str,
    keys: Sequence[str],
    indexes: Iterable[str],
    locals_: Iterable[str],
    vectors: Iterable[str] = (),
    **options: Any,
) -> Table:
    """A table's descriptor, from the words of `flyexpr create`.

    >>> movies = schema_words("Movies", ["year:N", "title"], ["ByTitle title year:N"], ["ByRank rank:N project=keys"])
    >>> movies.keys, movies.kind("year"), movies.index("ByTitle").attributes, movies.index("ByRank").project
    (('year', 'title'), 'N', ('title', 'year'), 'keys')

    A word is NAME:TYPE, the type one of S N B, and S when it is left out. Attributes that are one key of an index
    together are joined by commas; `project=keys` or `project=a,b` says which other attributes the index holds.
    """
    types: dict[str, str] = {}
    partition, *sort = read_keys(keys, types, f"table {name!r}")
    definitions: list[Index] = [local_index(text, types, partition) for text in locals_]
    definitions += [global_index(text, types) for text in indexes]
    definitions += [vector_index(text, types) for text in vectors]
    attributes = {attribute: KEY_TYPES[kind] for attribute, kind in types.items() if kind != "S"}
    return Table(
        name, partition[0], sort[0][0] if sort else None, attributes=attributes, indexes=definitions, **options
    )


def setting_words(
    ttl: str | None = None,
    no_ttl: bool = False,
    stream: str | None = None,
    billing: str | None = None,
    protect: str | None = None,
) -> dict[str, Any]:
    """The options of a table that are named, from the words of `flyexpr create` and `flyexpr alter`.

    >>> setting_words(ttl="expires", stream="off", billing="5,2")
    {'ttl': 'expires', 'stream': None, 'throughput': (5, 2)}
    """
    settings: dict[str, Any] = {}
    if ttl and no_ttl:
        raise ValidationError("--ttl and --no-ttl cannot stand together")
    if ttl or no_ttl:
        settings["ttl"] = ttl
    if stream:
        settings["stream"] = None if stream == "off" else stream
    if billing:
        settings["throughput"] = _throughput(billing)
    if protect:
        settings["deletion_protection"] = protect == "on"
    return settings


def _throughput(text: str) -> tuple[int, int] | None:
    if text == "on-demand":
        return None
    if not (units := re.fullmatch(r"(\d{1,9}),(\d{1,9})", text, re.ASCII)):
        raise ValidationError(f"{text!r} is not a billing mode; write on-demand, or READ,WRITE units such as 5,2")
    return int(units[1]), int(units[2])


def altered_schema(
    live: Table, indexes: Iterable[str], vectors: Iterable[str], drops: Iterable[str], settings: Mapping[str, Any]
) -> Table:
    """The table with more indexes, without others, and with other settings: the words of `flyexpr alter`.

    >>> movies = schema_words("Movies", ["year:N", "title"], ["ByTitle title"], [])
    >>> [index.name for index in altered_schema(movies, ["ByYear year"], [], ["ByTitle"], {"ttl": "at"}).indexes]
    ['ByYear']
    """
    types = {name: str(live.kind(name)) for name in live.key_attributes}
    kept = {index.name: index for index in live.indexes}
    for name in drops:
        if name not in kept or not kept[name].alterable:
            why = "is there from the beginning to the end of its table" if name in kept else "is not there"
            there = ", ".join(index.name for index in live.indexes if index.alterable) or "none"
            raise ValidationError(f"index {name!r} of {live.name!r} {why}\n  hint: those that can be dropped: {there}")
        del kept[name]
    added: list[Index] = [global_index(text, types) for text in indexes]
    added += [vector_index(text, types) for text in vectors]
    kept |= {index.name: index for index in added}
    attributes = {**live.attributes, **{name: KEY_TYPES[kind] for name, kind in types.items() if kind != "S"}}
    return replace(live, attributes=attributes, indexes=tuple(kept.values()), **settings)


def schema_python(table: Table) -> str:
    """The descriptor as Python, to be pasted into a script; the attribute of the time to live is a datetime there.

    >>> print(schema_python(schema_words("Movies", ["year:N", "title"], ["ByTitle title year:N"], [])))
    from decimal import Decimal
    <BLANKLINE>
    from flyexpr import GlobalIndex, Table
    <BLANKLINE>
    movies = Table(
        "Movies",
        "year",
        "title",
        attributes={"year": int | Decimal},
        indexes=[GlobalIndex("ByTitle", "title", "year")],
    )
    """
    shown = [quote(table.name), *map(quote, table.keys)]
    kinds = {name: {"N": "int | Decimal", "B": "bytes"}.get(table.kind(name) or "") for name in table.key_attributes}
    if table.ttl and kinds.get(table.ttl, "int | Decimal") == "int | Decimal":
        kinds[table.ttl] = "epoch"  # the service looks at numbers only
    types = ", ".join(f"{quote(name)}: {kind}" for name, kind in kinds.items() if kind)
    shown += [f"attributes={{{types}}}"] if types else []
    indexes = ", ".join(map(_index_python, table.indexes))
    shown += [f"indexes=[{indexes}]"] if indexes else []
    shown += [f"{name}={_literal(value)}" for name, value in _options(table).items() if value]
    names = sorted({"Table", *(type(index).__name__ for index in table.indexes)})
    names += ["epoch"] if "epoch" in kinds.values() else []
    variable = re.sub(r"\W", "_", table.name.lower())
    body = "".join(f"    {part},\n" for part in shown)
    variable = f"t{variable}" if not variable.isidentifier() or iskeyword(variable) else variable
    decimal = "from decimal import Decimal\n\n" if "int | Decimal" in kinds.values() else ""
    return f"{decimal}from flyexpr import {', '.join(names)}\n\n{variable} = Table(\n{body})"


def _options(table: Table) -> dict[str, Any]:
    names = ("throughput", "ttl", "stream", "deletion_protection")
    return {name: getattr(table, name) for name in names}


def _index_python(index: Index) -> str:
    shown = [quote(index.name)]
    if isinstance(index, VectorIndex):
        shown += [quote(index.attribute), str(index.dimensions), quote(index.distance)]
        shown += [f"partition_key={quote(index.partition_key)}"] if index.partition_key else []
        shown += [f"filters=[{', '.join(map(quote, index.filters))}]"] if index.filters else []
    else:
        shown += [_key(names) for names in (index.partition_keys, index.sort_keys) if names]
    if index.project != "all":
        held = quote(index.project) if isinstance(index.project, str) else f"[{', '.join(map(quote, index.project))}]"
        shown.append(f"project={held}")
    return f"{type(index).__name__}({', '.join(shown)})"


def _literal(value: Any) -> str:
    return quote(value) if isinstance(value, str) else repr(value)


def _key(names: Sequence[str]) -> str:
    return quote(names[0]) if len(names) == 1 else f"({', '.join(map(quote, names))})"
