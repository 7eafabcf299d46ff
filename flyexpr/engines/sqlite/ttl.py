"""UpdateTimeToLive, DescribeTimeToLive, and the deletion of items whose time has come.

An item has expired when its attribute is a Number of epoch seconds in the past, but no more than five years ago. It is
deleted within seconds of the next request, with its index entries; until then reads still give it, as the service's do.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.changes import add_expiry, carry_out, time_key
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.keys import segment_range
from flyexpr.engines.sqlite.members import Request, check_table_name, gather, told
from flyexpr.engines.sqlite.rules import Rule, boolean_rule, map_rule, sized_text_rule, table_rule
from flyexpr.engines.sqlite.schema import read_table, row_key
from flyexpr.engines.sqlite.storage import Storage
from flyexpr.engines.sqlite.tables import known_definition
from flyexpr.engines.sqlite.writes import read_image

FIVE_YEARS = 5 * 365 * 24 * 3600
SWEEP = 500
_RULES: dict[str, Rule] = {"TableName": table_rule, "TimeToLiveSpecification": map_rule}
_SPECIFICATION: dict[str, Rule] = {"AttributeName": sized_text_rule(1, 255), "Enabled": boolean_rule}


def update_time_to_live(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to UpdateTimeToLive."""
    check_table_name(request)
    problems: list[str] = []
    members = gather(request, _RULES, _RULES, "", problems)
    wanted = gather(
        members.get("TimeToLiveSpecification", {}),
        _SPECIFICATION,
        _SPECIFICATION,
        "timeToLiveSpecification.",
        problems,
    )
    if problems:
        raise invalid(told(problems))
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, members["TableName"])
        old = definition.get("Expiry")
        if wanted["Enabled"] == (old is not None):
            raise invalid(f"TimeToLive is already {'enabled' if old else 'disabled'}")
        if old is not None and old["AttributeName"] != wanted["AttributeName"]:
            raise invalid(
                f"TimeToLive is active on a different AttributeName: current AttributeName is {old['AttributeName']}"
            )
        version = storage.next_version()
        if old is not None:
            storage.drop_store(definition.pop("Expiry")["Store"])
        else:
            definition["Expiry"] = {"AttributeName": wanted["AttributeName"], "Store": f"expiry_{version}"}
            storage.create_store(f"expiry_{version}")
            _fill(storage, definition)
        storage.define(members["TableName"], definition)
    return json_text({"TimeToLiveSpecification": wanted})


def _fill(storage: Storage, definition: dict[str, Any]) -> None:
    table = read_table(definition)
    assert table.expiry is not None
    for row in storage.rows(table.store, segment_range(0, 1)):
        image = read_image(row, table.watched.union(table.key.names))
        assert image is not None
        add_expiry(storage, table.expiry, row_key(table.key, image.item), image)


def describe_time_to_live(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeTimeToLive."""
    check_table_name(request)
    problems: list[str] = []
    members = gather(request, _RULES, ("TableName",), "", problems)
    if problems:
        raise invalid(told(problems))
    with storage.transaction("DEFERRED"):
        expiry = known_definition(storage, members["TableName"]).get("Expiry")
    told_of: dict[str, str] = {"TimeToLiveStatus": "DISABLED"}
    if expiry:
        told_of = {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry["AttributeName"]}
    return json_text({"TimeToLiveDescription": told_of})


def sweep(storage: Storage, now: float) -> None:
    """Delete items whose time has come, up to 500 of each table; without any, nothing is locked."""
    keys = time_key(max(now - FIVE_YEARS, 0)), time_key(max(now, 0))
    with storage.transaction("DEFERRED"):
        tables = [storage.table(name) for name in storage.expiring_tables()]
        due = [
            table.name
            for table in tables
            if table.expiry is not None and any(storage.rows(table.expiry.store, keys, limit=1))
        ]
    for name in due:
        with storage.transaction("IMMEDIATE"):
            if name not in storage.expiring_tables():
                continue
            table = storage.table(name)
            assert table.expiry is not None
            for _, text in list(storage.rows(table.expiry.store, keys, limit=SWEEP)):
                row = bytes.fromhex(text.decode())
                carry_out(storage, table, row, read_image(storage.get(table.store, row), table.watched), None)
