"""The vectors of a partition that are nearest to one: exactly, and with numpy where it is there and there are many.

numpy multiplies in 32 bits, which tells which vectors may be among the nearest. Those are scored as all are without
numpy, so the results are the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from heapq import nsmallest
from typing import Any

from flyexpr.engines.sqlite.disk.held_vectors import Partition
from flyexpr.engines.sqlite.rules.searches import is_greater_better, scorer

Nearest = list[tuple[float, bytes]]

MUCH = 100_000  # numbers; below it, the import of numpy would take longer
_STEP = 4096  # rows whose lengths are measured at a time
_UNIT = 2.0**-23
_SHORT, _LONG = 1e-12, 1e15  # lengths whose products are numbers of 32 bits with all their digits


@cache
def _numpy() -> Any:
    """numpy, or None."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def nearest(
    partition: Partition, query: array[float], distance: str, top: int, places: Sequence[int] | None
) -> Nearest:
    """The scores and keys of the `top` nearest vectors, best first, and by key where scores are equal.

    `places` are those that may be among them; None for all.

    >>> from flyexpr.engines.sqlite.disk.vectors import packed
    >>> partition = Partition(2, ())
    >>> for key, vector in (b"a", [0, 1]), (b"b", [3, 4]):
    ...     partition.put(key, packed(vector), {})
    >>> nearest(partition, array("f", [3, 3]), "EUCLIDEAN", 1, None)
    [(1.0, b'b')]
    """
    score, sign = scorer(distance, query.tolist()), -1 if is_greater_better(distance) else 1
    numpy = _numpy() if partition.floats >= MUCH else None
    among: Sequence[int] = range(len(partition.keys)) if places is None else places
    if numpy is not None and len(among) > top:
        among = _candidates(numpy, partition, query, distance, top, places)
    # As a list a vector takes 0.6 to 0.8 of the time of an array, which makes its floats anew for each sum.
    scored = ((sign * score(partition.vector(place).tolist()), partition.keys[place]) for place in among)
    return [(sign * cost, key) for cost, key in nsmallest(top, scored)]


def _candidates(
    numpy: Any, partition: Partition, query: array[float], distance: str, top: int, places: Sequence[int] | None
) -> Sequence[int]:
    """The places of all vectors that may be among the nearest, as far as 32 bits can tell."""
    rows = None if places is None else numpy.array(places)
    lengths, vector = _lengths(numpy, partition), numpy.frombuffer(query, dtype=numpy.float32)
    length = float(numpy.linalg.norm(vector.astype(numpy.float64)))
    shortest, longest = lengths.min(), lengths.max()
    if not shortest:
        shortest = numpy.min(lengths, where=lengths > 0, initial=longest)
    if min(shortest, length) <= _SHORT or max(longest, length) >= _LONG:
        return range(len(partition.keys)) if places is None else places
    matrix = _matrix(numpy, partition)
    if rows is None:
        products = matrix @ vector
    else:
        products = matrix[rows] @ vector if 4 * len(rows) < len(matrix) else (matrix @ vector)[rows]
        lengths = lengths[rows]
    cost, doubt = _costs(numpy, products.astype(numpy.float64), lengths, length, distance, partition.dimensions)
    worst = numpy.partition(cost + doubt, top - 1)[top - 1]
    found = numpy.nonzero(cost - doubt <= worst)[0]
    chosen: list[int] = (found if rows is None else rows[found]).tolist()
    return chosen


def _costs(numpy: Any, products: Any, lengths: Any, length: float, distance: str, dimensions: int) -> tuple[Any, Any]:
    """What orders the vectors, the nearest first; and by how much it may be wrong."""
    unit = _UNIT * (dimensions + 8)  # of a sum of so many products of 32 bits, in whatever order they are added
    if distance == "DOT_PRODUCT":
        return -products, unit * length * lengths
    if distance == "COSINE":  # times the length of the query; a vector without a length has no product either
        return -products / numpy.maximum(lengths, _SHORT), unit * length
    return lengths**2 + length**2 - 2 * products, unit * (lengths + length) ** 2


def _lengths(numpy: Any, partition: Partition) -> Any:
    """The lengths of all vectors; those that nobody has measured are measured."""
    lengths = numpy.frombuffer(partition.lengths, dtype=numpy.float64)
    if lengths.min() < 0:
        matrix, unknown = _matrix(numpy, partition), numpy.nonzero(lengths < 0)[0]
        for start in range(0, len(unknown), _STEP):
            rows = unknown[start : start + _STEP]
            lengths[rows] = numpy.linalg.norm(matrix[rows].astype(numpy.float64), axis=1)
    return lengths


def _matrix(numpy: Any, partition: Partition) -> Any:
    floats = numpy.frombuffer(partition.vectors, dtype=numpy.float32, count=partition.floats)
    return floats.reshape(-1, partition.dimensions)
