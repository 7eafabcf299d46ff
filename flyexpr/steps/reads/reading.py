"""A query or scan, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from flyexpr.errors import FlyexprError, NotFound, SeveralFound, ValidationError
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.expressions.show import show
from flyexpr.records import replace
from flyexpr.requests.mistakes import need_read, need_table
from flyexpr.requests.operations import BatchGet, Query, Read
from flyexpr.requests.plan.access import access_of, access_of_keys
from flyexpr.requests.reads import Access, Answer, Turn
from flyexpr.requests.request import Request
from flyexpr.schema.kinds import Kinds, narrowed
from flyexpr.schema.stored_items import check_stored, decoded_item
from flyexpr.schema.table import Table
from flyexpr.steps.reads.cursors import Cursors, Mark
from flyexpr.steps.reads.mixed_items import MixedItems
from flyexpr.steps.stats import Stats
from flyexpr.values.answers import Page, decoding, fields_of, last_key_of, malformed, plain_item, units
from flyexpr.values.types import Item, T

Clock = Callable[[], float]  # seconds that only grow

BROKEN_OFF = "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)"
CLOSED = "this read is closed; take its items before that, or go on from its cursor: query(..., start=items.cursor)"


class Reading:
    """A query or scan under way, which asks for one page at a time and gives one item at a time.

    >>> reading = Reading(Table("t", "id"), Query(eq("id", "a")), clock=lambda: 0.0)
    >>> reading.request().operation
    'GetItem'
    >>> list(reading.feed(b'{"Item": {"id": {"S": "a"}}}')), reading.request(), reading.cursor
    ([{'id': 'a'}], None, None)
    """

    def __init__(
        self, table: Table[Any], read: Read, clock: Clock, counting: bool = False, access: Access | None = None
    ) -> None:
        table = narrowed(table, read.condition)
        self.table, self.read, self.stats = table, read, Stats()
        self._mixed = MixedItems(table) if isinstance(table, Kinds) else None
        self.limit = read.limit
        self.upto: int | None = None  # bounds what is asked for, not what is given
        self.access = access or access_of(table, read)
        self._keys = tuple(dict.fromkeys((*table.keys, *table.keys_of(self.access.index))))
        self._cursors = Cursors(table, read, self.access, self._keys)
        mark = self._cursors.mark(read.start)
        self._branch, self._start = mark or (0, None)
        self._last: Any = None  # what `_key` makes the key of the last item given of, if it was of this page
        self._more = self.access.sends and mark is not None
        self._cut = False  # whether the limit was reached in the middle of a page
        # The service can count what it need not show, unless the client has to look, or to stop in the middle.
        self._counting = counting and self.access.paged and self.access.residue is None and read.limit is None
        self._clock, self._began = clock, clock()
        if not self.access.paged and self._start is not None:  # this key has one item, and it was given before
            self._turn(None)

    @property
    def mark(self) -> Mark | None:
        """Where to go on after the last item given: which key condition, after which key; None once nothing is left."""
        if not self._more:
            return None
        return self._branch, (self._key(self._last) if self._last else self._start)

    def _key(self, last: Any) -> Item:
        return dict(zip(self._keys, last, strict=False))  # a sequence of the key's values

    def cursor_at(self, mark: Mark | None) -> str | None:
        """A text from which the same read goes on at a `mark`."""
        return None if mark is None else self._cursors.text(mark)

    @property
    def cursor(self) -> str | None:
        """A text from which the same read goes on after the last item given; None once nothing is left."""
        return self.cursor_at(self.mark)

    def request(self) -> Request | None:
        """The request for the next page; None when the read is over, has its limit, or is out of its budget."""
        if not self._more or self._full() or self._spent():
            return None
        self.stats.requests += 1
        return self._request(self._branch, self._start)

    def following(self, body: bytes) -> Request | None:
        """The request that will follow a page, guessed from its last bytes before its items are read.

        >>> reading = Reading(Table("t", "id"), Scan(), clock=lambda: 0.0)
        >>> reading.following(b'{"Items":[],"LastEvaluatedKey":{"id":{"S":"a"}}}').body
        b'{"TableName":"t","ExclusiveStartKey":{"id":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"}'
        """
        start, branch = last_key_of(body), self._branch
        if start is None:
            branch += 1
            if branch >= len(self.access.keys):
                return None
        return self._request(branch, start)

    def _request(self, branch: int, start: Item | None) -> Request:
        return self.access.request(self.table, self.read, Turn(branch, start, self._page_limit(), self._counting))

    def feed(self, body: bytes, most: int | None = None, passed: Item | None = None) -> Iterator[Item]:
        """The items of a page that match, in the user's types; take them all before the next `request`.

        `most` is used instead of the read's own limit, where several readings share one. `passed` stands in for each
        item that is not given, so that a reader can let others run even where few items match.
        """
        items, rest = self._answer(body)
        residue, wanted = self.access.residue, (self.read.project or ()) if self.access.trim else None
        table, stats, limit = self.table, self.stats, self.read.limit if most is None else most
        key = itemgetter(*self._keys, self._keys[0])  # twice the first, so that one name gives a tuple too
        page, decoders, checks = items if isinstance(items, Page) else None, table.decoders, table.checks
        mixed = self._mixed
        result: Item | None
        for item in items:
            if limit is not None and stats.returned >= limit:
                self._cut, result = True, None  # the rest of the page is not wanted, but its cost stands at its end
            elif residue is None or matches(residue, item):
                try:  # the key first, while the item is as it came: who catches an error goes on after this item
                    self._last = key(item)
                    if mixed is not None:
                        result = mixed.as_read(wanted)
                    else:
                        result = item if wanted is None else project(wanted, item)
                        if checks and (page is None or not page.known):
                            check_stored(table, result, item)
                        if decoders:
                            decoded_item(table, result, item)
                except KeyError as error:
                    raise malformed(error) from None
                except ValidationError as error:
                    result = handed_over(self.read, error)
            else:
                result = None
            if result is not None:
                stats.returned += 1
                yield result
            elif passed is not None:
                yield passed
        self._count(rest)

    def _count(self, rest: dict[str, Any]) -> None:
        """Counts what a page cost, as the members after its items say, and goes on to the next one."""
        with decoding:
            self.stats.examined += int(rest.get("ScannedCount") or 0)
            self.stats.capacity += units(rest)
        if not self._cut:
            self._turn(rest.get("LastEvaluatedKey"))

    def _answer(self, body: bytes) -> Answer:
        """The items of an answer and its other members; none of the items where the service only counts them."""
        if not self._counting:
            if self._mixed is None:
                return self.access.answer(self.table, body)
            items, rest = self.access.answer(self.table.as_stored, body)
            return map(self._mixed.as_matched, items), rest
        rest = fields_of(body)
        with decoding:
            self.stats.returned += int(rest["Count"])
        return (), rest

    def _turn(self, last_key: dict[str, Any] | None) -> None:
        """On to the next page, or to the next key condition of a fan-out."""
        if last_key:
            self._start = plain_item(last_key)
        elif self._branch + 1 < len(self.access.keys):
            self._branch, self._start = self._branch + 1, None
        else:
            self._more = False
        self._last = None

    def _full(self) -> bool:
        return self.limit is not None and self.stats.returned >= self.limit

    def _spent(self) -> bool:
        return out_of(self.read.budget, self.stats, self._clock() - self._began)

    def _page_limit(self) -> int | None:
        """How many items the service may examine: as many as are wanted, where all that it examines match."""
        sizes = [self.read.page_size]
        if self.access.filter is None and self.access.residue is None:
            sizes += [most - self.stats.returned for most in (self.limit, self.upto) if most is not None]
        return min((size for size in sizes if size is not None), default=None)


def handed_over(read: Read | BatchGet, error: ValidationError) -> Item | None:
    """What a read with `bad=` gives for an item that cannot be read; None leaves it out. Without `bad=`, the error.

    >>> error = ValidationError("not an int", at="wins")
    >>> error.item = {"id": "a", "wins": "3"}
    >>> handed_over(scan(bad="keep"), error), handed_over(scan(bad=lambda error: None), error)
    ({'id': 'a', 'wins': '3'}, None)
    """
    if read.bad is None:
        raise error
    return error.item if read.bad == "keep" else read.bad(error)


def first_of(read: Read, most: int) -> Read:
    """The read of the first `most` items; refused if its budget may stop it before it has them.

    >>> first_of(scan(), 2).limit
    2
    """
    return replace(whole(read), limit=most)


def only(table: Table[Any], read: Read, items: Sequence[T]) -> T:
    """The only item that a read gives; NotFound when there is none, SeveralFound when there are more.

    >>> only(Table("t", "id"), scan(), [{"id": "a"}])
    {'id': 'a'}
    """
    if not items:
        raise NotFound(f"no item of {table.name!r} matches: {show(read.condition)}")
    if len(items) > 1:
        raise SeveralFound(f"more than one item of {table.name!r} matches: {show(read.condition)}")
    return items[0]


def keys_only(table: Table[Any], read: Read) -> tuple[Read, Access | None]:
    """The read of the keys of the same items, and how it is done: by the index that the read itself goes through.

    >>> keys_only(Table("t", "id"), scan())[0].project
    (F.id,)
    """
    need_table(table)
    access = access_of_keys(table, read) if isinstance(read, Query) else None
    return replace(read, project=tuple(Path((name,)) for name in table.keys)), access


def whole(read: Read) -> Read:
    """The read itself; an error if it is not a query or scan, or has a budget that may stop it.

    >>> whole(scan()) == scan()
    True
    """
    need_read(read)
    if read.budget is not None:
        raise FlyexprError("a read with budget= may stop before it knows the answer; go through run(...) instead")
    return read


def out_of(budget: Mapping[str, Any] | None, stats: Stats, seconds: float) -> bool:
    """Whether a read has spent its budget, after this cost and this many seconds.

    >>> out_of({"requests": 3, "units": 1.5}, Stats(requests=2, capacity=1.5), 0.1), out_of(None, Stats(), 0.1)
    (True, False)
    """
    spent = {"requests": stats.requests, "units": stats.capacity, "seconds": seconds}
    return any(spent[name] >= most for name, most in (budget or {}).items())
