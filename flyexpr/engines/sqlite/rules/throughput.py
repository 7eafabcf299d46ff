"""The throughput of a table or an index: its billing mode, units, ceilings and warm throughput (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ProvisionedThroughputDescription.html
"""

from __future__ import annotations

import time
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.definitions import MAX_UNITS, UNITS
from flyexpr.engines.sqlite.request.intents.tables import Throughput

Description = dict[str, Any]

ON_DEMAND, PROVISIONED = "PAY_PER_REQUEST", "PROVISIONED"
_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}  # of what is on demand, if nothing else is asked
_SUMMARY, _SINCE = "BillingModeSummary", "LastUpdateToPayPerRequestDateTime"


def billing_mode(description: Description) -> str:
    """The billing mode of a table.

    >>> billing_mode({})
    'PROVISIONED'
    """
    mode: str = description.get(_SUMMARY, {}).get("BillingMode", PROVISIONED)
    return mode


def set_billing_mode(description: Description, mode: str, now: float) -> None:
    """Enter the billing mode of a table. A table that was once on demand keeps the time when that began.

    >>> table = {}
    >>> set_billing_mode(table, "PAY_PER_REQUEST", 5.0)
    >>> set_billing_mode(table, "PROVISIONED", 6.0)
    >>> table["BillingModeSummary"]
    {'BillingMode': 'PROVISIONED', 'LastUpdateToPayPerRequestDateTime': 5.0}
    """
    summary = description.get(_SUMMARY)
    if mode == ON_DEMAND and billing_mode(description) != mode:
        description[_SUMMARY] = {"BillingMode": mode, _SINCE: now}
    elif summary is not None:
        description[_SUMMARY] = {**summary, "BillingMode": mode}


def set_throughput(description: Description, throughput: Throughput, mode: str, now: float) -> None:
    """Enter the units and ceilings of a table or an index; a ceiling of -1 removes one."""
    units = (throughput.provisioned or {}) if mode == PROVISIONED else {}
    new = {name: units.get(name, 0) for name in UNITS}
    description["ProvisionedThroughput"] = _changed_units(description.get("ProvisionedThroughput"), new, now)
    ceilings: dict[str, int] = {}
    if mode == ON_DEMAND:
        ceilings = {**description.get("OnDemandThroughput", {}), **(throughput.on_demand or {})}
    description.pop("OnDemandThroughput", None)
    kept = {name: ceiling for name, ceiling in ceilings.items() if ceiling != -1}
    if kept:
        description["OnDemandThroughput"] = kept


def _changed_units(old: Description | None, new: dict[str, int], now: float) -> Description:
    """The units of a table or an index, with the times of the last increase and decrease; 0 stands for on demand."""
    if old is None:
        return {"NumberOfDecreasesToday": 0, **new}
    changed = {**old, **new}
    if any(new[name] > old[name] for name in UNITS):
        changed["LastIncreaseDateTime"] = now
    if any(0 < new[name] < old[name] for name in UNITS):
        changed["NumberOfDecreasesToday"] = decreases_today(old, now) + 1
        changed["LastDecreaseDateTime"] = now
    return changed


def decreases_today(units: Description, now: float) -> int:
    """How often units were decreased since the last midnight, UTC.

    >>> decreases_today({"NumberOfDecreasesToday": 2, "LastDecreaseDateTime": 80_000.0}, 90_000.0)
    0
    """
    day = time.gmtime(units.get("LastDecreaseDateTime", now))[:3]
    return int(units["NumberOfDecreasesToday"]) if day == time.gmtime(now)[:3] else 0


def warm_throughput(description: Description, mode: str, status: str) -> Description:
    """The WarmThroughput that is shown of a table or an index: what was asked for, or its units if they are more.

    >>> asked = {"ProvisionedThroughput": {}, "WarmThroughput": {"ReadUnitsPerSecond": 20_000}}
    >>> warm_throughput(asked, "PAY_PER_REQUEST", "ACTIVE")
    {'ReadUnitsPerSecond': 20000, 'WriteUnitsPerSecond': 4000, 'Status': 'ACTIVE'}
    """
    asked, units = description.get("WarmThroughput", {}), description["ProvisionedThroughput"]
    base = _WARM if mode == ON_DEMAND else {warm: units[name] for warm, name in zip(_WARM, UNITS, strict=True)}
    return {**{name: max(least, asked.get(name, 0)) for name, least in base.items()}, "Status": status}


def check_throughput(throughput: Throughput, mode: str, unwanted: str) -> None:
    """None for a table or global index with units if it is provisioned, and without if it is on demand."""
    if mode == PROVISIONED and throughput.provisioned is None:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    if mode == ON_DEMAND and throughput.provisioned is not None:
        raise invalid_parameter(f"{unwanted} when BillingMode is PAY_PER_REQUEST")


def unwanted_units(index: str = "") -> str:
    """The text for the units of a table that is on demand, or of its index when it is updated.

    >>> unwanted_units("by_level")
    'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: by_level'
    """
    return "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified" + (
        f" for index: {index}" if index else ""
    )


def check_ceilings(throughput: Throughput, mode: str, *, new: bool) -> None:
    """None for an OnDemandThroughput that goes with the billing mode; of what is `new`, no ceiling can be removed."""
    for name, ceiling in (throughput.on_demand or {}).items():
        if mode == PROVISIONED:
            when = "table BillingMode is PROVISIONED." if new else "the table BillingMode is PROVISIONED"
            raise invalid_parameter(f"{name} for OnDemandThroughput cannot be specified when {when}")
        if ceiling < (1 if new else -1) or ceiling == 0:
            raise invalid_parameter(f"Requested {name} for OnDemandThroughput for table is outside of valid range")


def check_index_bounds(throughput: Throughput, action: str) -> None:
    """None for units that are not over 10 to the 12th, of an index that UpdateTable is to make or change."""
    if any((throughput.provisioned or {}).get(name, 0) > MAX_UNITS for name in UNITS):
        raise invalid(
            "This operation cannot be performed with given input values. Please contact DynamoDB service team for "
            f"more info: Action Blocked: {action}"
        )


def check_units_change(old: Description, throughput: Throughput, what: str = "table") -> None:
    """None for units that differ from the old ones; `what` is the table or an index."""
    before, after = old["ProvisionedThroughput"], throughput.provisioned
    if after is None or any(before[name] != after[name] for name in UNITS):
        return
    numbers = " ".join(
        f"Current {name} provisioned for the {what.partition(' ')[0]}: {before[name]}. Requested {name}: {after[name]}."
        for name in UNITS
    )
    raise invalid(
        f"The provisioned throughput for the {what} will not change. The requested value equals the current value. "
        f"{numbers} Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )
