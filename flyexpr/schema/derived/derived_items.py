"""Derived attributes of items, made of their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ValidationError, did_you_mean
from flyexpr.schema.derived.read_templates import Inverse
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.table import Table
from flyexpr.values.foreign import standard
from flyexpr.values.types import Item


def derived_item(table: Table, item: Mapping[str, Any]) -> Item:
    """The item with its derived attributes made of its parts; they replace what the item held.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}"), "sort": template("{name}!")})
    >>> derived_item(accounts, {"type": "facebook", "id": "1", "name": "Ada", "sort": "Bob!"})
    {'type': 'facebook', 'id': '1', 'name': 'Ada', 'sort': 'Ada!', 'uid': 'facebook:1'}
    >>> derived_item(accounts, {"uid": "facebook:1"})
    {'uid': 'facebook:1', 'type': 'facebook', 'id': '1'}
    >>> derived_item(accounts, {"type": "facebook", "id": "1", "uid": "x"})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `uid`: `type` and `id` make it 'facebook:1', not 'x'
      hint: leave `uid` out; the item then goes under the key of its parts

    Parts of the table's own key that are missing are taken from the key. A key that contradicts its parts is an error:
    either of two items could be meant. A key stays as it is given if the missing parts cannot be read from it: so the
    item of another program can be read and put.
    """
    complete = dict(item)
    for inverse in table.inverses:
        text = complete.get(inverse.name)
        if inverse.name in table.keys and isinstance(text, str):
            complete |= {part: value for part, value in _read_key(table, inverse, text).items() if part not in complete}
    for name, derived in table.derived.items():
        if any(complete.get(part) is None for part in derived.parts):
            if (name in table.keys or name in complete) and not _stays(table, name, complete):
                hint = likely_meant(table, name, [each for each in item if each not in table.codecs])
                raise ValidationError(made_of(name, derived, complete), at=name, hint=hint)
            continue
        value = derived_value(table, name, complete)
        if (name in table.keys or not derived.parts) and standard(complete.get(name, value)) != value:
            raise contradiction(name, derived, value, complete[name])
        complete.pop(name, None) if value is None else complete.update({name: value})
    return complete


def _stays(table: Table, name: str, item: Mapping[str, Any]) -> bool:
    """Whether a key is put as it is given: it does not tell the parts that are missing, and fits all others."""
    derived, text = table.derived[name], item.get(name)
    if derived.function is not None or name not in table.key_attributes or not isinstance(text, str):
        return False
    missing = {part for part in derived.parts if item.get(part) is None}
    for inverse in table.inverses:
        if inverse.name == name:
            parts = _read_key(table, inverse, text)
            if not missing.isdisjoint(inverse.parts) or any(item.get(part) != parts[part] for part in parts):
                return False
    return text.startswith(derived.begun(item).text)


def _read_key(table: Table, inverse: Inverse, text: str) -> Item:
    """The parts that a key tells, in the user's types."""
    parts = inverse.read(text)
    for part in parts.keys() & table.codecs.keys():
        decode = table.codecs[part].decode
        parts[part] = decode(parts[part]) if decode else parts[part]
    return parts


def contradiction(name: str, derived: Derived, value: Any, given: Any) -> ValidationError:
    """The error for a derived attribute that was given with another value than its parts make."""
    if not derived.parts:
        return ValidationError(f"it is always {value!r} here, not {given!r}", at=name, hint=f"leave `{name}` out")
    return ValidationError(
        f"{quoted(derived.parts)} make{'s'[len(derived.parts) > 1 :]} it {value!r}, not {given!r}",
        at=name,
        hint=f"leave `{name}` out; the item then goes under the key of its parts",
    )


def derived_value(table: Table, name: str, values: Mapping[str, Any]) -> Any:
    """A derived attribute's value; an error where the table could not store it."""
    return table.derived[name].value(values, unique=name in table.keys, narrow=name in table.key_attributes)


def made_of(name: str, derived: Derived, values: Mapping[str, Any]) -> str:
    """The words for a derived attribute some of whose parts are not given."""
    missing = [part for part in derived.parts if values.get(part) is None]
    are = "is" if len(missing) == 1 else "are"
    return f"`{name}` is made of {quoted(derived.parts)}; {quoted(missing)} {are} not given"


def missing_parts(table: Table, name: str, values: Mapping[str, Any]) -> str:
    """The words for a derived attribute that lacks some of its parts; empty for any other attribute.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> missing_parts(accounts, "uid", {"type": "facebook"})
    '`uid` is made of `type` and `id`; `id` is not given'
    """
    derived = table.derived.get(name)
    complete = derived is None or all(values.get(part) is not None for part in derived.parts)
    return "" if derived is None or complete else made_of(name, derived, values)


def likely_meant(table: Table, name: str, given: Iterable[Any]) -> str:
    """A question where a name that was given is nearly that of a key attribute, or of a part that it is made of.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> likely_meant(accounts, "uid", ["types"])
    'did you mean `type`?'
    """
    parts = table.derived[name].parts if name in table.derived else ()
    wanted = [each for each in (name, *parts) if each not in given]
    questions = (did_you_mean(each, wanted) for each in given if isinstance(each, str) and each not in parts)
    return next(filter(None, questions), "")


def quoted(parts: tuple[str, ...] | list[str]) -> str:
    """The names of parts, for an error.

    >>> quoted(["first", "last"])
    '`first` and `last`'
    """
    return " and ".join(f"`{part}`" for part in parts)
