"""Updates of parts, with which the derived attributes change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Action, Path, Update, Value
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import operand
from flyexpr.schema.derived.derived_items import derived_value, quoted
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.table import Table
from flyexpr.values.freeze import thaw


def derived_from(table: Table, names: Iterable[str]) -> list[str]:
    """The derived attributes that change with the attributes of these names, directly or through one another.

    >>> derived_from(Table("t", "id", attributes={"name": template("{first} {last}")}), ["first"])
    ['name']
    """
    changed, dependent = {*names}, []
    for name, derived in table.derived.items():
        if not changed.isdisjoint(derived.parts):
            changed.add(name)
            dependent.append(name)
    return dependent


def derived_update(
    table: Table, update: Update, known: Mapping[str, Any] | None = None, *, whole: bool = False
) -> Update:
    """The update, with the new values of the derived attributes whose parts it changes.

    >>> accounts = Table("accounts", "id", attributes={"name": template("{first} {last}")})
    >>> show(derived_update(accounts, assign("first", "Ada"), {"last": "Byron"}))
    "SET first = 'Ada', name = 'Ada Byron'"
    >>> derived_update(accounts, assign("first", "Ada"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: `name` is made of `first` and `last`, and the new value of `last` is not known
      expression: SET first = 'Ada'
      hint: assign a value to `last`, add eq('last', ...) to the condition, or use modify(...), which reads the item

    `known` has values of attributes that the update does not change: from the key, or from a condition. With `whole`,
    it is the whole item after the update.
    """
    if not table.derived:
        return update
    by_name: dict[str, list[Action]] = {}
    for action in update.actions:
        by_name.setdefault(str(action.path.parts[0]), []).append(action)
    added: list[Action] = []
    values = table.constants | (dict(known or {}) if whole else _after(by_name, known or {}))
    for name, derived in table.derived.items():
        if name in by_name:
            raise _cannot_be_set(update, name, derived)
        changed = [part for part in derived.parts if part in by_name]
        if changed:
            _refuse_key(table, update, name, changed)
            parts = {part: values.get(part) for part in derived.parts if whole or part in values}
            if whole and name in table.key_attributes and values.get(name) is not None:
                _refuse_lacking(update, name, [part for part in parts if parts[part] is None and part not in by_name])
            values[name] = _new_value(table, update, name, parts, changed)
            by_name[name] = [_action(name, values[name])]
            added += by_name[name]
    return Update((*update.actions, *added))


def _new_value(table: Table, update: Update, name: str, parts: Mapping[str, Any], changed: list[str]) -> Any:
    """The new value of a derived attribute; None where a part is removed, and the attribute with it."""
    if None in parts.values():
        return None
    _refuse_unknown(update, name, table.derived[name], parts, changed)
    return derived_value(table, name, parts)


def _action(name: str, value: Any) -> Action:
    path = Path((name,))
    return Action("REMOVE", path, None) if value is None else Action("SET", path, operand(value))


def _after(by_name: Mapping[str, list[Action]], known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of attributes after the update, as far as they are known; None for one that is removed."""
    values = {name: value for name, value in known.items() if name not in by_name}
    for name, actions in by_name.items():
        match actions:
            case [Action("SET", Path((_,)), Value(kind, body))]:
                values[name] = thaw((kind, body))
            case [Action("REMOVE", Path((_,)))]:
                values[name] = None
    return values


def _cannot_be_set(update: Update, name: str, derived: Derived) -> ExpressionError:
    why = f"is derived from {quoted(derived.parts)}" if derived.parts else f"is always {derived.value({})!r} here"
    return ExpressionError(f"`{name}` {why} and cannot be set by itself", expression=show(update))


def _refuse_key(table: Table, update: Update, name: str, changed: list[str]) -> None:
    if name in table.keys:
        raise ExpressionError(
            f"{quoted(changed)} makes up `{name}`, a part of the key of {table.name!r}, and cannot be updated",
            expression=show(update),
            hint="put the item under its new key and delete the old one",
        )


def _refuse_unknown(update: Update, name: str, derived: Derived, known: Mapping[str, Any], changed: list[str]) -> None:
    unknown = [part for part in derived.parts if part not in known]
    if unknown:
        same = "" if {*unknown} <= {*changed} else f", add eq({unknown[-1]!r}, ...) to the condition"
        raise ExpressionError(
            f"`{name}` is made of {quoted(derived.parts)}, and the new value of {quoted(unknown)} is not known",
            expression=show(update),
            hint=f"assign a value to {quoted(unknown)}{same}, or use modify(...), which reads the item",
        )


def _refuse_lacking(update: Update, name: str, lacking: list[str]) -> None:
    """An error for an item of another program that has a key of an index, but not the parts that the key is made of.

    Without them the new key is not known, and without the key the item would leave the index.
    """
    if lacking:
        raise ExpressionError(
            f"`{name}` changes with this, and the item lacks {quoted(lacking)}, of which it is made too",
            expression=show(update),
            hint=f"assign a value to {quoted(lacking)} as well",
        )
