"""Vectors: sequences of 32-bit floats, stored as a list of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.records import record
from flyexpr.schema.codecs import Codec
from flyexpr.values.vectors import numbers_of, refused

MOST_DIMENSIONS = 4096


def vector(dimensions: int, *, numpy: bool = False) -> Codec:
    """The type of an attribute that holds vectors: it takes sequences of numbers, and reads as `array('f')`.

    >>> table = Table("Docs", "id", attributes={"embedding": vector(3)}).on(connect("sqlite::memory:"))
    >>> run(table, create_table())
    >>> put(table, {"id": "a", "embedding": [0.5, 1, -2]})
    >>> get(table, "a")["embedding"]
    array('f', [0.5, 1.0, -2.0])
    >>> put(table, {"id": "b", "embedding": [0.5]})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `embedding`: the vector has 1 of 3 dimensions
      hint: a vector is a list or an array of numbers up to 3.4028235E38

    With `numpy`, it reads as an array of numpy, of float32. Lists, tuples, `array`, numpy's arrays and everything else
    with the buffer protocol can be written. A list is stored with the digits that it has, an array of 32-bit floats
    with 9 digits, which tell all of them apart. An index, and what is read, keeps 32 bits of each number. A number is
    at most 3.4028235E38 in size. DynamoDB has 1 to 4,096 dimensions.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    check_dimensions(dimensions)
    return Codec(VectorWriter(dimensions), VectorReader(dimensions, numpy), list)


def written_vector(dimensions: int) -> Codec:
    """The type of an attribute that an index says holds vectors: checked when it is written, read as it is stored."""
    return Codec(VectorWriter(dimensions), None, list, whole=False)


def can_hold_vectors(codec: Codec, dimensions: int) -> bool:
    """Whether what a codec stores may be a vector of so many dimensions.

    >>> can_hold_vectors(vector(3), 3), can_hold_vectors(vector(3), 4)
    (True, False)
    """
    writes = codec.encode
    return codec.kind in ("L", None) and not (isinstance(writes, VectorWriter) and writes.dimensions != dimensions)


def check_dimensions(dimensions: Any) -> None:
    """None for a number of dimensions that DynamoDB takes."""
    if type(dimensions) is not int or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise FlyexprError(f"a vector has 1 to {MOST_DIMENSIONS:,} dimensions, not {dimensions!r}")


@record
class VectorWriter:
    """Makes the stored value of a vector."""

    dimensions: int

    def __call__(self, value: Any) -> list[Any]:
        numbers = numbers_of(value)
        check_length(numbers, self.dimensions)
        return numbers


def check_length(numbers: Sequence[Any], dimensions: int) -> None:
    """None for a vector with this number of dimensions."""
    if len(numbers) != dimensions:
        raise refused(f"the vector has {len(numbers):,} of {dimensions:,} dimensions")


@record
class VectorReader:
    """Reads a stored vector."""

    dimensions: int
    numpy: bool

    def __call__(self, stored: Iterable[Any]) -> Any:
        try:
            floats = array("f", map(float, stored))
        except (TypeError, ValueError, OverflowError):
            raise ValidationError("a vector has numbers of 32 bits") from None
        if not self.numpy:
            return floats
        import numpy

        return numpy.frombuffer(floats, dtype=numpy.float32)
