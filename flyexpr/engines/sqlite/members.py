"""The members of a request: read by their rules, with every broken rule reported in the service's words.

A member has one rule, whatever the operation, so one table serves all of them. A member that the table does not know is
passed over, as the service does; JSON null counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, unreadable
from flyexpr.engines.sqlite.rules import (
    Rule,
    boolean_rule,
    choice_rule,
    integer_rule,
    list_rule,
    map_rule,
    name_rule,
    sized_text_rule,
    table_rule,
    text_rule,
)

Request = dict[str, Any]


def read_members(request: Any, required: Iterable[str] = (), within: str = "") -> Request:
    """The members of a request (or of the part of it that is found `within`), each read by its rule.

    >>> read_members({"TableName": "scores", "Limit": 1.5, "Unknown": 1}, ["TableName"])
    {'TableName': 'scores', 'Limit': 1}
    >>> read_members({"TableName": "s", "Limit": 0})
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: 2 validation errors detected: Value 's' at 'tableName' failed to \
satisfy constraint: Member must have length greater than or equal to 3; Value '0' at 'limit' failed to satisfy \
constraint: Member must have value greater than or equal to 1
    """
    problems: list[str] = []
    members = gather(request, RULES, required, within, problems)
    if problems:
        raise invalid(told(problems))
    return members


def gather(
    request: Any, rules: Mapping[str, Rule], required: Iterable[str], within: str, problems: list[str]
) -> Request:
    """The members of a request, read by a table of rules; broken ones are added to `problems`."""
    if type(request) is not dict:
        raise unreadable("Unexpected value type in payload")
    for name in required:
        if request.get(name) is None:
            problems.append(_broken(within, name, None, "Member must not be null"))
    members = {}
    for name, raw in request.items():
        rule = rules.get(name)
        if rule is not None and raw is not None:
            members[name], constraints = rule(raw)
            if constraints:
                problems += [_broken(within, name, raw, constraint) for constraint in constraints]
    return members


def told(problems: list[str]) -> str:
    """Broken constraints as one message.

    >>> told(["a", "b"])
    '2 validation errors detected: a; b'
    """
    return f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: {'; '.join(problems)}"


def broken(where: str, value: Any, constraint: str) -> str:
    """One broken constraint, in the words of the service's older layer, which all regions still understand.

    >>> broken("tableName", "ab", "Member must have length greater than or equal to 3")
    "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"
    """
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"


def _broken(within: str, name: str, value: Any, constraint: str) -> str:
    return broken(f"{within}{name[0].lower()}{name[1:]}", value, constraint)


RULES: dict[str, Rule] = {
    "TableName": table_rule,
    "IndexName": name_rule,
    "Key": map_rule,
    "Item": map_rule,
    "ExclusiveStartKey": map_rule,
    "ExclusiveStartTableName": name_rule,
    "RequestItems": map_rule,
    "TransactItems": list_rule(1, 100),
    "ClientRequestToken": sized_text_rule(1, 36),
    "ConsistentRead": boolean_rule,
    "ScanIndexForward": boolean_rule,
    "Limit": integer_rule(1),
    "Segment": integer_rule(0, 999_999),
    "TotalSegments": integer_rule(1, 1_000_000),
    "Select": choice_rule("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
    "ReturnValues": choice_rule("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    "ReturnValuesOnConditionCheckFailure": choice_rule("ALL_OLD", "NONE"),
    "ReturnConsumedCapacity": choice_rule("INDEXES", "TOTAL", "NONE"),
    "ReturnItemCollectionMetrics": choice_rule("SIZE", "NONE"),
    "ConditionalOperator": choice_rule("AND", "OR"),
    "ConditionExpression": text_rule,
    "FilterExpression": text_rule,
    "KeyConditionExpression": text_rule,
    "ProjectionExpression": text_rule,
    "UpdateExpression": text_rule,
    "ExpressionAttributeNames": map_rule,
    "ExpressionAttributeValues": map_rule,
    "AttributesToGet": list_rule(),
    "AttributeUpdates": map_rule,
    "Expected": map_rule,
    "KeyConditions": map_rule,
    "QueryFilter": map_rule,
    "ScanFilter": map_rule,
    "Keys": list_rule(),
}
