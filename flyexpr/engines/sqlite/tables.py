"""CreateTable, DescribeTable, UpdateTable, DeleteTable and ListTables.

Everything is done when the answer is given: it speaks of CREATING, UPDATING or DELETING as the service's does, and the
next DescribeTable of ACTIVE.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from flyexpr.engines.sqlite.alterations import altered_description
from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.definitions import GLOBAL, LOCAL, read_definition
from flyexpr.engines.sqlite.descriptions import Description, new_description
from flyexpr.engines.sqlite.faults import IN_USE, in_use, invalid, not_found
from flyexpr.engines.sqlite.fills import begin_fill, check_unfilled, finish_abandoned, finish_fill
from flyexpr.engines.sqlite.members import Request, read_members
from flyexpr.engines.sqlite.schema import Definition
from flyexpr.engines.sqlite.storage import Storage
from flyexpr.engines.sqlite.tags import check_tags

_ARN = "arn:aws:dynamodb:local:000000000000:table/"
_MAX_NAMES = 100


def create_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to CreateTable."""
    members = read_definition(request, ("TableName", "KeySchema", "AttributeDefinitions"))
    description = new_description(members)
    tags = check_tags(members.get("Tags", []))
    name = members["TableName"]
    with storage.transaction("IMMEDIATE"):
        if storage.definition(name) is not None:
            raise in_use(f"Table already exists: {name}")
        version = storage.next_version()
        description |= {
            "CreationDateTime": now,
            "TableArn": _ARN + name,
            "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_ARN}{name}/{version}/{now}")),
        }
        stores = {"": f"items_{version}"}
        for position, index in enumerate([*description.get(GLOBAL, ()), *description.get(LOCAL, ())]):
            index["IndexArn"] = f"{_ARN}{name}/index/{index['IndexName']}"
            stores[index["IndexName"]] = f"index_{version}_{position}"
        for store in stores.values():
            storage.create_store(store)
        definition = {"Description": description, "Stores": stores, "Tags": tags}
        storage.define(name, definition)
    return json_text({"TableDescription": _shown(storage, definition, "CREATING", now)})


def describe_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeTable; in a large table, items and bytes are counted anew once a minute at most."""
    members = read_members(request, ("TableName",))
    finish_abandoned(storage, members["TableName"])
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, members["TableName"])
    return json_text({"Table": _shown(storage, definition, "ACTIVE", now)})


def update_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to UpdateTable; a new index is filled before it is given, while others read and write."""
    members = read_definition(request, ("TableName",))
    name = members["TableName"]
    check_unfilled(storage, name, f"{IN_USE}Table is being updated: {name}")
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        before = definition["Description"]
        fresh = _alter(storage, definition, altered_description(before, members))
        storage.define(name, definition)
        unfinished = any(begin_fill(storage, name, definition, store) for store in fresh.values())
    if unfinished:
        finish_fill(storage, name, lambda definition: _undo(definition, before, fresh))
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    shown = _shown(storage, definition, "UPDATING", now)
    if "OnDemandThroughput" in members:  # a ceiling that goes is shown as -1 once more
        shown["OnDemandThroughput"] = {**shown.get("OnDemandThroughput", {}), **members["OnDemandThroughput"]}
    return json_text({"TableDescription": shown})


def _alter(storage: Storage, definition: Definition, description: Description) -> dict[str, str]:
    """The store of the new index, if there is one, by its name; those of indexes that go are dropped."""
    stores, version = definition["Stores"], storage.next_version()
    definition["Description"] = description
    known = {"", *(index["IndexName"] for member in (GLOBAL, LOCAL) for index in description.get(member, ()))}
    for gone in stores.keys() - known:
        storage.drop_store(stores.pop(gone))
    for index in description.get(GLOBAL, ()):
        index.setdefault("IndexArn", f"{_ARN}{description['TableName']}/index/{index['IndexName']}")
    fresh = dict.fromkeys(known - stores.keys(), f"index_{version}")  # one at most: altered_description sees to it
    for store in fresh.values():
        storage.create_store(store)
    stores |= fresh
    return fresh


def _undo(definition: Definition, before: Description, fresh: dict[str, str]) -> None:
    definition["Description"] = before
    for name in fresh:
        del definition["Stores"][name]


def delete_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DeleteTable."""
    members = read_members(request, ("TableName",))
    name = members["TableName"]
    check_unfilled(storage, name, "Cannot delete table while indexes are being created, updated, or deleted")
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    shown = _shown(storage, definition, "DELETING", now)
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


def list_tables(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to ListTables: up to 100 names, in order."""
    members = read_members(request)
    limit = members.get("Limit", _MAX_NAMES)
    if limit > _MAX_NAMES:
        raise invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_MAX_NAMES}"
        )
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


def _shown(storage: Storage, definition: Definition, status: str, now: float) -> Description:
    """A description as answers give it: with status, items and bytes. Outside a transaction."""
    shown: Description = json.loads(json.dumps(definition["Description"]))
    stores, filling = definition["Stores"], definition.get("Filling", {}).get("Store")
    count, size = storage.estimate(stores[""], now)
    shown |= {"TableStatus": status, "ItemCount": count, "TableSizeBytes": size}
    for member in (GLOBAL, LOCAL):
        for index in shown.get(member, ()):
            count, size = storage.estimate(stores[index["IndexName"]], now)
            index |= {"ItemCount": count, "IndexSizeBytes": size}
            if member == GLOBAL:
                index["IndexStatus"] = "ACTIVE"
            if stores[index["IndexName"]] == filling:
                index |= {"IndexStatus": "CREATING", "Backfilling": True}
    return shown
