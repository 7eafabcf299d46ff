"""What holds of every statement: it means what the expressions mean, and whatever it is, it gets an answer."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import strategies as some
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from partiql_text import Text, Unsayable
from test_partiql import ITEMS, STATEMENTS, TABLE

from flyexpr import DynamoError, LocalIndex, Table, connect, create_table, get, put, put_all, run, update
from flyexpr.engines import call
from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.expressions.nodes import Condition, Update, Value
from flyexpr.expressions.parse import PARTIQL, Scope
from flyexpr.expressions.parse.statements import Select, read_statement
from flyexpr.values.decode import decode, decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.freeze import freeze

THINGS = Table("things", "id")


def wire(text: Text) -> list[Any]:
    return [json.loads(parameter) for parameter in text.parameters]


def executed(engine: Any, statement: str, text: Text, **members: Any) -> dict[str, Any]:
    if text.parameters:
        members["Parameters"] = wire(text)
    return call(engine, "ExecuteStatement", {"Statement": statement, **members})


def said(condition: Condition, text: Text) -> str:
    try:
        return text.condition(condition)
    except Unsayable:
        assume(False)
        raise


@given(condition=some.conditions, literal=st.booleans())
def test_a_condition_reads_back(condition: Condition, literal: bool) -> None:
    text = Text(literal=literal)
    statement = f"SELECT * FROM things WHERE {said(condition, text)}"
    assume(len(statement) <= 8192)
    values = {f"?{number}": Value(*freeze(decode(one))) for number, one in enumerate(wire(text))}
    read = read_statement(statement, Scope({}, values, PARTIQL))
    assert isinstance(read, Select)
    assert read.condition == condition


@given(meeting=some.meetings, literal=st.booleans())
def test_a_select_gives_what_a_scan_gives(meeting: tuple[Condition, dict[str, Any]], literal: bool) -> None:
    condition, item = meeting
    text = Text(literal=literal)
    statement = f"SELECT * FROM things WHERE {said(condition, text)}"
    with closing(connect("sqlite::memory:")) as engine:
        table = THINGS.on(engine)
        run(table, create_table())
        put(table, {**item, "id": "a"})
        assert [decode_item(one) for one in executed(engine, statement, text)["Items"]] == scanned(
            engine, None, condition
        )


@st.composite
def asked(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]], Condition]:
    table = draw(some.tables())
    return table, draw(some.things(table)), draw(some.questions(table))


def pages(engine: Any, statement: str, text: Text, limit: int) -> Iterator[dict[str, Any]]:
    """The items of a SELECT, page by page."""
    members: dict[str, Any] = {"Limit": limit}
    while True:
        answer = executed(engine, statement, text, **members)
        assert len(answer["Items"]) <= limit
        yield from map(decode_item, answer["Items"])
        if "NextToken" not in answer:
            return
        members["NextToken"] = answer["NextToken"]


def scanned(engine: Any, index: Any, condition: Condition) -> list[dict[str, Any]]:
    """The items that a Scan gives for the same condition."""
    placeholders = Placeholders()
    members = ['"TableName":"things"', f'"FilterExpression":{json.dumps(compile(condition, placeholders))}']
    if index is not None:
        members.append(f'"IndexName":"{index.name}"')
    body = f"{{{','.join([*members, *placeholders.members()])}}}"
    return [decode_item(item) for item in json.loads(engine("Scan", body.encode()))["Items"]]


REFUSED_KEYS = (
    "Overlapping conditions with range keys",
    "cannot contain an empty",
    "Key attribute's data type",
    "tables with multi-attribute",
    "does not project",
)


@given(asked=asked(), limit=st.integers(1, 4), number=st.integers(0, 3))
def test_keys_decide_what_is_read_and_not_what_is_given(
    asked: tuple[Table, list[dict[str, Any]], Condition], limit: int, number: int
) -> None:
    unbound, items, condition = asked
    index = unbound.indexes[number] if number < len(unbound.indexes) else None
    assume(not isinstance(index, LocalIndex) or index.project == "all")  # for its Scan fetches what its SELECT does not
    text = Text()
    source = "things" if index is None else f'things."{index.name}"'
    statement = f"SELECT * FROM {source} WHERE {said(condition, text)}"
    with closing(connect("sqlite::memory:")) as engine:
        table = unbound.on(engine)
        run(table, create_table())
        put_all(table, items)
        try:
            selected = list(pages(engine, statement, text, limit))
        except DynamoError as error:
            if not any(words in error.message for words in REFUSED_KEYS):
                raise
            return
        assert sorted(map(repr, selected)) == sorted(map(repr, scanned(engine, index, condition)))


@given(item=some.items, change=some.updates, literal=st.booleans())
def test_an_update_stores_what_update_item_stores(item: dict[str, Any], change: Update, literal: bool) -> None:
    text = Text(literal=literal)
    try:
        statement = f"UPDATE things {text.update(change)} WHERE id = ?"
    except Unsayable:
        assume(False)
        raise
    text.parameters.append('{"S":"b"}')
    with closing(connect("sqlite::memory:")) as engine:
        table = THINGS.on(engine)
        run(table, create_table())
        for key in ("a", "b"):
            put(table, {**item, "id": key})
        outcomes = []
        for act in (lambda: update(table, "a", change), lambda: executed(engine, statement, text)):
            try:
                act()
                outcomes.append("")
            except DynamoError as error:
                outcomes.append(f"{error.code} {error.message.partition('detected: ')[2] or error.message}")
        assert outcomes[0] == outcomes[1]
        assert {**get(table, "a"), "id": ""} == {**get(table, "b"), "id": ""}


# Whatever a statement is

WORDS = [
    *"SELECT FROM WHERE UPDATE SET REMOVE DELETE INSERT INTO VALUE EXISTS ORDER BY RETURNING ALL OLD".split(),
    *"AND OR NOT IN BETWEEN IS MISSING NULL size( begins_with( contains( set_add(".split(),
    *"? * , . ; ( ) [ ] { } << >> = <> < -- /* */".split(),
    *"' \" ` # -1 1e999 .5 0 'a' \"tab\" tab pk sk x m.a[0] : $ \\ \0 é 😀".split(),
]
CODES = {
    "",
    "ValidationException",
    "ResourceNotFoundException",
    "ConditionalCheckFailedException",
    "DuplicateItemException",
    "TransactionCanceledException",
}


def code_of(engine: Any, operation: str, asked: Any) -> str:
    """The code of a refusal; empty for an answer. Any other exception is a defect."""
    try:
        call(engine, operation, asked)
    except DynamoError as error:
        return error.code
    return ""


@st.composite
def odd_statements(draw: st.DrawFn) -> str:
    """A statement of the tests with some of its words gone, put twice, in another order or replaced."""
    words = draw(st.sampled_from([step.statement for steps in STATEMENTS for step in steps])).split(" ")
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(words)))
        match draw(st.integers(0, 3)):
            case 0:
                words[place : place + 1] = []
            case 1:
                words.insert(place, draw(st.sampled_from(WORDS)))
            case 2:
                words[place : place + 2] = words[place : place + 2][::-1]
            case _:
                words[place:place] = words[place : place + draw(st.integers(1, 4))]
    return draw(st.sampled_from([" ", "", "\n"])).join(words) or " "


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with closing(connect("sqlite::memory:")) as engine:
        call(engine, "CreateTable", TABLE)
        for item in ITEMS:
            engine("PutItem", f'{{"TableName":"tab","Item":{encode_item(item)}}}'.encode())
        yield engine


odd_parameters = st.lists(st.sampled_from([{"S": "p"}, {"N": "1"}, {"L": []}, {"NULL": True}, {"SS": ["a"]}, {}]))


@settings(max_examples=400)
@given(statement=odd_statements() | st.text(max_size=40), parameters=odd_parameters)
def test_every_statement_gets_an_answer(engine: Any, statement: str, parameters: list[Any]) -> None:
    member: dict[str, Any] = {"Statement": statement}
    if parameters:
        member["Parameters"] = parameters
    for operation, asked in [
        ("ExecuteStatement", {**member, "Limit": 2}),
        ("BatchExecuteStatement", {"Statements": [member, {"Statement": "SELECT * FROM tab"}]}),
        ("ExecuteTransaction", {"TransactStatements": [member]}),
    ]:
        assert code_of(engine, operation, asked) in CODES, operation


LONG = [
    "SELECT * FROM tab WHERE " + "(" * 8000,
    "SELECT * FROM tab WHERE " + "(" * 2000 + "x = 1" + ")" * 2000,
    "SELECT * FROM tab WHERE " + "NOT " * 2000 + "x = 1",
    "SELECT * FROM tab WHERE " + "size(" * 1600,
    "SELECT * FROM tab WHERE x = " + "[" * 8000,
    "SELECT * FROM tab WHERE x = " + "{'a': " * 1300,
    "SELECT * FROM tab WHERE x = " + "<<" * 4000,
    "SELECT * FROM tab WHERE x" + ".x" * 4000 + " = 1",
    "SELECT * FROM tab WHERE x" + "[0]" * 2600 + " = 1",
    "SELECT * FROM tab WHERE " + "'" * 8001,
    "SELECT " + "/*" * 4000,
    "SELECT " + '"' * 8001,
    "SELECT * FROM tab WHERE x IN [" + "1," * 4000 + "1]",
    "SELECT * FROM tab WHERE x = " + "9" * 8000,
    "SELECT * FROM tab WHERE x = 1e" + "9" * 8000,
    "SELECT * FROM tab WHERE x = " + "-" * 8000 + "1",
    "UPDATE tab SET x = 1" + " + x" * 2000,
    "UPDATE tab " + "REMOVE x " * 800 + "WHERE pk = 'p' AND sk = 1",
    "SELECT * FROM tab WHERE " + " AND ".join(["(pk = 'a' OR pk = 'b')"] * 70),
    "SELECT * FROM tab WHERE " + " AND ".join(["(x = 1 OR y = 2)"] * 70),
    "SELECT sk FROM tab WHERE pk IN [" + ", ".join(f"'{n}'" for n in range(100)) + "]",
]


@pytest.mark.parametrize("statement", LONG, ids=[f"{statement[:40]}…{statement[-5:]}" for statement in LONG])
def test_long_statements_are_answered_or_refused(engine: Any, statement: str) -> None:
    assert len(statement) <= 8192
    assert code_of(engine, "ExecuteStatement", {"Statement": statement}) in ("", "ValidationException")
