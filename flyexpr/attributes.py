"""What an attribute holds: a Python type, and how its values become DynamoDB's plain ones and back.

    type                           stored as
    str int float Decimal          S, N; float and Decimal read back as such
    Number (int | Decimal)         N; reads back as int when whole, else Decimal
    bool bytes list dict           BOOL, B, L, M
    datetime, date                 S, ISO 8601 in UTC with microseconds, so that strings sort as times do
    epoch                          a datetime as N, seconds since 1970 (what TTL wants)
    UUID, an Enum                  S; the member's value
    set[T], list[T], dict[str, T]  SS | NS | BS, L, M of a type above

A declared type is held to strictly when writing: an `int` attribute refuses "1", True and 1.8. When reading, what
counts is how a value is stored: text where a number is declared is an error, whatever the text says.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from functools import lru_cache
from itertools import pairwise
from types import UnionType
from typing import Any, Union, get_args, get_origin

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.numbers import EXACT, LARGEST, Number
from flyexpr.records import record
from flyexpr.values import Frozen, freeze, native, path_text, thaw


@record
class Codec:
    """How values of an attribute are stored: `encode` to a plain value of `type`, `decode` back.

    >>> cents = Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int)
    >>> cents.encode(9.99), cents.decode(999), cents.kind
    (999, 9.99, 'N')

    `type` is what is stored, one of str int float Decimal bool bytes list dict set. Use functions of a module, not
    lambdas, for a table that is to be pickled. `member` is the codec of a set's, list's or map's values; without it
    nobody else knows what is inside, so the attribute is compared encoded and set as a whole: a path into it, and
    adding to it, is an ExpressionError. `decode` is given whatever is stored; what it raises becomes a ValidationError.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any] | None
    type: Any = str
    member: Codec | None = None
    plain: bool = False  # encoding changes nothing: it only looks at the type
    whole: bool = True  # without `member`, only encode and decode know what is inside

    @property
    def kind(self) -> str | None:
        """DynamoDB's code of what is stored: S N B BOOL L M SS NS BS; None when it may be several.

        >>> codec_of(set[int]).kind, codec_of(datetime).kind, codec_of(set).kind
        ('NS', 'S', None)
        """
        return _KINDS.get(self.type)

    @property
    def sealed(self) -> bool:
        """Whether nobody else knows what is inside of what is stored."""
        return self.whole and self.member is None

    @property
    def chain(self) -> Iterator[Codec]:
        """The codec, that of its members, that of theirs, and so on."""
        yield self
        if self.member is not None:
            yield from self.member.chain


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
    if not callable(function):
        raise TypeError(f"computed takes a function and the names of its parts, not {function!r}")
    return Derived(parts, function, type=type)


@lru_cache(maxsize=256)
def pieces_of(text: str) -> tuple[tuple[str, str | None, str], ...]:
    """The pieces of a template: a text, the part that follows it (None at the end), and the part's format.

    >>> pieces_of("O#{order:04d}#")
    (('O#', 'order', '04d'), ('#', None, ''))
    """
    from string import Formatter

    try:
        parsed = tuple(Formatter().parse(text))
    except ValueError as error:
        raise FlyexprError(f"template {text!r}: {error}") from None
    for _, name, spec, conversion in parsed:
        if conversion or "{" in (spec or ""):
            raise FlyexprError(f"template {text!r}: {{{name}}} takes a fixed format, such as {{{name}:05d}}, and no !")
    return tuple((literal, name, spec or "") for literal, name, spec, _ in parsed)


def piece_of(value: Any, spec: str, at: str = "") -> str:
    """A part's value in its format, which is applied to what DynamoDB gives back: 1, 1.0 and Decimal("1.00") are one.

    >>> piece_of(7.0, "03d"), piece_of(date(2026, 1, 31), "")
    ('007', '2026-01-31')
    """
    plain = thaw(freeze(standard(value), at))
    try:
        with localcontext(EXACT):  # which says how a format such as `{n:.2f}` rounds
            return format(plain, spec)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValidationError(f"the value does not fit '{{{at}:{spec}}}': {error}", at=at) from None


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
    flyexpr.errors.FlyexprError: complex is not a type of an attribute
      hint: use str int float Decimal bool bytes datetime date UUID list dict set[...], int | Decimal, an Enum, ...
    >>> codec_of(int | None)
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: int | None is not a type of an attribute
      hint: write int; an attribute may always be missing or None
    """
    if isinstance(kind, (Attribute, Derived)):
        return codec_of(kind.type)
    if isinstance(kind, Codec):
        return kind
    if kind in _CODECS:
        return _CODECS[kind]
    if _is_uuid(kind):
        return _own(_encode_uuid, kind, str)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (set, frozenset) and len(arguments) == 1:
        return _set_codec(codec_of(arguments[0]))
    if origin is list and len(arguments) == 1:
        return _list_codec(codec_of(arguments[0]))
    if origin is dict and len(arguments) == 2 and arguments[0] is str:
        return _map_codec(codec_of(arguments[1]))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_codec(kind)
    raise FlyexprError(f"{type_name(kind)} is not a type of an attribute\n  hint: {_type_hint(kind)}")


def _type_hint(kind: Any) -> str:
    others = [type_name(each) for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and others:
        return f"write {' | '.join(others)}; an attribute may always be missing or None"
    return f"use {_TYPES}, int | Decimal, an Enum, epoch, or a Codec"


_TYPES = "str int float Decimal bool bytes datetime date UUID list dict set[...]"


def type_name(declared: Any) -> str:
    """A declared type as one writes it.

    >>> type_name(dict[str, date]), type_name(Attribute(int)), type_name(epoch), type_name(Codec(str, int))
    ('dict[str, date]', 'int', 'epoch', 'a Codec')
    """
    if isinstance(declared, (Attribute, Derived)):
        return type_name(declared.type)
    if isinstance(declared, Codec):
        return "epoch" if declared is epoch else "a Codec"
    if get_origin(declared) in (Union, UnionType):
        return " | ".join(map(type_name, get_args(declared)))
    if declared is type(None):
        return "None"
    if get_args(declared) and isinstance(get_origin(declared), type):
        return f"{get_origin(declared).__name__}[{', '.join(map(type_name, get_args(declared)))}]"
    return str(getattr(declared, "__name__", repr(declared)))


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
        return _datetime_text(value)
    if isinstance(value, date):
        return _encode_date(value)
    return str(value) if _is_uuid(type(value)) else value


def _is_uuid(kind: Any) -> bool:
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


def _typed(name: str, *allowed: type) -> Callable[[Any], Any]:
    """Lets through values of the allowed types; True and False are not numbers."""

    def encode(value: Any) -> Any:
        found = value if isinstance(value, allowed) else native(value)
        if not isinstance(found, allowed) or (isinstance(found, bool) and bool not in allowed):
            raise ValidationError(f"expected {name}, got {type(value).__name__}")
        return found

    return encode


def _encode_int(value: Any) -> Any:
    if type(value) is int:
        return value
    found = native(value)
    if isinstance(found, bool) or not isinstance(found, (int, float, Decimal)) or not _is_whole(found):
        got = f"{value}, which is not a whole number" if isinstance(found, (float, Decimal)) else type(value).__name__
        raise ValidationError(f"expected int, got {got}")
    return int(found)


def _is_whole(value: int | float | Decimal) -> bool:
    # By comparison where it can be: a Decimal's own // and % fail beyond 28 digits.
    if isinstance(value, Decimal):  # the int of 1E+1000000000 would take all memory
        return value.is_finite() and value.adjusted() <= LARGEST and value == value.to_integral_value()
    return isinstance(value, int) or value.is_integer()


def _encode_datetime(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValidationError(f"expected datetime, got {type(value).__name__}")
    if value != value:  # pandas' NaT is a datetime, and like NaN equals nothing
        raise ValidationError("NaT is not a time", hint="leave the attribute out, or store None")
    if value.tzinfo is None:
        raise ValidationError(
            "a datetime needs a time zone", hint="use datetime.now(timezone.utc), or datetime(..., tzinfo=timezone.utc)"
        )
    return value.astimezone(timezone.utc)


def _datetime_text(value: Any) -> str:
    return _encode_datetime(value).isoformat(timespec="microseconds")


def _read_decimal(value: Number) -> Decimal:
    return value if type(value) is Decimal else Decimal(value)


_from_iso = datetime.fromisoformat


def _read_datetime(text: str) -> datetime:
    try:
        found = _from_iso(text)
    except ValueError:  # Python 3.10 reads less of ISO 8601 than others write
        from dateutil.parser import isoparse

        found = isoparse(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def _epoch_seconds(value: Any) -> int | Decimal:
    whole, fraction = divmod((_encode_datetime(value) - _EPOCH) // _MICROSECOND, 1_000_000)
    return EXACT.add(whole, EXACT.scaleb(fraction, -6)) if fraction else whole


def _from_epoch(seconds: int | Decimal) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=int(EXACT.multiply(seconds, 1_000_000)))
    except OverflowError:
        raise ValidationError("a time is in the years 1 to 9999") from None


def _encode_date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValidationError(f"expected date, got {type(value).__name__}")
    return value.isoformat()


def _encode_uuid(value: Any) -> str:
    if not _is_uuid(type(value)):
        raise ValidationError(f"expected UUID, got {type(value).__name__}")
    return str(value)


def _own(
    encode: Callable[[Any], Any], decode: Callable[[Any], Any] | None, stored: Any, *, plain: bool = False
) -> Codec:
    return Codec(encode, decode, stored, None, plain, whole=False)


epoch = _own(_epoch_seconds, _from_epoch, int)

_CODECS: dict[Any, Codec] = {
    str: _own(_typed("str", str), None, str, plain=True),
    int: _own(_encode_int, None, int),
    float: _own(_typed("float", int, float, Decimal), float, float, plain=True),
    Decimal: _own(_typed("Decimal", int, Decimal), _read_decimal, Decimal),
    Number: _own(_typed("a number", int, float, Decimal), None, Decimal, plain=True),
    bool: _own(_typed("bool", bool), None, bool, plain=True),
    bytes: _own(_typed("bytes", bytes, bytearray, memoryview), None, bytes, plain=True),
    list: _own(_typed("list", list, tuple), None, list, plain=True),
    dict: _own(_typed("dict", Mapping), None, dict, plain=True),
    set: _own(_typed("set", set, frozenset), None, set),
    frozenset: _own(_typed("set", set, frozenset), None, set),
    datetime: _own(_datetime_text, _read_datetime, str),
    date: _own(_encode_date, date.fromisoformat, str),
}
NUMBERS = (_CODECS[int], _CODECS[float], _CODECS[Decimal], _CODECS[Number])  # what can be added to


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    stored = {type(member.value) for member in kind}
    # A member of an Enum that is a str or an int too stands in an expression as that str or int.
    same = {member.value for member in kind} if issubclass(kind, str | int) else set()

    def encode(value: Any) -> Any:
        if isinstance(value, kind):
            return standard(value.value)
        if type(value) in stored and value in same:
            return value
        raise ValidationError(f"expected {kind.__name__}, got {type(value).__name__}")

    alike = next(iter(stored)) if len(stored) == 1 else object
    return _own(encode, kind if alike in (str, int, bytes) else _enum_reader(kind), alike)


def _enum_reader(kind: type[enum.Enum]) -> Callable[[Any], Any]:
    """What finds a member by the meaning of its value: 0.1 and (1, 2) read back as other values, and True is not 1."""
    members = {meaning(member.value): member for member in kind}

    def read(value: Any) -> Any:
        found = members.get(freeze(value))
        return kind(value) if found is None else found

    return read


def _set_codec(member: Codec) -> Codec:
    check, decode = _typed("set", set, frozenset), member.decode

    def encode(value: Any) -> Any:
        return {member.encode(one) for one in check(value)}

    def decode_set(value: Any) -> Any:
        return set(map(decode, value)) if decode else value

    return Codec(encode, decode_set if decode else None, _SETS.get(member.kind, set), member, whole=False)


def _list_codec(member: Codec) -> Codec:
    check, decode = _typed("list", list, tuple), member.decode

    def encode(value: Any) -> Any:
        return [member.encode(one) for one in check(value)]

    return Codec(encode, (lambda value: list(map(decode, value))) if decode else None, list, member, whole=False)


def _map_codec(member: Codec) -> Codec:
    check, decode = _typed("dict", Mapping), member.decode

    def encode(value: Any) -> Any:
        return {name: member.encode(one) for name, one in check(value).items()}

    def decode_map(value: Any) -> Any:
        return {name: decode(one) for name, one in value.items()} if decode else value

    return Codec(encode, decode_map if decode else None, dict, member, whole=False)


_HELD: dict[str, frozenset[type]] = {
    "S": frozenset({str}),
    "N": frozenset({int, Decimal}),
    "B": frozenset({bytes}),
    "BOOL": frozenset({bool}),
    "L": frozenset({list}),
    "M": frozenset({dict}),
    **dict.fromkeys(("SS", "NS", "BS", "a set"), frozenset({set})),
}
Fit = tuple[frozenset[type], Callable[[Any], bool] | None]


def fit_of(codec: Codec) -> Fit | None:
    """How a value is stored that the codec made: the types that it reads as, and what says whether its members fit.

    >>> held, members_fit = fit_of(codec_of(dict[str, float]))
    >>> held, members_fit({"a": 1}), members_fit({"a": "1"}), fit_of(codec_of(float))[1] is None
    (frozenset({<class 'dict'>}), True, False, True)

    None for any way: a Codec's own `decode` may read several, as while data is moved to a new one.
    """
    held, member = _HELD.get(_stored_as(codec)), _inside(codec)
    if held is None or (codec.whole and codec.decode is not None):
        return None
    return held, None if member is None else _all_fit(member)


def _stored_as(codec: Codec) -> str:
    return codec.kind or ("a set" if codec.type in (set, frozenset) else "")


def _inside(codec: Codec) -> Codec | None:
    """The codec of the members of what is stored."""
    return codec.member or _SET_MEMBERS.get(codec.kind)


_SET_MEMBERS: dict[str | None, Codec] = {"SS": _CODECS[str], "NS": _CODECS[Number], "BS": _CODECS[bytes]}


def _all_fit(member: Codec) -> Callable[[Any], bool] | None:
    fit = fit_of(member)
    if fit is None:
        return None
    held, inside = fit
    if inside is None:  # one look at the types of all: there may be many
        return lambda value: held.issuperset(map(type, _members(value)))
    return lambda value: all(type(one) in held and inside(one) for one in _members(value))


def _fits(codec: Codec, value: Any) -> bool:
    fit = fit_of(codec)
    return fit is None or (type(value) in fit[0] and (fit[1] is None or fit[1](value)))


def _members(value: Any) -> Any:
    return value.values() if type(value) is dict else value


def misfit(codec: Codec, value: Any, at: str) -> str:
    """What does not fit, in words: the first value that is stored as something else.

    >>> misfit(codec_of(dict[str, float]), {"a": 1, "b": "2"}, "ratings")
    '`ratings.b` is stored as S, not as N'
    """
    kind, member = _stored_as(codec), _inside(codec)
    places = value.items() if type(value) is dict else enumerate(value) if type(value) in (list, set) else ()
    found = [(step, one) for step, one in places if member and type(value) in _HELD[kind] and not _fits(member, one)]
    if member is None or not found:
        return f"`{at}` is stored as {freeze(value)[0]}, not as {kind}"
    step, one = found[0]
    inside = f".{step}" if type(value) is dict else f"[{step}]" if type(value) is list else ""
    return misfit(member, one, at + inside)
