"""The functions of fixed arity, curried with toolz, what is piped last; and refinements of operations as functions.

    >>> from toolz import pipe
    >>> from toolz.curried import pluck
    >>> from flyexpr import eq, query
    >>> from flyexpr.curried import limit, run
    >>> pipe(query(eq("userid", "abc")), limit(10), run(scores), pluck("title"), list)
    ['Comet Quest', 'Galaxy Invaders']

What takes a table takes it first, so `run(scores)` waits for an operation and `get(scores)` for a key.
"""

from __future__ import annotations

from typing import Any

from toolz import curry

from flyexpr.explain import explain as _explain
from flyexpr.explain import request as _request
from flyexpr.expressions.conditions import begins_with as _begins_with
from flyexpr.expressions.conditions import contains as _contains
from flyexpr.expressions.conditions import eq as _eq
from flyexpr.expressions.conditions import ge as _ge
from flyexpr.expressions.conditions import gt as _gt
from flyexpr.expressions.conditions import is_in as _is_in
from flyexpr.expressions.conditions import le as _le
from flyexpr.expressions.conditions import lt as _lt
from flyexpr.expressions.conditions import ne as _ne
from flyexpr.expressions.conditions import type_is as _type_is
from flyexpr.expressions.diff import diff as _diff
from flyexpr.expressions.memory import apply as _apply
from flyexpr.expressions.memory import matches as _matches
from flyexpr.expressions.updates import assign as _assign
from flyexpr.records import replace
from flyexpr.requests.operations import Operation
from flyexpr.requests.refinements import refinement
from flyexpr.sync import (
    count as _count,
)
from flyexpr.sync import (
    delete as _delete,
)
from flyexpr.sync import (
    first as _first,
)
from flyexpr.sync import (
    get as _get,
)
from flyexpr.sync import modify as _modify
from flyexpr.sync import (
    one as _one,
)
from flyexpr.sync import (
    put as _put,
)
from flyexpr.sync import (
    run as _run,
)
from flyexpr.sync import (
    update as _update,
)

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

apply = curry(_apply)
assign = curry(_assign)
begins_with = curry(_begins_with)
contains = curry(_contains)
count = curry(_count)
delete = curry(_delete)
diff = curry(_diff)
eq = curry(_eq)
first = curry(_first)
ge = curry(_ge)
get = curry(_get)
gt = curry(_gt)
is_in = curry(_is_in)
le = curry(_le)
lt = curry(_lt)
matches = curry(_matches)
modify = curry(_modify)
ne = curry(_ne)
one = curry(_one)
put = curry(_put)
type_is = curry(_type_is)
update = curry(_update)


def _two(does: Any) -> Any:
    """A curried function of a table and an operation; `does` alone also takes a transaction by itself."""

    def waiting(table: Any, operation: Any) -> Any:
        return does(table, operation)

    waiting.__name__, waiting.__doc__ = does.__name__, does.__doc__
    return curry(waiting)


explain, request, run = map(_two, (_explain, _request, _run))


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
