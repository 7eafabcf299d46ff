"""filter, apply: items from standard input to standard output, without any database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import click

from flyexpr.cli import dialogue, options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.cli.formats.sources import entries, form_of_file, opened
from flyexpr.cli.notes import NothingFound
from flyexpr.errors import ExpressionError, FlyexprError, ValidationError
from flyexpr.expressions.check import check
from flyexpr.expressions.memory import apply as applied
from flyexpr.expressions.memory import matches
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.values.types import Item

R = TypeVar("R")


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
    with dialogue.standard_output() as stream:
        matching = (item for item, is_wanted in _with_each(partial(matches, wanted), file, form) if is_wanted)
        number = write_items(matching, stream, form)
    if not number:
        dialogue.nothing_found(condition)
        raise NothingFound


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

    with dialogue.standard_output() as stream:
        write_items((changed for _, changed in _with_each(partial(applied, change), file, form)), stream, form)


def _with_each(do: Callable[[Item], R], file: str, form: str) -> Iterator[tuple[Item, R]]:
    """The items of a file, each with what `do` makes of it; they are DynamoDB JSON where they are written so."""
    dialogue.keyboard(file)
    with opened(file) as stream:
        for entry in entries(stream, "wire" if form == "wire" else form_of_file(file) or "json"):
            if entry.item is None:
                raise FlyexprError(f"{entry.place}: {entry.fault}")
            try:
                made = do(entry.item)
            except (ExpressionError, ValidationError) as error:
                raise FlyexprError(f"{entry.place}: {_first_line(error)}") from None
            yield entry.item, made


def _first_line(error: Exception) -> str:
    """What is wrong, without the expression, which the user has just written."""
    return str(error).partition("\n")[0]
