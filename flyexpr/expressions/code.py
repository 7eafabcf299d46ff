"""Expressions as the Python code that makes them, which is what `repr` shows: `eq('a', 1) & gt('b', 2)`.

The code gives an equal expression when it is evaluated, unless a constant is too long to be shown. What the functions
of flyexpr cannot make, such as `'a' = b` with the constant on the left, is shown as a call of `parse_condition` or
`parse_update`.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.conditions import OPTIONS
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
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import Term, node_of, parse_path
from flyexpr.values.code import code as value_code
from flyexpr.values.code import listed
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.numbers import negated
from flyexpr.values.types import Frozen

_COMPARISONS = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_TESTS = {"attribute_exists": "exists", "attribute_not_exists": "not_exists", "attribute_type": "type_is"}


_RESERVED = ("__", "_Term__", "_repr_", "_ipython_")  # names that F leaves to Python and notebooks


class _Unmade(Exception):
    """No function makes this expression."""


def code(expression: Any) -> str:
    """The Python code that makes a condition, an update, a path or a term.

    >>> print(code(eq("userid", "abc") & (gt("top_score", F.record) | ~exists(F["odd.name"]))))
    eq('userid', 'abc') & (gt('top_score', F.record) | ~exists(F['odd.name']))
    >>> print(code(incr("wins") + remove("a", "b") + assign("c.d", size("e") + 1)))
    assign('c.d', size('e') + 1) + remove('a', 'b') + incr('wins')
    >>> print(code(parse_condition("'abc' = userid")))
    parse_condition("'abc' = userid")
    """
    node = node_of(expression) if isinstance(expression, Term) else expression
    try:
        if isinstance(node, Condition):
            return _condition(node)
        return _update(node) if isinstance(node, Update) else _operand(node)
    except RecursionError:
        return f"<{type(node).__name__}, nested too deeply>"
    except _Unmade:
        return f"{type(node).__name__}({', '.join(repr(getattr(node, field)) for field in node.__match_args__)})"


def text(expression: Any) -> str:
    """What `str` gives: the text of `show`, with `…` for what is nested too deeply.

    >>> text(eq("userid", "abc") & gt("top_score", F.record))
    "userid = 'abc' AND top_score > record"
    """
    try:
        return show(expression)
    except RecursionError:
        return "…"


def path_code(path: Path) -> str:
    """A path as an argument: a str where that reads back as the same path, else by `F`.

    >>> path_code(Path(("info", "actors", 0))), path_code(Path(("odd.name",)))
    ("'info.actors[0]'", "F['odd.name']")
    """
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path.parts)[1:]
    try:
        return repr(written) if parse_path(written) == path else _fields(path)
    except ExpressionError:
        return _fields(path)


def _fields(path: Path) -> str:
    return "F" + "".join(map(_step, path.parts))


def _step(part: str | int) -> str:
    named = isinstance(part, str) and part.isascii() and part.isidentifier() and not keyword.iskeyword(part)
    return f".{part}" if named and not str(part).startswith(_RESERVED) else f"[{part!r}]"


def _condition(node: Condition) -> str:
    match node:
        case And(parts):
            return " & ".join(_inside(part, Or) for part in parts) or "all_of()"
        case Or(parts):
            return " | ".join(map(_condition, parts)) or "any_of()"
        case Not(part):
            return "~" + _inside(part, And | Or)
    try:
        return _test(node)
    except _Unmade:
        return f"parse_condition({show(node)!r})"


def _inside(part: Condition, loose: Any) -> str:
    return f"({_condition(part)})" if isinstance(part, loose) and part.parts else _condition(part)


def _test(node: Condition) -> str:
    match node:
        case Compare(operator, left, right):
            return f"{_COMPARISONS[operator]}({_subject(left)}, {_operand(right)})"
        case Between(operand, low, high):
            return f"between({_subject(operand)}, {_operand(low)}, {_operand(high)})"
        case In(operand, options) if 0 < len(options) <= OPTIONS:
            return f"is_in({_subject(operand)}, {listed('[', map(_operand, options), ']', len(options))})"
        case Test("attribute_exists" | "attribute_not_exists" | "changed" | "appeared", (Path() as path,)):
            return f"{_TESTS.get(node.function, node.function)}({path_code(path)})"
        case Test("attribute_exists" | "attribute_not_exists", (Call("old", (Path() as path,)),)):
            return f"was({_TESTS[node.function]}({path_code(path)}))"
        case Test("begins_with" | "contains" | "attribute_type", (left, right)):
            if node.function != "attribute_type" or (isinstance(right, Value) and right.kind == "S"):
                return f"{_TESTS.get(node.function, node.function)}({_subject(left)}, {_operand(right)})"
    raise _Unmade


def _subject(node: Any) -> str:
    """An operand on the left, where a str would be a path."""
    if isinstance(node, Value) and node.kind == "S":
        raise _Unmade
    return path_code(node) if isinstance(node, Path) else _operand(node)


def _operand(node: Any) -> str:
    match node:
        case Path():
            return _fields(node)
        case Value(kind, body):
            return value_code(_plain((kind, body)))
        case Call("size", (argument,)):
            return f"size({_subject(argument)})"
        case Call("old", (Path() as path,)):
            return f"old({path_code(path)})"
        case Call("if_not_exists", (Path() as path, value)):
            return f"if_not_exists({path_code(path)}, {_operand(value)})"
        case Arithmetic(operator, left, right) if not (isinstance(left, Value) and isinstance(right, Value)):
            second = f"({_operand(right)})" if isinstance(right, Arithmetic) else _operand(right)
            return f"{_operand(left)} {operator} {second}"
    raise _Unmade


def _plain(frozen: Frozen) -> Any:
    """The value that was frozen; a fraction as the float that somebody will have written, where it means the same."""
    kind, body = frozen
    match kind:
        case "N":
            return _number(body)
        case "L":
            return [_plain(member) for member in body]
        case "M":
            return {name: _plain(member) for name, member in getattr(body, "given", None) or body}
        case "NS":
            return set(map(_number, body))
    return thaw(frozen)


def _number(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    try:
        return float(value) if freeze(float(value)) == ("N", value) else value
    except ValidationError:
        return value


def _update(node: Update) -> str:
    texts: list[str] = []
    for removes, actions in groupby(node.actions, lambda action: action.clause == "REMOVE"):
        if removes:
            texts.append(f"remove({', '.join(path_code(action.path) for action in actions)})")
        else:
            texts += map(_action, actions)
    return " + ".join(texts) or "remove()"


def _action(action: Action) -> str:
    path = path_code(action.path)
    try:
        match action:
            case Action("SET"):
                return _short(path, action) or _call("assign", path, [action.operand], parents=action.parents)
            case Action("ADD", _, Value("N", number)) if number < 0:
                return _amount("decr", path, Value("N", negated(number)))
            case Action("ADD", _, Value("N") as number):
                return _amount("incr", path, number)
            case Action("ADD" | "DELETE", _, Value("SS" | "NS" | "BS" | "PYTHON") as members):
                return _members("add" if action.clause == "ADD" else "discard", path, members)
        raise _Unmade
    except _Unmade:
        return f"parse_update({show(Update((action,)))!r})"


def _short(path: str, action: Action) -> str | None:
    """The code of what `incr`, `decr`, `append` and `prepend` make of `if_not_exists`; None for all else."""
    zero, nothing = Call("if_not_exists", (action.path, Value("N", 0))), Call("if_not_exists", (action.path, _EMPTY))
    match action.operand:
        case Arithmetic(operator, start, amount) if start == zero and not isinstance(amount, Value):
            return _call("incr" if operator == "+" else "decr", path, [amount])
        case Call("list_append", (start, values)) if start == nothing:
            return _call("append", path, _elements(values))
        case Call("list_append", (values, start)) if start == nothing:
            return _call("prepend", path, _elements(values))
    return None


_EMPTY = Value("L", ())


def _elements(values: Any) -> list[Any]:
    match values:
        case Value("L", body) if body:
            return [Value(*member) for member in body]
        case Path() | Call() | Arithmetic():
            return [values]
    raise _Unmade


def _amount(name: str, path: str, amount: Value) -> str:
    return _call(name, path, [] if amount.body == 1 else [amount])


def _members(name: str, path: str, members: Value) -> str:
    if members.kind == "PYTHON":  # dates and the like: a tuple of one set is what they were given as, or equal to it
        return f"{name}({path}, {value_code(set(members.body))})"
    inside = value_code(_plain((members.kind, members.body)))
    return f"{name}({path}, {inside[1:-1]})"


def _call(name: str, path: str, operands: Iterable[Any], *, parents: bool = False) -> str:
    return f"{name}({', '.join(_arguments(path, operands, parents))})"


def _arguments(path: str, operands: Iterable[Any], parents: bool) -> Iterator[str]:
    yield path
    yield from map(_operand, operands)
    if parents:
        yield "parents=True"
