"""Backups as answers show them, and the table that is to be made of one (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BackupDescription.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.disk.history.backups import StoredBackup
from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid_parameter
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL, UNITS
from flyexpr.engines.sqlite.request.intents.backups import Overrides
from flyexpr.engines.sqlite.request.intents.tables import IndexAsked, Settings, TableAsked, Throughput
from flyexpr.engines.sqlite.rules.definitions import names_of
from flyexpr.engines.sqlite.rules.throughput import ON_DEMAND, PROVISIONED, Description, billing_mode
from flyexpr.engines.sqlite.rules.vector_definitions import search_schemas, vector_index_asked

_LOCAL = ("IndexName", "KeySchema", "Projection")
_VECTORS = ("IndexName", "VectorAttribute", "Dimensions", "DistanceFunction", "Projection", "SearchSchema")
_GLOBAL = (*_LOCAL, "ProvisionedThroughput", "OnDemandThroughput")


def backup_details(backup: StoredBackup, status: str = "AVAILABLE") -> dict[str, Any]:
    """The BackupDetails of a backup."""
    return {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size,
        "BackupStatus": status,
        "BackupType": backup.type,
        "BackupCreationDateTime": backup.created,
        **({} if backup.expires is None else {"BackupExpiryDateTime": backup.expires}),
    }


def backup_summary(backup: StoredBackup) -> dict[str, Any]:
    """What ListBackups shows of a backup."""
    description = backup.definition["Description"]
    of_table = {name: description[name] for name in ("TableName", "TableId", "TableArn")}
    return {**of_table, **backup_details(backup)}


def backup_description(backup: StoredBackup, status: str = "AVAILABLE") -> dict[str, Any]:
    """The BackupDescription of a backup: its details, and what its table was like."""
    return {
        "BackupDetails": backup_details(backup, status),
        "SourceTableDetails": _source_details(backup),
        "SourceTableFeatureDetails": _feature_details(backup),
    }


def _source_details(backup: StoredBackup) -> dict[str, Any]:
    description = backup.definition["Description"]
    return {
        **{name: description[name] for name in ("TableName", "TableId", "TableArn", "KeySchema")},
        "TableSizeBytes": backup.size,
        "TableCreationDateTime": description["CreationDateTime"],
        "ProvisionedThroughput": {name: description["ProvisionedThroughput"][name] for name in UNITS},
        "ItemCount": backup.count,
        "BillingMode": billing_mode(description),
        **{name: description[name] for name in ("OnDemandThroughput",) if name in description},
    }


def _feature_details(backup: StoredBackup) -> dict[str, Any]:
    description, expiry = backup.definition["Description"], backup.definition.get("Expiry")
    features: dict[str, Any] = {
        member: [{name: index[name] for name in shown if name in index} for index in description[member]]
        for member, shown in ((LOCAL, _LOCAL), (GLOBAL, _GLOBAL), (VECTORS, _VECTORS))
        if member in description
    }
    if "StreamSpecification" in description:
        features["StreamDescription"] = description["StreamSpecification"]
    if expiry is not None:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry["AttributeName"]}
    if "SSEDescription" in description:
        features["SSEDescription"] = description["SSEDescription"]
    return features


def restored_table(description: Description, target: str, overrides: Overrides) -> TableAsked:
    """The table that is made of another one as it was, as if CreateTable asked for it.

    It has no stream, no tags, no time to live and no deletion protection, whatever its source had.
    """
    wanted, was = overrides.settings, billing_mode(description)
    mode = wanted.billing_mode or was
    global_indexes = _indexes(description, GLOBAL, overrides.global_indexes, mode)
    local_indexes = _indexes(description, LOCAL, overrides.local_indexes, mode)
    keys = (index.keys for index in (*global_indexes, *local_indexes))
    schemas = [description["KeySchema"], *keys, *search_schemas(description)]
    used = names_of(schemas)
    return TableAsked(
        target,
        description["KeySchema"],
        [one for one in description["AttributeDefinitions"] if one["AttributeName"] in used],
        Settings(
            mode,
            _throughput(description, wanted.throughput, mode),
            encryption=wanted.encryption,
            table_class=description.get("TableClassSummary", {}).get("TableClass"),
        ),
        global_indexes or None,
        local_indexes or None,
        tags=[],
        policy=None,
        vector_indexes=[vector_index_asked(index) for index in description.get(VECTORS, ())] or None,
    )


def _indexes(description: Description, member: str, wanted: list[IndexAsked] | None, mode: str) -> list[IndexAsked]:
    there = {index["IndexName"]: index for index in description.get(member, ())}
    if wanted is None:
        wanted = [IndexAsked(name, one["KeySchema"], one["Projection"], Throughput()) for name, one in there.items()]
    for index in wanted:
        one = there.get(index.name)
        if one is None or (one["KeySchema"], one["Projection"]) != (index.keys, index.projection):
            raise invalid_parameter(f"Index to restore does not match an index of the source table: {index.name}")
    return [
        IndexAsked(
            index.name,
            index.keys,
            index.projection,
            _throughput(there[index.name], index.throughput, mode) if member == GLOBAL else Throughput(),
        )
        for index in wanted
    ]


def _throughput(part: Description, wanted: Throughput, mode: str) -> Throughput:
    """The throughput of a restored table or index: what is asked for, or else what it had if that fits its mode."""
    provisioned, on_demand = wanted.provisioned, wanted.on_demand
    if provisioned is None and mode == PROVISIONED:
        units = {name: part["ProvisionedThroughput"][name] for name in UNITS}
        provisioned = units if all(units.values()) else None
    if on_demand is None and mode == ON_DEMAND:
        on_demand = part.get("OnDemandThroughput")
    return Throughput(provisioned, on_demand)
