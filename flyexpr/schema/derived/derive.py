"""Derived attributes: filled in on put, and updated with their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError, did_you_mean
from flyexpr.expressions.nodes import Action, Path, Update, Value
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import operand
from flyexpr.schema.derived.read_templates import Inverse
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.kinds import descriptor_of
from flyexpr.schema.table import Table, check_table
from flyexpr.values.foreign import standard
from flyexpr.values.freeze import thaw
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
                raise ValidationError(_made_of(name, derived, complete), at=name, hint=hint)
            continue
        value = _value(table, name, complete)
        if (name in table.keys or not derived.parts) and standard(complete.get(name, value)) != value:
            raise _contradiction(name, derived, value, complete[name])
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


def _contradiction(name: str, derived: Derived, value: Any, given: Any) -> ValidationError:
    if not derived.parts:
        return ValidationError(f"it is always {value!r} here, not {given!r}", at=name, hint=f"leave `{name}` out")
    return ValidationError(
        f"{_names(derived.parts)} make{'s'[len(derived.parts) > 1 :]} it {value!r}, not {given!r}",
        at=name,
        hint=f"leave `{name}` out; the item then goes under the key of its parts",
    )


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
            value = _value(table, name, values)
            if values.get(name, value) != value:
                raise _contradiction(name, derived, value, values[name])
            values[name] = value
        elif name in table.keys and name not in values:
            raise ValidationError(_made_of(name, derived, values), at=name)
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


def _value(table: Table, name: str, values: Mapping[str, Any]) -> Any:
    """A derived attribute's value; an error where the table could not store it."""
    return table.derived[name].value(values, unique=name in table.keys, narrow=name in table.key_attributes)


def _made_of(name: str, derived: Derived, values: Mapping[str, Any]) -> str:
    missing = [part for part in derived.parts if values.get(part) is None]
    are = "is" if len(missing) == 1 else "are"
    return f"`{name}` is made of {_names(derived.parts)}; {_names(missing)} {are} not given"


def missing_parts(table: Table, name: str, values: Mapping[str, Any]) -> str:
    """The words for a derived attribute that lacks some of its parts; empty for any other attribute.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> missing_parts(accounts, "uid", {"type": "facebook"})
    '`uid` is made of `type` and `id`; `id` is not given'
    """
    derived = table.derived.get(name)
    complete = derived is None or all(values.get(part) is not None for part in derived.parts)
    return "" if derived is None or complete else _made_of(name, derived, values)


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
                values[name] = _value(table, name, known)
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
            values[name] = _derived_value(table, update, name, parts, changed)
            by_name[name] = [_action(name, values[name])]
            added += by_name[name]
    return Update((*update.actions, *added))


def _derived_value(table: Table, update: Update, name: str, parts: Mapping[str, Any], changed: list[str]) -> Any:
    """The new value of a derived attribute; None where a part is removed, and the attribute with it."""
    if None in parts.values():
        return None
    _refuse_unknown(update, name, table.derived[name], parts, changed)
    return _value(table, name, parts)


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
    why = f"is derived from {_names(derived.parts)}" if derived.parts else f"is always {derived.value({})!r} here"
    return ExpressionError(f"`{name}` {why} and cannot be set by itself", expression=show(update))


def _refuse_key(table: Table, update: Update, name: str, changed: list[str]) -> None:
    if name in table.keys:
        raise ExpressionError(
            f"{_names(changed)} makes up `{name}`, a part of the key of {table.name!r}, and cannot be updated",
            expression=show(update),
            hint="put the item under its new key and delete the old one",
        )


def _refuse_unknown(update: Update, name: str, derived: Derived, known: Mapping[str, Any], changed: list[str]) -> None:
    unknown = [part for part in derived.parts if part not in known]
    if unknown:
        same = "" if {*unknown} <= {*changed} else f", add eq({unknown[-1]!r}, ...) to the condition"
        raise ExpressionError(
            f"`{name}` is made of {_names(derived.parts)}, and the new value of {_names(unknown)} is not known",
            expression=show(update),
            hint=f"assign a value to {_names(unknown)}{same}, or use modify(...), which reads the item",
        )


def _refuse_lacking(update: Update, name: str, lacking: list[str]) -> None:
    """An error for an item of another program that has a key of an index, but not the parts that the key is made of.

    Without them the new key is not known, and without the key the item would leave the index.
    """
    if lacking:
        raise ExpressionError(
            f"`{name}` changes with this, and the item lacks {_names(lacking)}, of which it is made too",
            expression=show(update),
            hint=f"assign a value to {_names(lacking)} as well",
        )


def _names(parts: tuple[str, ...] | list[str]) -> str:
    return " and ".join(f"`{part}`" for part in parts)
