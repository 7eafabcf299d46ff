"""Derived attributes: filled in on put, kept right on update, and found from conditions on their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flyexpr.attributes import Derived
from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.interpret.show import show
from flyexpr.nodes import Action, And, Compare, Condition, Path, Test, Update, Value
from flyexpr.tables import Table
from flyexpr.terms import operand
from flyexpr.values import Item, thaw


def derived_item(table: Table, item: Mapping[str, Any]) -> Item:
    """The item with its derived attributes filled in; one that is there already must be right.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> derived_item(accounts, {"type": "facebook", "id": "1"})
    {'type': 'facebook', 'id': '1', 'uid': 'facebook:1'}
    >>> derived_item(accounts, {"type": "facebook", "id": "1", "uid": "x"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `uid`: derived from `type` and `id`, it is 'facebook:1' here, not 'x'
      hint: leave it out
    """
    found = dict(item)
    for name, derived in table.derived.items():
        missing = [part for part in derived.parts if found.get(part) is None]
        if missing:
            if name in table.keys or name in found:
                raise ValidationError(
                    f"derived from {_names(derived.parts)}, of which {_names(missing)} is missing", at=name
                )
            continue
        value = derived.value(found, unique=name in table.keys)
        if name in found and found[name] != value:
            raise ValidationError(
                f"derived from {_names(derived.parts)}, it is {value!r} here, not {found[name]!r}",
                at=name,
                hint="leave it out",
            )
        if value is not None:
            found[name] = value
    return found


def derived_key(table: Table, key: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key with derived attributes in place of the parts that they are made of.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> derived_key(accounts, {"type": "facebook", "id": "1"})
    {'uid': 'facebook:1'}
    """
    found, used = dict(key), set[str]()
    for name in table.keys:
        derived = table.derived.get(name)
        if derived and name not in found and all(found.get(part) is not None for part in derived.parts):
            found[name] = derived.value(found, unique=True)
            used.update(derived.parts)
    return {name: value for name, value in found.items() if name in table.keys or name not in used}


def key_parts(table: Table, key: Any) -> dict[str, Any]:
    """The parts of derived key attributes that a key was given by; an update has to store them as well.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> key_parts(accounts, {"type": "facebook", "id": "1"}), key_parts(accounts, "facebook:1")
    ({'type': 'facebook', 'id': '1'}, {})
    """
    if not table.derived or not isinstance(key, Mapping):
        return {}
    return {name: value for name, value in key.items() if name not in table.keys}


def implied_conditions(table: Table, condition: Condition) -> tuple[Condition, ...]:
    """What the condition says of derived key attributes: a value, or where only a start is sure, a prefix.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> [show(one) for one in implied_conditions(accounts, eq("type", "facebook"))]
    ["begins_with(uid, 'facebook:')"]

    They may bound a key, and never filter: an item that another writer stored without the attribute still matches.
    """
    return tuple(_implied(table, dict(_known(condition)))) if table.derived else ()


def _known(condition: Condition) -> Iterator[tuple[str, Any]]:
    """The attributes that the condition gives one value."""
    for part in condition.parts if isinstance(condition, And) else (condition,):
        match part:
            case Compare("=", Path((str(name),)), Value(kind, body)) | Compare(
                "=", Value(kind, body), Path((str(name),))
            ):
                yield name, thaw((kind, body))


def _implied(table: Table, known: dict[str, Any]) -> Iterator[Condition]:
    for name, derived in table.derived.items():
        if name not in table.key_attributes:
            continue  # it finds nothing, and items from before it was declared lack it
        path = Path((name,))
        if all(known.get(part) is not None for part in derived.parts):
            known[name] = value = derived.value(known)
            if value is not None:
                yield Compare("=", path, operand(value))
        elif known.get(derived.parts[0]) is not None and (prefix := derived.prefix(known)):
            yield Test("begins_with", (path, operand(prefix)))


def derived_update(table: Table, update: Update, key: Mapping[str, Any] | None = None) -> Update:
    """The update, and what it makes of derived attributes whose parts it changes; parts may also stand in the `key`.

    >>> accounts = Table("accounts", "id", attributes={"name": template("{first} {last}")})
    >>> show(derived_update(accounts, assign("first", "Ada") + assign("last", "Byron")))
    "SET first = 'Ada', last = 'Byron', name = 'Ada Byron'"
    >>> derived_update(accounts, assign("first", "Ada"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: `name` is derived from `first` and `last`, and only `first` changes
      expression: SET first = 'Ada'
      hint: assign all of them, or remove one
    """
    if not table.derived:
        return update
    by_name: dict[str, list[Action]] = {}
    for action in update.actions:
        by_name.setdefault(str(action.path.parts[0]), []).append(action)
    added: list[Action] = []
    for name, derived in table.derived.items():
        if name in by_name:
            raise ExpressionError(
                f"`{name}` is derived from {_names(derived.parts)} and cannot be set by itself", expression=show(update)
            )
        changed = [part for part in derived.parts if part in by_name]
        if changed:
            action = _derived_action(table, update, name, derived, by_name, changed, key or {})
            by_name[name] = [action]
            added.append(action)
    return Update((*update.actions, *added))


def _derived_action(
    table: Table,
    update: Update,
    name: str,
    derived: Derived,
    by_name: dict[str, list[Action]],
    changed: list[str],
    key: Mapping[str, Any],
) -> Action:
    if name in table.keys:
        raise ExpressionError(
            f"{_names(changed)} makes up `{name}`, a part of the key of {table.name!r}, and cannot be updated",
            expression=show(update),
            hint="put the item under its new key and delete the old one",
        )
    values: dict[str, Any] = {part: key[part] for part in derived.parts if part in key}
    for part in derived.parts:
        match by_name.get(part):
            case [Action("SET", Path((_,)), Value(kind, body))] if body is not None:
                values[part] = thaw((kind, body))
            case [Action("REMOVE", Path((_,)))] | [
                Action("SET", Path((_,)), Value("NULL"))
            ]:  # without one of its parts the item goes without it
                return Action("REMOVE", Path((name,)), None)
    if len(values) < len(derived.parts):
        raise ExpressionError(
            f"`{name}` is derived from {_names(derived.parts)}, and only {_names(changed)} changes",
            expression=show(update),
            hint="assign all of them, or remove one",
        )
    value = derived.value(values)
    return Action("REMOVE", Path((name,)), None) if value is None else Action("SET", Path((name,)), operand(value))


def _names(parts: tuple[str, ...] | list[str]) -> str:
    return " and ".join(f"`{part}`" for part in parts)
