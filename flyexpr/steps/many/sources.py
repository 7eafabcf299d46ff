"""What bulk work takes its operations from, and by what a journal knows it again: a digest of all that is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.requests.operations import DeleteItem, PutItem
from flyexpr.requests.writers import writer
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.stored_values import encoded_value
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import CHUNK, Bulk
from flyexpr.steps.step import Steps
from flyexpr.values.encode import encode_item

O = TypeVar("O", bound=PutItem | DeleteItem)  # noqa: E741
T = TypeVar("T")


class Earlier:
    """What an earlier run has done of things that come in an order: the first ones, but for some.

    >>> earlier = Earlier({"taken": 4, "left": [1, 3]})
    >>> earlier.done, [*earlier.open(iter("abcdef"))]
    (2, ['b', 'd', 'e', 'f'])
    >>> earlier.mark(5, left=[2, 4])
    {'taken': 5, 'left': [1, 4]}

    `done` is how many it has done. From there on this run counts the things that are open, as they come: above, "b" is
    number 2. A mark says the same in the places that the things have among all of them.
    """

    def __init__(self, mark: Mapping[str, Any] | None) -> None:
        self._taken: int = mark["taken"] if mark else 0
        self._left: list[int] = mark["left"] if mark else []
        self.done = self._taken - len(self._left)

    def open(self, things: Iterator[T]) -> Iterator[T]:
        """What the earlier run has left, and then what comes after all that it took, which is passed over at once."""
        left = {*self._left}
        return chain([each for number, each in enumerate(islice(things, self._taken)) if number in left], things)

    def mark(self, number: int, left: Iterable[int] = ()) -> dict[str, Any]:
        """The mark for all things up to a number that are done, but for some."""
        places = [*map(self._place, left), *map(self._place, range(number, self._taken))]
        return {"taken": max(number, self._taken), "left": places}

    def _place(self, number: int) -> int:
        return self._left[number - self.done] if number < self._taken else number


class Source(Generic[O]):
    """Operations in their order; of each it is known whether it is done.

    >>> source = Source(Table("t", "id"), [put_item({"id": "a"}), put_item({"id": "b"})], Bulk())
    >>> len([*source.left]), source.begun, source.is_resumed
    (2, 0, False)

    `left` are those that are to be done: a list if a list was given. `begun` is how many an earlier run has done; the
    numbers of those that are left go on from there.
    """

    def __init__(self, table: Table[Any], operations: Iterable[O], bulk: Bulk) -> None:
        self._table, self._bulk = table, bulk
        self.left: Iterable[O] = operations
        self._earlier, self._entered = Earlier(None), 0
        self.is_resumed = False
        self._taken = deque[bytes]()  # a digest of each operation that is taken and not entered
        self._sum: Any = None  # the hash of all digests before them

    @property
    def begun(self) -> int:
        """How many operations an earlier run has done."""
        return self._earlier.done

    def resumed(self, call: str, facts: Mapping[str, Any]) -> Steps[None]:
        """Passes over what an earlier run has done; FlyexprError if that run was given other operations."""
        if not self._bulk.has_journal:
            return
        mark = yield from self._bulk.resumed(self._table, call, facts)
        listed = isinstance(self.left, (list, tuple))
        self._earlier, self.is_resumed = Earlier(mark), mark is not None
        left = self._earlier.open(self._watched(self.left))
        if mark is None:
            yield from self.enter(0)
        elif self._digest_after(mark["taken"]) != mark["digest"]:
            raise FlyexprError(
                f"the journal belongs to other items: the first {mark['taken']:,} are not those that it knows\n"
                "  hint: give the items in the same order as before, or give these a journal of their own"
            )
        self.left = [*left] if listed else left

    def _watched(self, given: Iterable[O]) -> Iterator[O]:
        for operation in given:
            self._taken.append(_digest(self._table, operation))
            yield operation

    def done(self, number: int) -> Steps[None]:
        """Takes note that so many operations are done, and makes an entry in the journal now and then."""
        if number >= self._entered + CHUNK:
            yield from self.enter(number)

    def enter(self, number: int, left: Iterable[int] = ()) -> Steps[None]:
        """Writes into the journal, if there is one, that so many operations are done, but for some."""
        if self._bulk.has_journal:
            mark = self._earlier.mark(number, left)
            yield from self._bulk.enter(mark | {"digest": self._digest_after(mark["taken"])})

    def _digest_after(self, number: int) -> str:
        from hashlib import sha256  # only work with a journal needs it

        self._sum = self._sum or sha256()
        for _ in range(min(number - self._entered, len(self._taken))):
            self._sum.update(self._taken.popleft())
        self._entered = number
        return str(self._sum.hexdigest())


def _digest(table: Table[Any], operation: PutItem | DeleteItem) -> bytes:
    """The digest of an operation as it was given, without defaults, which may be others the next time."""
    from hashlib import sha256

    try:
        text = _text(writer(table, operation), operation)
    except (FlyexprError, TypeError, AttributeError, RecursionError):
        text = ""  # it will be refused
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _text(table: Table[Any], operation: PutItem | DeleteItem) -> str:
    if isinstance(operation, DeleteItem):
        return f"delete {encode_item(stored_key(table, operation.key))}"
    item = {name: operation.item[name] for name in sorted(operation.item)}
    return encode_item(item | {name: encoded_value(table, name, item[name]) for name in table.codecs if name in item})


def check_key(table: Table[Any], operation: PutItem) -> None:
    """ValidationError for an item whose key is made anew each time; put again after a crash, it would be a second item.

    >>> from flyexpr import Attribute
    >>> table = Table("t", "id", attributes={"id": Attribute(str, default=lambda: "any")})
    >>> check_key(table, put_item({"id": "a"}))
    >>> check_key(table, put_item({"n": 1}))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `id`: with journal= each item needs its key, since its default makes another one
    """
    by = writer(table, operation)
    names = [*by.keys, *(part for name in by.keys if name in by.derived for part in by.derived[name].parts)]
    for name in names:
        if name not in operation.item and name in by.rules and callable(by.rules[name].default):
            raise ValidationError("with journal= each item needs its key, since its default makes another one", at=name)
