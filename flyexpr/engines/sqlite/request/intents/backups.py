"""What the operations on backups and on restoring ask for."""

from __future__ import annotations

from typing import NamedTuple

from flyexpr.engines.sqlite.request.intents.tables import IndexAsked, Settings


class BackupAsked(NamedTuple):
    """What CreateBackup asks for."""

    table: str
    name: str


class BackupsAsked(NamedTuple):
    """What ListBackups asks for: up to `limit` backups that sort after an ARN, made from `since` on and before `until`.

    Of one table or of all, of the type USER, SYSTEM or ALL.
    """

    table: str | None
    type: str
    since: float
    until: float
    after: str
    limit: int


class Overrides(NamedTuple):
    """What a restored table has in place of what its source has; None for what it takes from there."""

    settings: Settings
    global_indexes: list[IndexAsked] | None
    local_indexes: list[IndexAsked] | None


class RestoreAsked(NamedTuple):
    """What RestoreTableFromBackup asks for."""

    backup: str
    target: str
    overrides: Overrides


class RecoveryAsked(NamedTuple):
    """What UpdateContinuousBackups asks for: for how many days the table can be restored, 0 for not at all."""

    table: str
    days: int


class RestoreToTimeAsked(NamedTuple):
    """What RestoreTableToPointInTime asks for; `seconds` is None for the latest moment."""

    source: str
    target: str
    seconds: float | None
    overrides: Overrides
