"""PartiQL: what statements answer, and what they are refused with."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from embedded import TABLE
from places import DATA

from flyexpr import DynamoError, to_json
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item

Wire = dict[str, Any]
ITEMS: list[dict[str, Any]] = [
    {"pk": "p", "sk": 1, "gk": "g", "x": 1, "y": "one", "m": {"a": [1, 2, {"b": "c"}]}},
    {"pk": "p", "sk": 2, "gk": "g", "x": 2.5, "y": "two", "tags": {"a", "b"}},
    {"pk": "p", "sk": 3, "x": "text", "y": None, "t": True},
    {"pk": "q", "sk": 1, "gk": "h", "lk": b"l", "b": b"\1", "odd.name": 1},
]


class Step(NamedTuple):
    """A statement of tests/data/statements.txt, its parameters, and the line that says what comes of it."""

    statement: str
    parameters: str
    answer: str


def blocks(text: str) -> Iterator[list[Step]]:
    """The statements of each block.

    >>> list(blocks("# a comment\\n\\nSELECT\\n  ? [1]\\n  = []\\n"))
    [[Step(statement='SELECT', parameters='[1]', answer='= []')]]
    """
    for block in text.split("\n\n"):
        lines, steps = [line for line in block.splitlines() if not line.startswith("#")], list[Step]()
        statement, parameters = "", ""
        for line in lines:
            if line[:4] in ("  = ", "  ~ ", "  ! "):
                steps.append(Step(statement, parameters, line[2:]))
                statement = parameters = ""
            elif line.startswith("  ? "):
                parameters = line[4:]
            else:
                statement += line if not statement else f"\n{line}"
        if steps:
            yield steps


def answer_of(engine: SqliteEngine, statement: str, parameters: str) -> list[str] | str:
    """The items that a statement gives, each as JSON, or the error."""
    request: Wire = {"Statement": statement}
    if parameters:
        request["Parameters"] = json.loads(parameters)
    try:
        items = call(engine, "ExecuteStatement", request)["Items"]
    except DynamoError as error:
        return f"{error.code}: {error.message}"
    return [to_json(decode_item(item)) for item in items]


@pytest.fixture
def engine() -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", TABLE)
        for item in ITEMS:
            engine("PutItem", f'{{"TableName":"tab","Item":{encode_item(item)}}}'.encode())
        yield engine


STATEMENTS = list(blocks((DATA / "statements.txt").read_text(encoding="utf-8")))


@pytest.mark.parametrize("steps", STATEMENTS, ids=[steps[0].statement[:60] for steps in STATEMENTS])
def test_what_a_statement_answers(engine: SqliteEngine, steps: list[Step]) -> None:
    for statement, parameters, expected in steps:
        answer = answer_of(engine, statement, parameters)
        if expected.startswith("!"):
            assert answer == expected[2:], statement
        else:
            wanted = json.loads(expected[2:])
            given = [json.loads(item) for item in answer] if isinstance(answer, list) else answer
            if expected.startswith("~") and isinstance(given, list):
                wanted, given = (sorted(items, key=json.dumps) for items in (wanted, given))
            assert given == wanted, statement
