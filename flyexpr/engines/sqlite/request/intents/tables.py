"""What CreateTable, UpdateTable and ListTables ask for."""

from __future__ import annotations

from typing import Any, NamedTuple

from flyexpr.records import record


@record
class Throughput:
    """The throughput of a table or an index, in wire form; None for a part that is not asked for."""

    provisioned: dict[str, int] | None = None
    on_demand: dict[str, int] | None = None
    warm: dict[str, int] | None = None


@record
class Settings:
    """What CreateTable and UpdateTable set of a table beside its keys and indexes; None for what is not asked for."""

    billing_mode: str | None = None
    throughput: Throughput = Throughput()
    deletion_protection: bool | None = None
    stream: dict[str, Any] | None = None
    encryption: dict[str, Any] | None = None
    table_class: str | None = None


@record
class IndexAsked:
    """A new index, or the throughput of one; its keys and its projection are in wire form."""

    name: str
    keys: list[dict[str, str]]
    projection: dict[str, Any]
    throughput: Throughput


@record
class VectorIndexAsked:
    """A new vector index; its projection and its search schema are in wire form."""

    name: str
    attribute: str
    dimensions: int
    distance: str
    projection: dict[str, Any]
    schema: list[dict[str, str]] | None


@record
class TableAsked:
    """What CreateTable asks for. The tags are as they were sent, for they are the last thing that is checked."""

    name: str
    keys: list[dict[str, str]]
    attributes: list[dict[str, str]]
    settings: Settings
    global_indexes: list[IndexAsked] | None
    local_indexes: list[IndexAsked] | None
    tags: list[Any]
    policy: str | None = None
    vector_indexes: list[VectorIndexAsked] | None = None


@record
class IndexUpdate:
    """What UpdateTable does with one global index: Create, Update or Delete."""

    action: str
    index: IndexAsked


@record
class VectorUpdate:
    """What UpdateTable does with the vector index of a name: it makes `new`, or deletes the one that is there."""

    name: str
    new: VectorIndexAsked | None = None


@record
class AlterationAsked:
    """What UpdateTable asks for."""

    table: str
    attributes: list[dict[str, str]]
    settings: Settings
    updates: list[IndexUpdate]
    vector_updates: tuple[VectorUpdate, ...] = ()


class NamesAsked(NamedTuple):
    """What ListTables asks for: up to `limit` names that sort after this one."""

    after: str
    limit: int
