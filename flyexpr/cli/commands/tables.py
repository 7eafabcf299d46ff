"""tables, describe, create: which tables there are, what one is, a new one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from flyexpr.cli import dialogue, options
from flyexpr.cli.index_words import LOCAL_WORDS
from flyexpr.cli.schemas import schema_python, schema_words, setting_words
from flyexpr.explanation import explain as explained
from flyexpr.requests.constructors import create_table, describe_table
from flyexpr.schema.indexes import Index, VectorIndex
from flyexpr.schema.table import Table
from flyexpr.sync import run
from flyexpr.values.layout import amount


@click.command()
@options.engine
def tables() -> None:
    """The names of the tables, one a line.

    \b
    flyexpr tables
    """
    for name in options.session().names():
        dialogue.say(name)


@click.command()
@options.table
@click.option("--python", is_flag=True, help="The Table(...) that a script can paste.")
@click.option("--wire", is_flag=True, help="DynamoDB's own description, as JSON.")
@options.engine
def describe(table: str, python: bool, wire: bool) -> None:
    """What a table is: its keys, its indexes, how many items it has.

    \b
    flyexpr describe Movies
    flyexpr describe Movies --python >> script.py
    """
    descriptor, description = options.session().described(table)
    if wire:
        dialogue.say(json.dumps(description, indent=2))
        return
    descriptor = run(descriptor, describe_table())
    if python:
        dialogue.say(schema_python(descriptor))
        return
    for label, text in _lines(descriptor, description):
        dialogue.say_labelled(f"{label:15}{text}", 15)


def _lines(table: Table, description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "table", table.name
    yield "partition key", _keys(table, table.partition_keys_of(None))
    if table.sort_key:
        yield "sort key", _keys(table, table.sort_keys_of(None))
    for index in table.indexes:
        members = next(each for each in description[index.wire_member] if each["IndexName"] == index.name)
        text = f"{_index(table, index)}; {_size(members, 'IndexSizeBytes', 'IndexStatus')}"
        yield f"{index.word} index", text
    yield "items", _size(description, "TableSizeBytes", "TableStatus")
    reads, writes = table.throughput or (0, 0)
    yield "throughput", f"{reads} read and {writes} write units" if table.throughput else "on demand"
    for label, value in (("time to live", table.ttl), ("stream", table.stream)):
        if value:
            yield label, value
    if table.deletion_protection:
        yield "deletion", "protected"


def _size(members: Mapping[str, Any], size: str, status: str) -> str:
    state = members.get(status, "ACTIVE")
    counted = f"{amount(members.get('ItemCount', 0), 'item')}, {amount(members.get(size, 0), 'byte')}"
    return counted if state == "ACTIVE" else f"{counted}; {state}"


def _keys(table: Table, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} ({table.kind(name)})" for name in names)


def _index(table: Table, index: Index) -> str:
    held = {"all": "all attributes", "keys": "keys only"}.get(str(index.project)) or ", ".join(index.project)
    if not isinstance(index, VectorIndex):
        return f"{index.name}: {_keys(table, table.keys_of(index))}; {held}"
    parts = [f"{index.attribute}, {index.dimensions:,} dimensions, {index.distance}"]
    parts += [f"partition key {_keys(table, index.partition_keys)}"] if index.partition_keys else []
    parts += [f"filters {_keys(table, tuple(index.filters))}"] if index.filters else []
    return f"{index.name}: {'; '.join([*parts, held])}"


@click.command()
@click.argument("table")
@click.argument("keys", nargs=-1, required=True, metavar="KEY[:TYPE] [KEY[:TYPE]]")
@options.global_index("A global index")
@click.option("--local", "locals_", multiple=True, metavar="TEXT", help=f"A local index: '{LOCAL_WORDS}'.")
@options.vector_index("A vector index")
@options.ttl
@options.settings
@click.option("--if-missing", is_flag=True, help="If there is such a table with the same key, leave it as it is.")
@options.explain
@options.dry_run
@options.engine
def create(
    table: str,
    keys: tuple[str, ...],
    indexes: tuple[str, ...],
    locals_: tuple[str, ...],
    vectors: tuple[str, ...],
    explain: bool,
    dry_run: bool,
    if_missing: bool,
    **settings: Any,
) -> None:
    """Make a table, and wait until it can be used.

    Types are S, N and B, and S when left out. The first key is the partition key.

    \b
    flyexpr create Movies year:N title
    flyexpr create Movies year:N title --index "ByTitle title year:N"
    flyexpr create Docs id --vectors "ByMeaning embedding 384 filters=lang,pages:N"
    """
    wanted = schema_words(table, keys, indexes, locals_, vectors, **setting_words(**settings))
    operation = create_table(if_missing=if_missing)
    dialogue.plan(explain or dry_run, explained(wanted, operation))
    run(wanted.on(options.session(makes=True).engine), operation)
