"""The tables of an engine as it describes them: asked for once in a while, because a page asks for them at each key."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from flyexpr.doors.plain import drive, perform
from flyexpr.engine import Engine
from flyexpr.errors import DynamoError
from flyexpr.schema.code import engine_name
from flyexpr.schema.indexes import Index, VectorIndex
from flyexpr.schema.table import Table
from flyexpr.serve.console.members import Members
from flyexpr.steps.lifecycle import described, some_names, ttl_attribute

_FRESH = 30.0  # seconds for which a description is believed


class KnownTable(NamedTuple):
    """A table, and the engine's own description of it."""

    table: Table[Any]
    members: dict[str, Any]
    at: float

    def size(self, index: str | None = None) -> tuple[int, int]:
        """How many items the table or an index has, and their bytes; a service counts them some times a day."""
        if index is None:
            return int(self.members.get("ItemCount") or 0), int(self.members.get("TableSizeBytes") or 0)
        members = self.of_index(self.table.index(index))
        return int(members.get("ItemCount") or 0), int(members.get("IndexSizeBytes") or 0)

    def of_index(self, index: Index) -> dict[str, Any]:
        """What the description says of an index."""
        listed = self.members.get(index.wire_member) or ()
        return next((each for each in listed if each["IndexName"] == index.name), {})


class Catalogue:
    """The tables of an engine, each asked for when its description is not known or is old."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: dict[str, KnownTable] = {}

    def known(self, name: str) -> KnownTable:
        """The table of this name, as it was within the last 30 seconds; NoSuchTable where there is none."""
        known = self._known.get(name)
        return known if known and time.monotonic() - known.at < _FRESH else self.fresh(name)

    def fresh(self, name: str) -> KnownTable:
        """The table of this name as it is now."""
        self._known.pop(name, None)
        asked = Table(name, "unknown").on(self.engine)
        table, members = perform(described(name), [asked])
        known = self._known[name] = KnownTable(table.on(self.engine), members, time.monotonic())
        return known


def tables(writable: bool, catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """The names of tables, where they live, and whether the console may change their items."""
    names, last = drive(some_names(asked.text_or_none("start")), catalogue.engine)
    more = {"next": last} if last else {}
    return {"engine": engine_name(catalogue.engine), "writable": writable, "tables": names, **more}


def table(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """What a table is: its key, its indexes, how large it is."""
    known = catalogue.fresh(asked.text("table"))
    schema, (items, size) = known.table, known.size()
    reads, writes = schema.throughput or (0, 0)
    ttl = _ttl(schema)
    return {
        "name": schema.name,
        "key": _key(schema, schema.keys),
        "indexes": [_index(known, index) for index in schema.indexes],
        "items": items,
        "bytes": size,
        "billing": f"{reads} read and {writes} write units a second" if schema.throughput else "on demand",
        "stream": schema.stream is not None,
        **({"ttl": ttl} if ttl else {}),
    }


def _ttl(table: Table[Any]) -> str | None:
    try:
        return perform(ttl_attribute(table), [table])
    except DynamoError:  # who may describe a table need not have the right to this
        return None


def _index(known: KnownTable, index: Index) -> dict[str, Any]:
    members = {
        "name": index.name,
        "kind": index.word,
        "key": _key(known.table, known.table.keys_of(index) if index.has_key else index.partition_keys),
        "projection": index.project if isinstance(index.project, str) else ", ".join(index.project),
        "ready": known.of_index(index).get("IndexStatus", "ACTIVE") == "ACTIVE",
    }
    if isinstance(index, VectorIndex):
        members |= {"attribute": index.attribute, "dimensions": index.dimensions, "distance": index.distance}
        members["filters"] = _key(known.table, tuple(index.filters))
    return members


def _key(table: Table[Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"name": name, "type": table.kind(name)} for name in names]
