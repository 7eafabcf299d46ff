"""Puts of clients that write blanks and escapes are stored, and refused, as those of flyexpr."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_put_patterns import DEFINE, LARGE, NO_SET, SAMPLE, answer, patterns_of

from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.request.known.compact import compact_text
from flyexpr.engines.sqlite.request.known.put_bodies import BatchBodies, PutBodies
from flyexpr.values.pattern_cache import SEVERAL

WORDS = ["", "a", ": ", ", ", " ", "}, {", "é😀", "\u0080", "\u2028"]
STRINGS = st.sampled_from([*WORDS, '": "', "\x7f", "\\", "\\u00e9", "\n"])


def objects(strings: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    values = st.recursive(
        strings | st.booleans() | st.none() | numbers,
        lambda one: st.lists(one, max_size=3) | st.dictionaries(strings, one, max_size=3),
    )
    return st.dictionaries(strings, values, max_size=3)


SEPARATORS = [(",", ":"), (", ", ": "), (" , ", " :  "), (",\n", ": "), (",\t", ":")]
PARTS = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "  ",
    "\n",
    "true",
    "tr",
    "ue",
    "1",
    "-",
    "a",
    "\\",
    "\\u00e9",
    "\\ud83d",
    "\\u0022",
]


def read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@given(objects(STRINGS), st.sampled_from(SEPARATORS), st.booleans())
def test_a_compact_text_says_the_same(members: dict[str, Any], separators: tuple[str, str], ascii_only: bool) -> None:
    text = json.dumps(members, separators=separators, ensure_ascii=ascii_only)
    assert json.loads(compact_text(text.encode())) == members


@given(objects(st.sampled_from(WORDS)), st.sampled_from(SEPARATORS[:2]), st.booleans())
def test_a_text_as_many_clients_write_it_becomes_compact(
    members: dict[str, Any], separators: tuple[str, str], ascii_only: bool
) -> None:
    text = json.dumps(members, separators=separators, ensure_ascii=ascii_only)
    assert compact_text(text.encode()) == json.dumps(members, separators=(",", ":"), ensure_ascii=False)


@given(st.sampled_from(['{"a": ', '{"a":']), st.lists(st.sampled_from(PARTS), max_size=12))
@settings(max_examples=2000)
def test_what_is_no_json_does_not_become_json(start: str, parts: list[str]) -> None:
    text = start + "".join(parts)
    assert read(compact_text(text.encode())) == read(text)


@pytest.mark.parametrize("between", [" " * 300_000, " " * 300_000 + "\n"])
def test_many_blanks_take_no_longer_than_other_text(between: str) -> None:
    """As a square of their number they would take hours."""
    assert compact_text(f'{{"a": 1{between}}}'.encode()).replace(" ", "") == f'{{"a":1{between.strip(" ")}}}'


def test_a_very_long_text_stays_as_it_is() -> None:
    text = '{"a": "' + "x" * 1_000_000 + '"}'
    assert compact_text(text.encode()) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": tr ue}',
        '{"a": 1 2}',
        '{"a": - 1}',
        '{"a": "b" "c"}',
        '{"a": "\\u005c\\u0022"}',
        '{"a": "x\\u0022,\\u0022b\\u0022:\\u0022y"}',
        '{"a": "\\u000a"}',
        '{"a": "\\ud83d"}',
        '{"a":"\\u00e9\\u005c"}',
    ],
)
def test_texts_that_only_look_like_json_or_compact(text: str) -> None:
    assert read(compact_text(text.encode())) == read(text)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("separators", SEPARATORS[:2], ids=["without blanks", "with blanks"])
@pytest.mark.parametrize("operation", ["PutItem", "BatchWriteItem"])
def test_puts_of_other_clients_are_taken_by_their_patterns(
    operation: str, separators: tuple[str, str], ascii_only: bool
) -> None:
    def text_of(item: dict[str, Any], **more: Any) -> bytes:
        if operation == "PutItem":
            members = {"TableName": "tab", "Item": item, **more}
        else:
            members = {"RequestItems": {"tab": [{"PutRequest": {"Item": item}}]}, **more}
        return json.dumps(members, separators=separators, ensure_ascii=ascii_only).encode()

    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", DEFINE)
        _, bodies = learning._operations[operation]
        assert isinstance(bodies, PutBodies | BatchBodies)
        bodies.patterns.readers = patterns_of(SAMPLE).readers
        for number in range(2 * SEVERAL):
            learning(operation, text_of(SAMPLE | {"pk": {"S": str(number)}}))
        words = ("a, b: c", "}, {", ": x", "x, ", " ", "é😀", "\\", '"', "\n", "\x7f", "")
        items = [SAMPLE | {"pk": {"S": f"w{word}"}, "ss": {"SS": sorted({word, "z"})}} for word in words]
        assert all(bodies.known(text_of(item)) for item in items[:6])
        for item in (*items, SAMPLE | {"pk": {"S": ""}}, NO_SET, LARGE, {"pk": {"S": "b"}}):
            for more in ({}, {"ReturnConsumedCapacity": "TOTAL"}):
                assert answer(learning, text_of(item, **more), operation) == answer(
                    other, text_of(item, **more), operation
                )
        for word in words:
            key = json.dumps({"TableName": "tab", "Key": {"pk": {"S": f"w{word}"}}}).encode()
            assert learning("GetItem", key) == other("GetItem", key) != b"{}"
