"""The document paths in an expression."""

from __future__ import annotations

from flyexpr.expressions.nodes import Action, Condition, Operand, Path, Update, walk
from flyexpr.expressions.terms import Term, node_of

Node = Condition | Update | Action | Operand


def paths(expression: Node | Term) -> tuple[Path, ...]:
    """The document paths of an expression, each once, in the order of the text.

    >>> from flyexpr import assign, eq, F, gt, size
    >>> paths(eq("a.b", F.c) & gt(size("a.b"), 1))
    (F.a.b, F.c)
    >>> paths(assign("total", F.a + F.b))[0].parts
    ('total',)
    """
    node = node_of(expression) if isinstance(expression, Term) else expression
    if not isinstance(node, Node):
        raise TypeError(f"paths takes a condition, an update or a path, not {node!r}")
    return tuple(dict.fromkeys([each for each in walk(node) if type(each) is Path]))
