"""The formats of dates and times in templates, such as `{at:%Y-%m-%d}`: written, read back, compared by order.

They are made here, not by `strftime`, which writes the year 999 in three digits on some systems and names of months in
the language of the program's user. A key has to be the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import cycle
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.foreign import utc_datetime

_FIELDS: dict[str, tuple[int, Callable[[Any], int]]] = {  # the width of each field, and its value
    "Y": (4, lambda at: at.year),
    "m": (2, lambda at: at.month),
    "d": (2, lambda at: at.day),
    "j": (3, lambda at: at.timetuple().tm_yday),
    "G": (4, lambda at: at.isocalendar()[0]),
    "V": (2, lambda at: at.isocalendar()[1]),
    "u": (1, lambda at: at.isoweekday()),
    "H": (2, lambda at: getattr(at, "hour", 0)),
    "M": (2, lambda at: getattr(at, "minute", 0)),
    "S": (2, lambda at: getattr(at, "second", 0)),
    "f": (6, lambda at: getattr(at, "microsecond", 0)),
}
_DAYS = ("Ymd", "Yj", "GVu")  # the fields that make a day, the greatest first
_TIME = "HMSf"
_FIELD = re.compile("%(.?)", re.DOTALL)


def is_date_format(spec: str) -> bool:
    """Whether the format of a part is one of dates and times.

    >>> is_date_format("%Y-%m"), is_date_format("05d"), is_date_format(".1%")
    (True, False, False)
    """
    return re.search("%[A-Za-z]", spec) is not None


def wrong_field(spec: str) -> str:
    """A field that no format takes; empty where all are known.

    >>> wrong_field("%d %b"), wrong_field("%Y%%")
    ('%b', '')
    """
    return next((f"%{name}" for name in _FIELD.findall(spec) if name not in _FIELDS and name != "%"), "")


def known_fields() -> str:
    """The fields that a format may have, for error texts."""
    return " ".join(f"%{name}" for name in _FIELDS)


def date_piece(value: Any, spec: str, at: str = "") -> str:
    """A date or datetime in a format; a datetime in UTC, as it is stored.

    >>> west = timezone(timedelta(hours=-2))
    >>> date_piece(datetime(2026, 1, 31, 23, tzinfo=west), "%Y-%m-%d"), date_piece(date(7, 1, 2), "%G%V")
    ('2026-02-01', '000701')
    """
    if isinstance(value, datetime):
        try:
            value = utc_datetime(value)
        except ValidationError as error:
            raise ValidationError(error.message, at=at, hint=error.hint) from None
    elif not isinstance(value, date):
        hint = "write datetime.fromisoformat(...) or date.fromisoformat(...)" if isinstance(value, str) else None
        raise ValidationError(f"'{{{at}:{spec}}}' takes a date or a datetime, not {value!r}", at=at, hint=hint)
    return _FIELD.sub(lambda match: _field(value, match[1]), spec)


def _field(value: Any, name: str) -> str:
    if name == "%":
        return "%"
    width, number = _FIELDS[name]
    return f"{number(value):0{width}d}"


def date_width(spec: str) -> int:
    """The length of every text in a format.

    >>> date_width("%Y-%m-%d")
    10
    """
    return len(date_piece(date(2026, 1, 31), spec))


@lru_cache(maxsize=256)
def keeps_order(spec: str) -> bool:
    """Whether the texts sort as the times do: the greatest field comes first, and none is left out between two.

    >>> keeps_order("%Y/%m"), keeps_order("%m/%Y"), keeps_order("%Y-%d")
    (True, False, False)
    """
    fields = "".join(name for name in _FIELD.findall(spec) if name != "%")
    return any((day + _TIME).startswith(fields) for day in _DAYS)


def reader_of(spec: str, kind: type[Any]) -> Callable[[str], Any] | None:
    """The function that reads a text in a format; None where several dates (`kind`: or datetimes) have the same text.

    >>> reader_of("%Y%m%d", date)("20260131"), reader_of("%Y%m", date), reader_of("%Y%m%d", datetime)
    (datetime.date(2026, 1, 31), None, None)

    It raises ValueError for a text that is not in the format.
    """
    fields = [name for name in _FIELD.findall(spec) if name != "%"]
    day = next((day for day in _DAYS if {*day} <= {*fields}), None)
    if day is None or (kind is datetime and not {*_TIME} <= {*fields}):
        return None
    text = re.compile("".join(map(_pattern, _FIELD.split(spec), cycle((False, True)))))

    def read(piece: str) -> Any:
        match = text.fullmatch(piece)
        if match is None:
            raise ValueError(f"{piece!r} is not in the format {spec!r}")
        values = dict(zip(fields, map(int, match.groups()), strict=True))
        on_day = _day(*(values[name] for name in day), fields=day)
        if kind is not datetime:
            return on_day
        return datetime.combine(on_day, time(*(values[name] for name in _TIME)), timezone.utc)

    return read


def _pattern(piece: str, field: bool) -> str:
    return f"([0-9]{{{_FIELDS[piece][0]}}})" if field and piece != "%" else re.escape(piece)


def _day(*values: int, fields: str) -> date:
    if fields == "GVu":
        return date.fromisocalendar(*values)
    if fields == "Yj":
        return date(values[0], 1, 1) + timedelta(values[1] - 1)
    return date(*values)
