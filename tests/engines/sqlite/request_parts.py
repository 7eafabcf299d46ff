"""Parts of requests and outcomes that the predicates of the known differences ask for."""

import re
from collections.abc import Iterator
from typing import Any

from beside import Case, Outcome
from wild import Wire

CANCELLED = "TransactionCanceledException"
CONDITION_FAILED = "ConditionalCheckFailedException"
INVALID = "One or more parameter values were invalid: "


def parts(case: Case) -> list[Wire]:
    """The actions of a transaction, the tables of a BatchGetItem; of every other request, the request."""
    if case.operation == "BatchGetItem":
        return list(case.request["RequestItems"].values())
    if case.operation.startswith("Transact"):
        return [part for action in case.request["TransactItems"] for part in action.values()]
    return [case.request]


def map_member(part: Wire, member: str) -> Wire:
    """A member of a part that is a map; nothing where it is missing or no map."""
    value = part.get(member)
    return value if isinstance(value, dict) else {}


def expressions(part: Wire) -> Iterator[str]:
    """The texts of the expressions of a part, without the blanks that may stand in a path or before a parenthesis.

    >>> list(expressions({"FilterExpression": "size ( a . b [ 0 ] ) > :v"}))
    ['size(a.b[0]) > :v']
    """
    for member in ("ConditionExpression", "FilterExpression", "ProjectionExpression", "UpdateExpression"):
        if isinstance(part.get(member), str):
            yield re.sub(r"\s*([.\[(])\s*|\s+(?=[\])])", r"\1", part[member])


def paths(part: Wire) -> list[list[str]]:
    """The document paths in the expressions of a part, with the names that placeholders stand for.

    >>> paths({"ProjectionExpression": "#a . b[01], c", "ExpressionAttributeNames": {"#a": "x.y"}})
    [['x.y', 'b', '[1]'], ['c']]
    """
    names = map_member(part, "ExpressionAttributeNames")
    return [
        [
            f"[{int(step[1:-1])}]" if step[0] == "[" else names.get(step, step)
            for step in re.findall(r"\[\d+\]|#?\w+", path)
        ]
        for text in expressions(part)
        for path in re.findall(r"(?<![:\w])[#A-Za-z_]\w*(?:\.[#\w]+|\[\d+\])*(?![\w(])", text)
    ]


def shown(path: list[str]) -> str:
    """A path as the service shows it in an error."""
    return f"[{', '.join(path)}]"


def placeholders(part: Wire) -> list[str]:
    """The placeholders in the expressions of a part."""
    return [mark for text in expressions(part) for mark in re.findall(r"[#:]\w+", text)]


def unused(part: Wire, member: str) -> list[str]:
    """The placeholders that a member of a part defines and none of its expressions uses."""
    return [mark for mark in map_member(part, member) if mark not in placeholders(part)]


def undefined(part: Wire) -> list[str]:
    """The placeholders in the expressions of a part that it does not define."""
    names, values = (map_member(part, f"ExpressionAttribute{member}") for member in ("Names", "Values"))
    return [mark for mark in placeholders(part) if mark not in names and mark not in values]


def kinds(part: Wire) -> set[str]:
    """The types of the values that a part gives to its expressions."""
    return {kind for value in map_member(part, "ExpressionAttributeValues").values() for kind in value}


def answers(outcome: Outcome) -> bool:
    return not outcome.code


def clause(case: Case) -> str:
    """What the embedded engine says, without the envelope of a single write."""
    return case.ours.message.removeprefix("1 validation error detected: ")


def refused_here_alone(case: Case) -> bool:
    """True where dynoxide goes on to carry the request out, whether or not its conditions hold."""
    return case.ours.code == "ValidationException" and case.theirs.code in ("", CONDITION_FAILED, CANCELLED)


def removes_only(update: Any) -> bool:
    actions = map_member(update, "AttributeUpdates")
    if actions:
        return all(action.get("Action") == "DELETE" for action in actions.values())
    clauses = set(re.findall("SET|ADD|REMOVE|DELETE", str(update.get("UpdateExpression"))))
    return bool(clauses) and clauses <= {"REMOVE", "DELETE"}


def has_path_as_default(update: Wire) -> bool:
    """Whether the default of an if_not_exists is an attribute, or made of one.

    >>> has_path_as_default({"UpdateExpression": "SET a = if_not_exists(b, c)"})
    True
    """
    return any(re.search(r"if_not_exists\([^,]+, *[^: ]", text) for text in expressions(update))


def longest(wire: Any) -> int:
    """The length of the longest text in wire form."""
    if isinstance(wire, dict):
        return max(map(longest, wire.values()), default=0)
    if isinstance(wire, list):
        return max(map(longest, wire), default=0)
    return len(wire.encode(errors="surrogatepass")) if isinstance(wire, str) else 0
