"""Items of several kinds, read one by one: how each is matched, and in whose types it is given."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.parts import fill
from flyexpr.schema.stored_items import loaded_item
from flyexpr.values.kinds import Item


class _Unknown(dict[str, object]):
    """An item of an unknown kind as conditions see it, with the parts that its key says; and as it is stored."""

    __slots__ = ("stored",)

    def __init__(self, table: Kinds, stored: Item) -> None:
        super().__init__(fill(table, dict(stored)))
        self.stored = stored


def matched_by_kind(table: Kinds, item: Item) -> Item:
    """A stored item as conditions see it: with the parts of its kind's keys filled in.

    >>> shop = kinds({"order": Table("Shop", "pk", attributes={"pk": template("O#{order}")})}, by="type")
    >>> matched_by_kind(shop, {"pk": "O#7", "type": "order"})
    {'pk': 'O#7', 'type': 'order', 'order': '7'}
    """
    return _Unknown(table, item) if table.of_stored(item) is table.as_stored else fill(table, item)


def of_its_kind(table: Kinds, item: Item, wanted: Sequence[Path] | None) -> Item:
    """The item in the types of its kind, or what is wanted of it; one of an unknown kind is given as it is stored.

    >>> shop = kinds({"order": Table("Shop", "pk", attributes={"pk": template("O#{order}")})}, by="type")
    >>> of_its_kind(shop, matched_by_kind(shop, {"pk": "O#7", "type": "note"}), None)
    {'pk': 'O#7', 'type': 'note'}
    """
    if isinstance(item, _Unknown):
        return item.stored if wanted is None else project(wanted, item.stored)
    return loaded_item(table.of_stored(item), item if wanted is None else project(wanted, item), item)
