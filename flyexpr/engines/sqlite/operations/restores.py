"""Continuous backups, and the restoring of a table from a backup or to a point in time.

A table that can be restored to a point in time has its changes recorded. It is restored by taking back, in a copy, what
has changed since then.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html
"""

from __future__ import annotations

from math import floor
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.history.changes import SECOND, change_number, last_number, last_together
from flyexpr.engines.sqlite.disk.images import read_image
from flyexpr.engines.sqlite.disk.keeping import DAY
from flyexpr.engines.sqlite.disk.schema import Definition, StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations.backups import copied_definition, known_backup, source_definition
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.fills import finish_abandoned
from flyexpr.engines.sqlite.operations.past import first_changes
from flyexpr.engines.sqlite.operations.recording import begin_recording, end_recording
from flyexpr.engines.sqlite.operations.tables import enter_table
from flyexpr.engines.sqlite.request.intents.backups import Overrides, RecoveryAsked, RestoreAsked, RestoreToTimeAsked
from flyexpr.engines.sqlite.request.intents.tables import TableAsked
from flyexpr.engines.sqlite.rules.backups import restored_table
from flyexpr.engines.sqlite.rules.descriptions import new_description
from flyexpr.engines.sqlite.rules.views import created_view, table_view
from flyexpr.errors import DynamoError

_FOREVER = 2**62


def update_continuous_backups(storage: Storage, asked: RecoveryAsked, now: float) -> bytes:
    """The answer to UpdateContinuousBackups."""
    with storage.transaction("IMMEDIATE"):
        definition = source_definition(storage, asked.table)
        if asked.days:
            changes = begin_recording(storage, definition)
            changes["Restorable"] = _restorable(storage, changes, now)
            changes["Days"] = asked.days
        elif "Changes" in definition:
            definition["Changes"]["Days"] = 0
            end_recording(storage, definition)
        storage.next_version()
        storage.define(asked.table, definition)
    return _continuous_backups(definition, now)


def describe_continuous_backups(storage: Storage, name: str, now: float) -> bytes:
    """The answer to DescribeContinuousBackups."""
    with storage.transaction("DEFERRED"):
        definition = source_definition(storage, name)
    return _continuous_backups(definition, now)


def _continuous_backups(definition: Definition, now: float) -> bytes:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    changes = definition.get("Changes")
    if changes is not None and changes["Days"]:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": changes["Days"],
            "EarliestRestorableDateTime": float(floor(_earliest(changes, now))),
            "LatestRestorableDateTime": now,
        }
    shown = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return json_text({"ContinuousBackupsDescription": shown})


def _restorable(storage: Storage, changes: dict[str, Any], now: float) -> int:
    """The number from which on the record has what a restoring needs."""
    if changes["Days"]:  # older changes may be gone, even if more days are asked for now
        return max(int(changes["Restorable"]), change_number(now - changes["Days"] * DAY))
    # A stream may have recorded changes without the items as they were; after the clock was set back, later than now.
    return max(int(changes["Since"]), change_number(now), last_number(storage, changes["Store"]) + 1)


def _earliest(changes: dict[str, Any], now: float) -> float:
    """The moment that the record goes back to. Its whole second is shown: clients keep only some digits of a time."""
    return float(max(changes["Restorable"] / SECOND, now - changes["Days"] * DAY))


def restore_table_from_backup(storage: Storage, asked: RestoreAsked, now: float) -> bytes:
    """The answer to RestoreTableFromBackup; the table is there when it is given."""
    with storage.transaction("IMMEDIATE"):
        backup = known_backup(storage, asked.backup)
        table, definition = _copied(storage, backup.definition, asked.target, asked.overrides, now)
        definition["Description"]["RestoreSummary"]["SourceBackupArn"] = backup.arn
        storage.define(asked.target, definition)
    return _answer(storage, table, definition, now)


def restore_table_to_point_in_time(storage: Storage, asked: RestoreToTimeAsked, now: float) -> bytes:
    """The answer to RestoreTableToPointInTime; the table is there when it is given.

    It has the changes that were made up to that moment, and none of those after it.
    """
    finish_abandoned(storage, asked.source)
    with storage.transaction("IMMEDIATE"):
        source = copied_definition(storage, asked.source)
        changes = source.get("Changes", {})
        if not changes.get("Days"):
            text = f"Point in time recovery is not enabled for table '{asked.source}'"
            raise DynamoError.of("PointInTimeRecoveryUnavailableException", text)
        moment, earliest = now if asked.seconds is None else asked.seconds, _earliest(changes, now)
        if asked.seconds is not None and not floor(earliest) <= moment <= now:
            text = "The restore date and time must be between EarliestRestorableDateTime and LatestRestorableDateTime"
            raise DynamoError.of("InvalidRestoreTimeException", text)
        table, definition = _copied(storage, source, asked.target, asked.overrides, now)
        definition["Description"]["RestoreSummary"]["RestoreDateTime"] = moment
        storage.define(asked.target, definition)
        if asked.seconds is not None:
            _take_back(storage, storage.table(asked.target), changes["Store"], change_number(max(moment, earliest)))
    return _answer(storage, table, definition, now)


def _copied(
    storage: Storage, source: Definition, target: str, overrides: Overrides, now: float
) -> tuple[TableAsked, Definition]:
    """A new table with the rows of another one, or of a backup."""
    if storage.definition(target) is not None:
        raise DynamoError.of("TableAlreadyExistsException", f"Table already exists: {target}")
    table = restored_table(source["Description"], target, overrides)
    definition = enter_table(storage, new_description(table, now), {"Tags": {}}, now)
    for name, store in definition["Stores"].items():
        storage.copy_store(source["Stores"][name], store)
    definition["Description"]["RestoreSummary"] = {
        "SourceTableArn": source["Description"]["TableArn"],
        "RestoreDateTime": now,
        "RestoreInProgress": False,
    }
    return table, definition


def _take_back(storage: Storage, table: StoredTable, store: str, number: int) -> None:
    """Make of each item of a copy what it was before its first change after a number."""
    for row, was in first_changes(storage, table, store, last_together(storage, store, number), _FOREVER):
        before, after = read_image(storage.get(table.store, row), table.watched), read_image(was, table.watched)
        carry_out(storage, table, row, before, after)


def _answer(storage: Storage, table: TableAsked, definition: Definition, now: float) -> bytes:
    view = created_view(table_view(storage, definition, now), table)
    view["RestoreSummary"]["RestoreInProgress"] = True
    return json_text({"TableDescription": view})
