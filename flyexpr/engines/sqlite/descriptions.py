"""Table descriptions: what CreateTable makes of its members, and the checks it shares with UpdateTable (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from flyexpr.engines.sqlite.definitions import GLOBAL, LOCAL
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.members import Request

Description = dict[str, Any]

MAX_LOCAL_INDEXES, MAX_GLOBAL_INDEXES, MAX_KEY_ATTRIBUTES, MAX_PROJECTED = 5, 20, 4, 100
_SAME_NAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name"
_UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")


def new_description(members: Request) -> Description:
    """The description of a table to be created; ValidationException where its parts do not fit together.

    >>> new_description({
    ...     "TableName": "scores",
    ...     "BillingMode": "PAY_PER_REQUEST",
    ...     "KeySchema": [{"AttributeName": "userid", "KeyType": "HASH"}],
    ...     "AttributeDefinitions": [{"AttributeName": "userid", "AttributeType": "S"}],
    ... })["BillingModeSummary"]
    {'BillingMode': 'PAY_PER_REQUEST'}
    """
    keys, mode = members["KeySchema"], members.get("BillingMode", "PROVISIONED")
    _check_key_schema(keys, "")
    _check_local_indexes(members.get(LOCAL, []), keys)
    for index in members.get(GLOBAL, ()):
        check_global_index(index)
    indexes = [*members.get(LOCAL, ()), *members.get(GLOBAL, ())]
    check_indexes(members)
    _check_index_names(indexes)
    _check_attributes(members["AttributeDefinitions"], keys, indexes)
    for part in (members, *members.get(GLOBAL, ())):
        check_throughput(part, mode)
    description = {
        "AttributeDefinitions": members["AttributeDefinitions"],
        "TableName": members["TableName"],
        "KeySchema": keys,
        "DeletionProtectionEnabled": members.get("DeletionProtectionEnabled", False),
    }
    set_throughput(description, members, mode)
    if members.get(LOCAL):
        description[LOCAL] = members[LOCAL]
    if members.get(GLOBAL):
        description[GLOBAL] = [new_index(index, mode) for index in members[GLOBAL]]
    set_features(description, members)
    return description


def new_index(index: Request, mode: str) -> Description:
    """The description of a global index."""
    described = {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
    set_throughput(described, index, mode)
    described.pop("BillingModeSummary", None)
    return described


def set_features(description: Description, members: Request) -> None:
    """Take over the members that change nothing but what a description says."""
    if "DeletionProtectionEnabled" in members:
        description["DeletionProtectionEnabled"] = members["DeletionProtectionEnabled"]
    if "StreamSpecification" in members:
        stream = members["StreamSpecification"]
        if not stream["StreamEnabled"] and stream.get("StreamViewType"):
            raise invalid_parameter("StreamViewType cannot be specified when StreamEnabled is false")
        if stream["StreamEnabled"] and not stream.get("StreamViewType"):
            raise invalid_parameter("StreamViewType must be specified when StreamEnabled is true")
        description.pop("StreamSpecification", None)
        if stream["StreamEnabled"]:
            description["StreamSpecification"] = stream
    if "TableClass" in members:
        description["TableClassSummary"] = {"TableClass": members["TableClass"]}


def set_throughput(description: Description, members: Request, mode: str) -> None:
    """Enter the billing mode and the throughput of a table or an index; a ceiling of -1 removes one."""
    units = members.get("ProvisionedThroughput", {}) if mode == "PROVISIONED" else {}
    description["ProvisionedThroughput"] = {
        "NumberOfDecreasesToday": 0,
        **{name: units.get(name, 0) for name in _UNITS},
    }
    description.pop("BillingModeSummary", None)
    ceilings: dict[str, int] = {}
    if mode == "PAY_PER_REQUEST":
        description["BillingModeSummary"] = {"BillingMode": mode}
        ceilings = {**description.get("OnDemandThroughput", {}), **members.get("OnDemandThroughput", {})}
    description.pop("OnDemandThroughput", None)
    kept = {name: ceiling for name, ceiling in ceilings.items() if ceiling != -1}
    if kept:
        description["OnDemandThroughput"] = kept


def check_throughput(part: Request, mode: str) -> None:
    """None for a table or global index with units if it is provisioned, and without if it is on demand."""
    if mode == "PROVISIONED" and "ProvisionedThroughput" not in part:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    if mode == "PAY_PER_REQUEST" and "ProvisionedThroughput" in part:
        raise invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    check_ceilings(part, mode)


def check_ceilings(part: Request, mode: str) -> None:
    """None for an OnDemandThroughput that goes with the billing mode."""
    for name, ceiling in part.get("OnDemandThroughput", {}).items():
        if mode == "PROVISIONED":
            raise invalid_parameter(
                f"{name} for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED"
            )
        if ceiling == 0:
            raise invalid_parameter(f"{name} for OnDemandThroughput must be at least 1, or -1 for none")


def _check_key_schema(keys: list[Request], place: str) -> None:
    """At most one attribute of each kind in a table or a local index, the partition key first."""
    types = [key["KeyType"] for key in keys]
    if types[0] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{place}")
    if len(keys) > 2:
        raise invalid_parameter(f"KeySchema has more than 2 elements{place}")
    if types[1:] == ["HASH"]:
        raise invalid(f"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type{place}")
    if len({key["AttributeName"] for key in keys}) < len(keys):
        raise invalid(_SAME_NAME + place)


def check_indexes(members: Request) -> None:
    """None for indexes that are not too many, and are not sent more attributes than 100 together."""
    for member in (GLOBAL, LOCAL):
        if members.get(member) == []:
            raise invalid_parameter(f"List of {member} is empty")
    if len(members.get(GLOBAL, ())) > MAX_GLOBAL_INDEXES:
        raise invalid_parameter(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}")
    indexes = (*members.get(GLOBAL, ()), *members.get(LOCAL, ()))
    if sum(len(index["Projection"].get("NonKeyAttributes", ())) for index in indexes) > MAX_PROJECTED:
        raise invalid_parameter(f"Number of projected attributes exceeds the per-table limit of {MAX_PROJECTED}")


def check_global_index(index: Request) -> None:
    """None for a global index with up to four partition key and then up to four sort key attributes."""
    keys, place = index["KeySchema"], f" for index: {index['IndexName']}"
    types = [key["KeyType"] for key in keys]
    if types[0] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{place}")
    if types != sorted(types):
        raise invalid_parameter(f"All HASH key attributes must precede RANGE key attributes{place}")
    for key_type in ("HASH", "RANGE"):
        if types.count(key_type) > MAX_KEY_ATTRIBUTES:
            raise invalid_parameter(
                f"KeySchema{place} exceeds the maximum allowed number of {key_type} key attributes: "
                f"{MAX_KEY_ATTRIBUTES}"
            )
    if len({key["AttributeName"] for key in keys}) < len(keys):
        if types == ["HASH", "RANGE"]:
            raise invalid(_SAME_NAME + place)
        raise invalid_parameter(f"The KeySchema contains multiple key attributes with the same name{place}")
    _check_projection(index["Projection"])


def _check_local_indexes(indexes: list[Request], keys: list[Request]) -> None:
    if indexes and len(keys) < 2:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if len(indexes) > MAX_LOCAL_INDEXES:
        raise invalid_parameter(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}")
    for index in indexes:
        own, place = index["KeySchema"], f" for index: {index['IndexName']}"
        _check_key_schema(own, place)
        if own[0]["AttributeName"] != keys[0]["AttributeName"]:
            raise invalid_parameter(
                f"Index KeySchema does not have the same leading hash key as table KeySchema{place}. "
                f"index hash key: {own[0]['AttributeName']}, table hash key: {keys[0]['AttributeName']}"
            )
        if len(own) < 2:
            raise invalid_parameter(f"Index KeySchema does not have a range key{place}")
        _check_projection(index["Projection"])


def _check_projection(projection: Request) -> None:
    kind, names = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid_parameter("Unknown ProjectionType: null")
    if kind == "INCLUDE" and names is None:
        raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != "INCLUDE" and names is not None:
        raise invalid_parameter(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if not all(1 <= len(name.encode()) <= 255 for name in names or ()):
        raise invalid_parameter(
            "Names of key attributes and attributes projected into an index must be between 1 and 255 characters"
        )
    if names is not None and len(set(names)) < len(names):
        raise invalid_parameter("Duplicate names in NonKeyAttributes")


def _check_index_names(indexes: Iterable[Request]) -> None:
    for name, count in Counter(index["IndexName"] for index in indexes).items():
        if count > 1:
            raise invalid_parameter(f"Duplicate index name: {name}")


def _check_attributes(definitions: list[Request], keys: list[Request], indexes: list[Request]) -> None:
    """Every key attribute has a definition, and every definition a use."""
    defined = [definition["AttributeName"] for definition in definitions]
    if len(set(defined)) < len(defined):
        raise invalid_parameter("Cannot have two attributes with the same name")
    used = names_of([keys])
    if not used <= set(defined):
        raise invalid(f"Invalid KeySchema: {undefined(used, defined)}")
    used |= names_of(index["KeySchema"] for index in indexes)
    if not used <= set(defined):
        raise invalid_parameter(undefined(used, defined))
    if used < set(defined):
        if not indexes:
            raise invalid_parameter(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                "AttributeDefinitions"
            )
        raise invalid_parameter(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )


def undefined(used: set[str], defined: list[str]) -> str:
    """The words for keys without a definition.

    >>> undefined({"gk"}, ["pk"])
    'Some index key attributes are not defined in AttributeDefinitions. Keys: [gk], AttributeDefinitions: [pk]'
    """
    return (
        "Some index key attributes are not defined in AttributeDefinitions. "
        f"Keys: [{', '.join(sorted(used))}], AttributeDefinitions: [{', '.join(defined)}]"
    )


def names_of(schemas: Iterable[list[Request]]) -> set[str]:
    """The attributes that key schemas name."""
    return {key["AttributeName"] for schema in schemas for key in schema}
