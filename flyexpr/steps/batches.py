"""Batches: as many requests as they take; what the service leaves unprocessed is sent again after a pause."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any

from flyexpr.errors import BatchIncomplete, DynamoError, FlyexprError, ValidationError
from flyexpr.expressions.project import project
from flyexpr.records import copy, deepcopy
from flyexpr.requests.batches import GETS, WRITES, BatchMember, batch_get_request, batch_member, batch_request
from flyexpr.requests.operations import BatchGet, BatchWrite, DeleteItem, PutItem
from flyexpr.requests.request import Request
from flyexpr.schema.known_forms import forms_of
from flyexpr.schema.stored_items import read_item, stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.many.sources import Source
from flyexpr.steps.read import handed_over
from flyexpr.steps.step import Steps, Together, backoff, in_turns
from flyexpr.values.answers import Page, decoding, fields_of, plain_item
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.kinds import Item

AHEAD = 4  # requests for each worker that are made before the first of them is sent
ATTEMPTS = 10  # tries of a batch that makes no progress
_UNSENDABLE = (FlyexprError, TypeError)  # what says that an operation cannot be sent


class Batch(ABC):
    """A batch under way: what waits, what is sent, and what is done."""

    done = 0

    def in_bulk(self, bulk: Bulk, done: Callable[[int], Steps[None]] | None = None) -> Steps[int]:
        """The same, with several parts of the batch under way at the same time; `done` is told how much is done."""
        while parts := self._parts(bulk.workers * AHEAD):
            try:
                yield Together((part.steps() for part in parts), bulk.workers, bulk.note)
            except FlyexprError as error:
                self._join(parts)
                cause = error.__cause__ if isinstance(error, BatchIncomplete) else error
                if cause is error and not self.done:
                    raise
                raise self._incomplete(**({"why": str(cause)} if cause else {})) from cause
            self._join(parts)
            if done is not None:
                yield from done(self.done)
        return self.done

    def steps(self) -> Steps[int]:
        """How many of the batch were done; BatchIncomplete has those that were not."""
        fruitless = 0  # tries in a row that left something and did nothing; the first one counts always
        while sent := self._taken():
            request = self._request(sent)
            try:
                body = yield request
            except FlyexprError as error:
                if not self.done:
                    raise
                raise self._incomplete(why=str(error)) from error
            left = yield from self._note(body)
            fruitless = 0 if not left else 1 if left < len(sent) else fruitless + 1
            if fruitless > ATTEMPTS:
                raise self._incomplete()
            if left:
                yield backoff(fruitless, f"{request.operation}: {left} of {len(sent)} were left unprocessed")
        return self.done

    @abstractmethod
    def _parts(self, most: int) -> list[Any]:
        """Batches of one request each, taken from this one, that may be sent in any order; none when all is done."""

    @abstractmethod
    def _join(self, parts: Sequence[Any]) -> None:
        """Takes note of what the parts have done; what they have not done is part of this batch again."""

    @abstractmethod
    def _taken(self) -> Sequence[Any]:
        """What to send next; nothing when all is done."""

    @abstractmethod
    def _request(self, sent: Sequence[Any]) -> Request:
        """The request that sends it."""

    @abstractmethod
    def _note(self, body: bytes) -> Steps[int]:
        """Takes note of what the answer says; how much it leaves unprocessed."""

    @abstractmethod
    def _incomplete(self, **why: str) -> BatchIncomplete:
        """The error for a batch that ends here, with all that is not done."""


def batch_get(table: Table, operation: BatchGet, bulk: Bulk | None = None) -> Steps[list[Item | None]]:
    """The items in the order of the keys, 100 keys a request, each key once; None for one that is not there.

    >>> steps = batch_get(Table("t", "id"), BatchGet(("a", "b", "a")))
    >>> next(steps).body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}'

    All keys are checked before the first request. BatchIncomplete has the keys that were not read.
    """
    fetching = _Fetching(table, operation)
    yield from (fetching.steps() if bulk is None else fetching.in_bulk(bulk))
    return (yield from fetching.items())


def batch_write(table: Table, operation: BatchWrite, bulk: Bulk | None = None) -> Steps[int]:
    """How many operations were done; see `Writing`."""
    if bulk is None:
        return (yield from Writing(table, operation.operations).steps())
    return (yield from write_all(table, operation.operations, bulk, "batch_write"))


def write_all(table: Table, operations: Iterable[PutItem | DeleteItem], bulk: Bulk, call: str) -> Steps[int]:
    """How many operations were done, in batches side by side; with a journal, those of earlier runs among them."""
    source = Source(table, operations, bulk)
    yield from source.resumed(call, {})
    done = yield from Writing(table, source.left, source.begun).in_bulk(bulk, source.done)
    bulk.close()
    return done


class _Fetching(Batch):
    """The keys of a batch of reads, each as its JSON text."""

    def __init__(self, table: Table, operation: BatchGet) -> None:
        self._table, self._operation = table, operation
        self._asked = [encode_item(stored_key(table, key)) for key in operation.keys]
        self._waiting = list(dict.fromkeys(self._asked))
        self._different, self._sent = len(self._waiting), list[str]()
        self._read, self._bytes = dict[str, Item](), 0  # the items by their keys, and the length of the answers

    def items(self) -> Steps[list[Item | None]]:
        """The items in the order of the keys."""
        own = deepcopy if self._different < len(self._asked) else dict  # an item asked for twice is two dicts
        read, result = self._read, list[Item | None]()

        def take(text: str) -> None:
            result.append(_wanted(self._table, self._operation, own(read[text])) if text in read else None)

        yield from in_turns(self._asked, self._bytes, take)
        return result

    def _parts(self, most: int) -> list[_Fetching]:
        parts = list[_Fetching]()
        while self._waiting and len(parts) < most:
            part = copy(self)  # it adds its items to the same dict
            part._waiting, self._waiting = self._waiting[:GETS], self._waiting[GETS:]
            part._different, part._bytes = len(part._waiting), 0
            parts.append(part)
        return parts

    def _join(self, parts: Sequence[_Fetching]) -> None:
        self._waiting = [text for part in parts for text in (*part._sent, *part._waiting)] + self._waiting
        self._bytes += sum(part._bytes for part in parts)
        self.done = self._different - len(self._waiting)

    def _taken(self) -> Sequence[str]:
        self._sent, self._waiting = self._waiting[:GETS], self._waiting[GETS:]
        return self._sent

    def _request(self, sent: Sequence[str]) -> Request:
        return batch_get_request(self._table, sent, self._operation)

    def _note(self, body: bytes) -> Steps[int]:
        table, keys = self._table, self._table.keys
        page = Page(body, forms_of(table), ("Responses", table.name))

        def take(item: Item) -> None:
            self._read[encode_item({name: item[name] for name in keys})] = item

        with decoding:
            yield from in_turns(page, len(body), take)
            again = (page.rest.get("UnprocessedKeys") or {}).get(table.name, {}).get("Keys", ())
            unprocessed = [encode_item(key_of_wire(table, key)) for key in again]
        self._waiting, self._sent = unprocessed + self._waiting, []
        self._bytes += len(body)
        self.done = self._different - len(self._waiting)
        return len(unprocessed)

    def _incomplete(self, **why: str) -> BatchIncomplete:
        left = dict.fromkeys([*self._sent, *self._waiting])
        unread = [decode_item(json.loads(text)) for text in left]
        return BatchIncomplete(self._different - len(unread), unread, "reads of the batch", **why)


def _wanted(table: Table, operation: BatchGet, item: Item) -> Item | None:
    wanted = operation.project
    plain = item if wanted is None or table.reads_more else project(wanted, item)
    try:
        return read_item(table, plain, wanted, item)
    except ValidationError as error:
        return handed_over(operation, error)


def key_of_wire(table: Table, wire: dict[str, Any]) -> Item:
    """The key attributes, in the table's order, of a wire key or item."""
    return table.key_in(plain_item(wire))


class Writing(Batch):
    """The operations of a batch of writes, 25 a request.

    >>> writing = Writing(Table("t", "id"), [PutItem({"id": "a"})])
    >>> next(writing.steps()).operation
    'BatchWriteItem'

    A list is checked whole before the first request; of other iterables each request's part, before it is sent. What an
    iterator has given before an operation that cannot be sent is written; if the iterator itself fails, only full
    requests are. A request that the service finds invalid ends the batch; with `refuse`, its operations are sent one by
    one, and `refuse` is called with each that is invalid.
    """

    def __init__(
        self,
        table: Table,
        operations: Iterable[PutItem | DeleteItem],
        done: int = 0,
        refuse: Callable[[Any, DynamoError], None] | None = None,
    ) -> None:
        self._table, self.done, self._refuse = table, done, refuse
        self._fault: Exception | None = None  # ended the iterator, and waits until what came before it is written
        self._refused = list[PutItem | DeleteItem]()  # an operation that cannot be sent, which is that fault
        members = map(self._member, enumerate(operations, done))
        self._listed = isinstance(operations, (tuple, list))
        self._members: Iterator[BatchMember] = iter(list(members)) if self._listed else members
        self._ahead: BatchMember | None = None  # taken, but for the next request
        self._sent: dict[str, BatchMember] = {}

    def steps(self) -> Steps[int]:
        """How many of the batch were done; BatchIncomplete has those that were not."""
        try:
            return (yield from super().steps())
        except FlyexprError as error:
            cause = error.__cause__ if isinstance(error, BatchIncomplete) else error
            if self._refuse is None or not isinstance(cause, DynamoError) or cause.code != "ValidationException":
                raise
            refusal = cause
        members, self._sent = self._sent, {}
        if len(members) == 1:
            self._refuse(next(iter(members.values())).operation, refusal)
            return self.done
        for key, member in members.items():
            self.done += yield from self._part({key: member}).steps()
        return self.done

    def _part(self, sent: dict[str, BatchMember]) -> Writing:
        """A batch of one request."""
        part = Writing(self._table, (), refuse=self._refuse)
        part._sent = sent
        return part

    def _parts(self, most: int) -> list[Writing]:
        parts, keys = list[Writing](), set[str]()
        while len(parts) < most:
            self._fill(keys)
            if not self._sent:
                break
            part, self._sent = self._part(self._sent), {}
            keys |= part._sent.keys()
            parts.append(part)
        if not parts:
            self._end()
        return parts

    def _join(self, parts: Sequence[Writing]) -> None:
        self.done += sum(part.done for part in parts)
        self._sent = {key: member for part in parts for key, member in part._sent.items()}

    def _taken(self) -> Sequence[BatchMember]:
        if not self._sent:  # what was left unprocessed goes alone: a bad element of an iterator must not come between
            self._fill()
        if not self._sent:
            self._end()
        return list(self._sent.values())

    def _request(self, sent: Sequence[BatchMember]) -> Request:
        return batch_request(self._table, sent)

    def _note(self, body: bytes) -> Steps[int]:
        unprocessed = dict[str, BatchMember]()

        def take(wire: dict[str, Any]) -> None:
            key = self._key(wire)
            unprocessed[key] = self._sent[key]

        with decoding:
            left = (fields_of(body).get("UnprocessedItems") or {}).get(self._table.name, ())
            yield from in_turns(left, len(body), take)
        self.done += len(self._sent) - len(unprocessed)
        self._sent = unprocessed
        return len(unprocessed)

    def _incomplete(self, **why: str) -> BatchIncomplete:
        ahead = [self._ahead] if self._ahead else []
        rest = self._members if self._listed else ()
        members = [one.operation for one in (*self._sent.values(), *ahead, *rest)]
        return BatchIncomplete(self.done, members + self._refused, **why)

    def _fill(self, others: Container[str] = ()) -> None:
        """Takes what the next request may hold; `others` are keys of requests that may be under way with it."""
        while len(self._sent) < WRITES:
            member = self._ahead or self._next()
            self._ahead = None
            if member is None:
                return
            if member.key in self._sent or member.key in others:  # a request has a key once; order is kept
                self._ahead = member
                return
            self._sent[member.key] = member

    def _member(self, numbered: tuple[int, PutItem | DeleteItem]) -> BatchMember:
        number, operation = numbered
        try:
            return batch_member(self._table, operation)
        except _UNSENDABLE as error:
            error.args = (f"{error}\n  in operation {number} of the batch",)
            self._refused.append(operation)
            raise

    def _next(self) -> BatchMember | None:
        """The next operation; None at the end of them, and where an error ends them.

        If the caller's own code failed while it made the batch, the request that was not full yet is not sent.
        """
        try:
            return None if self._fault else next(self._members, None)
        except Exception as error:
            self._fault = error
            if not isinstance(error, _UNSENDABLE):
                self._sent.clear()
            return None

    def _end(self) -> None:
        """Raises what has ended the iterator; for what cannot be sent it says how many before it are written."""
        if self._fault is None:
            return
        if self.done and isinstance(self._fault, _UNSENDABLE):
            self._fault.args = (f"{self._fault}; the first {self.done} are written",)
        raise self._fault

    def _key(self, wire: dict[str, Any]) -> str:
        (request,) = wire.values()
        return encode_item(key_of_wire(self._table, request.get("Item") or request["Key"]))
