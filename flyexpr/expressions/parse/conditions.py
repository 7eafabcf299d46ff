"""Conditions: comparisons and functions, joined by AND, OR, NOT and parentheses."""

from __future__ import annotations

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import ALWAYS, NEVER, And, Between, Compare, Condition, In, Not, Or, Test, joined
from flyexpr.expressions.parse.operands import read_operand, read_operand_or_test
from flyexpr.expressions.parse.reader import Reader, Scope
from flyexpr.expressions.parse.tokens import Token, is_text

_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_CONSTANTS = {"TRUE": ALWAYS, "FALSE": NEVER}


def read_condition(text: str, scope: Scope) -> Condition:
    """The condition in a text.

    >>> read_condition("a < b", Scope({}, {})).operator
    '<'
    """
    return Reader(text, scope).whole(_condition)


class _Group:
    """What is read so far inside one pair of parentheses; the whole text is the outermost."""

    __slots__ = ("ands", "nots", "opened", "ors")

    def __init__(self, opened: int) -> None:
        self.opened, self.nots = opened, 0
        self.ors, self.ands = list[Condition](), list[Condition]()

    def add(self, part: Condition) -> None:
        for _ in range(self.nots):
            part = Not(part)
        self.nots = 0
        self.ands.append(part)

    def end_and(self) -> None:
        self.ors.append(joined(And, self.ands))
        self.ands = []


def _condition(reader: Reader) -> Condition:
    # A list of the open parentheses: a text may be nested as deep as it is long, Python's stack may not.
    groups = [_Group(-1)]
    closed = (-1, -1)
    while True:
        while reader.take("NOT"):
            groups[-1].nots += 1
        if _opens_group(reader):
            groups.append(_Group(reader.position))
            reader.position += 1
            continue
        part = _comparison(reader)
        reader.verify(part)
        while True:
            groups[-1].add(part)
            if reader.take("AND"):
                break
            groups[-1].end_and()
            if reader.take("OR"):
                break
            part = joined(Or, groups[-1].ors)
            if len(groups) == 1:
                return part
            reader.expect(")")
            span = (groups.pop().opened, reader.position - 1)
            if closed == (span[0] + 1, span[1] - 1) and reader.dialect.strict:
                raise ExpressionError("The expression has redundant parentheses;")
            closed = span


def _opens_group(reader: Reader) -> bool:
    """Whether a parenthesis follows that holds a condition, and not just an operand such as `(a) = :v`."""
    if not reader.follows("("):
        return False
    after = reader.tokens[reader.closing.get(reader.position, -2) + 1]
    return not _compares(after)


def _compares(token: Token) -> bool:
    return token.text in _COMPARISONS or is_text(token, "BETWEEN") or is_text(token, "IN")


def _comparison(reader: Reader) -> Condition:
    if reader.dialect.literals:
        constant = _CONSTANTS.get(reader.token.text.upper())
        if constant is not None and not _compares(reader.tokens[reader.position + 1]):
            reader.next("word")
            return constant
    left = read_operand_or_test(reader)
    if isinstance(left, Test):
        return left
    if reader.take("BETWEEN"):
        low = read_operand(reader)
        reader.expect("AND")
        return Between(left, low, read_operand(reader))
    if reader.take("IN"):
        return In(left, tuple(reader.in_parentheses(read_operand)))
    if reader.token.text not in _COMPARISONS:
        reader.refuse()
    operator = reader.next("mark")
    return Compare(operator, left, read_operand(reader))
