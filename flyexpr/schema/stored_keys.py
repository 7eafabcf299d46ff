"""Keys, as people give them and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.schema.derived.derived_items import likely_meant, missing_parts
from flyexpr.schema.derived.derived_keys import derived_key
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_values import encoded_value
from flyexpr.schema.table import Table
from flyexpr.values.sizes import value_size
from flyexpr.values.types import Item

_MAX_KEY = {"partition": 2048, "sort": 1024}  # bytes
_SHORT = 256  # characters, of at most four bytes each: no key of this length is too long


def stored_key(table: Table, key: Any) -> Item:
    """The primary key as it is stored, from a dict, a tuple or one value.

    >>> scores = Table("GameScores", "userid", "title")
    >>> stored_key(scores, ("abc", "Comet Quest")) == stored_key(scores, {"userid": "abc", "title": "Comet Quest"})
    True
    >>> stored_key(scores, "abc")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the key of 'GameScores' lacks `title`
      hint: a key is (userid, title) as a tuple, or a dict with these attributes
    """
    if key is None:
        raise ValidationError(f"a key of {table.name!r} cannot be None", hint=_key_hint(table))
    if isinstance(table, Kinds):
        return _key_of_kinds(table, key)
    parts = given_parts(table, key)
    if table.derived:
        parts = derived_key(table, parts)
    if parts.keys() != table.key_names:
        raise _other_names(table, key, parts)
    stored = {name: encoded_value(table, name, parts[name]) for name in table.keys}
    check_key(table, stored)
    return stored


def kinds_of_key(table: Kinds, key: Any) -> dict[str, Item]:
    """The names of the kinds that an item under this key can be of, each with the key as it is stored.

    >>> customers = Table("Shop", "pk", attributes={"pk": template("C#{customer}")})
    >>> orders = Table("Shop", "pk", attributes={"pk": template("O#{order}")})
    >>> kinds_of_key(kinds({"customer": customers, "order": orders}, by="type"), {"order": "7"})
    {'order': {'pk': 'O#7'}}

    Those are the kinds whose templates make the key of the parts that are given, or can have made it.
    """
    keys = {}
    for name, kind in table.kinds.items():
        with suppress(ValidationError):
            stored = stored_key(kind, key)
            if all(_can_have_made(kind, attribute, stored[attribute]) for attribute in table.keys):
                keys[name] = stored
    return keys


def _can_have_made(table: Table, name: str, value: Any) -> bool:
    """Whether the template of a key attribute, if it has one, can have made the value."""
    derived = table.derived.get(name)
    if derived is None or derived.function is not None:
        return True
    start = derived.begun({}).text
    fits = isinstance(value, str) and (value.startswith(start) if derived.parts else value == start)
    read = [inverse.read(value) for inverse in table.inverses if fits and inverse.name == name]
    return fits and all(parts and table.constants.items() <= {**table.constants, **parts}.items() for parts in read)


def _key_of_kinds(table: Kinds, key: Any) -> Item:
    if not isinstance(key, Mapping) or all(name in key for name in table.keys):
        with suppress(ValidationError):  # such as for a datetime, which only its kind can encode
            return stored_key(table.as_stored, key)
    by_kind = kinds_of_key(table, key)
    different = {tuple(stored.values()): name for name, stored in by_kind.items()}
    if len(different) > 1:
        names = " or ".join(map(repr, different.values()))
        raise ValidationError(
            f"this can be the key of {names} in {table.name!r}",
            hint=f"name the kind: table[{next(iter(by_kind))!r}]; or give {_key_shown(table)}",
        )
    if by_kind:
        return next(iter(by_kind.values()))
    try:
        return stored_key(table.as_stored, key)
    except ValidationError as error:
        made = "; ".join(f"{name!r} by {_key_parts(kind)}" for name, kind in table.kinds.items())
        raise ValidationError(error.message, hint=f"a key of {table.name!r} is made by kind: {made}") from None


def _key_parts(table: Table) -> str:
    parts = (table.derived[name].parts if name in table.derived else (name,) for name in table.keys)
    return ", ".join(dict.fromkeys(part for each in parts for part in each)) or "nothing"


def _other_names(table: Table, key: Any, parts: Mapping[str, Any]) -> ValidationError:
    """The error for a key without one of its attributes, or with another one."""
    for name in table.keys:
        if name not in parts:
            return _incomplete(table, key, parts, name)
    other = next(name for name in parts if name not in table.keys)
    hint = f"{_key_hint(table)}; key_of(table, item) is the key of an item"
    return ValidationError(f"`{other}` is not part of the key of {table.name!r}", hint=hint)


def _incomplete(table: Table, key: Any, parts: Mapping[str, Any], name: str) -> ValidationError:
    others = [other for other in parts if other not in table.keys]
    unfinished = missing_parts(table, name, parts) if isinstance(key, Mapping) else ""
    message = f"the key of {table.name!r} lacks `{name}`"
    if unfinished:
        message += f": {unfinished}"
    elif others:
        shown = ", ".join(f"`{other}`" for other in others)
        message += f", and {shown} {'is' if len(others) == 1 else 'are'} not part of it"
    question = likely_meant(table, name, others)
    return ValidationError(f"{message}{question and '; '}{question}", hint=_key_hint(table))


def given_parts(table: Table, key: Any) -> Mapping[str, Any]:
    """What a key was given by, by name; fewer values than the key has are not an error here.

    >>> given_parts(Table("GameScores", "userid", "title"), ("abc", "Comet Quest"))
    {'userid': 'abc', 'title': 'Comet Quest'}
    """
    values: Sequence[Any] = (key,)
    if isinstance(key, (tuple, list)):
        values = key
    elif not isinstance(key, str) and isinstance(key, (dict, Mapping)):  # asking for a Mapping takes longest
        return key
    keys = table.keys
    if len(values) > len(keys):
        raise ValidationError(
            f"the key of {table.name!r} has {len(keys)} part{'s'[: len(keys) > 1]}, not {len(values)}",
            hint=_key_hint(table),
        )
    return dict(zip(keys, values, strict=False))


def _key_hint(table: Table) -> str:
    several = "these attributes" if table.sort_key else "that attribute"
    return f"a key is {_key_shown(table)}, or a dict with {several}"


def _key_shown(table: Table) -> str:
    if table.sort_key is None:
        return f"one value of {table.partition_key}"
    return f"({table.partition_key}, {table.sort_key}) as a tuple"


def check_key(table: Table, item: Mapping[str, Any]) -> None:
    """None for an item with a key, whose attributes are neither empty nor too long; it is as it is stored."""
    for name in table.keys:
        value = item.get(name)
        if isinstance(value, (str, bytes)):
            if not value:
                raise ValidationError("a key attribute may not be empty", at=name)
            if len(value) > _SHORT:
                _check_length(table, name, value)
        elif value is None:
            meant = likely_meant(table, name, [each for each in item if each not in table.codecs])
            raise ValidationError(f"an item of {table.name!r} needs its key", at=name, hint=meant)


def _check_length(table: Table, name: str, value: str | bytes) -> None:
    part = "partition" if name == table.partition_key else "sort"
    if value_size(value) > _MAX_KEY[part]:
        raise ValidationError(f"a {part} key has at most {_MAX_KEY[part]:,} bytes", at=name)
