"""Items as text and back: plain JSON with marks, DynamoDB JSON, CSV."""

import io
import json
from decimal import Decimal

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from flyexpr import FlyexprError, ValidationError
from flyexpr.cli.marked import item_text, read_item
from flyexpr.cli.sinks import write_items
from flyexpr.cli.sources import entries
from flyexpr.cli.wire import item_wire, read_wire
from flyexpr.values import encode_item, freeze

MARKS = st.sampled_from(["$set", "$$set", "$bytes", "$$$bytes", "$", "set", "$sets", "Item", "S", "M"])
marked = st.recursive(
    strategies.values, lambda below: st.dictionaries(MARKS, below, min_size=1, max_size=2) | st.lists(below, max_size=2)
)
items = st.dictionaries(MARKS | st.text(min_size=1, max_size=3).filter(str.isprintable), marked, min_size=1, max_size=4)


def storable(item: dict) -> bool:
    """True for an item that DynamoDB takes: text without half surrogates, not too deep."""
    try:
        encode_item(item).encode()
    except (ValidationError, UnicodeEncodeError):
        return False
    return True


@given(items.filter(storable))
def test_every_item_reads_back_as_it_was_written(item):
    assert freeze(read_item(item_text(item))) == freeze(item)
    assert freeze(read_wire(item_wire(item))) == freeze(item)
    assert freeze(read_wire(f'{{"Item":{item_wire(item)}}}')) == freeze(item)


@given(items.filter(storable))
def test_items_are_json_on_one_line(item):
    text = item_text(item)
    assert "\n" not in text
    assert isinstance(json.loads(text), dict)


@given(st.lists(items.filter(storable), min_size=1, max_size=3))
def test_a_sheet_reads_back_as_it_was_written(found):
    stream = io.BytesIO()
    write_items(found, stream, "csv")
    stream.seek(0)
    assert [freeze(entry.item) for entry in entries(stream, "csv")] == [freeze(item) for item in found]


@pytest.mark.parametrize(
    "item, text",
    [
        ({"a": 1, "b": Decimal("0.10")}, '{"a": 1, "b": 0.1}'),
        ({"a": Decimal("1E-130")}, '{"a": 0.' + "0" * 129 + "1}"),
        ({"a": int("9" * 38)}, '{"a": ' + "9" * 38 + "}"),
        ({"a": {b"\xff"}}, '{"a": {"$set": [{"$bytes": "/w=="}]}}'),
        ({"a": {"$set": 1, "b": 2}}, '{"a": {"$set": 1, "b": 2}}'),
        ({"a": {"$set": ["x"]}}, '{"a": {"$$set": ["x"]}}'),
        ({"a": {"$$set": ["x"]}}, '{"a": {"$$$set": ["x"]}}'),
        ({"$set": ["x"]}, '{"$set": ["x"]}'),
        ({"a": "\u2028é😀"}, '{"a": "\u2028é😀"}'),
    ],
)
def test_marked_text(item, text):
    assert item_text(item) == text
    assert read_item(text) == item


@pytest.mark.parametrize(
    "text, message",
    [
        ("[1]", "an item is a JSON object, not [1]"),
        ('{"a": NaN}', "not JSON: NaN is not a number"),
        ('{"a": {"$set": []}}', '{"$set": [...]} takes a list of strings, of numbers or of {"$bytes": ...}, not empty'),
        (
            '{"a": {"$set": [true]}}',
            '{"$set": [...]} takes a list of strings, of numbers or of {"$bytes": ...}, not empty',
        ),
        (
            '{"a": {"$set": ["x", 1]}}',
            "a set holds only strings, only numbers or only bytes\n  hint: use a list for mixed values",
        ),
        ('{"a": {"\\u0024bytes": 1}}', '{"$bytes": "..."} takes base64 text'),
        ('{"a": {"$bytes": "a"}}', '{"$bytes": "..."} takes base64 text'),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_marked_text_that_is_refused(text, message):
    (entry,) = entries(io.BytesIO(text.encode()), "json")
    assert entry.fault == message


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"a": 1}', 'at `a`: an attribute value is an object such as {"S": "text"}'),
        ('{"a": {"S": 1}}', "at `a`: S takes a string"),
        ('{"a": {"N": 1}}', "at `a`: N takes a number in a string"),
        ('{"a": {"N": "1e1000000000"}}', "at `a`: N takes a number in a string"),
        ('{"a": {"NULL": false}}', "at `a`: NULL takes true"),
        ('{"a": {"BOOL": 1}}', "at `a`: BOOL takes true or false"),
        ('{"a": {"L": [{"M": {"b": {"X": 1}}}]}}', "at `a[0].b`: 'X' is no type of DynamoDB"),
        ('{"a": {"SS": []}}', "at `a`: SS takes a list of strings, not empty"),
    ],
)
def test_wire_text_that_is_refused(text, message):
    with pytest.raises(ValidationError) as caught:
        read_wire(text)
    assert str(caught.value) == message


def test_a_bad_line_spoils_no_other():
    stream = io.BytesIO(b'\xef\xbb\xbf{"a": 1}\r\n\xff\n\n{"a": 2}')
    assert [(entry.line, entry.item or entry.fault) for entry in entries(stream, "json")] == [
        (1, {"a": 1}),
        (2, "not UTF-8 at byte 1"),
        (4, {"a": 2}),
    ]


def test_an_endless_line_takes_no_memory(monkeypatch):
    monkeypatch.setattr("flyexpr.cli.sources.LONGEST", 10)
    found = list(entries(io.BytesIO(b"x" * 100 + b'\n{"a": 1}\n'), "json"))
    assert [(entry.line, entry.item) for entry in found] == [(1, None), (2, {"a": 1})]


def test_the_head_of_a_sheet_is_checked():
    with pytest.raises(FlyexprError, match="line 1: the column 'a' is there twice"):
        list(entries(io.BytesIO(b"a,a\n1,2\n"), "csv"))
