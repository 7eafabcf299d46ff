"""The bytes of values, as DynamoDB counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flyexpr.values.numbers import number, number_size, number_text
from flyexpr.values.refusals import Unknown, explained, known


def item_size(item: Mapping[str, Any]) -> int:
    """The bytes of an item as DynamoDB counts them: names and values in UTF-8, at most 409,600 together.

    >>> item_size({"pk": "k", "n": 100})
    6
    """
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Any) -> int:
    """The bytes of a value: a list has 3 and 1 per element, a map 3 and 1 per entry, and true, false and NULL have 1.

    >>> value_size("é"), value_size([1, 2]), value_size({"a": None})
    (2, 9, 6)
    """
    size = _SIZES.get(type(value))
    if size is None:
        size = next((size for value_type, size in _SIZES.items() if isinstance(value, value_type)), None)
        if size is None:
            try:
                return value_size(known(value))
            except Unknown as unknown:
                raise explained(unknown, "") from None
    return size(value)


_SIZES: dict[type, Callable[[Any], int]] = {
    str: lambda text: len(text.encode(errors="surrogatepass")),
    bool: lambda value: 1,
    int: number_size,
    Decimal: number_size,
    type(None): lambda value: 1,
    list: lambda members: 3 + len(members) + sum(map(value_size, members)),
    tuple: lambda members: 3 + len(members) + sum(map(value_size, members)),
    dict: lambda members: 3 + len(members) + item_size(members),
    set: lambda members: sum(map(value_size, members)),
    frozenset: lambda members: sum(map(value_size, members)),
    float: lambda value: number_size(number(number_text(value))),
    bytes: len,
    bytearray: len,
    memoryview: lambda view: view.nbytes,
    Mapping: lambda members: 3 + len(members) + item_size(members),
}
