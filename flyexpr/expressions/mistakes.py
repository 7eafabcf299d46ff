"""Error texts for a value where a condition or an update is expected: what it is, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from flyexpr.expressions.nodes import Compare, Condition, Path, Update, Value
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import Term
from flyexpr.values.freeze import thaw

_MOST = 200  # characters of a value


def need(value: Any, kind: type, message: str) -> None:
    """None for a value of the kind; else a TypeError with the message, the value, and what to write instead.

    >>> need("a = 1", Condition, "query takes a condition")
    Traceback (most recent call last):
    ...
    TypeError: query takes a condition, not 'a = 1'; write parse_condition('a = 1')
    """
    if not isinstance(value, kind):
        instead = _INSTEAD[kind](value) if kind in _INSTEAD else ""
        raise TypeError(f"{message}, not {in_words(value)}{instead and '; '}{instead}")


def in_words(value: Any) -> str:
    """A value as an error shows it: conditions and updates as their text, anything else by its `repr`.

    >>> in_words(Update(())), in_words(Compare("=", Path(("a",)), Value("N", 1))), in_words({"a": 1})
    ('an empty update', 'the condition a = 1', "{'a': 1}")
    """
    match value:
        case Update(()):
            return "an empty update"
        case Condition() | Update():
            text = f"the {'update' if isinstance(value, Update) else 'condition'} {show(value)}"
        case Term():
            text = f"the path {show(value)}"
        case _:  # the repr of a function says where it lies in memory
            text = f"the function {value.__name__}" if isinstance(value, FunctionType) else repr(value)
    return text if len(text) <= _MOST else text[:_MOST] + "…"


def _instead_of_condition(value: Any) -> str:
    match value:
        case None:
            return "all_of() is the condition that is always true"
        case str():
            return f"write parse_condition({value!r})"
        case bool():
            return "write eq('a', 1) or F.a == 1; 'a' == 1 is Python's own"
        case Term():
            return "write exists(F.a), or compare it: F.a == True"
        case Update():
            return "an update goes into update(table, key, ...)"
        case Mapping() if value and all(isinstance(name, str) and name.isidentifier() for name in value):
            return f"write where({', '.join(f'{name}={one!r}' for name, one in value.items())})"
    return getattr(type(value), "instead_of_condition", "")


def _instead_of_update(value: Any) -> str:
    match value:
        case str():
            return f"write parse_update({value!r})"
        case Compare("=", Path((str(name),)), Value(kind, body)):
            return f"write assign({name!r}, {thaw((kind, body))!r})"
        case Condition():
            return "a condition goes into condition="
        case [Update(), *_]:
            return "join updates with +"
        case Mapping() if value and all(isinstance(name, str) for name in value):
            return f"write assign_all({dict(value)!r})"
    return ""


def _instead_of_item(value: Any) -> str:
    return "put_all(table, items) writes several" if isinstance(value, list) else ""


_INSTEAD: dict[type, Callable[[Any], str]] = {
    Condition: _instead_of_condition,
    Update: _instead_of_update,
    Mapping: _instead_of_item,
}
