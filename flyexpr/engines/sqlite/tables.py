"""CreateTable, DescribeTable, UpdateTable, DeleteTable and ListTables; everything is done when the answer is given."""

from __future__ import annotations

import uuid
from typing import Any

from flyexpr.engines.sqlite.alterations import altered_description, check_alteration
from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.changes import add_entry
from flyexpr.engines.sqlite.checks import check_index_keys
from flyexpr.engines.sqlite.definitions import GLOBAL, LOCAL, read_definition
from flyexpr.engines.sqlite.descriptions import new_description
from flyexpr.engines.sqlite.faults import in_use, invalid, not_found
from flyexpr.engines.sqlite.keys import segment_range
from flyexpr.engines.sqlite.members import Request, check_table_name, check_table_named, gather, read_members, told
from flyexpr.engines.sqlite.rules import Rule, integer_rule, start_name_rule
from flyexpr.engines.sqlite.schema import Definition, Table, read_table, row_key
from flyexpr.engines.sqlite.storage import Storage
from flyexpr.engines.sqlite.tags import check_tags
from flyexpr.engines.sqlite.views import created_view, deleted_view, table_view, updated_view
from flyexpr.engines.sqlite.writes import read_image
from flyexpr.errors import DynamoError

_MAX_NAMES = 100
_LISTING: dict[str, Rule] = {"ExclusiveStartTableName": start_name_rule, "Limit": integer_rule(1, _MAX_NAMES)}


def create_table(storage: Storage, request: Request, now: float) -> bytes:
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
        storage.define(name, {"Description": description, "Stores": stores, "Tags": tags})
        view = created_view(table_view(storage, description, stores, now), members)
        return json_text({"TableDescription": view})


def describe_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeTable; in a large table, items and bytes are counted anew once a minute at most."""
    check_table_name(request)
    members = read_members(request, ("TableName",))
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, members["TableName"])
        return json_text({"Table": table_view(storage, definition["Description"], definition["Stores"], now)})


def update_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to UpdateTable; a new index is filled before it is given."""
    check_table_name(request)
    members = read_definition(request, ("TableName",))
    check_alteration(members)
    name = members["TableName"]
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        old = definition["Description"]
        definition["Description"] = description = altered_description(old, members, now)
        stores, version = definition["Stores"], storage.next_version()
        known = {
            "",
            *(index["IndexName"] for member in (GLOBAL, LOCAL) for index in description.get(member, ())),
        }
        for gone in stores.keys() - known:
            storage.drop_store(stores.pop(gone))
        fresh = known - stores.keys()
        for index_name in fresh:
            stores[index_name] = f"index_{version}"
            storage.create_store(stores[index_name])
        storage.define(name, definition)
        _fill(storage, read_table(definition), fresh)
        view = updated_view(table_view(storage, description, stores, now), old, members)
        return json_text({"TableDescription": view})


def _fill(storage: Storage, table: Table, fresh: set[str]) -> None:
    """Enter the items that are there into new indexes; one whose key attribute has a wrong type is passed over."""
    if not fresh:
        return
    for row in storage.rows(table.store, segment_range(0, 1)):
        image = read_image(row, table.watched.union(table.key.names))
        assert image is not None
        key = row_key(table.key, image.item)
        for name in fresh:
            index = table.index(name)
            assert index is not None
            try:
                check_index_keys(Table(table.name, table.store, table.key, (index,), None), image.item)
            except DynamoError:
                continue
            add_entry(storage, index, key, image)


def delete_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DeleteTable."""
    check_table_name(request)
    members = read_members(request, ("TableName",))
    name = members["TableName"]
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        description = definition["Description"]
        if description.get("DeletionProtectionEnabled"):
            raise invalid(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        shown = deleted_view(table_view(storage, description, definition["Stores"], now))
        expiry = definition.get("Expiry")
        for store in (*definition["Stores"].values(), *([expiry["Store"]] if expiry else ())):
            storage.drop_store(store)
        storage.next_version()
        storage.define(name, None)
        return json_text({"TableDescription": shown})


def list_tables(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to ListTables: up to 100 names, in order."""
    problems: list[str] = []
    members = gather(request, _LISTING, (), "", problems)
    if problems:
        raise invalid(told(problems))
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
    read_table(definition)  # what no engine wrote is refused before anything is done by it
    return definition
