"""Table descriptions: what CreateTable makes of its members, and the checks it shares with UpdateTable (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.rules.throughput import (
    PROVISIONED,
    Description,
    check_bounds,
    check_throughput,
    set_billing_mode,
    set_throughput,
    unwanted_units,
)

_ARN = "arn:aws:dynamodb:local:000000000000:table/"
_KEYS = "arn:aws:kms:local:000000000000:"
_OWN_KEY = "key/6a7e5d1c-0d3b-5c0a-9f0e-2b8d4f6a1c3e"

MAX_LOCAL_INDEXES, MAX_GLOBAL_INDEXES, MAX_KEY_ATTRIBUTES, MAX_PROJECTED = 5, 20, 4, 100
_SAME_NAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name"


def table_arn(name: str) -> str:
    """The ARN of a table; the region is called `local`, whatever region a request is signed for.

    >>> table_arn("scores")
    'arn:aws:dynamodb:local:000000000000:table/scores'
    """
    return _ARN + name


def index_arn(table: str, name: str) -> str:
    """The ARN of an index.

    >>> index_arn("scores", "by_level")
    'arn:aws:dynamodb:local:000000000000:table/scores/index/by_level'
    """
    return f"{_ARN}{table}/index/{name}"


def new_description(members: Members, now: float) -> Description:
    """The description of a table to be created; ValidationException where its parts do not fit together.

    >>> new_description({
    ...     "TableName": "scores",
    ...     "BillingMode": "PAY_PER_REQUEST",
    ...     "KeySchema": [{"AttributeName": "userid", "KeyType": "HASH"}],
    ...     "AttributeDefinitions": [{"AttributeName": "userid", "AttributeType": "S"}],
    ... }, now=5.0)["BillingModeSummary"]
    {'BillingMode': 'PAY_PER_REQUEST', 'LastUpdateToPayPerRequestDateTime': 5.0}
    """
    keys, mode = members["KeySchema"], members.get("BillingMode", PROVISIONED)
    _check_definition(members, mode)
    description = {
        "AttributeDefinitions": members["AttributeDefinitions"],
        "TableName": members["TableName"],
        "TableArn": table_arn(members["TableName"]),
        "KeySchema": keys,
        "DeletionProtectionEnabled": members.get("DeletionProtectionEnabled", False),
    }
    set_billing_mode(description, mode, now)
    set_throughput(description, members, mode, now)
    if members.get(LOCAL):
        description[LOCAL] = [_new_local_index(members["TableName"], index) for index in members[LOCAL]]
    if members.get(GLOBAL):
        description[GLOBAL] = [new_index(members["TableName"], index, mode, now) for index in members[GLOBAL]]
    set_features(description, members, now)
    return description


def _check_definition(members: Members, mode: str) -> None:
    keys, definitions = members["KeySchema"], members["AttributeDefinitions"]
    if len(keys) > len(definitions):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
    _check_key_schema(keys, "")
    _check_local_indexes(members.get(LOCAL, []), keys)
    for index in members.get(GLOBAL, ()):
        check_global_index(index)
    indexes = [*members.get(LOCAL, ()), *members.get(GLOBAL, ())]
    check_indexes(members)
    _check_index_names(indexes)
    _check_attributes(definitions, keys, indexes)
    check_throughput(members, mode, unwanted_units())
    check_bounds(members)
    for index in members.get(GLOBAL, ()):
        name = index["IndexName"]
        check_throughput(index, mode, f"ProvisionedThroughput should not be specified for index: {name}")
        check_bounds(index, f" for index {name}")


def _new_local_index(table: str, index: Members) -> Description:
    described = {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
    return {**described, "IndexArn": index_arn(table, index["IndexName"])}


def new_index(table: str, index: Members, mode: str, now: float) -> Description:
    """The description of a global index."""
    described = _new_local_index(table, index)
    set_throughput(described, index, mode, now)
    if "WarmThroughput" in index:
        described["WarmThroughput"] = index["WarmThroughput"]
    return described


def set_features(description: Description, members: Members, now: float) -> None:
    """Take over the members that change nothing but what a description says."""
    for name in ("DeletionProtectionEnabled", "WarmThroughput"):
        if name in members:
            description[name] = members[name]
    if "StreamSpecification" in members:
        _set_stream(description, members["StreamSpecification"], now)
    if "SSESpecification" in members:
        _set_encryption(description, members["SSESpecification"])
    if "TableClass" in members:
        description["TableClassSummary"] = {"TableClass": members["TableClass"]}


def _set_stream(description: Description, stream: Members, now: float) -> None:
    """Enter a stream. The label of the latest one stays when it is switched off."""
    if not stream["StreamEnabled"] and stream.get("StreamViewType"):
        raise invalid_parameter("StreamViewType cannot be specified when StreamEnabled is false")
    if stream["StreamEnabled"] and not stream.get("StreamViewType"):
        raise invalid_parameter("StreamViewType must be specified when StreamEnabled is true")
    description.pop("StreamSpecification", None)
    if stream["StreamEnabled"]:
        label = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}"
        description |= {
            "StreamSpecification": stream,
            "LatestStreamLabel": label,
            "LatestStreamArn": f"{table_arn(description['TableName'])}/stream/{label}",
        }


def _set_encryption(description: Description, encryption: Members) -> None:
    """Enter a KMS key; without one the service encrypts a table by a key of its own, and shows nothing of it."""
    description.pop("SSEDescription", None)
    if encryption.get("Enabled"):
        key = encryption.get("KMSMasterKeyId", _OWN_KEY)
        path = key if key.startswith(("arn:", "alias/", "key/")) else f"key/{key}"
        arn = path if path.startswith("arn:") else _KEYS + path
        description["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}


def _check_key_schema(keys: list[Members], place: str) -> None:
    """At most one attribute of each kind in a table or a local index, the partition key first."""
    types = [key["KeyType"] for key in keys]
    if types[0] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{place}")
    if len(keys) > 2:
        raise invalid_parameter(f"KeySchema has more than 2 elements{place}")
    if types[1:] == ["HASH"]:
        raise invalid(f"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type{place}")
    if len({key["AttributeName"] for key in keys}) < len(keys):
        raise invalid(_SAME_NAME)


def check_indexes(members: Members) -> None:
    """None for indexes that are not too many, and are not sent more attributes than 100 together."""
    for member in (GLOBAL, LOCAL):
        if members.get(member) == []:
            raise invalid_parameter(f"List of {member} is empty")
    if len(members.get(GLOBAL, ())) > MAX_GLOBAL_INDEXES:
        raise invalid_parameter(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}")
    indexes = (*members.get(GLOBAL, ()), *members.get(LOCAL, ()))
    if sum(len(index["Projection"].get("NonKeyAttributes", ())) for index in indexes) > MAX_PROJECTED:
        raise invalid_parameter(f"Number of projected attributes exceeds the per-table limit of {MAX_PROJECTED}")


def check_global_index(index: Members) -> None:
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
            raise invalid(_SAME_NAME)
        raise invalid_parameter(f"The KeySchema contains multiple key attributes with the same name{place}")
    _check_projection(index["Projection"])


def _check_local_indexes(indexes: list[Members], keys: list[Members]) -> None:
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


def _check_projection(projection: Members) -> None:
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


def _check_index_names(indexes: Iterable[Members]) -> None:
    for name, count in Counter(index["IndexName"] for index in indexes).items():
        if count > 1:
            raise invalid_parameter(f"Duplicate index name: {name}")


def _check_attributes(definitions: list[Members], keys: list[Members], indexes: list[Members]) -> None:
    """Every key attribute has a definition, and every definition a use."""
    defined = [definition["AttributeName"] for definition in definitions]
    twice = [name for name, count in Counter(defined).items() if count > 1]
    if twice:
        raise invalid_parameter(f"Duplicate AttributeName in AttributeDefinitions: {twice[0]}")
    for schema in (keys, *(index["KeySchema"] for index in indexes)):
        check_defined(schema, defined)
    used = names_of([keys, *(index["KeySchema"] for index in indexes)])
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


def check_defined(schema: list[Members], defined: list[str]) -> None:
    """None for a key whose attributes all have a definition."""
    names = [key["AttributeName"] for key in schema]
    if not set(names) <= set(defined):
        raise invalid_parameter(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def names_of(schemas: Iterable[list[Members]]) -> set[str]:
    """The attributes that key schemas name."""
    return {key["AttributeName"] for schema in schemas for key in schema}
