"""SearchVectors: its request, in the order and the words of the service's search host.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SearchVectors.html
"""

from __future__ import annotations

from math import hypot, inf
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, validation_errors
from flyexpr.engines.sqlite.request.expressions import check_placeholders, parse_expressions
from flyexpr.engines.sqlite.request.intents.reads import SearchAsked
from flyexpr.engines.sqlite.request.member_rules import Rule
from flyexpr.engines.sqlite.request.members import RULES, Members, broken, newly_broken
from flyexpr.engines.sqlite.request.searches.bodies import INTERNAL_TYPES
from flyexpr.engines.sqlite.request.wire import read_sized
from flyexpr.values.vectors import LARGEST

MOST_RESULTS = 100
_CONDITION, _PROJECTION = "SearchConditionExpression", "ProjectionExpression"
_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
_OF_NUMBERS = b"0123456789.eE+-"  # what Python takes for a float of these is a number to the service too


def read_search(request: Members) -> SearchAsked:
    """What a SearchVectors asks for.

    >>> request = {"TableName": "docs", "IndexName": "ByMeaning", "SearchVector": [{"N": "0.5"}], "TopK": 3}
    >>> read_search(request).vector
    (0.5,)
    """
    _check_members(request)
    table = _bare("tableName", request["TableName"], RULES["TableName"])
    capacity = request.get("ReturnConsumedCapacity", "NONE")
    _bare("returnConsumedCapacity", capacity, RULES["ReturnConsumedCapacity"])
    if request["TopK"] > MOST_RESULTS:
        raise invalid(
            f"Provided TopK value '{request['TopK']}' is out of valid range. "
            f"The value must be between 1 and {MOST_RESULTS} inclusive"
        )
    vector = vector_of([wire.get("N", "") for wire in request["SearchVector"]])
    _check_placeholders(request)
    nodes, unused = parse_expressions(request)
    return SearchAsked(
        table,
        request["IndexName"],
        vector,
        request["TopK"],
        nodes.get(_CONDITION),
        nodes.get(_PROJECTION),
        capacity,
        unused,
    )


def _check_members(request: Members) -> None:
    if not request["TableName"]:
        raise validation_errors([newly_broken("TableName", "Member must have length greater than or equal to 1")])
    problems = [
        newly_broken(name, f"Member must have {measure} greater than or equal to {least}")
        for name, measure, size, least in (
            ("IndexName", "length", len(request["IndexName"]), 3),
            ("SearchVector", "length", len(request["SearchVector"]), 1),
            ("TopK", "value", request["TopK"], 1),
        )
        if size < least
    ]
    if len(request["IndexName"]) > 255:
        problems.insert(0, newly_broken("IndexName", "Member must have length less than or equal to 255"))
    if problems:
        raise validation_errors(problems)


def _bare(where: str, value: str, rule: Rule) -> Any:
    """A member as its rule reads it; the host says what is wrong with it without an envelope, and one thing only."""
    read, problems = rule(value)
    if problems:
        raise invalid(broken(where, value, problems[0]))
    return read


def vector_of(texts: list[str]) -> tuple[float, ...]:
    """The numbers of a vector, by their texts; DynamoError if one is not a number, or too large.

    >>> vector_of(["0.5", "-1e3"])
    (0.5, -1000.0)
    """
    try:
        numbers = tuple(map(float, texts))
    except ValueError:
        numbers = (inf,)
    # Where even the length is a number of 32 bits, each of the numbers is: an eighth of the time of a look at each.
    in_range = hypot(*numbers) <= LARGEST or max(map(abs, numbers)) <= LARGEST
    if in_range and not "".join(texts).encode().translate(None, _OF_NUMBERS):
        return numbers
    raise invalid(
        "Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point number "
        "attribute"
    )


def _check_placeholders(request: Members) -> None:
    """None for names and values that an expression may use; the values are looked at first."""
    names, values = request.get(_NAMES), request.get(_VALUES)
    for wire in (values or {}).values():
        if not INTERNAL_TYPES.isdisjoint(wire):
            raise invalid("This type mapping is not supported")
        read_sized(wire)
    for member, placeholders in ((_NAMES, names), (_VALUES, values)):
        if placeholders == {}:
            raise invalid(f"{member} must not be empty")
    check_placeholders(names or {}, values or {})
    if names and _CONDITION not in request and _PROJECTION not in request:
        raise invalid(f"{_NAMES} can only be specified when using expressions")
    if values and _CONDITION not in request:
        raise invalid(f"{_VALUES} can only be specified when using expressions")
