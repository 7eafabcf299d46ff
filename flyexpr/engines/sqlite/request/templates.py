"""Expressions that are read once, for all requests that send the same text with other values.

Programs send few texts and many values, and reading a text takes longer than carrying it out: with remembered texts an
update is a fifth quicker. Only a text without a problem is remembered, so every refusal comes from reading the request
itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from flyexpr.errors import ExpressionError
from flyexpr.expressions.check import check
from flyexpr.expressions.nodes import (
    Action,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    In,
    Not,
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.expressions.parse import Scope

Reader = Callable[[str, Scope], Any]

# What is remembered must not fill the memory: a text of 4 KB takes up to 200 KB as nodes.
SHORT_TEXT, MANY_SHORT, MANY_LONG, LONG_NAMES = 512, 512, 64, 4096
_MARK = re.compile(":[A-Za-z0-9_]+")
_SLOT = "PYTHON"  # the kind of a Value whose own kind `check` does not ask for; here it stands for a placeholder


class Template(NamedTuple):
    """The nodes of a text with slots for its values, and the placeholders that it uses."""

    nodes: Any
    used: frozenset[str]


def find_template(read: Reader, text: str, names: Mapping[str, str], values: Mapping[str, Value]) -> Template | None:
    """The template of a text; None when the text has a problem, uses a value that the request lacks, or has long names.

    >>> from flyexpr.expressions.parse import read_condition
    >>> template = find_template(read_condition, "a = :v", {}, {":v": Value("N", 1)})
    >>> fill(template.nodes, {":v": Value("N", 2)})
    eq('a', 2)
    >>> find_template(read_condition, "a = :w", {}, {":v": Value("N", 1)}) is None
    True
    """
    if sum(map(len, names.values())) > LONG_NAMES:
        return None
    template = (_short if len(text) <= SHORT_TEXT else _long)(read, text, tuple(names.items()))
    if template is None or not all(mark in values or mark in names for mark in template.used):
        return None
    return template


def _read(read: Reader, text: str, names: tuple[tuple[str, str], ...]) -> Template | None:
    scope = Scope(dict(names), {mark: Value(_SLOT, mark) for mark in _MARK.findall(text)})
    try:
        nodes = read(text, scope)
        check(nodes)  # of nodes that pass, the depth is bounded
    except ExpressionError:
        return None
    return Template(nodes, frozenset(scope.used))


_short, _long = lru_cache(maxsize=MANY_SHORT)(_read), lru_cache(maxsize=MANY_LONG)(_read)


def fill(node: Any, values: Mapping[str, Value]) -> Any:
    """The nodes with values in their slots.

    >>> fill(And((Compare("=", Path(("a",)), Value("PYTHON", ":v")),)), {":v": Value("S", "x")}).parts[0].right
    Value(kind='S', body='x')
    """
    return _FILLERS[type(node)](node, values)


def _fill_all(nodes: tuple[Any, ...], values: Mapping[str, Value]) -> tuple[Any, ...]:
    return tuple([_FILLERS[type(node)](node, values) for node in nodes])


def _fill_action(node: Action, values: Mapping[str, Value]) -> Action:
    return node if node.operand is None else Action(node.clause, node.path, fill(node.operand, values))


_FILLERS: dict[type, Callable[[Any, Mapping[str, Value]], Any]] = {
    tuple: _fill_all,
    Path: lambda node, values: node,
    Value: lambda node, values: values[node.body],
    Call: lambda node, values: Call(node.function, _fill_all(node.arguments, values)),
    Arithmetic: lambda node, values: Arithmetic(node.operator, fill(node.left, values), fill(node.right, values)),
    Compare: lambda node, values: Compare(node.operator, fill(node.left, values), fill(node.right, values)),
    Between: lambda node, values: Between(*_fill_all((node.operand, node.low, node.high), values)),
    In: lambda node, values: In(fill(node.operand, values), _fill_all(node.options, values)),
    Test: lambda node, values: Test(node.function, _fill_all(node.arguments, values)),
    And: lambda node, values: And(_fill_all(node.parts, values)),
    Or: lambda node, values: Or(_fill_all(node.parts, values)),
    Not: lambda node, values: Not(fill(node.part, values)),
    Action: _fill_action,
    Update: lambda node, values: Update(_fill_all(node.actions, values)),
}
