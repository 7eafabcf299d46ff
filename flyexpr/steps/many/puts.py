"""Puts of many items, in batches where a batch can hold them, else one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from flyexpr.errors import ConditionFailed
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.show import show
from flyexpr.requests.constructors import put_item
from flyexpr.requests.items import prepared
from flyexpr.requests.mistakes import need_table
from flyexpr.requests.operations import GetItem, Operation, PutItem
from flyexpr.requests.writers import writer
from flyexpr.schema.derived.derived_keys import key_of
from flyexpr.schema.kinds import kinds_in
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.batch_writes import write_all
from flyexpr.steps.bulk import Bulk, check_callback, each
from flyexpr.steps.items import get, write
from flyexpr.steps.many.sources import Source, check_key
from flyexpr.steps.step import Steps
from flyexpr.values.encode import encode_item

Items = Iterable[Mapping[str, Any]]
Guard = Condition | Callable[[Any], Condition] | None
OnRefused = Callable[[Any, ConditionFailed], object]

_WAVE = 100  # items with different keys that are put before the next ones are looked at


def put_all(table: Table[Any], items: Items, condition: Guard, refused: OnRefused | None, bulk: Bulk) -> Steps[int]:
    """How many items were written.

    >>> steps = put_all(Table("t", "id"), [{"id": "a"}, {"id": "b"}], None, None, Bulk())
    >>> next(next(steps).units).send(None).operation
    'BatchWriteItem'
    """
    if isinstance(items, (str, bytes, Mapping, Operation)) or not isinstance(items, Iterable):
        raise TypeError(f"put_all takes a list or iterator of items, not {items!r}")
    need_table(table, items)
    if refused is not None and not _goes_alone(table, condition):
        raise TypeError("refused= is called for items that do not meet a condition; give condition= too")
    check_callback("refused", refused, "an item and its ConditionFailed")
    return bulk.paced(_put_all(table, items, condition, refused, bulk))


def _put_all(table: Table[Any], items: Items, condition: Guard, refused: OnRefused | None, bulk: Bulk) -> Steps[int]:
    def operation(item: Any) -> PutItem:
        put = put_item(item, condition=condition(item) if callable(condition) else condition)
        if bulk.has_journal:
            check_key(table, put)
        return put

    operations = [*map(operation, items)] if isinstance(items, (list, tuple)) else map(operation, items)
    if not _goes_alone(table, condition):
        return (yield from write_all(table, operations, bulk, "put_all"))
    source = Source(table, operations, bulk)
    yield from source.resumed("put_all", {"condition": _name(condition)})
    yield from _SinglePuts(table, source, bulk, refused, condition is None and refused is None).steps()
    bulk.close()
    return bulk.done


class _SinglePuts:
    """Puts that go one by one, since each holds only under a condition."""

    def __init__(
        self,
        table: Table[Any],
        source: Source[PutItem],
        bulk: Bulk,
        refused: OnRefused | None,
        raises: bool,
    ) -> None:
        self._table, self._source, self._bulk = table, source, bulk
        self._refused, self._raises = refused, raises
        self._failures = list[tuple[Any, ConditionFailed]]()
        self._number = source.begun  # operations before the wave that is under way
        self._is_doubtful = source.is_resumed  # whether an earlier run may have done this wave, which is its last one

    def steps(self) -> Steps[None]:
        """Puts them all; those of a list that are left stand in the error that ends it."""
        operations, ahead = iter(self._source.left), list[PutItem]()
        rest = chain(ahead, operations if isinstance(self._source.left, (list, tuple)) else ())
        for wave in _waves(self._table, operations, ahead):
            puts, after = dict(enumerate(wave, self._number)), self._number + len(wave)
            yield from each(self._bulk, "puts", puts, self._put, None, rest, partial(self._enter, after))
            yield from self._enter(after)
            self._number, self._is_doubtful = after, False

    def _enter(self, number: int, left: Iterable[int] = ()) -> Steps[None]:
        """Takes note that the puts up to a number are done or refused, but for some; a wave has no key twice."""
        self._tell()
        yield from self._source.enter(number, left)

    def _put(self, operation: PutItem) -> Steps[bool]:
        try:
            yield from write(self._table, operation)
        except ConditionFailed as error:
            if self._is_doubtful and (yield from _is_there(self._table, operation)):
                return True  # by a run that was interrupted before its journal could say so
            if self._raises:
                raise  # nobody asked whether: the version says that another writer was faster
            self._failures.append((operation.item, error))
            return False
        return True

    def _tell(self) -> None:
        if self._refused is not None:
            for item, error in self._failures:
                self._refused(item, error)
        self._failures.clear()


def _is_there(table: Table[Any], operation: PutItem) -> Steps[bool]:
    """Whether the item is in the table exactly as it is to be put; values that defaults make anew may differ."""
    by = writer(table, operation)
    wanted = prepared(by, operation).item or {}
    stored = yield from get(by.as_stored, GetItem(by.key_in(wanted), consistent=True))
    new = {name for name, rule in by.rules.items() if name not in operation.item and callable(rule.default)}
    return stored is not None and _canonical(stored, new) == _canonical(wanted, new)


def _canonical(item: Mapping[str, Any], without: Container[str]) -> Any:
    return json.loads(encode_item({name: value for name, value in item.items() if name not in without}))


def _name(condition: Guard) -> str | None:
    """A condition, or the name of the function that makes it, as a journal knows it."""
    if condition is None or isinstance(condition, Condition):
        return None if condition is None else show(condition)
    return getattr(condition, "__qualname__", type(condition).__qualname__)


def _goes_alone(table: Table[Any], condition: Guard) -> bool:
    """Whether each item is put by a request of its own: a batch has neither conditions nor versions."""
    return condition is not None or any(kind.version for kind in kinds_in(table))


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
