"""What a request can cost, as far as that is known before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.engine import READS
from flyexpr.explanation.plan import BATCHES
from flyexpr.records import deepcopy
from flyexpr.requests.operations import Operation
from flyexpr.requests.reads import Access
from flyexpr.schema.table import Table
from flyexpr.values.decode import decode_item
from flyexpr.values.sizes import item_size
from flyexpr.values.types import MAX_ITEM

_PAGE = 1_048_576  # bytes that one request of a query or scan reads at most
_TRANSACTION = 4 * _PAGE  # bytes that a transaction reads at most
_READ_UNIT, _WRITE_UNIT = 4096, 1024


def units_of(
    table: Table, operation: Operation, access: Access | None, wires: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[float, float | None]:
    """Least and most units of one request or a whole batch; in bytes, a read unit is 4 KB and a write unit 1 KB."""
    name = wires[0][0] if wires else ""
    if not wires or name.endswith("Table") or name == "SearchVectors":
        return 0.0, 0.0
    asked = [one for _, wire in (wires if name in BATCHES else wires[:1]) for one in asked_for(wire)]
    if name in READS:
        factor = 2.0 if name == "TransactGetItems" else 1.0 if getattr(operation, "consistent", False) else 0.5
        most = _PAGE if access is not None and access.paged else len(asked) * MAX_ITEM
        most = min(most, _TRANSACTION) if name == "TransactGetItems" else most
        return factor * len(asked), factor * most / _READ_UNIT
    factor = 2.0 if name == "TransactWriteItems" else 1.0  # a transaction prepares, then commits
    return factor * sum(map(_write_units, asked)), None


def asked_for(wire: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request asks for, item by item; the request itself if it is on one item, or reads a page."""
    if "TransactItems" in wire:
        return [action for entry in wire["TransactItems"] for action in entry.values()]
    if "RequestItems" in wire:
        [batch] = wire["RequestItems"].values()
        return list(batch["Keys"]) if "Keys" in batch else [one for entry in batch for one in entry.values()]
    return [wire]


def _write_units(request: dict[str, Any]) -> float:
    """The units of one write, as far as they are known: for a put by the size of its item, else at least one."""
    if "Item" not in request:
        return 1.0
    return float(-(-item_size(decode_item(deepcopy(request["Item"]))) // _WRITE_UNIT))
