"""A condition as the filter of a Lambda event source, so that the function is called for fewer records.

A filter is a list of patterns, of which one has to match. Here a pattern maps leaves of the record, such as
`("dynamodb", "NewImage", "status", "S")`, to the rules of which one has to hold. Where Lambda has no rule for a part of
the condition, the pattern is wider than the condition; it never leaves out a change for which the condition holds.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from flyexpr.changes.change import check_condition
from flyexpr.errors import ExpressionError
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import And, Call, Compare, Condition, In, Not, Operand, Or, Path, Test, Value
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.expressions.sides import attribute_of
from flyexpr.expressions.simplify import simplify
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_operands import codec_at
from flyexpr.schema.table import Table
from flyexpr.values.numbers import number_text

MOST_PATTERNS = 5  # that Lambda takes for one event source, without a raised quota
Leaf = tuple[str, ...]
Pattern = dict[Leaf, list[Any]]
_EVENT: Leaf = ("eventName",)
_EVENTS = ("INSERT", "MODIFY", "REMOVE")
_THERE, _MISSING = {"exists": True}, {"exists": False}
_OPPOSITE = {"attribute_exists": "attribute_not_exists", "attribute_not_exists": "attribute_exists"}


class EventFilter(dict[str, Any]):
    """Lambda's `FilterCriteria`, a dict; `wider` names the parts of the condition that the filter leaves unchecked.

    >>> from flyexpr.events import event_filter
    >>> found = event_filter(eq("userid", "abc") & gt("wins", 3), scores)
    >>> found["Filters"][0]["Pattern"]
    '{"dynamodb":{"NewImage":{"userid":{"S":["abc"]},"wins":{"N":[{"exists":true}]}}}}'
    >>> found.wider
    ('wins > 3',)
    """

    wider: tuple[str, ...] = ()


def event_filter(condition: Condition, table: Table[Any], *, exact: bool = False) -> EventFilter:
    """Lambda's FilterCriteria for the changes for which a condition holds: the same ones, or a few more.

    >>> from flyexpr.events import appeared, event_filter, was
    >>> event_filter(was(eq("userid", "abc")) & is_in("title", ["A", "B"]), scores)["Filters"]
    [{'Pattern': '{"dynamodb":{"OldImage":{"userid":{"S":["abc"]}},"NewImage":{"title":{"S":["A","B"]}}}}'}]
    >>> event_filter(appeared("userid"), scores)
    {'Filters': [{'Pattern': '{"eventName":["INSERT"]}'}]}
    >>> event_filter(gt("wins", F.losses), scores)
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: a filter of Lambda cannot check any part of this condition
      expression: wins > losses
      hint: let the function check it: handler(function, table, condition=...)

    The result is a dict for `FilterCriteria`. Its `.wider` has the parts of the condition that Lambda cannot check:
    order of numbers and texts, `<>`, size, two attributes compared, elements of lists. `handler` checks the whole
    condition, so give it there too. With `exact`, such a part is an error. A filter asks for the type that an attribute
    is declared with, and for images: the stream has to keep NEW_AND_OLD_IMAGES, or the side that is asked for.
    ExpressionError for more than 5 patterns, and for a condition that no part of can be checked.
    """
    need(condition, Condition, "event_filter takes a condition such as eq('status', 'open'), and a table")
    check_condition(table, condition)
    wider: list[str] = []
    patterns = _of_every_kind(table, condition, wider)
    if patterns == []:
        raise ExpressionError("no change can match this condition", expression=show(condition))
    if wider and (exact or patterns is None):
        part = "this part" if exact else "any part"
        raise ExpressionError(
            f"a filter of Lambda cannot check {part} of this condition",
            expression=wider[0] if exact else show(condition),
            hint="let the function check it: handler(function, table, condition=...)",
        )
    filters = EventFilter(Filters=[{"Pattern": _text(pattern)} for pattern in patterns or [{}]])
    filters.wider = tuple(dict.fromkeys(wider))
    return filters


Patterns = list[Pattern] | None
"""Patterns of which one has to match; None for all changes."""


def _of_every_kind(table: Table[Any], condition: Condition, wider: list[str]) -> Patterns:
    """The patterns for changes of every kind that the table holds; a pattern does not ask what kind an item has."""
    kinds = [*table.kinds.values(), table.as_stored] if isinstance(table, Kinds) else [table]
    patterns = _any(
        [_Compiler(kind, wider).patterns(simplify(lower_condition(kind, condition, sent=False))) for kind in kinds]
    )
    if patterns is not None and len(patterns) > MOST_PATTERNS:
        raise ExpressionError(
            f"the condition needs {len(patterns)} patterns, and Lambda takes {MOST_PATTERNS}",
            expression=show(condition),
            hint="leave a part of it to handler(function, table, condition=...)",
        )
    if len(kinds) > 1 and patterns is not None and len(patterns) > 1 and not wider:
        wider.append(show(condition))
    return patterns


class _Compiler:
    """The patterns of a table's conditions; notes in `wider` the parts for which there is none."""

    def __init__(self, table: Table[Any], wider: list[str]) -> None:
        self.table, self.wider = table, wider
        self._keys = [(name,) for name in table.keys]

    def patterns(self, node: Condition) -> Patterns:
        match node:
            case And(parts):
                return _all(map(self.patterns, parts))
            case Or(parts):
                return _any([self.patterns(part) for part in parts])
            case Not(Not(part)):
                return self.patterns(part)
            case Not(And(parts)):
                return _any([self.patterns(Not(part)) for part in parts])
            case Not(Or(parts)):
                return _all(self.patterns(Not(part)) for part in parts)
            case Not(Compare("<>", left, right)):
                return self.patterns(Compare("=", left, right))
            case Not(Test("attribute_exists" | "attribute_not_exists" as function, arguments)):
                return self.patterns(Test(_OPPOSITE[function], arguments))
            case Test("appeared", (Path() as path,)):
                missing = Test("attribute_not_exists", (Call("old", (path,)),))
                return self.patterns(And((missing, Test("attribute_exists", (path,)))))
        stored = all(path.parts[0] not in self.table.fillable for path in paths(node))
        of_leaf = self._leaf(node) if stored else None  # parts of a key need not be stored
        if of_leaf is None:
            self.wider.append(show(node))
        return of_leaf

    def _leaf(self, node: Condition) -> Patterns:
        """The patterns of one comparison or test; None where there are none."""
        match node:
            case Compare("=", Value() as value, subject) | Compare("=", subject, Value() as value):
                return _equal(subject, [value])
            case In(subject, options):
                return _equal(subject, options)
            case Compare("<" | "<=" | ">" | ">=", subject, Value(kind)) if at := _place(subject):
                self.wider.append(show(node))
                return [{(*at, kind): [_THERE]}]
            case Test("begins_with", (subject, Value("S", prefix))) if at := _place(subject):
                return [{(*at, "S"): [{"prefix": prefix}]}]
            case Test("attribute_type", (subject, Value("S", kind))) if kind in _RULES and (at := _place(subject)):
                return [{(*at, kind): [_THERE]}]
            case Test("attribute_exists" | "attribute_not_exists" as function, (subject,)):
                return self._there(subject, function == "attribute_exists")
        return None

    def _there(self, subject: Operand, there: bool) -> Patterns:
        path, at = attribute_of(subject), _place(subject)
        if path is None or at is None:
            return None
        if path.parts in self._keys:  # an item has its key whenever it is there
            without = "INSERT" if isinstance(subject, Call) else "REMOVE"
            return [{_EVENT: [event for event in _EVENTS if (event != without) is there]}]
        codec = codec_at(self.table, path)
        if codec is None or codec.kind not in _RULES:
            return None
        return [{(*at, codec.kind): [_THERE if there else _MISSING]}]


def _equal(subject: Operand, values: Iterable[Operand]) -> Patterns:
    at = _place(subject)
    rules: dict[str, list[Any]] = {}
    for value in values:
        rule = _RULES[value.kind](value.body) if isinstance(value, Value) and value.kind in _RULES else None
        if at is None or rule is None:
            return None
        rules.setdefault(value.kind, []).append(rule)  # type: ignore[union-attr]  # a Value
    return [{(*(at or ()), kind): of_kind} for kind, of_kind in rules.items()]


def _place(subject: Operand) -> Leaf | None:
    """Where a record has an attribute; None for what is not one, and for what lies in a list."""
    path = attribute_of(subject)
    if path is None or not all(isinstance(part, str) for part in path.parts):
        return None
    names = [str(part) for part in path.parts]
    inside = [step for name in names[1:] for step in ("M", name)]
    return ("dynamodb", "OldImage" if isinstance(subject, Call) else "NewImage", names[0], *inside)


def _number(value: Any) -> str | None:
    """The text of a number as records have it; None for one that they may write with an exponent."""
    text = number_text(value)
    return text if len(text) <= _PLAIN else None


_PLAIN = 20  # digits
_RULES: dict[str, Callable[[Any], Any]] = {
    "S": lambda text: text,
    "N": _number,
    "B": lambda data: b64encode(data).decode(),
    "BOOL": lambda value: value,
    "NULL": lambda value: True,
}


def _any(alternatives: list[Patterns]) -> Patterns:
    united: list[Pattern] = []
    for patterns in alternatives:
        if patterns is None:
            return None
        united += [pattern for pattern in patterns if pattern not in united]
    return united


def _all(parts: Iterable[Patterns]) -> Patterns:
    together: Patterns = None
    for patterns in parts:
        if together is None or patterns is None:
            together = patterns if together is None else together
        else:
            joined = (_joined(first, second) for first, second in product(together, patterns))
            together = [pattern for pattern in joined if pattern is not None]
    return together


def _joined(first: Pattern, second: Pattern) -> Pattern | None:
    """The pattern of what both patterns match, or a wider one; None where that is nothing."""
    joined = {**first}
    for leaf, rules in second.items():
        joined[leaf] = _both(joined[leaf], rules) if leaf in joined else rules
        if not joined[leaf]:
            return None
    return joined


def _both(first: list[Any], second: list[Any]) -> list[Any]:
    """The rules for a leaf for which a rule of each list has to hold."""
    both = [_stricter(one, other) for one, other in product(first, second)]
    return [rule for number, rule in enumerate(both) if rule is not _NOTHING and rule not in both[:number]]


_NOTHING = object()


def _stricter(one: Any, other: Any) -> Any:
    """The rule for values that both rules take; `_NOTHING` where there is no such value."""
    if one == other:
        return one
    if _MISSING in (one, other):
        return _NOTHING
    if _THERE in (one, other):
        return other if one == _THERE else one
    begin, text = (one, other) if isinstance(one, dict) else (other, one)
    if not isinstance(begin, dict):
        return _NOTHING  # two values
    start = text["prefix"] if isinstance(text, dict) else text
    if start.startswith(begin["prefix"]):
        return text
    return begin if isinstance(text, dict) and begin["prefix"].startswith(start) else _NOTHING


def _text(pattern: Pattern) -> str:
    """A pattern as Lambda's JSON: an object for each step to a leaf."""
    root: dict[str, Any] = {}
    for leaf, rules in pattern.items():
        level = root
        for step in leaf[:-1]:
            level = level.setdefault(step, {})
        level[leaf[-1]] = rules
    return json.dumps(root, separators=(",", ":"), ensure_ascii=False)
