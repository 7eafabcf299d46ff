"""The options of a Table: for type checkers, since `Table.of` takes them by keyword; and what each has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from flyexpr.engine import Engine
from flyexpr.errors import FlyexprError
from flyexpr.schema.indexes import Index


class TableOptions(TypedDict, total=False):
    """What a Table takes besides its name, its keys and its attributes."""

    indexes: Sequence[Index]
    throughput: tuple[int, int] | None
    ttl: str | None
    version: str | None
    stream: str | None
    tags: Mapping[str, str]
    deletion_protection: bool
    strict: bool
    engine: Engine | None


def checked_indexes(indexes: Any) -> tuple[Index, ...]:
    """The indexes as a tuple; TypeError for what is not a sequence of indexes."""
    if not isinstance(indexes, Iterable):
        raise TypeError(f"indexes= takes a list, such as [{indexes!r}]")
    checked = tuple(indexes)
    for index in checked:
        if not isinstance(index, Index):
            raise TypeError(f"indexes= takes GlobalIndex(...), LocalIndex(...) and VectorIndex(...), not {index!r}")
    return checked


def check_options(name: str, throughput: Any, stream: Any) -> None:
    """None for a throughput and a stream that a table can have."""
    if stream not in (None, "keys", "new", "old", "both"):
        raise FlyexprError(f"table {name!r}: stream= is one of 'keys', 'new', 'old' and 'both', not {stream!r}")
    pair = isinstance(throughput, tuple) and len(throughput) == 2
    if throughput is not None and not (pair and all(type(units) is int and units > 0 for units in throughput)):
        raise FlyexprError(f"table {name!r}: throughput= is (read units, write units) a second, not {throughput!r}")


def check_members(name: str, attributes: Any, tags: Any) -> None:
    """None for attributes and tags that are dicts."""
    if not isinstance(attributes, Mapping):
        raise TypeError(
            f"table {name!r}: attributes= takes a dict of names and types, such as {{'wins': int}}, not {attributes!r}"
        )
    if not isinstance(tags, Mapping):
        raise TypeError(
            f"table {name!r}: tags= takes a dict of names and texts, such as {{'team': 'blue'}}, not {tags!r}"
        )


def check_attributes(name: str, partition_key: Any, **others: Any) -> None:
    """None if these options of a table name attributes; all but the partition key may be left out."""
    options = {"partition_key": partition_key} | {key: value for key, value in others.items() if value is not None}
    for option, attribute in options.items():
        if not isinstance(attribute, str) or not attribute:
            raise TypeError(f"table {name!r}: {option}= takes the name of an attribute, not {attribute!r}")
