"""search: the items whose vectors are nearest to one."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from flyexpr.cli import dialogue, options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.notes import NothingFound
from flyexpr.explanation import explain as explained
from flyexpr.requests.constructors import near as near_vector
from flyexpr.requests.operations import MOST_FOUND, Search
from flyexpr.schema.indexes import VectorIndex
from flyexpr.schema.table import Table
from flyexpr.sync import run


@click.command()
@options.table
@click.option("--near", required=True, metavar="VECTOR", help="A JSON array of numbers, or @FILE that holds one.")
@options.condition_or_all
@options.index
@click.option(
    "--top", type=click.IntRange(1, MOST_FOUND), default=10, show_default=True, metavar="N", help="How many results."
)
@options.project
@click.option("--wide", is_flag=True, help="Send all comparisons of filters, which not all Regions take.")
@options.at
@options.explain
@options.output
@options.engine
def search(
    table: str,
    near: str,
    condition: str | None,
    index: str | None,
    top: int,
    project: str | None,
    wide: bool,
    at: str | None,
    explain: bool,
    form: str,
) -> None:
    """The items whose vectors are nearest to one, best first, each with its score; exit code 4 for none.

    The index decides what the score means: --explain says it.

    \b
    flyexpr search Docs --near @question.json "lang = 'en'" --top 3
    flyexpr search Docs --near "[0.1, 0.7]" --project title
    """
    descriptor = options.table_at(table, at)
    vector = near_vector(_attribute(descriptor, index), _vector(near))
    asked = Search(vector, options.condition_of(condition), top, index, options.paths_of(project), wide)
    dialogue.plan(explain, explained(descriptor, asked))
    results = [{"score": Decimal(repr(each.score)), "item": each.item} for each in run(descriptor, asked)]
    with dialogue.standard_output() as stream:
        write_items(results, stream, form, ("score", "item"))
    if not results:
        dialogue.nothing_found(condition)
        raise NothingFound


def _attribute(table: Table, name: str | None) -> str:
    """The attribute that holds the vectors of an index, or of every vector index of the table."""
    indexes = [index for index in table.indexes if isinstance(index, VectorIndex) and name in (None, index.name)]
    attributes = sorted({index.attribute for index in indexes})
    if not attributes:
        raise click.UsageError(f"{table.name!r} has no vector index{f' {name!r}' if name else ''}")
    if len(attributes) > 1:
        raise click.UsageError(f"{table.name!r} has vectors in {' and '.join(attributes)}; choose with --index")
    return attributes[0]


def _vector(text: str) -> list[Any]:
    try:
        read = json.loads(Path(text[1:]).read_text("utf-8-sig") if text.startswith("@") else text)
    except OSError as error:
        raise click.UsageError(f"--near: cannot read {text[1:]!r}: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"--near takes a JSON array of numbers, or @FILE: {error}") from None
    if not isinstance(read, list):
        raise click.UsageError("--near takes a JSON array of numbers, or @FILE")
    return read
