"""Dot products of vectors of 32 bits: numpy gives what Python gives, to the last bit."""

import random
from array import array
from fractions import Fraction
from typing import Any

import pytest

from flyexpr.engines.sqlite.rules.dots import _plain_dot, dot, dots

FLOATS = (1.0, -1.0, 3.0, 2.0**-23 + 1, 2.0**60, -(2.0**60), 2.0**-75, 1e38, -1e38, 1e-38, 1e-45, 0.0, -0.0, 0.1, 1 / 3)


def vector(chance: random.Random, length: int) -> list[float]:
    """Numbers of 32 bits, of all sizes or of few, so that some sums nearly cancel out or lie between two floats."""
    some = chance.sample(FLOATS, chance.randrange(1, len(FLOATS)))
    numbers = [chance.choice(some) if chance.random() < 0.7 else chance.gauss(0, 1) for _ in range(length)]
    return array("f", numbers).tolist()


def rounded(left: list[float], right: list[float]) -> float:
    """The sum of the exact products, rounded once."""
    return float(sum(Fraction(a) * Fraction(b) for a, b in zip(left, right, strict=True)))


def pairs(length: int) -> list[tuple[list[float], list[float]]]:
    chance = random.Random(length)
    made = [(vector(chance, length), vector(chance, length)) for _ in range(300)]
    nothing = [left + left for left, _ in made], [right + [-number for number in right] for _, right in made]
    return [*made, *zip(*nothing, strict=True)]


@pytest.mark.parametrize("length", [1, 2, 3, 40])
def test_a_dot_product_is_rounded_once(length: int) -> None:
    for left, right in pairs(length):
        assert _plain_dot(left, right) == rounded(left, right)


def arrays(numpy: Any, vectors: list[list[float]]) -> Any:
    return numpy.array(vectors, dtype=numpy.float32)


@pytest.mark.parametrize("length", [1, 2, 3, 40])
def test_numpy_gives_the_same_dot_products(length: int) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    for size in (length, 2 * length):
        lefts, rights = zip(*[pair for pair in pairs(length) if len(pair[0]) == size], strict=True)
        expected = [*map(dot, lefts, rights)]
        for one, left, right in zip(expected, lefts, rights, strict=True):  # a row alone, and its numbers decide
            assert dots(numpy, arrays(numpy, [left]), arrays(numpy, right)) == [one]
        assert dots(numpy, arrays(numpy, lefts), arrays(numpy, rights)) == expected
