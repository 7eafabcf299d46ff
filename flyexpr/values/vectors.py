"""The numbers of a vector, in a list or in any array."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import hypot
from numbers import Real
from struct import unpack
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.values.vector_texts import nine_digits

LARGEST = 3.402823567797336e38  # the largest number that 32 bits round to a finite one, which is 3.4028235E38


def numbers_of(value: Any) -> list[Any]:
    """The numbers of a vector, as they are stored; ValidationError for what is not one.

    >>> from array import array
    >>> numbers_of(array("f", [0.1, 2])), numbers_of((0.1, 2))
    ([Decimal('0.100000001'), Decimal('2')], [0.1, 2])
    >>> numbers_of([0.5, float("inf")])
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: inf, at [1] of the vector, is not a number of 32 bits
      hint: a vector is a list or an array of numbers up to 3.4028235E38
    """
    form, numbers = _checked(value)
    return _decimals(numbers) if form == "f" else numbers


def compared_numbers(value: Any) -> list[Any]:
    """The numbers of a vector that is not stored, so that floats of 32 bits need no decimal digits yet.

    >>> from array import array
    >>> compared_numbers(array("f", [0.5, 2])), compared_numbers((0.1, 2))
    ([0.5, 2.0], [0.1, 2])
    """
    return _checked(value)[1]


def refused(why: str) -> ValidationError:
    """The error for what is not a vector.

    >>> print(refused("set is not a vector"))
    set is not a vector
      hint: a vector is a list or an array of numbers up to 3.4028235E38
    """
    return ValidationError(why, hint="a vector is a list or an array of numbers up to 3.4028235E38")


def _checked(value: Any) -> tuple[str, list[Any]]:
    """The numbers of a vector, and the format of the array that they are from; "" for a list or a tuple."""
    form, numbers = ("", value) if isinstance(value, (list, tuple)) else _unpacked(value)
    if not _are_floats(numbers):
        return form, [_number(number, place) for place, number in enumerate(numbers)]
    return form, [*numbers]


def _are_floats(numbers: Sequence[Any]) -> bool:
    """Whether all are floats that 32 bits can hold; the others are looked at one by one."""
    if {*map(type, numbers)} != {float}:
        return False
    return hypot(*numbers) <= LARGEST  # if their length is, each is; none is NaN or infinite then


def _number(number: Any, place: int) -> Any:
    if isinstance(number, bool) or not isinstance(number, (Real, Decimal)):
        raise refused(f"{type(number).__name__}, at [{place}] of the vector, is not a number")
    if not isinstance(number, (int, float, Decimal)):
        number = float(number)  # numpy's numbers, fractions
    try:
        fits = -LARGEST <= number <= LARGEST
    except ArithmeticError:  # Decimal's NaN
        fits = False
    if not fits:
        shown = f"{Decimal(number):.9g}" if isinstance(number, int) else number
        raise refused(f"{shown}, at [{place}] of the vector, is not a number of 32 bits")
    return number


def _unpacked(value: Any) -> tuple[str, list[Any]]:
    """The format and the numbers of an array; ValidationError for any other object."""
    try:
        view = memoryview(value)
    except (TypeError, ValueError):
        raise refused(f"{type(value).__name__} is not a vector") from None
    order, form = view.format[:-1], view.format[-1:]
    known = view.ndim == 1 and form in _FORMATS and order in _ORDERS
    masked = hasattr(value, "mask")  # there are numbers under the mask, too
    if not known or masked or isinstance(value, (bytes, bytearray)):
        raise refused(f"this {type(value).__name__} is not a vector")
    return form, list(unpack(f"{order}{len(view)}{form}", view.tobytes()))


_FORMATS = frozenset("efdbhilqBHILQ")  # of the struct module: floats of 16 to 64 bits, whole numbers
_ORDERS = frozenset(["", *"@=<>"])  # of bytes: the machine's, and what numpy and ctypes say


def _decimals(floats: Sequence[float]) -> list[Decimal]:
    """Floats of 32 bits by 9 digits, which tell all of them apart; a float has 17."""
    # Decimal, whose text is at hand: it takes half of the time of floats, to make and to write.
    return list(map(Decimal, nine_digits(floats).split()))
