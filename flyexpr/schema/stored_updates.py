"""Updates in the user's types as updates in DynamoDB's, by what a table declares."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Action, Arithmetic, Call, Operand, Path, Update, Value
from flyexpr.expressions.show import show
from flyexpr.schema.codecs import codec_of
from flyexpr.schema.derived.derived_updates import derived_update
from flyexpr.schema.stored_operands import SETS, allow, codec_at, is_stored, refuse_unlike, stored_constant, watch
from flyexpr.schema.stored_values import stored_value
from flyexpr.schema.table import Table
from flyexpr.values.freeze import thaw

_INT = codec_of(int)


def lower_update(
    table: Table, update: Update, known: Mapping[str, Any] | None = None, *, whole: bool = False
) -> Update:
    """The update with every constant as it is stored; an update of the key is refused.

    Derived attributes are worked out from what is `known` of the item; see `derived_update`.

    >>> from flyexpr import assign, incr
    >>> lower_update(Table("t", "id"), assign("id", "x"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: `id` is part of the key of 't' and cannot be updated
      expression: SET id = 'x'
      hint: put the item under its new key and delete the old one
    """
    if table.derived:  # the key comes first: an error about what is derived from it would mislead
        for action in update.actions:
            _refuse_key(table, action)
    return lower_actions(table, derived_update(table, update, known, whole=whole))


def lower_actions(table: Table, update: Update) -> Update:
    """The update with every constant as it is stored; derived attributes are not updated with it.

    >>> from flyexpr import assign, show
    >>> show(lower_actions(Table("t", "id", attributes={"wins": int}), assign("wins", 3.0)))
    'SET wins = 3'
    """
    lowered = [_lower_action(table, action) for action in update.actions]
    return update if all(map(is_, lowered, update.actions)) else Update(tuple(lowered))


def _lower_action(table: Table, action: Action) -> Action:
    path, operand = action.path, action.operand
    if table.watched:
        watch(table, Update((action,)), action)
    if path.parts[0] not in table.codecs and (operand is None or is_stored(table, (operand,))):
        return action
    here = Update((action,))
    _refuse_key(table, action)
    if operand is None:
        _refuse_required(table, here, path)
        return action
    if action.clause == "SET":
        lowered = _lower_assigned(table, here, path, operand)
        return action if lowered is operand else Action("SET", path, lowered, action.parents)
    return _lower_added(table, here, action, operand) if isinstance(operand, Value) else action


def _lower_added(table: Table, here: Update, action: Action, value: Value) -> Action:
    """An ADD or DELETE with its constant as it is stored."""
    clause, path = action.clause, action.path
    codec, is_number = codec_at(table, path), value.kind == "N"
    if is_number and codec and codec.kind in SETS:
        raise ExpressionError(f"{clause} of a number cannot work on `{show(path)}`, a set", expression=show(here))
    allow(table, here, "+" if is_number else clause, path, clause)
    if is_number and codec is not _INT:
        return action
    encoded = stored_constant(table, path, codec, value)
    return action if encoded is value else Action(clause, path, encoded)


def _refuse_required(table: Table, here: Update, path: Path) -> None:
    rule = table.rules.get(str(path.parts[0]))
    if rule and rule.required and len(path.parts) == 1:
        raise ExpressionError(f"`{path.parts[0]}` is required and cannot be removed", expression=show(here))


def _refuse_key(table: Table, action: Action) -> None:
    name = action.path.parts[0]
    if name in table.keys:
        raise ExpressionError(
            f"`{name}` is part of the key of {table.name!r} and cannot be updated",
            expression=show(Update((action,))),
            hint="put the item under its new key and delete the old one",
        )


def _lower_assigned(table: Table, here: Update, path: Path, operand: Operand) -> Operand:
    match operand:
        case Value(kind, body):
            if str(path.parts[0]) in table.rules and len(path.parts) == 1:
                stored_value(table, str(path.parts[0]), thaw((kind, body)))
            return stored_constant(table, path, codec_at(table, path), operand)
        case Call("if_not_exists", (other, value)):
            _refuse_unlike(table, here, path, other)
            return Call("if_not_exists", (other, _lower_assigned(table, here, path, value)))
        case Call(function, arguments):
            allow(table, here, function, path)
            return Call(function, tuple([_lower_part(table, here, path, argument) for argument in arguments]))
        case Arithmetic(operator, left, right):
            allow(table, here, operator, path)
            return Arithmetic(operator, _lower_part(table, here, path, left), _lower_part(table, here, path, right))
    _refuse_unlike(table, here, path, operand)
    return operand


def _lower_part(table: Table, here: Update, path: Path, operand: Operand) -> Operand:
    """A part of a new value: it has the type of the whole, but the attribute's check cannot judge it."""
    match operand:
        case Value():
            return stored_constant(table, path, codec_at(table, path), operand)
        case Call("if_not_exists", (other, default)):
            _refuse_unlike(table, here, path, other)
            return Call("if_not_exists", (other, _lower_part(table, here, path, default)))
    _refuse_unlike(table, here, path, operand)
    return operand


def _refuse_unlike(table: Table, here: Update, path: Path, operand: Operand) -> None:
    if isinstance(operand, Path):
        refuse_unlike(table, here, path, operand)
