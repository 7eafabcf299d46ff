"""Which document paths an expression speaks of."""

from __future__ import annotations

from collections.abc import Iterator

from flyexpr.nodes import (
    Action,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.terms import Term, node_of

Node = Condition | Update | Action | Operand


def paths(expression: Node | Term) -> tuple[Path, ...]:
    """The document paths of an expression, each once, in the order they are met.

    >>> from flyexpr import assign, eq, F, gt, size
    >>> paths(eq("a.b", F.c) & gt(size("a.b"), 1))
    (Path(parts=('a', 'b')), Path(parts=('c',)))
    >>> paths(assign("total", F.a + F.b))[0].parts
    ('total',)
    """
    return tuple(dict.fromkeys(_walk(node_of(expression) if isinstance(expression, Term) else expression)))


def _walk(node: Node) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    for below in _below(node):
        yield from _walk(below)


def _below(node: Node) -> tuple[Node, ...]:
    match node:
        case Path() | Value():
            return ()
        case Call(_, arguments) | Test(_, arguments):
            return arguments
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return left, right
        case Between(operand, low, high):
            return operand, low, high
        case In(operand, options):
            return operand, *options
        case And(parts) | Or(parts):
            return parts
        case Not(part):
            return (part,)
        case Action(_, path, operand):
            return (path,) if operand is None else (path, operand)
        case Update(actions):
            return actions
    raise TypeError(f"paths takes a condition, an update or a path, not {node!r}")
