"""Items over several lines, in arrays and in arguments; sheets whose columns have types."""

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Inside, Program, settled
from raised import raises
from test_text import items, storable

from flyexpr import FlyexprError
from flyexpr.cli.formats.sources import entries
from flyexpr.values.freeze import freeze
from flyexpr.values.plain_json import item_text, read_item
from flyexpr.values.pretty_json import pretty_text


class Trickle(io.BytesIO):
    """A stream that gives a byte at a time, as a slow pipe may."""

    def read1(self, size: int | None = -1) -> bytes:
        return super().read(1)


@given(st.lists(items.filter(storable), max_size=4), st.sampled_from([Trickle, io.BytesIO]))
def test_documents_hold_the_items_that_were_written(found, stream):
    """An array of them, on one line and on many, and one after the other, are the same as JSON Lines."""
    on_one, on_many = list(map(item_text, found)), list(map(pretty_text, found))
    for text in ("[" + ",".join(on_one) + "]", "[\n" + ",\n".join(on_many) + "\n]", "".join(on_many)):
        assert [freeze(entry.item) for entry in entries(stream(text.encode()), "json")] == list(map(freeze, found))


@given(items.filter(storable))
def test_an_item_over_several_lines_has_lines_that_fit(item):
    assert freeze(read_item(pretty_text(item))) == freeze(item)
    assert pretty_text({"id": "a", "m": {"l": [1, {"x": "y" * 50}, 2], "$set": {"$set": 1}, "n": "z" * 50}}) == (
        '{\n  "id": "a",\n  "m": {\n    "l": [1, {"x": "' + "y" * 50 + '"}, 2],\n    "$set": {"$$set": 1},\n'
        '    "n": "' + "z" * 50 + '"\n  }\n}'
    )
    assert pretty_text({"l": ["x" * 50, "y" * 50]}) == (
        '{\n  "l": [\n    "' + "x" * 50 + '",\n    "' + "y" * 50 + '"\n  ]\n}'
    )
    assert pretty_text({}) == "{\n}"


@pytest.mark.parametrize("name, indent", [("", 4), ('"n": ', 4)])
def test_what_fits_exactly_stays_on_its_line(name, indent):
    """A line of 90 characters before its quotes, colon and comma is not broken; one of 91 is."""
    for length, fits in ((90, True), (91, False)):
        member = ["x" * (length - indent - len('[""]') - len("n" if name else ""))]
        text = pretty_text({"a": {"n": member, "z": "z" * 90} if name else [member, "z" * 90]})
        assert (f'    {name}["x' in text) == fits, text


ANSWER = '{\n  "Items": [\n    {"id": {"S": "a"}},\n    {"id": {"S": "b"}}\n  ],\n  "Count": 2\n}'
TWO_PAGES = [(3, "a"), (4, "b"), (10, "c"), (11, "b")]
ONE = [("item 1 (line 1)", {"id": "a"})]


@pytest.mark.parametrize(
    "text, form, places",
    [
        ("[]", "json", []),
        ("[ ]\n[]\n", "json", []),
        ("\n\n[", "json", [("item 1 (line 3)", "not JSON: Expecting value at character 2")]),
        ('[{"id": "a"}', "json", [("item 1 (line 1)", {"id": "a"}), ("item 2 (line 1)", "the array does not end")]),
        ('\ufeff[{"id": "a"}]', "json", [("item 1 (line 1)", {"id": "a"})]),
        (
            '[\n{"id": "a"},\n{"id": "a"},\n]',
            "json",
            [
                ("item 1 (line 2)", {"id": "a"}),
                ("item 2 (line 3)", {"id": "a"}),
                ("item 3 (line 4)", "Expecting value at character 1"),
            ],
        ),
        (
            '[\n  {"id": "a"} {"id": "b"}]',
            "json",
            [("item 1 (line 2)", {"id": "a"}), ("item 2 (line 2)", "Expecting ',' delimiter at character 15")],
        ),
        (
            '[1, [{"id": "b"}], {"id": "c"}]',
            "json",
            [
                ("item 1 (line 1)", "an item is a JSON object, not 1"),
                ("item 2 (line 1)", "an item is a JSON object, not [{"),
                ("item 3 (line 1)", {"id": "c"}),
            ],
        ),
        (
            '{\n  "id": "a",\n  "n": NaN\n}\n{"id": "b"}',
            "json",
            [("item 1 (line 1)", "NaN is not a number"), ("item 2 (line 5)", {"id": "b"})],
        ),
        ('{\n  "id": "a\n}', "json", [("item 1 (line 2)", "Invalid control character at at character 11")]),
        ("[" * 100_000, "json", [("item 1 (line 1)", "not JSON: nested too deeply at character 2")]),
        (ANSWER, "wire", [("item 1 (line 3)", {"id": "a"}), ("item 2 (line 4)", {"id": "b"})]),
        (
            f"{ANSWER}\n{ANSWER.replace('a', 'c')}",  # two pages, as a loop around the AWS CLI writes them
            "wire",
            [(f"item {n} (line {line})", {"id": name}) for n, (line, name) in enumerate(TWO_PAGES, 1)],
        ),
        (
            '{"Items":[{"id":{"S":"a"}}],"Count":1}\n{"Items": [], "ConsumedCapacity": {"CapacityUnits": 1}}',
            "wire",
            ONE,
        ),
        ('{"Items":[{"id":{"S":"a"}}]}\n{"id":{"S":"b"}}', "wire", [*ONE, ("item 2 (line 2)", {"id": "b"})]),
        ('{"Items":[{"id":{"S":"a"}}],', "wire", [*ONE, ("item 2 (line 1)", "Expecting value at character 29")]),
        ('{"Items":[{"id":{"S":"a"}}], "Count"}', "wire", [*ONE, ("item 2 (line 1)", "Expecting ':' delimiter")]),
        ('{"Items":[{"id":{"S":"a"}}] 1}', "wire", [*ONE, ("item 2 (line 1)", "Expecting ',' delimiter")]),
        ('{"Items":[{"id":{"S":"a"}}]', "wire", [*ONE, ("item 2 (line 1)", "the answer does not end")]),
        (ANSWER, "json", [("item 1 (line 1)", {"Items": [{"id": {"S": "a"}}, {"id": {"S": "b"}}], "Count": 2})]),
        ('[{"Item": {"id": {"S": "a"}}}]', "wire", [("item 1 (line 1)", {"id": "a"})]),
        (b'[{"id": "a"},\n"\xff"]', "json", [("item 1 (line 1)", "not UTF-8 after this")]),
        (b'[{"id": "\xc3', "json", [("item 1 (line 1)", "not UTF-8 after this")]),
    ],
)
def test_places_in_a_document(text, form, places):
    found, failure = [], ""
    try:
        for entry in entries(io.BytesIO(text if isinstance(text, bytes) else text.encode()), form):
            found.append((entry.place, entry.item if entry.item is not None else entry.fault))
    except FlyexprError as error:
        failure = str(error)
    assert len(found) == len(places)
    for (place, value), (expected, what) in zip(found, places, strict=True):
        assert place == expected
        assert value == what if isinstance(what, dict) else what in value
    ended = bool(places) and isinstance(places[-1][1], str) and "is not a number" not in places[-1][1]
    assert failure.endswith("; what follows cannot be read") == ended


@pytest.mark.parametrize("number", ["1234", "1234" * 25])  # the second one is longer than what is read ahead
def test_a_number_may_go_on_in_the_next_piece(number):
    (entry,) = entries(Trickle(f"[\n{number}]".encode()), "json")  # the first line is read whole
    assert entry.text == number


def test_an_item_without_end_takes_no_memory(monkeypatch):
    monkeypatch.setattr("flyexpr.cli.formats.sources.LONGEST", 100_000)
    stream = io.BytesIO(b'[{"id": "' + b"x" * 10_000_000)
    with raises(
        FlyexprError, "line 1: not JSON: Unterminated string starting at at character 9; what follows cannot be read"
    ):
        list(entries(stream, "json"))
    assert stream.tell() < 300_000


def test_put_takes_arrays_and_items_over_several_lines(inside: Inside):
    inside("create", "Things", "id")
    array = json.dumps([{"id": f"{n:04}", "n": n} for n in range(2500)], indent=2)
    assert (
        settled(inside("put", "Things", stdin=array).err)
        == "flyexpr: 2,500 items put, 0 read units, 2,500 write units, 0.0 s\n"
    )
    assert inside("put", "Things", stdin='{\n  "id": "p"\n}\n{\n  "id": "q"\n}\n').code == 0
    assert inside("count", "Things").out == "2502\n"
    assert inside("filter", "n = 7", stdin=array).out == '{"id": "0007", "n": 7}\n'
    assert inside("apply", "SET n = m + 1", stdin=array).err == (
        "flyexpr: item 1 (line 2): The provided expression refers to an attribute that does not exist in the item\n"
    )
    assert inside("filter", "n = 7", stdin="[1]").err == "flyexpr: item 1 (line 1): an item is a JSON object, not 1\n"


def test_a_document_that_breaks_off(inside: Inside):
    """What comes before it is put, with a file of rejects and without; what comes after cannot be read."""
    inside("create", "Things", "id")
    array = '[\n {"id": "a"},\n {"id": "b"}\n {"id": "c"}\n]\n'
    assert inside("put", "Things", "--quiet", stdin=array) == (
        1,
        "",
        "flyexpr: item 3 (line 4): not JSON: Expecting ',' delimiter at character 2\n",
    )
    assert inside("count", "Things").out == "2\n"
    inside("delete", "Things", "--where", "attribute_exists(id)", "--yes")
    assert inside("put", "Things", "--quiet", "--rejects", "rejects", stdin=array) == (
        1,
        "",
        "flyexpr: line 4: not JSON: Expecting ',' delimiter at character 2; what follows cannot be read\n",
    )
    assert inside("count", "Things").out == "2\n"


def test_a_sheet_that_breaks_off(inside: Inside):
    inside("create", "Things", "id")
    assert inside("put", "Things", "--format", "csv", "--quiet", stdin='id\na\nb\n"c"x\n') == (
        1,
        "",
        "flyexpr: line 4: not CSV in UTF-8: ',' expected after '\"'\n",
    )
    assert inside("count", "Things").out == "2\n"


def test_import_takes_arrays(program: Program, inside: Inside):
    inside("create", "Things", "id")
    (program.folder / "things.json").write_text(ANSWER)
    (program.folder / "more.json.gz").write_bytes(gzip.compress(b'[\n{"id": "c"}]'))
    assert inside("import", "Things", "things.json", "--wire", "--quiet") == (0, "", "")
    assert inside("import", "Things", "more.json.gz", "--quiet") == (0, "", "")
    assert inside("count", "Things").out == "3\n"


@pytest.mark.parametrize("count", [2500, 3500])
def test_an_array_on_one_line_goes_on_from_its_journal(inside: Inside, count: int):
    """Items of one line are told apart by their numbers."""
    inside("create", "Things", "id")
    array = [{"id": f"{n:04}"} for n in range(count)]
    bad = json.dumps([*array[:2000], 5, *array[2000:]])
    assert inside("put", "Things", "--resume", "journal", stdin=bad).err.endswith(
        "flyexpr: item 2,001 (line 1): an item is a JSON object, not 5\n"
    )
    assert inside("count", "Things").out == "2000\n"
    assert inside("put", "Things", "--resume", "journal", stdin=json.dumps(array[1:])).err.endswith(
        "flyexpr: the journal belongs to another input: the lines up to line 2,000 are not those that were put\n"
        "  hint: give this input a journal of its own\n"
    )
    assert inside("put", "Things", "--resume", "journal", stdin=json.dumps(array)).code == 0
    assert inside("count", "Things").out == f"{count}\n"


def test_an_item_as_an_argument(inside: Inside):
    inside("create", "Things", "id")
    assert inside("put", "Things", '{"id": "c", "tags": {"$set": ["x"]}}') == (0, "", "")
    assert inside("put", "Things", '{"id": {"S": "d"}}', "--wire") == (0, "", "")
    assert inside("put", "Things", ' [{"id": "e"}, {"id": "f"}]') == (0, "", "")
    assert inside("count", "Things").out == "4\n"
    assert inside("get", "Things", "c").out == '{"id": "c", "tags": {"$set": ["x"]}}\n'
    hint = "the table's type is text: write the value in quotes"
    refusal = f"flyexpr: line 1: at `id`: expected str, got int\n  hint: {hint}\n"
    assert inside("put", "Things", '{"id": 5}') == (1, "", refusal)
    assert inside("put", "Things", '{"id": "g" "n": 1}').err == (
        "flyexpr: line 1: not JSON: Expecting ',' delimiter at character 12\n"
    )
    assert (
        "items         those of the argument; each replaces" in inside("put", "Things", '{"id": "h"}', "--explain").out
    )


def test_a_file_whose_name_looks_like_an_item(program: Program, inside: Inside):
    inside("create", "Things", "id")
    (program.folder / "[2026] things.jsonl").write_text('{"id": "a"}\n')
    assert (
        settled(inside("put", "Things", "[2026] things.jsonl").err)
        == "flyexpr: 1 item put, 0 read units, 1 write unit, 0.0 s\n"
    )
    assert inside("put", "Things", "[2027] things.jsonl").code == 1


def test_a_column_of_numbers_and_of_text_that_looks_like_one_is_warned_of(inside):
    inside("create", "Tab", "id")
    put = ("put", "Tab", "--format", "csv", "--quiet")
    sheet = "id,zip,note,n\n1,02858,x,1\n2,56838,3,2\n3,,x,3\n4,10115,007,4\n"
    warned = (
        "flyexpr: zip is text in some rows (line 2) and a number in others (line 3)\n"
        "note is text in some rows (line 5) and a number in others (line 3)\n"
        "  hint: --types zip:S reads all as text, zip:N as numbers\n"
    )
    assert inside(*put, stdin=sheet).err == warned
    assert inside(*put, "--dry-run", stdin=sheet).err == warned
    assert inside(*put, "--types", "zip:N,note:S", stdin=sheet).err == ""
    assert inside(*put, "--text", stdin=sheet).err == ""
    assert inside(*put, stdin="id,zip,n\n1,0285x,1\n2,56838,2\n").err == ""


SHEET = "id,zip,price,note\n1,02858,1.50,true\n2,56838,7,007\n"


def test_types_of_columns(inside: Inside):
    inside("create", "Tab", "id")
    put = ["put", "Tab", "--format", "csv", "--quiet"]
    inside(*put, "--types", "zip:S,price:N", "--types", "note:S", stdin=SHEET)
    assert sorted(inside("scan", "Tab").out.splitlines()) == [
        '{"id": "1", "zip": "02858", "price": 1.5, "note": "true"}',
        '{"id": "2", "zip": "56838", "price": 7, "note": "007"}',
    ]
    inside(*put, "--text", "--types", "price:N", stdin=SHEET)
    assert inside("get", "Tab", "2").out == '{"id": "2", "zip": "56838", "price": 7, "note": "007"}\n'
    inside(*put, "--text", stdin=SHEET)
    assert inside("get", "Tab", "2").out == '{"id": "2", "zip": "56838", "price": "7", "note": "007"}\n'
    assert inside(*put, "--types", "note:N", stdin=SHEET) == (
        1,
        "",
        "flyexpr: line 2: at `note`: 'true' is not a number\n",
    )
    assert inside(*put, "--types", "pirce:N", stdin=SHEET).err == (
        "flyexpr: line 1: there is no column 'pirce', which --types names, but id, zip, price, note\n"
    )


def test_a_sheet_without_names_of_columns(program: Program, inside: Inside):
    inside("create", "Tab", "id", "n:N")
    for sheet, missing, columns in (
        ("a,1\n", "id", "a, 1"),
        ("a,1\nb,2\n", "id", "a, 1"),
        ("id,m\na,1\n", "n", "id, m"),
        ("\nid,n\na,1\n", "id", "none"),
    ):
        (program.folder / "tab.csv").write_text(sheet)
        for command in ("put", "import"):
            assert inside(command, "Tab", "tab.csv", "--rejects", "rejects") == (
                1,
                "",
                f"flyexpr: line 1: there is no column '{missing}', a key of the table, but {columns}\n"
                "  hint: the first line of a sheet has the names of its columns\n",
            )
    assert inside("put", "Tab", "--format", "csv", "--quiet", stdin="id,n\n") == (0, "", "")


def test_import_takes_types(program: Program, inside: Inside):
    inside("create", "Tab", "id")
    (program.folder / "tab.csv").write_text(SHEET)
    assert inside("import", "Tab", "tab.csv", "--types", "price:S", "--text", "--quiet") == (0, "", "")
    assert inside("get", "Tab", "1").out == '{"id": "1", "zip": "02858", "price": "1.50", "note": "true"}\n'
    journal = ["import", "Tab", "tab.csv", "--resume", "journal"]
    (program.folder / "tab.csv").write_text(SHEET + "3,4\n5,6,7,8,9\n")
    assert inside(*journal, "--text").code == 1
    assert inside(*journal).err == (
        "flyexpr: journal belongs to another job: text True, not None\n"
        "  hint: finish that one first, or give this one another file\n"
    )


def test_a_sheet_for_people(program: Program, inside: Inside):
    inside("create", "Tab", "id", "n:N")
    inside(
        "put",
        "Tab",
        stdin='{"id": "a", "n": 1, "zip": "47193", "=x": {"$set": [1]}}\n{"id": "a", "n": 2, "zip": "02858"}\n',
    )
    query = ["query", "Tab", "id = 'a'", "--format", "csv"]
    assert inside(*query).out == 'id,n,zip,=x\na,1,"""47193""","{""$set"": [1]}"\na,2,02858,\n'
    assert inside(*query, "--text").out == 'id,n,zip,=x\na,1,47193,"{""$set"": [1]}"\na,2,02858,\n'
    assert inside("export", "Tab", "tab.csv", "--text", "--quiet").code == 0
    assert "a,1,47193," in (program.folder / "tab.csv").read_text()
    assert inside("filter", "n = 2", "tab.csv", "--format", "csv", "--text").out == "id,n,zip,=x\na,2,02858,\n".replace(
        ",=x", ""
    ).replace("02858,", "02858")


USAGE = "Usage: flyexpr {0} [OPTIONS] {1}\nTry 'flyexpr {0} --help' for help.\n\nError: "


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["put", "Tab", "--types", "a"], "--types takes NAME:TYPE, the type one of S N B, not 'a'"),
        (["put", "Tab", "--types", "a:X"], "--types takes NAME:TYPE, the type one of S N B, not 'a:X'"),
        (["put", "Tab", "--types", ":N"], "--types takes NAME:TYPE, the type one of S N B, not ':N'"),
        (["put", "Tab", "--text"], "--types and --text are for CSV files; JSON says its types itself"),
        (
            ["import", "Tab", "a.jsonl", "--types", "a:N"],
            "--types and --text are for CSV files; JSON says its types itself",
        ),
        (["scan", "Tab", "--text"], "--text is for --format csv"),
        (["export", "Tab", "folder", "--text"], "--text is for a file .csv"),
        (
            ["export", "Tab", "items.parquet"],
            "items.parquet is named as a file, and an export writes a file .jsonl or .csv, or a folder",
        ),
        (
            ["export", "Tab", "items.TSV.gz"],
            "items.TSV.gz is named as a file, and an export writes a file .jsonl or .csv, or a folder",
        ),
        (
            ["export", "Tab", "items.jsonl.zst"],
            "items.jsonl.zst is named as a file, and an export writes a file .jsonl or .csv, or a folder",
        ),
    ],
)
def test_sheets_where_there_is_none(inside: Inside, arguments: list[str], said: str):
    inside("create", "Tab", "id")
    end = inside(*arguments)
    assert (end.code, end.out) == (2, "")
    assert settled(end.err) == f"Error: {said}\n"


def test_the_end_of_a_file_name_may_be_in_capitals(inside: Inside):
    inside("create", "Tab", "id")
    inside("put", "Tab", '{"id": "a"}')
    assert inside("export", "Tab", "ITEMS.CSV.GZ", "--quiet") == (0, "", "")
    assert gzip.decompress(Path("ITEMS.CSV.GZ").read_bytes()) == b"id\na\n"
