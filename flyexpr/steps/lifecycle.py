"""Tables: listed, made, described, altered, removed; and the waiting that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.drive import WARNING, Pause, note
from flyexpr.errors import DynamoError, NoSuchTable
from flyexpr.records import replace
from flyexpr.requests.descriptions import described_table
from flyexpr.requests.naming import already_there, with_other_keys
from flyexpr.requests.operations import CreateTable, DeleteTable, DescribeTable, UpdateTable
from flyexpr.requests.request import wire_request
from flyexpr.requests.tables import create_table_request, table_request, ttl_request
from flyexpr.schema.table import Table
from flyexpr.steps.alter_table import alterations
from flyexpr.steps.step import Steps
from flyexpr.values.answers import decoding, fields_of
from flyexpr.values.types import quote

_MOST = 600.0  # seconds of pauses, until a table has to be ready


def create_table(table: Table, operation: CreateTable) -> Steps[None]:
    """Makes the table, and turns its expiry on; None, once it can be used."""
    if operation.if_missing and (yield from _is_there(table)):
        if operation.wait or table.ttl:
            yield from _until_ready(table)
        if table.ttl:
            yield from _see_to_expiry(table, table.ttl)
        return
    try:
        yield create_table_request(table)
    except DynamoError as error:
        if error.code != "ResourceInUseException":
            raise
        if not operation.if_missing:
            raise already_there(table, error) from None
        yield from _until(table, lambda status: status is not None)  # another program was faster
        yield from create_table(table, operation)
        return
    if operation.wait or table.ttl:
        yield from _until_ready(table)
    if table.ttl:
        yield from _turn_expiry_on(table, table.ttl)


def _see_to_expiry(table: Table, name: str) -> Steps[None]:
    """Turns the expiry of a table on that was there already: the program that made it may have ended before it did so.

    A table whose items expire by another attribute is taken as it is. A program that may not ask is not stopped.
    """
    try:
        is_off = (yield from ttl_attribute(table)) is None
    except DynamoError as error:
        if error.code != "AccessDeniedException":
            raise
        note(WARNING, "table %r: whether its items expire by `%s` could not be checked: %s", table.name, name, error)
        return
    if is_off:
        yield from _turn_expiry_on(table, name)


def _turn_expiry_on(table: Table, name: str) -> Steps[None]:
    """Turns the table's expiry on, unless another program is faster: that makes a second request invalid."""
    try:
        yield ttl_request(table, name, True)
    except DynamoError as error:
        if error.code != "ValidationException" or (yield from ttl_attribute(table)) != name:
            raise


def _is_there(table: Table) -> Steps[bool]:
    """Whether there is such a table, once one that is being deleted has gone; TableExists for one with other keys."""
    try:
        members = yield from description(table)
    except NoSuchTable:
        return False
    if members.get("TableStatus") == "DELETING":
        yield from _until(table, lambda status: status is None)
        return False
    existing = described_table(members)
    if [(name, existing.kind(name)) for name in existing.keys] != [(name, table.kind(name)) for name in table.keys]:
        raise with_other_keys(table, existing)
    return True


def delete_table(table: Table, operation: DeleteTable) -> Steps[None]:
    """Removes the table; None, once it is gone."""
    yield table_request(table, "DeleteTable")
    if operation.wait:
        yield from _until(table, lambda status: status is None)


def describe_table(table: Table, operation: DescribeTable) -> Steps[Table]:
    """The table as its engine describes it, bound to that engine."""
    described = described_table((yield from description(table)))
    ttl = yield from ttl_attribute(table)
    with decoding:  # an answer that is none may name anything
        return replace(described, ttl=ttl, engine=table.engine)


def ttl_attribute(table: Table) -> Steps[str | None]:
    """The attribute with the time after which an item may be deleted; None where items stay."""
    body = yield table_request(table, "DescribeTimeToLive")
    with decoding:
        ttl = fields_of(body).get("TimeToLiveDescription", {})
        return ttl.get("AttributeName") if ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else None


def described(name: str) -> Steps[tuple[Table, dict[str, Any]]]:
    """The table of this name, and the engine's own description of it: how many items, how large, in which state."""
    members = yield from description(Table(name, "unknown"))
    return described_table(members), members


def description(table: Table) -> Steps[dict[str, Any]]:
    """The engine's own description of the table: the member `Table` of the answer to DescribeTable."""
    body = yield table_request(table, "DescribeTable")
    with decoding:
        members: dict[str, Any] = fields_of(body)["Table"]
        return members


def table_names() -> Steps[list[str]]:
    """The names of all of the engine's tables."""
    names, last = yield from some_names()
    while last:
        more, last = yield from some_names(last)
        names += more
    return names


def some_names(start: str | None = None) -> Steps[tuple[list[str], str | None]]:
    """The names of up to 100 tables, those after `start`, and the name after which there may be more."""
    body = yield wire_request("ListTables", [f'"ExclusiveStartTableName":{quote(start)}'] if start else [])
    with decoding:
        answer = fields_of(body)
        return [*answer["TableNames"]], answer.get("LastEvaluatedTableName")


def update_table(table: Table, operation: UpdateTable) -> Steps[list[str]]:
    """Brings the table to what its descriptor says; what was done, or would be, in words."""
    live = yield from describe_table(table, DescribeTable())
    steps = alterations(live, table, drop=operation.drop)
    for alteration in () if operation.dry_run else steps:
        yield alteration.request
        yield from _until_ready(table)
    return [alteration.words for alteration in steps]


def _until_ready(table: Table) -> Steps[None]:
    return _until(table, lambda status: status == "ACTIVE")


def _until(table: Table, ready: Callable[[str | None], bool]) -> Steps[None]:
    """Waits until the table's status is as wanted; None is the status of a table that is not there."""
    waited, pause = 0.0, 0.02
    while not ready(status := (yield from _status(table))):
        if waited > _MOST:
            raise DynamoError.of("TimeoutError", f"table {table.name!r} was not ready after {_MOST:.0f} seconds")
        yield Pause(pause, f"table {table.name!r} is {status or 'not there'}")
        waited, pause = waited + pause, min(pause * 2, 5.0)


def _status(table: Table) -> Steps[str | None]:
    try:
        members = yield from description(table)
    except NoSuchTable:
        return None
    with decoding:
        indexes = (str(each.get("IndexStatus", "ACTIVE")) for each in members.get("GlobalSecondaryIndexes") or ())
        return next((status for status in indexes if status != "ACTIVE"), str(members.get("TableStatus", "ACTIVE")))
