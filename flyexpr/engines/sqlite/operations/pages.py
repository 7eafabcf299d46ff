"""A page of rows: what Query and Scan have in common once the range of rows is known.

A page ends at its Limit or when it has passed 1 MB, both counted before the filter. Where neither filter nor projection
looks into the items, their stored text goes into the answer as it is.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.engines.sqlite.answers import answer, item_text, optional
from flyexpr.engines.sqlite.disk.indexes import StoredIndex
from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.engines.sqlite.disk.key_schema import has_key, row_key
from flyexpr.engines.sqlite.disk.keys import Range
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import DamagedFileError, backfilling, invalid
from flyexpr.engines.sqlite.request.intents.reads import PageAsked
from flyexpr.engines.sqlite.rules.capacity import Usage, consumed, read_units
from flyexpr.engines.sqlite.rules.effort import effort
from flyexpr.engines.sqlite.rules.selection import read_selection
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.project import project

MAX_BYTES = 1024 * 1024
MAX_COMPARISONS = 5_000_000  # of a page: some seconds, for a filter of the older kind may have conditions without end
MAX_FETCHED, LEAST_FETCHED = 16 * 1024 * 1024, 2048  # bytes of the whole items of a page; the work for a small one


def find_target(storage: Storage, asked: PageAsked) -> tuple[StoredTable, StoredIndex | None]:
    """The table that a page is asked of, and the index if one is named."""
    table = storage.table(asked.table)
    if asked.index is None:
        return table, None
    index = table.index(asked.index)
    if index is None:
        raise _no_index(table, asked)
    if index.store == table.filling:
        raise backfilling(index.name)
    if asked.consistent and not index.reads_consistently:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table, index


def _no_index(table: StoredTable, asked: PageAsked) -> Exception:
    if table.vector_index(asked.index or "") is None:
        return invalid(f"The table does not have the specified index: {asked.index}")
    if asked.clauses is None:
        return invalid("Scan operation not supported on this index type")
    return invalid("Query operation not supported on this index type.")


class Page:
    """The rows of a page, taken from ranges of keys inside a transaction; the answer is made of them outside of it.

    `last` is the text of the row that the page ended with, if it ended before the rows did. `whole` has the whole items
    of the entries of a local index, if they are fetched; the service counts these reads as the table's.
    """

    __slots__ = ("asked", "index", "last", "restartable", "rows", "selection", "size", "table", "usage", "whole")

    def __init__(
        self,
        storage: Storage,
        table: StoredTable,
        index: StoredIndex | None,
        ranges: Iterable[Range],
        asked: PageAsked,
        *,
        restartable: bool = True,
    ) -> None:
        self.table, self.index, self.asked, self.restartable = table, index, asked, restartable
        self.usage = Usage()
        self.selection = read_selection(asked, index)
        self.rows: list[bytes] = []
        self.whole: list[bytes] = []
        self.last: bytes | None = None
        self.size = self._take(storage, ranges)

    def _take(self, storage: Storage, ranges: Iterable[Range]) -> int:
        """Takes the rows of the page; their size in bytes."""
        rows, fetches, fetched, total = self.rows, self.selection.fetches, 0, 0
        store = self.index.store if self.index is not None else self.table.store
        most = most_rows(self.asked)
        for keys in ranges:
            for size, text in storage.rows(store, keys, reverse=self.asked.reverse, limit=self.asked.limit):
                total += size
                rows.append(text)
                if fetches:
                    fetched += self._fetch(storage, text)
                if total >= MAX_BYTES or len(rows) >= most or fetched >= MAX_FETCHED:
                    self.last = text
                    return total
        return total

    def _fetch(self, storage: Storage, text: bytes) -> int:
        """The size of the whole item of an entry, or of the least work that fetching it is."""
        entry = read_text(text, self.table.key.names)
        if not has_key(self.table.key, entry):
            raise DamagedFileError("a stored item lacks its key")
        size, whole = storage.get(self.table.store, row_key(self.table.key, entry)) or (0, b"{}")
        self.usage.add(read_units(size, self.asked.consistent))
        self.whole.append(whole)
        return max(size, LEAST_FETCHED)

    def answer(self) -> bytes:
        """The answer with this page, to a Query or a Scan."""
        items = self.items()
        return answer(
            Items=items if self.selection.items else None,
            Count=str(len(items)),
            ScannedCount=str(len(self.rows)),
            LastEvaluatedKey=self.last_key(),
            ConsumedCapacity=self.capacity(),
        )

    def last_key(self) -> bytes | None:
        """The key to start the next page after; None after the last page, and for one that is not `restartable`."""
        last = self.last if self.restartable else None
        return _last_key(self.table, self.index, last) if last is not None else None

    def capacity(self) -> bytes | None:
        """What the page consumed, where the answer must hold it."""
        self.usage.add(read_units(self.size, self.asked.consistent), self.index)
        return optional(consumed(self.table, self.usage, self.asked.capacity))

    def items(self) -> list[bytes]:
        """The texts of the items in the answer: of those for which the filter is true, the part that is asked for."""
        asked, fetches, tests_entries = self.asked, self.selection.fetches, self.selection.tests_entries
        condition, paths = asked.condition, asked.paths
        if condition is None and paths is None and not fetches:
            return self.rows
        gives_whole = asked.select == "ALL_ATTRIBUTES"  # even where an index holds only a part of the item
        names, texts = None if fetches else asked.names, []
        for text, whole in zip(self.rows, self.whole if fetches else self.rows, strict=True):
            item = read_text(whole, names)
            if condition is None or matches(condition, read_text(text) if tests_entries else item):
                if paths is not None:
                    text = item_text(project(paths, item))
                texts.append(whole if paths is None and gives_whole else text)
        return texts


def most_rows(asked: PageAsked) -> int:
    """How many rows a page examines at most: few under a filter of very many conditions."""
    most = max(MAX_COMPARISONS // max(effort(asked.condition), 1), 1)
    return most if asked.limit < 0 else min(most, asked.limit)


def _last_key(table: StoredTable, index: StoredIndex | None, text: bytes) -> bytes:
    """The key of the row that a page ended with: that of the index, if one is read, and that of the table."""
    names = dict.fromkeys((*index.key.names, *table.key.names) if index is not None else table.key.names)
    key = read_text(text, names)
    if len(key) < len(names):
        raise DamagedFileError("a stored item lacks its key")
    return item_text(key)
