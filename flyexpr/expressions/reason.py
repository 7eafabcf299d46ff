"""Why a condition was false: which part, and the value that the item has there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Action, And, Arithmetic, Call, Condition, Operand, Or, Path, Update, Value
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import operand
from flyexpr.values.types import MISSING, find

_LONGEST = 80  # characters of a value


def reason(condition: Condition, item: Mapping[str, Any] | None) -> str:
    """The part of the condition that is false of the item, and what the item holds there.

    >>> reason(eq("userid", "abc") & ge("top_score", 200), {"userid": "abc", "top_score": 150})
    'top_score >= 200 was false: top_score is 150'
    >>> reason(ge("top_score", 200), None)
    'there is no such item, so top_score >= 200 was false'
    >>> reason(not_exists("userid"), {"userid": "abc"})
    "attribute_not_exists(userid) was false: userid is 'abc'"

    Of parts joined by AND, it names the first that is false; of parts joined by OR, all of them.
    """
    false = _first_false(condition, item or {})
    if item is None and matches(condition, {}):
        return f"{show(condition)} was false; the engine does not return the item"
    if item is None:
        return f"there is no such item, so {show(false)} was false"
    parts = false.parts if isinstance(false, Or) else (false,)
    return "; ".join(f"{show(part)} was false{_actual(part, item)}" for part in parts)


def operands_hint(update: Update) -> str:
    """What kind of stored value each action needs that works on one.

    >>> operands_hint(incr("wins") + append("log", "x") + assign("seen", True))
    'list_append needs a list at `log`; ADD needs a number at `wins`'
    >>> operands_hint(assign("total", F.price - F.discount))
    '- needs a number at `price` and `discount`'
    """
    return "; ".join(filter(None, map(_needs, update.actions)))


def parents_hint(update: Update) -> str:
    """What each path needs that lies inside an attribute: its map or list.

    >>> parents_hint(assign("info.x", 1) + incr("info.n") + remove("log[0]") + incr("wins"))
    '`info` is missing or is not a map, or `log` is missing or is not a list'
    """
    inside = [action.path for action in update.actions if len(action.path.parts) > 1]
    return ", or ".join(dict.fromkeys(map(_needs_parent, inside)))


def _needs_parent(path: Path) -> str:
    *parent, last = path.parts
    return f"`{show(Path(tuple(parent)))}` is missing or is not a {'map' if isinstance(last, str) else 'list'}"


def _needs(action: Action) -> str:
    match action.operand:
        case Value(kind) if action.clause in ("ADD", "DELETE"):
            needed = "a number" if kind == "N" else "a set of the same type"
            return f"{action.clause} needs {needed} at `{show(action.path)}`"
        case Arithmetic(operator):
            return f"{operator} needs a number at {_all_paths(action.operand)}"
        case Call("list_append"):
            return f"list_append needs a list at {_all_paths(action.operand)}"
    return ""


def _all_paths(value: Operand) -> str:
    return " and ".join(f"`{show(path)}`" for path in paths(value))


def _first_false(condition: Condition, item: Mapping[str, Any]) -> Condition:
    if isinstance(condition, And):
        for part in condition.parts:
            if not matches(part, item):
                return _first_false(part, item)
    return condition


def _actual(part: Condition, item: Mapping[str, Any]) -> str:
    values = ", ".join(f"{show(path)} is {_shown_value(path, item)}" for path in paths(part))
    return f": {values}" if values else ""


def _shown_value(path: Path, item: Mapping[str, Any]) -> str:
    value = find(path.parts, item)
    if value is MISSING:
        return "missing"
    text = show(operand(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
