"""Descriptors as the Python code that makes them, which is what `repr` shows, and tables for notebooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flyexpr.schema.codecs import Attribute, Codec, epoch, type_name
from flyexpr.schema.declared import Declared
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.table import Table
from flyexpr.schema.vectors import VectorReader, VectorWriter
from flyexpr.values.code import call_code, listed
from flyexpr.values.code import code as value_code
from flyexpr.values.layout import rows_html


def code(descriptor: Any) -> str:
    """The code that makes an index, a type of an attribute, or the attributes of a table.

    >>> print(code(GlobalIndex("ByTitle", "title", ("year", "month"), project=["wins"])))
    GlobalIndex('ByTitle', 'title', ('year', 'month'), project=['wins'])
    >>> code(template("{type}:{id}")), code(Attribute(int, default=0)), code(epoch), code(Codec(round, float, int))
    ("template('{type}:{id}')", 'Attribute(int, default=0)', 'epoch', 'Codec(round, float, int)')
    """
    match descriptor:
        case Derived(_, None, text):
            return f"template({text!r})"
        case Derived(parts, function, _, kind):
            names = [value_code(function), *map(repr, parts), *([] if kind is str else [f"type={_type(kind)}"])]
            return f"computed({', '.join(names)})"
        case Declared():
            types = (f"{name!r}: {_type(kind)}" for name, kind in descriptor.items())
            return listed("{", types, "}", len(descriptor))
        case Codec() if descriptor == epoch:
            return "epoch"
        case Codec(VectorWriter(dimensions), VectorReader(_, numpy)):
            return f"vector({dimensions}{', numpy=True' if numpy else ''})"
    return call_code(descriptor, type(descriptor).__name__, ("sort_key", *_TYPES), _field)


_TYPES = ("type",)


def _field(field: str, value: Any) -> str | None:
    if field in _TYPES:
        return _type(value)
    return value_code(list(value)) if field == "project" and not isinstance(value, str) else None


def _type(declared: Any) -> str:
    """A declared type; the tags of a table, which are kept like its attributes, are texts."""
    return repr(declared) if isinstance(declared, (Attribute, Codec, Derived, str)) else type_name(declared)


def engine_url(engine: Any) -> str | None:
    """The URL of an engine that `connect` gave, without secrets; None for any other.

    >>> engine_url(connect("sqlite::memory:")), engine_url(connect("http://localhost:8000")), engine_url(len)
    ('sqlite::memory:', 'http://localhost:8000', None)
    """
    if not type(engine).__module__.startswith("flyexpr."):  # others may show in their `repr` what they like
        return None
    url = re.fullmatch(r"<(?:awaited )?engine (.*?)(?: by (?:direct|botocore)\b.*)?>", repr(engine), re.DOTALL)
    return url[1] if url else None


def engine_name(engine: Any) -> str:
    """What tells an engine from others: its URL, or the name of a function.

    >>> engine_name(connect("sqlite::memory:")), engine_name(len)
    ('sqlite::memory:', 'len')
    """
    return engine_url(engine) or str(getattr(engine, "__name__", type(engine).__name__))


def table_text(table: Table[Any]) -> str:
    """A table in short: its name, its keys, and where it lives.

    >>> table_text(scores), table_text(Table("t", "id"))
    ('<Table GameScores (userid, title) on sqlite::memory:>', '<Table t (id), not bound>')
    """
    engine: Any = table.engine
    binding = ", not bound" if engine is None else f" on {engine_name(engine)}"
    kinds = f" of kinds {', '.join(table.kinds)}" if isinstance(table, Kinds) else ""
    return f"<Table {table.name} ({', '.join(table.keys)}){kinds}{binding}>"


def table_html(table: Table[Any]) -> str:
    """The table with its keys, indexes and attributes, for a notebook."""
    return rows_html(_rows(table))


def _rows(table: Table[Any]) -> Iterator[tuple[str, str]]:
    engine: Any = table.engine
    yield "table", table.name
    yield "engine", "not bound" if engine is None else engine_name(engine)
    types = {name: _type(declared) for name, declared in table.attributes.items()}
    for label, key in zip(("partition key", "sort key"), table.keys, strict=False):
        yield label, f"{key}: {types.pop(key, 'str')}"
    for index in table.indexes:
        yield "index", repr(index)
    for name, kind in types.items():
        yield "attribute", f"{name}: {kind}"
    if isinstance(table, Kinds):
        yield "kinds by", str(getattr(table.by, "__name__", table.by))
        for name, each in table.kinds.items():
            yield "kind", f"{name}: {each.attributes!r}"
    for option in ("strict", "version", "ttl", "throughput", "stream", "tags", "deletion_protection"):
        if value := getattr(table, option):
            yield option.replace("_", " "), str(value)
