"""PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
"""

from __future__ import annotations

import json
import re

from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.intents.settings import PolicyAsked, Resource
from flyexpr.engines.sqlite.request.json_types import Structure
from flyexpr.engines.sqlite.request.member_rules import TABLE_ARN, Rule, boolean_rule, sized_text_rule, text_rule
from flyexpr.engines.sqlite.request.members import Members, read_members, rules_of
from flyexpr.engines.sqlite.request.shapes import DELETE_RESOURCE_POLICY, GET_RESOURCE_POLICY, PUT_RESOURCE_POLICY

MAX_POLICY = 20 * 1024  # bytes
_RULES: dict[str, Rule] = {
    "ResourceArn": sized_text_rule(1, 1283),
    "ExpectedRevisionId": sized_text_rule(1, 255),
    "Policy": text_rule,
    "ConfirmRemoveSelfResourceAccess": boolean_rule,
}
_ARN = re.compile(TABLE_ARN + r"(?:/stream/[^/]+)?")


def read_put_policy(request: Members) -> PolicyAsked:
    """What a PutResourcePolicy asks for."""
    return _read(request, PUT_RESOURCE_POLICY, "ResourceArn", "Policy")


def read_get_policy(request: Members) -> PolicyAsked:
    """What a GetResourcePolicy asks for."""
    return _read(request, GET_RESOURCE_POLICY, "ResourceArn")


def read_delete_policy(request: Members) -> PolicyAsked:
    """What a DeleteResourcePolicy asks for."""
    return _read(request, DELETE_RESOURCE_POLICY, "ResourceArn")


def check_policy(text: str) -> None:
    """None for the text of a policy; ValidationException for one that is too large, or not a JSON object.

    >>> check_policy('{"Version": "2012-10-17", "Statement": []}')
    >>> check_policy("[]")
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: Invalid policy document: it is not a JSON object
    """
    if len(text.encode()) > MAX_POLICY:
        raise invalid(f"Resource policy size exceeds the maximum allowed size of {MAX_POLICY} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise invalid("Invalid policy document: it is not a JSON object")


def _read(request: Members, shape: Structure, *required: str) -> PolicyAsked:
    members = read_members(request, rules_of(shape, *required, among=_RULES))
    arn, text = members["ResourceArn"], members.get("Policy", "")
    matched = _ARN.fullmatch(arn)
    if matched is None:
        raise invalid(f"Invalid ResourceArn: {arn}")
    if "Policy" in required:
        check_policy(text)
    return PolicyAsked(Resource(arn, matched[1]), members.get("ExpectedRevisionId"), text)
