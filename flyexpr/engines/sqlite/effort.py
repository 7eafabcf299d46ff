"""How much work a condition is: the comparisons and functions in it, however deep."""

from __future__ import annotations

from flyexpr.nodes import And, Condition, In, Not, Or


def effort(condition: Condition | None) -> int:
    """The comparisons that a condition may take on one item.

    >>> from flyexpr import eq, is_in
    >>> effort(~(eq("a", 1) & (eq("b", 2) | is_in("c", [1, 2, 3]))))
    5

    A filter of the older kind may have conditions without end; one of an expression has up to 4 KB of them.
    """
    match condition:
        case None:
            return 0
        case And(parts) | Or(parts):
            return sum(map(effort, parts))
        case Not(part):
            return effort(part)
        case In(_, options):
            return len(options)
    return 1
