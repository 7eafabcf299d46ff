"""An item written by its form has the text that it has value by value, and is refused in the same words."""

import enum
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from flyexpr import ValidationError
from flyexpr.values import encode, text_forms
from flyexpr.values.encode import encode_item
from flyexpr.values.refusals import Refused, explained
from flyexpr.values.text_code import Fields, Rows


class Level(enum.IntEnum):
    LOW = 1


class Colour(str, enum.Enum):
    RED = "red"


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Makes every form at once, unless a test says otherwise."""
    before = text_forms.LOOKS, text_forms.WORTH
    text_forms.LOOKS, text_forms.WORTH = 1, 1
    forget()
    yield
    text_forms.LOOKS, text_forms.WORTH = before
    forget()


def forget() -> None:
    encode._FORMS._seen.clear()
    encode._FORMS._made.clear()


def by_form(item: Mapping[str, Any]) -> str:
    try:
        return encode_item(item)
    except ValidationError as error:
        return f"refused: {error}"


def value_by_value(item: Mapping[str, Any]) -> str:
    try:
        return encode._members(item, 0)
    except Refused as refused:
        return f"refused: {explained(refused, '')}"


def fits(item: dict[str, Any]) -> bool:
    """Whether there is a form that fits the item."""
    write = encode._written(tuple(item))
    try:
        return write is not None and bool(write(item))
    except Exception:
        return False


def learned(*items: dict[str, Any]) -> bool:
    """Whether a form fits all of these items, once each was written a few times."""
    for item in items * 4:
        encode_item(item)
    return all(map(fits, items))


values = (
    some.values
    | some.half_values
    | st.sampled_from([set(), {1, "a"}, {True}, float("nan"), 10**126, Level.LOW, Colour.RED, object(), 1.5, ()])
)


@given(st.data())
def test_items_of_one_form_and_others_with_its_names(data: st.DataObject) -> None:
    forget()
    item = dict(data.draw(some.items))
    item["more"] = {"row": data.draw(some.values), "rows": [dict(item)]}
    assert learned(item)
    for _ in range(data.draw(st.integers(1, 4))):
        other = {name: data.draw(values) if data.draw(st.booleans()) else value for name, value in item.items()}
        other["more"] = data.draw(st.sampled_from([item["more"], {**item["more"], "rows": [other, item]}, {}, []]))
        assert by_form(other) == value_by_value(other)
        assert by_form(item) == value_by_value(item)


SAMPLE = {
    "text": "a",
    "whole": 1,
    "number": Decimal("1.5"),
    "flag": True,
    "none": None,
    "blob": b"a",
    "texts": {"a", "b"},
    "wholes": {2, 1},
    "map": {"a": 1, "b": {"c": "d"}},
    "rows": [{"a": 1}, {"a": 2}],
}
OTHERS: list[tuple[str, Any]] = [
    ("text", '"\\\n\x00é😀'),
    ("text", Colour.RED),
    ("text", "\ud800"),
    ("text", 1),
    ("text", None),
    ("whole", 10**38 - 1),
    ("whole", 10**38),
    ("whole", 10**126),
    ("whole", -(10**38)),
    ("whole", True),
    ("whole", Level.LOW),
    ("whole", 1.0),
    ("whole", Decimal("1.50")),
    ("number", Decimal("1.50")),
    ("number", Decimal("1E+3")),
    ("number", Decimal("NaN")),
    ("number", Decimal("0." + "1" * 38)),
    ("number", Decimal("0." + "1" * 39)),
    ("number", -0.0),
    ("number", float("inf")),
    ("number", False),
    ("number", "1"),
    ("flag", 1),
    ("flag", None),
    ("none", False),
    ("none", "a"),
    ("blob", bytearray(b"b")),
    ("blob", memoryview(b"b")),
    ("blob", array("b", [1])),
    ("texts", set()),
    ("texts", {"a", 1}),
    ("texts", {1}),
    ("texts", {"a", Colour.RED}),
    ("texts", frozenset("ab")),
    ("texts", ["a"]),
    ("texts", "ab"),
    ("wholes", set()),
    ("wholes", {True, 2}),
    ("wholes", {1, Decimal("1.5")}),
    ("wholes", {1, Decimal("NaN")}),
    ("wholes", {Level.LOW}),
    ("wholes", {10**38}),
    ("wholes", [1]),
    ("map", {}),
    ("map", {"b": {"c": "d"}, "a": 1}),
    ("map", {"a": 1, "b": {"d": "d"}}),
    ("map", {"a": 1, "b": {"c": {1}}}),
    ("map", {"a": 1, "b": {"c": set()}}),
    ("map", {"a": 1, "": 1}),
    ("map", OrderedDict(a=1, b={"c": "d"})),
    ("map", MappingProxyType({"a": 1, "b": {"c": "d"}})),
    ("map", [{"a": 1}]),
    ("rows", []),
    ("rows", ({"a": 1},)),
    ("rows", [{"a": 1}, {"b": 1}]),
    ("rows", [{"a": 1}, {"a": "1"}]),
    ("rows", [{"a": 1}, "a"]),
    ("rows", [{"a": set()}]),
    ("rows", [1.5] * 20),
    ("rows", {"a": 1}),
]


@pytest.mark.parametrize("name, value", OTHERS)
def test_one_value_of_another_kind(name: str, value: Any) -> None:
    assert learned(SAMPLE)
    other = SAMPLE | {name: value}
    text = value_by_value(other)
    for _ in range(4):  # the form widens where the value can be stored
        assert by_form(other) == text
        assert by_form(SAMPLE) == value_by_value(SAMPLE)
    assert fits(SAMPLE)


def kinds(item: dict[str, Any]) -> dict[str, Any]:
    """What the form of an item knows of its values."""
    form = encode._FORMS._seen[tuple(item)].kind
    assert isinstance(form, Fields)
    return dict(zip(form.names, form.kinds, strict=True))


def test_a_form_knows_the_kind_of_each_value() -> None:
    assert learned(SAMPLE)
    of_map, of_rows = Fields(("a", "b"), ("whole", Fields(("c",), ("S",)))), Rows(Fields(("a",), ("whole",)))
    assert [*kinds(SAMPLE).values()] == ["S", "whole", "N", "BOOL", "NULL", "B", "SS", "NS", of_map, of_rows]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "values, kind",
    [
        ([1, Decimal("1.5"), 2.5], "N"),
        ([1, 10**38], "N"),
        ([1, "a"], "any"),
        (["a", None], "any"),
        ([{"a"}, {1}], "any"),
        ([{"a": 1}, {"a": 2.5}], Fields(("a",), ("N",))),
        ([{"a": 1}, {"b": 1}], "any"),
        ([[], [{"a": 1}], [{"a": 1}, {"a": 2.5}]], Rows(Fields(("a",), ("N",)))),
        ([[], []], Rows(None)),
        ([{}, {"a": 1}], "any"),
        ([[{"a": 1}], [{"b": 1}]], "any"),
        ([[{"a": 1}], ["a"]], "any"),
    ],
)
def test_a_form_widens_until_it_fits_all_items_with_its_names(values: list[Any], kind: Any, turned: bool) -> None:
    items = [{"id": "a", "odd": value} for value in (reversed(values) if turned else values)]
    assert learned(*items)
    assert kinds(items[0])["odd"] == kind


@pytest.mark.parametrize(
    "item",
    [
        {'{"a}': 1, "{value0}": {"}": "{"}, "@": {'"': {"'": "@"}}},
        {"\\": "\\", "\n": "\n", "\x00'\"": "a", "é😀": "“"},
        {"\ud800": "a"},
        {"a": {}, "b": [{}]},
        dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 1),
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}},
        {"a": [{"b": [{"c": [{"d": [{"e": [{"f": [1]}]}]}]}]}]},
    ],
)
def test_odd_names_and_depths(item: dict[str, Any]) -> None:
    assert learned(item)
    assert by_form(item) == value_by_value(item)


def nested(levels: int, start: Any) -> Any:
    for _ in range(levels):
        start = {"a": start, "b": [{"c": start}]} if levels < 8 else {"a": start}
    return start


def test_depth_is_counted_from_the_item() -> None:
    deepest, too_deep = ({"a": {"b": [{"c": nested(levels, 1)}]}} for levels in (28, 29))
    assert learned(deepest)
    assert "more than 32 levels" in by_form(too_deep)
    assert by_form(too_deep) == value_by_value(too_deep)


def test_the_same_names_in_another_order_are_another_form() -> None:
    assert learned({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert by_form({"b": 2, "a": 1}) == '{"b":{"N":"2"},"a":{"N":"1"}}'


MANY = {f"m{number}": {"a": {"b": 1}} for number in range(45)}


@pytest.mark.parametrize("item", [{}, {"text": "a" * 5_000}, {f"n{number}": 1 for number in range(65)}, MANY])
def test_empty_and_large_items_have_no_form(item: dict[str, Any]) -> None:
    assert not learned(item)


def test_a_large_item_widens_the_form_that_does_not_fit_it() -> None:
    small = {"id": "a", "rows": [{"a": 1}]}
    assert learned(small)
    encode_item({"id": "a", "rows": [{"a": 1}] * 1000 + [{"b": 1}]})
    assert not fits(small)
    assert learned(small)


def test_only_dicts_have_a_form() -> None:
    item = {"a": 1}
    assert not learned(OrderedDict(item))
    assert learned(item)
    assert by_form(MappingProxyType(item)) == value_by_value(item)
    assert fits(item)


def test_a_form_is_made_once_many_items_had_it() -> None:
    text_forms.LOOKS, text_forms.WORTH = 7, 28
    for _ in range(7 * 27):
        encode_item(SAMPLE)
    assert not fits(SAMPLE)
    for _ in range(7 * 3):
        encode_item(SAMPLE)
    assert fits(SAMPLE)
