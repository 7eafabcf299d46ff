"""DescribeContinuousBackups, which tools ask before they begin; there are no backups."""

from __future__ import annotations

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.errors import DynamoError


def describe_continuous_backups(storage: Storage, name: str, now: float) -> bytes:
    """The answer to DescribeContinuousBackups: that of a table whose point-in-time recovery is off."""
    with storage.transaction("DEFERRED"):
        if storage.definition(name) is None:
            raise DynamoError.of("TableNotFoundException", f"Table not found: {name}")
    recovery = {"PointInTimeRecoveryStatus": "DISABLED"}
    return json_text(
        {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": recovery,
            }
        }
    )
