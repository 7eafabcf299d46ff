"""The descriptor by which an item is written, in a table with items of several kinds."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.requests.items import Prepared, prepared
from flyexpr.requests.operations import PutItem, Write
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_keys import kinds_of_key
from flyexpr.schema.table import Table


def writer(table: Table[Any], operation: Write) -> Table[Any]:
    """The descriptor that a write goes through: the table itself, or that of the item's kind.

    >>> orders = Table("Shop", "pk", attributes={"pk": template("O#{order}"), "status": str})
    >>> shop = kinds({"order": orders, "note": Table("Shop", "pk", attributes={"pk": template("N#{note}")})}, by="type")
    >>> writer(shop, put_item({"type": "order", "order": "7"})) == shop["order"]
    True
    >>> writer(shop, update_item("O#7", assign("status", "sent"))) == shop["order"]
    True

    A put says which kind it is of. The kind of other writes follows from the key, and from what the condition says of
    the attribute that names the kind. If several kinds are left, they have to make the same request of it.
    """
    if not isinstance(table, Kinds):
        return table
    if isinstance(operation, PutItem):
        return table.of_new(operation.item)
    names = list(kinds_of_key(table, operation.key))
    if operation.condition is not None:
        asked = [name for name in table.kinds if name in table.names_in(operation.condition, table.every)]
        names = [name for name in names if name in asked] or (asked if len(asked) == 1 else names)
    if not names:
        return table.as_stored
    if len(names) > 1:
        _check_alike({name: prepared(table[name], operation) for name in names}, table)
    return table[names[0]]


def _check_alike(writes: dict[str, Prepared], table: Kinds) -> None:
    first, *others = writes
    for name in others:
        if writes[name] != writes[first]:
            raise ExpressionError(
                f"kinds {first!r} and {name!r} of {table.name!r} write this differently",
                hint=f"write it by its descriptor, table[{first!r}] or table[{name!r}]"
                + (f", or add eq({table.by!r}, ...) to the condition" if isinstance(table.by, str) else ""),
            )
