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
from flyexpr.engines.sqlite.changes import add_entry
from flyexpr.engines.sqlite.checks import check_index_keys
from flyexpr.engines.sqlite.definitions import GLOBAL, LOCAL, read_definition
from flyexpr.engines.sqlite.descriptions import Description, new_description
from flyexpr.engines.sqlite.faults import in_use, invalid, not_found
from flyexpr.engines.sqlite.keys import segment_range
from flyexpr.engines.sqlite.members import Request, read_members
from flyexpr.engines.sqlite.schema import Definition, Table, read_table, row_key
from flyexpr.engines.sqlite.storage import Storage
from flyexpr.engines.sqlite.tags import check_tags
from flyexpr.engines.sqlite.writes import read_image
from flyexpr.errors import DynamoError

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
        storage.define(name, {"Description": description, "Stores": stores, "Tags": tags})
        return json_text({"TableDescription": _shown(storage, description, stores, "CREATING", now)})


def describe_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeTable; in a large table, items and bytes are counted anew once a minute at most."""
    members = read_members(request, ("TableName",))
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, members["TableName"])
        return json_text({"Table": _shown(storage, definition["Description"], definition["Stores"], "ACTIVE", now)})


def update_table(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to UpdateTable; a new index is filled before it is given."""
    members = read_definition(request, ("TableName",))
    name = members["TableName"]
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        definition["Description"] = description = altered_description(definition["Description"], members)
        stores, version = definition["Stores"], storage.next_version()
        known = {
            "",
            *(index["IndexName"] for member in (GLOBAL, LOCAL) for index in description.get(member, ())),
        }
        for gone in stores.keys() - known:
            storage.drop_store(stores.pop(gone))
        fresh = known - stores.keys()
        for index in description.get(GLOBAL, ()):
            index.setdefault("IndexArn", f"{_ARN}{name}/index/{index['IndexName']}")
        for index_name in fresh:
            stores[index_name] = f"index_{version}"
            storage.create_store(stores[index_name])
        storage.define(name, definition)
        _fill(storage, read_table(definition), fresh)
        shown = _shown(storage, description, stores, "UPDATING", now)
        if "OnDemandThroughput" in members:  # a ceiling that goes is shown as -1 once more
            shown["OnDemandThroughput"] = {**shown.get("OnDemandThroughput", {}), **members["OnDemandThroughput"]}
        return json_text({"TableDescription": shown})


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
        shown = _shown(storage, description, definition["Stores"], "DELETING", now)
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
    read_table(definition)  # what no engine wrote is refused before anything is done by it
    return definition


def _shown(storage: Storage, description: Description, stores: dict[str, str], status: str, now: float) -> Description:
    """A description as answers give it: with status, items and bytes."""
    shown: Description = json.loads(json.dumps(description))
    count, size = storage.estimate(stores[""], now)
    shown |= {"TableStatus": status, "ItemCount": count, "TableSizeBytes": size}
    for member in (GLOBAL, LOCAL):
        for index in shown.get(member, ()):
            count, size = storage.estimate(stores[index["IndexName"]], now)
            index |= {"ItemCount": count, "IndexSizeBytes": size}
            if member == GLOBAL:
                index["IndexStatus"] = "ACTIVE"
    return shown
