"""What the service answers where engines have been seen to answer otherwise: paragraphs of tests/data/answers.txt."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from embedded import Clock
from places import DATA
from words import Wire, definitions, keys

from flyexpr import DynamoError
from flyexpr.engines.sqlite import SqliteEngine

TABLES: list[Wire] = [
    {"TableName": "tab", "KeySchema": keys("p"), "AttributeDefinitions": definitions("p")},
    {"TableName": "two", "KeySchema": keys("p", "c"), "AttributeDefinitions": definitions("p c")},
]
PARAGRAPHS = [text.split("\n") for text in (DATA / "answers.txt").read_text().strip().split("\n\n")[1:]]


@pytest.fixture
def engine() -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:", clock=Clock()) as engine:
        for table in TABLES:
            engine("CreateTable", json.dumps({**table, "BillingMode": "PAY_PER_REQUEST"}).encode())
        yield engine


def steps(lines: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """The operation and body of each request, with the sign and the text of what is said about its answer."""
    for place, line in enumerate(lines):
        if line.startswith("> "):
            operation, _, body = line[2:].partition(" ")
            after = lines[place + 1] if place + 1 < len(lines) else "> "
            sign, _, told = after.partition(" ")
            yield (operation, body, sign, told) if sign in "=<!?" else (operation, body, "<", "{}")


def answered(engine: SqliteEngine, operation: str, body: str) -> tuple[str, str]:
    """The answer of the engine, with the code of a refusal."""
    try:
        return "", engine(operation, body.encode()).decode()
    except DynamoError as error:
        return error.code, str(error)


def holds(found: Any, expected: Any, *, whole: bool) -> bool:
    """Whether an answer is what is expected, or has it in its members; a star stands for any text."""
    if expected == "*":
        return isinstance(found, str)
    if not isinstance(expected, dict) or not isinstance(found, dict):
        return bool(found == expected)
    names = found.keys() | expected.keys() if whole else expected.keys()
    return all(name in found and name in expected and holds(found[name], expected[name], whole=whole) for name in names)


@pytest.mark.parametrize("lines", PARAGRAPHS, ids=[lines[0][3:60] for lines in PARAGRAPHS])
def test_the_answer_is_the_services(engine: SqliteEngine, lines: list[str]) -> None:
    asked = list(steps(lines))
    assert len(asked) + sum(line[0] in "=<!?" for line in lines) + 1 == len(lines)  # no line was passed over
    for operation, body, sign, told in asked:
        code, answer = answered(engine, operation, body)
        if sign in "!?":
            assert (answer if sign == "!" else code) == told, (body, answer)
        else:
            assert not code, (body, answer)
            assert holds(json.loads(answer), json.loads(told), whole=sign == "="), (body, answer)
