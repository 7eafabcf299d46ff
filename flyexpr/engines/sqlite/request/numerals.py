"""Numbers as they come in a request: refused by their text, before they are made, where the service refuses them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import re
from decimal import Decimal

from flyexpr.engines.sqlite.faults import invalid
from flyexpr.errors import DynamoError
from flyexpr.values.numbers import DIGITS, LARGEST, SMALLEST

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
_PLAIN = re.compile(r"-?[1-9][0-9]*(?:\.[0-9]*[1-9])?|-?0\.[0-9]*[1-9]|0")
_MAX_EXPONENT = 19  # characters: beyond 64 bits the service reads no number at all


def read_number(text: str) -> int | Decimal:
    """The number of a wire text, exactly; refused by its text alone when it is out of range.

    >>> read_number("1e3"), read_number(".5"), read_number("-0")
    (1000, Decimal('0.5'), 0)

    Zero obeys the range as if its last digit were 1: `0e126` is too large.
    """
    matched = _NUMBER.fullmatch(text)
    if matched is None:
        raise _no_number(text)
    sign, whole, fraction, exponent = matched.groups(default="")
    if (not whole and not fraction) or len(exponent) > _MAX_EXPONENT:
        raise _no_number(text)
    digits = (whole + fraction).lstrip("0")
    magnitude = int(exponent or 0) - len(fraction) + max(len(digits) - 1, 0)
    significant = digits.rstrip("0")
    _check_range(significant, magnitude)
    return _number(sign, significant, magnitude - len(significant) + 1) if significant else 0


def is_plain(text: str) -> bool:
    """Whether a text is that of a number just as the service writes it, and short enough not to be out of range.

    >>> is_plain("-1.5"), is_plain("1.50"), is_plain("1e3"), is_plain("-0")
    (True, False, False, False)
    """
    return len(text) <= DIGITS and _PLAIN.fullmatch(text) is not None


def _check_range(significant: str, magnitude: int) -> None:
    if magnitude > LARGEST:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < SMALLEST:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    if len(significant) > DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")


def _number(sign: str, significant: str, exponent: int) -> int | Decimal:
    if exponent < 0:
        return Decimal(f"{sign}{significant}E{exponent}")
    return int(sign + significant + "0" * exponent)


def _no_number(text: str) -> DynamoError:
    return invalid("The parameter cannot be converted to a numeric value" + (f": {text[:100]}" if text else ""))
