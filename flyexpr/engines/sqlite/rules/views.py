"""A table's description as answers show it: with its status, its items and bytes, and what is counted by the day.

Every change is done when its answer is given. That answer speaks of the change as under way, as the service's does, and
the next DescribeTable of one that is done; while an index is filled, other engines see it as CREATING.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

import json

from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL, UNITS
from flyexpr.engines.sqlite.request.intents.tables import TableAsked, Throughput
from flyexpr.engines.sqlite.rules.building import show_building
from flyexpr.engines.sqlite.rules.throughput import Description, billing_mode, decreases_today, warm_throughput

_LEFT = (
    "TableName",
    "TableStatus",
    "TableId",
    "TableArn",
    "ItemCount",
    "TableSizeBytes",
    "ProvisionedThroughput",
    "DeletionProtectionEnabled",
)


def table_view(storage: Storage, definition: Definition, now: float) -> Description:
    """What DescribeTable shows. To be called outside a transaction: others have their turn while items are counted."""
    stores, filling = definition["Stores"], definition.get("Filling", {}).get("Store")
    shown, mode = _shown(definition, storage.estimate(stores[""], now), now), billing_mode(definition["Description"])
    for member in (GLOBAL, LOCAL, VECTORS):
        for index in shown.get(member, ()):
            count, size = storage.estimate(stores[index["IndexName"]], now)
            index |= {"ItemCount": count, "IndexSizeBytes": size}
            if member != LOCAL:
                index["IndexStatus"] = "ACTIVE"
            if member == GLOBAL:
                _show_throughput(index, mode, now)
            if stores[index["IndexName"]] == filling:
                index |= {"IndexStatus": "CREATING", "Backfilling": True}
    show_building(definition, shown, now)
    return shown


def _shown(definition: Definition, total: tuple[int, int], now: float) -> Description:
    """The description of a table, but for its indexes; `total` is how many items it has, and their bytes."""
    shown: Description = json.loads(json.dumps(definition["Description"]))
    shown |= {"TableStatus": "ACTIVE", "ItemCount": total[0], "TableSizeBytes": total[1]}
    _show_throughput(shown, billing_mode(shown), now)
    return shown


def _show_throughput(part: Description, mode: str, now: float) -> None:
    units = part["ProvisionedThroughput"]
    units["NumberOfDecreasesToday"] = decreases_today(units, now)
    part["WarmThroughput"] = warm_throughput(part, mode, "ACTIVE")


def created_view(view: Description, asked: TableAsked) -> Description:
    """The view of a table in the answer to CreateTable."""
    view["TableStatus"] = "CREATING"
    view.get("BillingModeSummary", {}).pop("LastUpdateToPayPerRequestDateTime", None)
    _show_warming(view, asked.settings.throughput)
    for index, index_asked in zip(view.get(GLOBAL, ()), asked.global_indexes or (), strict=True):
        index["IndexStatus"] = "CREATING"
        _show_warming(index, index_asked.throughput)
    for index in view.get(VECTORS, ()):
        index["IndexStatus"] = "CREATING"
    return view


def updated_view(view: Description, old: Description, throughput: Throughput) -> Description:
    """The view of a table in the answer to UpdateTable, with the units that it had before.

    `throughput` is what the request asked for.
    """
    view["TableStatus"] = "UPDATING"
    before = {index["IndexName"]: index for index in old.get(GLOBAL, ())}
    if billing_mode(view) == billing_mode(old):
        for part, was in [(view, old), *((index, before.get(index["IndexName"])) for index in view.get(GLOBAL, ()))]:
            if was is not None:
                _show_units_before(part, was)
    for index in view.get(GLOBAL, ()):
        if index["IndexName"] not in before:
            index["IndexStatus"] = "CREATING"
    vectors_before = {index["IndexName"] for index in old.get(VECTORS, ())}
    for index in view.get(VECTORS, ()):
        if index["IndexName"] not in vectors_before:
            index |= {"IndexStatus": "CREATING", "Backfilling": False}
    if throughput.on_demand is not None:  # a ceiling that goes is shown as -1 once more
        view["OnDemandThroughput"] = {**view.get("OnDemandThroughput", {}), **throughput.on_demand}
    _show_warming(view, throughput)
    return view


def _show_units_before(part: Description, was: Description) -> None:
    kept = ("NumberOfDecreasesToday", *UNITS)
    part["ProvisionedThroughput"] |= {name: was["ProvisionedThroughput"][name] for name in kept}


def _show_warming(part: Description, throughput: Throughput) -> None:
    if throughput.warm is not None:
        part["WarmThroughput"]["Status"] = "UPDATING"


def deleted_view(definition: Definition, total: tuple[int, int], now: float) -> Description:
    """The view of a table in the answer to DeleteTable, without its keys and indexes."""
    view = _shown(definition, total, now) | {"TableStatus": "DELETING"}
    return {name: part for name, part in view.items() if name in _LEFT}
