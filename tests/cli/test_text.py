"""Items as text and back: plain JSON with marks, DynamoDB JSON, CSV."""

import io
import json
import os
from decimal import Decimal
from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import FlyexprError, ValidationError
from flyexpr.cli.formats import sheets
from flyexpr.cli.formats.csv_rows import head, read_cell, read_row, row, row_text
from flyexpr.cli.formats.sinks import sink, write_items
from flyexpr.cli.formats.sources import entries, typed
from flyexpr.cli.formats.terminal_text import labelled, painted, plain
from flyexpr.values.encode import encode_item
from flyexpr.values.freeze import freeze
from flyexpr.values.plain_json import item_text, parse_json, read_item
from flyexpr.values.wire_json import item_wire, read_wire

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
        (
            "[1]",
            "an item is a JSON object, not [1]\n  hint: jq -c '.[]' writes the items of an array one a line",
        ),
        ("1", "an item is a JSON object, not 1"),
        (
            "{",
            "not JSON: Expecting property name enclosed in double quotes at character 2\n"
            "  hint: an item takes one line; jq -c . writes each so",
        ),
        ("[", "not JSON: Expecting value at character 2\n  hint: an item takes one line; jq -c '.[]' writes each so"),
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
    _, entry = entries(io.BytesIO(f'{{"a": 1}}\n{text}'.encode()), "json")
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
        ('{"a": {"L": [{"M": {"b": {"X": 1}}}]}}', "at `a[0].b`: 'X' is not a type of DynamoDB"),
        ('{"a": {"SS": []}}', "at `a`: SS takes a list of strings, not empty"),
        ('{"b": {"S": "x"}, "a": {"L": [{"N": "1"}, {"NS": ["1", "x"]}]}}', "at `a[1]`: N takes a number in a string"),
        ('{"a": {"N": "\u0661"}}', "at `a`: N takes a number in a string"),
        ('{"a": {"M": {"b": {"M": 1}}}}', "at `a.b`: a map of attribute values was expected"),
        (
            '{"a": ' + 32 * '{"L": [' + '{"S": "x"}' + 32 * "]}" + "}",
            f"at `a{32 * '[0]'}`: nested more than 32 levels deep",
        ),
    ],
)
def test_wire_text_that_is_refused(text, message):
    with pytest.raises(ValidationError) as caught:
        read_wire(text)
    assert str(caught.value) == message


def test_a_bad_line_spoils_no_other():
    stream = io.BytesIO(b'\xef\xbb\xbf{"a": 1}\r\n\xff\n\n{"a": 2}')
    assert [(entry.number, entry.item or entry.fault) for entry in entries(stream, "json")] == [
        (1, {"a": 1}),
        (2, "not UTF-8 at byte 1; save the file as UTF-8"),
        (4, {"a": 2}),
    ]


def test_an_endless_line_takes_no_memory(monkeypatch):
    monkeypatch.setattr("flyexpr.cli.formats.sources.LONGEST", 10)
    found = list(entries(io.BytesIO(b"x" * 100 + b'\n{"a": 1}\n'), "json"))
    assert [(entry.number, entry.item) for entry in found] == [(1, None), (2, {"a": 1})]


def test_the_head_of_a_sheet_is_checked():
    with raises(FlyexprError, "line 1: the column 'a' is there twice"):
        list(entries(io.BytesIO(b"a,a\n1,2\n"), "csv"))


# every control character, what csv and JSON treat in a way of their own, and marks that stand at a file's beginning
ODD = [
    *map(chr, range(32)),
    *map(chr, range(127, 160)),
    *"\",;'=+-@ \u2028\u2029\ufeff",
    "\r\n",
    "\n\r",
    '"\r"',
    ',"\r',
]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_a_sheet_takes_every_character_in_every_place(odd):
    texts = [
        odd,
        odd + odd,
        odd + "a",
        "a" + odd,
        "a" + odd + "b",
        f"{odd}a{odd}",
        f"a{odd}{odd}b",
        f"1{odd}",
        f"{odd}1",
    ]
    found = [{"id": str(place), "text": text, "more": "kept?"} for place, text in enumerate(texts)]
    found += [{text: "named"} for text in texts]
    assert rows_again(found) == found
    assert rows_again([{odd: odd}]) == [{odd: odd}]  # the only column, and the first of the file


def rows_again(items):
    stream = io.BytesIO()
    write_items(items, stream, "csv")
    stream.seek(0)
    return [entry.item for entry in entries(stream, "csv")]


@pytest.mark.parametrize("odd", ["\n", "\r", "\r\n", "\0", ",", '"'], ids=ascii)
def test_a_refused_row_is_a_row_of_its_own(odd):
    sheet = io.BytesIO()
    write_items([{"a": f"one{odd}two", "b": "x"}], sheet, "csv")
    (entry,) = entries(io.BytesIO(sheet.getvalue()), "csv")
    (again,) = entries(io.BytesIO(f"a,b\n{entry.text}\n".encode()), "csv")
    assert again.item == entry.item == {"a": f"one{odd}two", "b": "x"}


@pytest.mark.parametrize(
    "cell, kind, value",
    [
        ("7e57", None, Decimal("7e57")),
        ("12e99999999999999999999", None, "12e99999999999999999999"),
        ("-12E-99999999999999999999", None, "-12E-99999999999999999999"),
        ("9e400", None, "9e400"),
        ("1e-200", None, "1e-200"),
        ("1" * 38, None, int("1" * 38)),
        ("1" * 41, None, "1" * 41),
        ("[9e400]", None, "[9e400]"),
        ('{"a": 1e99999999999999999999}', None, '{"a": 1e99999999999999999999}'),
        ("[" * 40 + "]" * 40, None, "[" * 40 + "]" * 40),
        ("[draft]", None, "[draft]"),
        ("true", None, True),
        ("nul", None, "nul"),
        ("02858", None, "02858"),
        ("02858", "S", "02858"),
        ("56838", "S", "56838"),
        ("true", "S", "true"),
        ("1e3", "S", "1e3"),
        ('"1e3"', "S", "1e3"),
        ("02858", "N", 2858),
        ("+1.50", "N", Decimal("1.50")),
        (" .5 ", "N", Decimal("0.5")),
        ("1e3", "N", 1000),
        ('{"$bytes": "aGk="}', "B", b"hi"),
        ("aGk=", "B", b"hi"),
        ('"1e3"', "text", '"1e3"'),
    ],
)
def test_cells(cell, kind, value):
    assert (read_cell(cell, kind), type(read_cell(cell, kind))) == (value, type(value))
    assert kind or rows_again([{"a": value}]) == [{"a": value}]


@pytest.mark.parametrize(
    "cell, kind, message",
    [
        ("1e400", "N", "at `n`: '1e400' is out of the range of numbers"),
        ("1e999", "N", "at `n`: '1e999' is out of the range of numbers"),
        ("one", "N", "at `n`: 'one' is not a number"),
        ('"5"', "N", "at `n`: '\"5\"' is not a number"),
        ("true", "N", "at `n`: 'true' is not a number"),
        ("x'6869'", "B", "at `n`: \"x'6869'\" is not base64 text, as a binary value is"),
    ],
)
def test_cells_that_are_not_of_their_type(cell, kind, message):
    with pytest.raises(ValidationError) as caught:
        read_row(["a", "n", "b", "c"], ["x", cell, "y"], [None, kind, "N", None])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [r'"\ud800"', r'["a\uDC00b"]', r'{"\uD83D": 1}', r'{"$set": ["\ud83d\ud83d"]}', r'"\\\ud800"', r'"\ude00\ud83d"'],
)
def test_half_of_a_surrogate_pair_is_a_fault_of_its_line(value: str):
    lines = f'{{"id": "a", "v": {value}}}\n{{"id": "b", "v": "\\ud83d\\ude00 \\\\ud800"}}\n'
    bad, after = entries(io.BytesIO(lines.encode()), "json")
    assert bad.fault is not None
    assert bad.fault.startswith("text with half of a surrogate pair ('\\u")
    assert after.item == {"id": "b", "v": "😀 \\ud800"}


@pytest.mark.parametrize(
    "text", ['{"n": 1e99999999999999999999}', '{"n": [{"m": -1E-99999999999999999999}]}', f'{{"n": {"9" * 5000}}}']
)
@pytest.mark.parametrize("form", ["json", "wire"])
def test_a_number_that_python_does_not_read_is_a_fault_of_its_line(form, text):
    good = '{"id": {"S": "a"}}' if form == "wire" else '{"id": "a"}'
    bad, after = entries(io.BytesIO(f"{text}\n{good}\n".encode()), form)
    assert bad.fault == "a number is out of range: magnitudes go from 1E-130 to 9.99…E+125"
    assert after.item == {"id": "a"}


@pytest.mark.parametrize(
    "sheet, faults",
    [
        (
            "a,b\n1,2,3\n4,5\n",
            ["3 cells under 2 columns\n  hint: a cell with a comma in it takes quotes", {"a": 4, "b": 5}],
        ),
        ("a,\n1,2\n", "line 1: column 2 has no name"),
        ("a;b\n1;2\n", "line 1: the only column is 'a;b'\n  hint: save the file with commas between its cells"),
        ("a\tb\n1\t2\n", "line 1: the only column is 'a\\tb'\n  hint: save the file with commas between its cells"),
        ('"""a;b"""\n1\n', [{"a;b": 1}]),
        ("a;b,c\n1,2\n", [{"a;b": 1, "c": 2}]),
        ('a,b\n"1"x,2\n', "line 2: not CSV in UTF-8: ',' expected after '\"'"),
        ("a\n\n1\n", [{"a": 1}]),
    ],
)
def test_sheets_that_are_not_in_order(sheet, faults):
    if isinstance(faults, str):
        with pytest.raises(FlyexprError) as caught:
            list(entries(io.BytesIO(sheet.encode()), "csv"))
        assert str(caught.value) == faults
    else:
        assert [entry.fault or entry.item for entry in entries(io.BytesIO(sheet.encode()), "csv")] == faults


@pytest.mark.parametrize("rows", [1, 2000])  # the second one is longer than a piece
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sheet_that_is_not_utf_8_says_in_which_line(rows: int, end: str):
    sheet = "".join(f"{row}{end}" for row in ["a,b", *["x,1"] * rows, "caf\xe9,2", "y,3"])
    with pytest.raises(FlyexprError) as caught:
        list(entries(io.BytesIO(sheet.encode("latin-1")), "csv"))
    assert str(caught.value) == f'line {rows + 2}: not UTF-8: byte 0xe9\n  hint: save the sheet as "CSV UTF-8"'


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\rb", "a\\u000db"),
        ("\x7f\x80\x9b\x9f\xa0", "\\u007f\\u0080\\u009b\\u009f\xa0"),
        (
            "\u061c\u200d\u200e\u200f\u2028\u202e\u2066\u2069é😀",
            "\\u061c\u200d\\u200e\\u200f\\u2028\\u202e\\u2066\\u2069é😀",
        ),
    ],
    ids=ascii,
)
def test_plain_text(text, shown):
    assert plain(text) == shown


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


EVIL = {"id": "\x1b[2J\x9b1m\u202e\r", "\x1b]0;x\x07": {"in\x9b": ["\u2066"]}}


@pytest.mark.parametrize("form", ["json", "wire", "csv", "table"])
def test_no_terminal_gets_a_control_character(form, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    write_items([EVIL], terminal, form)
    seen = terminal.getvalue().decode()
    assert not set(seen) & set("\x1b\x07\x9b\u202e\u2066\r"), seen
    assert "\\u001b" in seen
    if form == "json":
        assert read_item(seen) == EVIL


@pytest.mark.parametrize("form", ["json", "wire"])
@pytest.mark.parametrize("people", [True, False])
def test_a_terminal_gets_each_line_at_once(form, people, monkeypatch):
    """The next item may take long; a pipe gets its lines in larger pieces."""
    terminal, flushed, at_each = Terminal(), [], []
    monkeypatch.setattr(terminal, "isatty", lambda: people)
    monkeypatch.setattr(terminal, "flush", lambda: flushed.append(len(terminal.getvalue().splitlines())))

    def items():
        for number in range(3):
            at_each.append(list(flushed))
            yield {"n": number}

    write_items(items(), terminal, form)
    assert at_each == ([[], [1], [1, 2]] if people else [[], [], []])


@pytest.mark.parametrize("form", ["json", "wire", "csv"])
def test_a_pipe_gets_what_there_is(form):
    pipe = io.BytesIO()
    write_items([EVIL], pipe, form)
    assert "\x9b1m\u202e" in pipe.getvalue().decode()
    pipe.seek(0)
    assert [entry.item for entry in entries(pipe, form)] == [EVIL]


def test_text_has_a_style_only_at_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    terminal, plan = Terminal(), "operation     Scan\nwarning       slow\n              and dear\nshort\n"
    assert painted("no", "error", terminal) == "\x1b[1;31mno\x1b[0m"
    assert painted("yes", "plain", terminal) == "yes"
    assert painted("", "error", terminal) == ""
    assert labelled(plan, 14, terminal) == (
        "\x1b[1moperation     \x1b[0mScan\n\x1b[33mwarning       \x1b[0mslow\n              and dear\nshort\n"
    )
    assert labelled(plan, 14, io.BytesIO()) == plan
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
        assert painted("no", "error", terminal) == "no"
        assert labelled(plan, 14, terminal) == plan


def test_what_is_typed_ends_with_ctrl_d(monkeypatch):
    pty = pytest.importorskip("pty")
    monkeypatch.setattr("flyexpr.cli.formats.sources._TURN", 0)  # it also finds nothing to read, and goes on
    keys, terminal = pty.openpty()
    os.write(keys, b"one\ntwo\n\x04")
    with open(terminal, "rb") as stream:
        assert typed(stream) == b"one\ntwo\n"
    os.close(keys)


@pytest.mark.parametrize("before", ["", " ", "\n\t"])
@pytest.mark.parametrize("after", ["", " ", "\r\n", "x", "{}", ",", "\x0c"])
@pytest.mark.parametrize("text", ['{"a": 1.50}', "{}", '{"a"', '"a"', "[1]", ""])
def test_json_with_anything_around_it(before: str, text: str, after: str) -> None:
    whole = before + text + after
    try:
        expected = json.loads(whole, parse_float=Decimal)
    except json.JSONDecodeError as error:
        with raises(ValidationError, f"not JSON: {error.msg} at character {error.pos + 1}"):
            parse_json(whole)
    else:
        assert parse_json(whole) == expected


CELLS = st.sampled_from(["a", "", '"', ",", "\r", "\n", "é", "\x00", "3", 3, None, {"x"}, [1]])
ROWS = st.lists(st.dictionaries(st.sampled_from("abc\0"), CELLS, max_size=3), max_size=8)


@pytest.mark.parametrize("form", ["csv", "text"])
@given(rows=ROWS, columns=st.lists(st.sampled_from("abcd"), max_size=2, unique=True))
def test_a_sheet_whose_columns_come_late_is_as_if_they_were_known(
    form: str, rows: list[dict[str, Any]], columns: list[str]
) -> None:
    every = [*dict.fromkeys([*columns, *(name for item in rows for name in item)])]
    names = [name.replace("\0", '"\\u0000"') for name in every] if form == "text" else head(every)
    expected = [names, *(row(every, item, form == "text") for item in rows)]
    stream, pieces = io.BytesIO(), [rows[:3], rows[3:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "_PIECE", 3)
        with sink(stream, form, columns) as add:
            assert sum(map(add, pieces)) == len(rows)
    assert stream.getvalue() == "".join(f"{row_text(cells)}\n" for cells in expected).encode() * bool(rows)
