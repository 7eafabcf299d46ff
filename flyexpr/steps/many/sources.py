"""What bulk work takes its operations from, and by what a journal knows it again: a digest of all that is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.requests.operations import DeleteItem, PutItem
from flyexpr.requests.writers import writer
from flyexpr.schema.stored_items import encoded_value, stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import CHUNK, Bulk
from flyexpr.steps.step import Steps
from flyexpr.values.encode import encode_item

O = TypeVar("O", bound=PutItem | DeleteItem)  # noqa: E741


class Source(Generic[O]):
    """Operations in their order; of each it is known whether it is done.

    >>> source = Source(Table("t", "id"), [put_item({"id": "a"}), put_item({"id": "b"})], Bulk())
    >>> len([*source.left]), source.begun, source.is_resumed
    (2, 0, False)

    `left` are those that are to be done: a list if a list was given. `begun` is how many an earlier run has done.
    """

    def __init__(self, table: Table[Any], operations: Iterable[O], bulk: Bulk) -> None:
        self._table, self._bulk = table, bulk
        self.left: Iterable[O] = operations
        self.begun = self._entered = 0
        self.is_resumed = False
        self._taken = deque[bytes]()  # a digest of each operation that is taken and not entered
        self._sum: Any = None  # the hash of all digests before them

    def resumed(self, call: str, facts: Mapping[str, Any]) -> Steps[None]:
        """Passes over what an earlier run has done; FlyexprError if that run was given other operations."""
        if not self._bulk.has_journal:
            return
        mark = yield from self._bulk.resumed(self._table, call, facts)
        listed = isinstance(self.left, (list, tuple))
        given = iter(self.left)
        if mark is None:
            yield from self.enter(0)
        else:
            self.is_resumed, self.begun = True, mark["taken"]
            deque(self._watched(islice(given, self.begun)), 0)
            if self._digest_after(self.begun) != mark["digest"]:
                raise FlyexprError(
                    f"the journal belongs to other items: the first {self.begun:,} are not those that it knows\n"
                    "  hint: give the items in the same order as before, or give these a journal of their own"
                )
        left = self._watched(given)
        self.left = [*left] if listed else left

    def _watched(self, given: Iterable[O]) -> Iterator[O]:
        for operation in given:
            self._taken.append(_digest(self._table, operation))
            yield operation

    def done(self, number: int) -> Steps[None]:
        """Takes note that so many operations are done, and makes an entry in the journal now and then."""
        if number >= self._entered + CHUNK:
            yield from self.enter(number)

    def enter(self, number: int) -> Steps[None]:
        """Writes into the journal, if there is one, that so many operations are done."""
        if self._bulk.has_journal:
            yield from self._bulk.enter({"taken": number, "digest": self._digest_after(number)})

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
