"""What DynamoDB refuses in an expression before it looks at any item.

The same rules serve a client, which sends nothing that is sure to be refused, and an engine, which has to refuse it;
the messages are the service's own clauses.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import (
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
    brackets,
    find_overlap,
)
from flyexpr.values.kinds import KINDS, ORDERED
from flyexpr.values.numbers import number_text

MAX_OPERATORS, MAX_OPTIONS, MAX_LEVELS, MAX_INDEX = 300, 100, 32, 2**31 - 1


def check(expression: Condition | Update | Sequence[Path]) -> None:
    """None for an expression that DynamoDB takes; of a sequence of paths, a projection.

    >>> from flyexpr import eq, F, incr, lt
    >>> check(eq("a", 1) & lt("b", F.c))
    >>> check(lt("a", [1]))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Incorrect operand type for operator or function; ...: <, operand type: L

    ExpressionError for constants of a wrong type, reversed bounds, a path compared with itself, more than 300
    operators and functions, or 100 options, paths deeper than 32 levels, and paths that overlap.
    """
    if isinstance(expression, Condition):
        _condition(expression)
    elif isinstance(expression, Update):
        operators = 0
        for action in expression.actions:
            _action(action)
            operators += 0 if isinstance(action.operand, Value) else _functions(action.operand)
        _few(operators)
    else:
        for path in expression:
            _path(path)
        overlap = find_overlap(expression)
        if overlap:
            raise ExpressionError(overlap)


def _condition(root: Condition) -> None:
    operators, waiting = 0, [root]
    while waiting:  # a loop, so that depth is bounded by the count and not by Python's stack
        node = waiting.pop()
        operators += own_operators(node)
        if isinstance(node, Compare):
            _compare(node)
        elif isinstance(node, (And, Or)):
            waiting.extend(reversed(node.parts))
        elif isinstance(node, Test):
            _test(node)
        elif isinstance(node, Not):
            waiting.append(node.part)
        else:
            _comparison(node)
        _few(operators)


def own_operators(node: Condition) -> int:
    """How many operators and functions a condition is made of, without those of the conditions in it.

    >>> from flyexpr import F, size
    >>> own_operators(size(F.a) > 0)
    2
    """
    if isinstance(node, Compare):
        return 1 + (type(node.left) is Call) + (type(node.right) is Call)
    if isinstance(node, (And, Or)):
        return max(len(node.parts) - 1, 0)
    match node:
        case Test(_, arguments):
            return 1 + sum(map(_functions, arguments))
        case Between(operand, low, high):
            return 1 + sum(map(_functions, (operand, low, high)))
        case In(operand, options):
            return 1 + sum(map(_functions, (operand, *options)))
    return 1


def _functions(operand: Operand | None) -> int:
    """How many functions and arithmetic operators an operand is made of."""
    if isinstance(operand, Call):
        return 1 + sum(map(_functions, operand.arguments))
    if isinstance(operand, Arithmetic):
        return 1 + _functions(operand.left) + _functions(operand.right)
    return 0


def _few(operators: int) -> None:
    if operators > MAX_OPERATORS:
        raise ExpressionError(
            f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}",
            hint=f"an expression has at most {MAX_OPERATORS}; use is_in, or several requests",
        )


def _compare(node: Compare) -> None:
    operator, left, right = node.operator, node.left, node.right
    _operands(operator, left, right)
    if operator not in ("=", "<>"):
        _ordered(operator, left, right)


def _comparison(node: Condition) -> None:
    match node:
        case Between(operand, low, high):
            _operands("BETWEEN", operand, low, high)
            _ordered("BETWEEN", operand, low, high)
            _bounds(low, high)
        case In(operand, options):
            if len(options) > MAX_OPTIONS:
                raise ExpressionError(
                    f"The IN operator is provided with too many operands; number of operands: {len(options)}"
                )
            _operands("IN", operand, *options)


def _operands(operator: str, first: Operand, *others: Operand) -> None:
    for operand in (first, *others):
        _operand(operand)
    _distinct(operator, first, *others)


def _distinct(operator: str, first: Operand, *others: Operand) -> None:
    if isinstance(first, Path) and first in others:
        raise ExpressionError(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {brackets(first)}"
        )


def _ordered(operator: str, *operands: Operand) -> None:
    for operand in operands:
        if isinstance(operand, Value) and operand.kind not in ORDERED and operand.kind != "PYTHON":
            _wrong_type(operator, operand.kind)


def _bounds(low: Operand, high: Operand) -> None:
    if not isinstance(low, Value) or not isinstance(high, Value) or "PYTHON" in (low.kind, high.kind):
        return
    shown = f"lower bound operand: {_attribute_value(low)}, upper bound operand: {_attribute_value(high)}"
    if low.kind != high.kind:
        raise ExpressionError(
            f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}",
            hint=f"{_in_python(low)} and {_in_python(high)} are of two types",
        )
    if low.body > high.body:
        raise ExpressionError(
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}",
            hint=f"swap them: {_in_python(high)} comes before {_in_python(low)}",
        )


def _in_python(value: Value) -> str:
    return number_text(value.body) if value.kind == "N" else repr(value.body)


def _attribute_value(value: Value) -> str:
    body = number_text(value.body) if value.kind == "N" else value.body
    return f"AttributeValue: {{{value.kind}:{body}}}"


def _operand(node: Operand) -> None:
    if isinstance(node, Path):
        _path(node)
    elif isinstance(node, Call):
        if node.function != "size":
            _misplaced(node.function)
        _count(node.function, node.arguments, 1)
        _operand(node.arguments[0])
        _of_kinds(node.function, node.arguments[0], _SIZED)
    elif isinstance(node, Arithmetic):
        raise ExpressionError(f"A condition has no arithmetic, only an update has; operator: {node.operator}")


def _test(node: Test) -> None:
    function, arguments = node.function, node.arguments
    count, verify = _TESTS[function]
    _count(function, arguments, count)
    _operands(function, *arguments)
    verify(function, arguments)


def _needs_path(function: str, arguments: Sequence[Operand]) -> None:
    if not isinstance(arguments[0], Path):
        raise ExpressionError(f"Operator or function requires a document path; operator or function: {function}")


def _needs_text(function: str, arguments: Sequence[Operand]) -> None:
    for argument in arguments:
        _of_kinds(function, argument, ("S", "B"))


def _needs_type(function: str, arguments: Sequence[Operand]) -> None:
    kind = arguments[1]
    if not isinstance(kind, Value):
        _wrong_type(function, "{" + ",".join(_TYPE_NAMES) + "}")
    _of_kinds(function, kind, ("S",))
    if kind.body not in KINDS:
        raise ExpressionError(
            f"Invalid attribute type name found; type: {kind.body}, valid types: {{{','.join(_TYPE_NAMES)}}}"
        )


def _needs_nothing(function: str, arguments: Sequence[Operand]) -> None:
    pass


_SIZED = ("S", "B", "SS", "NS", "BS", "L", "M")
_TYPE_NAMES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_TESTS: dict[str, tuple[int, Callable[[str, Sequence[Operand]], None]]] = {
    "attribute_exists": (1, _needs_path),
    "attribute_not_exists": (1, _needs_path),
    "attribute_type": (2, _needs_type),
    "begins_with": (2, _needs_text),
    "contains": (2, _needs_nothing),
}


def _action(action: Action) -> None:
    _path(action.path)
    if action.clause == "SET" and action.operand is not None:
        _assigned(action.operand)
    elif isinstance(action.operand, Value):
        allowed = ("N", "SS", "NS", "BS") if action.clause == "ADD" else ("SS", "NS", "BS")
        if action.operand.kind not in (*allowed, "PYTHON"):
            # ADD and DELETE alone spell the type out.
            raise ExpressionError(
                f"Incorrect operand type for operator or function; operator: {action.clause}, "
                f"operand type: {_SPELLED.get(action.operand.kind, action.operand.kind)}, "
                f"typeSet: ALLOWED_FOR_{action.clause}_OPERAND"
            )


_SPELLED = {"S": "STRING", "N": "NUMBER", "B": "Binary", "L": "LIST", "M": "MAP"}


def _assigned(node: Operand, inside: str = "") -> None:
    """The right of an assignment; `inside` is the operator or function it stands in."""
    match node:
        case Path():
            _path(node)
        case Arithmetic(operator, left, right) if not inside:
            for side in (left, right):
                _assigned(side, operator)
                _of_kinds(operator, side, ("N",))
        case Arithmetic(operator):
            raise ExpressionError(f"An assignment takes one + or -, and none inside a function; operator: {operator}")
        case Call("if_not_exists", arguments):
            _count("if_not_exists", arguments, 2)
            _needs_path("if_not_exists", arguments)
            _distinct("if_not_exists", arguments[0], *arguments[1:])
            for argument in arguments:
                _assigned(argument, "if_not_exists")
        case Call("list_append", arguments) if not inside:
            _count("list_append", arguments, 2)
            for argument in arguments:
                _assigned(argument, "list_append")
                _of_kinds("list_append", argument, ("L",))
        case Call(function):
            _misplaced(function)


def _of_kinds(operator: str, operand: Operand, kinds: tuple[str, ...]) -> None:
    match operand:
        case Value("PYTHON"):
            pass
        case Value(kind) if kind not in kinds:
            _wrong_type(operator, kind)
        case Call("size") if "N" not in kinds:
            _wrong_type(operator, "N")


def _path(path: Path) -> None:
    if len(path.parts) == 1:
        return
    if len(path.parts) > MAX_LEVELS:
        raise ExpressionError(f"The document path has too many nesting levels; nesting levels: {len(path.parts)}")
    for part in path.parts:
        if isinstance(part, int) and part > MAX_INDEX:
            raise ExpressionError(f"List index is not within the allowable range; index: [{part}]")


def _count(function: str, arguments: Sequence[Any], wanted: int) -> None:
    if len(arguments) != wanted:
        raise ExpressionError(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(arguments)}"
        )


def _misplaced(function: str) -> NoReturn:
    raise ExpressionError(f"The function is not allowed to be used this way in an expression; function: {function}")


def _wrong_type(operator: str, kind: str) -> NoReturn:
    raise ExpressionError(
        f"Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
    )
