"""A key condition as clauses, one for each key attribute; KeyConditionExpression and KeyConditions both become this."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.engines.sqlite.faults import invalid
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import (
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
    Value,
    parts_of,
)
from flyexpr.records import record
from flyexpr.values.types import Item

_INVALID = "Invalid KeyConditionExpression: "
_CONDITION = "Invalid condition in KeyConditionExpression: "
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@record
class Clause:
    """What is asked of one key attribute: `=` `<` `<=` `>` `>=` `BETWEEN` or `begins_with`, and the values."""

    name: str
    operator: str
    values: tuple[Value, ...]

    def holds(self, key: Item) -> bool:
        """Whether the clause is true for a key.

        >>> Clause("sk", "BETWEEN", (Value("N", 1), Value("N", 3))).holds({"sk": 2})
        True
        """
        path = Path((self.name,))
        if self.operator == "BETWEEN":
            return matches(Between(path, *self.values), key)
        if self.operator == "begins_with":
            return matches(Test("begins_with", (path, *self.values)), key)
        return matches(Compare(self.operator, path, *self.values), key)


def read_clauses(condition: Condition) -> tuple[Clause, ...]:
    """The clauses of a KeyConditionExpression.

    >>> read_clauses(Compare("<", Value("N", 3), Path(("sk",))))
    (Clause(name='sk', operator='>', values=(Value(kind='N', body=3),)),)
    """
    read = [_read_clause(part) for part in parts_of(condition)]
    if any(len(path.parts) > 1 for path, _, _ in read):
        raise invalid(_INVALID + "KeyConditionExpressions cannot have conditions on nested attributes")
    clauses = tuple(Clause(str(path.parts[0]), operator, values) for path, operator, values in read)
    if len({clause.name for clause in clauses}) < len(clauses):
        raise invalid(_INVALID + "KeyConditionExpressions must only contain one condition per key")
    return clauses


def find_clause(part: Condition) -> Clause | None:
    """The clause that a condition on one attribute is; None for any other condition.

    >>> find_clause(Compare("<", Value("N", 3), Path(("sk",))))
    Clause(name='sk', operator='>', values=(Value(kind='N', body=3),))
    """
    read = _parts_of_clause(part)
    if read is None or len(read[0].parts) > 1:
        return None
    path, operator, values = read
    return Clause(str(path.parts[0]), operator, values)


def _read_clause(part: Condition) -> tuple[Path, str, tuple[Value, ...]]:
    read = _parts_of_clause(part)
    if read is None:
        raise invalid(_why_no_clause(part))
    return read


def _parts_of_clause(part: Condition) -> tuple[Path, str, tuple[Value, ...]] | None:
    match part:
        case Compare(operator, Path() as path, Value() as value) if operator in MIRRORED:
            return path, operator, (value,)
        case Compare(operator, Value() as value, Path() as path) if operator in MIRRORED:
            return path, MIRRORED[operator], (value,)
        case Between(Path() as path, Value() as low, Value() as high):
            return path, "BETWEEN", (low, high)
        case Test("begins_with", (Path() as path, Value() as prefix)):
            return path, "begins_with", (prefix,)
    return None


def _why_no_clause(part: Condition) -> str:
    """The text for a condition that cannot be a key condition: its operator, then its operands."""
    match part:
        case Compare(operator, left, right) if operator in MIRRORED:
            return _why_no_operands([left, right])
        case Between(first, low, high):
            return _why_no_first("BETWEEN", first) or _why_no_operands([first, low, high])
        case Test("begins_with", (first, prefix)):
            return _why_no_first("begins_with", first) or _why_no_operands([first, prefix])
    return f"Invalid operator used in KeyConditionExpression: {_operator(part)}"


def _why_no_first(operator: str, first: Operand) -> str:
    if isinstance(first, Path | Call):
        return ""
    return _CONDITION + f"{operator} operator must have the key attribute as its first operand"


def _why_no_operands(operands: Sequence[Operand]) -> str:
    if any(isinstance(operand, Call) for operand in operands):
        return _INVALID + "KeyConditionExpressions cannot contain nested operations"
    if any(isinstance(operand, Path) for operand in operands):
        return _CONDITION + "Multiple attribute names used in one condition"
    return _CONDITION + "No key attribute specified"


def _operator(part: Condition) -> str:
    match part:
        case Compare(operator):
            return operator
        case Test(function):
            return function
    return _WORDS[type(part)]


_WORDS: dict[type, str] = {In: "IN", Or: "OR", Not: "NOT"}
