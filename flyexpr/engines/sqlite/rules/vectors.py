"""What a vector index asks of the items of its table, with the text of each refusal (pure).

An item without the vector is accepted, and is not in the index. One with anything else in its place is refused.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/vector-search.html
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Any

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.vectors import VectorStoredIndex, vector_problem
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.errors import DynamoError
from flyexpr.values.sizes import value_size
from flyexpr.values.types import stored_type

_REFUSED = "One or more parameter values were invalid. "
_FLOAT = "32-bit floating point number"


def check_vectors(table: StoredTable, item: Mapping[str, Any], changed: Container[str] | None = None) -> None:
    """None for an item that every vector index takes; of an update, only what it has `changed` is looked at."""
    for index in table.vector_indexes:
        if index.attribute in item and (changed is None or index.attribute in changed):
            _check_vector(index, item[index.attribute])
        for attribute in index.schema:
            if attribute.name not in item or (changed is not None and attribute.name not in changed):
                continue
            value = item[attribute.name]
            if stored_type(value) != attribute.kind:
                raise _refused(
                    f"Attribute '{attribute.name}' type mismatch. Expected: {attribute.kind}, "
                    f"Actual: {stored_type(value)}.",
                    index,
                )


def _check_vector(index: VectorStoredIndex, value: Any) -> None:
    problem, name = vector_problem(value, index.dimensions), index.attribute
    if problem == "type":
        raise _refused(f"Invalid type for parameter {name}, Expected: {_FLOAT} list", index)
    if problem == "size":
        raise _refused(f"Invalid size for parameter {name}, Expected: {index.dimensions}, Actual: {len(value)}", index)
    for place, number in enumerate(value if problem else ()):
        wrong, where = vector_problem([number], 1), f"{name}[{place}]"
        if wrong == "element":
            raise _refused(
                f"Invalid type for parameter {where}, Expected: {_FLOAT}, Actual: {stored_type(number)}.", index
            )
        if wrong:
            raise _refused(
                f"Invalid value for parameter {where}, Value: {_scientific(number)} is outside valid range "
                "[-3.4028235E38, 3.4028235E38].",
                index,
            )


def _scientific(number: int | Decimal) -> str:
    """A number that is too large, as people write such numbers: `1e39`."""
    return str(Decimal(number).normalize()).replace("E+", "e")


def _refused(what: str, index: VectorStoredIndex) -> DynamoError:
    return invalid(f"{_REFUSED}{what} IndexName: {index.name}")


def charged_size(table: StoredTable, image: Image) -> int:
    """The bytes of an item that a write is charged for: 4 for each number of a vector that is indexed."""
    size = image.size
    for attribute, dimensions in table.vector_attributes:
        value = image.item.get(attribute)
        if value is not None and not vector_problem(value, dimensions):
            size += 4 * dimensions - value_size(value)
    return size
