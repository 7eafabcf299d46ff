"""Batches: as many requests as it takes, what was left unprocessed again after a pause."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from flyexpr.errors import BatchIncomplete, FlyexprError
from flyexpr.expressions.project import project
from flyexpr.requests.batches import BatchMember, batch_get_request, batch_member, batch_request
from flyexpr.requests.operations import BatchGet, BatchWrite, DeleteItem, PutItem
from flyexpr.schema.stored_items import key_of, read_item
from flyexpr.schema.table import Table
from flyexpr.steps.step import Steps, backoff
from flyexpr.values.answers import decoding, fields_of, plain_item
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.kinds import Item

GETS, WRITES = 100, 25  # items of one BatchGetItem, of one BatchWriteItem
ATTEMPTS = 10  # tries of a batch that makes no progress


def batch_get(table: Table, operation: BatchGet) -> Steps[list[Item | None]]:
    """The items in the order of the keys, 100 keys a request, each key once; None for one that is not there.

    >>> steps = batch_get(Table("t", "id"), BatchGet(("a", "b", "a")))
    >>> next(steps).body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}'

    All keys are checked before the first request. BatchIncomplete has the keys that were not read.
    """
    texts = [encode_item(key_of(table, key)) for key in operation.keys]
    waiting, found = list(dict.fromkeys(texts)), dict[str, Item]()
    different, fruitless = len(waiting), 0
    while waiting:
        sent, waiting = waiting[:GETS], waiting[GETS:]
        try:
            body = yield batch_get_request(table, sent, operation)
        except FlyexprError as error:  # also of keys that cannot be fetched again
            left = [*sent, *waiting]
            if len(left) == different:
                raise
            raise _unread(different, left, why=str(error)) from error
        with decoding:
            fields = fields_of(body)
            for wire in (fields.get("Responses") or {}).get(table.name, ()):
                item = plain_item(wire)
                found[encode_item({name: item[name] for name in table.keys})] = item
            again = (fields.get("UnprocessedKeys") or {}).get(table.name, {}).get("Keys", ())
            unprocessed = [encode_item(key_of_wire(table, key)) for key in again]
        waiting = unprocessed + waiting
        fruitless = _tries(fruitless, len(sent) - len(unprocessed), len(unprocessed))
        if fruitless > ATTEMPTS:
            raise _unread(different, waiting)
        if unprocessed:
            yield backoff(fruitless)
    own = copy.deepcopy if different < len(texts) else dict  # an item that is there twice is two dicts
    return [_wanted(table, operation, own(found[text])) if text in found else None for text in texts]


def batch_write(table: Table, operation: BatchWrite) -> Steps[int]:
    """How many operations were done; see `Writing`."""
    return (yield from Writing(table, operation.operations).steps())


def _tries(fruitless: int, done: int, left: int) -> int:
    """How many tries in a row have left something, none of them but the first with any progress."""
    return 0 if not left else 1 if done else fruitless + 1


def _unread(different: int, left: Iterable[str], **why: str) -> BatchIncomplete:
    unread = [decode_item(json.loads(text)) for text in dict.fromkeys(left)]
    return BatchIncomplete(different - len(unread), unread, "reads", **why)


def _wanted(table: Table, operation: BatchGet, item: Item) -> Item:
    wanted = operation.project
    plain = item if wanted is None or table.inverses else project(wanted, item)
    return read_item(table, plain, wanted, item)


def key_of_wire(table: Table, wire: dict[str, Any]) -> Item:
    """The key attributes, in the table's order, of a wire key or item."""
    item = plain_item(wire)
    return {name: item[name] for name in table.keys}


class Writing:
    """The operations of a batch of writes: which are done, which are sent, and which wait.

    >>> writing = Writing(Table("t", "id"), [PutItem({"id": "a"})])
    >>> next(writing.steps()).operation
    'BatchWriteItem'

    A list is checked whole before the first request; of other iterables each request's part, before it is sent.
    """

    def __init__(self, table: Table, operations: Iterable[PutItem | DeleteItem]) -> None:
        self._table, self.written = table, 0
        members = map(self._member, enumerate(operations))
        self._listed = isinstance(operations, (tuple, list))
        self._members: Iterator[BatchMember] = iter(list(members)) if self._listed else members
        self._ahead: BatchMember | None = None  # taken, but for the next request
        self._sent: dict[str, BatchMember] = {}

    def steps(self) -> Steps[int]:
        """How many operations were done, 25 a request; what was left unprocessed is sent again after a pause.

        BatchIncomplete has the operations that are not done.
        """
        fruitless = 0
        while members := self._taken():
            try:
                body = yield batch_request(self._table, members)
            except FlyexprError as error:
                if not self.written:
                    raise
                raise self._incomplete(why=str(error)) from error
            unprocessed = self._note(body)
            fruitless = _tries(fruitless, len(members) - unprocessed, unprocessed)
            if fruitless > ATTEMPTS:
                raise self._incomplete()
            if unprocessed:
                yield backoff(fruitless)
        return self.written

    def _taken(self) -> list[BatchMember]:
        """What to send next: what was left unprocessed, alone, else the next 25; nothing when all is written."""
        if not self._sent:  # a bad element of an iterator must not come in between
            self._fill()
        return list(self._sent.values())

    def _note(self, body: bytes) -> int:
        """Takes note of what the answer leaves unprocessed; how many that is."""
        with decoding:
            left = (fields_of(body).get("UnprocessedItems") or {}).get(self._table.name, ())
            unprocessed = {key: self._sent[key] for key in map(self._key, left)}
        self.written += len(self._sent) - len(unprocessed)
        self._sent = unprocessed
        return len(unprocessed)

    def _incomplete(self, **why: str) -> BatchIncomplete:
        """The error for a batch that ends here, with every operation taken that is not done."""
        ahead = [self._ahead] if self._ahead else []
        rest = self._members if self._listed else ()
        return BatchIncomplete(self.written, [one.operation for one in (*self._sent.values(), *ahead, *rest)], **why)

    def _fill(self) -> None:
        while len(self._sent) < WRITES:
            member = self._ahead or next(self._members, None)
            self._ahead = None
            if member is None:
                return
            if member.key in self._sent:  # one key may stand in a request once; order is kept
                self._ahead = member
                return
            self._sent[member.key] = member

    def _member(self, numbered: tuple[int, PutItem | DeleteItem]) -> BatchMember:
        place, operation = numbered
        try:
            return batch_member(self._table, operation)
        except (FlyexprError, TypeError) as error:
            done = f"; the first {self.written} are written" if self.written else ""
            error.args = (f"{error}\n  in operation {place} of the batch{done}",)
            raise

    def _key(self, wire: dict[str, Any]) -> str:
        (request,) = wire.values()
        return encode_item(key_of_wire(self._table, request.get("Item") or request["Key"]))
