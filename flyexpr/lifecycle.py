"""The life of a table: made, looked at, altered, removed; and the waiting that goes with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from flyexpr.errors import DynamoError, NoSuchTable
from flyexpr.operations import CreateTable, DeleteTable, DescribeTable, UpdateTable
from flyexpr.records import replace
from flyexpr.requests import Request
from flyexpr.responses import decoding, described_table, fields_of
from flyexpr.steps.altering import changes
from flyexpr.table_requests import create_table_request, table_request, ttl_request
from flyexpr.tables import Table


def send(table: Table, request: Request) -> bytes:
    """The answer of the table's engine; NotBound where it has none.

    >>> send(scores, Request("ListTables", b"{}"))
    b'{"TableNames":["GameScores"]}'
    """
    try:
        return table.bound(request.operation, request.body)
    except NoSuchTable as error:
        raise named(error, [table]) from None


def named(error: NoSuchTable, tables: Iterable[Table]) -> NoSuchTable:
    """The error, in words that name the table or tables that an operation is on, and their engine.

    >>> error = DynamoError.of("ResourceNotFoundException", "Requested resource not found")
    >>> print(named(error, [Table("Nope", "id").on(connect("sqlite::memory:"))]))
    there is no table 'Nope' on sqlite::memory:
      hint: run(table, create_table()) makes it
    """
    found = {table.name: table for table in tables}
    names = " or no table ".join(map(repr, found))
    engine = repr(next(iter(found.values())).engine)
    on = f" on {engine.removeprefix('<engine ').removesuffix('>')}" if engine.startswith("<engine ") else ""
    error.text = f"there is no table {names}{on}\n  hint: run(table, create_table()) makes it"
    return error


def create_table(table: Table, operation: CreateTable) -> None:
    """Makes the table, and turns its expiry on; None, once it can be used."""
    send(table, create_table_request(table))
    if operation.wait or table.ttl:
        _await_ready(table)
    if table.ttl:
        send(table, ttl_request(table, table.ttl, True))


def delete_table(table: Table, operation: DeleteTable) -> None:
    """Removes the table; None, once it is gone."""
    send(table, table_request(table, "DeleteTable"))
    if operation.wait:
        _await(table, lambda status: status is None)


def describe_table(table: Table, operation: DescribeTable) -> Table:
    """The table as its engine describes it, bound to that engine."""
    described = described_table(send(table, table_request(table, "DescribeTable")))
    body = send(table, table_request(table, "DescribeTimeToLive"))
    with decoding:
        ttl = fields_of(body).get("TimeToLiveDescription", {})
        on = ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        return replace(described, ttl=ttl.get("AttributeName") if on else None, engine=table.engine)


def update_table(table: Table, operation: UpdateTable) -> list[str]:
    """Brings the table to what its descriptor says; what was done, or would be, in words."""
    steps = changes(describe_table(table, DescribeTable()), table, drop=operation.drop)
    for change in () if operation.dry_run else steps:
        send(table, change.request)
        _await_ready(table)
    return [change.words for change in steps]


def _await_ready(table: Table) -> None:
    _await(table, lambda status: status == "ACTIVE")


def _await(table: Table, ready: Callable[[str | None], bool], most: float = 600.0) -> None:
    """Waits until the table's status is as wanted; None is the status of a table that is not there."""
    until, pause = time.monotonic() + most, 0.02
    while not ready(_status(table)):
        if time.monotonic() > until:
            raise DynamoError.of("TimeoutError", f"table {table.name!r} was not ready after {most:.0f} seconds")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _status(table: Table) -> str | None:
    try:
        body = send(table, table_request(table, "DescribeTable"))
    except NoSuchTable:
        return None
    with decoding:
        found = fields_of(body)["Table"]
        indexes = (str(each.get("IndexStatus", "ACTIVE")) for each in found.get("GlobalSecondaryIndexes") or ())
        return next((status for status in indexes if status != "ACTIVE"), str(found.get("TableStatus", "ACTIVE")))
