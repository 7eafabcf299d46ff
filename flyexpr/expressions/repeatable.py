"""Which updates may be done twice: after a crash nobody knows whether a request that was under way was carried out."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import FlyexprError
from flyexpr.expressions.memory import apply, matches
from flyexpr.expressions.nodes import Action, Call, Condition, Update, Value, parts_of
from flyexpr.expressions.paths import paths


def is_repeatable(update: Update) -> bool:
    """Whether doing an update again changes nothing more.

    >>> texts = ("SET a = 1 REMOVE b", "ADD wins 1", "SET a = b", "ADD tags <<'x'>>")
    >>> [is_repeatable(parse_update(text)) for text in texts]
    [True, False, False, True]
    """
    return all(map(_is_repeatable, update.actions))


def _is_repeatable(action: Action) -> bool:
    if any(isinstance(step, int) for step in action.path.parts):
        return False  # an element of a list is another one when one before it is gone
    match action.operand:
        case None:
            return True
        case Value(kind):
            return action.clause != "ADD" or kind != "N"
        case Call("if_not_exists", (path, Value())):
            return path == action.path
    return False


def marks(condition: Condition, update: Update) -> Sequence[Action]:
    """The actions by which an item shows that the update is done, and must not be done again; none if nothing shows it.

    >>> paid = assign("paid", "May") + incr("balance", 5)
    >>> [str(action.path) for action in marks(ne("paid", "May"), paid)], marks(exists("balance"), paid)
    (['paid'], ())
    >>> len(marks(exists("balance"), assign("paid", "May")))
    1

    All actions of an update that may be repeated; of others, those that make the condition false, whatever the item
    holds: while the condition guards the update, it cannot be done twice.
    """
    if is_repeatable(update):
        return update.actions
    fixed = {action.path: action for action in update.actions if _fixes(action)}
    for part in parts_of(condition):
        spoken = paths(part)
        if spoken and fixed.keys() >= {*spoken} and _is_false(part, Update(tuple(fixed[path] for path in spoken))):
            return tuple(fixed[path] for path in dict.fromkeys(spoken))
    return ()


def _fixes(action: Action) -> bool:
    """Whether the action says what a whole attribute holds afterwards."""
    return len(action.path.parts) == 1 and (
        action.clause == "REMOVE" or (action.clause == "SET" and isinstance(action.operand, Value))
    )


def _is_false(part: Condition, update: Update) -> bool:
    try:
        return not matches(part, apply(Update(tuple(dict.fromkeys(update.actions))), {}))
    except FlyexprError:
        return False
