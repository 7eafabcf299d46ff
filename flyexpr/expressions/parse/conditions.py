"""Conditions: comparisons and functions, joined by AND, OR, NOT and parentheses."""

from __future__ import annotations

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import (
    ALWAYS,
    NEVER,
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Test,
    joined,
)
from flyexpr.expressions.parse.operands import read_operand, read_operand_or_test
from flyexpr.expressions.parse.reader import Reader, Scope
from flyexpr.expressions.parse.tokens import Token, is_text
from flyexpr.expressions.parse.type_tests import read_type_test

_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_CONSTANTS = {"TRUE": ALWAYS, "FALSE": NEVER}


def read_condition(text: str, scope: Scope) -> Condition:
    """The condition in a text.

    >>> read_condition("a < b", Scope({}, {})).operator
    '<'
    """
    return Reader(text, scope).whole(read_condition_part)


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


def read_condition_part(reader: Reader) -> Condition:
    """The condition that follows."""
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
    return token.text in _COMPARISONS or any(is_text(token, word) for word in ("BETWEEN", "IN", "IS"))


def _comparison(reader: Reader) -> Condition:
    if reader.dialect.literals:
        constant = _CONSTANTS.get(reader.token.text.upper())
        if constant is not None and not _compares(reader.tokens[reader.position + 1]):
            reader.next("word")
            return constant
    left = read_operand_or_test(reader)
    if reader.dialect.statements:
        return _comparison_of_statement(reader, left)
    return left if isinstance(left, Test) else _compared(reader, left)


def _compared(reader: Reader, left: Operand) -> Condition:
    if reader.take("BETWEEN"):
        low = read_operand(reader)
        reader.expect("AND")
        return Between(left, low, read_operand(reader))
    if reader.take("IN"):
        return In(left, tuple(_options(reader)))
    if reader.token.text not in _COMPARISONS:
        reader.refuse()
    return Compare(_operator(reader), left, read_operand(reader))


def _options(reader: Reader) -> list[Operand]:
    """What stands after IN."""
    if not reader.dialect.statements:
        return reader.enclosed("(", ")", read_operand)
    brackets = ("[", "]") if reader.follows("[") else ("(", ")")
    return [_as_operand(option) for option in reader.enclosed(*brackets, read_operand_or_test)]


def _operator(reader: Reader) -> str:
    operator = reader.next("mark")
    return "<>" if operator == "!=" else operator


# What only PartiQL has


def _comparison_of_statement(reader: Reader, left: Operand | Test) -> Condition:
    """A condition that begins with an operand, or with a function that is true or false, which can stand alone."""
    operand = _as_operand(left)
    if reader.token.text in _COMPARISONS:
        return Compare(_operator(reader), operand, _as_operand(read_operand_or_test(reader)))
    if (reader.follows("NOT", "BETWEEN") or reader.follows("NOT", "IN")) and reader.take("NOT"):
        return Not(_compared(reader, operand))
    if reader.follows("BETWEEN") or reader.follows("IN"):
        return _compared(reader, operand)
    if isinstance(left, Test):
        return left
    if reader.take("IS"):
        return read_type_test(reader, left)
    if reader.take("NOT"):
        reader.refuse()
    reader.note(_no_condition(reader, left))
    return NEVER


def _as_operand(part: Operand | Test) -> Operand:
    return Call(part.function, part.arguments) if isinstance(part, Test) else part


def _no_condition(reader: Reader, operand: Operand) -> str:
    """What is wrong with an operand that stands alone; of a size, which is a number, the operator is named."""
    for word in ("AND", "OR"):
        if isinstance(operand, Call) and reader.follows(word):
            return f"Incorrect operand type for operator or function; operator or function: {word}, operand type: N"
    return "WHERE clause must contain an expression that resolves to a boolean"
