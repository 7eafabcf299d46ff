"""Plain Python values, and the same values in DynamoDB's wire JSON.

    plain value                    wire
    str                            {"S": "x"}
    int, Decimal, float            {"N": "1.5"}          read as int when whole, else Decimal; numpy's numbers too
    bytes                          {"B": "aGk="}
    bool, None                     {"BOOL": true}, {"NULL": true}
    list, tuple                    {"L": [...]}
    dict, any other Mapping        {"M": {...}}
    set, frozenset                 {"SS" | "NS" | "BS": [...]}   one type, never empty

`freeze` gives a value's meaning as a `Frozen` pair `(kind, body)`: hashable, equal exactly where DynamoDB says equal
(sets without order at any depth, numbers by value, never across types), and ordered by its body where DynamoDB orders.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import builtins
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from numbers import Integral, Rational, Real
from typing import Any, NoReturn

from flyexpr.errors import ValidationError
from flyexpr.numbers import DIGITS, WHOLE, number, number_size, number_text

quote = encode_basestring  # a str as JSON text, other scripts as they are

Item = dict[str, Any]
Frozen = tuple[str, Any]

KINDS = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
ORDERED = frozenset({"S", "N", "B"})  # the kinds that <, BETWEEN and keys can compare
MAX_DEPTH = 32  # an attribute is level 1
MAX_ITEM = 409_600  # bytes of an item
TOO_DEEP = (  # the service's words
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)


class _Refused(Exception):
    """A value that cannot be stored, found below `steps` of the value that was given."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint, self.steps = message, hint, list[str | int]()


class _Unknown(_Refused):
    """A value of a type that has no wire form of its own."""


def encode(value: Any, at: str = "") -> str:
    """The wire JSON text of one value.

    >>> encode({"n": 1.50, "tags": {"b", "a"}})
    '{"M":{"n":{"N":"1.5"},"tags":{"SS":["a","b"]}}}'
    >>> encode({"tags": set()}, at="info")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `info.tags`: a set may not be empty
      hint: leave the attribute out, or remove it
    """
    try:
        return _encode(value, 1)
    except _Refused as refused:
        raise _explain(refused, at) from None


def encode_item(item: Mapping[str, Any]) -> str:
    """The wire JSON text of an item: its attributes, without an outer type.

    >>> encode_item({"userid": "abc", "wins": 1})
    '{"userid":{"S":"abc"},"wins":{"N":"1"}}'

    The size (at most 400 KB) is not looked at here: see `item_size`.
    """
    try:
        return _members(item, 0)
    except _Refused as refused:
        raise _explain(refused, "") from None


def _encode(value: Any, depth: int) -> str:
    return _ENCODERS.get(type(value), _encode_other)(value, depth)


def _members(value: Mapping[str, Any], depth: int) -> str:
    name: Any = None
    parts = []
    try:
        # str and int are written in place: they are three quarters of all values, and a call costs as much as the text.
        for name, member in value.items():
            kind, key = type(member), _KEYS.get(name) or _key(name)
            if kind is str:
                parts.append(f'{key}{{"S":{quote(member)}}}')
            elif kind is int and -WHOLE < member < WHOLE:
                parts.append(f'{key}{{"N":"{member}"}}')
            else:
                parts.append(key + _ENCODERS.get(kind, _encode_other)(member, depth + 1))
    except _Refused as refused:
        refused.steps.insert(0, name)
        raise
    return "{" + ",".join(parts) + "}"


_KEYS: dict[Any, str] = {}  # attribute names as they stand in JSON: few, and met again and again
_MANY_KEYS = 4096


def _key(name: Any) -> str:
    if not isinstance(name, str) or not name:
        _bad_name(name)
    key = quote(name) + ":"
    if len(_KEYS) < _MANY_KEYS and len(name) < 256:
        _KEYS[name] = key
    return key


def _encode_map(value: Mapping[str, Any], depth: int) -> str:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    return f'{{"M":{_members(value, depth)}}}'


def _encode_list(value: Iterable[Any], depth: int) -> str:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    parts: list[str] = []
    try:
        for member in value:
            parts.append(_ENCODERS.get(type(member), _encode_other)(member, depth + 1))
    except _Refused as refused:
        refused.steps.insert(0, len(parts))
        raise
    return f'{{"L":[{",".join(parts)}]}}'


def _encode_string(value: str, depth: int) -> str:
    return f'{{"S":{quote(value)}}}'


def _encode_number(value: int | float | Decimal, depth: int) -> str:
    return f'{{"N":"{_number_text(value)}"}}'


def _encode_decimal(value: Decimal, depth: int) -> str:
    text = Decimal.__str__(value)  # of a subclass too, whose own text may be anything
    # As number_text has it, without its calls: of a fraction they are half the time.
    if "." in text and text[-1] != "0" and "E" not in text and "e" not in text and len(text) <= DIGITS:
        return f'{{"N":"{text}"}}'
    return _encode_number(value, depth)


def _encode_bool(value: bool, depth: int) -> str:
    return '{"BOOL":true}' if value else '{"BOOL":false}'


def _encode_null(value: None, depth: int) -> str:
    return '{"NULL":true}'


def _encode_bytes(value: bytes, depth: int) -> str:
    return f'{{"B":{_base64(value)}}}'


def _base64(value: bytes) -> str:
    return f'"{b2a_base64(value, newline=False).decode("ascii")}"'


_BETWEEN = '","'  # members of a set


def _encode_set(value: Iterable[Any], depth: int) -> str:
    # Strings and whole numbers are by far the commonest, and three times as fast as by way of the set's meaning.
    kinds = set(map(type, value))
    if kinds == {str}:
        return f'{{"SS":[{",".join(map(quote, sorted(value)))}]}}'
    if kinds == {int} and min(value) > -WHOLE and max(value) < WHOLE:
        return f'{{"NS":["{_BETWEEN.join(map(str, sorted(value)))}"]}}'
    return encode_frozen(_freeze_set(value))


def _encode_other(value: Any, depth: int) -> str:
    """A value whose exact type is not in the table: a subclass of one, another library's number, or an error."""
    for base, encoder in _ENCODERS.items():
        if isinstance(value, base):
            return encoder(value, depth)
    return _encode(_known(value), depth)


_ENCODERS: dict[type, Callable[[Any, int], str]] = {
    str: _encode_string,
    bool: _encode_bool,
    int: _encode_number,
    Decimal: _encode_decimal,
    float: _encode_number,
    dict: _encode_map,
    list: _encode_list,
    tuple: _encode_list,
    set: _encode_set,
    frozenset: _encode_set,
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    type(None): _encode_null,
    Mapping: _encode_map,
}


def decode(wire: dict[str, Any]) -> Any:
    """The plain value of a wire value, which is used up: maps and lists are decoded in place.

    >>> decode({"M": {"S": {"S": "an attribute called S"}, "n": {"NS": ["1", "2.5"]}}})["S"]
    'an attribute called S'
    """
    kind, body = wire.popitem()
    return _DECODERS[kind](body)


def decode_item(item: dict[str, Any]) -> Item:
    """The plain item of a wire item, decoded in place.

    >>> decode_item({"userid": {"S": "abc"}, "wins": {"N": "1"}})
    {'userid': 'abc', 'wins': 1}
    """
    # In place, strings and whole numbers without a call: 17.1 ms for a page of 41,000 values; with `decode` for each
    # value 18.3, and building anew costs more again where the items are kept.
    for name, wire in item.items():
        kind, body = wire.popitem()
        if kind == "S":
            item[name] = body
        elif kind == "N":
            item[name] = int(body) if body.isdecimal() else number(body)
        else:
            item[name] = _DECODERS[kind](body)
    return item


def _decode_list(members: list[Any]) -> list[Any]:
    for place, wire in enumerate(members):
        members[place] = decode(wire)
    return members


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda body: body,
    "N": number,
    "M": decode_item,
    "L": _decode_list,
    "BOOL": bool,
    "NULL": lambda body: None,
    "B": a2b_base64,
    "SS": set,
    "NS": lambda body: set(map(number, body)),
    "BS": lambda body: set(map(a2b_base64, body)),
}


def freeze(value: Any, at: str = "") -> Frozen:
    """A value's meaning: `(kind, body)`, equal and hashable by DynamoDB's rules.

    >>> freeze(1) == freeze(1.0) == freeze(Decimal("1.00")), freeze(1) == freeze(True), freeze({"a", "b"})[0]
    (True, False, 'SS')
    """
    try:
        return _freeze(value, 1)
    except _Refused as refused:
        raise _explain(refused, at) from None


def freeze_constant(value: Any) -> Frozen:
    """As `freeze`, but a value of a foreign type (datetime, Enum, …) stands as it is, of kind `PYTHON`.

    >>> from datetime import date
    >>> freeze_constant(date(2026, 1, 31))
    ('PYTHON', datetime.date(2026, 1, 31))

    What it becomes on the wire is for the table to say, when it is known.
    """
    try:
        return _freeze(value, 1)
    except _Unknown as unknown:
        frozen = _freeze_foreign(value)
        try:
            hash(frozen)
        except TypeError:
            raise _explain(unknown, "") from None
        return frozen
    except _Refused as refused:
        raise _explain(refused, "") from None


def _freeze_foreign(value: Any) -> Frozen:
    if isinstance(value, (list, tuple)):
        return "L", tuple([_freeze_foreign(member) for member in value])
    if isinstance(value, Mapping):
        body = [(name, _freeze_foreign(member)) for name, member in value.items()]
        return "M", _Entries(sorted(body, key=_first), body)
    try:
        return _freeze(value, 1)
    except _Unknown:
        return "PYTHON", frozenset(value) if isinstance(value, (set, frozenset)) else value


def _freeze(value: Any, depth: int) -> Frozen:
    return _FREEZERS.get(type(value), _freeze_other)(value, depth)


def _freeze_number(value: int | float | Decimal, depth: int) -> Frozen:
    if type(value) is int and -WHOLE < value < WHOLE:
        return "N", value
    return "N", number(_number_text(value))


def _freeze_list(value: Iterable[Any], depth: int) -> Frozen:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    body: list[Frozen] = []
    try:
        for member in value:
            body.append(_freeze(member, depth + 1))
    except _Refused as refused:
        refused.steps.insert(0, len(body))
        raise
    return "L", tuple(body)


def _freeze_map(value: Mapping[str, Any], depth: int) -> Frozen:
    if depth >= MAX_DEPTH:
        raise _too_deep()
    name: Any = None
    body = []
    try:
        for name, member in value.items():
            if not isinstance(name, str) or not name:
                _bad_name(name)
            body.append((str.__str__(name), _freeze(member, depth + 1)))
    except _Refused as refused:
        refused.steps.insert(0, name)
        raise
    entries = sorted(body, key=_first)
    return "M", tuple(entries) if entries == body else _Entries(entries, body)


class _Entries(tuple[Any, ...]):
    """A map's entries by name, and as they were `given`, for `thaw`: a Codec may write them down in that order."""

    given: list[tuple[str, Frozen]]

    def __new__(cls, entries: Iterable[Any], given: Any = ()) -> _Entries:
        made = super().__new__(cls, entries)
        made.given = given
        return made


def _first(pair: tuple[str, Frozen]) -> str:
    return pair[0]


def _freeze_set(value: Iterable[Any], depth: int = 1) -> Frozen:
    members = [_freeze(member, depth) for member in value]
    kinds = {kind for kind, _ in members}
    if not kinds:
        raise _Refused("a set may not be empty", "leave the attribute out, or remove it")
    if len(kinds) > 1 or not kinds <= ORDERED:
        raise _Refused("a set holds only strings, only numbers or only bytes", "use a list for mixed values")
    return kinds.pop() + "S", frozenset(body for _, body in members)


def _freeze_other(value: Any, depth: int) -> Frozen:
    for base, freezer in _FREEZERS.items():
        if isinstance(value, base):
            return freezer(value, depth)
    return _freeze(_known(value), depth)


_FREEZERS: dict[type, Callable[[Any, int], Frozen]] = {
    str: lambda value, depth: ("S", str(value) if type(value) is str else str.__str__(value)),
    bool: lambda value, depth: ("BOOL", value),
    int: _freeze_number,
    Decimal: _freeze_number,
    float: _freeze_number,
    dict: _freeze_map,
    list: _freeze_list,
    tuple: _freeze_list,
    set: _freeze_set,
    frozenset: _freeze_set,
    bytes: lambda value, depth: ("B", value),
    bytearray: lambda value, depth: ("B", bytes(value)),
    memoryview: lambda value, depth: ("B", bytes(value)),
    type(None): lambda value, depth: ("NULL", None),
    Mapping: _freeze_map,
}


def thaw(frozen: Frozen) -> Any:
    """The plain value of a frozen one, with fresh lists, dicts and sets.

    >>> thaw(freeze({"a": [1, {"x"}]}))
    {'a': [1, {'x'}]}
    """
    kind, body = frozen
    match kind:
        case "L":
            return [thaw(member) for member in body]
        case "M":
            entries = body.given if type(body) is _Entries else body
            return {name: thaw(member) for name, member in entries}
        case "SS" | "NS" | "BS":
            return set(body)
        case _:
            return body


def encode_frozen(frozen: Frozen) -> str:
    """The wire JSON text of a frozen value, the same in every process.

    >>> encode_frozen(freeze({"b", "a"}))
    '{"SS":["a","b"]}'
    """
    kind, body = frozen
    match kind:
        case "S":
            return f'{{"S":{quote(body)}}}'
        case "N":
            return f'{{"N":"{number_text(body)}"}}'
        case "SS" | "NS" | "BS":
            return f'{{"{kind}":[{",".join(map(_SET_MEMBERS[kind], sorted(body)))}]}}'
        case _:
            return encode(thaw(frozen))


_SET_MEMBERS: dict[str, Callable[[Any], str]] = {
    "SS": quote,
    "NS": lambda member: f'"{number_text(member)}"',
    "BS": _base64,
}


MISSING: Any = object()  # what `find` gives where nothing is


def find(steps: Iterable[str | int], item: Mapping[str, Any]) -> Any:
    """The value that the steps of a document path lead to in a plain item; MISSING where there is none.

    >>> find(("info", "actors", 0), {"info": {"actors": ["Tom Hanks"]}}), find(("info", 0), {"info": {}}) is MISSING
    ('Tom Hanks', True)
    """
    found: Any = item
    for step in steps:
        if isinstance(step, int):
            if not isinstance(found, (list, tuple)) or step >= len(found):
                return MISSING
        elif not isinstance(found, Mapping) or step not in found:
            return MISSING
        found = found[step]
    return found


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names and values in UTF-8, at most 409,600 together.

    >>> item_size({"pk": "k", "n": 100})
    6
    """
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Any) -> int:
    """Bytes of one value: a list costs 3 and 1 an element, a map 3 and 1 an entry, true, false and NULL 1.

    >>> value_size("é"), value_size([1, 2]), value_size({"a": None})
    (2, 9, 6)
    """
    size = _SIZES.get(type(value))
    if size is None:
        size = next((size for kind, size in _SIZES.items() if isinstance(value, kind)), None)
        if size is None:
            try:
                return value_size(_known(value))
            except _Unknown as unknown:
                raise _explain(unknown, "") from None
    return size(value)


_SIZES: dict[type, Callable[[Any], int]] = {
    str: lambda text: len(text.encode(errors="surrogatepass")),
    bool: lambda value: 1,
    int: number_size,
    Decimal: number_size,
    type(None): lambda value: 1,
    list: lambda members: 3 + len(members) + sum(map(value_size, members)),
    tuple: lambda members: 3 + len(members) + sum(map(value_size, members)),
    dict: lambda members: 3 + len(members) + item_size(members),
    set: lambda members: sum(map(value_size, members)),
    frozenset: lambda members: sum(map(value_size, members)),
    float: lambda value: number_size(number(number_text(value))),
    bytes: len,
    bytearray: len,
    memoryview: len,
    Mapping: lambda members: 3 + len(members) + item_size(members),
}


def _number_text(value: int | float | Decimal) -> str:
    try:
        return number_text(value)
    except ArithmeticError as error:
        hint = "leave the attribute out, or store None" if "NaN is" in str(error) else None
        raise _Refused(str(error), hint) from None


def _too_deep() -> _Refused:
    return _Refused("nested more than 32 levels deep")


def _bad_name(name: Any) -> NoReturn:
    raise _Refused("an attribute name is a non-empty str" + ("" if name == "" else f", not {name!r}"))


def native(value: Any) -> Any:
    """The bool, int or float that a number of another library is, such as one of numpy's; else the value itself.

    >>> from fractions import Fraction
    >>> native(True), native("a"), native(Fraction(1, 3))
    (True, 'a', Fraction(1, 3))

    Numbers are known by `numbers.Integral` and `numbers.Real`, with which libraries register their own, and numpy's by
    their `dtype`. What a float holds inexactly, and a Fraction, stays as it is.
    """
    if isinstance(value, (int, float)):
        return value
    made = _native_type(value)
    found = made(value) if made else value
    return value if made is float and found == found != value else found


def _native_type(value: Any) -> type | None:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is not None:  # numpy's time spans are registered as Integral too
        return _DTYPES.get(kind) if getattr(value, "shape", None) == () else None
    if isinstance(value, Integral):
        return int
    return float if isinstance(value, Real) and not isinstance(value, Rational) else None


_DTYPES: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float}


def _known(value: Any) -> Any:
    """A value of another library's as one of Python's own types; _Unknown where there is none."""
    found = native(value)
    if type(found) not in (bool, int, float):
        raise _unknown(value)
    return found


def _unknown(value: Any) -> _Unknown:
    kind = type(value)
    # numpy's `object_` and its like may have the name of a type that DynamoDB does have.
    name = f"{kind.__module__}.{kind.__name__}" if hasattr(builtins, kind.__name__) else kind.__name__
    return _Unknown(
        f"DynamoDB has no type for {name.removeprefix('builtins.')}",
        "declare the attribute's type on the table, or store a plain value",
    )


def _explain(refused: _Refused, at: str) -> ValidationError:
    return ValidationError(refused.message, at=path_text(refused.steps, at), hint=refused.hint)


def path_text(steps: Iterable[str | int], at: str = "") -> str:
    """The text of a document path, for an error; from a place on, where one is given.

    >>> path_text(("info", "actors", 0)), path_text(("actors", 0), "info")
    ('info.actors[0]', 'info.actors[0]')
    """
    for step in steps:
        at += f"[{step}]" if isinstance(step, int) else f".{step}" if at else str(step)
    return at
