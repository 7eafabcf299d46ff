"""Values of types that DynamoDB lacks (datetime, UUID, Enum, …), in the form they are stored in by default."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.freeze import freeze
from flyexpr.values.kinds import Frozen, path_text


def standard(value: Any) -> Any:
    """The plain value that a value of a foreign type is stored as where nothing else is declared.

    >>> standard([date(2026, 1, 31), 1])
    ['2026-01-31', 1]
    """
    if isinstance(value, (list, tuple)):
        return [standard(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return {standard(member) for member in value}
    if isinstance(value, Mapping):
        return {name: standard(member) for name, member in value.items()}
    if isinstance(value, enum.Enum):
        return standard(value.value)
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, date):
        return date_text(value)
    return str(value) if is_uuid(type(value)) else value


def is_uuid(kind: Any) -> bool:
    """Whether a type is UUID or one of its kin, without importing it: whoever has one has."""
    uuid = sys.modules.get("uuid")
    return uuid is not None and isinstance(kind, type) and issubclass(kind, uuid.UUID)


def meaning(value: Any, steps: Iterable[str | int] = ()) -> Frozen:
    """A value's `Frozen` pair, that of its standard form where it is of a foreign type.

    >>> meaning({"day": date(2026, 1, 31)}) == meaning({"day": "2026-01-31"}), meaning(1) == meaning(1.0)
    (True, True)

    ValidationError, with the path of these steps, for a value that cannot be stored, such as one of a type that only a
    Codec knows.
    """
    try:
        return freeze(value)
    except ValidationError:
        return freeze(standard(value), path_text(steps))


def utc_datetime(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValidationError(f"expected datetime, got {type(value).__name__}")
    if value != value:  # pandas' NaT is a datetime, and like NaN equals nothing
        raise ValidationError("NaT is not a time", hint="leave the attribute out, or store None")
    if value.tzinfo is None:
        raise ValidationError(
            "a datetime needs a time zone", hint="use datetime.now(timezone.utc), or datetime(..., tzinfo=timezone.utc)"
        )
    return value.astimezone(timezone.utc)


def datetime_text(value: Any) -> str:
    return utc_datetime(value).isoformat(timespec="microseconds")


def date_text(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValidationError(f"expected date, got {type(value).__name__}")
    return value.isoformat()
