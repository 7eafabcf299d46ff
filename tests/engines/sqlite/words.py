"""Words that many refusals share, and the parts that their requests are made of."""

from typing import Any

from places import DATA

Wire = dict[str, Any]
Row = tuple[str, Wire, str]

INVALID = "One or more parameter values were invalid: "
UNUSABLE = "One or more parameter values are not valid. "
ENVELOPE = "1 validation error detected: "
MISSING = "Requested resource not found"
A, ONE = {"S": "a"}, {"N": "1"}
NO_TABLE = {"TableName": "nowhere"}
NAMED_TAB = "arn:aws:dynamodb:local:000000000000:table/"


def broken(where: str, shown: str, constraint: str, of: str = "1 validation error") -> str:
    return f"{of} detected: Value {shown} at '{where}' failed to satisfy constraint: Member must {constraint}"


def units(read: int, write: int) -> Wire:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}


def keys(partition: str, sort: str = "") -> list[Wire]:
    named = [(name, "HASH") for name in partition.split()] + [(name, "RANGE") for name in sort.split()]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in named]


def definitions(names: str) -> list[Wire]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names.split()]


def index(name: str, schema: list[Wire], projection: Any = None, **more: Any) -> Wire:
    return {"IndexName": name, "KeySchema": schema, "Projection": projection or {"ProjectionType": "ALL"}, **more}


def mixed(older: str, newer: str) -> str:
    return (
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        f"{{{older}}} Expression parameters: {{{newer}}}"
    )


def cases(name: str) -> list[tuple[str, str, str]]:
    """The cases of a file of tests/data: an operation, the text of its request, the whole text of the refusal."""
    found = []
    for case in (DATA / name).read_text().strip().split("\n\n")[1:]:
        request, answer = case.split("\n")
        operation, body = request.split(" ", 1)
        found.append((operation, body, answer))
    return found
