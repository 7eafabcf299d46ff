"""What UpdateTable makes of a table's description. Nothing here touches storage.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from copy import deepcopy

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, not_found, one_index_at_a_time, validation_errors
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL
from flyexpr.engines.sqlite.request.intents.tables import AlterationAsked, IndexAsked, IndexUpdate, Settings, Throughput
from flyexpr.engines.sqlite.request.members import broken
from flyexpr.engines.sqlite.rules.definitions import (
    check_defined,
    check_global_index,
    check_index_limits,
    check_new_name,
    names_of,
    remove_index,
)
from flyexpr.engines.sqlite.rules.descriptions import index_arn, new_index, set_features
from flyexpr.engines.sqlite.rules.throughput import (
    ON_DEMAND,
    PROVISIONED,
    Description,
    billing_mode,
    check_ceilings,
    check_index_bounds,
    check_throughput,
    check_units_change,
    set_billing_mode,
    set_throughput,
    unwanted_units,
)
from flyexpr.engines.sqlite.rules.vector_definitions import alter_vector_index, check_not_vectors, search_schemas
from flyexpr.errors import DynamoError


def altered_description(description: Description, asked: AlterationAsked, now: float) -> Description:
    """The description after UpdateTable; ValidationException where a change is impossible.

    AttributeDefinitions is a delta: an attribute that is known keeps its type, and one that no key uses any more goes.
    """
    new = deepcopy(description)
    _alter_throughput(new, asked, now)
    _check_stream(description, asked.settings)
    set_features(new, asked.settings, now)
    definitions = {one["AttributeName"]: one for one in (*asked.attributes, *description["AttributeDefinitions"])}
    _alter_indexes(new, asked, now)
    check_index_limits(len(new.get(GLOBAL, ())), [index["Projection"] for index in _indexes(new)])
    schemas = [new["KeySchema"], *(index["KeySchema"] for index in _indexes(new)), *search_schemas(new)]
    used = names_of(schemas)
    new["AttributeDefinitions"] = [one for name, one in sorted(definitions.items()) if name in used]
    return new


def _indexes(description: Description) -> list[Description]:
    return [*description.get(GLOBAL, ()), *description.get(LOCAL, ())]


def _check_stream(description: Description, settings: Settings) -> None:
    """None unless a stream would be enabled twice, or disabled where there is none."""
    stream, enabled = settings.stream, "StreamSpecification" in description
    if stream and stream["StreamEnabled"] == enabled:
        if enabled:
            raise invalid(f"Table already has an enabled stream: TableName: {description['TableName']}")
        raise invalid("Table has no stream to disable")


def _alter_throughput(description: Description, asked: AlterationAsked, now: float) -> None:
    settings, throughput = asked.settings, asked.settings.throughput
    old = billing_mode(description)
    mode = settings.billing_mode or old
    check_ceilings(throughput, mode, new=False)
    if throughput.provisioned is not None and mode == ON_DEMAND:
        raise invalid_parameter(f"{unwanted_units()} when BillingMode is PAY_PER_REQUEST")
    if throughput.provisioned is None and settings.billing_mode == PROVISIONED:
        raise invalid_parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if mode == PROVISIONED and VECTORS in description:
        raise invalid_parameter("Tables with vector indexes must be in PAY_PER_REQUEST mode")
    if mode == old:
        check_units_change(description, throughput)
    else:
        _change_mode(description, asked.updates, mode, now)
    if mode != old or throughput.provisioned is not None or throughput.on_demand is not None:
        set_throughput(description, throughput, mode, now)


def _change_mode(description: Description, updates: list[IndexUpdate], mode: str, now: float) -> None:
    """Enter another billing mode; indexes that become provisioned need units, unless they go in the same request."""
    provided = {
        update.index.name
        for update in updates
        if update.action == "Delete" or update.index.throughput.provisioned is not None
    }
    for index in description.get(GLOBAL, ()):
        if mode == PROVISIONED and index["IndexName"] not in provided:
            raise invalid_parameter(f"ProvisionedThroughput must be specified for index: {index['IndexName']}")
        set_throughput(index, Throughput(), mode, now)
    set_billing_mode(description, mode, now)


def _alter_indexes(description: Description, asked: AlterationAsked, now: float) -> None:
    if sum(update.action != "Update" for update in asked.updates) + len(asked.vector_updates) > 1:
        raise one_index_at_a_time()
    for position, update in enumerate(asked.updates, 1):
        if update.action == "Create":
            _create_index(description, update.index, asked.attributes, now)
        elif update.action == "Delete":
            if not remove_index(description, GLOBAL, update.index.name):
                raise _no_index(update.index.name)
        else:
            _update_index(description, update.index, position, now)
    for vector_update in asked.vector_updates:
        arn = index_arn(description["TableName"], vector_update.name)
        alter_vector_index(description, vector_update, asked.attributes, billing_mode(description), arn)


def _create_index(description: Description, asked: IndexAsked, attributes: list[dict[str, str]], now: float) -> None:
    check_global_index(asked)
    mode = billing_mode(description)
    check_new_name(description, asked.name)
    check_defined(asked.keys, [attribute["AttributeName"] for attribute in attributes])
    check_not_vectors(description, asked.keys, attributes)
    check_throughput(asked.throughput, mode, unwanted_units(asked.name))
    check_ceilings(asked.throughput, mode, new=True)
    check_index_bounds(asked.throughput, "IndexCreate")
    description.setdefault(GLOBAL, []).append(new_index(description["TableName"], asked, mode, now))


def _update_index(description: Description, asked: IndexAsked, position: int, now: float) -> None:
    mode, throughput = billing_mode(description), asked.throughput
    if throughput == Throughput():
        member = f"globalSecondaryIndexUpdates.{position}.member.update.provisionedThroughput"
        raise validation_errors([broken(member, None, "Member must not be null")])
    index = next((index for index in description.get(GLOBAL, ()) if index["IndexName"] == asked.name), None)
    if index is None:
        raise _no_index(asked.name)
    if throughput.provisioned is not None:
        check_throughput(throughput, mode, unwanted_units(asked.name))
        check_index_bounds(throughput, "IndexUpdate")
        check_units_change(index, throughput, f"index {asked.name}")
    check_ceilings(throughput, mode, new=False)
    if throughput.provisioned is not None or throughput.on_demand is not None:
        set_throughput(index, throughput, mode, now)
    if throughput.warm is not None:
        index["WarmThroughput"] = throughput.warm


def _no_index(name: str) -> DynamoError:
    return not_found(f"Requested resource not found: Index: {name} not found")
