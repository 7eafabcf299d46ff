"""The members of CreateTable and UpdateTable, read down to the last list.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid, validation_errors
from flyexpr.engines.sqlite.request.intents.tables import Throughput
from flyexpr.engines.sqlite.request.json_types import ListOf, Structure
from flyexpr.engines.sqlite.request.member_rules import (
    LONG_MAX,
    ObjectRules,
    Rule,
    boolean_rule,
    choice_rule,
    list_rule,
    long_rule,
    map_rule,
    name_rule,
    sized_text_rule,
    table_rule,
    text_rule,
    texts_rule,
)
from flyexpr.engines.sqlite.request.members import Members, gather, rules_of

UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
MAX_UNITS = 1_000_000_000_000
LOCAL_OVERRIDE, GLOBAL_OVERRIDE = "LocalSecondaryIndexOverride", "GlobalSecondaryIndexOverride"
LOCAL, GLOBAL, UPDATES = "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "GlobalSecondaryIndexUpdates"
VECTOR_UPDATES = "VectorIndexUpdates"


_NAME_TEXT = sized_text_rule(1, 255)
_THROUGHPUT: dict[str, Rule] = {
    "ProvisionedThroughput": map_rule,
    "OnDemandThroughput": map_rule,
    "WarmThroughput": map_rule,
}
_INDEX: dict[str, Rule] = {
    "IndexName": name_rule,
    "KeySchema": list_rule(1, 8),
    "Projection": map_rule,
    **_THROUGHPUT,
}
_NEW_INDEX = ObjectRules(_INDEX, ("IndexName", "KeySchema", "Projection"))
_TABLE: dict[str, Rule] = {
    "TableName": table_rule,
    "AttributeDefinitions": list_rule(),
    "KeySchema": list_rule(1, 2),
    LOCAL: list_rule(),
    GLOBAL: list_rule(),
    UPDATES: list_rule(),
    VECTORS: list_rule(),
    VECTOR_UPDATES: list_rule(),
    "BillingMode": choice_rule("PROVISIONED", "PAY_PER_REQUEST"),
    **_THROUGHPUT,
    "DeletionProtectionEnabled": boolean_rule,
    "StreamSpecification": map_rule,
    "SSESpecification": map_rule,
    "TableClass": choice_rule("STANDARD", "STANDARD_INFREQUENT_ACCESS"),
    "Tags": list_rule(0, 50),
    "ResourcePolicy": text_rule,
    "GlobalTableSourceArn": text_rule,
    "ReplicaUpdates": list_rule(),
    "GlobalTableWitnessUpdates": list_rule(),
}
# What a restored table may have otherwise than its source.
OVERRIDES: dict[str, Rule] = {
    "BillingModeOverride": _TABLE["BillingMode"],
    GLOBAL_OVERRIDE: list_rule(),
    LOCAL_OVERRIDE: list_rule(),
    "ProvisionedThroughputOverride": map_rule,
    "OnDemandThroughputOverride": map_rule,
    "SSESpecificationOverride": map_rule,
}
_NEW_VECTORS = ObjectRules(
    {
        "IndexName": name_rule,
        "VectorAttribute": map_rule,
        "Dimensions": long_rule(1),
        "DistanceFunction": choice_rule("COSINE", "DOT_PRODUCT", "EUCLIDEAN"),
        "Projection": map_rule,
        "SearchSchema": list_rule(1),
    },
    ("IndexName", "VectorAttribute", "Dimensions", "DistanceFunction", "Projection"),
)
# The members that are objects, or lists of objects.
_BELOW: dict[str, ObjectRules] = {
    "AttributeDefinitions": ObjectRules(
        {"AttributeName": _NAME_TEXT, "AttributeType": choice_rule("B", "N", "S")}, ("AttributeName", "AttributeType")
    ),
    "KeySchema": ObjectRules(
        {"AttributeName": _NAME_TEXT, "KeyType": choice_rule("HASH", "RANGE")}, ("AttributeName", "KeyType")
    ),
    GLOBAL: _NEW_INDEX,
    LOCAL: _NEW_INDEX,
    UPDATES: ObjectRules({"Create": map_rule, "Update": map_rule, "Delete": map_rule}),
    VECTORS: _NEW_VECTORS,
    VECTOR_UPDATES: ObjectRules(
        {"Create": map_rule, "Delete": map_rule},
        below={"Create": _NEW_VECTORS, "Delete": ObjectRules({"IndexName": name_rule}, ("IndexName",))},
    ),
    "VectorAttribute": ObjectRules({"AttributeName": _NAME_TEXT}, ("AttributeName",)),
    "SearchSchema": ObjectRules(
        {"AttributeName": _NAME_TEXT, "SearchSchemaElementType": choice_rule("HASH", "INLINE_FILTER")},
        ("AttributeName", "SearchSchemaElementType"),
    ),
    "Create": _NEW_INDEX,
    "Update": ObjectRules(_INDEX, ("IndexName",)),
    "Delete": ObjectRules(_INDEX, ("IndexName",)),
    "Projection": ObjectRules(
        {"ProjectionType": choice_rule("ALL", "INCLUDE", "KEYS_ONLY"), "NonKeyAttributes": texts_rule(1, 20)}
    ),
    "ProvisionedThroughput": ObjectRules(
        {"ReadCapacityUnits": long_rule(1), "WriteCapacityUnits": long_rule(1)},
        ("ReadCapacityUnits", "WriteCapacityUnits"),
    ),
    "OnDemandThroughput": ObjectRules(
        {"MaxReadRequestUnits": long_rule(-LONG_MAX - 1), "MaxWriteRequestUnits": long_rule(-LONG_MAX - 1)}
    ),
    "WarmThroughput": ObjectRules({"ReadUnitsPerSecond": long_rule(1), "WriteUnitsPerSecond": long_rule(1)}),
    "SSESpecification": ObjectRules(
        {"Enabled": boolean_rule, "SSEType": choice_rule("AES256", "KMS"), "KMSMasterKeyId": text_rule}
    ),
    "StreamSpecification": ObjectRules(
        {
            "StreamEnabled": boolean_rule,
            "StreamViewType": choice_rule("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"),
        },
        ("StreamEnabled",),
    ),
}
_BELOW |= {
    GLOBAL_OVERRIDE: _NEW_INDEX,
    LOCAL_OVERRIDE: _NEW_INDEX,
    **{f"{name}Override": _BELOW[name] for name in ("ProvisionedThroughput", "OnDemandThroughput", "SSESpecification")},
}


def read_definition(request: Members, structure: Structure, required: Iterable[str]) -> Members:
    """The members of CreateTable or UpdateTable, with every broken rule reported at once.

    >>> from flyexpr.engines.sqlite.request.shapes import CREATE_TABLE
    >>> read_definition({"TableName": "ab", "KeySchema": []}, CREATE_TABLE, ["TableName"])
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: 2 validation errors detected: Value 'ab' at 'tableName' failed \
to satisfy constraint: Member must have length greater than or equal to 3; Value '[]' at 'keySchema' failed to satisfy \
constraint: Member must have length greater than or equal to 1
    """
    return read_object(request, structure, ObjectRules(_TABLE, required))


def read_object(request: Members, structure: Structure, rules: ObjectRules) -> Members:
    """The members that a request has by its structure, all the way down, with every broken rule reported at once.

    >>> from flyexpr.engines.sqlite.request.shapes import RESTORE_TABLE_FROM_BACKUP
    >>> overrides = {"BillingModeOverride": "PAY_PER_REQUEST", "Tags": 7}
    >>> read_object(overrides, RESTORE_TABLE_FROM_BACKUP, ObjectRules(OVERRIDES))
    {'BillingModeOverride': 'PAY_PER_REQUEST'}
    """
    problems: list[str] = []
    members = _read(request, structure, rules, "", problems)
    if problems:
        raise validation_errors(problems)
    return members


def _read(value: Any, structure: Any, rules: ObjectRules, within: str, problems: list[str]) -> Members:
    members = gather(value, rules_of(structure, *rules.required, among=rules.members), within, problems)
    for name, below in members.items():
        path = f"{within}{name[0].lower()}{name[1:]}."
        rules_below = rules.below.get(name) or _BELOW.get(name)
        if rules_below is None:
            continue
        of = structure.members[name]
        if isinstance(of, ListOf):
            members[name] = [
                _read(element, of.of, rules_below, f"{path}{position}.member.", problems)
                for position, element in enumerate(below, 1)
            ]
        else:
            members[name] = _read(below, of, rules_below, path, problems)
    return members


def check_bounds(throughput: Throughput, suffix: str = "") -> None:
    """None for units that are not over 10 to the 12th; `suffix` names the index, if they are an index's.

    >>> check_bounds(Throughput({"ReadCapacityUnits": 1, "WriteCapacityUnits": 10**12}))
    """
    for name in UNITS:
        units = (throughput.provisioned or {}).get(name, 0)
        if units > MAX_UNITS:
            raise invalid(f"Given value {units} for {name} is out of bounds{suffix}")
