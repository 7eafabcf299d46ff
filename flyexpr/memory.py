"""Expressions evaluated in memory, or shown, by the rules that a table holds them to: what it refuses is refused here.

A constant of a foreign type counts as what it is stored as where nothing is declared, and so does a value of the item.
Both, and the rules, are looked at once: the expression remembers that it may be evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any, TypeVar

from flyexpr.attributes import meaning
from flyexpr.errors import ExpressionError
from flyexpr.interpret.apply import apply as applied
from flyexpr.interpret.check import check
from flyexpr.interpret.evaluate import matches as is_true
from flyexpr.interpret.show import show as text_of
from flyexpr.nodes import Condition, Operand, Path, Update, Value
from flyexpr.terms import Term, node_of
from flyexpr.values import MAX_DEPTH, TOO_DEEP, Frozen, Item, thaw

Expression = TypeVar("Expression", Condition, Update)


def matches(condition: Condition, item: Mapping[str, Any]) -> bool:
    """True where the condition holds for the item; `{}` stands for an item that is not there.

    >>> from flyexpr import eq, gt, ne, size
    >>> matches(eq("info.rating", 8) & gt(size("info.actors"), 1), {"info": {"rating": 8.0, "actors": ["a", "b"]}})
    True
    >>> matches(ne("q", 1), {}), matches(~gt("q", 1), {})
    (True, True)
    >>> matches(gt("flag", True), {"flag": True})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Incorrect operand type for operator or function; ...: >, operand type: BOOL

    A date, datetime, UUID or Enum counts as what it is stored as where nothing is declared, at any depth. What every
    table refuses is an ExpressionError; a value that none stores, such as one of a Codec's own type, a ValidationError.
    """
    if not isinstance(condition, Condition):
        raise TypeError(f"matches takes a condition such as eq('a', 1), not {condition!r}")
    return is_true(_ready(condition), item)


def apply(update: Update, item: Mapping[str, Any]) -> Item:
    """The item after the update, as a new dict; what the update does not touch is shared with the old one.

    >>> from flyexpr import append, assign, F, incr, remove
    >>> apply(incr("wins", 1) + assign("old", F.wins) + remove("log[0]"), {"wins": 1, "log": ["a", "b"]})
    {'wins': 2, 'log': ['b'], 'old': 1}

    ExpressionError, in the service's words, where a parent or an operand is missing or of the wrong type, and for what
    every table refuses; ValidationError for a value that none stores. Dates, Enums and the like are kept as they are.
    How many bytes the item has is not looked at.
    """
    if not isinstance(update, Update):
        raise TypeError(f"apply takes an update such as incr('wins', 1), not {update!r}")
    _ready(update)
    new = applied(update, item)
    for action in update.actions:
        if len(action.path.parts) > 1 and _levels(new.get(str(action.path.parts[0]))) >= MAX_DEPTH:
            raise ExpressionError(TOO_DEEP)
    return new


def show(expression: Condition | Update | Operand | Term) -> str:
    """The expression as one line, as a person would write it.

    >>> from flyexpr import F, all_of, any_of, assign, eq, gt, incr
    >>> show(eq("userid", "abc") & (gt("top_score", 9000) | ~eq("wins", 0)))
    "userid = 'abc' AND (top_score > 9000 OR NOT wins = 0)"
    >>> show(incr("wins", 1) + assign("info.seen", True))
    'SET info.seen = true ADD wins 1'

    A date, datetime, UUID or Enum is shown as it is stored where nothing is declared, and reads back as that; any other
    value that has no form of its own is a ValidationError.
    """
    return text_of(_standing(node_of(expression) if isinstance(expression, Term) else expression))


def _levels(value: Any) -> int:
    """How many lists and maps lie in one another."""
    members = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, (Mapping, list, tuple)):
        return 0
    return 1 + max([_levels(member) for member in members if type(member) not in _FLAT], default=0)


_FLAT = frozenset({str, int, float, bool, bytes, type(None)})


def _ready(expression: Expression) -> Expression:
    """The expression with the meaning of its constants; an error where no table takes it."""
    try:
        found: Expression | None = expression._ready
    except AttributeError:
        found = _checked(expression)
    return expression if found is None else found


def _checked(expression: Expression) -> Expression | None:
    check(expression)
    found: Any = _standing(expression)
    if found is expression:
        found = None  # not itself: a ring of references keeps memory until the collector comes by
    else:
        check(found)
    object.__setattr__(expression, "_ready", found)
    return found  # type: ignore[no-any-return]


def _standing(node: Any) -> Any:
    """The node with the meaning of its constants; the same node where none is of a foreign type."""
    if isinstance(node, Value):
        frozen = node.kind, node.body
        return Value(*meaning(thaw(frozen))) if _is_foreign(frozen) else node
    if isinstance(node, Path) or not isinstance(node, tuple) and not hasattr(node, "__match_args__"):
        return node
    parts = node if isinstance(node, tuple) else [getattr(node, name) for name in node.__match_args__]
    found = tuple(map(_standing, parts))
    if all(map(is_, found, parts)):
        return node
    return found if isinstance(node, tuple) else type(node)(*found)


def _is_foreign(frozen: Frozen) -> bool:
    kind, body = frozen
    if kind == "L":
        return any(map(_is_foreign, body))
    return any(_is_foreign(member) for _, member in body) if kind == "M" else kind == "PYTHON"
