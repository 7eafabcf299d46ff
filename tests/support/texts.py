"""An expression as an engine receives it: its text, and what its placeholders stand for."""

import json
from typing import Any

from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.expressions.nodes import Condition, Path, Update, Value
from flyexpr.expressions.parse import Scope
from flyexpr.values.decode import decode
from flyexpr.values.freeze import freeze

Expression = Condition | Update | tuple[Path, ...]


def members_of(member: str, expression: Expression) -> dict[str, Any]:
    """The members of a request for the expression, as a wire dict.

    >>> members_of("ProjectionExpression", (Path(("a",)),))
    {'ProjectionExpression': '#0', 'ExpressionAttributeNames': {'#0': 'a'}}
    """
    marks = Placeholders()
    text = compile(expression, marks)
    return {member: text, **json.loads(f"{{{','.join(marks.members())}}}")}


def sent(expression: Expression) -> tuple[str, Scope]:
    """The text, and a scope that holds every name and value of it, in order of appearance.

    >>> from flyexpr import eq
    >>> text, scope = sent(eq("a", 1))
    >>> text, scope.names, scope.values
    ('#0 = :0', {'#0': 'a'}, {':0': Value(kind='N', body=1)})
    """
    found = members_of("text", expression)
    values = {mark: Value(*freeze(decode(wire))) for mark, wire in found.get("ExpressionAttributeValues", {}).items()}
    return found["text"], Scope(found.get("ExpressionAttributeNames", {}), values)
