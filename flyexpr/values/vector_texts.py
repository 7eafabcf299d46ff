"""The texts of a vector's numbers, as they stand in wire JSON.

A vector has a thousand numbers or more. Their texts are made and looked at as one, in half of the time that one number
after the other takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from struct import pack, unpack
from typing import Any

from flyexpr.values.numbers import DIGITS

_BETWEEN = '"},{"N":"'  # what stands between the numbers of a list


def list_text(numbers: Sequence[Any]) -> str | None:
    """The texts of floats or Decimals, as they stand within a list; None for any other list.

    >>> list_text([0.5, -2.0])
    '0.5"},{"N":"-2'
    >>> list_text([0.5, 1]), list_text([1e300])
    (None, None)

    None too where one number may have to be refused, or has not its usual text.
    """
    kinds = {*map(type, numbers)}
    if len(kinds) > 1 or not kinds <= _TEXTS.keys():
        return None
    return _TEXTS[kinds.pop()](numbers)


def single_text(numbers: Sequence[Any]) -> str | None:
    """The texts of floats that 32 bits hold exactly, by the 9 digits that tell them apart; None for other numbers.

    >>> from array import array
    >>> single_text(array("f", [0.1, -0.0, 2, 2**-14]).tolist()).replace(_BETWEEN, " ")
    '0.100000001 0 2 0.0000610351562'
    >>> single_text([0.1]), single_text([1])
    (None, None)

    It takes 0.3 to 0.45 of the time of floats of 64 bits, which have 17 digits.
    """
    form = f"{len(numbers)}f"
    if {*map(type, numbers)} != {float} or unpack(form, pack(form, *numbers)) != tuple(numbers):
        return None
    text = nine_digits(numbers)
    if "e" in text or "-0 " in text:
        texts = [f"{Decimal(text):f}" if "e" in text else text for text in text.split()]
        return _BETWEEN.join(["0" if text == "-0" else text for text in texts])
    return text[:-1].replace(" ", _BETWEEN)


def nine_digits(numbers: Sequence[float]) -> str:
    """Floats of 32 bits by 9 digits, which tell all of them apart, each with a space behind it.

    >>> nine_digits([0.5, -2.0])
    '0.5 -2 '
    """
    return "%.9g " * len(numbers) % tuple(numbers)


_joined = json.JSONEncoder(separators=(_BETWEEN, ":"), allow_nan=False).encode
_whole = re.compile(r'\.0"').search


def _float_texts(numbers: Sequence[float]) -> str | None:
    """The texts of floats; None if one is not a number, or so large or small that it may have to be refused.

    For 1,536 floats a list takes 1.1 times as long as with json.dumps. Both spend nearly all of it on the digits.
    """
    try:
        text = f'"{_joined(numbers)[1:-1]}"'
    except ValueError:  # NaN, or infinite
        return None
    if _whole(text):  # three times as fast as `in`
        text = text.replace('.0"', '"').replace('"-0"', '"0"')
    plain = _without_exponents(text) if "e" in text else text
    return plain and plain[1:-1]


def _without_exponents(text: str) -> str | None:
    """The same texts without exponents, which few have; None if one is of three digits."""
    parts, done, at = [], 0, text.find("e")
    while at >= 0:
        start, end = text.rfind('"', 0, at) + 1, text.find('"', at)
        if end - at > len("e-99"):
            return None
        parts += [text[done:start], f"{Decimal(text[start:end]):f}"]
        done, at = end, text.find("e", end)
    return "".join([*parts, text[done:]])


def _decimal_texts(numbers: Sequence[Decimal]) -> str | None:
    """The texts of Decimals; None if one of them is not in its usual form."""
    texts = list(map(Decimal.__str__, numbers))
    text = f'{_BETWEEN.join(texts)}"'
    # Not one has an exponent, is a NaN or infinite, or ends in a zero that DynamoDB does not keep.
    plain = "E" not in text and "n" not in text and "a" not in text and '0"' not in text
    return text[:-1] if plain and max(map(len, texts)) <= DIGITS else None


_TEXTS: dict[type, Callable[[Any], str | None]] = {float: _float_texts, Decimal: _decimal_texts}
