"""DescribeLimits and DescribeEndpoints, which tools ask before they begin; nothing here is limited."""

from __future__ import annotations

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.members import Request
from flyexpr.engines.sqlite.storage import Storage

_UNITS = 80_000


def describe_limits(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeLimits: the service's default quotas."""
    return json_text(
        {
            "AccountMaxReadCapacityUnits": _UNITS,
            "AccountMaxWriteCapacityUnits": _UNITS,
            "TableMaxReadCapacityUnits": _UNITS // 2,
            "TableMaxWriteCapacityUnits": _UNITS // 2,
        }
    )


def describe_endpoints(storage: Storage, request: Request, now: float) -> bytes:
    """The answer to DescribeEndpoints."""
    return json_text({"Endpoints": [{"Address": "dynamodb.local.amazonaws.com", "CachePeriodInMinutes": 1440}]})
