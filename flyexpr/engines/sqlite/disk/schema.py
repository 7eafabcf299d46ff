"""What reads and writes need to know of a table: its keys, its indexes, and where their rows are.

A table is kept as a `Definition`: a JSON object with the description that DescribeTable gives, the names of the SQLite
tables that hold its rows, its tags, its time to live, and how far a new store is filled. `read_table` makes the
immutable `StoredTable` of it.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

from flyexpr.engines.sqlite.disk.indexes import INDEX_CLASSES, StoredIndex, read_index
from flyexpr.engines.sqlite.disk.keeping import NEW_VIEWS, OLD_VIEWS
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, read_key_schema
from flyexpr.engines.sqlite.disk.key_texts import KeyReader, key_reader
from flyexpr.engines.sqlite.disk.vectors import VECTORS, VectorStoredIndex, read_vector_index
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.records import record

Definition = dict[str, Any]
BUILDING = "Building"  # the member that has the phases of vector indexes
RESOURCES = "CREATE TABLE resources (arn TEXT PRIMARY KEY, kind TEXT NOT NULL, definition TEXT NOT NULL) WITHOUT ROWID"
SHARDS = (
    "CREATE TABLE shards (stream TEXT NOT NULL, start INTEGER NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL, "
    "id TEXT NOT NULL, parent TEXT, last INTEGER, closed INTEGER, PRIMARY KEY (stream, start, part)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX shards_by_id ON shards (stream, id)",
)
_STORE = re.compile(r"(items|index|expiry|changes|vectors)(_[0-9]+){1,2}")


@record
class Expiry:
    """A table's time to live: the attribute with the epoch seconds, and the SQLite table that lists them in order."""

    attribute: str
    store: str


@record
class Changes:
    """Where the changes of a table are recorded: the SQLite table, and the number after which the newest shards begin.

    `stream` is the ARN of the stream that shows them, if there is one; `days` for how many of them the table can be
    restored to a point in time, 0 if it cannot; `restorable` is the number of the change since which it can.
    `keeps_old` and `keeps_new` say whether the stream or a restoring needs the items as they were before and after a
    change.
    """

    store: str
    since: int
    stream: str | None
    days: int
    restorable: int
    keeps_old: bool
    keeps_new: bool


@record
class StoredTable:
    """A table; its indexes come in the order of their names, which is the order the service checks them in."""

    name: str
    store: str
    key: KeySchema
    indexes: tuple[StoredIndex, ...]
    expiry: Expiry | None
    filling: str | None = None  # the store that does not have all its entries yet
    changes: Changes | None = None
    vector_indexes: tuple[VectorStoredIndex, ...] = ()
    answers_from: tuple[tuple[str, float], ...] = ()  # when a new vector index begins to answer

    @cached_property
    def watched(self) -> frozenset[str]:
        """The attributes that the upkeep of indexes and time to live looks at."""
        names = {name for index in self.indexes for name in (*index.key.names, *(index.projected or ()))}
        names.update(name for index in self.vector_indexes for name in index.names)
        return frozenset(names | ({self.expiry.attribute} if self.expiry is not None else set()))

    @cached_property
    def key_of(self) -> KeyReader:
        """Gives the text of the key of a stored text, and its size."""
        return key_reader(self.key)

    @cached_property
    def vector_attributes(self) -> frozenset[tuple[str, int]]:
        """The attributes with the vectors of its vector indexes, and how many numbers each has."""
        return frozenset((index.attribute, index.dimensions) for index in self.vector_indexes)

    @cached_property
    def looks_back(self) -> bool:
        """Whether a write needs the item as it was before."""
        return bool(self.indexes or self.vector_indexes) or self.expiry is not None or self.changes is not None

    def index(self, name: str) -> StoredIndex | None:
        return next((index for index in self.indexes if index.name == name), None)

    def vector_index(self, name: str) -> VectorStoredIndex | None:
        return next((index for index in self.vector_indexes if index.name == name), None)

    @cached_property
    def collection_stores(self) -> tuple[str, ...]:
        """The stores whose rows make up the item collections; none for a table whose collections have no limit."""
        stores = [index.store for index in self.indexes if index.in_collection]
        return (self.store, *stores) if stores else ()


def read_definition(name: str, text: bytes) -> Definition:
    """The definition of a table from its text in the catalog; DamagedFileError for one that no engine wrote."""
    try:
        definition: Definition = json.loads(text)
        read_table(definition)
    except (ValueError, RecursionError, DamagedFileError) as error:
        raise DamagedFileError(f"the definition of table {name!r} cannot be read: {error}") from error
    return definition


def read_table(definition: Definition) -> StoredTable:
    """The table that a definition describes.

    DamagedFileError for a definition that no engine wrote.

    >>> read_table({
    ...     "Description": {
    ...         "TableName": "scores",
    ...         "KeySchema": [{"AttributeName": "userid", "KeyType": "HASH"}],
    ...         "AttributeDefinitions": [{"AttributeName": "userid", "AttributeType": "S"}],
    ...     },
    ...     "Stores": {"": "items_1"},
    ... }).key.names
    ('userid',)
    """
    try:
        return _read_table(definition)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(str(error)) from error


def _read_table(definition: Definition) -> StoredTable:
    description = definition["Description"]
    stores = {name: check_store(store) for name, store in definition["Stores"].items()}
    kinds = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    key = read_key_schema(description["KeySchema"], kinds)
    indexes = [
        read_index(index_class, index, kinds, key, stores[index["IndexName"]])
        for index_class in INDEX_CLASSES
        for index in description.get(index_class.wire_member, ())
    ]
    vectors = [
        read_vector_index(index, kinds, key, stores[index["IndexName"]]) for index in description.get(VECTORS, ())
    ]
    expiry = definition.get("Expiry")
    return StoredTable(
        name=description["TableName"],
        store=stores[""],
        key=key,
        indexes=tuple(sorted(indexes, key=lambda index: index.name)),
        expiry=Expiry(expiry["AttributeName"], check_store(expiry["Store"])) if expiry else None,
        filling=_read_filling(definition.get("Filling")),
        changes=_read_changes(definition.get("Changes"), description),
        vector_indexes=tuple(sorted(vectors, key=lambda index: index.name)),
        answers_from=tuple((name, one["At"] + one["Seconds"]) for name, one in definition.get(BUILDING, {}).items()),
    )


def _read_filling(filling: Any) -> str | None:
    if filling is None:
        return None
    bytes.fromhex(filling["After"])
    float(filling["At"])
    return check_store(filling["Store"])


def _read_changes(changes: Any, description: Any) -> Changes | None:
    if changes is None:
        return None
    days, view = int(changes["Days"]), description.get("StreamSpecification", {}).get("StreamViewType")
    return Changes(
        check_store(changes["Store"]),
        int(changes["Since"]),
        changes["Stream"],
        days,
        int(changes["Restorable"]),
        keeps_old=days > 0 or view in OLD_VIEWS,
        keeps_new=view in NEW_VIEWS,
    )


def store_statement(store: str, name: str = "", rule: str = " NOT NULL") -> str:
    """The SQL that makes a store; that of a vector index has a column more.

    >>> store_statement("items_1")
    'CREATE TABLE items_1 (key BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL, item TEXT NOT NULL)'
    >>> store_statement("vectors_1", "temp.past", rule="")
    'CREATE TABLE temp.past (key BLOB PRIMARY KEY, size INTEGER, item TEXT, vector BLOB)'

    `name` is that of the table to make, if it is another one; `rule` is the constraint of each column.
    """
    vector = f", vector BLOB{rule}" if store.startswith("vectors") else ""
    return f"CREATE TABLE {name or store} (key BLOB PRIMARY KEY{rule}, size INTEGER{rule}, item TEXT{rule}{vector})"


def changes_statement(store: str) -> str:
    """The SQL that makes a store of changes (history/changes.py)."""
    return (
        f"CREATE TABLE {store} (number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL, "
        "key_size INTEGER NOT NULL, old_size INTEGER, old TEXT, new_size INTEGER, new TEXT)"
    )


def change_kind(was_there: bool, is_there: bool, expired: bool) -> int:
    """The kind of a change as it is stored: 0 for a new item, 1 for one that is another now, 2 for one that is deleted,
    and 3 for one that is deleted because its time to live has passed.

    >>> change_kind(was_there=True, is_there=False, expired=False)
    2
    """
    return (1 if is_there else 3 if expired else 2) if was_there else 0


def check_store(name: str) -> str:
    """The same name of an SQLite table, if it is one that engines choose: it goes into statements.

    >>> check_store("items_1")
    'items_1'

    ValueError for any other; a file may come from anybody.
    """
    if not _STORE.fullmatch(name):
        raise ValueError(f"{name!r} is not a store")
    return name
