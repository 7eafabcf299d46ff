"""A table as it stood at a moment: what has changed since is taken back, in what a reader sees of it.

Each item that was changed is shown as it was before its first change after the moment. So the record of changes has to
have the items as they were before, since that moment: for a stream of old images, or for point in time recovery. Of a
transaction all changes count as made by the moment, or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from flyexpr.engines.sqlite.disk.history.changes import SECOND, change_number, last_number, last_together, read_before
from flyexpr.engines.sqlite.disk.history.past import PastStorage, Progress
from flyexpr.engines.sqlite.disk.history.streams import find_stream
from flyexpr.engines.sqlite.disk.images import Row, read_image
from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.engines.sqlite.disk.keeping import DAY, OLD_VIEWS
from flyexpr.engines.sqlite.disk.key_schema import row_key
from flyexpr.engines.sqlite.disk.schema import Changes, StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations.carry_out import carry_out
from flyexpr.engines.sqlite.operations.recording import retention
from flyexpr.errors import DynamoError
from flyexpr.records import replace

_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MINUTE = 60 * SECOND


def number_at(moment: datetime) -> int:
    """The number of the last change that may have been made by a moment.

    >>> number_at(datetime(1970, 1, 1, 0, 0, 1, 5, timezone.utc))
    1000005
    """
    return (moment - _START) // timedelta(microseconds=1)


def first_changes(
    storage: Storage, table: StoredTable, store: str, after: int, last: int
) -> Iterator[tuple[bytes, Row | None]]:
    """The row key of each item that was changed after a number, up to the last one, and the row that it had before."""
    seen = set[bytes]()
    for key, before in read_before(storage, store, after, last):
        row = row_key(table.key, read_text(key))
        if row not in seen:
            seen.add(row)
            yield row, before


def take_back(storage: PastStorage, table: StoredTable) -> None:
    """Show the items of a table as they stood. What was changed since they were last looked at is all that is done."""
    changes, now = _recorded(table), change_number(storage.keeping.clock())
    stores = [table.store, *(one.store for one in table.indexes), *(one.store for one in table.vector_indexes)]
    progress, last = storage.progress(table.name, stores), last_number(storage, changes.store)
    if progress is not None and progress.number >= last and now - progress.until < _MINUTE:
        return
    after, until = progress or Progress(last_together(storage, changes.store, storage.number), storage.number)
    earliest = _earliest(storage, changes, now)
    if until < earliest:
        raise _too_early(table.name, earliest)
    if progress is None:
        storage.hide(stores)
    quiet = replace(table, changes=None, expiry=None)
    for row, before in first_changes(storage, table, changes.store, after, last):
        present, was = storage.present(table.store, row), storage.was(table.store, row, before)
        carry_out(storage, quiet, row, read_image(present, table.watched), read_image(was, table.watched))
    storage.keep_progress(table.name, stores, Progress(max(after, last), max(until, now)))


def _recorded(table: StoredTable) -> Changes:
    """Where the changes of a table are recorded, with the items as they were."""
    changes = table.changes
    if changes is None or not changes.keeps_old:
        lacking = "no stream says" if changes is None else "the stream does not say"
        raise DynamoError.of(
            "PointInTimeRecoveryUnavailableException",
            f"{lacking} how the items of table {table.name!r} were\n"
            '  hint: declare it, Table(..., stream="both"), and run(table, update_table()); from then on it has them',
        )
    return changes


def _earliest(storage: Storage, changes: Changes, now: int) -> int:
    """The number of the earliest moment since which the record has the items as they were."""
    moments = []
    if changes.days:
        moments.append(max(changes.restorable, now - int(changes.days * DAY * SECOND)))
    stream = find_stream(storage, changes.stream) if changes.stream is not None else None
    if stream is not None and stream.view in OLD_VIEWS:
        moments.append(max(change_number(stream.created), now - int(retention(storage, stream) * SECOND)))
    return min(moments, default=now)


def _too_early(name: str, earliest: int) -> DynamoError:
    moment = (_START + timedelta(microseconds=earliest)).isoformat()
    text = f"table {name!r} can be read as it stood at {moment} or later, for the record of its changes begins there"
    return DynamoError.of("InvalidRestoreTimeException", text)
