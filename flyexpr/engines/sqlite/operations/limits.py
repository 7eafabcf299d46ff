"""DescribeLimits, DescribeEndpoints and DescribeContinuousBackups, which tools ask before they begin.

Nothing here is limited, and there are no backups.
"""

from __future__ import annotations

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.errors import DynamoError

_UNITS = 80_000


def describe_limits(storage: Storage, asked: None, now: float) -> bytes:
    """The answer to DescribeLimits: the service's default quotas."""
    return json_text(
        {
            "AccountMaxReadCapacityUnits": _UNITS,
            "AccountMaxWriteCapacityUnits": _UNITS,
            "TableMaxReadCapacityUnits": _UNITS // 2,
            "TableMaxWriteCapacityUnits": _UNITS // 2,
        }
    )


def describe_endpoints(storage: Storage, asked: None, now: float) -> bytes:
    """The answer to DescribeEndpoints."""
    return json_text({"Endpoints": [{"Address": "dynamodb.local.amazonaws.com", "CachePeriodInMinutes": 1440}]})


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
