"""What an attribute holds: a Python type, and how its values become DynamoDB's plain ones and back.

    type                           stored as
    str int float Decimal          S, N; float and Decimal read back as such
    Number (int | Decimal)         N; reads back as int when whole, else Decimal
    bool bytes list dict           BOOL, B, L, M
    datetime, date                 S, ISO 8601 in UTC with microseconds, so that strings sort as times do
    epoch                          a datetime as N, seconds since 1970 (what TTL wants)
    UUID, an Enum                  S; the member's value
    set[T], list[T], dict[str, T]  SS | NS | BS, L, M of a type above

A declared type is held to strictly when writing: an `int` attribute refuses "1", True and 1.8.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args, get_origin
from uuid import UUID

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.numbers import Number


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of an attribute are stored: `encode` to a plain value of `type`, `decode` back.

    >>> cents = Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int)
    >>> cents.encode(9.99), cents.decode(999), cents.kind
    (999, 9.99, 'N')

    `type` is what is stored, one of str int float Decimal bool bytes list dict set. Use functions of a module, not
    lambdas, for a table that is to be pickled. `member` is the codec of a set's, list's or map's values.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any] | None
    type: Any = str
    member: Codec | None = None

    @property
    def kind(self) -> str | None:
        """DynamoDB's code of what is stored: S N B BOOL L M SS NS BS; None when it may be several.

        >>> codec_of(set[int]).kind, codec_of(datetime).kind, codec_of(set).kind
        ('NS', 'S', None)
        """
        return _KINDS.get(self.type)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A type, and what is asked of its values on every put.

    >>> wins = Attribute(int, default=0, check=lambda wins: wins >= 0)
    >>> wins.required, wins.default
    (False, 0)

    `required` refuses an item without the attribute; `default` fills it in (a function is called each time); `check`
    must return true of the value. Updates are held to type and check, where the new value is known.
    """

    type: Any
    required: bool = False
    default: Any = None
    check: Callable[[Any], Any] | None = None


_KINDS: dict[Any, str] = {
    str: "S",
    int: "N",
    float: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    list: "L",
    dict: "M",
    set[str]: "SS",
    set[int]: "NS",
    set[float]: "NS",
    set[Decimal]: "NS",
    set[bytes]: "BS",
}


_SETS: dict[str | None, Any] = {"S": set[str], "N": set[Decimal], "B": set[bytes]}


def codec_of(kind: Any) -> Codec:
    """The codec of a declared type.

    >>> codec_of(datetime).encode(datetime(2026, 1, 31, 12, tzinfo=timezone.utc))
    '2026-01-31T12:00:00.000000+00:00'
    >>> codec_of(complex)
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: complex is no type of an attribute
      hint: use str int float Decimal bool bytes datetime date UUID list dict set[...], an Enum, epoch, or a Codec
    """
    if isinstance(kind, Attribute):
        return codec_of(kind.type)
    if isinstance(kind, Codec):
        return kind
    if kind in _CODECS:
        return _CODECS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (set, frozenset) and len(arguments) == 1:
        return _set_codec(codec_of(arguments[0]))
    if origin is list and len(arguments) == 1:
        return _list_codec(codec_of(arguments[0]))
    if origin is dict and len(arguments) == 2 and arguments[0] is str:
        return _map_codec(codec_of(arguments[1]))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_codec(kind)
    raise FlyexprError(
        f"{getattr(kind, '__name__', repr(kind))} is no type of an attribute\n"
        "  hint: use str int float Decimal bool bytes datetime date UUID list dict set[...], an Enum, epoch, or a Codec"
    )


def standard(value: Any) -> Any:
    """The plain value that a value of a foreign type is stored as where nothing else is declared.

    >>> standard([date(2026, 1, 31), 1])
    ['2026-01-31', 1]
    """
    if isinstance(value, list | tuple):
        return [standard(member) for member in value]
    if isinstance(value, set | frozenset):
        return {standard(member) for member in value}
    if isinstance(value, dict):
        return {name: standard(member) for name, member in value.items()}
    if isinstance(value, enum.Enum):
        return standard(value.value)
    for kind in (datetime, date, UUID):
        if isinstance(value, kind):
            return _CODECS[kind].encode(value)
    return value


def _typed(name: str, *allowed: type) -> Callable[[Any], Any]:
    """Lets through values of the allowed types; True and False are no numbers."""

    def encode(value: Any) -> Any:
        if not isinstance(value, allowed) or isinstance(value, bool) and bool not in allowed:
            raise ValidationError(f"expected {name}, got {type(value).__name__}")
        return value

    return encode


def _encode_int(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != value // 1:
        got = (
            f"{value}, which is no whole number"
            if isinstance(value, float | Decimal)
            else type(value).__name__
        )
        raise ValidationError(f"expected int, got {got}")
    return int(value)


def _encode_datetime(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValidationError(f"expected datetime, got {type(value).__name__}")
    if value.tzinfo is None:
        raise ValidationError("a datetime needs a time zone", hint="use datetime.now(timezone.utc)")
    return value.astimezone(timezone.utc)


def _datetime_text(value: Any) -> str:
    return _encode_datetime(value).isoformat(timespec="microseconds")


def _read_datetime(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:  # Python 3.10 reads less of ISO 8601 than others write
        from dateutil.parser import isoparse

        found = isoparse(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def _epoch_seconds(value: Any) -> int | Decimal:
    whole, fraction = divmod((_encode_datetime(value) - _EPOCH) // _MICROSECOND, 1_000_000)
    return whole + Decimal(fraction).scaleb(-6) if fraction else whole


def _from_epoch(seconds: int | Decimal) -> datetime:
    return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))


def _encode_date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValidationError(f"expected date, got {type(value).__name__}")
    return value.isoformat()


def _encode_uuid(value: Any) -> str:
    if not isinstance(value, UUID):
        raise ValidationError(f"expected UUID, got {type(value).__name__}")
    return str(value)


epoch = Codec(_epoch_seconds, _from_epoch, int)

_CODECS: dict[Any, Codec] = {
    str: Codec(_typed("str", str), None, str),
    int: Codec(_encode_int, None, int),
    float: Codec(_typed("float", int, float, Decimal), float, float),
    Decimal: Codec(_typed("Decimal", int, Decimal), Decimal, Decimal),
    Number: Codec(_typed("a number", int, float, Decimal), None, Decimal),
    bool: Codec(_typed("bool", bool), None, bool),
    bytes: Codec(_typed("bytes", bytes, bytearray, memoryview), None, bytes),
    list: Codec(_typed("list", list, tuple), None, list),
    dict: Codec(_typed("dict", dict), None, dict),
    set: Codec(_typed("set", set, frozenset), None, set),
    frozenset: Codec(_typed("set", set, frozenset), None, set),
    datetime: Codec(_datetime_text, _read_datetime, str),
    date: Codec(_encode_date, date.fromisoformat, str),
    UUID: Codec(_encode_uuid, UUID, str),
}


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    stored = {type(member.value) for member in kind}

    def encode(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValidationError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value.value

    return Codec(encode, kind, stored.pop() if len(stored) == 1 else object)


def _set_codec(member: Codec) -> Codec:
    check, decode = _typed("set", set, frozenset), member.decode

    def encode(value: Any) -> Any:
        return {member.encode(one) for one in check(value)}

    def decode_set(value: Any) -> Any:
        return set(map(decode, value)) if decode else value

    return Codec(encode, decode_set if decode else None, _SETS.get(member.kind, set), member)


def _list_codec(member: Codec) -> Codec:
    check, decode = _typed("list", list, tuple), member.decode

    def encode(value: Any) -> Any:
        return [member.encode(one) for one in check(value)]

    return Codec(encode, (lambda value: list(map(decode, value))) if decode else None, list, member)


def _map_codec(member: Codec) -> Codec:
    check, decode = _typed("dict", dict), member.decode

    def encode(value: Any) -> Any:
        return {name: member.encode(one) for name, one in check(value).items()}

    def decode_map(value: Any) -> Any:
        return {name: decode(one) for name, one in value.items()} if decode else value

    return Codec(encode, decode_map if decode else None, dict, member)
