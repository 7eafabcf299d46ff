"""The line of an item, made of the text that its form matched, is the line that the item itself gives."""

import json
from typing import Any

import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from flyexpr.values import pattern_cache
from flyexpr.values.answers import Page
from flyexpr.values.encode import encode_item
from flyexpr.values.item_lines import line_of
from flyexpr.values.memo import Memo
from flyexpr.values.patterns import form_of, item_pattern
from flyexpr.values.plain_json import item_text, read_item


def lines(form_wire: dict[str, Any], text: str) -> tuple[str, str] | None:
    """The line by the form of a wire item, and by the item; None where the form does not match."""
    form = form_of(form_wire)
    matched = form.match(text + "]", 0)
    return None if matched is None else (line_of(form)(matched), item_text(form.item(matched)))


@given(some.items, some.items)
def test_the_line_of_any_item(one: dict[str, Any], other: dict[str, Any]) -> None:
    wire = json.loads(encode_item(one))
    if item_pattern(wire) is None:
        return
    for item in (one, {**one, **{name: value for name, value in other.items() if name in one}}):
        found = lines(wire, encode_item(item))
        if found is not None:
            by_form, by_item = found
            assert by_form == by_item
            assert read_item(by_form) == item


@pytest.mark.parametrize(
    "wire, text, line",
    [
        ({"n": {"N": "1"}}, '{"n":{"N":"-0.5"}}', '{"n": -0.5}'),
        ({"n": {"N": "1.5"}}, '{"n":{"N":"0"}}', '{"n": 0}'),
        ({"n": {"N": "1"}}, '{"n":{"N":"%s"}}' % ("9" * 38), '{"n": %s}' % ("9" * 38)),
        ({"n": {"N": "1.5"}}, '{"n":{"N":"0.%s1"}}' % ("0" * 27), '{"n": 0.%s1}' % ("0" * 27)),
        ({"b": {"B": ""}}, '{"b":{"B":"+/8="}}', '{"b": {"$bytes": "+/8="}}'),
        (
            {"t": {"BOOL": True}, "e": {"NULL": True}},
            '{"t":{"BOOL":false},"e":{"NULL":true}}',
            '{"t": false, "e": null}',
        ),
        ({"s": {"SS": ["a"]}}, '{"s":{"SS":["é","b","a"]}}', '{"s": {"$set": ["a", "b", "é"]}}'),
        ({"s": {"NS": ["1"]}}, '{"s":{"NS":["10","9","-1.5"]}}', '{"s": {"$set": [-1.5, 9, 10]}}'),
        (
            {"s": {"BS": ["YQ=="]}},
            '{"s":{"BS":["/w==","YQ=="]}}',
            '{"s": {"$set": [{"$bytes": "YQ=="}, {"$bytes": "/w=="}]}}',
        ),
        ({"$set": {"S": ""}}, '{"$set":{"S":"x"}}', '{"$set": "x"}'),
        ({"m": {"M": {"$set": {"S": ""}}}}, '{"m":{"M":{"$set":{"S":"x"}}}}', '{"m": {"$$set": "x"}}'),
        ({"m": {"M": {}}, "l": {"L": []}}, '{"m":{"M":{}},"l":{"L":[]}}', '{"m": {}, "l": []}'),
        (
            {"l": {"L": [{"M": {"k": {"N": "1"}, "l": {"L": [{"S": ""}]}}}] * 2}},
            '{"l":{"L":[{"M":{"k":{"N":"7"},"l":{"L":[]}}}]}}',
            '{"l": [{"k": 7, "l": []}]}',
        ),
        ({"l": {"L": [{"S": ""}, {"N": "1"}]}}, '{"l":{"L":[{"S":"x"},{"N":"2"}]}}', '{"l": ["x", 2]}'),
        ({}, "{}", "{}"),
    ],
)
def test_the_line_of_each_kind(wire: dict[str, Any], text: str, line: str) -> None:
    assert lines(wire, text) == (line, line)


@pytest.mark.parametrize(
    "number", ["9" * 39, "1" + "0" * 125, f"0.{'0' * 129}1", f"{'9' * 10}.{'9' * 29}", "-" + "9" * 39]
)
@pytest.mark.parametrize("wire, text", [({"N": "1"}, '{"N":"%s"}'), ({"NS": ["1"]}, '{"NS":["1","%s"]}')])
def test_a_number_of_more_digits_than_a_table_holds_has_no_form(wire: Any, text: str, number: str) -> None:
    """Nor have those with many zeros, which a table can hold."""
    assert lines({"n": wire}, '{"n":%s}' % (text % number)) is None


def test_no_name_becomes_code() -> None:
    names = [
        "'}",
        '"',
        "\\",
        "{0}",
        "group0",
        "{group0}",
        "__import__('os')",
        "\n",
        "\\N{DIGIT ONE}",
        "'''",
        "{{",
        "é\x7f",
    ]
    text = encode_item(
        {name: name and "x" for name in names} | {"m": dict.fromkeys(names, 1), "l": [dict.fromkeys(names, 1)]}
    )
    by_form, by_item = lines(json.loads(text), text) or ("", "-")
    assert by_form == by_item


@given(st.lists(some.items, max_size=3).flatmap(lambda kinds: st.lists(st.sampled_from(kinds or [{}]), max_size=12)))
def test_a_page_gives_the_lines_of_known_forms_and_other_items(items: list[dict[str, Any]]) -> None:
    body = f'{{"Items":[{",".join(map(encode_item, items))}],"Count":{len(items)}}}'.encode()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"WORTH": 0, "FEW": 0, "LONG_VALUE": 10**9, "_SEEN": Memo[str, Any](8)}.items():
            patch.setattr(pattern_cache, name, value)
        page, given = Page(body, maker=line_of), list[str]()
        for item in page:
            assert isinstance(item, str) == page.known
            given.append(item if page.known else item_text(item))
    assert given == list(map(item_text, items))
    assert page.rest == {"Count": len(items)}
