"""Conditions in the user's types as conditions in DynamoDB's, by what a table declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from operator import is_
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.nodes import (
    And,
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
    Value,
    rebuilt,
)
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.expressions.sides import attribute_of
from flyexpr.schema.codecs import Codec
from flyexpr.schema.kinds import Kinds, Names
from flyexpr.schema.stored_operands import (
    MAY_BE_FOREIGN,
    allow,
    codec_at,
    is_stored,
    refuse_unlike,
    stored_constant,
    watch,
)
from flyexpr.schema.strict import refuse_unnamed
from flyexpr.schema.table import Table
from flyexpr.values.foreign import meaning
from flyexpr.values.freeze import thaw


def lower_condition(table: Table, condition: Condition, *, sent: bool = True) -> Condition:
    """The condition with every constant as it is stored; where it is not `sent`, attributes of any types are compared.

    >>> from datetime import date
    >>> from flyexpr import begins_with, eq, show
    >>> table = Table("t", "id", attributes={"day": date, "wins": int})
    >>> show(lower_condition(table, eq("day", date(2026, 1, 31))))
    "day = '2026-01-31'"
    >>> lower_condition(table, begins_with("wins", "1"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: begins_with cannot work on `wins`, which holds int
      expression: begins_with(wins, '1')
    """
    try:
        if isinstance(table, Kinds):
            return _by_kind(table, condition, table.every, sent)
        if table.watched and not isinstance(condition, (And, Or, Not)):
            watch(table, condition, condition)
        return _LOWERED[type(condition)](table, condition, sent)
    except RecursionError:
        raise ExpressionError("the condition is nested too deeply; DynamoDB takes 300 operators") from None


def _by_kind(table: Kinds, condition: Condition, names: Names, sent: bool) -> Condition:
    """The condition as the kinds of these names store it, None for unknown ones; `OR` of them where they differ."""
    names = table.names_in(condition, names)
    if isinstance(condition, (And, Or, Not)):
        inside: Condition = rebuilt(condition, lambda part: _by_kind(table, part, names, sent))
        return inside
    if table.strict:
        refuse_unnamed(table, condition, condition)
    forms: dict[Condition, list[str | None]] = {}
    for name in [name for name in (*table.kinds, None) if name in names]:
        forms.setdefault(_as_kind_stores(table, name, condition, names, sent), []).append(name)
    if len(forms) <= 1:
        return next(iter(forms)) if forms else _standard(condition)
    if not isinstance(table.by, str):
        raise ExpressionError(
            "kinds store this attribute differently, and by= is a function, which no engine can evaluate",
            expression=show(condition),
            hint=_read_one_kind(table),
        )
    return Or(tuple(And((_is_one_of(table.by, group, forms.values()), form)) for form, group in forms.items()))


def _as_kind_stores(table: Kinds, name: str | None, condition: Condition, names: Names, sent: bool) -> Condition:
    """The condition, on one path or on several, as the kind stores what the first path leads to.

    A key attribute is stored alike by all kinds, so one that does not declare it stores it as the others do.
    """
    first = next(iter(paths(condition)), None)
    speaker = None if first is None else table.speakers.get(str(first.parts[0]))
    if name is None or first is None or first.parts[0] not in table[name].codecs:
        plain = _standard(condition)
        return plain if speaker is None or plain == condition else lower_condition(speaker, condition, sent=sent)
    try:
        return lower_condition(table[name], condition, sent=sent)
    except (ExpressionError, ValidationError) as error:
        if speaker not in (None, table[name]):
            with suppress(ExpressionError, ValidationError):
                return lower_condition(speaker, condition, sent=sent)
        advice = (
            f"ask for one kind: eq({table.by!r}, ...) & ..." if isinstance(table.by, str) else _read_one_kind(table)
        )
        narrow = f"\n  hint: {advice}" if len(names) > 1 and not error.hint else ""
        error.args = (f"{error}\n  kind: {name!r}{narrow}",)
        raise


def _read_one_kind(table: Kinds) -> str:
    return f"read one kind: table[{next(iter(table.kinds))!r}]"


def _standard(node: Condition) -> Condition:
    """The condition with constants of foreign types in their standard form."""
    return rebuilt(node, _standard_below)


def _standard_below(node: Any) -> Any:
    if isinstance(node, Value):
        return Value(*meaning(thaw((node.kind, node.body)))) if node.kind in MAY_BE_FOREIGN else node
    return rebuilt(node, _standard_below)


def _is_one_of(by: str, group: list[str | None], groups: Iterable[list[str | None]]) -> Condition:
    """The condition that an item's kind is in the group; the unknown kinds are all but those in the other groups."""
    if None in group:
        others = [name for each in groups if each is not group for name in each]
        return Not(In(Path((by,)), tuple(Value("S", name) for name in others)))
    return In(Path((by,)), tuple(Value("S", name) for name in group))


def _compare(table: Table, node: Compare, sent: bool) -> Condition:
    lowered = _side_by_side(table, node, node.operator, (node.left, node.right), sent)
    return node if lowered is None else Compare(node.operator, *lowered)


def _between(table: Table, node: Between, sent: bool) -> Condition:
    lowered = _side_by_side(table, node, "BETWEEN", (node.operand, node.low, node.high), sent)
    return node if lowered is None else Between(*lowered)


def _in(table: Table, node: In, sent: bool) -> Condition:
    lowered = _side_by_side(table, node, "IN", (node.operand, *node.options), sent)
    return node if lowered is None else In(lowered[0], lowered[1:])


def _test(table: Table, node: Test, sent: bool) -> Condition:
    if is_stored(table, node.arguments):
        return node
    match node:
        case Test("contains", (subject, value)) if path := attribute_of(subject):
            allow(table, node, "contains", path)
            if not isinstance(value, Value):
                return node
            codec = codec_at(table, path)
            codec = codec.member if codec and codec.member else _part_codec(codec, value)
            return Test("contains", (subject, stored_constant(table, path, codec, value)))
        case Test("begins_with", arguments):
            lowered = _side_by_side(table, node, "begins_with", arguments, sent, part=True)
            return node if lowered is None else Test("begins_with", lowered)
    return node


def _joined(table: Table, node: And | Or, sent: bool) -> Condition:
    # Not by `rebuilt`: a microsecond more, and most conditions are an And.
    lowered = [lower_condition(table, part, sent=sent) for part in node.parts]
    return node if all(map(is_, lowered, node.parts)) else type(node)(tuple(lowered))


def _not(table: Table, node: Not, sent: bool) -> Condition:
    return Not(lower_condition(table, node.part, sent=sent))


_LOWERED: dict[type, Callable[[Table, Any, bool], Condition]] = {
    Compare: _compare,
    Between: _between,
    In: _in,
    Test: _test,
    And: _joined,
    Or: _joined,
    Not: _not,
}


def _side_by_side(
    table: Table, node: Condition, operator: str, operands: tuple[Operand, ...], sent: bool, *, part: bool = False
) -> tuple[Operand, ...] | None:
    """The operands of a comparison, constants encoded as the first path among them is; None when nothing changes.

    With `part`, a constant is a part of the text that the path leads to.
    """
    if is_stored(table, operands):
        return None
    paths_of = [attribute_of(operand) for operand in operands]
    path = next(filter(None, paths_of), None)
    for operand, asked in zip(operands, paths_of, strict=True):
        if asked is not None:
            allow(table, node, operator, asked)
            if sent and path is not None and asked is not path:
                refuse_unlike(table, node, path, asked)
        elif isinstance(operand, Call) and (measured := attribute_of(operand.arguments[0])):
            allow(table, node, "size", measured)
    if path is None:
        return None
    codec = codec_at(table, path)
    lowered = [
        stored_constant(table, path, _part_codec(codec, one) if part else codec, one) if isinstance(one, Value) else one
        for one in operands
    ]
    return None if all(map(is_, lowered, operands)) else tuple(lowered)


def _part_codec(codec: Codec | None, part: Value) -> Codec | None:
    """The codec for a part of a text: the text's own where the part is a whole one, such as a date; none for a text."""
    return codec if part.kind == "PYTHON" else None
