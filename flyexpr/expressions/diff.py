"""The update that turns one item into another, and the condition that an item has not changed since it was read."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from enum import Enum
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.expressions.nodes import Action, And, Compare, Condition, Operand, Path, Step, Test, Update, Value, joined
from flyexpr.expressions.terms import operand, path_of
from flyexpr.values.encode import encode
from flyexpr.values.foreign import meaning, standard
from flyexpr.values.freeze import freeze_constant, thaw
from flyexpr.values.numbers import EXACT, number, number_text
from flyexpr.values.types import MISSING, Frozen, find


def diff(old: Mapping[str, Any], new: Mapping[str, Any], *, incr: bool = False) -> Update:
    """The smallest update that turns `old` into `new`: it goes into lists and maps, and leaves out what stays the same.

    >>> show(diff({"a": 1, "info": {"x": 1, "y": 2}}, {"info": {"x": 1, "y": 3}, "b": [1]}))
    'SET info.y = 3, b = [1] REMOVE a'
    >>> show(diff({"tags": {"hot"}}, {"tags": set()}))
    'REMOVE tags'
    >>> show(diff({"wins": 3, "log": ["a"]}, {"wins": 5, "log": ["a", "b"]}, incr=True))
    "SET log[1] = 'b' ADD wins 2"
    >>> diff({"a": 1}, {"a": 1.0}).actions
    ()

    With `incr`, a number that changed is added to and not set, so that others may add to it at the same time. Equality
    is DynamoDB's: 1 and 1.0 are the same, 1 and True are not.
    """
    for item in (old, new):
        _need_item("diff", item)
    return difference(old, new, incr)


def difference(
    old: Mapping[str, Any], new: Mapping[str, Any], incr: bool = False, whole: Container[str] = ()
) -> Update:
    """The same as `diff`, but attributes whose names are in `whole` are set as a whole.

    >>> show(difference({"m": {"a": 1, "b": "x" * 9}}, {"m": {"a": 2, "b": "x" * 9}}, whole=["m"]))
    "SET m = {'a': 2, 'b': 'xxxxxxxxx'}"
    """
    actions = tuple(_changed_members((), old, new, incr, whole))
    try:
        compile(Update(actions), Placeholders())
    except ExpressionError:  # more text than a request holds: set each attribute as a whole
        actions = tuple(_changed_members((), old, new, incr, new))
    return Update(actions)


def unchanged(old: Mapping[str, Any], *paths: Any) -> Condition:
    """True while an item has the same values at these paths as `old`; without paths, in all attributes of `old`.

    >>> item = {"userid": "abc", "wins": 3, "info": {"seen": True}}
    >>> show(unchanged(item, "wins", "info.seen", "losses"))
    'wins = 3 AND info.seen = true AND attribute_not_exists(losses)'
    >>> show(unchanged(item))
    "userid = 'abc' AND wins = 3 AND info = {'seen': true}"
    """
    _need_item("unchanged", old)
    wanted = [path_of(path) for path in paths] or [Path((name,)) for name in old]
    return joined(And, [_still(path, old) for path in wanted])


def _need_item(function: str, item: Any) -> None:
    if not isinstance(item, Mapping):
        raise TypeError(f"{function} takes items, such as {{'wins': 1}}, not {item!r}; an item that is missing is {{}}")


def _still(path: Path, old: Mapping[str, Any]) -> Condition:
    value = find(path.parts, old)
    return Test("attribute_not_exists", (path,)) if value is MISSING else Compare("=", path, operand(value))


def _changed_members(
    path: tuple[Step, ...],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    incr: bool,
    whole: Container[str] = (),
) -> Iterator[Action]:
    for name, value in new.items():
        here = (*path, name)
        if is_empty_set(value):
            continue  # DynamoDB has no such value: its DELETE removes the attribute with the last member
        if name not in old:
            yield _set(here, value)
        elif _meaning(old[name]) != _meaning(value):
            yield from [_set(here, value)] if name in whole else _change(here, old[name], value, incr)
    for name in old:
        if name not in new or is_empty_set(new[name]):
            yield Action("REMOVE", Path((*path, name)), None)


def is_empty_set(value: Any) -> bool:
    """Whether a value is a set without members; DynamoDB has no such value, so it stands for a missing attribute.

    >>> is_empty_set(frozenset()), is_empty_set({1})
    (True, False)
    """
    return isinstance(value, (set, frozenset)) and not value


def _meaning(value: Any) -> Frozen:
    """A value's meaning; a value of a type that only a table's Codec knows is compared by its own `==`."""
    try:
        return meaning(value)
    except ValidationError:
        return freeze_constant(standard(value))


def _change(path: tuple[Step, ...], old: Any, new: Any, incr: bool) -> list[Action]:
    """The cheaper of changes inside the value and a new value for the whole; an increment counts as the cheapest."""
    whole = [_set(path, new)]
    inside = _change_inside(path, old, new, incr)
    if inside is None:
        return whole
    return inside if _cost(inside) <= _cost(whole) or (incr and any(map(_is_increment, inside))) else whole


def _is_increment(action: Action) -> bool:
    return action.clause == "ADD" and isinstance(action.operand, Value) and action.operand.kind == "N"


def _change_inside(path: tuple[Step, ...], old: Any, new: Any, incr: bool) -> list[Action] | None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return list(_changed_members(path, old, new, incr))
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return list(_changed_elements(path, old, new, incr))
    if isinstance(old, (set, frozenset)) and isinstance(new, (set, frozenset)) and _meaning(old)[0] == _meaning(new)[0]:
        return _changed_set(path, old, new)
    if incr and _is_number(old) and _is_number(new):
        return _increment(path, _meaning(old)[1], _meaning(new)[1])
    return None


def _changed_elements(path: tuple[Step, ...], old: Any, new: Any, incr: bool) -> Iterator[Action]:
    """Actions for what lies between the start and the end that both lists have in common."""
    start = _common(zip(old, new, strict=False))
    end = min(_common(zip(reversed(old), reversed(new), strict=False)), min(len(old), len(new)) - start)
    if len(new) > len(old):
        end = 0  # an update cannot insert between elements, it only appends
    shared = min(len(old), len(new)) - end
    for index in range(start, shared):
        if _meaning(old[index]) != _meaning(new[index]):
            yield from _change((*path, index), old[index], new[index], incr)
    for index in range(shared, len(new) - end):
        yield _set((*path, index), new[index])
    for index in range(shared, len(old) - end):
        yield Action("REMOVE", Path((*path, index)), None)


def _common(pairs: Any) -> int:
    count = 0
    for one, other in pairs:
        if _meaning(one) != _meaning(other):
            break
        count += 1
    return count


def _changed_set(path: tuple[Step, ...], old: Any, new: Any) -> list[Action] | None:
    """An ADD or DELETE of the members that differ, as they were given: how they are stored is for the table to say."""
    before, after = ({_meaning(member): member for member in members} for members in (old, new))
    added = {member for frozen, member in after.items() if frozen not in before}
    removed = {member for frozen, member in before.items() if frozen not in after}
    if added and removed:
        return None  # an update takes a path only once
    return [Action("ADD" if added else "DELETE", Path(path), Value(*freeze_constant(added or removed)))]


def _is_number(value: Any) -> bool:
    return not isinstance(value, Enum) and _meaning(value)[0] == "N"


def _increment(path: tuple[Step, ...], old: Any, new: Any) -> list[Action] | None:
    try:
        by = number(number_text(EXACT.subtract(new, old)))
    except ArithmeticError:
        return None
    return [Action("ADD", Path(path), Value("N", by))]


def _set(path: tuple[Step, ...], value: Any) -> Action:
    return Action("SET", Path(path), operand(value))


def _cost(actions: list[Action]) -> int:
    """Roughly the bytes that the actions add to a request."""
    return sum(4 * len(action.path.parts) + _bytes(action.operand) for action in actions)


def _bytes(operand: Operand | None) -> int:
    if not isinstance(operand, Value):
        return 0
    value = thaw((operand.kind, operand.body))
    try:
        return 8 + len(encode(standard(value)))
    except ValidationError:
        return 8 + len(repr(value))
