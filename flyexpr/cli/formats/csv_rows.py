"""Items as rows of CSV: a column for each attribute, and cells that say their type.

A cell is JSON where it reads as JSON that DynamoDB can hold, else text: 3 is a number, true a boolean, {"$set": ["a"]}
a set, Rush a string. So a string that reads as JSON stands in JSON's quotes, and an empty cell is an attribute that the
item does not have. A column whose type is known, as that of a key attribute is, is read by its type.

In a plain sheet (`--text`) the cells do not say their type: a string is written as it is, and every cell is read as
text unless the type of its column is known.

A text with a NUL stands in JSON's quotes too: before 3.11, Python's csv reads none. The head follows the same rule.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.encode import encode
from flyexpr.values.numbers import number
from flyexpr.values.plain_json import read_value, value_text
from flyexpr.values.types import Item, quote

_JSON_STARTS = frozenset('{["-0123456789tfn \t\r\n')
NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Types:
    """The types of columns: S, N or B by name, and whether all others are text; else each cell says its own type.

    >>> Types({"zip": "S"}, text=True).of("zip"), Types({"n": "N"}, text=True).of("note"), Types().of("note")
    ('text', 'text', None)

    `named` are the columns that have to be there, because --types names them; `keys` because the table needs them.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    text: bool = False
    named: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()

    def of(self, name: str) -> str | None:
        """The type of a column; None where the cell says it, "text" for text as it stands."""
        kind = self.kinds.get(name)
        return "text" if self.text and kind in (None, "S") else kind

    @property
    def settings(self) -> dict[str, Any]:
        """What a journal keeps of them: nothing where the cells say their types."""
        return {"types": dict(self.kinds), "text": self.text} if self != BY_CELL else {}

    def check(self, columns: Sequence[str]) -> None:
        """ValidationError where a named column is not there, or a key."""
        there = ", ".join(columns) or "none"
        for name in self.keys:
            if name not in columns:
                raise ValidationError(
                    f"there is no column {name!r}, a key of the table, but {there}",
                    hint="the first line of a sheet has the names of its columns",
                )
        for name in sorted(self.named.difference(columns)):
            raise ValidationError(f"there is no column {name!r}, which --types names, but {there}")


BY_CELL = Types()


def cell(value: Any, text: bool = False) -> str:
    r"""The text of a cell; with `text`, that of a string is the string itself, if csv can hold it.

    >>> cell("Rush"), cell(3), cell("3"), cell(""), cell(["a"]), cell("3", text=True), cell("a\0", text=True)
    ('Rush', '3', '"3"', '""', '["a"]', '3', '"a\\u0000"')
    """
    if isinstance(value, str) and "\0" not in value and (text or (value and _read_json(value) is None)):
        return value
    return value_text(value)


def read_cell(text: str, kind: str | None = None) -> Any:
    """The value of a cell; one whose type is known (S, N or B) has that type, and "text" is text as it stands.

    >>> read_cell("Rush"), read_cell("3"), read_cell("9e400"), read_cell("02858")
    ('Rush', 3, '9e400', '02858')
    >>> read_cell("3", kind="S"), read_cell('"3"', kind="S"), read_cell("02858", kind="N")
    ('3', '3', 2858)
    >>> read_cell('"3"', kind="text"), read_cell("aGk=", kind="B")
    ('"3"', b'hi')

    ValidationError for a cell that is not of its type.
    """
    if kind == "text":
        return text
    if kind == "N":
        return _read_number(text)
    if kind == "B" and text[:1] != "{":
        return _read_base64(text)
    parsed = _read_json(text)
    if parsed is None or (kind == "S" and not isinstance(parsed[0], str)):
        return text
    return parsed[0]


def _read_json(text: str) -> tuple[Any] | None:
    """The value of a cell that is JSON; None for a cell that is text."""
    if not text or text[0] not in _JSON_STARTS:
        return None
    try:
        value = read_value(text)
        encode(value)
    except (ValidationError, RecursionError):
        return None
    return (value,)


def _read_number(text: str) -> Any:
    try:
        if not NUMBER.fullmatch(text):
            raise ValidationError(f"{text!r} is not a number")
        value = number(text.strip())
        encode(value)
    except ArithmeticError:
        raise ValidationError(f"{text!r} is out of the range of numbers") from None
    return value


def _read_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise ValidationError(f"{text!r} is not base64 text, as a binary value is") from None


def row(columns: Iterable[str], item: Mapping[str, Any], text: bool = False) -> list[str]:
    """The cells of an item under these columns; see `cell` for `text`.

    >>> row(["id", "n", "note"], {"id": "a", "note": "x"})
    ['a', '', 'x']
    """
    return [cell(item[name], text) if name in item else "" for name in columns]


def read_row(columns: Sequence[str], cells: Sequence[str], kinds: Sequence[str | None]) -> Item:
    """The item of a row; `kinds` has the type of each column, as `Types.of` gives it.

    >>> read_row(["id", "n", "note"], ["7", "7", ""], ["S", None, None])
    {'id': '7', 'n': 7}
    """
    if len(cells) > len(columns):
        hint = "a cell with a comma in it takes quotes"
        raise ValidationError(f"{len(cells)} cells under {len(columns)} columns", hint=hint)
    rest = zip(columns, cells, kinds, strict=False)
    try:
        return {name: read_cell(text, kind) for name, text, kind in rest if text}
    except ValidationError as error:  # of the cell before those that are left
        raise ValidationError(str(error), at=columns[len(cells) - len(list(rest)) - 1]) from None


_SIGNS = frozenset("\0;\t")  # what csv cannot hold, and what other programs write between cells


def head(columns: Iterable[str]) -> list[str]:
    """The cells of the first row.

    >>> head(["id", '"quoted"'])
    ['id', '"\\\\"quoted\\\\""']
    >>> head(["a;b"])
    ['"a;b"']
    """
    return [quote(name) if name[:1] in '"\ufeff' or _SIGNS.intersection(name) else name for name in columns]


def read_head(cells: Sequence[str]) -> list[str]:
    """The columns that the first row names; ValidationError where a name is missing or stands twice, or where there is
    only one, in which another sign separates the names.

    >>> read_head(head(["id", '"quoted"']))
    ['id', '"quoted"']
    >>> read_head(["id", "id"])
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the column 'id' is there twice
    """
    if len(cells) == 1 and cells[0][:1] != '"' and _SIGNS.intersection(cells[0]):
        raise ValidationError(f"the only column is {cells[0]!r}", hint="save the file with commas between its cells")
    columns = [str(read_cell(name, "S")) if name[:1] == '"' else name for name in cells]
    for position, name in enumerate(columns):
        if not name:
            raise ValidationError(f"column {position + 1} has no name")
        if name in columns[:position]:
            raise ValidationError(f"the column {name!r} is there twice")
    return columns


def row_text(cells: Iterable[str]) -> str:
    """The line of a row, without its end.

    >>> row_text(["a", "one\\rtwo", "b,c"])
    'a,"one\\rtwo","b,c"'
    """
    lines: list[str] = []
    row_writer(lines.append)(cells)
    return lines[0]


def row_writer(write: Callable[[str], object]) -> Callable[[Iterable[str]], object]:
    """A function that gives the line of each row to `write`, without its end."""
    import csv

    # csv quotes what its line ends are made of: not every Python quotes a carriage return unless it is one of them.
    return csv.writer(_Lines(write), lineterminator="\r\n").writerow


class _Lines:
    """What csv takes for a file."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def write(self, line: str) -> None:
        self._write(line[:-2])
