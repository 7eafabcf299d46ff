"""Batches: as many requests as they take; what the service leaves unprocessed is sent again after a pause."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from flyexpr.errors import BatchIncomplete, FlyexprError
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.step import Steps, Together, backoff
from flyexpr.values.answers import plain_item
from flyexpr.values.types import Item

AHEAD = 4  # requests for each worker that are made before the first of them is sent
ATTEMPTS = 10  # tries of a batch that makes no progress


class Batch(ABC):
    """A batch under way: what waits, what is sent, and what is done."""

    done = 0
    _under_way: Sequence[Any] = ()  # parts that are sent side by side

    def in_bulk(self, bulk: Bulk, done: Callable[[int], Steps[None]] | None = None) -> Steps[int]:
        """The same, with several parts of the batch under way at the same time; `done` is told how much is done."""
        while parts := self._parts(bulk.workers * AHEAD):
            self._under_way = parts
            try:
                yield Together((part.steps() for part in parts), bulk.workers, bulk.note, bulk.has_journal)
            except FlyexprError as error:
                self._end_parts()
                cause = error.__cause__ if isinstance(error, BatchIncomplete) else error
                if cause is error and not self.done:
                    raise
                raise self._incomplete(**({"why": str(cause)} if cause else {})) from cause
            self._end_parts()
            if done is not None:
                yield from done(self.done)
        return self.done

    def _end_parts(self) -> None:
        parts, self._under_way = self._under_way, ()
        self._join(parts)

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


def key_of_wire(table: Table, wire: dict[str, Any]) -> Item:
    """The key attributes, in the table's order, of a wire key or item."""
    return table.key_in(plain_item(wire))
