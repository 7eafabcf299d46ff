"""Items of several kinds, read one by one: how each is matched, and in whose types it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.schema.derived.parts import fill_by
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_items import loaded_item
from flyexpr.values.types import Item


class MixedItems:
    """The items of one read, one after the other; the kind of each is looked up once.

    >>> shop = kinds({"order": Table("Shop", "pk", attributes={"pk": template("O#{order}"), "order": int})}, by="type")
    >>> items = MixedItems(shop)
    >>> items.as_matched({"pk": "O#7", "type": "order"}), items.as_read(None)
    ({'pk': 'O#7', 'type': 'order', 'order': 7}, {'pk': 'O#7', 'type': 'order', 'order': 7})
    >>> items.as_matched({"pk": "O#7", "type": "note"}), items.as_read(None)
    ({'pk': 'O#7', 'type': 'note', 'order': 7}, {'pk': 'O#7', 'type': 'note'})
    """

    __slots__ = ("_kind", "_stored", "_table", "_untold")

    def __init__(self, table: Kinds[Any]) -> None:
        self._table, self._kind, self._stored = table, table.as_stored, Item()
        self._untold: ValidationError | None = None  # why the item's kind cannot be told

    def as_matched(self, item: Item) -> Item:
        """The next stored item as conditions see it: with the parts that its key says, even if its kind is unknown."""
        self._stored = item
        try:
            self._kind, self._untold = self._table.of_stored(item), None
        except ValidationError as error:  # raised where the item is given, so that it can be handed over
            self._kind, self._untold = self._table.as_stored, error
        if self._kind is not self._table.as_stored:
            return fill_by(self._kind, item)
        return fill_by(self._table, dict(item)) if self._table.inverses else item

    def as_read(self, wanted: Sequence[Path] | None) -> Item:
        """The same item in the types of its kind, or what is wanted of it; of an unknown kind, as it is stored."""
        if self._untold is not None:
            raise self._untold
        item = self._stored if wanted is None else project(wanted, self._stored)
        return loaded_item(self._kind, item, self._stored)
