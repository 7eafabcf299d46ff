"""An update that makes the maps it needs: one request where they are there, two where they are not.

Each request is guarded by what it takes the parents to be, so that nobody's map is written over; when the guard fails,
the item that the service gives back says what is really there, and the next request is made for that.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from flyexpr.errors import ConditionFailed, ExpressionError
from flyexpr.interpret.evaluate import matches
from flyexpr.interpret.show import show
from flyexpr.lower import lower_condition
from flyexpr.nodes import Action, And, Condition, Path, Step, Test, Update, Value, joined
from flyexpr.operations import UpdateItem
from flyexpr.parts import fill
from flyexpr.records import replace
from flyexpr.requests import Request, item_request
from flyexpr.tables import Table
from flyexpr.values import Item, decode_item, freeze_constant, thaw

ATTEMPTS = 10


def makes_parents(operation: UpdateItem) -> bool:
    """Whether any action of the update is to make its parents.

    >>> makes_parents(update_item("a", assign("a.b", 1, parents=True)))
    True
    """
    return any(action.parents for action in operation.update.actions)


class ParentUpdating:
    """Such an update under way.

    >>> updating = ParentUpdating(Table("t", "id"), update_item("x", assign("a.b", 1, parents=True)))
    >>> show(updating.operation.update), show(updating.operation.condition)
    ('SET a.b = 1', "attribute_type(a, 'M')")
    >>> updating.refused(DynamoError.of("ConditionalCheckFailedException", "", {"Item": {"id": {"S": "x"}}}))
    >>> show(updating.operation.update), show(updating.operation.condition)
    ("SET a = {'b': 1}", 'attribute_not_exists(a)')
    """

    def __init__(self, table: Table, operation: UpdateItem) -> None:
        self.table, self._asked, self._attempts = table, operation, 0
        self._actions = operation.update.actions
        for action in self._actions:
            if action.parents and not isinstance(action.operand, Value):
                raise ExpressionError("parents=True needs a constant value", expression=show(operation.update))
        self.operation = self._for_present_parents()

    def request(self) -> Request:
        """The request to send next."""
        return item_request(self.table, self.operation)

    def refused(self, error: ConditionFailed) -> None:
        """Takes note of what is really there; raises the error when it is not for the parents."""
        self._attempts += 1
        found = error.fields.get("Item")
        item = decode_item(copy.deepcopy(found)) if found else {}
        asked = self._asked.condition
        if self._attempts >= ATTEMPTS or (
            asked is not None and not matches(lower_condition(self.table, asked), fill(self.table, dict(item)))
        ):
            raise error
        self.operation = self._for_item(item)

    def _for_present_parents(self) -> UpdateItem:
        guards = [_is_map(action.path.parts[:-1]) for action in self._actions if action.parents]
        return self._guarded(tuple(_plain(action) for action in self._actions), guards)

    def _for_item(self, item: Item) -> UpdateItem:
        actions: list[Action] = []
        made: dict[tuple[Step, ...], dict[str, Any]] = {}
        guards: list[Condition] = []
        for action in self._actions:
            present = _present(action.path, item) if action.parents else len(action.path.parts) - 1
            if action.parents and present:
                guards.append(_is_map(action.path.parts[:present]))
            if present == len(action.path.parts) - 1:
                actions.append(_plain(action))
            else:
                _put_inside(made, action, present + 1)
        for place, content in made.items():
            actions.append(Action("SET", Path(place), Value(*freeze_constant(content))))
            guards.append(Test("attribute_not_exists", (Path(place),)))
        return self._guarded(tuple(actions), guards)

    def _guarded(self, actions: tuple[Action, ...], guards: list[Condition]) -> UpdateItem:
        own = [] if self._asked.condition is None else [self._asked.condition]
        return replace(self._asked, update=Update(actions), condition=joined(And, [*own, *dict.fromkeys(guards)]))


def _present(path: Path, item: Item) -> int:
    """How many leading steps of the path are there, up to its last parent; an ExpressionError where one is no map."""
    found: Any = item
    for count, step in enumerate(path.parts[:-1]):
        inside = isinstance(found, Mapping) if isinstance(step, str) else isinstance(found, list)
        if not inside or (isinstance(step, int) and step >= len(found)):
            raise ExpressionError(
                f"`{show(Path(path.parts[: count + 1]))}` cannot be made: what it would stand in is no map",
                expression=show(path),
            )
        if isinstance(step, str) and step not in found:
            return _makeable(path, count)
        found = found[step]
    if not isinstance(found, Mapping):
        raise ExpressionError(f"`{show(Path(path.parts[:-1]))}` is there and no map", expression=show(path))
    return len(path.parts) - 1


def _makeable(path: Path, count: int) -> int:
    if any(isinstance(step, int) for step in path.parts[count + 1 :]):
        raise ExpressionError("only maps are made on the way to a target, no lists", expression=show(path))
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
