"""Puts of many items, in batches where a batch can hold them, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from flyexpr.errors import ConditionFailed, FlyexprError
from flyexpr.expressions.nodes import Condition
from flyexpr.requests.constructors import put_item
from flyexpr.requests.operations import Operation, PutItem
from flyexpr.schema.derived.derive import key_of
from flyexpr.schema.kinds import kinds_in
from flyexpr.schema.stored_items import stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.batches import Writing
from flyexpr.steps.bulk import Bulk, check_told, each
from flyexpr.steps.items import write
from flyexpr.steps.step import Steps
from flyexpr.values.encode import encode_item

Items = Iterable[Mapping[str, Any]]
Guard = Condition | Callable[[Any], Condition] | None
Refused = Callable[[Any, ConditionFailed], object]

_WAVE = 100  # items with different keys that are put before the next ones are looked at


def put_all(table: Table[Any], items: Items, condition: Guard, refused: Refused | None, bulk: Bulk) -> Steps[int]:
    """How many items were written.

    >>> steps = put_all(Table("t", "id"), [{"id": "a"}, {"id": "b"}], None, None, Bulk())
    >>> next(next(steps).units).send(None).operation
    'BatchWriteItem'
    """
    if isinstance(items, (str, bytes, Mapping, Operation)) or not isinstance(items, Iterable):
        raise TypeError(f"put_all takes a list or iterator of items, not {items!r}")
    if refused is not None and not _goes_alone(table, condition):
        raise TypeError("refused= is called for items that do not meet a condition; give condition= too")
    check_told("refused", refused, "an item and its ConditionFailed")
    return bulk.paced(_put_all(table, items, condition, refused, bulk))


def _put_all(table: Table[Any], items: Items, condition: Guard, refused: Refused | None, bulk: Bulk) -> Steps[int]:
    if not _goes_alone(table, condition):
        plain = [*map(put_item, items)] if isinstance(items, (list, tuple)) else map(put_item, items)
        return (yield from Writing(table, plain).in_bulk(bulk))
    failures = list[tuple[Any, ConditionFailed]]()

    def put(operation: PutItem) -> Steps[bool]:
        try:
            yield from write(table, operation)
        except ConditionFailed as error:
            if condition is None and refused is None:
                raise  # nobody asked whether: the version says that another writer was faster
            failures.append((operation.item, error))
            return False
        return True

    def tell() -> None:
        if refused is not None:
            for item, error in failures:
                refused(item, error)
        failures.clear()

    operations, ahead = _operations(items, condition), list[PutItem]()
    rest = chain(ahead, operations if isinstance(items, (list, tuple)) else ())
    for wave in _waves(table, operations, ahead):
        try:
            yield from each(bulk, "puts", wave, put, None, rest)
        except FlyexprError:
            tell()  # of items that are neither written nor left
            raise
        tell()
    return bulk.done


def _goes_alone(table: Table[Any], condition: Guard) -> bool:
    """Whether each item is put by a request of its own: a batch has neither conditions nor versions."""
    return condition is not None or any(kind.version for kind in kinds_in(table))


def _operations(items: Items, condition: Guard) -> Iterator[PutItem]:
    """The puts of the items; those of a list are made at once, as an error has all that are left."""
    operations = (_guarded(item, condition) for item in items)
    return iter([*operations]) if isinstance(items, (list, tuple)) else operations


def _guarded(item: Any, condition: Guard) -> PutItem:
    guard = condition(item) if callable(condition) else condition
    return put_item(item, condition=guard)


def _waves(table: Table[Any], operations: Iterator[PutItem], ahead: list[PutItem]) -> Iterator[list[PutItem]]:
    """The operations in lists in which no key stands twice, so that they may be done in any order.

    What comes before an element that cannot be put is given before the error. `ahead` holds the operation that is taken
    and not given yet.
    """
    wave = dict[str, PutItem]()
    try:
        for operation in operations:
            ahead[:] = [operation]
            key = encode_item(stored_key(table, key_of(table, operation.item)))
            if key in wave or len(wave) == _WAVE:
                yield [*wave.values()]
                wave = {}
            wave[key] = operation
            ahead.clear()
    except Exception:
        yield [*wave.values()]
        raise
    yield [*wave.values()]
