"""The shards of the streams of a file: the rows of one SQLite table, each generation after its parents.

The shards that are open are those that begin last: all of a stream close at once, and their children take their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.records import record

_INSERT = "INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT id, parent, start, last, part, parts, closed FROM shards WHERE stream = ?"
_IN_ORDER = "ORDER BY start, part"
_NEWEST = "start = (SELECT max(start) FROM shards WHERE stream = ?)"


@record
class Shard:
    """A part of a stream: the changes after `start` up to `end` (None while it is open) of a part of the partitions.

    `part` is (n, of how many): the partitions of one segment of a parallel scan. `closed` is the number of the moment
    at which the shard was closed.
    """

    id: str
    parent: str | None
    start: int
    end: int | None
    part: tuple[int, int]
    closed: int | None = None


def find_shard(storage: Storage, arn: str, shard_id: str) -> Shard | None:
    """The shard of a stream that has an id, or None."""
    return next(_shards(storage, f"{_SELECT} AND id = ?", arn, shard_id), None)


def open_shards(storage: Storage, arn: str) -> list[Shard]:
    """The shards of a stream that are not closed."""
    return list(_shards(storage, f"{_SELECT} AND {_NEWEST} AND closed IS NULL {_IN_ORDER}", arn, arn))


def kept_shards(
    storage: Storage, arn: str, horizon: int, after: Shard | None = None, parent: str | None = None
) -> Iterator[Shard]:
    """The shards that are open, or were not closed before the number `horizon`, parents first, read as they are taken.

    A reader that has come to the end of a shard has the time until then to learn of its children. `after` asks for
    those after a shard, `parent` for the children of one.
    """
    query = f"{_SELECT} AND (closed IS NULL OR closed >= ?)"
    values: list[Any] = [arn, horizon]
    if after is not None:
        query += " AND (start, part) > (?, ?)"
        values += [after.start, after.part[0]]
    if parent is not None:
        query += " AND parent = ?"
        values.append(parent)
    return _shards(storage, f"{query} {_IN_ORDER}", *values)


def add_shards(storage: Storage, arn: str, shards: Iterable[Shard]) -> None:
    """Enter new shards of a stream."""
    rows = ((arn, one.start, *one.part, one.id, one.parent, one.end, one.closed) for one in shards)
    storage.connection.executemany(_INSERT, rows)


def close_shards(storage: Storage, arn: str, end: int, closed: int) -> None:
    """Close the open shards of a stream; `end` is the number of the last change, `closed` that of the moment."""
    storage.connection.execute(
        f"UPDATE shards SET last = ?, closed = ? WHERE stream = ? AND {_NEWEST} AND closed IS NULL",
        (end, closed, arn, arn),
    )


def trim_shards(storage: Storage, arn: str, horizon: int) -> None:
    """Strike out the shards of a stream that were closed before a number."""
    storage.connection.execute(
        "DELETE FROM shards WHERE stream = ? AND start < ? AND closed < ?", (arn, horizon, horizon)
    )


def last_end(storage: Storage, arn: str) -> int:
    """The number of the last change of the closed shards of a stream; 0 if there are none."""
    ((number,),) = storage.connection.execute("SELECT max(last) FROM shards WHERE stream = ?", (arn,))
    return number or 0


def drop_shards(storage: Storage, arn: str) -> None:
    """Strike out all shards of a stream."""
    storage.connection.execute("DELETE FROM shards WHERE stream = ?", (arn,))


def _shards(storage: Storage, query: str, *values: Any) -> Iterator[Shard]:
    for id, parent, start, last, part, parts, closed in storage.connection.execute(query, values):
        numbers = (start, part, parts, *(one for one in (last, closed) if one is not None))
        if not all(isinstance(one, int) for one in numbers) or not 0 <= part < parts:
            raise DamagedFileError("a shard of a stream cannot be read")
        yield Shard(_text(id), None if parent is None else _text(parent), start, last, (part, parts), closed)


def _text(value: Any) -> str:
    try:
        text: str = value.decode()
    except (AttributeError, UnicodeDecodeError) as error:
        raise DamagedFileError("a shard of a stream cannot be read") from error
    return text
