"""Every number of the request rules: what is at it is taken, what is one beyond is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from embedded import Ask, key
from words import NAMED_TAB, definitions, index, keys
from words_of_tables import PROVISIONED, SIMPLE, TOO_MANY

from flyexpr import DynamoError

Wire = dict[str, Any]
Build = Callable[[int], Wire]
MILLION = 1_000_000


def text(length: int) -> str:
    return "x" * length


def create(**changes: Any) -> Wire:
    return {**SIMPLE, **changes}


def of_index(*indexes: Wire, names: str = "id g") -> Wire:
    return create(AttributeDefinitions=definitions(names), GlobalSecondaryIndexes=list(indexes))


def of_local(count: int) -> Wire:
    indexes = [index(f"by_{number}", keys("id", "l")) for number in range(count)]
    both = {"KeySchema": keys("id", "s"), "AttributeDefinitions": definitions("id s l")}
    return create(**both, LocalSecondaryIndexes=indexes)


def numbered(prefix: str, count: int) -> str:
    return " ".join(f"{prefix}{number}" for number in range(count))


def including(names: str) -> Wire:
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": names.split()}


def projected(count: int) -> Wire:
    """Indexes that are sent so many attributes together, none of them more than 20."""
    parts = [min(20, count - start) for start in range(0, count, 20)]
    return of_index(*(index(f"by_{at}", keys("g"), including(numbered("a", part))) for at, part in enumerate(parts)))


def of_attribute(length: int) -> Wire:
    return (
        create(KeySchema=keys(text(length)), AttributeDefinitions=definitions(text(length)))
        if length
        else create(KeySchema=[{"AttributeName": "", "KeyType": "HASH"}])
    )


def transaction(count: int, *, gets: bool) -> Wire:
    actions = [{"TableName": "tab", "Key": key(number)} for number in range(count)]
    return {"TransactItems": [{"Get" if gets else "Delete": action} for action in actions]}


def with_token(length: int) -> Wire:
    return {**transaction(1, gets=False), "ClientRequestToken": text(length)}


def batch_get(count: int, tables: int = 1) -> Wire:
    ask: dict[str, Wire] = {}
    for number in range(count):
        ask.setdefault(f"tab{number % tables or ''}", {"Keys": []})["Keys"].append(key(number))
    return {"RequestItems": ask or {"tab": {"Keys": []}}}


def batch_write(count: int, tables: int = 1) -> Wire:
    writes: dict[str, list[Wire]] = {}
    for number in range(count):
        writes.setdefault(f"tab{number % tables or ''}", []).append({"DeleteRequest": {"Key": key(number)}})
    return {"RequestItems": writes or {"tab": []}}


def tagged(name: str, value: str = "") -> Wire:
    return {"ResourceArn": NAMED_TAB + "tab", "Tags": [{"Key": name, "Value": value}]}


def units(read: int) -> Wire:
    return {**PROVISIONED, "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 1}}


def index_units(write: int) -> Wire:
    by_g = index("by_g", keys("g"))
    by_g["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": write}
    return {**PROVISIONED, "GlobalSecondaryIndexes": [by_g]}


def expiring(length: int) -> Wire:
    return {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": text(length), "Enabled": True}}


# what is counted, the operation, a request with so many of it, the least and the most
EDGES: list[tuple[str, str, Build, int | None, int | None]] = [
    ("a table's name", "CreateTable", lambda n: create(TableName=text(n)), 3, 255),
    (
        "a table's key",
        "CreateTable",
        lambda n: create(KeySchema=keys("id", "s t")[:n], AttributeDefinitions=definitions("id s t"[: 2 * n])),
        1,
        None,
    ),
    ("a key attribute's name", "CreateTable", of_attribute, 1, 255),
    ("an index's name", "CreateTable", lambda n: of_index(index(text(n), keys("g"))), 3, 255),
    (
        "an index's partition key",
        "CreateTable",
        lambda n: of_index(index("by_g", keys(numbered("h", n))), names=f"id {numbered('h', n)}"),
        1,
        4,
    ),
    (
        "an index's sort key",
        "CreateTable",
        lambda n: of_index(index("by_g", keys("g", numbered("r", n))), names=f"id g {numbered('r', n)}"),
        None,
        4,
    ),
    (
        "an index's attributes",
        "CreateTable",
        lambda n: of_index(index("by_g", keys("g"), including(numbered("a", n)))),
        1,
        20,
    ),
    ("all projected attributes", "CreateTable", projected, None, 100),
    (
        "a projected attribute's name",
        "CreateTable",
        lambda n: of_index(index("by_g", keys("g"), {"ProjectionType": "INCLUDE", "NonKeyAttributes": [text(n)]})),
        1,
        255,
    ),
    ("global indexes", "CreateTable", lambda n: of_index(*(index(f"by_{at}", keys("g")) for at in range(n))), 1, 20),
    ("local indexes", "CreateTable", of_local, 1, 5),
    (
        "tags at creation",
        "CreateTable",
        lambda n: create(Tags=[{"Key": f"k{at}", "Value": ""} for at in range(n)]),
        None,
        50,
    ),
    ("units", "CreateTable", units, 1, TOO_MANY - 1),
    ("an index's units", "CreateTable", index_units, 1, TOO_MANY - 1),
    ("warm throughput", "CreateTable", lambda n: create(WarmThroughput={"WriteUnitsPerSecond": n}), 1, None),
    ("a tag's key", "TagResource", lambda n: tagged(text(n)), 1, 128),
    ("a tag's value", "TagResource", lambda n: tagged("a", text(n)), None, 256),
    (
        "tags",
        "TagResource",
        lambda n: {"ResourceArn": NAMED_TAB + "tab", "Tags": [{"Key": f"k{at}", "Value": ""} for at in range(n)]},
        1,
        50,
    ),
    ("tags that go", "UntagResource", lambda n: {"ResourceArn": NAMED_TAB + "tab", "TagKeys": ["a"] * n}, 1, None),
    ("a page of names", "ListTables", lambda n: {"Limit": n}, 1, 100),
    ("a start name", "ListTables", lambda n: {"ExclusiveStartTableName": text(n)}, 3, 255),
    ("a page", "Scan", lambda n: {"TableName": "tab", "Limit": n}, 1, None),
    ("a segment", "Scan", lambda n: {"TableName": "tab", "Segment": n, "TotalSegments": MILLION}, 0, MILLION - 1),
    ("segments", "Scan", lambda n: {"TableName": "tab", "Segment": 0, "TotalSegments": n}, 1, MILLION),
    ("actions", "TransactWriteItems", lambda n: transaction(n, gets=False), 1, 100),
    ("gets", "TransactGetItems", lambda n: transaction(n, gets=True), 1, 100),
    ("a token", "TransactWriteItems", with_token, 1, 36),
    ("keys of a batch", "BatchGetItem", batch_get, 1, 100),
    ("keys of several tables", "BatchGetItem", lambda n: batch_get(n, tables=2), None, 100),
    ("writes of a batch", "BatchWriteItem", batch_write, 1, 25),
    ("writes of several tables", "BatchWriteItem", lambda n: batch_write(n, tables=2), None, 25),
    (
        "attributes to get",
        "GetItem",
        lambda n: {"TableName": "tab", "Key": key(1), "AttributesToGet": numbered("a", n).split()},
        1,
        None,
    ),
    ("an expiry attribute's name", "UpdateTimeToLive", expiring, 1, 255),
    ("an expression", "Scan", lambda n: {"TableName": "tab", "FilterExpression": f"x = {text(n - 4)}"}, None, 4096),
    (
        "an expression in bytes",
        "Scan",
        lambda n: {"TableName": "tab", "FilterExpression": f"x={' ' * (n - 3)}y"},
        None,
        4096,
    ),
]
AT = [(what, operation, build, edge) for what, operation, build, *edges in EDGES for edge in edges if edge is not None]
BEYOND = [
    *((what, operation, build, low - 1) for what, operation, build, low, _ in EDGES if low is not None),
    *((what, operation, build, high + 1) for what, operation, build, _, high in EDGES if high is not None),
]


@pytest.fixture
def tables(ask: Ask) -> Ask:
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]
    ask("CreateTable", **create(TableName="tab1", KeySchema=keys("pk", "sk"), AttributeDefinitions=attributes))
    return ask


def expected(what: str, operation: str, members: Wire, edge: int) -> Wire:
    """The whole answer of an operation that finds nothing, or has nothing to tell."""
    match operation:
        case "ListTables" if what == "a page of names":
            return (
                {"TableNames": ["tab"], "LastEvaluatedTableName": "tab"}
                if edge == 1
                else {"TableNames": ["tab", "tab1"]}
            )
        case "ListTables":
            return {"TableNames": []}
        case "Scan":
            return {"Items": [], "Count": 0, "ScannedCount": 0}
        case "TransactGetItems":
            return {"Responses": [{}] * edge}
        case "BatchGetItem":
            return {"Responses": {name: [] for name in members["RequestItems"]}, "UnprocessedKeys": {}}
        case "BatchWriteItem":
            return {"UnprocessedItems": {}}
        case "UpdateTimeToLive":
            return {"TimeToLiveSpecification": members["TimeToLiveSpecification"]}
    return {}


@pytest.mark.parametrize("what, operation, build, edge", AT, ids=[f"{what} {edge}" for what, _, _, edge in AT])
def test_what_is_at_a_number_is_taken(tables: Ask, what: str, operation: str, build: Build, edge: int) -> None:
    members = build(edge)
    answer = tables(operation, **members)
    if operation == "CreateTable":
        shown = answer["TableDescription"]
        assert shown["TableName"] == members["TableName"]
        for index_ in (shown, *shown.get("GlobalSecondaryIndexes", ()), *shown.get("LocalSecondaryIndexes", ())):
            asked = asked_of(members, index_.get("IndexName"))
            assert {name: index_[name] for name in asked} == asked
    else:
        assert answer == expected(what, operation, members, edge)


def asked_of(members: Wire, name: str | None) -> Wire:
    """What was asked of a table, or of one of its indexes, that its description shows as it was asked."""
    indexes = [*members.get("GlobalSecondaryIndexes", ()), *members.get("LocalSecondaryIndexes", ())]
    part = members if name is None else next(one for one in indexes if one["IndexName"] == name)
    return {member: part[member] for member in ("KeySchema", "Projection") if member in part}


@pytest.mark.parametrize("what, operation, build, edge", BEYOND, ids=[f"{what} {edge}" for what, _, _, edge in BEYOND])
def test_what_is_beyond_it_is_refused(tables: Ask, what: str, operation: str, build: Build, edge: int) -> None:
    with pytest.raises(DynamoError) as error:
        tables(operation, **build(edge))
    assert error.value.code == ("LimitExceededException" if what == "tags" and edge else "ValidationException")
