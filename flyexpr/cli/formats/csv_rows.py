"""Items as rows of CSV: a column for each attribute, and cells that say their type.

A cell is JSON where it reads as JSON that DynamoDB can hold, else text: 3 is a number, true a boolean, {"$set": ["a"]}
a set, Rush a string. So a string that reads as JSON stands in JSON's quotes, and an empty cell is an attribute that the
item does not have. A key attribute has the type that the table says.

A text with a NUL stands in JSON's quotes too: before 3.11, Python's csv reads none. The head follows the same rule.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.encode import encode
from flyexpr.values.kinds import Item, quote
from flyexpr.values.numbers import number
from flyexpr.values.plain_json import read_value, value_text

_JSON_STARTS = frozenset('{["-0123456789tfn \t\r\n')
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def cell(value: Any) -> str:
    """The text of a cell.

    >>> cell("Rush"), cell(3), cell("3"), cell(""), cell(["a"])
    ('Rush', '3', '"3"', '""', '["a"]')
    """
    if isinstance(value, str) and value and "\0" not in value and _read_json(value) is None:
        return value
    return value_text(value)


def read_cell(text: str, kind: str | None = None) -> Any:
    """The value of a cell; a key attribute gets the type (S, N or B) that its table declares.

    >>> read_cell("Rush"), read_cell("3"), read_cell("9e400"), read_cell("02858")
    ('Rush', 3, '9e400', '02858')
    >>> read_cell("3", kind="S"), read_cell('"3"', kind="S"), read_cell("02858", kind="N")
    ('3', '3', 2858)
    """
    if kind == "N" and _NUMBER.fullmatch(text):
        return _read_number(text)
    found = _read_json(text)
    if found is None or (kind == "S" and not isinstance(found[0], str)):
        return text
    return found[0]


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
        found = number(text.strip())
        encode(found)
    except (ArithmeticError, ValidationError):
        return text
    return found


def row(columns: Iterable[str], item: Mapping[str, Any]) -> list[str]:
    """The cells of an item under these columns.

    >>> row(["id", "n", "note"], {"id": "a", "note": "x"})
    ['a', '', 'x']
    """
    return [cell(item[name]) if name in item else "" for name in columns]


def read_row(columns: Sequence[str], cells: Sequence[str], kinds: Mapping[str, str]) -> Item:
    """The item of a row; `kinds` has the types of key attributes.

    >>> read_row(["id", "n", "note"], ["7", "7", ""], {"id": "S"})
    {'id': '7', 'n': 7}
    """
    if len(cells) > len(columns):
        raise ValidationError(f"{len(cells)} cells under {len(columns)} columns")
    filled = zip(columns, cells, strict=False)
    return {name: read_cell(text, kinds.get(name)) for name, text in filled if text}


def head(columns: Iterable[str]) -> list[str]:
    """The cells of the first row.

    >>> head(["id", '"quoted"'])
    ['id', '"\\\\"quoted\\\\""']
    """
    return [quote(name) if name[:1] in '"\ufeff' or "\0" in name else name for name in columns]


def read_head(cells: Sequence[str]) -> list[str]:
    """The columns that the first row names; ValidationError where a name is missing or stands twice.

    >>> read_head(head(["id", '"quoted"']))
    ['id', '"quoted"']
    >>> read_head(["id", "id"])
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the column 'id' is there twice
    """
    columns = [str(read_cell(name, "S")) if name[:1] == '"' else name for name in cells]
    for place, name in enumerate(columns):
        if not name:
            raise ValidationError(f"column {place + 1} has no name")
        if name in columns[:place]:
            raise ValidationError(f"the column {name!r} is there twice")
    return columns


def row_text(cells: Iterable[str]) -> str:
    """The line of a row, without its end.

    >>> row_text(["a", "one\\rtwo", "b,c"])
    'a,"one\\rtwo","b,c"'
    """
    import csv

    text = io.StringIO(newline="")
    # csv quotes what its line ends are made of: not every Python quotes a carriage return unless it is one of them.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")
