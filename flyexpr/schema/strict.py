"""Attributes that a table does not name: a strict table refuses them, and `explain` warns of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError, did_you_mean
from flyexpr.expressions.nodes import Action, Condition, Path, Update
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.schema.table import Table


def unnamed(table: Table[Any], names: Iterable[Any]) -> list[str]:
    """Those of the names that the table does not name, each once.

    >>> unnamed(Table("t", "id", attributes={"wins": int}, ttl="until"), ["id", "wins", "until", "wons", "wons"])
    ['wons']
    """
    return [name for name in dict.fromkeys(names) if name not in table.names]


def refuse_unnamed(table: Table[Any], node: Condition | Action, here: Condition | Update) -> None:
    """None if the strict table names every attribute in the node, a part of the expression `here`; else the error.

    >>> table = Table("t", "id", attributes={"wins": int}, strict=True)
    >>> refuse_unnamed(table, gt("wons", 3), gt("wons", 3))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: 't' is strict and does not declare `wons`
      expression: wons > 3
      hint: did you mean `wins`?
    """
    _refuse(table, (path.parts[0] for path in paths(node)), show(here))


def check_paths(table: Table[Any], wanted: tuple[Path, ...] | None) -> None:
    """None if a strict table names the attributes of a projection; else the error."""
    if table.strict and wanted:
        _refuse(table, (path.parts[0] for path in wanted), ", ".join(map(show, wanted)))


def _refuse(table: Table[Any], names: Iterable[Any], expression: str) -> None:
    for name in unnamed(table, names):
        raise ExpressionError(_message(table, name), expression=expression, hint=_hint(table, name))


def check_item(table: Table[Any], item: Mapping[str, Any]) -> None:
    """None if a strict table names the attributes of an item; else the error.

    >>> check_item(Table("t", "id", strict=True), {"id": "a", "colour": "red"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `colour`: 't' is strict and does not declare `colour`
      hint: declare it: attributes={'colour': ...}
    """
    if not item.keys() <= table.names:
        name = unnamed(table, item)[0]
        raise ValidationError(_message(table, name), at=name, hint=_hint(table, name))


def _message(table: Table[Any], name: str) -> str:
    return f"{table.name!r} is strict and does not declare `{name}`"


def _hint(table: Table[Any], name: str) -> str:
    return did_you_mean(name, table.names) or f"declare it: attributes={{{name!r}: ...}}"
