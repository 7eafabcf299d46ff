"""What a table maps names to, attributes to types and tags to texts, so that it can be compared and hashed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flyexpr.records import later


class Declared(Mapping[str, Any]):
    """Attribute names and their types, as an immutable, hashable mapping.

    >>> Declared({"wins": int}) == {"wins": int}
    True
    """

    __slots__ = ("_hash", "_types")

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = dict(types)
        self._hash = hash(frozenset(self._types))

    def __getitem__(self, name: str) -> Any:
        return self._types[name]

    def get(self, name: str, default: Any = None) -> Any:  # four times as fast as that of Mapping
        return self._types.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __eq__(self, other: object) -> bool:
        return self._types == (other._types if isinstance(other, Declared) else other)

    def __hash__(self) -> int:
        return self._hash

    __repr__ = later("flyexpr.schema.code", "code")

    def __reduce__(self) -> tuple[Any, ...]:
        return Declared, (self._types,)


NOTHING = Declared({})


def as_declared(types: Mapping[str, Any]) -> Declared:
    """The same mapping where it is one already: copies of a table share it."""
    return types if type(types) is Declared else Declared(types)
