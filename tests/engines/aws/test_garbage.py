"""Whatever comes instead of an answer, each operation gives its result or one FlyexprError that explains itself."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doors import connected
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving import Server, http

import flyexpr as fx
from flyexpr import ConnectionFailed, Engine, F, FlyexprError, Table, assign, eq
from flyexpr.engines.aws.answers import refusal

TABLE = Table("ttt", "id", attributes={"n": int}, indexes=[fx.GlobalIndex("ByN", "n", "id")], version="v")
ITEM = {"id": {"S": "a"}, "n": {"N": "1"}, "v": {"N": "3"}, "l": {"L": [{"B": "AA=="}, {"NS": ["1", "2.5"]}]}}
PLAIN = Table("ttt", "id")
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
INDEX = {
    "IndexName": "ByN",
    "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["l"]},
    "IndexStatus": "ACTIVE",
}
DESCRIBED = {
    "TableName": "ttt",
    "KeySchema": KEYS,
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "TableStatus": "ACTIVE",
    "GlobalSecondaryIndexes": [INDEX],
    "LocalSecondaryIndexes": [],
    "BillingModeSummary": {"BillingMode": "PROVISIONED"},
    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
}
CONSUMED = {"TableName": "ttt", "CapacityUnits": 0.5}

Do = Callable[[Table], object]
# Operations, each with a correct answer.
OPERATIONS: dict[str, tuple[Do, dict[str, Any]]] = {
    "call": (lambda table: fx.call(table.bound, "ListTables", {}), {"TableNames": []}),
    "get": (lambda table: fx.get(table, "a"), {"Item": ITEM}),
    "query": (
        lambda table: list(fx.run(table, fx.query(eq("id", "a")))),
        {"Items": [ITEM, ITEM], "Count": 2, "ScannedCount": 2, "ConsumedCapacity": CONSUMED},
    ),
    "scan": (
        lambda table: list(fx.run(table, fx.scan(F.n > 0, budget={"requests": 3}))),
        {"Items": [ITEM], "Count": 1, "LastEvaluatedKey": {"id": {"S": "a"}}, "ConsumedCapacity": [CONSUMED]},
    ),
    "count": (
        lambda table: fx.count(table, fx.scan(F.n > 0)),
        {"Count": 1, "ScannedCount": 1},
    ),
    "put": (lambda table: fx.put(table, {"id": "a", "v": 3}, returns="ALL_OLD"), {"Attributes": ITEM}),
    "update": (lambda table: fx.update(table, "a", assign("n", 1), returns="ALL_NEW"), {"Attributes": ITEM}),
    "delete": (lambda table: fx.delete(table, "a", returns="ALL_OLD"), {"Attributes": ITEM}),
    "modify": (lambda table: fx.modify(table, "a", lambda item: item | {"n": 7}, attempts=1), {"Item": ITEM}),
    "batch_get": (
        lambda table: fx.run(table, fx.batch_get(["a", "b"])),
        {"Responses": {"ttt": [ITEM]}, "UnprocessedKeys": {}, "ConsumedCapacity": [CONSUMED]},
    ),
    "batch_write": (
        lambda table: fx.run(PLAIN.on(table.bound), fx.batch_write([fx.put_item({"id": "a"})])),
        {"UnprocessedItems": {}, "ConsumedCapacity": [CONSUMED]},
    ),
    "transact_get": (
        lambda table: fx.transact_get([(table, fx.get_item("a")), (table, fx.get_item("b"))]),
        {"Responses": [{"Item": ITEM}, {}]},
    ),
    "transact_write": (lambda table: fx.transact_write([(table, fx.put_item({"id": "a"}))]), {}),
    "describe": (
        lambda table: fx.run(table, fx.describe_table()),
        {"Table": DESCRIBED, "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "end"}},
    ),
    "create": (lambda table: fx.run(table, fx.create_table()), {"TableDescription": DESCRIBED, "Table": DESCRIBED}),
    "alter": (
        lambda table: fx.run(PLAIN.on(table.bound), fx.update_table(dry_run=True, drop=True)),
        {"Table": DESCRIBED, "TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    ),
}
# Refusals whose members are read as well.
REFUSALS: dict[str, dict[str, Any]] = {
    "put": {"__type": "x#ConditionalCheckFailedException", "message": "The conditional request failed", "Item": ITEM},
    "update": {"__type": "x#ConditionalCheckFailedException", "Message": "The conditional request failed"},
    "transact_write": {
        "__type": "x#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Message": "failed", "Item": ITEM}],
    },
    "get": {
        "__type": "x#ThrottlingException",
        "message": "Throughput exceeds",
        "throttlingReasons": [{"reason": "TableReadProvisionedThroughputExceeded", "resource": "arn"}],
    },
}
NOT_JSON = [float("nan"), float("inf")]
ODD = [
    *NOT_JSON,
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "NaN",
    "x",
    [],
    [1],
    {},
    {"a": 1},
    [[]],
    {"Q": 1},
    [None],
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    yield path
    for name, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(member, (*path, name))


def with_one(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at a path; None removes the value."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if new is None:
        del copy[path[0]]
    else:
        copy[path[0]] = with_one(value[path[0]], path[1:], new) if path[1:] else new
    return copy


def outcome(do: Do, engine: Engine) -> str | None:
    """The text of the FlyexprError that a call raises, or None; any other exception fails the test."""
    asked: list[str] = []

    def counted(operation: str, body: bytes) -> bytes:
        asked.append(operation)
        if len(asked) > 20:
            raise FlyexprError("the same page again and again")
        return engine(operation, body)

    try:
        do(TABLE.on(counted))
    except FlyexprError as error:
        text = str(error)
    else:
        return None
    assert text.strip(": ")
    return text


def answering(status: int, answer: object) -> Engine:
    """Gives the same answer to every request."""
    body = json.dumps(answer).encode()

    def engine(operation: str, request: bytes) -> bytes:
        if status == 200:
            return body
        raise refusal(status, body)

    return engine


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("flyexpr.steps.batches.ATTEMPTS", 1)
    monkeypatch.setattr("flyexpr.steps.lifecycle._MOST", 0.0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_right_answer(name: str) -> None:
    do, answer = OPERATIONS[name]
    assert outcome(do, answering(200, answer)) is None


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_part_of_an_answer_replaced(name: str) -> None:
    do, answer = OPERATIONS[name]
    for path in places(answer):
        for odd in ODD:
            text = outcome(do, answering(200, with_one(answer, path, odd)))
            assert text or odd not in NOT_JSON or name == "transact_write", path  # whose answer nobody reads


@pytest.mark.parametrize("name", REFUSALS)
def test_every_part_of_a_refusal_replaced(name: str) -> None:
    do, answer = OPERATIONS[name][0], REFUSALS[name]
    for path in places(answer):
        for odd in ODD:
            assert outcome(do, answering(400, with_one(answer, path, odd)))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, int, bytes]:
    """An operation, a status, and an answer to it whose bytes were changed in one place, or which is something else."""
    name = draw(st.sampled_from(sorted(OPERATIONS)))
    status = draw(st.sampled_from([200, 200, 200, 400, 404, 500]))
    right = json.dumps(OPERATIONS[name][1] if status == 200 else REFUSALS.get(name, REFUSALS["get"])).encode()
    start = draw(st.integers(0, len(right)))
    end = draw(st.integers(start, min(len(right), start + 9)))
    change = draw(st.binary(max_size=6) | st.sampled_from([b"NaN", b"1e999", b"[" * 9000, b'"', b"\\u0000", b"}"]))
    other = draw(st.none() | st.sampled_from([b"", b"null", b"[]", b"7", b'""', b"<html>", b"\xff", b"[" * 9000]))
    return name, status, right[:start] + change + right[end:] if other is None else other


@given(cases=st.lists(damaged(), min_size=20, max_size=20))
@settings(max_examples=15)
def test_damaged_answers_over_the_wire(cases: list[tuple[str, int, bytes]], transport: str) -> None:
    answers: list[bytes] = []
    server = Server(lambda connection, request: connection.sendall(answers[0]) or True)
    try:
        with connected(f"http://127.0.0.1:{server.port}?attempts=1", transport) as engine:
            for name, status, body in cases:
                answers[:] = [http(body, status)]
                error = outcome(OPERATIONS[name][0], engine)
                assert error or status == 200
    finally:
        server.close()


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"null", b'{"a":', b"\xff", b"[" * 100_000, b'{"Item": NaN}', b'{"Count": -Infinity}']
)
def test_what_call_says(body: bytes) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        fx.call(lambda operation, request: body, "ListTables", {})
    assert str(caught.value).startswith("the answer is not what DynamoDB sends (")
