"""Batches: as many requests as it takes, what was left unprocessed again after a pause."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from flyexpr.errors import BatchIncomplete, FlyexprError
from flyexpr.interpret.project import project
from flyexpr.items import key_of, read_item
from flyexpr.operations import BatchGet, DeleteItem, PutItem
from flyexpr.records import record
from flyexpr.requests import BatchMember, Request, batch_get_request, batch_member, batch_request
from flyexpr.responses import decoding, fields_of, plain_item
from flyexpr.tables import Table
from flyexpr.values import Item, decode_item, encode_item


@record
class Pause:
    """A wait before the next request, in seconds.

    >>> Pause(0.1).seconds
    0.1
    """

    seconds: float


def backoff(attempt: int) -> Pause:
    """The wait before the `attempt`-th try again: random, so that clients spread out, up to 50 ms · 2^attempt or 10 s.

    >>> 0 <= backoff(1).seconds <= 0.1
    True
    """
    import random  # here, because `import flyexpr` is to be quick

    return Pause(random.uniform(0, min(0.05 * 2**attempt, 10)))


GETS, WRITES = 100, 25  # items of one BatchGetItem, of one BatchWriteItem
ATTEMPTS = 10  # tries of a batch that makes no progress


class _Retrying:
    """Counts tries without progress, and asks for a pause before each."""

    def __init__(self) -> None:
        self.attempt, self._paused = 0, True

    def note(self, done: int, left: int) -> None:
        self.attempt = 0 if not left else 1 if done else self.attempt + 1
        self._paused = not left

    def pause(self) -> Pause | None:
        if self._paused:
            return None
        self._paused = True
        return backoff(self.attempt)


class BatchGetting:
    """A batch of reads under way: 100 keys a request, each key once.

    >>> getting = BatchGetting(Table("t", "id"), BatchGet(("a", "b", "a")))
    >>> getting.request().body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}'
    >>> getting.feed(b'{"Responses": {"t": [{"id": {"S": "a"}}]}}'); getting.request(); getting.items
    [{'id': 'a'}, None, {'id': 'a'}]

    All keys are checked before the first request. `items` has the order of the keys.
    """

    def __init__(self, table: Table, operation: BatchGet) -> None:
        self.table, self.operation = table, operation
        self._texts = [encode_item(key_of(table, key)) for key in operation.keys]
        self._waiting = list(dict.fromkeys(self._texts))
        self._repeated = len(self._waiting) < len(self._texts)
        self._sent: list[str] = []
        self._found: dict[str, Item] = {}
        self._retrying = _Retrying()

    @property
    def items(self) -> list[Item | None]:
        """What was found, in the order of the keys; an item that is there twice is two dicts."""
        return [self._item(self._found[text]) if text in self._found else None for text in self._texts]

    def request(self) -> Request | Pause | None:
        """What to do next; None when all is read."""
        pause = self._retrying.pause()
        if pause:
            return pause
        self._sent, self._waiting = self._waiting[:GETS], self._waiting[GETS:]
        return batch_get_request(self.table, self._sent, self.operation) if self._sent else None

    def feed(self, body: bytes) -> None:
        """Takes note of what a request has read."""
        fields = fields_of(body)
        with decoding:
            for wire in (fields.get("Responses") or {}).get(self.table.name, ()):
                item = plain_item(wire)
                self._found[encode_item({name: item[name] for name in self.table.keys})] = item
            left = (fields.get("UnprocessedKeys") or {}).get(self.table.name, {}).get("Keys", ())
            unprocessed = [encode_item(key_of_wire(self.table, key)) for key in left]
        self._waiting = unprocessed + self._waiting
        self._retrying.note(len(self._sent) - len(unprocessed), len(unprocessed))
        self._sent = []
        if self._retrying.attempt > ATTEMPTS:
            raise self.incomplete()

    def incomplete(self, **why: str) -> BatchIncomplete:
        """The error for a batch that ends here, with every key that was not read."""
        left = dict.fromkeys([*self._sent, *self._waiting])
        unread = [decode_item(json.loads(text)) for text in left if text not in self._found]
        return BatchIncomplete(len({*self._texts}) - len(unread), unread, "reads", **why)

    def _item(self, item: Item) -> Item:
        wanted = self.operation.project
        own = copy.deepcopy(item) if self._repeated else dict(item)
        plain = own if wanted is None or self.table.inverses else project(wanted, own)
        return read_item(self.table, plain, wanted, item)


def key_of_wire(table: Table, wire: dict[str, Any]) -> Item:
    """The key attributes, in the table's order, of a wire key or item."""
    item = plain_item(wire)
    return {name: item[name] for name in table.keys}


class BatchWriting:
    """A batch of writes under way: 25 a request, what was left unprocessed again after a pause.

    >>> writing = BatchWriting(Table("t", "id"), [PutItem({"id": "a"})])
    >>> writing.request().operation
    'BatchWriteItem'
    >>> writing.feed(b"{}"); writing.request(), writing.written
    (None, 1)

    A list is checked whole before the first request; of other iterables each request's part, before it is sent.
    """

    def __init__(self, table: Table, operations: Iterable[PutItem | DeleteItem]) -> None:
        self.table, self.written = table, 0
        members = map(self._member, enumerate(operations))
        self._listed = isinstance(operations, (tuple, list))
        self._members = iter(list(members)) if self._listed else members
        self._ahead: BatchMember | None = None  # taken, but for the next request
        self._sent: dict[str, BatchMember] = {}
        self._retrying = _Retrying()

    def request(self) -> Request | Pause | None:
        """What to do next; None when all is written. BatchIncomplete when nothing more can be written."""
        pause = self._retrying.pause()
        if pause:
            return pause
        self._fill()
        return batch_request(self.table, self._sent.values()) if self._sent else None

    def feed(self, body: bytes) -> None:
        """Takes note of what a request has written."""
        with decoding:
            left = (fields_of(body).get("UnprocessedItems") or {}).get(self.table.name, ())
            unprocessed = {key: self._sent[key] for key in map(self._key, left)}
        written = len(self._sent) - len(unprocessed)
        self.written += written
        self._sent = unprocessed
        self._retrying.note(written, len(unprocessed))
        if self._retrying.attempt > ATTEMPTS:
            raise self.incomplete()

    def incomplete(self, **why: str) -> BatchIncomplete:
        """The error for a batch that ends here, with every operation taken that is not done."""
        ahead = [self._ahead] if self._ahead else []
        rest = self._members if self._listed else ()
        return BatchIncomplete(self.written, [one.operation for one in (*self._sent.values(), *ahead, *rest)], **why)

    def _fill(self) -> None:
        if self._sent:
            return  # what was left unprocessed goes alone: a bad element of an iterator must not come in between
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
            return batch_member(self.table, operation)
        except (FlyexprError, TypeError) as error:
            done = f"; the first {self.written} are written" if self.written else ""
            error.args = (f"{error}\n  in operation {place} of the batch{done}",)
            raise

    def _key(self, wire: dict[str, Any]) -> str:
        (request,) = wire.values()
        return encode_item(key_of_wire(self.table, request.get("Item") or request["Key"]))
