"""What a request consumes, in the service's units.

A write unit is 1 KB, rounded up, of the larger of the images before and after; a read unit 4 KB of what was read,
before filter and projection, and half of that when the read need not be consistent. Transactions cost double, but for
the indexes' part of a write.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.vectors import VECTORS

WRITE_UNIT, READ_UNIT = 1024, 4096


def write_units(*sizes: int) -> float:
    """Units to write an item whose images have these sizes; at least one.

    >>> write_units(10, 3000), write_units()
    (3.0, 1.0)
    """
    return float(max(-(-max(sizes, default=0) // WRITE_UNIT), 1))


def read_units(size: int, consistent: bool) -> float:
    """Units to read `size` bytes.

    >>> read_units(9000, False), read_units(0, True)
    (1.5, 1.0)
    """
    units = max(-(-size // READ_UNIT), 1)
    return float(units) if consistent else units / 2


class Usage:
    """Units that a request has consumed of one table, and of each of its indexes; bytes of each vector index."""

    __slots__ = ("indexes", "table", "vectors")

    def __init__(
        self,
        table: float = 0.0,
        indexes: dict[tuple[str, str], float] | None = None,
        vectors: dict[str, int] | None = None,
    ) -> None:
        self.table = table
        self.vectors: dict[str, int] = {} if vectors is None else vectors
        self.indexes: dict[tuple[str, str], float] = {} if indexes is None else indexes  # by member and name

    def add(self, units: float, index: StoredIndex | None = None) -> None:
        if index is None:
            self.table += units
        else:
            name = index.wire_member, index.name
            self.indexes[name] = self.indexes.get(name, 0.0) + units

    def merge(self, other: Usage) -> None:
        self.table += other.table
        for index, units in other.indexes.items():
            self.indexes[index] = self.indexes.get(index, 0.0) + units
        for name, size in other.vectors.items():
            self.add_vector(name, size)

    def add_vector(self, index: str, size: int) -> None:
        """Add the bytes that a write to a vector index is paid by: 1,024 at least."""
        self.vectors[index] = self.vectors.get(index, 0) + max(size, WRITE_UNIT)


def consumed(table: StoredTable, usage: Usage, capacity: str, direction: str = "") -> dict[str, Any] | None:
    """The ConsumedCapacity of an answer to a request whose ReturnConsumedCapacity is `capacity`; None for NONE.

    The answers of transactions also say whether the units are of reads or of writes: `direction` is Read or Write.

    >>> from flyexpr.engines.sqlite.disk.key_schema import KeySchema
    >>> consumed(StoredTable("scores", "", KeySchema((), ()), (), None), Usage(1.0), "INDEXES")
    {'TableName': 'scores', 'CapacityUnits': 1.0, 'Table': {'CapacityUnits': 1.0}}
    """
    if capacity == "NONE":
        return None
    answer = {"TableName": table.name, **_units(usage.table + sum(usage.indexes.values()), direction)}
    if capacity == "INDEXES":
        answer["Table"] = _units(usage.table, direction)
        answer |= _index_units(usage, direction)
        if usage.vectors:
            answer[VECTORS] = {name: {"VectorWriteRequestBytes": float(size)} for name, size in usage.vectors.items()}
    return answer


def _units(units: float, direction: str) -> dict[str, float]:
    return {"CapacityUnits": units, f"{direction}CapacityUnits": units} if direction else {"CapacityUnits": units}


def _index_units(usage: Usage, direction: str) -> dict[str, dict[str, Any]]:
    answer: dict[str, dict[str, Any]] = {}
    for (member, name), units in usage.indexes.items():
        answer.setdefault(member, {})[name] = _units(units, direction)
    return answer


class Usages:
    """What a request on several tables has consumed of each."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[StoredTable, Usage]] = {}

    def of(self, table: StoredTable) -> Usage:
        """What it has consumed of one table."""
        return self._by_name.setdefault(table.name, (table, Usage()))[1]

    def consumed(self, capacity: str, direction: str = "") -> list[dict[str, Any]] | None:
        """As `consumed`, table by table."""
        answers = [consumed(table, usage, capacity, direction) for table, usage in self._by_name.values()]
        return [answer for answer in answers if answer is not None] or None
