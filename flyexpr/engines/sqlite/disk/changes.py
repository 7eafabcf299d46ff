"""The record of the changes of a table: each change with its number, and the item before and after it as it was stored.

Only what somebody needs is kept of the two items: for a stream of new images that is the newer one. Where neither is
needed, the key stands in the place of one.

The number of a change is the time when it was made, in microseconds since 1970, or one more than that of the change
before it, if that is larger. So numbers rise, whatever happens to the clock, and say when a change was made. The newest
change always stays in its store, so that no number comes twice.

    sqlite3 scores.db 'SELECT number, old, new FROM changes_2'     the changes of a table, as wire JSON
"""

from __future__ import annotations

from collections.abc import Iterator

from flyexpr.engines.sqlite.disk.images import Row
from flyexpr.engines.sqlite.disk.storage import Storage

SECOND = 1_000_000
NOT_KEPT: Row = (0, b"{}")  # in the place of an item that nobody needs
_NO_KEY = (None, NOT_KEPT[1])  # these texts hold no key

StoredChange = tuple[int, int, int | None, bytes | None, int | None, bytes | None]
"""A change of an item, as SQLite gives it: with a class for it, a page of 1,000 records takes a third longer.

The members: the number of the change; 1 if the item was deleted because its time to live had passed, else 0; the size
and the text of the item before the change; the size and the text after it. Size and text are None where there was no
item.
"""


def row_before(change: StoredChange) -> Row | None:
    """The row of the item before a change.

    >>> row_before((1, 0, 9, b'{"id":{"S":"abc"}}', None, None))
    (9, b'{"id":{"S":"abc"}}')
    """
    size, text = change[2:4]
    return None if size is None or text is None else (size, text)


def text_with_key(change: StoredChange) -> bytes:
    """A text of the item that has its key: the newer one, unless only the older one was kept.

    >>> text_with_key((1, 0, 9, b'{"id":{"S":"abc"}}', *NOT_KEPT))
    b'{"id":{"S":"abc"}}'
    """
    old, new = change[3], change[5]
    text = old if new in _NO_KEY else new
    assert text is not None
    return text


def change_number(seconds: float) -> int:
    """The least number of a change that is made at a time.

    >>> change_number(1.5)
    1500000
    """
    return max(int(seconds * SECOND), 0)


def create_changes(storage: Storage, store: str) -> None:
    """Make a store of changes."""
    storage.connection.execute(
        f"CREATE TABLE {store} (number INTEGER PRIMARY KEY, expired INTEGER NOT NULL, old_size INTEGER, old TEXT, "
        "new_size INTEGER, new TEXT)"
    )


def last_number(storage: Storage, store: str) -> int:
    """The number of the newest change; 0 if there has been none."""
    ((number,),) = storage.connection.execute(f"SELECT max(number) FROM {store}")
    return number or 0


def read_changes(storage: Storage, store: str, after: int, last: int) -> Iterator[StoredChange]:
    """The changes after a number, up to the last one, in their order, read as they are taken."""
    return storage.connection.execute(
        f"SELECT number, expired, old_size, old, new_size, new FROM {store} WHERE number > ? AND number <= ? "
        "ORDER BY number",
        (after, last),
    )


def trim_changes(storage: Storage, store: str, before: int, limit: int) -> int:
    """How many changes with a number below `before` were deleted, the oldest first; the newest change stays."""
    done = storage.connection.execute(
        f"DELETE FROM {store} WHERE number IN (SELECT number FROM {store} WHERE number < ? AND number < "
        f"(SELECT max(number) FROM {store}) ORDER BY number LIMIT ?)",
        (before, limit),
    )
    return done.rowcount


def has_changes(storage: Storage, store: str, after: int, before: int) -> bool:
    """Whether there are changes between two numbers, without them."""
    return any(
        storage.connection.execute(f"SELECT 1 FROM {store} WHERE number > ? AND number < ? LIMIT 1", (after, before))
    )
