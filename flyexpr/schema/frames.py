"""Items as frames: batches of Arrow, and frames of pandas, in the table's types and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.expressions.mistakes import in_words
from flyexpr.schema.columns import Column, cells_of, columns_of
from flyexpr.schema.table import Table
from flyexpr.values.types import Item

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import RecordBatchReader
else:
    DataFrame = RecordBatchReader = Any  # the annotations can be read at run time, and neither package is loaded for it

R = TypeVar("R")


def to_arrow(
    table: Table[Any],
    items: Iterable[Any],
    *,
    rows: int = 10_000,
    types: Mapping[str, Any] | None = None,
    others: str | None = "others",
) -> RecordBatchReader:
    """The items as a `pyarrow.RecordBatchReader`, whose batches have up to `rows` items each and are made one by one.

    >>> reader = to_arrow(scores, run(scores, scan(gt("wins", 0))))
    >>> print(reader.schema.to_string())
    userid: string
    title: string
    top_score: int64
    wins: int64
    others: string
    >>> reader.read_all().to_pylist()
    [{'userid': 'abc', 'title': 'Comet Quest', 'top_score': 150, 'wins': 3, 'others': None}]

    The columns are the keys and the declared attributes; what else an item has is JSON text in the column `others`.
    docs/how-to/csv-and-pandas.md has the type of each column; `types` gives some another one of pyarrow's. At most
    `rows` items are held at a time, and nothing is read before the first batch is taken. ValidationError for a value
    that does not fit its column. It needs `pip install 'flyexpr[arrow]'`.
    """
    arrow = _needed("pyarrow", "to_arrow", "arrow")
    columns, taken, rows = columns_of(table, others), _taken(items), _checked_rows(rows)
    if not isinstance(types, Mapping | None):
        raise TypeError(f"types= takes a dict of columns and types of pyarrow, not {types!r}")
    chosen = {**(types or {})}
    for name in chosen.keys() - {column.name for column in columns}:
        raise FlyexprError(f"types= names {name!r}, which is not a column: declare it in attributes= of the table")
    schema = arrow.schema([_field(arrow, column, chosen.get(column.name)) for column in columns])

    batches = _batches(arrow, schema, columns, _chunks(columns, taken, rows, others))
    return arrow.RecordBatchReader.from_batches(schema, batches)


def _field(arrow: Any, column: Column, kind: Any) -> Any:
    try:
        return arrow.field(column.name, _arrow_type(arrow, column) if kind is None else kind)
    except (TypeError, ValueError) as error:
        raise TypeError(f"types= takes types such as pyarrow.int32(), not {kind!r} for {column.name!r}") from error


def _batches(arrow: Any, schema: Any, columns: list[Column], chunks: Iterator[list[list[Any]]]) -> Iterator[Any]:
    for rows in chunks:
        arrays = [
            _fitting(column, partial(arrow.array, cells, kind))
            for column, cells, kind in zip(columns, rows, schema.types, strict=True)
        ]
        yield arrow.record_batch(arrays, schema=schema)


@overload
def to_pandas(
    table: Table[Any], items: Iterable[Any], *, rows: None = None, others: str | None = "others"
) -> DataFrame: ...
@overload
def to_pandas(
    table: Table[Any], items: Iterable[Any], *, rows: int, others: str | None = "others"
) -> Iterator[DataFrame]: ...
def to_pandas(
    table: Table[Any], items: Iterable[Any], *, rows: int | None = None, others: str | None = "others"
) -> Any:
    """The items as a frame of pandas; with `rows`, an iterator of frames of up to so many items each.

    >>> frame = to_pandas(scores, run(scores, query(eq("userid", "abc"))))
    >>> frame["top_score"].dtype, int(frame["top_score"].sum()), int(frame["wins"].isna().sum())
    (Int64Dtype(), 9151, 1)

    The columns are those of `to_arrow`, with types of pandas that can be missing. With `rows`, only so many items are
    held at a time, and all frames have the same types. ValidationError for a value that does not fit its column. It
    needs `pip install 'flyexpr[pandas]'`.
    """
    pandas = _needed("pandas", "to_pandas", "pandas")
    columns, taken = columns_of(table, others), _taken(items)

    def frame(cells: list[list[Any]]) -> Any:
        series = {
            column.name: _fitting(column, partial(_series, pandas, column, cells))
            for column, cells in zip(columns, cells, strict=True)
        }
        return pandas.DataFrame(series)

    if rows is None:
        return frame(cells_of(columns, taken, others))
    return map(frame, _chunks(columns, taken, _checked_rows(rows), others))


def _chunks(columns: list[Column], items: Iterator[Item], rows: int, others: str | None) -> Iterator[list[list[Any]]]:
    while (cells := cells_of(columns, islice(items, rows), others))[0]:
        yield cells


def _taken(items: Any) -> Iterator[Item]:
    if isinstance(items, (str, bytes, Mapping, Table)) or not isinstance(items, Iterable):
        raise TypeError(f"a frame takes items, such as run(table, scan()), not {in_words(items)}")
    return iter(items)


def _arrow_type(arrow: Any, column: Column) -> Any:
    kinds: dict[str, Callable[[], Any]] = {
        "text": arrow.string,
        "whole": arrow.int64,
        "real": arrow.float64,
        "single": arrow.float32,
        "exact": lambda: arrow.decimal128(38, 9),
        "truth": arrow.bool_,
        "bytes": arrow.binary,
        "moment": lambda: arrow.timestamp("us", "UTC"),
        "day": arrow.date32,
        "json": arrow.string,
    }
    kind = kinds[column.holds]()
    return arrow.list_(kind) if column.many else kind


_DTYPES = {
    "text": "string",
    "whole": "Int64",
    "real": "float64",
    "truth": "boolean",
    "moment": "datetime64[us, UTC]",
    "day": "datetime64[s]",
    "json": "string",
}


def _series(pandas: Any, column: Column, cells: list[Any]) -> Any:
    dtype = "object" if column.many else _DTYPES.get(column.holds, "object")
    return pandas.Series(cells, dtype=dtype)


_HINTS = {
    "whole": "a column of int has 64 bits; declare it as Decimal, or as float, for larger numbers",
    "exact": "a column of Decimal has 29 digits before the point and 9 after it; types= gives it another type",
}


def _fitting(column: Column, make: Callable[[], R]) -> R:
    """The column that a function makes; ValidationError if it refuses a cell."""
    try:
        return make()
    except (ValueError, TypeError, OverflowError, ArithmeticError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValidationError(
            f"a value does not fit its column: {why}", at=column.name, hint=_HINTS.get(column.holds)
        ) from error


def _checked_rows(rows: Any) -> int:
    if type(rows) is not int or rows < 1:
        raise ValueError(f"rows= takes a whole number from 1, not {rows!r}")
    return rows


def _needed(package: str, function: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ImportError:
        raise FlyexprError(f"{function} needs {package}\n  hint: pip install 'flyexpr[{extra}]'") from None
