"""CreateTable, DescribeTable, UpdateTable, DeleteTable and ListTables; everything is done when the answer is given."""

from __future__ import annotations

import uuid
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.schema import BUILDING, Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import IN_USE, in_use, invalid, not_found
from flyexpr.engines.sqlite.operations.backups import keep_deleted
from flyexpr.engines.sqlite.operations.fills import begin_fill, check_unfilled, finish_abandoned, finish_fill
from flyexpr.engines.sqlite.operations.policies import new_policy
from flyexpr.engines.sqlite.operations.recording import follow_stream, forget_table
from flyexpr.engines.sqlite.request.intents.tables import AlterationAsked, NamesAsked, TableAsked
from flyexpr.engines.sqlite.request.settings.tags import read_tags
from flyexpr.engines.sqlite.rules.alterations import altered_description
from flyexpr.engines.sqlite.rules.building import begin_building, check_buildable, check_unbuilding
from flyexpr.engines.sqlite.rules.definitions import all_indexes
from flyexpr.engines.sqlite.rules.descriptions import STREAM_MEMBERS, new_description
from flyexpr.engines.sqlite.rules.throughput import Description
from flyexpr.engines.sqlite.rules.views import created_view, deleted_view, table_view, updated_view


def create_table(storage: Storage, asked: TableAsked, now: float) -> bytes:
    """The answer to CreateTable."""
    description = new_description(asked, now)
    tags = read_tags(asked.tags)
    with storage.transaction("IMMEDIATE"):
        if storage.definition(asked.name) is not None:
            raise in_use(f"Table already exists: {asked.name}")
        more: Definition = {"Tags": tags}
        if asked.policy is not None:
            more["Policies"] = {description["TableArn"]: new_policy(asked.policy, now)}
        definition = enter_table(storage, description, more, now)
    return json_text({"TableDescription": created_view(table_view(storage, definition, now), asked)})


def enter_table(storage: Storage, description: Description, more: Definition, now: float) -> Definition:
    """The definition of a new table, which is entered into the catalog with empty stores.

    `more` has its tags and policies.
    """
    version = storage.next_version()
    description |= {
        "CreationDateTime": now,
        "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{description['TableArn']}/{version}/{now}")),
    }
    stores = {"": f"items_{version}"}
    for position, index in enumerate(all_indexes(description)):
        stores[index["IndexName"]] = f"{_store_word(index)}_{version}_{position}"
    for store in stores.values():
        storage.create_store(store)
    definition = {"Description": description, "Stores": stores, **more}
    follow_stream(storage, definition, {}, now)
    storage.define(description["TableName"], definition)
    return definition


def describe_table(storage: Storage, name: str, now: float) -> bytes:
    """The answer to DescribeTable; in a large table, items and bytes are counted anew once a minute at most."""
    finish_abandoned(storage, name)
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    return json_text({"Table": table_view(storage, definition, now)})


def update_table(storage: Storage, asked: AlterationAsked, now: float) -> bytes:
    """The answer to UpdateTable; a new index is filled before it is given, while others read and write."""
    name = asked.table
    finish_abandoned(storage, name)
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        check_unfilled(definition, f"{IN_USE}Table is being updated: {name}")
        before = definition["Description"]
        check_buildable(definition, *_index_changes(asked), now)
        fresh = _alter(storage, definition, altered_description(before, asked, now))
        new = [update.name for update in asked.vector_updates if update.new is not None]
        begin_building(definition, new, storage.keeping.indexing, now)
        follow_stream(storage, definition, before, now)
        storage.define(name, definition)
        unfinished = [store for store in fresh.values() if begin_fill(storage, name, definition, store)]
    if unfinished:
        finish_fill(storage, name, lambda definition: _undo(definition, before, fresh))
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    view = updated_view(table_view(storage, definition, now), before, asked.settings.throughput)
    return json_text({"TableDescription": view})


def _index_changes(asked: AlterationAsked) -> tuple[bool, list[str]]:
    """Whether an UpdateTable makes an index, and the names of those that it deletes."""
    actions = [(update.action, update.index.name) for update in asked.updates]
    actions += [("Delete" if update.new is None else "Create", update.name) for update in asked.vector_updates]
    return any(action == "Create" for action, _ in actions), [name for action, name in actions if action == "Delete"]


def _alter(storage: Storage, definition: Definition, description: Description) -> dict[str, str]:
    """The store of the new index, if there is one, by its name; those of indexes that go are dropped."""
    stores, version = definition["Stores"], storage.next_version()
    definition["Description"] = description
    words = {index["IndexName"]: _store_word(index) for index in all_indexes(description)}
    for name in stores.keys() - words.keys() - {""}:
        storage.drop_store(stores.pop(name))
    # One at most: altered_description sees to it.
    fresh = {name: f"{word}_{version}" for name, word in words.items() if name not in stores}
    for store in fresh.values():
        storage.create_store(store)
    stores |= fresh
    return fresh


def _store_word(index: Description) -> str:
    return "vectors" if "VectorAttribute" in index else "index"


def _undo(definition: Definition, before: Description, fresh: dict[str, str]) -> None:
    """Take back what an UpdateTable has changed; a stream that it has begun, or ended, stays as it is."""
    after = definition["Description"]
    kept = {name: part for name, part in before.items() if name not in STREAM_MEMBERS}
    definition["Description"] = kept | {name: after[name] for name in STREAM_MEMBERS if name in after}
    for name in fresh:
        del definition["Stores"][name]
        definition.get(BUILDING, {}).pop(name, None)


def delete_table(storage: Storage, name: str, now: float) -> bytes:
    """The answer to DeleteTable."""
    finish_abandoned(storage, name)
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        check_unfilled(definition, "Cannot delete table while indexes are being created, updated, or deleted")
        check_unbuilding(definition, now)
        if definition["Description"].get("DeletionProtectionEnabled"):
            raise invalid(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        shown = deleted_view(definition, storage.total(definition["Stores"][""]), now)
        _drop_stores(storage, definition, now)
        storage.next_version()
        storage.define(name, None)
    return json_text({"TableDescription": shown})


def _drop_stores(storage: Storage, definition: Definition, now: float) -> None:
    """Drop the stores of a table, but for what its stream or a backup of the system keeps."""
    if "Expiry" in definition:
        storage.drop_store(definition["Expiry"]["Store"])
    if definition.get("Changes", {}).get("Days"):
        keep_deleted(storage, definition, now)
    else:
        for store in definition["Stores"].values():
            storage.drop_store(store)
    forget_table(storage, definition, now)


def list_tables(storage: Storage, asked: NamesAsked, now: float) -> bytes:
    """The answer to ListTables: up to 100 names, in order."""
    with storage.transaction("DEFERRED"):
        names = storage.table_names(asked.after, asked.limit + 1)
    answer: dict[str, Any] = {"TableNames": names[: asked.limit]}
    if len(names) > asked.limit:
        answer["LastEvaluatedTableName"] = names[asked.limit - 1]
    return json_text(answer)


def known_definition(storage: Storage, name: str) -> Definition:
    """The definition of a table, by name, for the operations that are about the table itself."""
    definition = storage.definition(name)
    if definition is None:
        raise not_found(f"Requested resource not found: Table: {name} not found")
    return definition
