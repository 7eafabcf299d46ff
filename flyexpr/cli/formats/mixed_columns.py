"""Columns of a sheet in which some cells are numbers, and others are text that looks like one: `56838` and `02858`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flyexpr.cli.formats.csv_rows import NUMBER
from flyexpr.cli.formats.sources import Entry


class MixedColumns:
    """In which lines each column had its first number, and its first text that looks like a number.

    >>> mixed = MixedColumns()
    >>> rows = [Entry(2, {"id": "a", "zip": "02858"}), Entry(3, {"id": "b", "zip": 56838})]
    >>> len([*mixed.seen(rows)])
    2
    >>> print(mixed.warning())
    zip is text in some rows (line 2) and a number in others (line 3)
      hint: --types zip:S reads all as text, zip:N as numbers

    The warning is None where no column is mixed. It names lines, and never what a cell holds.
    """

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def seen(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """The same entries, which it looks at as they pass."""
        for entry in entries:
            for name, value in (entry.item or {}).items():
                if type(value) is str:
                    # The first comparison is for speed: all that a number begins with sorts before a colon.
                    if value < ":" and name not in self._texts and NUMBER.fullmatch(value):
                        self._texts[name] = entry.number
                elif type(value) in _NUMBERS and name not in self._numbers:
                    self._numbers[name] = entry.number
            yield entry

    def warning(self) -> str | None:
        mixed = [(name, line, self._numbers[name]) for name, line in self._texts.items() if name in self._numbers]
        if not mixed:
            return None
        lines = [
            f"{name} is text in some rows (line {text:,}) and a number in others (line {number:,})"
            for name, text, number in mixed
        ]
        lines.append(f"  hint: --types {mixed[0][0]}:S reads all as text, {mixed[0][0]}:N as numbers")
        return "\n".join(lines)


_NUMBERS = frozenset([int, Decimal])
