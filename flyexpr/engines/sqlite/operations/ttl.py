"""UpdateTimeToLive, DescribeTimeToLive, and the deletion of items whose time has come.

An item has expired when its attribute is a Number of epoch seconds in the past, but no more than five years ago. It is
deleted within seconds of the next request, with its index entries; until then reads still give it, as the service's do.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from contextlib import suppress

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.images import read_image
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import IN_USE, DamagedFileError, invalid
from flyexpr.engines.sqlite.operations.carry_out import carry_out, time_key
from flyexpr.engines.sqlite.operations.fills import begin_fill, check_unfilled, finish_abandoned, finish_fill
from flyexpr.engines.sqlite.operations.tables import known_definition
from flyexpr.engines.sqlite.request.intents.settings import ExpiryAsked

FIVE_YEARS = 5 * 365 * 24 * 3600
SWEEP = 100  # some 10 ms of work, for a request that happens to come by


def update_time_to_live(storage: Storage, asked: ExpiryAsked, now: float) -> bytes:
    """The answer to UpdateTimeToLive."""
    name = asked.table
    finish_abandoned(storage, name)
    unfinished = False
    with storage.transaction("IMMEDIATE"):
        definition = known_definition(storage, name)
        check_unfilled(definition, f"{IN_USE}Table is being updated: {name}")
        old = definition.get("Expiry")
        _check_change(old, asked)
        version = storage.next_version()
        if old is not None:
            storage.drop_store(definition.pop("Expiry")["Store"])
            storage.define(name, definition)
        else:
            store = f"expiry_{version}"
            definition["Expiry"] = {"AttributeName": asked.attribute, "Store": store}
            storage.create_store(store)
            unfinished = begin_fill(storage, name, definition, store)
    if unfinished:
        finish_fill(storage, name, lambda definition: definition.pop("Expiry", None))
    return json_text({"TimeToLiveSpecification": asked.wire})


def _check_change(old: dict[str, str] | None, asked: ExpiryAsked) -> None:
    """None for a change of the `old` time to live, which is None where there is none."""
    if asked.enabled == (old is not None):
        raise invalid(f"TimeToLive is already {'enabled' if old else 'disabled'}")
    if old is not None and old["AttributeName"] != asked.attribute:
        raise invalid(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {old['AttributeName']}"
        )


def describe_time_to_live(storage: Storage, name: str, now: float) -> bytes:
    """The answer to DescribeTimeToLive."""
    finish_abandoned(storage, name)
    with storage.transaction("DEFERRED"):
        definition = known_definition(storage, name)
    shown: dict[str, str] = {"TimeToLiveStatus": "DISABLED"}
    expiry = definition.get("Expiry")
    if expiry:
        filling = definition.get("Filling", {}).get("Store") == expiry["Store"]
        shown = {"TimeToLiveStatus": "ENABLING" if filling else "ENABLED", "AttributeName": expiry["AttributeName"]}
    return json_text({"TimeToLiveDescription": shown})


def sweep(storage: Storage, now: float) -> bool:
    """Delete up to 100 items whose time has come, without waiting for another process; whether there may be more.

    Where nothing has expired, nothing is locked.
    """
    keys, left = (time_key(max(now - FIVE_YEARS, 0)), time_key(max(now, 0))), SWEEP
    with storage.transaction("DEFERRED"):
        due = [name for name in storage.expiring_tables() if any(_due(storage, name, keys, 1))]
    for name in due:
        with suppress(DamagedFileError), storage.transaction("IMMEDIATE", patience=0):  # other tables go on
            for text in _due(storage, name, keys, left):
                _expire(storage, storage.table(name), _row_of(text))
                left -= 1
        if not left:
            break
    return not left


def _due(storage: Storage, name: str, keys: Range, limit: int) -> list[bytes]:
    """The row keys of the items of a table that have expired, in hexadecimal; none of a table that has gone."""
    table = storage.find(name)
    if table is None or table.expiry is None:
        return []
    return [text for _, text in storage.rows(table.expiry.store, keys, limit=limit)]


def _row_of(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode())
    except ValueError as error:
        raise DamagedFileError("a row of a time to live cannot be read") from error


def _expire(storage: Storage, table: StoredTable, row: bytes) -> None:
    old = read_image(storage.get(table.store, row), table.watched)
    carry_out(storage, table, row, old, None, expired=True)
