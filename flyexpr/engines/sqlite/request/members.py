"""The members of a request: read by their rules, with every broken rule reported in the service's words.

In the operations on items a member has one rule, so one table serves all of them. A member that an operation does not
have is passed over, as the service does; JSON null counts as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, validation_errors
from flyexpr.engines.sqlite.request.json_types import ITEM, Structure, wrong_type
from flyexpr.engines.sqlite.request.member_rules import (
    INT_MAX,
    ObjectRules,
    Rule,
    boolean_rule,
    choice_rule,
    integer_rule,
    item_rule,
    list_rule,
    map_rule,
    name_rule,
    sized_text_rule,
    table_rule,
    text_rule,
)

Members = dict[str, Any]
"""The members of a request or of a part of it, by name."""


def read_members(request: Any, rules: ObjectRules, within: str = "", *, newer: bool = False) -> Members:
    """The members of a request (or of a part of it, whose path is `within`), each read by its rule.

    >>> rules = ObjectRules({name: RULES[name] for name in ("TableName", "Limit")}, ["TableName"])
    >>> read_members({"TableName": "scores", "Limit": 1.5, "Unknown": 1}, rules)
    {'TableName': 'scores', 'Limit': 1}
    >>> read_members({"TableName": "s", "Limit": 0}, rules, newer=True)
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: 2 validation errors detected: Value 's' at 'tableName' failed to \
satisfy constraint: Member must have length greater than or equal to 3; Value at 'Limit' failed to satisfy constraint: \
Member must have value greater than or equal to 1
    """
    problems: list[str] = []
    members = gather(request, rules, within, problems, newer=newer)
    if problems:
        raise validation_errors(problems)
    return members


def check_table_name(request: Members) -> None:
    """None for a request that names a table; the operations on tables themselves ask for it before all else.

    >>> check_table_name({"TableName": "ab"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: TableName must be at least 3 characters long and at most 255 \
characters long
    """
    check_table_named(request)
    name, problems = table_rule(request["TableName"])
    if problems and not 3 <= len(name) <= 255:
        raise invalid("TableName must be at least 3 characters long and at most 255 characters long")


def check_table_named(request: Members) -> None:
    """None for a request with a TableName. In CreateTable one that is too short is one problem among others."""
    if request.get("TableName") is None:
        raise invalid("The parameter 'TableName' is required but was not present in the request")


def gather(request: Any, rules: ObjectRules, within: str, problems: list[str], *, newer: bool = False) -> Members:
    """The members of a request, each read by its rule; broken ones are added to `problems`.

    `newer` is for Query and Scan: the service's newer layer reads their numbers.
    """
    if type(request) is not dict:
        raise wrong_type(request, ITEM)
    for name in rules.required:
        if request.get(name) is None:
            problems.append(_broken(within, name, None, "Member must not be null"))
    members, rule_of = {}, rules.members.get
    for name, raw in request.items():
        rule = rule_of(name)
        if rule is not None and raw is not None:
            members[name], constraints = rule(raw)
            if constraints:
                describe = _newer if newer and _is_newer(name, raw) else _broken
                problems += [describe(within, name, members[name], constraint) for constraint in constraints]
    return members


def broken(where: str, value: Any, constraint: str) -> str:
    """One broken constraint, in the words of the service's older layer, which all regions still understand.

    >>> broken("tableName", "ab", "Member must have length greater than or equal to 3")
    "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"
    """
    shown = "null" if value is None else f"'{java_text(value)}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"


def java_text(value: Any) -> str:
    """A JSON value as Java writes it; what lists and objects hold in turn is left out.

    >>> java_text({"scores": [1, 2], "on": True})
    '{scores=[...], on=true}'
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_java_part(part)}' for name, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_java_part, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _java_part(value: Any) -> str:
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    return java_text(value)


def _broken(within: str, name: str, value: Any, constraint: str) -> str:
    return broken(f"{within}{name[0].lower()}{name[1:]}", value, constraint)


def newly_broken(where: str, constraint: str) -> str:
    """One broken constraint in the words of the newer layer, which names no value.

    >>> newly_broken("Limit", "Member must have value greater than or equal to 1")
    "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
    """
    return f"Value at '{where}' failed to satisfy constraint: {constraint}"


def _newer(within: str, name: str, value: Any, constraint: str) -> str:
    return newly_broken(within + name, constraint)


def _is_newer(name: str, raw: Any) -> bool:
    """Whether the newer layer looks at a member of Query or Scan: at the numbers, but for the odd ones."""
    return name in ("Limit", "Segment", "TotalSegments") and type(raw) is int and abs(raw) <= INT_MAX


RULES: dict[str, Rule] = {
    "TableName": table_rule,
    "IndexName": name_rule,
    "Key": map_rule,
    "Item": item_rule,
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


def rules_of(shape: Structure, *required: str, among: Mapping[str, Rule] = RULES) -> ObjectRules:
    """The rules for the members that a request has, or a part of it: those of a table for several shapes.

    >>> list(rules_of(Structure("Get", {"Key": ITEM})).members)
    ['Key']
    """
    return ObjectRules({name: among[name] for name in shape.members if name in among}, required)
