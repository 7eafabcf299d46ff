"""Sizes and counts at their limits: the largest that is taken, and the smallest that is refused."""

import json
from collections.abc import Iterator
from functools import reduce
from typing import Any, NamedTuple

import pytest
from embedded import Ask, key
from places import DATA
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines.sqlite import SqliteEngine

TWO_MB = 2 * 1024 * 1024
V = {":v": {"N": "1"}}
Case = dict[str, Any]


def placeholder(size: int) -> Case:
    name = "#" + "n" * (size - 1)
    return {"FilterExpression": f"{name} = :v", "ExpressionAttributeNames": {name: "x"}}


def constant(size: int) -> Case:
    name = ":" + "v" * (size - 1)
    return {"FilterExpression": f"x = {name} OR x = :v", "ExpressionAttributeValues": {**V, name: {"N": "1"}}}


def name(size: int) -> Case:
    return {"FilterExpression": "#x = :v", "ExpressionAttributeNames": {"#x": "x" * size}}


def constants(size: int) -> Case:
    """Constants of so many bytes, with their placeholders."""
    values = {f":v{n}": {"S": "x" * 400_000} for n in range(5)}
    values[":last"] = {"S": "x" * (size - 5 * (3 + 400_000) - 5)}
    return {"FilterExpression": " OR ".join(f"x = {one}" for one in values), "ExpressionAttributeValues": values}


def names(size: int) -> Case:
    """Names of so many bytes, with their placeholders."""
    named = {f"#n{n:02}": f"{n:02}" + "x" * 59_998 for n in range(34)}
    named["#last"] = "x" * (size - 34 * (4 + 60_000) - 5)
    return {"ProjectionExpression": ", ".join(f"#n00.{one}" for one in named), "ExpressionAttributeNames": named}


def joined(*terms: str) -> Case:
    return {"FilterExpression": " OR ".join(terms)}


LIMITS: list[tuple[Case, Case, str]] = [
    (
        placeholder(255),
        placeholder(256),
        (
            "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that "
            "is too long; size of key: 256"
        ),
    ),
    (
        constant(255),
        constant(256),
        (
            "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that "
            "is too long; size of key: 256"
        ),
    ),
    (
        name(65_535),
        name(65_536),
        (
            "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than "
            "65536 bytes for key #x"
        ),
    ),
    (constants(TWO_MB), constants(TWO_MB + 1), "ExpressionAttributeValues exceeds max size"),
    (names(TWO_MB), names(TWO_MB + 1), "ExpressionAttributeNames exceeds max size"),
    (
        names(TWO_MB - 4),
        {**names(TWO_MB - 3), **joined("x = :v")},
        "Combined size of ExpressionAttributeNames and ExpressionAttributeValues exceeds max size",
    ),
    (
        joined(*["x = :v"] * 150),
        joined(*["x = :v"] * 151),
        "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
    ),
    (
        joined(*["contains(x, :v)"] * 150),
        joined(*["contains(x, :v)"] * 151),
        "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
    ),
    (
        joined(*["size(x) = :v"] * 100),
        joined(*["size(x) = :v"] * 101),
        "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
    ),
    (
        joined(*["NOT contains(x, :v)"] * 100),
        joined(*["NOT contains(x, :v)"] * 101),
        "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
    ),
]


def filled(case: Case) -> Case:
    used = ":v" in case.get("FilterExpression", "").replace(")", " ").split()
    return {"ExpressionAttributeValues": V, **case} if used else case


@pytest.mark.parametrize("taken, refused, message", LIMITS, ids=[message[-30:] for _, _, message in LIMITS])
def test_a_limit_of_expressions(ask: Ask, taken: Case, refused: Case, message: str) -> None:
    ask("Scan", **filled(taken))
    with pytest.raises(DynamoError) as error:
        ask("Scan", **filled(refused))
    assert error.value.code == "ValidationException"
    assert error.value.message == message


@pytest.mark.parametrize(
    "part, taken", [("attribute_exists(x) <> y", 100), ("y IN [attribute_exists(x)]", 100), ("size(x) > 0", 100)]
)
def test_a_clause_of_a_statement_has_at_most_300_operators(ask: Ask, part: str, taken: int) -> None:
    def statement(count: int) -> Case:
        return {"TableName": None, "Statement": f"SELECT * FROM tab WHERE {' AND '.join([part] * count)}"}

    ask("ExecuteStatement", **statement(taken))
    with raises(DynamoError, "ValidationException: The expression contains too many operators; operator count: 301"):
        ask("ExecuteStatement", **statement(taken + 1))


def test_an_update_has_at_most_300_operators(ask: Ask) -> None:
    def update(count: int) -> dict[str, Any]:
        return {
            "UpdateExpression": "SET " + ",".join(f"b{n}=:v+:v" for n in range(count)),
            "ExpressionAttributeValues": V,
        }

    ask("UpdateItem", Key=key(1), **update(300))
    with raises(
        DynamoError,
        "ValidationException: 1 validation error detected: Invalid UpdateExpression: The expression "
        "contains too many operators; operator count: 301",
    ):
        ask("UpdateItem", Key=key(1), **update(301))


def test_an_attribute_name_has_at_most_65535_bytes(ask: Ask) -> None:
    long, too_long = "x" * 65_535, "é" * 32_768
    ask("PutItem", Item={**key(1), long: V[":v"]})
    ask("UpdateItem", Key=key(1), AttributeUpdates={long: {"Value": V[":v"]}})
    ask("GetItem", Key=key(1), AttributesToGet=[long])
    for operation, members in [
        ("PutItem", {"Item": {**key(1), too_long: V[":v"]}}),
        ("PutItem", {"Item": {**key(1), "m": {"M": {too_long: V[":v"]}}}}),
        ("UpdateItem", {"Key": key(1), "AttributeUpdates": {too_long: {"Value": V[":v"]}}}),
        ("GetItem", {"Key": key(1), "AttributesToGet": [too_long]}),
    ]:
        with pytest.raises(DynamoError, match="Attribute name is too large, must be less than 65536 bytes"):
            ask(operation, **members)


class Bounds(NamedTuple):
    """A line of tests/data/bounds.txt, for one operation."""

    path: str
    least: str
    greatest: str
    kind: str
    needs: str
    operation: str

    def request(self, size: int) -> bytes:
        """A request whose member has a length, or is a number."""
        kind, _, one = self.kind.partition(" ")
        value: Any = size if kind == "number" else "a" * size if kind == "text" else [json.loads(one)] * size
        wrapped = reduce(
            lambda inner, name: [inner] if name == "0" else {name: inner}, self.path.split(".")[::-1], value
        )
        needed = {"TableName": "tab", "ResourceArn": f"arn:aws:dynamodb:eu-west-1:{'0' * 12}:table/tab", "-": ""}[
            self.needs
        ]
        return json.dumps({**({self.needs: needed} if needed else {}), **wrapped}).encode()


def bounds() -> Iterator[Bounds]:
    for line in (DATA / "bounds.txt").read_text().splitlines():
        if line and not line.startswith("--"):
            *fields, operations = line.split(" | ")
            for operation in operations.split():
                yield Bounds(*fields, operation)


@pytest.fixture(scope="module")
def empty() -> Iterator[SqliteEngine]:
    with SqliteEngine(":memory:") as engine:
        yield engine


@pytest.mark.parametrize("asked", list(bounds()), ids=lambda asked: f"{asked.operation}-{asked.path}")
def test_a_member_at_its_bounds_and_beyond(empty: SqliteEngine, asked: Bounds) -> None:
    def says(size: int, compared: str, bound: int) -> bool:
        name, what = asked.path.rpartition(".")[2], "value" if asked.kind == "number" else "length"
        end = f"{name[1:]}' failed to satisfy constraint: Member must have {what} {compared} than or equal to {bound}"
        try:
            empty(asked.operation, asked.request(size))
        except DynamoError as error:
            return end in error.message
        return False

    if asked.least != "-":
        least = int(asked.least)
        assert (says(least, "greater", least), says(least - 1, "greater", least)) == (False, True)
    if asked.greatest != "-":
        most = int(asked.greatest)
        assert (says(most, "less", most), says(most + 1, "less", most)) == (False, True)
