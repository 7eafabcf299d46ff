"""Items to a stream: JSON Lines, DynamoDB JSON, CSV, or a table for people."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING

from flyexpr.cli.formats.csv_rows import cell
from flyexpr.cli.formats.sheets import Sheet
from flyexpr.cli.formats.terminal_text import plain
from flyexpr.values.plain_json import item_text
from flyexpr.values.types import Item
from flyexpr.values.wire_json import item_wire

if TYPE_CHECKING:
    from rich.table import Table

# "lines" are items that are lines of JSON already; "text" is CSV for people, which says no types.
FORMS = ("json", "lines", "wire", "csv", "text", "table")
Add = Callable[[Iterable[Item]], int]


def write_items(items: Iterable[Item], stream: IO[bytes], form: str, columns: Sequence[str] = ()) -> int:
    """Writes items to a stream in one of FORMS; how many they were. For `columns` see `sink`.

    >>> stream = io.BytesIO()
    >>> write_items([{"n": 1, "id": "a"}, {"id": "b"}], stream, "csv", ["id"]), stream.getvalue()
    (2, b'id,n\\na,1\\nb,\\n')
    """
    with sink(stream, form, columns) as add:
        return add(items)


def sink(stream: IO[bytes], form: str, columns: Sequence[str] = ()) -> AbstractContextManager[Add]:
    """A context with a function that adds items to a stream in one of FORMS, and says how many they were.

    >>> stream = io.BytesIO()
    >>> with sink(stream, "csv", ["id"]) as add:
    ...     add([{"n": 1, "id": "a"}]), add([{"id": "b", "m": 2}])
    (1, 1)
    >>> stream.getvalue()
    b'id,n,m\\na,1,\\nb,,2\\n'

    `columns` come first in a sheet or table, then the other attributes in the order of their appearance. JSON is
    written as the items come; for a sheet they wait in a temporary file, for a table in memory, until all columns are
    known, which is at the end of the context.
    A table that is wider than the terminal has a line for each attribute instead. A terminal gets no control
    characters, and no table has any.
    """
    return _SINKS[form](stream, columns)


@contextmanager
def _lines(stream: IO[bytes], columns: Sequence[str], text: Callable[[Item], str]) -> Iterator[Add]:
    people = stream.isatty()

    def add(items: Iterable[Item]) -> int:
        number = 0
        for item in items:
            number += 1
            line = text(item)
            stream.write(f"{plain(line) if people else line}\n".encode())
            if people:
                stream.flush()
        return number

    yield add


@contextmanager
def _sheet(stream: IO[bytes], columns: Sequence[str], text: bool = False) -> Iterator[Add]:
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        sheet = Sheet(file, columns, text, plain if stream.isatty() else str)
        yield sheet.add
        sheet.write_to(stream)


@contextmanager
def _people_table(stream: IO[bytes], columns: Sequence[str]) -> Iterator[Add]:
    collected: list[Item] = []

    def add(items: Iterable[Item]) -> int:
        before = len(collected)
        collected.extend(items)
        return len(collected) - before

    yield add
    if collected:
        _print(stream, list(dict.fromkeys([*columns, *(name for item in collected for name in item)])), collected)


def _print(stream: IO[bytes], names: Sequence[str], items: Sequence[Item]) -> None:
    """Prints items as one table, or one below the other where that is wider than the terminal."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    text = io.TextIOWrapper(stream, "utf-8", write_through=True)
    try:
        console = Console(file=text, color_system=None if os.environ.get("NO_COLOR") else "auto")
        table = _table(names, items)
        wide = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
        if wide <= console.width:
            console.print(table)
        else:
            for number, item in enumerate(items, 1):
                console.print(Text(f"── {number:,} ──", "dim"), _record(names, item), sep="\n")
    finally:
        text.detach()


_WIDEST = 1_000_000  # characters


def _table(names: Sequence[str], items: Sequence[Item]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in names:
        numeric = all(type(item.get(name)) not in (str, bytes, list, dict, set) for item in items)
        table.add_column(Text(plain(name)), justify="right" if numeric else "left")
    for item in items:
        table.add_row(*(Text(plain(cell(item[name]))) if name in item else "" for name in names))
    return table


def _record(names: Sequence[str], item: Item) -> Table:
    """An item with a line for each attribute, the names in a column of the same width for all items."""
    from rich.cells import cell_len
    from rich.table import Column, Table
    from rich.text import Text

    width = min(max(cell_len(plain(name)) for name in names), _WIDEST_NAME)
    label = Column(style="bold", overflow="fold", width=width)
    grid = Table.grid(label, Column(overflow="fold"), padding=(0, 2))
    for name in names:
        if name in item:
            grid.add_row(Text(plain(name)), Text(plain(cell(item[name]))))
    return grid


_WIDEST_NAME = 30  # columns; a longer name goes on in the next line


_SINKS: dict[str, Callable[[IO[bytes], Sequence[str]], AbstractContextManager[Add]]] = {
    "json": partial(_lines, text=item_text),
    "lines": partial(_lines, text=str),
    "wire": partial(_lines, text=item_wire),
    "csv": _sheet,
    "text": partial(_sheet, text=True),
    "table": _people_table,
}
