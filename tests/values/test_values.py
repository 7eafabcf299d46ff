"""Plain values on the wire and back; their equality, order and size; and what cannot be a value."""

import enum
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_UP, Context, Decimal, Inexact, Rounded, getcontext, localcontext
from typing import Any
from uuid import UUID

import pytest
from raised import raises

from flyexpr import Attribute, Codec, ConnectionFailed, Table, ValidationError, epoch, get, put, template
from flyexpr.schema.codecs import codec_of
from flyexpr.values.decode import decode
from flyexpr.values.encode import _KEYS, encode, encode_frozen, encode_item
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.numbers import number, number_text
from flyexpr.values.sizes import item_size, value_size

LONG = 12345678901234567890123456789012345678


class Level(enum.IntEnum):
    LOW = 1


class Colour(str, enum.Enum):
    RED = "red"


class Size(enum.Enum):
    SMALL = 7


WIRE: list[tuple[Any, str]] = [
    ("text", '{"S":"text"}'),
    ("", '{"S":""}'),
    ('"\\\n\x00', '{"S":"\\"\\\\\\n\\u0000"}'),
    ("é😀", '{"S":"é😀"}'),
    (7, '{"N":"7"}'),
    (-0.0, '{"N":"0"}'),
    (1.0, '{"N":"1"}'),
    (0.1, '{"N":"0.1"}'),
    (1e21, '{"N":"1000000000000000000000"}'),
    (1e-7, '{"N":"0.0000001"}'),
    (Decimal("1.50"), '{"N":"1.5"}'),
    (Decimal("1.5E+3"), '{"N":"1500"}'),
    (Decimal("-0E+5"), '{"N":"0"}'),
    (LONG, f'{{"N":"{LONG}"}}'),
    (Decimal(f"-0.{LONG}"), f'{{"N":"-0.{LONG}"}}'),
    (9 * 10**125, f'{{"N":"9{"0" * 125}"}}'),
    (Decimal("1E-130"), f'{{"N":"0.{"0" * 129}1"}}'),
    (True, '{"BOOL":true}'),
    (False, '{"BOOL":false}'),
    (None, '{"NULL":true}'),
    (b"hi", '{"B":"aGk="}'),
    (bytearray(b""), '{"B":""}'),
    (memoryview(b"\xff"), '{"B":"/w=="}'),
    ([1, [None]], '{"L":[{"N":"1"},{"L":[{"NULL":true}]}]}'),
    ((1, "a"), '{"L":[{"N":"1"},{"S":"a"}]}'),
    ([], '{"L":[]}'),
    ({}, '{"M":{}}'),
    ({"S": {"N": "x"}}, '{"M":{"S":{"M":{"N":{"S":"x"}}}}}'),
    ({"b", "a", "é"}, '{"SS":["a","b","é"]}'),
    (frozenset({10, 9, Decimal("0.5")}), '{"NS":["0.5","9","10"]}'),
    ({b"b", b"a"}, '{"BS":["YQ==","Yg=="]}'),
    ({""}, '{"SS":[""]}'),
    (Level.LOW, '{"N":"1"}'),
    (Colour.RED, '{"S":"red"}'),
]


@pytest.mark.parametrize("value, wire", WIRE, ids=[wire for _, wire in WIRE])
def test_on_the_wire_and_back(value: Any, wire: str) -> None:
    assert encode(value) == wire
    assert encode_item({"a": value}) == f'{{"a":{wire}}}'
    assert encode_frozen(freeze(value)) == wire
    assert freeze(decode(json.loads(wire))) == freeze(value) == freeze(thaw(freeze(value)))


@pytest.mark.parametrize(
    "text, value",
    [
        ("9001", 9001),
        ("-7", -7),
        ("1e3", 1000),
        ("1.0", 1),
        ("7.", 7),
        ("-0.50", Decimal("-0.5")),
        ("+3", 3),
        (".123", Decimal("0.123")),
        ("0001.23", Decimal("1.23")),
        ("1E-130", Decimal("1E-130")),
    ],
)
def test_numbers_read_as_int_when_whole(text: str, value: Any) -> None:
    assert number(text) == value
    assert type(number(text)) is type(value)
    assert number(number_text(number(text))) == value


EQUAL = [(1, 1.0), (0.1, Decimal("0.10")), ({1, 2}, {2.0, 1.0}), ([1], (1,)), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
UNEQUAL = [(1, True), (0, False), (1, "1"), ("a", b"a"), (["a"], {"a"}), (None, ""), ({1}, {"1"}), ([1, 2], [2, 1])]


@pytest.mark.parametrize("left, right", EQUAL)
def test_equal(left: Any, right: Any) -> None:
    assert freeze(left) == freeze(right)
    assert hash(freeze(left)) == hash(freeze(right))


@pytest.mark.parametrize("left, right", UNEQUAL)
def test_unequal(left: Any, right: Any) -> None:
    assert freeze(left) != freeze(right)


@pytest.mark.parametrize(
    "values",
    [
        ["", "10", "9", "B", "a", "aa", "z", "é", "｡", "😀"],
        [b"", b"\x00", b"\x00\x00", b"a", b"\x7f", b"\x80", b"\xff"],
        [-(10**125), -2, Decimal("-1.5"), 0, Decimal("1E-130"), Decimal("0.5"), 9, 10, LONG, LONG + 1],
    ],
)
def test_order_is_the_service_s(values: list[Any]) -> None:
    backwards = values[::-1]
    assert sorted(backwards, key=lambda value: freeze(value)[1]) == values


def test_thaw_gives_fresh_containers() -> None:
    frozen = freeze({"a": [{"x"}, {"k": []}]})
    first, second = thaw(frozen), thaw(frozen)
    first["a"][0].add("y")
    first["a"][1]["k"].append(1)
    assert second == {"a": [{"x"}, {"k": []}]} == thaw(frozen)


@pytest.mark.parametrize(
    "value, size",
    [
        ("é😀", 6),
        (b"abc", 3),
        (None, 1),
        (True, 1),
        (0, 1),
        (1, 2),
        (12, 2),
        (123, 3),
        (-1, 3),
        (-12, 3),
        (-123, 4),
        (-1200, 3),
        (Decimal("12.345"), 4),
        (Decimal("-12.345"), 5),
        (Decimal("0.05"), 2),
        (Decimal("-0.5"), 3),
        (10**37, 2),
        (Decimal("-0.12345678901234567890123456789012345678"), 21),
        (LONG, 20),
        ({1, 22, 333}, 7),
        ({"ab", "c"}, 3),
        ([], 3),
        (["a", [1]], 3 + 1 + 1 + 1 + 3 + 1 + 2),
        ({"ab": "c", "d": {}}, 3 + 1 + 3 + 1 + 4),
    ],
)
def test_sizes_as_the_service_counts_them(value: Any, size: int) -> None:
    assert value_size(value) == size
    assert item_size({"né": value}) == 3 + size


class Odd:
    """A type that the service lacks."""


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


NO_NAN = "leave the attribute out, or store None"
NO_TYPE = "declare the attribute's type on the table, or store a plain value"
ONE_TYPE = "a set holds only strings, only numbers or only bytes\n  hint: use a list for mixed values"
OVER = "number overflow: the largest magnitude is 9.99…E+125"
UNDER = "number underflow: the smallest magnitude is 1E-130"
DIGITS = "39 significant digits; a number holds at most 38"
REFUSED: list[tuple[Any, str]] = [
    (float("nan"), f"at `info`: NaN is not a number that DynamoDB can store\n  hint: {NO_NAN}"),
    (float("-inf"), "at `info`: -Infinity is not a number that DynamoDB can store"),
    (Decimal("NaN"), f"at `info`: NaN is not a number that DynamoDB can store\n  hint: {NO_NAN}"),
    (Decimal("Infinity"), "at `info`: Infinity is not a number that DynamoDB can store"),
    (10**126, f"at `info`: {OVER}"),
    (-(10**126), f"at `info`: {OVER}"),
    (10**100_000, f"at `info`: {OVER}"),
    (Decimal("1E+999999"), f"at `info`: {OVER}"),
    (1e300, f"at `info`: {OVER}"),
    (Decimal("1E-131"), f"at `info`: {UNDER}"),
    (1e-200, f"at `info`: {UNDER}"),
    (10**38 + 1, f"at `info`: {DIGITS}"),
    (Decimal("0.123456789012345678901234567890123456789"), f"at `info`: {DIGITS}"),
    (set(), "at `info`: a set may not be empty\n  hint: leave the attribute out, or remove it"),
    ({1, "a"}, f"at `info`: {ONE_TYPE}"),
    ({None}, f"at `info`: {ONE_TYPE}"),
    ({True}, f"at `info`: {ONE_TYPE}"),
    ({(1, 2)}, f"at `info`: {ONE_TYPE}"),
    (Odd(), f"at `info`: DynamoDB has no type for tests.values.test_values.Odd\n  hint: {NO_TYPE}"),
    (date(2026, 1, 1), f"at `info`: DynamoDB has no type for date\n  hint: {NO_TYPE}"),
    (range(3), f"at `info`: DynamoDB has no type for range\n  hint: {NO_TYPE}"),
    ({"tags": Odd()}, f"at `info.tags`: DynamoDB has no type for tests.values.test_values.Odd\n  hint: {NO_TYPE}"),
    ([{"a": [1, {"b": {2, "c"}}]}], f"at `info[0].a[1].b`: {ONE_TYPE}"),
    (nested(32), f"at `info{'[0]' * 31}`: nested more than 32 levels deep"),
]


@pytest.mark.parametrize("value, text", REFUSED, ids=[text.splitlines()[0] for _, text in REFUSED])
def test_what_no_value_can_be(value: Any, text: str) -> None:
    for make in (encode, freeze):
        with pytest.raises(ValidationError) as caught:
            make(value, at="info")
        assert str(caught.value) == text


@pytest.mark.parametrize("name", ["", 1, None, b"a"])
def test_what_no_name_can_be(name: Any) -> None:
    for make in (encode, freeze):
        with pytest.raises(ValidationError, match="an attribute name is a non-empty str"):
            make({"k": {name: 1}})


def test_the_deepest_value() -> None:
    assert decode(json.loads(encode(nested(31)))) == nested(31)


def test_attribute_names_are_kept_in_bounded_memory() -> None:
    """A program that makes up names, as for a map of users, does not fill the memory of those that come again."""
    long = "x" * 256
    for turn in range(3):
        encode_item({long: 1} | {f"name {turn} {each}": 1 for each in range(2000)})
    assert 0 < len(_KEYS) <= 4096
    assert long not in _KEYS


# declared types

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
PARIS = timezone(timedelta(hours=1))
CODECS: list[tuple[Any, Any, Any]] = [  # type, value, as stored
    (str, "a", "a"),
    (int, 3, 3),
    (int, Decimal("3.0"), 3),
    (int, 3.0, 3),
    (int, Decimal("1E+30"), 10**30),
    (float, 0.5, 0.5),
    (Decimal, Decimal("0.5"), Decimal("0.5")),
    (bool, True, True),
    (bytes, b"a", b"a"),
    (list, [1, "a"], [1, "a"]),
    (dict, {"a": 1}, {"a": 1}),
    (set[str], {"a"}, {"a"}),
    (set[date], {date(2026, 1, 31)}, {"2026-01-31"}),
    (list[Decimal], [Decimal("1")], [Decimal("1")]),
    (dict[str, date], {"k": date(2026, 1, 31)}, {"k": "2026-01-31"}),
    (list[set[int]], [{1}], [{1}]),
    (datetime, NOON, "2026-01-31T12:00:00.000000+00:00"),
    (datetime, NOON.replace(microsecond=7), "2026-01-31T12:00:00.000007+00:00"),
    (datetime, datetime(2026, 1, 31, 13, tzinfo=PARIS), "2026-01-31T12:00:00.000000+00:00"),
    (date, date(2026, 1, 31), "2026-01-31"),
    (epoch, NOON, 1769860800),
    (epoch, NOON.replace(microsecond=7), Decimal("1769860800.000007")),
    (epoch, datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc), Decimal("-0.5")),
    (UUID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Level, Level.LOW, 1),
    (Colour, Colour.RED, "red"),
    (Attribute(int, default=0), 3, 3),
    (Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int), 9.99, 999),
]


@pytest.mark.parametrize("kind, value, stored", CODECS)
def test_a_declared_type_there_and_back(kind: Any, value: Any, stored: Any) -> None:
    codec = codec_of(kind)
    assert codec.encode(value) == stored
    sent = decode(json.loads(encode(stored)))
    assert (codec.decode(sent) if codec.decode else sent) == value


def test_times_sort_as_strings_do() -> None:
    times = [NOON + timedelta(microseconds=step) for step in (0, 1, 999_999, 1_000_000, 10**12)]
    texts = [codec_of(datetime).encode(time) for time in times]
    assert texts == sorted(texts)


MISTAKES: list[tuple[Any, Any, str]] = [
    (str, 1, "expected str, got int"),
    (int, "1", "expected int, got str"),
    (int, True, "expected int, got bool"),
    (int, 1.8, "expected int, got 1.8, which is not a whole number"),
    (int, Decimal("1.8"), "expected int, got 1.8, which is not a whole number"),
    (int, float("nan"), "expected int, got nan"),
    (int, float("inf"), "expected int, got inf, which is not a whole number"),
    (int, Decimal("sNaN"), "expected int, got sNaN, which is not a whole number"),
    (float, "1", "expected float, got str"),
    (Decimal, 1.5, "expected Decimal, got float"),
    (bool, 1, "expected bool, got int"),
    (bytes, "x", "expected bytes, got str"),
    (list, {1}, "expected list, got set"),
    (dict, [], "expected dict, got list"),
    (set[str], {1}, "expected str, got int"),
    (set[str], ["a"], "expected set, got list"),
    (list[int], ["x"], "expected int, got str"),
    (dict[str, int], {"k": "x"}, "expected int, got str"),
    (datetime, datetime(2026, 1, 1), "a datetime needs a time zone"),
    (datetime, date(2026, 1, 1), "expected datetime, got date"),
    (date, datetime(2026, 1, 1, tzinfo=timezone.utc), "expected date, got datetime"),
    (epoch, datetime(2026, 1, 1), "a datetime needs a time zone"),
    (UUID, "x", "expected UUID, got str"),
    (Colour, "blue", "expected Colour, got str"),
]


@pytest.mark.parametrize("kind, value, text", MISTAKES)
def test_a_declared_type_is_held_to(kind: Any, value: Any, text: str) -> None:
    def nothing(operation: str, body: bytes) -> bytes:
        raise AssertionError("this should not have been sent")

    table = Table("t", "id", attributes={"a": kind}).on(nothing)
    with pytest.raises(ValidationError) as caught:
        put(table, {"id": "k", "a": value})
    assert str(caught.value).splitlines()[0] == f"at `a`: {text}"


@pytest.mark.parametrize(
    "kind, value, hint",
    [
        (datetime, "2026-01-31", "write datetime.fromisoformat(...)"),
        (date, "2026-01-31", "write date.fromisoformat(...)"),
        (date, datetime(2026, 1, 31), "write value.date()"),
        (UUID, "x", "write UUID(...)"),
        (Decimal, "1.5", "write Decimal(...)"),
        (Decimal, 1.5, "write Decimal(str(...))"),
        (Size, 7, "write Size(...)"),
        (Size, 8, None),
        (Size, "7", None),
        (Size, next(iter(Size)).name, f"write Size[{next(iter(Size)).name!r}]"),
        (bytes, "x", None),
    ],
)
def test_what_makes_the_declared_type_of_a_value_is_said(kind: Any, value: Any, hint: str | None) -> None:
    with pytest.raises(ValidationError) as caught:
        codec_of(kind).encode(value)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "kind, wire, text",
    [
        (
            datetime,
            '{"S":"soon"}',
            (
                "at `a`: the stored value cannot be read as datetime: 'soon' is not a datetime\n"
                "  item: {'id': 'k'} of 't'"
            ),
        ),
        (
            datetime,
            '{"N":"1"}',
            (
                "at `a`: the stored value cannot be read as datetime: `a` is stored as N, not as S\n"
                "  item: {'id': 'k'} of 't'"
            ),
        ),
        (
            UUID,
            '{"S":"x"}',
            (
                "at `a`: the stored value cannot be read as UUID: badly formed hexadecimal UUID string\n"
                "  item: {'id': 'k'} of 't'"
            ),
        ),
        (
            Colour,
            '{"S":"blue"}',
            (
                "at `a`: the stored value cannot be read as Colour: 'blue' is not a valid Colour\n"
                "  item: {'id': 'k'} of 't'"
            ),
        ),
        (
            set[date],
            '{"SS":["x"]}',
            (
                "at `a`: the stored value cannot be read as set[date]: Invalid isoformat string: 'x'\n"
                "  item: {'id': 'k'} of 't'"
            ),
        ),
    ],
)
def test_what_another_writer_stored_otherwise(kind: Any, wire: str, text: str) -> None:
    answer: Callable[[str, bytes], bytes] = lambda operation, body: f'{{"Item":{{"a":{wire}}}}}'.encode()  # noqa: E731
    with pytest.raises(ValidationError) as caught:
        get(Table("t", "id", attributes={"a": kind}).on(answer), "k")
    assert str(caught.value) == text


def test_what_a_subclass_of_decimal_prints_does_not_reach_the_wire() -> None:
    class Money(Decimal):
        def __str__(self) -> str:
            return f'${format(self, "f")}"}},"x":{{"S":"y'

    assert encode({"a": Money("1.25"), "b": [Money("1.50")]}) == '{"M":{"a":{"N":"1.25"},"b":{"L":[{"N":"1.5"}]}}}'


NO_NUMBERS = ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "1e126", "1e99999999999999999999", "1.x5", "x", ""]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_an_engine_sends_for_a_number_and_is_none(text: str) -> None:
    engine: Callable[[str, bytes], bytes] = lambda operation, body: json.dumps({"Item": {"n": {"N": text}}}).encode()  # noqa: E731
    for context in (getcontext(), Context(prec=1, traps=[])):
        with localcontext(context), pytest.raises(ConnectionFailed, match="the answer is not what DynamoDB sends"):
            get(Table("t", "id").on(engine), "k")


def test_numbers_are_the_same_in_any_decimal_context() -> None:
    odd = Context(prec=2, rounding=ROUND_UP, Emin=0, Emax=0, capitals=0, clamp=1, traps=[Inexact, Rounded])
    for given in ("1.5e-11", "123456789.123456789", "1e100", "-1.5E+3", "0.10", "9e-130"):
        value = Decimal(given)
        wanted = encode(value), freeze(value), number(given)
        with localcontext(odd):
            assert (encode(value), freeze(value), number(given)) == wanted
            assert number_text(value) == json.loads(wanted[0])["N"]
            assert template("{n:.2f}").value({"n": Decimal("1.005")}) == "1.00"
            assert codec_of(epoch).encode(NOON.replace(microsecond=123457)) == Decimal("1769860800.123457")
            assert codec_of(epoch).decode(Decimal("1769860800.123457")) == NOON.replace(microsecond=123457)  # type: ignore[misc]


@pytest.mark.parametrize("kind", [int, list[int], set[int]])
def test_an_int_too_large_to_make_is_refused_at_once(kind: Any) -> None:
    given = Decimal("1E+999999999")
    value = {list[int]: [given], set[int]: {given}}.get(kind, given)
    with raises(ValidationError, "expected int, got 1E+999999999, which is not a whole number"):
        codec_of(kind).encode(value)
