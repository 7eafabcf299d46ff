"""The values of a request whose other text is known: which placeholders they have, and which kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.request.expressions import read_constant
from flyexpr.expressions.nodes import Value


class Slots(NamedTuple):
    """What the values of a known text have in common: their placeholders, in this order, and their kinds.

    >>> slots = Slots.of({":low": {"N": "1"}})
    >>> slots.filled({":low": {"N": "2"}}), slots.filled({":low": {"S": "2"}})
    ({':low': Value(kind='N', body=2)}, None)
    """

    placeholders: list[str]
    kinds: list[str]

    @classmethod
    def of(cls, wire: dict[str, Any]) -> Slots:
        """The slots of the values of a request."""
        return cls([*wire], [read_constant(value)[0].kind for value in wire.values()])

    def filled(self, wire: Any) -> Mapping[str, Value] | None:
        """The values of another request; None where they do not fit. DynamoError for text that is not a value."""
        if type(wire) is not dict or [*wire] != self.placeholders:
            return None
        values = {}
        for placeholder, kind in zip(self.placeholders, self.kinds, strict=True):
            value, _ = read_constant(wire[placeholder])
            if value.kind != kind:
                return None
            values[placeholder] = value
        return values
