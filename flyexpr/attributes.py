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
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args, get_origin

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.numbers import Number
from flyexpr.records import record
from flyexpr.values import Frozen, freeze, freeze_constant, thaw


@record
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
    plain: bool = False  # encoding changes nothing: it only looks at the type

    @property
    def kind(self) -> str | None:
        """DynamoDB's code of what is stored: S N B BOOL L M SS NS BS; None when it may be several.

        >>> codec_of(set[int]).kind, codec_of(datetime).kind, codec_of(set).kind
        ('NS', 'S', None)
        """
        return _KINDS.get(self.type)


@record
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


@record
class Derived:
    """An attribute that is made of others: filled in on put, never set by hand; see `template` and `computed`.

    >>> template("{type}:{id}").value({"type": "facebook", "id": "1"})
    'facebook:1'
    """

    parts: tuple[str, ...]
    function: Callable[..., Any] | None
    text: str = ""
    type: Any = str

    def value(self, values: Mapping[str, Any], unique: bool = False, narrow: bool = False) -> Any:
        """The attribute's value, of the values of its parts; None keeps the attribute out of the item.

        With `unique`, as of a key, a part that holds the text which separates it from the next is refused: else two
        items could have one key. With `narrow`, as of an index's key too, a number wider than its format is refused: it
        would be sorted among smaller ones.
        """
        if self.function is not None:
            return self.function(*(values[part] for part in self.parts))
        return "".join(_pieces(self.text, values, unique, narrow))

    def prefix(self, values: Mapping[str, Any]) -> str:
        """What is sure about the start of the text when only some parts are known.

        >>> template("{type}:{id}").prefix({"type": "facebook"})
        'facebook:'
        """
        return "" if self.function is not None else "".join(_pieces(self.text, values))


def template(text: str) -> Derived:
    """A text attribute made of others: a composite key, filled in on put and found by conditions on its parts.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> request(accounts, query(eq("type", "facebook") & eq("id", "1")))[1]["Key"]
    {'uid': {'S': 'facebook:1'}}

    Parts take Python's format specifications (`{n:05d}`). In the table's own key a part may not hold the text that
    separates it from the next, or two items could have one key; in any key a number may not be wider than its format.
    An item of another writer that lacks a part is read with what its key says of it.
    """
    parsed = pieces_of(text)
    parts = tuple(dict.fromkeys(name for _, name, _ in parsed if name is not None))
    if not all(part.isidentifier() for part in parts):
        raise FlyexprError(f"template {text!r}: a part is the name of an attribute, as in '{{type}}:{{id}}'")
    for (_, name, spec), (literal, following, _) in pairwise(parsed):
        if name is not None and following is not None and not literal and not spec:
            raise FlyexprError(
                f"template {text!r}: put a text between {{{name}}} and {{{following}}}, which runs into it"
            )
    return Derived(parts, None, text)


def computed(function: Callable[..., Any], *parts: str, type: Any = str) -> Derived:
    """An attribute that a function makes of others; where it gives None the item goes without.

    >>> low = computed(lambda score: "low" if score < 10 else None, "score")
    >>> low.value({"score": 3}), low.value({"score": 12})
    ('low', None)

    On a key attribute of an index, None keeps the item out of the index.
    """
    return Derived(parts, function, type=type)


def pieces_of(text: str) -> list[tuple[str, str | None, str]]:
    """The pieces of a template: a text, the part that follows it (None at the end), and the part's format.

    >>> pieces_of("O#{order:04d}#")
    [('O#', 'order', '04d'), ('#', None, '')]
    """
    from string import Formatter

    try:
        return [(literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(text)]
    except ValueError as error:
        raise FlyexprError(f"template {text!r}: {error}") from None


def piece_of(value: Any, spec: str, at: str = "") -> str:
    """A part's value in its format, which is applied to what DynamoDB gives back: 1, 1.0 and Decimal("1.00") are one.

    >>> piece_of(7.0, "03d"), piece_of(date(2026, 1, 31), "")
    ('007', '2026-01-31')
    """
    plain = thaw(freeze(standard(value), at))
    try:
        return format(plain, spec)
    except (ValueError, TypeError) as error:
        raise ValidationError(f"does not go into '{{{at}:{spec}}}': {error}", at=at) from None


_WIDTH = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?([0-9]*)")


def width_of(spec: str) -> int | None:
    """The width that a format fills a number up to; None for a format without one.

    >>> width_of("05d"), width_of("8.2f"), width_of("")
    (5, 8, None)
    """
    found = _WIDTH.match(spec)
    return int(found[1]) if found and found[1] else None


def _pieces(text: str, values: Mapping[str, Any], unique: bool = False, narrow: bool = False) -> Iterator[str]:
    """The pieces of a template up to the first part that is not known."""
    parsed = pieces_of(text)
    for place, (literal, name, spec) in enumerate(parsed):
        yield literal
        if name is None:
            continue
        if values.get(name) is None:
            return
        piece = piece_of(values[name], spec, name)
        following = parsed[place + 1][0] if place + 1 < len(parsed) else ""
        if unique and following and following in piece + following[:-1]:
            raise ValidationError(f"a part of {text!r} may not hold the {following!r} that ends it", at=name)
        if narrow and _is_wide(values[name], piece, spec):
            raise ValidationError(
                f"{piece!r} is wider than its format in {text!r}, so a key would sort it among smaller numbers",
                at=name,
                hint=f"a format that fills up to {len(piece)} characters holds it",
            )
        yield piece


def _is_wide(value: Any, piece: str, spec: str) -> bool:
    return isinstance(standard(value), (int, float, Decimal)) and len(piece) > (width_of(spec) or len(piece))


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
    if isinstance(kind, (Attribute, Derived)):
        return codec_of(kind.type)
    if isinstance(kind, Codec):
        return kind
    if kind in _CODECS:
        return _CODECS[kind]
    if _is_uuid(kind):
        return Codec(_encode_uuid, kind, str)
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
    if isinstance(value, (list, tuple)):
        return [standard(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return {standard(member) for member in value}
    if isinstance(value, dict):
        return {name: standard(member) for name, member in value.items()}
    if isinstance(value, enum.Enum):
        return standard(value.value)
    if isinstance(value, datetime):
        return _datetime_text(value)
    if isinstance(value, date):
        return _encode_date(value)
    return str(value) if _is_uuid(type(value)) else value


def _is_uuid(kind: Any) -> bool:
    """Whether a type is UUID or one of its kin, without importing it: whoever has one has."""
    uuid = sys.modules.get("uuid")
    return uuid is not None and isinstance(kind, type) and issubclass(kind, uuid.UUID)


def meaning(value: Any) -> Frozen:
    """A value's `Frozen` pair, whatever its type: as it is stored where nothing is declared, else of kind `PYTHON`.

    >>> meaning({"day": date(2026, 1, 31)}) == meaning({"day": "2026-01-31"}), meaning(1) == meaning(1.0)
    (True, True)
    """
    try:
        return freeze(value)
    except ValidationError:
        return freeze_constant(standard(value))


def _typed(name: str, *allowed: type) -> Callable[[Any], Any]:
    """Lets through values of the allowed types; True and False are no numbers."""

    def encode(value: Any) -> Any:
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ValidationError(f"expected {name}, got {type(value).__name__}")
        return value

    return encode


def _encode_int(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not _is_whole(value):
        got = f"{value}, which is no whole number" if isinstance(value, (float, Decimal)) else type(value).__name__
        raise ValidationError(f"expected int, got {got}")
    return int(value)


def _is_whole(value: int | float | Decimal) -> bool:
    # By comparison where it can be: a Decimal's own // and % fail beyond 28 digits.
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) or value.is_integer()


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
    if not _is_uuid(type(value)):
        raise ValidationError(f"expected UUID, got {type(value).__name__}")
    return str(value)


epoch = Codec(_epoch_seconds, _from_epoch, int)

_CODECS: dict[Any, Codec] = {
    str: Codec(_typed("str", str), None, str, plain=True),
    int: Codec(_encode_int, None, int),
    float: Codec(_typed("float", int, float, Decimal), float, float, plain=True),
    Decimal: Codec(_typed("Decimal", int, Decimal), Decimal, Decimal),
    Number: Codec(_typed("a number", int, float, Decimal), None, Decimal, plain=True),
    bool: Codec(_typed("bool", bool), None, bool, plain=True),
    bytes: Codec(_typed("bytes", bytes, bytearray, memoryview), None, bytes, plain=True),
    list: Codec(_typed("list", list, tuple), None, list, plain=True),
    dict: Codec(_typed("dict", dict), None, dict, plain=True),
    set: Codec(_typed("set", set, frozenset), None, set),
    frozenset: Codec(_typed("set", set, frozenset), None, set),
    datetime: Codec(_datetime_text, _read_datetime, str),
    date: Codec(_encode_date, date.fromisoformat, str),
}


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    stored = {type(member.value) for member in kind}
    # A member of an Enum that is a str or an int too stands in an expression as that str or int.
    same = {member.value for member in kind} if issubclass(kind, str | int) else set()

    def encode(value: Any) -> Any:
        if isinstance(value, kind):
            return value.value
        if type(value) in stored and value in same:
            return value
        raise ValidationError(f"expected {kind.__name__}, got {type(value).__name__}")

    return Codec(encode, kind, next(iter(stored)) if len(stored) == 1 else object)


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
