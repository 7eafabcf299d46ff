"""Vector indexes: what each keeps of an item.

An entry has the columns of any index and `vector` besides: the numbers as 32-bit floats, in the machine's order of
bytes with the lowest first. The item of an entry is without the vector.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/vector-search.html
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.item_texts import joined_text, split_text
from flyexpr.engines.sqlite.disk.key_schema import (
    KeyAttribute,
    KeySchema,
    has_key,
    partition_key,
)
from flyexpr.records import record
from flyexpr.values.sizes import item_size
from flyexpr.values.types import stored_type
from flyexpr.values.vectors import LARGEST

VECTORS = "VectorIndexes"


class VectorEntry(NamedTuple):
    """A row of a vector index. `size` is what the service counts: the vector once, by 4 bytes for each number."""

    key: bytes
    size: int
    text: bytes
    vector: bytes


@record
class VectorStoredIndex:
    """A vector index of a table. Its key is its HASH attribute, or nothing.

    `projected` is None when its entries are whole items. `shows_vector` says whether a search may ask for the vector.
    """

    name: str
    store: str
    key: KeySchema
    projected: frozenset[str] | None
    attribute: str
    dimensions: int
    distance: str
    filters: tuple[KeyAttribute, ...]
    shows_vector: bool

    @property
    def schema(self) -> tuple[KeyAttribute, ...]:
        """The attributes that the condition of a search may name."""
        return self.key.partition + self.filters

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that the upkeep of the index looks at."""
        schema = (attribute.name for attribute in self.schema)
        return (self.attribute, *schema, *(self.projected or ()))

    def entry(self, row: bytes, image: Image | None) -> VectorEntry | None:
        """What the index holds of the item at a row key; None for one without a vector or the HASH attribute.

        An item that was there before the index may have values that a write could not give it. It has no entry either.
        """
        if image is None:
            return None
        item = image.item
        numbers: Any = item.get(self.attribute)
        if vector_problem(numbers, self.dimensions) or not has_key(self.key, item):
            return None
        if any(one.name in item and stored_type(item[one.name]) != one.kind for one in self.filters):
            return None
        key = self.partition(item) + row
        vector = {self.attribute: numbers}
        counted = len(self.attribute.encode()) + 4 * self.dimensions
        if self.projected is None:
            text = joined_text({name: text for name, text in split_text(image.text).items() if name != self.attribute})
            return VectorEntry(key, image.size - item_size(vector) + counted, text, packed(numbers))
        held = {name: item[name] for name in item if name in self.projected}
        return VectorEntry(key, item_size(held) + counted, item_text(held), packed(numbers))

    def partition(self, item: Mapping[str, Any]) -> bytes:
        """The start of the keys of all entries that have an item's HASH attribute."""
        return partition_key(self.key, item)


def read_vector_index(
    index: dict[str, Any], kinds: Mapping[str, str], table_key: KeySchema, store: str
) -> VectorStoredIndex:
    """The vector index that a description says; its rows are in `store`."""

    def of(kind: str) -> tuple[KeyAttribute, ...]:
        return tuple(
            KeyAttribute(one["AttributeName"], kinds[one["AttributeName"]])
            for one in index.get("SearchSchema", ())
            if one["SearchSchemaElementType"] == kind
        )

    key, filters, attribute = KeySchema(of("HASH"), ()), of("INLINE_FILTER"), index["VectorAttribute"]["AttributeName"]
    projection, projected = index["Projection"], None
    named = projection.get("NonKeyAttributes", ())
    if projection["ProjectionType"] != "ALL":
        schema = (one.name for one in key.partition + filters)
        projected = frozenset((*schema, *table_key.names, *named)) - {attribute}
    return VectorStoredIndex(
        index["IndexName"],
        store,
        key,
        projected,
        attribute,
        int(index["Dimensions"]),
        index["DistanceFunction"],
        filters,
        shows_vector=projected is None or attribute in named,
    )


def vector_problem(value: Any, dimensions: int) -> str:
    """What is wrong with the value of a vector attribute: the first word of the service for it; empty for nothing.

    >>> vector_problem([1, 2], 2), vector_problem([1], 2), vector_problem("x", 2), vector_problem([1, "x"], 2)
    ('', 'size', 'type', 'element')
    """
    if type(value) is not list:
        return "type"
    if len(value) != dimensions:
        return "size"
    if _NUMBERS.issuperset(map(type, value)) and min(value) >= -LARGEST and max(value) <= LARGEST:
        return ""
    for number in value:  # the first one that is wrong says how
        if stored_type(number) != "N":
            return "element"
        if not -LARGEST <= number <= LARGEST:
            return "value"
    return ""


_NUMBERS = frozenset((int, Decimal))


def packed(numbers: Iterable[Any]) -> bytes:
    """Numbers as 32-bit floats.

    >>> packed([1, 0.5]).hex()
    '0000803f0000003f'
    """
    floats = array("f", map(float, numbers))
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes()


def unpacked(vector: bytes) -> array[float]:
    """The floats that `packed` wrote.

    >>> unpacked(packed([1, 0.5]))
    array('f', [1.0, 0.5])
    """
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats


def native(vector: bytes) -> bytes:
    """The bytes of the floats that `packed` wrote, in the machine's order.

    >>> native(packed([1, 0.5])) == unpacked(packed([1, 0.5])).tobytes()
    True
    """
    return vector if sys.byteorder == "little" else unpacked(vector).tobytes()


def shown(numbers: Iterable[float]) -> str:
    """The wire text of numbers that an index keeps: as few digits as tell one from all other floats of 32 bits.

    >>> shown(unpacked(packed([0.1, 1])))
    '{"L":[{"N":"0.1"},{"N":"1.0"}]}'

    A whole number has a fraction too, as the service writes it.
    """
    return f'{{"L":[{",".join([_shown_number(number) for number in numbers])}]}}'


def _shown_number(number: float) -> str:
    fewest = 6 if abs(number) > _SUBNORMAL else 1
    texts = (f"{number:.{digits}g}" for digits in range(fewest, 9))
    shortest = next((text for text in texts if array("f", [float(text)])[0] == number), f"{number:.9g}")
    text = f"{Decimal(shortest) + 0:f}"  # a zero has no sign
    return f'{{"N":"{text if "." in text else text + ".0"}"}}'


_SUBNORMAL = 1.2e-38  # below it, numbers have fewer digits
