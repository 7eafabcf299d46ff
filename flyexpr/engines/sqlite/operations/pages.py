"""A page of rows: what Query and Scan have in common once the range of rows is known.

A page ends at its Limit or when it has passed 1 MB, both counted before the filter. Where neither filter nor projection
looks into the items, their stored text goes into the answer as it is.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from collections.abc import Callable

from flyexpr.engines.sqlite.answers import answer, array, item_text, optional, read_text
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.schema import StoredIndex, StoredTable, has_key, row_key
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import BackfillingIndex, DamagedFileError, invalid
from flyexpr.engines.sqlite.operations.fills import finish_abandoned
from flyexpr.engines.sqlite.request.expressions import spoken_paths, top_names
from flyexpr.engines.sqlite.request.legacy import read_attributes_to_get
from flyexpr.engines.sqlite.request.members import Request
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed, read_units
from flyexpr.engines.sqlite.rules.effort import effort
from flyexpr.engines.sqlite.rules.selection import read_selection
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.expressions.project import project
from flyexpr.records import record
from flyexpr.values.kinds import Item

MAX_BYTES = 1024 * 1024
MAX_COMPARISONS = 5_000_000  # of a page: some seconds, for a filter of the older kind may have conditions without end
MAX_FETCHED, LEAST_FETCHED = 16 * 1024 * 1024, 2048  # bytes of the whole items of a page; the work for a small one


@record
class Reading:
    """What a Query or Scan says about its page, before the table is known; `tested` are the paths of its filter."""

    members: Request
    condition: Condition | None
    tested: tuple[Path, ...]
    paths: tuple[Path, ...] | None
    start: Item | None

    @property
    def names(self) -> frozenset[str]:
        """The attributes that the filter and the projection speak of."""
        return top_names((*self.tested, *(self.paths or ())))

    @property
    def reverse(self) -> bool:
        return self.members.get("ScanIndexForward") is False

    @property
    def whole(self) -> bool:
        """Whether items are given whole, even where an index holds only a part of them."""
        return self.members.get("Select") == "ALL_ATTRIBUTES"

    @property
    def limit(self) -> int:
        return int(self.members.get("Limit", -1))

    @property
    def most(self) -> int:
        """How many items a page examines at most, whatever the Limit: few for a filter of very many conditions."""
        return max(MAX_COMPARISONS // max(effort(self.condition), 1), 1)

    @property
    def consistent(self) -> bool:
        return bool(self.members.get("ConsistentRead", False))


def read_reading(members: Request, condition: Condition | None, paths: tuple[Path, ...] | None) -> Reading:
    """The reading that a request asks for, given its filter and its projection."""
    start = members.get("ExclusiveStartKey")
    return Reading(
        members,
        condition,
        spoken_paths(condition),
        paths if paths is not None else read_attributes_to_get(members),
        start=None if start is None else read_item(start),
    )


def read_target(storage: Storage, members: Request) -> tuple[StoredTable, StoredIndex | None]:
    """The table of a request, and the index if it names one."""
    table = storage.table(members["TableName"])
    if "IndexName" not in members:
        return table, None
    index = table.index(members["IndexName"])
    if index is None:
        raise invalid(f"The table does not have the specified index: {members['IndexName']}")
    if index.store == table.filling:
        raise BackfillingIndex(index.name)
    if members.get("ConsistentRead") and not index.reads_consistently:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table, index


def take_page(storage: Storage, members: Request, take: Callable[[], Page]) -> Page:
    """The page that `take` takes; an index that an engine has left half filled is finished first."""
    try:
        return take()
    except BackfillingIndex:
        if finish_abandoned(storage, members["TableName"]):
            raise
    return take()


class Page:
    """The rows of a page, taken inside a transaction; what is made of them needs none.

    `last` is the text of the row that the page ended with, if it ended before the rows did. With `whole` come the whole
    items of the entries of a local index, which the service reads at the table's expense.
    """

    __slots__ = ("index", "last", "reading", "restartable", "rows", "selection", "size", "table", "usage", "whole")

    def __init__(
        self,
        storage: Storage,
        table: StoredTable,
        index: StoredIndex | None,
        keys: Range,
        reading: Reading,
        *,
        restartable: bool = True,
    ) -> None:
        self.table, self.index, self.reading, self.restartable = table, index, reading, restartable
        self.usage = Usage()
        self.selection = read_selection(reading.members, index, reading.paths, reading.condition)
        self.rows: list[bytes] = []
        self.whole: list[bytes] = []
        self.last: bytes | None = None
        self.size = 0
        self._take(storage, keys)

    def _take(self, storage: Storage, keys: Range) -> None:
        reading, fetches, held = self.reading, self.selection.fetches, 0
        store = self.index.store if self.index is not None else self.table.store
        most = reading.most if reading.limit < 0 else min(reading.most, reading.limit)
        for size, text in storage.rows(store, keys, reverse=reading.reverse, limit=reading.limit):
            self.size += size
            self.rows.append(text)
            if fetches:
                held += self._fetch(storage, text)
            if len(self.rows) >= most or self.size >= MAX_BYTES or held >= MAX_FETCHED:
                self.last = text
                break

    def _fetch(self, storage: Storage, text: bytes) -> int:
        """The size of the whole item of an entry, and so much work as it is at least."""
        entry = read_text(text, self.table.key.names)
        if not has_key(self.table.key, entry):
            raise DamagedFileError("a stored item lacks its key")
        size, whole = storage.get(self.table.store, row_key(self.table.key, entry)) or (0, b"{}")
        self.usage.add(read_units(size, self.reading.consistent))
        self.whole.append(whole)
        return max(size, LEAST_FETCHED)

    def answer(self) -> bytes:
        """The answer with this page; no start key follows from one that is not `restartable`."""
        self.usage.add(read_units(self.size, self.reading.consistent), self.index)
        items = self._items()
        last = self.last if self.restartable else None
        return answer(
            Items=array(items) if self.selection.items else None,
            Count=str(len(items)),
            ScannedCount=str(len(self.rows)),
            LastEvaluatedKey=_last_key(self.table, self.index, last) if last is not None else None,
            ConsumedCapacity=optional(
                consumed(self.table, self.usage, self.reading.members.get("ReturnConsumedCapacity"))
            ),
        )

    def _items(self) -> list[bytes]:
        """The texts of the items that are given: of those for which the filter is true, what is asked for."""
        reading, fetches = self.reading, self.selection.fetches
        condition, paths = reading.condition, reading.paths
        if condition is None and paths is None and not fetches:
            return self.rows
        names, given = None if fetches else reading.names, []
        for text, whole in zip(self.rows, self.whole if fetches else self.rows, strict=True):
            item = read_text(whole, names)
            if condition is None or matches(condition, item):
                if paths is not None:
                    text = item_text(project(paths, item))
                given.append(whole if paths is None and reading.whole else text)
        return given


def _last_key(table: StoredTable, index: StoredIndex | None, text: bytes) -> bytes:
    """The key of the row that a page ended with: that of the index, if one is read, and that of the table."""
    names = dict.fromkeys((*index.key.names, *table.key.names) if index is not None else table.key.names)
    key = read_text(text, names)
    if len(key) < len(names):
        raise DamagedFileError("a stored item lacks its key")
    return item_text(key)
