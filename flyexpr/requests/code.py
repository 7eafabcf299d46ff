"""Operations as the calls that make them, which is what `repr` shows: `query(eq('userid', 'abc'), limit=10)`."""

from __future__ import annotations

import re
from typing import Any

from flyexpr.expressions.code import path_code
from flyexpr.values.code import call_code, listed
from flyexpr.values.code import code as value_code


def code(operation: Any) -> str:
    """The call that makes the operation; what is at its default is left out, and what is long is cut.

    >>> print(code(query(eq("userid", "abc"), project=["wins", F["odd.name"]], reverse=True)))
    query(eq('userid', 'abc'), project=['wins', F['odd.name']], reverse=True)
    >>> print(code(batch_write(put_item({"id": number}) for number in range(9))))
    batch_write(<generator>)
    """
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", type(operation).__name__).lower()
    return call_code(operation, name, _BY_POSITION.get(name, ()), _field)


_BY_POSITION = {"scan": ("condition",), "search": ("condition",)}


def _field(field: str, value: Any) -> str | None:
    """The code of a field whose value is not what the call was given; None for the others."""
    if field == "project":
        return f"[{', '.join(map(path_code, value))}]"
    if field in ("keys", "vector"):
        return value_code(list(value))
    if field == "operations":
        if not isinstance(value, (tuple, list)):
            return f"<{type(value).__name__}>"
        return listed("[", map(_entry, value), "]", len(value))
    return None


def _entry(operation: Any) -> str:
    if not isinstance(operation, tuple):
        return repr(operation)
    return f"({', '.join(map(repr, operation))})"
