"""Plain Python values as DynamoDB's wire JSON.

    plain value                    wire
    str                            {"S": "x"}
    int, Decimal, float            {"N": "1.5"}          read as int when whole, else Decimal; numpy's numbers too
    bytes                          {"B": "aGk="}
    bool, None                     {"BOOL": true}, {"NULL": true}
    list, tuple                    {"L": [...]}
    dict, any other Mapping        {"M": {...}}
    set, frozenset                 {"SS" | "NS" | "BS": [...]}   one type, never empty

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flyexpr.values.freeze import freeze_set, thaw
from flyexpr.values.memo import Memo
from flyexpr.values.numbers import DIGITS, WHOLE, number_text
from flyexpr.values.refusals import Refused, explained, known, refuse_name, text_of_number, too_deep
from flyexpr.values.text_forms import TextForms
from flyexpr.values.types import MAX_DEPTH, Frozen, content, quote
from flyexpr.values.vector_texts import list_text


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
    except Refused as refused:
        raise explained(refused, at) from None


def encode_item(item: Mapping[str, Any]) -> str:
    """The wire JSON text of an item: its attributes, without an outer type.

    >>> encode_item({"userid": "abc", "wins": 1})
    '{"userid":{"S":"abc"},"wins":{"N":"1"}}'

    The size (at most 400 KB) is not checked here; see `item_size`.
    """
    write = _written(tuple(item))
    if write is not None:
        try:
            return write(item)  # type: ignore[arg-type]
        except Exception:  # it has another form, or holds what cannot be stored: the other way says what
            pass
    try:
        text = _members(item, 0)
    except Refused as refused:
        raise explained(refused, "") from None
    _FORMS.note(item, len(text), unlike=write is not None)
    return text


def _encode(value: Any, depth: int) -> str:
    return _ENCODERS.get(type(value), _encode_other)(value, depth)


def _members(value: Mapping[str, Any], depth: int) -> str:
    name: Any = None
    parts = []
    try:
        # str and int are written in place: they are three quarters of all values, and a call takes as long as the text.
        for name, member in value.items():
            member_type, key = type(member), _known_key(name) or _key(name)
            if member_type is str:
                parts.append(f'{key}{{"S":{quote(member)}}}')
            elif member_type is int and -WHOLE < member < WHOLE:
                parts.append(f'{key}{{"N":"{member}"}}')
            else:
                parts.append(key + _ENCODERS.get(member_type, _encode_other)(member, depth + 1))
    except Refused as refused:
        refused.steps.insert(0, name)
        raise
    return "{" + ",".join(parts) + "}"


_KEYS = Memo[Any, str](4096)  # how attribute names stand in JSON: they are few, and come again and again
_known_key = _KEYS.get
_LONG_NAME = 256  # characters


def _key(name: Any) -> str:
    if not isinstance(name, str) or not name:
        refuse_name(name)
    key = quote(name) + ":"
    return _KEYS.keep(name, key) if len(name) < _LONG_NAME else key


def _encode_map(value: Mapping[str, Any], depth: int) -> str:
    if depth >= MAX_DEPTH:
        raise too_deep()
    return f'{{"M":{_members(value, depth)}}}'


_MANY = 16  # numbers from which on it pays to look whether a list is a vector


def _encode_list(value: Sequence[Any], depth: int) -> str:
    if depth >= MAX_DEPTH:
        raise too_deep()
    if len(value) >= _MANY and (text := list_text(value)):
        return f'{{"L":[{{"N":"{text}"}}]}}'
    parts: list[str] = []
    try:
        for member in value:
            parts.append(_ENCODERS.get(type(member), _encode_other)(member, depth + 1))
    except Refused as refused:
        refused.steps.insert(0, len(parts))
        raise
    return f'{{"L":[{",".join(parts)}]}}'


def _encode_string(value: str, depth: int) -> str:
    return f'{{"S":{quote(value)}}}'


def _encode_number(value: int | float | Decimal, depth: int) -> str:
    return f'{{"N":"{text_of_number(value)}"}}'


def _encode_decimal(value: Decimal, depth: int) -> str:
    text = Decimal.__str__(value)  # not `str`: a subclass may have another text
    # The same rule as in number_text, without its calls, which take half of the time for a fraction.
    if "." in text and text[-1] != "0" and "E" not in text and "e" not in text and len(text) <= DIGITS:
        return f'{{"N":"{text}"}}'
    return _encode_number(value, depth)


def _encode_bool(value: bool, depth: int) -> str:
    return '{"BOOL":true}' if value else '{"BOOL":false}'


def _encode_null(value: None, depth: int) -> str:
    return '{"NULL":true}'


def _encode_bytes(value: bytes | bytearray | memoryview, depth: int) -> str:
    return f'{{"B":{_base64(content(value))}}}'


def _base64(value: bytes) -> str:
    return f'"{b2a_base64(value, newline=False).decode("ascii")}"'


_BETWEEN = '","'  # members of a set
_STRINGS, _WHOLES = {str}, {int}


def _encode_set(value: Iterable[Any], depth: int) -> str:
    # Strings and whole numbers are by far the commonest. By way of the set's meaning they take three times as long.
    kinds = {*map(type, value)}
    if kinds == _STRINGS:
        return f'{{"SS":[{",".join(map(quote, sorted(value)))}]}}'
    if kinds == _WHOLES:
        members = sorted(value)
        if members[0] > -WHOLE and members[-1] < WHOLE:
            return f'{{"NS":["{_BETWEEN.join(map(str, members))}"]}}'
    return encode_frozen(freeze_set(value))


def _encode_other(value: Any, depth: int) -> str:
    """A value whose type is not in the table itself: of a subclass, or a number of another library; else an error."""
    for base, encoder in _ENCODERS.items():
        if isinstance(value, base):
            return encoder(value, depth)
    return _encode(known(value), depth)


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


def encode_frozen(frozen: Frozen) -> str:
    """The wire JSON text of a frozen value, the same in every process.

    >>> from flyexpr.values.freeze import freeze
    >>> encode_frozen(freeze({"b", "a"}))
    '{"SS":["a","b"]}'
    """
    kind, body = frozen
    match kind:
        case "S":
            return f'{{"S":{quote(body)}}}'
        case "N":
            # A whole number in place: by number_text alone its text takes 1.5 times as long.
            text = body if type(body) is int and -WHOLE < body < WHOLE else number_text(body)
            return f'{{"N":"{text}"}}'
        case "SS" | "NS" | "BS":
            return f'{{"{kind}":[{",".join(map(_SET_MEMBERS[kind], sorted(body)))}]}}'
        case _:
            return encode(thaw(frozen))


_SET_MEMBERS: dict[str, Callable[[Any], str]] = {
    "SS": quote,
    "NS": lambda member: f'"{number_text(member)}"',
    "BS": _base64,
}


_FORMS = TextForms(_ENCODERS, _encode_other)
_written = _FORMS.find
