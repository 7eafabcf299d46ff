"""What the record of changes loses with time: changes that nobody needs any more, and streams that ended long ago."""

from __future__ import annotations

from typing import NamedTuple

from flyexpr.engines.sqlite.disk.history.backups import StoredBackup, backups, drop_backup
from flyexpr.engines.sqlite.disk.history.changes import change_number, has_changes, last_number, trim_changes
from flyexpr.engines.sqlite.disk.history.streams import StoredStream, drop_stream, keep_stream, streams
from flyexpr.engines.sqlite.disk.keeping import DAY
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations.recording import drop_unused, retention
from flyexpr.records import replace

PORTION = 1000  # changes that are deleted at once: some 10 ms of work, for a request that happens to come by
LATER = (
    3600.0  # seconds for which a change stays after its time: an iterator that passes it is refused, not led past it
)


class Due(NamedTuple):
    """What there is to do.

    The stores with changes below a number, the streams of another retention, and the streams and backups to forget.
    """

    stores: dict[str, int]
    kept_otherwise: list[StoredStream]
    over: list[StoredStream]
    expired: list[StoredBackup]


def trim(storage: Storage, now: float) -> bool:
    """Delete up to 1,000 changes that nobody needs, without waiting for another process; whether there may be more.

    Where there is nothing to do, nothing is locked.
    """
    with storage.transaction("DEFERRED"):
        due = _due(storage, now)
    if not any(due):
        return False
    left = PORTION
    with storage.transaction("IMMEDIATE", patience=0):
        due = _due(storage, now)
        for stream in due.kept_otherwise:
            keep_stream(storage, replace(stream, retention=retention(storage, stream)))
        for stream in due.over:
            drop_stream(storage, stream)
            if not _is_recorded(storage, stream):
                drop_unused(storage, stream.store)
                due.stores.pop(stream.store, None)
        for backup in due.expired:
            drop_backup(storage, backup)
        for store, before in due.stores.items():
            left -= trim_changes(storage, store, before, left)
    return not left


def _due(storage: Storage, now: float) -> Due:
    kept = list(streams(storage))
    seconds = {stream.store: retention(storage, stream) for stream in kept}
    for name in storage.expiring_tables():
        changes = storage.table(name).changes
        if changes is not None and changes.days:
            seconds[changes.store] = max(seconds.get(changes.store, 0.0), changes.days * DAY)
    before = {store: change_number(now - period - LATER) for store, period in seconds.items()}
    return Due(
        {
            store: number
            for store, number in before.items()
            if has_changes(storage, store, 0, min(number, last_number(storage, store)))
        },
        [stream for stream in kept if stream.retention != retention(storage, stream)],
        [
            stream
            for stream in kept
            if stream.ended is not None and stream.ended + retention(storage, stream) + LATER < now
        ],
        [backup for backup in backups(storage) if backup.expires is not None and backup.expires < now],
    )


def _is_recorded(storage: Storage, stream: StoredStream) -> bool:
    """Whether the table of a stream goes on recording where the stream did."""
    table = storage.find(stream.table)
    return table is not None and table.changes is not None and table.changes.store == stream.store
