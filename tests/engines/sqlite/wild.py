"""Random requests in wire form, most of them such as a program sends, some with a part that is wrong.

They are about two tables: `tab_one` has the partition key pk (S); `tab_two` pk (S) and sk (N), a global index `by_g` on
gk (S) and gr (N) with its keys and `a`, and a local one, `by_l`, on lk (S) with all attributes.
"""

import json
import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from strategies import any_conditions, any_updates, conditions, paths, updates
from strategies import items as plain_items
from strategies import values as plain_values

from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.values.encode import encode, encode_item

Wire = dict[str, Any]
Request = tuple[str, Wire]


def schema(*names: str) -> list[Wire]:
    """A KeySchema of a partition key and perhaps a sort key."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


ONE = {
    "TableName": "tab_one",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": schema("pk"),
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
TWO = {
    "TableName": "tab_two",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": schema("pk", "sk"),
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in {"pk": "S", "sk": "N", "gk": "S", "gr": "N", "lk": "S"}.items()
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": schema("gk", "gr"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {"IndexName": "by_l", "KeySchema": schema("pk", "lk"), "Projection": {"ProjectionType": "ALL"}}
    ],
}

# values and keys


def seldom(wrong: SearchStrategy[Any], right: SearchStrategy[Any], odds: int = 12) -> SearchStrategy[Any]:
    """What is right, and once in `odds` times what is wrong."""
    return st.integers(1, odds).flatmap(lambda number: wrong if number == odds else right)


def nested(levels: int) -> Wire:
    value: Wire = {"N": "1"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


NUMBERS = "+5 -0 007 1e2 .5 5. 1E-130 1e125 1e126 1e-131 -1e-131 0e126 1e400000000000000000000 1_0 0x5 5e ٣ 1e1e1 +-1"
ODD_VALUES: list[Any] = [
    *[{"N": text} for text in [*NUMBERS.split(), "", " 5", "NaN", "9" * 38, "9" * 39, "1" + "0" * 60]],
    *[{"SS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"NS": ["1", "x"]}, {"BS": ["YQ==", "YQ=="]}, {"SS": [""]}],
    *[{"NULL": False}, {"NULL": True}, {"BOOL": "true"}, {"BOOL": 1}, {"S": 1}, {"S": None}, {"L": {}}, {"M": []}],
    *[{}, {"X": "y"}, {"S": "a", "N": "1"}, {"B": "no base64!"}, {"B": ""}, {"S": ""}, {"M": {"": {"S": "x"}}}],
    *[nested(31), nested(32), nested(40), {"NS": [" 1"]}, {"L": [{}]}, {"M": {"x": {"S": "a", "N": "1"}}}, {"SS": "a"}],
]
values = seldom(st.sampled_from(ODD_VALUES), plain_values.map(lambda value: json.loads(encode(value))))
texts, numbers = (
    st.sampled_from([{"S": text} for text in ("a", "b", "ab")]),
    st.sampled_from([{"N": n} for n in ("0", "1", "2", "1.0")]),
)
odd_keys = st.sampled_from(
    [{"S": ""}, {"N": "1"}, {"S": "1"}, {"S": "x" * 2049}, {"B": "YQ=="}, {"L": []}, {"NS": ["1"]}]
)
INDEXED = {"gk": texts, "gr": numbers, "lk": texts}
KEY_VALUES = {"pk": seldom(odd_keys, texts, 30), "sk": seldom(odd_keys, numbers, 30)}
keys_two = st.fixed_dictionaries(KEY_VALUES)
keys_one = st.fixed_dictionaries({"pk": KEY_VALUES["pk"]})
tables = st.sampled_from(["tab_two", "tab_two", "tab_two", "tab_one"])


def keys_of(table: str) -> SearchStrategy[Wire]:
    right = keys_one if table == "tab_one" else keys_two
    return seldom(keys_two | keys_one | st.just({}) | st.just({"pk": {"S": "a"}, "x": {"S": "b"}}), right, 25)


@st.composite
def items(draw: st.DrawFn, table: str) -> Wire:
    item: Wire = json.loads(encode_item(draw(plain_items)))
    if draw(st.integers(0, 5)) == 0:
        item[draw(st.sampled_from(["a", "b", "z"]))] = draw(values)
    for name, right in INDEXED.items():
        if draw(st.booleans()):
            item[name] = draw(seldom(odd_keys, right, 20))
    return {**item, **draw(keys_of(table))}


# expressions

_TOKENS = re.compile(r"[A-Za-z_]+|[#:][A-Za-z0-9_]+|[0-9]+|<>|<=|>=|\S")
_NOISE = "AND OR NOT BETWEEN IN ( ) = <> < , . [0] [00] [1 ! é a status pk :0 :1 #0 size begins_with foo SET".split()


def _mutated(draw: st.DrawFn, text: str) -> str:
    """The text with a token dropped, doubled, changed or put in; or put in parentheses."""
    tokens = _TOKENS.findall(text)
    place = draw(st.integers(0, len(tokens)))
    how = draw(st.integers(0, 4))
    if how == 0 or not tokens:
        tokens[place:place] = [draw(st.sampled_from(_NOISE))]
    elif how == 1:
        tokens[place : place + 1] = []
    elif how == 2:
        tokens[place : place + 1] = [draw(st.sampled_from(_NOISE))]
    elif how == 3:
        tokens[place:place] = tokens[place : place + 2]
    else:
        tokens = ["(", *tokens, ")"]
    return draw(st.sampled_from([" ", " ", ""])).join(tokens)


def _member(draw: st.DrawFn, name: str, text: str, request: Wire) -> None:
    request[name] = _mutated(draw, text) if draw(st.integers(0, 9)) == 0 else text


def _placeholders(draw: st.DrawFn, marks: Placeholders, request: Wire) -> None:
    """The maps that go with the expressions; now and then one entry is missing, spare, or odd."""
    request.update(json.loads("{" + ",".join(marks.members()) + "}"))
    names, constants = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    match draw(st.integers(0, 60)):
        case 0:
            request["ExpressionAttributeValues"] = {**(constants or {}), ":spare": {"N": "1"}}
        case 1:
            request["ExpressionAttributeNames"] = {**(names or {}), draw(st.sampled_from(["#spare", "x", "#é"])): "a"}
        case 2 if constants:
            constants.popitem()
        case 3 if names:
            names.popitem()
        case 4 | 5 | 6 if constants:
            constants[draw(st.sampled_from(sorted(constants)))] = draw(st.sampled_from(ODD_VALUES))


@st.composite
def conditional(draw: st.DrawFn, request: Wire, member: str = "ConditionExpression", odds: int = 1) -> Wire:
    """The request with a condition, once in so many times without."""
    marks = Placeholders()
    if draw(st.integers(0, odds)):
        _member(draw, member, compile(draw(conditions | any_conditions), marks), request)
    _placeholders(draw, marks, request)
    return request


# operations

RETURNS = st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "all_old"])


@st.composite
def options(draw: st.DrawFn) -> Wire:
    found: Wire = {}
    if draw(st.booleans()):
        found["ReturnValues"] = draw(RETURNS)
    if draw(st.integers(0, 3)) == 0:
        found["ReturnValuesOnConditionCheckFailure"] = draw(seldom(st.just("NEW"), st.just("ALL_OLD")))
    return found


@st.composite
def puts(draw: st.DrawFn) -> Request:
    table = draw(tables)
    return "PutItem", draw(conditional({"TableName": table, "Item": draw(items(table)), **draw(options())}))


@st.composite
def deletes(draw: st.DrawFn) -> Request:
    table = draw(tables)
    return "DeleteItem", draw(conditional({"TableName": table, "Key": draw(keys_of(table)), **draw(options())}))


@st.composite
def update_members(draw: st.DrawFn, table: str) -> Wire:
    request: Wire = {"TableName": table, "Key": draw(keys_of(table))}
    marks = Placeholders()
    if draw(st.integers(0, 15)):
        _member(draw, "UpdateExpression", compile(draw(updates | any_updates), marks), request)
    if draw(st.integers(0, 3)) == 0:
        _member(draw, "ConditionExpression", compile(draw(conditions), marks), request)
    _placeholders(draw, marks, request)
    return request


@st.composite
def update_requests(draw: st.DrawFn) -> Request:
    return "UpdateItem", {**draw(update_members(draw(tables))), **draw(options())}


@st.composite
def index_updates(draw: st.DrawFn) -> Request:
    """An update of the attributes that indexes are made of."""
    name = draw(st.sampled_from(["gk", "gr", "lk", "a", "pk"]))
    request = {"TableName": "tab_two", "Key": draw(keys_two), "UpdateExpression": f"REMOVE {name}", **draw(options())}
    if draw(st.integers(0, 2)):
        value = draw(seldom(odd_keys, numbers if name == "gr" else texts, 10))
        request |= {"UpdateExpression": f"SET {name} = :v", "ExpressionAttributeValues": {":v": value}}
    return "UpdateItem", request


def projected(draw: st.DrawFn, request: Wire, marks: Placeholders) -> None:
    if draw(st.integers(0, 2)) == 0:
        wanted = tuple(draw(st.lists(paths, min_size=1, max_size=3)))
        _member(draw, "ProjectionExpression", compile(wanted, marks), request)


@st.composite
def gets(draw: st.DrawFn) -> Request:
    table, marks = draw(tables), Placeholders()
    request: Wire = {"TableName": table, "Key": draw(keys_of(table))}
    projected(draw, request, marks)
    _placeholders(draw, marks, request)
    return "GetItem", request


@st.composite
def scans(draw: st.DrawFn) -> Request:
    request: Wire = {"TableName": draw(tables)}
    marks = Placeholders()
    if draw(st.booleans()):
        _member(draw, "FilterExpression", compile(draw(conditions | any_conditions), marks), request)
    projected(draw, request, marks)
    reading(draw, request)
    _placeholders(draw, marks, request)
    return "Scan", request


def reading(draw: st.DrawFn, request: Wire) -> None:
    if request["TableName"] == "tab_two" and draw(st.integers(0, 2)) == 0:
        request["IndexName"] = draw(seldom(st.just("by_x"), st.sampled_from(["by_g", "by_l"])))
    if draw(st.integers(0, 5)) == 0:
        request["Select"] = draw(
            st.sampled_from(["COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "SOME"])
        )
    if draw(st.integers(0, 5)) == 0:
        request["Limit"] = draw(st.sampled_from([1, 2, 1000, 0, -1]))
    if draw(st.integers(0, 9)) == 0:
        request["ConsistentRead"] = True


_SORT = ["{} = :1", "{} < :1", "{} <= :1", ":1 < {}", "{} >= :1", "{} BETWEEN :1 AND :2", "begins_with({}, :1)"]
_WRONG_SORT = ["{} <> :1", "{} IN (:1)", "NOT {} = :1", "{} = :1 OR {} = :2", "{}.x = :1", "contains({}, :1)", "z = :1"]


@st.composite
def queries(draw: st.DrawFn) -> Request:
    request: Wire = {"TableName": draw(tables)}
    reading(draw, request)
    partition, sort, kind = {"by_g": ("gk", "gr", numbers), "by_l": ("pk", "lk", texts)}.get(
        request.get("IndexName", ""), ("pk", "sk", numbers)
    )
    text = f"{partition} = :0" if draw(st.integers(0, 30)) else f"{partition} < :0"
    if draw(st.booleans()):
        text += " AND " + draw(seldom(st.sampled_from(_WRONG_SORT), st.sampled_from(_SORT))).format(sort, sort)
    constants = {":0": draw(texts), ":1": draw(seldom(odd_keys, kind, 20)), ":2": draw(kind)}
    _member(draw, "KeyConditionExpression", text, request)
    request["ExpressionAttributeValues"] = {mark: value for mark, value in constants.items() if mark in text}
    if draw(st.booleans()):
        request["ScanIndexForward"] = draw(st.booleans())
    if draw(st.integers(0, 2)) == 0:
        name = draw(st.sampled_from(["a", "b", "sk", "gr", "x"]))
        request["FilterExpression"] = draw(
            st.sampled_from(["attribute_exists({})", "size({}) > :0", "{} = :0"])
        ).format(name)
    return "Query", request


@st.composite
def batch_writes(draw: st.DrawFn) -> Request:
    written: dict[str, list[Wire]] = {}
    for _ in range(draw(st.integers(1, 4))):
        table = draw(tables)
        put = draw(st.booleans())
        one = {"PutRequest": {"Item": draw(items(table))}} if put else {"DeleteRequest": {"Key": draw(keys_of(table))}}
        written.setdefault(table, []).append(one)
    return "BatchWriteItem", {"RequestItems": written}


@st.composite
def batch_gets(draw: st.DrawFn) -> Request:
    asked: dict[str, Wire] = {}
    for table in draw(st.lists(tables, min_size=1, max_size=2, unique=True)):
        asked[table] = {"Keys": draw(st.lists(keys_of(table), min_size=1, max_size=3))}
        marks = Placeholders()
        projected(draw, asked[table], marks)
        _placeholders(draw, marks, asked[table])
    return "BatchGetItem", {"RequestItems": asked}


@st.composite
def transactions(draw: st.DrawFn) -> Request:
    actions = []
    for _ in range(draw(st.integers(1, 3))):
        table = draw(tables)
        match draw(st.sampled_from(["Put", "Delete", "ConditionCheck", "Update"])):
            case "Put":
                action = {"Put": draw(conditional({"TableName": table, "Item": draw(items(table))}))}
            case "Update":
                action = {"Update": draw(update_members(table))}
            case kind:
                action = {kind: draw(conditional({"TableName": table, "Key": draw(keys_of(table))}, odds=4))}
        actions.append(action)
    return "TransactWriteItems", {"TransactItems": actions}


@st.composite
def transact_gets(draw: st.DrawFn) -> Request:
    actions = []
    for _ in range(draw(st.integers(1, 3))):
        _, request = draw(gets())
        actions.append({"Get": request})
    return "TransactGetItems", {"TransactItems": actions}


_OPERATORS = "EQ NE LT LE GT GE BETWEEN IN BEGINS_WITH CONTAINS NOT_CONTAINS NULL NOT_NULL XX".split()


@st.composite
def legacy(draw: st.DrawFn) -> Request:
    """A request with the parameters from before expressions."""
    name = draw(st.sampled_from(["a", "b", "gk", "x"]))
    operator = draw(st.sampled_from(_OPERATORS))
    count = {"BETWEEN": 2, "NULL": 0, "NOT_NULL": 0}.get(operator, 1) + draw(seldom(st.just(1), st.just(0)))
    comparison = {"ComparisonOperator": operator, "AttributeValueList": [draw(values) for _ in range(count)]}
    table = draw(tables)
    match draw(st.integers(0, 2)):
        case 0:
            return "Scan", {"TableName": table, "ScanFilter": {name: comparison}}
        case 1:
            expected = draw(st.sampled_from([comparison, {"Exists": False}, {"Value": draw(values)}, {"Exists": True}]))
            return "PutItem", {"TableName": table, "Item": draw(items(table)), "Expected": {name: expected}}
    action: Wire = {"Action": draw(st.sampled_from(["PUT", "ADD", "DELETE", "SET"]))}
    if draw(st.integers(0, 4)):
        action["Value"] = draw(values)
    key = draw(keys_of(table))
    return "UpdateItem", {"TableName": table, "Key": key, "AttributeUpdates": {name: action}, **draw(options())}


@st.composite
def misshapen(draw: st.DrawFn) -> Request:
    """A request with a member that is missing, empty, or of another JSON type."""
    operation, request = draw(gets() | puts() | update_requests() | scans() | queries())
    member = draw(st.sampled_from(sorted(request)))
    value = draw(st.sampled_from([None, "", {}, [], 0, True, "x", "ab", {"S": "x"}]))
    return operation, {**request, member: value}


writes = puts() | update_requests() | index_updates()
requests: SearchStrategy[Request] = st.one_of(
    writes,
    writes,
    deletes(),
    gets(),
    scans(),
    queries(),
    queries(),
    batch_writes(),
    batch_gets(),
    transactions(),
    transact_gets(),
    legacy(),
    misshapen(),
)


@st.composite
def seeds(draw: st.DrawFn) -> Request:
    """A put that is right."""
    table = draw(tables)
    item = json.loads(encode_item(draw(plain_items)))
    for name, right in INDEXED.items():
        if draw(st.booleans()):
            item[name] = draw(right)
    return "PutItem", {"TableName": table, "Item": {**item, "pk": draw(texts), "sk": draw(numbers)}}


sessions = st.builds(
    lambda first, rest: first + rest,
    st.lists(seeds(), min_size=1, max_size=4),
    st.lists(requests, min_size=1, max_size=6),
)
