"""Batches of reads: 100 keys a request, each key once."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import BatchIncomplete, ValidationError
from flyexpr.expressions.project import project
from flyexpr.records import copy, deepcopy
from flyexpr.requests.batches import GETS, batch_get_request
from flyexpr.requests.operations import BatchGet
from flyexpr.requests.request import Request
from flyexpr.schema.known_forms import forms_of
from flyexpr.schema.stored_items import read_item
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.table import Table
from flyexpr.steps.batches import Batch, key_of_wire
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.reads.reading import handed_over
from flyexpr.steps.step import Steps, in_turns
from flyexpr.values.answers import Page, decoding
from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item


def batch_get(table: Table, operation: BatchGet, bulk: Bulk | None = None) -> Steps[list[Item | None]]:
    """The items in the order of the keys, 100 keys a request, each key once; None for one that is not there.

    >>> steps = batch_get(Table("t", "id"), BatchGet(("a", "b", "a")))
    >>> next(steps).body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}'

    All keys are checked before the first request. BatchIncomplete has the keys that were not read, and all that was.
    """
    fetching = _Fetching(table, operation)
    try:
        yield from (fetching.steps() if bulk is None else fetching.in_bulk(bulk))
    except BatchIncomplete as error:
        error.items = tuple((yield from fetching.items()))
        raise
    return (yield from fetching.items())


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
        left = {*self._sent, *self._waiting}
        given = dict(zip(self._asked, self._operation.keys, strict=True))
        unread = [key for text, key in given.items() if text in left]
        return BatchIncomplete(self._different - len(unread), unread, "reads of the batch", **why)


def _wanted(table: Table, operation: BatchGet, item: Item) -> Item | None:
    wanted = operation.project
    plain = item if wanted is None or table.reads_more else project(wanted, item)
    try:
        return read_item(table, plain, wanted, item)
    except ValidationError as error:
        return handed_over(operation, error)
