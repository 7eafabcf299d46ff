"""What UpdateItem is charged for its request, beside the item that comes of it.

The service refuses an update whose charge is over 409,600, however small the item will be. Only UpdateItem with an
UpdateExpression is charged; its older form and transactions measure the finished item alone.
"""

from __future__ import annotations

from typing import Any

from flyexpr.expressions.nodes import Action, Arithmetic, Call, Operand, Path, Update, Value
from flyexpr.values.freeze import thaw
from flyexpr.values.sizes import value_size
from flyexpr.values.types import MAX_ITEM

_STATEMENT, _ASSIGNMENT, _REMOVAL = 3, 19, 1
_STEP, _READ, _READ_STEP = 4, 1, 14
_OPERATORS = {"+": 34, "-": 37, "if_not_exists": 39, "list_append": 37}


def update_charge(update: Update) -> int:
    """The charge of an update, in bytes.

    >>> update_charge(Update((Action("SET", Path(("b",)), Value("S", "x" * 409_577)),)))
    409600

    One that is over 400 KB is not counted further: a constant may stand in 145 places, and be long.
    """
    charge = _STATEMENT
    for action in update.actions:
        charge += _action(action)
        if charge > MAX_ITEM:
            break
    return charge


def _action(action: Action) -> int:
    target = sum(map(_length, action.path.parts)) + _STEP * (len(action.path.parts) - 1)
    if action.clause in ("SET", "ADD") and action.operand is not None:
        return _ASSIGNMENT + target + _operand(action.operand)
    return _REMOVAL + target


def _operand(operand: Operand) -> int:
    match operand:
        case Value(kind, body):
            return value_size(thaw((kind, body)))
        case Path(parts):
            return _READ + sum(_READ_STEP + _length(part) for part in parts)
        case Arithmetic(operator, left, right):
            return _OPERATORS[operator] + _operand(left) + _operand(right)
        case Call(function, arguments):
            return _OPERATORS[function] + sum(map(_operand, arguments))


def _length(part: Any) -> int:
    return len(str(part).encode())
