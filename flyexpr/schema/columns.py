"""The columns that a table's items have in a frame: which there are, of which type, and the cells of an item.

A column is decided by the table alone, never by the items: so all parts of a read, on whatever machine, have the same.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.expressions.mistakes import in_words, need
from flyexpr.records import record
from flyexpr.schema.codecs import KEY_TYPES, Codec, codec_of, epoch, type_declared
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.table import Table
from flyexpr.schema.vectors import VectorWriter
from flyexpr.values.foreign import is_uuid, meaning
from flyexpr.values.freeze import thaw
from flyexpr.values.numbers import Number
from flyexpr.values.plain_json import item_text, value_text
from flyexpr.values.types import Item

Cell = Callable[[Any], Any] | None  # makes a cell of a value; None for a value that is its cell


@record
class Column:
    """A column: its name, what its cells hold, whether each cell is a list of that, and how a value becomes a cell.

    >>> [(column.name, column.holds, column.many) for column in columns_of(scores, None)]
    [('userid', 'text', False), ('title', 'text', False), ('top_score', 'whole', False), ('wins', 'whole', False)]

    `holds` is one of text whole real single exact truth bytes moment day json; json is the text of a value.
    """

    name: str
    holds: str
    many: bool = False
    cell: Cell = None


def columns_of(table: Table[Any], others: str | None) -> list[Column]:
    """The keys of the table, its declared attributes and the keys of its indexes; then the column for all others.

    >>> columns_of(scores, "wins")
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: the table has an attribute 'wins'; give others= another name, or None

    FlyexprError for a table of several kinds: each kind has columns of its own.
    """
    need(table, Table, "a frame takes the table first, and then its items")
    if others is not None:
        need(others, str, "others= takes the name of a column, or None for no such column")
    if isinstance(table, Kinds):
        known = ", ".join(map(repr, table.kinds))
        raise FlyexprError(f"a frame has items of one kind; give it table[kind] and the items of that kind: {known}")
    names = dict.fromkeys([*table.keys, *table.attributes, *table.key_attributes])
    columns = [_column(name, table.attributes.get(name) or KEY_TYPES[str(table.kind(name))]) for name in names]
    if others in names:
        raise FlyexprError(f"the table has an attribute {others!r}; give others= another name, or None")
    return columns if others is None else [*columns, Column(others, "json")]


def cells_of(columns: Sequence[Column], items: Iterable[Item], others: str | None) -> list[list[Any]]:
    """The cells of some items, by column; None for an attribute that an item lacks, ValidationError for an odd value.

    >>> cells_of(columns_of(Table("t", "id"), "others"), [{"id": "a", "n": 1}, {"id": "b"}], "others")
    [['a', 'b'], ['{"n": 1}', None]]
    """
    rows: list[list[Any]] = [[] for _ in columns]
    declared = columns if others is None else columns[:-1]
    named = frozenset(column.name for column in declared)
    for item in items:
        if not isinstance(item, (dict, Mapping)):  # dict comes first, since nearly all are
            raise _no_item(item)
        for column, cells in zip(declared, rows, strict=False):
            value = item.get(column.name)
            cells.append(value if value is None or column.cell is None else _cell(column, column.cell, value))
        if others is not None:
            rest = {name: thaw(meaning(value, (name,))) for name, value in item.items() if name not in named}
            rows[-1].append(item_text(rest) if rest else None)
    return rows


def _no_item(value: Any) -> TypeError:
    instead = "; write (found.item for found in ...)" if isinstance(getattr(value, "item", None), Mapping) else ""
    return TypeError(f"a frame takes items, which are dicts, not {in_words(value)}{instead}")


def _cell(column: Column, make: Callable[[Any], Any], value: Any) -> Any:
    try:
        return make(value)
    except (TypeError, ValueError, ArithmeticError) as error:  # an item that was given as it is stored
        raise ValidationError(f"{value!r} does not fit its column", at=column.name) from error


_SCALARS: dict[Any, tuple[str, Cell]] = {
    str: ("text", None),
    int: ("whole", None),
    float: ("real", None),
    Decimal: ("exact", Decimal),
    Number: ("exact", Decimal),
    bool: ("truth", None),
    bytes: ("bytes", None),
    datetime: ("moment", None),
    epoch: ("moment", None),
    date: ("day", None),
}


def _column(name: str, declared: Any) -> Column:
    declared = type_declared(declared)
    if isinstance(declared, Derived):
        return _column(name, declared.type)
    scalar = _scalar(declared)
    if scalar is not None:
        return Column(name, scalar[0], cell=scalar[1])
    if isinstance(declared, Codec) and isinstance(declared.encode, VectorWriter):
        return Column(name, "single", True, list)
    member = get_args(declared)
    if get_origin(declared) in (set, frozenset, list) and (scalar := _scalar(type_declared(member[0]))) is not None:
        ordered = sorted if get_origin(declared) is not list else list
        return Column(name, scalar[0], True, _listing(ordered, scalar[1]))
    return Column(name, "json", cell=_json)


def _scalar(declared: Any) -> tuple[str, Cell] | None:
    """What single values of a declared type are in a column; None for those that only JSON can hold."""
    if declared in _SCALARS:
        return _SCALARS[declared]
    if is_uuid(declared):
        return "text", str
    codec = declared if isinstance(declared, Codec) else None
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        codec = codec_of(declared)
    if codec is None or codec.type not in _SCALARS:
        return None
    plain = codec_of(codec.type)
    encode, decode = codec.encode, plain.decode
    return _SCALARS[codec.type][0], (lambda value: decode(encode(value))) if decode else encode


def _listing(ordered: Callable[[Any], list[Any]], cell: Cell) -> Callable[[Any], list[Any]]:
    if cell is None:
        return ordered
    return lambda values: ordered(map(cell, values))


def _json(value: Any) -> str:
    return value_text(thaw(meaning(value)))
