"""The values of a request whose other text is known: which placeholders they have, and which kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.request.expressions import read_values
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
        return cls([*wire], [value.kind for value in read_values(wire)[0].values()])

    def filled(self, wire: Any) -> Mapping[str, Value] | None:
        """The values of another request; None where they do not fit. DynamoError for text that is not a value."""
        if type(wire) is not dict or [*wire] != self.placeholders:
            return None
        values, _ = read_values(wire)
        return values if [value.kind for value in values.values()] == self.kinds else None
