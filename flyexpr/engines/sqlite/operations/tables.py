"""CreateTable, DescribeTable, UpdateTable, DeleteTable and ListTables; everything is done when the answer is given."""

from __future__ import annotations

import uuid
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import IN_USE, in_use, invalid, not_found, validation_errors
from flyexpr.engines.sqlite.operations.fills import begin_fill, check_unfilled, finish_abandoned, finish_fill
from flyexpr.engines.sqlite.operations.tags import check_tags
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL, read_definition
from flyexpr.engines.sqlite.request.member_rules import Rule, integer_rule, start_name_rule
from flyexpr.engines.sqlite.request.members import (
    Members,
    check_table_name,
    check_table_named,
    gather,
    read_members,
)
from flyexpr.engines.sqlite.rules.alterations import altered_description, check_alteration
from flyexpr.engines.sqlite.rules.descriptions import new_description
from flyexpr.engines.sqlite.rules.throughput import Description
from flyexpr.engines.sqlite.rules.views import created_view, deleted_view, table_view, updated_view

_MAX_NAMES = 100
_LISTING: dict[str, Rule] = {"ExclusiveStartTableName": start_name_rule, "Limit": integer_rule(1, _MAX_NAMES)}


def create_table(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to CreateTable."""
    check_table_named(request)
    members = read_definition(request, ("TableName", "KeySchema", "AttributeDefinitions"))
    description = new_description(members, now)
    tags = check_tags(members.get("Tags", []))
    name = members["TableName"]
    with storage.transaction("IMMEDIATE"):
        if storage.definition(name) is not None:
            raise in_use(f"Table already exists: {name}")
        version = storage.next_version()
        description |= {
            "CreationDateTime": now,
            "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{description['TableArn']}/{version}/{now}")),
        }
        stores = {"": f"items_{version}"}
        for position, index in enumerate([*description.get(GLOBAL, ()), *description.get(LOCAL, ())]):
            stores[index["IndexName"]] = f"index_{version}_{position}"
        for store in stores.values():
            storage.create_store(store)
        definition = {"Description": description, "Stores": stores, "Tags": tags}
        storage.define(name, definition)
    return json_text({"TableDescription": created_view(table_view(storage, definition, now), members)})


def describe_table(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to DescribeTable; in a large table, items and bytes are counted anew once a minute at most."""
    check_table_name(request)
    members = read_members(request, ("TableName",))
    finish_abandoned(storage, members["TableName"])
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, members["TableName"])
    return json_text({"Table": table_view(storage, definition, now)})


def update_table(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to UpdateTable; a new index is filled before it is given, while others read and write."""
    check_table_name(request)
    members = read_definition(request, ("TableName",))
    check_alteration(members)
    name = members["TableName"]
    check_unfilled(storage, name, f"{IN_USE}Table is being updated: {name}")
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        before = definition["Description"]
        fresh = _alter(storage, definition, altered_description(before, members, now))
        storage.define(name, definition)
        unfinished = any(begin_fill(storage, name, definition, store) for store in fresh.values())
    if unfinished:
        finish_fill(storage, name, lambda definition: _undo(definition, before, fresh))
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    return json_text({"TableDescription": updated_view(table_view(storage, definition, now), before, members)})


def _alter(storage: Storage, definition: Definition, description: Description) -> dict[str, str]:
    """The store of the new index, if there is one, by its name; those of indexes that go are dropped."""
    stores, version = definition["Stores"], storage.next_version()
    definition["Description"] = description
    known = {"", *(index["IndexName"] for member in (GLOBAL, LOCAL) for index in description.get(member, ()))}
    for gone in stores.keys() - known:
        storage.drop_store(stores.pop(gone))
    fresh = dict.fromkeys(known - stores.keys(), f"index_{version}")  # one at most: altered_description sees to it
    for store in fresh.values():
        storage.create_store(store)
    stores |= fresh
    return fresh


def _undo(definition: Definition, before: Description, fresh: dict[str, str]) -> None:
    definition["Description"] = before
    for name in fresh:
        del definition["Stores"][name]


def delete_table(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to DeleteTable."""
    check_table_name(request)
    members = read_members(request, ("TableName",))
    name = members["TableName"]
    check_unfilled(storage, name, "Cannot delete table while indexes are being created, updated, or deleted")
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    shown = deleted_view(table_view(storage, definition, now))
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        if definition["Description"].get("DeletionProtectionEnabled"):
            raise invalid(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        expiry = definition.get("Expiry")
        for store in (*definition["Stores"].values(), *([expiry["Store"]] if expiry else ())):
            storage.drop_store(store)
        storage.next_version()
        storage.define(name, None)
    return json_text({"TableDescription": shown})


def list_tables(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to ListTables: up to 100 names, in order."""
    problems: list[str] = []
    members = gather(request, _LISTING, (), "", problems)
    if problems:
        raise validation_errors(problems)
    limit = members.get("Limit", _MAX_NAMES)
    with storage.transaction("DEFERRED"):
        names = storage.table_names(members.get("ExclusiveStartTableName", ""), limit + 1)
    answer: dict[str, Any] = {"TableNames": names[:limit]}
    if len(names) > limit:
        answer["LastEvaluatedTableName"] = names[limit - 1]
    return json_text(answer)


def known_definition(storage: Storage, name: str) -> Definition:
    """The definition of a table, by name, for the operations that are about the table itself."""
    definition = storage.definition(name)
    if definition is None:
        raise not_found(f"Requested resource not found: Table: {name} not found")
    return definition
