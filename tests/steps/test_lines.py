"""A read that gives lines gives those of the items that the same read gives, with the same cursors and costs."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import Table, ValidationError, batch_write, connect, create_table, eq, gt, ne, put_item, query, run, scan
from flyexpr.doors.plain_items import Items
from flyexpr.schema import known_forms
from flyexpr.steps.reads.lines import LineReading
from flyexpr.steps.reads.reading import Reading
from flyexpr.values import item_lines, pattern_cache
from flyexpr.values.answers import Page
from flyexpr.values.memo import Memo
from flyexpr.values.plain_json import item_text

TABLE = Table("Lined", "pk", "sk", attributes={"sk": int})
ITEMS: list[dict[str, Any]] = [
    {
        "pk": "a",
        "sk": number,
        "name": f'say "{number}"' if number % 25 == 6 else f"é {number}",
        "n": Decimal(number) / 4,
    }
    for number in range(900)
]


def lines_of(table: Table, read: Any) -> Any:
    return Items(table, read, reading=LineReading)


@pytest.fixture(scope="module")
def table() -> Table:
    table = TABLE.on(connect("sqlite::memory:"))
    run(table, create_table())
    run(table, batch_write([put_item(item) for item in ITEMS]))
    list(run(table, scan()))  # the forms of its items are known now
    return table


READS = {
    "scan": scan(),
    "pages": scan(page_size=50),
    "limit": scan(limit=320, page_size=100),
    "budget": scan(budget={"requests": 2}, page_size=90),
    "query": query(eq("pk", "a"), reverse=True),
    "limit of a filter": query(eq("pk", "a") & gt("n", 12), limit=50),
    "filter": query(eq("pk", "a") & gt("n", 12) & ne("sk", 100)),
    "key": query(eq("pk", "a") & eq("sk", 7)),
    "projection": scan(project=["name"]),
    "projection with the key": scan(project=["sk", "name", "pk"], page_size=60),
    "part": scan(part=(1, 2)),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_lines_and_items_of_a_read(table: Table, read: Any) -> None:
    items, lines = run(table, read), lines_of(table, read)
    for item, line in zip(items, lines, strict=True):
        assert item_text(item) == line
        assert items.cursor == lines.cursor, "in the middle of a page, too"
    assert (items.stats, items.cursor) == (lines.stats, lines.cursor)


def test_lines_of_segments_come_in_any_order(table: Table) -> None:
    every = sorted(map(item_text, ITEMS))
    assert sorted(lines_of(table, scan(segments=3, page_size=70))) == every
    some = [*lines_of(table, scan(segments=3, limit=100))]
    assert len(some) == 100
    assert {*every}.issuperset(some)


def test_lines_of_a_known_form_are_made_without_items(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def watched(form: Any, keys: Any) -> Any:
        def line(matched: Any) -> str:
            made.append(item_lines.line_of(form, keys)(matched))
            return made[-1]

        return line

    monkeypatch.setattr("flyexpr.steps.reads.lines.line_of", watched)
    assert len(list(lines_of(table, scan()))) == 900
    assert len(made) == 900 - 36, "all but those with an escape"


def test_an_item_of_another_type_ends_a_read_of_lines() -> None:
    engine = lambda operation, body: b'{"Items":[{"pk":{"S":"a"},"sk":{"S":"1"}},{"pk":{"S":"a"},"sk":{"N":"2"}}]}'  # noqa: E731
    lines = lines_of(TABLE.on(engine), scan())
    with raises(
        ValidationError,
        "at `sk`: the stored value cannot be read as int: `sk` is stored as S, not as N\n"
        "  item: {'pk': 'a', 'sk': '1'} of 'Lined'",
    ):
        next(lines)
    assert lines._reading.mark == (0, {"pk": "a", "sk": "1"}), "a later read goes on after it"


ODD_NUMBERS = ["-0", "007", "1.50", "1e3", "1E-7", "", "abc", "NaN", "1.2.3", "-", ".5", "5.", "٣", " 1", "1_0"]
DIGITS = "1234567890" * 5
LONG_NUMBERS = [DIGITS[:38], DIGITS[:39], f"-{DIGITS[:9]}.{DIGITS[:29]}", f"0.{DIGITS[:39]}", f"{DIGITS[:45]}.5"]
NUMBERS = st.sampled_from(["0", "7", "-0.5", "1.25"]) | st.sampled_from(LONG_NUMBERS)
STRINGS = st.text("ab\x7f\u2028é😀{}$'", max_size=3)
BINARIES = st.sampled_from(["YQ==", "", "+/8="])
QUOTES = st.sampled_from([json.dumps, lambda text: json.dumps(text, ensure_ascii=False)])


def quoted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda text, quote: quote(text), texts, QUOTES)


def listed(members: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(members, min_size=1, max_size=3).map(lambda texts: f"[{','.join(texts)}]")


def wired(contents: dict[str, st.SearchStrategy[str]]) -> dict[str, st.SearchStrategy[str]]:
    """Wire values as texts, by their types."""
    return {kind: texts.map(f'{{{{"{kind}":{{}}}}}}'.format) for kind, texts in contents.items()}


SCALARS = wired(
    {
        "S": quoted(STRINGS),
        "N": quoted(NUMBERS),
        "B": quoted(BINARIES),
        "BOOL": st.sampled_from(["true", "false"]),
        "NULL": st.just("true"),
        "SS": listed(quoted(STRINGS)),
        "NS": listed(quoted(NUMBERS)),
        "BS": listed(quoted(BINARIES)),
    }
)
VALUES = SCALARS | wired(
    {
        "L": listed(SCALARS["N"]),
        "M": st.builds('{{"a":{},"$set":{}}}'.format, SCALARS["N"], SCALARS["S"])
        | SCALARS["NS"].map('{{"$set":{}}}'.format),
    }
)
ODD = st.one_of(
    *wired(
        {
            "N": st.sampled_from(ODD_NUMBERS).map(json.dumps),
            "S": st.sampled_from(['"\\"\\\\"', '"\\u0041"', '"\\ud83d"', "1", "null"]),
            "B": st.sampled_from(['"Y"', '"é"', '"YQ"', "7"]),
            "BOOL": st.sampled_from(['"x"', "null", "1"]),
            "NULL": st.just("false"),
            "NS": st.sampled_from(["[]", '"12"', *(f'["1","{text}"]' for text in ODD_NUMBERS)]),
            "BS": st.just('["YQ","YQ=="]'),
            "SS": st.sampled_from(["[]", '"ab"', '["a","a"]', "[1]"]),
            "L": st.sampled_from(["[]", "[{}]", "{}"]),
            "X": st.just('""'),
        }
    ).values(),
    st.sampled_from(["{}", "[]", "null", '"a"', '{"S":"a","N":"1"}', '{"S":"a","S":"b"}', "{", '{ "S":"a"}']),
)
MORE = ["", ',"Count":7', ',"Count":"x"', ',"LastEvaluatedKey":{"pk":{"S":"z"},"sk":{"N":"1"}}']


@st.composite
def answers(draw: Any) -> bytes:
    """The text of a page: items of one shape or two, in which something may be odd."""
    names = st.sampled_from(["n", "$set", "a'{b}", "é"])
    kinds = st.dictionaries(names, st.sampled_from([*VALUES]), max_size=3)
    keys = st.sampled_from([{"pk": "S", "sk": "N"}] * 3 + [{"pk": "B", "sk": "N"}, {"sk": "N"}])
    shapes = draw(st.lists(st.builds(lambda keys, kinds: keys | kinds, keys, kinds), min_size=1, max_size=2))
    items = [
        [(name, draw(VALUES[kind])) for name, kind in shape.items()]
        for shape in draw(st.lists(st.sampled_from(shapes), min_size=1, max_size=6))
    ]
    if draw(st.booleans()):
        item = draw(st.sampled_from(items))
        place = draw(st.integers(0, len(item) - 1))
        item[place : place + 1] = draw(
            st.just([]) | st.tuples(st.just(item[place][0]), ODD).map(lambda member: [member])
        )
    texts = [
        "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{text}" for name, text in item) + "}" for item in items
    ]
    return f'{{"Items":[{",".join(texts)}]{draw(st.sampled_from(MORE))}}}'.encode()


def outcome(kind: type[Reading], body: bytes, table: Table) -> list[Any]:
    """All lines that a page gives, each with the cursor after it, and how it ends."""
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"WORTH": 0, "FEW": 0, "LONG_VALUE": 10**9, "_SEEN": Memo[str, Any](8)}.items():
            patch.setattr(pattern_cache, name, value)
        patch.setattr(known_forms, "_FORMS", Memo(8))
        with suppress(Exception):
            list(Page(body, known_forms.forms_of(table)))  # as other reads learn forms, which may lack a key
        reading = kind(table, scan(), lambda: 0.0)
        reading.request()
        page = reading.feed(body)
        try:
            for line in page if kind is LineReading else map(item_text, page):
                found.append((line, cursor_of(reading)))
        except Exception as error:
            found.append((type(error), str(error)))
        return [*found, reading.stats, cursor_of(reading)]


def cursor_of(reading: Reading) -> Any:
    try:
        return reading.cursor
    except Exception as error:  # of a key that no table has
        return type(error)


@given(answers(), st.booleans())
def test_lines_and_items_of_any_answer(body: bytes, declared: bool) -> None:
    """What an engine sends that no table holds is given, or refused, in both ways alike."""
    table = TABLE if declared else Table("Lined", "pk", "sk")
    assert outcome(LineReading, body, table) == outcome(Reading, body, table)
