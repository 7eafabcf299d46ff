"""Items brought from one image to another, each only where it is still as the first one says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from flyexpr.changes.change import Change
from flyexpr.errors import ConditionFailed, FlyexprError
from flyexpr.expressions.conditions import not_exists
from flyexpr.expressions.diff import difference
from flyexpr.expressions.nodes import Path
from flyexpr.records import record
from flyexpr.requests.operations import DeleteItem, GetItem, PutItem, UpdateItem
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk, check_callback, each
from flyexpr.steps.guarded import guarded
from flyexpr.steps.items import get, write
from flyexpr.steps.many.sources import Earlier
from flyexpr.steps.modify import guard
from flyexpr.steps.step import Steps
from flyexpr.values.freeze import freeze
from flyexpr.values.types import Item
from flyexpr.values.wire_json import item_of_wire

OnRefused = Callable[[Change, Item | None], object]
_CHUNK = 100  # items that are done before the next ones are looked at; no two of them have the same key


@record
class Swap:
    """The key of an item, and the item as it is stored before and after; None where there is none.

    >>> Swap({"id": "a"}, None, {"id": "a"}).old is None
    True
    """

    key: Item
    old: Item | None
    new: Item | None


def swap_of(change: Change, *, back: bool = False) -> Swap:
    """What a change does, or `back`, what takes it back; in stored types.

    >>> image = {"Keys": {"id": {"S": "a"}}, "NewImage": {"id": {"S": "a"}}}
    >>> swap_of(Change("INSERT", "t", "1", None, False, image, Table("t", "id")), back=True).new is None
    True
    """
    key = item_of_wire(change.image["Keys"], "Keys")
    if key.keys() != {*change.by.keys}:
        raise FlyexprError(f"{change.by.name!r} has the key {', '.join(change.by.keys)}, and a change {', '.join(key)}")
    old, new = _image(change, "OldImage"), _image(change, "NewImage")
    if any(image is not None and image.get(name) != key[name] for image in (old, new) for name in key):
        raise FlyexprError(f"a change of {key} in {change.by.name!r} has the image of another item")
    return Swap(key, new, old) if back else Swap(key, old, new)


def is_same(one: Item | None, other: Item | None) -> bool:
    """Whether two stored items are equal by DynamoDB's rules.

    >>> is_same({"id": "a", "n": 1}, {"n": 1.0, "id": "a"}), is_same(None, {})
    (True, False)
    """
    return one is other if one is None or other is None else freeze(one) == freeze(other)


class Swaps:
    """Changes that are done again, or taken back: several at a time; what is refused is reported after each hundred.

    >>> next(Swaps(scores, None, Bulk(), "changes").steps([]))
    Traceback (most recent call last):
    ...
    StopIteration

    With `overwrite`, an item is replaced whatever it is; with `dry_run`, none is.
    """

    def __init__(
        self,
        table: Table[Any],
        refused: OnRefused | None,
        bulk: Bulk,
        what: str,
        *,
        back: bool = False,
        overwrite: bool = False,
        dry_run: bool = False,
    ) -> None:
        check_callback("refused", refused, "a change and the item as it is now")
        self._table, self._stored, self._refused, self._bulk, self._what = table, table.as_stored, refused, bulk, what
        self._back, self._overwrite, self._dry_run = back, overwrite, dry_run
        self._failures = list[tuple[Change, Item | None]]()

    def steps(self, changes: Iterable[Change], mark: Mapping[str, Any] | None = None) -> Steps[None]:
        """Does them all, but for those that an earlier run has done by this mark."""
        earlier = Earlier(mark)
        number, changes = earlier.done, earlier.open(iter(changes))

        def enter(left: Iterable[int]) -> Steps[None]:
            self._tell()
            yield from self._bulk.enter(earlier.mark(number, left))

        while chunk := dict(enumerate(islice(changes, _CHUNK), number)):
            number += len(chunk)
            yield from each(self._bulk, self._what, chunk, self._swap, None, (), enter)
            yield from enter(())

    def _swap(self, change: Change) -> Steps[bool]:
        """Whether the item is now as it shall be."""
        swap = swap_of(change, back=self._back)
        if swap.old is None and swap.new is not None and not self._dry_run:  # the usual way needs no look
            try:
                yield from write(self._stored, _write(self._stored, swap.key, None, swap.new))
                return True
            except ConditionFailed:
                pass  # an item is there
        return (yield from guarded(partial(self._look, swap.key), partial(self._exchange, change, swap)))

    def _look(self, key: Item) -> Steps[Item | None]:
        return (yield from get(self._stored, GetItem(key, consistent=True)))

    def _exchange(self, change: Change, swap: Swap, item: Item | None) -> Steps[bool]:
        if is_same(item, swap.new):
            return True
        if not self._overwrite and not is_same(item, swap.old):
            self._failures.append((change, item))
            return False
        if not self._dry_run:
            yield from write(self._stored, _write(self._stored, swap.key, item, swap.new))
        return True

    def _tell(self) -> None:
        failures, self._failures = self._failures, []
        if self._refused is not None:
            for change, item in failures:
                self._refused(change, item)


def _write(table: Table[Any], key: Item, item: Item | None, new: Item | None) -> PutItem | UpdateItem | DeleteItem:
    """The write that makes the item the new one, if nobody has changed it since; they are not the same."""
    if new is None:
        return DeleteItem(key, guard(table, item))
    if item is None:
        return PutItem(new, not_exists(Path((table.partition_key,))))
    return UpdateItem(key, difference(item, new), guard(table, item, new))


def _image(change: Change, side: str) -> Item | None:
    image: Mapping[str, Any] | None = change.image.get(side)
    return None if image is None else item_of_wire(image, side)


def with_effect(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes but for those that leave an item as it was.

    >>> list(with_effect([Change("REMOVE", "t", "1", None, False, {"Keys": {"id": {"S": "a"}}}, Table("t", "id"))]))
    []
    """
    for change in changes:
        swap = swap_of(change)
        if not is_same(swap.old, swap.new):
            yield change
