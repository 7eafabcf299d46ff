"""Batches of writes: 25 operations a request; a journal knows how many are done."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any

from flyexpr.errors import BatchIncomplete, DynamoError, FlyexprError
from flyexpr.requests.batches import WRITES, BatchMember, batch_member, batch_request
from flyexpr.requests.operations import BatchWrite, DeleteItem, PutItem
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.batches import Batch, key_of_wire
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.many.sources import Source
from flyexpr.steps.step import Steps, in_turns
from flyexpr.values.answers import decoding, fields_of
from flyexpr.values.encode import encode_item

_UNSENDABLE = (FlyexprError, TypeError)  # what says that an operation cannot be sent


def batch_write(table: Table, operation: BatchWrite, bulk: Bulk | None = None) -> Steps[int]:
    """How many operations were done; see `Writing`."""
    if bulk is None:
        return (yield from Writing(table, operation.operations).steps())
    return (yield from write_all(table, operation.operations, bulk, "batch_write"))


def write_all(table: Table, operations: Iterable[PutItem | DeleteItem], bulk: Bulk, call: str) -> Steps[int]:
    """How many operations were done, in batches side by side; with a journal, those of earlier runs among them."""
    source = Source(table, operations, bulk)
    yield from source.resumed(call, {})
    writing = Writing(table, source.left, source.begun)
    try:
        done = yield from writing.in_bulk(bulk, source.done)
    except Exception:  # of the service, or of the iterator
        bulk.note(writing.done - bulk.done)  # what is done of a request of which something was left
        yield from source.enter(*writing.reached)
        raise
    bulk.close()
    return done


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
        self._round: tuple[int, dict[str, None]] = done, {}  # the number of its first operation, and the keys

    @property
    def reached(self) -> tuple[int, list[int]]:
        """Up to which number operations were taken into requests, and the numbers of those that are left of them.

        It holds whatever has ended the batch, once no request is under way. An operation that was refused is not left.
        """
        first, keys = self._round
        left = {*self._sent, *(key for part in self._under_way for key in part._sent)}
        return first + len(keys), [number for number, key in enumerate(keys, first) if key in left]

    def steps(self) -> Steps[int]:
        """How many of the batch were done; BatchIncomplete has those that were not."""
        try:
            return (yield from super().steps())
        except FlyexprError as error:
            cause = error.__cause__ if isinstance(error, BatchIncomplete) else error
            if self._refuse is None or not isinstance(cause, DynamoError) or cause.code != "ValidationException":
                raise
            refusal = cause
        if len(self._sent) == 1:
            self._refuse(self._sent.popitem()[1].operation, refusal)
        for key, member in [*self._sent.items()]:
            self.done += yield from self._part({key: member}).steps()
            del self._sent[key]
        return self.done

    def _part(self, sent: dict[str, BatchMember]) -> Writing:
        """A batch of one request."""
        part = Writing(self._table, (), refuse=self._refuse)
        part._sent = sent
        return part

    def _parts(self, most: int) -> list[Writing]:
        parts, keys = list[Writing](), dict[str, None]()
        self._round = self._round[0] + len(self._round[1]), keys
        while len(parts) < most:
            self._fill(keys)
            if not self._sent:
                break
            part, self._sent = self._part(self._sent), {}
            keys |= dict.fromkeys(part._sent)
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
