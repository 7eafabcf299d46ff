"""filter, apply: items from standard input to standard output, without any database."""

from __future__ import annotations

from collections.abc import Iterator

import click

from flyexpr.cli import options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.formats.sources import entries, form_of_file, opened
from flyexpr.cli.notes import Nothing
from flyexpr.errors import ExpressionError, FlyexprError
from flyexpr.expressions.check import check
from flyexpr.expressions.memory import apply as applied
from flyexpr.expressions.memory import matches
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.values.kinds import Item


@click.command()
@click.argument("condition")
@options.file
@options.output
def filter(condition: str, file: str, form: str) -> None:
    """The items that match, of JSON Lines from standard input or a file, or of a .csv file; exit code 4 for none.

    \b
    flyexpr scan Movies | flyexpr filter "size(info.actors) > 2" | wc -l
    """
    wanted = parse_condition(condition)
    check(wanted)
    with options.standard_output() as stream:
        found = (item for _, item in _items(file, form) if matches(wanted, item))
        number = write_items(found, stream, form)
    if not number:
        options.nothing_found(condition)
        raise Nothing


@click.command()
@click.argument("update")
@options.file
@options.output
def apply(update: str, file: str, form: str) -> None:
    """Every item with the update done to it, of JSON Lines from standard input or a file, or of a .csv file.

    \b
    flyexpr scan Movies | flyexpr apply "REMOVE info.plot ADD views 1" | flyexpr put Copies
    """
    change = parse_update(update)
    check(change)

    def changed() -> Iterator[Item]:
        for place, item in _items(file, form):
            try:
                yield applied(change, item)
            except ExpressionError as error:
                raise FlyexprError(f"{place}: {error.message}") from None

    with options.standard_output() as stream:
        write_items(changed(), stream, form)


def _items(file: str, form: str) -> Iterator[tuple[str, Item]]:
    """The items of a file, each with its place; they are DynamoDB JSON where they are written so."""
    options.keyboard(file)
    with opened(file) as stream:
        for entry in entries(stream, "wire" if form == "wire" else form_of_file(file) or "json"):
            if entry.item is None:
                raise FlyexprError(f"{entry.place}: {entry.fault}")
            yield entry.place, entry.item
