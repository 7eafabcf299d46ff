"""The whole text of plans, and that a plan describes what is then done."""

import html.parser
import json
import re
import shlex
import xml.etree.ElementTree
from collections.abc import Iterator
from typing import Any

import public
import pytest
from places import DATA
from raised import raises
from scripted import Recording, scripted

import flyexpr
from flyexpr import (
    F,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    Plan,
    PlanError,
    Table,
    VectorIndex,
    any_of,
    batch_get,
    batch_write,
    begins_with,
    connect,
    create_table,
    delete_item,
    eq,
    explain,
    ge,
    get_item,
    gt,
    incr,
    is_in,
    kinds,
    le,
    lt,
    ne,
    near,
    not_exists,
    put_item,
    query,
    request,
    run,
    scan,
    search,
    template,
    transact_get_items,
    transact_write,
    transact_write_items,
    update_item,
    update_table,
    where,
)

scores = Table(
    "GameScores",
    "userid",
    "title",
    attributes={"top_score": int, "wins": int},
    indexes=[
        GlobalIndex("GameTitleIndex", "title", "top_score"),
        GlobalIndex("ByWins", "wins", "top_score", project=["level"]),
        LocalIndex("OwnByScore", "top_score", project="keys"),
    ],
)
NAMES = public.NAMES | {"scores": scores, "key": ("abc", "Comet Quest")}


def cases() -> Iterator[tuple[str, str]]:
    """The blocks of tests/data/plans.txt: an operation, and the whole text of its plan."""
    for block in (DATA / "plans.txt").read_text().split("\n\n"):
        code, _, text = block.partition("\n")
        if code.startswith(">>> "):
            yield code.removeprefix(">>> "), text.rstrip("\n")


CASES = dict(cases())


def asked(code: str) -> Any:
    """The operation that the code builds."""
    return eval(code, dict(NAMES))


@pytest.mark.parametrize("code", CASES)
def test_the_whole_text(code: str) -> None:
    assert str(explain(scores, asked(code))) == CASES[code]


@pytest.mark.parametrize("code", CASES)
def test_the_command_line_reads_back_as_the_request(code: str) -> None:
    plan = explain(scores, asked(code))
    assert len(plan.aws_cli) == len(plan.requests)
    for line, (name, wire) in zip(plan.aws_cli, plan.requests, strict=True):
        assert "\n" not in line
        aws, service, command, option, members = shlex.split(line)
        assert (aws, service, option) == ("aws", "dynamodb", "--cli-input-json")
        assert "".join(word.capitalize() for word in command.split("-")) == name
        assert json.loads(members) == wire


class Cells(html.parser.HTMLParser):
    """The texts of each row of a table; a tag inside a text would give one more."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        self.rows[-1].append(data)


def rows_of(text: str) -> list[tuple[str, str]]:
    """The labels and texts of a plan; a line without a label goes on with the text before it."""
    rows: list[tuple[str, str]] = []
    for line in text.splitlines():
        label, part = line[:14].rstrip(), line[14:]
        rows.append((label, part) if label else (rows[-1][0], f"{rows.pop()[1]}\n{part}"))
    return rows


@pytest.mark.parametrize("code", CASES)
def test_the_printed_command_is_one_command(code: str) -> None:
    """With the line ends and the indent that it is printed with."""
    plan = explain(scores, asked(code))
    printed = [part for part in re.split(r"^(?=\S)", str(plan), flags=re.MULTILINE) if part.startswith("aws cli")]
    for command, (_, wire) in zip(printed, plan.requests[:1], strict=True):
        assert shlex.split(command)[2:5] == shlex.split(plan.aws_cli[0])[:3]
        assert json.loads(shlex.split(command)[-1]) == wire


@pytest.mark.parametrize("code", CASES)
def test_the_notebook_shows_the_same(code: str) -> None:
    plan = explain(scores, asked(code))
    cells = Cells()
    drawn, _, table = plan._repr_html_().partition("</svg>")
    assert f"{drawn}</svg>" == plan.svg()
    cells.feed(table)
    rows = [(label, text.split()) for label, text in rows_of(str(plan))]
    assert [(row[0], row[-1].split()) for row in cells.rows] == rows
    assert {*cells.tags} <= {"table", "tr", "th", "td", "code", "details", "summary"}
    assert cells.tags.count("tr") == len(rows)


def test_a_line_fits_a_terminal() -> None:
    lines = [line for code in CASES for line in str(explain(scores, asked(code))).splitlines()]
    assert [line for line in lines if len(line) > 80 and "aws cli" not in line] == []


def test_a_request_that_is_too_long_is_not_printed() -> None:
    plan = explain(scores, put_item({"userid": "a", "title": "b", "text": "x" * 10_000}))
    assert rows_of(str(plan))[-2:] == [
        ("request", "PutItem, 10,099 characters: plan.requests has it"),
        ("aws cli", "aws dynamodb put-item --cli-input-json ...: plan.aws_cli has it"),
    ]
    assert len(plan.aws_cli[0]) > 10_000
    assert "<details><summary>" in plan._repr_html_()


def test_a_prompt_shows_the_plan() -> None:
    plan = explain(scores, get_item(("a", "b")))
    assert repr(plan) == str(plan)
    assert {name for name in dir(plan) if not name.startswith("_")} == {*Plan.__match_args__, "aws_cli", "cost", "svg"}  # type: ignore[attr-defined]


def test_the_notebook_shows_what_looks_like_html_as_text() -> None:
    hostile = "<script>alert('&amp;')</script>"
    shown = explain(scores, query(eq("userid", hostile) & ne("title", hostile)))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


# --- the picture


def drawn(plan: Plan) -> tuple[list[str], list[xml.etree.ElementTree.Element]]:
    """The texts of the picture, and its boxes; it has to be well-formed XML."""
    root = xml.etree.ElementTree.fromstring(plan.svg())
    svg = "{http://www.w3.org/2000/svg}"
    assert {each.tag.removeprefix(svg) for each in root.iter()} <= {"svg", "title", "style", "g", "text", "rect"}
    return [each.text or "" for each in root.iter(f"{svg}text")], [*root.iter(f"{svg}rect")]


@pytest.mark.parametrize("code", CASES)
def test_the_picture_says_what_the_plan_says(code: str) -> None:
    plan = explain(scores, asked(code))
    texts, boxes = drawn(plan)
    words = " ".join(texts).split()
    rows = dict(rows_of(str(plan)))
    index = f" by {plan.index}" if plan.index else ""
    assert texts[0] == f"{plan.operation} on {plan.table}{index}"
    for label in ("cost", "filter", "on the client", "fan-out"):
        assert {*rows.get(label, "").split()} <= {*words}
    assert {word for why in plan.rejected for word in why[1].split()} <= {*words}
    has_bars = plan.operation != "Nothing" and not plan.operation.endswith("Table")
    assert bool(boxes) == has_bars


READ: dict[str, tuple[Any, list[str]]] = {
    "a partition": (query(eq("userid", "a")), ["all"]),
    "its end": (query(eq("userid", "a") & gt("title", "x")), ["end"]),
    "its start": (query(eq("userid", "a") & lt("title", "x")), ["start"]),
    "between": (query(eq("userid", "a") & ge("title", "x") & le("title", "z")), ["middle"]),
    "a prefix": (query(eq("userid", "a") & begins_with("title", "x")), ["middle"]),
    "one item": (query(where(userid="a", title="x")), ["item"]),
    "one key of an index": (query(where(title="a", top_score=1)), ["item"]),
    "partitions": (query(is_in("userid", ["a", "b"]) & gt("title", "x")), ["end", "end"]),
    "the table": (scan(), ["all"]),
    "segments": (scan(segments=3), ["all", "all", "all"]),
    "nothing": (query(eq("userid", "a") & any_of()), []),
}


@pytest.mark.parametrize("name", READ)
def test_which_part_of_a_partition_is_read(name: str) -> None:
    operation, expected = READ[name]
    plan = explain(scores, operation)
    assert [part for _, part in plan.ranges] == expected
    assert " or ".join(text for text, _ in plan.ranges) == (plan.key_condition or expected and drawn_ranges(plan) or "")


def drawn_ranges(plan: Plan) -> str:
    return " or ".join(text for text in drawn(plan)[0] if text.startswith(("every item", "segment ")))


def test_keys_of_several_attributes_are_drawn_as_one() -> None:
    numbers = dict.fromkeys("abcd", int)
    table = Table("t", "id", attributes=numbers, indexes=[GlobalIndex("Many", ("a", "b"), ("c", "d"))])
    asked = {
        "all": where(a=1, b=2),
        "middle": where(a=1, b=2, c=3) & gt("d", 4),
        "item": where(a=1, b=2, c=3, d=4),
        "end": where(a=1, b=2) & gt("c", 3),
    }
    assert {part: explain(table, query(each)).ranges[0][1] for part, each in asked.items()} == {
        part: part for part in asked
    }


def test_the_picture_shows_hostile_names_as_text() -> None:
    hostile = "</text><script>alert('&amp;')</script>\x00"
    table = Table(hostile, "id", indexes=[GlobalIndex("<index>", hostile)])
    texts, _ = drawn(explain(table, query(eq(F[hostile], "<svg onload=x>") & ne("<!--", "]]>"))))
    assert texts[0].startswith("Query on </text><script>alert('&amp;')</script>\ufffd by <index>")
    assert "<svg onload=x>" in " ".join(texts)


def test_a_key_may_have_the_name_of_a_member() -> None:
    table = Table("t", "Key", "Item")
    for operation in (batch_get([("a", "b")]), batch_write([delete_item(("a", "b"))]), get_item(("a", "b"))):
        assert "{'Key': 'a', 'Item': 'b'}" in drawn(explain(table, operation))[0]


def test_a_long_picture_is_cut() -> None:
    many = batch_get([(f"u{n}", "x") for n in range(250)])
    texts, boxes = drawn(explain(scores, many))
    assert "and 244 more" in texts
    assert len(boxes) == 12
    texts, _ = drawn(explain(scores, query(eq("userid", "x" * 1000))))
    assert max(map(len, texts)) == 76
    for count, cut in ((12, 0), (13, 1), (100, 1)):  # twelve fill the four lines that there are for them
        texts, _ = drawn(explain(scores, scan(is_in("title", [f"Game number {n}" for n in range(count)]))))
        assert texts.count("…") == cut


def test_the_picture_of_writes_shows_each_item() -> None:
    key = ("abc", "Comet Quest")
    both = transact_write_items(
        [(scores, update_item(key, incr("wins"))), (scores, put_item({"userid": "b", "title": "c"}))]
    )
    texts, boxes = drawn(explain(both))
    assert texts[0] == "TransactWriteItems on GameScores"
    assert texts.count("asks") == 2
    assert "Update {'userid': 'abc', 'title': 'Comet Quest'}" in texts
    assert "Put {'userid': 'b', 'title': 'c'}" in texts
    assert len(boxes) == 4


def test_the_picture_of_several_kinds() -> None:
    keys = {"pk": template("C#{customer}"), "sk": template("O#{order}")}
    orders = Table("Shop", "pk", "sk", attributes=keys)
    others = Table("Shop", "pk", "sk")
    both = kinds({"order": orders, "other": others}, by="type")
    plan = explain(both, query(eq("customer", "ada") & begins_with("sk", "O#")))
    assert plan.ranges == (("pk = 'C#ada' AND begins_with(sk, 'O#')", "middle"),)
    assert drawn(plan)[0][0] == "Query on Shop"


def test_the_picture_of_a_search() -> None:
    table = Table("Docs", "id", indexes=[VectorIndex("ByMeaning", "embedding", 2, filters=["lang"])])
    plan = explain(table, search(near("embedding", [0.5, 1]), eq("lang", "en") & gt("pages", 3)))
    assert plan.ranges == (("the nearest vectors", "middle"),)
    texts, _ = drawn(plan)
    assert texts[0] == "SearchVectors on Docs by ByMeaning"
    assert {"reads", "the nearest vectors", "lang = 'en'", "pages > 3"} <= {*texts}


def test_the_picture_needs_no_table_to_be_made() -> None:
    texts, boxes = drawn(explain(scores, create_table()))
    assert (texts[0], boxes) == ("CreateTable on GameScores", [])


@pytest.mark.parametrize("code", CASES)
def test_equal_plans_are_equal_and_others_not(code: str) -> None:
    assert explain(scores, asked(code)) == explain(scores, asked(code))
    assert [other for other in CASES if explain(scores, asked(other)) == explain(scores, asked(code))] == [code]


# --- the request is what an engine receives


ANSWERS: dict[str, Any] = {
    "DescribeTable": {
        "Table": {
            "TableName": "GameScores",
            "TableStatus": "ACTIVE",
            "KeySchema": [
                {"AttributeName": "userid", "KeyType": "HASH"},
                {"AttributeName": "title", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("userid", "title")],
        }
    },
    "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    "Scan": {"Items": [], "Count": 0, "ScannedCount": 0},
}
DONE = [code for code in CASES if "delete_table" not in code]


@pytest.mark.parametrize("code", DONE)
def test_what_is_sent_is_what_was_explained(code: str) -> None:
    recording = Recording(lambda name, body: json.dumps(ANSWERS.get(name, {})).encode())
    operation = asked(code)
    done = run(scores.on(recording), operation)
    if hasattr(done, "stats"):
        assert list(done) == []
    plan = explain(scores, operation)
    if getattr(operation, "segments", None):  # these requests come from threads, in any order
        assert sorted(map(repr, recording.asked)) == sorted(map(repr, plan.requests))
    elif plan.requests:
        assert recording.asked[: len(plan.requests)] == list(plan.requests)
        assert recording.asked[0] == request(scores, operation)
    else:
        assert (recording.asked, request(scores, operation)) == ([], ("Nothing", {}))


def test_nothing_is_sent_by_looking() -> None:
    unsent = scores.on(scripted([]))
    for code in CASES:
        explain(unsent, asked(code))
        request(unsent, asked(code))


def test_a_table_needs_no_engine_to_be_asked() -> None:
    assert request(Table("t", "id"), get_item("a")) == ("GetItem", {"TableName": "t", "Key": {"id": {"S": "a"}}})


# --- one by one


REJECTED: dict[str, tuple[Any, dict[str, str]]] = {
    "no value": (
        query(eq("title", "x")),
        {
            "the table": "its partition key `userid` has no value",
            "ByWins": "its partition key `wins` has no value",
            "OwnByScore": "its partition key `userid` has no value",
        },
    ),
    "not projected": (
        query(where(title="x", wins=1)),
        {
            "the table": "its partition key `userid` has no value",
            "ByWins": "it does not project all attributes",
            "OwnByScore": "its partition key `userid` has no value",
        },
    ),
    "some not projected": (
        query(where(title="x", wins=1) & eq("losses", 1), project=["level"]),
        {
            "the table": "its partition key `userid` has no value",
            "ByWins": "it does not project `losses`",
            "OwnByScore": "its partition key `userid` has no value",
        },
    ),
    "consistent": (
        query(where(title="x", userid="abc", wins=1), consistent=True),
        {
            "GameTitleIndex": "a global index has no consistent reads",
            "ByWins": "a global index has no consistent reads",
            "OwnByScore": "the condition bounds less of its sort key",
        },
    ),
    "bounds less": (
        query(eq("userid", "abc") & gt("top_score", 1) & eq("title", "x")),
        {
            "ByWins": "its partition key `wins` has no value",
            "GameTitleIndex": "the condition bounds less of its sort key",
            "OwnByScore": "the condition bounds less of its sort key",
        },
    ),
    "as well": (
        query(eq("userid", "abc")),
        {
            "GameTitleIndex": "its partition key `title` has no value",
            "ByWins": "its partition key `wins` has no value",
            "OwnByScore": "serves as well, and the table comes before its indexes",
        },
    ),
    "named": (query(eq("title", "x"), index="GameTitleIndex"), {}),
    "scan": (scan(), {}),
}


@pytest.mark.parametrize("name", REJECTED)
def test_why_the_other_indexes_lost(name: str) -> None:
    operation, expected = REJECTED[name]
    plan = explain(scores, operation)
    assert dict(plan.rejected) == expected
    lines = [line for line in str(plan).splitlines() if line.startswith("not ")]
    assert lines == [f"not           {index}: {why}" for index, why in plan.rejected]


CONSISTENCY = "eventually consistent: a write of the last second may be missing (consistent=True costs twice as much)"
FOLLOWS = "eventually consistent: a global index follows its table with a delay"
WHOLE = "reads every item under the partition key"
DROPS = "the filter drops items that were read and paid for"
CLIENT = "part of the condition is evaluated on the client, after it is paid for"
WARNED: dict[str, tuple[Any, list[str]]] = {
    "nothing to warn of": (query(eq("userid", "a") & gt("title", "x"), consistent=True), []),
    "one item": (query(where(userid="a", title="x"), consistent=True), []),
    "eventually": (query(eq("userid", "a") & gt("title", "x")), [CONSISTENCY]),
    "whole partition": (query(eq("userid", "a"), consistent=True), [WHOLE]),
    "filter": (query(eq("userid", "a") & ge("title", "x") & eq("n", 1), consistent=True), [DROPS]),
    "client": (query(eq("userid", "a") & gt("title", "x") & lt("title", "z"), consistent=True), [CLIENT]),
    "not a bound": (query(eq("userid", "a") & ne("title", "x"), consistent=True), [WHOLE, CLIENT]),
    "global": (query(eq("title", "x") & ge("top_score", 1)), [FOLLOWS]),
    "global, keys": (
        query(eq("wins", 1) & ge("top_score", 1), index="ByWins"),
        ["items come with the attributes that the index projects, not whole", FOLLOWS],
    ),
    "local, fetching": (
        query(eq("userid", "a") & ge("top_score", 1), consistent=True),
        ["attributes that the index lacks are fetched from the table, at the cost of a read for each item"],
    ),
    "ahead": (
        query(eq("userid", "a") & gt("title", "x"), consistent=True, prefetch=True),
        ["reads a page ahead: a reader that stops early pays for it"],
    ),
    "table": (scan(consistent=True), ["reads the whole table"]),
    "index": (
        scan(index="GameTitleIndex"),
        ["reads the whole index", "items without `top_score` are not in this index", FOLLOWS],
    ),
    "never": (query(eq("userid", "a") & any_of()), ["the condition can never be true, so nothing is sent"]),
    "write": (put_item({"userid": "a", "title": "x"}, condition=not_exists("userid")), []),
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings(name: str) -> None:
    operation, expected = WARNED[name]
    assert list(explain(scores, operation).warnings) == expected


def test_a_local_index_that_gives_all_that_is_asked_for_warns_of_nothing() -> None:
    read = query(eq("userid", "a") & ge("top_score", 1), project=["title", "top_score"], consistent=True)
    assert explain(scores, read).warnings == ()


WRITES = [put_item({"userid": "a", "title": f"{n}"}) for n in range(60)]
UNITS: list[tuple[Any, tuple[float, "float | None"], str]] = [
    (query(eq("userid", "a")), (0.5, 128), "0.5 to 128 read units a request"),
    (query(eq("userid", "a"), consistent=True), (1, 256), "1 to 256 read units a request"),
    (query(where(userid="a", title="x")), (0.5, 50), "0.5 to 50 read units a request"),
    (get_item(("a", "x"), consistent=True), (1, 100), "1 to 100 read units a request"),
    (batch_get([("a", "x"), ("b", "x")], consistent=True), (2, 200), "2 to 200 read units"),
    (batch_get([("a", f"{n}") for n in range(250)]), (125, 12500), "125 to 12500 read units"),
    (batch_get([("a", "x")] * 250), (0.5, 50), "0.5 to 50 read units"),
    (put_item({"userid": "a", "title": "x"}), (1, None), "at least 1 write units"),
    (put_item({"userid": "a", "title": "x", "t": "x" * 1024}), (2, None), "at least 2 write units"),
    (put_item({"userid": "a", "title": "x", "t": "é" * 1024}), (3, None), "at least 3 write units"),
    (update_item(("a", "x"), flyexpr.incr("n")), (1, None), "at least 1 write units"),
    (
        batch_write([put_item({"userid": "a", "title": "x", "t": "x" * 2048}), delete_item(("a", "y"))]),
        (4, None),
        "at least 4 write units",
    ),
    (batch_write(WRITES), (60, None), "at least 60 write units"),
    (query(eq("userid", "a") & any_of()), (0, 0), "nothing is sent"),
]


@pytest.mark.parametrize("operation, units, text", UNITS, ids=[text for *_, text in UNITS])
def test_units(operation: Any, units: Any, text: str) -> None:
    plan = explain(scores, operation)
    assert plan.units == units
    assert f"cost          {text}" in str(plan).splitlines()


def test_operators_and_bytes_are_those_of_the_longest_expression() -> None:
    few = explain(scores, query(eq("userid", "a") & gt("title", "x")))
    assert (few.operators, few.bytes) == (3, len("#0 = :0 AND #1 > :1"))
    negated = explain(scores, scan(~(eq("a", 1) | eq("b", 2))))
    assert negated.operators == 4  # two comparisons, OR, NOT
    many = any_of(eq(f"n{n}", n) for n in range(150))
    plan = explain(scores, query(eq("userid", "a") & many))
    assert plan.operators == 299
    assert plan.bytes == len(plan.requests[0][1]["FilterExpression"])
    assert "limits        299 of 300 operators" in str(plan)
    with raises(
        FlyexprError,
        "The expression contains too many operators; operator count: 301\n"
        "  expression: (n0 = 0 OR n1 = 1 OR n2 = 2 OR n3 = 3 OR n4 = 4 OR n5 = 5 OR n6 = 6 OR n7 = 7 OR n8 "
        "= 8 OR n9 = 9 OR n10 = 10 OR n11 = 11 OR n12 = 12 OR n13 = 13 OR n14 = 14 OR n15 = 15 OR n16 = 16 "
        "OR n17 = 17 OR n18…\n"
        "  hint: an expression has at most 300; use is_in, or several requests",
    ):
        explain(scores, query(eq("userid", "a") & many & eq("more", 1)))


def test_a_query_of_several_partitions_has_a_request_for_each() -> None:
    plan = explain(scores, query(is_in("userid", ["b", "a", "b"])))
    values = [wire["ExpressionAttributeValues"][":0"]["S"] for _, wire in plan.requests]
    assert values == ["b", "a"]
    assert plan.key_condition == "userid = 'b' or userid = 'a'"
    assert len(plan.aws_cli) == 2


BATCHES: list[tuple[Any, str]] = [
    (batch_write(WRITES), "3 requests of up to 25 writes; the first is shown"),
    (batch_write([*WRITES[:2], WRITES[0]]), "2 requests of up to 25 writes; the first is shown"),
    (batch_get([("a", f"{n}") for n in range(101)]), "2 requests of up to 100 keys; the first is shown"),
]


@pytest.mark.parametrize("operation, text", BATCHES)
def test_a_batch_has_all_of_its_requests(operation: Any, text: str) -> None:
    recording = Recording(lambda name, body: b"{}")
    run(scores.on(recording), operation)
    plan = explain(scores, operation)
    assert list(plan.requests) == recording.asked
    assert f"batch         {text}" in str(plan).splitlines()
    assert request(scores, operation) == plan.requests[0]
    assert sum(line.startswith("request") for line in str(plan).splitlines()) == 1


# --- an operation that would be refused is refused by explain too


def test_what_would_be_refused_is_refused() -> None:
    with raises(
        PlanError,
        "a query of 'GameScores' needs one partition key value, and the condition fixes none\n"
        "  condition: losses > 3\n"
        "  hint: add eq(...) for one of: `userid` (the table), `title` (GameTitleIndex), `wins` (ByWins); "
        "or use scan(...)",
    ):
        explain(scores, query(gt("losses", 3)))
    with raises(flyexpr.ValidationError, "at `title`: an item of 'GameScores' needs its key"):
        explain(scores, put_item({"userid": "a"}))
    with raises(
        flyexpr.ExpressionError,
        "`title` is part of the key of 'GameScores' and cannot be updated\n"
        "  expression: SET title = 'y'\n"
        "  hint: put the item under its new key and delete the old one",
    ):
        explain(scores, update_item(("a", "x"), flyexpr.assign("title", "y")))


@pytest.mark.parametrize("nonsense", [None, "scan", scan, eq("a", 1), flyexpr.condition_check("a", eq("a", 1))])
def test_what_is_no_operation_is_refused(nonsense: Any) -> None:
    for look in (explain, request):
        with pytest.raises(TypeError, match=r"expected an operation .*such as query\(\.\.\.\)"):
            look(scores, nonsense)


def test_looking_at_a_batch_does_not_use_it_up() -> None:
    puts = iter([put_item({"userid": "a", "title": f"{n}"}) for n in range(3)])
    operation = batch_write(puts)
    with raises(TypeError, "a look at the batch would use up its iterator; give batch_write a list"):
        explain(scores, operation)
    engine = connect("sqlite::memory:")
    run(scores.on(engine), create_table())
    assert run(scores.on(engine), operation) == 3
    engine.close()


def test_an_update_of_a_table_begins_with_a_look_at_it() -> None:
    assert explain(scores, update_table()).operation == "DescribeTable"


def test_a_transaction_is_its_parts() -> None:
    """A transaction holds the request of each of its operations."""
    engine = scripted([{}])
    table = scores.on(engine)
    parts = [
        put_item({"userid": "a", "title": "x"}, condition=not_exists("userid")),
        delete_item(("a", "y"), condition=gt("wins", 1)),
        update_item(("a", "z"), flyexpr.incr("wins")),
    ]
    transact_write((table, part) for part in parts)
    (body,) = engine.bodies
    sent = [wire for item in body["TransactItems"] for wire in item.values()]
    assert sent == [request(table, part)[1] for part in parts]


MOVE = transact_write_items(
    [
        (scores, update_item(("a", "x"), flyexpr.incr("wins"), condition=gt("wins", 3))),
        (scores.named("Other"), put_item({"userid": "a", "title": "x"})),
    ]
)


def test_a_transaction_is_explained_by_itself() -> None:
    plan = explain(MOVE)
    assert (plan.operation, plan.table, plan.units) == ("TransactWriteItems", "GameScores, Other", (4.0, None))
    name, wire = request(MOVE)
    assert name == "TransactWriteItems"
    assert [[*action] for action in wire["TransactItems"]] == [["Update"], ["Put"]]
    assert len(wire["ClientRequestToken"]) == 36
    reads = transact_get_items([(scores, get_item(("a", "x"))), (scores, get_item(("a", "y")))])
    assert explain(reads).units == (4.0, 400.0)
    many = transact_get_items([(scores, get_item(("a", f"{n}"))) for n in range(100)])
    assert explain(many).units == (200.0, 2048.0)  # a transaction reads 4 MB at most


def test_a_transaction_names_its_tables_by_itself() -> None:
    with raises(TypeError, "a transaction names its tables; give it alone, as in run(transact_write_items([...]))"):
        explain(scores, MOVE)
    with raises(FlyexprError, "a transaction needs at least one operation"):
        explain(transact_get_items([]))
    with raises(TypeError, "a transaction takes pairs (table, operation); entry 0 is (operation, table): swap them"):
        transact_get_items([(get_item("a"), scores)])  # type: ignore[list-item]
