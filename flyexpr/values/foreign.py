"""Values of types that DynamoDB lacks (datetime, UUID, Enum, …), in the form in which they are stored by default."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.freeze import freeze
from flyexpr.values.refusals import mistyped, path_text
from flyexpr.values.types import MAX_DEPTH, Frozen


class _TooDeep(Exception):
    """Ends a reading of a value that is nested too deep; `plain` is what came before, and what is too deep."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain


def standard(value: Any) -> Any:
    """The plain value that a value of a foreign type is stored as where nothing else is declared.

    >>> standard([date(2026, 1, 31), 1])
    ['2026-01-31', 1]

    What cannot be stored stays as it is, so that `freeze` says why: containers in a set, and what is nested too deep.
    What follows that is left out: a list that contains itself twice has no end to come to.
    """
    try:
        return _standard(value, 0)
    except _TooDeep as deep:
        return deep.plain


def _standard(value: Any, level: int) -> Any:
    if level > MAX_DEPTH:
        raise _TooDeep(value)
    if isinstance(value, (list, tuple)):
        return _standard_list(value, level)
    if isinstance(value, (set, frozenset)):
        return {_standard_member(member) for member in value}
    if isinstance(value, Mapping):
        return _standard_map(value, level)
    if isinstance(value, enum.Enum):
        return _standard(value.value, level)
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, date):
        return date_text(value)
    return str(value) if is_uuid(type(value)) else value


def _standard_list(members: Iterable[Any], level: int) -> list[Any]:
    plain: list[Any] = []
    for member in members:
        try:
            plain.append(_standard(member, level + 1))
        except _TooDeep as deep:
            raise _TooDeep([*plain, deep.plain]) from None
    return plain


def _standard_map(members: Mapping[Any, Any], level: int) -> dict[Any, Any]:
    plain: dict[Any, Any] = {}
    for name, member in members.items():
        try:
            plain[name] = _standard(member, level + 1)
        except _TooDeep as deep:
            raise _TooDeep({**plain, name: deep.plain}) from None
    return plain


def _standard_member(member: Any) -> Any:
    plain = standard(member)
    return member if isinstance(plain, (list, set, dict)) else plain


def is_uuid(kind: Any) -> bool:
    """Whether a type is UUID or a subclass; does not import uuid, since a program that has a UUID has imported it."""
    uuid = sys.modules.get("uuid")
    return uuid is not None and isinstance(kind, type) and issubclass(kind, uuid.UUID)


def meaning(value: Any, steps: Iterable[str | int] = ()) -> Frozen:
    """A value's `Frozen` pair; for a value of a foreign type, that of its standard form.

    >>> meaning({"day": date(2026, 1, 31)}) == meaning({"day": "2026-01-31"}), meaning(1) == meaning(1.0)
    (True, True)

    ValidationError, with the path that `steps` make, for a value that cannot be stored, such as one of a type that only
    a Codec knows.
    """
    try:
        return freeze(value)
    except ValidationError:
        return freeze(standard(value), path_text(steps))


def utc_datetime(value: Any) -> datetime:
    """The datetime in UTC; ValidationError for anything else, and for one without a time zone."""
    if not isinstance(value, datetime) or value != value:  # NaT of pandas is a datetime that equals nothing
        raise mistyped("datetime", value)
    if value.tzinfo is None:
        raise ValidationError(
            "a datetime needs a time zone", hint="use datetime.now(timezone.utc), or datetime(..., tzinfo=timezone.utc)"
        )
    return value.astimezone(timezone.utc)


def datetime_text(value: Any) -> str:
    """The datetime as ISO 8601 in UTC with microseconds, so that texts sort as times do."""
    return utc_datetime(value).isoformat(timespec="microseconds")


def date_text(value: Any) -> str:
    """The date as ISO 8601; ValidationError for anything else, a datetime too."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise mistyped("date", value)
    return value.isoformat()
