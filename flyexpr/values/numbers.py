"""DynamoDB's numbers: 38 significant digits, magnitudes from 1E-130 to 9.99…E+125, never rounded.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import NoReturn

Number = int | Decimal

WHOLE = 10**38  # below this every int has at most 38 digits
_MAX_BITS = 419  # 9.99…E+125 needs 419 bits; str() of a longer int costs quadratic time
# Wide enough for any sum or difference: magnitudes span 256 digits. Every field is given, and every operation that
# looks at a context uses this one, so that what a program does to its own context does not change what is stored.
EXACT = Context(400, ROUND_HALF_EVEN, -999999, 999999, 1, 0, [], [InvalidOperation, DivisionByZero, Overflow])
DIGITS, LARGEST, SMALLEST = 38, 125, -130  # significant digits and decimal exponents


def number(text: str) -> Number:
    """The number that a wire text stands for: an int when it is whole, else a Decimal.

    >>> number("9001"), number("-0.50"), number("1e3")
    (9001, Decimal('-0.50'), 1000)

    The text is DynamoDB's own, or was checked before; any other is a ValueError or an ArithmeticError.
    """
    # A fraction as DynamoDB writes it, without exponent or trailing zero: this test saves half of the time.
    if "." in text and text[-1] not in "0." and "e" not in text and "E" not in text:
        return Decimal(text, EXACT)
    if text.isdecimal() or (text[0] == "-" and text[1:].isdecimal()):
        return int(text)
    value = Decimal(text, EXACT)
    if not value.is_finite():
        raise ArithmeticError(f"{value} is not a number that DynamoDB can store")
    if value.adjusted() > LARGEST:  # the int of 1e100000000 would take all memory
        raise OverflowError("number overflow: the largest magnitude is 9.99…E+125")
    return int(value) if value == value.to_integral_value() else value


def no_constant(name: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python's JSON has and JSON has not; for `parse_constant=`."""
    raise ValueError(f"{name} is not a number")


def number_text(value: Number | float) -> str:
    """The wire text of a number: plain notation, as DynamoDB reads it back.

    >>> number_text(7), number_text(Decimal("1.50E+2")), number_text(0.1), number_text(-0.0)
    ('7', '150', '0.1', '0')
    >>> number_text(10**126)
    Traceback (most recent call last):
    ...
    OverflowError: number overflow: the largest magnitude is 9.99…E+125

    A float is written by its shortest repr. ArithmeticError (OverflowError among them) for NaN, infinity, more than
    38 significant digits, or a magnitude outside 1E-130 … 9.99…E+125.
    """
    if isinstance(value, int):
        if -WHOLE < value < WHOLE:
            return int.__repr__(value)
        if value.bit_length() > _MAX_BITS:
            raise OverflowError("number overflow: the largest magnitude is 9.99…E+125")
        return _plain(Decimal(value))
    if isinstance(value, float):
        text = float.__repr__(value)
        if "e" not in text and "n" not in text:
            return "0" if text == "-0.0" else text.removesuffix(".0")
        return _plain(Decimal(text, EXACT))
    text = Decimal.__str__(value)
    # Plain already: without exponent (`e` where a context has capitals=0), trailing zero, or too many digits. This test
    # saves nine tenths of the time.
    if len(text) <= DIGITS and "." in text and text[-1] != "0" and "E" not in text and "e" not in text:
        return text
    return _plain(value)


def _plain(value: Decimal) -> str:
    if not value.is_finite():
        raise ArithmeticError(f"{value} is not a number that DynamoDB can store")
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    assert isinstance(exponent, int)
    if len(significant) > DIGITS:
        raise ArithmeticError(f"{len(significant)} significant digits; a number holds at most 38")
    if value.adjusted() > LARGEST:
        raise OverflowError("number overflow: the largest magnitude is 9.99…E+125")
    if value.adjusted() < SMALLEST:
        raise ArithmeticError("number underflow: the smallest magnitude is 1E-130")
    point = len(text) + exponent
    if point <= 0:
        plain = "0." + "0" * -point + significant
    elif point >= len(significant):
        plain = significant + "0" * (point - len(significant))
    else:
        plain = significant[:point] + "." + significant[point:]
    return "-" + plain if sign else plain


def negated(value: Number) -> Number:
    """The number with the other sign; `-value` of a Decimal would round it to 28 digits.

    >>> negated(1), negated(Decimal("-0.12345678901234567890123456789012345678"))
    (-1, Decimal('0.12345678901234567890123456789012345678'))
    """
    return value.copy_negate() if isinstance(value, Decimal) else -value


def number_size(value: Number) -> int:
    """The bytes of a number in an item: one, and one for every two digits.

    >>> number_size(0), number_size(100), number_size(-123), number_size(Decimal("12.345"))
    (1, 2, 4, 4)

    Zeros at either end cost nothing, a minus costs one byte. DynamoDB documents the size as approximate.
    """
    text = number_text(value)
    return whole_size(text) if type(value) is int else text_size(text)


def text_size(text: str) -> int:
    """The bytes of a number, from its text as `number_text` writes it.

    >>> text_size("-12.345")
    5
    """
    if "." not in text:
        return whole_size(text)
    negative = text[0] == "-"
    whole, _, fraction = text[negative:].partition(".")
    if whole == "0":
        whole, fraction = "", fraction.lstrip("0")
    return 1 + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2 + negative


def whole_size(text: str) -> int:
    """The bytes of a whole number, from its text.

    >>> whole_size("0"), whole_size("1200"), whole_size("-10")
    (1, 2, 3)
    """
    return (len(text.rstrip("0")) + (4 if text[0] == "-" else 3)) // 2
