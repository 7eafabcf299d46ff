"""`F`, the operator sugar: terms that wrap an operand and build conditions with `==`, `<`, … and updates with `+`, `-`.

Only terms overload comparisons, and a node never holds a term. This file also decides, for all constructors, what is
accepted where a path or a value is expected.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NoReturn, cast

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Arithmetic, Call, Compare, Operand, Path, Step, Value
from flyexpr.records import later
from flyexpr.values.freeze import freeze_constant
from flyexpr.values.numbers import WHOLE
from flyexpr.values.refusals import path_text

_NO_PARTS = "only a path has parts; `size(...)` and `if_not_exists(...)` have none"


class Term:
    """An operand with Python's operators.

    >>> from flyexpr import show
    >>> show(F.info.rating >= 8), show(F["odd.name"] != F.other[0])
    ('info.rating >= 8', '"odd.name" <> other[0]')
    """

    __slots__ = ("__operand",)
    __instead_of_value__ = "an item holds values; update(table, key, assign(path, ...)) can use what is stored"

    def __init__(self, operand: Operand) -> None:
        self.__operand = operand

    def __getattr__(self, name: str) -> Term:
        _refuse_protocol(name)
        if not isinstance(self.__operand, Path):
            raise AttributeError(_NO_PARTS)  # not a TypeError, which `hasattr` lets through
        return self[name]

    def __getitem__(self, step: Step) -> Term:
        path = self.__operand
        if not isinstance(path, Path):
            raise TypeError(_NO_PARTS)
        return Term(Path((*path.parts, _step(step))))

    def __eq__(self, other: object) -> Compare:  # type: ignore[override]
        return Compare("=", self.__operand, operand(other))

    def __ne__(self, other: object) -> Compare:  # type: ignore[override]
        return Compare("<>", self.__operand, operand(other))

    def __lt__(self, other: Any) -> Compare:
        return Compare("<", self.__operand, operand(other))

    def __le__(self, other: Any) -> Compare:
        return Compare("<=", self.__operand, operand(other))

    def __gt__(self, other: Any) -> Compare:
        return Compare(">", self.__operand, operand(other))

    def __ge__(self, other: Any) -> Compare:
        return Compare(">=", self.__operand, operand(other))

    def __add__(self, other: Any) -> Term:
        return Term(Arithmetic("+", self.__operand, operand(other)))

    def __radd__(self, other: Any) -> Term:
        return Term(Arithmetic("+", operand(other), self.__operand))

    def __sub__(self, other: Any) -> Term:
        return Term(Arithmetic("-", self.__operand, operand(other)))

    def __rsub__(self, other: Any) -> Term:
        return Term(Arithmetic("-", operand(other), self.__operand))

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: Any) -> NoReturn:
        raise TypeError("write `(F.a == 1) & (F.b == 2)`, with parentheses, and `exists(F.a)` for a path alone")

    __rand__ = __or__ = __ror__ = __and__

    def __call__(self, *arguments: Any) -> NoReturn:
        raise TypeError("a path has no methods; write `contains(F.a, value)`, `begins_with(F.a, prefix)`, `size(F.a)`")

    __repr__ = later("flyexpr.expressions.code", "code")
    __str__ = later("flyexpr.expressions.code", "text")

    def __dir__(self) -> list[str]:
        return dir(object)

    def __reduce__(self) -> tuple[Any, ...]:
        return Term, (self.__operand,)

    def __invert__(self) -> NoReturn:
        raise TypeError("a path is not a condition; write `~exists(F.a)` or `F.a == False`")

    def __bool__(self) -> NoReturn:
        raise TypeError("a path has no truth value; write `exists(F.a)` or `F.a == True`, and `&`, not `and`")

    def __contains__(self, member: object) -> NoReturn:
        raise TypeError("write `contains(F.a, value)`, not `value in F.a`")

    def __iter__(self) -> NoReturn:
        raise TypeError("a path cannot be iterated over; its values are in the items that `run` gives")

    def __len__(self) -> NoReturn:
        raise TypeError("write `size(F.a)`, not `len(F.a)`")


class Fields:
    """The root of paths: `F.title`, `F.info.actors[0]`, `F["odd.name"]`.

    >>> F.info.actors[0], show(F["odd.name"] > F.record)
    (F.info.actors[0], '"odd.name" > record')

    `F[...]` names one attribute exactly: with dots and brackets, and with Python's own names such as `__x__`.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Term:
        _refuse_protocol(name)
        return _attribute(name)

    def __getitem__(self, name: Any) -> Term:
        if not isinstance(name, str) or not name:
            raise TypeError(f"a path starts with an attribute's name, a str, not {name!r}")
        return Term(Path((name,)))

    def __repr__(self) -> str:
        return "F"

    def __reduce__(self) -> str:
        return "F"

    def __bool__(self) -> NoReturn:
        raise TypeError("F has no truth value; write a condition, such as `F.a == 1`")

    def __contains__(self, name: object) -> NoReturn:
        raise TypeError("write `exists(F.a)`, not `'a' in F`")

    def __iter__(self) -> NoReturn:
        raise TypeError("F cannot be iterated over; attributes are named one by one, as `F.a`")


def _refuse_protocol(name: str) -> None:
    """An AttributeError for the methods that copy, pickle and notebooks look for: `__deepcopy__`, `_repr_html_`."""
    if name.startswith("_") and ((name.startswith("__") and name.endswith("__")) or name.startswith(_NOTEBOOKS)):
        raise AttributeError(f"{name} is a name of Python's own; for an attribute of that name write F[{name!r}]")


_NOTEBOOKS = ("_repr_", "_ipython_")


@lru_cache(maxsize=4096)
def _attribute(name: str) -> Term:
    return Term(Path((name,)))


F = Fields()


def node_of(term: Term) -> Operand:
    """The node that a term wraps.

    >>> node_of(F.a)
    F.a
    """
    # By its mangled name: any other attribute of a term, even `operand`, is a part of a path.
    return cast(Operand, term._Term__operand)


def operand(value: Any, path: Path | None = None) -> Operand:
    """The operand that a value stands for: a term or node itself, anything else a constant.

    >>> operand(F.a), operand("a")
    (F.a, Value(kind='S', body='a'))

    An error names its place in the value, after the path, if that is to hold the value.
    """
    value_type = type(value)
    if value_type is str and value.isascii():  # quick, for the commonest constants
        return Value("S", value)
    if value_type is int and -WHOLE < value < WHOLE:
        return Value("N", value)
    if value_type is Term:
        return node_of(value)
    if isinstance(value, (Path, Value, Call, Arithmetic)):
        return value
    return Value(*freeze_constant(value, path_text(path.parts) if path else ""))


def subject(value: Any) -> Operand:
    """The operand on the left of an operator: a str is a document path.

    >>> subject("info.actors[0]")
    F.info.actors[0]
    """
    return parse_path(value) if isinstance(value, str) else operand(value)


def path_of(value: Any) -> Path:
    """The path that a str, a term or a path stands for.

    >>> path_of("a.b[1]") == path_of(F.a.b[1])
    True
    """
    if isinstance(value, str):
        return parse_path(value)
    path = node_of(value) if type(value) is Term else value
    if not isinstance(path, Path):
        raise TypeError(f"a document path is a str such as 'info.actors[0]' or F.info.actors[0], not {value!r}")
    return path


_FIRST = re.compile(r"([^.\[\]]+)")
_NEXT = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """The path written in DynamoDB's own syntax: names joined by dots, list indexes in brackets.

    >>> parse_path("info.actors[0]").parts
    ('info', 'actors', 0)
    >>> parse_path("a..b")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: 'a..b' is not a document path: something is wrong at character 2
      hint: write names and indexes as 'info.actors[0]', or F["a..b"] for one attribute of that very name

    Every name is sent as a placeholder, so you never need to escape reserved words or odd characters.
    """
    steps: list[Step] = []
    position, step = 0, _FIRST.match(text)
    while step:
        steps.append(int(step[2][:30]) if step[1] is None else step[1])
        position = step.end()
        if position == len(text):
            return Path(tuple(steps))
        step = _NEXT.match(text, position)
    raise ExpressionError(
        f"{text!r} is not a document path: something is wrong at character {position + 1}",
        hint=f"write names and indexes as 'info.actors[0]', or F[{_double(text)}] for one attribute of that very name",
    )


def _double(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _step(step: Step) -> Step:
    if (isinstance(step, str) and step) or (isinstance(step, int) and not isinstance(step, bool) and step >= 0):
        return step
    raise TypeError(f"a part of a path is a name or a list index from 0, not {step!r}")
