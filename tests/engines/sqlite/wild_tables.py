"""Random tables with random indexes, and requests that fit them: what `wild` with its two tables leaves out.

The table is `tab_any`. Its attributes pk, sk, u, v and w are of any key type; w is only in an index added later.
"""

from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from wild import Request, Wire, schema, seldom

NAME = "tab_any"
VALUES: dict[str, list[Wire]] = {
    "S": [{"S": text} for text in ("a", "ab", "b", "Z", "é", "｡", "😀", "10", "9")],
    "N": [{"N": text} for text in ("-10", "-1.5", "0", "0.001", "2", "2.0", "1e2", "99", "12345678901234567890")],
    "B": [{"B": text} for text in ("AA==", "AAA=", "/w==", "gA==", "YWI=", "YQ==")],
}
MEASURED = {"ReturnConsumedCapacity": "INDEXES"}


class Shape(NamedTuple):
    """A table: the type of each key attribute, and the request that makes it."""

    kinds: dict[str, str]
    create: Wire

    @property
    def key(self) -> list[str]:
        return [part["AttributeName"] for part in self.create["KeySchema"]]

    def index_keys(self) -> dict[str, list[str]]:
        """The key attributes of each index."""
        indexes = [*self.create.get("GlobalSecondaryIndexes", ()), *self.create.get("LocalSecondaryIndexes", ())]
        return {index["IndexName"]: [part["AttributeName"] for part in index["KeySchema"]] for index in indexes}


PROJECTIONS = st.sampled_from(
    [
        {"ProjectionType": "ALL"},
        {"ProjectionType": "KEYS_ONLY"},
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
    ]
)


@st.composite
def index(draw: st.DrawFn, name: str, *keys: str) -> Wire:
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": draw(PROJECTIONS)}


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    kinds = {name: draw(st.sampled_from("SNB")) for name in ("pk", "sk", "u", "v", "w")}
    key = ["pk", "sk"] if draw(st.integers(0, 3)) else ["pk"]
    local = [draw(index("by_l", "pk", draw(st.sampled_from("uv"))))] if len(key) > 1 and draw(st.booleans()) else []
    pairs = draw(st.lists(st.permutations([*key, "u", "v"]), max_size=2))
    several = [draw(index(f"by_{n}", *pair[: draw(st.integers(1, 2))])) for n, pair in enumerate(pairs)]
    create: Wire = {"TableName": NAME, "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema(*key)}
    create |= {"LocalSecondaryIndexes": local} if local else {}
    create |= {"GlobalSecondaryIndexes": several} if several else {}
    used = {*key, *(name for keys in Shape(kinds, create).index_keys().values() for name in keys)}
    create["AttributeDefinitions"] = definitions(kinds, used)
    return Shape(kinds, create)


def definitions(kinds: dict[str, str], names: set[str]) -> list[Wire]:
    return [{"AttributeName": name, "AttributeType": kinds[name]} for name in sorted(names)]


# items and single writes


def value(shape: Shape, name: str) -> SearchStrategy[Wire]:
    """A value of the type that the attribute has as a key, now and then of another."""
    odd = st.sampled_from([*(value for values in VALUES.values() for value in values), {"S": ""}, {"NULL": True}])
    return seldom(odd, st.sampled_from(VALUES[shape.kinds[name]]), 40)


@st.composite
def keys(draw: st.DrawFn, shape: Shape) -> Wire:
    return {name: draw(value(shape, name)) for name in shape.key}


@st.composite
def items(draw: st.DrawFn, shape: Shape) -> Wire:
    item = draw(keys(shape))
    for name in ("u", "v", "w"):
        if draw(st.integers(0, 2)):
            item[name] = draw(value(shape, name))
    item |= {"x": {"N": str(draw(st.integers(0, 3)))}} if draw(st.booleans()) else {}
    return item | {"y": {"S": "y" * draw(st.sampled_from([1, 900, 1100, 5000]))}}


@st.composite
def writes(draw: st.DrawFn, shape: Shape) -> Request:
    given: Wire = {"TableName": NAME, **MEASURED}
    given |= {"ReturnItemCollectionMetrics": "SIZE"} if draw(st.booleans()) else {}
    match draw(st.integers(0, 5)):
        case 0:
            returns = draw(st.sampled_from(["NONE", "ALL_OLD"]))
            return "DeleteItem", {**given, "Key": draw(keys(shape)), "ReturnValues": returns}
        case 1 | 2 | 3:
            return "PutItem", {**given, "Item": draw(items(shape)), "ReturnValues": draw(st.sampled_from(["ALL_OLD"]))}
    returns = draw(st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]))
    return "UpdateItem", {**given, "ReturnValues": returns, **draw(updates(shape))}


@st.composite
def updates(draw: st.DrawFn, shape: Shape) -> Wire:
    """An update of up to three attributes, some of them of indexes; x makes sure that it makes an item."""
    sets, removes, constants = ["x = :x"], [], {":x": {"N": "5"}}
    for name in draw(st.lists(st.sampled_from(["u", "v", "w", "y"]), unique=True, max_size=2)):
        if draw(st.booleans()):
            removes.append(name)
        else:
            sets.append(f"{name} = :{name}")
            constants[f":{name}"] = draw(st.sampled_from(VALUES[shape.kinds.get(name, "S")]))
    text = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    return {"Key": draw(keys(shape)), "UpdateExpression": text, "ExpressionAttributeValues": constants}


# several at once


@st.composite
def batches(draw: st.DrawFn, shape: Shape) -> Request:
    puts = [{"PutRequest": {"Item": item}} for item in draw(st.lists(items(shape), max_size=4))]
    deletes = [{"DeleteRequest": {"Key": key}} for key in draw(st.lists(keys(shape), max_size=2))]
    return "BatchWriteItem", {"RequestItems": {NAME: [*puts, *deletes]}, **MEASURED}


@st.composite
def batch_gets(draw: st.DrawFn, shape: Shape) -> Request:
    asked: Wire = {"Keys": draw(st.lists(keys(shape), min_size=1, max_size=4))}
    asked |= {"AttributesToGet": ["x", "u"]} if draw(st.booleans()) else {"ConsistentRead": draw(st.booleans())}
    return "BatchGetItem", {"RequestItems": {NAME: asked}, **MEASURED}


@st.composite
def transactions(draw: st.DrawFn, shape: Shape) -> Request:
    """Writes with one of two tokens, so that some come twice and some do not match."""
    actions: list[Wire] = []
    for _ in range(draw(st.integers(1, 3))):
        match draw(st.integers(0, 3)):
            case 0:
                actions.append({"Delete": {"Key": draw(keys(shape))}})
            case 1:
                check = {"ConditionExpression": draw(st.sampled_from(["attribute_exists(x)", "attribute_exists(pk)"]))}
                actions.append({"ConditionCheck": {"Key": draw(keys(shape)), **check}})
            case 2:
                actions.append({"Put": {"Item": draw(items(shape))}})
            case 3:
                actions.append({"Update": draw(updates(shape))})
    request: Wire = {"TransactItems": [{k: {"TableName": NAME, **v} for k, v in one.items()} for one in actions]}
    request |= {"ClientRequestToken": draw(st.sampled_from(["tab_1", "tab_2"]))} if draw(st.booleans()) else {}
    return "TransactWriteItems", {**request, **MEASURED}


@st.composite
def transact_gets(draw: st.DrawFn, shape: Shape) -> Request:
    gets = [{"Get": {"TableName": NAME, "Key": key}} for key in draw(st.lists(keys(shape), min_size=1, max_size=3))]
    return "TransactGetItems", {"TransactItems": gets, **MEASURED}


# reads: all their pages, which the session asks for one after the other

_OPERATORS = {"EQ": "{} = {}", "LT": "{} < {}", "LE": "{} <= {}", "GT": "{} > {}", "GE": "{} >= {}"}
_OPERATORS |= {"BEGINS_WITH": "begins_with({}, {})", "BETWEEN": "{} BETWEEN {} AND {}"}


@st.composite
def queries(draw: st.DrawFn, shape: Shape) -> Request:
    targets = {"": shape.key, **shape.index_keys(), "by_w": ["w"]}
    name = draw(st.sampled_from(sorted(targets)))
    request: Wire = {"TableName": NAME, **MEASURED, **({"IndexName": name} if name else {})}
    request |= draw(reading(index=bool(name)))
    wanted = {targets[name][0]: ("EQ", [draw(value(shape, targets[name][0]))])}
    if len(targets[name]) > 1 and draw(st.booleans()):
        operator = draw(st.sampled_from(sorted(_OPERATORS)))
        several = 2 if operator == "BETWEEN" else 1
        wanted[targets[name][1]] = operator, [draw(value(shape, targets[name][1])) for _ in range(several)]
    request |= key_conditions(wanted) if draw(st.booleans()) else key_condition(wanted)
    request["ScanIndexForward"] = draw(st.booleans())
    return "Query", request


def key_condition(wanted: dict[str, tuple[str, list[Wire]]]) -> Wire:
    parts, constants = [], {}
    for name, (operator, values) in wanted.items():
        marks = [f":{name}{position}" for position, _ in enumerate(values)]
        parts.append(_OPERATORS[operator].format(name, *marks))
        constants.update(zip(marks, values, strict=True))
    return {"KeyConditionExpression": " AND ".join(parts), "ExpressionAttributeValues": constants}


def key_conditions(wanted: dict[str, tuple[str, list[Wire]]]) -> Wire:
    """The same in the words from before expressions, with a filter to go with it."""
    conditions = {
        name: {"ComparisonOperator": operator, "AttributeValueList": values}
        for name, (operator, values) in wanted.items()
    }
    return {"KeyConditions": conditions, "QueryFilter": {"x": {"ComparisonOperator": "NOT_NULL"}}}


@st.composite
def reading(draw: st.DrawFn, index: bool) -> Wire:
    found: Wire = {"ConsistentRead": True} if draw(st.integers(0, 4)) == 0 else {}
    found |= {"Limit": draw(st.sampled_from([1, 2, 3]))} if draw(st.booleans()) else {}
    select = st.sampled_from(["COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES" if index else "COUNT"])
    return found | ({"Select": draw(select)} if draw(st.integers(0, 2)) == 0 else {})


@st.composite
def scans(draw: st.DrawFn, shape: Shape) -> Request:
    name = draw(st.sampled_from(["", *sorted(shape.index_keys()), "by_w"]))
    request: Wire = {"TableName": NAME, **MEASURED, **({"IndexName": name} if name else {})}
    request |= draw(reading(index=bool(name)))
    if draw(st.booleans()):
        request |= {"Segment": 0, "TotalSegments": draw(st.integers(1, 3))}  # the session goes on to the others
    if draw(st.integers(0, 2)) == 0:
        conditions = {name: {"ComparisonOperator": "NULL"} for name in ("x", "u")}
        request |= {"ScanFilter": conditions, "ConditionalOperator": draw(st.sampled_from(["OR", "AND"]))}
    return "Scan", request


# tables


@st.composite
def changes(draw: st.DrawFn, shape: Shape) -> Request:
    """The time to live is switched on, or nothing but a description."""
    if draw(st.booleans()):
        wanted = {"AttributeName": "exp", "Enabled": True}
        return "UpdateTimeToLive", {"TableName": NAME, "TimeToLiveSpecification": wanted}
    return draw(st.sampled_from(["DescribeTable", "DescribeTimeToLive"])), {"TableName": NAME}


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Shape, list[Request]]:
    """A table, items to begin with, and what is done to them."""
    shape = draw(shapes())
    first = [("PutItem", {"TableName": NAME, "Item": item}) for item in draw(st.lists(items(shape), max_size=6))]
    kinds = (writes, writes, writes, batches, batch_gets, transactions, transact_gets, queries, queries, scans, changes)
    rest = draw(st.lists(st.one_of([kind(shape) for kind in kinds]), min_size=1, max_size=8))
    return shape, first + [one for place, one in enumerate(rest) if not repeated(one, rest[:place])]


def repeated(request: Request, before: list[Request]) -> bool:
    """True for a time to live that is switched on already: dynoxide takes that, as the service does not."""
    return request[0] == "UpdateTimeToLive" and request in before


@st.composite
def fillings(draw: st.DrawFn) -> tuple[Shape, list[Request], Request]:
    """A table without an index on w, what is done to it, and the request that makes that index."""
    shape = draw(shapes())
    several = [fitting(shape, item) for item in draw(st.lists(items(shape), max_size=12))]
    done = [("PutItem", {"TableName": NAME, "Item": item}) for item in several]
    keys = draw(st.sampled_from([["w"], ["w", "pk"], ["pk", "w"], ["w", "u"]]))
    create = {"GlobalSecondaryIndexUpdates": [{"Create": draw(index("by_w", *keys))}]}
    defined = definitions(shape.kinds, set(keys))
    return shape, done, ("UpdateTable", {"TableName": NAME, "AttributeDefinitions": defined, **create})


def fitting(shape: Shape, item: Wire) -> Wire:
    """The item without attributes of another type than keys have: dynoxide takes them into a new index."""
    return {name: value for name, value in item.items() if name in "xy" or value.get(shape.kinds[name])}
