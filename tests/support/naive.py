"""DynamoDB's rules over wire values, in the simplest code: the other side of the laws.

It is written from DynamoDB's documents alone and imports nothing of flyexpr, so that a mistake there is not repeated
here. `naive_text.read` gives the expressions of a request as nested tuples; this module evaluates them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import operator
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy
from decimal import Context, Decimal
from typing import Any

Wire = dict[str, Any]  # {"S": "a"}
Item = dict[str, Wire]
Steps = tuple[Any, ...]


class Refused(Exception):
    """DynamoDB would answer with a ValidationException."""

    code = "ValidationException"


def need(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


# values

SIGNIFICANT, EXACT = 38, Context(prec=400)
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
SCALARS: dict[str, Callable[[Any], Any]] = {"S": lambda text: text.encode(), "N": Decimal, "B": b64decode}
SETS = ("SS", "NS", "BS")
SIZED = ("S", "B", "L", "M", *SETS)
KINDS = (*SCALARS, *SETS, "L", "M", "BOOL", "NULL")


def wire(value: Any) -> Wire:
    """The wire form of a plain value."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": b64encode(value).decode()}
        case list():
            return {"L": [wire(member) for member in value]}
        case dict():
            return {"M": wire_item(value)}
    members = [wire(member) for member in value]
    kind = next(iter(members[0]))
    return {kind + "S": [member[kind] for member in members]}


def wire_item(item: dict[str, Any]) -> Item:
    return {name: wire(value) for name, value in item.items()}


def meaning(value: Wire) -> tuple[str, Any]:
    """A value that compares as in DynamoDB: numbers by value, sets in any order, strings by their UTF-8 bytes."""
    [(kind, body)] = value.items()
    if kind in SCALARS:
        return kind, SCALARS[kind](body)
    if kind in SETS:
        return kind, frozenset(map(SCALARS[kind[0]], body))
    if kind == "L":
        return kind, tuple(map(meaning, body))
    return kind, item_meaning(body) if kind == "M" else body


def item_meaning(item: Item) -> frozenset[Any]:
    return frozenset((name, meaning(value)) for name, value in item.items())


def check_value(value: Wire, level: int = 1) -> None:
    """Raises Refused unless the value can be stored."""
    need(len(value) == 1 and value.keys() <= {*KINDS}, "a value has one type")
    [(kind, body)] = value.items()
    need(level <= 32, "nesting levels")
    need(kind != "NULL" or body is True, "NULL is true")
    if kind == "N":
        check_number(body)
    elif kind in SETS:
        for member in body:
            check_value({kind[0]: member}, level)
        need(body and len(meaning(value)[1]) == len(body), "a set is not empty and has no duplicates")
    elif kind in ("L", "M"):
        need(kind == "L" or "" not in body, "Empty attribute name")
        for member in body if kind == "L" else body.values():
            check_value(member, level + 1)


def check_item(item: Item) -> None:
    need("" not in item, "Empty attribute name")
    for value in item.values():
        check_value(value)


def check_number(text: str) -> None:
    need(NUMBER.fullmatch(text), "not a number")
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    need(len(digits) <= SIGNIFICANT, "38 significant digits")
    need(not number or -130 <= number.adjusted() <= 125, "overflow or underflow")


def total(sign: str, left: Wire, right: Wire) -> Wire:
    need("N" in left and "N" in right, "an operand has an incorrect data type")
    amount = Decimal(right["N"]) if sign == "+" else Decimal(right["N"]).copy_negate()
    text = format(EXACT.add(Decimal(left["N"]), amount), "f")
    check_number(text)
    return {"N": text}


def look(steps: Steps, item: Item) -> Wire | None:
    """The value at a document path; None if there is none."""
    value: Any = {"M": item}
    for step in steps:
        body = value.get("M", {}) if isinstance(step, str) else value.get("L", [])
        if step not in (body if isinstance(step, str) else range(len(body))):
            return None
        value = body[step]
    return value  # type: ignore[no-any-return]


# conditions

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def holds(node: Any, item: Item) -> bool:
    """Whether a condition is true; if there is no item, every attribute is missing."""
    match node:
        case ("or", left, right):
            return holds(left, item) or holds(right, item)
        case ("and", left, right):
            return holds(left, item) and holds(right, item)
        case ("not", part):
            return not holds(part, item)
        case ("group", part):
            return holds(part, item)
        case ("compare", sign, left, right):
            return compared(sign, result(left, item), result(right, item))
        case ("between", operand, low, high):
            return holds(("compare", "<=", low, operand), item) and holds(("compare", "<=", operand, high), item)
        case ("in", operand, options):
            return any(holds(("compare", "=", operand, option), item) for option in options)
        case ("call", function, arguments):
            return true_of(function, *[result(argument, item) for argument in arguments])
    raise AssertionError(node)


def result(node: Any, item: Item) -> Any:
    """The value of an operand; None if it has none."""
    if node[0] == "call":
        return size(result(node[2][0], item))
    value = node[1] if node[0] == "value" else look(node[1], item)
    return None if value is None else meaning(value)


def compared(sign: str, left: Any, right: Any) -> bool:
    if sign in ("=", "<>"):
        return (left is not None and left == right) is (sign == "=")
    if left is None or right is None or left[0] != right[0] or left[0] not in SCALARS:
        return False
    return bool(COMPARE[sign](left[1], right[1]))


def true_of(function: str, value: Any, other: Any = None) -> bool:
    if function == "attribute_not_exists":
        return value is None
    if value is None or other is None:
        return function == "attribute_exists" and value is not None
    if function == "attribute_type":
        return bool(value[0] == other[1].decode())
    if function == "contains" and value[0] in ("L", *SETS):
        return other in value[1] if value[0] == "L" else value[0] == other[0] + "S" and other[1] in value[1]
    if value[0] != other[0] or value[0] not in ("S", "B"):
        return False
    return other[1] in value[1] if function == "contains" else bool(value[1][: len(other[1])] == other[1])


def size(value: Any) -> Any:
    """The number of UTF-16 units of a string, or of bytes, members, elements or entries."""
    if value is None or value[0] not in SIZED:
        return None
    return "N", Decimal(len(value[1]) if value[0] != "S" else len(value[1].decode().encode("utf-16-le")) // 2)


# projections


def projected(paths: list[Steps], item: Item) -> Item:
    """The part of the item that the paths lead to; in lists, the elements move up to close gaps."""
    found = _picked(paths, {"M": item})
    return {} if found is None else found["M"]


def _picked(paths: list[Steps], value: Wire) -> Wire | None:
    if () in paths:
        return value
    [(kind, body)] = value.items()
    if kind not in ("M", "L"):
        return None
    kept = {}
    for step, member in body.items() if kind == "M" else enumerate(body):
        below = [path[1:] for path in paths if path[0] == step and type(path[0]) is type(step)]
        picked = _picked(below, member) if below else None
        if picked is not None:
            kept[step] = picked
    return ({kind: kept} if kind == "M" else {kind: [*kept.values()]}) if kept else None


# updates

_GONE: Any = {"GONE": True}  # stands in a list until every index has been used
_NO_PARENT = "The document path provided in the update expression is invalid for update"


def updated(actions: Any, item: Item | None, key: Item) -> Item | None:
    """The item after an update: all values and all list indexes are those of the item before it."""
    if item is None and all(clause in ("REMOVE", "DELETE") for clause, _, _ in actions):
        return None
    old = key if item is None else item
    new, past = deepcopy(old), []
    for clause, steps, node in actions:
        value, parent = _made(clause, steps, node, old), look(steps[:-1], new) if steps[1:] else {"M": new}
        need(parent is not None and ("M" if isinstance(steps[-1], str) else "L") in parent, _NO_PARENT)
        body = parent["M" if isinstance(steps[-1], str) else "L"]  # type: ignore[index]
        if isinstance(steps[-1], int) and steps[-1] >= len(body):
            past.append((steps[-1], body, value))
        elif isinstance(steps[-1], int) or value is not _GONE:
            body[steps[-1]] = value
        else:
            body.pop(steps[-1], None)
    for _, body, value in sorted(past, key=lambda each: each[0]):
        body.append(value)
    found: Item = _without_gone({"M": new})["M"]
    check_item(found)
    return found


def _without_gone(value: Wire) -> Wire:
    [(kind, body)] = value.items()
    if kind == "L":
        return {kind: [_without_gone(member) for member in body if member is not _GONE]}
    return {kind: {name: _without_gone(member) for name, member in body.items()}} if kind == "M" else value


def _made(clause: str, steps: Steps, node: Any, item: Item) -> Wire:
    """The value that one action puts at its path."""
    old = look(steps, item)
    if clause == "REMOVE" or clause == "DELETE" and old is None:
        return _GONE
    if clause == "SET" or old is None:
        return _assigned(node, item)
    if "N" in node[1]:
        return total("+", old, node[1])
    [(kind, members)] = node[1].items()
    need(kind in old, "An operand in the update expression has an incorrect data type")
    scalar, given = SCALARS[kind[0]], meaning(node[1])[1]
    kept = [member for member in old[kind] if scalar(member) not in given]
    left = kept + members if clause == "ADD" else kept
    return {kind: left} if left else _GONE


def _assigned(node: Any, item: Item) -> Wire:
    match node:
        case ("value", value):
            return deepcopy(value)  # type: ignore[no-any-return]
        case ("path", steps):
            found = look(steps, item)
            need(found is not None, "The provided expression refers to an attribute that does not exist in the item")
            return deepcopy(found)  # type: ignore[return-value]
        case ("sum", sign, left, right):
            return total(sign, _assigned(left, item), _assigned(right, item))
        case ("call", "if_not_exists", [(_, steps), other]):
            default = _assigned(other, item)  # evaluated first: a missing operand is refused even if it is not needed
            return deepcopy(look(steps, item) or default)
        case ("call", "list_append", [first, second]):
            lists = [_assigned(part, item) for part in (first, second)]
            need(all("L" in each for each in lists), "An operand in the update expression has an incorrect data type")
            return {"L": lists[0]["L"] + lists[1]["L"]}
    raise AssertionError(node)
