"""Expressions evaluated in memory, or shown. What every table refuses is refused here too.

A value of a foreign type, in the expression or in the item, counts as what it is stored as where nothing is declared.
An expression is checked the first time that it is used, and remembers that it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.apply import WrongOperand, WrongParent
from flyexpr.expressions.apply import apply as applied
from flyexpr.expressions.check import check
from flyexpr.expressions.evaluate import matches as is_true
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Action, Condition, Operand, Update, Value, rebuilt, walk
from flyexpr.expressions.paths import paths
from flyexpr.expressions.reason import operands_hint, parents_hint
from flyexpr.expressions.shape import Shape, shape
from flyexpr.expressions.show import refused
from flyexpr.expressions.show import show as text_of
from flyexpr.expressions.terms import Term, node_of
from flyexpr.values.foreign import meaning
from flyexpr.values.freeze import thaw
from flyexpr.values.memo import Memo
from flyexpr.values.types import MAX_DEPTH, TOO_DEEP_AFTER, Frozen, Item

_HINTS: dict[type, Callable[[Update], str]] = {WrongOperand: operands_hint, WrongParent: parents_hint}


def matches(condition: Condition, item: Mapping[str, Any]) -> bool:
    """True where the condition holds for the item; `{}` is an item that does not exist.

    >>> from flyexpr import eq, gt, ne, size
    >>> matches(eq("info.rating", 8) & gt(size("info.actors"), 1), {"info": {"rating": 8.0, "actors": ["a", "b"]}})
    True
    >>> matches(ne("q", 1), {}), matches(~gt("q", 1), {})
    (True, True)
    >>> matches(gt("flag", True), {"flag": True})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Incorrect operand type for operator or function; ...: >, operand type: BOOL
      expression: flag > true

    A date, datetime, UUID or Enum counts, at any depth, as what it is stored as where nothing is declared.
    ExpressionError for a condition that every table refuses; ValidationError for a value that no table can store
    without a declaration, such as one of a Codec's own type.
    """
    if not isinstance(condition, Condition):
        if isinstance(item, Condition):
            raise TypeError("matches takes the condition first: matches(condition, item)")
        need(condition, Condition, "matches takes a condition such as eq('a', 1)")
    try:
        ready: Condition | None = condition._ready
    except AttributeError:
        ready = _checked_condition(condition)
    return is_true(condition if ready is None else ready, item)


def apply(update: Update, item: Mapping[str, Any]) -> Item:
    """The item after the update, as a new dict; it shares with the old one what the update does not change.

    >>> from flyexpr import append, assign, F, incr, remove
    >>> apply(incr("wins", 1) + assign("old", F.wins) + remove("log[0]"), {"wins": 1, "log": ["a", "b"]})
    {'wins': 2, 'log': ['b'], 'old': 1}

    ExpressionError, in the service's words, where a parent or an operand is missing or of the wrong type, and for an
    update that every table refuses; ValidationError for a value that no table can store. Dates, Enums and the like are
    kept as they are. The item's size is not checked.
    """
    if not isinstance(update, Update):
        if isinstance(item, Update):
            raise TypeError("apply takes the update first: apply(update, item)")
        need(update, Update, "apply takes an update such as incr('wins', 1)")
    try:
        deepened: tuple[str, ...] = update._ready
    except AttributeError:
        deepened = _checked_update(update)
    try:
        new = applied(update, item)
    except ExpressionError as error:
        hint = _HINTS.get(type(error))
        raise refused(error, update, hint(update) if hint else None) from None
    if deepened and any(_levels(new.get(name)) >= MAX_DEPTH for name in deepened):
        raise ExpressionError(TOO_DEEP_AFTER)
    return new


def show(expression: Condition | Update | Operand | Term) -> str:
    """The expression as one line, as a person would write it.

    >>> from flyexpr import F, all_of, any_of, assign, eq, gt, incr
    >>> show(eq("userid", "abc") & (gt("top_score", 9000) | ~eq("wins", 0)))
    "userid = 'abc' AND (top_score > 9000 OR NOT wins = 0)"
    >>> show(incr("wins", 1) + assign("info.seen", True))
    'SET info.seen = true ADD wins 1'

    A date, datetime, UUID or Enum is shown as it is stored where nothing is declared, and reads back as that.
    ValidationError for a constant of any other type that DynamoDB lacks.
    """
    return text_of(_with_meanings(node_of(expression) if isinstance(expression, Term) else expression))


def _levels(value: Any) -> int:
    """How deep lists and maps are nested."""
    if isinstance(value, (dict, Mapping)):  # for a dict, the first test is quick
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return 0
    return 1 + max([_levels(member) for member in value if type(member) not in _FLAT], default=0)


_FLAT = frozenset({str, int, float, bool, bytes, type(None)})
_TAKEN = Memo[Shape, bool](1024)  # the shapes that passed the check: every expression of such a shape passes it


def _checked_condition(condition: Condition) -> Condition | None:
    """The condition to evaluate, with the meaning of its constants; None where that is the condition itself.

    (The condition remembers it, and an object that refers to itself is only freed by the garbage collector.)
    """
    ready = None
    if any(map(_is_foreign, _taken(condition))):
        ready = _with_meanings(condition)
        _check(ready)
    object.__setattr__(condition, "_ready", ready)
    return ready


def _checked_update(update: Update) -> tuple[str, ...]:
    """The attributes that the update may nest deeper."""
    if any(map(_is_foreign, _taken(update))):
        _check(_with_meanings(update))
    deepened = tuple(_deepened(update))
    object.__setattr__(update, "_ready", deepened)
    return deepened


def _deepened(update: Update) -> Iterator[str]:
    for action in update.actions:
        if action.clause == "SET" and len(action.path.parts) > 1 and _may_deepen(action):
            yield str(action.path.parts[0])


def _may_deepen(action: Action) -> bool:
    """Whether an action copies another part of the item, or sets a constant that is nested too deep for its path."""
    assert action.operand is not None
    elsewhere = any(path != action.path for path in paths(action.operand))
    constants = [_levels(thaw((node.kind, node.body))) for node in walk(action.operand) if isinstance(node, Value)]
    return elsewhere or max(constants, default=0) + len(action.path.parts) > MAX_DEPTH


def _taken(expression: Condition | Update) -> Iterable[Frozen]:
    """The constants of an expression; an error where DynamoDB does not take the expression."""
    constants: dict[Frozen, int] = {}
    try:
        text_shape = shape(expression, constants)
    except RecursionError:
        check(expression)  # it counts operators without recursion, and says so where there are too many
        raise ExpressionError("The expression is nested too deeply") from None
    if text_shape not in _TAKEN:
        _check(expression)
        _TAKEN.keep(text_shape, True)
    return constants


def _check(expression: Condition | Update) -> None:
    try:
        check(expression)
    except ExpressionError as error:
        raise refused(error, expression) from None


def _with_meanings(node: Any) -> Any:
    """The node with the meaning of its constants; the same node where none is of a foreign type."""
    if type(node) is Value:
        frozen = node.kind, node.body
        return Value(*meaning(thaw(frozen))) if _is_foreign(frozen) else node
    return rebuilt(node, _with_meanings)


def _is_foreign(frozen: Frozen) -> bool:
    kind, body = frozen
    if kind == "L":
        return any(map(_is_foreign, body))
    return any(_is_foreign(member) for _, member in body) if kind == "M" else kind == "PYTHON"
