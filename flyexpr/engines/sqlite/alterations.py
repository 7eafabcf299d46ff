"""What UpdateTable makes of a table's description. Nothing here touches storage.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from copy import deepcopy

from flyexpr.engines.sqlite.definitions import GLOBAL, LOCAL, UPDATES
from flyexpr.engines.sqlite.descriptions import (
    Description,
    check_ceilings,
    check_global_index,
    check_indexes,
    check_throughput,
    names_of,
    new_index,
    set_features,
    set_throughput,
    undefined,
)
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, not_found
from flyexpr.engines.sqlite.members import Request
from flyexpr.errors import DynamoError

_CHANGES = ("BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "DeletionProtectionEnabled")
_FEATURES = ("StreamSpecification", "SSESpecification", "TableClass", UPDATES)


def altered_description(description: Description, members: Request) -> Description:
    """The description after UpdateTable; ValidationException where a change is impossible.

    AttributeDefinitions is a delta: an attribute that is known keeps its type, and one that no key uses any more goes.
    """
    if not any(members.get(member, []) != [] for member in (*_CHANGES, *_FEATURES)):
        raise invalid_parameter(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    new = deepcopy(description)
    _alter_throughput(new, members)
    _check_stream(description, members)
    set_features(new, members)
    definitions = {one["AttributeName"]: one for one in members.get("AttributeDefinitions", ())}
    definitions |= {one["AttributeName"]: one for one in description["AttributeDefinitions"]}
    _alter_indexes(new, members.get(UPDATES, []), members.get("AttributeDefinitions", []))
    check_indexes(new)
    used = names_of([new["KeySchema"], *(index["KeySchema"] for index in _indexes(new))])
    new["AttributeDefinitions"] = [one for name, one in sorted(definitions.items()) if name in used]
    return new


def _indexes(description: Description) -> list[Description]:
    return [*description.get(GLOBAL, ()), *description.get(LOCAL, ())]


def billing_mode(description: Description) -> str:
    """The billing mode of a table.

    >>> billing_mode({})
    'PROVISIONED'
    """
    mode: str = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return mode


def _check_stream(description: Description, members: Request) -> None:
    """None unless a stream would be enabled twice, or disabled where there is none."""
    wanted, enabled = members.get("StreamSpecification"), "StreamSpecification" in description
    if wanted and wanted["StreamEnabled"] == enabled:
        raise invalid("Table already has an enabled stream" if enabled else "Table has no stream to disable")


def _alter_throughput(description: Description, members: Request) -> None:
    old = billing_mode(description)
    mode = members.get("BillingMode", old)
    check_ceilings(members, mode)
    if "ProvisionedThroughput" in members and mode == "PAY_PER_REQUEST":
        raise invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if mode == "PROVISIONED" and mode != old and "ProvisionedThroughput" not in members:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    if mode != old or "ProvisionedThroughput" in members or "OnDemandThroughput" in members:
        set_throughput(description, members, mode)


def _alter_indexes(description: Description, updates: list[Request], definitions: list[Request]) -> None:
    online = [kind for update in updates for kind in ("Create", "Delete") if kind in update]
    if len(online) > 1:
        raise DynamoError.of(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
    for update in updates:
        if "Create" in update:
            _create_index(description, update["Create"], definitions)
        elif "Delete" in update:
            _delete_index(description, update["Delete"]["IndexName"])
        elif "Update" in update:
            _update_index(description, update["Update"])
        else:
            raise invalid_parameter(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )


def _create_index(description: Description, index: Request, definitions: list[Request]) -> None:
    check_global_index(index)
    if any(index["IndexName"] == other["IndexName"] for other in _indexes(description)):
        raise invalid("Attempting to create an index which already exists")
    used, given = names_of([index["KeySchema"]]), {one["AttributeName"] for one in definitions}
    if not used <= given:
        raise invalid_parameter(undefined(used, sorted(given)))
    check_throughput(index, billing_mode(description))
    description.setdefault(GLOBAL, []).append(new_index(index, billing_mode(description)))


def _delete_index(description: Description, name: str) -> None:
    kept = [index for index in description.get(GLOBAL, ()) if index["IndexName"] != name]
    if len(kept) == len(description.get(GLOBAL, ())):
        raise _no_index(name)
    description.pop(GLOBAL)
    if kept:
        description[GLOBAL] = kept


def _update_index(description: Description, update: Request) -> None:
    for index in description.get(GLOBAL, ()):
        if index["IndexName"] == update["IndexName"]:
            if "ProvisionedThroughput" in update:
                check_throughput(update, billing_mode(description))
            check_ceilings(update, billing_mode(description))
            set_throughput(index, update, billing_mode(description))
            index.pop("BillingModeSummary", None)
            return
    raise _no_index(update["IndexName"])


def _no_index(name: str) -> DynamoError:
    return not_found(f"Requested resource not found: Index: {name} not found")
