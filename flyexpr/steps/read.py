"""A query or scan, page by page."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from operator import itemgetter
from typing import Any
from zlib import crc32

from flyexpr.errors import FlyexprError, NotFound, SeveralFound, ValidationError
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Path
from flyexpr.expressions.project import project
from flyexpr.expressions.show import show
from flyexpr.records import replace
from flyexpr.requests.operations import Query, Scan
from flyexpr.requests.plan import Access, access, access_of_keys
from flyexpr.requests.reads import read_request
from flyexpr.requests.request import Request
from flyexpr.schema.parts import fill
from flyexpr.schema.stored_items import check_stored, decoded_item
from flyexpr.schema.table import Table
from flyexpr.steps.stats import Stats
from flyexpr.values.answers import Page, decoding, fields_of, last_key_of, malformed, plain_item, units
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.kinds import Item

Clock = Callable[[], float]  # seconds that only grow


class Reading:
    """A query or scan under way: pages are asked for one by one, and items given one by one.

    >>> reading = Reading(Table("t", "id"), Query(eq("id", "a")), clock=lambda: 0.0)
    >>> reading.request().operation
    'GetItem'
    >>> list(reading.feed(b'{"Item": {"id": {"S": "a"}}}')), reading.request(), reading.cursor
    ([{'id': 'a'}], None, None)
    """

    def __init__(
        self, table: Table, read: Query | Scan, clock: Clock, counting: bool = False, way: Access | None = None
    ) -> None:
        self.table, self.read, self.stats = table, read, Stats()
        self.access = way or access(table, read)
        self._keys = tuple(dict.fromkeys((*table.keys, *table.keys_of(self.access.index))))
        self._branch, self._start = self._place(read.start)
        self._given: tuple[Any, ...] | None = None  # key values of the last item given, if one of this page was
        self._more = self.access.how != "Nothing"
        self._cut = False  # whether the limit was reached in the middle of a page
        # The service can count what it need not show, unless the client has to look, or to stop in the middle.
        self._counting = (
            counting and self.access.how != "GetItem" and self.access.residue is None and read.limit is None
        )
        self._clock, self._began = clock, clock()
        if self.access.how == "GetItem" and self._start is not None:  # the only item of this key was given
            self._turn(None)

    @property
    def mark(self) -> tuple[int, Item | None] | None:
        """The place after the last item given: which key condition, and the key; None once nothing is left."""
        if not self._more:
            return None
        return self._branch, (dict(zip(self._keys, self._given, strict=False)) if self._given else self._start)

    def cursor_at(self, mark: tuple[int, Item | None] | None) -> str | None:
        """A text from which the same read goes on at a `mark`."""
        if mark is None:
            return None
        branch, start = mark
        if not branch and start is None:
            return ""
        key = "null" if start is None else encode_item(start)
        return closed_cursor(f"[{json.dumps(self._index)},{branch},{self._sign},{key}]")

    @property
    def cursor(self) -> str | None:
        """A text from which the same read goes on after the last item given; None once nothing is left."""
        return self.cursor_at(self.mark)

    def request(self) -> Request | None:
        """The request for the next page; None when the read is over, has its limit, or is out of its budget."""
        if not self._more or self._full() or self._spent():
            return None
        self.stats.requests += 1
        return read_request(
            self.table,
            self.read,
            self.access,
            self._branch,
            self._start,
            self._page_limit(),
            self._counting,
        )

    def following(self, body: bytes) -> Request | None:
        """The request that will follow a page, as far as its last bytes tell before its items are read.

        >>> reading = Reading(Table("t", "id"), Scan(), clock=lambda: 0.0)
        >>> reading.following(b'{"Items":[],"LastEvaluatedKey":{"id":{"S":"a"}}}').body
        b'{"TableName":"t","ExclusiveStartKey":{"id":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"}'
        """
        start, branch = last_key_of(body), self._branch
        if start is None:
            branch += 1
            if branch >= len(self.access.keys):
                return None
        limit = self._page_limit()
        return read_request(self.table, self.read, self.access, branch, start, limit, self._counting)

    def feed(self, body: bytes, most: int | None = None) -> Iterator[Item]:
        """The items of a page that match, in the user's types; to be exhausted before the next `request`.

        `most` takes the place of the read's own limit, for several readings that share one.
        """
        items, rest = self._opened(body)
        residue, wanted = self.access.residue, (self.read.project or ()) if self.access.trim else None
        table, stats, limit = self.table, self.stats, self.read.limit if most is None else most
        key = itemgetter(*self._keys, self._keys[0])  # twice the first, so that one name gives a tuple too
        page, decoders, checks = items if isinstance(items, Page) else None, table.decoders, table.checks
        for item in items:
            if limit is not None and stats.returned >= limit:
                self._cut = True
                continue  # what is left of the page is not wanted, but what it cost stands at its end
            if residue is None or matches(residue, item):
                # Before the item is the reader's, who may change it, and before it is found not to read: who catches
                # that error can go on after it.
                try:
                    self._given = key(item)
                except KeyError as error:
                    raise malformed(error) from None
                found = item if wanted is None else project(wanted, item)
                if checks and (page is None or not page.known):
                    check_stored(table, found, item)
                if decoders:
                    decoded_item(table, found, item)
                stats.returned += 1
                yield found
        with decoding:
            stats.examined += int(rest.get("ScannedCount") or 0)
            stats.capacity += units(rest)
        if not self._cut:
            self._turn(rest.get("LastEvaluatedKey"))

    def _opened(self, body: bytes) -> tuple[Iterable[Item], dict[str, Any]]:
        """The items of an answer, and what else it holds, which is complete once the items are taken."""
        if self.access.how != "GetItem" and not self._counting:
            page = Page(body, self.table.forms)
            return map(partial(fill, self.table), page) if self.table.inverses else page, page.rest
        rest = fields_of(body)
        found = rest.pop("Item", None)
        items = [] if found is None else [fill(self.table, plain_item(found))]
        if self._counting:
            with decoding:
                self.stats.returned += int(rest["Count"])
        else:
            rest["ScannedCount"] = len(items)
        return items, rest

    def _turn(self, last_key: dict[str, Any] | None) -> None:
        """On to the next page, or to the next key condition of a fan-out."""
        if last_key:
            self._start = plain_item(last_key)
        elif self._branch + 1 < len(self.access.keys):
            self._branch, self._start = self._branch + 1, None
        else:
            self._more = False
        self._given = None

    @cached_property
    def _sign(self) -> int:
        """A number that tells one read from another: of what, in which direction, under which condition."""
        way, read = self.access, self.read
        said = [show(part) for part in (*way.keys, way.filter, way.residue) if part is not None]
        turned = (read.reverse,) if isinstance(read, Query) else (read.segment, read.segments)
        return crc32(json.dumps([self.table.name, way.how, len(way.keys), *turned, *said]).encode())

    @property
    def _index(self) -> str | None:
        return self.access.index.name if self.access.index else None

    def _place(self, cursor: str | None) -> tuple[int, Item | None]:
        """Where a cursor leads; ValidationError where it is not one of this read."""
        if not cursor:
            return 0, None
        match opened_cursor(cursor):
            case [str() | None as index, int(branch), int(sign), dict() | None as start] if type(branch) is int:
                pass
            case _:
                raise _foreign()
        if index != self._index:
            raise ValidationError(
                f"the cursor comes from another read: of {index or 'the table'}, "
                f"and this one reads {self._index or 'the table'}"
            )
        if sign != self._sign or branch not in range(max(len(self.access.keys), 1)):
            raise ValidationError(
                "the cursor comes from another read, of another table or with another condition or direction"
            )
        if start is not None and (start.keys() != {*self._keys} or not all(map(_is_key_value, start.values()))):
            raise _foreign()
        with suppress(ValueError, LookupError, ArithmeticError):
            key = None if start is None else decode_item(start)
            if self.cursor_at((branch, key)) == cursor:  # numbers and texts have one form in a cursor
                return branch, key
        raise _foreign()

    def _full(self) -> bool:
        return self.read.limit is not None and self.stats.returned >= self.read.limit

    def _spent(self) -> bool:
        return out_of(self.read.budget, self.stats, self._clock() - self._began)

    def _page_limit(self) -> int | None:
        """How many items the service may examine: all that are wanted, unless some of them may not match."""
        sizes = [self.read.page_size]
        if self.read.limit is not None and self.access.filter is None and self.access.residue is None:
            sizes.append(self.read.limit - self.stats.returned)
        return min((size for size in sizes if size is not None), default=None)


def first_of(read: Query | Scan, most: int) -> Query | Scan:
    """The read of the first `most` items; refused where it may stop before it knows them.

    >>> first_of(scan(), 2).limit
    2
    """
    return replace(whole(read), limit=most)


def only(table: Table, read: Query | Scan, items: Sequence[Item]) -> Item:
    """The only item that a read gives; NotFound when there is none, SeveralFound when there are more.

    >>> only(Table("t", "id"), scan(), [{"id": "a"}])
    {'id': 'a'}
    """
    if not items:
        raise NotFound(f"no item of {table.name!r} matches: {show(read.condition)}")
    if len(items) > 1:
        raise SeveralFound(f"more than one item of {table.name!r} matches: {show(read.condition)}")
    return items[0]


def keys_only(table: Table, read: Query | Scan) -> tuple[Query | Scan, Access | None]:
    """The read of the keys of the same items, and its way: by the index that the read itself goes through.

    >>> keys_only(Table("t", "id"), scan())[0].project
    (Path(parts=('id',)),)
    """
    way = access_of_keys(table, read) if isinstance(read, Query) else None
    return replace(read, project=tuple(Path((name,)) for name in table.keys)), way


def whole(read: Query | Scan) -> Query | Scan:
    """The read, which has to be one, and to come to its end.

    >>> whole(scan()) == scan()
    True
    """
    if not isinstance(read, (Query, Scan)):
        raise TypeError(f"expected query(...) or scan(...), not {read!r}")
    if read.budget is not None:
        raise FlyexprError("a read with budget= may stop before it knows the answer; go through run(...) instead")
    return read


def out_of(budget: Mapping[str, float] | None, stats: Stats, seconds: float) -> bool:
    """Whether a read that has cost this much, and taken so many seconds, is out of its budget.

    >>> out_of({"requests": 3, "units": 1.5}, Stats(requests=2, capacity=1.5), 0.1), out_of(None, Stats(), 0.1)
    (True, False)
    """
    spent = {"requests": stats.requests, "units": stats.capacity, "seconds": seconds}
    return any(spent[name] >= most for name, most in (budget or {}).items())


def _is_key_value(value: Any) -> bool:
    match value:
        case {"S": str()} | {"N": str()} | {"B": str()}:
            return len(value) == 1
    return False


def closed_cursor(text: str) -> str:
    """A cursor that holds the text, as a word that needs no quoting in a URL.

    >>> opened_cursor(closed_cursor("[1]"))
    [1]
    """
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened_cursor(cursor: str) -> Any:
    """What the JSON in a cursor says; None for a text that is not a cursor."""
    try:
        return json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        return None


def _foreign() -> ValidationError:
    """The error for a text that no read gave as its cursor."""
    return ValidationError("start= takes the .cursor of an earlier read; this is not one")
