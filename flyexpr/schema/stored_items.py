"""Items and keys between the user's types and DynamoDB's, as a table declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.schema.codecs import type_name
from flyexpr.schema.derive import derived_item, derived_key, missing_parts
from flyexpr.schema.fits import misfit
from flyexpr.schema.parts import fill, parts_in, sources_of
from flyexpr.schema.table import Table
from flyexpr.values.kinds import MAX_ITEM, Item
from flyexpr.values.sizes import item_size, value_size

_MAX_KEY = {"partition": 2048, "sort": 1024}  # bytes


def stored_item(table: Table, item: Mapping[str, Any]) -> Item:
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
    if not isinstance(item, Mapping):
        raise TypeError(f"an item is a dict, not {item!r}")
    found = with_defaults(table, item)
    if table.derived:
        found = derived_item(table, found)
    for name, rule in table.rules.items():
        if rule.required and found.get(name) is None:
            raise ValidationError(f"an item of {table.name!r} needs this attribute", at=name)
    for name in table.codecs:
        if name in found:
            found[name] = stored_value(table, name, found[name])
    for name in table.keys:
        _check_key_part(table, name, found)
    for index in table.indexes:
        _check_index_key(table.keys_of(index), found)
    return found


def with_defaults(table: Table, item: Mapping[str, Any]) -> Item:
    """The item with the defaults of attributes that it lacks; a function that makes one is called once.

    >>> from flyexpr import Attribute
    >>> with_defaults(Table("t", "id", attributes={"wins": Attribute(int, default=0)}), {"id": "a"})
    {'id': 'a', 'wins': 0}
    """
    found = dict(item)
    for name, rule in table.rules.items():
        if name not in found and rule.default is not None:
            found[name] = rule.default() if callable(rule.default) else rule.default
    return found


def check_size(item: Mapping[str, Any]) -> None:
    """None for an item that fits DynamoDB's 400 KB; its size is counted as DynamoDB does.

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
    """A declared attribute's value as it is written: of its type, and past its check.

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
    """A declared attribute's value in DynamoDB's type; ValidationError where it is none of the declared one.

    >>> encoded_value(Table("t", "id"), "id", 7)
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `id`: expected str, got int
      hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}

    None stays None, which is NULL, except in the key.
    """
    if value is None and name not in table.keys:
        return None
    if value is None:
        raise ValidationError("a key attribute cannot be None", at=name)
    try:
        return table.codecs[name].encode(value)
    except ValidationError as error:
        declared = name in table.attributes
        hint = error.hint if declared else f"declare it: attributes={{{name!r}: {type(value).__name__}}}"
        if not declared and isinstance(value, (int, float, Decimal)):
            hint = f"write str(...), or, where the key is a number, {hint}"
        raise ValidationError(error.message, at=name, hint=hint) from None


def loaded_item(table: Table, item: Item, key: Any = None) -> Item:
    """The item that was read, in place, with declared attributes in their types.

    >>> from datetime import date
    >>> loaded_item(Table("t", "id", attributes={"day": date}), {"id": "a", "day": "2026-01-31"})
    {'id': 'a', 'day': datetime.date(2026, 1, 31)}
    >>> loaded_item(Table("t", "id", attributes={"day": date}), {"id": "a", "day": 31})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `day`: the stored value does not read as date: `day` is stored as N, not as S
      item: {'id': 'a'} of 't'

    An attribute that another writer stored as something else is a ValidationError that names it, and `key` or the whole
    item where it lacks its key; `.item` is as it came.
    """
    check_stored(table, item, key)
    return decoded_item(table, item, key)


def check_stored(table: Table, item: Item, key: Any = None) -> None:
    """None for an item that was read and is stored as its table has it; else the same error.

    >>> check_stored(Table("t", "id", attributes={"wins": int}), {"id": "a", "wins": 3})
    """
    name = table.misfit(item)
    if name is not None:
        raise _misread(table, item, key, name, misfit(table.codecs[name], item[name], name))


def decoded_item(table: Table, item: Item, key: Any = None) -> Item:
    """The same of an item that was checked.

    >>> from flyexpr import epoch
    >>> decoded_item(Table("t", "id", attributes={"until": epoch}), {"id": "a", "until": 0})["until"].year
    1970
    """
    found, name = {}, ""
    try:
        for name, decode in table.decoders:
            value = item.get(name)
            if value is not None:
                found[name] = decode(value)
    except Exception as error:  # whatever a Codec's own function raises
        raise _misread(table, item, key, name, _why(error)) from error
    item.update(found)  # not one by one: an error tells the item as it came
    return item


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return error.message
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _misread(table: Table, item: Item, key: Any, name: str, why: str) -> ValidationError:
    parts = item if key is None else _parts(table, key)
    found = {part: parts[part] for part in table.keys if part in parts}
    error = ValidationError(
        f"the stored value does not read as {type_name(table.attributes[name])}: {why}\n"
        f"  item: {found or 'one'} of {table.name!r}",
        at=name,
    )
    error.item = item
    return error


def read_item(table: Table, item: Item, wanted: Iterable[Path] | None = None, key: Any = None) -> Item:
    """A stored item as the table reads it: parts of its keys that it lacks filled in, attributes in their types.

    >>> read_item(Table("t", "pk", attributes={"pk": template("U#{user}")}), {"pk": "U#ada"})
    {'pk': 'U#ada', 'user': 'ada'}

    Of one that was asked for by `asked_paths`, only what was `wanted` is left. `key` is for the error of an item that
    lacks its own.
    """
    if table.inverses:
        fill(table, item)
        if wanted is not None:
            item = project(wanted, item)
    return loaded_item(table, item, key)


def asked_paths(table: Table, wanted: tuple[Path, ...] | None) -> tuple[Path, ...] | None:
    """The paths to ask for so that those that are wanted can be filled in; None for whole items.

    >>> table = Table("t", "pk", attributes={"pk": template("U#{user}")})
    >>> [path.parts[0] for path in asked_paths(table, (Path(("user",)), Path(("n",))))]
    ['user', 'n', 'pk']
    """
    if wanted is None or not table.inverses:
        return wanted
    sources = (Path((name,)) for name in sources_of(table, parts_in(table, wanted)))
    return tuple(dict.fromkeys((*wanted, *sources)))


def key_of(table: Table, key: Any) -> Item:
    """The primary key as it is stored, from a dict, a tuple or one value.

    >>> scores = Table("GameScores", "userid", "title")
    >>> key_of(scores, ("abc", "Comet Quest")) == key_of(scores, {"userid": "abc", "title": "Comet Quest"})
    True
    >>> key_of(scores, "abc")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: the key of 'GameScores' lacks `title`
      hint: a key is (userid, title) as a tuple, or a dict with these attributes
    """
    if key is None:
        raise ValidationError(f"a key of {table.name!r} cannot be None", hint=_key_hint(table))
    given = _parts(table, key)
    if table.derived:
        given = derived_key(table, given)
    for name in table.keys:
        if name not in given:
            foreign = [f"`{other}`" for other in given if other not in table.keys]
            are = "is" if len(foreign) == 1 else "are"
            lacks = f"the key of {table.name!r} lacks `{name}`"
            unfinished = missing_parts(table, name, given) if isinstance(key, Mapping) else ""
            if unfinished:
                lacks += f": {unfinished}"
            elif foreign:
                lacks += f", and {', '.join(foreign)} {are} not part of it"
            raise ValidationError(lacks, hint=_key_hint(table))
    for name in given:
        if name not in table.keys:
            raise ValidationError(f"`{name}` is not part of the key of {table.name!r}", hint=_key_hint(table))
    found = {name: encoded_value(table, name, given[name]) for name in table.keys}
    for name in table.keys:
        _check_key_part(table, name, found)
    return found


def _parts(table: Table, key: Any) -> Mapping[str, Any]:
    if isinstance(key, (dict, Mapping)):  # a dict by the quick way
        return key
    values: Sequence[Any] = key if isinstance(key, (tuple, list)) else (key,)
    if len(values) > len(table.keys):
        raise ValidationError(
            f"the key of {table.name!r} has {len(table.keys)} part{'s'[: len(table.keys) > 1]}, not {len(values)}",
            hint=_key_hint(table),
        )
    return dict(zip(table.keys, values, strict=False))


def _key_hint(table: Table) -> str:
    if table.sort_key is None:
        return f"a key is one value of {table.partition_key}, or a dict with that attribute"
    return f"a key is ({table.partition_key}, {table.sort_key}) as a tuple, or a dict with these attributes"


def _check_index_key(names: Iterable[str], found: Mapping[str, Any]) -> None:
    for name in names:
        if name in found and found[name] in (None, "", b""):
            raise ValidationError(
                "a key attribute of an index may not be empty or None",
                at=name,
                hint="leave it out, and the item is not in that index",
            )


def _check_key_part(table: Table, name: str, found: Mapping[str, Any]) -> None:
    value = found.get(name)
    if value is None:
        raise ValidationError(f"an item of {table.name!r} needs its key", at=name)
    if isinstance(value, (str, bytes)) and not value:
        raise ValidationError("a key attribute may not be empty", at=name)
    part = "partition" if name == table.partition_key else "sort"
    if isinstance(value, (str, bytes)) and len(value) * 4 > _MAX_KEY[part] < value_size(value):
        raise ValidationError(f"a {part} key has at most {_MAX_KEY[part]:,} bytes", at=name)
