"""Conditions on a change: what an item was, what it is now, and whether that differs.

They are conditions like all others, with one function more: `old(status)` is what an attribute was before the change.
A path without `old` is what it is now. An item that did not exist, or does not any more, has no attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import And, Call, Compare, Condition, Operand, Or, Path, Test, rebuilt, walk
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import Term, path_of

OPERANDS, TESTS = ("old",), ("changed", "appeared")  # the functions that only a condition on a change has
OF_CHANGES = frozenset({*OPERANDS, *TESTS})
_BEFORE, _AFTER = "old", "new"  # the two sides of a change, as one item


def old(path: Any) -> Term:
    """What an attribute was before the change, as an operand.

    >>> from flyexpr import gt, F
    >>> show(gt("score", old("score")) & (old(F.status) == "open"))
    "score > old(score) AND old(status) = 'open'"
    """
    return Term(Call("old", (path_of(path),)))


def was(condition: Condition) -> Condition:
    """True where the condition held for the item before the change.

    >>> from flyexpr import eq
    >>> was(eq("status", "open")) & now(eq("status", "done"))
    eq(old('status'), 'open') & eq('status', 'done')

    An item that did not exist is `{}`, of which `ne` and `not_exists` are true.
    """
    _one_side("was", condition)
    before: Condition = rebuilt(condition, _old_path)
    return before


def now(condition: Condition) -> Condition:
    """True where the condition holds for the item after the change; the same as the condition itself.

    >>> from flyexpr import eq
    >>> now(eq("status", "done"))
    eq('status', 'done')

    An item that was deleted is `{}`, of which `ne` and `not_exists` are true.
    """
    _one_side("now", condition)
    return condition


def changed(path: Any) -> Condition:
    """True where the attribute differs between before and after: it has another value, it is new, or it is gone.

    >>> show(changed("info.rating"))
    'changed(info.rating)'
    """
    return Test("changed", (path_of(path),))


def appeared(path: Any) -> Condition:
    """True where the attribute is there after the change, and was not before.

    >>> show(appeared("email"))
    'appeared(email)'

    Of a key attribute it is true when the item itself is new.
    """
    return Test("appeared", (path_of(path),))


def _one_side(name: str, condition: Condition) -> None:
    need(condition, Condition, f"{name} takes a condition such as eq('status', 'open')")
    for node in walk(condition):
        if isinstance(node, Call | Test) and node.function in OF_CHANGES:
            raise ExpressionError(
                f"{name}(...) asks about one side of a change, and {node.function}(...) already names a side",
                expression=show(condition),
                hint=f"join them: {name}(...) & {node.function}(...)",
            )


def _old_path(node: Any) -> Any:
    return Call("old", (node,)) if isinstance(node, Path) else rebuilt(node, _old_path)


def asks_before(condition: Condition) -> bool:
    """Whether the condition asks what an item was before the change.

    >>> from flyexpr import eq
    >>> asks_before(eq("a", 1)), asks_before(changed("a"))
    (False, True)
    """
    return any(isinstance(node, Call | Test) and node.function in OF_CHANGES for node in walk(condition))


def attribute_of(operand: Operand) -> Path | None:
    """The path of an operand that is an attribute, before the change or now; None for any other operand.

    >>> path = Path(("a",))
    >>> attribute_of(path), attribute_of(Call("old", (path,))), attribute_of(Call("size", (path,)))
    (F.a, F.a, None)
    """
    match operand:
        case Path():
            return operand
        case Call("old", (Path() as path,)):
            return path
    return None


def both_sides(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """The two sides as the one item that `of_both_sides` conditions ask about.

    >>> both_sides(None, {"id": "a"})
    {'old': {}, 'new': {'id': 'a'}}
    """
    return {_BEFORE: before or {}, _AFTER: after or {}}


@lru_cache(maxsize=256)
def of_both_sides(condition: Condition) -> Condition:
    """The condition as one that DynamoDB's rules know, about an item that holds both sides of a change.

    >>> of_both_sides(appeared("email"))
    not_exists('old.email') & exists('new.email')
    """
    sided: Condition = _sided(condition)
    return sided


def _sided(node: Any) -> Any:
    match node:
        case Path(parts):
            return Path((_AFTER, *parts))
        case Call("old", (Path(parts),)):
            return Path((_BEFORE, *parts))
        case Test("changed", (Path(parts),)):
            before, after = Path((_BEFORE, *parts)), Path((_AFTER, *parts))
            there = Or((Test("attribute_exists", (before,)), Test("attribute_exists", (after,))))
            return And((Compare("<>", before, after), there))
        case Test("appeared", (Path(parts),)):
            missing = Test("attribute_not_exists", (Path((_BEFORE, *parts)),))
            return And((missing, Test("attribute_exists", (Path((_AFTER, *parts)),))))
        case Call("old") | Test("changed" | "appeared"):
            raise ExpressionError(f"{node.function} takes one path", expression=show(node))
    return rebuilt(node, _sided)
