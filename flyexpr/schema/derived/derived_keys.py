"""Keys made of their parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.schema.derived.derived_items import contradiction, derived_value, made_of
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.kinds import descriptor_of
from flyexpr.schema.table import Table, check_table
from flyexpr.values.types import Item


def key_of(table: Table[Any], item: Mapping[str, Any]) -> Item:
    """The key of an item, as a dict for `get`, `update` and `delete`.

    >>> key_of(scores, {"userid": "abc", "title": "Comet Quest", "wins": 3})
    {'userid': 'abc', 'title': 'Comet Quest'}
    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> key_of(accounts, {"type": "facebook", "id": "1", "name": "Ada"})
    {'uid': 'facebook:1'}
    >>> key_of(scores, {"userid": "abc"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `title`: an item of 'GameScores' needs its key

    Derived keys are made of their parts; ValidationError where a part is missing, or contradicts the key. Other
    attributes may be missing, so an item that was read with `project=` will do.
    """
    if not isinstance(item, Mapping):
        raise TypeError(f"key_of takes a table and an item, a dict, not {item!r}")
    check_table(table)
    table = descriptor_of(table, item)
    values = dict(item)
    for name, derived in _derived_for_keys(table):
        if all(values.get(part) is not None for part in derived.parts):
            value = derived_value(table, name, values)
            if values.get(name, value) != value:
                raise contradiction(name, derived, value, values[name])
            values[name] = value
        elif name in table.keys and name not in values:
            raise ValidationError(made_of(name, derived, values), at=name)
    for name in table.keys:
        if values.get(name) is None:
            raise ValidationError(f"an item of {table.name!r} needs its key", at=name)
    return table.key_in(values)


def _derived_for_keys(table: Table) -> list[tuple[str, Derived]]:
    """The derived attributes of the table's own key, each after those that it is made of."""
    needed, makers = {*table.keys}, []
    for name, derived in reversed(table.derived.items()):
        if name in needed:
            needed.update(derived.parts)
            makers.append((name, derived))
    return makers[::-1]


def derived_key(table: Table, key: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key with derived attributes instead of the parts that they are made of.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> derived_key(accounts, {"type": "facebook", "id": "1"})
    {'uid': 'facebook:1'}
    """
    values, used = dict(key), set[str]()
    for name in table.keys:
        derived = table.derived.get(name)
        if derived and name not in values:
            known = {**table.constants, **values}
            if all(known.get(part) is not None for part in derived.parts):
                values[name] = derived_value(table, name, known)
                used.update(derived.parts)
    return {name: value for name, value in values.items() if name in table.keys or name not in used}


def key_parts(table: Table, key: Any) -> dict[str, Any]:
    """The parts by which a key was given, of derived key attributes; an update has to store them as well.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> key_parts(accounts, {"type": "facebook", "id": "1"}), key_parts(accounts, "facebook:1")
    ({'type': 'facebook', 'id': '1'}, {})

    With them come the attributes that always have the same value, such as the name of a kind.
    """
    if not table.derived or not isinstance(key, Mapping):
        return {}
    parts = {name: value for name, value in key.items() if name not in table.keys}
    if parts:
        parts |= {name: value for name, value in table.constants.items() if name not in table.keys}
    return parts
