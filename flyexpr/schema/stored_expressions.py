"""Expressions in the user's types as expressions in DynamoDB's, by what a table declares.

Constants are encoded by the attribute that they meet, and operators that its type cannot have are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
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
    Operand,
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.schema.codecs import NUMBERS, Codec, codec_of, type_name
from flyexpr.schema.derive import derived_update
from flyexpr.schema.stored_items import encoded_value, stored_value
from flyexpr.schema.table import Table
from flyexpr.values.freeze import freeze, thaw

_INT = codec_of(int)
_TEXT, _ORDERED, _LIST = {"S", "B"}, {"S", "N", "B"}, {"L"}
_SETS = {"SS", "NS", "BS"}
_ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(("<", "<=", ">", ">=", "BETWEEN"), _ORDERED),
    "begins_with": _TEXT,
    "contains": _TEXT | _SETS | _LIST,
    "size": _TEXT | _SETS | _LIST | {"M"},
    "list_append": _LIST,
    "+": {"N"},
    "-": {"N"},
    "ADD": _SETS | {"N"},
    "DELETE": _SETS,
}


def lower_condition(table: Table, condition: Condition) -> Condition:
    """The condition with every constant as it is stored.

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
        if table.sealed and not isinstance(condition, (And, Or, Not)):
            _refuse_inside(table, condition, condition)
        return _LOWERED[type(condition)](table, condition)
    except RecursionError:
        raise ExpressionError("the condition is nested too deeply; DynamoDB takes 300 operators") from None


def _compare(table: Table, node: Compare) -> Condition:
    lowered = _side_by_side(table, node, node.operator, (node.left, node.right))
    return node if lowered is None else Compare(node.operator, *lowered)


def _between(table: Table, node: Between) -> Condition:
    lowered = _side_by_side(table, node, "BETWEEN", (node.operand, node.low, node.high))
    return node if lowered is None else Between(*lowered)


def _in(table: Table, node: In) -> Condition:
    lowered = _side_by_side(table, node, "IN", (node.operand, *node.options))
    return node if lowered is None else In(lowered[0], lowered[1:])


def _test(table: Table, node: Test) -> Condition:
    if _untouched(table, node.arguments):
        return node
    match node:
        case Test("contains", (Path() as path, Value() as value)):
            _allow(table, node, "contains", path)
            codec = _codec_at(table, path)
            codec = codec.member if codec and codec.member else _part_codec(codec, value)
            return Test("contains", (path, _encode(table, path, codec, value)))
        case Test("begins_with", arguments):
            lowered = _side_by_side(table, node, "begins_with", arguments, encode=False)
            return node if lowered is None else Test("begins_with", lowered)
    return node


def _joined(table: Table, node: And | Or) -> Condition:
    lowered = [lower_condition(table, part) for part in node.parts]
    return node if all(map(is_, lowered, node.parts)) else type(node)(tuple(lowered))


def _not(table: Table, node: Not) -> Condition:
    return Not(lower_condition(table, node.part))


_LOWERED: dict[type, Callable[[Table, Any], Condition]] = {
    Compare: _compare,
    Between: _between,
    In: _in,
    Test: _test,
    And: _joined,
    Or: _joined,
    Not: _not,
}


def _untouched(table: Table, operands: tuple[Operand, ...]) -> bool:
    """Whether nothing is declared of what stands here, and every constant is of a type of DynamoDB's own."""
    codecs = table.codecs
    for operand in operands:
        kind = type(operand)
        if kind is Path:
            if operand.parts[0] in codecs:  # type: ignore[union-attr, operator]
                return False
        elif kind is Call:
            if not _untouched(table, operand.arguments):  # type: ignore[union-attr]
                return False
        elif kind is Arithmetic:
            if not _untouched(table, (operand.left, operand.right)):  # type: ignore[union-attr]
                return False
        elif operand.kind in _FOREIGN:  # type: ignore[union-attr]
            return False
    return True


_FOREIGN = frozenset({"PYTHON", "L", "M"})  # the last two may hold values of foreign types


def lower_update(
    table: Table, update: Update, known: Mapping[str, Any] | None = None, *, whole: bool = False
) -> Update:
    """The update with every constant as it is stored; an update of the key is refused.

    What is `known` of the item serves its derived attributes, see `derived_update`.

    >>> from flyexpr import assign, incr
    >>> lower_update(Table("t", "id"), assign("id", "x"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: `id` is part of the key of 't' and cannot be updated
      expression: SET id = 'x'
      hint: put the item under its new key and delete the old one
    """
    if table.derived:  # before anything is said of what is derived from the key
        for action in update.actions:
            _refuse_key(table, action)
    return lower_actions(table, derived_update(table, update, known, whole=whole))


def lower_actions(table: Table, update: Update) -> Update:
    """The update with every constant as it is stored, and derived attributes left out of account.

    >>> from flyexpr import assign, show
    >>> show(lower_actions(Table("t", "id", attributes={"wins": int}), assign("wins", 3.0)))
    'SET wins = 3'
    """
    lowered = [_lower_action(table, action) for action in update.actions]
    return update if all(map(is_, lowered, update.actions)) else Update(tuple(lowered))


def _lower_action(table: Table, action: Action) -> Action:
    path, operand = action.path, action.operand
    if path.parts[0] not in table.codecs and (operand is None or _untouched(table, (operand,))):
        return action
    here = Update((action,))
    if table.sealed:
        _refuse_inside(table, here, action)
    _refuse_key(table, action)
    match action:
        case Action("SET", _, Path() | Value() | Call() | Arithmetic() as operand):
            lowered = _lower_assigned(table, here, path, operand)
            return action if lowered is operand else Action("SET", path, lowered, action.parents)
        case Action("REMOVE"):
            rule = table.rules.get(str(path.parts[0]))
            if rule and rule.required and len(path.parts) == 1:
                raise ExpressionError(f"`{path.parts[0]}` is required and cannot be removed", expression=show(here))
        case Action(clause, _, Value(kind) as value):
            codec = _codec_at(table, path)
            if kind == "N" and codec and codec.kind in _SETS:
                raise ExpressionError(
                    f"{clause} of a number cannot work on `{show(path)}`, a set", expression=show(here)
                )
            _allow(table, here, clause if kind != "N" else "+", path, clause)
            if kind != "N" or codec is _INT:
                encoded = _encode(table, path, codec, value)
                return action if encoded is value else Action(clause, path, encoded)
    return action


def _refuse_key(table: Table, action: Action) -> None:
    name = action.path.parts[0]
    if name in table.keys:
        raise ExpressionError(
            f"`{name}` is part of the key of {table.name!r} and cannot be updated",
            expression=show(Update((action,))),
            hint="put the item under its new key and delete the old one",
        )


def _lower_assigned(table: Table, here: Update, path: Path, operand: Operand) -> Operand:
    codec = _codec_at(table, path)
    match operand:
        case Value(kind, body):
            if str(path.parts[0]) in table.rules and len(path.parts) == 1:
                stored_value(table, str(path.parts[0]), thaw((kind, body)))
            return _encode(table, path, codec, operand)
        case Call("if_not_exists", (other, value)):
            return Call("if_not_exists", (other, _lower_assigned(table, here, path, value)))
        case Call(function, arguments):
            _allow(table, here, function, path)
            return Call(function, tuple([_lower_part(table, path, argument) for argument in arguments]))
        case Arithmetic(operator, left, right):
            _allow(table, here, operator, path)
            return Arithmetic(operator, _lower_part(table, path, left), _lower_part(table, path, right))
    return operand


def _lower_part(table: Table, path: Path, operand: Operand) -> Operand:
    """A part of a new value, which is of its type, and which no check can know anything of."""
    match operand:
        case Value():
            return _encode(table, path, _codec_at(table, path), operand)
        case Call("if_not_exists", (other, default)):
            return Call("if_not_exists", (other, _lower_part(table, path, default)))
    return operand


def _side_by_side(
    table: Table, here: Condition, operator: str, operands: tuple[Operand, ...], encode: bool = True
) -> tuple[Operand, ...] | None:
    """Operands that meet each other: constants encoded by the first path among them; None when nothing changes."""
    if _untouched(table, operands):
        return None
    path = next((operand for operand in operands if isinstance(operand, Path)), None)
    for operand in operands:
        match operand:
            case Path():
                _allow(table, here, operator, operand)
            case Call("size", (Path() as measured,)):
                _allow(table, here, "size", measured)
    if path is None:
        return None
    codec = _codec_at(table, path)
    lowered = [
        _encode(table, path, codec if encode else _part_codec(codec, one), one) if isinstance(one, Value) else one
        for one in operands
    ]
    return None if all(map(is_, lowered, operands)) else tuple(lowered)


def _part_codec(codec: Codec | None, part: Value) -> Codec | None:
    """The codec for a part of a text: the text's own where the part is a whole one, such as a date; none for a text."""
    return codec if part.kind == "PYTHON" else None


def _codec_at(table: Table, path: Path) -> Codec | None:
    """The codec of what a path leads to; None where nothing is declared."""
    codec = table.codecs.get(str(path.parts[0]))
    for _ in path.parts[1:]:
        codec = codec.member if codec else None
    return codec


def _encode(table: Table, path: Path, codec: Codec | None, value: Value) -> Value:
    if codec is None:
        if value.kind == "PYTHON":
            raise ValidationError(
                f"DynamoDB has no type for {_type_name(value.body)}",
                at=show(path),
                hint=f"declare it: attributes={{{str(path.parts[0])!r}: {_type_name(value.body)}}}"
                if len(path.parts) == 1
                else "store it as text or a number",
            )
        if value.kind in ("L", "M"):  # what is inside may be of a foreign type too
            return Value(*freeze(thaw((value.kind, value.body)), show(path)))
        return value
    if value.kind == codec.kind and (codec.plain or (codec is _INT and type(value.body) is int)):
        return value
    given = thaw((value.kind, value.body))
    if len(path.parts) == 1 and codec is table.codecs[str(path.parts[0])]:
        return Value(*freeze(encoded_value(table, str(path.parts[0]), given), show(path)))
    try:
        return Value(*freeze(codec.encode(given), show(path)))
    except ValidationError as error:
        raise ValidationError(error.message, at=show(path)) from None


def _type_name(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"set[{_type_name(next(iter(value)))}]"
    return type(value).__name__


def _allow(table: Table, here: Condition | Update, operator: str, path: Path, name: str | None = None) -> None:
    """None where the operator, in an error of this `name`, can work on what the path leads to."""
    codec = _codec_at(table, path)
    if codec is None or (_kind_allows(codec, operator) and _meaning_allows(codec, operator)):
        return
    holds = type_name(table.attributes.get(str(path.parts[0]), str))
    changes = isinstance(here, Update) and _kind_allows(codec, operator)
    hint = "assign a new value, or change it with modify(...)" if changes else None
    raise ExpressionError(
        f"{name or operator} cannot work on `{show(path)}`, which holds {holds}", expression=show(here), hint=hint
    )


def _kind_allows(codec: Codec, operator: str) -> bool:
    return codec.kind is None or codec.kind in _ALLOWED.get(operator, {codec.kind})


def _meaning_allows(codec: Codec, operator: str) -> bool:
    """Whether what is stored is what it means: nothing is to be added to seconds since 1970, or to an Enum's number."""
    if operator in ("+", "-"):
        return codec in NUMBERS
    return not codec.sealed or operator not in ("ADD", "DELETE", "list_append", "contains") or codec.kind in _TEXT


def _refuse_inside(table: Table, here: Condition | Update, node: Condition | Action) -> None:
    """An error for a path that leads into what only its Codec knows."""
    for path in paths(node):
        codec = table.codecs.get(str(path.parts[0]))
        for _ in path.parts[1:]:
            if codec is not None and codec.sealed:
                name = show(Path(path.parts[:1]))
                raise ExpressionError(
                    f"`{show(path)}` lies inside `{name}`, and only its Codec knows what is there",
                    expression=show(here),
                    hint=f"compare and assign `{name}` as a whole, or change it with modify(...)",
                )
            codec = codec.member if codec else None
