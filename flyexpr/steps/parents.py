"""An update that makes the maps it needs: one request where they exist, two where they do not.

Each request is guarded by what it assumes of the parents, so it writes over no map. When the guard fails, the service
gives back the item as it is, and the next request is made for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.errors import ConditionFailed, ExpressionError
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Action, And, Condition, Path, Step, Test, Update, Value, joined
from flyexpr.expressions.show import show
from flyexpr.records import deepcopy, replace
from flyexpr.requests.items import prepared, write_request
from flyexpr.requests.operations import UpdateItem
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.table import Table
from flyexpr.steps.step import Steps
from flyexpr.values.decode import decode_item
from flyexpr.values.freeze import freeze_constant, thaw
from flyexpr.values.types import Item

ATTEMPTS = 10


def makes_parents(operation: UpdateItem) -> bool:
    """Whether any action of the update has to make its parents.

    >>> makes_parents(update_item("a", assign("a.b", 1, parents=True)))
    True
    """
    return any(action.parents for action in operation.update.actions)


def update_with_parents(table: Table, asked: UpdateItem, condition: Condition | None) -> Steps[bytes]:
    """The answer to such an update; `condition` is its own one, in stored types.

    >>> steps = update_with_parents(Table("t", "id"), update_item("x", assign("a.b", 1, parents=True)), None)
    >>> next(steps).body[:75]
    b'{"TableName":"t","Key":{"id":{"S":"x"}},"ReturnValuesOnConditionCheckFailur'
    """
    for action in asked.update.actions:
        if action.parents and not isinstance(action.operand, Value):
            raise ExpressionError("parents=True needs a constant value", expression=show(asked.update))
    operation = _for_present_parents(asked)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            body: bytes = yield write_request(operation, prepared(table, operation))
            return body
        except ConditionFailed as error:
            wire = error.fields.get("Item")
            item = decode_item(deepcopy(wire)) if wire else {}
            if attempt == ATTEMPTS or (condition is not None and not matches(condition, fill(table, dict(item)))):
                raise
            operation = _for_item(asked, item)
    raise AssertionError("the last attempt returns or raises")


def _for_present_parents(asked: UpdateItem) -> UpdateItem:
    """The update for an item that has all of the maps.

    >>> guarded = _for_present_parents(update_item("x", assign("a.b", 1, parents=True)))
    >>> show(guarded.update), show(guarded.condition)
    ('SET a.b = 1', "attribute_type(a, 'M')")
    """
    actions = asked.update.actions
    guards = [_is_map(action.path.parts[:-1]) for action in actions if action.parents]
    return _guarded(asked, map(_plain, actions), guards)


def _for_item(asked: UpdateItem, item: Item) -> UpdateItem:
    """The update for an item that has some of the maps.

    >>> guarded = _for_item(update_item("x", assign("a.b", 1, parents=True)), {"id": "x"})
    >>> show(guarded.update), show(guarded.condition)
    ("SET a = {'b': 1}", 'attribute_not_exists(a)')
    """
    actions: list[Action] = []
    made: dict[tuple[Step, ...], dict[str, Any]] = {}
    guards: list[Condition] = []
    for action in asked.update.actions:
        present = _present(action.path, item) if action.parents else len(action.path.parts) - 1
        if action.parents and present:
            guards.append(_is_map(action.path.parts[:present]))
        if present == len(action.path.parts) - 1:
            actions.append(_plain(action))
        else:
            _put_inside(made, action, present + 1)
    for steps, content in made.items():
        actions.append(Action("SET", Path(steps), Value(*freeze_constant(content))))
        guards.append(Test("attribute_not_exists", (Path(steps),)))
    return _guarded(asked, actions, guards)


def _guarded(asked: UpdateItem, actions: Iterable[Action], guards: list[Condition]) -> UpdateItem:
    conditions = [] if asked.condition is None else [asked.condition]
    return replace(asked, update=Update(tuple(actions)), condition=joined(And, [*conditions, *dict.fromkeys(guards)]))


def _present(path: Path, item: Item) -> int:
    """How many leading steps of the path exist, up to its last parent; an ExpressionError where one is not a map."""
    value: Any = item
    for count, step in enumerate(path.parts[:-1]):
        inside = isinstance(value, Mapping) if isinstance(step, str) else isinstance(value, list)
        if not inside or (isinstance(step, int) and step >= len(value)):
            raise ExpressionError(
                f"`{show(Path(path.parts[: count + 1]))}` cannot be made: what it would stand in is not a map",
                expression=show(path),
            )
        if isinstance(step, str) and step not in value:
            return _makeable(path, count)
        value = value[step]
    if not isinstance(value, Mapping):
        raise ExpressionError(f"`{show(Path(path.parts[:-1]))}` exists and is not a map", expression=show(path))
    return len(path.parts) - 1


def _makeable(path: Path, count: int) -> int:
    if any(isinstance(step, int) for step in path.parts[count + 1 :]):
        raise ExpressionError("only maps are made on the way to a target, not lists", expression=show(path))
    return count


def _put_inside(made: dict[tuple[Step, ...], dict[str, Any]], action: Action, depth: int) -> None:
    """Adds an action's value to the new map at the first `depth` steps of its path."""
    level = made.setdefault(action.path.parts[:depth], {})
    *between, last = action.path.parts[depth:]
    for step in between:
        level = level.setdefault(str(step), {})
    assert isinstance(action.operand, Value)
    level[str(last)] = thaw((action.operand.kind, action.operand.body))


def _is_map(parts: tuple[Step, ...]) -> Condition:
    return Test("attribute_type", (Path(parts), Value("S", "M")))


def _plain(action: Action) -> Action:
    return replace(action, parents=False)
