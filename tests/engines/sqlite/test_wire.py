"""Incoming attribute values: what is refused, in which words, and how the rest is written and read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines.sqlite.request import wire
from flyexpr.engines.sqlite.request.numerals import read_number
from flyexpr.engines.sqlite.request.wire import read_item, read_stored
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.sizes import item_size

REFUSED = [
    ({"N": "NaN"}, "The parameter cannot be converted to a numeric value: NaN"),
    ({"N": " 1"}, "The parameter cannot be converted to a numeric value:  1"),
    ({"N": "1_000"}, "The parameter cannot be converted to a numeric value: 1_000"),
    ({"N": "١"}, "The parameter cannot be converted to a numeric value: ١"),
    ({"N": "1.2.3"}, "The parameter cannot be converted to a numeric value: 1.2.3"),
    ({"N": "."}, "The parameter cannot be converted to a numeric value: ."),
    ({"N": "5e"}, "The parameter cannot be converted to a numeric value: 5e"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    (None, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"L": [None]}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"N": "0e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"N": "-1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
    ({"BS": []}, "One or more parameter values were invalid: Binary sets should not be empty"),
    ({"NS": ["1", "1.0"]}, "One or more parameter values were invalid: Input collection contains duplicates."),
    (
        {"SS": ["a", "b", "a"]},
        "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.",
    ),
    (
        {"NULL": False},
        "One or more parameter values were invalid: Null attribute value types must have the value of true",
    ),
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": None}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"X": "x"}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (
        {"S": "x", "N": "1"},
        (
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported datatypes"
        ),
    ),
    ({"M": {"": {"S": "x"}}}, "Empty attribute name"),
    ({"M": {"deep": {"N": "x"}}}, "The parameter cannot be converted to a numeric value: x"),
]
UNREADABLE = [
    {"S": 1},
    {"N": 1},
    {"N": True},
    {"B": "a"},
    {"B": "a=b="},
    {"B": "é==="},
    {"BOOL": 1},
    {"BOOL": "perhaps"},
    {"L": {}},
    {"M": []},
    {"SS": "a"},
    {"NS": [1]},
    "x",
]
REWRITTEN = [
    ({"N": "+3"}, {"N": "3"}),
    ({"N": "007"}, {"N": "7"}),
    ({"N": "-0.0"}, {"N": "0"}),
    ({"N": "1e3"}, {"N": "1000"}),
    ({"N": "25e-1"}, {"N": "2.5"}),
    ({"N": ".5"}, {"N": "0.5"}),
    ({"NS": ["10", "9", "-1.50"]}, {"NS": ["-1.5", "9", "10"]}),
    ({"SS": ["b", "｡", "😀", "B"]}, {"SS": ["B", "b", "｡", "😀"]}),
    ({"BS": ["/w==", "AA=="]}, {"BS": ["AA==", "/w=="]}),
    ({"BOOL": "Yes"}, {"BOOL": True}),
    ({"NULL": "true"}, {"NULL": True}),
    ({"S": "x", "N": None}, {"S": "x"}),
    ({"L": [{"N": "1.0"}]}, {"L": [{"N": "1"}]}),
]


@pytest.mark.parametrize("wire, message", REFUSED, ids=str)
def test_refused(wire: Any, message: str) -> None:
    with pytest.raises(DynamoError) as error:
        read_item({"a": wire})
    assert error.value.code == "ValidationException"
    assert error.value.message == message


@pytest.mark.parametrize("wire", UNREADABLE, ids=str)
def test_unreadable(wire: Any) -> None:
    with pytest.raises(DynamoError) as error:
        read_item({"a": wire})
    assert error.value.code == "SerializationException"


@pytest.mark.parametrize("wire, written", REWRITTEN, ids=str)
def test_rewritten_as_the_service_writes_it(wire: Any, written: Any) -> None:
    plain, text, size = read_stored({"a": wire})
    stored = json.loads(text)
    assert stored == {"a": written}
    assert decode_item(stored) == plain
    assert size == item_size(plain)


@pytest.mark.parametrize("levels, refused", [(31, False), (32, True), (400, True)])
@pytest.mark.parametrize("kind", ["L", "M"])
def test_depth(kind: str, levels: int, refused: bool) -> None:
    wire: dict[str, Any] = {"N": "1"}
    value: Any = 1
    for _ in range(levels):
        wire, value = ({"L": [wire]}, [value]) if kind == "L" else ({"M": {"n": wire}}, {"n": value})
    if not refused:
        assert read_item({"a": wire}) == {"a": value}
        return
    with raises(
        DynamoError,
        "ValidationException: Nesting Levels have exceeded supported limits: Attributes in the item have "
        "nested levels beyond supported limit",
    ):
        read_item({"a": wire})


@pytest.mark.parametrize("text", ["1e" + "9" * 5_000, "1" + "0" * 500_000, "0." + "0" * 500_000 + "1", "9" * 500_000])
def test_a_monstrous_number_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(DynamoError) as error:
        read_number(text)
    assert len(error.value.message) < 300


def test_names_that_are_remembered_cannot_fill_the_memory() -> None:
    long = "x" * 256
    read_item({long: {"N": "1"}} | {f"name {number}": {"N": "1"} for number in range(5000)})
    read_item({"y" * 256: {"N": "1"}})
    assert len(wire._NAMES) <= 4096
    assert not wire._NAMES.keys() & {long, "y" * 256}


def test_leading_zeros_are_no_digits() -> None:
    assert read_number("0" * 10_000 + "1") == 1


PLAIN = st.recursive(
    st.one_of(
        st.text(max_size=5),
        st.integers(-(10**38) + 1, 10**38 - 1),
        st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9),
        st.booleans(),
        st.none(),
        st.binary(max_size=5),
        st.sets(st.text(max_size=3), min_size=1),
        st.sets(st.integers(), min_size=1).filter(lambda members: all(abs(n) < 10**38 for n in members)),
        st.sets(st.binary(max_size=3), min_size=1),
    ),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), values, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), PLAIN, max_size=4))
def test_what_the_client_writes_is_read_as_it_was_and_kept_as_it_is(item: dict[str, Any]) -> None:
    text = encode_item(item)
    assert read_stored(json.loads(text)) == (item, text, item_size(item))
