"""The course of operations that take several requests, without a word to any engine.

Each is an object that says the next request and is fed its answer; `run` and `flyexpr.aio` drive the same ones.
"""

from __future__ import annotations

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from flyexpr.errors import BatchIncomplete, FlyexprError, ValidationError
from flyexpr.interpret.evaluate import matches
from flyexpr.interpret.project import project
from flyexpr.items import loaded_item
from flyexpr.operations import DeleteItem, PutItem, Query, Scan
from flyexpr.plan import Access, access
from flyexpr.requests import BatchMember, Request, batch_member, batch_request, read_request
from flyexpr.responses import Page, fields_of, units
from flyexpr.tables import Table
from flyexpr.values import Item, decode_item, encode_item


@dataclass(slots=True)
class Stats:
    """What a read has cost so far.

    >>> Stats().requests
    0

    `examined` items were read and paid for, `returned` ones were given; `capacity` is in read units. All but
    `returned` count whole pages, once they are through.
    """

    requests: int = 0
    examined: int = 0
    returned: int = 0
    capacity: float = 0.0


class Reading:
    """A query or scan under way: pages are asked for one by one, and items given one by one.

    >>> reading = Reading(Table("t", "id"), Query(eq("id", "a")), clock=lambda: 0.0)
    >>> reading.request().operation
    'GetItem'
    >>> list(reading.feed(b'{"Item": {"id": {"S": "a"}}}')), reading.request(), reading.cursor
    ([{'id': 'a'}], None, None)
    """

    def __init__(self, table: Table, read: Query | Scan, clock: Callable[[], float]) -> None:
        self.table, self.read, self.stats = table, read, Stats()
        self.access: Access = access(table, read)
        self._branch, self._start = _place(read.start, self.access)
        self._last = self._branch, self._start  # after the last item given
        self._more = self.access.how != "Nothing"
        self._clock, self._began = clock, clock()
        self._keys = tuple(dict.fromkeys((*table.keys, *table.keys_of(self.access.index))))

    @property
    def cursor(self) -> str | None:
        """A text from which the same read goes on after the last item given; None once nothing is left."""
        return _cursor(self.access, *self._last) if self._more else None

    def request(self) -> Request | None:
        """The request for the next page; None when the read is over, has its limit, or is out of its budget."""
        if not self._more or self._full() or self._spent():
            return None
        self.stats.requests += 1
        return read_request(self.table, self.read, self.access, self._branch, self._start, self._page_limit())

    def feed(self, body: bytes) -> Iterator[Item]:
        """The items of a page that match, in the user's types; to be exhausted before the next `request`."""
        if self.access.how == "GetItem":
            rest = fields_of(body)
            found = rest.pop("Item", None)
            rest["ScannedCount"] = int(found is not None)
            yield from self._wanted([] if found is None else [decode_item(found)])
        else:
            page = Page(body)
            yield from self._wanted(page)
            rest = page.rest
        self.stats.examined += int(rest.get("ScannedCount") or 0)
        self.stats.capacity += units(rest)
        if not self._full():
            self._turn(rest.get("LastEvaluatedKey"))

    def _wanted(self, page: Iterable[Item]) -> Iterator[Item]:
        residue, trim, wanted = self.access.residue, self.access.trim, self.read.project or ()
        key, names, stats = itemgetter(*self._keys, self._keys[0]), self._keys, self.stats
        for item in page:
            if self._full():
                continue  # what is left of the page is not wanted, but what it cost stands at its end
            if residue is None or matches(residue, item):
                self._last = self._branch, dict(zip(names, key(item)))
                stats.returned += 1
                yield loaded_item(self.table, project(wanted, item) if trim else item)

    def _turn(self, last_key: dict[str, Any] | None) -> None:
        """On to the next page, or to the next key condition of a fan-out."""
        if last_key:
            self._start = decode_item(last_key)
        elif self._branch + 1 < len(self.access.keys):
            self._branch, self._start = self._branch + 1, None
        else:
            self._more = False
        self._last = self._branch, self._start

    def _full(self) -> bool:
        return self.read.limit is not None and self.stats.returned >= self.read.limit

    def _spent(self) -> bool:
        spent = {
            "requests": self.stats.requests,
            "units": self.stats.capacity,
            "seconds": self._clock() - self._began,
        }
        return any(spent[name] >= most for name, most in (self.read.budget or {}).items())

    def _page_limit(self) -> int | None:
        """How many items the service may examine: all that are wanted, unless some of them may not match."""
        sizes = [self.read.page_size]
        if self.read.limit is not None and self.access.filter is None and self.access.residue is None:
            sizes.append(self.read.limit - self.stats.returned)
        return min((size for size in sizes if size is not None), default=None)


def _cursor(access: Access, branch: int, start: Item | None) -> str:
    if not branch and start is None:
        return ""
    key = "null" if start is None else encode_item(start)
    index = json.dumps(access.index.name if access.index else None)
    return urlsafe_b64encode(f"[{index},{branch},{key}]".encode()).decode().rstrip("=")


def _place(cursor: str | None, access: Access) -> tuple[int, Item | None]:
    if not cursor:
        return 0, None
    try:
        index, branch, start = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = decode_item(start) if start else None
    except (ValueError, TypeError, LookupError, AttributeError):
        raise ValidationError("start= takes the .cursor of an earlier read; this is none") from None
    name = access.index.name if access.index else None
    if index != name or not 0 <= branch < max(len(access.keys), 1):
        raise ValidationError(
            f"the cursor comes from another read: of {index or 'the table'}, and this one reads {name or 'the table'}"
        )
    return branch, key


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait before the next request, in seconds.

    >>> Pause(0.1).seconds
    0.1
    """

    seconds: float


def backoff(attempt: int) -> Pause:
    """The wait before the `attempt`-th try again: random up to 50 ms · 2ᵃᵗᵗᵉᵐᵖᵗ, at most 10 s, so that clients spread out.

    >>> 0 <= backoff(1).seconds <= 0.1
    True
    """
    return Pause(random.uniform(0, min(0.05 * 2**attempt, 10)))


BATCH = 25  # writes of one BatchWriteItem
ATTEMPTS = 10  # tries of a batch that makes no progress


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
        self._members = iter(list(members)) if isinstance(operations, tuple | list) else members
        self._ahead: BatchMember | None = None  # taken, but for the next request
        self._sent: dict[Any, BatchMember] = {}
        self._attempt = 0
        self._paused = True

    def request(self) -> Request | Pause | None:
        """What to do next; None when all is written. BatchIncomplete when nothing more can be written."""
        if self._attempt and not self._paused:
            self._paused = True
            return backoff(self._attempt)
        self._fill()
        if not self._sent:
            return None
        return batch_request(self.table, self._sent.values())

    def feed(self, body: bytes) -> None:
        """Takes note of what a request has written."""
        left = (fields_of(body).get("UnprocessedItems") or {}).get(self.table.name, ())
        unprocessed = {key: self._sent[key] for key in (self._key(one) for one in left)}
        progress = len(self._sent) - len(unprocessed)
        self.written += progress
        self._sent = unprocessed
        self._attempt = 0 if not unprocessed else 1 if progress else self._attempt + 1
        self._paused = not unprocessed
        if self._attempt > ATTEMPTS:
            raise BatchIncomplete(self.written, [member.operation for member in unprocessed.values()])

    def _fill(self) -> None:
        while len(self._sent) < BATCH:
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
            error.add_note(f"  in operation {place} of the batch") if hasattr(error, "add_note") else None
            raise

    def _key(self, wire: dict[str, Any]) -> Any:
        (request,) = wire.values()
        item = decode_item(request.get("Item") or request["Key"])
        return tuple(item[name] for name in self.table.keys)
