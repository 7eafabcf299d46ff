"""Items converted between the user's types and DynamoDB's, as a table declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.schema.codecs import type_name
from flyexpr.schema.derived.derived_items import derived_item
from flyexpr.schema.derived.parts import fill, parts_in, sources_of
from flyexpr.schema.fits import first_misfit, misfit
from flyexpr.schema.kinds import descriptor_of, paths_of_kind
from flyexpr.schema.stored_keys import check_key, given_parts
from flyexpr.schema.stored_values import encoded_value, stored_value
from flyexpr.schema.strict import check_item, check_paths
from flyexpr.schema.table import Table
from flyexpr.values.sizes import item_size
from flyexpr.values.types import MAX_ITEM, Item


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
    check_key(table, stored)
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
    parts = item if key is None else given_parts(table, key)
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
