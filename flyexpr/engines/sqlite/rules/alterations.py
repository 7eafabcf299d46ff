"""What UpdateTable makes of a table's description. Nothing here touches storage.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from copy import deepcopy

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, not_found, validation_errors
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL, UPDATES
from flyexpr.engines.sqlite.request.members import Members, broken
from flyexpr.engines.sqlite.rules.descriptions import (
    check_defined,
    check_global_index,
    check_indexes,
    names_of,
    new_index,
    set_features,
)
from flyexpr.engines.sqlite.rules.throughput import (
    ON_DEMAND,
    PROVISIONED,
    Description,
    billing_mode,
    check_bounds,
    check_ceilings,
    check_index_bounds,
    check_throughput,
    check_units_change,
    set_billing_mode,
    set_throughput,
    unwanted_units,
)
from flyexpr.errors import DynamoError

_CHANGES = ("BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput", "DeletionProtectionEnabled")
_FEATURES = ("StreamSpecification", "SSESpecification", "TableClass", UPDATES)
_ACTIONS = ("Update", "Create", "Delete")
_CHOICE = "GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete"


def check_alteration(members: Members) -> None:
    """None for an UpdateTable that asks for something, and for no index twice; looked at before the table."""
    if not any(members.get(member, []) != [] for member in (*_CHANGES, *_FEATURES)):
        raise invalid_parameter(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    check_bounds(members)
    seen = set[str]()
    for update in members.get(UPDATES, ()):
        name = _check_action(update)
        if name in seen:
            raise invalid_parameter(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)


def _check_action(update: Members) -> str:
    """The name of the index that an update is about; it must say one thing to do with it."""
    given = [action for action in _ACTIONS if action in update]
    if not given:
        raise invalid_parameter(f"One of {_CHOICE} must not be null")
    if len(given) > 1:
        raise invalid_parameter(f"Only one of {_CHOICE} can be specified")
    name: str = update[given[0]]["IndexName"]
    return name


def altered_description(description: Description, members: Members, now: float) -> Description:
    """The description after UpdateTable; ValidationException where a change is impossible.

    AttributeDefinitions is a delta: an attribute that is known keeps its type, and one that no key uses any more goes.
    """
    new = deepcopy(description)
    _alter_throughput(new, members, now)
    _check_stream(description, members)
    set_features(new, members, now)
    definitions = {one["AttributeName"]: one for one in members.get("AttributeDefinitions", ())}
    definitions |= {one["AttributeName"]: one for one in description["AttributeDefinitions"]}
    _alter_indexes(new, members, now)
    check_indexes(new)
    used = names_of([new["KeySchema"], *(index["KeySchema"] for index in _indexes(new))])
    new["AttributeDefinitions"] = [one for name, one in sorted(definitions.items()) if name in used]
    return new


def _indexes(description: Description) -> list[Description]:
    return [*description.get(GLOBAL, ()), *description.get(LOCAL, ())]


def _check_stream(description: Description, members: Members) -> None:
    """None unless a stream would be enabled twice, or disabled where there is none."""
    wanted, enabled = members.get("StreamSpecification"), "StreamSpecification" in description
    if wanted and wanted["StreamEnabled"] == enabled:
        if enabled:
            raise invalid(f"Table already has an enabled stream: TableName: {description['TableName']}")
        raise invalid("Table has no stream to disable")


def _alter_throughput(description: Description, members: Members, now: float) -> None:
    old = billing_mode(description)
    mode = members.get("BillingMode", old)
    check_ceilings(members, mode)
    if "ProvisionedThroughput" in members and mode == ON_DEMAND:
        raise invalid_parameter(f"{unwanted_units()} when BillingMode is PAY_PER_REQUEST")
    if members.get("BillingMode") == PROVISIONED and "ProvisionedThroughput" not in members:
        raise invalid_parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if mode == old:
        check_units_change(description, members)
    else:
        _change_mode(description, members, mode, now)
    if mode != old or "ProvisionedThroughput" in members or "OnDemandThroughput" in members:
        set_throughput(description, members, mode, now)


def _change_mode(description: Description, members: Members, mode: str, now: float) -> None:
    """Enter another billing mode; indexes that become provisioned need units, unless they go in the same request."""
    provided = {
        update[action]["IndexName"]
        for update in members.get(UPDATES, ())
        for action in update
        if action == "Delete" or "ProvisionedThroughput" in update[action]
    }
    for index in description.get(GLOBAL, ()):
        if mode == PROVISIONED and index["IndexName"] not in provided:
            raise invalid_parameter(f"ProvisionedThroughput must be specified for index: {index['IndexName']}")
        set_throughput(index, {}, mode, now)
    set_billing_mode(description, mode, now)


def _alter_indexes(description: Description, members: Members, now: float) -> None:
    updates = members.get(UPDATES, [])
    if sum("Update" not in update for update in updates) > 1:
        raise DynamoError.of(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
    for position, update in enumerate(updates, 1):
        if "Create" in update:
            _create_index(description, update["Create"], members.get("AttributeDefinitions", []), now)
        elif "Delete" in update:
            _delete_index(description, update["Delete"]["IndexName"])
        else:
            _update_index(description, update["Update"], position, now)


def _create_index(description: Description, index: Members, definitions: list[Members], now: float) -> None:
    check_global_index(index)
    name, mode = index["IndexName"], billing_mode(description)
    if any(name == other["IndexName"] for other in _indexes(description)):
        raise invalid("Attempting to create an index which already exists")
    check_defined(index["KeySchema"], [one["AttributeName"] for one in definitions])
    check_throughput(index, mode, unwanted_units(name))
    check_index_bounds(index, "IndexCreate")
    description.setdefault(GLOBAL, []).append(new_index(description["TableName"], index, mode, now))


def _delete_index(description: Description, name: str) -> None:
    kept = [index for index in description.get(GLOBAL, ()) if index["IndexName"] != name]
    if len(kept) == len(description.get(GLOBAL, ())):
        raise _no_index(name)
    description.pop(GLOBAL)
    if kept:
        description[GLOBAL] = kept


def _update_index(description: Description, update: Members, position: int, now: float) -> None:
    name, mode = update["IndexName"], billing_mode(description)
    if not update.keys() & {"ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput"}:
        where = f"globalSecondaryIndexUpdates.{position}.member.update.provisionedThroughput"
        raise validation_errors([broken(where, None, "Member must not be null")])
    index = next((index for index in description.get(GLOBAL, ()) if index["IndexName"] == name), None)
    if index is None:
        raise _no_index(name)
    if "ProvisionedThroughput" in update:
        check_throughput(update, mode, unwanted_units(name))
        check_index_bounds(update, "IndexUpdate")
        check_units_change(index, update, f"index {name}")
    check_ceilings(update, mode)
    if update.keys() & {"ProvisionedThroughput", "OnDemandThroughput"}:
        set_throughput(index, update, mode, now)
    if "WarmThroughput" in update:
        index["WarmThroughput"] = update["WarmThroughput"]


def _no_index(name: str) -> DynamoError:
    return not_found(f"Requested resource not found: Index: {name} not found")
