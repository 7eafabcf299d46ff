"""A page of rows: what Query and Scan have in common once the range of rows is known.

A page ends at its Limit or when it has passed 1 MB, both counted before the filter. Where neither filter nor projection
looks into the items, their stored text goes into the answer as it is.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flyexpr.engines.sqlite.answers import answer, array, item_text, optional, read_text
from flyexpr.engines.sqlite.capacity import Usage, consumed, read_units
from flyexpr.engines.sqlite.expressions import spoken_paths, top_names
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.keys import Range
from flyexpr.engines.sqlite.legacy import read_attributes_to_get
from flyexpr.engines.sqlite.members import Request
from flyexpr.engines.sqlite.schema import Index, Table, key_of, row_key
from flyexpr.engines.sqlite.selection import read_selection
from flyexpr.engines.sqlite.storage import Row, Storage
from flyexpr.engines.sqlite.wire import read_item
from flyexpr.interpret.evaluate import matches
from flyexpr.interpret.project import project
from flyexpr.nodes import And, Condition, In, Or, Path
from flyexpr.records import record
from flyexpr.values import Item

MAX_BYTES = 1024 * 1024
MAX_COMPARISONS = 5_000_000  # of a page: some seconds, for a filter of the older kind may have conditions without end

Fetch = Callable[[Item], Item]


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
        parts = self.condition.parts if isinstance(self.condition, (And, Or)) else (self.condition,)
        comparisons = sum(len(part.options) if isinstance(part, In) else 1 for part in parts)
        return max(MAX_COMPARISONS // max(comparisons, 1), 1)

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


def read_target(storage: Storage, members: Request) -> tuple[Table, Index | None]:
    """The table of a request, and the index if it names one."""
    table = storage.table(members["TableName"])
    if "IndexName" not in members:
        return table, None
    index = table.index(members["IndexName"])
    if index is None:
        raise invalid(f"The table does not have the specified index: {members['IndexName']}")
    if index.is_global and members.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table, index


def read_page(
    storage: Storage, table: Table, index: Index | None, keys: Range, reading: Reading, *, restartable: bool = True
) -> bytes:
    """The answer with one page of a range of rows; no start key follows from one that is not `restartable`."""
    selection = read_selection(reading.members, index, reading.paths, reading.condition)
    usage = Usage()
    fetch = _fetcher(storage, table, reading, usage) if selection.fetches else None
    store = index.store if index is not None else table.store
    page = _Page()
    page.fill(storage.rows(store, keys, reverse=reading.reverse, limit=reading.limit), reading, fetch)
    usage.add(read_units(page.size, reading.consistent), index)
    last = page.last if restartable else None
    return answer(
        Items=array(page.items) if selection.items else None,
        Count=str(page.count),
        ScannedCount=str(page.scanned),
        LastEvaluatedKey=_last_key(table, index, last) if last is not None else None,
        ConsumedCapacity=optional(consumed(table, usage, reading.members.get("ReturnConsumedCapacity"))),
    )


def _last_key(table: Table, index: Index | None, text: bytes) -> bytes:
    """The key of the row that a page ended with: that of the index, if one is read, and that of the table."""
    names = (*index.key.names, *table.key.names) if index is not None else table.key.names
    return item_text(key_of(tuple(dict.fromkeys(names)), read_text(text)))


def _fetcher(storage: Storage, table: Table, reading: Reading, usage: Usage) -> Fetch:
    """What gives the whole item of an entry of a local index, which the service reads at the table's expense."""

    def fetch(entry: Item) -> Item:
        size, text = storage.get(table.store, row_key(table.key, entry)) or (0, b"{}")
        usage.add(read_units(size, reading.consistent))
        return read_text(text)

    return fetch


class _Page:
    """The rows taken so far; `last` is the one that the page ended with, if it ended before the rows did."""

    __slots__ = ("count", "items", "last", "scanned", "size")

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.count = self.scanned = self.size = 0
        self.last: bytes | None = None

    def fill(self, rows: Iterable[Row], reading: Reading, fetch: Fetch | None) -> None:
        untouched = reading.condition is None and reading.paths is None and fetch is None
        names = None if fetch is not None else reading.names
        limit, most = reading.limit, reading.most
        for size, text in rows:
            self.scanned += 1
            self.size += size
            if untouched:
                self.items.append(text)
            else:
                self._examine(text, names, reading, fetch)
            if self.scanned == limit or self.scanned == most or self.size >= MAX_BYTES:
                self.last = text
                break
        self.count = len(self.items)

    def _examine(self, text: bytes, names: frozenset[str] | None, reading: Reading, fetch: Fetch | None) -> None:
        item = read_text(text, names)
        if fetch is not None:
            item = fetch(item)
        if reading.condition is not None and not matches(reading.condition, item):
            return
        if reading.paths is not None:
            text = item_text(project(reading.paths, item))
        elif fetch is not None and reading.whole:
            text = item_text(item)
        self.items.append(text)
