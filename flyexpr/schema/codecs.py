"""The types of attributes: how values of a Python type become values that DynamoDB stores, and back.

    type                           stored as
    str int float Decimal          S, N; float and Decimal read back as such
    Number (int | Decimal)         N; reads back as int when whole, else Decimal
    bool bytes list dict           BOOL, B, L, M
    datetime, date                 S, ISO 8601 in UTC with microseconds, so that strings sort as times do
    epoch                          a datetime as N, seconds since 1970 (what TTL wants)
    UUID, an Enum                  S; the member's value
    set[T], list[T], dict[str, T]  SS | NS | BS, L, M of a type above
    a TypedDict                    M, each attribute by its own type
    Any                            whatever it is, as if it were not declared

Writing is strict about a declared type: an `int` attribute refuses "1", True and 1.8. Reading looks at how a value is
stored: text where a number is declared is an error, even if the text is "1".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.records import later, record
from flyexpr.schema.derived.templates import Derived
from flyexpr.values.foreign import date_text, datetime_text, is_uuid, meaning, standard, utc_datetime
from flyexpr.values.freeze import freeze
from flyexpr.values.numbers import EXACT, LARGEST, Number
from flyexpr.values.refusals import is_hole, mistyped, native
from flyexpr.values.types import STORED_TYPES

if TYPE_CHECKING:
    from flyexpr.schema.annotations import Field


@record(options=True)
class Codec:
    """How values of an attribute are stored: `encode` to a plain value of `type`, `decode` back.

    >>> cents = Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int)
    >>> cents.encode(9.99), cents.decode(999), cents.kind
    (999, 9.99, 'N')

    `type` is what is stored: str int float Decimal bool bytes list dict or set. For a table that is to be pickled, use
    functions of a module, not lambdas. `member` is the codec of the values in a set, list or map. Without it, only the
    Codec knows what is inside, so the attribute is encoded, compared and set as a whole: a path into it, adding to it,
    or comparing it with an attribute of another type, is an ExpressionError. `decode` gets whatever is stored; an error
    that it raises becomes a ValidationError.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any] | None
    type: Any = str
    member: Codec | None = None
    plain: bool = False  # `encode` only checks the type and changes nothing
    whole: bool = True  # without `member`, only `encode` and `decode` know what is inside
    members: tuple[tuple[str, Codec], ...] = ()  # of a map whose attributes have types of their own

    __repr__ = later("flyexpr.schema.code", "code")
    _public = frozenset(["encode", "decode", "type", "member", "kind"])

    @property
    def kind(self) -> str | None:
        """DynamoDB's code of what is stored: S N B BOOL L M SS NS BS; None when it may be several.

        >>> codec_of(set[int]).kind, codec_of(datetime).kind, codec_of(set).kind
        ('NS', 'S', None)
        """
        return _KINDS.get(self.type)

    @property
    def sealed(self) -> bool:
        """Whether only this codec knows what is inside the stored value."""
        return self.whole and self.member is None

    @property
    def chain(self) -> Iterator[Codec]:
        """The codec, that of its members, that of theirs, and so on."""
        yield self
        for member in (self.member, *(codec for _, codec in self.members)):
            if member is not None:
                yield from member.chain

    def inside(self, step: str | int) -> Codec | None:
        """The codec of what a step of a document path leads to; None where nothing is declared.

        >>> codec_of(dict[str, int]).inside("wins") is codec_of(int), codec_of(dict).inside("wins")
        (True, None)
        """
        return self.member or next((codec for name, codec in self.members if name == step), None)


@record(options=True)
class Attribute:
    """A type, and the rules that its values have to meet.

    >>> wins = Attribute(int, default=0, check=lambda wins: wins >= 0)
    >>> wins.required, wins.default
    (False, 0)

    A put without a `required` attribute is an error. `default` fills in a missing attribute; a function is called each
    time. `check` has to return true for the value. An update checks type and `check` where it knows the new value.
    """

    type: Any
    required: bool = False
    default: Any = None
    check: Callable[[Any], Any] | None = None

    __repr__ = later("flyexpr.schema.code", "code")


_KINDS: dict[Any, str] = {
    **STORED_TYPES,
    set[str]: "SS",
    set[int]: "NS",
    set[float]: "NS",
    set[Decimal]: "NS",
    set[bytes]: "BS",
}


_SETS: dict[str | None, Any] = {"S": set[str], "N": set[Decimal], "B": set[bytes]}


def type_declared(declared: Any) -> Any:
    """What declares the type of an attribute, without the rules around it.

    >>> type_declared(Attribute(Attribute(int, required=True))), type_declared(int)
    (<class 'int'>, <class 'int'>)
    """
    while isinstance(declared, Attribute):
        declared = declared.type
    return declared


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
    with suppress(KeyError, TypeError):  # TypeError: such as a list, it cannot be hashed
        return _CODECS[kind]
    if is_uuid(kind):
        return _own(_encode_uuid, kind, str)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (list, dict, set, frozenset) and arguments[-1] is Any:
        return codec_of(origin)
    if origin in (set, frozenset) and len(arguments) == 1:
        return _set_codec(codec_of(arguments[0]))
    if origin is list and len(arguments) == 1:
        return _list_codec(codec_of(arguments[0]))
    if origin is dict and len(arguments) == 2 and arguments[0] is str:
        return _map_codec(codec_of(arguments[1]))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_codec(kind)
    if hasattr(kind, "__required_keys__"):
        return _typed_dict_codec(kind)
    raise FlyexprError(f"{type_name(kind)} is not a type of an attribute\n  hint: {_type_hint(kind)}")


def _type_hint(kind: Any) -> str:
    others = [type_name(each) for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and others:
        return f"write {' | '.join(others)}; an attribute may always be missing or None"
    if type(kind) in (list, set) and len(kind) == 1:
        return f"write {type(kind).__name__}[{type_name(*kind)}]"
    return f"use {_TYPES}, int | Decimal, an Enum, epoch, or a Codec"


KEY_TYPES: dict[str, Any] = {"S": str, "N": Number, "B": bytes}
"""What declares an attribute that is a key, by DynamoDB's code for what it holds."""

_TYPES = "str int float Decimal bool bytes datetime date UUID list dict set[...]"


def type_name(declared: Any) -> str:
    """A declared type as a program writes it.

    >>> type_name(dict[str, date]), type_name(Attribute(int)), type_name(epoch), type_name(Codec(str, int))
    ('dict[str, date]', 'int', 'epoch', 'a Codec')
    """
    if isinstance(declared, (Attribute, Derived)):
        return type_name(declared.type)
    if isinstance(declared, Codec):
        return "epoch" if declared is epoch else "a Codec"
    if get_origin(declared) in (Union, UnionType):
        return " | ".join(map(type_name, get_args(declared)))
    if declared in (Any, type(None)):
        return "Any" if declared is Any else "None"
    if get_args(declared) and isinstance(get_origin(declared), type):
        return f"{get_origin(declared).__name__}[{', '.join(map(type_name, get_args(declared)))}]"
    return str(getattr(declared, "__name__", repr(declared)))


def name_to_declare(value: Any) -> str:
    """The name of the type by which an attribute with this value would be declared.

    >>> class Stamp(datetime):
    ...     pass
    >>> name_to_declare(Stamp(2026, 1, 31)), name_to_declare(frozenset([date(2026, 1, 31)])), name_to_declare(1j)
    ('datetime', 'set[date]', 'Codec(encode, decode, str)')
    """
    if isinstance(value, frozenset):
        return f"set[{name_to_declare(next(iter(value)))}]"
    if isinstance(value, enum.Enum):
        return type(value).__name__
    known = (kind.__name__ for kind in type(value).__mro__ if kind in _CODECS or is_uuid(kind))
    return next(known, "Codec(encode, decode, str)")


def _typed(name: str, *allowed: type) -> Callable[[Any], Any]:
    """A function that gives values of the allowed types back; True and False are not numbers."""

    def encode(value: Any) -> Any:
        if type(value) in allowed:
            return value
        plain = value if isinstance(value, allowed) else native(value)
        if not isinstance(plain, allowed) or (isinstance(plain, bool) and bool not in allowed):
            raise mistyped(name, value)
        return plain

    return encode


def _encode_int(value: Any) -> Any:
    if type(value) is int:
        return value
    plain = native(value)
    if isinstance(plain, bool) or not isinstance(plain, (int, float, Decimal)) or not _is_whole(plain):
        if isinstance(plain, (float, Decimal)) and not is_hole(plain):
            raise ValidationError(f"expected int, got {value}, which is not a whole number")
        raise mistyped("int", value)
    return int(plain)


def _is_whole(value: int | float | Decimal) -> bool:
    # By comparison: // and % of a Decimal fail beyond 28 digits.
    if isinstance(value, Decimal):  # the int of 1E+1000000000 would take all memory
        return value.is_finite() and value.adjusted() <= LARGEST and value == value.to_integral_value()
    return isinstance(value, int) or value.is_integer()


def _read_decimal(value: Number) -> Decimal:
    return value if type(value) is Decimal else Decimal(value)


_from_iso = datetime.fromisoformat


def _read_datetime(text: str) -> datetime:
    try:
        time = _from_iso(text)
    except ValueError:  # Python 3.10 reads less of ISO 8601 than other programs write
        from dateutil.parser import isoparse

        try:
            time = isoparse(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a datetime") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def _epoch_seconds(value: Any) -> int | Decimal:
    whole, fraction = divmod((utc_datetime(value) - _EPOCH) // _MICROSECOND, 1_000_000)
    return EXACT.add(whole, EXACT.scaleb(fraction, -6)) if fraction else whole


def _from_epoch(seconds: int | Decimal) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=int(EXACT.multiply(seconds, 1_000_000)))
    except OverflowError:
        raise ValidationError("a time is in the years 1 to 9999") from None


def _encode_uuid(value: Any) -> str:
    if not is_uuid(type(value)):
        raise mistyped("UUID", value)
    return str(value)


def _own(
    encode: Callable[[Any], Any], decode: Callable[[Any], Any] | None, stored: Any, *, plain: bool = False
) -> Codec:
    return Codec(encode, decode, stored, None, plain, whole=False)


def _as_it_is(value: Any) -> Any:
    return value


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
    datetime: _own(datetime_text, _read_datetime, str),
    date: _own(date_text, date.fromisoformat, str),
    Any: _own(_as_it_is, None, object, plain=True),
}
ANYTHING = _CODECS[Any]
NUMBERS = (_CODECS[int], _CODECS[float], _CODECS[Decimal], _CODECS[Number])  # the types that can be added to


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    stored = {type(member.value) for member in kind}
    # In an expression, a member of an Enum that is also a str or int is that str or int.
    plain = {member.value for member in kind} if issubclass(kind, str | int) else set()

    def encode(value: Any) -> Any:
        if isinstance(value, kind):
            return standard(value.value)
        if type(value) in stored and value in plain:
            return value
        is_known = type(value) in stored and value in [member.value for member in kind]
        is_name = isinstance(value, str) and value in kind.__members__
        member = "(...)" if is_known else f"[{value!r}]" if is_name else ""
        raise mistyped(kind.__name__, value, f"{kind.__name__}{member}" if member else "")

    common = next(iter(stored)) if len(stored) == 1 else object
    return _own(encode, kind if common in (str, int, bytes) else _enum_reader(kind), common)


def _enum_reader(kind: type[enum.Enum]) -> Callable[[Any], Any]:
    """Finds a member by the meaning of its value: 0.1 and (1, 2) read back as other values, and True is not 1."""
    members = {meaning(member.value): member for member in kind}

    def read(value: Any) -> Any:
        member = members.get(freeze(value))
        return kind(value) if member is None else member

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


def _typed_dict_codec(kind: Any) -> Codec:
    try:
        members = {name: _member_codec(kind, name, field.type) for name, field in declared_in(kind).items()}
    except RecursionError:
        raise FlyexprError(f"{kind.__name__} contains itself\n  hint: declare what repeats as dict") from None
    check, decoders = _typed("dict", Mapping), {name: codec.decode for name, codec in members.items() if codec.decode}

    def encode(value: Any) -> Any:
        checked = check(value)
        return {name: _encoded_member(members.get(name), name, one) for name, one in checked.items()}

    def decode(value: Any) -> Any:
        return {
            name: decoders[name](one) if name in decoders and one is not None else one for name, one in value.items()
        }

    return Codec(encode, decode if decoders else None, dict, whole=False, members=tuple(members.items()))


def declared_in(kind: Any) -> Mapping[str, Field]:
    """The attributes of a TypedDict; an Attribute, a Codec or a derived attribute in an Annotated declares it.

    >>> from typing import Annotated, TypedDict
    >>> declared_in(TypedDict("Session", {"expires": Annotated[datetime, epoch]}))["expires"].type is epoch
    True
    """
    from flyexpr.schema.annotations import fields_of  # here, so that `import flyexpr` is quick

    return fields_of(kind, (Attribute, Codec, Derived))


def _member_codec(kind: Any, name: str, declared: Any) -> Codec:
    if isinstance(declared, (Attribute, Derived)):
        what = "rules" if isinstance(declared, Attribute) else "templates"
        raise FlyexprError(f"`{name}` of {kind.__name__} lies inside an attribute, where there are no {what}")
    return codec_of(declared)


def _encoded_member(codec: Codec | None, name: str, value: Any) -> Any:
    if codec is None or value is None:
        return value
    try:
        return codec.encode(value)
    except ValidationError as error:
        raise ValidationError(f"{error.message}, for its {name!r}", hint=error.hint) from None
