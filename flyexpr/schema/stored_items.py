"""Items and keys converted between the user's types and DynamoDB's, as a table declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.schema.codecs import name_to_declare, type_name
from flyexpr.schema.derived.derive import derived_item, derived_key, likely_meant, missing_parts
from flyexpr.schema.derived.parts import fill, parts_in, sources_of
from flyexpr.schema.fits import first_misfit, misfit
from flyexpr.schema.kinds import Kinds, descriptor_of, paths_of_kind
from flyexpr.schema.strict import check_item, check_paths
from flyexpr.schema.table import Table
from flyexpr.values.refusals import native
from flyexpr.values.sizes import item_size, value_size
from flyexpr.values.types import MAX_ITEM, Item

_MAX_KEY = {"partition": 2048, "sort": 1024}  # bytes
_SHORT = 256  # characters, of at most four bytes each: no key of this length is too long


def stored_item(table: Table[Any], item: Mapping[str, Any]) -> Item:
    """The item as it is stored: defaults filled in, declared attributes checked and encoded.

    >>> from datetime import date
    >>> from flyexpr import Attribute
    >>> table = Table("t", "id", attributes={"day": date, "wins": Attribute(int, default=0)})
    >>> stored_item(table, {"id": "a", "day": date(2026, 1, 31), "note": "x"})
    {'id': 'a', 'day': '2026-01-31', 'note': 'x', 'wins': 0}
    >>> stored_item(table, {"id": "a", "wins": "3"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `wins`: expected int, got str

    None is stored as NULL, except in keys and required attributes.
    """
    if not isinstance(item, (dict, Mapping)):  # for a dict, the first test is quick
        raise TypeError(f"an item is a dict, not {item!r}")
    if table.strict:
        check_item(table, item)
    rules = table.rules
    stored = with_defaults(table, item) if rules else dict(item)
    if table.derived:
        stored = derived_item(table, stored)
    for name, rule in rules.items():
        if rule.required and stored.get(name) is None:
            raise ValidationError(f"an item of {table.name!r} needs this attribute", at=name)
    as_stored = stored_value if rules else encoded_value
    for name in table.codecs:
        if name in stored:
            stored[name] = as_stored(table, name, stored[name])
    _check_key(table, stored)
    for index in table.indexes:
        index.check_item(stored)
    return stored


def with_defaults(table: Table, item: Mapping[str, Any]) -> Item:
    """The item with defaults for the attributes that it lacks; a `default=` function is called once.

    >>> from flyexpr import Attribute
    >>> with_defaults(Table("t", "id", attributes={"wins": Attribute(int, default=0)}), {"id": "a"})
    {'id': 'a', 'wins': 0}
    """
    complete = dict(item)
    for name, rule in table.rules.items():
        if name not in complete and rule.default is not None:
            complete[name] = rule.default() if callable(rule.default) else rule.default
    return complete


def check_size(item: Mapping[str, Any]) -> None:
    """None for an item of at most 400 KB, as DynamoDB counts them; an error for a larger one.

    >>> check_size({"id": "a", "text": "x" * 409_600})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the item has 409,607 bytes; DynamoDB stores up to 409,600
      hint: split it over several items, or keep the large part elsewhere
    """
    size = item_size(item)
    if size > MAX_ITEM:
        raise ValidationError(
            f"the item has {size:,} bytes; DynamoDB stores up to {MAX_ITEM:,}",
            hint="split it over several items, or keep the large part elsewhere",
        )


def stored_value(table: Table, name: str, value: Any) -> Any:
    """A declared attribute's value as it is stored, once its type and check have accepted it.

    >>> stored_value(Table("t", "id", attributes={"wins": int}), "wins", 3.0)
    3
    """
    rule = table.rules.get(name)
    if rule and value is None and rule.required:
        raise ValidationError("a required attribute may not be None", at=name)
    if rule and rule.check and value is not None and not rule.check(value):
        raise ValidationError(f"{value!r} fails the check of this attribute", at=name)
    return encoded_value(table, name, value)


def encoded_value(table: Table, name: str, value: Any) -> Any:
    """A declared attribute's value as DynamoDB stores it; ValidationError for a value of another type.

    >>> encoded_value(Table("t", "id"), "id", 7)
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `id`: expected str, got int
      hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}

    None stays None, which is NULL, except in the key.
    """
    if value is None:
        if name in table.keys:
            raise ValidationError("a key attribute cannot be None", at=name)
        return None
    try:
        return table.codecs[name].encode(value)
    except ValidationError as error:
        hint = error.hint
        if name not in table.attributes and not hint:
            hint = f"declare it: attributes={{{name!r}: {name_to_declare(native(value))}}}"
            if isinstance(native(value), (int, float, Decimal)):
                hint = f"write str(...), or, where the key is a number, {hint}"
        raise ValidationError(error.message, at=name, hint=hint) from None


def loaded_item(table: Table, item: Item, key: Any = None) -> Item:
    """Decodes, in place, the declared attributes of an item that was read; gives the item back.

    >>> from datetime import date
    >>> loaded_item(Table("t", "id", attributes={"day": date}), {"id": "a", "day": "2026-01-31"})
    {'id': 'a', 'day': datetime.date(2026, 1, 31)}
    >>> loaded_item(Table("t", "id", attributes={"day": date}), {"id": "a", "day": 31})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `day`: the stored value cannot be read as date: `day` is stored as N, not as S
      item: {'id': 'a'} of 't'

    ValidationError for an attribute that another program stored as another type. It names the attribute and the item's
    key: from `key`, or from the item itself. Its `.item` is the item as it is stored.
    """
    name = first_misfit(table.checks, item)
    if name is not None:
        raise _misfit(table, item, key, name)
    return decoded_item(table, item, key) if table.decoders else item


def check_stored(table: Table, item: Item, key: Any = None) -> None:
    """None for an item whose attributes are stored as the table declares them; else the error of `loaded_item`.

    >>> check_stored(Table("t", "id", attributes={"wins": int}), {"id": "a", "wins": 3})
    """
    name = first_misfit(table.checks, item)
    if name is not None:
        raise _misfit(table, item, key, name)


def _misfit(table: Table, item: Item, key: Any, name: str) -> ValidationError:
    return _misread(table, item, key, name, misfit(table.codecs[name], item[name], name))


def decoded_item(table: Table, item: Item, key: Any = None) -> Item:
    """Decodes, in place, an item that `check_stored` has accepted; gives the item back.

    >>> from flyexpr import epoch
    >>> decoded_item(Table("t", "id", attributes={"until": epoch}), {"id": "a", "until": 0})["until"].year
    1970
    """
    decoded, name = {}, ""
    try:
        for name, decode in table.decoders:
            value = item.get(name)
            if value is not None:
                decoded[name] = decode(value)
    except Exception as error:  # a Codec's function may raise anything
        raise _misread(table, item, key, name, _why(error)) from error
    item.update(decoded)  # all at the end: the error has the item as it is stored
    return item


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return error.message
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _misread(table: Table, item: Item, key: Any, name: str, why: str) -> ValidationError:
    parts = item if key is None else _parts(table, key)
    shown_key = {part: parts[part] for part in table.keys if part in parts}
    error = ValidationError(
        f"the stored value cannot be read as {type_name(table.attributes[name])}: {why}\n"
        f"  item: {shown_key or 'one'} of {table.name!r}",
        at=name,
    )
    error.item = item
    return error


def read_item(table: Table[Any], item: Item, wanted: Iterable[Path] | None = None, key: Any = None) -> Item:
    """A stored item as the table reads it: with the parts of its keys filled in, and attributes in their types.

    >>> read_item(Table("t", "pk", attributes={"pk": template("U#{user}")}), {"pk": "U#ada"})
    {'pk': 'U#ada', 'user': 'ada'}

    Only the `wanted` paths are left of an item that was read by `asked_paths`. `key` is for the error of an item that
    was read without its key.
    """
    if table.reads_more:
        table = descriptor_of(table, item)
        fill(table, item)
        if wanted is not None:
            item = project(wanted, item)
    return loaded_item(table, item, key)


def asked_paths(table: Table, wanted: tuple[Path, ...] | None) -> tuple[Path, ...] | None:
    """The paths to read so that the wanted ones can be filled in; None for whole items.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> [path.parts[0] for path in asked_paths(table, (Path(("user",)), Path(("n",))))]
    ['user', 'n', 'pk']
    """
    check_paths(table, wanted)
    if wanted is None or not table.reads_more:
        return wanted
    telling = paths_of_kind(table)
    if telling is None:
        return None
    sources = (Path((name,)) for name in sources_of(table, parts_in(table, wanted)))
    return tuple(dict.fromkeys((*wanted, *sources, *telling)))


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
    parts = _parts(table, key)
    if table.derived:
        parts = derived_key(table, parts)
    if parts.keys() != table.key_names:
        raise _other_names(table, key, parts)
    stored = {name: encoded_value(table, name, parts[name]) for name in table.keys}
    _check_key(table, stored)
    return stored


def kinds_of_key(table: Kinds, key: Any) -> dict[str, Item]:
    """The names of the kinds of which an item under this key can be, each with the key as it is stored.

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


def _parts(table: Table, key: Any) -> Mapping[str, Any]:
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


def _check_key(table: Table, item: Mapping[str, Any]) -> None:
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
