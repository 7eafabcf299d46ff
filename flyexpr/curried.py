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

from inspect import Parameter, signature
from typing import Any

import toolz

from flyexpr import sync as _sync
from flyexpr.explain import explain as _explain
from flyexpr.explain import request as _request
from flyexpr.expressions import conditions as _conditions
from flyexpr.expressions import diff as _diff
from flyexpr.expressions import memory as _memory
from flyexpr.expressions import updates as _updates
from flyexpr.records import replace
from flyexpr.requests.operations import Operation
from flyexpr.requests.refinements import refinement

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
    own = signature(function)
    taken = [each for each in own.parameters.values() if each.annotation != "NoReturn"]
    if len(taken) == len(own.parameters):
        return toolz.curry(function)

    def waiting(*arguments: Any, **keywords: Any) -> Any:
        return function(*arguments, **keywords)

    needed = [each.replace(default=Parameter.empty) if each.name == "change" else each for each in taken]
    waiting.__signature__ = own.replace(parameters=needed)  # type: ignore[attr-defined]
    waiting.__name__ = waiting.__qualname__ = function.__name__  # by which it pickles
    waiting.__doc__ = function.__doc__
    return toolz.curry(waiting)


apply = curry(_memory.apply)
assign = curry(_updates.assign)
begins_with = curry(_conditions.begins_with)
contains = curry(_conditions.contains)
count = curry(_sync.count)
delete = curry(_sync.delete)
diff = curry(_diff.diff)
eq = curry(_conditions.eq)
first = curry(_sync.first)
ge = curry(_conditions.ge)
get = curry(_sync.get)
gt = curry(_conditions.gt)
is_in = curry(_conditions.is_in)
le = curry(_conditions.le)
lt = curry(_conditions.lt)
matches = curry(_memory.matches)
modify = curry(_sync.modify)
ne = curry(_conditions.ne)
one = curry(_sync.one)
put = curry(_sync.put)
type_is = curry(_conditions.type_is)
update = curry(_sync.update)


def _of_two(function: Any) -> Any:
    """The function, curried, of a table and an operation; the function itself also takes a transaction alone."""

    def waiting(table: Any, operation: Any, **keywords: Any) -> Any:
        return function(table, operation, **keywords)

    waiting.__name__, waiting.__doc__ = function.__name__, function.__doc__
    return curry(waiting)


explain, request, run = map(_of_two, (_explain, _request, _sync.run))


def _refining(name: str) -> Any:
    """The function `(value, operation) -> operation` that sets a refinement."""

    def refine(value: Any, operation: Operation) -> Operation:
        return replace(operation, **{name: refinement(name, value)})

    refine.__name__ = name
    refine.__doc__ = f"The operation with `{name}=` set to the value."
    return curry(refine)


limit, page_size, start, index = map(_refining, ("limit", "page_size", "start", "index"))
project, reverse, consistent = map(_refining, ("project", "reverse", "consistent"))
condition, returns = map(_refining, ("condition", "returns"))
