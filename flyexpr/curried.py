"""The functions with a fixed number of arguments, curried with toolz; and the refinements of operations as functions.

    >>> from toolz import pipe
    >>> from toolz.curried import pluck
    >>> from flyexpr import eq, query
    >>> from flyexpr.curried import limit, run
    >>> pipe(query(eq("userid", "abc")), limit(10), run(scores), pluck("title"), list)
    ['Comet Quest', 'Galaxy Invaders']

The argument that is piped comes last. A table comes first, so `run(scores)` waits for an operation and `get(scores)`
for a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

import toolz

from flyexpr import sync as _sync
from flyexpr.doors.plain_items import Items
from flyexpr.explanation import explain as _explain
from flyexpr.explanation import request as _request
from flyexpr.explanation.plan import Plan
from flyexpr.expressions import conditions as _conditions
from flyexpr.expressions import diff as _diff
from flyexpr.expressions import memory as _memory
from flyexpr.expressions import updates as _updates
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.requests.constructors import refined
from flyexpr.requests.operations import Function, Key, Operation, Paths, PutReturns, Read, UpdateReturns
from flyexpr.schema.derived import derived_keys as _derived_keys
from flyexpr.schema.table import Table
from flyexpr.steps.stats import Stats
from flyexpr.values.types import T

A = TypeVar("A", contravariant=True)
B = TypeVar("B", contravariant=True)
C = TypeVar("C", contravariant=True)
Asked = TypeVar("Asked", bound=Operation)
P = ParamSpec("P")
R = TypeVar("R", covariant=True)

__all__ = [
    "apply",
    "assign",
    "begins_with",
    "condition",
    "consistent",
    "contains",
    "count",
    "delete",
    "diff",
    "eq",
    "explain",
    "first",
    "ge",
    "get",
    "gt",
    "index",
    "is_in",
    "key_of",
    "le",
    "limit",
    "lt",
    "matches",
    "modify",
    "ne",
    "one",
    "page_size",
    "project",
    "put",
    "request",
    "returns",
    "reverse",
    "run",
    "start",
    "type_is",
    "update",
]


def curry(function: Any) -> Any:
    """The function, curried; without the parameters, of type NoReturn, that it has only to refuse what comes there.

    With those, any TypeError would be taken for the wish to wait for more arguments.
    """
    original = signature(function)
    taken = [each for each in original.parameters.values() if each.annotation != "NoReturn"]
    if len(taken) == len(original.parameters):
        return toolz.curry(function)

    def waiting(*arguments: Any, **keywords: Any) -> Any:
        return function(*arguments, **keywords)

    needed = [each.replace(default=Parameter.empty) if each.name == "change" else each for each in taken]
    waiting.__signature__ = original.replace(parameters=needed)  # type: ignore[attr-defined]
    waiting.__name__ = waiting.__qualname__ = function.__name__  # by which it pickles
    waiting.__doc__ = function.__doc__
    return toolz.curry(waiting)


class Two(Protocol[A, B, P, R]):
    """A function of two arguments, and options by name: with the first one it waits for the second."""

    @overload
    def __call__(self, first: A, /, **options: Any) -> Callable[[B], R]: ...
    @overload
    def __call__(self, first: A, second: B, /, *args: P.args, **options: P.kwargs) -> R: ...


class OfTable(Protocol[B]):
    """A function of a table and something else that gives an item of the table, or None."""

    @overload
    def __call__(self, table: Table[T], /, **options: Any) -> Callable[[B], T | None]: ...
    @overload
    def __call__(self, table: Table[T], second: B, /, **options: Any) -> T | None: ...


class One(Protocol):
    @overload
    def __call__(self, table: Table[T], /, *, stats: Stats | None = None) -> Callable[[Read], T]: ...
    @overload
    def __call__(self, table: Table[T], read: Read, /, *, stats: Stats | None = None) -> T: ...


class Run(Protocol):
    """`run`; without its operation it waits for any, and does not know what it will give."""

    @overload
    def __call__(self, table: Table[T], operation: Read, /) -> Items[T]: ...
    @overload
    def __call__(self, table: Table[Any], operation: Operation, /, **options: Any) -> Any: ...
    @overload
    def __call__(self, table: Table[Any], /, **options: Any) -> Callable[..., Any]: ...


class Changing(Protocol[C]):
    """A function of a table, a key and a change."""

    @overload
    def __call__(self, table: Table[Any], /, **options: Any) -> Callable[..., Any]: ...
    @overload
    def __call__(self, table: Table[Any], key: Key, /, **options: Any) -> Callable[[C], Any]: ...
    @overload
    def __call__(self, table: Table[Any], key: Key, change: C, /, **options: Any) -> Any: ...


class Refinement(Protocol[A]):
    """A function of a refinement's value and an operation: the operation with that value."""

    @overload
    def __call__(self, value: A, /) -> Callable[[Asked], Asked]: ...
    @overload
    def __call__(self, value: A, operation: Asked, /) -> Asked: ...


def _two(function: Callable[Concatenate[A, B, P], R]) -> Two[A, B, P, R]:
    curried: Two[A, B, P, R] = curry(function)
    return curried


apply = _two(_memory.apply)
assign = _two(_updates.assign)
begins_with = _two(_conditions.begins_with)
contains = _two(_conditions.contains)
count: Two[Table[Any], Read, ..., int] = curry(_sync.count)
delete: Two[Table[Any], Key, ..., Any] = curry(_sync.delete)
diff = _two(_diff.diff)
eq = _two(_conditions.eq)
first: OfTable[Read] = curry(_sync.first)
ge = _two(_conditions.ge)
get: OfTable[Key] = curry(_sync.get)
gt = _two(_conditions.gt)
is_in = _two(_conditions.is_in)
key_of = _two(_derived_keys.key_of)
le = _two(_conditions.le)
lt = _two(_conditions.lt)
matches = _two(_memory.matches)
modify: Changing[Function[Any]] = curry(_sync.modify)
ne = _two(_conditions.ne)
one: One = curry(_sync.one)
put: Two[Table[Any], Mapping[str, Any], ..., Any] = curry(_sync.put)
type_is = _two(_conditions.type_is)
update: Changing[Update] = curry(_sync.update)


def _of_two(function: Any) -> Any:
    """The function, curried, of a table and an operation; the function itself also takes a transaction alone."""

    def waiting(table: Any, operation: Any, **keywords: Any) -> Any:
        return function(table, operation, **keywords)

    waiting.__name__ = waiting.__qualname__ = function.__name__  # by which it pickles
    waiting.__doc__ = function.__doc__
    return curry(waiting)


explain: Two[Table[Any], Operation, [], Plan] = _of_two(_explain)
request: Two[Table[Any], Operation, [], tuple[str, dict[str, Any]]] = _of_two(_request)
run: Run = _of_two(_sync.run)


def _refining(name: str) -> Any:
    """The function `(value, operation) -> operation` that sets a refinement."""

    def refine(value: Any, operation: Operation) -> Operation:
        result: Operation = refined(operation, name, value)
        return result

    refine.__name__ = refine.__qualname__ = name  # by which it pickles
    refine.__doc__ = f"The operation with `{name}=` set to the value."
    return curry(refine)


condition: Refinement[Condition | None] = _refining("condition")
consistent: Refinement[bool] = _refining("consistent")
index: Refinement[str | None] = _refining("index")
limit: Refinement[int | None] = _refining("limit")
page_size: Refinement[int | None] = _refining("page_size")
project: Refinement[Paths | None] = _refining("project")
returns: Refinement[PutReturns | UpdateReturns | None] = _refining("returns")
reverse: Refinement[bool] = _refining("reverse")
start: Refinement[str | None] = _refining("start")
