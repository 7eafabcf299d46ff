"""Resource policies: they are kept and given back, and nothing is allowed or denied by them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
"""

from __future__ import annotations

import json
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import not_found
from flyexpr.engines.sqlite.request.intents.settings import PolicyAsked
from flyexpr.errors import DynamoError

_NONE = "NO_POLICY"
Policy = dict[str, str]


def put_resource_policy(storage: Storage, asked: PolicyAsked, now: float) -> bytes:
    """The answer to PutResourcePolicy: the revision of the policy, which stays where the policy says the same."""
    with storage.transaction("IMMEDIATE"):
        definition = _definition(storage, asked)
        policy = _policy(definition, asked)
        _check_revision(policy, asked)
        if policy is None or json.loads(policy["Text"]) != json.loads(asked.text):
            policy = new_policy(asked.text, now, policy)
            _keep(storage, definition, {**definition.get("Policies", {}), asked.resource.arn: policy})
    return json_text({"RevisionId": policy["RevisionId"]})


def get_resource_policy(storage: Storage, asked: PolicyAsked, now: float) -> bytes:
    """The answer to GetResourcePolicy."""
    with storage.transaction("DEFERRED"):
        policy = _policy(_definition(storage, asked), asked)
    if policy is None:
        raise _no_policy(asked)
    return json_text({"Policy": policy["Text"], "RevisionId": policy["RevisionId"]})


def delete_resource_policy(storage: Storage, asked: PolicyAsked, now: float) -> bytes:
    """The answer to DeleteResourcePolicy: the revision that was there; where there was none, nothing is deleted."""
    with storage.transaction("IMMEDIATE"):
        definition = _definition(storage, asked)
        policy = _policy(definition, asked)
        _check_revision(policy, asked)
        if policy is None:
            return b"{}"
        left = {arn: other for arn, other in definition["Policies"].items() if arn != asked.resource.arn}
        _keep(storage, definition, left)
    return json_text({"RevisionId": policy["RevisionId"]})


def new_policy(text: str, now: float, old: Policy | None = None) -> Policy:
    """A policy as it is kept; its revision is later than that of the policy that it replaces.

    >>> new_policy("{}", 1.5), new_policy("{}", 1.5, {"Text": "", "RevisionId": "1500"})
    ({'Text': '{}', 'RevisionId': '1500'}, {'Text': '{}', 'RevisionId': '1501'})
    """
    return {"Text": text, "RevisionId": str(max(int(now * 1000), int(old["RevisionId"]) + 1 if old else 0))}


def _keep(storage: Storage, definition: Definition, policies: dict[str, Any]) -> None:
    storage.next_version()
    storage.define(definition["Description"]["TableName"], {**definition, "Policies": policies})


def _policy(definition: Definition, asked: PolicyAsked) -> Policy | None:
    policy: Policy | None = definition.get("Policies", {}).get(asked.resource.arn)
    return policy


def _check_revision(policy: Policy | None, asked: PolicyAsked) -> None:
    if asked.expected not in (None, policy["RevisionId"] if policy else _NONE):
        raise _no_policy(asked)


def _no_policy(asked: PolicyAsked) -> DynamoError:
    return DynamoError.of(
        "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {asked.resource.arn}"
    )


def _definition(storage: Storage, asked: PolicyAsked) -> Definition:
    """The definition of the table that the resource is, or belongs to."""
    definition = storage.definition(asked.resource.table)
    if definition is not None:
        description, arn = definition["Description"], asked.resource.arn
        if "/stream/" not in arn or arn == description.get("LatestStreamArn"):
            return definition
    raise not_found(f"Requested resource not found: ResourceArn: {asked.resource.arn} not found")
