"""CreateTable, UpdateTable, ListTables, and the operations that only name a table."""

from __future__ import annotations

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import NO_REPLICAS, invalid, invalid_parameter
from flyexpr.engines.sqlite.request.definitions import (
    GLOBAL,
    LOCAL,
    UPDATES,
    VECTOR_UPDATES,
    check_bounds,
    read_definition,
)
from flyexpr.engines.sqlite.request.intents.tables import (
    AlterationAsked,
    IndexAsked,
    IndexUpdate,
    NamesAsked,
    Settings,
    TableAsked,
    Throughput,
    VectorIndexAsked,
    VectorUpdate,
)
from flyexpr.engines.sqlite.request.member_rules import ObjectRules, integer_rule, start_name_rule, table_rule
from flyexpr.engines.sqlite.request.members import (
    Members,
    check_table_name,
    check_table_named,
    read_members,
)
from flyexpr.engines.sqlite.request.settings.policies import check_policy
from flyexpr.engines.sqlite.request.shapes import CREATE_TABLE, UPDATE_TABLE

_MAX_NAMES = 100
_LISTING = ObjectRules({"ExclusiveStartTableName": start_name_rule, "Limit": integer_rule(1, _MAX_NAMES)})
_NAMING = ObjectRules({"TableName": table_rule}, ["TableName"])
_REPLICAS = ("GlobalTableSourceArn", "ReplicaUpdates", "GlobalTableWitnessUpdates")
_ACTIONS = ("Update", "Create", "Delete")


def read_table_name(request: Members) -> str:
    """The name of the table that a request is about, if it says nothing else.

    >>> read_table_name({"TableName": "scores"})
    'scores'
    """
    check_table_name(request)
    name: str = read_members(request, _NAMING)["TableName"]
    return name


def read_list_tables(request: Members) -> NamesAsked:
    """What a ListTables asks for.

    >>> read_list_tables({})
    NamesAsked(after='', limit=100)
    """
    members = read_members(request, _LISTING)
    return NamesAsked(members.get("ExclusiveStartTableName", ""), members.get("Limit", _MAX_NAMES))


def read_create_table(request: Members) -> TableAsked:
    """What a CreateTable asks for."""
    check_table_named(request)
    members = read_definition(request, CREATE_TABLE, ("TableName", "KeySchema", "AttributeDefinitions"))
    _check_alone(members)
    if "ResourcePolicy" in members:
        check_policy(members["ResourcePolicy"])
    return TableAsked(
        members["TableName"],
        members["KeySchema"],
        members["AttributeDefinitions"],
        _settings(members),
        _indexes(members, GLOBAL),
        _indexes(members, LOCAL),
        members.get("Tags", []),
        members.get("ResourcePolicy"),
        [_read_vector_index(index) for index in members[VECTORS]] if VECTORS in members else None,
    )


def read_update_table(request: Members) -> AlterationAsked:
    """What an UpdateTable asks for."""
    check_table_name(request)
    members = read_definition(request, UPDATE_TABLE, ("TableName",))
    _check_alone(members)
    settings, updates = _settings(members), members.get(UPDATES, [])
    vector_updates = members.get(VECTOR_UPDATES, [])
    if settings == Settings() and not updates and not vector_updates:
        raise invalid_parameter(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    check_bounds(settings.throughput)
    return AlterationAsked(
        members["TableName"],
        members.get("AttributeDefinitions", []),
        settings,
        _read_updates(updates),
        tuple(map(_read_vector_update, vector_updates)),
    )


def _check_alone(members: Members) -> None:
    """None for a table without replicas in other Regions."""
    if not members.keys().isdisjoint(_REPLICAS):
        raise invalid(NO_REPLICAS)


def _settings(members: Members) -> Settings:
    return Settings(
        members.get("BillingMode"),
        _throughput(members),
        members.get("DeletionProtectionEnabled"),
        members.get("StreamSpecification"),
        members.get("SSESpecification"),
        members.get("TableClass"),
    )


def _throughput(members: Members) -> Throughput:
    return Throughput(
        members.get("ProvisionedThroughput"), members.get("OnDemandThroughput"), members.get("WarmThroughput")
    )


def _indexes(members: Members, member: str) -> list[IndexAsked] | None:
    return [read_index(index) for index in members[member]] if member in members else None


def read_index(members: Members) -> IndexAsked:
    """A new index, or the throughput of one, from its members."""
    return IndexAsked(
        members["IndexName"], members.get("KeySchema", []), members.get("Projection", {}), _throughput(members)
    )


def _read_vector_index(members: Members) -> VectorIndexAsked:
    return VectorIndexAsked(
        members["IndexName"],
        members["VectorAttribute"]["AttributeName"],
        members["Dimensions"],
        members["DistanceFunction"],
        members["Projection"],
        members.get("SearchSchema"),
    )


def _read_vector_update(members: Members) -> VectorUpdate:
    if "Create" in members and "Delete" in members:
        raise invalid_parameter("Only one vector index action is allowed per VectorIndexUpdate object")
    action = _action(members, ("Create", "Delete"), "VectorIndexUpdate")
    new = _read_vector_index(members["Create"]) if action == "Create" else None
    return VectorUpdate(members[action]["IndexName"], new)


def _read_updates(updates: list[Members]) -> list[IndexUpdate]:
    """The updates of global indexes; each says one thing to do, and no two are about the same index."""
    read: list[IndexUpdate] = []
    for members in updates:
        update = _read_update(members)
        name = update.index.name
        if any(name == other.index.name for other in read):
            raise invalid_parameter(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        read.append(update)
    return read


def _read_update(members: Members) -> IndexUpdate:
    action = _action(members, _ACTIONS, "GlobalSecondaryIndexUpdate")
    return IndexUpdate(action, read_index(members[action]))


def _action(members: Members, actions: tuple[str, ...], update: str) -> str:
    """The one thing that an update of an index does."""
    there = [action for action in actions if action in members]
    choice = ", ".join(f"{update}.{action}" for action in actions)
    if not there:
        raise invalid_parameter(f"One of {choice} must not be null")
    if len(there) > 1:
        raise invalid_parameter(f"Only one of {choice} can be specified")
    return there[0]
