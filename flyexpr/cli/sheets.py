"""Items as rows of CSV: a column for each attribute, and cells that say their type.

A cell is JSON where it reads as JSON, else text: 3 is a number, true a boolean, {"$set": ["a"]} a set, Rush a string.
So a string that reads as JSON stands in JSON's quotes, and an empty cell is an attribute that the item does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flyexpr.cli.marked import read_value, value_text
from flyexpr.errors import ValidationError
from flyexpr.values import Item

_JSON_STARTS = frozenset('{["-0123456789tfn \t\r\n')


def cell(value: Any) -> str:
    """The text of a cell.

    >>> cell("Rush"), cell(3), cell("3"), cell(""), cell(["a"])
    ('Rush', '3', '"3"', '""', '["a"]')
    """
    if isinstance(value, str) and value and not _is_json(value):
        return value
    return value_text(value)


def read_cell(text: str, kind: str | None = None) -> Any:
    """The value of a cell; of a key attribute as its table's type (S, N or B) wants it.

    >>> read_cell("Rush"), read_cell("3"), read_cell("3", kind="S"), read_cell('"3"', kind="S")
    ('Rush', 3, '3', '3')
    """
    if not text or text[0] not in _JSON_STARTS:
        return text
    try:
        value = read_value(text)
    except ValidationError:
        return text
    return text if kind == "S" and not isinstance(value, str) else value


def _is_json(text: str) -> bool:
    if text[0] not in _JSON_STARTS:
        return False
    try:
        read_value(text)
    except ValidationError:
        return False
    return True


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


def check_columns(columns: Sequence[str]) -> None:
    """None for the head of a sheet; ValidationError where it names no attribute, or one twice.

    >>> check_columns(["id", "id"])
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the column 'id' is there twice
    """
    for place, name in enumerate(columns):
        if not name:
            raise ValidationError(f"column {place + 1} has no name")
        if name in columns[:place]:
            raise ValidationError(f"the column {name!r} is there twice")
